# SPDX-License-Identifier: MIT
"""Rows of test-one-user.py about one user's reads: lists and walks of very many keys, and what is
only tried."""

import dbus

from harness.registry import REG_DWORD, operation_list, options

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
