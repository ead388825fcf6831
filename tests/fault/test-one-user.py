# SPDX-License-Identifier: MIT
"""What one user does within the limits holds up nobody: another's read stays under 100 ms and
another's write under 1 s on an idle machine, and SIGTERM ends regd within 5 s.

The table ROWS has a method with its worst input a row. To add one, write two functions and a row:

    prepare(registry, alice)    makes what the attack needs, within the limits
    attack(registry, alice)     sends the calls, and returns the lists of Client.send()

The answers are waited for, whether or not the calls are refused; `expected`, if it is there, is
a function that judges them. What another user waits is measured by the work that is done meanwhile
(tests/harness/beside.py), so it is the same on a busy machine; the bounds grow with how much slower
than an optimised one the build is, which is measured before and after. Each row is tried up to
three times: chance makes one try slow, a fault makes every one slow."""

import os
import signal
import sqlite3
import struct
import time

import dbus

import reading_attacks
from harness.beside import beside, find_threads, worked
from harness.bus import ALICE, BOB, needs_root, wait_for, wait_until
from harness.case import Failure, Skip, check, main, rows
from harness.figures import is_long
from harness.process import is_sanitised
from harness.raw_bus import RawConnection, append_array, pad, strings
from harness.registry import (REG_BINARY, REG_DWORD, REG_MULTI_SZ, REG_SZ, Refused, Registry, operation_list, options, variant)

READ, WRITE, STOP = 0.1, 1.0, 5.0  # seconds
TRIES = 3
# What take_measure() gives with an optimised build.
MEASURE = 0.030
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


def prepare_branches(_registry, alice):
    """Branches of several sizes: the changes of one of them take just less than is allowed."""
    for size in SIZES:
        grow(alice, f"{KEY}\\size{size}", size)


SIZES = (2000, 4000, 8000, 16000)


def attack_by_renaming(_registry, alice):
    calls = []
    for old, new in (("size", "named"), ("named", "size")) * 2:
        calls += [alice.send("RenameKey", "ss", f"{KEY}\\{old}{size}", f"{new}{size}") for size in SIZES]
    return calls


def attack_by_deleting(_registry, alice):
    """Deletes each branch and brings it back."""
    calls = []
    for size in SIZES:
        answered([commit(alice, [("delete-tree", f"{KEY}\\deleted{size}")])])
        calls.append(alice.send("CopyKey", "ss", f"{KEY}\\size{size}", f"{KEY}\\deleted{size}"))
        calls.append(commit(alice, [("delete-tree", f"{KEY}\\deleted{size}")]))
    calls += [alice.send("Rollback", "sta{sv}", KEY, dbus.UInt64(alice.revision), options())]
    return calls


def attack_by_rolling_back(registry, alice):
    calls = []
    # History of others is not this user's to read through.
    before = alice.revision
    registry.client.commit([("set-value", f"HKLM\\SOFTWARE\\Others\\{index}", "v", REG_DWORD, before)
                            for index in range(9000)])
    before = alice.revision
    for size in SIZES:
        calls.append(commit(alice, [("delete-tree", f"{KEY}\\size{size}")]))
    deleted = [outcome for outcome in answered(calls) if not isinstance(outcome, Refused)]
    calls += [alice.send("Undo", "ta{sv}", dbus.UInt64(revision), options(dry_run=dry))
              for revision in deleted for dry in (True, revision == deleted[-1])]
    for size in SIZES:
        calls += [alice.send("Rollback", "sta{sv}", f"{KEY}\\size{size}", dbus.UInt64(before), options(dry_run=dry))
                  for dry in (True, False)]
    return calls


def count_trials(registry):
    connection = sqlite3.connect(f"file:{registry.database}?mode=ro", uri=True)
    try:
        return connection.execute("SELECT count(*) FROM trials WHERE deadline >= 0").fetchone()[0]
    finally:
        connection.close()


def attack_by_trials(registry, alice):
    """Changes on trial that all end at once."""
    calls = [commit(alice, [("set-value", f"{KEY}\\tried\\{trial % 2}", f"v{index}", REG_DWORD, trial)
                            for index in range(size)], confirm_within=1)
             for size in (1500, 20000) for trial in range(16)]
    answered(calls)
    wait_until(lambda: not count_trials(registry), "the end of the trials")
    return calls


