# SPDX-License-Identifier: MIT
"""History of many changes at once, which is kept in runs: telling, going back,
forgetting and pruning within and across them, and runs that are damaged."""

import os
import sqlite3

import dbus

from harness.bus import needs_root, wait_for
from harness.case import check, contains, each, equal, main, rows, test
from harness.database import edit
from harness.registry import PARAMETERS, REG_BINARY, REG_DWORD, REG_SZ, SOFTWARE, Registry, operation_list, options

KEY = SOFTWARE + "\\Acme"
OTHER = SOFTWARE + "\\Other"
MANY = 3000  # which take some runs


def history(client, key, **given):
    return client.call("GetHistory", "sa{sv}", key, options(**given))


def roll_back(client, key, revision, **given):
    return client.call("Rollback", "sta{sv}", key, dbus.UInt64(revision), options(**given))


def ask(database, sql):
    """Reads, or does something to, a database behind regd's back."""
    connection = sqlite3.connect(database)
    try:
        found = connection.execute(sql).fetchall()
        connection.commit()
        return found
    finally:
        connection.close()


def write_many(client, text, **given):
    return client.commit([("set-value", KEY, f"v{number}", REG_SZ, f"{text} {number}") for number in range(MANY)],
                         **given)


def values(client, key=KEY):
    return [(name, data) for name, _, data in client.values(key)]


def many(text):
    return [(f"v{number}", f"{text} {number}") for number in range(MANY)]


@test
def a_commit_of_many_changes_is_told_in_order():
    with Registry() as registry:
        client = registry.client
        watch, _, _ = client.watch(KEY)
        before = client.revision
        write_many(client, "old")
        changes = history(client, KEY)[0]["changes"]
        equal([change["kind"] for change in changes[:2]], ["key-created", "value-set"])
        equal([change["name"] for change in changes[1:]], [f"v{number}" for number in range(MANY)])
        equal([change["new-data"] for change in changes[1:]], [data for _, data in many("old")])
        again, _, _ = client.watch(KEY, since=before)
        heard = {signal[0]: signal[3] for signal in client.wait_for_signals(2)}
        equal(heard[watch], heard[again])
        check(len(ask(registry.database, "SELECT 1 FROM history WHERE revision > 1")) > 2, "they are not in some runs")


@test
def many_changes_are_gone_back_from():
    with Registry() as registry:
        client = registry.client
        made = client.set(OTHER, "n", REG_SZ, "x")
        then = write_many(client, "old")
        client.commit([("delete-value", KEY, "v7"), ("set-value", KEY, "V8", REG_DWORD, 8),
                       ("set-value", KEY + "\\Sub", "n", REG_SZ, "x"), ("set-value", KEY, "v7", REG_SZ, "last now"),
                       ("set-value", OTHER, "n", REG_SZ, "y"), ("set-value", KEY, "v9", REG_SZ, "again")])
        write_many(client, "new")
        at_then = [(name, data) for _, page, _ in [client.tree(KEY, at=then)] for _, found in page
                   for name, _, data in found]
        equal(at_then, many("old"))
        roll_back(client, KEY, then)
        equal(values(client), many("old"))
        equal(client.keys(KEY), [])
        roll_back(client, KEY, made)
        client.refused("KeyNotFound", "ListKeys", "s", KEY)
        equal(values(client, OTHER), [("n", "y")])


@test
def data_of_any_size_is_gone_back_from():
    with Registry() as registry:
        client = registry.client
        sizes = [0, 1, 4095, 32767, 32768, 40000, 1 << 20, 2]
        then = client.commit([("set-value", KEY, f"v{size}", REG_BINARY, b"\xaa" * size) for size in sizes])
        client.commit([("set-value", KEY, f"v{size}", REG_BINARY, b"\xbb" * (size or 1)) for size in sizes])
        roll_back(client, KEY, then)
        equal(client.values(KEY), [(f"v{size}", 3, b"\xaa" * size) for size in sizes])


