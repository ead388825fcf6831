/* SPDX-License-Identifier: MIT */
/* See apply.h: the frame around the operations, which are in op-*.c. */
#include "regd/write/apply.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/base/batch.h"
#include "regd/edit/edit.h"
#include "regd/edit/fold.h"
#include "regd/edit/recording.h"
#include "regd/history/trials.h"
#include "regd/write/fleet-hook.h"
#include "regd/write/op-declare.h"
#include "regd/write/operations.h"

/* In bytes; see get_head_size(). */
#define HEAD_SIZE 64U

static gboolean apply_fleet(Edit *edit, const Operation *operation, GError **error) {
  return edit->fleet->apply(edit, operation, error);
}

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
    [OPERATION_UNDO_REVISION] = apply_undo_revision,
    [OPERATION_UNDO] = apply_undo,
    [OPERATION_CONFIRM] = apply_confirm,
    [OPERATION_END_TRIAL] = apply_end_trial,
    [OPERATION_PURGE] = apply_purge,
    [OPERATION_LOCK] = apply_lock,
    [OPERATION_UNLOCK] = apply_unlock,
    [OPERATION_DISOWN] = apply_disown,
    [OPERATION_FLEET] = apply_fleet,
};

/* ---- the operations ---- */

/* With so many differences, a large change is recorded so far. */
#define PART_DIFFERENCES 4096U

static gboolean record_part(Edit *edit, const Change *change, GError **error);

static gboolean apply_operation(Edit *edit, const Operation *operation, GError **error) {
  edit_begin_declaring(edit);
  return operations[operation->kind](edit, operation, error) &&
         edit_declare(edit, operation, error);
}

static gboolean apply_operations(Edit *edit, Change *change, GError **error) {
  for (guint i = 0; i < change->operations->len; i++) {
    const Operation *operation = g_ptr_array_index(change->operations, i);
    if (!apply_operation(edit, operation, error)) {
      const char *word = operation_kind_get_name(operation->kind);
      if (change->indexed && error != NULL && db_error_is_damage(*error))
        g_prefix_error(error, "%s: ", operation->key);
      if (change->indexed)
        g_prefix_error(error, "operation %u (%s): ", i, word != NULL ? word : "");
      return FALSE;
    }
    if (edit->is_applied_once)
      change_drop_operation(change, i);
    if (edit->differences->len >= PART_DIFFERENCES && !record_part(edit, change, error))
      return FALSE;
  }
  return TRUE;
}

/* What history keeps of a revision besides its differences. */
static gsize get_head_size(const Edit *edit, const Change *change) {
  return HEAD_SIZE + strlen(edit->who->program) +
         (change->comment != NULL ? strlen(change->comment) : 0);
}

/* Every scope of history that the change touches gets the revision, and the bytes of what it
 * changed there. */
static void count_scopes(const Edit *edit, const Change *change, RetentionCounts *counts) {
  gint64 head = (gint64)get_head_size(edit, change);
  for (guint i = 0; i < edit->recorded.scopes->len; i++) {
    const ScopeBytes *each = &g_array_index(edit->recorded.scopes, ScopeBytes, i);
    retention_count(counts, each->scope, edit->revision, edit->now, each->bytes + head);
    head = 0;
  }
}

/* Whether there is room for more history of everybody whose branch is changed. */
static gboolean check_room(const Edit *edit, GError **error) {
  const Retention retention = {edit->store, edit->settings, edit->now};
  gint64 last = 0;
  for (guint i = 0; !edit->who->administrator && i < edit->differences->len; i++) {
    const Difference *difference = g_ptr_array_index(edit->differences, i);
    gint64 scope = retention_get_scope(difference->path);
    if (scope != last && !retention_check_room(&retention, difference->path, error))
      return FALSE;
    last = scope;
  }
  return TRUE;
}

static gboolean is_on_trial(const Change *change) {
  return change->confirm_within != 0 && !change->dry_run;
}

static gboolean put_on_trial(Edit *edit, const Change *change, GError **error) {
  if (!is_on_trial(change))
    return TRUE;
  const Trial trial = {.revision = edit->revision,
                       .uid = edit->who->uid,
                       .deadline = edit->now + (gint64)change->confirm_within * G_USEC_PER_SEC,
                       .held = edit->held,
                       .steps = db_get_work(store_get_db(edit->store)),
                       .allowed = apply_get_step_limit(edit->who, edit->settings),
                       .maker = edit->who};
  edit->result->trials_changed = TRUE;
  return trials_add(edit->store, &trial, error);
}

/* FALSE: it is not to be recorded, or an error. */
static gboolean is_ours(Edit *edit, const Change *change, GError **error) {
  return edit->fleet == NULL ||
         (edit->fleet->judge(edit, change, error) && edit->result->proposal == NULL);
}

