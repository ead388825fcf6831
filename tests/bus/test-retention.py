# SPDX-License-Identifier: MIT
"""How much of history is kept: counted for each root and each user, live, and
the same for whoever asks, whichever way. And trials of every kind of write."""

import os
import shutil
import sqlite3
import tempfile

import dbus

from harness.bus import ALICE, BOB, needs_root
from harness.case import check, each, equal, main, test
from harness.registry import (NO_TYPE, PARAMETERS, REG_BINARY, REG_DWORD, REG_SZ, SOFTWARE, Refused, Registry,
                              operation_list, options, variant)

KEY = SOFTWARE + "\\Acme"


def revisions(client, key):
    return [entry["revision"] for entry in client.call("GetHistory", "sa{sv}", key, options())]


def all_revisions(client, key):
    """The same, by as many answers as it takes."""
    found = []
    while entries := client.call("GetHistory", "sa{sv}", key, options(**({"before": found[-1]} if found else {}))):
        found += [entry["revision"] for entry in entries]
    return found


def keep(client, number):
    client.set(PARAMETERS, "History Revisions", REG_DWORD, number)


def export_at(client, revision):
    with tempfile.TemporaryFile() as file:
        return client.call("Export", "sha{sv}", KEY, dbus.types.UnixFd(file.fileno()), options(at=revision))


WAYS = [
    ("ReadTree", lambda client, revision: client.tree(KEY, at=revision)),
    ("Export", export_at),
    ("Watch", lambda client, revision: client.watch(KEY, since=revision)),
    ("Rollback", lambda client, revision: client.call("Rollback", "sta{sv}", KEY, dbus.UInt64(revision),
                                                      options(dry_run=True))),
]


@test
def what_is_past_the_limit_is_gone_whichever_way():
    with Registry() as registry:
        client = registry.client
        for number in range(10):
            client.set(KEY, "n", REG_DWORD, number)
        keep(client, 3)
        newest = client.revision
        equal(revisions(client, "HKLM"), [newest, newest - 1, newest - 2])
        for way, ask in WAYS:
            # The state before the third newest revision can still be told.
            for back in range(4):
                ask(client, newest - back)
            for revision in (newest - 4, 1):
                try:
                    ask(client, revision)
                    raise AssertionError(f"{way} reaches revision {revision} of {newest}")
                except Refused as refusal:
                    equal(refusal.name, "HistoryGone", way)
        client.refused("SchemaViolation", "SetValue", "ssuv", PARAMETERS, "History Revisions", REG_DWORD,
                       dbus.UInt32(0, variant_level=1))


@test
def nobody_pushes_out_what_is_anothers():
    needs_root()
    with Registry() as registry:
        root, alice, bob = registry.client, registry.connect(uid=ALICE), registry.connect(uid=BOB)
        mine = [bob.set("HKCU\\Acme", "n", REG_DWORD, number) for number in range(3)]
        ours = [root.set(KEY, "n", REG_DWORD, number) for number in range(3)]
        keep(root, 5)
        hers = [alice.set("HKCU\\Acme", "n", REG_DWORD, number) for number in range(20)]
        equal(revisions(alice, "HKCU"), hers[:-6:-1])
        equal(revisions(bob, "HKCU"), mine[::-1])
        equal(revisions(root, KEY), ours[::-1])
        equal(bob.tree("HKCU\\Acme", at=mine[0])[1], [(f"HKEY_USERS\\{BOB}\\Acme", [("n", REG_DWORD, 0)])])
        alice.refused("HistoryGone", "ReadTree", "sa{sv}", "HKCU\\Acme", options(at=hers[0]))


@test
def a_trial_outlives_the_limit():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "before")
        keep(client, 2)
        client.commit([("set-value", KEY, "n", REG_SZ, "tried"), ("set-value", KEY, "new", REG_SZ, "x")],
                      confirm_within=2)
        for number in range(20):
            client.set(KEY, "other", REG_DWORD, number)
        client.watch(KEY)
        client.wait_for_signals(1)
        equal(client.values(KEY), [("n", REG_SZ, "before"), ("other", REG_DWORD, 19)])


# ---- bytes ----

KILOBYTE = 1024
MEGABYTE = 1024 * KILOBYTE


def fill(client, number, name="big", size=256 * KILOBYTE):
    """Sets one value so many times, to new data each time; the revisions."""
    return [client.set("HKCU\\Acme", name, REG_BINARY, bytes([index & 0xFF]) * size) for index in range(number)]


