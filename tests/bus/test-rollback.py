# SPDX-License-Identifier: MIT
"""Going back: branches are made what they were, and who may do that."""

import subprocess

import dbus

from harness.bus import ALICE, BOB, needs_root
from harness.case import check, equal, main, test
from harness.process import program
from harness.registry import (PARAMETERS, REG_BINARY, REG_DWORD, REG_EXPAND_SZ, REG_MULTI_SZ, REG_QWORD, REG_SZ, SOFTWARE,
                              Registry, options)
from harness.past import history, roll_back, state, told

KEY = SOFTWARE + "\\Acme"


# ---- Rollback ----

def furnish(client):
    client.set(KEY, "", REG_SZ, "default")
    for name, kind, data in [("Zulu", REG_SZ, "z"), ("alpha", REG_DWORD, 7), ("Beta", REG_MULTI_SZ, ["x", "y"]),
                             ("wide", REG_QWORD, 1 << 40), ("path", REG_EXPAND_SZ, "%x%"),
                             ("bytes", REG_BINARY, b"\x00\x01"), ("odd", REG_DWORD, b"\x01\x02\x03")]:
        client.set(KEY + "\\Sub", name, kind, data)
    client.create(KEY + "\\Classy", **{"class": "Shell"})
    client.create(KEY + "\\Link", link=KEY + "\\Sub")
    client.set(KEY + "\\Deep\\er\\still", "n", REG_SZ, "x")
    client.set(KEY + "\\Locked", "n", REG_SZ, "x")
    client.set_acl(KEY + "\\Locked", ("user:0", "control"), ("everyone", "none"))


def wreck(client):
    client.unset(KEY + "\\Sub", "alpha")
    client.set(KEY + "\\Sub", "ALPHA", REG_SZ, "now last, and shouted")
    client.unset(KEY, "")
    client.delete(KEY + "\\Link")
    client.create(KEY + "\\LINK", link=KEY + "\\Deep")
    client.delete(KEY + "\\Classy")
    client.create(KEY + "\\Classy", **{"class": "Other"})
    client.call("RenameKey", "ss", KEY + "\\Deep", "DEEP")
    client.set_acl(KEY + "\\Locked", ("everyone", "write"))
    client.set(KEY + "\\New\\er", "n", REG_SZ, "x")


@test
def a_branch_is_made_what_it_was():
    with Registry() as registry:
        client = registry.client
        furnish(client)
        then, before = client.revision, state(client, KEY)
        wreck(client)
        wrecked, after = client.revision, state(client, KEY)
        revision, changes = roll_back(client, KEY, then, comment="back")
        equal(state(client, KEY), before)
        equal(revision, wrecked + 1)
        newest = history(client, KEY)[0]
        equal((newest["revision"], newest["comment"]), (revision, "back"))
        # history spells keys as they are spelled now
        equal([(change["kind"], change["key"].lower(), change["name"]) for change in newest["changes"]],
              [(kind, key.lower(), name) for kind, key, name in changes])
        roll_back(client, KEY, wrecked)
        equal(state(client, KEY), after)
        client.delete(KEY, recursive=True)
        roll_back(client, KEY, then)
        equal(state(client, KEY), before)
        current = client.revision
        equal(roll_back(client, KEY, then), (current, []))


@test
def what_was_added_goes_in_order():
    with Registry() as registry:
        client = registry.client
        client.create(KEY)
        names = [f"v{number * 7919 % 31}" for number in range(31)]
        client.commit([("set-value", KEY, name, REG_SZ, "x") for name in names])
        equal(roll_back(client, KEY, 2, dry_run=True)[1], [("value-deleted", KEY, name) for name in names])


@test
def what_is_gone_comes_back_without_what_was_beside_it():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        client.create(KEY + "\\Closed", **{"class": "c"})
        client.set(KEY + "\\Closed", "beside", REG_SZ, "x")
        client.set_acl(KEY + "\\Closed", (f"user:{BOB}", "write"))
        client.set(KEY + "\\Closed\\Sub\\Deep", "n", REG_SZ, "deep")
        then = client.revision
        client.delete(KEY, recursive=True)
        deep = KEY + "\\closed\\sub\\DEEP"
        alice.refused("AccessDenied", "Rollback", "sta{sv}", deep, dbus.UInt64(then), options())
        expected = [("key-created", KEY, ""), ("key-created", KEY + "\\Closed", ""),
                    ("key-created", KEY + "\\Closed\\Sub", ""), ("key-created", KEY + "\\Closed\\Sub\\Deep", ""),
                    ("value-set", KEY + "\\Closed\\Sub\\Deep", "n")]
        equal(roll_back(client, deep, then, dry_run=True)[1], expected)
        equal(roll_back(client, deep, then), (then + 2, expected))
        equal(client.get(deep, "n")[2], "deep")
        equal((client.info(KEY + "\\Closed")["class"], client.values(KEY + "\\Closed")), ("c", []))
        equal(client.acl(deep), (KEY + "\\Closed", [(f"user:{BOB}", "write")]))
        client.delete(KEY, recursive=True)
        equal(roll_back(client, deep, 1), (then + 3, []), "it was not there then")
        client.refused("KeyNotFound", "Rollback", "sta{sv}", KEY + "\\Never\\Ever", dbus.UInt64(then), options())


