/* SPDX-License-Identifier: MIT */
/* See fleet-call.h. */
#include "client/regctl/session/fleet-call.h"

#include <unistd.h>

#include "client/base/error.h"
#include "client/base/protocol.h"

/* Between two attempts. */
#define PAUSE_MS 500

gint64 fleet_patience_get_left(FleetPatience *patience) {
  gint64 now = g_get_monotonic_time();
  if (patience->until == 0)
    patience->until = now + (gint64)patience->seconds * G_USEC_PER_SEC;
  return MAX(patience->until - now, 0);
}

/* The descriptor that the call carries; -1: none. The file position belongs to all who hold it, so
 * that regd has moved it when it refuses. */
static int dup_descriptor(DBusMessage *call) {
  DBusMessageIter iter;
  int descriptor = -1;
  if (dbus_message_iter_init(call, &iter) &&
      dbus_message_iter_get_arg_type(&iter) == DBUS_TYPE_UNIX_FD)
    dbus_message_iter_get_basic(&iter, &descriptor);
  return descriptor;
}

static DBusMessage *send_once(RegistryConnection *connection, DBusMessage *call, GError **error) {
  g_autoptr(WireMessage) copy = dbus_message_copy(call);
  if (copy == NULL)
    g_error("no memory");
  return connection_call_looping(connection, copy, error);
}

static gboolean is_away(const GError *error) {
  return g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_FLEET_UNAVAILABLE);
}

static DBusMessage *repeat(RegistryConnection *connection, DBusMessage *call,
                           FleetPatience *patience, GError **error) {
  int descriptor = dup_descriptor(call);
  off_t start = descriptor >= 0 ? lseek(descriptor, 0, SEEK_CUR) : 0;
  g_autoptr(GError) problem = NULL;
  gint64 left = fleet_patience_get_left(patience);
  DBusMessage *answer = send_once(connection, call, &problem);
  for (; answer == NULL && is_away(problem) && left > 0; patience->refusals++) {
    (void)g_poll(NULL, 0, (int)MIN(left / 1000 + 1, PAUSE_MS));
    if (descriptor >= 0)
      (void)lseek(descriptor, start, SEEK_SET);
    g_clear_error(&problem);
    left = fleet_patience_get_left(patience);
    answer = send_once(connection, call, &problem);
  }
  if (descriptor >= 0)
    close(descriptor);
  if (answer == NULL && is_away(problem))
    error_set(error, REGISTRY_ERROR_FLEET_UNAVAILABLE, "%s; given up after %u attempts (--timeout)",
              problem->message, patience->refusals + 1);
  else if (answer == NULL)
    g_propagate_error(error, g_steal_pointer(&problem));
  return answer;
}

DBusMessage *fleet_call(RegistryConnection *connection, DBusMessage *call, FleetPatience *patience,
                        GError **error) {
  return patience->repeats && dbus_message_has_interface(call, REGISTRY_INTERFACE)
             ? repeat(connection, call, patience, error)
             : connection_call_looping(connection, call, error);
}