def values(number, **places):
    """A file of one key with so many values."""
    return f"REGEDIT4\n[{places.get('key', KEY)}\\imported]\n" + "".join(
        f'"v{index}"=dword:{index:08x}\n' for index in range(number))


def attack_by_importing(_registry, alice):
    calls = []
    for sizes in ((1000000, 40000), (20000, 30000)):
        calls += [import_file(alice, values(size)) for size in sizes]
        answered(calls)
    return calls


def prepare_large_value(_registry, alice):
    alice.set(KEY, "large", REG_BINARY, bytes(MEGABYTE))


def attack_by_importing_what_is_there(_registry, alice):
    """A small file that has a large value read again and again."""
    text = f"REGEDIT4\n[{KEY}]\n" + '"large"="x"\n' * 300000
    return [import_file(alice, text, only_missing=True), import_file(alice, text, only_missing=True)]


def deep(name, width=8, depth=500):
    return KEY + ("\\" + name * width) * depth


def prepare_deep(_registry, alice):
    """A key at the end of a long path, and links to links to it."""
    alice.create(deep("a", 250))
    alice.create(f"{KEY}\\link0", link=deep("a", 250))
    for index in range(1, 30):
        alice.create(f"{KEY}\\link{index}", link=f"{KEY}\\link{index - 1}")


def attack_by_depth(_registry, alice):
    calls = [commit(alice, [("set-value", f"{deep('b')}\\{index}", "v", REG_DWORD, index) for index in range(4000)])]
    calls.append(commit(alice, [("set-value", f"{KEY}\\link29\\{index}", "v", REG_DWORD, index)
                                for index in range(4000)]))
    calls.append(commit(alice, [operation for index in range(4000) for operation in
                                (("create-key", f"{KEY}\\link29\\k{index}"),
                                 ("set-value", f"{KEY}\\link29\\k{index}\\k", "v", REG_DWORD, index))]))
    return calls


def attack_by_expecting(_registry, alice):
    """Expectations that have to look at much."""
    before = alice.revision
    calls = [commit(alice, [("expect-revision", f"{KEY}\\size{size}", "", 0, ("t", revision))
                            for size in SIZES for _ in range(50)]) for revision in (1, before) for _ in range(10)]
    calls += [commit(alice, [("expect-absent", f"{KEY}\\large", f"missing{index}", 0, "") for index in range(50000)])]
    return calls


def attack_by_large_calls(registry, alice):
    """Messages as large as the bus takes, of as many parts as go in: read one after the other."""
    raw = RawConnection(registry.bus, ALICE)
    option = strings("option0") + b"\x01u\0\0" + bytes(4)
    value = pad(strings(KEY, "v"), 4) + struct.pack("<I", REG_MULTI_SZ) + b"\x02as\0"
    for member, types, body in (
            ("SetAcl", "sa(ss)", append_array(strings(KEY), strings("user:1", "read"), 800_000)),
            ("GetKeyInfo", "sa{sv}", append_array(strings(KEY), option, 500_000)),
            ("SetValue", "ssuv", append_array(value, strings("x"), 2_500_000, 4)),
            ("GetValue", "ss", strings(KEY + "\\n" * 15_000_000, "v")),
            ("GetValue", "ss", strings(KEY, "n" * 30_000_000))):
        raw.call(member, types, body)
        raw.read_replies(1)
    raw.socket.close()
    return [alice.send("GetValue", "ss", KEY, "v")]


def attack_by_large_values(_registry, alice):
    """As many as the bus takes in of one connection before regd has read them."""
    return [alice.send("SetValue", "ssuv", f"{KEY}\\{index % 40}", "v", dbus.UInt32(REG_BINARY),
                       variant(bytes([index & 0xFF]) * MEGABYTE)) for index in range(120)]


def attack_by_small_changes(_registry, alice):
    return [commit(alice, [("set-value", KEY, f"v{index}", REG_DWORD, call) for index in range(60)])
            for call in range(250)]


def attack_by_operations(_registry, alice):
    """One message of as many operations as a change may have, and one of more."""
    operations = [("set-value", "HKCU\\A", f"v{index}", REG_DWORD, index) for index in range(90000)]
    large = operation_list(operations * 3)
    return [alice.send("Commit", "a(sssuv)a{sv}", large, options()), commit(alice, operations)]


