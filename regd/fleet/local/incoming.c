/* SPDX-License-Identifier: MIT */
/* See incoming.h. Deletions come first, then keys from the top down, then values, so that a commit
 * ends in the same state whatever order it names them in. */
#include "regd/fleet/local/incoming.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "regd/edit/edit-values.h"
#include "regd/fleet/base/key.h"
#include "regd/fleet/local/ledger.h"
#include "regd/fleet/local/leftover.h"
#include "regd/fleet/local/mounts.h"
#include "regd/fleet/local/place-record.h"
#include "regd/fleet/local/secrets.h"

/* A record that has been read. */
typedef struct {
  const FleetRecord *record;
  FleetKeyKind kind;
  char *path, *name;
  guint depth;
  FleetKey *key;     /* NULL: it is deleted, or a value */
  FleetValue *value; /* NULL: it is deleted, or a key */
} Incoming;

static void incoming_free(gpointer data) {
  Incoming *incoming = data;
  g_free(incoming->path);
  g_free(incoming->name);
  g_clear_pointer(&incoming->key, fleet_key_free);
  g_clear_pointer(&incoming->value, fleet_value_free);
  g_free(incoming);
}

/* What is the same for all records. */
typedef struct {
  Edit *edit;
  FleetOrder *order;
  const FleetState *state;
  GPtrArray *read; /* of Incoming */
  FleetSecrets secrets;
  gboolean had_problems; /* those of records that come now are to be cleared */
  Place *place;          /* of the newest value, or NULL */
} Arrival;

static void arrival_clear(Arrival *arrival) {
  fleet_secrets_clear(&arrival->secrets);
  place_free(arrival->place);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Arrival, arrival_clear)

/* ---- problems ---- */

/* Keys of records are a stranger's bytes. Of a long one the beginning is kept, and what tells it
 * from others. */
static char *get_name(const FleetRecord *record) {
  gsize size = record->key_size;
  g_autofree char *name =
      g_utf8_make_valid(record->key, (gssize)MIN(size, FLEET_LIMIT_PROBLEM_BYTES));
  if (size <= FLEET_LIMIT_PROBLEM_BYTES)
    return g_steal_pointer(&name);
  g_autofree char *digest =
      g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)record->key, size);
  return g_strdup_printf("%s... (%zu bytes, SHA-256 %s)", name, size, digest);
}

static gboolean note(Arrival *arrival, const FleetRecord *record, const char *why, GError **error) {
  if (arrival->order->n_problems++ >= FLEET_LIMIT_PROBLEMS) /* no more are kept */
    return TRUE;
  g_autofree char *name = get_name(record);
  g_autofree char *reason = g_utf8_make_valid(why, (gssize)strnlen(why, FLEET_LIMIT_PROBLEM_BYTES));
  FleetProblem problem = {.record = name, .problem = reason, .revision = arrival->order->revision};
  return fleet_problem_note(arrival->edit->store, &problem, error);
}

static gboolean clear(Arrival *arrival, const FleetRecord *record, GError **error) {
  if (!arrival->had_problems)
    return TRUE;
  g_autofree char *name = get_name(record);
  return fleet_problem_clear(arrival->edit->store, name, error);
}

/* ---- reading ---- */

static gboolean check_place(const Arrival *arrival, const Incoming *incoming, GError **error) {
  g_autoptr(Path) path = path_parse(incoming->path, error);
  if (path == NULL)
    return FALSE;
  return fleet_mounts_hold((const char *const *)arrival->state->mounts, incoming->path) ||
         error_set(error, REGISTRY_ERROR_INVALID_VALUE, "it lies outside of the fleet's keys");
}

static gboolean check_spelling(const char *spelling, const char *name, GError **error) {
  return path_compare_names(spelling, name) == 0 ||
         error_set(error, REGISTRY_ERROR_INVALID_VALUE, "its spelling is of another name");
}

static gboolean read_key(Incoming *incoming, GError **error) {
  incoming->key = fleet_key_decode(incoming->record->record, error);
  if (incoming->key == NULL ||
      !check_spelling(incoming->key->spelling, path_get_leaf(incoming->path), error))
    return FALSE;
  if (incoming->key->link == NULL)
    return TRUE;
  g_autoptr(Path) target = path_parse(incoming->key->link, error);
  return target != NULL;
}

/* Without the schema everybody who may read the key could read the secret. */
static gboolean open_sealed(Arrival *arrival, Incoming *incoming, GError **error) {
  FleetValue *value = incoming->value;
  if (!edit_is_secret(arrival->edit, incoming->path, incoming->name))
    return error_set(
        error, REGISTRY_ERROR_INVALID_VALUE,
        "it is sealed, and no schema of this host calls it secret: install the schema, "
        "then `regctl fleet resync`");
  value->value = fleet_secrets_open(&arrival->secrets, incoming->record->key, value, error);
  return value->value != NULL;
}

