/* SPDX-License-Identifier: MIT */
/* Standard output and standard error. */
#include "client/cli/output.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "client/base/error.h"
#include "client/base/escape.h"

gboolean output_flush(GString *text, GError **error) {
  gsize done = 0;
  while (done < text->len) {
    ssize_t count = write(STDOUT_FILENO, text->str + done, text->len - done);
    if (count < 0 && errno != EINTR)
      return error_set(error, REGISTRY_ERROR_FAILED, "standard output: %s", g_strerror(errno));
    done += count > 0 ? (gsize)count : 0;
  }
  g_string_truncate(text, 0);
  return TRUE;
}

void output_say(const char *program, const char *text) {
  g_autoptr(GString) line = g_string_new(program);
  g_string_append(line, ": ");
  escape_append(line, text);
  (void)fprintf(stderr, "%s\n", line->str);
}
