/* SPDX-License-Identifier: MIT */
/* See record.h. */
#include "regd/history/record.h"

#include <string.h>

#include "client/base/error.h"
#include "regd/history/encoding.h"

/* A run ends when it has so many bytes. It bounds what reading part of a revision costs,
 * except for a single larger difference. */
#define RUN_BYTES (32U * 1024U)

/* Name, class, link, link_by_administrator, is_volatile, own list, last_write. */
#define KEY_STATE "(smsmsbbmsx)"
#define ACL_STATE "(ms)"

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

/* A row with its entry in the index; differences of a key share one. */
#define ROW_SIZE 48U

gsize difference_get_size(const Difference *difference) {
  gsize size = ROW_SIZE;
  gsize part = 0;
  if (difference->name != NULL)
    size += strlen(difference->name);
  if (difference->old_state != NULL)
    size += g_bytes_get_size(difference->old_state);
  if (difference->old_value != NULL && registry_value_get_bytes(difference->old_value, &part))
    size += part;
  if (difference->new_value != NULL && registry_value_get_bytes(difference->new_value, &part))
    size += part;
  return size;
}

static GBytes *encode(GVariant *variant) {
  g_autoptr(GVariant) owned = g_variant_ref_sink(variant);
  return g_variant_get_data_as_bytes(owned);
}

GBytes *history_encode_key(const KeyRow *row, Acl *own) {
  g_autofree char *list = own != NULL ? acl_encode(own) : NULL;
  return encode(g_variant_new(KEY_STATE, row->name, row->class_name, row->link,
                              row->link_by_administrator, row->is_volatile, list, row->last_write));
}

GBytes *history_encode_acl(Acl *own) {
  g_autofree char *list = own != NULL ? acl_encode(own) : NULL;
  return encode(g_variant_new(ACL_STATE, list));
}

/* The bytes may come from a damaged or foreign file: GVariant would read invalid strings as
 * "". */
static GVariant *decode(const char *type, GBytes *state, GError **error) {
  g_autoptr(GVariant) variant =
      state != NULL ? g_variant_new_from_bytes(G_VARIANT_TYPE(type), state, FALSE) : NULL;
  if (variant != NULL)
    g_variant_ref_sink(variant);
  if (variant != NULL && g_variant_is_normal_form(variant))
    return g_steal_pointer(&variant);
  error_set(error, REGISTRY_ERROR_STORAGE_FAILURE,
            "history holds a row that can't be read: restore a backup");
  return NULL;
}

gboolean history_decode_key(GBytes *state, KeyRow *row, Acl **own, GError **error) {
  g_autoptr(GVariant) variant = decode(KEY_STATE, state, error);
  g_autofree char *list = NULL;
  if (variant == NULL)
    return FALSE;
  g_variant_get(variant, KEY_STATE, &row->name, &row->class_name, &row->link,
                &row->link_by_administrator, &row->is_volatile, &list, &row->last_write);
  *own = list != NULL ? acl_decode(list, error) : NULL;
  return list == NULL || *own != NULL;
}

gboolean history_decode_acl(GBytes *state, Acl **own, GError **error) {
  g_autoptr(GVariant) variant = decode(ACL_STATE, state, error);
  g_autofree char *list = NULL;
  if (variant == NULL)
    return FALSE;
  g_variant_get(variant, ACL_STATE, &list);
  *own = list != NULL ? acl_decode(list, error) : NULL;
  return list == NULL || *own != NULL;
}

/* ---- writing ---- */

static void describe_value(RunValue *described, const RegistryValue *value) {
  if (value == NULL)
    return;
  described->type = registry_value_get_type(value);
  described->data = registry_value_get_bytes(value, &described->size);
}

