/* SPDX-License-Identifier: MIT */
/* Readings on threads: what becomes of them when their caller leaves. */
#include "regd/read/long-reads.h"

#include "client/base/error.h"
#include "tests/unit/support/store-fixture.h"

#define CALLER ":1.1"

typedef struct {
  StoreFixture store;
  char *file;
  SchemaSet *schemas;
  Workers *workers;
  Readings *readings;
  gboolean is_closed; /* the gate */
  gint runs;          /* atomic */
  guint reports, failures;
  char *message;
} Fixture;

static gboolean is_open(G_GNUC_UNUSED const char *owner, G_GNUC_UNUSED gboolean asks_one,
                        gpointer data) {
  const Fixture *fixture = data;
  return !fixture->is_closed;
}

static void set_up(Fixture *fixture, gconstpointer data) {
  g_autoptr(GError) error = NULL;
  store_fixture_set_up(&fixture->store, data);
  g_assert_true(store_commit(fixture->store.store, &error));
  fixture->file = g_build_filename(fixture->store.directory, "registry.db", NULL);
  fixture->schemas = schema_set_new();
  fixture->workers = workers_new(WORKERS_UNLIMITED, NULL);
  fixture->readings = readings_new(fixture->workers, fixture->file);
  readings_set_gate(fixture->readings, is_open, fixture);
}

static void tear_down(Fixture *fixture, gconstpointer data) {
  readings_stop(fixture->readings);
  workers_free(fixture->workers);
  readings_free(fixture->readings);
  schema_set_unref(fixture->schemas);
  g_free(fixture->file);
  g_free(fixture->message);
  store_fixture_tear_down(&fixture->store, data);
}

static gboolean run(G_GNUC_UNUSED Reader *reader, gpointer data, G_GNUC_UNUSED GError **error) {
  Fixture *fixture = data;
  g_atomic_int_inc(&fixture->runs);
  return TRUE;
}

static void done(gpointer data, const GError *error) {
  Fixture *fixture = data;
  fixture->reports++;
  fixture->failures += g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_FAILED);
}

static void destroy(G_GNUC_UNUSED gpointer data) {
}

static void submit(Fixture *fixture, guint32 uid, const char *owner) {
  static const ReadingKind kind = {run, done, destroy};
  readings_submit(fixture->readings, &(ReadingOrder){uid, owner, fixture->schemas, NULL}, &kind,
                  fixture);
}

static void wait_for_reports(const Fixture *fixture, guint reports) {
  while (fixture->reports < reports)
    g_main_context_iteration(NULL, TRUE);
}

static void one_that_stays_is_answered(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  submit(fixture, 1000, CALLER);
  wait_for_reports(fixture, 1);
  g_assert_cmpuint(fixture->failures, ==, 0);
  g_assert_false(readings_has_user(fixture->readings, 1000));
}

static void several_that_wait_end(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  fixture->is_closed = TRUE;
  for (guint i = 0; i < 3; i++)
    submit(fixture, 1000, CALLER);
  submit(fixture, 1002, ":1.2");
  submit(fixture, 1001, CALLER);
  readings_forget_owner(fixture->readings, CALLER);
  g_assert_cmpuint(fixture->failures, ==, 4);
  g_assert_true(readings_has_user(fixture->readings, 1002));
  g_assert_false(readings_has_user(fixture->readings, 1000));
  g_assert_false(readings_has_user(fixture->readings, 1001));
  readings_forget_owner(fixture->readings, ":1.2");
  g_assert_cmpuint(fixture->failures, ==, 5);
  g_assert_false(readings_has_user(fixture->readings, 1002));
}

static void all_leave_at_once(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  fixture->is_closed = TRUE;
  submit(fixture, 1000, CALLER);
  submit(fixture, 1000, ":1.2");
  submit(fixture, 1001, ":1.3");
  readings_forget_owner(fixture->readings, NULL);
  g_assert_cmpuint(fixture->failures, ==, 3);
  g_assert_false(readings_has_user(fixture->readings, 1000));
  g_assert_false(readings_has_user(fixture->readings, 1001));
}

