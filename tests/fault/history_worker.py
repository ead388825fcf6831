# SPDX-License-Identifier: MIT
"""One client of a history: random calls at a registry, each told on standard output as a
line of JSON (an Operation of histories.py) when it was answered, or when it never will be.
Ends after so many calls, or when regd goes.

    history_worker.py ADDRESS ROUND NUMBER CALLS SINCE [WATCH-SINCE]

ROUND and NUMBER make its values unique: 1 to 60,000 and 1 to 255. SINCE: a revision that history
still has. WATCH-SINCE: it watches from that revision on.
"""

import json
import random
import sys
import time

import dbus
import dbus.bus

from harness.bus import LOOP, run_pending
from harness.registry import REG_BINARY, REG_QWORD, SOFTWARE, Client, Refused, options

TOP = SOFTWARE + "\\History"
KEYS = ["k0", "k1", "k2", "k3"]
NAMES = ["a", "b", "c", "large"]
REGISTERS = [f"{key}/{name}" for key in KEYS for name in NAMES]
LARGEST = 800  # times that a large value repeats its number
UNANSWERED = {"NoReply", "Timeout", "Disconnected"}
NEVER_SENT = {"ServiceUnknown", "NameHasNoOwner"}


class Gone(Exception):
    """regd is not there any more."""


def split(register):
    key, _, name = register.partition("/")
    return f"{TOP}\\{key}", name


def encode(register, value):
    """(type, data) of a number in this register."""
    if register.endswith("/large"):
        return REG_BINARY, value.to_bytes(8, "little") * (1 + value % LARGEST)
    return REG_QWORD, value


def decode(data):
    """The number, or a text that no writer has written."""
    if not isinstance(data, bytes):
        return data  # a number, or nothing
    number = int.from_bytes(data[:8], "little")
    return number if data == encode("/large", number)[1] else f"damaged: {len(data)} bytes, {data[:16].hex()}"


def name_key(path):
    return path.removeprefix(TOP).removeprefix("\\")


def list_registers(pages, key=""):
    """What a tree's keys make of every register at or below the key, missing ones too."""
    found = {}
    for path, values in pages:
        found[name_key(path) + "/"] = True
        found |= {f"{name_key(path)}/{name}": decode(data) for name, _, data in values}
    every = [*REGISTERS, *(name + "/" for name in KEYS)]
    found.pop("/", None)
    return {each: None for each in every if not key or each.startswith(key + "/")} | found


def read_changes(changes):
    """A signal's changes of values."""
    return {f"{name_key(key)}/{name}": kind == "value-set" for kind, key, name in changes if kind.startswith("value-")}


