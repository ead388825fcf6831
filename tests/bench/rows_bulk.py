# SPDX-License-Identifier: MIT
"""Rows of much at once: large commits and imports, memory, the start, and views."""

import re
import statistics
import subprocess
import time

from bench_tools import import_values, peak_bytes, private_bytes_of, reg_file, timed, with_file
from harness.bus import wait_until
from harness.process import program
from harness.registry import SOFTWARE, Registry, options as call_options
from table import Row, group

KEY = SOFTWARE + "\\Bench"
MEGABYTE = 1e6
GIVEN_BACK = 4  # seconds after a large change, with which regd gives its memory back


@group("Commit of 100,000 values")
def commit(options):
    rates = []
    with Registry() as registry:
        for number in range(options.rounds):
            said = subprocess.run([program("tests/bench/commit"), registry.bus.address, f"{KEY}\\C{number}", "100000"],
                                  stdout=subprocess.PIPE, check=True).stdout
            rates.append(100000 / float(said))
    yield Row("Commit of 100,000 values", statistics.median(rates), "/s", wanted=200000)


def import_rate(number, values_a_key, rounds):
    """(median values a second, the largest that regd became in bytes), each time of a fresh regd."""
    rates, peaks = [], []
    content = reg_file(KEY, number, values_a_key)
    for _ in range(rounds):
        with Registry() as registry:
            seconds, _ = timed(lambda: with_file(registry.client, "Import", "ha{sv}", (), content))
            rates.append(number / seconds)
            peaks.append(peak_bytes(registry.process.pid))
    return statistics.median(rates), max(peaks)


@group("Import of 1,000,000 values", "memory while it imports them")
def large_import(options):
    rate, peak = import_rate(1000000, 100, 1 if options.quick else 3)
    yield Row("Import of 1,000,000 values", rate, "/s", wanted=150000)
    yield Row("memory while it imports them, at most", peak / MEGABYTE, "MB", wanted=200, at_most=True)


@group("Import of 100,000 keys")
def narrow_import(options):
    rate, _ = import_rate(100000, 1, options.rounds)
    yield Row("Import of 100,000 keys with one value each", rate, "/s", wanted=100000)


def read_everything(client):
    cursor = ""
    while True:
        given = {"cursor": cursor} if cursor else {}
        _, _, cursor = client.call("ReadTree", "sa{sv}", KEY, call_options(**given))
        if not cursor:
            return


@group("memory with 100,000 values", "memory with 1,000,000 values", "start with 1,000,000 values")
def memory_and_start(options):
    for number, wanted in ((100000, 25), (1000000, 40)):
        with Registry() as registry:
            import_values(registry.client, KEY, number, 100)
            written = time.monotonic()
            wait_until(lambda: time.monotonic() - written > GIVEN_BACK, "memory to be given back")
            after_import = private_bytes_of(registry.process.pid)
            starts = []
            for _ in range(options.rounds):
                registry.stop()
                registry.bus.close_connections()
                begun = time.perf_counter()
                registry.start()
                starts.append((time.perf_counter() - begun) * 1000)
            client = registry.connect()
            read_everything(client)
            used = private_bytes_of(registry.process.pid)
            yield Row(f"memory with {number:,} values, all of them read", used / MEGABYTE, "MB", wanted=wanted, at_most=True)
            yield Row(f"memory with {number:,} values, after their import", after_import / MEGABYTE, "MB", wanted=wanted,
                      at_most=True)
            if number == 1000000:
                yield Row("start with 1,000,000 values", statistics.median(starts), "ms", wanted=50, at_most=True)


@group("view: look-up", "view: first read of 100,000 values", "view: memory for them")
def views(options):
    with Registry() as registry:
        registry.client.commit([("set-value", key, "v", 1, "a short text")
                                for key in [KEY, *(f"{KEY}\\K{number}" for number in range(10))]])
        view = [program("tests/bench/view"), registry.bus.address]
        look_ups = []
        for _ in range(options.rounds):
            said = subprocess.run([*view, KEY], stdout=subprocess.PIPE, text=True, check=True).stdout
            look_ups.append(float(re.search(r"registry_view_get +(\d+) /s", said)[1]) / 1e6)
        yield Row("view: look-up", statistics.median(look_ups), "M/s", wanted=16)
        import_values(registry.client, KEY + "\\Large", 100000, 100)
        reads = [subprocess.run([*view, KEY + "\\Large", "first"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
                 for _ in range(options.rounds)]
        yield Row("view: first read of 100,000 values", statistics.median(float(each[0]) for each in reads), "s",
                  wanted=0.3, at_most=True)
        yield Row("view: memory for them", statistics.median(float(each[1]) for each in reads) / MEGABYTE, "MB",
                  wanted=20, at_most=True)
