/* SPDX-License-Identifier: MIT */
/* See record.h. */
#include "regd/fleet/base/record.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "client/base/text.h"
#include "regd/fleet/base/fleet.pb-c.h"
#include "regd/fleet/base/pack.h"

/* What a record may take once it is read. */
#define LIMIT_MEMORY_BYTES (2U * FLEET_LIMIT_RECORD_BYTES)

/* ---- both ways ---- */

static ProtobufCMessage *unpack(const ProtobufCMessageDescriptor *type, GBytes *bytes,
                                GError **error) {
  if (g_bytes_get_size(bytes) > FLEET_LIMIT_RECORD_BYTES) {
    error_set(error, REGISTRY_ERROR_INVALID_VALUE, "the record is larger than %u bytes",
              FLEET_LIMIT_RECORD_BYTES);
    return NULL;
  }
  ProtobufCMessage *message = fleet_unpack(type, bytes, LIMIT_MEMORY_BYTES);
  if (message == NULL)
    error_set(error, REGISTRY_ERROR_INVALID_VALUE, "the record can't be read: not a %s of a fleet",
              type->short_name);
  return message;
}

static ProtobufCBinaryData borrow_id(const guint8 *id) {
  return (ProtobufCBinaryData){.len = FLEET_ID_BYTES, .data = (guint8 *)(guintptr)id};
}

static gboolean refuse(GError **error, const char *why) {
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "the record can't be used: %s", why);
}

static gboolean read_id(const ProtobufCBinaryData *data, gboolean there, guint8 *id,
                        GError **error) {
  if (!there || data->len != FLEET_ID_BYTES)
    return refuse(error, "an id is not of 16 bytes");
  memcpy(id, data->data, FLEET_ID_BYTES);
  return TRUE;
}

/* Text of at most @limit bytes. NULL is text that is not there. */
static gboolean check_text(const char *text, gsize limit, GError **error) {
  if (text == NULL)
    return TRUE;
  if (strlen(text) > limit)
    return refuse(error, "a text is too long");
  return g_utf8_validate(text, -1, NULL) || refuse(error, "a text is not valid UTF-8");
}

gboolean fleet_word_check(const char *text, GError **error) {
  if (!check_text(text, FLEET_LIMIT_WORD_BYTES, error))
    return FALSE;
  for (const char *at = text; at != NULL && *at != '\0'; at++)
    if ((guint8)*at < ' ')
      return refuse(error, "a text holds a control character");
  return TRUE;
}

/* Microseconds, as a clock has them. */
static gboolean check_time(guint64 time, GError **error) {
  return time <= G_MAXINT64 || refuse(error, "a time is out of range");
}

/* ---- commits ---- */

GBytes *fleet_head_encode(const FleetHead *head) {
  Fleet__Head message = FLEET__HEAD__INIT;
  message.has_id = TRUE;
  message.id = borrow_id(head->id);
  message.has_previous = head->has_previous;
  if (head->has_previous)
    message.previous = borrow_id(head->previous);
  message.has_number = TRUE;
  message.number = head->number;
  message.host = head->host;
  message.user = head->user;
  message.program = head->program;
  message.comment = head->comment;
  message.has_time = TRUE;
  message.time = (guint64)head->time;
  message.has_operations = TRUE;
  message.operations = head->operations;
  message.has_staged = head->staged > 0;
  message.staged = head->staged;
  message.has_trial = head->trial > 0;
  message.trial = head->trial;
  message.has_ends = head->ends > 0;
  message.ends = head->ends;
  message.has_undoes = head->undoes;
  message.undoes = head->undoes;
  message.n_open = head->open.count;
  message.open = (uint64_t *)(guintptr)head->open.numbers;
  return fleet_pack(&message.base);
}

static gboolean check_trials(const Fleet__Head *message, GError **error) {
  gboolean fits = message->trial <= LIMIT_TRIAL_SECONDS && message->ends <= LIMIT_REVISION &&
                  message->n_open <= FLEET_LIMIT_TRIALS;
  for (gsize i = 0; fits && i < message->n_open; i++)
    fits = message->open[i] > 0 && message->open[i] <= message->number;
  return fits || refuse(error, "what it says of trials is out of range");
}

static gboolean check_head(const Fleet__Head *message, GError **error) {
  if (message->number == 0 || message->number > LIMIT_REVISION)
    return refuse(error, "the number of the commit is out of range");
  if (!check_trials(message, error))
    return FALSE;
  if (message->has_previous != (message->number > 1))
    return refuse(error, "only the first commit has none before it");
  return fleet_word_check(message->host, error) && fleet_word_check(message->user, error) &&
         fleet_word_check(message->program, error) &&
         check_text(message->comment, LIMIT_COMMENT_BYTES, error) &&
         check_time(message->time, error);
}

