# SPDX-License-Identifier: MIT
"""The past: what history tells and to whom, branches as they were, going back,
changes on trial, and forgetting."""

import os
import subprocess

import dbus

from harness.bus import ALICE, BOB, needs_root, wait_for
from harness.case import check, contains, each, equal, main, test
from harness.process import program
from harness.registry import (PARAMETERS, REG_BINARY, REG_DWORD, REG_EXPAND_SZ, REG_LINK, REG_MULTI_SZ, REG_QWORD, REG_SZ,
                              SOFTWARE, Refused, Registry, operation_list, options)

KEY = SOFTWARE + "\\Acme"
CREDENTIALS = "HKLM\\SAM\\Domains\\Account\\Users\\jo"


def history(client, key, **given):
    return client.call("GetHistory", "sa{sv}", key, options(**given))


def roll_back(client, key, revision, **given):
    """(the revision after it, its changes)."""
    return client.call("Rollback", "sta{sv}", key, dbus.UInt64(revision), options(**given))


def told(entries):
    """The changes of history as (kind, name, old data, new data), newest first."""
    return [(change["kind"], change["name"], change.get("old-data"), change.get("new-data"))
            for entry in entries for change in entry["changes"]]


def everything(client, key, **given):
    """All of a branch, page by page: [(path, [(name, type, data)])]."""
    keys, cursor = [], ""
    while True:
        _, page, cursor = client.tree(key, cursor=cursor, **given)
        for path, values in page:
            if keys and keys[-1][0] == path:
                keys[-1][1].extend(values)
            else:
                keys.append((path, list(values)))
        if not cursor:
            return keys


def state(client, key):
    """What a rollback has to bring back: values, their order, links, classes, access lists."""
    keys = everything(client, key)
    details = [(path, client.info(path, no_follow=True)["class"], client.info(path, no_follow=True).get("link"))
               for path, _ in keys]
    lists = [client.acl(path) for path, _ in keys
             if "link" not in client.info(path, no_follow=True)]
    return keys, details, lists


# ---- GetHistory ----

@test
def history_tells_who_did_what_newest_first():
    with Registry() as registry:
        client = registry.client
        first = client.set(KEY, "Port", REG_DWORD, 25)
        second = client.commit([("set-value", KEY, "Port", REG_DWORD, 26), ("set-value", KEY, "n", REG_SZ, "x")],
                               comment="moved it")
        third = client.unset(KEY, "port")
        client.set(SOFTWARE + "\\Other", "n", REG_SZ, "x")
        entries = history(client, KEY)
        equal([entry["revision"] for entry in entries], [third, second, first])
        equal(told(entries), [("value-deleted", "Port", 26, None), ("value-set", "Port", 25, 26),
                              ("value-set", "n", None, "x"), ("key-created", "", None, None),
                              ("value-set", "Port", None, 25)])
        equal([entry["comment"] for entry in entries], ["", "moved it", ""])
        equal({(entry["uid"], entry["pid"]) for entry in entries}, {(os.getuid(), os.getpid())})
        check(all("python" in entry["program"] and " " not in entry["program"] for entry in entries),
              f"the first word of the command line: {entries[0]['program']}")
        times = [entry["time"] for entry in entries]
        check(times == sorted(times, reverse=True) and times[0] > 1_600_000_000_000_000, f"times: {times}")
        equal({change["key"] for entry in entries for change in entry["changes"]}, {KEY})
        change = entries[1]["changes"][0]
        equal((change["old-type"], change["new-type"]), (REG_DWORD, REG_DWORD))
        check(all("changes-left" not in entry for entry in entries), "nothing is left")


@test
def history_is_read_in_pages():
    with Registry() as registry:
        client = registry.client
        revisions = [client.set(KEY, "n", REG_DWORD, number) for number in range(120)]
        newest_first = revisions[::-1]
        equal([entry["revision"] for entry in history(client, KEY)], newest_first[:100])
        equal([entry["revision"] for entry in history(client, KEY, limit=3)], newest_first[:3])
        equal([entry["revision"] for entry in history(client, KEY, limit=500, before=newest_first[1])],
              newest_first[2:])
        equal(history(client, KEY, before=revisions[0]), [])
        equal(len(history(client, KEY, limit=0xFFFFFFFF)), 120)


@test
def changes_past_an_entrys_limit_are_counted():
    with Registry() as registry:
        client = registry.client
        client.commit([("set-value", KEY, f"n{number}", REG_DWORD, number) for number in range(12_000)])
        entry = history(client, KEY)[0]
        equal(len(entry["changes"]) + entry["changes-left"], 12_001)
        check(entry["changes-left"] > 0, "some are left")


