/* SPDX-License-Identifier: MIT */
/* See spool.h. */
#include "regd/files/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "client/base/error.h"
#include "client/base/protocol.h"

struct Spool {
  char *database;
  GByteArray *buffer; /* what is not in the file yet */
  int file;           /* -1: all of it is in memory */
  guint64 filed;      /* bytes in the file */
};

Spool *spool_new(const char *database) {
  Spool *spool = g_new0(Spool, 1);
  spool->database = g_strdup(database);
  spool->buffer = g_byte_array_new();
  spool->file = -1;
  return spool;
}

void spool_free(Spool *spool) {
  if (spool == NULL)
    return;
  if (spool->file >= 0)
    close(spool->file);
  g_byte_array_unref(spool->buffer);
  g_free(spool->database);
  g_free(spool);
}

GByteArray *spool_get_buffer(Spool *spool) {
  return spool->buffer;
}

guint64 spool_get_size(const Spool *spool) {
  return spool->filed + spool->buffer->len;
}

static gboolean fail(const char *database, const char *verb, GError **error) {
  gboolean full = errno == ENOSPC || errno == EDQUOT;
  return error_set(error, full ? REGISTRY_ERROR_STORAGE_FULL : REGISTRY_ERROR_STORAGE_FAILURE,
                   "a temporary file beside %s can't be %s: %s", database, verb, g_strerror(errno));
}

static const char *const purposes[] = {"backup", "export", "restore", "upgrade"};

/* @rest: what follows the database's name. SQLite's journal may be there too. */
static gboolean is_left(const char *rest) {
  for (gsize i = 0; i < G_N_ELEMENTS(purposes); i++) {
    g_autofree char *pattern = g_strdup_printf("-%s-??????", purposes[i]);
    g_autofree char *journal = g_strconcat(pattern, "-journal", NULL);
    if (g_pattern_match_simple(pattern, rest) || g_pattern_match_simple(journal, rest))
      return TRUE;
  }
  return FALSE;
}

void spool_remove_left(const char *database) {
  g_autofree char *path = g_path_get_dirname(database);
  g_autofree char *base = g_path_get_basename(database);
  g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
  const char *name = NULL;
  while (directory != NULL && (name = g_dir_read_name(directory)) != NULL) {
    if (!g_str_has_prefix(name, base) || !is_left(name + strlen(base)))
      continue;
    g_autofree char *file = g_build_filename(path, name, NULL);
    (void)unlink(file);
  }
}

int spool_make_file(const char *database, const char *purpose, char **name, GError **error) {
  g_autofree char *template = g_strdup_printf("%s-%s-XXXXXX", database, purpose);
  int file = mkostemp(template, O_CLOEXEC); /* mode 0600 */
  if (file < 0) {
    fail(database, "made", error);
    return -1;
  }
  if (name != NULL)
    *name = g_steal_pointer(&template);
  else
    (void)unlink(template);
  return file;
}

static gboolean write_buffer(Spool *spool, GError **error) {
  const GByteArray *buffer = spool->buffer;
  gsize done = 0;
  while (done < buffer->len) {
    gssize written = write(spool->file, buffer->data + done, buffer->len - done);
    if (written < 0 && errno != EINTR)
      return fail(spool->database, "written", error);
    done += written > 0 ? (gsize)written : 0;
  }
  spool->filed += buffer->len;
  g_byte_array_set_size(spool->buffer, 0);
  return TRUE;
}

static gboolean move_to_file(Spool *spool, GError **error) {
  if (spool->file < 0)
    spool->file = spool_make_file(spool->database, "export", NULL, error);
  return spool->file >= 0 && write_buffer(spool, error);
}

gboolean spool_settle(Spool *spool, GError **error) {
  return spool->buffer->len < LIMIT_SPOOL_MEMORY_BYTES || move_to_file(spool, error);
}

int spool_take_file(Spool *spool, GError **error) {
  if (!move_to_file(spool, error))
    return -1;
  if (lseek(spool->file, 0, SEEK_SET) < 0) {
    fail(spool->database, "read again", error);
    return -1;
  }
  int file = spool->file;
  spool->file = -1;
  spool->filed = 0;
  return file;
}

gboolean spool_deliver(Spool *spool, Transfer *transfer, GError **error) {
  return (spool->file < 0 || transfer_write_file(transfer, spool->file, error)) &&
         transfer_write(transfer, spool->buffer->data, spool->buffer->len, error);
}
