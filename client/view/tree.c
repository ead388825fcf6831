/* SPDX-License-Identifier: MIT */
/* A sub-tree of the registry in memory.
 *
 * Two hash tables hold it: keys by their whole relative path, and values by
 * their key and name. So a look-up costs two hashes however deep it goes, and
 * allocates nothing. Both tables hash names as folded, and compare them as
 * paths and names compare everywhere.
 */
#include "client/view/tree.h"

#include <string.h>

#include "client/base/path.h"

typedef struct {
  const TreeKey *key;
  const char *name; /* owned by the Entry that holds it, or a look-up's */
} EntryName;

typedef struct {
  EntryName id; /* first, so that the table's key is the entry itself */
  char *name;
  RegistryValue *value;
} Entry;

struct TreeKey {
  char *path; /* relative, as spelled */
  TreeKey *parent;
  GPtrArray *children; /* of TreeKey; NULL while there is none */
  GPtrArray *entries;  /* of Entry, in order; NULL while there is none */
};

struct Tree {
  GHashTable *keys;   /* path -> TreeKey, owned */
  GHashTable *values; /* EntryName -> Entry, owned */
  TreeKey *top;
};

/* ---- names as table keys ---- */

static guint hash_entry_name(gconstpointer data) {
  const EntryName *id = data;
  return path_hash_name(id->name) ^ g_direct_hash(id->key);
}

static gboolean entry_names_are_equal(gconstpointer a, gconstpointer b) {
  const EntryName *one = a;
  const EntryName *other = b;
  return one->key == other->key && path_equal_names(one->name, other->name);
}

/* ---- making and freeing ---- */

static void entry_free(gpointer data) {
  Entry *entry = data;
  registry_value_unref(entry->value);
  g_free(entry->name);
  g_free(entry);
}

static void key_free(gpointer data) {
  TreeKey *key = data;
  g_clear_pointer(&key->children, g_ptr_array_unref);
  g_clear_pointer(&key->entries, g_ptr_array_unref);
  g_free(key->path);
  g_free(key);
}

static TreeKey *key_new(Tree *tree, const char *path, gsize length) {
  TreeKey *key = g_new0(TreeKey, 1);
  key->path = g_strndup(path, length);
  g_hash_table_insert(tree->keys, key->path, key);
  return key;
}

Tree *tree_new(void) {
  Tree *tree = g_new0(Tree, 1);
  tree->keys = g_hash_table_new_full(path_hash_name, path_equal_names, NULL, key_free);
  tree->values = g_hash_table_new_full(hash_entry_name, entry_names_are_equal, NULL, entry_free);
  tree->top = key_new(tree, "", 0);
  return tree;
}

void tree_free(Tree *tree) {
  if (tree == NULL)
    return;
  g_hash_table_unref(tree->values);
  g_hash_table_unref(tree->keys);
  g_free(tree);
}

/* ---- keys ---- */

TreeKey *tree_find(const Tree *tree, const char *path) {
  TreeKey *key = g_hash_table_lookup(tree->keys, path);
  if (key != NULL || *path == '\0')
    return key;
  gsize length = strlen(path);
  if (path[length - 1] != '\\')
    return NULL;
  g_autofree char *trimmed = g_strndup(path, length - 1);
  return g_hash_table_lookup(tree->keys, trimmed);
}

static TreeKey *add_child(Tree *tree, TreeKey *parent, const char *path, gsize length) {
  TreeKey *key = key_new(tree, path, length);
  key->parent = parent;
  if (parent->children == NULL)
    parent->children = g_ptr_array_new();
  g_ptr_array_add(parent->children, key);
  return key;
}

/* The table's key is the path of the TreeKey, so it is taken out meanwhile. */
static void respell(Tree *tree, TreeKey *key, const char *path, gsize length) {
  if (strncmp(key->path, path, length) == 0 && key->path[length] == '\0')
    return;
  g_hash_table_steal(tree->keys, key->path);
  g_free(key->path);
  key->path = g_strndup(path, length);
  g_hash_table_insert(tree->keys, key->path, key);
}

TreeKey *tree_ensure(Tree *tree, const char *path) {
  TreeKey *key = tree->top;
  const char *end = path;
  while (*end != '\0') {
    end += strcspn(end, "\\");
    gsize length = (gsize)(end - path);
    g_autofree char *prefix = g_strndup(path, length);
    TreeKey *next = g_hash_table_lookup(tree->keys, prefix);
    if (next == NULL)
      next = add_child(tree, key, path, length);
    else
      respell(tree, next, path, length);
    key = next;
    end += strspn(end, "\\");
  }
  return key;
}

static void clear_values(Tree *tree, TreeKey *key) {
  if (key->entries == NULL)
    return;
  for (guint i = 0; i < key->entries->len; i++)
    g_hash_table_remove(tree->values, key->entries->pdata[i]);
  g_clear_pointer(&key->entries, g_ptr_array_unref);
}

static void remove_key(Tree *tree, TreeKey *key) {
  while (key->children != NULL && key->children->len > 0)
    remove_key(tree, g_ptr_array_steal_index_fast(key->children, key->children->len - 1));
  clear_values(tree, key);
  g_hash_table_remove(tree->keys, key->path);
}

