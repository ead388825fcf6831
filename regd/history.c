/* See history.h. */
#include "regd/history.h"

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

gboolean history_decode_key(GBytes *state, KeyRow *row, Acl **own, GError **error) {
  g_autoptr(GVariant) variant =
      g_variant_new_from_bytes(G_VARIANT_TYPE("(smsmsbbmsx)"), state, FALSE);
  g_autofree char *list = NULL;
  g_variant_get(variant, "(smsmsbbmsx)", &row->name, &row->class_name, &row->link,
                &row->link_by_administrator, &row->is_volatile, &list, &row->last_write);
  *own = list != NULL ? acl_decode(list, error) : NULL;
  return list == NULL || *own != NULL;
}

gboolean history_decode_acl(GBytes *state, Acl **own, GError **error) {
  g_autoptr(GVariant) variant = g_variant_new_from_bytes(G_VARIANT_TYPE("(ms)"), state, FALSE);
  g_autofree char *list = NULL;
  g_variant_get(variant, "(ms)", &list);
  *own = list != NULL ? acl_decode(list, error) : NULL;
  return list == NULL || *own != NULL;
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

static void bind_value(DbStatement *statement, int parameter, const RegistryValue *value) {
  gsize size = 0;
  const guint8 *data = registry_value_get_bytes(value, &size);
  db_bind_int(statement, parameter, registry_value_get_type(value));
  db_bind_data(statement, parameter + 1, data, size);
}

static void bind_data(DbStatement *statement, const Difference *difference) {
  for (int parameter = 6; parameter <= 10; parameter++)
    db_bind_null(statement, parameter);
  if (difference->old_value != NULL) {
    bind_value(statement, 6, difference->old_value);
    db_bind_int(statement, 8, difference->old_position);
  } else if (difference->old_state != NULL) {
    gsize size = 0;
    const void *data = g_bytes_get_data(difference->old_state, &size);
    db_bind_data(statement, 7, data, size);
  }
  if (difference->new_value != NULL)
    bind_value(statement, 9, difference->new_value);
}

static gboolean record_difference(Store *store, guint64 revision, guint sequence,
                                  const Difference *difference, GError **error) {
  DbStatement *statement = db_prepare(
      store_get_db(store),
      "INSERT INTO history(revision, sequence, kind, key, name, old_type, old_data, old_position,"
      " new_type, new_data, acl_before, acl_after, secret, reroutes, purged)"
      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 0)",
      error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, (gint64)revision);
  db_bind_int(statement, 2, sequence);
  db_bind_int(statement, 3, difference->kind);
  db_bind_int(statement, 4, difference->key);
  db_bind_text(statement, 5, difference->name);
  bind_data(statement, difference);
  db_bind_int(statement, 11, difference->before_acl);
  db_bind_int(statement, 12, difference->after_acl);
  db_bind_int(statement, 13, difference->secret);
  db_bind_int(statement, 14, difference->reroutes);
  return db_run(store_get_db(store), statement, error);
}

gboolean history_record(Store *store, guint64 revision, gint64 now, const Identity *who,
                        const char *comment, GPtrArray *differences, GError **error) {
  if (!record_revision(store, revision, now, who, comment, error))
    return FALSE;
  for (guint i = 0; i < differences->len; i++)
    if (!record_difference(store, revision, i, g_ptr_array_index(differences, i), error))
      return FALSE;
  return TRUE;
}
