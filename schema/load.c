/* SPDX-License-Identifier: MIT */
/* Reading schema directories. */
#include "schema/load.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "schema/parse.h"

#define SUFFIX ".schema"

static int compare_names(gconstpointer a, gconstpointer b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of the schema files in @directory in order; none if it is missing. */
static GPtrArray *list_files(const char *directory, GError **error) {
  g_autoptr(GError) problem = NULL;
  g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GDir) open_directory = g_dir_open(directory, 0, &problem);
  if (open_directory == NULL && g_error_matches(problem, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return g_steal_pointer(&files);
  if (open_directory == NULL) {
    error_set(error, REGISTRY_ERROR_FAILED, "%s", problem->message);
    return NULL;
  }
  for (const char *name; (name = g_dir_read_name(open_directory)) != NULL;)
    if (*name != '.' && g_str_has_suffix(name, SUFFIX))
      g_ptr_array_add(files, g_build_filename(directory, name, NULL));
  g_ptr_array_sort(files, compare_names);
  return g_steal_pointer(&files);
}

static gboolean fails(const char *file, GError **error) {
  return error_set(error, REGISTRY_ERROR_FAILED, "%s: %s", file, g_strerror(errno));
}

/* Appends the contents of @descriptor, at most one byte more than the limit. */
static gboolean read_all(int descriptor, const char *file, GByteArray *text, GError **error) {
  guint8 buffer[16384];
  while (text->len <= LIMIT_SCHEMA_FILE_BYTES) {
    ssize_t count = read(descriptor, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return fails(file, error);
    if (count == 0)
      return TRUE;
    g_byte_array_append(text, buffer, (guint)count);
  }
  return TRUE;
}

static gboolean load_open_file(SchemaSet *set, int descriptor, const char *file, GError **error) {
  struct stat status;
  g_autoptr(GByteArray) text = g_byte_array_new();
  if (fstat(descriptor, &status) < 0)
    return fails(file, error);
  if (!S_ISREG(status.st_mode))
    return error_set(error, REGISTRY_ERROR_FAILED, "%s: this is no file", file);
  if (!read_all(descriptor, file, text, error))
    return FALSE;
  return schema_parse(set, file, text->len ? (const char *)text->data : "", text->len, error);
}

static gboolean load_file(SchemaSet *set, const char *file, GError **error) {
  /* Does not block on a FIFO that somebody put there. */
  int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0)
    return fails(file, error);
  gboolean loaded = load_open_file(set, descriptor, file, error);
  close(descriptor);
  return loaded;
}

static void tell(GPtrArray *problems, const GError *problem) {
  if (problems != NULL)
    g_ptr_array_add(problems, g_strdup(problem->message));
}

SchemaSet *schema_load(const char *const *directories, GPtrArray *problems) {
  g_autoptr(SchemaSet) set = schema_set_new();
  for (; *directories != NULL; directories++) {
    g_autoptr(GError) unread = NULL;
    g_autoptr(GPtrArray) files = list_files(*directories, &unread);
    if (unread != NULL)
      tell(problems, unread);
    for (guint i = 0; files != NULL && i < files->len; i++) {
      g_autoptr(GError) bad = NULL;
      if (!load_file(set, g_ptr_array_index(files, i), &bad))
        tell(problems, bad);
    }
  }
  return g_steal_pointer(&set);
}