@test
def the_past_of_what_is_gone_is_told():
    with Registry() as registry:
        client = registry.client
        client.set(KEY + "\\Sub", "n", REG_SZ, "x")
        client.delete(KEY, recursive=True)
        equal(told(history(client, KEY + "\\Sub")), [("value-deleted", "n", "x", None), ("key-deleted", "", None, None),
                                                     ("key-created", "", None, None), ("value-set", "n", None, "x")])
        client.refused("KeyNotFound", "GetHistory", "sa{sv}", KEY + "\\Never", options(), naming="Never")


@test
def history_is_shown_by_the_lists_of_then_and_of_now():
    needs_root()
    with Registry() as registry:
        root, alice = registry.client, registry.connect(uid=ALICE)
        root.set(SOFTWARE, "n", REG_SZ, "for all")
        root.set(KEY, "n", REG_SZ, "closed")
        root.set_acl(KEY, ("everyone", "none"))
        root.set(KEY, "n", REG_SZ, "while closed")
        alice.refused("AccessDenied", "GetHistory", "sa{sv}", KEY, options(), naming="Acme")
        root.set_acl(KEY, ("everyone", "read"))
        root.set(KEY, "n", REG_SZ, "open")
        seen = [change for change in told(history(alice, KEY)) if change[0] == "value-set"]
        check(("value-set", "n", "closed", "while closed") not in seen, f"what was closed then: {seen}")
        check(all(new != "while closed" for _, _, _, new in seen), f"what was closed then: {seen}")
        equal(seen[0][3], "open")
        equal(len(history(alice, KEY, limit=1)), 1)
        root.set_acl(KEY, ("everyone", "none"))
        alice.refused("AccessDenied", "GetHistory", "sa{sv}", KEY, options())
        above = history(alice, SOFTWARE)
        equal([entry["changes"][0]["kind"] for entry in history(alice, SOFTWARE, limit=1)], ["value-set"])
        check("open" not in repr(above) and "while closed" not in repr(above), f"nothing of it from above: {above}")


@test
def what_is_secret_stays_so():
    needs_root()
    with Registry() as registry:
        root, alice, bob = registry.client, registry.connect(uid=ALICE), registry.connect(uid=BOB)
        root.set_acl("HKLM\\SAM", ("everyone", "read"), (f"user:{BOB}", "read"))
        root.set(CREDENTIALS, "Password", REG_SZ, "$6$salt$" + "x" * 86)
        check("$6$" not in repr(history(alice, CREDENTIALS)), "a secret takes an entry of one's own")
        check("$6$" in repr(history(bob, CREDENTIALS)), "which Bob has")
        check("$6$" in repr(history(root, CREDENTIALS)), "and an administrator need not")
        equal(everything(alice, CREDENTIALS, at=root.revision)[0][1], [])
        equal(len(everything(bob, CREDENTIALS, at=root.revision)[0][1]), 1)


# ---- ReadTree of the past ----

@test
def a_tree_is_read_as_it_was():
    with Registry() as registry:
        client = registry.client
        before_it = client.revision
        client.set(KEY, "Port", REG_DWORD, 25)
        client.set(KEY + "\\b", "x", REG_SZ, "y")
        client.set(KEY + "\\a", "x", REG_MULTI_SZ, ["y", "z"])
        then, before = client.revision, everything(client, KEY)
        client.unset(KEY, "Port")
        client.call("RenameKey", "ss", KEY + "\\a", "A2")
        client.delete(KEY + "\\b", recursive=True)
        client.set(KEY + "\\c", "n", REG_SZ, "new")
        equal(everything(client, KEY, at=then), before)
        for limit in (1, 2, 3):
            equal(everything(client, KEY, at=then, limit=limit), before)
        equal([path for path, _ in everything(client, KEY, at=then, depth=0)], [KEY])
        client.delete(KEY, recursive=True)
        equal(everything(client, KEY, at=then), before)
        client.refused("InvalidValue", "ReadTree", "sa{sv}", KEY, options(at=client.revision + 1), naming="to come")
        client.refused("KeyNotFound", "ReadTree", "sa{sv}", KEY, options(at=before_it))


