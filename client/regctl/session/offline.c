/* SPDX-License-Identifier: MIT */
/* regd is started with --private: it makes a bus for the two of them, prints its address
 * on standard output, and ends when regctl leaves the bus. */
#include "client/regctl/session/offline.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/base/error.h"

#define PROGRAM_VARIABLE "REGD_PROGRAM"
#define ADDRESS_BYTES 4096

/* Where regd may be, seen from the directory of regctl. */
static const char *const places[] = {"regd", "../sbin/regd", "../../regd/regd"};

static char *find_regd(void) {
  const char *named = g_getenv(PROGRAM_VARIABLE);
  g_autofree char *own = g_file_read_link("/proc/self/exe", NULL);
  g_autofree char *directory = own != NULL ? g_path_get_dirname(own) : NULL;
  if (named != NULL)
    return g_strdup(named);
  for (gsize i = 0; directory != NULL && i < G_N_ELEMENTS(places); i++) {
    g_autofree char *program = g_build_filename(directory, places[i], NULL);
    if (g_file_test(program, G_FILE_TEST_IS_EXECUTABLE) &&
        !g_file_test(program, G_FILE_TEST_IS_DIR))
      return g_steal_pointer(&program);
  }
  return g_strdup("regd");
}

/* One line; NULL if the output ends before. */
static char *read_line(int descriptor) {
  char line[ADDRESS_BYTES];
  gsize length = 0;
  while (length < sizeof line) {
    ssize_t count = read(descriptor, line + length, sizeof line - length);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return NULL;
    const char *end = memchr(line + length, '\n', (gsize)count);
    length += (gsize)count;
    if (end != NULL)
      return g_strndup(line, (gsize)(end - line));
  }
  return NULL;
}

gboolean offline_start(Offline *offline, const char *file, GError **error) {
  g_autoptr(GError) problem = NULL;
  g_autofree char *program = find_regd();
  g_autofree char *database = g_strconcat("--database=", file, NULL);
  g_autofree char *private = g_strdup("--private");
  char *words[] = {program, database, private, NULL};
  int output = -1;
  if (!g_spawn_async_with_pipes(NULL, words, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH,
                                NULL, NULL, &offline->regd, NULL, &output, NULL, &problem))
    return error_set(error, REGISTRY_ERROR_FAILED, "%s: %s can't be started: %s", file, program,
                     problem->message);
  offline->address = read_line(output);
  close(output);
  return offline->address != NULL ||
         error_set(error, REGISTRY_ERROR_FAILED,
                   "%s: regd can't work on it; what it said stands above", file);
}

void offline_end(Offline *offline) {
  g_clear_pointer(&offline->address, g_free);
  if (offline->regd == 0)
    return;
  while (waitpid(offline->regd, NULL, 0) < 0 && errno == EINTR)
    ;
  g_spawn_close_pid(offline->regd);
  offline->regd = 0;
}
