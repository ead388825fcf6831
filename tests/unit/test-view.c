/* The live view against a registry that does as it is told: what is shown, when
 * it is shown, and what a sync promises, in the orders of messages that a real
 * daemon seldom shows. */
#include "client/base/protocol.h"
#include "client/connection.h"
#include "tests/unit/fake-registry.h"

#define TOP "HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme"
#define DENIED "org.freedesktop.DBus.Error.AccessDenied"

/* More keys than are read whole. */
#define MANY 300

typedef struct {
  FakeBus *bus;
  FakeRegistry *fake;
  RegistryConnection *connection;
  RegistryView *view;
  guint changes;   /* call-backs of the view */
  GPtrArray *seen; /* "x" and "y" of TOP at each of them */
  guint synced, current;
} Fixture;

/* ---- waiting ---- */

static gboolean on_late(gpointer data) {
  (void)data;
  g_error("what the test waits for does not come");
  return G_SOURCE_REMOVE;
}

#define wait_until(condition)                                                                      \
  do {                                                                                             \
    guint watchdog = g_timeout_add_seconds(30, on_late, NULL);                                     \
    while (!(condition))                                                                           \
      g_main_context_iteration(NULL, TRUE);                                                        \
    g_source_remove(watchdog);                                                                     \
  } while (0)

static void on_synced(RegistryView *view, gboolean current, gpointer data) {
  (void)view;
  Fixture *fixture = data;
  fixture->synced++;
  fixture->current += current ? 1 : 0;
}

static void on_all_synced(RegistryConnection *connection, gboolean current, gpointer data) {
  (void)connection;
  on_synced(NULL, current, data);
}

/* TRUE: the answer was TRUE. */
static gboolean sync_view(Fixture *fixture) {
  guint before = fixture->synced, current = fixture->current;
  registry_view_sync(fixture->view, on_synced, fixture);
  g_assert_cmpuint(fixture->synced, ==, before);
  wait_until(fixture->synced > before);
  return fixture->current > current;
}

/* Lets everything come that has been sent. */
static void settle(Fixture *fixture) {
  g_assert_true(sync_view(fixture));
}

/* The same for a view that nothing is held of. */
static void on_other_settled(RegistryView *view, gboolean current, gpointer data) {
  (void)view;
  g_assert_true(current);
  *(gboolean *)data = TRUE;
}

static void settle_other(RegistryView *view) {
  gboolean settled = FALSE;
  registry_view_sync(view, on_other_settled, &settled);
  wait_until(settled);
}

/* Handles what has come, without waiting for more. */
static void handle_what_has_come(void) {
  while (g_main_context_iteration(NULL, FALSE)) {
  }
}

/* ---- what the view holds ---- */

static char *get(const RegistryView *view, const char *subkey, const char *name) {
  const char *names[] = {name, NULL};
  char *text = registry_view_get_string(view, subkey, names, NULL);
  return text != NULL ? text : g_strdup("-");
}

#define assert_holds(view, subkey, name, text)                                                     \
  do {                                                                                             \
    g_autofree char *held = get(view, subkey, name);                                               \
    g_assert_cmpstr(held, ==, text);                                                               \
  } while (0)

static void on_changed(RegistryView *view, gpointer data) {
  Fixture *fixture = data;
  g_autofree char *x = get(view, "A", "v");
  g_autofree char *y = get(view, "B", "v");
  fixture->changes++;
  g_ptr_array_add(fixture->seen, g_strconcat(x, " ", y, NULL));
}

/* ---- set-up ---- */

static void fill(FakeRegistry *fake) {
  fake_set(fake, TOP, "x", "1");
  fake_set(fake, TOP "\\A", "v", "0");
  fake_set(fake, TOP "\\B", "v", "0");
}

/* So many that keys are read one by one. */
static void fill_many(FakeRegistry *fake) {
  fill(fake);
  for (guint i = 0; i < MANY; i++) {
    g_autofree char *key = g_strdup_printf(TOP "\\Many\\%03u", i);
    fake_set(fake, key, "v", "0");
  }
}

