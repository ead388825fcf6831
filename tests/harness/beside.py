# SPDX-License-Identifier: MIT
"""Another user beside the one who is being tried: processes of their own that read and write
one small value after the other, and tell how long each took.

    with beside(registry, uid) as other:
        other.begin()
        ...
        reads, writes = other.end()     # seconds, of each call in between

How long a call takes is how long those of regd worked that it waits for: its main thread, and its
writer. This is what passes on a machine that does nothing else; on one that does, a clock would
tell of the others. It is less than the clock says by what regd waits for its disk, and by what the
bus works."""

import multiprocessing
import time
from contextlib import contextmanager
from pathlib import Path

import dbus
import dbus.bus

from harness.bus import acting_as
from harness.registry import REG_SZ, Client

KEY = "HKCU\\Beside"


def find_threads(pid, *names):
    """The files that tell how long a process's threads of these names have worked."""
    return [task / "schedstat" for task in Path(f"/proc/{pid}/task").iterdir()
            if not names or (task / "comm").read_text(encoding="utf-8").strip() in names]


def worked(files):
    """Seconds that these threads have worked so far."""
    return sum(int(file.read_text(encoding="ascii").split()[0]) for file in files) / 1e9


def read_once(client, _number):
    client.get(KEY, "read")


def write_once(client, number):
    client.set(KEY, "written", REG_SZ, f"text {number % 2}")


def take(call, client, number, threads):
    """How long one call takes."""
    begun, before = time.monotonic(), worked(threads)
    call(client, number)
    return min(time.monotonic() - begun, worked(threads) - before)


def serve(address, uid, call, threads, pipe):
    """In a process of its own: measures between `begin` and `end`, until the pipe closes."""
    with acting_as(uid, None):
        client = Client(dbus.bus.BusConnection(address))
    client.set(KEY, "read", REG_SZ, "text")
    pipe.send("ready")
    try:
        while pipe.recv() == "begin":
            took = []
            while not (pipe.poll() and took):
                took.append(take(call, client, len(took), threads))
            pipe.recv()
            pipe.send(took)
    except EOFError:
        pass


class Beside:
    def __init__(self, registry, uid):
        regd = registry.process.pid
        calls = [(read_once, ["regd"]), (write_once, ["regd", "writer"])]
        context = multiprocessing.get_context("fork")
        self.pipes, self.processes = [], []
        for call, names in calls:
            threads = find_threads(regd, *names)
            ours, theirs = context.Pipe()
            process = context.Process(target=serve, args=(registry.bus.address, uid, call, threads, theirs), daemon=True)
            process.start()
            theirs.close()
            ours.recv()
            self.pipes.append(ours)
            self.processes.append(process)

    def begin(self):
        for pipe in self.pipes:
            pipe.send("begin")

    def end(self):
        """(how long each read took, how long each write took) since begin()."""
        for pipe in self.pipes:
            pipe.send("end")
        return [pipe.recv() for pipe in self.pipes]

    def close(self):
        for pipe, process in zip(self.pipes, self.processes):
            pipe.close()
            process.terminate()
            process.join()


@contextmanager
def beside(registry, uid):
    other = Beside(registry, uid)
    try:
        yield other
    finally:
        other.close()
