/* SPDX-License-Identifier: MIT */
/* The live view against a registry that does as it is told: what is shown, and
 * when, in the orders of messages that a real daemon seldom shows. */
#include "tests/unit/support/view-fixture.h"

#define DENIED "org.freedesktop.DBus.Error.AccessDenied"

/* ---- looking up ---- */

static void test_look_ups(Fixture *fixture, gconstpointer data) {
  (void)data;
  const RegistryView *view = fixture->view;
  g_autoptr(GError) error = NULL;
  guint32 number = 0;
  const char *names[] = {"absent", "X", NULL};
  assert_holds(view, "", "x", "1");
  assert_holds(view, "a\\", "V", "0");
  assert_holds(view, "C", "v", "-");
  g_assert_true(registry_view_has_key(view, "b"));
  g_assert_false(registry_view_has_key(view, "b\\c"));
  g_assert_null(registry_view_get(view, "\xff", "x"));
  g_auto(GStrv) keys = registry_view_list_keys(view, "");
  g_assert_cmpuint(g_strv_length(keys), ==, 2);
  g_assert_cmpstr(keys[0], ==, "A");
  g_auto(GStrv) values = registry_view_list_values(view, "");
  g_assert_cmpuint(g_strv_length(values), ==, 1);
  g_assert_false(registry_view_get_uint32(view, "", names, &number, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
  g_clear_error(&error);
  g_assert_null(registry_view_get_strings(view, "A", names, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_VALUE_NOT_FOUND);
}

static void test_change_is_told(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_set(fixture->fake, TOP "\\A", "v", "1");
  wait_until(fixture->changes > 0);
  assert_holds(fixture->view, "A", "v", "1");
  g_assert_cmpuint(fake_count(fixture->fake, "ReadTree"), ==, 1);
  g_assert_cmpuint(registry_view_get_revision(fixture->view), ==, fake_get_revision(fixture->fake));
}

static void test_same_content_is_not_told(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_signal(fixture->fake, "tree-changed", TOP, "");
  view_settle(fixture);
  g_assert_cmpuint(fake_count(fixture->fake, "ReadTree"), ==, 1);
  g_assert_cmpuint(fixture->changes, ==, 0);
}

/* Also of what is undone before anybody could see it, and while the daemon was away. */
static void test_writes_are_told_of(Fixture *fixture, gconstpointer data) {
  (void)data;
  view_listen_to_touches(fixture);
  fake_hold_signals(fixture->fake, FALSE);
  fake_set(fixture->fake, TOP "\\A", "v", "1");
  fake_set(fixture->fake, TOP "\\A", "v", "0");
  fake_set(fixture->fake, TOP "\\B", "v", "0");
  fake_set(fixture->fake, TOP, "x", "1");
  fake_release_signals(fixture->fake);
  g_assert_true(view_sync(fixture));
  g_assert_cmpstr(fixture->touched->str, ==, "A;A;B;;");
  g_string_truncate(fixture->touched, 0);
  fake_signal(fixture->fake, "tree-changed", TOP, "");
  g_assert_true(view_sync(fixture));
  g_assert_cmpstr(fixture->touched->str, ==, "*;");
}

/* ---- never a mix ---- */

static void assert_never_mixed(const Fixture *fixture) {
  g_assert_cmpuint(fixture->seen->len, >, 0);
  for (guint i = 0; i < fixture->seen->len; i++) {
    g_auto(GStrv) pair = g_strsplit(fixture->seen->pdata[i], " ", 2);
    g_assert_cmpstr(pair[0], ==, pair[1]);
  }
}

static void commit_both_once(FakeRegistry *fake) {
  fake_set_page_size(fake, 100, NULL);
  fake_set_both(fake, TOP "\\A", TOP "\\Many\\299", "v", "9");
}

/* A commit between two pages changes a key of the first and one of the last. */
static void test_commit_between_pages(Fixture *fixture, gconstpointer data) {
  (void)data;
  view_fill_many(fixture->fake);
  fake_set_page_size(fixture->fake, 100, commit_both_once);
  view_open(fixture, TOP);
  view_wait_for_state(fixture, REGISTRY_VIEW_READY);
  assert_holds(fixture->view, "A", "v", "9");
  assert_holds(fixture->view, "Many\\299", "v", "9");
  g_assert_cmpuint(fixture->changes, ==, 1);
}

static void commit_pair(FakeRegistry *fake) {
  g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, fake_get_revision(fake));
  if (fake_count(fake, "ReadKey") % 3 != 0)
    fake_set_both(fake, TOP "\\A", TOP "\\B", "v", text);
}

static void test_pairs_are_never_mixed(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_set_page_size(fixture->fake, 0, commit_pair);
  for (guint i = 0; i < 50; i++) {
    fake_set_both(fixture->fake, TOP "\\A", TOP "\\B", "v", "begin");
    view_settle(fixture);
  }
  assert_never_mixed(fixture);
}

/* The daemon lets read what it has committed and not signalled yet. */
static void test_signal_after_other_key_was_read(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_set(fixture->fake, TOP "\\A", "v", "1");
  fake_hold_signals(fixture->fake, FALSE);
  fake_set_both(fixture->fake, TOP "\\A", TOP "\\B", "v", "2");
  wait_until(fake_count(fixture->fake, "Get") == 1);
  assert_holds(fixture->view, "A", "v", "0");
  fake_release_signals(fixture->fake);
  view_settle(fixture);
  assert_holds(fixture->view, "A", "v", "2");
  assert_never_mixed(fixture);
}

/* The same, and it says that all has been signalled: the mix can't be known,
 * and still a sync that comes after the signal brings in all of it. */
static void test_signal_after_other_key_was_shown(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_set(fixture->fake, TOP "\\A", "v", "1");
  fake_hold_signals(fixture->fake, TRUE);
  fake_set_both(fixture->fake, TOP "\\A", TOP "\\B", "v", "2");
  wait_until(fixture->changes == 1);
  fake_release_signals(fixture->fake);
  view_settle(fixture);
  assert_holds(fixture->view, "B", "v", "2");
}

/* ---- single keys of a large sub-tree ---- */

static void test_large_tree_reads_what_changed(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_set(fixture->fake, TOP "\\Many\\007", "v", "1");
  view_settle(fixture);
  assert_holds(fixture->view, "Many\\007", "v", "1");
  g_assert_cmpuint(fake_count(fixture->fake, "ReadKey"), ==, 1);
  g_assert_cmpuint(fake_count(fixture->fake, "ReadAll"), ==, 0);
  g_assert_cmpuint(fixture->changes, ==, 1);
}

static void test_large_tree_keys_come_and_go(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_set(fixture->fake, TOP "\\New\\Below", "v", "1");
  view_settle(fixture);
  assert_holds(fixture->view, "New\\Below", "v", "1");
  fake_delete(fixture->fake, TOP "\\New");
  view_settle(fixture);
  g_assert_false(registry_view_has_key(fixture->view, "New\\Below"));
  fake_delete(fixture->fake, TOP "\\Many");
  view_settle(fixture);
  g_assert_false(registry_view_has_key(fixture->view, "Many\\000"));
  g_assert_true(registry_view_has_key(fixture->view, "A"));
}

/* Deleted and made again while it is read: what was below it is gone. */
static void test_key_made_again_during_read(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_set(fixture->fake, TOP "\\A\\Below", "v", "1");
  view_settle(fixture);
  fake_hold(fixture->fake, "ReadTree");
  fake_set(fixture->fake, TOP "\\A", "v", "1");
  wait_until(fake_count_held(fixture->fake) == 1);
  fake_delete(fixture->fake, TOP "\\A");
  fake_set(fixture->fake, TOP "\\A", "v", "2");
  fake_release(fixture->fake);
  view_settle(fixture);
  assert_holds(fixture->view, "A", "v", "2");
  g_assert_false(registry_view_has_key(fixture->view, "A\\Below"));
}

/* The same, and the read that was asked for before is worked on afterwards. */
static void test_key_made_again_before_read(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_set(fixture->fake, TOP "\\A\\Below", "v", "1");
  view_settle(fixture);
  fake_stall(fixture->fake, "ReadTree");
  fake_reset_counts(fixture->fake);
  fake_set(fixture->fake, TOP "\\A", "v", "1");
  wait_until(fake_count(fixture->fake, "ReadTree") == 1);
  fake_delete(fixture->fake, TOP "\\A");
  fake_set(fixture->fake, TOP "\\A", "v", "2");
  fake_release(fixture->fake);
  view_settle(fixture);
  assert_holds(fixture->view, "A", "v", "2");
  g_assert_false(registry_view_has_key(fixture->view, "A\\Below"));
}

static void test_many_changes_read_everything(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_hold(fixture->fake, "ReadTree");
  fake_set(fixture->fake, TOP "\\A", "v", "1");
  wait_until(fake_count_held(fixture->fake) == 1);
  for (guint i = 0; i < MANY; i++) {
    g_autofree char *key = g_strdup_printf(TOP "\\Many\\%03u", i);
    fake_set(fixture->fake, key, "v", "1");
  }
  fake_release(fixture->fake);
  view_settle(fixture);
  assert_holds(fixture->view, "Many\\299", "v", "1");
  g_assert_cmpuint(fake_count(fixture->fake, "ReadAll"), ==, 1);
}

/* ---- signals that are late, lost or strange ---- */

static void test_gap_reads_everything(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_lose_signal(fixture->fake);
  fake_set(fixture->fake, TOP "\\Many\\000", "v", "1");
  fake_set(fixture->fake, TOP "\\A", "v", "1");
  view_settle(fixture);
  assert_holds(fixture->view, "Many\\000", "v", "1");
  assert_holds(fixture->view, "A", "v", "1");
}

static void test_unknown_kind_reads_everything(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_hold_signals(fixture->fake, TRUE);
  fake_set(fixture->fake, TOP "\\Many\\000", "v", "1");
  fake_signal(fixture->fake, "colour-changed", TOP, "");
  fake_release_signals(fixture->fake);
  view_settle(fixture);
  assert_holds(fixture->view, "Many\\000", "v", "1");
  g_assert_cmpuint(fake_count(fixture->fake, "ReadAll"), ==, 1);
}

/* Anybody on the bus can send a signal that looks like the daemon's. */
static void test_stranger_is_not_believed(Fixture *fixture, gconstpointer data) {
  (void)data;
  DBusMessageIter iter, array;
  dbus_uint32_t id = 1;
  dbus_uint64_t number = 99;
  DBusConnection *stranger = loop_connect(fake_bus_get_address(fixture->bus), NULL);
  DBusMessage *signal =
      dbus_message_new_signal(REGISTRY_OBJECT_PATH, REGISTRY_INTERFACE, "Changed");
  dbus_message_set_destination(signal, fake_get_watcher(fixture->fake));
  dbus_message_append_args(signal, DBUS_TYPE_UINT32, &id, DBUS_TYPE_UINT64, &number,
                           DBUS_TYPE_UINT64, &number, DBUS_TYPE_INVALID);
  dbus_message_iter_init_append(signal, &iter);
  dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "(sss)", &array);
  dbus_message_iter_close_container(&iter, &array);
  dbus_connection_send(stranger, signal, NULL);
  dbus_connection_flush(stranger);
  dbus_message_unref(signal);
  loop_disconnect(stranger);
  view_settle(fixture);
  view_settle(fixture);
  g_assert_cmpuint(fake_count(fixture->fake, "ReadTree"), ==, 0);
}

/* ---- links ---- */

static void test_link_points_elsewhere(Fixture *fixture, gconstpointer data) {
  (void)data;
  registry_view_free(fixture->view);
  fake_link(fixture->fake, "HKEY_LOCAL_MACHINE\\Link", TOP "\\A");
  fixture->view =
      registry_view_new(fixture->connection, "HKEY_LOCAL_MACHINE\\Link", view_on_changed, fixture);
  view_wait_for_state(fixture, REGISTRY_VIEW_READY);
  assert_holds(fixture->view, "", "v", "0");
  fake_set(fixture->fake, TOP "\\B", "v", "other");
  fake_link(fixture->fake, "HKEY_LOCAL_MACHINE\\Link", TOP "\\B");
  view_settle(fixture);
  assert_holds(fixture->view, "", "v", "other");
  fake_set(fixture->fake, TOP "\\B", "v", "more");
  view_settle(fixture);
  assert_holds(fixture->view, "", "v", "more");
}

/* ---- missing, denied, failed ---- */

static void test_missing_key_comes_and_goes(Fixture *fixture, gconstpointer data) {
  (void)data;
  view_open(fixture, TOP);
  view_wait_for_state(fixture, REGISTRY_VIEW_MISSING);
  view_settle(fixture);
  view_fill(fixture->fake);
  view_settle(fixture);
  g_assert_cmpint(registry_view_get_state(fixture->view), ==, REGISTRY_VIEW_READY);
  fake_delete(fixture->fake, TOP);
  view_settle(fixture);
  g_assert_cmpint(registry_view_get_state(fixture->view), ==, REGISTRY_VIEW_MISSING);
  assert_holds(fixture->view, "A", "v", "-");
}

/* D-Bus can't send it: the view says so, as a call does, and stays like that. */
static void test_path_of_any_bytes(Fixture *fixture, gconstpointer data) {
  (void)data;
  static const char *const keys[] = {TOP "\\\xff", "\xc3", "HKLM\\a\xed\xa0\x80"};
  view_open(fixture, TOP);
  view_wait_for_state(fixture, REGISTRY_VIEW_MISSING);
  for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
    registry_view_free(fixture->view);
    fixture->view = registry_view_new(fixture->connection, keys[i], view_on_changed, fixture);
    view_wait_for_state(fixture, REGISTRY_VIEW_FAILED);
    g_assert_error(registry_view_get_problem(fixture->view), REGISTRY_ERROR,
                   REGISTRY_ERROR_INVALID_PATH);
    g_assert_false(view_sync(fixture));
    g_assert_cmpint(registry_view_get_state(fixture->view), ==, REGISTRY_VIEW_FAILED);
    g_assert_null(registry_view_get(fixture->view, "", "v"));
  }
}