static void open_view(Fixture *fixture, const char *key) {
  g_autoptr(GError) error = NULL;
  fixture->connection = registry_connection_new(fake_bus_get_address(fixture->bus), NULL, &error);
  g_assert_no_error(error);
  fixture->view = registry_view_new(fixture->connection, key, on_changed, fixture);
}

static void wait_for_state(Fixture *fixture, RegistryViewState state) {
  wait_until(registry_view_get_state(fixture->view) == state);
}

static void set_up_bus(Fixture *fixture, gconstpointer data) {
  (void)data;
  fixture->bus = fake_bus_start();
  fixture->fake = fake_new(fixture->bus, NULL);
  fixture->seen = g_ptr_array_new_with_free_func(g_free);
}

static void set_up(Fixture *fixture, gconstpointer data) {
  set_up_bus(fixture, data);
  fill(fixture->fake);
  open_view(fixture, TOP);
  wait_for_state(fixture, REGISTRY_VIEW_READY);
  settle(fixture);
  fake_reset_counts(fixture->fake);
  fixture->changes = 0;
  g_ptr_array_set_size(fixture->seen, 0);
}

static void set_up_many(Fixture *fixture, gconstpointer data) {
  set_up_bus(fixture, data);
  fill_many(fixture->fake);
  open_view(fixture, TOP);
  wait_for_state(fixture, REGISTRY_VIEW_READY);
  settle(fixture);
  fake_reset_counts(fixture->fake);
  fixture->changes = 0;
  g_ptr_array_set_size(fixture->seen, 0);
}

static void tear_down(Fixture *fixture, gconstpointer data) {
  (void)data;
  registry_view_free(fixture->view);
  registry_connection_unref(fixture->connection);
  fake_free(fixture->fake);
  fake_bus_free(fixture->bus);
  g_ptr_array_unref(fixture->seen);
}

static void restart(Fixture *fixture) {
  FakeRegistry *before = fixture->fake;
  fake_vanish(before);
  wait_until(!registry_view_is_live(fixture->view));
  fixture->fake = fake_new(fixture->bus, before);
  fake_free(before);
}

static void wait_until_live(Fixture *fixture) {
  wait_until(registry_view_is_live(fixture->view));
  settle(fixture);
}

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
  settle(fixture);
  g_assert_cmpuint(fake_count(fixture->fake, "ReadTree"), ==, 1);
  g_assert_cmpuint(fixture->changes, ==, 0);
}

/* ---- syncing ---- */

static void test_sync_is_one_call(Fixture *fixture, gconstpointer data) {
  (void)data;
  g_assert_true(sync_view(fixture));
  g_assert_cmpuint(fake_count(fixture->fake, "Get"), ==, 1);
  g_assert_cmpuint(fake_count(fixture->fake, "ReadTree"), ==, 0);
}

static void test_sync_sees_what_was_written(Fixture *fixture, gconstpointer data) {
  (void)data;
  for (guint i = 1; i <= 300; i++) {
    g_autofree char *text = g_strdup_printf("%u", i);
    fake_set(fixture->fake, TOP "\\A", "v", text);
    g_assert_true(sync_view(fixture));
    assert_holds(fixture->view, "A", "v", text);
  }
}

