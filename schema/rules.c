/* SPDX-License-Identifier: MIT */
/* The set of schemas: a tree of path components, so that a look-up of a path without
 * description ends at its first component that is not in the tree. check.c checks values. */
#include "schema/rules.h"

#include <string.h>

#include "client/base/path.h"

#define ANY_COMPONENT "*"
#define CURRENT_CONTROL_SET "CURRENTCONTROLSET"
#define CONTROL_SET "CONTROLSET"

/* One component of a described path. */
typedef struct Node Node;
struct Node {
  GHashTable *children; /* folded component -> Node; NULL: none */
  Node *any;            /* `*`, or NULL */
  Node *control_set;    /* every control set (below HKLM\SYSTEM), or NULL */
  guint stars;          /* `*` on the way here */
  GPtrArray *keys;      /* of SchemaKey, in the order added; NULL: the path is not described */
  GHashTable *values;   /* folded name or alias -> Described; NULL with keys */
};

typedef struct {
  const SchemaValue *value; /* both borrowed from the node's keys */
  const SchemaKey *key;
} Described;

struct SchemaSet {
  gatomicrefcount references;
  Node *top;
};

static void node_free(gpointer data) {
  Node *node = data;
  if (node == NULL)
    return;
  g_clear_pointer(&node->children, g_hash_table_unref);
  node_free(node->any);
  node_free(node->control_set);
  g_clear_pointer(&node->values, g_hash_table_unref);
  g_clear_pointer(&node->keys, g_ptr_array_unref);
  g_free(node);
}

static Node *node_new(guint stars) {
  Node *node = g_new0(Node, 1);
  node->stars = stars;
  return node;
}

void schema_value_free(SchemaValue *value) {
  if (value == NULL)
    return;
  g_free(value->name);
  g_strfreev(value->aliases);
  g_free(value->summary);
  g_free(value->description);
  g_clear_pointer(&value->default_value, registry_value_unref);
  g_strfreev(value->allowed);
  g_free(value->pattern);
  g_clear_pointer(&value->regex, g_regex_unref);
  g_free(value);
}

void schema_key_free(SchemaKey *key) {
  if (key == NULL)
    return;
  g_free(key->path);
  g_free(key->summary);
  g_free(key->description);
  g_clear_pointer(&key->values, g_ptr_array_unref);
  g_free(key->file);
  g_free(key);
}

SchemaSet *schema_set_new(void) {
  SchemaSet *set = g_new0(SchemaSet, 1);
  g_atomic_ref_count_init(&set->references);
  set->top = node_new(0);
  return set;
}

SchemaSet *schema_set_ref(SchemaSet *set) {
  g_atomic_ref_count_inc(&set->references);
  return set;
}

void schema_set_unref(SchemaSet *set) {
  if (set == NULL || !g_atomic_ref_count_dec(&set->references))
    return;
  node_free(set->top);
  g_free(set);
}

/* ---- folding ---- */

/* The table's entry for the folded @text. Most names are short and ASCII, and
 * this runs for every value read or written: those are folded on the stack. */
static gpointer lookup_folded(GHashTable *table, const char *text, gsize length) {
  char buffer[128];
  if (table == NULL)
    return NULL;
  gsize done = 0;
  for (; done < length && length < sizeof buffer && (guchar)text[done] < 0x80; done++)
    buffer[done] = g_ascii_toupper(text[done]);
  if (done == length && length < sizeof buffer) {
    buffer[length] = '\0';
    return g_hash_table_lookup(table, buffer);
  }
  g_autofree char *part = g_strndup(text, length);
  g_autofree char *folded = path_fold(part);
  return g_hash_table_lookup(table, folded);
}

/* CurrentControlSet or ControlSet and digits. */
static gboolean is_control_set(const char *component, gsize length) {
  gsize prefix = strlen(CONTROL_SET);
  if (length == strlen(CURRENT_CONTROL_SET))
    if (g_ascii_strncasecmp(component, CURRENT_CONTROL_SET, length) == 0)
      return TRUE;
  if (length <= prefix || g_ascii_strncasecmp(component, CONTROL_SET, prefix) != 0)
    return FALSE;
  return strspn(component + prefix, "0123456789") >= length - prefix;
}

/* ---- adding ---- */

static Node *child_named(Node *node, const char *component) {
  if (node->children == NULL)
    node->children = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, node_free);
  Node *child = lookup_folded(node->children, component, strlen(component));
  if (child != NULL)
    return child;
  child = node_new(node->stars);
  g_hash_table_insert(node->children, path_fold(component), child);
  return child;
}

