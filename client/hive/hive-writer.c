/* SPDX-License-Identifier: MIT */
/* A hive from nothing: see hive.h. libhivex works on a file in memory. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <hivex.h>

#include "client/base/error.h"
#include "client/hive/empty-hive.h"
#include "client/hive/hive.h"

struct HiveWriter {
  hive_h *hive;
  GArray *open;   /* of hive_node_h: the key that was added last, and those above it */
  GArray *values; /* of hive_set_value: that key's; libhivex sets all of a key at once */
};

static gboolean fail(const char *what, GError **error) {
  return error_set(error, REGISTRY_ERROR_FAILED, "the hive: %s: %s", what, g_strerror(errno));
}

static hive_h *open_empty(void) {
  g_autoptr(GByteArray) bytes = empty_hive_new();
  int memory = memfd_create("hive", MFD_CLOEXEC);
  if (memory < 0)
    return NULL;
  hive_h *hive = NULL;
  if (write(memory, bytes->data, bytes->len) == (ssize_t)bytes->len) {
    g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", memory);
    hive = hivex_open(name, HIVEX_OPEN_WRITE);
  }
  close(memory);
  return hive;
}

static void value_clear(gpointer data) {
  hive_set_value *value = data;
  g_free(value->key);
  g_free(value->value);
}

HiveWriter *hive_writer_new(GError **error) {
  hive_h *hive = open_empty();
  if (hive == NULL) {
    fail("an empty one can't be made", error);
    return NULL;
  }
  HiveWriter *writer = g_new0(HiveWriter, 1);
  writer->hive = hive;
  writer->open = g_array_new(FALSE, FALSE, sizeof(hive_node_h));
  writer->values = g_array_new(FALSE, FALSE, sizeof(hive_set_value));
  g_array_set_clear_func(writer->values, value_clear);
  return writer;
}

void hive_writer_free(HiveWriter *writer) {
  if (writer == NULL)
    return;
  hivex_close(writer->hive);
  g_array_unref(writer->open);
  g_array_unref(writer->values);
  g_free(writer);
}

static gboolean set_values(HiveWriter *writer, GError **error) {
  if (writer->values->len == 0)
    return TRUE;
  hive_node_h node = g_array_index(writer->open, hive_node_h, writer->open->len - 1);
  gboolean set = hivex_node_set_values(writer->hive, node, writer->values->len,
                                       &g_array_index(writer->values, hive_set_value, 0), 0) == 0;
  g_array_set_size(writer->values, 0);
  return set || fail("the values of a key", error);
}

gboolean hive_writer_add_key(HiveWriter *writer, guint depth, const char *name, GError **error) {
  g_return_val_if_fail(depth <= writer->open->len, FALSE);
  if (!set_values(writer, error))
    return FALSE;
  g_array_set_size(writer->open, depth);
  hive_node_h node =
      depth == 0 ? hivex_root(writer->hive)
                 : hivex_node_add_child(writer->hive,
                                        g_array_index(writer->open, hive_node_h, depth - 1), name);
  if (node == 0)
    return fail(name, error);
  g_array_append_val(writer->open, node);
  return TRUE;
}

void hive_writer_add_value(HiveWriter *writer, const char *name, const RegistryValue *value) {
  gsize size;
  const guint8 *bytes = registry_value_get_bytes(value, &size);
  const hive_set_value set = {.key = g_strdup(name),
                              .t = (hive_type)registry_value_get_type(value),
                              .len = size,
                              .value = g_memdup2(bytes, size)};
  g_array_append_val(writer->values, set);
}

gboolean hive_writer_finish(HiveWriter *writer, int descriptor, GError **error) {
  g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", descriptor);
  return set_values(writer, error) &&
         (hivex_commit(writer->hive, name, 0) == 0 || fail("it can't be written", error));
}