static void test_syncs_share_calls(Fixture *fixture, gconstpointer data) {
  (void)data;
  for (guint i = 0; i < 100; i++)
    registry_view_sync(fixture->view, on_synced, fixture);
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
  registry_connection_sync(fixture->connection, on_all_synced, fixture);
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
  settle(fixture);
  fake_hold(fixture->fake, "ReadTree");
  fake_set(fixture->fake, "HKEY_LOCAL_MACHINE\\C", "v", "1");
  wait_until(fake_count_held(fixture->fake) == 1);
  fake_reset_counts(fixture->fake);
  guint before = fixture->synced;
  registry_connection_sync(fixture->connection, on_all_synced, fixture);
  wait_until(fake_count(fixture->fake, "Get") == 1);
  settle_other(a);
  fake_set_both(fixture->fake, TOP "\\A", TOP "\\B", "v", "9");
  wait_until(fake_count_held(fixture->fake) == 3);
  fake_release_only(fixture->fake, 1);
  fake_release_only(fixture->fake, 0);
  settle_other(fixture->view);
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
  registry_view_sync(fixture->view, on_synced, fixture);
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
  registry_view_sync(fixture->view, on_synced, fixture);
  registry_connection_sync(fixture->connection, on_all_synced, fixture);
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
  settle(fixture);
  g_assert_cmpuint(fake_count(fixture->fake, "ReadTree"), ==, 1);
  g_assert_cmpuint(fixture->changes, ==, 1);
}

static void test_daemon_dies_during_sync(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_hold(fixture->fake, "Get");
  guint before = fixture->current;
  registry_view_sync(fixture->view, on_synced, fixture);
  registry_connection_sync(fixture->connection, on_all_synced, fixture);
  wait_until(fake_count_held(fixture->fake) == 1);
  guint synced = fixture->synced;
  fake_vanish(fixture->fake);
  wait_until(fixture->synced == synced + 2);
  g_assert_cmpuint(fixture->current, ==, before);
  g_assert_false(registry_view_is_live(fixture->view));
  g_assert_false(sync_view(fixture));
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
    g_assert_true(sync_view(fixture));
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
    g_assert_true(sync_view(fixture));
  fake_set_page_size(fixture->fake, 0, NULL);
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
  fill_many(fixture->fake);
  fake_set_page_size(fixture->fake, 100, commit_both_once);
  open_view(fixture, TOP);
  wait_for_state(fixture, REGISTRY_VIEW_READY);
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
    settle(fixture);
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
  settle(fixture);
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
  settle(fixture);
  assert_holds(fixture->view, "B", "v", "2");
}

/* ---- single keys of a large sub-tree ---- */

static void test_large_tree_reads_what_changed(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_set(fixture->fake, TOP "\\Many\\007", "v", "1");
  settle(fixture);
  assert_holds(fixture->view, "Many\\007", "v", "1");
  g_assert_cmpuint(fake_count(fixture->fake, "ReadKey"), ==, 1);
  g_assert_cmpuint(fake_count(fixture->fake, "ReadAll"), ==, 0);
  g_assert_cmpuint(fixture->changes, ==, 1);
}

static void test_large_tree_keys_come_and_go(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_set(fixture->fake, TOP "\\New\\Below", "v", "1");
  settle(fixture);
  assert_holds(fixture->view, "New\\Below", "v", "1");
  fake_delete(fixture->fake, TOP "\\New");
  settle(fixture);
  g_assert_false(registry_view_has_key(fixture->view, "New\\Below"));
  fake_delete(fixture->fake, TOP "\\Many");
  settle(fixture);
  g_assert_false(registry_view_has_key(fixture->view, "Many\\000"));
  g_assert_true(registry_view_has_key(fixture->view, "A"));
}

/* Deleted and made again while it is read: what was below it is gone. */
static void test_key_made_again_during_read(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_set(fixture->fake, TOP "\\A\\Below", "v", "1");
  settle(fixture);
  fake_hold(fixture->fake, "ReadTree");
  fake_set(fixture->fake, TOP "\\A", "v", "1");
  wait_until(fake_count_held(fixture->fake) == 1);
  fake_delete(fixture->fake, TOP "\\A");
  fake_set(fixture->fake, TOP "\\A", "v", "2");
  fake_release(fixture->fake);
  settle(fixture);
  assert_holds(fixture->view, "A", "v", "2");
  g_assert_false(registry_view_has_key(fixture->view, "A\\Below"));
}

