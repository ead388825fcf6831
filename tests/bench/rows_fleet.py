# SPDX-License-Identifier: MIT
"""Rows of a fleet on one member of etcd: a commit beside the bare transaction on the same wire, what
a fleet costs where it is not asked, how long a change takes to the last of many hosts, a re-sync, missed
commits, and the agent at rest."""

import statistics
import subprocess
import time
from contextlib import ExitStack, contextmanager

import dbus

from bench_tools import import_values, private_bytes_of, timed
from harness.bus import wait_for, wait_until
from harness.etcd import Etcd
from harness.fleet import MOUNT, FleetHost
from harness.process import program
from harness.registry import REG_DWORD, REG_MULTI_SZ, REG_SZ, Registry, variant
from rows_calls import KEY, written
from table import Row, compared, group, rounds_of

SHARED = [("Mount", REG_MULTI_SZ, [KEY]), ("Resync Spread", REG_DWORD, 0)]
COMMITS = 300
MANY = 20000


def raw(etcd, mode, count):
    """A function that gives the rate of bare calls."""
    def run():
        said = subprocess.run([program("tests/bench/etcd-raw"), etcd.endpoints[0], etcd.ca, *etcd.certificate("root"),
                               mode, "1", str(count)], stdout=subprocess.PIPE, text=True, check=True).stdout
        return count / float(said.split()[2])

    return run


@contextmanager
def founder(etcd, fleet, **given):
    with FleetHost(etcd, "one", fleet, **given) as host:
        host.fleet("Init")
        yield host


@group("SetValue in a mount", "SetValue outside mounts, with a fleet")
def commits(options):
    with Etcd() as etcd, Registry() as alone, founder(etcd, "inside", settings=SHARED) as inside, \
            founder(etcd, "outside") as outside:
        bare, local, shared, beside = rounds_of(options, raw(etcd, "commits", COMMITS), written(alone, COMMITS, 1),
                                                written(inside, COMMITS, 1), written(outside, COMMITS, 1))
        both = [1 / (1 / ours + 1 / theirs) for ours, theirs in zip(bare, local)]
        yield compared("SetValue in a mount, one client", shared, "a bare transaction and a local SetValue", both, 0.7)
        yield compared("SetValue outside mounts, with a fleet", beside, "without one", local, 0.99)


def reading(host):
    """A function that gives the rate of reads."""
    def read():
        seconds, _ = timed(lambda: [host.client.get(MOUNT + "\\Bench", "v") for _ in range(2000)])
        return 2000 / seconds

    return read


@group("GetValue while etcd is dead")
def without_etcd(options):
    with Etcd() as etcd, founder(etcd, "reads") as host:
        host.put(MOUNT + "\\Bench", "v", "x")
        alive, = rounds_of(options, reading(host))
        etcd.stop(0)
        host.waits_for_state("disconnected")
        dead, = rounds_of(options, reading(host))
        yield compared("GetValue while etcd is dead", dead, "while it lives", alive, 1.0)


def watched(etcd, watches, changes):
    """Milliseconds until the last of so many bare watches has a change: counted, and read; medians."""
    said = subprocess.run([program("tests/bench/etcd-watch"), etcd.endpoints[0], etcd.ca, *etcd.certificate("root"),
                           str(watches), str(changes)], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [int(word) / 1000 for word in said.split()[:2]]


@group("The last of 5,000 simulated hosts")
def simulated_hosts(options):
    with Etcd() as etcd:
        counted, read = watched(etcd, 5000, 6 if options.quick else 20)
        yield Row("The last of 5,000 simulated hosts is told", read, "ms", "watches that do not read it", counted,
                  read / counted, 1.2, at_most=True)


def told(hosts, changes):
    """Milliseconds from the call until the last host has told its watcher; median."""
    writer, clients, times = hosts[0].client, [host.connect() for host in hosts], []
    for client in clients:
        client.watch(KEY, recursive=True)
    for number in range(changes):
        seen = [len(client.signals) for client in clients]
        start = time.perf_counter()
        answer = writer.send("SetValue", "ssuv", KEY, "Port", dbus.UInt32(REG_SZ), variant(str(number)))
        wait_for(lambda: answer and all(len(client.signals) > before for client, before in zip(clients, seen)), "all to be told")
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


@group("The last of 20 regd")
def real_hosts(options):
    changes = 10 if options.quick else 30
    with Etcd() as etcd, ExitStack() as stack:
        hosts = [stack.enter_context(founder(etcd, "twenty", settings=SHARED))]
        for number in range(19):
            hosts.append(stack.enter_context(FleetHost(etcd, f"host{number}", "twenty", settings=SHARED)))
            hosts[-1].fleet("Join")
        bare, _ = watched(etcd, 20, changes)
        ours = told(hosts, changes)
        yield Row("The last of 20 regd tells of a change", ours, "ms", "the last of 20 bare watches, and 25 ms",
                  bare + 25, ours / (bare + 25), 1.0, at_most=True)


@group("Commits that were missed")
def missing(options):
    commits_ = 1000 if options.quick else 10000
    with Etcd(options=("--quota-backend-bytes=2000000000",)) as etcd, founder(etcd, "missed", settings=SHARED) as one, \
            FleetHost(etcd, "two", "missed", settings=SHARED) as two:
        two.fleet("Join")
        two.agent.stop()
        written(one, commits_, 1)()
        newest = one.status()["commit"]

        def catch_up():
            two.start_agent()
            wait_until(lambda: two.status().get("commit") == newest, "all of them")

        seconds, _ = timed(catch_up)
        yield Row(f"Commits that were missed, {commits_:,}", commits_ / seconds, wanted=5000)


@group("A host that joins a fleet of 20,000 values")
def joining(_options):
    with Etcd(options=("--quota-backend-bytes=2000000000",)) as etcd, Registry() as alone, \
            founder(etcd, "large", settings=SHARED) as one:
        import_values(one.client, KEY, MANY, 100)
        local, _ = timed(lambda: import_values(alone.client, KEY, MANY, 100))
        with FleetHost(etcd, "two", "large", settings=SHARED) as two:
            def join():
                two.fleet("Join")
                wait_until(lambda: two.status().get("commit") == one.status()["commit"], "all of it")

            seconds, _ = timed(join)
        yield Row("A host that joins a fleet of 20,000 values", seconds, "s", "Import of the same in one regd", local,
                  seconds / local, 1.2, at_most=True)


def switches(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)


def await_signs(host, number):
    """So many signs of life of the cluster: ten seconds each."""
    seen = set()
    wait_until(lambda: seen.add(host.status()["last-contact"]) or len(seen) > number, "signs of life")


@group("regd-fleet at rest")
def resting(_options):
    with Etcd() as etcd, founder(etcd, "rest") as host:
        pid = host.agent.pid
        await_signs(host, 2)  # its first report is over
        before = switches(pid)
        await_signs(host, 3)
        yield Row("regd-fleet at rest, memory", private_bytes_of(pid) / 2**20, "MiB", wanted=16.0, at_most=True)
        yield Row("regd-fleet at rest, wake-ups a sign of life", (switches(pid) - before) / 3, "")
