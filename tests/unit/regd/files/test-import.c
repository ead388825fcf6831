/* SPDX-License-Identifier: MIT */
/* Reading a .reg file from descriptors that behave and that do not. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/base/protocol.h"
#include "regd/files/import.h"
#include "regd/files/process.h"

#define PATIENCE_SECONDS 60U

typedef struct {
  GMainLoop *loop;
  Workers *workers;
  guint operations;
  GError *error;
  guint answers;
  guint released;
} Outcome;

static void on_read(Change *change, const RegfileReport *report, Spool *copy, const GError *error,
                    gpointer data) {
  Outcome *outcome = data;
  g_assert_null(copy);
  outcome->answers++;
  outcome->error = error != NULL ? g_error_copy(error) : NULL;
  outcome->operations = change != NULL ? change->operations->len : 0;
  g_assert_true((report == NULL) == (change == NULL));
  change_free(change);
  g_main_loop_quit(outcome->loop);
}

static void on_released(gpointer data) {
  Outcome *outcome = data;
  outcome->released++;
}

static void begin_written(Outcome *outcome, int descriptor, guint stall_seconds, guint32 writer) {
  const ImportFile file = {.descriptor = descriptor,
                           .stall_seconds = stall_seconds,
                           .writer = writer,
                           .most_operations = G_MAXUINT};
  memset(outcome, 0, sizeof *outcome);
  outcome->loop = g_main_loop_new(NULL, FALSE);
  outcome->workers = workers_new(WORKERS_UNLIMITED, NULL);
  import_read(outcome->workers, &file, on_read, outcome, on_released, outcome);
}

static void begin(Outcome *outcome, int descriptor, guint stall_seconds) {
  begin_written(outcome, descriptor, stall_seconds, 0);
}

static void end(Outcome *outcome) {
  g_assert_cmpuint(outcome->answers, ==, 1);
  g_clear_error(&outcome->error);
  workers_abandon(outcome->workers);
  g_main_loop_unref(outcome->loop);
}

static void make_pipe(int ends[2]) {
  g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
}

static void put(int descriptor, const char *text) {
  g_assert_cmpint(write(descriptor, text, strlen(text)), ==, (gssize)strlen(text));
}

static void test_a_pipe(void) {
  Outcome outcome;
  int ends[2];
  make_pipe(ends);
  put(ends[1], "REGEDIT4\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\A]\r\n\"v\"=\"x\"\r\n");
  begin(&outcome, ends[0], PATIENCE_SECONDS);
  close(ends[1]);
  g_main_loop_run(outcome.loop);
  g_assert_no_error(outcome.error);
  g_assert_cmpuint(outcome.operations, ==, 2);
  while (outcome.released == 0)
    g_main_context_iteration(NULL, TRUE);
  end(&outcome);
}

static void test_a_pipe_that_stalls(void) {
  Outcome outcome;
  int ends[2];
  make_pipe(ends);
  put(ends[1], "REGEDIT4\r\n");
  begin(&outcome, ends[0], 1);
  g_main_loop_run(outcome.loop);
  g_assert_error(outcome.error, REGISTRY_ERROR, REGISTRY_ERROR_LIMIT_EXCEEDED);
  while (outcome.released == 0)
    g_main_context_iteration(NULL, TRUE);
  close(ends[1]);
  end(&outcome);
}

/* ---- who wrote it ---- */

typedef void (*Life)(void);

static void live(void) {
  pause();
}

static void *live_on(void *nothing) {
  live();
  return nothing;
}

/* What is left is a process whose first thread is a zombie. */
static void live_on_in_a_thread(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, live_on, NULL) == 0)
    pthread_exit(NULL);
}

static pid_t make_writer(Life life) {
  pid_t writer = fork();
  g_assert_cmpint(writer, >=, 0);
  if (writer != 0)
    return writer;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  life();
  _exit(0);
}

/* What comes of a pipe that has ended. */
static void import_from(guint32 writer, Outcome *outcome) {
  int ends[2];
  make_pipe(ends);
  put(ends[1], "REGEDIT4\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\A]\r\n");
  close(ends[1]);
  begin_written(outcome, ends[0], PATIENCE_SECONDS, writer);
  g_main_loop_run(outcome->loop);
}