/* The same, and the read that was asked for before is worked on afterwards. */
static void test_key_made_again_before_read(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_set(fixture->fake, TOP "\\A\\Below", "v", "1");
  settle(fixture);
  fake_stall(fixture->fake, "ReadTree");
  fake_reset_counts(fixture->fake);
  fake_set(fixture->fake, TOP "\\A", "v", "1");
  wait_until(fake_count(fixture->fake, "ReadTree") == 1);
  fake_delete(fixture->fake, TOP "\\A");
  fake_set(fixture->fake, TOP "\\A", "v", "2");
  fake_release(fixture->fake);
  settle(fixture);
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
  settle(fixture);
  assert_holds(fixture->view, "Many\\299", "v", "1");
  g_assert_cmpuint(fake_count(fixture->fake, "ReadAll"), ==, 1);
}

/* ---- signals that are late, lost or strange ---- */

static void test_gap_reads_everything(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_lose_signal(fixture->fake);
  fake_set(fixture->fake, TOP "\\Many\\000", "v", "1");
  fake_set(fixture->fake, TOP "\\A", "v", "1");
  settle(fixture);
  assert_holds(fixture->view, "Many\\000", "v", "1");
  assert_holds(fixture->view, "A", "v", "1");
}

static void test_unknown_kind_reads_everything(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_hold_signals(fixture->fake, TRUE);
  fake_set(fixture->fake, TOP "\\Many\\000", "v", "1");
  fake_signal(fixture->fake, "colour-changed", TOP, "");
  fake_release_signals(fixture->fake);
  settle(fixture);
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
  dbus_message_set_destination(signal, connection_get_name(fixture->connection));
  dbus_message_append_args(signal, DBUS_TYPE_UINT32, &id, DBUS_TYPE_UINT64, &number,
                           DBUS_TYPE_UINT64, &number, DBUS_TYPE_INVALID);
  dbus_message_iter_init_append(signal, &iter);
  dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "(sss)", &array);
  dbus_message_iter_close_container(&iter, &array);
  dbus_connection_send(stranger, signal, NULL);
  dbus_connection_flush(stranger);
  dbus_message_unref(signal);
  loop_disconnect(stranger);
  settle(fixture);
  settle(fixture);
  g_assert_cmpuint(fake_count(fixture->fake, "ReadTree"), ==, 0);
}

/* ---- links ---- */

static void test_link_points_elsewhere(Fixture *fixture, gconstpointer data) {
  (void)data;
  registry_view_free(fixture->view);
  fake_link(fixture->fake, "HKEY_LOCAL_MACHINE\\Link", TOP "\\A");
  fixture->view =
      registry_view_new(fixture->connection, "HKEY_LOCAL_MACHINE\\Link", on_changed, fixture);
  wait_for_state(fixture, REGISTRY_VIEW_READY);
  assert_holds(fixture->view, "", "v", "0");
  fake_set(fixture->fake, TOP "\\B", "v", "other");
  fake_link(fixture->fake, "HKEY_LOCAL_MACHINE\\Link", TOP "\\B");
  settle(fixture);
  assert_holds(fixture->view, "", "v", "other");
  fake_set(fixture->fake, TOP "\\B", "v", "more");
  settle(fixture);
  assert_holds(fixture->view, "", "v", "more");
}

/* ---- missing, denied, failed ---- */

static void test_missing_key_comes_and_goes(Fixture *fixture, gconstpointer data) {
  (void)data;
  open_view(fixture, TOP);
  wait_for_state(fixture, REGISTRY_VIEW_MISSING);
  settle(fixture);
  fill(fixture->fake);
  settle(fixture);
  g_assert_cmpint(registry_view_get_state(fixture->view), ==, REGISTRY_VIEW_READY);
  fake_delete(fixture->fake, TOP);
  settle(fixture);
  g_assert_cmpint(registry_view_get_state(fixture->view), ==, REGISTRY_VIEW_MISSING);
  assert_holds(fixture->view, "A", "v", "-");
}