/* Another host's user has made the change: the agent only brings it. The texts are borrowed. */
static void set_origin(RevisionRow *head, const Edit *edit) {
  if (edit->origin == NULL)
    return;
  head->pid = 0;
  head->program = (char *)(guintptr)edit->origin->program;
  head->origin = (char *)(guintptr)edit->origin->user_at_host;
  head->fleet_revision = edit->origin->revision;
  head->fleet_time = edit->origin->time;
}

static gboolean record(Edit *edit, const Change *change, GError **error) {
  g_autofree char *comment = edit_get_comment(edit, change->comment);
  RevisionRow head = {.revision = edit->revision,
                      .time = edit->now,
                      .uid = edit->who->uid,
                      .pid = edit->who->pid,
                      .program = edit->who->program,
                      .comment = comment};
  set_origin(&head, edit);
  return edit_record(edit, &head, error);
}

/* If something was deleted, what follows is likely to touch it again. */
static gboolean record_part(Edit *edit, const Change *change, GError **error) {
  if (!edit->is_in_parts || edit->has_deleted || edit->has_revisited)
    return TRUE;
  return is_ours(edit, change, error) && record(edit, change, error);
}

static gboolean apply_all(Edit *edit, Change *change, GError **error) {
  if (!apply_operations(edit, change, error) || !edit_settle_declared(edit, error))
    return FALSE;
  if (edit->has_revisited && (!edit_recall(edit, error) || !edit_fold(edit, error)))
    return FALSE;
  if (!edit_differs(edit) && !edit_note_left_out(edit, error))
    return FALSE;
  /* All hosts of a fleet end its trial together, though there is nothing to undo. */
  if ((edit_differs(edit) || edit->undone_fleet != 0) && !is_ours(edit, change, error))
    return edit->result->proposal != NULL;
  if (!edit_differs(edit))
    return !edit->writes_anyway || edit_settle(edit, FALSE, error);
  if (!check_room(edit, error) || !edit_settle(edit, is_on_trial(change), error))
    return FALSE;
  if (change->dry_run)
    return TRUE;
  return record(edit, change, error) && put_on_trial(edit, change, error) &&
         (edit->undone == 0 || trials_note_end(edit->store, edit->revision, error));
}

static gboolean check_comment(const Change *change, GError **error) {
  return change->comment == NULL || strlen(change->comment) <= LIMIT_COMMENT_BYTES ||
         error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED, "a comment has at most %u bytes",
                   LIMIT_COMMENT_BYTES);
}

/* A trial ends and nothing differs in the end: rolls back what was changed on the way, because
 * its rows have a revision that is not taken. */
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

/* ---- the frame ---- */

/* What a change may cost; asked while it is applied. */
typedef struct {
  const ApplyContext *context;
  const Identity *who;
  guint64 steps;
} Allowance;

static gboolean is_allowed(gpointer data, GError **error) {
  const Allowance *allowance = data;
  const ApplyContext *context = allowance->context;
  if (context->may_go_on != NULL && !context->may_go_on(context->may_go_on_data, error))
    return FALSE;
  if (db_get_work(store_get_db(context->store)) <= allowance->steps)
    return TRUE;
  if (allowance->who->administrator)
    return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                     "this change takes more than %" G_GUINT64_FORMAT
                     " steps: make it in several parts",
                     allowance->steps);
  return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "this change takes more than %" G_GUINT64_FORMAT
                   " steps (Steps Per Change): make it in several parts",
                   allowance->steps);
}

guint64 apply_get_step_limit(const Identity *who, const LiveSettings *settings) {
  return who->administrator ? LIMIT_CHANGE_STEPS_ADMINISTRATOR : settings->steps_per_change;
}

static gboolean goes_back(const Operation *operation) {
  return operation->kind == OPERATION_ROLLBACK || operation->kind == OPERATION_UNDO_REVISION;
}

/* What a dry run would do is told of those that go back; of other changes it is counted. */
static gboolean is_told(const Change *change) {
  for (guint i = 0; i < change->operations->len; i++)
    if (goes_back(g_ptr_array_index(change->operations, i)))
      return TRUE;
  return FALSE;
}

static gboolean apply_in_savepoint(Edit *edit, Change *change, RetentionCounts *counts,
                                   GError **error) {
  WriteResult *result = edit->result;
  gboolean done = apply_all(edit, change, error);
  db_end_work(store_get_db(edit->store));
  gboolean differs = edit_differs(edit);
  result->changed = done && differs;
  if (done && !differs && edit->undone != 0 && result->proposal == NULL)
    return end_alone(edit, error);
  if (!done || change->dry_run || result->proposal != NULL || (!differs && !edit->writes_anyway)) {
    if (done && differs && is_told(change))
      result->would_do = edit_make_effective(edit);
    store_rollback_to(edit->store);
    return done;
  }
  if (!store_release(edit->store, error))
    return FALSE;
  result->kept = TRUE;
  if (!differs)
    return TRUE;
  count_scopes(edit, change, counts);
  result->revision = edit->revision;
  result->effective = g_steal_pointer(&edit->recorded.effective);
  return TRUE;
}

