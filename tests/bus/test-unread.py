# SPDX-License-Identifier: MIT
"""Replies that their receiver does not read hold up nobody: the bus keeps them as regd's, and would
stop reading from regd. And what waits meanwhile is bounded in bytes too."""

import os

import dbus

from harness.bus import ALICE, BOB, needs_root, wait_for, wait_until
from harness.case import check, equal, main, rows, test
from harness.raw_bus import NAME, NO_REPLY, RawConnection, strings
from harness.registry import PARAMETERS, REG_BINARY, REG_DWORD, REG_SZ, Refused, Registry, variant

KEY = "HKCU\\Large"
VALUE_BYTES = 60_000  # a small reply
TURN = 40  # calls that are sent at once; the bus lets so many wait for replies
BUS_MEGABYTES = 60
DESCRIPTORS = 16  # as many as the bus lets a message have
DESCRIPTOR_CALLS = 250
PROPERTIES, INTROSPECTABLE, PEER = (f"org.freedesktop.DBus.{name}" for name in ("Properties", "Introspectable", "Peer"))


def get_megabytes(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def prepare(registry):
    registry.connect(ALICE).set(KEY, "v", REG_SZ, "x" * VALUE_BYTES)
    bob = registry.connect(BOB)
    bob.set("HKCU", "v", REG_SZ, "x")
    return bob


@rows([
    ("values", 40, "GetValue", "ss", strings(KEY, "v"), NAME),
    ("errors", 15, "Get", "ss", strings("i" * 100_000, "p" * 100_000), PROPERTIES),
    ("introspection", 120, "Introspect", "", b"", INTROSPECTABLE),
])
def replies_that_are_not_read_hold_up_nobody(turns, member, types, body, interface):
    needs_root()
    with Registry() as registry:
        bob = prepare(registry)
        raws = [RawConnection(registry.bus, ALICE) for _ in range(3)]
        for _ in range(turns):
            for raw in raws:
                for _ in range(TURN):
                    raw.call(member, types, body, interface)
            equal(bob.get("HKCU", "v"), (REG_SZ, "s", "x"))
        check(get_megabytes(registry.bus.daemon) < BUS_MEGABYTES, f"the bus has {get_megabytes(registry.bus.daemon):.0f} MB")


def close_window(raw, bob):
    """Has regd send it more than may be unread."""
    for _ in range(8):
        for _ in range(TURN):
            raw.call("Introspect", "", b"", INTROSPECTABLE)
        equal(bob.get("HKCU", "v"), (REG_SZ, "s", "x"))


def wait_unread(raw, bob, descriptor):
    """Calls that are held back."""
    close_window(raw, bob)
    for _ in range(DESCRIPTOR_CALLS):
        raw.call("GetValue", "ss", strings(KEY, "v"), flags=NO_REPLY, descriptors=[descriptor] * DESCRIPTORS)


def wait_for_turns(raw, _bob, descriptor):
    """Files that wait for the two before them."""
    for _ in range(DESCRIPTOR_CALLS):
        raw.call("Import", "ha{sv}", bytes(8), flags=NO_REPLY, descriptors=[descriptor] * DESCRIPTORS)


@rows([("of one that reads nothing", wait_unread), ("of one whose files wait", wait_for_turns)])
def file_descriptors_that_wait_hold_up_nobody(wait):
    needs_root()
    with Registry() as registry:
        bob = prepare(registry)
        reading, writing = os.pipe()
        raws = [RawConnection(registry.bus, ALICE) for _ in range(3)]
        for raw in raws:
            wait(raw, bob, reading)
            equal(bob.get("HKCU", "v"), (REG_SZ, "s", "x"))
        os.close(reading)
        os.close(writing)


def ask_bus(registry, interface, member, *arguments):
    return registry.client.connection.call_blocking("org.freedesktop.DBus", "/org/freedesktop/DBus", interface, member,
                                                    "s" * len(arguments), arguments)


@test
def pings_are_held_back_too():
    needs_root()
    with Registry() as registry:
        bob = prepare(registry)
        before = set(ask_bus(registry, "org.freedesktop.DBus", "ListNames"))
        raw = RawConnection(registry.bus, ALICE)
        name, = set(ask_bus(registry, "org.freedesktop.DBus", "ListNames")) - before

        def get_state():
            return ask_bus(registry, "org.freedesktop.DBus.Debug.Stats", "GetConnectionStats", name)

        def send(member, interface):
            """How many messages wait for it, once the bus and regd have had these calls."""
            for _ in range(TURN // 4):
                raw.call(member, "", b"", interface)
            for rule in (f"member='{member}{raw.serial}{half}'" for half in "ab"):  # regd asks the bus in between
                rules = get_state()["MatchRules"]
                raw.send("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "AddMatch", "s", strings(rule), flags=NO_REPLY)
                wait_until(lambda rules=rules: get_state()["MatchRules"] > rules, "the bus to have read all")
                equal(bob.get("HKCU", "v"), (REG_SZ, "s", "x"))
            return get_state()["OutgoingMessages"]

        answers, before = 0, -1
        while answers < TURN or answers > before:
            answers, before = send("Introspect", INTROSPECTABLE), answers
        equal(send("Ping", PEER), answers)


def read_all(raw, turns):
    """Sends all calls, reads afterwards."""
    for _ in range(turns * TURN):
        raw.call("GetValue", "ss", strings(KEY, "v"))
    return raw.read_replies(turns * TURN)


def read_one_by_one(raw, turns):
    """As a program that waits for each reply, and answers no Ping."""
    answered = []
    for _ in range(turns * TURN):
        raw.call("GetValue", "ss", strings(KEY, "v"))
        answered += raw.read_replies(1)
    return answered


@rows([("all at once", read_all, 3, None), ("one by one", read_one_by_one, 4, None),
       ("one by one, of a bus that does not tell", read_one_by_one, 4,
        '<deny send_interface="org.freedesktop.DBus.Debug.Stats"/>')])
def who_reads_late_gets_all(read, turns, rule):
    needs_root()
    with Registry() as registry:
        if rule:
            registry.bus.set_rule(rule)
        prepare(registry)
        raw = RawConnection(registry.bus, ALICE)
        first = raw.serial + 1
        equal(sorted(read(raw, turns)), list(range(first, first + turns * TURN)))


@test
def bytes_of_calls_that_wait_are_limited_for_each_user():
    needs_root()
    with Registry() as registry:
        registry.client.set(PARAMETERS, "Call Bytes Per User", REG_DWORD, 1_000_000)
        alice = registry.connect(ALICE)
        alice.set("HKCU", "v", REG_BINARY, bytes(1_040_000))
        outcomes = [alice.send("SetValue", "ssuv", "HKCU", f"v{number}", dbus.UInt32(REG_BINARY), variant(bytes(200_000)))
                    for number in range(60)]
        wait_for(lambda: all(outcomes), "the answers")
        refused = [outcome[0] for outcome in outcomes if isinstance(outcome[0], Refused)]
        check(0 < len(refused) < 60, f"{len(refused)} of 60 calls were refused")
        check(all(refusal.name == "LimitExceeded" and "Call Bytes Per User" in refusal.text for refusal in refused),
              f"and said why: {refused[0]}")
        alice.set("HKCU", "v", REG_SZ, "and then there is room again")


main()
