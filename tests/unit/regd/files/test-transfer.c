/* SPDX-License-Identifier: MIT */
/* Writing to descriptors that take what they are given, slowly, or not at all. */
#include "regd/files/transfer.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "client/registry.h"
#include "regd/files/spool.h"

#define MUCH (1024U * 1024U)
#define PATIENCE_SECONDS 60U

typedef struct {
  GMainLoop *loop;
  guint8 *bytes; /* MUCH of them */
  guint answers, destroyed;
  GError *error;
} Outcome;

static gboolean write_much(Transfer *transfer, gpointer data, GError **error) {
  const Outcome *outcome = data;
  return transfer_require_writable(transfer, error) &&
         transfer_write(transfer, outcome->bytes, MUCH, error);
}

/* Goes on as long as it may, without the descriptor. */
static gboolean work_on(Transfer *transfer, gpointer data, GError **error) {
  const Outcome *outcome = data;
  for (guint i = 0; i < MUCH; i++)
    if (!transfer_note_progress(transfer, error))
      return FALSE;
  return outcome->bytes != NULL;
}

static void on_done(gpointer data, const GError *error) {
  Outcome *outcome = data;
  outcome->answers++;
  outcome->error = error != NULL ? g_error_copy(error) : NULL;
  g_main_loop_quit(outcome->loop);
}

static void on_destroy(gpointer data) {
  Outcome *outcome = data;
  outcome->destroyed++;
}

/* Takes ownership of @descriptor. */
static void begin(Outcome *outcome, Workers *workers, int descriptor, guint stall_seconds,
                  TransferRun run) {
  memset(outcome, 0, sizeof *outcome);
  outcome->loop = g_main_loop_new(NULL, FALSE);
  outcome->bytes = g_malloc(MUCH);
  for (guint i = 0; i < MUCH; i++)
    outcome->bytes[i] = (guint8)(i * 7 + i / 251);
  transfer_start(workers, descriptor, "the file", stall_seconds, run, on_done, outcome, on_destroy);
}

/* Returns when it is answered and all is freed. */
static void transfer(Outcome *outcome, int descriptor, guint stall_seconds, TransferRun run) {
  g_autoptr(Workers) workers = workers_new(WORKERS_UNLIMITED, NULL);
  begin(outcome, workers, descriptor, stall_seconds, run);
  g_main_loop_run(outcome->loop);
  while (outcome->destroyed == 0)
    g_main_context_iteration(NULL, TRUE);
}

static void end(Outcome *outcome) {
  g_assert_cmpuint(outcome->answers, ==, 1);
  g_assert_cmpuint(outcome->destroyed, ==, 1);
  g_clear_error(&outcome->error);
  g_main_loop_unref(outcome->loop);
  g_free(outcome->bytes);
}

static void make_pipe(int ends[2]) {
  g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
}

static gpointer read_all(gpointer data) {
  GByteArray *found = g_byte_array_new();
  guint8 chunk[777];
  gssize size;
  while ((size = read(GPOINTER_TO_INT(data), chunk, sizeof chunk)) > 0)
    g_byte_array_append(found, chunk, (guint)size);
  return found;
}

static void test_a_pipe(void) {
  Outcome outcome;
  int ends[2];
  make_pipe(ends);
  GThread *reader = g_thread_new("reader", read_all, GINT_TO_POINTER(ends[0]));
  transfer(&outcome, ends[1], PATIENCE_SECONDS, write_much);
  g_assert_no_error(outcome.error);
  g_autoptr(GByteArray) found = g_thread_join(reader);
  g_assert_cmpmem(found->data, found->len, outcome.bytes, MUCH);
  close(ends[0]);
  end(&outcome);
}

static void test_nobody_reads(void) {
  Outcome outcome;
  int ends[2];
  make_pipe(ends);
  transfer(&outcome, ends[1], 1, write_much);
  g_assert_error(outcome.error, REGISTRY_ERROR, REGISTRY_ERROR_LIMIT_EXCEEDED);
  close(ends[0]);
  end(&outcome);
}