static void test_refused_watch_is_repaired(Fixture *fixture, gconstpointer data) {
  (void)data;
  fill(fixture->fake);
  fake_refuse(fixture->fake, "Watch", DENIED);
  open_view(fixture, TOP);
  wait_for_state(fixture, REGISTRY_VIEW_DENIED);
  g_assert_error(registry_view_get_problem(fixture->view), REGISTRY_ERROR,
                 REGISTRY_ERROR_ACCESS_DENIED);
  settle(fixture);
  g_assert_cmpint(registry_view_get_state(fixture->view), ==, REGISTRY_VIEW_DENIED);
  fake_refuse(fixture->fake, "Watch", NULL);
  settle(fixture);
  g_assert_cmpint(registry_view_get_state(fixture->view), ==, REGISTRY_VIEW_READY);
  assert_holds(fixture->view, "A", "v", "0");
}

/* The refusal was made before the repair, and comes after the sync was asked for. */
static void test_refusal_on_its_way_is_asked_again(Fixture *fixture, gconstpointer data) {
  (void)data;
  fill(fixture->fake);
  fake_refuse(fixture->fake, "Watch", DENIED);
  fake_hold(fixture->fake, "Watch");
  open_view(fixture, TOP);
  wait_until(fake_count_held(fixture->fake) == 1);
  fake_refuse(fixture->fake, "Watch", NULL);
  guint before = fixture->synced;
  registry_view_sync(fixture->view, on_synced, fixture);
  wait_until(fake_count(fixture->fake, "Get") == 1);
  fake_release(fixture->fake);
  wait_until(fixture->synced > before);
  g_assert_cmpint(registry_view_get_state(fixture->view), ==, REGISTRY_VIEW_READY);
}

static void test_right_is_taken_away(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_refuse(fixture->fake, "ReadTree", DENIED);
  fake_signal(fixture->fake, "acl-changed", TOP, "");
  settle(fixture);
  g_assert_cmpint(registry_view_get_state(fixture->view), ==, REGISTRY_VIEW_DENIED);
  assert_holds(fixture->view, "A", "v", "-");
  fake_refuse(fixture->fake, "ReadTree", NULL);
  settle(fixture);
  g_assert_cmpint(registry_view_get_state(fixture->view), ==, REGISTRY_VIEW_READY);
  assert_holds(fixture->view, "A", "v", "0");
}

static void test_failure_keeps_what_is_known(Fixture *fixture, gconstpointer data) {
  (void)data;
  fake_refuse(fixture->fake, "ReadTree", REGISTRY_ERROR_PREFIX "StorageFailure");
  fake_set(fixture->fake, TOP "\\A", "v", "1");
  g_assert_false(sync_view(fixture));
  g_assert_cmpint(registry_view_get_state(fixture->view), ==, REGISTRY_VIEW_FAILED);
  assert_holds(fixture->view, "A", "v", "0");
  fake_refuse(fixture->fake, "ReadTree", NULL);
  settle(fixture);
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
  wait_until_live(fixture);
  assert_holds(fixture->view, "Many\\003", "v", "1");
  g_assert_cmpuint(fake_count(fixture->fake, "WatchSince"), ==, 1);
  g_assert_cmpuint(fake_count(fixture->fake, "ReadAll"), ==, 0);
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
  registry_view_sync(fixture->view, on_synced, fixture);
  wait_until(fake_count(fixture->fake, "Get") == 1);
  handle_what_has_come();
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
  registry_view_sync(fixture->view, on_synced, fixture);
  wait_until(fake_count(fixture->fake, "Get") == 1);
  handle_what_has_come();
  fake_release(fixture->fake);
  wait_until(fixture->synced > synced);
  assert_holds(fixture->view, "A", "v", "other");
}

static void test_reads_anew_where_history_is_gone(Fixture *fixture, gconstpointer data) {
  (void)data;
  restart(fixture);
  fake_forget_history(fixture->fake);
  fake_set(fixture->fake, TOP "\\A", "v", "1");
  wait_until_live(fixture);
  assert_holds(fixture->view, "A", "v", "1");
  g_assert_cmpuint(fake_count(fixture->fake, "Watch"), ==, 2);
}

