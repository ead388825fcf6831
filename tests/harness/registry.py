# SPDX-License-Identifier: MIT
"""A registry of a test's own: a private bus, a fresh database, regd, and
clients of it as any user.

    with Registry() as registry:
        registry.client.set(r"HKLM\\SOFTWARE\\Acme", "Port", REG_DWORD, 25)
        equal(registry.client.get(r"HKLM\\SOFTWARE\\Acme", "Port"), (REG_DWORD, "u", 25))
        registry.connect(uid=ALICE).refused("AccessDenied", "DeleteKey", "sa{sv}", KEY, {})
"""

import os
import shutil
import subprocess
from pathlib import Path

import dbus
import dbus.lowlevel

from harness.bus import Bus, run_pending, wait_for
from harness.case import Failure, contains, equal
from harness.process import PATIENCE, SOURCE, Process, program
from harness.reach import reachable

NAME = "org.regd.Registry1"
PATH = "/org/regd/Registry1"
ERROR = NAME + ".Error."
FREEDESKTOP = "org.freedesktop.DBus.Error."
IN_FREEDESKTOP = {"AccessDenied", "InvalidArgs", "NotSupported", "UnknownMethod"}

REG_NONE, REG_SZ, REG_EXPAND_SZ, REG_BINARY, REG_DWORD, REG_DWORD_BIG_ENDIAN, REG_LINK, REG_MULTI_SZ = range(8)
REG_QWORD = 11
NO_TYPE = 0xFFFFFFFF

SOFTWARE = "HKEY_LOCAL_MACHINE\\SOFTWARE"
PARAMETERS = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\regd\\Parameters"


def variant(data, kind=None):
    """Python data as the D-Bus variant that the type takes: text `s`, bytes
    `ay`, a list of text `as`, a number `u`, or `t` for REG_QWORD."""
    if isinstance(data, tuple):  # (signature, data): exactly this
        return exact_variant(*data)
    if isinstance(data, str):
        return dbus.String(data, variant_level=1)
    if isinstance(data, (bytes, bytearray)):
        return dbus.ByteArray(data, variant_level=1)
    if isinstance(data, list):
        return dbus.Array(data, signature="s", variant_level=1)
    if isinstance(data, bool):
        return dbus.Boolean(data, variant_level=1)
    return (dbus.UInt64 if kind == REG_QWORD else dbus.UInt32)(data, variant_level=1)


NUMBERS = {"y": dbus.Byte, "n": dbus.Int16, "q": dbus.UInt16, "i": dbus.Int32, "u": dbus.UInt32,
           "x": dbus.Int64, "t": dbus.UInt64, "d": dbus.Double, "b": dbus.Boolean}


def exact_variant(signature, data):
    """Data as a variant of just that signature."""
    if signature in NUMBERS:
        return NUMBERS[signature](data, variant_level=1)
    if signature == "s":
        return dbus.String(data, variant_level=1)
    if signature == "ay":
        return dbus.ByteArray(data, variant_level=1)
    if signature.startswith("a{"):
        return dbus.Dictionary(data, signature=signature[2:-1], variant_level=1)
    if signature.startswith("a"):
        return dbus.Array(data, signature=signature[1:], variant_level=1)
    return dbus.Struct(data, signature=signature[1:-1], variant_level=1)


OPTION_KINDS = {"depth": "u", "limit": "u", "confirm-within": "u", "since": "t", "at": "t", "before": "t"}


def options(**given):
    """Options by keyword, `_` for `-`, as the a{sv} that a call takes."""
    table = dbus.Dictionary(signature="sv")
    for keyword, value in given.items():
        name = keyword.replace("_", "-")
        if name in OPTION_KINDS and not isinstance(value, tuple):
            value = (OPTION_KINDS[name], value)
        table[name] = variant(value)
    return table


def plain(value):
    """D-Bus types as Python's own: `ay` as bytes, structures as tuples."""
    if isinstance(value, dbus.Boolean):
        return bool(value)
    if isinstance(value, (dbus.ByteArray, bytes)):
        return bytes(value)
    if isinstance(value, dbus.Array):
        return bytes(value) if value.signature == "y" else [plain(item) for item in value]
    if isinstance(value, (dbus.Struct, tuple)):
        return tuple(plain(item) for item in value)
    if isinstance(value, dbus.Dictionary):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, str):
        return str(value)
    return float(value) if isinstance(value, float) else int(value)


