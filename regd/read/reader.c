/* SPDX-License-Identifier: MIT */
/* See reader.h. Trees are in read-tree.c. */
#include "regd/read/reader.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/declare/lock.h"
#include "regd/history/record.h"
#include "regd/history/retention.h"
#include "regd/history/sight.h"
#include "regd/read/reader-private.h"
#include "regd/tree/place.h"
#include "regd/tree/settings.h"

/* Sub-keys are listed so many at a time: only their names are kept. */
#define NAMES_AT_ONCE 256U
/* A string in an array on the wire, besides its text. */
#define NAME_OVERHEAD_BYTES 8U

Reader *reader_open(const char *file, GError **error) {
  g_autoptr(Reader) reader = g_new0(Reader, 1);
  reader->places = place_cache_new();
  reader->store = store_open(file, DB_READ, error);
  return reader->store != NULL ? g_steal_pointer(&reader) : NULL;
}

void reader_close(Reader *reader) {
  if (reader == NULL)
    return;
  place_cache_free(reader->places);
  store_close(reader->store);
  schema_set_unref(reader->schemas);
  g_free(reader);
}

void reader_set_commits(Reader *reader, const gint *commits) {
  reader->commits = commits;
  reader->seen = -1;
}

static gboolean is_short_still(gpointer data, GError **error) {
  Reader *reader = data;
  if (db_get_work(store_get_db(reader->store)) <= LIMIT_SHORT_READ_STEPS)
    return TRUE;
  reader->too_long = TRUE;
  return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED, "this is too much to be read at once");
}

void reader_keep_short(Reader *reader, gboolean is_short) {
  Db *db = store_get_db(reader->store);
  reader->is_short = is_short;
  db_ask_often(db);
  db_end_work(db);
}

gboolean reader_was_too_long(const Reader *reader) {
  return reader->too_long;
}

void reader_watch(Reader *reader, DbProgress go_on, gpointer data) {
  Db *db = store_get_db(reader->store);
  reader->go_on = go_on;
  reader->go_on_data = data;
  db_ask_often(db);
  db_begin_work(db, go_on, data);
}

gboolean reader_may_go_on(gpointer reader, GError **error) {
  const Reader *self = reader;
  return self->go_on == NULL || self->go_on(self->go_on_data, error);
}

guint64 reader_get_work(const Reader *reader) {
  return db_get_work(store_get_db(reader->store));
}

gboolean reader_rest(Reader *reader) {
  Db *db = store_get_db(reader->store);
  reader->go_on = NULL;
  db_end_work(db);
  db_give_memory_back(db);
  return !reader->is_spent && !db_is_damaged(db) && !db_in_transaction(db);
}

Store *reader_begin_trying(Reader *reader, GError **error) {
  reader->is_spent = TRUE;
  return store_begin_trying(reader->store, error) ? reader->store : NULL;
}

void reader_set_schemas(Reader *reader, SchemaSet *schemas) {
  schema_set_unref(reader->schemas);
  reader->schemas = schemas != NULL ? schema_set_ref(schemas) : NULL;
}

const SchemaSet *reader_get_schemas(const Reader *reader) {
  return reader->schemas;
}

gboolean reader_is_damaged(const Reader *reader) {
  return db_is_damaged(store_get_db(reader->store));
}

/* What was found in another state than this one may be wrong by now. */
static gboolean forget_what_is_old(Reader *reader, GError **error) {
  gint64 version = 0;
  if (!db_get_version(store_get_db(reader->store), &version, error))
    return FALSE;
  if (version == reader->version)
    return TRUE;
  place_cache_clear(reader->places);
  store_forget_paths(reader->store);
  reader->version = version;
  return TRUE;
}

static gint count_commits(const Reader *reader) {
  return reader->commits != NULL ? g_atomic_int_get(reader->commits) : -1;
}