static void test_refused_watch_is_repaired(Fixture *fixture, gconstpointer data) {
  (void)data;
  view_fill(fixture->fake);
  fake_refuse(fixture->fake, "Watch", DENIED);
  view_open(fixture, TOP);
  view_wait_for_state(fixture, REGISTRY_VIEW_DENIED);
  g_assert_error(registry_view_get_problem(fixture->view), REGISTRY_ERROR,
                 REGISTRY_ERROR_ACCESS_DENIED);
  view_settle(fixture);
  g_assert_cmpint(registry_view_get_state(fixture->view), ==, REGISTRY_VIEW_DENIED);
  fake_refuse(fixture->fake, "Watch", NULL);
  view_settle(fixture);
  g_assert_cmpint(registry_view_get_state(fixture->view), ==, REGISTRY_VIEW_READY);
  assert_holds(fixture->view, "A", "v", "0");
}

/* The refusal was made before the repair, and comes after the sync was asked for. */
static void test_refusal_on_its_way_is_asked_again(Fixture *fixture, gconstpointer data) {
  (void)data;
  view_fill(fixture->fake);
  fake_refuse(fixture->fake, "Watch", DENIED);
  fake_hold(fixture->fake, "Watch");
  view_open(fixture, TOP);
  wait_until(fake_count_held(fixture->fake) == 1);
  fake_refuse(fixture->fake, "Watch", NULL);
  guint before = fixture->synced;
  registry_view_sync(fixture->view, view_on_synced, fixture);
  wait_until(fake_count(fixture->fake, "Get") == 1);
  fake_release(fixture->fake);
  wait_until(fixture->synced > before);
  g_assert_cmpint(registry_view_get_state(fixture->view), ==, REGISTRY_VIEW_READY);
}

