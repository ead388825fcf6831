# SPDX-License-Identifier: MIT
"""What is made of a log of writes: all that may be on a disk after a power cut, and
nothing that can't be."""

import random

from harness.case import check, equal, main, rows, test
from power import CREATE, LINK, OPEN, RENAME, SYNC, SYNC_NAMES, TRUNCATE, UNLINK, WRITE, Disk, make_event

CUTS = 400


def make_log(events):
    """Events with "now" for when a flush began: after all that is before it."""
    log = b""
    for event, inode, at, data in events:
        log += make_event(event, inode, len(log) if at == "now" else at, data)
    return log


def cut(files, events, cuts=CUTS, honest=True):
    """All states that are found."""
    disk = Disk(files)
    disk.replay(make_log(events), honest)
    return [disk.cut(random.Random(seed)) for seed in range(cuts)]


OPENED = (OPEN, 1, 0, b"/d/f")
MADE = (CREATE, 1, 0, b"/d/f")
AB = (WRITE, 1, 0, b"a" * 512 + b"b" * 512)
CD = (WRITE, 1, 0, b"c" * 512 + b"d" * 512)
FLUSH = (SYNC, 1, "now", b"")
FLUSH_NAMES = (SYNC_NAMES, 9, "now", b"")
A, B, C, D, O = (letter.encode() * 512 for letter in "abcdo")


@rows([
    ("a flushed write is kept", {"f": b""}, [OPENED, AB, FLUSH], [{"f": A + B}]),
    ("one that is not may be lost, kept or torn", {"f": O + O}, [OPENED, AB],
     [{"f": O + O}, {"f": A + B}, {"f": A + O}, {"f": O + B}]),
    ("writes get mixed", {"f": O + O}, [OPENED, AB, FLUSH, CD], [{"f": A + B}, {"f": C + D}, {"f": A + D}, {"f": C + B}]),
    ("a write during a flush is not kept by it", {"f": O + O}, [OPENED, (SYNC, 1, 0, b""), AB],
     [{"f": O + O}, {"f": A + B}, {"f": A + O}, {"f": O + B}]),
    ("a later write may come first", {"f": O + O}, [OPENED, (WRITE, 1, 0, A), (WRITE, 1, 512, B)],
     [{"f": O + O}, {"f": A + O}, {"f": O + B}, {"f": A + B}]),
    ("a hole is zeros", {"f": b""}, [OPENED, (WRITE, 1, 512, B)], [{"f": b""}, {"f": bytes(512) + B}]),
    ("a new size may be lost", {"f": A + B}, [OPENED, (TRUNCATE, 1, 512, b"")], [{"f": A + B}, {"f": A}]),
    ("a flushed one is not", {"f": A + B}, [OPENED, (TRUNCATE, 1, 512, b""), FLUSH], [{"f": A}]),
    ("a new file may be lost, though flushed", {}, [MADE, (WRITE, 1, 0, A), FLUSH], [{}, {"f": A}]),
    ("not when its directory was flushed", {}, [MADE, (WRITE, 1, 0, A), FLUSH, FLUSH_NAMES], [{"f": A}]),
    ("its name alone may be kept", {}, [MADE, FLUSH_NAMES, (WRITE, 1, 0, A)], [{"f": b""}, {"f": A}]),
    ("a renaming may be lost", {"f": A}, [(RENAME, 0, 0, b"/d/f\0/d/g")], [{"f": A}, {"g": A}]),
    ("a flushed one is not", {"f": A}, [(RENAME, 0, 0, b"/d/f\0/d/g"), FLUSH_NAMES], [{"g": A}]),
    ("one over another", {"f": A, "g": B}, [(RENAME, 0, 0, b"/d/f\0/d/g")], [{"f": A, "g": B}, {"g": A}]),
    ("renamings keep their order", {"f": A, "g": B}, [(RENAME, 0, 0, b"/d/g\0/d/h"), (RENAME, 0, 0, b"/d/f\0/d/g")],
     [{"f": A, "g": B}, {"f": A, "h": B}, {"g": A, "h": B}]),
    ("a deletion may be lost", {"f": A}, [(UNLINK, 0, 0, b"/d/f\0")], [{"f": A}, {}]),
    ("a second name is the same file", {"f": O}, [OPENED, (LINK, 0, 0, b"/d/f\0/d/g"), FLUSH_NAMES, (WRITE, 1, 0, A)],
     [{"f": O, "g": O}, {"f": A, "g": A}]),
    ("an inode that is used again", {"f": A}, [OPENED, (UNLINK, 0, 0, b"/d/f\0"), (CREATE, 1, 0, b"/d/g"), (WRITE, 1, 0, B), FLUSH,
                                              FLUSH_NAMES], [{"g": B}]),
])
def states_are_found(files, events, expected):
    found = cut(files, events)
    equal(sorted({tuple(sorted(state.items())) for state in found}), sorted(tuple(sorted(state.items())) for state in expected))


@test
def a_disk_that_lies_about_flushes_loses_them():
    check({"f": b""} in cut({"f": b""}, [OPENED, AB, FLUSH], honest=False), "it is always kept")


@test
def the_end_of_a_log_may_be_missing():
    log = make_log([OPENED, AB, FLUSH])
    for length in range(len(log)):
        disk = Disk({"f": b""})
        disk.replay(log[:length])
        disk.cut(random.Random(1))


main()
