/* See history.h. */
#include "regd/history.h"

#include "client/base/error.h"
#include "client/base/protocol.h"

void difference_free(Difference *difference) {
  if (difference == NULL)
    return;
  g_clear_pointer(&difference->path, g_ref_string_release);
  g_free(difference->name);
  g_clear_pointer(&difference->old_value, registry_value_unref);
  g_clear_pointer(&difference->new_value, registry_value_unref);
  g_clear_pointer(&difference->old_state, g_bytes_unref);
  acl_unref(difference->before);
  acl_unref(difference->after);
  g_free(difference);
}

static GBytes *encode(GVariant *variant) {
  g_autoptr(GVariant) owned = g_variant_ref_sink(variant);
  return g_variant_get_data_as_bytes(owned);
}

GBytes *history_encode_key(const KeyRow *row, Acl *own) {
  g_autofree char *list = own != NULL ? acl_encode(own) : NULL;
  return encode(g_variant_new("(smsmsbbmsx)", row->name, row->class_name, row->link,
                              row->link_by_administrator, row->is_volatile, list, row->last_write));
}

GBytes *history_encode_acl(Acl *own) {
  g_autofree char *list = own != NULL ? acl_encode(own) : NULL;
  return encode(g_variant_new("(ms)", list));
}

/* ---- writing ---- */

static gboolean record_revision(Store *store, guint64 revision, gint64 now, const Identity *who,
                                const char *comment, GError **error) {
  DbStatement *statement = db_prepare(store_get_db(store),
                                      "INSERT INTO revisions(revision, time, uid, pid, program,"
                                      " comment) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                                      error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, (gint64)revision);
  db_bind_int(statement, 2, now);
  db_bind_int(statement, 3, who->uid);
  db_bind_int(statement, 4, who->pid);
  db_bind_text(statement, 5, who->program);
  db_bind_text(statement, 6, comment);
  return db_run(store_get_db(store), statement, error);
}

static void bind_old(DbStatement *statement, const Difference *difference) {
  gsize size = 0;
  db_bind_null(statement, 6);
  db_bind_null(statement, 7);
  db_bind_null(statement, 8);
  if (difference->old_value != NULL) {
    const guint8 *data = registry_value_get_bytes(difference->old_value, &size);
    db_bind_int(statement, 6, registry_value_get_type(difference->old_value));
    db_bind_data(statement, 7, data, size);
    db_bind_int(statement, 8, difference->old_position);
  } else if (difference->old_state != NULL) {
    const void *data = g_bytes_get_data(difference->old_state, &size);
    db_bind_data(statement, 7, data, size);
  }
}

static gboolean record_difference(Store *store, guint64 revision, guint sequence,
                                  const Difference *difference, GError **error) {
  DbStatement *statement = db_prepare(
      store_get_db(store),
      "INSERT INTO history(revision, sequence, kind, key, name, old_type, old_data, old_position,"
      " acl_before, acl_after, secret, reroutes)"
      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
      error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, (gint64)revision);
  db_bind_int(statement, 2, sequence);
  db_bind_int(statement, 3, difference->kind);
  db_bind_int(statement, 4, difference->key);
  db_bind_text(statement, 5, difference->name);
  bind_old(statement, difference);
  db_bind_int(statement, 9, difference->before_acl);
  db_bind_int(statement, 10, difference->after_acl);
  db_bind_int(statement, 11, difference->secret);
  db_bind_int(statement, 12, difference->reroutes);
  return db_run(store_get_db(store), statement, error);
}

static gboolean record_touch(Store *store, gint64 key, guint64 revision, GError **error) {
  DbStatement *statement = db_prepare(
      store_get_db(store), "INSERT OR IGNORE INTO touched(key, revision) VALUES(?1, ?2)", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, key);
  db_bind_int(statement, 2, (gint64)revision);
  return db_run(store_get_db(store), statement, error);
}

gboolean history_record(Store *store, guint64 revision, gint64 now, const Identity *who,
                        const char *comment, GPtrArray *differences, GError **error) {
  if (!record_revision(store, revision, now, who, comment, error))
    return FALSE;
  gint64 touched = 0;
  for (guint i = 0; i < differences->len; i++) {
    const Difference *difference = g_ptr_array_index(differences, i);
    if (!record_difference(store, revision, i, difference, error))
      return FALSE;
    if (difference->key != touched && !record_touch(store, difference->key, revision, error))
      return FALSE;
    touched = difference->key;
  }
  return TRUE;
}

/* ---- reading ---- */

/* The lists must outlive the store's cache: the Effective takes its own references. */
static gboolean replay_row(Store *store, DbStatement *statement, Effective *effective,
                           GError **error) {
  GError *failure = NULL;
  GRefString *path = store_get_path(store, db_column_int(statement, 2), &failure);
  if (path == NULL) {
    g_propagate_error(error, failure);
    return FALSE;
  }
  const char *name = db_column_text(statement, 3);
  Acl *before = store_get_acl(store, db_column_int(statement, 4), &failure);
  Acl *after = failure == NULL ? store_get_acl(store, db_column_int(statement, 5), &failure) : NULL;
  if (failure == NULL) {
    EffectiveEntry *entry = effective_add(effective, (ChangeKind)db_column_int(statement, 1), path,
                                          name != NULL ? name : "", before, after);
    entry->reroutes = db_column_int(statement, 6) != 0;
  }
  g_ref_string_release(path);
  if (failure != NULL)
    g_propagate_error(error, failure);
  return failure == NULL;
}

static gboolean replay_rows(Store *store, DbStatement *statement, GPtrArray *effectives,
                            GError **error) {
  guint rows = 0;
  DbStep step;
  while ((step = db_step(store_get_db(store), statement, error)) == DB_ROW) {
    guint64 revision = (guint64)db_column_int(statement, 0);
    Effective *last =
        effectives->len > 0 ? g_ptr_array_index(effectives, effectives->len - 1) : NULL;
    if (last == NULL || last->revision != revision) {
      last = effective_new(revision);
      g_ptr_array_add(effectives, last);
    }
    if (++rows > LIMIT_REPLAY_CHANGES)
      return error_set(error, REGISTRY_ERROR_HISTORY_GONE,
                       "more than %u changes have been made since: read again",
                       LIMIT_REPLAY_CHANGES);
    if (!replay_row(store, statement, last, error))
      return FALSE;
  }
  return step == DB_DONE;
}

GPtrArray *history_replay(Store *store, guint64 since, GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store),
                 "SELECT revision, kind, key, name, acl_before, acl_after, reroutes FROM history"
                 " WHERE revision > ?1 ORDER BY revision, sequence",
                 error);
  if (statement == NULL)
    return NULL;
  db_bind_int(statement, 1, (gint64)since);
  g_autoptr(GPtrArray) effectives = g_ptr_array_new_with_free_func((GDestroyNotify)effective_unref);
  return replay_rows(store, statement, effectives, error) ? g_steal_pointer(&effectives) : NULL;
}

