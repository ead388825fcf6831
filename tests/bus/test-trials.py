# SPDX-License-Identifier: MIT
"""Changes on trial: undone unless somebody confirms them in time."""

import json
import subprocess
import time

import dbus

from harness.bus import ALICE, BOB, needs_root, own_name, wait_for
from harness.case import check, equal, main, rows, test
from harness.registry import (REG_DWORD, REG_LINK, REG_SZ, SOFTWARE, Registry, operation_list, options)
from harness.regctl import done
from harness.past import everything, history, roll_back, state

KEY = SOFTWARE + "\\Acme"


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


@rows([("volatile", True), ("lasting", False)])
def a_volatile_key_made_anew_is_volatile_again_unless_what_is_in_it_lasts(volatile):
    with Registry() as registry:
        client = registry.client
        client.create(KEY, volatile=True)
        tried = client.commit([("delete-tree", KEY), ("create-key", KEY), ("create-key", KEY + "\\Tried")],
                              confirm_within=1)
        check(not client.info(KEY).get("volatile"), "made anew it is not volatile")
        client.create(KEY + "\\Sub", volatile=volatile)
        wait_for(lambda: client.revision > tried + 1, "the trial's end")
        equal((bool(client.info(KEY).get("volatile")), client.keys(KEY)), (volatile, ["Sub"]))
        check_database(registry)
        registry.restart()
        equal(client.keys(SOFTWARE).count("Acme"), 0 if volatile else 1)


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
def a_trial_can_be_undone_at_once():
    with Registry() as registry:
        client, other = registry.client, registry.connect()
        client.set(KEY, "n", REG_SZ, "old")
        tried = client.commit([("set-value", KEY, "n", REG_SZ, "new"), ("set-value", KEY, "m", REG_SZ, "new")], confirm_within=600)
        client.set(KEY, "m", REG_SZ, "changed since")
        other.watch(KEY)
        client.call("EndTrial", "t", dbus.UInt64(tried))
        equal(len(other.received()), 1)
        equal((client.get(KEY, "n")[2], client.get(KEY, "m")[2]), ("old", "changed since"))
        equal(history(client, KEY)[0]["comment"], "not kept")
        equal(client.call("ListTrials", "a{sv}", options()), [])
        for method in ("EndTrial", "Confirm"):
            client.refused("InvalidValue", method, "t", dbus.UInt64(tried), naming=str(tried))


@test
def nobody_ends_anothers_trial():
    needs_root()
    with Registry() as registry:
        root, alice, bob = registry.client, registry.connect(uid=ALICE), registry.connect(uid=BOB)
        tried = alice.commit([("set-value", "HKCU", "n", REG_SZ, "x")], confirm_within=600)
        bob.refused("AccessDenied", "EndTrial", "t", dbus.UInt64(tried), naming=str(tried))
        equal(alice.get("HKCU", "n")[2], "x")
        root.call("EndTrial", "t", dbus.UInt64(tried))
        alice.refused("KeyNotFound", "GetValue", "ss", "HKCU", "n")
        # Whoever has lost their rights since still gets rid of what they tried.
        root.create(KEY)
        root.set_acl(KEY, ("everyone", "write"))
        tried = alice.commit([("set-value", KEY, "n", REG_SZ, "x")], confirm_within=600)
        root.set_acl(KEY, ("everyone", "none"))
        alice.call("EndTrial", "t", dbus.UInt64(tried))
        root.refused("ValueNotFound", "GetValue", "ss", KEY, "n")


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


@test
def trials_under_way_are_listed():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        equal(client.call("ListTrials", "a{sv}", options()), [])
        client.set(KEY, "n", REG_SZ, "old")
        started = time.time()
        first = client.commit([("set-value", KEY, "n", REG_SZ, "new"), ("set-value", KEY, "m", REG_SZ, "new"),
                               ("create-key", KEY + "\\Sub")], confirm_within=600, comment="why")
        second = alice.commit([("set-value", "HKCU", "mine", REG_SZ, "x")], confirm_within=600)
        both = client.call("ListTrials", "a{sv}", options())
        equal([(trial["revision"], trial["uid"], trial["comment"]) for trial in both], [(first, 0, "why"), (second, ALICE, "")])
        equal(both[0]["keys"], [KEY, KEY + "\\Sub"])
        equal([(change["kind"], change["name"], change.get("old-data"), change.get("new-data")) for change in both[0]["changes"]],
              [("value-set", "n", "old", "new"), ("value-set", "m", None, "new"), ("key-created", "", None, None)])
        check(0 < both[0]["deadline"] / 1e6 - started - 600 < 60, "the deadline is told")
        client.set_acl(KEY, ("everyone", "none"))
        equal([trial["revision"] for trial in alice.call("ListTrials", "a{sv}", options())], [second])
        registry.restart()
        client = registry.client
        client.call("Confirm", "t", dbus.UInt64(first))
        equal([trial["revision"] for trial in client.call("ListTrials", "a{sv}", options())], [second])


@test
def regctl_lists_trials():
    with Registry() as registry:
        equal((done(registry, "trials"), done(registry, "--json", "trials")), ("", "[]\n"))
        registry.client.set(KEY, "n", REG_SZ, "old")
        done(registry, "--comment=a try", "--confirm-within=600", "set", KEY, "n", "new")
        revision = registry.client.revision
        head, change = done(registry, "trials").splitlines()
        fields = head.split("\t")
        equal((fields[0], fields[2], fields[5]), (str(revision), own_name(), "a try"))
        check(fields[4].startswith("until 20"), head)
        equal(change, f"\tvalue-set\t{KEY}\tn\tREG_SZ old -> REG_SZ new")
        told, = json.loads(done(registry, "--json", "trials"))
        equal((told["revision"], told["comment"], len(told["changes"])), (revision, "a try", 1))
        check(told["deadline"] > told["time"], "the deadline is told")
        done(registry, "confirm", str(revision))
        equal(done(registry, "trials"), "")
        done(registry, "--confirm-within=600", "set", KEY, "n", "newer")
        done(registry, "undo", str(revision + 1))
        equal(done(registry, "trials"), "")
        equal(done(registry, "get", KEY, "n"), "new\n")


@test
def a_users_link_does_not_become_an_administrators_by_a_trials_end():
    needs_root()
    # Whoever follows it would be led into their own branch.
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        own = f"HKEY_USERS\\{ALICE}"
        for user in (client, alice):
            user.set("HKCU\\Here", "n", REG_SZ, "x")
        alice.commit([("create-link", own + "\\Link", "", 0, "HKCU\\Here")])
        client.refused("AccessDenied", "GetValue", "ss", own + "\\Link", "n")
        client.watch(own, recursive=True)
        tried = alice.commit([("delete-key", own + "\\Link"), ("create-link", own + "\\Link", "", 0, own)],
                             confirm_within=1)
        wait_for(lambda: client.signals and client.signals[-1][2] > tried, "the trial's end")
        client.refused("AccessDenied", "GetValue", "ss", own + "\\Link", "n")


main()
