# SPDX-License-Identifier: MIT
"""Backup while serving, regd --restore and regd --check, and databases that
can't be trusted."""

import os
import shutil
import sqlite3
import stat
import subprocess
import tempfile

import dbus

from harness.bus import ALICE, needs_root, wait_for
from harness.case import check, contains, each, equal, main, rows, test
from harness.database import unseal
from harness.process import program
from harness.registry import REG_BINARY, REG_DWORD, REG_SZ, SOFTWARE, Refused, Registry, options

KEY = SOFTWARE + "\\Acme"


def backup(client, file):
    with open(file, "wb") as target:
        return client.call("Backup", "ha{sv}", dbus.types.UnixFd(target.fileno()), options())


def regd(registry, *arguments):
    """Runs regd to its end: (exit status, what it said)."""
    done = subprocess.run([program("regd/regd"), f"--database={registry.database}", f"--bus={registry.bus.address}",
                           *arguments], capture_output=True, timeout=60, check=False)
    return done.returncode, (done.stdout + done.stderr).decode()


def kept_files(registry):
    return [name for name in os.listdir(registry.database.parent) if "before-restore" in name]


def ask(database, sql, *arguments):
    """Does something to a database behind regd's back."""
    connection = sqlite3.connect(database)
    try:
        rows_found = connection.execute(sql, arguments).fetchall()
        connection.commit()
        return rows_found
    finally:
        connection.close()


# ---- there and back ----

@test
def a_backup_comes_back():
    with Registry() as registry:
        client, copy = registry.client, registry.directory / "copy.db"
        client.set(KEY, "kept", REG_SZ, "then")
        report = backup(client, copy)
        equal((report["bytes"], report["revision"]), (copy.stat().st_size, client.revision))
        client.set(KEY, "kept", REG_SZ, "now")
        newest = client.set(KEY, "lost", REG_SZ, "x")
        registry.stop()
        status, said = regd(registry, f"--restore={copy}")
        equal(status, 0, said)
        contains(said, "before-restore")
        equal(len(kept_files(registry)), 1)
        registry.start()
        client = registry.connect()
        equal(client.values(KEY), [("kept", REG_SZ, "then")])
        check(client.revision > newest, f"{client.revision} is not past {newest}")
        check(client.revision < newest + 100, "the counter was known: there is no jump")
        for since in (1, report["revision"], newest):
            client.refused("HistoryGone", "Watch", "sa{sv}", KEY, options(since=since))
        client.refused("HistoryGone", "Rollback", "sta{sv}", KEY, dbus.UInt64(report["revision"]), options())
        told = client.call("GetHistory", "sa{sv}", KEY, options())
        equal([(entry["revision"], entry["changes"][-1]["new-data"]) for entry in told], [(report["revision"], "then")])
        client.watch(KEY, since=client.revision)
        check(client.set(KEY, "more", REG_SZ, "x") > newest, "revisions go on")
        equal(len(client.call("GetHistory", "sa{sv}", KEY, options())), 2)
        client.refused("Conflict", "Commit", "a(sssuv)a{sv}",
                       [("expect-revision", KEY, "", dbus.UInt32(0), dbus.UInt64(newest, variant_level=1))], options())
        equal(stat.S_IMODE(registry.database.stat().st_mode), 0o600)
        equal(regd(registry, "--check")[0], 0)


@test
def what_was_kept_can_be_restored_too():
    with Registry() as registry:
        client, copy = registry.client, registry.directory / "copy.db"
        backup(client, copy)
        client.set(KEY, "later", REG_SZ, "x")
        registry.stop()
        equal(regd(registry, f"--restore={copy}")[0], 0)
        kept, = kept_files(registry)
        equal(regd(registry, f"--restore={registry.database.parent / kept}")[0], 0)
        registry.start()
        equal(registry.connect().values(KEY), [("later", REG_SZ, "x")])


