/* SPDX-License-Identifier: MIT */
/* See input.h. */
#include "client/cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "client/base/error.h"

#define CHUNK_BYTES 65536U

static gboolean read_all(int descriptor, const char *name, gsize most, GByteArray *bytes,
                         GError **error) {
  for (;;) {
    guint kept = bytes->len;
    g_byte_array_set_size(bytes, kept + CHUNK_BYTES);
    ssize_t count = read(descriptor, bytes->data + kept, CHUNK_BYTES);
    int why = errno;
    g_byte_array_set_size(bytes, kept + (count > 0 ? (guint)count : 0));
    if (count == 0)
      return TRUE;
    if (count < 0 && why != EINTR)
      return error_set(error, REGISTRY_ERROR_FAILED, "%s: %s", name, g_strerror(why));
    if (bytes->len > most)
      return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                       "%s: it has more than %" G_GSIZE_FORMAT " bytes", name, most);
  }
}

GByteArray *input_read(const char *file, gsize most, GError **error) {
  gboolean standard = strcmp(file, "-") == 0;
  int descriptor = standard ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0) {
    error_set(error, REGISTRY_ERROR_FAILED, "%s: %s", file, g_strerror(errno));
    return NULL;
  }
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  gboolean whole = read_all(descriptor, standard ? "standard input" : file, most, bytes, error);
  if (!standard)
    close(descriptor);
  if (!whole)
    return NULL;
  g_byte_array_append(bytes, (const guint8 *)"", 1);
  g_byte_array_set_size(bytes, bytes->len - 1);
  return g_steal_pointer(&bytes);
}
