# SPDX-License-Identifier: MIT
"""What one user does within the limits holds up nobody: another's read stays under 100 ms and
another's write under 1 s on an idle machine, and SIGTERM ends regd within 5 s.

The table ROWS has a method with its worst input a row. To add one, write two functions and a row:

    prepare(registry, alice)    makes what the attack needs, within the limits
    attack(registry, alice)     sends the calls, and returns the lists of Client.send()

The answers are waited for, whether or not the calls are refused; `expected`, if it is there, is
a function that judges them. Each row is tried up to three times by itself: a machine that is busy
with something else makes a try slow, and a fault makes every one slow. The bounds grow with how
much slower than an idle machine with an optimised build this one is, which is measured before and
after each try."""

import os
import signal
import time

import dbus

from harness.beside import beside
from harness.bus import ALICE, BOB, needs_root, run_pending, wait_for
from harness.case import Failure, check, main, rows
from harness.process import PATIENCE
from harness.registry import (REG_BINARY, REG_DWORD, REG_SZ, Refused, Registry, operation_list, options, variant)

READ, WRITE, STOP = 0.1, 1.0, 5.0  # seconds
TRIES = 3
# What take_measure() takes on an idle machine with an optimised build.
MEASURE = 0.035
KEY = "HKCU\\Attack"
MEGABYTE = 1 << 20


# ---- tools for rows ----

def import_file(client, text, **given):
    """Sends an Import of this text."""
    descriptor = os.memfd_create("import")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(text.encode() if isinstance(text, str) else text)
        os.lseek(descriptor, 0, os.SEEK_SET)
        return client.send("Import", "ha{sv}", dbus.types.UnixFd(descriptor), options(**given))
    finally:
        os.close(descriptor)


def commit(client, operations, **given):
    """Sends a Commit."""
    return client.send("Commit", "a(sssuv)a{sv}", operation_list(operations), options(**given))


def answered(outcomes):
    wait_for(lambda: all(outcomes), "the answers")
    return [outcome[0] for outcome in outcomes]


def grow(client, key, number, width=250):
    """Makes `number` keys of one value below the key, `width` of them below each."""
    for first in range(0, number, 5000):
        text = "REGEDIT4\n" + "".join(
            f"[{key}\\{index // width}\\{index}]\n\"v\"=dword:{index:08x}\n"
            for index in range(first, min(first + 5000, number)))
        check(not isinstance(answered([import_file(client, text)])[0], Refused), "it can't be prepared")


def refused_with(*names):
    def judge(outcomes):
        for outcome in outcomes:
            check(isinstance(outcome, Refused) and outcome.name in names, f"was not refused: {outcome!r:.300}")
    return judge


# ---- one user's writes ----

def prepare_nothing(_registry, _alice):
    pass


def double(times):
    """A branch that is copied into itself again and again: 2 kB of message, 2^times keys."""
    return [("copy-key", f"{KEY}\\{'ab'[index % 2]}", "", 0, f"{KEY}\\{'ba'[index % 2]}\\{index}")
            for index in range(times)]


def prepare_double(_registry, alice):
    alice.create(f"{KEY}\\a")
    alice.set(f"{KEY}\\b\\x", "v", REG_SZ, "text")


def attack_by_doubling(_registry, alice):
    return [commit(alice, double(times)) for times in (36, 120)]


# ---- the table ----

# name, prepare, attack, expected
ROWS = [
    ("copies that double a branch", prepare_double, attack_by_doubling, refused_with("LimitExceeded")),
]


# ---- trying a row ----

def take_measure(client):
    """How long a commit of 5,000 values takes: of the machine and the build, not of what is tried."""
    operations = operation_list([("set-value", "HKLM\\SOFTWARE\\Measure", f"v{index}", REG_DWORD, index)
                                 for index in range(5000)])
    begun = time.monotonic()
    client.raw("Commit", "a(sssuv)a{sv}", operations, options(dry_run=True))
    return time.monotonic() - begun


def judge(title, took, bound):
    worst = max(took)
    print(f"#   {title}: {worst * 1000:.0f} ms at worst of {len(took)}, bound {bound * 1000:.0f} ms", flush=True)
    return [] if worst <= bound else [f"{title} took {worst:.2f} s, {bound:.2f} s at most is right"]


def attack_beside(registry, alice, attack, expected):
    """The problems that another user had meanwhile."""
    with beside(registry, BOB) as bob:
        bob.begin()
        before = take_measure(registry.client)
        outcomes = answered(attack(registry, alice))
        after = take_measure(registry.client)
        reads, writes = bob.end()
    if expected:
        expected(outcomes)
    slower = max(1, max(before, after) / MEASURE)
    return judge("a read", reads, READ * slower) + judge("a write", writes, WRITE * slower)


def stop_at_the_height(registry, alice, attack):
    """Ends regd while the attack is under way."""
    slower = max(1, take_measure(registry.connect()) / MEASURE)
    attack(registry, alice)
    alice.connection.flush()
    for _ in range(20):  # it is at it by now
        registry.client.keys("HKLM")
    begun = time.monotonic()
    registry.process.signal(signal.SIGTERM)
    registry.process.wait()
    took = time.monotonic() - begun
    registry.process.check_reports()
    registry.start()
    return judge("the end", [took], STOP * slower)


def until_none(ask):
    """The problems of the last of some tries: none if one of them had none."""
    for _ in range(TRIES):
        problems = ask()
        if not problems:
            break
    return problems


def try_row(prepare, attack, expected):
    with Registry() as registry:
        alice = registry.connect(ALICE)
        prepare(registry, alice)
        return (until_none(lambda: attack_beside(registry, alice, attack, expected)) +
                until_none(lambda: stop_at_the_height(registry, registry.connect(ALICE), attack)))


@rows(ROWS)
def holds_up_nobody(prepare, attack, expected):
    needs_root()
    problems = try_row(prepare, attack, expected)
    if problems:
        raise Failure("; ".join(problems))


main()
