# SPDX-License-Identifier: MIT
"""What has regd's name on a bus without one, and is busy: it keeps each Watch until the
test answers it. Everybody can see that it lives, since libdbus answers Ping."""

import dbus
import dbus.lowlevel

from harness.registry import NAME, PATH


class StandIn:
    def __init__(self, bus):
        self.watches = []  # calls that are not answered
        self.connection = bus.connect()
        self.connection.add_message_filter(self._on_message)
        self.connection.request_name(NAME)

    def _on_message(self, _connection, message):
        if message.get_type() == dbus.lowlevel.MESSAGE_TYPE_METHOD_CALL and message.get_member() == "Watch":
            self.watches.append(message)
            return dbus.lowlevel.HANDLER_RESULT_HANDLED
        return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED

    def begin_watch(self, revision):
        """Answers the first one, and signals a change right behind."""
        call = self.watches.pop(0)
        key = call.get_args_list()[0]
        reply = dbus.lowlevel.MethodReturnMessage(call)
        reply.append(1, revision, key, signature="uts")
        signal = dbus.lowlevel.SignalMessage(PATH, NAME, "Changed")
        signal.set_destination(call.get_sender())
        signal.append(1, 1, revision + 1, [("value-set", key, "v")], signature="utta(sss)")
        self.connection.send_message(reply)
        self.connection.send_message(signal)
        self.connection.flush()

    def refuse_watch(self, error):
        """Answers the first one with this error, a name of D-Bus."""
        self.connection.send_message(dbus.lowlevel.ErrorMessage(self.watches.pop(0), error, "refused"))
        self.connection.flush()