/* Nothing is reported before the loop runs. */
static void what_has_been_read_is_not_answered(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  submit(fixture, 1000, CALLER);
  while (g_atomic_int_get(&fixture->runs) == 0)
    g_thread_yield();
  readings_forget_owner(fixture->readings, CALLER);
  g_assert_cmpuint(fixture->reports, ==, 0);
  wait_for_reports(fixture, 1);
  g_assert_cmpuint(fixture->failures, ==, 1);
}

static gboolean take_long(Reader *reader, gpointer data, GError **error) {
  (void)run(reader, data, error);
  return reader_may_go_on(reader, error);
}

static void note_message(gpointer data, const GError *error) {
  Fixture *fixture = data;
  fixture->reports++;
  fixture->message = g_strdup(error != NULL ? error->message : "");
}

static void what_took_too_long_is_named(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  static const ReadingKind kind = {take_long, note_message, destroy};
  readings_set_limits(fixture->readings, 0, 1);
  readings_submit(fixture->readings,
                  &(ReadingOrder){1000, CALLER, fixture->schemas, "HKLM\\Software"}, &kind,
                  fixture);
  wait_for_reports(fixture, 1);
  g_assert_cmpstr(fixture->message, ==,
                  "HKLM\\Software: this took longer than 0 s (the setting Read Seconds): ask for a "
                  "smaller part");
}

/* Connections of this process to the database, by their descriptors of its log: SQLite does not
 * close those of the database itself while another connection has it open. */
static guint count_open(const Fixture *fixture) {
  guint count = 0;
  g_autofree char *log = g_strconcat(fixture->file, "-wal", NULL);
  g_autoptr(GDir) descriptors = g_dir_open("/proc/self/fd", 0, NULL);
  for (const char *name; (name = g_dir_read_name(descriptors)) != NULL;) {
    g_autofree char *path = g_build_filename("/proc/self/fd", name, NULL);
    g_autofree char *target = g_file_read_link(path, NULL);
    count += g_strcmp0(target, log) == 0;
  }
  return count;
}

static gboolean try_changes(Reader *reader, gpointer data, GError **error) {
  return run(reader, data, error) && reader_begin_trying(reader, error) != NULL;
}

static void submit_and_wait(Fixture *fixture, const ReadingKind *kind, guint readings) {
  guint before = fixture->reports;
  for (guint i = 0; i < readings; i++)
    readings_submit(fixture->readings, &(ReadingOrder){1000 + i, CALLER, fixture->schemas, NULL},
                    kind, fixture);
  wait_for_reports(fixture, before + readings);
  g_assert_cmpuint(fixture->failures, ==, 0);
}

static void one_reader_is_kept(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  static const ReadingKind reading = {run, done, destroy};
  static const ReadingKind trying = {try_changes, done, destroy};
  guint before = count_open(fixture);
  submit_and_wait(fixture, &reading, 1);
  g_assert_cmpuint(count_open(fixture), ==, before + 1);
  submit_and_wait(fixture, &reading, 3);
  g_assert_cmpuint(count_open(fixture), ==, before + 1);
  /* After changes were tried it would read them. */
  submit_and_wait(fixture, &trying, 1);
  g_assert_cmpuint(count_open(fixture), ==, before);
}

static void add(const char *path, void (*test)(Fixture *, gconstpointer)) {
  g_test_add(path, Fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  add("/long-reads/one-that-stays-is-answered", one_that_stays_is_answered);
  add("/long-reads/several-that-wait-end", several_that_wait_end);
  add("/long-reads/all-leave-at-once", all_leave_at_once);
  add("/long-reads/what-has-been-read-is-not-answered", what_has_been_read_is_not_answered);
  add("/long-reads/what-took-too-long-is-named", what_took_too_long_is_named);
  add("/long-reads/one-reader-is-kept", one_reader_is_kept);
  return g_test_run();
}
