/* SPDX-License-Identifier: MIT */
/* See pager.h. */
#include "client/terminal/pager.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib-unix.h>

/* A command of one word can be looked for; of any other the shell says if it is not there. */
static gboolean may_be_there(const char *command) {
  if (strpbrk(command, " \t\n'\"\\$`|&;<>()*?[~") != NULL)
    return TRUE;
  g_autofree char *program = g_find_program_in_path(command);
  return program != NULL;
}

static const char *choose(void) {
  const char *named = g_getenv("PAGER");
  const char *pager = named != NULL ? named : "less";
  return *pager != '\0' && strcmp(pager, "cat") != 0 && may_be_there(pager) ? pager : NULL;
}

static GStrv dup_environment(void) {
  /* F: not for what fits the window; R: colours are passed on; X: the text stays. */
  return g_environ_setenv(g_get_environ(), "LESS", "FRX", FALSE);
}

void pager_start(Pager *pager) {
  int ends[2];
  const char *command = choose();
  if (command == NULL || !g_unix_open_pipe(ends, FD_CLOEXEC, NULL))
    return;
  g_auto(GStrv) environment = dup_environment();
  g_auto(GStrv) shell = g_new0(char *, 4);
  shell[0] = g_strdup("/bin/sh");
  shell[1] = g_strdup("-c");
  shell[2] = g_strdup(command);
  if (g_spawn_async_with_fds(NULL, shell, environment, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
                             &pager->pid, ends[0], -1, -1, NULL)) {
    (void)dup2(ends[1], STDOUT_FILENO);
    /* An interrupt is meant for the pager, which has the terminal. */
    (void)signal(SIGINT, SIG_IGN);
  } else {
    pager->pid = 0;
  }
  close(ends[0]);
  close(ends[1]);
}

void pager_finish(Pager *pager) {
  int status;
  if (pager->pid == 0)
    return;
  (void)close(STDOUT_FILENO);
  while (waitpid(pager->pid, &status, 0) < 0 && errno == EINTR)
    ;
  g_spawn_close_pid(pager->pid);
  pager->pid = 0;
}