static void test_right_is_taken_away(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_refuse(fixture->fake, "ReadTree", DENIED);
  fake_signal(fixture->fake, "acl-changed", TOP, "");
  view_settle(fixture);
  g_assert_cmpint(registry_view_get_state(fixture->view), ==, REGISTRY_VIEW_DENIED);
  assert_holds(fixture->view, "A", "v", "-");
  fake_refuse(fixture->fake, "ReadTree", NULL);
  view_settle(fixture);
  g_assert_cmpint(registry_view_get_state(fixture->view), ==, REGISTRY_VIEW_READY);
  assert_holds(fixture->view, "A", "v", "0");
}

static void test_failure_keeps_what_is_known(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_refuse(fixture->fake, "ReadTree", REGISTRY_ERROR_PREFIX "StorageFailure");
  fake_set(fixture->fake, TOP "\\A", "v", "1");
  g_assert_false(view_sync(fixture));
  g_assert_cmpint(registry_view_get_state(fixture->view), ==, REGISTRY_VIEW_FAILED);
  assert_holds(fixture->view, "A", "v", "0");
  fake_refuse(fixture->fake, "ReadTree", NULL);
  view_settle(fixture);
  assert_holds(fixture->view, "A", "v", "1");
}

/* ---- the daemon and the bus go and come ---- */

