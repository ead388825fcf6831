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


# The tables of the second step, the last one without checksums. Later steps may add columns.
SECOND_STEP = """
    CREATE TABLE meta(name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE acls(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
    CREATE TABLE keys(
      id INTEGER PRIMARY KEY, parent INTEGER NOT NULL, live INTEGER NOT NULL,
      fold TEXT NOT NULL, name TEXT NOT NULL, class TEXT, link TEXT,
      link_by_administrator INTEGER NOT NULL, volatile INTEGER NOT NULL, acl INTEGER NOT NULL,
      revision INTEGER NOT NULL, children_revision INTEGER NOT NULL, last_write INTEGER NOT NULL);
    CREATE UNIQUE INDEX keys_by_name ON keys(parent, live, fold);
    CREATE INDEX volatile_keys ON keys(id) WHERE volatile;
    CREATE TABLE stored(
      key INTEGER NOT NULL, fold TEXT NOT NULL, name TEXT NOT NULL, type INTEGER NOT NULL,
      data BLOB NOT NULL, position INTEGER NOT NULL, revision INTEGER NOT NULL,
      PRIMARY KEY(key, fold)) WITHOUT ROWID;
    CREATE TABLE usage(uid INTEGER PRIMARY KEY, bytes INTEGER NOT NULL);
    CREATE TABLE history(
      revision INTEGER NOT NULL, sequence INTEGER NOT NULL, key INTEGER NOT NULL,
      run BLOB NOT NULL, time INTEGER, uid INTEGER, pid INTEGER, program TEXT, comment TEXT,
      PRIMARY KEY(revision, sequence)) WITHOUT ROWID;
    CREATE INDEX history_by_key ON history(key);
    CREATE TABLE scopes(
      scope INTEGER NOT NULL, ordinal INTEGER NOT NULL, count INTEGER NOT NULL,
      revision INTEGER NOT NULL, time INTEGER NOT NULL, pruned INTEGER NOT NULL,
      PRIMARY KEY(scope, ordinal)) WITHOUT ROWID;
    CREATE TABLE trials(revision INTEGER PRIMARY KEY, uid INTEGER NOT NULL, deadline INTEGER NOT NULL);
    PRAGMA application_id = 0x72656764; PRAGMA user_version = 2;
"""


def unseal(file):
    """Makes of it a database of the second step, without what later steps have added."""
    old = Path(f"{file}-unsealing")
    Path(file).rename(old)
    database = sqlite3.connect(file)
    database.execute("PRAGMA journal_mode=WAL")
    database.executescript(SECOND_STEP)
    database.execute("ATTACH ? AS old", (str(old),))
    tables = [name for name, in database.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'")]
    for table in tables:
        columns = ", ".join(row[1] for row in database.execute(f"PRAGMA main.table_info({table})"))
        database.execute(f"INSERT INTO main.{table}({columns}) SELECT {columns} FROM old.{table}")
    database.commit()
    database.close()
    old.unlink()
