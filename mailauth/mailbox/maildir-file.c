/* SPDX-License-Identifier: MIT */
/* See maildir-file.h. */
#include "mailauth/mailbox/maildir-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/error.h"

static gboolean set_errno_error(GError **error, const char *name, const char *what) {
  return error_set(error, REGISTRY_ERROR_FAILED, "%s can't be %s: %s", name, what,
                   g_strerror(errno));
}

static gboolean read_all(int file, char *bytes, gsize size) {
  while (size > 0) {
    gssize had = TEMP_FAILURE_RETRY(read(file, bytes, size));
    if (had == 0)
      errno = EIO; /* it has become shorter */
    if (had <= 0)
      return FALSE;
    bytes += had;
    size -= (gsize)had;
  }
  return TRUE;
}

static gboolean read_open(int file, const char *name, gsize max, char **text, gsize *size,
                          GError **error) {
  struct stat status;
  if (fstat(file, &status) != 0)
    return set_errno_error(error, name, "read");
  if (!S_ISREG(status.st_mode))
    return error_set(error, REGISTRY_ERROR_FAILED, "%s is no regular file", name);
  if ((guint64)status.st_size > max)
    return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                     "%s is larger than %" G_GSIZE_FORMAT " bytes", name, max);
  g_autofree char *bytes = g_malloc((gsize)status.st_size + 1);
  if (!read_all(file, bytes, (gsize)status.st_size))
    return set_errno_error(error, name, "read");
  bytes[status.st_size] = '\0';
  *text = g_steal_pointer(&bytes);
  *size = (gsize)status.st_size;
  return TRUE;
}

gboolean maildir_file_read(int folder, const char *name, gsize max, char **text, gsize *size,
                           GError **error) {
  *text = NULL;
  *size = 0;
  int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0)
    return errno == ENOENT || set_errno_error(error, name, "read");
  gboolean had = read_open(file, name, max, text, size, error);
  close(file);
  return had;
}

static gboolean write_all(int file, const char *bytes, gsize size) {
  while (size > 0) {
    gssize written = TEMP_FAILURE_RETRY(write(file, bytes, size));
    if (written < 0)
      return FALSE;
    bytes += written;
    size -= (gsize)written;
  }
  return TRUE;
}

/* Also of the folder: its entry is new. */
static gboolean sync_folder(int folder) {
  return fsync(folder) == 0 || errno == EINVAL;
}

static gboolean write_fresh(int folder, const char *fresh, const GString *text, gboolean lasting) {
  /* What a process that was killed has left behind; nobody else writes here under the lock. */
  unlinkat(folder, fresh, 0);
  int file = openat(folder, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0)
    return FALSE;
  gboolean written = write_all(file, text->str, text->len) && (!lasting || fsync(file) == 0);
  int problem = errno;
  if (close(file) == 0 && written)
    return TRUE;
  errno = written ? errno : problem;
  return FALSE;
}

gboolean maildir_file_write(int folder, const char *name, const GString *text, gboolean lasting,
                            GError **error) {
  g_autofree char *fresh = g_strconcat(name, ".new", NULL);
  if (write_fresh(folder, fresh, text, lasting) && renameat(folder, fresh, folder, name) == 0 &&
      (!lasting || sync_folder(folder)))
    return TRUE;
  set_errno_error(error, name, "written");
  unlinkat(folder, fresh, 0);
  return FALSE;
}
