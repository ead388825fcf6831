/* SPDX-License-Identifier: MIT */
/* See pipeline.h. */
#include "tests/bench/pipeline.h"

static void finish(DBusPendingCall *pending) {
  dbus_pending_call_block(pending);
  DBusMessage *reply = dbus_pending_call_steal_reply(pending);
  if (dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_ERROR)
    g_error("%s", dbus_message_get_error_name(reply));
  dbus_message_unref(reply);
  dbus_pending_call_unref(pending);
}

void pipeline_run(DBusConnection *connection, PipelineCall make, guint calls, guint in_flight,
                  guint first) {
  DBusPendingCall *pending[PIPELINE_MAXIMUM] = {NULL};
  for (guint i = 0; i < calls + in_flight; i++) {
    DBusPendingCall **slot = &pending[i % in_flight];
    if (*slot != NULL)
      finish(*slot);
    *slot = NULL;
    if (i >= calls)
      continue;
    DBusMessage *call = make(first + i);
    dbus_connection_send_with_reply(connection, call, slot, DBUS_TIMEOUT_INFINITE);
    dbus_message_unref(call);
  }
}
