# SPDX-License-Identifier: MIT
"""Load on a registry that becomes a history: workers (history_worker.py) in processes of
their own, and what is known of the registry's life between their rounds."""

import json
import os
import selectors
import subprocess
import time
from pathlib import Path

import dbus

from harness.case import check
from harness.process import program
from harness.registry import options
from histories import Operation, Record, Records, Watch
from history_worker import TOP, decode, list_registers, name_key

WORKER = Path(__file__).with_name("history_worker.py")
WORKERS = 4
CALLS = 400  # of one worker in a round that is not ended before
PAGE = 500


class Load:
    """Workers at a registry, and what they tell."""

    def __init__(self, address, turn, since, watch_since):
        self.workers = [self.start(address, turn, number, since, [str(watch_since)] if number == 1 else [])
                        for number in range(1, WORKERS + 1)]
        self.operations, self.watches, self.watch_since = [], [], watch_since

    @staticmethod
    def start(address, turn, number, since, watch_since):
        command = ["/usr/bin/python3", str(WORKER), address, str(turn), str(number), str(CALLS), str(since), *watch_since]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)

    def lines(self):
        """The workers' lines as they come, until all have ended."""
        with selectors.DefaultSelector() as selector:
            for worker in self.workers:
                selector.register(worker.stdout, selectors.EVENT_READ, [b""])
            while selector.get_map():
                for key, _ in selector.select():
                    arrived = os.read(key.fd, 1 << 16)
                    *complete, key.data[0] = (key.data[0] + arrived).split(b"\n")
                    yield from complete
                    if not arrived:
                        selector.unregister(key.fileobj)

    def gather(self, enough, then):
        """Keeps what they tell, and calls then() after so many lines."""
        for count, line in enumerate(self.lines(), 1):
            self.keep(json.loads(line))
            if count == enough:
                then()
        for worker in self.workers:
            worker.stdout.close()
            check(worker.wait() == 0, f"a worker ended with {worker.returncode}")

    def keep(self, told):
        if "signals" not in told:
            told["steps"] = [tuple(step) for step in told.get("steps", [])]
            told["expects"] = [tuple(expectation) for expectation in told.get("expects", [])]
            self.operations.append(Operation(**told))
        elif told["client"].endswith("w1"):
            self.watches.append(Watch(told["client"], "", self.watch_since, told["signals"], told["live"]))


def name_register(change):
    return f"{name_key(change['key'])}/{change['name']}"


def read_change(change):
    """(register, (old, new)) of a change as history tells it."""
    if change["kind"].startswith("key-"):
        there = change["kind"] == "key-created"
        return name_register(change), (None, True) if there else (True, None)
    return name_register(change), (decode(change.get("old-data")), decode(change.get("new-data")))


def read_changes(changes):
    """All of a revision. A key that is made again in another's place is told as a deletion and a creation."""
    found = {}
    for register, (old, new) in map(read_change, changes):
        found[register] = (found.get(register, (old,))[0], new)
    return {register: change for register, change in found.items() if change[0] != change[1] and register != "/"}


def read_history(client, first):
    """Every revision below TOP from this one on, as the registry tells it."""
    last, before, records = client.revision, {}, []
    while page := client.call("GetHistory", "sa{sv}", TOP, options(limit=PAGE, **before)):
        for entry in page:
            check("changes-left" not in entry, "an entry was too large")
            if entry["revision"] >= first:
                records.append(Record(entry["revision"], entry["comment"], read_changes(entry["changes"])))
        before = {"before": page[-1]["revision"]}
        if page[-1]["revision"] <= first:
            break
    return Records(first, last, records)


class History:
    """One registry's life: rounds of load, and what is known of them."""

    def __init__(self, registry, chance):
        self.registry, self.chance = registry, chance
        self.operations, self.records, self.watches = [], [], []
        self.first = registry.client.create(TOP)[0]  # the oldest revision that can be read of now
        self.watched = self.first  # what a watch has brought so far
        self.backup = registry.directory / "backup.db"
        self.source = 0

    def back_up(self):
        with open(self.backup, "wb") as target:
            report = self.registry.connect().call("Backup", "ha{sv}", dbus.types.UnixFd(target.fileno()), options())
        self.source = report["revision"]

    def run_round(self, turn, then):
        load = Load(self.registry.bus.address, turn, self.first, self.watched)
        load.gather(self.chance.randint(50, WORKERS * CALLS), then)
        self.operations += load.operations
        self.watches += load.watches
        self.watched = max((revision for watch in load.watches for _, revision, _ in watch.signals), default=self.watched)

    def begin_again(self):
        """regd is started, if it does not run, and its history read."""
        if not self.registry.process.is_running():
            self.registry.process.check_reports()
            self.registry.start()
        self.registry.bus.close_connections()
        client, start = self.registry.connect(), time.monotonic_ns()
        revision, pages, _ = client.tree(TOP)
        self.operations.append(Operation("read", start, time.monotonic_ns(), revision=revision, reads=list_registers(pages)))
        self.records.append(read_history(client, self.first + 1))

    def restore(self):
        self.registry.stop()
        start = time.monotonic_ns()
        done = subprocess.run([program("regd/regd"), f"--database={self.registry.database}", f"--restore={self.backup}"],
                              capture_output=True, text=True, check=False)
        check(done.returncode == 0, done.stderr)
        end = time.monotonic_ns()
        self.registry.start()
        revision = self.registry.connect().revision
        self.operations.append(Operation("restore", start, end, revision=revision, source=self.source))
        self.first = self.watched = revision
