/* SPDX-License-Identifier: MIT */
/* See outgoing.h. A change is sent as the state that it leaves behind, not as the steps that led
 * there, so that a key or value is named once. */
#include "regd/fleet/local/outgoing.h"

#include "client/base/error.h"
#include "client/base/escape.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "regd/edit/edit-values.h"
#include "regd/fleet/base/key.h"
#include "regd/fleet/base/record.h"
#include "regd/fleet/local/secrets.h"
#include "regd/tree/place.h"

typedef struct {
  Edit *edit;
  Proposal *proposal;
  GHashTable *met; /* keys of records that are in the proposal; borrowed */
  const char *const *mounts;
  FleetSecrets secrets;
  gboolean only_secrets; /* neither keys nor other values */
} Collector;

static gboolean is_mount(const Collector *collector, const char *path) {
  for (gsize i = 0; collector->mounts[i] != NULL; i++)
    if (path_compare_names(collector->mounts[i], path) == 0)
      return TRUE;
  return FALSE;
}

/* Takes @key and @record; NULL: it is to be deleted. */
static gboolean add(Collector *collector, const char *path, char *key, GBytes *record,
                    GError **error) {
  if (record != NULL && g_bytes_get_size(record) > FLEET_LIMIT_RECORD_BYTES) {
    error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
              "%s: a value or key of a fleet has at most %u bytes; this one would take %zu", path,
              FLEET_LIMIT_RECORD_BYTES, g_bytes_get_size(record));
    g_bytes_unref(record);
    g_free(key);
    return FALSE;
  }
  proposal_add(collector->proposal, record != NULL ? PROPOSAL_PUT : PROPOSAL_DELETE, key, record);
  g_hash_table_add(collector->met, key);
  return TRUE;
}

/* ---- keys ---- */

/* A number is somebody else on the next host. */
static gboolean check_principal(const char *path, const AclEntry *entry, GError **error) {
  PrincipalKind kind;
  const char *name = NULL;
  if (!access_split_principal(entry->principal, &kind, &name, error))
    return FALSE;
  if (kind == PRINCIPAL_EVERYONE || g_str_equal(entry->principal, "user:0") ||
      !g_ascii_isdigit(*name))
    return TRUE;
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "%s: %s: an access list of a fleet names users and groups; a number is somebody "
                   "else on the next host",
                   path, entry->principal);
}

static void acl_text_free(gpointer data) {
  AclText *text = data;
  g_free(text->principal);
  g_free(text->level);
  g_free(text);
}

/* Fills in the list of @key. */
static gboolean take_list(Edit *edit, const KeyRow *row, const char *path, FleetKey *key,
                          GError **error) {
  Acl *own = NULL;
  guint n_entries = 0;
  if (row->acl == 0)
    return TRUE;
  if (!store_load_acl(edit->store, row->acl, &own, error))
    return FALSE;
  const AclEntry *entries = acl_get_entries(own, &n_entries);
  key->has_list = TRUE;
  key->list = g_ptr_array_new_with_free_func(acl_text_free);
  for (guint i = 0; i < n_entries; i++) {
    if (!check_principal(path, &entries[i], error))
      return FALSE;
    AclText *text = g_new0(AclText, 1);
    text->principal = g_strdup(entries[i].principal);
    text->level = g_strdup(access_level_get_name(entries[i].level));
    g_ptr_array_add(key->list, text);
  }
  return TRUE;
}

static GBytes *encode_key(Collector *collector, const KeyRow *row, const char *path,
                          GError **error) {
  if (row->is_volatile) {
    error_set(error, REGISTRY_ERROR_INVALID_VALUE, "%s: a fleet has no volatile keys", path);
    return NULL;
  }
  g_autoptr(FleetKey) key = g_new0(FleetKey, 1);
  key->spelling = g_strdup(row->name);
  key->class_name = g_strdup(row->class_name);
  key->link = g_strdup(row->link);
  key->ordinal = collector->proposal->operations->len;
  return take_list(collector->edit, row, path, key, error) ? fleet_key_encode(key) : NULL;
}

