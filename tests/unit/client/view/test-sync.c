/* SPDX-License-Identifier: MIT */
/* What a sync of live views promises and costs, in the orders of messages that a
 * real daemon seldom shows. */
#include "tests/unit/support/view-fixture.h"

static void test_sync_is_one_call(Fixture *fixture, gconstpointer data) {
  (void)data;
  g_assert_true(view_sync(fixture));
  g_assert_cmpuint(fake_count(fixture->fake, "Get"), ==, 1);
  g_assert_cmpuint(fake_count(fixture->fake, "ReadTree"), ==, 0);
}

static void test_sync_sees_what_was_written(Fixture *fixture, gconstpointer data) {
  (void)data;
  for (guint i = 1; i <= 300; i++) {
    g_autofree char *text = g_strdup_printf("%u", i);
    fake_set(fixture->fake, TOP "\\A", "v", text);
    g_assert_true(view_sync(fixture));
    assert_holds(fixture->view, "A", "v", text);
  }
}

static void test_syncs_share_calls(Fixture *fixture, gconstpointer data) {
  (void)data;
  for (guint i = 0; i < 100; i++)
    registry_view_sync(fixture->view, view_on_synced, fixture);
  wait_until(fixture->synced == 101); /* one was the set-up's */
  g_assert_cmpuint(fixture->current, ==, 101);
  g_assert_cmpuint(fake_count(fixture->fake, "Get"), ==, 2);
}

static void test_one_call_syncs_all_views(Fixture *fixture, gconstpointer data) {
  (void)data;
  g_autoptr(RegistryView) a = registry_view_new(fixture->connection, TOP "\\A", NULL, NULL);
  g_autoptr(RegistryView) b = registry_view_new(fixture->connection, TOP "\\B", NULL, NULL);
  wait_until(registry_view_get_state(a) == REGISTRY_VIEW_READY &&
             registry_view_get_state(b) == REGISTRY_VIEW_READY);
  fake_reset_counts(fixture->fake);
  fake_set_both(fixture->fake, TOP "\\A", TOP "\\B", "v", "9");
  guint before = fixture->synced;
  registry_connection_sync(fixture->connection, view_on_all_synced, fixture);
  wait_until(fixture->synced > before);
  assert_holds(a, "", "v", "9");
  assert_holds(b, "", "v", "9");
  assert_holds(fixture->view, "A", "v", "9");
  g_assert_cmpuint(fake_count(fixture->fake, "Get"), ==, 1);
}

/* A commit to two views comes while a third is waited for: they are not told of
 * when just one of the two shows it. */
static void test_views_are_not_mixed(Fixture *fixture, gconstpointer data) {
  (void)data;
  g_autoptr(RegistryView) a = registry_view_new(fixture->connection, TOP "\\A", NULL, NULL);
  g_autoptr(RegistryView) b = registry_view_new(fixture->connection, TOP "\\B", NULL, NULL);
  fake_set(fixture->fake, "HKEY_LOCAL_MACHINE\\C", "v", "0");
  g_clear_pointer(&fixture->view, registry_view_free);
  fixture->view = registry_view_new(fixture->connection, "HKEY_LOCAL_MACHINE\\C", NULL, NULL);
  view_settle(fixture);
  fake_hold(fixture->fake, "ReadTree");
  fake_set(fixture->fake, "HKEY_LOCAL_MACHINE\\C", "v", "1");
  wait_until(fake_count_held(fixture->fake) == 1);
  fake_reset_counts(fixture->fake);
  guint before = fixture->synced;
  registry_connection_sync(fixture->connection, view_on_all_synced, fixture);
  wait_until(fake_count(fixture->fake, "Get") == 1);
  view_settle_other(a);
  fake_set_both(fixture->fake, TOP "\\A", TOP "\\B", "v", "9");
  wait_until(fake_count_held(fixture->fake) == 3);
  fake_release_only(fixture->fake, 1);
  fake_release_only(fixture->fake, 0);
  view_settle_other(fixture->view);
  g_assert_cmpuint(fixture->synced, ==, before);
  fake_release(fixture->fake);
  wait_until(fixture->synced > before);
  assert_holds(a, "", "v", "9");
  assert_holds(b, "", "v", "9");
}

/* The answer to a read was made before the second change, and comes after its
 * signal. */
static void test_change_during_read_is_read_again(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_hold(fixture->fake, "ReadTree");
  fake_set(fixture->fake, TOP "\\A", "v", "old");
  wait_until(fake_count_held(fixture->fake) == 1);
  fake_set(fixture->fake, TOP "\\A", "v", "new");
  guint before = fixture->synced;
  registry_view_sync(fixture->view, view_on_synced, fixture);
  wait_until(fake_count(fixture->fake, "Get") == 1);
  fake_release(fixture->fake);
  wait_until(fixture->synced > before);
  assert_holds(fixture->view, "A", "v", "new");
  g_assert_cmpuint(fake_count(fixture->fake, "ReadTree"), ==, 2);
}

