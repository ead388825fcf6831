# SPDX-License-Identifier: MIT
"""A cluster without etcd, and agents without a network: what regd hears and says as a member of a
fleet, also what no true agent would say. The cluster is a table of records with revisions."""

import os
import struct
import subprocess
from contextlib import suppress

import dbus
import dbus.lowlevel

from harness.bus import wait_for, wait_until
from harness.case import Failure, contains, equal
from harness.process import PATIENCE, program
from harness.registry import PARAMETERS, REG_DWORD, REG_MULTI_SZ, REG_SZ, Refused, Registry, options, plain, plain_answer

NAME, ENGINE, ENGINE_PATH = "org.regd.Registry1", "org.regd.FleetEngine1", "/org/regd/FleetEngine1"
FLEET, FLEET_PATH = "org.regd.Fleet1", "/org/regd/Fleet1"
SETTINGS = PARAMETERS + "\\Fleet"
PUT, DELETE = 1, 2
MOUNT = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies"


# ---- protobuf, as far as records take it ----

def number(value):
    """A varint."""
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(tag, value):
    if isinstance(value, int):
        return number(tag << 3) + number(value)
    value = value.encode() if isinstance(value, str) else value
    return number(tag << 3 | 2) + number(len(value)) + value


def message(**fields):
    """Fields by number: message(_1=b"...", _3=5)."""
    return b"".join(field(int(tag[1:]), value) for tag, value in fields.items() if value is not None)


def parse(data):
    """{number: newest value} of a message of numbers and bytes."""
    found, at = {}, 0

    def take():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        tag = take()
        value = take()
        if tag & 7 == 2:
            value, at = data[at:at + value], at + value
        found[tag >> 3] = value
    return found


def head(number_, previous=None, id_=None, user="0", host="elsewhere", comment=None):
    return message(_1=id_ or os.urandom(16), _2=previous, _3=number_, _4=host, _5=user, _6="test", _7=comment, _8=1)


def key_record(spelling, **fields):
    return message(_1=spelling, **fields)


def value_record(spelling, kind, data, ordinal=0):
    return message(_1=spelling, _2=kind, _3=data, _5=ordinal)


def text(value):
    """Data of a REG_SZ."""
    return value.encode("utf-16-le") + b"\0\0"


def key_of(path):
    return b"k/" + path.upper().encode()


def value_of(path, name):
    return b"v/" + path.upper().encode() + b"\\\\" + name.upper().encode()


class Cluster:
    """What etcd would hold of one fleet, and who follows it."""

    def __init__(self):
        self.revision, self.info, self.head, self.head_revision = 100, None, None, 0
        self.records = {}  # key: (record, the revision that made it)
        self.log = []  # (revision, head or b"", [(kind, key, record, created)])
        self.agents = []

    def write(self, operations, new_head=b""):
        """One transaction; tells every agent that is connected."""
        self.revision += 1
        events = []
        for kind, key, record in operations:
            created = self.records.get(key, (None, self.revision))[1]
            events.append((kind, key, record if kind == PUT else b"", created))
            if kind == PUT:
                self.records[key] = (record, created)
            else:
                self.records.pop(key, None)
        if new_head:
            self.head, self.head_revision = new_head, self.revision
        self.log.append((self.revision, new_head, events))
        for agent in list(self.agents):
            agent.bring(self.log[-1])
        return self.revision

    def commit(self, operations, **fields):
        """The same as a commit of another host."""
        before = parse(self.head)
        return self.write(operations, head(before[3] + 1, before[1], **fields))


def id_of(encoded):
    return parse(encoded).get(1) if encoded else None