@test
def of_a_large_trial_what_was_changed_since_stays():
    with Registry() as registry:
        client = registry.client
        write_many(client, "old")
        write_many(client, "tried", confirm_within=1)
        client.commit([("set-value", KEY, f"V{number}", REG_SZ, f"since {number}") for number in range(0, MANY, 3)])
        client.set(KEY, "v1", REG_SZ, "since 1")
        client.unset(KEY, "v2")
        wait_for(lambda: history(client, KEY, limit=1)[0]["comment"] == "not confirmed", "the trial's end")
        expected = [(f"v{number}", f"since {number}" if number % 3 == 0 or number == 1 else f"old {number}")
                    for number in range(MANY) if number != 2]
        equal(values(client), expected)


# ---- forgetting ----

@test
def one_of_many_is_forgotten():
    with Registry() as registry:
        client = registry.client
        write_many(client, "old")
        write_many(client, "new")
        client.call("PurgeHistory", "ssa{sv}", KEY, "V1234", options())
        newest, first = [{change["name"]: change for change in entry["changes"]} for entry in history(client, KEY)]
        for entry, name in [(newest, "v1234"), (first, "v1234")]:
            check("old-data" not in entry[name] and "new-data" not in entry[name], entry[name])
        equal((newest["v1235"]["old-data"], newest["v1235"]["new-data"]), ("old 1235", "new 1235"))
        registry.stop()
        left = b"".join(path.read_bytes() for path in registry.database.parent.iterdir())
        equal([text for text in ("old 1234", "old 1235") if text.encode("utf-16-le") in left], ["old 1235"])
        registry.start()
        equal(registry.connect().get(KEY, "v1234")[2], "new 1234")


@test
def before_what_is_forgotten_there_was_nothing():
    with Registry() as registry:
        client = registry.client
        before = client.set(KEY, "Other", REG_SZ, "x")
        then = client.set(KEY, "Password", REG_SZ, "by mistake")
        client.set(KEY, "Password", REG_SZ, "again")
        client.call("PurgeHistory", "ssa{sv}", KEY, "Password", options())
        client.refused("HistoryGone", "Rollback", "sta{sv}", KEY, dbus.UInt64(then), options(), naming="Password")
        roll_back(client, KEY, before)
        equal(values(client), [("Other", "x")])
        client.commit([("set-value", KEY, "Password", REG_SZ, "on trial")], confirm_within=2)
        client.call("PurgeHistory", "ssa{sv}", KEY, "Password", options())
        wait_for(lambda: history(client, KEY, limit=1)[0]["comment"] == "not confirmed", "the trial's end")
        equal(values(client), [("Other", "x")])


# ---- pruning ----

def sound(registry):
    done = registry.run(*registry.command(), "--check")
    equal(done.returncode, 0, done.stderr)


THEIRS = [("set-value", "HKU\\77777\\Acme", "first", REG_SZ, "for its user"),
          ("set-value", "HKU\\77777\\Acme", "second", REG_SZ, "too")]
OURS = [("set-value", KEY, f"v{number}", REG_SZ, f"old {number}") for number in range(MANY)]


@rows([("first", OURS + THEIRS), ("last", THEIRS + OURS), ("between", THEIRS[:1] + OURS + THEIRS[1:])])
def a_large_revision_is_pruned_for_those_who_have_newer_ones(operations):
    with Registry() as registry:
        client = registry.client
        client.set(PARAMETERS, "History Revisions", REG_DWORD, 3)
        large = client.commit(operations, comment="large")
        for number in range(200):
            client.set(OTHER, "n", REG_DWORD, number)
        newest = client.revision
        registry.stop()
        left = ask(registry.database, f"SELECT sum(length(run)) FROM history WHERE revision = {large}")
        check(0 < left[0][0] < 500, left)
        sound(registry)
        registry.start()
        client = registry.connect()
        equal(client.revision, newest)
        entry = history(client, "HKU\\77777")[0]
        equal((entry["revision"], entry["uid"], entry["comment"]), (large, os.getuid(), "large"))
        equal([change["name"] for change in entry["changes"] if change["name"]], ["first", "second"])
        equal(values(client), many("old"))


