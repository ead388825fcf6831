# SPDX-License-Identifier: MIT
"""Replies that their receiver does not read hold up nobody: the bus keeps them as regd's, and would
stop reading from regd. And what waits meanwhile is bounded in bytes too."""

import dbus

from harness.bus import ALICE, BOB, needs_root, wait_for
from harness.case import check, equal, main, rows, test
from harness.raw_bus import NAME, RawConnection, strings
from harness.registry import PARAMETERS, REG_BINARY, REG_DWORD, REG_SZ, Refused, Registry, variant

KEY = "HKCU\\Large"
VALUE_BYTES = 60_000  # a small reply
TURN = 40  # calls that are sent at once; the bus lets so many wait for replies
BUS_MEGABYTES = 60
PROPERTIES, INTROSPECTABLE = "org.freedesktop.DBus.Properties", "org.freedesktop.DBus.Introspectable"


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