static void test_a_writer_that_lives(void) {
  static const Life lives[] = {live, live_on_in_a_thread};
  for (guint i = 0; i < G_N_ELEMENTS(lives); i++) {
    Outcome outcome;
    pid_t writer = make_writer(lives[i]);
    import_from((guint32)writer, &outcome);
    g_assert_no_error(outcome.error);
    end(&outcome);
    kill(writer, SIGKILL);
    g_assert_cmpint(waitpid(writer, NULL, 0), ==, writer);
  }
}

/* Ends, but not wholly: it was the first process of a namespace, which has another
 * that nobody has waited for. */
static pid_t make_leaving_writer(int ends[2]) {
  pid_t first = -1;
  pid_t helper = fork();
  if (helper != 0)
    return helper;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (unshare(CLONE_NEWPID) == 0) {
    first = make_writer(live);
    (void)make_writer(live);
    kill(first, SIGKILL);
  }
  if (write(ends[1], &first, sizeof first) == sizeof first)
    live();
  _exit(0);
}

/* Its end is not that of what it wrote. */
static void test_a_writer_that_leaves(void) {
  int ends[2];
  pid_t first = -1;
  make_pipe(ends);
  pid_t helper = make_leaving_writer(ends);
  g_assert_cmpint(read(ends[0], &first, sizeof first), ==, sizeof first);
  if (first > 0) {
    Outcome outcome;
    while (!process_is_leaving((guint32)first))
      sched_yield();
    import_from((guint32)first, &outcome);
    g_assert_error(outcome.error, REGISTRY_ERROR, REGISTRY_ERROR_FAILED);
    end(&outcome);
  } else {
    g_test_skip("takes a namespace of processes");
  }
  kill(helper, SIGKILL);
  g_assert_cmpint(waitpid(helper, NULL, 0), ==, helper);
  close(ends[0]);
  close(ends[1]);
}

/* The bus knows by then. */
static void test_a_writer_that_has_left(void) {
  siginfo_t how;
  pid_t writer = make_writer(live);
  kill(writer, SIGKILL);
  g_assert_cmpint(waitid(P_PID, (id_t)writer, &how, WEXITED | WNOWAIT), ==, 0);
  g_assert_false(process_is_leaving((guint32)writer));
  g_assert_cmpint(waitpid(writer, NULL, 0), ==, writer);
  g_assert_false(process_is_leaving((guint32)writer));
  g_assert_false(process_is_leaving(0));
}

/* What can't be read is refused: a directory, and a descriptor for writing. */
static void test_unreadable(void) {
  const struct {
    const char *path;
    int flags;
  } rows[] = {{"/", O_RDONLY | O_DIRECTORY}, {"/dev/null", O_WRONLY}, {"/", O_PATH}};
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    Outcome outcome;
    begin(&outcome, open(rows[i].path, rows[i].flags | O_CLOEXEC), PATIENCE_SECONDS);
    g_main_loop_run(outcome.loop);
    g_assert_error(outcome.error, REGISTRY_ERROR, REGISTRY_ERROR_FAILED);
    end(&outcome);
  }
}

static void test_a_file_without_end(void) {
  Outcome outcome;
  begin(&outcome, open("/dev/zero", O_RDONLY | O_CLOEXEC), PATIENCE_SECONDS);
  g_main_loop_run(outcome.loop);
  g_assert_nonnull(outcome.error);
  end(&outcome);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/import/pipe", test_a_pipe);
  g_test_add_func("/import/stall", test_a_pipe_that_stalls);
  g_test_add_func("/import/writer-lives", test_a_writer_that_lives);
  g_test_add_func("/import/writer-leaves", test_a_writer_that_leaves);
  g_test_add_func("/import/writer-has-left", test_a_writer_that_has_left);
  g_test_add_func("/import/unreadable", test_unreadable);
  g_test_add_func("/import/endless", test_a_file_without_end);
  return g_test_run();
}