@test
def a_backup_is_one_state_while_writes_go_on():
    with Registry() as registry:
        client, writer, copy = registry.client, registry.connect(), registry.directory / "copy.db"
        client.commit([("set-value", KEY, f"v{i}", REG_BINARY, bytes(500)) for i in range(4000)])
        for number in range(5):
            answers = [writer.send("SetValue", "ssuv", KEY, "n", dbus.UInt32(REG_DWORD),
                                   dbus.UInt32(number * 50 + i, variant_level=1)) for i in range(50)]
            writer.connection.flush()
            report = backup(client, copy)
            wait_for(lambda: all(answers), "the writer")
            equal(ask(copy, "PRAGMA integrity_check"), [("ok",)])
            equal(ask(copy, "SELECT max(revision) FROM history"), [(report["revision"],)])
        check(not [name for name in os.listdir(registry.database.parent) if "backup" in name], "a file is left")


@test
def what_is_deleted_is_not_in_a_backup():
    with Registry() as registry:
        client, copy = registry.client, registry.directory / "copy.db"
        client.set(KEY, "password", REG_SZ, "correct horse")
        client.unset(KEY, "password")
        client.call("PurgeHistory", "ssa{sv}", KEY, "password", options())
        backup(client, copy)
        check("correct horse".encode("utf-16-le") not in copy.read_bytes(), "it is still there")


@test
def only_administrators_take_backups():
    needs_root()
    with Registry() as registry:
        alice = registry.connect(uid=ALICE)
        with tempfile.TemporaryFile() as file:
            alice.refused("AccessDenied", "Backup", "ha{sv}", dbus.types.UnixFd(file.fileno()), options())
        with open("/dev/null", "rb") as file:
            registry.client.refused("InvalidValue", "Backup", "ha{sv}", dbus.types.UnixFd(file.fileno()), options())


@test
def a_daemons_user_can_open_what_root_restores():
    needs_root()
    with Registry(uid=ALICE) as registry:
        copy = registry.directory / "copy.db"
        backup(registry.client, copy)
        registry.stop()
        equal(regd(registry, f"--restore={copy}")[0], 0)
        equal(registry.database.stat().st_uid, ALICE)
        registry.start()
        equal(registry.connect().keys("HKU"), [".DEFAULT"])


@test
def a_reader_that_stops_holds_nobody_up():
    with Registry() as registry:
        client, other = registry.client, registry.connect()
        client.set(KEY, "large", REG_BINARY, bytes(500_000))
        reading, writing = os.pipe()
        answer = other.send("Backup", "ha{sv}", dbus.types.UnixFd(writing), options())
        other.connection.flush()
        os.close(writing)
        os.read(reading, 10)
        client.set(KEY, "now", REG_DWORD, 1)
        check(not answer, "it is still under way")
        os.close(reading)
        wait_for(lambda: answer, "the answer")
        contains(answer[0].text, "Broken pipe")


@test
def what_a_killed_daemon_left_is_removed():
    with Registry() as registry:
        registry.stop()
        left = ["registry.db-backup-aB3xyz", "registry.db-backup-aB3xyz-journal", "registry.db-export-000000"]
        others = ["registry.db.before-restore-20260101T000000Z", "registry.db-backup-of-mine.db"]
        for name in left + others:
            (registry.database.parent / name).touch()
        registry.start()
        found = os.listdir(registry.database.parent)
        equal([name for name in left + others if name in found], others)


# ---- what is not restored ----

def damage(file, offset, content=b"\xee" * 600):
    with open(file, "r+b") as opened:
        opened.seek(offset)
        opened.write(content)


