/* SPDX-License-Identifier: MIT */
/* The change: an ordered list of operations. Builds it, and names its operations and
 * effects; the daemon decides what they mean. */
#include "client/base/change.h"

static const char *const operation_names[] = {
    [OPERATION_SET_VALUE] = "set-value",
    [OPERATION_DELETE_VALUE] = "delete-value",
    [OPERATION_CREATE_KEY] = "create-key",
    [OPERATION_DELETE_KEY] = "delete-key",
    [OPERATION_DELETE_TREE] = "delete-tree",
    [OPERATION_RENAME_KEY] = "rename-key",
    [OPERATION_CREATE_LINK] = "create-link",
    [OPERATION_EXPECT_VALUE] = "expect-value",
    [OPERATION_EXPECT_ABSENT] = "expect-absent",
    [OPERATION_EXPECT_REVISION] = "expect-revision",
    [OPERATION_SET_ACL] = "set-acl",
    [OPERATION_COPY_KEY] = "copy-key",
    [OPERATION_ROLLBACK] = "rollback",
    [OPERATION_UNDO_REVISION] = "undo-revision",
    [OPERATION_UNDO] = "undo",
    [OPERATION_CONFIRM] = "confirm",
    [OPERATION_END_TRIAL] = "end-trial",
    [OPERATION_PURGE] = "purge",
    [OPERATION_LOCK] = "lock",
    [OPERATION_UNLOCK] = "unlock",
    [OPERATION_DISOWN] = "disown",
    [OPERATION_FLEET] = "fleet",
};

/* Those from SET_ACL on have names for messages, but are not Commit's. */
#define COMMIT_OPERATIONS ((gsize)OPERATION_SET_ACL)

static const char *const change_names[] = {
    [CHANGE_KEY_CREATED] = "key-created",   [CHANGE_KEY_DELETED] = "key-deleted",
    [CHANGE_VALUE_SET] = "value-set",       [CHANGE_VALUE_DELETED] = "value-deleted",
    [CHANGE_ACL_CHANGED] = "acl-changed",   [CHANGE_LINK_CHANGED] = "link-changed",
    [CHANGE_TREE_CHANGED] = "tree-changed", [CHANGE_LOCK_CHANGED] = "lock-changed",
};

static void operation_free(gpointer data) {
  Operation *operation = data;
  if (operation == NULL)
    return;
  g_ref_string_release(operation->key);
  g_free(operation->name);
  registry_value_unref(operation->value);
  g_free(operation->target);
  g_free(operation->class_name);
  if (operation->acl_free != NULL)
    operation->acl_free(operation->acl);
  g_free(operation);
}

Change *change_new(void) {
  Change *change = g_new0(Change, 1);
  change->operations = g_ptr_array_new_with_free_func(operation_free);
  return change;
}

static void forget_source(Change *change) {
  if (change->free_source != NULL)
    change->free_source(change->source);
  change->fill = NULL;
  change->source = NULL;
  change->free_source = NULL;
}

gboolean change_fill(Change *change, GError **error) {
  gboolean done = change->fill == NULL || change->fill(change, change->source, error);
  forget_source(change);
  return done;
}

void change_free(Change *change) {
  if (change == NULL)
    return;
  forget_source(change);
  g_ptr_array_unref(change->operations);
  g_free(change->comment);
  g_free(change->owner);
  g_free(change->lock_reason);
  g_free(change);
}

void change_drop_operation(Change *change, guint index) {
  g_clear_pointer(&change->operations->pdata[index], operation_free);
}

/* Files and transactions name the same key many times in a row. */
static GRefString *share_key(const Change *change, const char *key) {
  guint count = change->operations->len;
  if (count > 0) {
    Operation *last = g_ptr_array_index(change->operations, count - 1);
    if (last->key == key || g_str_equal(last->key, key))
      return g_ref_string_acquire(last->key);
  }
  return g_ref_string_new(key);
}

Operation *change_add(Change *change, OperationKind kind, const char *key) {
  Operation *operation = g_new0(Operation, 1);
  operation->kind = kind;
  operation->key = share_key(change, key);
  g_ptr_array_add(change->operations, operation);
  return operation;
}

Operation *change_add_set_value(Change *change, const char *key, const char *name,
                                const RegistryValue *value) {
  Operation *operation = change_add(change, OPERATION_SET_VALUE, key);
  operation->name = g_strdup(name);
  operation->value = registry_value_ref(value);
  return operation;
}

Operation *change_add_delete_value(Change *change, const char *key, const char *name) {
  Operation *operation = change_add(change, OPERATION_DELETE_VALUE, key);
  operation->name = g_strdup(name);
  return operation;
}

static gboolean find_word(const char *const *words, gsize count, const char *word, gsize *index) {
  for (gsize i = 0; i < count; i++) {
    if (g_str_equal(words[i], word)) {
      *index = i;
      return TRUE;
    }
  }
  return FALSE;
}

const char *operation_kind_get_name(OperationKind kind) {
  return operation_names[kind];
}

gboolean operation_kind_parse(const char *word, OperationKind *kind) {
  gsize index;
  if (!find_word(operation_names, COMMIT_OPERATIONS, word, &index))
    return FALSE;
  *kind = (OperationKind)index;
  return TRUE;
}

const char *change_kind_get_name(ChangeKind kind) {
  return change_names[kind];
}

gboolean change_kind_parse(const char *word, ChangeKind *kind) {
  gsize index;
  if (!find_word(change_names, G_N_ELEMENTS(change_names), word, &index))
    return FALSE;
  *kind = (ChangeKind)index;
  return TRUE;
}