static void test_sync_waits_for_read_under_way(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_hold(fixture->fake, "ReadTree");
  fake_set(fixture->fake, TOP "\\A", "v", "1");
  wait_until(fake_count_held(fixture->fake) == 1);
  guint before = fixture->synced;
  registry_view_sync(fixture->view, view_on_synced, fixture);
  registry_connection_sync(fixture->connection, view_on_all_synced, fixture);
  wait_until(fake_count(fixture->fake, "Get") == 2);
  g_assert_cmpuint(fixture->synced, ==, before);
  fake_release(fixture->fake);
  wait_until(fixture->synced == before + 2);
  assert_holds(fixture->view, "A", "v", "1");
}

/* The read is answered before the signal of what it has read is sent. */
static void test_read_ahead_of_signal(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_set(fixture->fake, TOP "\\A", "v", "1");
  fake_hold_signals(fixture->fake, TRUE);
  fake_set(fixture->fake, TOP "\\A", "v", "2");
  wait_until(fixture->changes == 1);
  assert_holds(fixture->view, "A", "v", "2");
  fake_release_signals(fixture->fake);
  view_settle(fixture);
  g_assert_cmpuint(fake_count(fixture->fake, "ReadTree"), ==, 1);
  g_assert_cmpuint(fixture->changes, ==, 1);
}

static void test_daemon_dies_during_sync(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_hold(fixture->fake, "Get");
  guint before = fixture->current;
  registry_view_sync(fixture->view, view_on_synced, fixture);
  registry_connection_sync(fixture->connection, view_on_all_synced, fixture);
  wait_until(fake_count_held(fixture->fake) == 1);
  guint synced = fixture->synced;
  fake_vanish(fixture->fake);
  wait_until(fixture->synced == synced + 2);
  g_assert_cmpuint(fixture->current, ==, before);
  g_assert_false(registry_view_is_live(fixture->view));
  g_assert_false(view_sync(fixture));
  assert_holds(fixture->view, "A", "v", "0");
}

static void write_on(FakeRegistry *fake) {
  static const char *const texts[] = {"even", "odd"};
  fake_set(fake, TOP "\\A", "v", texts[fake_get_revision(fake) % 2]);
}

/* Every read is followed by another change. */
static void test_endless_writer_holds_up_nobody(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_set_page_size(fixture->fake, 0, write_on);
  write_on(fixture->fake);
  for (guint i = 0; i < 20; i++)
    g_assert_true(view_sync(fixture));
  fake_set_page_size(fixture->fake, 0, NULL);
}

static void write_pairs_on(FakeRegistry *fake) {
  g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, fake_get_revision(fake));
  fake_set_both(fake, TOP "\\A", TOP "\\B", "v", text);
}

/* There is no moment at which both keys have been read as of one revision. */
static void test_endless_writer_of_pairs_holds_up_nobody(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_set_page_size(fixture->fake, 0, write_pairs_on);
  write_pairs_on(fixture->fake);
  for (guint i = 0; i < 20; i++)
    g_assert_true(view_sync(fixture));
  fake_set_page_size(fixture->fake, 0, NULL);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  VIEW_TEST("sync/one-call", view_set_up, test_sync_is_one_call);
  VIEW_TEST("sync/sees-writes", view_set_up, test_sync_sees_what_was_written);
  VIEW_TEST("sync/sees-writes-in-large-tree", view_set_up_many, test_sync_sees_what_was_written);
  VIEW_TEST("sync/shares", view_set_up, test_syncs_share_calls);
  VIEW_TEST("sync/all-views", view_set_up, test_one_call_syncs_all_views);
  VIEW_TEST("sync/views-not-mixed", view_set_up, test_views_are_not_mixed);
  VIEW_TEST("sync/change-during-read", view_set_up, test_change_during_read_is_read_again);
  VIEW_TEST("sync/change-during-read-of-key", view_set_up_many,
            test_change_during_read_is_read_again);
  VIEW_TEST("sync/read-under-way", view_set_up, test_sync_waits_for_read_under_way);
  VIEW_TEST("sync/read-ahead", view_set_up, test_read_ahead_of_signal);
  VIEW_TEST("sync/daemon-dies", view_set_up, test_daemon_dies_during_sync);
  VIEW_TEST("sync/endless-writer", view_set_up, test_endless_writer_holds_up_nobody);
  VIEW_TEST("sync/endless-writer-in-large-tree", view_set_up_many,
            test_endless_writer_holds_up_nobody);
  VIEW_TEST("sync/endless-pairs", view_set_up_many, test_endless_writer_of_pairs_holds_up_nobody);
  return g_test_run();
}
