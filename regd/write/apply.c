/* SPDX-License-Identifier: MIT */
/* See apply.h: the frame around the operations, which are in op-values.c,
 * op-keys.c, op-moves.c and op-expect.c. */
#include "regd/write/apply.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/history/trials.h"
#include "regd/write/edit.h"

static gboolean (*const operations[])(Edit *, const Operation *, GError **) = {
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

static void drop_last_place(Edit *edit) {
  g_clear_pointer(&edit->last_key, g_ref_string_release);
  g_clear_pointer(&edit->last_place, place_free);
}

/* What has been resolved before, or is from here on. */
static Place *find_walked(Edit *edit, const char *key, GError **error) {
  guint32 uid = edit->who->uid;
  Place *place = places_find(edit->places, uid, key, RESOLVE_FOLLOW);
  if (place != NULL)
    return place;
  place = resolve(edit->store, edit->who, key, RESOLVE_FOLLOW, error);
  if (place != NULL)
    places_add(edit->places, uid, key, RESOLVE_FOLLOW, place);
  return place;
}

/* Keys come with many others below the same one. NULL without @error: @key is to
 * be walked to. */
static Place *find_below(Edit *edit, const char *key, GError **error) {
  const char *leaf = path_get_leaf(key);
  if (leaf == key)
    return NULL;
  g_autofree char *parent = path_dup_parent(key);
  g_autoptr(Place) above = find_walked(edit, parent, NULL);
  Place *place = NULL;
  if (above != NULL && resolve_child(edit->store, above, leaf, &place, error) && place != NULL)
    places_add(edit->places, edit->who->uid, key, RESOLVE_FOLLOW, place);
  return place;
}

static Place *find_place(Edit *edit, const char *key, GError **error) {
  Place *place = places_find(edit->places, edit->who->uid, key, RESOLVE_FOLLOW);
  if (place != NULL)
    return place;
  GError *failure = NULL;
  place = find_below(edit, key, &failure);
  if (failure != NULL)
    g_propagate_error(error, failure);
  return place != NULL || failure != NULL ? place : find_walked(edit, key, error);
}

Place *edit_resolve(Edit *edit, GRefString *key, GError **error) {
  if (edit->last_place != NULL && edit->last_key == key)
    return edit->last_place;
  drop_last_place(edit);
  edit->last_place = find_place(edit, key, error);
  if (edit->last_place != NULL)
    edit->last_key = g_ref_string_acquire(key);
  return edit->last_place;
}

void edit_note_place(Edit *edit) {
  places_add(edit->places, edit->who->uid, edit->last_key, RESOLVE_FOLLOW, edit->last_place);
}

void edit_forget_place(Edit *edit) {
  drop_last_place(edit);
  places_clear(edit->places);
  edit->touched_children = 0;
}

static gboolean get_list(Edit *edit, gint64 id, Acl **list, GError **error) {
  Acl *borrowed = NULL;
  if (!store_load_acl(edit->store, id, &borrowed, error))
    return FALSE;
  *list = borrowed != NULL ? acl_ref(borrowed) : NULL;
  return TRUE;
}

Difference *edit_add(Edit *edit, ChangeKind kind, gint64 key, const char *name, gint64 before,
                     gint64 after, GError **error) {
  Difference *difference = g_new0(Difference, 1);
  difference->kind = kind;
  difference->key = key;
  difference->name = g_strdup(name);
  difference->before_acl = before;
  difference->after_acl = after;
  difference->path = store_get_path(edit->store, key, error);
  if (difference->path == NULL || !get_list(edit, before, &difference->before, error) ||
      !get_list(edit, after, &difference->after, error)) {
    difference_free(difference);
    return NULL;
  }
  g_ptr_array_add(edit->differences, difference);
  return difference;
}

gboolean edit_touch(Edit *edit, gint64 key, GError **error) {
  if (edit->touched == key)
    return TRUE;
  edit->touched = key;
  return store_touch_key(edit->store, key, edit->revision, edit->now, error);
}

void edit_count_bytes(Edit *edit, const char *path, gint64 delta) {
  guint32 uid = 0;
  if (delta == 0 || !resolve_get_branch(path, &uid))
    return;
  gint64 *sum = g_hash_table_lookup(edit->usage, GUINT_TO_POINTER(uid));
  if (sum == NULL) {
    sum = g_new0(gint64, 1);
    g_hash_table_insert(edit->usage, GUINT_TO_POINTER(uid), sum);
  }
  *sum += delta;
}

/* ---- the frame ---- */

static gboolean apply_operations(Edit *edit, const Change *change, GError **error) {
  for (guint i = 0; i < change->operations->len; i++) {
    const Operation *operation = g_ptr_array_index(change->operations, i);
    if (operations[operation->kind](edit, operation, error))
      continue;
    const char *word = operation_kind_get_name(operation->kind);
    if (change->indexed)
      g_prefix_error(error, "operation %u (%s): ", i, word != NULL ? word : "");
    return FALSE;
  }
  return TRUE;
}

static gboolean charge_user(Edit *edit, guint32 uid, gint64 delta, GError **error) {
  gint64 bytes = 0;
  if (!store_add_usage(edit->store, uid, delta, error) ||
      !store_load_usage(edit->store, uid, &bytes, error))
    return FALSE;
  if (edit->who->administrator || delta <= 0 ||
      bytes <= (gint64)edit->settings->stored_bytes_per_user)
    return TRUE;
  return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "HKEY_USERS\\%u: this change would make it hold %" G_GINT64_FORMAT
                   " bytes; at most %u are allowed (Stored Bytes Per User)",
                   uid, bytes, edit->settings->stored_bytes_per_user);
}