/* Whether nothing can have been committed since the newest snapshot. */
static gboolean is_newest(const Reader *reader) {
  return reader->commits != NULL && reader->seen % 2 == 0 && count_commits(reader) == reader->seen;
}

Store *reader_begin(Reader *reader, GError **error) {
  /* First: what is committed between the two only makes the snapshot seem older. */
  reader->seen = count_commits(reader);
  reader->too_long = FALSE;
  if (reader->is_short)
    db_begin_work(store_get_db(reader->store), is_short_still, reader);
  if (!store_begin_read(reader->store, error))
    return NULL;
  if (forget_what_is_old(reader, error))
    return reader->store;
  store_end(reader->store);
  return NULL;
}

void named_value_free(NamedValue *value) {
  if (value == NULL)
    return;
  g_free(value->name);
  registry_value_unref(value->value);
  g_free(value);
}

void key_info_free(KeyInfo *info) {
  if (info == NULL)
    return;
  g_free(info->path);
  g_free(info->class_name);
  g_free(info->link);
  g_free(info->locked);
  g_free(info);
}

gboolean reader_count(Reader *reader, StoreCounts *counts, GError **error) {
  g_autoptr(Snapshot) store = reader_begin(reader, error);
  return store != NULL && store_count(store, counts, error);
}

guint64 reader_get_revision(Reader *reader, GError **error) {
  g_autoptr(Snapshot) snapshot = reader_begin(reader, error);
  guint64 revision = 0;
  return snapshot != NULL && store_load_revision(snapshot, &revision, error) ? revision : 0;
}

/* The place that @key leads to in the snapshot; shared, so read-only. */
static Place *find(Reader *reader, const Identity *who, const char *key, ResolveMode mode,
                   GError **error) {
  Place *place = place_cache_find(reader->places, who->uid, key, mode);
  if (place != NULL)
    return place;
  place = resolve(reader->store, who, key, mode, error);
  if (place != NULL)
    place_cache_add(reader->places, who, key, mode, place);
  return place;
}

Place *reader_find_readable(Reader *reader, const Identity *who, const char *key, ResolveMode mode,
                            GError **error) {
  g_autoptr(Place) place = find(reader, who, key, mode, error);
  if (place == NULL || !place_require_key(place, who, ACCESS_READ, error))
    return NULL;
  return g_steal_pointer(&place);
}

static gboolean is_secret(const Reader *reader, const char *path, const char *name) {
  return reader->schemas != NULL && schema_set_is_secret(reader->schemas, path, name);
}

gboolean reader_may_see_value(const Reader *reader, const Identity *who, const Acl *acl,
                              const char *path, const char *name) {
  if (who->administrator || acl_get_secret_level(acl, path, who) >= ACCESS_READ)
    return TRUE;
  return !is_secret(reader, path, name);
}

/* NULL if it is not in the cache, or if the cache may be of an older state. */
static RegistryValue *find_cached(const Reader *reader, const Identity *who, const char *key,
                                  const char *name) {
  if (!is_newest(reader))
    return NULL;
  g_autoptr(Place) place = place_cache_find(reader->places, who->uid, key, RESOLVE_FOLLOW);
  if (place == NULL || place_get_level(place, who) < ACCESS_READ ||
      !reader_may_see_value(reader, who, place->acl, place->path, name))
    return NULL;
  RegistryValue *value = place_cache_find_value(reader->places, place, name);
  return value != NULL ? registry_value_ref(value) : NULL;
}

static gboolean require_secret(const Reader *reader, const Identity *who, const Place *place,
                               const char *name, GError **error) {
  return reader_may_see_value(reader, who, place->acl, place->path, name) ||
         error_set(error, REGISTRY_ERROR_ACCESS_DENIED,
                   "%s: %s: the value is secret: an entry for you or your group with the right "
                   "\"read\" is needed, everyone's does not count",
                   place->asked, name);
}