def revisions(client, key):
    return [entry["revision"] for entry in history(client, key, limit=1000)]


@test
def changes_that_share_a_flush_are_counted_one_by_one():
    with Registry() as registry:
        client = registry.client
        client.set(PARAMETERS, "History Revisions", REG_DWORD, 7)
        ours, theirs = revisions(client, "HKLM"), []
        for size in (1, 2, 3, 5, 7, 8, 40, 40, 60):
            sent = {KEY: [], "HKU\\77777": [], OTHER: []}
            for number in range(size):
                for key in sent if number % 3 == 0 else [KEY]:
                    sent[key].append(client.send("SetValue", "ssuv", key, "n", dbus.UInt32(REG_SZ),
                                                 dbus.String(f"{size} {number}", variant_level=1)))
            wait_for(lambda all_sent=sent: all(all(each) for each in all_sent.values()), "the answers")
            ours = sorted([*ours, *(answer[0] for key in (KEY, OTHER) for answer in sent[key])])
            theirs += [answer[0] for answer in sent["HKU\\77777"]]
            equal(revisions(client, "HKLM"), ours[:-8:-1])
            equal(revisions(client, "HKU\\77777"), theirs[:-8:-1])
            if len(ours) > 7:
                client.watch("HKLM", since=ours[-8])
                client.refused("HistoryGone", "Watch", "sa{sv}", "HKLM", options(since=ours[-8] - 1))
        registry.restart()
        client = registry.connect()
        equal(revisions(client, "HKLM"), ours[:-8:-1])
        equal(revisions(client, "HKU\\77777"), theirs[:-8:-1])
        registry.stop()
        sound(registry)


# ---- damage ----

DAMAGED = [
    ("cut", "UPDATE history SET run = substr(run, 1, length(run) - 1)"),
    ("lengthened", "UPDATE history SET run = run || x'ff'"),
    ("empty", "UPDATE history SET run = x''"),
    ("text", "UPDATE history SET run = 'nonsense'"),
    ("a number", "UPDATE history SET run = 7"),
    ("an access list that is not there", "UPDATE history SET run = x'040100e707'"),
    ("a state that can't be read", "UPDATE history SET run = x'011101000178'"),
    ("no state", "UPDATE history SET run = x'01010100'"),
]


@rows(DAMAGED)
def a_damaged_run_is_reported(sql):
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "a", REG_SZ, "x")
        client.delete(KEY, recursive=True)
        registry.stop()
        ask(registry.database, sql)
        done = registry.run(*registry.command(), "--check")
        equal(done.returncode, 1, done.stderr)
        contains(done.stderr.decode() + done.stdout.decode(), "history")


@rows(DAMAGED[:2] + DAMAGED[3:5])
def a_damaged_run_that_is_met_ends_writing(sql):
    with Registry() as registry:
        revision = registry.client.set(KEY, "a", REG_SZ, "x")
        registry.stop()
        edit(registry.database, sql)
        registry.start()
        client = registry.connect()
        equal(client.get(KEY, "a")[2], "x")
        for member, signature, arguments in [
                ("GetHistory", "sa{sv}", (KEY, options())), ("Watch", "sa{sv}", (KEY, options(since=revision - 1))),
                ("ReadTree", "sa{sv}", (KEY, options(at=revision - 1)))]:
            client.refused("StorageFailure", member, signature, *arguments, naming=["damaged", "--restore"])
        client.refused("ReadOnly", "SetValue", "ssuv", KEY, "a", dbus.UInt32(REG_SZ), dbus.String("y", variant_level=1))
        equal(client.get(KEY, "a")[2], "x")


main()