static gboolean read_value(Arrival *arrival, Incoming *incoming, GError **error) {
  incoming->value = fleet_value_decode(incoming->record->record, error);
  if (incoming->value == NULL ||
      !check_spelling(incoming->value->spelling, incoming->name, error) ||
      (incoming->value->value == NULL && !open_sealed(arrival, incoming, error)))
    return FALSE;
  return registry_value_get_type(incoming->value->value) != REGISTRY_LINK ||
         path_compare_names(incoming->name, LINK_VALUE_NAME) != 0 ||
         error_set(error, REGISTRY_ERROR_INVALID_VALUE, "a link is an attribute of its key");
}

static gboolean read_record(Arrival *arrival, Incoming *incoming, GError **error) {
  const FleetRecord *record = incoming->record;
  if (!fleet_key_parse(record->key, record->key_size, &incoming->kind, &incoming->path,
                       &incoming->name))
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "its key names no place");
  if (incoming->kind == FLEET_KEY_OTHER)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "it is neither a key nor a value");
  if (!check_place(arrival, incoming, error))
    return FALSE;
  incoming->depth = path_count_depth(incoming->path);
  if (record->record == NULL)
    return TRUE;
  return incoming->kind == FLEET_KEY_KEY ? read_key(incoming, error)
                                         : read_value(arrival, incoming, error);
}

/* Records that can't be read are noted until they are deleted; the others are `read`. */
static gboolean read_records(Arrival *arrival, GError **error) {
  for (guint i = 0; i < arrival->order->records->len; i++) {
    g_autoptr(GError) why = NULL;
    Incoming *incoming = g_new0(Incoming, 1);
    incoming->record = g_ptr_array_index(arrival->order->records, i);
    if (read_record(arrival, incoming, &why)) {
      g_ptr_array_add(arrival->read, incoming);
      continue;
    }
    gboolean done = incoming->record->record != NULL
                        ? note(arrival, incoming->record, why->message, error)
                        : clear(arrival, incoming->record, error);
    arrival->order->n_unusable += incoming->record->record != NULL;
    incoming_free(incoming);
    if (!done)
      return FALSE;
  }
  return TRUE;
}

/* ---- the order of things ---- */

typedef enum { STEP_VALUES_GO, STEP_KEYS_GO, STEP_KEYS_COME, STEP_VALUES_COME } Step;

static Step get_step(const Incoming *incoming) {
  if (incoming->kind == FLEET_KEY_VALUE)
    return incoming->value != NULL ? STEP_VALUES_COME : STEP_VALUES_GO;
  return incoming->key != NULL ? STEP_KEYS_COME : STEP_KEYS_GO;
}

static gint compare_numbers(guint64 a, guint64 b) {
  return a < b ? -1 : a > b;
}

/* Values come in the order in which the fleet has made them. */
static gint compare(gconstpointer a, gconstpointer b) {
  const Incoming *first = *(const Incoming *const *)a;
  const Incoming *second = *(const Incoming *const *)b;
  Step step = get_step(first);
  gint order = compare_numbers(step, get_step(second));
  if (order == 0 && step == STEP_KEYS_GO)
    order = compare_numbers(second->depth, first->depth);
  if (order == 0 && step == STEP_KEYS_COME)
    order = compare_numbers(first->depth, second->depth);
  if (order == 0)
    order = compare_numbers(first->record->created, second->record->created);
  if (order == 0 && step == STEP_VALUES_COME)
    order = compare_numbers(first->value->ordinal, second->value->ordinal);
  return order;
}

/* It is applied all the same: what counts is the state. */
static void look_for_secret(Edit *edit, const Incoming *incoming, char **why) {
  if (*why == NULL && incoming->value != NULL && incoming->value->sealed == NULL &&
      edit_is_secret(edit, incoming->path, incoming->name))
    *why = g_strdup("it is secret here, and stands in the cluster for all to read: `regctl fleet "
                    "reseal` seals it");
}

static gboolean place_one(Arrival *arrival, const Incoming *incoming, char **why, GError **error) {
  Edit *edit = arrival->edit;
  switch (get_step(incoming)) {
  case STEP_VALUES_GO:
    return place_record_drop_value(edit, incoming->path, incoming->name, error);
  case STEP_KEYS_GO:
    return place_record_drop_key(edit, incoming->path, error);
  case STEP_KEYS_COME:
    return place_record_put_key(edit, incoming->path, incoming->key, why, error);
  case STEP_VALUES_COME:
    return place_record_put_value(edit, &arrival->place, incoming->path, incoming->value, why,
                                  error);
  }
  return TRUE;
}

/* It was not made by regd, or comes to its place after its commit. */
static gboolean is_headless(const Arrival *arrival) {
  return arrival->order->kind == FLEET_ORDER_APPLY && arrival->order->head == NULL;
}