static gboolean charge_users(Edit *edit, GError **error) {
  GHashTableIter iterator;
  gpointer uid = NULL;
  gpointer delta = NULL;
  g_hash_table_iter_init(&iterator, edit->usage);
  while (g_hash_table_iter_next(&iterator, &uid, &delta))
    if (!charge_user(edit, GPOINTER_TO_UINT(uid), *(gint64 *)delta, error))
      return FALSE;
  return TRUE;
}

static Effective *make_effective(const Edit *edit) {
  Effective *effective = effective_new(edit->revision);
  for (guint i = 0; i < edit->differences->len; i++) {
    const Difference *difference = g_ptr_array_index(edit->differences, i);
    effective_add(effective, difference->kind, difference->path,
                  difference->name != NULL ? difference->name : "", difference->before,
                  difference->after)
        ->reroutes = difference->reroutes;
  }
  return effective;
}

/* Every scope of history that the change touches gets the revision. */
static void count_scopes(const Edit *edit, RetentionCounts *counts) {
  const char *last = NULL;
  for (guint i = 0; i < edit->differences->len; i++) {
    const Difference *difference = g_ptr_array_index(edit->differences, i);
    if (difference->path != last)
      retention_count(counts, retention_get_scope(difference->path), edit->revision, edit->now);
    last = difference->path;
  }
}

static gboolean put_on_trial(Edit *edit, const Change *change, GError **error) {
  if (change->confirm_within == 0 || change->dry_run)
    return TRUE;
  edit->result->trials_changed = TRUE;
  return trials_add(edit->store, edit->revision, edit->who->uid,
                    edit->now + (gint64)change->confirm_within * G_USEC_PER_SEC, error);
}

static gboolean apply_all(Edit *edit, const Change *change, GError **error) {
  if (!apply_operations(edit, change, error))
    return FALSE;
  if (edit->has_revisited && !edit_fold(edit, error))
    return FALSE;
  if (edit->differences->len == 0)
    return TRUE;
  const RevisionRow head = {.revision = edit->revision,
                            .time = edit->now,
                            .uid = edit->who->uid,
                            .pid = edit->who->pid,
                            .program = edit->who->program,
                            .comment = change->comment};
  return charge_users(edit, error) &&
         history_record(edit->store, &head, edit->differences, error) &&
         put_on_trial(edit, change, error) &&
         (edit->undone == 0 || trials_note_end(edit->store, edit->revision, error));
}

static gboolean check_comment(const Change *change, GError **error) {
  return change->comment == NULL || strlen(change->comment) <= LIMIT_COMMENT_BYTES ||
         error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED, "a comment has at most %u bytes",
                   LIMIT_COMMENT_BYTES);
}

static void edit_clear(Edit *edit) {
  drop_last_place(edit);
  g_ptr_array_unref(edit->differences);
  g_hash_table_unref(edit->usage);
  g_free(edit->judged);
}

/* A trial ends and nothing differs: what was changed on the way there and back is
 * taken back, since its rows bear a revision that is not taken. */
static gboolean end_alone(Edit *edit, GError **error) {
  store_rollback_to(edit->store);
  if (!store_savepoint(edit->store, error))
    return FALSE;
  if (!edit_end_trial(edit, edit->undone, error)) {
    store_rollback_to(edit->store);
    return FALSE;
  }
  edit->result->kept = store_release(edit->store, error);
  return edit->result->kept;
}

static gboolean apply_in_savepoint(Edit *edit, const Change *change, RetentionCounts *counts,
                                   GError **error) {
  WriteResult *result = edit->result;
  gboolean done = apply_all(edit, change, error);
  gboolean differs = edit->differences->len > 0;
  if (done && !differs && edit->undone != 0)
    return end_alone(edit, error);
  if (!done || change->dry_run || (!differs && !edit->writes_anyway)) {
    if (done && differs)
      result->would_do = make_effective(edit);
    store_rollback_to(edit->store);
    return done;
  }
  if (!store_release(edit->store, error))
    return FALSE;
  result->kept = TRUE;
  if (!differs)
    return TRUE;
  count_scopes(edit, counts);
  result->revision = edit->revision;
  result->effective = make_effective(edit);
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
static gboolean touches_values_alone(const Edit *edit, const Change *change) {
  for (guint i = 0; i < change->operations->len; i++) {
    const Operation *operation = g_ptr_array_index(change->operations, i);
    if (operation->kind != OPERATION_SET_VALUE && operation->kind != OPERATION_DELETE_VALUE)
      return FALSE;
  }
  for (guint i = 0; i < edit->differences->len; i++) {
    const Difference *difference = g_ptr_array_index(edit->differences, i);
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
  Edit edit = {
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
  gboolean done = apply_in_savepoint(&edit, change, context->counts, error);
  if (!result->kept || !touches_values_alone(&edit, change))
    places_clear(context->places);
  edit_clear(&edit);
  return done;
}