static gboolean looks_back(const Change *change) {
  for (guint i = 0; i < change->operations->len; i++) {
    const Operation *operation = g_ptr_array_index(change->operations, i);
    if (goes_back(operation) || operation->kind == OPERATION_EXPECT_REVISION)
      return TRUE;
  }
  return FALSE;
}

/* Outside of the savepoint, because the counts are of earlier changes. */
static gboolean begin(const ApplyContext *context, const Change *change, GError **error) {
  if (looks_back(change) && !retention_counts_write(context->counts, context->store, error))
    return FALSE;
  return lock_set_refresh(context->locks, context->store, error) &&
         store_savepoint(context->store, error);
}

/* Whether the tree, its links and its lists stay as they are. */
static gboolean names_values_only(const Change *change) {
  for (guint i = 0; i < change->operations->len; i++) {
    const Operation *operation = g_ptr_array_index(change->operations, i);
    if (operation->kind != OPERATION_SET_VALUE && operation->kind != OPERATION_DELETE_VALUE)
      return FALSE;
  }
  return TRUE;
}

static gboolean changed_values_only(const Effective *effective) {
  for (guint i = 0; effective != NULL && i < effective->entries->len; i++) {
    const EffectiveEntry *entry = g_ptr_array_index(effective->entries, i);
    if (entry->kind != CHANGE_VALUE_SET && entry->kind != CHANGE_VALUE_DELETED)
      return FALSE;
  }
  return TRUE;
}

/* A large commit of an administrator's may be recorded in parts. Of others it has to be known first
 * whether there is room for their history, whose commit it is, or what it looks back at. */
static gboolean may_be_in_parts(const Edit *edit, const Change *change) {
  if (change->operations->len <= PART_DIFFERENCES || !edit->who->administrator || change->dry_run ||
      change->confirm_within != 0 || change->owner != NULL ||
      (edit->fleet != NULL && edit->fleet->is_member(edit)))
    return FALSE;
  for (guint i = 0; i < change->operations->len; i++) {
    const Operation *operation = g_ptr_array_index(change->operations, i);
    if (operation->kind == OPERATION_EXPECT_REVISION || operation->kind >= OPERATION_SET_ACL)
      return FALSE;
  }
  return TRUE;
}

/* What comes after it would be taken for damage. */
static gboolean check_revision(guint64 revision, GError **error) {
  return revision < LIMIT_REVISION ||
         error_set(error, REGISTRY_ERROR_STORAGE_FAILURE,
                   "no revision is left after %" G_GUINT64_FORMAT ": stop regd, and put a backup "
                   "back with regd --restore=BACKUP",
                   revision);
}

static void release_value(gpointer value) {
  registry_value_unref(value);
}

gboolean apply_change(const ApplyContext *context, Identity *who, Change *change,
                      WriteResult *result, GError **error) {
  result->revision = context->revision;
  gboolean is_own = batch_is_own(change);
  gboolean is_read = change_fill(change, error);
  result->steps = change->operations->len + change->fill_steps;
  if (!is_read || !check_revision(context->revision, error) || !check_comment(change, error) ||
      !begin(context, change, error))
    return FALSE;
  Edit edit = {
      .store = context->store,
      .places = context->places,
      .schemas = context->schemas,
      .settings = context->settings,
      .locks = context->locks,
      .over_locks = change->over_locks,
      .owner = change->owner,
      .declarer = declarer_new(change),
      .fleet = context->fleet,
      .gone = change->owner != NULL
                  ? g_hash_table_new_full(g_str_hash, g_str_equal, g_free, release_value)
                  : NULL,
      .who = who,
      .revision = context->revision + 1,
      .now = context->now,
      .result = result,
      .differences = g_ptr_array_new_with_free_func((GDestroyNotify)difference_free),
      .usage = g_hash_table_new_full(NULL, NULL, NULL, g_free),
  };
  edit.is_in_parts = may_be_in_parts(&edit, change);
  edit.is_applied_once = edit.is_in_parts && is_own;
  gboolean names_values = names_values_only(change);
  Db *db = store_get_db(context->store);
  Allowance allowance = {context, who, apply_get_step_limit(who, context->settings)};
  db_begin_work(db, is_allowed, &allowance);
  gboolean done = apply_in_savepoint(&edit, change, context->counts, error);
  result->steps = db_get_work(db) + change->fill_steps;
  if (!result->kept || !names_values || !changed_values_only(result->effective))
    place_cache_clear(context->places);
  (result->kept ? lock_set_keep : lock_set_undo)(context->locks);
  edit_clear(&edit);
  declarer_free(edit.declarer);
  g_clear_pointer(&edit.gone, g_hash_table_unref);
  return done;
}
