# SPDX-License-Identifier: MIT
"""A real polkitd on a private bus, with this project's action and a test's own rules:

    with Polkitd(registry.bus, 'polkit.addRule(function() { return polkit.Result.NO; });'):
        ...
"""

import os
from pathlib import Path

import dbus
import dbus.lowlevel

from harness.authority import INTERFACE, POLKIT
from harness.bus import needs_root, wait_for
from harness.case import Skip
from harness.process import SOURCE, Process
from harness.reach import reachable

PROGRAMS = ["/usr/lib/polkit-1/polkitd", "/usr/libexec/polkitd", "/usr/libexec/polkit-1/polkitd"]
POLICY = SOURCE / "data" / "org.regd.registry.policy"
PATH = "/org/freedesktop/PolicyKit1/Authority"
AGENT = "org.freedesktop.PolicyKit1.AuthenticationAgent"
AGENT_PATH = "/org/regd/test/Agent"
# It reads these folders only, so they are others in its own mount namespace.
START = """set -e
mount --bind "$1" /usr/share/polkit-1/actions
mount --bind "$2" /etc/polkit-1/rules.d
mount --bind "$2" /usr/share/polkit-1/rules.d
exec "$3" --no-debug"""


def find_program():
    for path in PROGRAMS:
        if Path(path).exists():
            return path
    raise Skip("polkitd is not installed (package polkitd)")


class Polkitd:
    """`owner`: the user whom the action lets ask about others, in place of regd."""

    def __init__(self, bus, rules, owner="root"):
        needs_root()
        self.bus, self.program = bus, find_program()
        actions, self.rules = bus.directory / "actions", bus.directory / "rules"
        for folder in (actions, self.rules):
            folder.mkdir()
            folder.chmod(0o755)
        policy = reachable(POLICY).read_text().replace("unix-user:regd", f"unix-user:{owner}")
        (actions / POLICY.name).write_text(policy)
        (self.rules / "50-test.rules").write_text(rules)
        self.actions = actions
        self.process = None

    def __enter__(self):
        environment = {"DBUS_SYSTEM_BUS_ADDRESS": self.bus.address}
        self.process = Process(self.bus.directory, "polkitd",
                               ["unshare", "--mount", "sh", "-c", START, "sh", str(self.actions), str(self.rules),
                                self.program], environment)
        try:
            self.bus.wait_for_name(POLKIT, self.process)
        except BaseException:
            self.process.kill()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()


class Agent:
    """What asks the user for a password, for a process: here it keeps each question until the test answers."""

    def __init__(self, bus, pid):
        self.begun = []      # the BeginAuthentication that have come
        self.cancelled = []  # cookies
        # Polkit takes the agent's user from who registers it (122) or from the process (126).
        self.uid = os.stat(f"/proc/{pid}").st_uid
        self.helper = bus.connect()
        self.connection = bus.connect(self.uid)
        self.connection.add_message_filter(self._on_message)
        start = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])
        subject = ("unix-process", dbus.Dictionary({"pid": dbus.UInt32(pid, variant_level=1),
                                                    "start-time": dbus.UInt64(start, variant_level=1)}, signature="sv"))
        self.connection.call_blocking(POLKIT, PATH, INTERFACE, "RegisterAuthenticationAgent", "(sa{sv})ss",
                                      (subject, "C", AGENT_PATH))

    def _on_message(self, _connection, message):
        if message.get_type() != dbus.lowlevel.MESSAGE_TYPE_METHOD_CALL or message.get_interface() != AGENT:
            return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
        if message.get_member() == "BeginAuthentication":
            self.begun.append(message)
        else:
            self.cancelled.append(str(message.get_args_list()[0]))
            self.connection.send_message(dbus.lowlevel.MethodReturnMessage(message))
        return dbus.lowlevel.HANDLER_RESULT_HANDLED

    def wait(self):
        """The next question."""
        wait_for(lambda: self.begun, "a question for a password")
        return self.begun.pop(0)

    def authenticate(self, question):
        """As if root's password had been entered: what polkit's helper says of it."""
        cookie = question.get_args_list()[4]
        root = ("unix-user", dbus.Dictionary({"uid": dbus.UInt32(0, variant_level=1)}, signature="sv"))
        self.helper.call_blocking(POLKIT, PATH, INTERFACE, "AuthenticationAgentResponse2", "us(sa{sv})",
                                  (dbus.UInt32(self.uid), cookie, root))
        self.end(question)

    def end(self, question):
        self.connection.send_message(dbus.lowlevel.MethodReturnMessage(question))
        self.connection.flush()