@test
def history_of_a_user_has_no_more_bytes_than_are_allowed():
    needs_root()
    with Registry() as registry:
        root, alice, bob = registry.client, registry.connect(uid=ALICE), registry.connect(uid=BOB)
        mine = bob.set("HKCU\\Acme", "n", REG_DWORD, 1)
        root.set(PARAMETERS, "History Bytes Per User", REG_DWORD, 4 * MEGABYTE)
        hers = fill(alice, 400)
        # Each change has half a megabyte of history, old and new.
        kept = all_revisions(alice, "HKCU")
        check(5 <= len(kept) <= 8 and kept == hers[:-len(kept) - 1:-1], f"{len(kept)} are kept: {kept}")
        alice.refused("HistoryGone", "ReadTree", "sa{sv}", "HKCU\\Acme", options(at=hers[-10]))
        alice.call("Rollback", "sta{sv}", "HKCU\\Acme", dbus.UInt64(hers[-4]), options())
        equal(revisions(bob, "HKCU"), [mine], "another's stays")
        size = registry.database.stat().st_size
        check(size < 12 * MEGABYTE, f"the database has {size} bytes")
        # The newest change can be undone, however large it is.
        root.set(PARAMETERS, "History Bytes Per User", REG_DWORD, 65536)
        before = alice.revision
        last = fill(alice, 1, "other", MEGABYTE)
        equal(revisions(alice, "HKCU"), last)
        alice.call("Rollback", "sta{sv}", "HKCU\\Acme", dbus.UInt64(before), options())
        registry.stop()
        equal(registry.run(*registry.command(), "--check").returncode, 0)
        registry.start()


@test
def what_follows_a_trial_has_a_bound_too():
    needs_root()
    with Registry() as registry:
        root, alice = registry.client, registry.connect(uid=ALICE)
        root.set(PARAMETERS, "History Bytes Per User", REG_DWORD, 2 * MEGABYTE)
        alice.set("HKCU\\Acme", "tried", REG_SZ, "before")
        tried = alice.commit([("set-value", "HKCU\\Acme", "tried", REG_SZ, "tried")], confirm_within=86400)
        try:
            fill(alice, 40)
            raise AssertionError("history of a user grows as long as a trial is under way")
        except Refused as refusal:
            equal(refusal.name, "LimitExceeded")
            check("on trial" in refusal.text, refusal.text)
        root.set("HKU\\%u\\Acme" % ALICE, "by", REG_SZ, "an administrator")
        alice.call("Confirm", "t", dbus.UInt64(tried))
        fill(alice, 40)


@test
def what_a_trial_frees_stays_charged_until_it_ends():
    needs_root()
    with Registry() as registry:
        root, alice = registry.client, registry.connect(uid=ALICE)
        root.set(PARAMETERS, "Stored Bytes Per User", REG_DWORD, MEGABYTE)
        fill(alice, 1, "first", 700 * KILOBYTE)
        tried = alice.commit([("delete-value", "HKCU\\Acme", "first")], confirm_within=86400)
        data = dbus.UInt32(REG_BINARY), variant(bytes(700 * KILOBYTE))
        alice.refused("LimitExceeded", "SetValue", "ssuv", "HKCU\\Acme", "second", *data,
                      naming="Stored Bytes Per User")
        alice.call("Confirm", "t", dbus.UInt64(tried))
        alice.call("SetValue", "ssuv", "HKCU\\Acme", "second", *data)
        alice.watch("HKCU")
        alice.commit([("delete-value", "HKCU\\Acme", "second")], confirm_within=1)
        alice.refused("LimitExceeded", "SetValue", "ssuv", "HKCU\\Acme", "third", *data)
        alice.wait_for_signals(2)
        equal([name for name, _, _ in alice.values("HKCU\\Acme")], ["second"])
        registry.stop()
        equal(registry.run(*registry.command(), "--check").returncode, 0)
        registry.start()


OLD_TABLES = """
CREATE TABLE meta(name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE acls(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE keys(id INTEGER PRIMARY KEY, parent INTEGER NOT NULL, live INTEGER NOT NULL, fold TEXT NOT NULL,
 name TEXT NOT NULL, class TEXT, link TEXT, link_by_administrator INTEGER NOT NULL, volatile INTEGER NOT NULL,
 acl INTEGER NOT NULL, revision INTEGER NOT NULL, children_revision INTEGER NOT NULL, last_write INTEGER NOT NULL);
CREATE UNIQUE INDEX keys_by_name ON keys(parent, live, fold);
CREATE INDEX volatile_keys ON keys(id) WHERE volatile;
CREATE TABLE stored(key INTEGER NOT NULL, fold TEXT NOT NULL, name TEXT NOT NULL, type INTEGER NOT NULL,
 data BLOB NOT NULL, position INTEGER NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY(key, fold)) WITHOUT ROWID;
CREATE TABLE usage(uid INTEGER PRIMARY KEY, bytes INTEGER NOT NULL);
CREATE TABLE history(revision INTEGER NOT NULL, sequence INTEGER NOT NULL, key INTEGER NOT NULL, run BLOB NOT NULL,
 time INTEGER, uid INTEGER, pid INTEGER, program TEXT, comment TEXT, PRIMARY KEY(revision, sequence)) WITHOUT ROWID;
CREATE INDEX history_by_key ON history(key);
CREATE TABLE scopes(scope INTEGER NOT NULL, ordinal INTEGER NOT NULL, count INTEGER NOT NULL,
 revision INTEGER NOT NULL, time INTEGER NOT NULL, pruned INTEGER NOT NULL, PRIMARY KEY(scope, ordinal)) WITHOUT ROWID;
CREATE TABLE trials(revision INTEGER PRIMARY KEY, uid INTEGER NOT NULL, deadline INTEGER NOT NULL);
PRAGMA application_id = 1919248228;
PRAGMA user_version = 2;
"""