/* What could not be placed shows in the digest. */
static gboolean take(Arrival *arrival, const Incoming *incoming, char **why, GError **error) {
  Store *store = arrival->edit->store;
  gboolean is_fresh = arrival->order->kind == FLEET_ORDER_RESYNC; /* the ledger was cleared */
  if (!place_one(arrival, incoming, why, error))
    return FALSE;
  arrival->order->n_unusable += *why != NULL;
  return *why != NULL || (is_fresh ? ledger_add : ledger_note)(store, arrival->order->digest,
                                                               incoming->record, error);
}

/* A secret that its commit has brought must not count as a change again. */
static gboolean apply_one(Arrival *arrival, const Incoming *incoming, char **why, GError **error) {
  Edit *edit = arrival->edit;
  gboolean is_held = FALSE;
  if (is_headless(arrival) && !ledger_holds(edit->store, incoming->record, &is_held, error))
    return FALSE;
  if (!is_held && !take(arrival, incoming, why, error))
    return FALSE;
  look_for_secret(edit, incoming, why);
  return TRUE;
}

/* @before: how many differences there were. A large commit comes to its places without a head and
 * changes nothing more. */
static gboolean note_outcome(Arrival *arrival, const FleetRecord *record, guint before,
                             const char *why, GError **error) {
  if (why == NULL && is_headless(arrival) && arrival->edit->differences->len > before)
    why = FLEET_FOREIGN_WRITE;
  return why != NULL ? note(arrival, record, why, error) : clear(arrival, record, error);
}

static gboolean apply_all(Arrival *arrival, GError **error) {
  g_ptr_array_sort(arrival->read, compare);
  for (guint i = 0; i < arrival->read->len; i++) {
    const Incoming *incoming = g_ptr_array_index(arrival->read, i);
    g_autofree char *why = NULL;
    guint before = arrival->edit->differences->len;
    if (!apply_one(arrival, incoming, &why, error) ||
        !note_outcome(arrival, incoming->record, before, why, error))
      return FALSE;
  }
  return TRUE;
}

gboolean incoming_apply(Edit *edit, FleetOrder *order, const FleetState *state, GError **error) {
  g_autoptr(GPtrArray) read = g_ptr_array_new_with_free_func(incoming_free);
  g_auto(Arrival) arrival = {.edit = edit,
                             .order = order,
                             .state = state,
                             .read = read,
                             .secrets = {.edit = edit, .state = state}};
  edit->every_secret_counts = TRUE;
  memcpy(order->digest, state->digest, sizeof order->digest);
  return fleet_problem_find_any(edit->store, &arrival.had_problems, error) &&
         read_records(&arrival, error) && apply_all(&arrival, error);
}

/* ---- a re-sync ---- */

/* Whether it may be done to a mount: a partial answer must not empty a host. */
static gboolean check_leftovers(Arrival *arrival, const Leftovers *left) {
  if (arrival->order->agreed || arrival->state->applied == 0 ||
      left->values <= FLEET_CAREFUL_VALUES || left->gone * 2 <= left->values)
    return TRUE;
  arrival->order->refused = g_strdup_printf(
      "would delete %u of %u values: regctl fleet resync --force", left->gone, left->values);
  return FALSE;
}

/* Adds a deletion for each thing below the mounts that has no record. */
static gboolean add_deletions(Arrival *arrival, gboolean *may, GError **error) {
  g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
  g_auto(Leftovers) left = {.records = g_ptr_array_new_with_free_func(fleet_record_free)};
  GPtrArray *records = arrival->order->records;
  for (guint i = 0; i < records->len; i++)
    g_hash_table_add(known, ((FleetRecord *)g_ptr_array_index(records, i))->key);
  *may = TRUE;
  for (gsize i = 0; *may && arrival->state->mounts[i] != NULL; i++) {
    left.values = left.gone = 0;
    if (!leftovers_find(&left, arrival->edit, arrival->state->mounts[i], known, error))
      return FALSE;
    *may = check_leftovers(arrival, &left);
  }
  for (guint i = 0; *may && i < left.records->len; i++)
    g_ptr_array_add(records, g_steal_pointer(&g_ptr_array_index(left.records, i)));
  return TRUE;
}

gboolean incoming_resync(Edit *edit, FleetOrder *order, const FleetState *state, GError **error) {
  g_autoptr(GPtrArray) read = g_ptr_array_new_with_free_func(incoming_free);
  g_auto(Arrival) arrival = {.edit = edit,
                             .order = order,
                             .state = state,
                             .read = read,
                             .secrets = {.edit = edit, .state = state}};
  gboolean may = FALSE;
  if (!add_deletions(&arrival, &may, error))
    return FALSE;
  return !may || (fleet_problem_clear_all(edit->store, error) &&
                  ledger_clear(edit->store, order->digest, error) &&
                  read_records(&arrival, error) && apply_all(&arrival, error));
}