@test
def a_list_that_equals_the_inherited_one_is_gone_back_from_too():
    with Registry() as registry:
        client = registry.client
        client.create(KEY + "\\Sub", **{"class": "then"})
        then = client.revision
        client.set_acl(KEY, ("everyone", "read"))  # as the root's list says, too
        client.delete(KEY + "\\Sub")
        client.create(KEY + "\\Sub", **{"class": "now"})
        now = client.revision
        check(("acl-changed", KEY, "") in roll_back(client, KEY, then)[1], "the list of its own is gone")
        equal(client.acl(KEY)[0], "HKEY_LOCAL_MACHINE")
        roll_back(client, KEY, now)
        equal(client.acl(KEY), (KEY, [("everyone", "read")]))


@test
def below_a_volatile_key_what_comes_back_is_volatile():
    with Registry() as registry:
        client = registry.client
        client.set(KEY + "\\Sub\\Deep", "n", REG_SZ, "x")
        then = client.revision
        client.delete(KEY, recursive=True)
        client.create(KEY, volatile=True)
        roll_back(client, KEY + "\\Sub\\Deep", then)
        equal([client.info(KEY + key)["volatile"] for key in ("", "\\Sub", "\\Sub\\Deep")], [True] * 3)
        registry.restart()
        client = registry.connect()
        client.refused("KeyNotFound", "ListKeys", "s", KEY)
        registry.stop()
        equal(subprocess.run([program("regd/regd"), f"--database={registry.database}", "--check"],
                             capture_output=True, check=False).returncode, 0)
        registry.start()


@test
def a_dry_run_says_what_a_rollback_does():
    with Registry() as registry:
        client = registry.client
        furnish(client)
        then = client.revision
        wreck(client)
        wrecked, after = client.revision, state(client, KEY)
        client.watch(KEY)
        revision, said = roll_back(client, KEY, then, dry_run=True)
        equal((revision, client.revision, state(client, KEY), client.received()), (wrecked, wrecked, after, []))
        equal(roll_back(client, KEY, then)[1], said)
        equal([(signal[2], signal[3]) for signal in client.wait_for_signals(1)], [(wrecked + 1, said)])


@test
def a_rollback_takes_what_its_changes_would_take():
    needs_root()
    with Registry() as registry:
        root, alice = registry.client, registry.connect(uid=ALICE)
        root.set(KEY + "\\a", "n", REG_SZ, "1")
        root.set(KEY + "\\b", "n", REG_SZ, "1")
        then = root.revision
        root.set(KEY + "\\a", "n", REG_SZ, "2")
        root.set_acl(KEY + "\\a", (f"user:{ALICE}", "write"))
        equal(root.get(KEY + "\\a", "n")[2], "2")
        alice.refused("AccessDenied", "Rollback", "sta{sv}", KEY, dbus.UInt64(then), options())
        root.set_acl(KEY + "\\a", (f"user:{ALICE}", "control"))
        alice.refused("AccessDenied", "Rollback", "sta{sv}", KEY + "\\b", dbus.UInt64(then - 1), options(dry_run=True))
        current = root.revision
        root.set(KEY + "\\a", "n", REG_SZ, "3")
        equal(roll_back(alice, KEY + "\\a", current)[1], [("value-set", KEY + "\\a", "n")])
        equal(root.get(KEY + "\\a", "n")[2], "2")


@test
def rollbacks_that_cannot_be_are_refused():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "x")
        for name, key, revision in [("InvalidValue", KEY, client.revision + 1), ("InvalidPath", "", 1),
                                    ("KeyNotFound", KEY + "\\Never", client.revision), ("InvalidPath", "HKXX\\y", 1)]:
            client.refused(name, "Rollback", "sta{sv}", key, dbus.UInt64(revision), options())
        client.set(PARAMETERS, "History Revisions", REG_DWORD, 2)
        then = client.revision
        for number in range(5):
            client.set(KEY, "n", REG_DWORD, number)
        client.refused("HistoryGone", "Rollback", "sta{sv}", KEY, dbus.UInt64(then), options(), naming="Acme")
        client.refused("HistoryGone", "ReadTree", "sa{sv}", KEY, options(at=then))
        equal(len(history(client, KEY)), 2)
        equal(roll_back(client, KEY, client.revision - 1)[1], [("value-set", KEY, "n")])


@test
def more_changes_than_an_answer_holds_are_one():
    with Registry() as registry:
        client = registry.client
        long = KEY + "\\" + "\\".join(letter * 250 for letter in "abcdefghijklmnopqrstuvwxyz")
        client.create(long)
        then = client.revision
        for part in range(2):
            client.commit([("set-value", long, f"{part}.{number}", REG_DWORD, number) for number in range(1500)])
        _, changes = roll_back(client, KEY, then)
        equal(changes, [("tree-changed", KEY, "")])
        equal(client.values(long), [])


@test
def a_branch_that_its_user_deleted_is_his_to_see_and_bring_back():
    needs_root()
    with Registry() as registry:
        alice, bob = registry.connect(uid=ALICE), registry.connect(uid=BOB)
        alice.set("HKCU\\Software", "n", REG_SZ, "x")
        then = alice.revision
        alice.delete(f"HKU\\{ALICE}", recursive=True)
        own = f"HKEY_USERS\\{ALICE}"
        whole = [(own, []), (own + "\\Software", [("n", REG_SZ, "x")])]
        equal(told(history(alice, "HKCU", limit=1))[0], ("value-deleted", "n", "x", None))
        equal(alice.tree("HKCU", at=then)[1], whole)
        for member, signature, rest in [("GetHistory", "sa{sv}", ()), ("Rollback", "sta{sv}", (dbus.UInt64(then),))]:
            bob.refused("AccessDenied", member, signature, own, *rest, options())
        roll_back(alice, "HKCU", then)
        equal(alice.tree("HKCU")[1], whole)
        equal(alice.acl("HKCU"), (own, [(f"user:{ALICE}", "control")]))


main()
