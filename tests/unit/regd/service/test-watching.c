/* SPDX-License-Identifier: MIT */
/* Watches through a link: what they are told, in which order with the writers, and how often. */
#include "regd/service/watching.h"

#include <string.h>

#include "tests/unit/support/store-fixture.h"

#define SOFTWARE "HKEY_LOCAL_MACHINE\\SOFTWARE"
#define LINK SOFTWARE "\\Link"
#define FIRST SOFTWARE "\\First"
#define SECOND SOFTWARE "\\Second"

typedef struct {
  StoreFixture store;
  Reader *reader;
  Shares *shares;
  guint64 revision; /* told */
  guint64 begun;    /* begin()'s; the signals' revisions are counted from there */
  Watching *watching;
  GString *heard;
} Fixture;

static gboolean on_changed(G_GNUC_UNUSED const Watch *watch, guint64 revision,
                           const WatchChange *changes, guint n_changes, gpointer data) {
  Fixture *fixture = data;
  g_string_append_printf(fixture->heard, "[+%" G_GUINT64_FORMAT, revision - fixture->begun);
  for (guint i = 0; i < n_changes; i++)
    g_string_append_printf(fixture->heard, " %s %s", change_kind_get_name(changes[i].kind),
                           changes[i].key + strlen(SOFTWARE) + 1);
  g_string_append_c(fixture->heard, ']');
  return TRUE;
}

static gboolean has_room(G_GNUC_UNUSED gpointer data) {
  return TRUE;
}

static void on_caught_up(G_GNUC_UNUSED const char *owner, G_GNUC_UNUSED gpointer data) {
}

static void on_told(gpointer data) {
  Fixture *fixture = data;
  g_string_append(fixture->heard, "[reply]");
}

static void set_up(Fixture *fixture, gconstpointer data) {
  static const WatchingEvents events = {on_changed, has_room, on_caught_up};
  g_autoptr(GError) error = NULL;
  store_fixture_set_up(&fixture->store, data);
  fixture->store.settings.watches_per_user = 10;
  g_assert_true(store_commit(fixture->store.store, &error));
  g_autofree char *file = g_build_filename(fixture->store.directory, "registry.db", NULL);
  fixture->reader = reader_open(file, &error);
  g_assert_no_error(error);
  reader_keep_short(fixture->reader, TRUE);
  fixture->shares = shares_new(&fixture->store.settings);
  fixture->watching =
      watching_new(fixture->reader, fixture->shares, &fixture->revision, &events, fixture);
  fixture->heard = g_string_new(NULL);
}

static void tear_down(Fixture *fixture, gconstpointer data) {
  watching_forget_owner(fixture->watching, NULL);
  watching_free(fixture->watching);
  shares_free(fixture->shares);
  reader_close(fixture->reader);
  g_string_free(fixture->heard, TRUE);
  store_fixture_tear_down(&fixture->store, data);
}