@test
def a_bad_backup_changes_nothing():
    with Registry() as registry:
        client, copy = registry.client, registry.directory / "copy.db"
        client.set(KEY, "a", REG_SZ, "x")
        backup(client, copy)
        registry.stop()
        before = sorted(os.listdir(registry.database.parent))
        text, other, orphan = (registry.directory / name for name in ("text", "other.db", "orphan.db"))
        text.write_text("this is no database\n" * 100)
        ask(other, "CREATE TABLE t(a)")
        shutil.copy(copy, orphan)
        ask(orphan, "UPDATE keys SET parent = 9999 WHERE name = 'Acme'")
        torn = registry.directory / "torn.db"
        torn.write_bytes(copy.read_bytes()[:-8192])
        broken = registry.directory / "broken.db"
        shutil.copy(copy, broken)
        damage(broken, 4096 * 3)

        def is_refused(file):
            status, said = regd(registry, f"--restore={file}")
            equal(status, 1, said)
            contains(said, "not restored")
            equal(sorted(os.listdir(registry.database.parent)), before, said)

        each([text, other, orphan, torn, broken, registry.directory / "nowhere", registry.directory], is_refused)
        registry.start()
        equal(registry.connect().values(KEY), [("a", REG_SZ, "x")])


@test
def a_running_regd_is_not_restored_under():
    with Registry() as registry:
        copy = registry.directory / "copy.db"
        backup(registry.client, copy)
        status, said = regd(registry, f"--restore={copy}")
        equal(status, 1)
        contains(said, "in use")
        equal(kept_files(registry), [])


@test
def where_the_old_counter_is_gone_revisions_jump():
    with Registry() as registry:
        client, copy = registry.client, registry.directory / "copy.db"
        revision = backup(client, copy)["revision"]
        registry.stop()
        damage(registry.database, 0)
        equal(regd(registry, f"--restore={copy}")[0], 0)
        registry.start()
        check(registry.connect().revision >= revision + 2 ** 32, "no jump")
        registry.stop()
        for name in os.listdir(registry.database.parent):
            os.unlink(registry.database.parent / name)
        equal(regd(registry, f"--restore={copy}")[0], 0)
        registry.start()
        check(registry.connect().revision >= revision + 2 ** 32, "no jump")


@test
def a_log_that_was_left_is_not_taken_for_the_new_ones():
    with Registry() as registry:
        client, copy = registry.client, registry.directory / "copy.db"
        backup(client, copy)
        for number in range(50):
            newest = client.set(KEY, "a", REG_DWORD, number)
        registry.kill()
        check((registry.database.parent / "registry.db-wal").exists(), "there is a log")
        equal(regd(registry, f"--restore={copy}")[0], 0)
        registry.start()
        client = registry.connect()
        client.refused("KeyNotFound", "ListKeys", "s", KEY)
        check(client.revision > newest, "what was in the log counts")


# ---- check ----

BREACHES = [
    ("orphan", "UPDATE keys SET parent = 9999 WHERE name = 'Acme'", "orphan"),
    ("cycle", "UPDATE keys SET parent = id WHERE name = 'Acme'", "reached"),
    ("fold", "UPDATE keys SET fold = 'acme' WHERE name = 'Acme'", "another name"),
    ("value fold", "UPDATE stored SET fold = 'x' WHERE name = 'a'", "another name"),
    ("value of nothing", "UPDATE stored SET key = 9999 WHERE name = 'a'", "key is gone"),
    ("dangling list", "UPDATE keys SET acl = 9999 WHERE name = 'Acme'", "access list"),
    ("bad list", "UPDATE acls SET text = 'nonsense' WHERE id = (SELECT min(id) FROM acls)", "access list"),
    ("bad link", "UPDATE keys SET link = 'nowhere' WHERE name = 'CurrentControlSet'", "link"),
    ("values of a link", "UPDATE stored SET key = (SELECT id FROM keys WHERE link IS NOT NULL LIMIT 1)", "link has values"),
    ("history of nothing", "UPDATE history SET key = 9999", "history"),
    ("history without a head", "UPDATE history SET time = NULL", "revision"),
    ("counter", "UPDATE keys SET revision = 1000000 WHERE id = 1", "counter"),
    ("bytes", "UPDATE usage SET bytes = bytes + 1", "bytes"),
    ("no root", "UPDATE keys SET name = 'HKEY_LOST' WHERE id = 2", "root"),
]