static gboolean add_key(Collector *collector, gint64 id, const char *path, GError **error) {
  g_autofree char *name = fleet_key_of_key(path);
  g_autoptr(KeyRow) row = NULL;
  GBytes *record = NULL;
  if (g_hash_table_contains(collector->met, name))
    return TRUE;
  if (!store_get_key(collector->edit->store, id, &row, error))
    return FALSE;
  if (!row->live && is_mount(collector, path))
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "%s: this key is what the fleet holds, and can't be deleted or renamed: "
                     "`regctl fleet leave` first",
                     path);
  if (row->live && (record = encode_key(collector, row, path, error)) == NULL)
    return FALSE;
  return add(collector, path, g_steal_pointer(&name), record, error);
}

/* ---- values ---- */

/* What a schema of this host calls secret is sealed: the agent, the cluster and its backups have
 * no part in it. @key: of the record. */
static GBytes *encode_value(Collector *collector, const char *key, const ValueRow *row,
                            const char *path, GError **error) {
  g_autoptr(GError) problem = NULL;
  g_autoptr(GBytes) sealed = NULL;
  FleetValue value = {.spelling = row->name,
                      .type = registry_value_get_type(row->value),
                      .ordinal = collector->proposal->operations->len};
  gboolean is_secret = edit_is_secret(collector->edit, path, row->name);
  if (!is_secret && row->secrecy == SECRECY_SECRET) {
    error_set(error, REGISTRY_ERROR_ACCESS_DENIED,
              "%s: %s: it was secret when it was written, and no schema calls it so here: a fleet "
              "would hold it for all to read; set it anew",
              path, row->name);
    return NULL;
  }
  if (!is_secret) {
    value.value = row->value;
    return fleet_value_encode(&value);
  }
  sealed = fleet_secrets_seal(&collector->secrets, key, row->value, &problem);
  if (sealed == NULL) {
    error_set(error, problem->code, "%s: %s: a fleet takes secret values only sealed: %s", path,
              row->name, problem->message);
    return NULL;
  }
  value.sealed = sealed;
  return fleet_value_encode(&value);
}

static gboolean add_value(Collector *collector, gint64 id, const char *path, const char *name,
                          GError **error) {
  g_autofree char *key = fleet_key_of_value(path, name);
  g_autofree char *fold = path_fold(name);
  g_autoptr(ValueRow) row = NULL;
  GBytes *record = NULL;
  if (g_hash_table_contains(collector->met, key))
    return TRUE;
  if (!store_find_value(collector->edit->store, id, fold, &row, error))
    return FALSE;
  if (row != NULL && (record = encode_value(collector, key, row, path, error)) == NULL)
    return FALSE;
  return add(collector, path, g_steal_pointer(&key), record, error);
}

/* ---- a change ---- */

static char *dup_user(const Identity *who) {
  g_autofree char *name = access_dup_user_name(who->uid);
  return name != NULL ? escape_dup(name, -1, FLEET_LIMIT_WORD_BYTES)
                      : g_strdup_printf("%u", who->uid);
}

static void collector_init(Collector *collector, Edit *edit, const FleetState *state) {
  collector->edit = edit;
  collector->proposal = proposal_new(edit->who, state->head);
  collector->proposal->user = dup_user(edit->who);
  collector->met = g_hash_table_new(g_str_hash, g_str_equal);
  collector->mounts = (const char *const *)state->mounts;
  collector->secrets = (FleetSecrets){.edit = edit, .state = state};
  collector->only_secrets = FALSE;
}

static Proposal *collector_end(Collector *collector, gboolean done) {
  g_autoptr(Proposal) proposal = collector->proposal;
  g_hash_table_unref(collector->met);
  fleet_secrets_clear(&collector->secrets);
  return done ? g_steal_pointer(&proposal) : NULL;
}

static gboolean add_difference(Collector *collector, const Difference *difference, GError **error) {
  /* A link's target is an attribute of its key, and its only value. */
  gboolean of_key = difference->name == NULL || difference->reroutes;
  return of_key ? add_key(collector, difference->key, difference->path, error)
                : add_value(collector, difference->key, difference->path, difference->name, error);
}

Proposal *outgoing_collect(Edit *edit, const FleetState *state, GError **error) {
  Collector collector;
  gboolean done = TRUE;
  collector_init(&collector, edit, state);
  for (guint i = 0; done && i < edit->differences->len; i++)
    done = add_difference(&collector, g_ptr_array_index(edit->differences, i), error);
  if (edit->differences->len > 0)
    collector.proposal->path =
        g_strdup(((const Difference *)g_ptr_array_index(edit->differences, 0))->path);
  return collector_end(&collector, done);
}

/* ---- everything ---- */

