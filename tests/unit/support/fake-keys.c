/* SPDX-License-Identifier: MIT */
/* See fake-keys.h. */
#include "tests/unit/support/fake-keys.h"

#include "client/base/path.h"

static void value_free(gpointer data) {
  FakeValue *value = data;
  g_free(value->name);
  g_free(value->text);
  g_free(value);
}

static void key_free(gpointer data) {
  FakeKey *key = data;
  g_ptr_array_unref(key->values);
  g_free(key->path);
  g_free(key);
}

GPtrArray *fake_keys_new(void) {
  return g_ptr_array_new_with_free_func(key_free);
}

static gint compare_keys(gconstpointer a, gconstpointer b) {
  return path_compare_names((*(FakeKey *const *)a)->path, (*(FakeKey *const *)b)->path);
}

FakeKey *fake_keys_find(const GPtrArray *keys, const char *path) {
  for (guint i = 0; i < keys->len; i++) {
    FakeKey *key = keys->pdata[i];
    if (path_compare_names(key->path, path) == 0)
      return key;
  }
  return NULL;
}

FakeKey *fake_keys_ensure(GPtrArray *keys, const char *path) {
  FakeKey *key = fake_keys_find(keys, path);
  if (key != NULL)
    return key;
  key = g_new0(FakeKey, 1);
  key->path = g_strdup(path);
  key->values = g_ptr_array_new_with_free_func(value_free);
  g_ptr_array_add(keys, key);
  g_ptr_array_sort(keys, compare_keys);
  return key;
}

void fake_keys_put(GPtrArray *keys, const char *path, const char *name, const char *text) {
  FakeKey *key = fake_keys_ensure(keys, path);
  for (guint i = 0; i < key->values->len; i++) {
    FakeValue *value = key->values->pdata[i];
    if (path_compare_names(value->name, name) == 0) {
      g_free(value->text);
      value->text = g_strdup(text);
      return;
    }
  }
  FakeValue *value = g_new0(FakeValue, 1);
  value->name = g_strdup(name);
  value->text = g_strdup(text);
  g_ptr_array_add(key->values, value);
}