static void test_catches_up_after_restart(Fixture *fixture, gconstpointer data) {
  (void)data;
  FakeRegistry *before = fixture->fake;
  fake_vanish(before);
  wait_until(!registry_view_is_live(fixture->view));
  g_assert_cmpint(registry_view_get_state(fixture->view), ==, REGISTRY_VIEW_READY);
  fixture->fake = fake_new(fixture->bus, before);
  fake_free(before);
  fake_set(fixture->fake, TOP "\\Many\\003", "v", "1");
  view_wait_until_live(fixture);
  assert_holds(fixture->view, "Many\\003", "v", "1");
  g_assert_cmpuint(fake_count(fixture->fake, "WatchSince"), ==, 1);
  g_assert_cmpuint(fake_count(fixture->fake, "ReadAll"), ==, 0);
}

static void test_writes_meanwhile_are_told_of(Fixture *fixture, gconstpointer data) {
  (void)data;
  view_listen_to_touches(fixture);
  for (guint i = 0; i < 2; i++) {
    gboolean reaches = i == 0;
    view_restart(fixture);
    if (!reaches)
      fake_forget_history(fixture->fake);
    fake_set(fixture->fake, TOP "\\Many\\003", "v", "0");
    view_wait_until_live(fixture);
    g_assert_true(view_sync(fixture));
    g_assert_cmpstr(fixture->touched->str, ==, reaches ? "Many\\003;" : "*;");
    g_string_truncate(fixture->touched, 0);
  }
}

