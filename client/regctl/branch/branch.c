/* SPDX-License-Identifier: MIT */
/* The branch in memory. Places are folded paths whose separators sort before
 * every character of a name, so that a key comes right before what is below it. */
#include "client/regctl/branch/branch.h"

#include <string.h>

#include "client/base/path.h"
#include "client/base/protocol.h"

#define SEPARATOR '\001'
#define OUTSIDE                                                                                    \
  "\377" /* before the whole path of a key elsewhere; sorts last, as no name has it                \
          */

static void branch_key_free(gpointer data) {
  BranchKey *key = data;
  g_free(key->path);
  g_hash_table_unref(key->index);
  g_ptr_array_unref(key->values);
  g_free(key);
}

static void free_value(gpointer data) {
  if (data != NULL)
    listed_value_free(data);
}

static int compare_places(gconstpointer a, gconstpointer b, G_GNUC_UNUSED gpointer data) {
  return strcmp(a, b);
}

Branch *branch_new(const char *base, const char *asked) {
  Branch *branch = g_new0(Branch, 1);
  branch->base = g_strdup(base);
  branch->asked = g_strdup(asked);
  branch->keys = g_tree_new_full(compare_places, NULL, g_free, branch_key_free);
  return branch;
}

void branch_free(Branch *branch) {
  if (branch == NULL)
    return;
  g_tree_unref(branch->keys);
  g_free(branch->base);
  g_free(branch->asked);
  g_free(branch);
}

/* ---- places ---- */

/* Behind @base, component by component: folding may change how long they are.
 * NULL: it is not at or below. */
static const char *find_rest(const char *path, const char *base) {
  if (!*base)
    return path;
  if (!path_is_at_or_below(path, base))
    return NULL;
  for (const char *at = base; at != NULL; at = strchr(at, '\\')) {
    at += *at == '\\';
    path = strchr(path, '\\');
    if (path == NULL)
      return "";
    path++;
  }
  return path;
}

static char *find_place(const Branch *branch, const char *path) {
  const char *rest = find_rest(path, branch->base);
  if (rest == NULL && branch->asked != NULL)
    rest = find_rest(path, branch->asked);
  g_autofree char *fold = path_fold(rest != NULL ? rest : path);
  for (char *at = fold; *at; at++)
    if (*at == '\\')
      *at = SEPARATOR;
  return g_strconcat(rest != NULL ? "" : OUTSIDE, fold, NULL);
}

static BranchKey *new_key(const char *path) {
  BranchKey *key = g_new0(BranchKey, 1);
  key->path = g_strdup(path);
  key->values = g_ptr_array_new_with_free_func(free_value);
  key->index = g_hash_table_new(path_hash_name, path_equal_names);
  return key;
}

/* From the top down, below the base only. */
BranchKey *branch_add_key(Branch *branch, const char *path) {
  g_autofree char *place = find_place(branch, path);
  BranchKey *key = g_tree_lookup(branch->keys, place);
  if (key != NULL)
    return key;
  g_autofree char *parent = path_dup_parent(path);
  g_autofree char *parent_place = *parent ? find_place(branch, parent) : NULL;
  if (parent_place != NULL && *place && !g_str_has_prefix(parent_place, OUTSIDE))
    (void)branch_add_key(branch, parent);
  key = new_key(path);
  g_tree_insert(branch->keys, g_steal_pointer(&place), key);
  return key;
}

const char *branch_find_outsider(const Branch *branch) {
  GTreeNode *last = g_tree_node_last(branch->keys);
  if (last == NULL || !g_str_has_prefix(g_tree_node_key(last), OUTSIDE))
    return NULL;
  return ((const BranchKey *)g_tree_node_value(last))->path;
}

/* ---- values ---- */

static void remove_value(BranchKey *key, const char *name) {
  ListedValue *listed = g_hash_table_lookup(key->index, name);
  guint index = 0;
  if (listed == NULL)
    return;
  g_hash_table_remove(key->index, name);
  if (g_ptr_array_find(key->values, listed, &index))
    key->values->pdata[index] = NULL;
  listed_value_free(listed);
}

void branch_set_value(BranchKey *key, const char *name, RegistryValue *value) {
  ListedValue *listed = g_hash_table_lookup(key->index, name);
  if (listed == NULL) {
    listed = g_new0(ListedValue, 1);
    listed->name = g_strdup(name);
    g_ptr_array_add(key->values, listed);
    g_hash_table_insert(key->index, listed->name, listed);
  }
  g_clear_pointer(&listed->value, registry_value_unref);
  listed->value = registry_value_ref(value);
}

RegistryValue *branch_get_value(const BranchKey *key, const char *name) {
  const ListedValue *listed = g_hash_table_lookup(key->index, name);
  return listed != NULL ? listed->value : NULL;
}

gboolean branch_is_link(const BranchKey *key) {
  const RegistryValue *value = branch_get_value(key, LINK_VALUE_NAME);
  return value != NULL && registry_value_get_type(value) == REGISTRY_LINK;
}

