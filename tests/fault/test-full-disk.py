# SPDX-License-Identifier: MIT
"""A disk that is full: writes are refused as such, reading goes on, nothing that
was answered is lost, and writing resumes by itself once there is room."""

import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import dbus

from harness.bus import needs_root
from harness.case import Skip, check, equal, main, test
from harness.process import program
from harness.registry import REG_BINARY, REG_DWORD, SOFTWARE, Refused, Registry, options, variant

KEY = SOFTWARE + "\\Full"
PIECE = 50000


@contextmanager
def small_disk(megabytes):
    """A file system of its own with so much room: its folder."""
    needs_root()
    folder = Path(tempfile.mkdtemp(prefix="regd-disk-"))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0711", "regd-test", folder],
                             capture_output=True, check=False)
    try:
        if mounted.returncode != 0:
            raise Skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
        yield folder
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", folder], check=True)
        shutil.rmtree(folder)


@contextmanager
def registry_on(folder):
    """A registry whose database is there."""
    registry = Registry()
    registry.database = folder / "state" / "registry.db"
    with registry:
        yield registry


def fill(client):
    """Writes until there is no more room: the names that were acknowledged."""
    written = []
    while len(written) < 1000:
        name = f"v{len(written)}"
        try:
            client.set(KEY, name, REG_BINARY, bytes([len(written) & 0xFF]) * PIECE)
        except Refused as refusal:
            equal(refusal.name, "StorageFull", refusal.text)
            return written
        written.append(name)
    raise AssertionError("the disk is never full")


def check_kept(client, written):
    equal([(name, data) for name, _, data in client.values(KEY) if name in written],
          [(name, bytes([index & 0xFF]) * PIECE) for index, name in enumerate(written)])


@test
def a_full_disk_refuses_writes_and_goes_on_reading():
    with small_disk(12) as folder:
        reserve = folder / "reserve"
        reserve.write_bytes(b"x" * (4 << 20))
        with registry_on(folder) as registry:
            client = registry.client
            written = fill(client)
            check(written, "something fitted")
            revision = client.revision
            for _ in range(3):
                client.refused("StorageFull", "SetValue", "ssuv", KEY, "more", REG_BINARY, variant(b"y" * PIECE))
            equal(client.revision, revision)
            equal(client.get_property("ReadOnly"), False)
            check_kept(client, written)
            reserve.unlink()
            equal(client.set(KEY, "after", REG_DWORD, 1), revision + 1)
            check_kept(client, written)


@test
def a_kill_on_a_full_disk_loses_nothing():
    with small_disk(12) as folder:
        reserve = folder / "reserve"
        reserve.write_bytes(b"x" * (4 << 20))
        with registry_on(folder) as registry:
            written = fill(registry.client)
            registry.kill()
            reserve.unlink()
            registry.start()
            check_kept(registry.client, written)


@test
def what_is_there_gets_out_of_a_full_disk():
    with small_disk(24) as folder:
        reserve = folder / "reserve"
        reserve.write_bytes(b"x" * (16 << 20))
        with registry_on(folder) as registry:
            client = registry.client
            client.set(KEY + "\\Small", "kept", REG_DWORD, 7)
            fill(client)
            with tempfile.TemporaryFile() as file:
                report = client.call("Export", "sha{sv}", KEY + "\\Small", dbus.types.UnixFd(file.fileno()), options())
                equal(report["values"], 1)
                client.refused("StorageFull", "Backup", "ha{sv}", dbus.types.UnixFd(file.fileno()), options())
            reserve.unlink()
            with tempfile.TemporaryFile() as file:
                client.call("Backup", "ha{sv}", dbus.types.UnixFd(file.fileno()), options())


@test
def a_full_disk_is_not_called_damage():
    with small_disk(12) as folder:
        (folder / "reserve").write_bytes(b"x" * (4 << 20))
        with registry_on(folder) as registry:
            fill(registry.client)
            (folder / "filler").write_bytes(b"")
            with open(folder / "filler", "r+b", buffering=0) as filler:
                try:
                    while filler.write(bytes(4096)):
                        pass
                except OSError:
                    pass
            registry.kill()
            done = subprocess.run([program("regd/regd"), f"--database={registry.database}", "--check"],
                                  capture_output=True, check=False)
            said = (done.stdout + done.stderr).decode()
            check("damaged" not in said, said)
            check(done.returncode == 0 or "full" in said, said)
            (folder / "reserve").unlink()
            registry.start()


main()