void tree_remove(Tree *tree, const char *path) {
  TreeKey *key = tree_find(tree, path);
  if (key == NULL || key == tree->top)
    return;
  g_ptr_array_remove_fast(key->parent->children, key);
  remove_key(tree, key);
}

/* ---- values ---- */

static Entry *find_entry(const Tree *tree, const TreeKey *key, const char *name) {
  EntryName id = {key, name};
  return g_hash_table_lookup(tree->values, &id);
}

static void add_entry(Tree *tree, TreeKey *key, const char *name, const RegistryValue *value) {
  Entry *entry = g_new0(Entry, 1);
  entry->name = g_strdup(name);
  entry->id = (EntryName){key, entry->name};
  entry->value = registry_value_ref(value);
  if (key->entries == NULL)
    key->entries = g_ptr_array_new();
  g_ptr_array_add(key->entries, entry);
  g_hash_table_add(tree->values, entry);
}

void tree_set_value(Tree *tree, TreeKey *key, const char *name, const RegistryValue *value) {
  Entry *entry = find_entry(tree, key, name);
  if (entry == NULL) {
    add_entry(tree, key, name, value);
    return;
  }
  RegistryValue *before = entry->value;
  entry->value = registry_value_ref(value);
  registry_value_unref(before);
}

const RegistryValue *tree_get_value(const Tree *tree, const TreeKey *key, const char *name) {
  const Entry *entry = find_entry(tree, key, name);
  return entry != NULL ? entry->value : NULL;
}

/* ---- grafting ---- */

static void replace_values(Tree *tree, TreeKey *key, const TreeKey *source) {
  clear_values(tree, key);
  for (guint i = 0; source->entries != NULL && i < source->entries->len; i++) {
    const Entry *entry = source->entries->pdata[i];
    add_entry(tree, key, entry->name, entry->value);
  }
}

static char *join(const char *above, const char *below) {
  if (*above == '\0' || *below == '\0')
    return g_strconcat(above, below, NULL);
  return g_strconcat(above, "\\", below, NULL);
}

static void graft_key(Tree *tree, const char *path, const TreeKey *source) {
  g_autofree char *joined = join(path, source->path);
  replace_values(tree, tree_ensure(tree, joined), source);
  for (guint i = 0; source->children != NULL && i < source->children->len; i++)
    graft_key(tree, path, source->children->pdata[i]);
}

void tree_graft(Tree *tree, const char *path, const Tree *source, gboolean deep) {
  if (deep) {
    tree_remove(tree, path);
    graft_key(tree, path, source->top);
  } else {
    replace_values(tree, tree_ensure(tree, path), source->top);
  }
}

/* ---- listing and comparing ---- */

static int compare_texts(gconstpointer a, gconstpointer b) {
  return path_compare_names(*(const char *const *)a, *(const char *const *)b);
}

char **tree_list_keys(const TreeKey *key) {
  GPtrArray *names = g_ptr_array_new();
  for (guint i = 0; key->children != NULL && i < key->children->len; i++)
    g_ptr_array_add(names, g_strdup(path_get_leaf(((TreeKey *)key->children->pdata[i])->path)));
  g_ptr_array_sort(names, compare_texts);
  g_ptr_array_add(names, NULL);
  return (char **)g_ptr_array_free(names, FALSE);
}

char **tree_list_values(const TreeKey *key) {
  GPtrArray *names = g_ptr_array_new();
  for (guint i = 0; key->entries != NULL && i < key->entries->len; i++)
    g_ptr_array_add(names, g_strdup(((Entry *)key->entries->pdata[i])->name));
  g_ptr_array_add(names, NULL);
  return (char **)g_ptr_array_free(names, FALSE);
}

gsize tree_get_size(const Tree *tree) {
  return (gsize)g_hash_table_size(tree->keys) + g_hash_table_size(tree->values);
}

static guint count_entries(const TreeKey *key) {
  return key->entries != NULL ? key->entries->len : 0;
}

gboolean tree_key_equal(const TreeKey *a, const TreeKey *b) {
  if (count_entries(a) != count_entries(b))
    return FALSE;
  for (guint i = 0; i < count_entries(a); i++) {
    const Entry *one = a->entries->pdata[i];
    const Entry *other = b->entries->pdata[i];
    if (strcmp(one->name, other->name) != 0 || !registry_value_equal(one->value, other->value))
      return FALSE;
  }
  return TRUE;
}

gboolean tree_equal(const Tree *a, const Tree *b) {
  if (tree_get_size(a) != tree_get_size(b))
    return FALSE;
  GHashTableIter iter;
  gpointer path = NULL;
  gpointer key = NULL;
  g_hash_table_iter_init(&iter, a->keys);
  while (g_hash_table_iter_next(&iter, &path, &key)) {
    const TreeKey *other = g_hash_table_lookup(b->keys, path);
    if (other == NULL || strcmp(((TreeKey *)key)->path, other->path) != 0 ||
        !tree_key_equal(key, other))
      return FALSE;
  }
  return TRUE;
}
