/* SPDX-License-Identifier: MIT */
/* What the tests of the live view share: a registry that does as it is told, a
 * view of it, and waiting for what happens to them. */
#ifndef TESTS_UNIT_SUPPORT_VIEW_FIXTURE_H
#define TESTS_UNIT_SUPPORT_VIEW_FIXTURE_H

#include "client/base/protocol.h"
#include "client/connection/connection.h"
#include "tests/unit/support/fake-registry.h"

#define TOP "HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme"

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
  GString *touched; /* what view_on_touched() was told; NULL: it has not been set */
} Fixture;

/* ---- set-up ---- */

/* The bus and an empty registry alone. */
void view_set_up_bus(Fixture *fixture, gconstpointer data);
/* And a view of TOP with `x` and the keys A and B, with `v`; MANY more of them
 * below TOP\\Many. It is ready, and what it took is forgotten. */
void view_set_up(Fixture *fixture, gconstpointer data);
void view_set_up_many(Fixture *fixture, gconstpointer data);
void view_tear_down(Fixture *fixture, gconstpointer data);

void view_fill(FakeRegistry *fake);
void view_fill_many(FakeRegistry *fake);
void view_open(Fixture *fixture, const char *key);
/* The registry leaves the bus and is back with what it held. */
void view_restart(Fixture *fixture);

#define VIEW_TEST(name, set_up, function)                                                          \
  g_test_add("/view/" name, Fixture, NULL, set_up, function, view_tear_down)

/* ---- waiting ---- */

gboolean view_on_late(gpointer data);

#define wait_until(condition)                                                                      \
  do {                                                                                             \
    guint watchdog = g_timeout_add_seconds(30, view_on_late, NULL);                                \
    while (!(condition))                                                                           \
      g_main_context_iteration(NULL, TRUE);                                                        \
    g_source_remove(watchdog);                                                                     \
  } while (0)

/* They count into the Fixture that is their data. */
void view_on_synced(RegistryView *view, gboolean current, gpointer data);
void view_on_all_synced(RegistryConnection *connection, gboolean current, gpointer data);
/* TRUE: the answer was TRUE. */
gboolean view_sync(Fixture *fixture);
/* Lets everything come that has been sent. */
void view_settle(Fixture *fixture);
/* The same for another view than the fixture's. */
void view_settle_other(RegistryView *view);
/* Handles what has come, without waiting for more. */
void view_handle_what_has_come(void);
void view_wait_for_state(Fixture *fixture, RegistryViewState state);
void view_wait_until_live(Fixture *fixture);

/* ---- what a view holds ---- */

/* "-" where there is none; owned by the caller. */
char *view_get(const RegistryView *view, const char *subkey, const char *name);
void view_on_changed(RegistryView *view, gpointer data);
/* From now on `touched` gets each sub-key and a semicolon; "*" for all. */
void view_listen_to_touches(Fixture *fixture);

#define assert_holds(view, subkey, name, text)                                                     \
  do {                                                                                             \
    g_autofree char *held = view_get(view, subkey, name);                                          \
    g_assert_cmpstr(held, ==, text);                                                               \
  } while (0)

#endif
