# SPDX-License-Identifier: MIT
"""Rows of test-one-user.py about one user's reads: lists and walks of very many keys, what is
only tried, what watches have missed, and links through which they lead."""

import os

import dbus

from harness.bus import wait_for
from harness.figures import amount
from harness.registry import REG_DWORD, options

KEY = "HKCU\\Attack"
MANY = amount(40_000, 150_000)  # keys below one
QUEUED = 24
REVISIONS = amount(2_000, 20_000)
WATCHES = 1_000


def send_all(client, number, send):
    """send(index) for each, a hundred at once: so many calls of a user may wait."""
    for first in range(0, number, 100):
        outcomes = [send(index) for index in range(first, min(first + 100, number))]
        wait_for(lambda sent=outcomes: all(sent), "the answers")


# ---- reads ----

def attack_by_validating(_registry, alice):
    return [alice.send("Validate", "s", "HKCU") for _ in range(QUEUED)]


def attack_by_listing(_registry, alice):
    return [alice.send("ListKeys", "s", KEY + "\\0") for _ in range(QUEUED)]


def attack_by_first_pages(_registry, alice):
    return [alice.send("ReadTree", "sa{sv}", KEY + "\\0", options(limit=1)) for _ in range(100)]


def attack_by_counting(_registry, alice):
    return [alice.send("GetKeyInfo", "sa{sv}", KEY + "\\0", options()) for _ in range(100)]


def attack_by_history(_registry, alice):
    return [alice.send("GetHistory", "sa{sv}", KEY, options(limit=10_000)) for _ in range(QUEUED)]


# ---- dry runs ----

def file_of(number, size):
    """A .reg file of so many values, a hundred in each key."""
    lines = ["REGEDIT4"]
    for index in range(number):
        if index % 100 == 0:
            lines.append(f"[HKEY_CURRENT_USER\\Attack\\File\\{index // 100}]")
        lines.append(f'"{index}"="' + "x" * size + '"')
    return ("\n".join(lines) + "\n").encode()


def import_dry(client, content):
    descriptor = os.memfd_create("import")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        return client.send("Import", "ha{sv}", dbus.types.UnixFd(descriptor), options(dry_run=True))
    finally:
        os.close(descriptor)


def attack_by_dry_imports(_registry, alice):
    content = file_of(20_000, 800)
    return [import_dry(alice, content) for _ in range(4)]


def attack_by_dry_rollbacks(registry, alice):
    then = dbus.UInt64(registry.client.revision - 5)
    return [alice.send("Rollback", "sta{sv}", KEY, then, options(dry_run=True)) for _ in range(100)]


# ---- watches ----

def prepare_revisions(_registry, alice):
    send_all(alice, REVISIONS, lambda index: alice.send(
        "SetValue", "ssuv", KEY + "\\R", f"v{index % 500}", dbus.UInt32(REG_DWORD), dbus.UInt32(index, variant_level=1)))


def attack_by_replays(registry, alice):
    since = registry.client.revision - REVISIONS
    return [alice.send("Watch", "sa{sv}", KEY + "\\R", options(since=since)) for _ in range(20)]


def prepare_watches(_registry, alice):
    send_all(alice, WATCHES, lambda index: alice.send("Watch", "sa{sv}", f"{KEY}\\W{index}\\a\\b\\c", options()))


def attack_by_links(_registry, alice):
    return [alice.send("CreateKey", "sa{sv}", KEY + "\\L", options(link=KEY + "\\R")) if index % 2 == 0
            else alice.send("DeleteKey", "sa{sv}", KEY + "\\L", options()) for index in range(60)]


def list_rows(grow):
    """name, prepare, attack, expected, as in test-one-user.py; @grow makes keys."""
    def prepare_many(_registry, alice):
        grow(alice, KEY, MANY, width=MANY)

    return [
        ("Validate of many keys", prepare_many, attack_by_validating, None),
        ("ListKeys of many keys", prepare_many, attack_by_listing, None),
        ("the first page of many keys", prepare_many, attack_by_first_pages, None),
        ("GetKeyInfo of a key of many keys", prepare_many, attack_by_counting, None),
        ("GetHistory of large changes", prepare_many, attack_by_history, None),
        ("dry imports of 16 MiB", prepare_many, attack_by_dry_imports, None),
        ("dry rollbacks of many keys", prepare_many, attack_by_dry_rollbacks, None),
        ("replays of many revisions", prepare_revisions, attack_by_replays, None),
        ("links beside many watches", prepare_watches, attack_by_links, None),
    ]