static gboolean add_branch(Collector *collector, const KeyRow *row, GError **error);

static gboolean add_contents(Collector *collector, const KeyRow *row, const char *path,
                             GError **error) {
  Store *store = collector->edit->store;
  g_autoptr(GPtrArray) values = store_list_values(store, row->id, error);
  if (values == NULL)
    return FALSE;
  for (guint i = 0; i < values->len; i++) {
    const ValueRow *value = g_ptr_array_index(values, i);
    if (collector->only_secrets && !edit_is_secret(collector->edit, path, value->name))
      continue;
    if (!add_value(collector, row->id, path, value->name, error))
      return FALSE;
  }
  g_autoptr(GPtrArray) children = store_list_children(store, row->id, NULL, error);
  if (children == NULL)
    return FALSE;
  for (guint i = 0; i < children->len; i++)
    if (!add_branch(collector, g_ptr_array_index(children, i), error))
      return FALSE;
  return TRUE;
}

static gboolean add_branch(Collector *collector, const KeyRow *row, GError **error) {
  GRefString *path = store_get_path(collector->edit->store, row->id, error);
  if (path == NULL)
    return FALSE;
  gboolean done = (collector->only_secrets || add_key(collector, row->id, path, error)) &&
                  (row->link != NULL || add_contents(collector, row, path, error));
  g_ref_string_release(path);
  return done;
}

/* A mount is a key and no link, so that what is below it is where it seems to be; and it stays. */
static Place *find_mount(Edit *edit, const char *mount, GError **error) {
  g_autoptr(Place) place = resolve(edit->store, edit->who, mount, RESOLVE_NO_FOLLOW, error);
  if (place == NULL)
    return NULL;
  if (path_compare_names(place->path, mount) != 0 ||
      (place_exists(place) && place->key->link != NULL)) {
    error_set(error, REGISTRY_ERROR_INVALID_VALUE,
              "%s: it can't be a fleet's: it is a link, or below one; name the key that it leads "
              "to",
              mount);
    return NULL;
  }
  if (place->key->is_volatile) {
    error_set(error, REGISTRY_ERROR_INVALID_VALUE,
              "%s: it can't be a fleet's: it is volatile, or below such a key; delete that first",
              mount);
    return NULL;
  }
  return g_steal_pointer(&place);
}

static gboolean add_missing_mount(Collector *collector, const char *mount, GError **error) {
  FleetKey key = {.spelling = (char *)(guintptr)path_get_leaf(mount),
                  .ordinal = collector->proposal->operations->len};
  return add(collector, mount, fleet_key_of_key(mount), fleet_key_encode(&key), error);
}

static gboolean add_mount(Collector *collector, const char *mount, GError **error) {
  g_autoptr(Place) place = find_mount(collector->edit, mount, error);
  if (place == NULL)
    return FALSE;
  if (place_exists(place))
    return add_branch(collector, place->key, error);
  return collector->only_secrets || add_missing_mount(collector, mount, error);
}

static Proposal *collect_mounts(Edit *edit, const FleetState *state, gboolean only_secrets,
                                GError **error) {
  Collector collector;
  gboolean done = TRUE;
  collector_init(&collector, edit, state);
  collector.only_secrets = only_secrets;
  for (gsize i = 0; done && state->mounts[i] != NULL; i++)
    done = add_mount(&collector, state->mounts[i], error);
  collector.proposal->path = g_strdup(state->mounts[0]);
  return collector_end(&collector, done);
}

Proposal *outgoing_collect_all(Edit *edit, const FleetState *state, GError **error) {
  return collect_mounts(edit, state, FALSE, error);
}

Proposal *outgoing_collect_secrets(Edit *edit, const FleetState *state, GError **error) {
  return collect_mounts(edit, state, TRUE, error);
}

gboolean outgoing_has_any(Edit *edit, const char *const *mounts, gboolean *holds, GError **error) {
  *holds = FALSE;
  for (gsize i = 0; !*holds && mounts[i] != NULL; i++) {
    guint32 values = 0;
    g_autoptr(Place) place = find_mount(edit, mounts[i], error);
    if (place == NULL)
      return FALSE;
    if (!place_exists(place))
      continue;
    if (!store_has_children(edit->store, place->key->id, holds, error) ||
        !store_count_values(edit->store, place->key->id, &values, error))
      return FALSE;
    *holds |= values > 0;
  }
  return TRUE;
}
