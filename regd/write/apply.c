/* SPDX-License-Identifier: MIT */
/* See apply.h: the frame around the operations, which are in op-values.c,
 * op-keys.c, op-moves.c and op-expect.c. */
#include "regd/write/apply.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/history/trials.h"
#include "regd/write/edit.h"

static gboolean (*const operations[])(Application *, const Operation *, GError **) = {
    [OPERATION_SET_VALUE] = apply_set_value,
    [OPERATION_DELETE_VALUE] = apply_delete_value,
    [OPERATION_CREATE_KEY] = apply_create_key,
    [OPERATION_DELETE_KEY] = apply_delete_key,
    [OPERATION_DELETE_TREE] = apply_delete_key,
    [OPERATION_RENAME_KEY] = apply_rename_key,
    [OPERATION_CREATE_LINK] = apply_create_link,
    [OPERATION_EXPECT_VALUE] = apply_expect_value,
    [OPERATION_EXPECT_ABSENT] = apply_expect_absent,
    [OPERATION_EXPECT_REVISION] = apply_expect_revision,
    [OPERATION_SET_ACL] = apply_set_acl,
    [OPERATION_COPY_KEY] = apply_copy_key,
    [OPERATION_ROLLBACK] = apply_rollback,
    [OPERATION_UNDO] = apply_undo,
    [OPERATION_CONFIRM] = apply_confirm,
    [OPERATION_PURGE] = apply_purge,
};

void write_result_clear(WriteResult *result) {
  effective_unref(result->effective);
  effective_unref(result->would_do);
  g_clear_error(&result->error);
  *result = (WriteResult){0};
}

/* ---- what the operations share ---- */

static void drop_last_place(Application *application) {
  g_clear_pointer(&application->last_key, g_ref_string_release);
  g_clear_pointer(&application->last_place, place_free);
}

/* What has been resolved before, or is from here on. */
static Place *find_walked(Application *application, const char *key, GError **error) {
  guint32 uid = application->who->uid;
  Place *place = places_find(application->places, uid, key, RESOLVE_FOLLOW);
  if (place != NULL)
    return place;
  place = resolve(application->store, application->who, key, RESOLVE_FOLLOW, error);
  if (place != NULL)
    places_add(application->places, uid, key, RESOLVE_FOLLOW, place);
  return place;
}

/* Keys come with many others below the same one. NULL without @error: @key is to
 * be walked to. */
static Place *find_below(Application *application, const char *key, GError **error) {
  const char *leaf = path_get_leaf(key);
  if (leaf == key)
    return NULL;
  g_autofree char *parent = path_dup_parent(key);
  g_autoptr(Place) above = find_walked(application, parent, NULL);
  Place *place = NULL;
  if (above != NULL && resolve_child(application->store, above, leaf, &place, error) &&
      place != NULL)
    places_add(application->places, application->who->uid, key, RESOLVE_FOLLOW, place);
  return place;
}

static Place *find_place(Application *application, const char *key, GError **error) {
  Place *place = places_find(application->places, application->who->uid, key, RESOLVE_FOLLOW);
  if (place != NULL)
    return place;
  GError *failure = NULL;
  place = find_below(application, key, &failure);
  if (failure != NULL)
    g_propagate_error(error, failure);
  return place != NULL || failure != NULL ? place : find_walked(application, key, error);
}

Place *application_resolve(Application *application, GRefString *key, GError **error) {
  if (application->last_place != NULL && application->last_key == key)
    return application->last_place;
  drop_last_place(application);
  application->last_place = find_place(application, key, error);
  if (application->last_place != NULL)
    application->last_key = g_ref_string_acquire(key);
  return application->last_place;
}

void application_note_place(Application *application) {
  places_add(application->places, application->who->uid, application->last_key, RESOLVE_FOLLOW,
             application->last_place);
}

void application_forget_place(Application *application) {
  drop_last_place(application);
  places_clear(application->places);
  application->touched_children = 0;
}

static gboolean get_list(Application *application, gint64 id, Acl **list, GError **error) {
  Acl *borrowed = NULL;
  if (!store_load_acl(application->store, id, &borrowed, error))
    return FALSE;
  *list = borrowed != NULL ? acl_ref(borrowed) : NULL;
  return TRUE;
}