class Agent:
    """The stand-in for regd-fleet on one registry's bus. `answer` can be set to a function
    (ticket, guard, head, operations) that takes the place of the cluster's answer."""

    def __init__(self, registry, cluster, attach=True):
        self.cluster, self.answer, self.task_answer, self.looks = cluster, None, None, 0
        self.connection = registry.bus.connect()
        self.connection.add_message_filter(self._on_message)
        self.proposals, self.tasks, self.configs, self.applied = [], [], [], []
        self.connected = False
        if attach:
            self.attach()

    def call(self, member, signature, *arguments):
        return plain_answer(self.connection.call_blocking(NAME, ENGINE_PATH, ENGINE, member, signature, arguments,
                                                          timeout=PATIENCE, byte_arrays=True))

    def send(self, member, signature, *arguments, then=lambda: None):
        outcome = []

        def note(answer):
            outcome.append(answer)
            then()

        self.connection.call_async(NAME, ENGINE_PATH, ENGINE, member, signature, arguments,
                                   lambda *answer: note(plain_answer(answer)),
                                   lambda error: note(Refused(error)), byte_arrays=True)
        return outcome

    def attach(self):
        self.take(self.call("Attach", "a{sv}", options(version="1")))

    # ---- what regd says ----

    def _on_message(self, _connection, incoming):
        if not isinstance(incoming, dbus.lowlevel.SignalMessage) or incoming.get_interface() != ENGINE:
            return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
        arguments = [plain(part) for part in incoming.get_args_list(byte_arrays=True)]
        {"Configure": self.take, "Propose": self.propose, "Task": self.task,
         "ListHosts": self.list_hosts}[incoming.get_member()](*arguments)
        return dbus.lowlevel.HANDLER_RESULT_HANDLED

    def take(self, config):
        """New settings, or another state: connects as they say."""
        self.configs.append(config)
        layer = config["layers"][0]
        if not config["enabled"] or not layer["joined"]:
            self.disconnect("unjoined")
        elif not self.connected:
            self.connect()

    def propose(self, ticket, _layer, guard, new_head, operations):
        self.proposals.append((guard, new_head, operations))
        if self.answer:
            self.answer(ticket, guard, new_head, operations)
        elif guard != id_of(self.cluster.head):
            self.outcome(ticket, "behind")
        else:
            self.outcome(ticket, "done", self.cluster.write([(kind, key, record) for kind, key, record in operations],
                                                            new_head))

    def outcome(self, ticket, what, revision=0, text_="", **results):
        table = options(**results)
        return self.send("Outcome", "ustsa{sv}", dbus.UInt32(ticket), what, dbus.UInt64(revision), text_, table)

    def task(self, ticket, word, arguments):
        self.tasks.append((word, arguments))
        if self.task_answer:
            self.task_answer(ticket, word, arguments)
        elif word == "init" and self.cluster.info:
            self.outcome(ticket, "conflict", text_="there is such a fleet already")
        elif word == "init":
            self.cluster.info = arguments["fleet"]
            revision = self.cluster.write(arguments["operations"], arguments["head"])
            self.outcome(ticket, "done", revision)
        elif word == "join" and not self.cluster.info:
            self.outcome(ticket, "not-found", text_="there is no such fleet")
        elif word == "join":
            self.outcome(ticket, "done", self.cluster.revision, fleet=("ay", self.cluster.info))
        else:
            self.resync(**{name.replace("-", "_"): given for name, given in arguments.items()})
            self.outcome(ticket, "done", text_="compared")

    def list_hosts(self, ticket):
        self.looks += 1
        self.send("Hosts", "ussa(ayayb)", dbus.UInt32(ticket), "done", "", dbus.Array([], signature="(ayayb)"))

    # ---- what it says ----

    def state(self, state, reason=""):
        self.send("State", "a{sv}", options(state=state, reason=reason))

    def disconnect(self, state="disconnected", reason="the test says so"):
        self.connected = False
        if self in self.cluster.agents:
            self.cluster.agents.remove(self)
        self.state(state, reason)

    def connect(self):
        """Catches up as a follower does: with what came since, or with everything."""
        self.connected = True
        applied = self.configs[-1]["layers"][0]["applied"]
        if applied == 0:
            revision = self.cluster.revision
            self.resync(then=lambda: self.follow(revision))
        else:
            self.follow(applied)

    def follow(self, applied):
        for entry in [entry for entry in self.cluster.log if entry[0] > applied]:
            self.bring(entry)
        self.cluster.agents.append(self)
        self.state("live")

    def bring(self, entry):
        revision, new_head, events = entry
        self.applied.append(self.apply(revision, new_head, events))

    def apply(self, revision, new_head, events):
        array = dbus.Array([(dbus.UInt32(kind), dbus.ByteArray(key), dbus.ByteArray(record), dbus.UInt64(created))
                            for kind, key, record, created in events], signature="(uayayt)")
        return self.send("Apply", "staya(uayayt)", "all", dbus.UInt64(revision), dbus.ByteArray(new_head), array)

    def resync(self, dry_run=False, force=False, stream=None, new_head=None, revision=None, then=lambda: None):
        """Hands over all records, or the bytes `stream`."""
        reading, writing = os.pipe()
        outcome = self.send("Resync", "stayhbb", "all", dbus.UInt64(revision or self.cluster.revision),
                            dbus.ByteArray(self.cluster.head if new_head is None else new_head),
                            dbus.types.UnixFd(reading), dry_run, force, then=then)
        self.connection.flush()
        os.close(reading)
        with suppress(BrokenPipeError), os.fdopen(writing, "wb") as pipe:
            pipe.write(self.stream() if stream is None else stream)
        return outcome

    def stream(self):
        out = b""
        for key, (record, created) in self.cluster.records.items():
            out += struct.pack("<IIQ", len(key), len(record), created) + key + record
        return out + struct.pack("<IIQ", 0xFFFFFFFF, 0, len(self.cluster.records))

    def leave(self):
        if self in self.cluster.agents:
            self.cluster.agents.remove(self)
        self.connection.close()