/* What a commit of @rows did; it is not told. */
static Effective *commit(Fixture *fixture, const OperationRow *rows) {
  g_autoptr(GError) error = NULL;
  g_assert_true(store_begin_write(fixture->store.store, &error));
  guint64 before = fixture->store.revision;
  g_free(store_fixture_apply(&fixture->store, rows));
  g_assert_true(store_commit(fixture->store.store, &error));
  const ReplayScope scope = {SOFTWARE, TRUE, NULL};
  guint64 revision = 0;
  g_autoptr(GPtrArray) done =
      reader_replay(fixture->reader, fixture->store.root, &scope, before, &revision, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(done->len, ==, 1);
  return effective_ref(g_ptr_array_index(done, 0));
}

/* Leads the link elsewhere. */
static Effective *lead(Fixture *fixture, const char *target) {
  const OperationRow rows[] = {
      {.kind = OPERATION_DELETE_KEY, .key = LINK},
      {.kind = OPERATION_CREATE_LINK, .key = LINK, .target = target},
      {0},
  };
  return commit(fixture, rows);
}

static Effective *set(Fixture *fixture, const char *key) {
  const OperationRow rows[] = {{.kind = OPERATION_SET_VALUE, .key = key, .name = "v", .text = "x"},
                               {0}};
  return commit(fixture, rows);
}

static void tell(Fixture *fixture, Effective *effective) {
  fixture->revision = effective->revision;
  watching_tell(fixture->watching, effective, on_told, fixture);
}

static Watch *watch(Fixture *fixture) {
  g_autoptr(GError) error = NULL;
  WatchStart *start = NULL;
  const WatchOrder order = {.who = fixture->store.root, .key = LINK, .recursive = TRUE};
  Watch *made = watching_add(fixture->watching, &order, ":1.1", NULL, &start, &error);
  g_assert_no_error(error);
  watching_replay(fixture->watching, made, start);
  return made;
}

static void expect(Fixture *fixture, const char *expected) {
  g_assert_cmpstr(fixture->heard->str, ==, expected);
  g_string_truncate(fixture->heard, 0);
}

/* All that is behind is told. */
static void run(Fixture *fixture) {
  while (watching_is_behind(fixture->watching, ":1.1"))
    g_main_context_iteration(NULL, TRUE);
}

static Effective *begin(Fixture *fixture) {
  effective_free(set(fixture, FIRST));
  effective_free(set(fixture, SECOND));
  const OperationRow rows[] = {{.kind = OPERATION_CREATE_LINK, .key = LINK, .target = FIRST}, {0}};
  Effective *begun = commit(fixture, rows);
  fixture->begun = begun->revision;
  return begun;
}

static void the_reply_comes_after_the_signal(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(Effective) first = begin(fixture);
  (void)watch(fixture);
  g_autoptr(Effective) second = lead(fixture, SECOND);
  tell(fixture, second);
  expect(fixture, "");
  run(fixture);
  expect(fixture, "[+1 link-changed Second][reply]");
}

/* A commit that the watch begins with may still have to be told to others. */
static void what_it_begins_with_is_not_told(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(Effective) first = begin(fixture);
  const OperationRow rows[] = {
      {.kind = OPERATION_DELETE_KEY, .key = LINK},
      {.kind = OPERATION_CREATE_LINK, .key = LINK, .target = SECOND},
      {.kind = OPERATION_SET_VALUE, .key = SECOND, .name = "w", .text = "x"},
      {0},
  };
  g_autoptr(Effective) second = commit(fixture, rows);
  (void)watch(fixture);
  tell(fixture, second);
  run(fixture);
  expect(fixture, "[reply]");
}

static void a_later_reply_does_not_overtake(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(Effective) first = begin(fixture);
  (void)watch(fixture);
  g_autoptr(Effective) second = lead(fixture, SECOND);
  tell(fixture, second);
  g_autoptr(Effective) third = set(fixture, SECOND "\\Below");
  tell(fixture, third);
  expect(fixture, "");
  run(fixture);
  expect(fixture, "[+2 link-changed Second][reply][reply]");
}

static void what_was_lost_is_told_first(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(Effective) first = begin(fixture);
  Watch *made = watch(fixture);
  g_autoptr(Effective) second = lead(fixture, SECOND);
  tell(fixture, second);
  made->lost = TRUE;
  g_assert_true(watching_resume_owner(fixture->watching, ":1.1"));
  expect(fixture, "[+1 tree-changed First][reply]");
  run(fixture);
  expect(fixture, "[+1 link-changed Second]");
}

static void what_cant_be_looked_up_is_told(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(GError) error = NULL;
  g_autoptr(Effective) first = begin(fixture);
  (void)watch(fixture);
  g_autoptr(Effective) second = lead(fixture, SECOND);
  g_assert_true(store_begin_write(fixture->store.store, &error));
  g_assert_true(
      db_execute(store_get_db(fixture->store.store), "ALTER TABLE keys RENAME TO gone", &error));
  g_assert_true(store_commit(fixture->store.store, &error));
  tell(fixture, second);
  run(fixture);
  expect(fixture, "[+1 link-changed First][reply]");
}

static void add(const char *path, void (*test)(Fixture *, gconstpointer)) {
  g_test_add(path, Fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  add("/watching/the-reply-comes-after-the-signal", the_reply_comes_after_the_signal);
  add("/watching/what-it-begins-with-is-not-told", what_it_begins_with_is_not_told);
  add("/watching/a-later-reply-does-not-overtake", a_later_reply_does_not_overtake);
  add("/watching/what-was-lost-is-told-first", what_was_lost_is_told_first);
  add("/watching/what-cant-be-looked-up-is-told", what_cant_be_looked_up_is_told);
  return g_test_run();
}