static Node *child_any(Node *node) {
  if (node->any == NULL)
    node->any = node_new(node->stars + 1);
  return node->any;
}

static Node *child_control_set(Node *node) {
  if (node->control_set == NULL)
    node->control_set = node_new(node->stars);
  return node->control_set;
}

static Node *root_named(SchemaSet *set, PathRoot root) {
  return child_named(set->top, path_root_get_name(root));
}

static Node *local_machine_system(SchemaSet *set) {
  return child_named(root_named(set, PATH_ROOT_LOCAL_MACHINE), "SYSTEM");
}

/* Where the components of a path with this root begin: links are resolved in
 * the paths that are asked for, so they are here. */
static Node *node_of_root(SchemaSet *set, PathRoot root) {
  if (root == PATH_ROOT_CURRENT_USER)
    return child_any(root_named(set, PATH_ROOT_USERS));
  if (root == PATH_ROOT_CLASSES_ROOT)
    return child_named(child_named(root_named(set, PATH_ROOT_LOCAL_MACHINE), "SOFTWARE"),
                       "Classes");
  if (root == PATH_ROOT_CURRENT_CONFIG)
    return child_named(
        child_named(child_control_set(local_machine_system(set)), "Hardware Profiles"), "Current");
  return root_named(set, root);
}

/* The child of @node that @component, as a schema writes it, stands for. */
static Node *child_described(SchemaSet *set, Node *node, const char *component) {
  Node *machine = root_named(set, PATH_ROOT_LOCAL_MACHINE);
  if (strcmp(component, ANY_COMPONENT) == 0)
    return child_any(node);
  if (g_ascii_strcasecmp(component, CURRENT_CONTROL_SET) != 0)
    return child_named(node, component);
  if (node == machine || node == local_machine_system(set))
    return child_control_set(local_machine_system(set));
  return child_named(node, component);
}

static void describe_name(Node *node, const char *name, const Described *described) {
  g_hash_table_replace(node->values, path_fold(name), g_memdup2(described, sizeof *described));
}

/* Names after aliases, so that a described name is never hidden by another's alias. */
static void index_values(Node *node, const SchemaKey *key) {
  for (guint i = 0; i < key->values->len; i++) {
    Described described = {g_ptr_array_index(key->values, i), key};
    for (char **alias = described.value->aliases; *alias != NULL; alias++)
      describe_name(node, *alias, &described);
  }
  for (guint i = 0; i < key->values->len; i++) {
    Described described = {g_ptr_array_index(key->values, i), key};
    describe_name(node, described.value->name, &described);
  }
}

void schema_set_add(SchemaSet *set, SchemaKey *key) {
  g_autoptr(Path) path = path_parse(key->path, NULL);
  g_return_if_fail(path != NULL && path->root != PATH_ROOT_ABOVE);
  Node *node = node_of_root(set, path->root);
  for (guint i = 0; i < path->depth; i++)
    node = child_described(set, node, path->components[i]);
  if (node->keys == NULL) {
    node->keys = g_ptr_array_new_with_free_func((GDestroyNotify)schema_key_free);
    node->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  }
  g_ptr_array_add(node->keys, key);
  index_values(node, key);
}

/* ---- asking ---- */

/* Called for each node that @path leads to; TRUE ends the walk. */
typedef gboolean (*Visit)(const Node *node, gpointer data);

/* The parts of @path from @rest on, below @node. No deeper than the tree. */
static gboolean walk(const Node *node, const char *rest, Visit visit, gpointer data) {
  if (*rest == '\0')
    return visit(node, data);
  gsize length = strcspn(rest, "\\");
  const char *next = rest + length + (rest[length] == '\\' ? 1 : 0);
  const Node *child = lookup_folded(node->children, rest, length);
  if (child != NULL && walk(child, next, visit, data))
    return TRUE;
  if (node->control_set != NULL && is_control_set(rest, length))
    if (walk(node->control_set, next, visit, data))
      return TRUE;
  return node->any != NULL && walk(node->any, next, visit, data);
}

static gboolean visit_first(G_GNUC_UNUSED const Node *node, G_GNUC_UNUSED gpointer data) {
  return TRUE;
}

gboolean schema_set_reaches(const SchemaSet *set, const char *path) {
  return (set->top->children != NULL) && walk(set->top, path, visit_first, NULL);
}

/* Keeps the nodes in the order of exactness; made when the first is found. */
static gboolean visit_described(const Node *node, gpointer data) {
  GPtrArray **found = data;
  if (node->keys == NULL)
    return FALSE;
  if (*found == NULL)
    *found = g_ptr_array_new();
  guint at = 0;
  while (at < (*found)->len && ((const Node *)g_ptr_array_index(*found, at))->stars <= node->stars)
    at++;
  union {
    const Node *node;
    gpointer pointer;
  } entry = {node};
  g_ptr_array_insert(*found, (int)at, entry.pointer);
  return FALSE;
}

