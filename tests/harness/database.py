# SPDX-License-Identifier: MIT
"""Databases behind regd's back: the checksums of their pages (regd/storage/page-sum.h), and
databases as they were before pages had any."""

import sqlite3
import struct
from pathlib import Path

PAGE = 4096
WORDS = PAGE // 8 - 1
FACTOR, FINAL_FACTOR = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9
MASK = (1 << 64) - 1


def _add(total, word):
    total = (total ^ word) * FACTOR & MASK
    return (total << 29 | total >> 35) & MASK


def page_sum(page, number):
    """What the last eight bytes of a page must be."""
    lanes = [number, 1, 2, 3]
    for place, word in enumerate(struct.unpack_from(f"<{WORDS}Q", page)):
        lanes[place % 4] = _add(lanes[place % 4], word)
    total = FINAL_FACTOR
    for lane in lanes:
        total = _add(total, lane)
    return (total ^ total >> 31) * FINAL_FACTOR & MASK


def seal(file):
    """Gives each page the checksum of what it holds now: as if regd had written it."""
    with open(file, "r+b") as opened:
        content = bytearray(opened.read())
        for start in range(0, len(content), PAGE):
            page = content[start:start + PAGE]
            page[-16:-8] = content[PAGE - 16:PAGE - 8]
            page[-8:] = struct.pack("<Q", page_sum(page, start // PAGE + 1))
            content[start:start + PAGE] = page
        opened.seek(0)
        opened.write(content)


def edit(file, script):
    """Runs SQL, and seals what comes of it: nothing knows any more what was there."""
    connection = sqlite3.connect(file)
    connection.executescript(script)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    seal(file)
    Path(f"{file}-witness").unlink(missing_ok=True)


# What the steps after the second have added.
TAKE_BACK = """
    ALTER TABLE scopes DROP COLUMN bytes; ALTER TABLE scopes DROP COLUMN total;
    ALTER TABLE trials DROP COLUMN held; PRAGMA user_version = 2;
"""


def unseal(file):
    """Makes of it a database of the second step, before there were checksums."""
    source = sqlite3.connect(file)
    script = "\n".join(source.iterdump())
    application, = source.execute("PRAGMA application_id").fetchone()
    source.close()
    file.unlink()
    target = sqlite3.connect(file)
    target.execute("PRAGMA journal_mode=WAL")
    target.executescript(script)
    target.executescript(f"PRAGMA application_id={application}; {TAKE_BACK}")
    target.close()
