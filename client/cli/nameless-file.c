/* SPDX-License-Identifier: MIT */
/* See nameless-file.h. */
#include "client/cli/nameless-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "client/base/error.h"

int nameless_file_new(const char *what, GError **error) {
  FILE *file = tmpfile();
  int descriptor = file != NULL ? fcntl(fileno(file), F_DUPFD_CLOEXEC, 0) : -1;
  if (descriptor < 0)
    error_set(error, REGISTRY_ERROR_FAILED, "%s: a temporary file can't be made: %s", what,
              g_strerror(errno));
  if (file != NULL)
    (void)fclose(file);
  return descriptor;
}

gboolean nameless_file_write(int descriptor, const void *bytes, gsize size) {
  const char *at = bytes;
  while (size > 0) {
    gssize written = write(descriptor, at, size);
    if (written < 0 && errno != EINTR)
      return FALSE;
    at += MAX(written, 0);
    size -= (gsize)MAX(written, 0);
  }
  return TRUE;
}

gboolean nameless_file_rewind(int descriptor) {
  return lseek(descriptor, 0, SEEK_SET) == 0;
}
