/* SPDX-License-Identifier: MIT */
/* Flow control, on a bus of the test's own: windows of receivers and users, their acknowledgement
 * by Ping, and calls that are held back. */
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
  char *opened;  /* who may be answered again */
} Fixture;

static void on_resumed(const char *owner, gpointer data) {
  Fixture *fixture = data;
  g_free(fixture->resumed);
  fixture->resumed = g_strdup(owner);
}

static void on_opened(const char *owner, gpointer data) {
  Fixture *fixture = data;
  g_free(fixture->opened);
  fixture->opened = g_strdup(owner);
}

static void set_up(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(GError) error = NULL;
  fixture->bus = fake_bus_start();
  fixture->sender = loop_connect(fake_bus_get_address(fixture->bus), &error);
  g_assert_no_error(error);
  fixture->receiver = loop_connect(fake_bus_get_address(fixture->bus), &error);
  g_assert_no_error(error);
  fixture->outbox = outbox_new(fixture->sender, &(OutboxEvents){on_resumed, on_opened}, fixture);
}

static void tear_down(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  outbox_free(fixture->outbox);
  loop_disconnect(fixture->sender);
  loop_disconnect(fixture->receiver);
  fake_bus_free(fixture->bus);
  g_free(fixture->resumed);
  g_free(fixture->opened);
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

/* ---- replies ---- */

static void introduce(Fixture *fixture, const char *owner) {
  g_assert_true(outbox_meet(fixture->outbox, owner));
  g_assert_false(outbox_meet(fixture->outbox, owner));
  outbox_introduce(fixture->outbox, owner, USER, TRUE);
}

static void an_unknown_one_has_a_small_window(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  const char *owner = get_name(fixture);
  g_assert_true(outbox_meet(fixture->outbox, owner));
  outbox_count_reply(fixture->outbox, owner, LIMIT_UNKNOWN_REPLY_BYTES);
  g_assert_true(outbox_may_answer(fixture->outbox, owner));
  outbox_count_reply(fixture->outbox, owner, 1);
  g_assert_false(outbox_may_answer(fixture->outbox, owner));
  outbox_introduce(fixture->outbox, owner, USER, TRUE);
  g_assert_true(outbox_may_answer(fixture->outbox, owner));
  g_assert_cmpstr(fixture->opened, ==, owner);
}

static void it_opens_when_it_reads(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  const char *owner = get_name(fixture);
  introduce(fixture, owner);
  outbox_count_reply(fixture->outbox, owner, LIMIT_REPLY_WINDOW_BYTES + 1);
  g_assert_false(outbox_may_reply(fixture->outbox, owner, TRUE));
  g_assert_false(outbox_may_answer(fixture->outbox, owner));
  while (fixture->opened == NULL) {
    dbus_connection_read_write_dispatch(fixture->receiver, 20);
    dbus_connection_read_write_dispatch(fixture->sender, 20);
  }
  g_assert_true(outbox_may_answer(fixture->outbox, owner));
}

/* One that is not there reads nothing, and leaves. */
static void a_users_replies_are_limited_together(Fixture *fixture,
                                                 G_GNUC_UNUSED gconstpointer data) {
  const char *owner = get_name(fixture);
  introduce(fixture, owner);
  introduce(fixture, ":9.0");
  outbox_count_reply(fixture->outbox, ":9.0", LIMIT_USER_REPLY_BYTES + 1);
  g_assert_false(outbox_may_answer(fixture->outbox, owner));
  outbox_forget(fixture->outbox, ":9.0");
  g_assert_true(outbox_may_answer(fixture->outbox, owner));
}

static void calls_are_held_in_order(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  const char *owner = get_name(fixture);
  introduce(fixture, owner);
  DBusMessage *calls[LIMIT_HELD_CALLS];
  for (guint i = 0; i < LIMIT_HELD_CALLS; i++) {
    calls[i] = dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_CALL);
    g_assert_true(outbox_hold(fixture->outbox, owner, calls[i], 1));
  }
  g_assert_false(outbox_hold(fixture->outbox, owner, calls[0], 1));
  GQueue held = outbox_take_held(fixture->outbox, owner);
  g_assert_cmpuint(held.length, ==, LIMIT_HELD_CALLS);
  for (guint i = 0; i < LIMIT_HELD_CALLS; i++) {
    g_assert_true(g_queue_pop_head(&held) == calls[i]);
    dbus_message_unref(calls[i]);
    dbus_message_unref(calls[i]);
  }
}

static void the_bytes_that_are_held_are_limited(Fixture *fixture,
                                                G_GNUC_UNUSED gconstpointer data) {
  const char *owner = get_name(fixture);
  introduce(fixture, owner);
  introduce(fixture, ":9.0");
  g_autoptr(WireMessage) call = dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_CALL);
  g_assert_true(outbox_hold(fixture->outbox, ":9.0", call, LIMIT_HELD_BYTES));
  g_assert_false(outbox_hold(fixture->outbox, owner, call, 1));
  outbox_forget(fixture->outbox, ":9.0");
  g_assert_true(outbox_hold(fixture->outbox, owner, call, 1));
}

#define TEST(name, function) g_test_add("/outbox/" name, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  TEST("a receiver that reads has room", a_receiver_that_reads_has_room);
  TEST("one that does not read is behind", one_that_does_not_read_is_behind);
  TEST("it resumes when it reads", it_resumes_when_it_reads);
  TEST("a user is limited over all connections", a_user_is_limited_over_all_connections);
  TEST("an unknown one has a small window", an_unknown_one_has_a_small_window);
  TEST("it opens when it reads", it_opens_when_it_reads);
  TEST("a user's replies are limited together", a_users_replies_are_limited_together);
  TEST("calls are held in order", calls_are_held_in_order);
  TEST("the bytes that are held are limited", the_bytes_that_are_held_are_limited);
  return g_test_run();
}