@test
def check_finds_each_breach():
    with Registry() as registry:
        client, copy = registry.client, registry.directory / "copy.db"
        client.set(KEY, "a", REG_SZ, "x")
        client.set(r"HKCU\Software", "b", REG_SZ, "x")
        client.call("RenameKey", "ss", KEY, "Acme")
        backup(client, copy)
        registry.stop()
        status, said = regd(registry, "--check")
        equal(status, 0, said)
        contains(said, "nothing is wrong")

        def is_found(_name, sql, word):
            shutil.copy(copy, registry.database)
            ask(registry.database, sql)
            found, text = regd(registry, "--check")
            equal(found, 1, text)
            contains(text, word)
            contains(text, "--restore")

        each(BREACHES, is_found)
        shutil.copy(copy, registry.database)
        registry.start()


@test
def the_bytes_of_a_user_add_up():
    with Registry() as registry:
        client = registry.client
        for name in ("One", "Two\\Deep", "É"):
            client.set(f"HKCU\\{name}", "välue", REG_SZ, "x" * 50)
        client.call("CopyKey", "ss", r"HKCU\Two", r"HKCU\Three")
        client.call("RenameKey", "ss", r"HKCU\Two", "Four")
        client.call("RenameKey", "ss", r"HKCU\One", "oNE")
        client.create(r"HKCU\Link", link=r"HKCU\Four")
        revision = client.set(r"HKCU\Four", "välue", REG_SZ, "y")
        client.delete(r"HKCU\Three", recursive=True)
        client.call("Rollback", "sta{sv}", "HKCU", dbus.UInt64(revision - 2), options())
        client.set(r"HKCU\One", "VÄLUE", REG_SZ, "short")
        status, said = regd(registry, "--check")
        equal(status, 0, said)


@rows([("header", 0, b"\xee" * 100), ("a page", 4096 * 2, b"\xee" * 4096), ("the tables", 4096, b"\0" * 4096)])
def a_damaged_database_is_not_served(offset, content):
    with Registry() as registry:
        registry.client.set(KEY, "a", REG_SZ, "x")
        registry.stop()
        damage(registry.database, offset, content)
        before = registry.database.read_bytes()
        status, said = regd(registry)
        equal(status, 1, said)
        contains(said, "damaged")
        contains(said, f"regd --database={registry.database} --restore=")
        status, said = regd(registry, "--check")
        equal(status, 1, said)
        contains(said, "damaged")
        equal(registry.database.read_bytes(), before, "it was written to")