static FleetHead *read_head(const Fleet__Head *message, GError **error) {
  g_autoptr(FleetHead) head = g_new0(FleetHead, 1);
  if (!check_head(message, error) ||
      !read_id(&message->id, message->has_id != 0, head->id, error) ||
      (message->has_previous && !read_id(&message->previous, TRUE, head->previous, error)))
    return NULL;
  head->has_previous = message->has_previous != 0;
  head->number = message->number;
  head->host = g_strdup(message->host);
  head->user = g_strdup(message->user);
  head->program = g_strdup(message->program);
  head->comment = g_strdup(message->comment);
  head->time = (gint64)message->time;
  head->operations = message->operations;
  head->staged = message->staged;
  head->trial = message->trial;
  head->ends = message->ends;
  head->undoes = message->undoes != 0;
  for (gsize i = 0; i < message->n_open; i++)
    open_trials_add(&head->open, message->open[i]);
  return g_steal_pointer(&head);
}

FleetHead *fleet_head_decode(GBytes *bytes, GError **error) {
  ProtobufCMessage *message = unpack(&fleet__head__descriptor, bytes, error);
  if (message == NULL)
    return NULL;
  FleetHead *head = read_head((const Fleet__Head *)message, error);
  protobuf_c_message_free_unpacked(message, NULL);
  return head;
}

void fleet_head_free(FleetHead *head) {
  if (head == NULL)
    return;
  g_free(head->host);
  g_free(head->user);
  g_free(head->program);
  g_free(head->comment);
  g_free(head);
}

GBytes *fleet_last_encode(const FleetLast *last) {
  Fleet__Last message = FLEET__LAST__INIT;
  message.has_id = TRUE;
  message.id = borrow_id(last->id);
  message.has_number = TRUE;
  message.number = last->number;
  return fleet_pack(&message.base);
}

gboolean fleet_last_decode(GBytes *bytes, FleetLast *last, GError **error) {
  ProtobufCMessage *message = unpack(&fleet__last__descriptor, bytes, error);
  if (message == NULL)
    return FALSE;
  const Fleet__Last *record = (const Fleet__Last *)message;
  last->number = record->number;
  gboolean good = read_id(&record->id, record->has_id != 0, last->id, error);
  protobuf_c_message_free_unpacked(message, NULL);
  return good;
}

/* ---- keys ---- */

static void free_entry(gpointer data) {
  AclText *entry = data;
  g_free(entry->principal);
  g_free(entry->level);
  g_free(entry);
}

/* @entries and @pointers have room for the list. */
static void fill_list(const FleetKey *key, Fleet__Key *message, Fleet__Entry *entries,
                      Fleet__Entry **pointers) {
  for (guint i = 0; i < key->list->len; i++) {
    const AclText *entry = key->list->pdata[i];
    entries[i] = (Fleet__Entry)FLEET__ENTRY__INIT;
    entries[i].principal = entry->principal;
    entries[i].level = entry->level;
    pointers[i] = &entries[i];
  }
  message->n_list = key->list->len;
  message->list = pointers;
}

GBytes *fleet_key_encode(const FleetKey *key) {
  guint length = key->has_list ? key->list->len : 0;
  g_autofree Fleet__Entry *entries = g_new0(Fleet__Entry, length + 1);
  g_autofree Fleet__Entry **pointers = g_new0(Fleet__Entry *, length + 1);
  Fleet__Key message = FLEET__KEY__INIT;
  message.spelling = key->spelling;
  message.class_name = key->class_name;
  message.link = key->link;
  message.has_has_list = key->has_list;
  message.has_list = key->has_list;
  message.has_ordinal = TRUE;
  message.ordinal = key->ordinal;
  if (length > 0)
    fill_list(key, &message, entries, pointers);
  return fleet_pack(&message.base);
}

static gboolean read_list(const Fleet__Key *message, FleetKey *key, GError **error) {
  if (!message->has_list)
    return message->n_list == 0 || refuse(error, "an access list is there and is not");
  if (message->n_list > LIMIT_ACL_ENTRIES)
    return refuse(error, "the access list is too long");
  key->has_list = TRUE;
  key->list = g_ptr_array_new_with_free_func(free_entry);
  for (gsize i = 0; i < message->n_list; i++) {
    const Fleet__Entry *entry = message->list[i];
    if (entry->principal == NULL || entry->level == NULL)
      return refuse(error, "an entry of the access list is not whole");
    if (!fleet_word_check(entry->principal, error) || !fleet_word_check(entry->level, error))
      return FALSE;
    AclText *text = g_new0(AclText, 1);
    text->principal = g_strdup(entry->principal);
    text->level = g_strdup(entry->level);
    g_ptr_array_add(key->list, text);
  }
  return TRUE;
}

