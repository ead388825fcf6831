# SPDX-License-Identifier: MIT
"""What keeping history costs those who write: the same work done by regd and by
a regd that is built to keep none (without-history.c), in turn, in one run. Not
a test: run it by hand, on a machine that is idle, as
PYTHONPATH=tests REGD_BUILD_ROOT=build /usr/bin/python3 tests/bench/bench-history.py

Clock: rates as clients see them, the medians of several rounds. Processor: what
both regds have used for the same work, which a busy machine changes less."""

import statistics
import subprocess

from harness.process import program
from harness.registry import SOFTWARE, Registry
from bench_tools import processor_seconds, reg_file, timed, with_file

VALUES = 100000


class WithoutHistory(Registry):
    """A regd that records nothing."""

    def command(self):
        return [program("tests/bench/regd-without-history"), *super().command()[1:]]


def import_file(registry, number, values_a_key):
    """A branch of its own each time."""
    content = reg_file(f"{SOFTWARE}\\Bench{number}", VALUES, values_a_key)
    seconds, _ = timed(lambda: with_file(registry.client, "Import", "ha{sv}", (), content))
    return VALUES / seconds


def write_values(registry, number, calls, in_flight):
    done = subprocess.run([program("tests/bench/writes"), registry.bus.address, str(calls), str(in_flight),
                           str(number * calls)], check=True, capture_output=True)
    return calls / float(done.stdout)


def compare(what, both, rounds, work):
    """One line: the median rates, and the processor's time, of the same work with and without history."""
    rates, used = [[], []], [0, 0]
    for number in range(rounds):
        for index in (0, 1) if number % 2 else (1, 0):
            before = processor_seconds(both[index].process.pid)
            rates[index].append(work(both[index], number))
            used[index] += processor_seconds(both[index].process.pid) - before
    kept, none = (statistics.median(each) for each in rates)
    print(f"{what:36} {kept:8.0f} /s, without history {none:8.0f} /s: {kept / none:.2f}; "
          f"processor {used[0]:6.2f} s and {used[1]:6.2f} s: {used[1] / used[0]:.2f}", flush=True)


with Registry() as registry, WithoutHistory() as bare:
    both = registry, bare
    compare("import, 100 values a key", both, 5, lambda one, number: import_file(one, f"A{number}", 100))
    compare("import, 10 values a key", both, 5, lambda one, number: import_file(one, f"B{number}", 10))
    compare("SetValue, one client", both, 15, lambda one, number: write_values(one, number, 400, 1))
    compare("SetValue, 32 in flight", both, 15, lambda one, number: write_values(one, number + 100, 2000, 32))
