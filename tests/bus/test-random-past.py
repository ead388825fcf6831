# SPDX-License-Identifier: MIT
"""Random histories: every state is read again as it was, and gone back to, for
good and on trial; and random trials, which leave nothing behind. Every seed is printed, and can be given as an argument to run
it again: test-random-past.py "seed 17"."""

import json
import random
import subprocess
import sys
import tempfile

import dbus

from harness.bus import wait_for
from harness.case import equal, main, rows
from harness.process import program
from harness.registry import REG_SZ, SOFTWARE, Refused, Registry, options

KEY = SOFTWARE + "\\Acme"
NAMES = ["a", "B", "c", "Dé"]
VALUES = ["v", "W", ""]
LAST = SOFTWARE + "\\Last"
CHANGES, ROLLBACKS, TRIALS = 60, 20, 14


def export(client, **given):
    """The branch as JSON has it: the keys with all that is theirs; [] where there is none."""
    with tempfile.TemporaryFile() as file:
        try:
            client.call("Export", "sha{sv}", KEY, dbus.types.UnixFd(file.fileno()), options(format="json", **given))
        except Refused as refusal:
            equal(refusal.name, "KeyNotFound")
            return []
        file.seek(0)
        return json.load(file)["keys"]


def is_at_or_below(path, key):
    return (path + "\\").lower().startswith(key.lower() + "\\")


def branch(keys, key):
    """The part of an export at and below a key, by paths below it. What is below a volatile
    key now comes back volatile, so volatility is looked at elsewhere."""
    return [entry | {"path": entry["path"][len(key):], "volatile": None}
            for entry in keys if is_at_or_below(entry["path"], key)]


def leads_through_a_link(keys, key):
    return any("link" in entry and is_at_or_below(key, entry["path"]) and len(key) > len(entry["path"])
               for entry in keys)


class Changes:
    """Changes of every kind among few keys. Many are refused, which is as good."""

    def __init__(self, client, source):
        self.client, self.random = client, source

    def key(self, depth=3):
        names = [self.random.choice(NAMES) for _ in range(self.random.randint(1, depth))]
        return "\\".join([KEY, *(name.swapcase() if self.random.random() < 0.3 else name for name in names)])

    def operation(self):
        choose = self.random.choice
        return self.random.choices([
            ("set-value", self.key(), choose(VALUES), REG_SZ, f"t{self.random.randint(0, 3)}"),
            ("delete-value", self.key(), choose(VALUES)), ("create-key", self.key()), ("delete-tree", self.key()),
            ("rename-key", self.key(), choose(NAMES)), ("create-link", self.key(), "", 0, self.key(2)),
            ("copy-key", self.key(), "", 0, self.key())], [7, 2, 2, 3, 2, 2, 2])[0]

    def make(self, **given):
        chance = self.random.random()
        try:
            if chance < 0.6:
                self.client.commit([self.operation()], **given)
            elif chance < 0.75:
                self.client.commit([self.operation() for _ in range(self.random.randint(2, 5))], **given)
            elif chance < 0.85:
                level = self.random.choice(["read", "none", "write", None])
                entries = dbus.Array([("everyone", level)] if level else [], signature="(ss)")
                self.client.call("SetAclWithOptions", "sa(ss)a{sv}", self.key(), entries, options(**given))
            else:
                kind = self.random.choice([{"class": "x"}, {"class": "y"}, {"volatile": True}])
                self.client.create(self.key(), **kind, **given)
        except Refused:
            pass


def roll_back(client, key, revision, **given):
    return client.call("Rollback", "sta{sv}", key, dbus.UInt64(revision), options(no_follow=True, **given))


def go_back(client, source, states):
    """To one of the states, of one of the keys; now and then on trial, which is undone then."""
    before, revision = export(client), source.choice(sorted(states))
    key = source.choice([KEY, *(entry["path"] for entry in states[revision])])
    what = f"{key} at {revision}"
    if leads_through_a_link(before, key):
        return
    planned = roll_back(client, key, revision, dry_run=True)[1]
    trial = {"confirm_within": 1} if planned and source.random() < 0.15 else {}
    newest, done = roll_back(client, key, revision, **trial)
    equal(done, planned, what)
    equal(branch(export(client), key), branch(states[revision], key), what)
    if trial:
        wait_for(lambda: client.revision > newest, "the trial to end")
        equal(export(client), before, f"{what}, undone")


def seeds():
    given = [int(word.removeprefix("seed ")) for word in sys.argv[1:] if word.startswith("seed ")]
    return given or [6, 7, 8, 13, 3022574600, random.SystemRandom().randrange(100, 1 << 32)]


def check_database(registry):
    checked = subprocess.run([program("regd/regd"), f"--database={registry.database}", "--check"],
                             capture_output=True, check=False)
    equal(checked.returncode, 0, checked.stderr)


@rows([(f"seed {seed}", seed) for seed in seeds()])
def random_past(seed):
    source = random.Random(seed)
    with Registry() as registry:
        client, states = registry.client, {}
        changes = Changes(client, source)
        client.create(KEY)
        for _ in range(CHANGES):
            changes.make()
            states[client.revision] = export(client)
        for revision, state in states.items():
            equal(export(client, at=revision), state, f"revision {revision}")
        for _ in range(ROLLBACKS):
            go_back(client, source, states)
            changes.make()
        registry.restart()  # which takes what is volatile away
        check_database(registry)


@rows([(f"trials, seed {seed}", seed) for seed in seeds()])
def random_trials(seed):
    """Trials on top of each other, which end in any order: nobody has changed anything."""
    source = random.Random(seed)
    with Registry() as registry:
        client = registry.client
        changes = Changes(client, source)
        client.create(KEY)
        for _ in range(CHANGES):
            changes.make()
        client.set(KEY, "there", REG_SZ, "x")
        client.watch(LAST)
        before = export(client)
        for _ in range(TRIALS):
            changes.make(confirm_within=source.randint(1, 2))
        client.commit([("set-value", LAST, "n", REG_SZ, "x")], confirm_within=3)
        client.wait_for_signals(2)
        equal(export(client), before)
        check_database(registry)


main()