/* A sync that is answered before the watch is must wait for what is replayed
 * behind its answer. */
static void test_catches_up_behind_the_answer(Fixture *fixture, gconstpointer data) {
  (void)data;
  FakeRegistry *before = fixture->fake;
  fake_vanish(before);
  wait_until(!registry_view_is_live(fixture->view));
  fixture->fake = fake_new(fixture->bus, before);
  fake_free(before);
  fake_replay_late(fixture->fake);
  fake_stall(fixture->fake, "Watch");
  fake_set(fixture->fake, TOP "\\Many\\003", "v", "1");
  wait_until(fake_count(fixture->fake, "Watch") == 1);
  guint synced = fixture->synced;
  registry_view_sync(fixture->view, view_on_synced, fixture);
  wait_until(fake_count(fixture->fake, "Get") == 1);
  view_handle_what_has_come();
  fake_release(fixture->fake);
  wait_until(fixture->synced > synced);
  assert_holds(fixture->view, "Many\\003", "v", "1");
}

/* Another database, whose revisions are higher. */
static void test_reads_anew_from_another_database(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_vanish(fixture->fake);
  wait_until(!registry_view_is_live(fixture->view));
  fake_free(fixture->fake);
  fixture->fake = fake_new(fixture->bus, NULL);
  fake_create(fixture->fake, TOP);
  fake_set(fixture->fake, TOP "\\A", "v", "other");
  fake_set_revision(fixture->fake, 1000);
  fake_stall(fixture->fake, "ReadTree");
  wait_until(registry_view_is_live(fixture->view));
  guint synced = fixture->synced;
  registry_view_sync(fixture->view, view_on_synced, fixture);
  wait_until(fake_count(fixture->fake, "Get") == 1);
  view_handle_what_has_come();
  fake_release(fixture->fake);
  wait_until(fixture->synced > synced);
  assert_holds(fixture->view, "A", "v", "other");
}

