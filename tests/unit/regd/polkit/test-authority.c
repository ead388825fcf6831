/* SPDX-License-Identifier: MIT */
/* Questions to polkit that wait too long, are too many, or have lost their bus, on a bus of the
 * test's own. What the answers mean is in tests/bus/test-polkit.py. */
#include "regd/polkit/authority.h"

#include "client/base/protocol.h"
#include "client/bus/loop.h"
#include "client/bus/wire.h"
#include "tests/unit/support/fake-registry.h"

#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define NAME ":1.4711"
#define PATIENCE_MS 50U
#define LONG_MS 600000U
#define STEP_MS 20

typedef struct {
  FakeBus *bus;
  DBusConnection *asking, *polkit;
  LoopBinding *binding; /* of the asking one */
  guint n_granted, n_refused;
} Fixture;

static void set_up(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(GError) error = NULL;
  fixture->bus = fake_bus_start();
  fixture->asking = loop_connect(fake_bus_get_address(fixture->bus), &error);
  g_assert_no_error(error);
  fixture->binding = loop_bind(fixture->asking, NULL);
  fixture->polkit = loop_connect(fake_bus_get_address(fixture->bus), &error);
  g_assert_no_error(error);
  g_assert_cmpint(dbus_bus_request_name(fixture->polkit, POLKIT_NAME, 0, NULL), ==,
                  DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER);
}

static void tear_down(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  loop_binding_free(fixture->binding);
  loop_disconnect(fixture->asking);
  loop_disconnect(fixture->polkit);
  fake_bus_free(fixture->bus);
}

static void on_answered(gboolean granted, gpointer data) {
  Fixture *fixture = data;
  if (granted)
    fixture->n_granted++;
  else
    fixture->n_refused++;
}

static gboolean ask(Fixture *fixture, Authority *authority, guint32 uid) {
  return authority_ask(authority, NAME, uid, on_answered, fixture);
}

/* Lets the asking end work until so many questions are refused. */
static void work_until_refused(Fixture *fixture, guint number) {
  while (fixture->n_refused < number)
    g_main_context_iteration(NULL, TRUE);
}

/* The next call that polkit is sent. */
static DBusMessage *receive(Fixture *fixture) {
  for (;;) {
    g_autoptr(WireMessage) message = dbus_connection_pop_message(fixture->polkit);
    if (message != NULL && dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_METHOD_CALL)
      return g_steal_pointer(&message);
    if (message == NULL) {
      dbus_connection_read_write(fixture->polkit, STEP_MS);
      g_main_context_iteration(NULL, FALSE);
    }
  }
}

static const char *get_last_string(DBusMessage *message) {
  DBusMessageIter iter;
  const char *text = NULL;
  g_assert_true(dbus_message_iter_init(message, &iter));
  while (dbus_message_iter_has_next(&iter))
    dbus_message_iter_next(&iter);
  g_assert_cmpint(dbus_message_iter_get_arg_type(&iter), ==, DBUS_TYPE_STRING);
  dbus_message_iter_get_basic(&iter, &text);
  return text;
}

/* The next two calls are a question and what cancels it. */
static void check_cancelled(Fixture *fixture) {
  g_autoptr(WireMessage) question = receive(fixture);
  g_autoptr(WireMessage) cancelling = receive(fixture);
  g_assert_cmpstr(dbus_message_get_member(question), ==, "CheckAuthorization");
  g_assert_cmpstr(dbus_message_get_signature(question), ==, "(sa{sv})sa{ss}us");
  g_assert_cmpstr(dbus_message_get_member(cancelling), ==, "CancelCheckAuthorization");
  g_assert_true(dbus_message_get_no_reply(cancelling));
  g_assert_false(dbus_message_get_auto_start(cancelling));
  g_assert_cmpstr(get_last_string(cancelling), ==, get_last_string(question));
}

static void silence_is_a_refusal(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(Authority) authority = authority_new(fixture->asking, PATIENCE_MS);
  g_assert_true(ask(fixture, authority, 1));
  work_until_refused(fixture, 1);
  g_assert_cmpuint(fixture->n_granted, ==, 0);
  check_cancelled(fixture);
}

static void what_is_forgotten_is_cancelled(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(Authority) authority = authority_new(fixture->asking, LONG_MS);
  g_assert_true(ask(fixture, authority, 1));
  authority_forget(authority, ":1.1");
  g_assert_cmpuint(fixture->n_refused, ==, 0);
  authority_forget(authority, NAME);
  g_assert_cmpuint(fixture->n_refused, ==, 1);
  check_cancelled(fixture);
}

static void open_questions_end_with_the_authority(Fixture *fixture,
                                                  G_GNUC_UNUSED gconstpointer data) {
  Authority *authority = authority_new(fixture->asking, LONG_MS);
  g_assert_true(ask(fixture, authority, 1));
  g_assert_true(ask(fixture, authority, 2));
  authority_free(authority);
  g_assert_cmpuint(fixture->n_refused, ==, 2);
}

static void questions_are_bounded(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(Authority) authority = authority_new(fixture->asking, LONG_MS);
  for (guint i = 0; i < LIMIT_QUESTIONS; i++)
    g_assert_true(ask(fixture, authority, i / LIMIT_QUESTIONS_PER_USER));
  g_assert_false(ask(fixture, authority, LIMIT_QUESTIONS));
  authority_forget(authority, NAME);
  g_assert_cmpuint(fixture->n_refused, ==, LIMIT_QUESTIONS);
  for (guint i = 0; i < LIMIT_QUESTIONS_PER_USER; i++)
    g_assert_true(ask(fixture, authority, 1));
  g_assert_false(ask(fixture, authority, 1));
  g_assert_true(ask(fixture, authority, 2));
}

static void without_a_bus_nobody_is_asked(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(Authority) authority = authority_new(fixture->asking, LONG_MS);
  g_assert_true(ask(fixture, authority, 1));
  fake_bus_stop(fixture->bus);
  while (dbus_connection_get_is_connected(fixture->asking))
    g_main_context_iteration(NULL, TRUE);
  g_assert_false(ask(fixture, authority, 1));
  g_clear_pointer(&authority, authority_free);
  g_assert_cmpuint(fixture->n_refused, ==, 1);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
#define ADD(function)                                                                              \
  g_test_add("/authority/" #function, Fixture, NULL, set_up, function, tear_down)
  ADD(silence_is_a_refusal);
  ADD(what_is_forgotten_is_cancelled);
  ADD(open_questions_end_with_the_authority);
  ADD(questions_are_bounded);
  ADD(without_a_bus_nobody_is_asked);
#undef ADD
  return g_test_run();
}