/* From a key that changed up to the root: is @key on the way? */
static gboolean is_below(Store *store, gint64 key, gint64 ancestor, gboolean *below,
                         GError **error) {
  while (key != ancestor && key != 0) {
    g_autoptr(KeyRow) row = NULL;
    if (!store_get_key(store, key, &row, error))
      return FALSE;
    key = row->parent;
  }
  *below = key == ancestor;
  return TRUE;
}

static GArray *list_touched(Store *store, guint64 since, GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(
      store_get_db(store), "SELECT DISTINCT key FROM history WHERE revision > ?1", error);
  if (statement == NULL)
    return NULL;
  db_bind_int(statement, 1, (gint64)since);
  g_autoptr(GArray) keys = g_array_new(FALSE, FALSE, sizeof(gint64));
  DbStep step;
  while ((step = db_step(store_get_db(store), statement, error)) == DB_ROW) {
    gint64 key = db_column_int(statement, 0);
    g_array_append_val(keys, key);
  }
  return step == DB_DONE ? g_steal_pointer(&keys) : NULL;
}

gboolean history_has_changed(Store *store, gint64 key, guint64 since, gboolean *changed,
                             GError **error) {
  *changed = FALSE;
  g_autoptr(GArray) keys = list_touched(store, since, error);
  if (keys == NULL)
    return FALSE;
  for (guint i = 0; i < keys->len && !*changed; i++)
    if (!is_below(store, g_array_index(keys, gint64, i), key, changed, error))
      return FALSE;
  return TRUE;
}
