/* SPDX-License-Identifier: MIT */
/* libdbus on a main context: two ends of one connection, without a bus. */
#include <dbus/dbus.h>
#include <glib.h>
#include <glib/gstdio.h>

#include "client/bus/loop.h"

#define INTERFACE "org.regd.Test"
#define MANY 300 /* more than are handled in one turn */
#define LARGE (8 * 1024 * 1024)

typedef struct {
  char *directory;
  DBusServer *server;
  LoopBinding *listening;
  GMainContext *far_context; /* NULL: the default one */
  DBusConnection *near, *far;
  LoopBinding *near_binding, *far_binding;
  GArray *heard; /* of guint32, by the near end */
  guint depth;   /* of handlers inside each other */
  guint deepest;
  gboolean large_came; /* at the far end */
} Fixture;

static void on_connection(DBusServer *server, DBusConnection *connection, void *data) {
  (void)server;
  Fixture *fixture = data;
  fixture->far = dbus_connection_ref(connection);
  fixture->far_binding = loop_bind(connection, fixture->far_context);
}

static gboolean is_connected(const Fixture *fixture) {
  return fixture->far != NULL && dbus_connection_get_is_authenticated(fixture->near) &&
         dbus_connection_get_is_authenticated(fixture->far);
}

static void set_up(Fixture *fixture, gconstpointer data) {
  gboolean apart = data != NULL;
  g_autoptr(GError) error = NULL;
  fixture->heard = g_array_new(FALSE, FALSE, sizeof(guint32));
  fixture->directory = g_dir_make_tmp("regd-loop-XXXXXX", &error);
  g_assert_no_error(error);
  g_autofree char *where = g_strdup_printf("unix:path=%s/socket", fixture->directory);
  if (apart)
    fixture->far_context = g_main_context_new();
  fixture->server = dbus_server_listen(where, NULL);
  g_assert_nonnull(fixture->server);
  dbus_server_set_new_connection_function(fixture->server, on_connection, fixture, NULL);
  fixture->listening = loop_bind_server(fixture->server, NULL);
  fixture->near = loop_open(where, &error);
  g_assert_no_error(error);
  fixture->near_binding = loop_bind(fixture->near, NULL);
  while (!is_connected(fixture)) {
    g_main_context_iteration(NULL, !apart);
    if (apart)
      g_main_context_iteration(fixture->far_context, FALSE);
  }
}

static void tear_down(Fixture *fixture, gconstpointer data) {
  (void)data;
  loop_binding_free(fixture->near_binding);
  loop_binding_free(fixture->far_binding);
  loop_disconnect(fixture->near);
  loop_disconnect(fixture->far);
  loop_binding_free(fixture->listening);
  dbus_server_disconnect(fixture->server);
  dbus_server_unref(fixture->server);
  if (fixture->far_context != NULL)
    g_main_context_unref(fixture->far_context);
  g_array_unref(fixture->heard);
  g_autofree char *socket = g_build_filename(fixture->directory, "socket", NULL);
  (void)g_remove(socket);
  g_assert_cmpint(g_rmdir(fixture->directory), ==, 0);
  g_free(fixture->directory);
}

static void send_numbers(DBusConnection *connection, guint32 count) {
  for (dbus_uint32_t number = 0; number < count; number++) {
    DBusMessage *signal = dbus_message_new_signal("/", INTERFACE, "Number");
    dbus_message_append_args(signal, DBUS_TYPE_UINT32, &number, DBUS_TYPE_INVALID);
    dbus_connection_send(connection, signal, NULL);
    dbus_message_unref(signal);
  }
}

/* FALSE: it is no number. */
static gboolean hear(Fixture *fixture, DBusMessage *message) {
  dbus_uint32_t number = 0;
  if (!dbus_message_is_signal(message, INTERFACE, "Number"))
    return FALSE;
  dbus_message_get_args(message, NULL, DBUS_TYPE_UINT32, &number, DBUS_TYPE_INVALID);
  g_array_append_val(fixture->heard, number);
  return TRUE;
}

static void assert_all_heard(const Fixture *fixture, guint count) {
  g_assert_cmpuint(fixture->heard->len, ==, count);
  for (guint32 i = 0; i < count; i++)
    g_assert_cmpuint(g_array_index(fixture->heard, guint32, i), ==, i);
}

/* ---- in order ---- */