Difference *application_add(Application *application, ChangeKind kind, gint64 key, const char *name,
                            gint64 before, gint64 after, GError **error) {
  Difference *difference = g_new0(Difference, 1);
  difference->kind = kind;
  difference->key = key;
  difference->name = g_strdup(name);
  difference->before_acl = before;
  difference->after_acl = after;
  difference->path = store_get_path(application->store, key, error);
  if (difference->path == NULL || !get_list(application, before, &difference->before, error) ||
      !get_list(application, after, &difference->after, error)) {
    difference_free(difference);
    return NULL;
  }
  g_ptr_array_add(application->differences, difference);
  return difference;
}

gboolean application_touch(Application *application, gint64 key, GError **error) {
  if (application->touched == key)
    return TRUE;
  application->touched = key;
  return store_touch_key(application->store, key, application->revision, application->now, error);
}

void application_count_bytes(Application *application, const char *path, gint64 delta) {
  guint32 uid = 0;
  if (delta == 0 || !resolve_get_branch(path, &uid))
    return;
  gint64 *sum = g_hash_table_lookup(application->usage, GUINT_TO_POINTER(uid));
  if (sum == NULL) {
    sum = g_new0(gint64, 1);
    g_hash_table_insert(application->usage, GUINT_TO_POINTER(uid), sum);
  }
  *sum += delta;
}

/* ---- the frame ---- */

static gboolean apply_operations(Application *application, const Change *change, GError **error) {
  for (guint i = 0; i < change->operations->len; i++) {
    const Operation *operation = g_ptr_array_index(change->operations, i);
    if (operations[operation->kind](application, operation, error))
      continue;
    const char *word = operation_kind_get_name(operation->kind);
    if (change->indexed)
      g_prefix_error(error, "operation %u (%s): ", i, word != NULL ? word : "");
    return FALSE;
  }
  return TRUE;
}

static gboolean charge_user(Application *application, guint32 uid, gint64 delta, GError **error) {
  gint64 bytes = 0;
  if (!store_add_usage(application->store, uid, delta, error) ||
      !store_load_usage(application->store, uid, &bytes, error))
    return FALSE;
  if (application->who->administrator || delta <= 0 ||
      bytes <= (gint64)application->settings->stored_bytes_per_user)
    return TRUE;
  return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "HKEY_USERS\\%u: this change would make it hold %" G_GINT64_FORMAT
                   " bytes; at most %u are allowed (Stored Bytes Per User)",
                   uid, bytes, application->settings->stored_bytes_per_user);
}

static gboolean charge_users(Application *application, GError **error) {
  GHashTableIter iterator;
  gpointer uid = NULL;
  gpointer delta = NULL;
  g_hash_table_iter_init(&iterator, application->usage);
  while (g_hash_table_iter_next(&iterator, &uid, &delta))
    if (!charge_user(application, GPOINTER_TO_UINT(uid), *(gint64 *)delta, error))
      return FALSE;
  return TRUE;
}

static Effective *make_effective(const Application *application) {
  Effective *effective = effective_new(application->revision);
  for (guint i = 0; i < application->differences->len; i++) {
    const Difference *difference = g_ptr_array_index(application->differences, i);
    effective_add(effective, difference->kind, difference->path,
                  difference->name != NULL ? difference->name : "", difference->before,
                  difference->after)
        ->reroutes = difference->reroutes;
  }
  return effective;
}

/* Every scope of history that the change touches gets the revision. */
static void count_scopes(const Application *application, RetentionCounts *counts) {
  const char *last = NULL;
  for (guint i = 0; i < application->differences->len; i++) {
    const Difference *difference = g_ptr_array_index(application->differences, i);
    if (difference->path != last)
      retention_count(counts, retention_get_scope(difference->path), application->revision,
                      application->now);
    last = difference->path;
  }
}

static gboolean put_on_trial(Application *application, const Change *change, GError **error) {
  if (change->confirm_within == 0 || change->dry_run)
    return TRUE;
  application->result->trials_changed = TRUE;
  return trials_add(application->store, application->revision, application->who->uid,
                    application->now + (gint64)change->confirm_within * G_USEC_PER_SEC, error);
}

