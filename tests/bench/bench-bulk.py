# SPDX-License-Identifier: MIT
"""What import, export and backup cost, as ratios in one run: to a bare SQLite
transaction of the same rows, with and without those of history, which are taken
from what the import has written. Not a test: run it by hand, on a machine that is
idle, with the number of values, as
PYTHONPATH=tests REGD_BUILD_ROOT=build /usr/bin/python3 tests/bench/bench-bulk.py 100000 1000000"""

import os
import sqlite3
import sys
import threading
import time

from bench_tools import processor_seconds, reg_file, timed, with_file
from harness.registry import REG_SZ, SOFTWARE, Registry

KEY = SOFTWARE + "\\Bench"
VALUES_A_KEY = 100


def rows_of(registry, table):
    """What the import has written into it, in the order of its keys."""
    source = sqlite3.connect(registry.database)
    found = source.execute(f"SELECT * FROM {table} WHERE revision = (SELECT max(revision) FROM history)").fetchall()
    source.close()
    return found


def bare_transaction(registry, values, history):
    """These rows into the same tables, and nothing else: seconds of the clock,
    and of the processor."""
    source = sqlite3.connect(registry.database)
    schema = [sql for sql, in source.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")]
    source.close()
    path = registry.directory / "bare.db"
    bare = sqlite3.connect(path, isolation_level=None)
    bare.execute("PRAGMA journal_mode=WAL")
    bare.execute("PRAGMA synchronous=FULL")
    bare.execute("PRAGMA cache_size=-65536")
    for sql in schema:
        bare.execute(sql)

    def insert():
        bare.execute("BEGIN")
        bare.executemany("INSERT INTO stored VALUES(?,?,?,?,?,?,?)", values)
        bare.executemany("INSERT INTO history VALUES(?,?,?,?,?,?,?,?,?)", history)
        bare.execute("COMMIT")

    used = time.process_time()
    seconds, _ = timed(insert)
    used = time.process_time() - used
    bare.close()
    for name in ("bare.db", "bare.db-wal", "bare.db-shm"):
        if os.path.exists(registry.directory / name):
            os.unlink(registry.directory / name)
    return seconds, used


def worst_read(registry, stop, worst):
    """Reads all the while, on a connection of its own."""
    client = registry.connect()
    while not stop.is_set():
        seconds, _ = timed(lambda: client.get(r"HKLM\SOFTWARE\Other", "v"))
        worst.append(seconds)


def measure(number):
    with Registry() as registry:
        client = registry.client
        client.set(r"HKLM\SOFTWARE\Other", "v", REG_SZ, "x")
        content = reg_file(KEY, number, VALUES_A_KEY)
        stop, reads = threading.Event(), []
        reader = threading.Thread(target=worst_read, args=(registry, stop, reads))
        reader.start()
        used = processor_seconds(registry.process.pid)
        seconds, _ = timed(lambda: with_file(client, "Import", "ha{sv}", (), content))
        used = processor_seconds(registry.process.pid) - used
        stop.set()
        reader.join()
        values, history = rows_of(registry, "stored"), rows_of(registry, "history")
        (bare, _), (with_history, bare_used) = (bare_transaction(registry, values, each) for each in ([], history))
        again, (_, report) = timed(lambda: with_file(client, "Import", "ha{sv}", (), content))
        out, _ = timed(lambda: with_file(client, "Export", "sha{sv}", (KEY,)))
        backup, _ = timed(lambda: with_file(client, "Backup", "ha{sv}", ()))
        print(f"{number} values ({report['values-unchanged']} unchanged the second time)")
        for name, took in [("import", seconds), ("import again", again), ("export", out), ("backup", backup),
                           ("bare SQLite, values", bare), ("bare SQLite, values and history", with_history)]:
            print(f"  {name:32} {took:7.2f} s {number / took:10.0f} values/s {took / with_history:6.2f} of bare SQLite")
        print(f"  processor: import {used:.2f} s, bare SQLite {bare_used:.2f} s: {used / bare_used:.2f}")
        print(f"  reads meanwhile: {len(reads)}, the longest {max(reads) * 1000:.0f} ms, "
              f"the median {sorted(reads)[len(reads) // 2] * 1000:.1f} ms")


for argument in sys.argv[1:] or ["100000"]:
    measure(int(argument))
