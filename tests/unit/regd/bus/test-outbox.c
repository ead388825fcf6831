/* SPDX-License-Identifier: MIT */
/* Flow control for signals, on a bus of the test's own: windows of receivers and users, and
 * their acknowledgement by Ping. */
#include "regd/bus/outbox.h"

#include "client/base/protocol.h"
#include "client/bus/loop.h"
#include "client/bus/wire.h"
#include "tests/unit/support/fake-registry.h"

#define USER 1000U

typedef struct {
  FakeBus *bus;
  DBusConnection *sender, *receiver;
  Outbox *outbox;
  char *resumed; /* who reads again */
} Fixture;

static void on_resumed(const char *owner, gpointer data) {
  Fixture *fixture = data;
  g_free(fixture->resumed);
  fixture->resumed = g_strdup(owner);
}

static void set_up(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(GError) error = NULL;
  fixture->bus = fake_bus_start();
  fixture->sender = loop_connect(fake_bus_get_address(fixture->bus), &error);
  g_assert_no_error(error);
  fixture->receiver = loop_connect(fake_bus_get_address(fixture->bus), &error);
  g_assert_no_error(error);
  fixture->outbox = outbox_new(fixture->sender, on_resumed, fixture);
}

static void tear_down(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  outbox_free(fixture->outbox);
  loop_disconnect(fixture->sender);
  loop_disconnect(fixture->receiver);
  fake_bus_free(fixture->bus);
  g_free(fixture->resumed);
}

static const char *get_name(const Fixture *fixture) {
  return dbus_bus_get_unique_name(fixture->receiver);
}

/* What is sent counts as @bytes, whatever it takes on the wire. */
static void send_to(Fixture *fixture, const char *owner, gsize bytes) {
  g_autoptr(WireMessage) signal =
      dbus_message_new_signal(REGISTRY_OBJECT_PATH, REGISTRY_INTERFACE, "Changed");
  g_assert_true(dbus_message_set_destination(signal, owner));
  outbox_send(fixture->outbox, owner, signal, bytes);
}

/* Lets both ends work until @owner has been told to resume; libdbus answers Ping. */
static void read_until_resumed(Fixture *fixture) {
  while (fixture->resumed == NULL) {
    dbus_connection_read_write_dispatch(fixture->receiver, 20);
    dbus_connection_read_write_dispatch(fixture->sender, 20);
  }
}

static void a_receiver_that_reads_has_room(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  const char *owner = get_name(fixture);
  g_assert_true(outbox_has_room(fixture->outbox, owner, USER));
  send_to(fixture, owner, LIMIT_WATCHER_QUEUE_BYTES);
  g_assert_true(outbox_has_room(fixture->outbox, owner, USER));
  g_assert_false(outbox_is_behind(fixture->outbox, owner));
}

static void one_that_does_not_read_is_behind(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  const char *owner = get_name(fixture);
  g_assert_true(outbox_has_room(fixture->outbox, owner, USER));
  send_to(fixture, owner, LIMIT_WATCHER_QUEUE_BYTES + 1);
  g_assert_false(outbox_is_behind(fixture->outbox, owner));
  g_assert_false(outbox_has_room(fixture->outbox, owner, USER));
  g_assert_true(outbox_is_behind(fixture->outbox, owner));
  /* The notice that tells it to read again still fits. */
  g_assert_true(outbox_has_room_for_notice(fixture->outbox, owner, USER));
}

static void it_resumes_when_it_reads(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  const char *owner = get_name(fixture);
  g_assert_true(outbox_has_room(fixture->outbox, owner, USER));
  send_to(fixture, owner, LIMIT_WATCHER_QUEUE_BYTES + 1);
  g_assert_false(outbox_has_room(fixture->outbox, owner, USER));
  read_until_resumed(fixture);
  g_assert_cmpstr(fixture->resumed, ==, owner);
  g_assert_false(outbox_is_behind(fixture->outbox, owner));
  g_assert_true(outbox_has_room(fixture->outbox, owner, USER));
}

static void a_user_is_limited_over_all_connections(Fixture *fixture,
                                                   G_GNUC_UNUSED gconstpointer data) {
  const char *owner = get_name(fixture);
  gsize sent = 0;
  /* Connections that are not there are counted like others. */
  for (guint i = 0; sent <= LIMIT_USER_QUEUE_BYTES; i++) {
    g_autofree char *other = g_strdup_printf(":9.%u", i);
    g_assert_true(outbox_has_room(fixture->outbox, other, USER));
    send_to(fixture, other, LIMIT_WATCHER_QUEUE_BYTES);
    sent += LIMIT_WATCHER_QUEUE_BYTES;
  }
  g_assert_false(outbox_has_room(fixture->outbox, owner, USER));
  g_assert_true(outbox_has_room(fixture->outbox, ":9.other", USER + 1));
  outbox_forget(fixture->outbox, ":9.0");
  g_assert_true(outbox_has_room(fixture->outbox, owner, USER));
}

#define TEST(name, function) g_test_add("/outbox/" name, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  TEST("a receiver that reads has room", a_receiver_that_reads_has_room);
  TEST("one that does not read is behind", one_that_does_not_read_is_behind);
  TEST("it resumes when it reads", it_resumes_when_it_reads);
  TEST("a user is limited over all connections", a_user_is_limited_over_all_connections);
  return g_test_run();
}