SIGNATURES = [(dbus.ByteArray, "ay"), (dbus.String, "s"), (dbus.UInt32, "u"), (dbus.UInt64, "t"),
              (dbus.Boolean, "b"), (dbus.Int32, "i"), (dbus.Int64, "x"), (dbus.Dictionary, "a{sv}")]


def signature_of(value):
    """The signature that a variant's content has."""
    if isinstance(value, dbus.Array):
        return f"a{value.signature}"
    return next(signature for kind, signature in SIGNATURES if isinstance(value, kind))


class Refused(Exception):
    """A call that was answered with an error: its name without the prefix, and its text."""

    def __init__(self, error):
        self.full_name, self.text = error.get_dbus_name(), error.get_dbus_message() or ""
        self.name = self.full_name.removeprefix(ERROR).removeprefix(FREEDESKTOP)
        super().__init__(f"{self.full_name}: {self.text}")


class Client:
    """One user's connection. The signals that come are kept in `signals`, as
    (id, sequence, revision, changes), in the order in which they came."""

    def __init__(self, connection):
        self.connection = connection
        self.signals = []
        self.connection.add_message_filter(self._keep)

    def _keep(self, _connection, message):
        if isinstance(message, dbus.lowlevel.SignalMessage) and message.get_member() == "Changed":
            self.signals.append(tuple(plain(part) for part in message.get_args_list(byte_arrays=True)))
        return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED

    def raw(self, member, signature="", *arguments, interface=NAME, path=PATH):
        """Calls a method; the answer in D-Bus types (a tuple where it has several parts)."""
        try:
            return self.connection.call_blocking(NAME, path, interface, member, signature, arguments,
                                                 timeout=PATIENCE, byte_arrays=True)
        except dbus.DBusException as error:
            raise Refused(error) from None

    def call(self, member, signature="", *arguments, **where):
        """Calls a method; the answer in Python's types."""
        return plain_answer(self.raw(member, signature, *arguments, **where))

    def refused(self, name, member, signature, *arguments, naming=()):
        """Checks that the call is refused with this error, whose text holds each of `naming`."""
        try:
            answer = self.raw(member, signature, *arguments)
        except Refused as refusal:
            expected = (FREEDESKTOP if name in IN_FREEDESKTOP else ERROR) + name
            equal(refusal.full_name, expected, f"{member}{arguments!r} ({refusal.text})")
            for part in [naming] if isinstance(naming, str) else naming:
                contains(refusal.text, part)
            return refusal
        raise Failure(f"{member}{arguments!r} was not refused with {name}: {answer!r}")

    def get_property(self, name):
        return plain(self.connection.call_blocking(NAME, PATH, dbus.PROPERTIES_IFACE, "Get", "ss",
                                                   (NAME, name), timeout=PATIENCE))

    @property
    def revision(self):
        return self.get_property("Revision")

    def set(self, key, name, kind, data):
        return self.call("SetValue", "ssuv", key, name, dbus.UInt32(kind), variant(data, kind))

    def get(self, key, name):
        """(type, signature of the data, data)."""
        kind, data = self.raw("GetValue", "ss", key, name)
        return int(kind), signature_of(data), plain(data)

    def unset(self, key, name):
        return self.call("DeleteValue", "ss", key, name)

    def keys(self, key):
        return self.call("ListKeys", "s", key)

    def values(self, key):
        """[(name, type, data)] in the order of the answer."""
        return self.call("ListValues", "s", key)

    def create(self, key, **given):
        """(revision, whether it was created)."""
        return self.call("CreateKey", "sa{sv}", key, options(**given))

    def delete(self, key, **given):
        return self.call("DeleteKey", "sa{sv}", key, options(**given))

    def info(self, key, **given):
        return self.call("GetKeyInfo", "sa{sv}", key, options(**given))

    def tree(self, key, **given):
        """One page: (revision, [(path, [(name, type, data)])], cursor)."""
        return self.call("ReadTree", "sa{sv}", key, options(**given))

    def commit(self, operations, **given):
        return self.call("Commit", "a(sssuv)a{sv}", operation_list(operations), options(**given))

    def watch(self, key, **given):
        """(id, revision, path)."""
        return self.call("Watch", "sa{sv}", key, options(**given))

    def acl(self, key):
        """(origin, [(principal, level)])."""
        return self.call("GetAcl", "s", key)

    def set_acl(self, key, *entries):
        return self.call("SetAcl", "sa(ss)", key, dbus.Array(entries, signature="(ss)"))

    def send(self, member, signature="", *arguments):
        """Calls without waiting: a list that the answer (or a Refused) is put into."""
        outcome = []
        self.connection.call_async(NAME, PATH, NAME, member, signature, arguments,
                                   lambda *answer: outcome.append(plain_answer(answer)),
                                   lambda error: outcome.append(Refused(error)), byte_arrays=True)
        return outcome

    def ask(self, member, signature="", *arguments):
        """The same with the flag that lets regd ask polkit."""
        outcome = []
        message = dbus.lowlevel.MethodCallMessage(NAME, PATH, NAME, member)
        message.append(*arguments, signature=signature)
        message.set_allow_interactive_authorization(True)

        def on_reply(reply):
            parts = reply.get_args_list(byte_arrays=True)
            if isinstance(reply, dbus.lowlevel.ErrorMessage):
                outcome.append(Refused(dbus.DBusException(*parts, name=reply.get_error_name())))
            else:
                outcome.append(plain_answer(tuple(parts)))

        self.connection.send_message_with_reply(message, on_reply, PATIENCE)
        return outcome

    def received(self):
        """The signals that have come so far. What regd sent before it answered
        this client's last call is among them."""
        run_pending()
        return self.signals

    def wait_for_signals(self, number):
        wait_for(lambda: len(self.signals) >= number, f"{number} signals (there are {self.signals})")
        return self.signals