/* From the database, and into the cache. */
static RegistryValue *read_value(Reader *reader, const Identity *who, const char *key,
                                 const char *name, GError **error) {
  g_autoptr(Snapshot) snapshot = reader_begin(reader, error);
  g_autoptr(Place) place =
      snapshot != NULL ? reader_find_readable(reader, who, key, RESOLVE_FOLLOW, error) : NULL;
  if (place == NULL || !require_secret(reader, who, place, name, error))
    return NULL;
  g_autofree char *fold = path_fold(name);
  g_autoptr(ValueRow) row = NULL;
  if (!store_find_value(snapshot, place->key->id, fold, &row, error))
    return NULL;
  if (row == NULL) {
    error_set(error, REGISTRY_ERROR_VALUE_NOT_FOUND, "%s: there is no value \"%s\"", place->path,
              name);
    return NULL;
  }
  if (!is_secret(reader, place->path, name))
    place_cache_add_value(reader->places, place, name, row->value);
  return g_steal_pointer(&row->value);
}

RegistryValue *reader_get_value(Reader *reader, const Identity *who, const char *key,
                                const char *name, gboolean *cached, GError **error) {
  RegistryValue *value = find_cached(reader, who, key, name);
  *cached = value != NULL;
  if (value != NULL)
    return value;
  return resolve_check_value_name(key, name, error) ? read_value(reader, who, key, name, error)
                                                    : NULL;
}

static char **list_roots(void) {
  g_autoptr(GStrvBuilder) roots = g_strv_builder_new();
  static const PathRoot order[] = {PATH_ROOT_CLASSES_ROOT, PATH_ROOT_CURRENT_CONFIG,
                                   PATH_ROOT_CURRENT_USER, PATH_ROOT_LOCAL_MACHINE,
                                   PATH_ROOT_USERS};
  for (gsize i = 0; i < G_N_ELEMENTS(order); i++)
    g_strv_builder_add(roots, path_root_get_name(order[i]));
  return g_strv_builder_end(roots);
}

static gboolean refuse_names(const Place *place, GError **error) {
  return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "%s: the names of its sub-keys are too many for one answer; ReadTree pages them",
                   place->path);
}

/* Adds the names of @rows from @first on; *@bytes is what all names take in an answer. */
static gboolean add_names(const GPtrArray *rows, guint first, GStrvBuilder *names, gsize *bytes) {
  for (guint i = first; i < rows->len; i++) {
    const KeyRow *row = g_ptr_array_index(rows, i);
    g_strv_builder_add(names, row->name);
    *bytes += strlen(row->name) + NAME_OVERHEAD_BYTES;
  }
  return *bytes <= LIMIT_LIST_BYTES;
}

static char **list_names(Store *store, const Place *place, GError **error) {
  g_autoptr(GStrvBuilder) names = g_strv_builder_new();
  g_autofree char *from = NULL;
  gsize bytes = 0;
  guint listed = NAMES_AT_ONCE;
  while (listed == NAMES_AT_ONCE) {
    g_autoptr(GPtrArray) rows =
        store_page_children(store, place->key->id, from, NAMES_AT_ONCE, error);
    if (rows == NULL)
      return NULL;
    /* The first was the last of the page before. */
    if (!add_names(rows, from != NULL ? 1 : 0, names, &bytes)) {
      refuse_names(place, error);
      return NULL;
    }
    listed = rows->len;
    g_free(from);
    from = listed > 0 ? path_fold(((KeyRow *)g_ptr_array_index(rows, listed - 1))->name) : NULL;
  }
  return g_strv_builder_end(names);
}

char **reader_list_keys(Reader *reader, const Identity *who, const char *key, GError **error) {
  if (*key == '\0')
    return list_roots();
  g_autoptr(Snapshot) snapshot = reader_begin(reader, error);
  g_autoptr(Place) place =
      snapshot != NULL ? reader_find_readable(reader, who, key, RESOLVE_FOLLOW, error) : NULL;
  return place != NULL ? list_names(snapshot, place, error) : NULL;
}

