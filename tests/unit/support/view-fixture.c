/* SPDX-License-Identifier: MIT */
/* What the tests of the live view share. */
#include "tests/unit/support/view-fixture.h"

/* ---- waiting ---- */

gboolean view_on_late(gpointer data) {
  (void)data;
  g_error("what the test waits for does not come");
  return G_SOURCE_REMOVE;
}

void view_on_synced(RegistryView *view, gboolean current, gpointer data) {
  (void)view;
  Fixture *fixture = data;
  fixture->synced++;
  fixture->current += current ? 1 : 0;
}

void view_on_all_synced(RegistryConnection *connection, gboolean current, gpointer data) {
  (void)connection;
  view_on_synced(NULL, current, data);
}

/* TRUE: the answer was TRUE. */
gboolean view_sync(Fixture *fixture) {
  guint before = fixture->synced, current = fixture->current;
  registry_view_sync(fixture->view, view_on_synced, fixture);
  g_assert_cmpuint(fixture->synced, ==, before);
  wait_until(fixture->synced > before);
  return fixture->current > current;
}

/* Lets everything come that has been sent. */
void view_settle(Fixture *fixture) {
  g_assert_true(view_sync(fixture));
}

/* The same for a view that nothing is held of. */
static void on_other_settled(RegistryView *view, gboolean current, gpointer data) {
  (void)view;
  g_assert_true(current);
  *(gboolean *)data = TRUE;
}

void view_settle_other(RegistryView *view) {
  gboolean settled = FALSE;
  registry_view_sync(view, on_other_settled, &settled);
  wait_until(settled);
}

/* Handles what has come, without waiting for more. */
void view_handle_what_has_come(void) {
  while (g_main_context_iteration(NULL, FALSE)) {
  }
}

/* ---- what the view holds ---- */

char *view_get(const RegistryView *view, const char *subkey, const char *name) {
  const char *names[] = {name, NULL};
  char *text = registry_view_get_string(view, subkey, names, NULL);
  return text != NULL ? text : g_strdup("-");
}

void view_on_changed(RegistryView *view, gpointer data) {
  Fixture *fixture = data;
  g_autofree char *x = view_get(view, "A", "v");
  g_autofree char *y = view_get(view, "B", "v");
  fixture->changes++;
  g_ptr_array_add(fixture->seen, g_strconcat(x, " ", y, NULL));
}

static void on_touched(RegistryView *view, const char *subkey, gpointer data) {
  Fixture *fixture = data;
  (void)view;
  g_string_append_printf(fixture->touched, "%s;", subkey != NULL ? subkey : "*");
}

void view_listen_to_touches(Fixture *fixture) {
  fixture->touched = g_string_new(NULL);
  registry_view_set_touched(fixture->view, on_touched);
}

/* ---- set-up ---- */

void view_fill(FakeRegistry *fake) {
  fake_set(fake, TOP, "x", "1");
  fake_set(fake, TOP "\\A", "v", "0");
  fake_set(fake, TOP "\\B", "v", "0");
}

/* So many that keys are read one by one. */
void view_fill_many(FakeRegistry *fake) {
  view_fill(fake);
  for (guint i = 0; i < MANY; i++) {
    g_autofree char *key = g_strdup_printf(TOP "\\Many\\%03u", i);
    fake_set(fake, key, "v", "0");
  }
}

void view_open(Fixture *fixture, const char *key) {
  g_autoptr(GError) error = NULL;
  fixture->connection = registry_connection_new(fake_bus_get_address(fixture->bus), NULL, &error);
  g_assert_no_error(error);
  fixture->view = registry_view_new(fixture->connection, key, view_on_changed, fixture);
}

void view_wait_for_state(Fixture *fixture, RegistryViewState state) {
  wait_until(registry_view_get_state(fixture->view) == state);
}

void view_set_up_bus(Fixture *fixture, gconstpointer data) {
  (void)data;
  fixture->bus = fake_bus_start();
  fixture->fake = fake_new(fixture->bus, NULL);
  fixture->seen = g_ptr_array_new_with_free_func(g_free);
}

static void set_up_view(Fixture *fixture, void (*fill)(FakeRegistry *fake)) {
  view_set_up_bus(fixture, NULL);
  fill(fixture->fake);
  view_open(fixture, TOP);
  view_wait_for_state(fixture, REGISTRY_VIEW_READY);
  view_settle(fixture);
  fake_reset_counts(fixture->fake);
  fixture->changes = 0;
  g_ptr_array_set_size(fixture->seen, 0);
}

void view_set_up(Fixture *fixture, gconstpointer data) {
  (void)data;
  set_up_view(fixture, view_fill);
}

void view_set_up_many(Fixture *fixture, gconstpointer data) {
  (void)data;
  set_up_view(fixture, view_fill_many);
}

void view_tear_down(Fixture *fixture, gconstpointer data) {
  (void)data;
  registry_view_free(fixture->view);
  registry_connection_unref(fixture->connection);
  fake_free(fixture->fake);
  fake_bus_free(fixture->bus);
  g_ptr_array_unref(fixture->seen);
  if (fixture->touched != NULL)
    g_string_free(fixture->touched, TRUE);
}

void view_restart(Fixture *fixture) {
  FakeRegistry *before = fixture->fake;
  fake_vanish(before);
  wait_until(!registry_view_is_live(fixture->view));
  fixture->fake = fake_new(fixture->bus, before);
  fake_free(before);
}

void view_wait_until_live(Fixture *fixture) {
  wait_until(registry_view_is_live(fixture->view));
  view_settle(fixture);
}