static gboolean check_key(const Fleet__Key *message, GError **error) {
  if (message->spelling == NULL || !path_check_key_name(message->spelling, NULL))
    return refuse(error, "the spelling is no name of a key");
  if (message->class_name != NULL &&
      (!g_utf8_validate(message->class_name, -1, NULL) ||
       text_count_units(message->class_name, strlen(message->class_name)) > LIMIT_CLASS_UNITS))
    return refuse(error, "the class is not UTF-8, or too long");
  if (message->link == NULL)
    return TRUE;
  g_autoptr(Path) target = path_parse(message->link, NULL);
  return (target != NULL && target->root != PATH_ROOT_ABOVE) ||
         refuse(error, "the target of the link is no path");
}

static FleetKey *read_key(const Fleet__Key *message, GError **error) {
  g_autoptr(FleetKey) key = g_new0(FleetKey, 1);
  if (!check_key(message, error) || !read_list(message, key, error))
    return NULL;
  key->spelling = g_strdup(message->spelling);
  key->class_name = g_strdup(message->class_name);
  key->link = g_strdup(message->link);
  key->ordinal = message->ordinal;
  return g_steal_pointer(&key);
}

FleetKey *fleet_key_decode(GBytes *bytes, GError **error) {
  ProtobufCMessage *message = unpack(&fleet__key__descriptor, bytes, error);
  if (message == NULL)
    return NULL;
  FleetKey *key = read_key((const Fleet__Key *)message, error);
  protobuf_c_message_free_unpacked(message, NULL);
  return key;
}

void fleet_key_free(FleetKey *key) {
  if (key == NULL)
    return;
  g_free(key->spelling);
  g_free(key->class_name);
  g_free(key->link);
  g_clear_pointer(&key->list, g_ptr_array_unref);
  g_free(key);
}

/* ---- values ---- */

GBytes *fleet_value_encode(const FleetValue *value) {
  Fleet__Value message = FLEET__VALUE__INIT;
  message.spelling = value->spelling;
  message.has_type = TRUE;
  message.has_ordinal = TRUE;
  message.ordinal = value->ordinal;
  const guint8 *bytes;
  gsize size;
  if (value->value != NULL) {
    message.type = registry_value_get_type(value->value);
    bytes = registry_value_get_bytes(value->value, &size);
    message.has_data = TRUE;
    message.data = (ProtobufCBinaryData){.len = size, .data = (guint8 *)(guintptr)bytes};
    return fleet_pack(&message.base);
  }
  message.type = value->type;
  bytes = g_bytes_get_data(value->sealed, &size);
  message.has_sealed = TRUE;
  message.sealed = (ProtobufCBinaryData){.len = size, .data = (guint8 *)(guintptr)bytes};
  return fleet_pack(&message.base);
}

static FleetValue *read_value(const Fleet__Value *message, GError **error) {
  if (message->spelling == NULL || !path_check_value_name(message->spelling, NULL)) {
    refuse(error, "the spelling is no name of a value");
    return NULL;
  }
  if (!message->has_type || message->has_data == message->has_sealed) {
    refuse(error, "a value has a type, and either data or sealed data");
    return NULL;
  }
  g_autoptr(FleetValue) value = g_new0(FleetValue, 1);
  value->spelling = g_strdup(message->spelling);
  value->type = message->type;
  value->ordinal = message->ordinal;
  if (message->has_data)
    value->value = registry_value_new_bytes(message->type, message->data.data, message->data.len);
  else
    value->sealed = g_bytes_new(message->sealed.data, message->sealed.len);
  return g_steal_pointer(&value);
}

FleetValue *fleet_value_decode(GBytes *bytes, GError **error) {
  ProtobufCMessage *message = unpack(&fleet__value__descriptor, bytes, error);
  if (message == NULL)
    return NULL;
  FleetValue *value = read_value((const Fleet__Value *)message, error);
  protobuf_c_message_free_unpacked(message, NULL);
  return value;
}

void fleet_value_free(FleetValue *value) {
  if (value == NULL)
    return;
  g_free(value->spelling);
  g_clear_pointer(&value->value, registry_value_unref);
  g_clear_pointer(&value->sealed, g_bytes_unref);
  g_free(value);
}