/* Another database: its revisions are lower. */
static void test_reads_anew_where_revisions_fell(Fixture *fixture, gconstpointer data) {
  (void)data;
  restart(fixture);
  fake_set_revision(fixture->fake, 1);
  fake_set(fixture->fake, TOP "\\A", "v", "1");
  wait_until_live(fixture);
  assert_holds(fixture->view, "A", "v", "1");
  g_assert_cmpuint(registry_view_get_revision(fixture->view), ==, 2);
  fake_set(fixture->fake, TOP "\\A", "v", "2");
  settle(fixture);
  assert_holds(fixture->view, "A", "v", "2");
}

static void test_survives_the_bus(Fixture *fixture, gconstpointer data) {
  (void)data;
  FakeRegistry *before = fixture->fake;
  fake_vanish(before);
  fake_bus_stop(fixture->bus);
  wait_until(!registry_view_is_live(fixture->view));
  g_assert_false(sync_view(fixture));
  fake_bus_restart(fixture->bus);
  fixture->fake = fake_new(fixture->bus, before);
  fake_free(before);
  fake_set(fixture->fake, TOP "\\A", "v", "1");
  wait_until_live(fixture);
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
  fixture->view = registry_view_new(fixture->connection, TOP, on_changed, fixture);
  g_assert_false(sync_view(fixture));
  g_assert_cmpint(registry_view_get_state(fixture->view), ==, REGISTRY_VIEW_WAITING);
  fake_bus_restart(fixture->bus);
  fixture->fake = fake_new(fixture->bus, before);
  fake_free(before);
  wait_for_state(fixture, REGISTRY_VIEW_MISSING);
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
  fill(fixture->fake);
  open_view(fixture, TOP);
  registry_view_free(fixture->view);
  fixture->view = registry_view_new(fixture->connection, TOP, free_view, fixture);
  registry_view_sync(fixture->view, on_synced, fixture);
  wait_until(fixture->changes == 1);
  registry_connection_sync(fixture->connection, on_all_synced, fixture);
  wait_until(fixture->synced == 1);
  /* Both watches, also the one whose answer came too late, are ended. */
  registry_connection_sync(fixture->connection, on_all_synced, fixture);
  wait_until(fixture->synced == 2);
  g_assert_cmpuint(fake_count_watches(fixture->fake), ==, 0);
}

static void drop_everything(RegistryView *view, gboolean current, gpointer data) {
  (void)view;
  Fixture *fixture = data;
  g_clear_pointer(&fixture->view, registry_view_free);
  g_clear_pointer(&fixture->connection, registry_connection_unref);
  on_synced(NULL, current, data);
}

static void test_all_freed_by_a_sync(Fixture *fixture, gconstpointer data) {
  (void)data;
  guint before = fixture->synced;
  registry_view_sync(fixture->view, drop_everything, fixture);
  registry_view_sync(fixture->view, on_synced, fixture);
  registry_connection_sync(fixture->connection, on_all_synced, fixture);
  wait_until(fixture->synced > before);
  g_assert_null(fixture->connection);
}

#define VIEW_TEST(name, set_up, function)                                                          \
  g_test_add("/view/" name, Fixture, NULL, set_up, function, tear_down)