NamedValue *reader_new_value(const char *name, const RegistryValue *value) {
  NamedValue *named = g_new0(NamedValue, 1);
  named->name = g_strdup(name);
  named->value = registry_value_ref(value);
  return named;
}

/* What the caller may see of a key's values, in order; a link's one value. */
static GPtrArray *load_values(Reader *reader, const Identity *who, const KeyRow *row,
                              const Acl *acl, const char *path, GError **error) {
  g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func((GDestroyNotify)named_value_free);
  if (row->link != NULL) {
    g_autoptr(RegistryValue) target = registry_value_new_string(REGISTRY_LINK, row->link, error);
    if (target == NULL)
      return NULL;
    g_ptr_array_add(values, reader_new_value(LINK_VALUE_NAME, target));
    return g_steal_pointer(&values);
  }
  g_autoptr(GPtrArray) rows = store_list_values(reader->store, row->id, error);
  if (rows == NULL)
    return NULL;
  for (guint i = 0; i < rows->len; i++) {
    const ValueRow *value = g_ptr_array_index(rows, i);
    if (reader_may_see_value(reader, who, acl, path, value->name))
      g_ptr_array_add(values, reader_new_value(value->name, value->value));
  }
  return g_steal_pointer(&values);
}

gsize reader_get_size(const NamedValue *value) {
  gsize size = 0;
  registry_value_get_bytes(value->value, &size);
  return size + strlen(value->name) + 16;
}

typedef struct {
  const Reader *reader;
  const Identity *who;
  const Place *place;
} Viewer;

static gboolean is_visible(const char *name, gpointer data) {
  const Viewer *viewer = data;
  return reader_may_see_value(viewer->reader, viewer->who, viewer->place->acl, viewer->place->path,
                              name);
}

/* How much the secrets take that the caller may not read tells of what they hold. */
static gboolean sum_visible(Viewer *viewer, gint64 *bytes, GError **error) {
  Store *store = viewer->reader->store;
  gint64 key = viewer->place->key->id;
  gboolean all = place_get_secret_level(viewer->place, viewer->who) >= ACCESS_READ;
  if (!store_sum_values(store, key, bytes, error))
    return FALSE;
  return all || *bytes <= (gint64)LIMIT_LIST_BYTES ||
         store_sum_some_values(store, key, is_visible, viewer, bytes, error);
}

GPtrArray *reader_list_values(Reader *reader, const Identity *who, const char *key,
                              GError **error) {
  g_autoptr(Snapshot) snapshot = reader_begin(reader, error);
  g_autoptr(Place) place =
      snapshot != NULL ? reader_find_readable(reader, who, key, RESOLVE_FOLLOW, error) : NULL;
  if (place == NULL)
    return NULL;
  gint64 bytes = 0;
  if (!sum_visible(&(Viewer){reader, who, place}, &bytes, error))
    return NULL;
  if (bytes > (gint64)LIMIT_LIST_BYTES) {
    error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
              "%s: its values take %" G_GINT64_FORMAT
              " bytes, more than the %u of one answer: read "
              "them by pages with ReadTree",
              place->path, bytes, LIMIT_LIST_BYTES);
    return NULL;
  }
  return load_values(reader, who, place->key, place->acl, place->path, error);
}

static gboolean count(Store *store, const KeyRow *row, KeyInfo *info, GError **error) {
  if (row->link != NULL) {
    info->values = 1;
    return TRUE;
  }
  return store_count_children(store, row->id, &info->subkeys, error) &&
         store_count_values(store, row->id, &info->values, error);
}

static KeyInfo *describe(const Place *place) {
  const KeyRow *row = place->key;
  KeyInfo *info = g_new0(KeyInfo, 1);
  info->path = g_strdup(place->path);
  info->class_name = g_strdup(row->class_name != NULL ? row->class_name : "");
  info->link = g_strdup(row->link);
  info->last_write = row->last_write;
  info->revision = row->revision;
  info->is_volatile = row->is_volatile;
  return info;
}

