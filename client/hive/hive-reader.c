/* SPDX-License-Identifier: MIT */
/* A hive to a .reg file: see hive.h. What libhivex can't read is damage. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hivex.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "client/hive/hive.h"
#include "client/regfile/regfile.h"

#define MUCH (1024U * 1024U) /* printed, and written at once */

static const guint8 utf8_mark[] = {0xEF, 0xBB, 0xBF};

typedef struct {
  hive_h *hive;
  RegfilePrinter *printer;
  GByteArray *out;
  int to;
  gboolean salvage;
  guint32 operations;
  HiveReport *report;
} Reading;

static gboolean flush(Reading *reading, GError **error) {
  for (gsize done = 0; done < reading->out->len;) {
    ssize_t count = write(reading->to, reading->out->data + done, reading->out->len - done);
    if (count < 0 && errno != EINTR)
      return error_set(error, REGISTRY_ERROR_FAILED, "the hive as text: %s", g_strerror(errno));
    done += count > 0 ? (gsize)count : 0;
  }
  g_byte_array_set_size(reading->out, 0);
  return TRUE;
}

static gboolean note_damage(Reading *reading, const char *path, const char *what, GError **error) {
  reading->report->damaged++;
  return reading->salvage || error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                                       "the hive is damaged: %s: %s; --salvage takes what can be "
                                       "read",
                                       path, what);
}

static gboolean count_operation(Reading *reading, const char *path, GError **error) {
  return ++reading->operations <= LIMIT_REGFILE_OPERATIONS ||
         error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "%s: the hive has more than %u keys and values", path, LIMIT_REGFILE_OPERATIONS);
}

/* ---- values ---- */

/* Takes @name and @data, malloc()ed. */
static void print_value(Reading *reading, char *name, gsize name_size, guint32 type, char *data,
                        gsize size) {
  g_autoptr(RegistryValue) value = registry_value_new_bytes(type, (const guint8 *)data, size);
  if (strlen(name) == name_size && path_check_value_name(name, NULL))
    regfile_printer_value(reading->printer, name, value, reading->out);
  else
    reading->report->nameless++;
  free(name);
  free(data);
}

static gboolean read_value(Reading *reading, hive_value_h handle, const char *path,
                           GError **error) {
  hive_type type = hive_t_REG_NONE;
  size_t size = 0;
  if (!count_operation(reading, path, error))
    return FALSE;
  size_t name_size = hivex_value_key_len(reading->hive, handle);
  char *name = hivex_value_key(reading->hive, handle);
  char *data = name != NULL ? hivex_value_value(reading->hive, handle, &type, &size) : NULL;
  if (data == NULL) {
    free(name);
    return note_damage(reading, path, "a value can't be read", error);
  }
  print_value(reading, name, name_size == 0 ? strlen(name) : name_size, (guint32)type, data, size);
  return reading->out->len < MUCH || flush(reading, error);
}

static gboolean read_values(Reading *reading, hive_node_h node, const char *path, GError **error) {
  gboolean going = TRUE;
  hive_value_h *values = hivex_node_values(reading->hive, node);
  if (values == NULL)
    return note_damage(reading, path, "its values can't be read", error);
  for (gsize i = 0; going && values[i] != 0; i++)
    going = read_value(reading, values[i], path, error);
  free(values);
  return going;
}

/* ---- keys ---- */

static gboolean read_key(Reading *reading, hive_node_h node, const char *path, guint depth,
                         GError **error);

/* A name with a line end can't stand in a line of a key. */
static gboolean can_hold(const char *name, gsize size) {
  return strlen(name) == size && strpbrk(name, "\r\n") == NULL && path_check_key_name(name, NULL);
}

static gboolean read_child(Reading *reading, hive_node_h node, const char *above, guint depth,
                           GError **error) {
  size_t size = hivex_node_name_len(reading->hive, node);
  char *name = hivex_node_name(reading->hive, node);
  if (name == NULL)
    return note_damage(reading, above, "a key below it can't be read", error);
  gboolean held = can_hold(name, size == 0 ? strlen(name) : size);
  g_autofree char *path = g_strconcat(above, "\\", name, NULL);
  free(name);
  if (held)
    return read_key(reading, node, path, depth, error);
  reading->report->nameless++;
  return TRUE;
}

static gboolean read_children(Reading *reading, hive_node_h node, const char *path, guint depth,
                              GError **error) {
  gboolean going = TRUE;
  hive_node_h *children = hivex_node_children(reading->hive, node);
  if (children == NULL)
    return note_damage(reading, path, "its keys can't be read", error);
  for (gsize i = 0; going && children[i] != 0; i++)
    going = read_child(reading, children[i], path, depth, error);
  free(children);
  return going;
}

/* A hive whose keys contain themselves ends at the limits of depth and of operations. */
static gboolean read_key(Reading *reading, hive_node_h node, const char *path, guint depth,
                         GError **error) {
  if (depth > LIMIT_DEPTH)
    return note_damage(reading, path, "its keys are nested without an end", error);
  if (!count_operation(reading, path, error))
    return FALSE;
  regfile_printer_key(reading->printer, path, reading->out);
  return read_values(reading, node, path, error) &&
         read_children(reading, node, path, depth + 1, error);
}

static gboolean read_root(Reading *reading, const char *at, GError **error) {
  hive_node_h root = hivex_root(reading->hive);
  if (root == 0)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "the hive is damaged: its root can't be read");
  /* A mark knows better than an encoding that is named for other files. */
  g_byte_array_append(reading->out, utf8_mark, sizeof utf8_mark);
  regfile_printer_begin(reading->printer, reading->out);
  if (!read_key(reading, root, at, 1, error))
    return FALSE;
  regfile_printer_end(reading->printer, reading->out);
  return flush(reading, error);
}

gboolean hive_to_regfile(int from, int to, const char *at, gboolean salvage, HiveReport *report,
                         GError **error) {
  g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", from);
  *report = (HiveReport){0};
  hive_h *hive = hivex_open(name, salvage ? HIVEX_OPEN_UNSAFE : 0);
  if (hive == NULL)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "the hive can't be read: %s; if it is damaged, --salvage takes what can be "
                     "read",
                     g_strerror(errno));
  g_autoptr(RegfilePrinter) printer = regfile_printer_new(REGFILE_VERSION_5, REGFILE_UTF8);
  g_autoptr(GByteArray) out = g_byte_array_new();
  Reading reading = {
      .hive = hive, .printer = printer, .out = out, .to = to, .salvage = salvage, .report = report};
  gboolean read = read_root(&reading, at, error);
  hivex_close(hive);
  return read;
}