static void add_sync_tests(void) {
  VIEW_TEST("sync/one-call", set_up, test_sync_is_one_call);
  VIEW_TEST("sync/sees-writes", set_up, test_sync_sees_what_was_written);
  VIEW_TEST("sync/sees-writes-in-large-tree", set_up_many, test_sync_sees_what_was_written);
  VIEW_TEST("sync/shares", set_up, test_syncs_share_calls);
  VIEW_TEST("sync/all-views", set_up, test_one_call_syncs_all_views);
  VIEW_TEST("sync/views-not-mixed", set_up, test_views_are_not_mixed);
  VIEW_TEST("sync/change-during-read", set_up, test_change_during_read_is_read_again);
  VIEW_TEST("sync/change-during-read-of-key", set_up_many, test_change_during_read_is_read_again);
  VIEW_TEST("sync/read-under-way", set_up, test_sync_waits_for_read_under_way);
  VIEW_TEST("sync/read-ahead", set_up, test_read_ahead_of_signal);
  VIEW_TEST("sync/daemon-dies", set_up, test_daemon_dies_during_sync);
  VIEW_TEST("sync/endless-writer", set_up, test_endless_writer_holds_up_nobody);
  VIEW_TEST("sync/endless-writer-in-large-tree", set_up_many, test_endless_writer_holds_up_nobody);
  VIEW_TEST("sync/endless-pairs", set_up_many, test_endless_writer_of_pairs_holds_up_nobody);
}

static void add_reading_tests(void) {
  VIEW_TEST("look-ups", set_up, test_look_ups);
  VIEW_TEST("change", set_up, test_change_is_told);
  VIEW_TEST("same-content", set_up, test_same_content_is_not_told);
  VIEW_TEST("mix/pages", set_up_bus, test_commit_between_pages);
  VIEW_TEST("mix/pairs", set_up_many, test_pairs_are_never_mixed);
  VIEW_TEST("mix/pairs-in-small-tree", set_up, test_pairs_are_never_mixed);
  VIEW_TEST("mix/late-signal", set_up_many, test_signal_after_other_key_was_read);
  VIEW_TEST("mix/late-signal-denied", set_up_many, test_signal_after_other_key_was_shown);
  VIEW_TEST("keys/one", set_up_many, test_large_tree_reads_what_changed);
  VIEW_TEST("keys/come-and-go", set_up_many, test_large_tree_keys_come_and_go);
  VIEW_TEST("keys/made-again", set_up_many, test_key_made_again_during_read);
  VIEW_TEST("keys/made-again-before", set_up_many, test_key_made_again_before_read);
  VIEW_TEST("keys/many", set_up_many, test_many_changes_read_everything);
  VIEW_TEST("signals/gap", set_up_many, test_gap_reads_everything);
  VIEW_TEST("signals/unknown-kind", set_up_many, test_unknown_kind_reads_everything);
  VIEW_TEST("signals/stranger", set_up, test_stranger_is_not_believed);
  VIEW_TEST("link", set_up, test_link_points_elsewhere);
}

static void add_state_tests(void) {
  VIEW_TEST("missing", set_up_bus, test_missing_key_comes_and_goes);
  VIEW_TEST("denied/watch", set_up_bus, test_refused_watch_is_repaired);
  VIEW_TEST("denied/on-its-way", set_up_bus, test_refusal_on_its_way_is_asked_again);
  VIEW_TEST("denied/taken-away", set_up, test_right_is_taken_away);
  VIEW_TEST("failed", set_up, test_failure_keeps_what_is_known);
  VIEW_TEST("restart/catches-up", set_up_many, test_catches_up_after_restart);
  VIEW_TEST("restart/catches-up-late", set_up_many, test_catches_up_behind_the_answer);
  VIEW_TEST("restart/history-gone", set_up, test_reads_anew_where_history_is_gone);
  VIEW_TEST("restart/history-gone-in-large-tree", set_up_many,
            test_reads_anew_where_history_is_gone);
  VIEW_TEST("restart/other-database", set_up, test_reads_anew_where_revisions_fell);
  VIEW_TEST("restart/database-ahead", set_up, test_reads_anew_from_another_database);
  VIEW_TEST("restart/bus", set_up, test_survives_the_bus);
  VIEW_TEST("restart/patient", set_up_bus, test_waits_for_bus_and_daemon);
  VIEW_TEST("freed/view", set_up_bus, test_view_freed_by_its_call_back);
  VIEW_TEST("freed/all", set_up, test_all_freed_by_a_sync);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  add_reading_tests();
  add_sync_tests();
  add_state_tests();
  return g_test_run();
}
