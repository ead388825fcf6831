# SPDX-License-Identifier: MIT
"""Rows of single calls: reads, durable writes, watchers, and how little a large store changes them."""

import subprocess
from contextlib import contextmanager

from bench_tools import import_values, reg_file, with_file
from harness.process import program
from harness.registry import REG_DWORD, SOFTWARE, Registry
from table import Row, compared, group, rounds_of

KEY = SOFTWARE + "\\Bench"
ROUNDS = 31  # short ones: what the machine does besides changes from one to the next
QUICK_ROUNDS = 3
MANY = 1000000


@contextmanager
def echoing(registry):
    """The service that answers with the bytes of regd's answers."""
    with subprocess.Popen([program("tests/bench/echo"), registry.bus.address], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as echo:
        echo.stdout.readline()
        yield
        echo.stdin.close()


@group("GetValue", "ListValues", "ReadTree", "SetValue, durable, one client", "SetValue, durable, 32 in flight")
def calls(options):
    with Registry() as registry, echoing(registry):
        import_values(registry.client, KEY + "\\Ten", 10, 10)
        import_values(registry.client, KEY + "\\Thousand", 1000, 100)
        said = subprocess.run([program("tests/bench/calls"), registry.bus.address, registry.directory,
                               str(QUICK_ROUNDS if options.quick else ROUNDS)],
                              stdout=subprocess.PIPE, text=True, check=True).stdout
    rates, costs = {}, {}
    for line in said.splitlines():
        name, rate, cost = line.split("\t")
        rates[name], costs[name] = float(rate), float(cost)
        print(f"{name:16} {float(rate):9.0f}/s {1e6 / float(rate):8.0f} us, of regd's processor time {float(cost):6.1f} us")

    def beside(what, name, bound, of_what, wanted=None):
        return Row(what, rates[name], "/s", of_what, rates[bound], rates[name] / rates[bound], wanted)

    yield beside("GetValue, one client", "get", "get echoed", "a service that only answers", 0.95)
    yield beside("GetValue, 32 in flight", "get 32", "get echoed 32", "a service that only answers")
    yield beside("ListValues of 10", "list", "list echoed", "a service that only answers", 0.9)
    yield beside("ReadTree of 1,000", "tree", "tree echoed", "a service that only answers", 0.8)
    both = 1 / (1 / rates["ping"] + 1 / rates["sqlite"])
    yield Row("SetValue, durable, one client", rates["set"], "/s", "Ping and a commit of SQLite's", both,
              rates["set"] / both, 0.8)
    yield beside("SetValue, durable, 32 in flight", "set 32", "ping 32", "Ping, 32 in flight", 0.55)


def written(registry, calls_, in_flight):
    """A function that writes so often and gives the rate; no write writes what is there."""
    first = [0]

    def write():
        first[0] += calls_
        said = subprocess.run([program("tests/bench/writes"), registry.bus.address, str(calls_), str(in_flight),
                               str(first[0])], stdout=subprocess.PIPE, check=True).stdout
        return calls_ / float(said)

    return write


@group("SetValue among 1,000,000 values")
def large_store(options):
    with Registry() as small, Registry() as large:
        import_values(small.client, KEY, 1000, 100)
        with_file(large.client, "Import", "ha{sv}", (), reg_file(KEY, MANY, 100))
        for in_flight, calls_ in ((1, 400), (32, 3000)):
            ours, theirs = rounds_of(options, written(large, calls_, in_flight), written(small, calls_, in_flight))
            what = "one client" if in_flight == 1 else f"{in_flight} in flight"
            yield compared(f"SetValue among 1,000,000 values, {what}", ours, "among 1,000", theirs, 0.95)


@group("A watcher is called", "SetValue with 1,000 watchers")
def watchers(options):
    with Registry() as watched, Registry() as unwatched:
        times = [subprocess.run([program("tests/bench/watch"), watched.bus.address, "300"], stdout=subprocess.PIPE,
                                text=True, check=True).stdout.split() for _ in range(options.rounds)]
        own, callback = ([float(each[index]) for each in times] for index in (0, 1))
        yield compared("A watcher is called", callback, "the writer is answered", own, 1.1, "us", at_most=True)
        watcher = watched.connect()
        for number in range(1000):
            watched.client.set(f"{KEY}\\Watched\\K{number}", "v", REG_DWORD, 0)
            watcher.watch(f"{KEY}\\Watched\\K{number}")
        for in_flight, calls_ in ((1, 400), (32, 3000)):
            ours, theirs = rounds_of(options, written(watched, calls_, in_flight), written(unwatched, calls_, in_flight))
            what = "one client" if in_flight == 1 else f"{in_flight} in flight"
            yield compared(f"SetValue with 1,000 watchers elsewhere, {what}", ours, "with none", theirs, 0.95)
