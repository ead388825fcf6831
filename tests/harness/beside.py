# SPDX-License-Identifier: MIT
"""Another user beside the one who is being tried: processes of their own that read and write
one small value after the other, and tell how long each took.

    with beside(registry, uid) as other:
        other.begin()
        ...
        reads, writes = other.end()     # seconds, of each call in between
"""

import multiprocessing
import time
from contextlib import contextmanager

import dbus
import dbus.bus

from harness.bus import acting_as
from harness.registry import REG_SZ, Client

KEY = "HKCU\\Beside"


def read_once(client, _number):
    client.get(KEY, "read")


def write_once(client, number):
    client.set(KEY, "written", REG_SZ, f"text {number % 2}")


def serve(address, uid, call, pipe):
    """In a process of its own: measures between `begin` and `end`, until the pipe closes. A call
    that fails ends it: regd has gone."""
    with acting_as(uid, None):
        client = Client(dbus.bus.BusConnection(address))
    client.set(KEY, "read", REG_SZ, "text")
    pipe.send("ready")
    try:
        while pipe.recv() == "begin":
            took, number = [], 0
            while not (pipe.poll() and took):
                begun = time.monotonic()
                call(client, number)
                took.append(time.monotonic() - begun)
                number += 1
            pipe.recv()
            pipe.send(took)
    except EOFError:
        pass


class Beside:
    def __init__(self, address, uid):
        context = multiprocessing.get_context("fork")
        self.pipes, self.processes = [], []
        for call in (read_once, write_once):
            ours, theirs = context.Pipe()
            process = context.Process(target=serve, args=(address, uid, call, theirs), daemon=True)
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
    other = Beside(registry.bus.address, uid)
    try:
        yield other
    finally:
        other.close()
