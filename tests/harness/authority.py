# SPDX-License-Identifier: MIT
"""What has polkit's name on a private bus. It keeps each question until the test answers it:

    authority = Authority(registry.bus)
    outcome = alice.ask("DeleteKey", "sa{sv}", KEY, options())
    authority.answer(authority.wait(), True)
"""

import dbus
import dbus.lowlevel

from harness.bus import wait_for

POLKIT = "org.freedesktop.PolicyKit1"
INTERFACE = POLKIT + ".Authority"


class Question:
    """A CheckAuthorization: its message, and what it asks."""

    def __init__(self, message):
        self.message = message
        (kind, details), self.action, self.details, self.flags, self.id = message.get_args_list()
        self.subject = (str(kind), {str(key): str(value) for key, value in details.items()})


class Authority:
    def __init__(self, bus, uid=None, name=POLKIT):
        self.questions = []  # those that have come and were not taken by wait()
        self.cancelled = []  # the ids that CancelCheckAuthorization named
        self.connection = bus.connect(uid)
        self.connection.add_message_filter(self._on_message)
        self.connection.request_name(name)

    def _on_message(self, _connection, message):
        if message.get_type() != dbus.lowlevel.MESSAGE_TYPE_METHOD_CALL or message.get_interface() != INTERFACE:
            return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
        if message.get_member() == "CheckAuthorization":
            self.questions.append(Question(message))
        else:
            self.cancelled.append(str(message.get_args_list()[0]))
        return dbus.lowlevel.HANDLER_RESULT_HANDLED

    def wait(self):
        """The next question."""
        wait_for(lambda: self.questions, "a question to polkit")
        return self.questions.pop(0)

    def count(self):
        """How many questions have come. One that regd sent before it answered a call is among them."""
        self.connection.call_blocking("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId", "", ())
        wait_for(lambda: True)
        return len(self.questions)

    def send(self, message):
        self.connection.send_message(message)
        self.connection.flush()

    def answer(self, question, is_authorised, is_challenge=False):
        self.answer_with(question, "(bba{ss})", (is_authorised, is_challenge, dbus.Dictionary(signature="ss")))

    def answer_with(self, question, signature, *content):
        """Answers with any content, as one that is no polkit may."""
        reply = dbus.lowlevel.MethodReturnMessage(question.message)
        if signature:
            reply.append(*content, signature=signature)
        self.send(reply)

    def fail(self, question, error=POLKIT + ".Error.NotAuthorized"):
        self.send(dbus.lowlevel.ErrorMessage(question.message, error, "refused"))