def plain_answer(answer):
    """One answer alone where there is one, None for none."""
    if isinstance(answer, tuple) and not isinstance(answer, dbus.Struct):
        return plain(answer) if len(answer) != 1 else plain(answer[0])
    return None if answer is None else plain(answer)


def operation_list(operations):
    """Commit's array from tuples (op, key[, name[, type[, data]]])."""
    full = []
    for operation in operations:
        op, key, name, kind, data = (*operation, *("", 0, "")[len(operation) - 2:])
        full.append((op, key, name, dbus.UInt32(kind), variant(data, kind)))
    return dbus.Array(full, signature="(sssuv)")


class Registry:
    """The bus, the database and regd. Its directory lives as long as the `with`."""

    def __init__(self, schemas=(), arguments=(), uid=None, environment=None):
        self.bus = Bus()
        self.directory = self.bus.directory
        self.database = self.directory / "state" / "registry.db"
        self.schemas = [Path(schema) for schema in schemas] or [reachable(SOURCE / "data" / "schemas")]
        self.arguments, self.uid, self.environment = list(arguments), uid, environment
        self.process = None
        self._client = None

    def __enter__(self):
        self.bus.start()
        self.database.parent.mkdir(mode=0o700)
        if self.uid is not None:
            shutil.chown(self.database.parent, self.uid, self.uid)
            shutil.chown(self.directory, self.uid)
        try:
            self.start()
        except BaseException:
            self.bus.__exit__()
            raise
        return self

    def __exit__(self, kind, _error, _trace):
        try:
            if self.process and kind is None:
                self.process.stop()
            elif self.process:
                self.process.kill()
                print_diagnostics(self.process.output())
                self.process.check_reports()
        finally:
            self.bus.__exit__()

    def start(self):
        """Starts regd and waits until it serves."""
        self.process = Process(self.directory, "regd", self.command(), self.environment, self.uid)
        self.bus.wait_for_name(NAME, self.process)

    def command(self):
        directories = [f"--schema-dir={directory}" for directory in self.schemas]
        return [program("regd/regd"), f"--bus={self.bus.address}", f"--database={self.database}",
                *directories, *self.arguments]

    def stop(self):
        """A clean end of regd; the bus goes on."""
        self.process.stop()

    def restart(self):
        self.stop()
        self.start()

    def kill(self):
        """The end of regd without any warning."""
        self.process.kill()

    @property
    def client(self):
        """The administrator's own connection (that of the user who runs the tests)."""
        if self._client is None:
            self._client = self.connect()
        return self._client

    def connect(self, uid=None, groups=None):
        return Client(self.bus.connect(uid, groups))

    def run(self, *command, uid=None, **options_of_run):
        """Runs a program to its end on this bus: regctl, busctl and so on."""
        environment = os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": self.bus.address,
                                    "DBUS_SESSION_BUS_ADDRESS": self.bus.address, "LC_ALL": "C.UTF-8"}
        return subprocess.run(command, env=environment, capture_output=True, timeout=PATIENCE,
                              user=uid, group=uid, extra_groups=[] if uid is not None else None,
                              check=False, **options_of_run)


def print_diagnostics(text):
    for line in text.splitlines():
        print(f"# regd: {line}", flush=True)
