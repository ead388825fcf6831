# SPDX-License-Identifier: MIT
"""Rows of a fleet on one member of etcd: a commit beside the bare transaction on the same wire, what
a fleet costs where it is not asked, a re-sync, and the agent at rest."""

import subprocess
from contextlib import contextmanager

from bench_tools import import_values, private_bytes_of, timed
from harness.bus import wait_until
from harness.etcd import Etcd
from harness.fleet import MOUNT, FleetHost
from harness.process import program
from harness.registry import REG_DWORD, REG_MULTI_SZ, SOFTWARE, Registry
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
