# SPDX-License-Identifier: MIT
"""Two registries that differ only in what is closed to a user, or was: whatever that user asks or
does, both answer the same, byte for byte. Random lists, contents and calls; every seed is printed,
and can be given as an argument to run it again: test-noninterference.py "seed 17"."""

import contextlib
import random
import re
import sys
import tempfile

import dbus

from harness.bus import ALICE, BOB, needs_root
from harness.case import Failure, check, equal, main, rows, test
from harness.process import SOURCE
from harness.reach import reachable
from harness.registry import NO_TYPE, REG_SZ, SOFTWARE, Refused, Registry, operation_list, options, plain_answer, variant

TOP = SOFTWARE + "\\Acme"
NAMES, HIDDEN = ["a", "b", "c"], ["h", "i", "l"]
VALUES = ["v", "w", "Secret"]
STEPS, CALLS = 120, 5
LISTS = [[("user:0", "control")], [("everyone", "read")], [("everyone", "write")], [("everyone", "control")],
         [(f"user:{ALICE}", "none"), ("everyone", "write")], [(f"user:{BOB}", "write")],
         [(f"user:{ALICE}", "read")], [(f"user:{ALICE}", "control")], []]
SCHEMA = "".join(f"[key {TOP}{levels}]\n\n[value Secret]\nsecret\n\n" for levels in ("", r"\*", r"\*\*", r"\*\*\*"))
UNSTEADY = {"time", "last-write", "pid", "deadline"}  # which differ between any two runs
MOMENT = re.compile(r" at [-0-9]{10} [:0-9]{8} UTC")


def steady(answer):
    if isinstance(answer, dict):
        return {name: None if name in UNSTEADY else steady(value) for name, value in answer.items()}
    if isinstance(answer, (list, tuple)):
        return type(answer)(steady(item) for item in answer)
    return answer


class World:
    """One of the two registries."""

    def __init__(self, registry):
        self.root, self.alice = registry.client, registry.connect(uid=ALICE)

    def answer(self, member, signature, *arguments):
        """What the user is answered; what a file gets, too. An argument that is called makes a file."""
        files = [argument() if callable(argument) else None for argument in arguments]
        arguments = [argument if file is None else dbus.types.UnixFd(file.fileno())
                     for argument, file in zip(arguments, files)]
        try:
            answer = steady(plain_answer(self.alice.raw(member, signature, *arguments)))
        except Refused as refusal:
            answer = (refusal.full_name, MOMENT.sub("", refusal.text))
        written = []
        for file in filter(None, files):
            file.seek(0)
            written.append(file.read())
            file.close()
        return answer, written

    def is_closed(self, key):
        answer, _ = self.answer("ListKeys", "s", key)
        return answer[:1] == ("org.freedesktop.DBus.Error.AccessDenied",)

    def contents(self):
        return self.root.tree(SOFTWARE)[1]

    def attempt(self, *operations, **given):
        """The administrator's commit; whether it took a revision."""
        before = self.root.revision
        with contextlib.suppress(Refused):
            self.root.commit(operations, **given)
        return self.root.revision > before

    def lock(self, key, name):
        """The same of a lock."""
        before = self.root.revision
        self.root.call("Lock", "sssa{sv}", key, name, "because", options(no_follow=True))
        return self.root.revision > before

    def free(self, key):
        """Nothing is locked or declared in it any more."""
        self.root.call("Disown", "sa{sv}", "hidden", options())
        for lock in self.root.call("ListLocks", "sa{sv}", key, options()):
            self.root.call("Unlock", "ssa{sv}", lock["key"], lock.get("name", ""),
                           options(recursive="name" not in lock, no_follow=True))