@test
def the_past_asks_for_the_rights_of_then_too():
    needs_root()
    with Registry() as registry:
        root, alice = registry.client, registry.connect(uid=ALICE)
        root.set(KEY, "n", REG_SZ, "closed")
        root.set_acl(KEY, ("everyone", "none"))
        closed = root.revision
        root.set_acl(KEY)
        alice.refused("AccessDenied", "ReadTree", "sa{sv}", KEY, options(at=closed))
        equal(everything(alice, KEY, at=root.revision), [(KEY, [("n", REG_SZ, "closed")])])


@test
def many_readings_of_the_past_at_once_are_all_answered():
    with Registry() as registry:
        client = registry.client
        for number in range(20):
            client.set(KEY, "n", REG_DWORD, number)
        outcomes = [client.send("GetHistory", "sa{sv}", KEY, options(limit=number + 1)) for number in range(20)]
        outcomes += [client.send("ReadTree", "sa{sv}", KEY, options(at=client.revision)) for _ in range(20)]
        equal(client.get(KEY, "n")[2], 19)
        wait_for(lambda: all(outcomes), "all answers")
        equal([len(outcome[0]) for outcome in outcomes[:20]], list(range(1, 21)))
        check(all(outcome[0][1] == [(KEY, [("n", REG_DWORD, 19)])] for outcome in outcomes[20:]), "the tree as it is")


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


# ---- trials ----

@test
def a_trial_nobody_confirms_is_undone():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "before")
        client.set(KEY, "w", REG_SZ, "before")
        client.watch(KEY)
        tried = client.commit([("set-value", KEY, "n", REG_SZ, "tried"), ("set-value", KEY, "w", REG_SZ, "tried"),
                               ("create-key", KEY + "\\made")], confirm_within=1)
        since = client.set(KEY, "w", REG_SZ, "since")
        signals = client.wait_for_signals(3)
        equal([signal[2] for signal in signals], [tried, since, since + 1])
        equal(set(signals[2][3]), {("value-set", KEY, "n"), ("key-deleted", KEY + "\\made", "")})
        equal((client.get(KEY, "n")[2], client.get(KEY, "w")[2], client.keys(KEY)), ("before", "since", []))
        equal(history(client, KEY)[0]["comment"], "not confirmed")
        client.refused("InvalidValue", "Confirm", "t", dbus.UInt64(tried), naming=str(tried))


@test
def a_key_that_a_trial_made_another_is_what_it_was():
    with Registry() as registry:
        client = registry.client
        client.create(KEY)
        client.set(KEY + "\\Sub", "n", REG_SZ, "x")
        then = client.revision
        client.commit([("delete-tree", KEY)])
        client.create(KEY, **{"class": "another"})
        client.set(KEY + "\\Sub", "n", REG_SZ, "x")
        client.set_acl(KEY, ("everyone", "none"))
        before = state(client, KEY)
        client.watch(KEY)
        roll_back(client, KEY, then, confirm_within=1)
        check(state(client, KEY) != before, "it is what it was then")
        client.wait_for_signals(2)
        equal(state(client, KEY), before)


@test
def a_rename_on_trial_is_undone():
    with Registry() as registry:
        client = registry.client
        client.watch(KEY)
        for name, other in [("Deep", "DEEP"), ("Old", "New")]:
            client.set(f"{KEY}\\{name}\\er", "n", REG_SZ, "x")
            client.set(f"{KEY}\\{name}", "v", REG_SZ, "y")
            before = everything(client, KEY)
            tried = client.commit([("rename-key", f"{KEY}\\{name}", other)], confirm_within=1)
            wait_for(lambda past=tried: client.signals and client.signals[-1][2] > past, "the trial's end")
            equal(everything(client, KEY), before)
            there = [path for path, _ in everything(client, KEY, at=tried)]
            check(f"{KEY}\\{other}\\er" in there and f"{KEY}\\{name}" not in there, f"as it was: {there}")


def check_database(registry):
    """Whether nothing is wrong with it; regd runs again then."""
    registry.stop()
    checked = subprocess.run([*registry.command(), "--check"], capture_output=True, check=False)
    equal((checked.returncode, checked.stderr), (0, b""))
    registry.start()


def end_of(client, tried):
    """Waits until something newer than the last of these revisions is told."""
    wait_for(lambda: client.signals and client.signals[-1][2] > tried, "the trial's end")
    return client.signals[-1][2]


