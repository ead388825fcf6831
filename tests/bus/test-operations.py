# SPDX-License-Identifier: MIT
"""The operations of a commit: renaming, copying, preconditions, and all of them at random."""

from random import Random

import dbus

from harness.bus import ALICE, needs_root, wait_for
from harness.case import check, each, equal, main, rows, test
from harness.registry import (NO_TYPE, REG_DWORD, REG_MULTI_SZ, REG_SZ, SOFTWARE, Refused, Registry, operation_list,
                              options)

KEY = SOFTWARE + "\\Acme"


def refused_commit(client, error, operations, naming=(), **given):
    return client.refused(error, "Commit", "a(sssuv)a{sv}", operation_list(operations), options(**given),
                          naming=naming)


@test
def what_a_precondition_missed_can_be_made_after_it():
    with Registry() as registry:
        client = registry.client
        client.commit([("expect-absent", KEY, "n"), ("create-key", KEY, ""), ("set-value", KEY, "n", REG_SZ, "1"),
                       ("expect-value", KEY, "n", REG_SZ, "1")])
        equal(client.get(KEY, "n"), (REG_SZ, "s", "1"))


@test
def preconditions_guard_a_commit():
    held = [
        ("expect-value", KEY, "n", REG_SZ, "x"), ("expect-value", KEY, "N", REG_SZ, "x"),
        ("expect-value", KEY, "d", REG_DWORD, 7), ("expect-value", KEY, "d", REG_DWORD, b"\7\0\0\0"),
        ("expect-absent", KEY, "Nope"), ("expect-absent", KEY, ""), ("expect-absent", KEY + r"\Nope", "n"),
        ("expect-absent", KEY + r"\Nope", "", NO_TYPE), ("expect-absent", KEY + r"\No\Way", "", NO_TYPE),
    ]
    broken = [
        ("expect-value", KEY, "n", REG_SZ, "y"), ("expect-value", KEY, "n", REG_SZ, "X"),
        ("expect-value", KEY, "n", 2, "x"), ("expect-value", KEY, "Nope", REG_SZ, "x"),
        ("expect-value", KEY + r"\Nope", "n", REG_SZ, "x"), ("expect-value", KEY, "d", REG_DWORD, 8),
        ("expect-absent", KEY, "n"), ("expect-absent", KEY, "", NO_TYPE), ("expect-absent", KEY + r"\Sub", "", NO_TYPE),
    ]
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "x")
        client.set(KEY, "d", REG_DWORD, 7)
        client.create(KEY + r"\Sub")
        each([(row,) for row in held], lambda row: client.commit([row]))
        before = client.revision
        each([(row,) for row in broken],
             lambda row: refused_commit(client, "Conflict", [row, ("set-value", KEY, "new", REG_SZ, "x")], naming="0"))
        equal(client.revision, before)


@test
def expect_revision_looks_at_and_below_the_key():
    with Registry() as registry:
        client = registry.client
        start = client.set(KEY + r"\a\b", "n", REG_SZ, "1")
        client.set(SOFTWARE + r"\Elsewhere", "n", REG_SZ, "1")
        expect = ("expect-revision", KEY, "", 0, ("t", start))
        client.commit([expect])
        changes = [lambda: client.set(KEY + r"\a\b", "n", REG_SZ, "2"), lambda: client.unset(KEY + r"\a\b", "n"),
                   lambda: client.create(KEY + r"\c")[0], lambda: client.delete(KEY + r"\c"),
                   lambda: client.set_acl(KEY + r"\a", ("everyone", "write")),
                   lambda: client.set(KEY, "", REG_SZ, "x"),
                   lambda: client.call("RenameKey", "ss", KEY + r"\a", "z"),
                   lambda: client.delete(KEY + r"\z", recursive=True)]
        for change in changes:
            current = change()
            refused_commit(client, "Conflict", [("expect-revision", KEY, "", 0, ("t", current - 1))])
            client.commit([("expect-revision", KEY, "", 0, ("t", current))])


@test
def compare_and_set_has_one_winner():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_DWORD, 0)
        others = [registry.connect() for _ in range(4)]
        attempts = [other.send("Commit", "a(sssuv)a{sv}", operation_list(
            [("expect-value", KEY, "n", REG_DWORD, 0), ("set-value", KEY, "n", REG_DWORD, number + 1)]), options())
            for number, other in enumerate(others * 4)]
        wait_for(lambda: all(attempts), "all answers")
        won = [attempt for attempt in attempts if not isinstance(attempt[0], Refused)]
        equal(len(won), 1)
        equal({attempt[0].name for attempt in attempts if isinstance(attempt[0], Refused)}, {"Conflict"})


@test
def preconditions_take_the_right_to_read():
    needs_root()
    with Registry() as registry:
        registry.client.set(KEY, "n", REG_SZ, "x")
        registry.client.set_acl(KEY, ("everyone", "none"))
        alice = registry.connect(uid=ALICE)
        for operation in [("expect-value", KEY, "n", REG_SZ, "x"), ("expect-absent", KEY, "n"),
                          ("expect-absent", KEY + r"\Sub", "", NO_TYPE),
                          ("expect-revision", KEY, "", 0, ("t", 1 << 60))]:
            refused_commit(alice, "AccessDenied", [operation], naming="Acme")
            refused_commit(alice, "AccessDenied", [operation], naming="Acme", dry_run=True)


