# SPDX-License-Identifier: MIT
"""Dry runs beside the same changes in earnest: they are tried on a copy of what they touch, and
must say the same, keep nothing, and leave the writer to others."""

import os
import random

import dbus

from harness.bus import ALICE, needs_root
from harness.case import check, equal, main, test
from harness.registry import (REG_DWORD, REG_SZ, SOFTWARE, Refused, Registry, operation_list, options)

KEY = SOFTWARE + "\\Acme"
ROUNDS = 150
NAMES = ["a", "B", "c", "D"]


def outcome_of(client, member, signature, *arguments):
    """What a call is answered with: the error's name and text, or the answer."""
    try:
        return client.call(member, signature, *arguments)
    except Refused as refusal:
        return refusal.name, refusal.text


def pick_key(dice):
    return "\\".join([KEY, *(dice.choice(NAMES + ["A", "b"]) for _ in range(dice.randint(0, 3)))])


def pick_operation(dice):
    key, name, number = pick_key(dice), dice.choice(NAMES + ["X", ""]), dice.randint(0, 3)
    return dice.choice([
        ("set-value", key, name, REG_DWORD, number), ("set-value", key, name, REG_SZ, "text" * number),
        ("delete-value", key, name), ("create-key", key), ("delete-key", key), ("delete-tree", key),
        ("rename-key", key, dice.choice(NAMES)), ("copy-key", key, "", 0, pick_key(dice)),
        ("create-link", key, "", 0, pick_key(dice)), ("expect-value", key, name, REG_DWORD, number),
        ("expect-absent", key, name), ("set-value", key, name, REG_DWORD, number)])


def commit(client, operations, **given):
    outcome = outcome_of(client, "Commit", "a(sssuv)a{sv}", operation_list(operations), options(**given))
    return "done" if isinstance(outcome, int) else outcome


@test
def a_dry_commit_is_refused_like_the_one_in_earnest():
    with Registry() as registry:
        client, dice = registry.client, random.Random(11)
        answers = set()
        for number in range(ROUNDS):
            operations = [pick_operation(dice) for _ in range(dice.randint(1, 6))]
            before = client.revision
            dry = commit(client, operations, dry_run=True)
            equal(client.revision, before, "a dry run takes no revision")
            equal(dry, commit(client, operations), f"round {number}: {operations}")
            answers.add(dry[0] if dry != "done" else dry)
        check({"done", "KeyNotFound", "Conflict"} <= answers, f"the rounds are of all kinds: {answers}")


def pick_lines(dice):
    lines = ["REGEDIT4", ""]
    for _ in range(dice.randint(1, 5)):
        key = pick_key(dice)
        if dice.random() < 0.2:
            lines.append(f"[-{key}]")
            continue
        lines.append(f"[{key}]")
        lines += [f'"{dice.choice(NAMES)}"=' + dice.choice(["-", f"dword:{dice.randint(0, 3)}", '"text"'])
                  for _ in range(dice.randint(0, 4))]
    return "\n".join(lines) + "\n"


def read_in(client, text, **given):
    descriptor = os.memfd_create("import")
    try:
        os.write(descriptor, text.encode())
        os.lseek(descriptor, 0, os.SEEK_SET)
        return outcome_of(client, "Import", "ha{sv}", dbus.types.UnixFd(descriptor), options(**given))[1]
    finally:
        os.close(descriptor)


@test
def a_dry_import_reports_what_the_one_in_earnest_does():
    with Registry() as registry:
        client, dice = registry.client, random.Random(12)
        for number in range(ROUNDS):
            text = pick_lines(dice)
            before = client.tree(KEY, skip_unreadable=True) if number else None
            dry = read_in(client, text, dry_run=True)
            if number:
                equal(client.tree(KEY, skip_unreadable=True), before, "a dry run keeps nothing")
            equal(dry, read_in(client, text), f"round {number}:\n{text}")
            client.create(KEY)


@test
def the_limits_of_a_user_hold_in_a_dry_run_too():
    needs_root()
    with Registry() as registry:
        alice = registry.connect(ALICE)
        registry.client.set("HKLM\\SYSTEM\\CurrentControlSet\\Services\\regd\\Parameters",
                            "Stored Bytes Per User", REG_DWORD, 10_000)
        operations = [("set-value", "HKCU\\A", "v", REG_SZ, "x" * 20_000)]
        for given in ({"dry_run": True}, {}):
            equal(commit(alice, operations, **given)[0], "LimitExceeded")
        equal(commit(alice, [("set-value", "HKCU\\A", "v", REG_SZ, "x")], dry_run=True), "done")
        equal(commit(alice, [("set-value", KEY, "v", REG_SZ, "x")], dry_run=True)[0], "AccessDenied")


main()