static gboolean read_lock(Store *store, const char *path, const char *name, char **reason,
                          GError **error) {
  g_autoptr(Lock) lock = NULL;
  if (!lock_find(store, path, name, &lock, error))
    return FALSE;
  *reason = lock != NULL ? g_steal_pointer(&lock->reason) : NULL;
  return TRUE;
}

gboolean reader_get_lock(Reader *reader, const Identity *who, const char *path, const char *name,
                         char **reason, GError **error) {
  g_autoptr(Snapshot) snapshot = reader_begin(reader, error);
  g_autoptr(Place) place =
      snapshot != NULL ? resolve(snapshot, who, path, RESOLVE_CANONICAL, error) : NULL;
  if (place == NULL)
    return FALSE;
  gboolean of_value = name != NULL && reader_may_see_value(reader, who, place->acl, path, name);
  return read_lock(snapshot, path, of_value ? name : NULL, reason, error);
}

KeyInfo *reader_get_key_head(Reader *reader, const Identity *who, const char *key,
                             gboolean no_follow, GError **error) {
  g_autoptr(Snapshot) snapshot = reader_begin(reader, error);
  ResolveMode mode = no_follow ? RESOLVE_NO_FOLLOW : RESOLVE_FOLLOW;
  g_autoptr(Place) place =
      snapshot != NULL ? reader_find_readable(reader, who, key, mode, error) : NULL;
  return place != NULL ? describe(place) : NULL;
}

KeyInfo *reader_get_key_info(Reader *reader, const Identity *who, const char *key,
                             gboolean no_follow, GError **error) {
  g_autoptr(Snapshot) snapshot = reader_begin(reader, error);
  ResolveMode mode = no_follow ? RESOLVE_NO_FOLLOW : RESOLVE_FOLLOW;
  g_autoptr(Place) place =
      snapshot != NULL ? reader_find_readable(reader, who, key, mode, error) : NULL;
  g_autoptr(KeyInfo) info = place != NULL ? describe(place) : NULL;
  return info != NULL && count(snapshot, place->key, info, error) &&
                 read_lock(snapshot, place->path, NULL, &info->locked, error)
             ? g_steal_pointer(&info)
             : NULL;
}

char *reader_resolve(Reader *reader, const Identity *who, const char *key, gboolean no_follow,
                     guint64 *revision, GError **error) {
  ResolveMode mode = no_follow ? RESOLVE_NO_FOLLOW : RESOLVE_FOLLOW;
  g_autoptr(Snapshot) snapshot = reader_begin(reader, error);
  g_autoptr(Place) place = snapshot != NULL ? find(reader, who, key, mode, error) : NULL;
  guint64 now = 0;
  if (place == NULL || !place_require(place, who, ACCESS_READ, error) ||
      !store_load_revision(snapshot, &now, error))
    return NULL;
  if (revision != NULL)
    *revision = now;
  return g_strdup(place->path);
}

Acl *reader_get_acl(Reader *reader, const Identity *who, const char *key, char **origin,
                    GError **error) {
  g_autoptr(Snapshot) snapshot = reader_begin(reader, error);
  g_autoptr(Place) place =
      snapshot != NULL ? reader_find_readable(reader, who, key, RESOLVE_FOLLOW, error) : NULL;
  GRefString *path = place != NULL ? store_get_path(snapshot, place->acl_origin, error) : NULL;
  if (path == NULL)
    return NULL;
  *origin = g_strdup(path);
  g_ref_string_release(path);
  return place->acl != NULL ? acl_ref(place->acl) : acl_new(NULL, 0, NULL, error);
}