static void test_the_reader_has_gone(void) {
  Outcome outcome;
  int ends[2];
  make_pipe(ends);
  close(ends[0]);
  transfer(&outcome, ends[1], PATIENCE_SECONDS, write_much);
  g_assert_error(outcome.error, REGISTRY_ERROR, REGISTRY_ERROR_FAILED);
  end(&outcome);
}

static void test_not_for_writing(void) {
  static const int flags[] = {O_RDONLY, O_PATH};
  for (guint i = 0; i < G_N_ELEMENTS(flags); i++) {
    Outcome outcome;
    transfer(&outcome, open("/dev/null", flags[i] | O_CLOEXEC), PATIENCE_SECONDS, write_much);
    g_assert_error(outcome.error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
    end(&outcome);
  }
}

static void test_work_without_the_descriptor(void) {
  Outcome outcome;
  transfer(&outcome, open("/dev/null", O_WRONLY | O_CLOEXEC), 1, work_on);
  g_assert_no_error(outcome.error);
  end(&outcome);
}

/* A thread that ends after its workers were abandoned. */
static void test_left_behind(void) {
  Outcome outcome;
  int ends[2];
  make_pipe(ends);
  Workers *workers = workers_new(WORKERS_UNLIMITED, NULL);
  begin(&outcome, workers, ends[1], PATIENCE_SECONDS, write_much);
  workers_abandon(workers);
  close(ends[0]);
  while (outcome.destroyed == 0)
    g_main_context_iteration(NULL, TRUE);
  g_assert_error(outcome.error, REGISTRY_ERROR, REGISTRY_ERROR_FAILED);
  g_assert_cmpstr(outcome.error->message, ==, "the file: regd stops; try again");
  end(&outcome);
}

/* What a spool is given comes out as it was, also where it does not fit in memory. */
static gboolean write_spool(Transfer *transfer, gpointer data, GError **error) {
  const Outcome *outcome = data;
  g_autofree char *database = g_build_filename(g_get_tmp_dir(), "regd-test-spool", NULL);
  g_autoptr(Spool) spool = spool_new(database);
  for (guint i = 0; i < 20; i++) {
    g_byte_array_append(spool_get_buffer(spool), outcome->bytes, MUCH);
    if (!spool_settle(spool, error))
      return FALSE;
  }
  g_assert_cmpuint(spool_get_size(spool), ==, 20 * MUCH);
  return spool_deliver(spool, transfer, error);
}

static void test_a_spool(void) {
  Outcome outcome;
  int ends[2];
  make_pipe(ends);
  GThread *reader = g_thread_new("reader", read_all, GINT_TO_POINTER(ends[0]));
  transfer(&outcome, ends[1], PATIENCE_SECONDS, write_spool);
  g_assert_no_error(outcome.error);
  g_autoptr(GByteArray) found = g_thread_join(reader);
  g_assert_cmpuint(found->len, ==, 20 * MUCH);
  for (guint i = 0; i < 20; i++)
    g_assert_cmpmem(found->data + i * MUCH, MUCH, outcome.bytes, MUCH);
  close(ends[0]);
  end(&outcome);
}

int main(int argc, char **argv) {
  const struct sigaction ignore = {.sa_handler = SIG_IGN};
  g_test_init(&argc, &argv, NULL);
  (void)sigaction(SIGPIPE, &ignore, NULL);
  g_test_add_func("/transfer/pipe", test_a_pipe);
  g_test_add_func("/transfer/nobody-reads", test_nobody_reads);
  g_test_add_func("/transfer/reader-gone", test_the_reader_has_gone);
  g_test_add_func("/transfer/not-for-writing", test_not_for_writing);
  g_test_add_func("/transfer/without-descriptor", test_work_without_the_descriptor);
  g_test_add_func("/transfer/left-behind", test_left_behind);
  g_test_add_func("/transfer/spool", test_a_spool);
  return g_test_run();
}
