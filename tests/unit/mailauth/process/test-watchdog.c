/* SPDX-License-Identifier: MIT */
/* Tests of the deadline that a process sets itself. */
#include "mailauth/process/watchdog.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENDED 3

typedef struct {
  const char *name;
  void (*act)(Watchdog *watchdog); /* in a process of its own, which has 1 s left */
  int number;                      /* of the signal that ends it; 0: none does */
} Row;

static void wait_on(G_GNUC_UNUSED Watchdog *watchdog) {
  /* All of them wait at the end. */
}

static void stop_itself(G_GNUC_UNUSED Watchdog *watchdog) {
  raise(SIGSTOP);
}

static void spin(G_GNUC_UNUSED Watchdog *watchdog) {
  for (volatile int going = 1; going;)
    continue;
}

static void extend(Watchdog *watchdog) {
  watchdog_extend(watchdog, 600);
}

static const Row rows[] = {{"waits", wait_on, SIGKILL},
                           {"is-stopped", stop_itself, SIGKILL},
                           {"spins", spin, SIGKILL},
                           {"is-extended", extend, 0},
                           {"has-none", watchdog_free, 0}};

/* The process ends by itself when the other end of @descriptor is closed. */
static pid_t begin(const Row *row, int descriptor, int other) {
  char byte = 0;
  pid_t child = fork();
  if (child != 0)
    return child;
  close(other);
  Watchdog *watchdog = watchdog_new();
  watchdog_extend(watchdog, 1);
  row->act(watchdog);
  (void)!read(descriptor, &byte, 1);
  _exit(ENDED);
}

static int wait_for(pid_t child) {
  int status = 0;
  g_assert_cmpint(child, >, 0);
  g_assert_cmpint(waitpid(child, &status, 0), ==, child);
  return status;
}

static void test_deadline(gconstpointer data) {
  const Row *row = data;
  int ends[2];
  g_assert_cmpint(pipe(ends), ==, 0);
  pid_t child = begin(row, ends[0], ends[1]);
  /* One whose deadline is later than that of @child was. */
  g_assert_cmpint(WTERMSIG(wait_for(begin(&rows[0], ends[0], ends[1]))), ==, SIGKILL);
  if (row->number == 0)
    close(ends[1]);
  int status = wait_for(child);
  g_assert_cmpint(WIFSIGNALED(status) ? WTERMSIG(status) : 0, ==, row->number);
  if (row->number != 0)
    close(ends[1]);
  close(ends[0]);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *path = g_strconcat("/watchdog/", rows[i].name, NULL);
    g_test_add_data_func(path, &rows[i], test_deadline);
  }
  return g_test_run();
}