gboolean reader_check_access(Reader *reader, const Identity *who, const char *key,
                             const Identity *identity, AccessLevel *level, GError **error) {
  g_autoptr(Snapshot) snapshot = reader_begin(reader, error);
  g_autoptr(Place) place = snapshot != NULL ? find(reader, who, key, RESOLVE_FOLLOW, error) : NULL;
  if (place == NULL)
    return FALSE;
  *level = place_get_level(place, identity);
  return *level == ACCESS_NONE || place_require_key(place, identity, ACCESS_READ, error);
}

/* ---- what has happened ---- */

/* For whom a replay is filtered. Neighbouring entries usually have the same key. */
typedef struct {
  Store *store;
  const Identity *who;
  SightPaths *paths;
  gint64 last; /* the key that `today` is of; 0: none */
  Acl *today;  /* borrowed */
} ReplayFilter;

static GRefString *spell(gint64 key, gpointer data, GError **error) {
  const ReplayFilter *filter = data;
  return sight_paths_get(filter->paths, key, error);
}

/* A list that can't be read ends the replay: what is left out as hidden would be a gap. */
static gboolean may_hear(const EffectiveEntry *entry, gint64 key, gpointer data, gboolean *may,
                         GError **error) {
  ReplayFilter *filter = data;
  /* Also those who may no longer read: they must learn that. */
  if (entry->kind == CHANGE_ACL_CHANGED) {
    *may = effective_entry_is_visible(entry, filter->who);
    return TRUE;
  }
  if (filter->last != key) {
    filter->last = 0;
    if (!sight_find_today(filter->store, key, &filter->today, error))
      return FALSE;
    filter->last = key;
  }
  const PastThing thing = {
      .today = filter->today, .then = effective_entry_get_list(entry), .path = entry->key};
  *may = sight_judge(&thing, filter->who) > SIGHT_HIDDEN;
  return TRUE;
}

gboolean reader_get_horizon(Store *store, const char *path, guint64 *horizon, GError **error) {
  LiveSettings settings = {0};
  const Retention retention = {store, &settings, g_get_real_time()};
  return settings_load(store, &settings, error) &&
         retention_get_horizon(&retention, path, horizon, error);
}

GPtrArray *reader_replay(Reader *reader, const Identity *who, const ReplayScope *scope,
                         guint64 since, guint64 *revision, GError **error) {
  const char *path = scope->path;
  g_autoptr(Snapshot) snapshot = reader_begin(reader, error);
  guint64 horizon = 0;
  if (snapshot == NULL || !store_load_revision(snapshot, revision, error) ||
      !reader_get_horizon(snapshot, path, &horizon, error))
    return NULL;
  if (since > *revision) {
    error_set(error, REGISTRY_ERROR_INVALID_VALUE,
              "%s: revision %" G_GUINT64_FORMAT
              " is still to come: the newest is %" G_GUINT64_FORMAT,
              path, since, *revision);
    return NULL;
  }
  if (since < horizon) {
    error_set(error, REGISTRY_ERROR_HISTORY_GONE,
              "%s: history reaches back to revision %" G_GUINT64_FORMAT
              ", not to %" G_GUINT64_FORMAT ": read again",
              path, horizon, since);
    return NULL;
  }
  g_autofree char *fold = path_fold(path);
  g_autoptr(SightPaths) paths = sight_paths_new(snapshot, who);
  ReplayFilter filter = {.store = snapshot, .who = who, .paths = paths};
  const HistoryListener listener = {.watched = fold,
                                    .recursive = scope->recursive,
                                    .way = scope->way,
                                    .may_hear = who->administrator ? NULL : may_hear,
                                    .get_path = spell,
                                    .data = &filter};
  GPtrArray *effectives = history_replay(snapshot, since, &listener, error);
  if (effectives == NULL)
    g_prefix_error(error, "%s: ", path);
  return effectives;
}

gboolean reader_get_settings(Reader *reader, LiveSettings *settings, GError **error) {
  g_autoptr(Snapshot) snapshot = reader_begin(reader, error);
  return snapshot != NULL && settings_load(snapshot, settings, error);
}
