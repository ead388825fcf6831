/* SPDX-License-Identifier: MIT */
/* See part.h. */
#include "regd/fleet/base/part.h"

#include <string.h>

#include "client/base/error.h"
#include "regd/fleet/base/fleet.pb-c.h"
#include "regd/fleet/base/key.h"
#include "regd/fleet/base/pack.h"

/* What a part may take once it is read: steps are small, and their structures are not. */
#define LIMIT_MEMORY_BYTES (16U * 1024U * 1024U)
/* What a step takes in a part besides its key and record, at most. */
#define STEP_BYTES 16U
#define OWNER "owner"
#define ID_DIGITS (2U * FLEET_ID_BYTES)

static gboolean refuse(GError **error, const char *why) {
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "%s", why);
}

/* ---- steps ---- */

FleetStep *fleet_step_new(GBytes *key, GBytes *record) {
  FleetStep *step = g_new0(FleetStep, 1);
  step->key = g_bytes_ref(key);
  step->record = record != NULL ? g_bytes_ref(record) : NULL;
  return step;
}

void fleet_step_free(gpointer data) {
  FleetStep *step = data;
  g_bytes_unref(step->key);
  g_clear_pointer(&step->record, g_bytes_unref);
  g_free(step);
}

static gsize measure(const FleetStep *step) {
  return STEP_BYTES + g_bytes_get_size(step->key) +
         (step->record != NULL ? g_bytes_get_size(step->record) : 0);
}

/* ---- parts ---- */

guint fleet_part_find_end(const GPtrArray *steps, guint first, guint most, gsize bytes) {
  guint end = first + 1;
  gsize size = measure(steps->pdata[first]);
  while (end < steps->len && end - first < most) {
    size += measure(steps->pdata[end]);
    if (size > MIN(bytes, FLEET_LIMIT_PART_BYTES))
      break;
    end++;
  }
  return end;
}

static ProtobufCBinaryData borrow(GBytes *bytes) {
  gsize size;
  const guint8 *data = g_bytes_get_data(bytes, &size);
  return (ProtobufCBinaryData){.len = size, .data = (guint8 *)(guintptr)data};
}

GBytes *fleet_part_encode(const GPtrArray *steps, guint first, guint end) {
  g_autofree Fleet__Step *messages = g_new(Fleet__Step, end - first);
  g_autofree Fleet__Step **pointers = g_new(Fleet__Step *, end - first);
  for (guint i = first; i < end; i++) {
    const FleetStep *step = steps->pdata[i];
    Fleet__Step *message = pointers[i - first] = &messages[i - first];
    *message = (Fleet__Step)FLEET__STEP__INIT;
    message->has_key = TRUE;
    message->key = borrow(step->key);
    message->has_record = step->record != NULL;
    if (step->record != NULL)
      message->record = borrow(step->record);
  }
  Fleet__Part part = FLEET__PART__INIT;
  part.n_steps = end - first;
  part.steps = pointers;
  return fleet_pack(&part.base);
}

static gboolean read_steps(const Fleet__Part *part, GPtrArray *steps, GError **error) {
  if (steps->len + part->n_steps > FLEET_LIMIT_OPERATIONS)
    return refuse(error, "the commit has too many parts");
  for (gsize i = 0; i < part->n_steps; i++) {
    const Fleet__Step *step = part->steps[i];
    if (!step->has_key || !fleet_key_is_record(step->key.data, step->key.len))
      return refuse(error, "a part of the commit is for what is neither a key nor a value");
    g_autoptr(GBytes) key = g_bytes_new(step->key.data, step->key.len);
    g_autoptr(GBytes) record =
        step->has_record ? g_bytes_new(step->record.data, step->record.len) : NULL;
    g_ptr_array_add(steps, fleet_step_new(key, record));
  }
  return TRUE;
}

gboolean fleet_part_decode(GBytes *bytes, GPtrArray *steps, GError **error) {
  if (g_bytes_get_size(bytes) > 2U * FLEET_LIMIT_PART_BYTES)
    return refuse(error, "a part of the commit is too large");
  ProtobufCMessage *message = fleet_unpack(&fleet__part__descriptor, bytes, LIMIT_MEMORY_BYTES);
  if (message == NULL)
    return refuse(error, "a part of the commit can't be read");
  gboolean done = read_steps((const Fleet__Part *)message, steps, error);
  protobuf_c_message_free_unpacked(message, NULL);
  return done;
}

/* ---- what is pending ---- */

GBytes *fleet_pending_encode(const FleetPending *pending) {
  Fleet__Pending message = FLEET__PENDING__INIT;
  message.has_id = TRUE;
  message.id =
      (ProtobufCBinaryData){.len = FLEET_ID_BYTES, .data = (guint8 *)(guintptr)pending->id};
  message.has_parts = TRUE;
  message.parts = pending->parts;
  message.has_done = TRUE;
  message.done = pending->done;
  return fleet_pack(&message.base);
}

gboolean fleet_pending_decode(GBytes *bytes, FleetPending *pending, GError **error) {
  ProtobufCMessage *message =
      fleet_unpack(&fleet__pending__descriptor, bytes, FLEET_LIMIT_RECORD_BYTES);
  const Fleet__Pending *record = (const Fleet__Pending *)message;
  gboolean good = record != NULL && record->has_id && record->id.len == FLEET_ID_BYTES &&
                  record->parts > 0 && record->parts <= FLEET_LIMIT_PARTS &&
                  record->done <= record->parts;
  if (good) {
    memcpy(pending->id, record->id.data, FLEET_ID_BYTES);
    pending->parts = record->parts;
    pending->done = record->done;
  }
  if (message != NULL)
    protobuf_c_message_free_unpacked(message, NULL);
  return good || refuse(error, "what is said of a commit in parts can't be read");
}

/* ---- keys ---- */

static char *stage_key(const guint8 *id, const char *rest) {
  GString *key = g_string_new(FLEET_KEY_STAGES);
  for (guint i = 0; i < FLEET_ID_BYTES; i++)
    g_string_append_printf(key, "%02x", id[i]);
  g_string_append_printf(key, "/%s", rest);
  return g_string_free(key, FALSE);
}

char *fleet_key_of_stage(const guint8 *id) {
  return stage_key(id, "");
}

char *fleet_key_of_owner(const guint8 *id) {
  return stage_key(id, OWNER);
}

char *fleet_key_of_part(const guint8 *id, guint32 number) {
  char digits[11];
  g_snprintf(digits, sizeof digits, "%05u", number);
  return stage_key(id, digits);
}

gboolean fleet_key_parse_stage(const char *key, gsize size, guint8 *id, gboolean *is_owner) {
  gsize prefix = strlen(FLEET_KEY_STAGES), whole = prefix + ID_DIGITS + 1;
  if (size < whole || memcmp(key, FLEET_KEY_STAGES, prefix) != 0 || key[whole - 1] != '/')
    return FALSE;
  for (guint i = 0; i < FLEET_ID_BYTES; i++) {
    int high = g_ascii_xdigit_value(key[prefix + 2 * i]);
    int low = g_ascii_xdigit_value(key[prefix + 2 * i + 1]);
    if (high < 0 || low < 0)
      return FALSE;
    id[i] = (guint8)(high * 16 + low);
  }
  *is_owner = size - whole == strlen(OWNER) && memcmp(key + whole, OWNER, strlen(OWNER)) == 0;
  return TRUE;
}
