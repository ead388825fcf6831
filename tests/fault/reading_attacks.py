# SPDX-License-Identifier: MIT
"""Rows of test-one-user.py about one user's reads: lists and walks of very many keys, and what is
only tried."""

import os

import dbus

from harness.bus import wait_for
from harness.registry import REG_DWORD, options

KEY = "HKCU\\Attack"
MANY = 150_000  # keys of one's own
QUEUED = 24


def prepare_many(grow):
    """Makes MANY keys below one, in the place that the rows read."""
    def prepare(_registry, alice):
        grow(alice, KEY, MANY, width=MANY)
    return prepare


def attack_by_validating(_registry, alice):
    return [alice.send("Validate", "s", "HKCU") for _ in range(QUEUED)]


def attack_by_listing(_registry, alice):
    return [alice.send("ListKeys", "s", KEY + "\\0") for _ in range(QUEUED)]


def attack_by_pages(_registry, alice):
    return [alice.send("ReadTree", "sa{sv}", KEY + "\\0", options(limit=1)) for _ in range(QUEUED)]


def attack_by_infos(_registry, alice):
    return [alice.send("GetKeyInfo", "sa{sv}", KEY + "\\0", options()) for _ in range(200)]


def attack_by_history(_registry, alice):
    return [alice.send("GetHistory", "sa{sv}", KEY, options(limit=10_000)) for _ in range(QUEUED)]


def file_of(number, size):
    """A .reg file of so many values, each in a key of a hundred."""
    lines = ["REGEDIT4"]
    for index in range(number):
        if index % 100 == 0:
            lines.append(f"[HKEY_CURRENT_USER\\Attack\\File\\{index // 100}]")
        lines.append(f'"{index}"="' + "x" * size + '"')
    return "\n".join(lines) + "\n"


def import_dry(client, text, **given):
    descriptor = os.memfd_create("import")
    try:
        os.write(descriptor, text.encode())
        os.lseek(descriptor, 0, os.SEEK_SET)
        return client.send("Import", "ha{sv}", dbus.types.UnixFd(descriptor), options(dry_run=True, **given))
    finally:
        os.close(descriptor)


def attack_by_dry_imports(registry, alice):
    text = file_of(140_000, 100)
    return [import_dry(alice, text) for _ in range(2)]


def attack_by_admin_dry_imports(registry, alice):
    text = file_of(140_000, 100)
    return [import_dry(registry.client, text) for _ in range(2)]


def attack_by_dry_rollbacks(registry, alice):
    return [alice.send("Rollback", "sta{sv}", KEY, dbus.UInt64(registry.client.revision - 20), options(dry_run=True))
            for _ in range(120)]


def prepare_revisions(_registry, alice, number=8000):
    for first in range(0, number, 100):
        outcomes = [alice.send("SetValue", "ssuv", KEY + "\\R", f"v{index}", dbus.UInt32(REG_DWORD),
                               dbus.UInt32(index, variant_level=1)) for index in range(first, first + 100)]
        wait_for(lambda: all(outcomes), "the revisions")


def attack_by_replays(registry, alice):
    since = max(registry.client.revision - 8000, 0)
    return [alice.send("Watch", "sa{sv}", KEY + "\\R", options(since=since)) for _ in range(20)]


def prepare_watches(_registry, alice):
    for first in range(0, 1000, 100):
        outcomes = [alice.send("Watch", "sa{sv}", f"HKCU\\Attack\\W{index}\\a\\b\\c", options())
                    for index in range(first, first + 100)]
        wait_for(lambda: all(outcomes), "the watches")


def attack_by_links(_registry, alice):
    outcomes = []
    for _ in range(30):
        outcomes.append(alice.send("CreateKey", "sa{sv}", KEY + "\\L", options(link="HKCU\\Attack\\R")))
        outcomes.append(alice.send("DeleteKey", "sa{sv}", KEY + "\\L", options()))
    return outcomes
