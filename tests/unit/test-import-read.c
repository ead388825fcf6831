/* Reading a .reg file from descriptors that behave and that do not. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "client/base/protocol.h"
#include "regd/import.h"

#define PATIENCE_SECONDS 60U

typedef struct {
  GMainLoop *loop;
  Work *work;
  guint operations;
  GError *error;
  guint answers;
  guint released;
} Outcome;

static void on_read(Change *change, const RegfileReport *report, const GError *error,
                    gpointer data) {
  Outcome *outcome = data;
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

static void begin(Outcome *outcome, int descriptor, guint stall_seconds) {
  memset(outcome, 0, sizeof *outcome);
  outcome->loop = g_main_loop_new(NULL, FALSE);
  outcome->work = work_new(NULL);
  import_read(outcome->work, descriptor, FALSE, stall_seconds, on_read, outcome, on_released,
              outcome);
}

static void end(Outcome *outcome) {
  g_assert_cmpuint(outcome->answers, ==, 1);
  g_clear_error(&outcome->error);
  work_free(outcome->work);
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
    g_assert_error(outcome.error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
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
  g_test_add_func("/import/unreadable", test_unreadable);
  g_test_add_func("/import/endless", test_a_file_without_end);
  return g_test_run();
}