/* ---- the fleet itself ---- */

GBytes *fleet_info_encode(const FleetInfo *info) {
  Fleet__Info message = FLEET__INFO__INIT;
  message.has_uuid = TRUE;
  message.uuid = borrow_id(info->uuid);
  message.has_created = TRUE;
  message.created = (guint64)info->created;
  message.n_mounts = g_strv_length(info->mounts);
  message.mounts = info->mounts;
  message.has_format = TRUE;
  message.format = info->format;
  return fleet_pack(&message.base);
}

static gboolean check_info(const Fleet__Info *message, GError **error) {
  if (!message->has_format || message->format == 0)
    return refuse(error, "it tells no format");
  if (message->format > FLEET_FORMAT)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "the fleet is of format %u; this release reads format %u: upgrade it",
                     message->format, FLEET_FORMAT);
  if (message->n_mounts == 0 || message->n_mounts > FLEET_LIMIT_MOUNTS)
    return refuse(error, "it names no mount, or too many");
  for (gsize i = 0; i < message->n_mounts; i++) {
    g_autoptr(Path) mount = path_parse(message->mounts[i], NULL);
    if (mount == NULL || mount->depth == 0)
      return refuse(error, "a mount is no path of a key");
  }
  return check_time(message->created, error);
}

static FleetInfo *read_info(const Fleet__Info *message, GError **error) {
  g_autoptr(FleetInfo) info = g_new0(FleetInfo, 1);
  if (!check_info(message, error) ||
      !read_id(&message->uuid, message->has_uuid != 0, info->uuid, error))
    return NULL;
  info->created = (gint64)message->created;
  info->format = message->format;
  info->mounts = g_new0(char *, message->n_mounts + 1);
  for (gsize i = 0; i < message->n_mounts; i++)
    info->mounts[i] = g_strdup(message->mounts[i]);
  return g_steal_pointer(&info);
}

FleetInfo *fleet_info_decode(GBytes *bytes, GError **error) {
  ProtobufCMessage *message = unpack(&fleet__info__descriptor, bytes, error);
  if (message == NULL)
    return NULL;
  FleetInfo *info = read_info((const Fleet__Info *)message, error);
  protobuf_c_message_free_unpacked(message, NULL);
  return info;
}

void fleet_info_free(FleetInfo *info) {
  if (info == NULL)
    return;
  g_strfreev(info->mounts);
  g_free(info);
}

/* ---- hosts ---- */

GBytes *fleet_host_encode(const FleetHost *host) {
  Fleet__Host message = FLEET__HOST__INIT;
  message.has_applied = TRUE;
  message.applied = host->applied;
  message.has_number = TRUE;
  message.number = host->number;
  message.has_head = host->has_head;
  if (host->has_head)
    message.head = borrow_id(host->head);
  message.has_digest = host->has_digest;
  if (host->has_digest)
    message.digest = borrow_id(host->digest);
  message.state = host->state;
  message.has_since = TRUE;
  message.since = (guint64)host->since;
  message.version = host->version;
  message.has_problems = TRUE;
  message.problems = host->problems;
  return fleet_pack(&message.base);
}

static FleetHost *read_host(const Fleet__Host *message, GError **error) {
  g_autoptr(FleetHost) host = g_new0(FleetHost, 1);
  if (message->number > LIMIT_REVISION || message->applied > LIMIT_REVISION) {
    refuse(error, "the number of the commit is out of range");
    return NULL;
  }
  if (!fleet_word_check(message->state, error) || !fleet_word_check(message->version, error) ||
      !check_time(message->since, error) ||
      (message->has_head && !read_id(&message->head, TRUE, host->head, error)) ||
      (message->has_digest && !read_id(&message->digest, TRUE, host->digest, error)))
    return NULL;
  host->applied = message->applied;
  host->number = message->number;
  host->has_head = message->has_head != 0;
  host->has_digest = message->has_digest != 0;
  host->state = g_strdup(message->state);
  host->version = g_strdup(message->version);
  host->since = (gint64)message->since;
  host->problems = message->problems;
  return g_steal_pointer(&host);
}

FleetHost *fleet_host_decode(GBytes *bytes, GError **error) {
  ProtobufCMessage *message = unpack(&fleet__host__descriptor, bytes, error);
  if (message == NULL)
    return NULL;
  FleetHost *host = read_host((const Fleet__Host *)message, error);
  protobuf_c_message_free_unpacked(message, NULL);
  return host;
}

void fleet_host_free(FleetHost *host) {
  if (host == NULL)
    return;
  g_free(host->state);
  g_free(host->version);
  g_free(host);
}
