/* SPDX-License-Identifier: MIT */
/* From differences to operations. Conditions come first: each value that is written must
 * still be what it was, and a key that is deleted must not have changed, nor anything
 * below it. */
#include "client/regctl/branch/edit-change.h"

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"

typedef struct {
  guint64 revision;
  Change *conditions;
  Change *steps;
  const char *deleted; /* the last key whose whole branch goes */
} Editing;

static void delete_key(Editing *editing, const BranchKey *key) {
  if (editing->deleted != NULL && path_is_at_or_below(key->path, editing->deleted))
    return;
  editing->deleted = key->path;
  if (branch_is_link(key)) {
    change_add(editing->steps, OPERATION_DELETE_KEY, key->path);
    return;
  }
  change_add(editing->conditions, OPERATION_EXPECT_REVISION, key->path)->revision =
      editing->revision;
  change_add(editing->steps, OPERATION_DELETE_TREE, key->path);
}

/* Creates a key, or a link if it is one. */
static void make_key(Editing *editing, const BranchKey *key) {
  g_autofree char *target = branch_is_link(key)
                                ? registry_value_dup_string(branch_get_value(key, LINK_VALUE_NAME))
                                : NULL;
  Operation *operation = change_add(
      editing->steps, target != NULL ? OPERATION_CREATE_LINK : OPERATION_CREATE_KEY, key->path);
  operation->target = g_steal_pointer(&target);
}

static void create_key(Editing *editing, const BranchKey *key) {
  Operation *absent = change_add(editing->conditions, OPERATION_EXPECT_ABSENT, key->path);
  absent->name = g_strdup("");
  absent->flags = OPERATION_KEY_ABSENT;
  make_key(editing, key);
}

static void write_value(Editing *editing, const BranchDifference *difference) {
  const char *path = difference->key->path;
  Operation *condition = change_add(
      editing->conditions,
      difference->before != NULL ? OPERATION_EXPECT_VALUE : OPERATION_EXPECT_ABSENT, path);
  condition->name = g_strdup(difference->name);
  condition->value = difference->before != NULL ? registry_value_ref(difference->before) : NULL;
  if (difference->after != NULL)
    change_add_set_value(editing->steps, path, difference->name, difference->after);
  else
    change_add_delete_value(editing->steps, path, difference->name);
}

static void edit_both(Editing *editing, const BranchDifference *difference) {
  gboolean was_link = branch_is_link(difference->key);
  if (!was_link && !branch_is_link(difference->other)) {
    write_value(editing, difference);
  } else if (path_compare_names(difference->name, LINK_VALUE_NAME) == 0) {
    change_add(editing->steps, was_link ? OPERATION_DELETE_KEY : OPERATION_DELETE_TREE,
               difference->key->path);
    make_key(editing, difference->other);
  } else if (difference->after != NULL && !branch_is_link(difference->other)) {
    change_add_set_value(editing->steps, difference->key->path, difference->name,
                         difference->after);
  }
}

static void edit(const BranchDifference *difference, gpointer data) {
  Editing *editing = data;
  if (difference->kind == CHANGE_KEY_DELETED)
    delete_key(editing, difference->key);
  else if (difference->kind == CHANGE_KEY_CREATED)
    create_key(editing, difference->key);
  else if (difference->other != NULL)
    edit_both(editing, difference);
  else if (difference->after != NULL && !branch_is_link(difference->key))
    change_add_set_value(editing->steps, difference->key->path, difference->name,
                         difference->after);
}

/* ---- what can't be ---- */

static gboolean find_loaded_link(G_GNUC_UNUSED gpointer place, gpointer value, gpointer data) {
  const BranchKey *key = value;
  if (!branch_is_link(key) || g_hash_table_size(key->index) == 1)
    return FALSE;
  *(const char **)data = key->path;
  return TRUE;
}

static gboolean check(const Branch *before, const Branch *after, GError **error) {
  const char *path = branch_find_outsider(after);
  if (path != NULL)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "%s: it is not at or below %s, which is edited", path, before->base);
  if (g_tree_nnodes(after->keys) == 0)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "%s: no key is left; `regctl rm -r` deletes one", before->base);
  g_tree_foreach(after->keys, find_loaded_link, &path);
  return path == NULL || error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                                   "%s: a link holds no values beside %s", path, LINK_VALUE_NAME);
}

Change *edit_change_new(const Branch *before, guint64 revision, const Branch *after,
                        GError **error) {
  if (!check(before, after, error))
    return NULL;
  g_autoptr(Change) steps = change_new();
  Change *change = change_new();
  Editing editing = {.revision = revision, .conditions = change, .steps = steps};
  branch_compare(before, after, edit, &editing);
  g_ptr_array_extend_and_steal(change->operations, g_steal_pointer(&steps->operations));
  steps->operations = g_ptr_array_new();
  return change;
}