/* The described nodes that hold for @path, the most exact first; NULL: none. */
static GPtrArray *find_nodes(const SchemaSet *set, const char *path) {
  GPtrArray *found = NULL;
  walk(set->top, path, visit_described, &found);
  return found;
}

static const SchemaKey *newest_key(const Node *node) {
  return g_ptr_array_index(node->keys, node->keys->len - 1);
}

const SchemaKey *schema_set_find_key(const SchemaSet *set, const char *path) {
  g_autoptr(GPtrArray) nodes = find_nodes(set, path);
  return nodes != NULL ? newest_key(g_ptr_array_index(nodes, 0)) : NULL;
}

static const Described *find_described(const GPtrArray *nodes, const char *name) {
  for (guint i = 0; nodes != NULL && i < nodes->len; i++) {
    const Node *node = g_ptr_array_index(nodes, i);
    const Described *described = lookup_folded(node->values, name, strlen(name));
    if (described != NULL)
      return described;
  }
  return NULL;
}

static const SchemaKey *find_closed(const GPtrArray *nodes) {
  for (guint i = 0; nodes != NULL && i < nodes->len; i++) {
    const Node *node = g_ptr_array_index(nodes, i);
    for (guint j = node->keys->len; j > 0; j--) {
      const SchemaKey *key = g_ptr_array_index(node->keys, j - 1);
      if (key->closed)
        return key;
    }
  }
  return NULL;
}

const SchemaValue *schema_set_find_rules(const SchemaSet *set, const char *path, const char *name,
                                         const SchemaKey **key) {
  g_autoptr(GPtrArray) nodes = find_nodes(set, path);
  const Described *described = find_described(nodes, name);
  *key = described != NULL ? described->key : find_closed(nodes);
  return described != NULL ? described->value : NULL;
}

const SchemaValue *schema_set_find_value(const SchemaSet *set, const char *path, const char *name,
                                         const SchemaKey **key) {
  const SchemaKey *found = NULL;
  const SchemaValue *value = schema_set_find_rules(set, path, name, &found);
  if (key != NULL)
    *key = value != NULL ? found : NULL;
  return value;
}

gboolean schema_set_is_secret(const SchemaSet *set, const char *path, const char *name) {
  const SchemaValue *value = schema_set_find_value(set, path, name, NULL);
  return value != NULL && value->secret;
}

/* ---- required values ---- */

static GHashTable *fold_names(const char *const *names) {
  GHashTable *folded = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (; *names != NULL; names++)
    g_hash_table_add(folded, path_fold(*names));
  return folded;
}

static gboolean is_present(const SchemaValue *value, GHashTable *present) {
  if (lookup_folded(present, value->name, strlen(value->name)) != NULL)
    return TRUE;
  for (char **alias = value->aliases; *alias != NULL; alias++)
    if (lookup_folded(present, *alias, strlen(*alias)) != NULL)
      return TRUE;
  return FALSE;
}

/* Another description of the same value may come before @value and apply instead. */
static gboolean is_first(const GPtrArray *nodes, const SchemaValue *value) {
  const Described *described = find_described(nodes, value->name);
  return described != NULL && described->value == value;
}

/* Adds what @key requires, if the description is the first of its value. */
static void add_missing(const GPtrArray *nodes, const SchemaKey *key, GHashTable *present,
                        GStrvBuilder *missing) {
  for (guint i = 0; i < key->values->len; i++) {
    const SchemaValue *value = g_ptr_array_index(key->values, i);
    if (!value->required || is_present(value, present))
      continue;
    if (is_first(nodes, value))
      g_strv_builder_add(missing, value->name);
  }
}

char **schema_set_missing(const SchemaSet *set, const char *path, const char *const *names) {
  g_autoptr(GStrvBuilder) missing = g_strv_builder_new();
  g_autoptr(GPtrArray) nodes = find_nodes(set, path);
  if (nodes == NULL)
    return g_strv_builder_end(missing);
  g_autoptr(GHashTable) present = fold_names(names);
  for (guint i = 0; i < nodes->len; i++) {
    const Node *node = g_ptr_array_index(nodes, i);
    for (guint j = 0; j < node->keys->len; j++)
      add_missing(nodes, g_ptr_array_index(node->keys, j), present, missing);
  }
  return g_strv_builder_end(missing);
}