@test
def trials_on_top_of_each_other_are_all_undone():
    with Registry() as registry:
        client = registry.client
        client.watch(KEY)
        for name, first, second in [("older ends first", 1, 2), ("newer ends first", 2, 1)]:
            for before in [None, "before"]:
                client.set(KEY, "kept", REG_SZ, name + str(before))
                if before:
                    client.set(KEY, name, REG_SZ, before)
                then = everything(client, KEY)
                sub = f"{KEY}\\{name}"
                client.commit([("set-value", KEY, name, REG_SZ, "first"), ("set-value", KEY, "alone", REG_SZ, "first"),
                               ("create-key", sub)], confirm_within=first)
                tried = client.commit([("set-value", KEY, name, REG_SZ, "second"),
                                       ("set-value", sub, "n", REG_SZ, "second")], confirm_within=second)
                end_of(client, end_of(client, tried))
                equal(everything(client, KEY), then, f"{name}, {before}")
        check_database(registry)


@test
def a_trial_that_leaves_nothing_to_undo_takes_no_revision():
    with Registry() as registry:
        client = registry.client
        client.watch(KEY)
        client.set(KEY, "n", REG_SZ, "before")
        client.commit([("set-value", KEY, "n", REG_SZ, "other")], confirm_within=1)
        back = client.commit([("set-value", KEY, "n", REG_SZ, "before")], confirm_within=2)
        last = client.commit([("set-value", KEY, "later", REG_SZ, "x")], confirm_within=3)
        equal(end_of(client, last), last + 1)
        equal(client.signals[-1][3], [("value-deleted", KEY, "later")])
        client.refused("InvalidValue", "Confirm", "t", dbus.UInt64(back))
        equal(client.get(KEY, "n")[2], "before")
        check_database(registry)


@test
def what_became_a_link_during_a_trial_stays_one():
    with Registry() as registry:
        client = registry.client
        client.set(KEY + "\\Gone", "v", REG_SZ, "x")
        client.set(KEY, "v", REG_SZ, "x")
        client.watch(KEY)
        tried = client.commit([("delete-tree", KEY + "\\Gone"), ("delete-value", KEY, "v")], confirm_within=1)
        client.create(KEY + "\\Gone", link=SOFTWARE)
        end_of(client, tried + 1)
        equal(everything(client, KEY), [(KEY, [("v", REG_SZ, "x")]),
                                        (KEY + "\\Gone", [("SymbolicLinkValue", REG_LINK, SOFTWARE)])])
        check_database(registry)


@test
def a_trial_goes_back_to_what_was_confirmed_or_changed_meanwhile():
    with Registry() as registry:
        client = registry.client
        client.watch(KEY)
        confirmed = client.commit([("set-value", KEY, "n", REG_SZ, "confirmed")], confirm_within=1000)
        first = client.commit([("set-value", KEY, "m", REG_SZ, "first"), ("set-value", KEY, "last", REG_SZ, "x")],
                              confirm_within=2)
        client.set(KEY, "m", REG_SZ, "mine")
        second = client.commit([("set-value", KEY, "n", REG_SZ, "second"), ("set-value", KEY, "m", REG_SZ, "second")],
                               confirm_within=1)
        client.call("Confirm", "t", dbus.UInt64(confirmed))
        equal(client.signals[-1][3] if end_of(client, second) else None,
              [("value-set", KEY, "m"), ("value-set", KEY, "n")])
        client.refused("InvalidValue", "Confirm", "t", dbus.UInt64(second))
        end_of(client, second + 1)
        equal(client.signals[-1][3], [("value-deleted", KEY, "last")])
        client.refused("InvalidValue", "Confirm", "t", dbus.UInt64(first))
        equal((client.get(KEY, "n")[2], client.get(KEY, "m")[2]), ("confirmed", "mine"))


@test
def a_trial_ends_over_a_restart():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "before")
        then = client.revision
        client.set(KEY, "n", REG_SZ, "tried")
        tried, _ = roll_back(client, KEY, then, confirm_within=2)
        registry.kill()
        registry.start()
        client = registry.connect()
        client.watch(KEY, since=tried)
        signals = client.wait_for_signals(1)
        equal([(signal[2], signal[3]) for signal in signals], [(tried + 1, [("value-set", KEY, "n")])])
        equal(client.get(KEY, "n")[2], "tried")


