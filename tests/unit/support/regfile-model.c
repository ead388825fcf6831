/* SPDX-License-Identifier: MIT */
/* Imports .reg files, one after the other, into a registry that is a table in
 * memory, and prints what is in it then: for test-reg-cases.py, which knows what
 * should be. Each file is also read cut in every way, which must not matter.
 *
 *   exit CODE            for each file
 *   key PATH             in hexadecimal, as are the following
 *   value NAME TYPE DATA of the key before it */
#include "client/base/path.h"
#include "tests/unit/support/regfile-changes.h"

#include <stdio.h>

typedef struct {
  char *path;
  GHashTable *names;  /* folded -> as first written */
  GHashTable *values; /* folded -> RegistryValue */
} ModelKey;

static void model_key_free(gpointer data) {
  ModelKey *key = data;
  g_free(key->path);
  g_hash_table_unref(key->names);
  g_hash_table_unref(key->values);
  g_free(key);
}

static void unref_value(gpointer value) {
  registry_value_unref(value);
}

static ModelKey *create_key(GHashTable *keys, const char *path) {
  g_autofree char *folded = path_fold(path);
  ModelKey *key = g_hash_table_lookup(keys, folded);
  if (key != NULL)
    return key;
  g_autofree char *parent = path_dup_parent(path);
  if (*parent != '\0')
    create_key(keys, parent);
  key = g_new0(ModelKey, 1);
  key->path = g_strdup(path);
  key->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  key->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_value);
  g_hash_table_insert(keys, g_steal_pointer(&folded), key);
  return key;
}

static gboolean is_below(gpointer folded, gpointer key, gpointer ancestor) {
  (void)key;
  return path_is_at_or_below(folded, ancestor);
}

static void set_value(ModelKey *key, const char *name, const RegistryValue *value) {
  char *folded = path_fold(name);
  if (!g_hash_table_contains(key->names, folded))
    g_hash_table_insert(key->names, g_strdup(folded), g_strdup(name));
  g_hash_table_replace(key->values, folded, registry_value_ref(value));
}

static void delete_value(GHashTable *keys, const char *path, const char *name) {
  g_autofree char *folded_path = path_fold(path);
  g_autofree char *folded = path_fold(name);
  ModelKey *key = g_hash_table_lookup(keys, folded_path);
  if (key == NULL)
    return;
  g_hash_table_remove(key->names, folded);
  g_hash_table_remove(key->values, folded);
}

static void apply(GHashTable *keys, const Operation *operation) {
  g_autoptr(Path) parsed = path_parse(operation->key, NULL);
  g_assert_nonnull(parsed);
  g_autofree char *path = path_to_string(parsed);
  if (operation->kind == OPERATION_CREATE_KEY)
    create_key(keys, path);
  else if (operation->kind == OPERATION_SET_VALUE)
    set_value(create_key(keys, path), operation->name, operation->value);
  else if (operation->kind == OPERATION_DELETE_VALUE)
    delete_value(keys, path, operation->name);
  else if (operation->kind == OPERATION_DELETE_TREE)
    g_hash_table_foreach_remove(keys, is_below, path);
  else
    g_assert_not_reached();
}

static int import(GHashTable *keys, const char *file) {
  g_autofree char *bytes = NULL;
  gsize size;
  g_assert_true(g_file_get_contents(file, &bytes, &size, NULL));
  check_every_cut(bytes, size);
  g_autoptr(Change) change = read_regfile(bytes, size, piece_whole, NULL, FALSE, NULL, NULL);
  if (change == NULL)
    return 1;
  for (guint i = 0; i < change->operations->len; i++)
    apply(keys, g_ptr_array_index(change->operations, i));
  return 0;
}

static void print_hex(const char *label, const guint8 *bytes, gsize size) {
  fputs(label, stdout);
  for (gsize i = 0; i < size; i++)
    printf("%02x", bytes[i]);
}

static void print_key(const ModelKey *key) {
  GHashTableIter iter;
  gpointer folded;
  gpointer value;
  print_hex("key ", (const guint8 *)key->path, strlen(key->path));
  puts("");
  g_hash_table_iter_init(&iter, key->values);
  while (g_hash_table_iter_next(&iter, &folded, &value)) {
    const char *name = g_hash_table_lookup(key->names, folded);
    gsize size;
    const guint8 *bytes = registry_value_get_bytes(value, &size);
    print_hex("value ", (const guint8 *)name, strlen(name));
    printf(" %u", registry_value_get_type(value));
    print_hex(" ", bytes, size);
    puts("");
  }
}

int main(int argc, char **argv) {
  g_autoptr(GHashTable) keys =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, model_key_free);
  for (int i = 1; i < argc; i++)
    printf("exit %d\n", import(keys, argv[i]));
  GHashTableIter iter;
  gpointer key;
  g_hash_table_iter_init(&iter, keys);
  while (g_hash_table_iter_next(&iter, NULL, &key))
    print_key(key);
  return 0;
}