static void describe(const Difference *difference, DifferenceRecord *entry) {
  *entry = (DifferenceRecord){.kind = difference->kind,
                              .secret = difference->secret,
                              .old_secret = difference->old_secret,
                              .reroutes = difference->reroutes,
                              .before_acl = difference->before_acl,
                              .after_acl = difference->after_acl,
                              .name = difference->name,
                              .has_position = difference->old_value != NULL,
                              .old_position = difference->old_position};
  describe_value(&entry->old_value, difference->old_value);
  describe_value(&entry->new_value, difference->new_value);
  if (difference->old_state == NULL)
    return;
  const void *state = g_bytes_get_data(difference->old_state, &entry->old_state_size);
  /* GBytes gives NULL for an empty state, like that of no list. */
  entry->old_state = state != NULL ? state : (const void *)"";
}

/* Parameters of the first row of a revision. */
#define HEAD_FIRST 5
#define HEAD_LAST 12

static void bind_head(DbStatement *statement, const RevisionRow *head) {
  db_bind_int(statement, HEAD_FIRST, head->time);
  db_bind_int(statement, HEAD_FIRST + 1, head->uid);
  db_bind_int(statement, HEAD_FIRST + 2, head->pid);
  db_bind_text(statement, HEAD_FIRST + 3, head->program);
  db_bind_text(statement, HEAD_FIRST + 4, head->comment);
  if (head->origin == NULL) {
    for (int parameter = HEAD_FIRST + 5; parameter <= HEAD_LAST; parameter++)
      db_bind_null(statement, parameter);
    return;
  }
  db_bind_text(statement, HEAD_FIRST + 5, head->origin);
  db_bind_int(statement, HEAD_FIRST + 6, (gint64)head->fleet_revision);
  db_bind_int(statement, HEAD_LAST, head->fleet_time);
}

static void bind_no_head(DbStatement *statement) {
  for (int parameter = HEAD_FIRST; parameter <= HEAD_LAST; parameter++)
    db_bind_null(statement, parameter);
}

/* A row of a revision. */
typedef struct {
  guint sequence;
  gint64 key;
  const RunWriter *run;
} RunRow;

static gboolean record_run(Store *store, const RevisionRow *head, const RunRow *row,
                           GError **error) {
  DbStatement *statement =
      db_prepare(store_get_db(store),
                 "INSERT INTO history(revision, sequence, key, run, time, uid, pid, program,"
                 " comment, origin, fleet_revision, fleet_time)"
                 " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                 error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, (gint64)head->revision);
  db_bind_int(statement, 2, row->sequence);
  db_bind_int(statement, 3, row->key);
  db_bind_data(statement, 4, row->run->bytes->data, row->run->bytes->len);
  db_add_work(store_get_db(store), row->run->bytes->len);
  if (row->sequence == 0)
    bind_head(statement, head);
  else
    bind_no_head(statement);
  return db_run(store_get_db(store), statement, error);
}

/* The run that begins at *@next, which is moved past it. */
static void take_run(const GPtrArray *differences, guint *next, RunWriter *run) {
  const Difference *difference = g_ptr_array_index(differences, *next);
  gint64 key = difference->key;
  run_writer_begin(run);
  while (difference->key == key && run->bytes->len < RUN_BYTES) {
    DifferenceRecord entry;
    describe(difference, &entry);
    run_append(run, &entry);
    if (++*next == differences->len)
      return;
    difference = g_ptr_array_index(differences, *next);
  }
}

gboolean history_record(Store *store, const RevisionRow *head, const GPtrArray *differences,
                        guint *rows, GError **error) {
  g_auto(RunWriter) run;
  run_writer_init(&run);
  for (guint next = 0; next < differences->len; ++*rows) {
    const Difference *first = g_ptr_array_index(differences, next);
    take_run(differences, &next, &run);
    if (!record_run(store, head, &(RunRow){*rows, first->key, &run}, error))
      return FALSE;
  }
  return TRUE;
}

gboolean history_take_back(Store *store, guint64 revision, GError **error) {
  DbStatement *statement =
      db_prepare(store_get_db(store), "DELETE FROM history WHERE revision = ?1", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, (gint64)revision);
  return db_run(store_get_db(store), statement, error);
}