@test
def a_trial_that_is_confirmed_stays():
    needs_root()
    with Registry() as registry:
        root, alice, bob = registry.client, registry.connect(uid=ALICE), registry.connect(uid=BOB)
        first = alice.commit([("set-value", "HKCU\\Acme", "n", REG_SZ, "x")], confirm_within=86_400)
        second = alice.commit([("set-value", "HKCU\\Acme", "n", REG_SZ, "y")], confirm_within=86_400)
        bob.refused("AccessDenied", "Confirm", "t", dbus.UInt64(first))
        alice.call("Confirm", "t", dbus.UInt64(first))
        root.call("Confirm", "t", dbus.UInt64(second))
        for revision in (first, second, 0, 1, 1 << 60):
            root.refused("InvalidValue", "Confirm", "t", dbus.UInt64(revision), naming=str(revision))
        equal(alice.get("HKCU\\Acme", "n")[2], "y")
        equal(root.revision, second)


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


@test
def a_trial_of_a_users_first_write_is_told_to_him():
    needs_root()
    with Registry() as registry:
        alice = registry.connect(uid=ALICE)
        alice.watch("HKCU")
        alice.commit([("set-value", "HKCU", "n", REG_SZ, "x")], confirm_within=1)
        alice.wait_for_signals(2)
        equal(history(alice, "HKCU", limit=1)[0]["comment"], "not confirmed")


@test
def trials_have_limits():
    with Registry() as registry:
        client = registry.client
        for seconds in (0, 86_401, 0xFFFFFFFF):
            client.refused("InvalidValue", "Commit", "a(sssuv)a{sv}",
                           operation_list([("set-value", KEY, "n", REG_SZ, "x")]), options(confirm_within=seconds))
            client.refused("InvalidValue", "Rollback", "sta{sv}", KEY, dbus.UInt64(1), options(confirm_within=seconds))
        for number in range(16):
            client.commit([("set-value", KEY, "n", REG_DWORD, number)], confirm_within=600)
        client.refused("LimitExceeded", "Commit", "a(sssuv)a{sv}",
                       operation_list([("set-value", KEY, "n", REG_SZ, "x")]), options(confirm_within=600))
        client.set(KEY, "n", REG_SZ, "without one")


# ---- PurgeHistory ----

@test
def what_is_purged_is_forgotten():
    needs_root()
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "Password", REG_SZ, "by mistake 1")
        client.set(KEY, "Other", REG_SZ, "stays 1")
        then = client.revision
        client.set(KEY, "Password", REG_SZ, "by mistake 2")
        client.set(KEY, "Other", REG_SZ, "stays 2")
        client.unset(KEY, "Password")
        client.set(KEY + "\\Sub", "n", REG_SZ, "below 1")
        client.set(KEY + "\\Sub", "n", REG_SZ, "below 2")
        registry.connect(uid=ALICE).refused("AccessDenied", "PurgeHistory", "ssa{sv}", KEY, "Password", options())
        client.call("PurgeHistory", "ssa{sv}", KEY, "PASSWORD", options())
        shown = repr(history(client, KEY))
        check("by mistake" not in shown and "stays 1" in shown and "below 1" in shown, shown)
        for change in (change for entry in history(client, KEY) for change in entry["changes"]):
            equal(change.get("purged", False), change["name"] == "Password", str(change))
        client.refused("HistoryGone", "Rollback", "sta{sv}", KEY, dbus.UInt64(then), options(), naming="Password")
        client.refused("InvalidValue", "PurgeHistory", "ssa{sv}", KEY, "Password", options(recursive=True))
        client.call("PurgeHistory", "ssa{sv}", KEY, "", options(recursive=True))
        shown = repr(history(client, KEY))
        check("stays 1" not in shown and "below 1" not in shown, shown)
        equal((client.get(KEY, "Other")[2], client.get(KEY + "\\Sub", "n")[2]), ("stays 2", "below 2"))
        client.refused("KeyNotFound", "PurgeHistory", "ssa{sv}", KEY + "\\Never", "", options(recursive=True))
        client.create(SOFTWARE + "\\Link", link=KEY)
        client.set(KEY, "Token", REG_SZ, "by link 1")
        client.set(KEY, "Token", REG_SZ, "by link 2")
        client.call("PurgeHistory", "ssa{sv}", SOFTWARE + "\\Link", "", options(recursive=True, no_follow=True))
        check("by link 1" in repr(history(client, KEY)), "a link itself has nothing of its target")
        client.call("PurgeHistory", "ssa{sv}", SOFTWARE + "\\Link", "Token", options())
        check("by link 1" not in repr(history(client, KEY)), "links are followed")
        registry.stop()
        left = b"".join(path.read_bytes() for path in registry.database.parent.iterdir())
        for text in ("by mistake 1", "by mistake 2", "below 1", "stays 1", "by link 1"):
            check(text.encode() not in left and text.encode("utf-16-le") not in left, f"{text!r} is still in the files")


main()