static DBusHandlerResult on_number(DBusConnection *connection, DBusMessage *message, void *data) {
  (void)connection;
  return hear(data, message) ? DBUS_HANDLER_RESULT_HANDLED : DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

static void test_in_order(Fixture *fixture, gconstpointer data) {
  (void)data;
  dbus_connection_add_filter(fixture->near, on_number, fixture, NULL);
  send_numbers(fixture->far, MANY);
  while (fixture->heard->len < MANY)
    g_main_context_iteration(NULL, TRUE);
  assert_all_heard(fixture, MANY);
}

/* ---- a handler that runs the loop ---- */

static DBusHandlerResult on_number_nesting(DBusConnection *connection, DBusMessage *message,
                                           void *data) {
  (void)connection;
  Fixture *fixture = data;
  if (!hear(fixture, message))
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
  fixture->depth++;
  fixture->deepest = MAX(fixture->deepest, fixture->depth);
  for (guint i = 0; i < 5; i++)
    g_main_context_iteration(NULL, FALSE);
  fixture->depth--;
  return DBUS_HANDLER_RESULT_HANDLED;
}

static void test_nested(Fixture *fixture, gconstpointer data) {
  (void)data;
  dbus_connection_add_filter(fixture->near, on_number_nesting, fixture, NULL);
  send_numbers(fixture->far, MANY);
  while (fixture->heard->len < MANY)
    g_main_context_iteration(NULL, TRUE);
  assert_all_heard(fixture, MANY);
  g_assert_cmpuint(fixture->deepest, ==, 1);
}

/* ---- a handler that frees the binding ---- */

static DBusHandlerResult on_number_freeing(DBusConnection *connection, DBusMessage *message,
                                           void *data) {
  (void)connection;
  Fixture *fixture = data;
  if (!hear(fixture, message))
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
  g_clear_pointer(&fixture->near_binding, loop_binding_free);
  return DBUS_HANDLER_RESULT_HANDLED;
}

static void test_freed_inside(Fixture *fixture, gconstpointer data) {
  (void)data;
  dbus_connection_add_filter(fixture->near, on_number_freeing, fixture, NULL);
  send_numbers(fixture->far, MANY);
  while (fixture->heard->len == 0)
    g_main_context_iteration(NULL, TRUE);
  while (g_main_context_iteration(NULL, FALSE))
    ;
  assert_all_heard(fixture, 1);
}

/* ---- another thread ---- */

static DBusHandlerResult on_large(DBusConnection *connection, DBusMessage *message, void *data) {
  (void)connection;
  Fixture *fixture = data;
  if (!dbus_message_is_signal(message, INTERFACE, "Large"))
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
  fixture->large_came = TRUE;
  return DBUS_HANDLER_RESULT_HANDLED;
}

/* GLib's poll function has no data of its own. */
static gint near_sleeps;

static gint note_and_poll(GPollFD *descriptors, guint count, gint timeout_ms) {
  if (timeout_ms != 0)
    g_atomic_int_set(&near_sleeps, 1);
  return g_poll(descriptors, count, timeout_ms);
}

static gboolean on_done(gpointer loop) {
  g_main_loop_quit(loop);
  return G_SOURCE_REMOVE;
}

typedef struct {
  Fixture *fixture;
  GMainLoop *loop;
} Other;

/* More than the socket takes at once: the rest is the near loop's to write, and it
 * sleeps. */
static gpointer run_other(gpointer data) {
  Other *other = data;
  Fixture *fixture = other->fixture;
  g_autofree guint8 *bytes = g_malloc0(LARGE);
  const guint8 *start = bytes;
  DBusMessage *signal = dbus_message_new_signal("/", INTERFACE, "Large");
  dbus_message_append_args(signal, DBUS_TYPE_ARRAY, DBUS_TYPE_BYTE, &start, LARGE,
                           DBUS_TYPE_INVALID);
  while (g_atomic_int_get(&near_sleeps) == 0)
    g_thread_yield();
  dbus_connection_send(fixture->near, signal, NULL);
  dbus_message_unref(signal);
  while (!fixture->large_came)
    g_main_context_iteration(fixture->far_context, TRUE);
  g_main_context_invoke(NULL, on_done, other->loop);
  return NULL;
}

static void test_other_thread(Fixture *fixture, gconstpointer data) {
  (void)data;
  g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
  Other other = {fixture, loop};
  dbus_connection_add_filter(fixture->far, on_large, fixture, NULL);
  g_main_context_set_poll_func(NULL, note_and_poll);
  GThread *thread = g_thread_new("other", run_other, &other);
  g_main_loop_run(loop);
  g_main_context_set_poll_func(NULL, NULL);
  g_thread_join(thread);
  g_assert_true(fixture->large_came);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  dbus_threads_init_default();
  g_test_add("/loop/in-order", Fixture, NULL, set_up, test_in_order, tear_down);
  g_test_add("/loop/nested", Fixture, NULL, set_up, test_nested, tear_down);
  g_test_add("/loop/freed-inside", Fixture, NULL, set_up, test_freed_inside, tear_down);
  g_test_add("/loop/other-thread", Fixture, "apart", set_up, test_other_thread, tear_down);
  return g_test_run();
}