@test
def a_truncated_database_is_not_served():
    with Registry() as registry:
        registry.client.commit([("set-value", KEY, f"v{i}", REG_BINARY, bytes(900)) for i in range(100)])
        registry.stop()
        os.truncate(registry.database, registry.database.stat().st_size // 2)
        status, said = regd(registry)
        equal(status, 1, said)
        contains(said, "--restore=")


@test
def some_other_programs_database_is_not_touched():
    with Registry() as registry:
        registry.stop()
        os.unlink(registry.database)
        ask(registry.database, "CREATE TABLE theirs(a)")
        ask(registry.database, "PRAGMA user_version = 1")
        for arguments in ([], ["--check"]):
            status, said = regd(registry, *arguments)
            equal(status, 1, said)
            contains(said, "other program")
        equal(ask(registry.database, "SELECT name FROM sqlite_master"), [("theirs",)])


FIRST_STEP = """
    DROP TABLE history; DROP TABLE scopes; DROP TABLE trials;
    CREATE TABLE trials(
      revision INTEGER PRIMARY KEY, uid INTEGER NOT NULL, deadline INTEGER NOT NULL);
    CREATE TABLE revisions(
      revision INTEGER PRIMARY KEY, time INTEGER NOT NULL, uid INTEGER NOT NULL,
      pid INTEGER NOT NULL, program TEXT NOT NULL, comment TEXT);
    CREATE TABLE history(
      revision INTEGER NOT NULL, sequence INTEGER NOT NULL, kind INTEGER NOT NULL,
      key INTEGER NOT NULL, name TEXT, old_type INTEGER, old_data BLOB, old_position INTEGER,
      new_type INTEGER, new_data BLOB, acl_before INTEGER NOT NULL, acl_after INTEGER NOT NULL,
      secret INTEGER NOT NULL, reroutes INTEGER NOT NULL, purged INTEGER NOT NULL,
      PRIMARY KEY(revision, sequence)) WITHOUT ROWID;
    CREATE INDEX history_by_key ON history(key);
    CREATE TABLE scopes(
      scope INTEGER NOT NULL, ordinal INTEGER NOT NULL, revision INTEGER NOT NULL,
      time INTEGER NOT NULL, pruned INTEGER NOT NULL, PRIMARY KEY(scope, ordinal))
      WITHOUT ROWID;
    UPDATE meta SET number = {newest} WHERE name = 'revision';
    INSERT INTO revisions VALUES({newest}, 1, 0, 1, 'old', NULL);
    INSERT INTO history SELECT {newest}, 0, 2, id, 'gone', 1, x'', 1, NULL, NULL, 1, 1, 0, 0, 0
      FROM keys WHERE NOT live;
    INSERT INTO scopes VALUES(1, 1, {newest}, 1, 0);
    INSERT INTO trials VALUES({newest}, 0, 9223372036854775807);
    PRAGMA user_version = 1;
"""


@test
def a_database_of_the_first_step_is_brought_up_to_date():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "kept", REG_SZ, "x")
        client.set(KEY + "\\Dead", "gone", REG_SZ, "y")
        newest = client.call("DeleteKey", "sa{sv}", KEY + "\\Dead", options(recursive=True))
        registry.stop()
        unseal(registry.database)
        with sqlite3.connect(registry.database) as database:
            database.executescript(FIRST_STEP.format(newest=newest))
        database.close()
        status, said = regd(registry, "--check")
        equal(status, 1, said)
        contains(said, "start regd on it once")
        registry.start()
        client = registry.client
        equal(client.get(KEY, "kept"), (REG_SZ, "s", "x"))
        equal(client.call("GetHistory", "sa{sv}", KEY, options()), [])
        equal(client.set(KEY, "kept", REG_SZ, "z"), newest + 1)
        found = client.call("GetHistory", "sa{sv}", KEY, options())
        equal([row["revision"] for row in found], [newest + 1])
        client.refused("HistoryGone", "Rollback", "sta{sv}", KEY, newest - 1, options())
        registry.stop()
        status, said = regd(registry, "--check")
        equal(status, 0, said)


@test
def a_database_that_is_held_is_not_called_damaged():
    with Registry() as registry:
        registry.stop()
        holder = sqlite3.connect(registry.database, isolation_level=None)
        holder.execute("PRAGMA locking_mode=EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        status, said = regd(registry, "--check")
        holder.close()
        equal(status, 1, said)
        contains(said, "another process holds the database")
        check("damaged" not in said, said)
        registry.start()


@test
def damage_that_is_met_later_ends_writing():
    with Registry() as registry:
        client = registry.client
        client.commit([("set-value", f"{KEY}\\K{i}", "v", REG_BINARY, os.urandom(3000)) for i in range(200)])
        registry.restart()
        client = registry.connect()
        check(not client.get_property("ReadOnly"), "ReadOnly")
        size = registry.database.stat().st_size
        damage(registry.database, 8 * 4096, b"\xee" * (size - 8 * 4096))

        def meets_damage():
            try:
                for i in range(200):
                    client.get(f"{KEY}\\K{i}", "v")
            except Refused as refusal:
                equal(refusal.name, "StorageFailure")
            return client.get_property("ReadOnly")

        wait_for(meets_damage, "the damage")
        client.refused("ReadOnly", "SetValue", "ssuv", KEY, "x", dbus.UInt32(REG_SZ), dbus.String("x", variant_level=1),
                       naming="--restore")


main()