def make_old(database):
    """The database with the tables of version 0.1.0 and the same contents."""
    old = str(database) + ".old"
    with sqlite3.connect(old) as connection:
        connection.executescript(OLD_TABLES)
        connection.execute("ATTACH ? AS new", (str(database),))
        for (table,) in connection.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            columns = ", ".join(row[1] for row in connection.execute(f"PRAGMA main.table_info({table})"))
            connection.execute(f"INSERT INTO main.{table}({columns}) SELECT {columns} FROM new.{table}")
    connection.close()
    shutil.copystat(database, old)
    shutil.chown(old, database.stat().st_uid, database.stat().st_gid)
    os.rename(old, database)


def read_table(database, sql):
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


@test
def a_database_of_the_last_version_is_counted_at_its_first_start():
    needs_root()
    scopes = "SELECT scope, ordinal, total FROM scopes ORDER BY scope, ordinal"
    with Registry() as registry:
        alice = registry.connect(uid=ALICE)
        registry.client.set(KEY, "n", REG_DWORD, 1)
        fill(alice, 20)
        alice.create("HKCU\\Acme\\Link", link="HKCU\\Acme")
        alice.call("CreateKey", "sa{sv}", "HKCU\\Acme\\Classed", options(**{"class": "some class"}))
        alice.set_acl("HKCU\\Acme\\Classed", ("everyone", "read"))
        registry.stop()
        used = read_table(registry.database, "SELECT * FROM usage")
        counted = read_table(registry.database, scopes)
        make_old(registry.database)
        registry.start()
        equal(registry.connect(uid=ALICE).keys("HKCU\\Acme"), ["Classed", "Link"])
        registry.stop()
        equal(registry.run(*registry.command(), "--check").returncode, 0)
        equal(read_table(registry.database, "SELECT * FROM usage"), used)
        again = read_table(registry.database, scopes)
        equal([row[:2] for row in again], [row[:2] for row in counted])
        for (scope, ordinal, total), (_, _, before) in zip(again, counted):
            check(abs(total - before) <= 200 * ordinal + 20, f"scope {scope}: {total} bytes, {before} before")
        registry.start()
        registry.client.set(PARAMETERS, "History Bytes Per User", REG_DWORD, 4 * MEGABYTE)
        check(5 <= len(all_revisions(registry.connect(uid=ALICE), "HKCU")) <= 12, "and the limit holds at once")


# ---- trials ----

def import_on_trial(client):
    with tempfile.TemporaryFile() as file:
        file.write(f'REGEDIT4\n[{KEY}]\n"n"="tried"\n"new"="x"\n[-{KEY}\\Gone]\n[{KEY}\\Made]\n'.encode())
        file.seek(0)
        return client.call("Import", "ha{sv}", dbus.types.UnixFd(file.fileno()), options(confirm_within=1))[0]


def commit_on_trial(client):
    return client.commit([("expect-absent", KEY + "\\Made", "", NO_TYPE, ""), ("set-value", KEY, "n", REG_SZ, "tried"),
                          ("set-value", KEY, "new", REG_SZ, "x"), ("delete-tree", KEY + "\\Gone"),
                          ("create-key", KEY + "\\Made")], confirm_within=1)


def roll_back_on_trial(client):
    before = client.revision
    client.set(KEY, "n", REG_SZ, "before")
    client.delete(KEY + "\\Made", recursive=True)
    client.call("Commit", "a(sssuv)a{sv}",
                operation_list([("delete-value", KEY, "new"), ("set-value", KEY + "\\Gone", "n", REG_SZ, "back")]),
                options())
    return client.call("Rollback", "sta{sv}", KEY, dbus.UInt64(before), options(confirm_within=1))[0]


def furnish(client):
    client.set(KEY, "n", REG_SZ, "before")
    client.set(KEY + "\\Gone", "n", REG_SZ, "back")


def goes_back(client, write):
    revision = write(client)
    equal(client.get(KEY, "n")[2], "tried")
    equal(client.keys(KEY), ["Made"])
    client.received().clear()
    client.wait_for_signals(1)
    equal(client.signals[-1][2], revision + 1)
    equal(client.values(KEY), [("n", REG_SZ, "before")])
    equal((client.keys(KEY), client.values(KEY + "\\Gone")), (["Gone"], [("n", REG_SZ, "back")]))
    entry = client.call("GetHistory", "sa{sv}", KEY, options(limit=1))[0]
    equal(entry["comment"], "not confirmed")


@test
def an_import_and_a_commit_on_trial_are_undone_whole():
    with Registry() as registry:
        client = registry.client
        furnish(client)
        client.watch(KEY)
        each([(import_on_trial,), (commit_on_trial,)], lambda write: goes_back(client, write))


@test
def a_rollback_on_trial_is_undone_whole():
    with Registry() as registry:
        client = registry.client
        furnish(client)
        commit_on_trial(client)
        client.call("Confirm", "t", dbus.UInt64(client.revision))
        client.watch(KEY)
        goes_back(client, roll_back_on_trial)


main()