static gboolean apply_all(Application *application, const Change *change, GError **error) {
  if (!apply_operations(application, change, error))
    return FALSE;
  if (application->has_revisited && !application_fold(application, error))
    return FALSE;
  if (application->differences->len == 0)
    return TRUE;
  const RevisionRow head = {.revision = application->revision,
                            .time = application->now,
                            .uid = application->who->uid,
                            .pid = application->who->pid,
                            .program = application->who->program,
                            .comment = change->comment};
  return charge_users(application, error) &&
         history_record(application->store, &head, application->differences, error) &&
         put_on_trial(application, change, error) &&
         (application->undone == 0 ||
          trials_note_end(application->store, application->revision, error));
}

static gboolean check_comment(const Change *change, GError **error) {
  return change->comment == NULL || strlen(change->comment) <= LIMIT_COMMENT_BYTES ||
         error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED, "a comment has at most %u bytes",
                   LIMIT_COMMENT_BYTES);
}

static void application_clear(Application *application) {
  drop_last_place(application);
  g_ptr_array_unref(application->differences);
  g_hash_table_unref(application->usage);
  g_free(application->judged);
}

/* A trial ends and nothing differs: what was changed on the way there and back is
 * taken back, since its rows bear a revision that is not taken. */
static gboolean end_alone(Application *application, GError **error) {
  store_rollback_to(application->store);
  if (!store_savepoint(application->store, error))
    return FALSE;
  if (!application_end_trial(application, application->undone, error)) {
    store_rollback_to(application->store);
    return FALSE;
  }
  application->result->kept = store_release(application->store, error);
  return application->result->kept;
}

static gboolean apply_in_savepoint(Application *application, const Change *change,
                                   RetentionCounts *counts, GError **error) {
  WriteResult *result = application->result;
  gboolean done = apply_all(application, change, error);
  gboolean differs = application->differences->len > 0;
  if (done && !differs && application->undone != 0)
    return end_alone(application, error);
  if (!done || change->dry_run || (!differs && !application->writes_anyway)) {
    if (done && differs)
      result->would_do = make_effective(application);
    store_rollback_to(application->store);
    return done;
  }
  if (!store_release(application->store, error))
    return FALSE;
  result->kept = TRUE;
  if (!differs)
    return TRUE;
  count_scopes(application, counts);
  result->revision = application->revision;
  result->effective = make_effective(application);
  return TRUE;
}

static gboolean looks_back(const Change *change) {
  for (guint i = 0; i < change->operations->len; i++) {
    const Operation *operation = g_ptr_array_index(change->operations, i);
    if (operation->kind == OPERATION_ROLLBACK || operation->kind == OPERATION_EXPECT_REVISION)
      return TRUE;
  }
  return FALSE;
}

/* Outside the savepoint: what is noted is of the changes before this one. */
static gboolean begin(const ApplyContext *context, const Change *change, GError **error) {
  if (looks_back(change) && !retention_counts_write(context->counts, context->store, error))
    return FALSE;
  return store_savepoint(context->store, error);
}

/* Whether the tree, its links and its lists are as they were. */
static gboolean touches_values_alone(const Application *application, const Change *change) {
  for (guint i = 0; i < change->operations->len; i++) {
    const Operation *operation = g_ptr_array_index(change->operations, i);
    if (operation->kind != OPERATION_SET_VALUE && operation->kind != OPERATION_DELETE_VALUE)
      return FALSE;
  }
  for (guint i = 0; i < application->differences->len; i++) {
    const Difference *difference = g_ptr_array_index(application->differences, i);
    if (difference->kind != CHANGE_VALUE_SET && difference->kind != CHANGE_VALUE_DELETED)
      return FALSE;
  }
  return TRUE;
}

gboolean apply_change(const ApplyContext *context, Identity *who, const Change *change,
                      WriteResult *result, GError **error) {
  result->revision = context->revision;
  if (!check_comment(change, error) || !begin(context, change, error))
    return FALSE;
  Application application = {
      .store = context->store,
      .places = context->places,
      .schemas = context->schemas,
      .settings = context->settings,
      .who = who,
      .revision = context->revision + 1,
      .now = context->now,
      .result = result,
      .differences = g_ptr_array_new_with_free_func((GDestroyNotify)difference_free),
      .usage = g_hash_table_new_full(NULL, NULL, NULL, g_free),
  };
  gboolean done = apply_in_savepoint(&application, change, context->counts, error);
  if (!result->kept || !touches_values_alone(&application, change))
    places_clear(context->places);
  application_clear(&application);
  return done;
}