static void test_reads_anew_where_history_is_gone(Fixture *fixture, gconstpointer data) {
  (void)data;
  view_restart(fixture);
  fake_forget_history(fixture->fake);
  fake_set(fixture->fake, TOP "\\A", "v", "1");
  view_wait_until_live(fixture);
  assert_holds(fixture->view, "A", "v", "1");
  g_assert_cmpuint(fake_count(fixture->fake, "Watch"), ==, 2);
}

/* Another database: its revisions are lower. */
static void test_reads_anew_where_revisions_fell(Fixture *fixture, gconstpointer data) {
  (void)data;
  view_restart(fixture);
  fake_set_revision(fixture->fake, 1);
  fake_set(fixture->fake, TOP "\\A", "v", "1");
  view_wait_until_live(fixture);
  assert_holds(fixture->view, "A", "v", "1");
  g_assert_cmpuint(registry_view_get_revision(fixture->view), ==, 2);
  fake_set(fixture->fake, TOP "\\A", "v", "2");
  view_settle(fixture);
  assert_holds(fixture->view, "A", "v", "2");
}

static void test_survives_the_bus(Fixture *fixture, gconstpointer data) {
  (void)data;
  FakeRegistry *before = fixture->fake;
  fake_vanish(before);
  fake_bus_stop(fixture->bus);
  wait_until(!registry_view_is_live(fixture->view));
  g_assert_false(view_sync(fixture));
  fake_bus_restart(fixture->bus);
  fixture->fake = fake_new(fixture->bus, before);
  fake_free(before);
  fake_set(fixture->fake, TOP "\\A", "v", "1");
  view_wait_until_live(fixture);
  assert_holds(fixture->view, "A", "v", "1");
}