@test
def renaming_keeps_all_that_is_below():
    with Registry() as registry:
        client = registry.client
        client.create(KEY + r"\Old", **{"class": "Kind"})
        client.set(KEY + r"\Old", "v", REG_SZ, "1")
        client.set(KEY + r"\Old\Sub\Deep", "v", REG_SZ, "2")
        client.set_acl(KEY + r"\Old\Sub", ("everyone", "write"))
        client.call("RenameKey", "ss", KEY + r"\old", "New")
        equal(client.tree(KEY)[1], [(KEY, []), (KEY + r"\New", [("v", REG_SZ, "1")]), (KEY + r"\New\Sub", []),
                                    (KEY + r"\New\Sub\Deep", [("v", REG_SZ, "2")])])
        equal(client.info(KEY + r"\New")["class"], "Kind")
        equal(client.acl(KEY + r"\New\Sub\Deep"), (KEY + r"\New\Sub", [("everyone", "write")]))
        client.call("RenameKey", "ss", KEY + r"\New", "NEW")
        equal(client.keys(KEY), ["NEW"])
        client.create(KEY + r"\Other")
        client.refused("KeyExists", "RenameKey", "ss", KEY + r"\NEW", "oTHER", naming="ther")
        for name in ["", r"a\b", "a\nb", "\x01"]:
            client.refused("InvalidPath", "RenameKey", "ss", KEY + r"\NEW", name)


@test
def copying_takes_a_tree_elsewhere():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "z", REG_SZ, "1")
        client.set(KEY, "a", REG_DWORD, b"odd")
        client.set(KEY + r"\Sub\Deep", "", REG_MULTI_SZ, ["x"])
        client.create(KEY + r"\Link", link=SOFTWARE + r"\Elsewhere")
        before = client.revision
        equal(client.call("CopyKey", "ss", KEY, SOFTWARE + r"\To\Here"), before + 1)
        source, copy = client.tree(KEY)[1], client.tree(SOFTWARE + r"\To\Here")[1]
        equal([(path.replace(r"\To\Here", r"\Acme"), values) for path, values in copy], source)
        client.set(SOFTWARE + r"\To\Here", "z", REG_SZ, "changed")
        equal(client.get(KEY, "z"), (REG_SZ, "s", "1"))


@test
def copying_into_itself_ends():
    with Registry() as registry:
        client = registry.client
        client.set(KEY + r"\Sub", "v", REG_SZ, "1")
        try:
            client.call("CopyKey", "ss", KEY, KEY + r"\Sub\Inner")
        except Refused as refusal:
            check(refusal.name in ("InvalidPath", "InvalidValue"), str(refusal))
        else:
            equal(client.tree(KEY + r"\Sub\Inner")[1], [(KEY + r"\Sub\Inner", []),
                                                       (KEY + r"\Sub\Inner\Sub", [("v", REG_SZ, "1")])])


def random_operation(random):
    """Something done to a small tree with links in it, by one of the ways to get there."""
    names = ["One", "ONE", "Two", "Three", "link", "LINK"]
    root = random.choice([KEY, KEY, "hklm\\software\\ACME", "HKCU\\Acme", "HKCR\\Acme"])
    key = "\\".join([root, *random.choices(names, k=random.choice([0, 1, 1, 2, 3]))]) + random.choice(["", "", "", "\\"])
    kind = random.choice(["set-value"] * 6 + ["create-key"] * 4 + ["delete-value", "delete-value", "delete-key",
                                                                  "delete-tree", "rename-key", "create-link"])
    if kind == "set-value":
        return kind, key, random.choice(["a", "A", "b", ""]), REG_DWORD, random.randrange(3)
    if kind == "delete-value":
        return kind, key, random.choice(["a", "B", ""])
    if kind == "rename-key":
        return kind, key, random.choice(names)
    if kind == "create-link":
        return kind, key, "", 0, random.choice([KEY, "HKCU\\Acme"]) + "\\" + random.choice(names)
    return kind, key


def whole_state(client):
    state = []
    for root in ("HKLM\\SOFTWARE", "HKU\\0"):
        for path, values in client.tree(root, limit=10000)[1]:
            info = client.info(path, no_follow=True)
            state.append((path, values, info.get("link"), info["subkeys"], info["values"]))
    return state


@rows([(f"seed {seed}", seed) for seed in range(12)])
def one_commit_does_what_its_operations_do_one_by_one(seed):
    needs_root()
    random = Random(seed)
    with Registry() as registry, Registry() as other:
        client, whole = registry.client, other.client
        for each_client in (client, whole):
            each_client.set("HKCU", "there", REG_SZ, "x")
        for size in (3, 10, 30, 100):
            done = []
            while len(done) < size:
                operation = random_operation(random)
                try:
                    client.commit([operation])
                    done.append(operation)
                except Refused:
                    pass
            before = whole_state(whole)
            revision = whole.revision
            differs = whole.commit(done) > revision
            equal(whole_state(whole), whole_state(client), repr(done))
            if not differs:
                continue
            for root in ("HKLM\\SOFTWARE", "HKU\\0"):
                whole.call("Rollback", "sta{sv}", root, dbus.UInt64(revision), options())
            equal(whole_state(whole), before, repr(done))
            whole.call("Rollback", "sta{sv}", "HKLM\\SOFTWARE", dbus.UInt64(revision + 1), options())
            whole.call("Rollback", "sta{sv}", "HKU\\0", dbus.UInt64(revision + 1), options())
            equal(whole_state(whole), whole_state(client), repr(done))


main()