class Host(Registry):
    """A registry with the settings of a fleet and, unless told otherwise, an agent."""

    def __init__(self, cluster, name, attach=True, **given):
        super().__init__(**given)
        self.cluster, self.name, self.wants_agent, self.agent = cluster, name, attach, None

    def __enter__(self):
        super().__enter__()
        client = self.client
        client.set(SETTINGS, "Fleet", REG_SZ, "prod")
        client.set(SETTINGS, "Endpoints", REG_MULTI_SZ, ["https://127.0.0.1:2379"])
        client.set(SETTINGS, "Host Name", REG_SZ, self.name)
        client.set(SETTINGS, "Enabled", REG_DWORD, 1)
        if self.wants_agent:
            self.agent = Agent(self, self.cluster)
        return self

    def fleet(self, member, **given):
        """A call of org.regd.Fleet1; waits with the loop, on which the agent lives."""
        outcome = []
        signature = "" if member in ("GetStatus", "ListProblems") else "a{sv}"
        arguments = (options(**given),) if signature else ()
        self.client.connection.call_async(NAME, FLEET_PATH, FLEET, member, signature, arguments,
                                          lambda *answer: outcome.append(plain_answer(answer)),
                                          lambda error: outcome.append(Refused(error)), byte_arrays=True)
        wait_for(lambda: outcome, f"the answer to {member}")
        if isinstance(outcome[0], Refused):
            raise outcome[0]
        return outcome[0]

    def write(self, member, signature, *arguments, client=None):
        """A call of the registry's that the agent has a part in."""
        outcome = (client or self.client).send(member, signature, *arguments)
        wait_for(lambda: outcome, f"the answer to {member}")
        if isinstance(outcome[0], Refused):
            raise outcome[0]
        return outcome[0]

    def put(self, key, name, value, **how):
        return self.write("SetValue", "ssuv", key, name, dbus.UInt32(REG_SZ), dbus.String(value, variant_level=1), **how)

    def regctl(self, *words):
        """(exit code, standard output, standard error) of regctl, while the agent goes on."""
        environment = os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": self.bus.address}
        with subprocess.Popen([program("client/regctl/regctl"), *words], env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as process:
            wait_until(lambda: process.poll() is not None, f"the end of regctl {' '.join(words)}")
            return process.returncode, process.stdout.read(), process.stderr.read()

    def refused(self, name, member, signature, *arguments, naming=(), **how):
        """Checks that the write is refused with this error, whose text holds each of `naming`."""
        try:
            answer = self.write(member, signature, *arguments, **how)
        except Refused as refusal:
            equal(refusal.name, name, refusal.text)
            for part in [naming] if isinstance(naming, str) else naming:
                contains(refusal.text, part)
            return refusal
        raise Failure(f"{member}{arguments!r} was not refused with {name}: {answer!r}")

    def put_refused(self, name, key, value_name, value="x", **how):
        return self.refused(name, "SetValue", "ssuv", key, value_name, dbus.UInt32(REG_SZ),
                            dbus.String(value, variant_level=1), **how)

    def fleet_refused(self, name, member, naming=(), **given):
        try:
            answer = self.fleet(member, **given)
        except Refused as refusal:
            equal(refusal.name, name, refusal.text)
            for part in [naming] if isinstance(naming, str) else naming:
                contains(refusal.text, part)
            return refusal
        raise Failure(f"{member} was not refused with {name}: {answer!r}")

    def has(self, key, name, value):
        """Waits until it is there."""
        def look():
            try:
                return self.client.get(key, name)[2] == value
            except Refused:
                return False
        wait_for(look, f"{self.name}: {key} {name} = {value}")