class Worker:
    """The client and what it has seen."""

    def __init__(self, address, turn, number, since):
        self.client = Client(dbus.bus.BusConnection(address, mainloop=LOOP))
        self.name = f"r{turn}w{number}"
        self.chance = random.Random(f"{turn} {number}")
        self.next_value = (turn << 40) | (number << 32)
        self.since = self.seen = since
        self.known = {}  # register -> what was read or written last
        self.watches = False
        self.live = 0  # the revision that Watch answered
        self.calls = 0

    def watch(self, since):
        _, self.live, _ = self.client.watch(TOP, since=since)
        self.watches = True

    def new_value(self):
        self.next_value += 1
        return self.next_value

    # ---- calling and telling ----

    def do(self, kind, call, answer, **more):
        """Calls, and tells what came of it. answer(result) is what the operation is then."""
        self.calls += 1
        told = {"kind": kind, "client": self.name, **more, "start": time.monotonic_ns()}
        try:
            result = call()
            told |= {"end": time.monotonic_ns(), **answer(result)}
        except Refused as refusal:
            told |= self.judge(refusal, told)
        except dbus.DBusException as error:
            told |= self.judge(Refused(error), told)
        if self.watches and "end" in told:
            told["heard"] = len(self.client.received())
        if told["kind"] != "never":
            print(json.dumps(told), flush=True)
        if told["kind"] == "never" or "end" not in told:
            raise Gone
        self.seen = max(self.seen, told.get("revision") or 0)
        return told

    @staticmethod
    def judge(refusal, told):
        name = refusal.name.rpartition(".")[2]
        if name in NEVER_SENT:
            return {"kind": "never"}
        if name in UNANSWERED:
            return {} if told["kind"] == "write" else {"kind": "never"}
        end = {"end": time.monotonic_ns()}
        if name in ("Conflict", "ValueNotFound", "KeyNotFound") and told["kind"] == "write":
            return end | {"kind": "refused"}
        return end | {"kind": "read", "reads": {"/": f"{refusal.full_name}: {refusal.text}"}}

    # ---- what it does ----

    def set_one(self):
        register, value = self.chance.choice(REGISTERS), self.new_value()
        self.do("write", lambda: self.client.set(*split(register), *encode(register, value)),
                lambda revision: {"revision": revision}, steps=[("set", register, value)])
        self.known[register] = value

    def commit(self, steps, expects=()):
        operations = [self.expect(*each) for each in expects] + [self.make(*each) for each in steps]
        tag = f"{self.name} {self.calls}"
        self.do("write", lambda: self.client.commit(operations, comment=tag),
                lambda revision: {"revision": revision}, steps=steps, expects=list(expects), tag=tag)

    @staticmethod
    def make(what, target, value=None):
        if what == "set":
            return ("set-value", *split(target), *encode(target, value))
        return ("delete-tree", split(target)[0]) if what == "clear" else ("delete-value", *split(target))

    @staticmethod
    def expect(what, target, value):
        if what == "unchanged":
            return ("expect-revision", split(target)[0], "", 0, ("t", value))
        if value is None:
            return ("expect-absent", *split(target))
        return ("expect-value", *split(target), *encode(target, value))

    def set_many(self):
        registers = self.chance.sample(REGISTERS, self.chance.randint(2, 6))
        self.commit([("set", each, self.new_value()) for each in registers])

    def compare_and_set(self):
        """Several at once, as a transfer is."""
        registers = self.chance.sample(REGISTERS, self.chance.randint(1, 2))
        self.commit([("set", each, self.new_value()) for each in registers],
                    [("value", each, self.known.get(each)) for each in registers])

    def set_if_unchanged(self):
        key = self.chance.choice(KEYS)
        self.commit([("set", f"{key}/a", self.new_value())], [("unchanged", key, max(self.seen, self.since))])

    def unset(self):
        register = self.chance.choice(REGISTERS)
        if self.chance.random() < 0.5:
            self.commit([("unset", register)])
        else:
            self.do("write", lambda: self.client.unset(*split(register)), lambda revision: {"revision": revision},
                    steps=[("unset", register)])
        self.known[register] = None

    def clear(self):
        key = self.chance.choice(KEYS)
        self.commit([("clear", key), ("set", f"{key}/b", self.new_value())])

    def roll_back(self):
        """Everything, so that the key is there in any case."""
        then = self.chance.randint(max(self.since, self.seen - 5), max(self.since, self.seen))
        self.do("write", lambda: self.client.call("Rollback", "sta{sv}", TOP, dbus.UInt64(then), options()),
                lambda answer: {"revision": answer[0]} | ({} if answer[1] else {"kind": "unchanged"}),
                steps=[("rollback", "", then)])

    def get(self):
        register = self.chance.choice(REGISTERS)
        told = self.do("read", lambda: self.get_or_none(register), lambda value: {"reads": {register: value}})
        self.known[register] = told["reads"].get(register)

    def get_or_none(self, register):
        try:
            return decode(self.client.get(*split(register))[2])
        except Refused as refusal:
            if refusal.name in ("ValueNotFound", "KeyNotFound"):
                return None
            raise

    def list_values(self):
        key = self.chance.choice(KEYS)
        told = self.do("read", lambda: self.values_or_none(key), lambda pages: {"reads": list_registers(pages, key)})
        self.known |= told["reads"]

    def values_or_none(self, key):
        try:
            return [(f"{TOP}\\{key}", self.client.values(f"{TOP}\\{key}"))]
        except Refused as refusal:
            if refusal.name == "KeyNotFound":
                return []
            raise

    def read_tree(self):
        told = self.do("read", lambda: self.client.tree(TOP),
                       lambda answer: {"revision": answer[0], "reads": list_registers(answer[1])})
        self.known |= told["reads"]

    def read_past(self):
        then = self.chance.randint(max(self.since, self.seen - 50), max(self.since, self.seen))
        self.do("past", lambda: self.client.tree(TOP, at=then),
                lambda answer: {"revision": then, "reads": list_registers(answer[1])})

    def read_revision(self):
        self.do("newest", lambda: self.client.revision, lambda revision: {"revision": revision})


CALLS = {Worker.set_one: 25, Worker.set_many: 14, Worker.compare_and_set: 14, Worker.set_if_unchanged: 6, Worker.unset: 8,
         Worker.clear: 2, Worker.roll_back: 2, Worker.get: 20, Worker.list_values: 8, Worker.read_tree: 8,
         Worker.read_past: 4, Worker.read_revision: 3}


def main():
    address, turn, number, calls, since, *watch_since = sys.argv[1:]
    worker = Worker(address, int(turn), int(number), int(since))
    try:
        if watch_since:
            worker.watch(int(watch_since[0]))
        while worker.calls < int(calls):
            worker.chance.choices(list(CALLS), CALLS.values())[0](worker)
    except (Gone, Refused, dbus.DBusException):
        pass
    run_pending()
    signals = [(sequence, revision, read_changes(changes)) for _, sequence, revision, changes in worker.client.signals]
    print(json.dumps({"signals": signals, "live": worker.live, "client": worker.name}), flush=True)


if __name__ == "__main__":
    main()