class Both:
    """The two worlds, and what is the same in both."""

    def __init__(self, worlds, source):
        self.worlds, self.random = worlds, source
        self.keys = [TOP]  # the administrator's, in both
        self.marks = 0

    # ---- what the administrator does in both alike ----

    def make_key(self):
        parent = self.random.choice([key for key in self.keys if key.count("\\") < 4])
        key = f"{parent}\\{self.random.choice(NAMES)}"
        if key in self.keys:
            return
        self.keys.append(key)
        self.alike(("create-key", key), ("set-value", key, "v", REG_SZ, self.random.choice("xyz")))

    def make_link(self):
        target = self.random.choice([*self.keys, *(f"{key}\\{name}" for key in self.keys for name in HIDDEN)])
        self.alike(("create-link", f"{self.random.choice(self.keys)}\\to{self.random.choice('12')}", "", 0, target))

    def alike(self, *operations):
        if not self.all_readable(operations):
            return
        equal(*[world.attempt(*operations) for world in self.worlds])

    def all_readable(self, operations):
        """Whether the user sees it: then the two must not differ there, else they may."""
        return not any(self.worlds[0].is_closed(operation[1].rpartition("\\")[0]) for operation in operations)

    def set_list(self):
        """Before a list changes, what differs now is taken back: it differs only in the past from then on."""
        key = self.random.choice(self.keys)
        for below in [each for each in self.keys if (each + "\\").startswith(key + "\\")]:
            self.forget(below)
        entries = self.random.choice(LISTS)
        for world in self.worlds:
            with contextlib.suppress(Refused):
                world.root.set_acl(key, *entries)
        self.even()

    def forget(self, key):
        for world in self.worlds:
            world.free(key)
        self.even()
        for operation in [*(("delete-tree", f"{key}\\{name}") for name in HIDDEN),
                          *(("delete-value", key, name) for name in VALUES + ["mark"]),
                          ("set-value", key, "v", REG_SZ, "same")]:
            for world in self.worlds:
                world.attempt(operation)
            self.even()

    def even(self):
        """Makes the two take as many revisions: what takes them is closed."""
        newest = max(world.root.revision for world in self.worlds)
        for world in self.worlds:
            while world.root.revision < newest:
                self.mark(world, r"HKLM\SAM")

    def mark(self, world, key):
        self.marks += 1
        world.root.set(key, "mark", REG_SZ, str(self.marks))

    # ---- what differs ----

    def differ(self):
        """Something else happens in a key that the user may not read, in each of the two."""
        closed = [key for key in self.keys if self.worlds[0].is_closed(key)]
        if not closed:
            return
        key = self.random.choice(closed)
        for world in self.worlds:
            if not self.hide(world, key):
                self.mark(world, key)

    def hide(self, world, key):
        """Whether it took a revision."""
        operation = self.hidden(key)
        way = self.random.choice(["lock", "declare", "", "", "", ""])
        if way == "lock":
            return world.lock(operation[1], self.random.choice(VALUES))
        return world.attempt(operation, **({"owner": "hidden"} if way == "declare" else {}))

    def hidden(self, key):
        choose = self.random.choice
        below = "\\".join([key, *(choose("hi") for _ in range(self.random.randint(1, 2)))])
        return choose([("set-value", key, choose(VALUES), REG_SZ, choose("pqr")), ("delete-value", key, choose(VALUES)),
                       ("set-value", below, choose(VALUES), REG_SZ, choose("pqr")), ("create-key", below),
                       ("delete-tree", f"{key}\\{choose(HIDDEN)}"),
                       ("create-link", f"{key}\\l", "", 0, choose([f"{key}\\l", TOP, below, f"{key}\\h"]))])

    def differ_in_secret(self):
        """A secret has other data in each, where everybody may read the rest."""
        key = self.random.choice(self.keys)
        if any(self.is_named(world, key) for world in self.worlds):
            return
        for world in self.worlds:
            held = dict((name, data) for name, _, data in world.root.values(key)).get("Secret")
            world.root.set(key, "Secret", REG_SZ, self.random.choice([data for data in "pqr" if data != held]))

    @staticmethod
    def is_named(world, key):
        """Or not there."""
        try:
            return any(principal != "everyone" for principal, _ in world.root.acl(key)[1])
        except Refused:
            return True

    # ---- what the user does ----

    def path(self):
        path = "\\".join([self.random.choice(self.keys),
                          *(self.random.choice(NAMES + HIDDEN + ["to1", "to2"])
                            for _ in range(self.random.choice([0, 0, 0, 1, 1, 2])))])
        return self.random.choice([path, path, path.upper(), path.swapcase().replace("hkey_local_machine", "hklm"), path + "\\"])

    def call(self):
        choose = self.random.choice
        key, other, name, data = self.path(), self.path(), choose(VALUES + ["Nope"]), choose(["x", "p", "q", "r"])
        revision = dbus.UInt64(self.random.randint(1, self.worlds[0].root.revision + 1))
        # Links keep to their own names: else the administrator's next change, which is meant for what is closed,
        # would be led to what is open.
        link = f"{key.rstrip(chr(92))}\\to{choose('12')}"
        plain = key if "\\to" not in key.lower() else self.random.choice(self.keys)
        dry = options(dry_run=True) if self.random.random() < 0.5 else options()
        operation = choose([("set-value", key, name, REG_SZ, data), ("delete-value", key, name), ("create-key", key),
                            ("delete-key", key), ("delete-tree", key), ("rename-key", plain, choose(NAMES + HIDDEN)),
                            ("create-link", link, "", 0, other), ("copy-key", key, "", 0, other),
                            ("expect-value", key, name, REG_SZ, data), ("expect-absent", key, name),
                            ("expect-absent", key, "", NO_TYPE), ("expect-revision", key, "", 0, ("t", int(revision)))])
        text = choose([f'[{key}]\r\n"{name}"="{data}"', f"[-{key}]", f'[{key}]\r\n"{name}"=-'])
        skip = self.random.random() < 0.6
        return choose([
            ("GetValue", "ss", key, name), ("ListKeys", "s", key), ("ListValues", "s", key),
            ("GetKeyInfo", "sa{sv}", key, options(no_follow=skip)),
            ("ReadTree", "sa{sv}", key, options(skip_unreadable=skip)), ("ReadValues", "sa{sv}", key, options()),
            ("ReadTree", "sa{sv}", key, options(skip_unreadable=skip, at=int(revision))),
            ("ReadTree", "sa{sv}", TOP, options(skip_unreadable=True, limit=2, cursor=f"0:{choose(NAMES)}")),
            ("Commit", "a(sssuv)a{sv}", operation_list([operation]), dry),
            ("Commit", "a(sssuv)a{sv}", operation_list([operation]), dry),
            ("CommitReport", "a(sssuv)a{sv}", operation_list([operation]), dry),
            ("CheckAccess", "ssa{sv}", key, f"user:{ALICE}", options()),
            ("SetValue", "ssuv", key, name, dbus.UInt32(REG_SZ), variant(data)), ("DeleteValue", "ss", key, name),
            ("CreateKey", "sa{sv}", key, options()), ("DeleteKey", "sa{sv}", key, options(recursive=skip)),
            ("RenameKey", "ss", plain, choose(NAMES + HIDDEN)), ("CopyKey", "ss", key, other),
            ("GetHistory", "sa{sv}", key, options()), ("GetHistory", "sa{sv}", TOP, options(limit=5, before=int(revision))),
            ("Rollback", "sta{sv}", key, revision, dry), ("Undo", "ta{sv}", revision, dry),
            ("Confirm", "t", revision), ("EndTrial", "t", revision), ("ListTrials", "a{sv}", options()),
            ("Commit", "a(sssuv)a{sv}", operation_list([operation]), options(confirm_within=3600)), ("GetAcl", "s", key),
            *((member, "sa{sv}", key, options(skip_unreadable=True)) for member in ("ListLocks", "ListDeclared", "ListDrift")),
            ("Lock", "sssa{sv}", plain, name, "why", dry), ("Unlock", "ssa{sv}", plain, name, dry),
            ("ReadValues", "sa{sv}", key, options(hide_secrets=skip)),
            ("Describe", "ss", key, name), ("Validate", "s", key),
            ("Watch", "sa{sv}", key, options(**({"since": int(revision)} if skip else {}))),
            ("Import", "ha{sv}", lambda: fragment(text), dry),
            ("Export", "sha{sv}", key, empty, options(skip_unreadable=skip, encoding="utf-8")),
            ("Export", "sha{sv}", key, empty, options(skip_unreadable=skip, at=int(revision), format="json"))])

    def ask(self):
        call = self.call()
        shown = f"{call[0]}{tuple(str(part)[:200] for part in call[2:])}"
        answers = [world.answer(*call) for world in self.worlds]
        same(answers[0], answers[1], shown)
        equal(*[world.alice.revision for world in self.worlds], shown)
        signals = [world.alice.received() for world in self.worlds]
        same(signals[0], signals[1], f"the signals after {shown}")
        for world in self.worlds:
            world.alice.signals.clear()


