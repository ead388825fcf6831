/* SPDX-License-Identifier: MIT */
/* Standard output and standard error. */
#include "client/cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/base/error.h"
#include "client/base/escape.h"

void output_keep_numbers(void) {
  static const int useless[] = {
      [STDIN_FILENO] = O_WRONLY, [STDOUT_FILENO] = O_RDONLY, [STDERR_FILENO] = O_RDONLY};
  for (int i = 0; i < (int)G_N_ELEMENTS(useless); i++)
    if (fcntl(i, F_GETFD) < 0 && open("/dev/null", useless[i] | O_NOCTTY) != i) /* the lowest */
      _exit(EXIT_CODE_FAILED);
}

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

gboolean output_is_abandoned(void) {
  struct pollfd pipe = {.fd = STDOUT_FILENO, .events = POLLOUT};
  return poll(&pipe, 1, 0) == 1 && (pipe.revents & POLLERR) != 0;
}

void output_say(const char *program, const char *text) {
  g_autoptr(GString) line = g_string_new(program);
  g_string_append(line, ": ");
  escape_append(line, text);
  (void)fprintf(stderr, "%s\n", line->str);
}

/* A line's end stays only where the text ends. */
static void print_escaped(const char *text) {
  gboolean ended = g_str_has_suffix(text, "\n");
  g_autofree char *whole = g_strndup(text, strlen(text) - (ended ? 1 : 0));
  g_autoptr(GString) line = g_string_new(NULL);
  escape_append(line, whole);
  (void)fprintf(stderr, "%s%s", line->str, ended ? "\n" : "");
}

void output_escape_errors(void) {
  g_set_printerr_handler(print_escaped);
}