/* ---- a file's operations ---- */

static gboolean is_at_or_below(const char *place, const char *top) {
  gsize length = strlen(top);
  if (length == 0)
    return !g_str_has_prefix(place, OUTSIDE);
  return strncmp(place, top, length) == 0 && (!place[length] || place[length] == SEPARATOR);
}

static void remove_tree(Branch *branch, const char *path) {
  g_autofree char *place = find_place(branch, path);
  GTreeNode *node = g_tree_lower_bound(branch->keys, place);
  while (node != NULL) {
    const char *at = g_tree_node_key(node);
    if (!is_at_or_below(at, place))
      return;
    g_autofree char *found = g_strdup(at);
    g_tree_remove(branch->keys, found);
    node = g_tree_lower_bound(branch->keys, found);
  }
}

static void apply_operation(Branch *branch, const Operation *operation, const char *path) {
  g_autoptr(RegistryValue) link = NULL;
  switch (operation->kind) {
  case OPERATION_SET_VALUE:
    branch_set_value(branch_add_key(branch, path), operation->name, operation->value);
    break;
  case OPERATION_DELETE_VALUE:
    remove_value(branch_add_key(branch, path), operation->name);
    break;
  case OPERATION_CREATE_KEY:
    (void)branch_add_key(branch, path);
    break;
  case OPERATION_CREATE_LINK:
    link = registry_value_new_string(REGISTRY_LINK, operation->target, NULL);
    if (link != NULL)
      branch_set_value(branch_add_key(branch, path), LINK_VALUE_NAME, link);
    break;
  case OPERATION_DELETE_TREE:
    remove_tree(branch, path);
    break;
  default: /* no other comes from a file */
    break;
  }
}

void branch_apply(Branch *branch, const Change *change) {
  for (guint i = 0; i < change->operations->len; i++) {
    const Operation *operation = g_ptr_array_index(change->operations, i);
    g_autoptr(Path) path = path_parse(operation->key, NULL);
    g_autofree char *text = path != NULL ? path_to_string(path) : NULL;
    if (text != NULL)
      apply_operation(branch, operation, text);
  }
}

/* ---- comparing ---- */

typedef struct {
  BranchVisit visit;
  gpointer data;
} Comparison;

static void tell_value(const Comparison *comparison, const BranchKey *a, const BranchKey *b,
                       const char *name, RegistryValue *before, RegistryValue *after) {
  BranchDifference difference = {.kind = after != NULL ? CHANGE_VALUE_SET : CHANGE_VALUE_DELETED,
                                 .key = a != NULL ? a : b,
                                 .other = a != NULL ? b : NULL,
                                 .name = name,
                                 .before = before,
                                 .after = after};
  if (!registry_value_equal(before, after))
    comparison->visit(&difference, comparison->data);
}

/* Either may be NULL. */
static void compare_values(const Comparison *comparison, const BranchKey *a, const BranchKey *b) {
  for (guint i = 0; a != NULL && i < a->values->len; i++) {
    const ListedValue *listed = a->values->pdata[i];
    if (listed != NULL)
      tell_value(comparison, a, b, listed->name, listed->value,
                 b != NULL ? branch_get_value(b, listed->name) : NULL);
  }
  for (guint i = 0; b != NULL && i < b->values->len; i++) {
    const ListedValue *listed = b->values->pdata[i];
    if (listed != NULL && !(a != NULL && branch_get_value(a, listed->name) != NULL))
      tell_value(comparison, a, b, listed->name, NULL, listed->value);
  }
}

static void compare_keys(const Comparison *comparison, const BranchKey *a, const BranchKey *b) {
  BranchDifference difference = {.kind = a != NULL ? CHANGE_KEY_DELETED : CHANGE_KEY_CREATED,
                                 .key = a != NULL ? a : b};
  if (a == NULL || b == NULL)
    comparison->visit(&difference, comparison->data);
  compare_values(comparison, a, b);
}

/* Below 0: the key of @a comes first, or @b has no more keys. */
static int compare_nodes(GTreeNode *a, GTreeNode *b) {
  if (a == NULL || b == NULL)
    return a != NULL ? -1 : 1;
  return strcmp(g_tree_node_key(a), g_tree_node_key(b));
}

void branch_compare(const Branch *a, const Branch *b, BranchVisit visit, gpointer data) {
  Comparison comparison = {visit, data};
  GTreeNode *left = g_tree_node_first(a->keys);
  GTreeNode *right = g_tree_node_first(b->keys);
  while (left != NULL || right != NULL) {
    int order = compare_nodes(left, right);
    compare_keys(&comparison, order <= 0 ? g_tree_node_value(left) : NULL,
                 order >= 0 ? g_tree_node_value(right) : NULL);
    left = order <= 0 ? g_tree_node_next(left) : left;
    right = order >= 0 ? g_tree_node_next(right) : right;
  }
}