def attack_by_small_changes_with_watches(_registry, alice):
    watch_often(alice, KEY)
    return [commit(alice, [("set-value", KEY, f"v{index}", REG_DWORD, call) for index in range(3)])
            for call in range(250)]


def watch_often(client, key):
    """As many watches as a user may have, of the first key that is asked for."""
    try:
        for _ in range(2000):
            client.watch(key)
    except Refused:
        pass


def attack_by_watching(_registry, alice):
    """Many watches that each hear of every change."""
    watch_often(alice, f"{KEY}\\watched")
    return [commit(alice, [("set-value", f"{KEY}\\watched", f"v{index}", REG_DWORD, call)
                           for index in range(4000)]) for call in range(10)]


def attack_by_lists(_registry, alice):
    """Access lists of many entries."""
    return [alice.send("SetAcl", "sa(ss)", f"{KEY}\\size4000\\{call % 16}",
                       dbus.Array([(f"user:{call}{entry:03}", "read") for entry in range(256)], signature="(ss)"))
            for call in range(250)]


# ---- the table ----

# name, prepare, attack, expected
ROWS = [
    ("copies that double a branch", prepare_double, attack_by_doubling, refused_with("LimitExceeded")),
    ("renames of large branches", prepare_branches, attack_by_renaming, None),
    ("copies and deletions of large branches", prepare_branches, attack_by_deleting, None),
    ("rollbacks and undoings of large branches", prepare_branches, attack_by_rolling_back, None),
    ("trials that end at once", prepare_nothing, attack_by_trials, None),
    ("imports of many values", prepare_nothing, attack_by_importing, None),
    ("an import that reads a large value again and again", prepare_large_value, attack_by_importing_what_is_there,
     None),
    ("paths of many components, through many links", prepare_deep, attack_by_depth, None),
    ("expectations of large branches", prepare_branches, attack_by_expecting, None),
    ("calls of the largest messages", prepare_nothing, attack_by_large_calls, None),
    ("values of 1 MiB, as many as may wait", prepare_nothing, attack_by_large_values, None),
    ("small changes, as many as may wait", prepare_nothing, attack_by_small_changes, None),
    ("changes that all watches hear of", prepare_nothing, attack_by_watching, None),
    ("messages of many operations", prepare_nothing, attack_by_operations, None),
    ("small changes that all watches hear of", prepare_nothing, attack_by_small_changes_with_watches, None),
    ("access lists of many entries", prepare_branches, attack_by_lists, None),
    *reading_attacks.list_rows(grow),
]


# ---- trying a row ----

def take_measure(registry):
    """How long regd works for a commit of 5,000 values: tells of the machine and the build, not of
    what is tried."""
    operations = operation_list([("set-value", "HKLM\\SOFTWARE\\Measure", f"v{index}", REG_DWORD, index)
                                 for index in range(5000)])
    client = registry.connect()
    before = worked(find_threads(registry.process.pid))
    client.raw("Commit", "a(sssuv)a{sv}", operations, options(dry_run=True))
    return worked(find_threads(registry.process.pid)) - before


def judge(title, took, bound):
    worst = max(took)
    print(f"#   {title}: {worst * 1000:.0f} ms at worst of {len(took)}, bound {bound * 1000:.0f} ms", flush=True)
    return [] if worst <= bound else [f"{title} took {worst:.2f} s, {bound:.2f} s at most is right"]


def attack_beside(registry, alice, attack, expected):
    """The problems that another user had meanwhile."""
    with beside(registry, BOB) as bob:
        bob.begin()
        before = take_measure(registry)
        outcomes = answered(attack(registry, alice))
        after = take_measure(registry)
        reads, writes = bob.end()
    if expected:
        expected(outcomes)
    slower = max(1, min(before, after) / MEASURE)
    print(f"#   work takes {slower:.1f} times as long here", flush=True)
    return judge("a read", reads, READ * slower) + judge("a write", writes, WRITE * slower)


def stop_at_the_height(registry, alice, attack):
    """Ends regd while the attack is under way."""
    slower = max(1, take_measure(registry) / MEASURE)
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
    if is_sanitised() and not is_long():
        raise Skip("takes many times as long; --long has it")
    problems = try_row(prepare, attack, expected)
    if problems:
        raise Failure("; ".join(problems))


main()