def same(one, other, what):
    """Says where they part, because answers may be long."""
    if one == other:
        return
    while isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)) and len(one) == len(other):
        one, other = next(pair for pair in zip(one, other) if pair[0] != pair[1])
    if isinstance(one, list) and isinstance(other, list):
        what += f" ({len(one)} and {len(other)})"
        one, other = ([each for each in mine if each not in theirs] for mine, theirs in ((one, other), (other, one)))
    raise Failure(f"{what}: {one!r:.1500} and {other!r:.1500}")


def fragment(text):
    file = tempfile.TemporaryFile()
    file.write(f"Windows Registry Editor Version 5.00\r\n\r\n{text}\r\n".encode())
    file.seek(0)
    return file


def empty():
    return tempfile.TemporaryFile()


@contextlib.contextmanager
def two_worlds():
    with contextlib.ExitStack() as stack:
        worlds = []
        for _ in range(2):
            registry = stack.enter_context(Registry())
            directory = registry.directory / "schemas"
            directory.mkdir()
            (directory / "test.schema").write_text(SCHEMA)
            registry.schemas = [reachable(SOURCE / "data" / "schemas"), directory]
            registry.restart()
            worlds.append(World(registry))
        yield worlds


def seeds():
    given = [int(word.removeprefix("seed ")) for word in sys.argv[1:] if word.startswith("seed ")]
    return given or [1, 2, 3, random.SystemRandom().randrange(100, 1 << 32)]


@rows([(f"seed {seed}", seed) for seed in seeds()])
def nothing_that_is_closed_is_told(seed):
    needs_root()
    with two_worlds() as worlds:
        both = Both(worlds, random.Random(seed))
        differed = 0
        for step in range(STEPS):
            both.random.choice([both.make_key, both.make_key, both.make_link, both.set_list, both.set_list, both.differ,
                                both.differ, both.differ, both.differ_in_secret])()
            both.alike(("create-key", TOP))  # which the user may have deleted
            both.even()
            try:
                for _ in range(CALLS):
                    both.ask()
            except Failure as failure:
                raise Failure(f"step {step}: {failure}") from None
            differed += worlds[0].contents() != worlds[1].contents()
        check(differed > STEPS // 4, f"they differed {differed} times")


main()