static void test_waits_for_bus_and_daemon(Fixture *fixture, gconstpointer data) {
  (void)data;
  FakeRegistry *before = fixture->fake;
  fake_vanish(before);
  fake_bus_stop(fixture->bus);
  g_autoptr(GError) error = NULL;
  g_assert_null(registry_connection_new(fake_bus_get_address(fixture->bus), NULL, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_UNREACHABLE);
  fixture->connection = registry_connection_new_patient(fake_bus_get_address(fixture->bus), NULL);
  fixture->view = registry_view_new(fixture->connection, TOP, view_on_changed, fixture);
  g_assert_false(view_sync(fixture));
  g_assert_cmpint(registry_view_get_state(fixture->view), ==, REGISTRY_VIEW_WAITING);
  fake_bus_restart(fixture->bus);
  fixture->fake = fake_new(fixture->bus, before);
  fake_free(before);
  view_wait_for_state(fixture, REGISTRY_VIEW_MISSING);
}

/* ---- freeing from inside ---- */

static void free_view(RegistryView *view, gpointer data) {
  Fixture *fixture = data;
  registry_view_free(view);
  fixture->view = NULL;
  fixture->changes++;
}

static void test_view_freed_by_its_call_back(Fixture *fixture, gconstpointer data) {
  (void)data;
  view_fill(fixture->fake);
  view_open(fixture, TOP);
  registry_view_free(fixture->view);
  fixture->view = registry_view_new(fixture->connection, TOP, free_view, fixture);
  registry_view_sync(fixture->view, view_on_synced, fixture);
  wait_until(fixture->changes == 1);
  registry_connection_sync(fixture->connection, view_on_all_synced, fixture);
  wait_until(fixture->synced == 1);
  /* Both watches, also the one whose answer came too late, are ended. */
  registry_connection_sync(fixture->connection, view_on_all_synced, fixture);
  wait_until(fixture->synced == 2);
  g_assert_cmpuint(fake_count_watches(fixture->fake), ==, 0);
}

static void drop_everything(RegistryView *view, gboolean current, gpointer data) {
  (void)view;
  Fixture *fixture = data;
  g_clear_pointer(&fixture->view, registry_view_free);
  g_clear_pointer(&fixture->connection, registry_connection_unref);
  view_on_synced(NULL, current, data);
}

static void test_all_freed_by_a_sync(Fixture *fixture, gconstpointer data) {
  (void)data;
  guint before = fixture->synced;
  registry_view_sync(fixture->view, drop_everything, fixture);
  registry_view_sync(fixture->view, view_on_synced, fixture);
  registry_connection_sync(fixture->connection, view_on_all_synced, fixture);
  wait_until(fixture->synced > before);
  g_assert_null(fixture->connection);
}

static void add_reading_tests(void) {
  VIEW_TEST("look-ups", view_set_up, test_look_ups);
  VIEW_TEST("change", view_set_up, test_change_is_told);
  VIEW_TEST("same-content", view_set_up, test_same_content_is_not_told);
  VIEW_TEST("touches", view_set_up, test_writes_are_told_of);
  VIEW_TEST("mix/pages", view_set_up_bus, test_commit_between_pages);
  VIEW_TEST("mix/pairs", view_set_up_many, test_pairs_are_never_mixed);
  VIEW_TEST("mix/pairs-in-small-tree", view_set_up, test_pairs_are_never_mixed);
  VIEW_TEST("mix/late-signal", view_set_up_many, test_signal_after_other_key_was_read);
  VIEW_TEST("mix/late-signal-denied", view_set_up_many, test_signal_after_other_key_was_shown);
  VIEW_TEST("keys/one", view_set_up_many, test_large_tree_reads_what_changed);
  VIEW_TEST("keys/come-and-go", view_set_up_many, test_large_tree_keys_come_and_go);
  VIEW_TEST("keys/made-again", view_set_up_many, test_key_made_again_during_read);
  VIEW_TEST("keys/made-again-before", view_set_up_many, test_key_made_again_before_read);
  VIEW_TEST("keys/many", view_set_up_many, test_many_changes_read_everything);
  VIEW_TEST("signals/gap", view_set_up_many, test_gap_reads_everything);
  VIEW_TEST("signals/unknown-kind", view_set_up_many, test_unknown_kind_reads_everything);
  VIEW_TEST("signals/stranger", view_set_up, test_stranger_is_not_believed);
  VIEW_TEST("link", view_set_up, test_link_points_elsewhere);
}

static void add_state_tests(void) {
  VIEW_TEST("missing", view_set_up_bus, test_missing_key_comes_and_goes);
  VIEW_TEST("path-of-any-bytes", view_set_up_bus, test_path_of_any_bytes);
  VIEW_TEST("denied/watch", view_set_up_bus, test_refused_watch_is_repaired);
  VIEW_TEST("denied/on-its-way", view_set_up_bus, test_refusal_on_its_way_is_asked_again);
  VIEW_TEST("denied/taken-away", view_set_up, test_right_is_taken_away);
  VIEW_TEST("failed", view_set_up, test_failure_keeps_what_is_known);
  VIEW_TEST("restart/catches-up", view_set_up_many, test_catches_up_after_restart);
  VIEW_TEST("touches-meanwhile", view_set_up_many, test_writes_meanwhile_are_told_of);
  VIEW_TEST("restart/catches-up-late", view_set_up_many, test_catches_up_behind_the_answer);
  VIEW_TEST("restart/history-gone", view_set_up, test_reads_anew_where_history_is_gone);
  VIEW_TEST("restart/history-gone-in-large-tree", view_set_up_many,
            test_reads_anew_where_history_is_gone);
  VIEW_TEST("restart/other-database", view_set_up, test_reads_anew_where_revisions_fell);
  VIEW_TEST("restart/database-ahead", view_set_up, test_reads_anew_from_another_database);
  VIEW_TEST("restart/bus", view_set_up, test_survives_the_bus);
  VIEW_TEST("restart/patient", view_set_up_bus, test_waits_for_bus_and_daemon);
  VIEW_TEST("freed/view", view_set_up_bus, test_view_freed_by_its_call_back);
  VIEW_TEST("freed/all", view_set_up, test_all_freed_by_a_sync);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  add_reading_tests();
  add_state_tests();
  return g_test_run();
}
