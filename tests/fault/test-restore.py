# SPDX-License-Identifier: MIT
"""kill -9, and a disk that fails, at every step of `regd --restore`: what is
there afterwards is the old database or the new one, whole; where it is the new
one, the old stands beside it; and the next --restore goes through."""

import errno
import mmap
import os
import shutil
import sqlite3
import struct
import subprocess
import tempfile

import dbus

from harness.case import Skip, check, equal, main, rows
from harness.process import BUILD, is_sanitised, program
from harness.registry import REG_BINARY, REG_SZ, SOFTWARE, Registry, options

KEY = SOFTWARE + "\\Acme"
LIBRARY = BUILD / "tests" / "fault" / "libfailing-disk.so"
MOST = 2000  # calls that a restore makes at most
KILL = 0


def make_states(registry, clean):
    """A backup, and the database's directory with what was written after it: in its log
    where the daemon was killed."""
    client, backup = registry.client, registry.directory / "backup.db"
    client.set(KEY, "state", REG_SZ, "then")
    client.set(KEY, "filler", REG_BINARY, bytes(20_000))
    with open(backup, "wb") as target:
        client.call("Backup", "ha{sv}", dbus.types.UnixFd(target.fileno()), options())
    client.set(KEY, "state", REG_SZ, "now")
    newest = client.revision
    if clean:
        registry.stop()
    else:
        registry.kill()
    state = registry.directory / "state of then"
    shutil.copytree(registry.database.parent, state)
    return backup, state, newest


def read_state(database):
    """What the value says and the newest revision, as SQLite finds them in a copy."""
    with tempfile.TemporaryDirectory() as directory:
        for ending in ("", "-wal", "-journal"):
            if os.path.exists(f"{database}{ending}"):
                shutil.copy(f"{database}{ending}", f"{directory}/copy.db{ending}")
        return ask_state(f"{directory}/copy.db")


def ask_state(copy):
    connection = sqlite3.connect(copy)
    try:
        equal(connection.execute("PRAGMA integrity_check").fetchone(), ("ok",))
        revision, = connection.execute("SELECT max(number, coalesce((SELECT max(revision) FROM history), 0))"
                                       " FROM meta WHERE name = 'revision'").fetchone()
        data, = connection.execute("SELECT data FROM stored WHERE name = 'state'").fetchone()
        return data.decode("utf-16-le").rstrip("\0"), revision
    finally:
        connection.close()


def restore(database, backup, environment=None):
    return subprocess.run([program("regd/regd"), f"--database={database}", f"--restore={backup}"],
                          env=os.environ | (environment or {}), capture_output=True, timeout=60, check=False)


def check_outcome(database, newest, done):
    """The old state or the new one; what is kept is the old one."""
    state, revision = read_state(database)
    if state == "now":
        equal(revision, newest)
        check(not done, "it said that it had restored")
        return
    equal(state, "then")
    check(revision > newest, f"revision {revision} after {newest} was handed out")
    kept = [name for name in os.listdir(database.parent)
            if "before-restore" in name and not name.endswith(("-wal", "-journal"))]
    equal(len(kept), 1, f"what is kept: {kept}")
    equal(read_state(database.parent / kept[0]), ("now", newest))


@rows([(f"{title}, {way}", reason, clean)
       for title, reason in (("killed", KILL), ("EIO", errno.EIO), ("ENOSPC", errno.ENOSPC))
       for way, clean in (("after a clean end", True), ("with a log", False))])
def at_every_step(reason, clean):
    if is_sanitised():
        raise Skip("a sanitised regd takes no preloaded library before its own")
    with Registry() as registry:
        backup, state, newest = make_states(registry, clean)
        control = registry.directory / "failing-disk"
        control.write_bytes(bytes(8))
        with open(control, "r+b") as file:
            shared = mmap.mmap(file.fileno(), 8)
        outcomes = set()
        for call in range(1, MOST):
            shutil.rmtree(registry.database.parent)
            shutil.copytree(state, registry.database.parent)
            shared[:] = struct.pack("=ii", call, reason)
            result = restore(registry.database, backup, {"LD_PRELOAD": str(LIBRARY), "FAILING_DISK": str(control)})
            said = result.stderr.decode()
            check(result.returncode in (0, 1, -9), f"call {call}: {result.returncode}: {said}")
            check_outcome(registry.database, newest, result.returncode == 0)
            outcomes.add((read_state(registry.database)[0], result.returncode))
            if struct.unpack("=ii", shared[:])[0] > 0:
                break
            if call % 10 == 1:
                again = restore(registry.database, backup)
                equal(again.returncode, 0, f"after call {call}: {again.stderr}")
                equal(read_state(registry.database)[0], "then")
        else:
            raise AssertionError("it never succeeds")
        print(f"# {call} calls: {sorted(outcomes)}")
        check(("now", -9 if reason == KILL else 1) in outcomes, f"nothing was stopped: {outcomes}")
        registry.start()
        equal(registry.connect().get(KEY, "state")[2], "then")
        equal([name for name in os.listdir(registry.database.parent) if "-restore-" in name and "before" not in name], [])


main()
