# SPDX-License-Identifier: MIT
"""Locks: what nobody can change until it is unlocked, by every way of changing it;
what lets it pass, who is told, and that it survives."""

import json
import os
import time

from harness.bus import ALICE, BOB, needs_root, own_name, wait_for
from harness.case import check, contains, equal, main, rows, test
from harness.registry import PARAMETERS, REG_DWORD, REG_SZ, SOFTWARE, Registry, operation_list, options, variant
from harness.regctl import DENIED, INVALID, USAGE, done, refused

REASON = "the printers rely on it"
ABOVE = SOFTWARE + "\\Vendor"
KEY = ABOVE + "\\Acme"


def lock(client, key, name, reason=REASON, **given):
    return client.call("Lock", "sssa{sv}", key, name, reason, options(**given))


def unlock(client, key, name, **given):
    return client.call("Unlock", "ssa{sv}", key, name, options(**given))


def told(client, key, **given):
    return [(change["kind"], change["key"], change["name"], change.get("old-data"), change.get("new-data"))
            for entry in client.call("GetHistory", "sa{sv}", key, options(**given)) for change in entry["changes"]]


def import_text(registry, text, *words):
    file = registry.directory / "a.reg"
    file.write_text("Windows Registry Editor Version 5.00\n\n" + text)
    return ("import", *words, str(file))


# Every way that would change the value "n" of KEY from "x".
WAYS = [
    ("set", ("SetValue", "ssuv", KEY, "n", REG_SZ, variant("y"))),
    ("set in another case", ("SetValue", "ssuv", KEY.upper(), "N", REG_SZ, variant("y"))),
    ("another type", ("SetValue", "ssuv", KEY, "n", REG_DWORD, variant(1))),
    ("delete", ("DeleteValue", "ss", KEY, "n")),
    ("commit", ("Commit", "a(sssuv)a{sv}", operation_list([("set-value", KEY, "n", REG_SZ, "y")]), options())),
    ("dry commit", ("Commit", "a(sssuv)a{sv}", operation_list([("delete-value", KEY, "n")]), options(dry_run=True))),
    ("delete the key", ("DeleteKey", "sa{sv}", KEY, options())),
    ("delete a branch above", ("DeleteKey", "sa{sv}", ABOVE, options(recursive=True))),
    ("rename the key", ("RenameKey", "ss", KEY, "Other")),
    ("rename a key above", ("RenameKey", "ss", ABOVE, "Other")),
]


@rows(WAYS)
def nobody_changes_a_locked_value(way):
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "x")
        lock(client, KEY, "n")
        before = client.revision
        client.refused("Locked", *way, naming=("Acme", REASON, f"user {os.getuid()}", "20"))
        equal(client.revision, before)
        equal(client.get(KEY, "n"), (REG_SZ, "s", "x"))
        unlock(client, KEY, "N")
        client.raw(*way)


@test
def rollback_and_import_are_held_up_too():
    with Registry() as registry:
        client = registry.client
        then = client.set(KEY, "n", REG_SZ, "x")
        client.set(KEY, "n", REG_SZ, "y")
        lock(client, KEY, "n")
        client.refused("Locked", "Rollback", "sta{sv}", KEY, then, options(), naming=("n", REASON))
        refused(registry, DENIED, *import_text(registry, f'[{KEY}]\n"n"="z"\n'), naming=["n", REASON])
        refused(registry, DENIED, *import_text(registry, f"[-{ABOVE}]\n"), naming=["n", REASON])
        done(registry, *import_text(registry, f'[{KEY}]\n"n"="y"\n"other"="z"\n'))
        equal(client.get(KEY, "n")[2], "y")


@test
def a_write_that_changes_nothing_passes():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "x")
        lock(client, KEY, "", recursive=True)
        before = client.revision
        equal(client.set(KEY, "n", REG_SZ, "x"), before)
        equal(client.create(KEY), (before, False))
        equal(client.commit([("set-value", KEY, "n", REG_SZ, "x")]), before)


@test
def the_neighbours_of_a_locked_value_are_free():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "x")
        lock(client, KEY, "n")
        client.set(KEY, "m", REG_SZ, "x")
        client.set(KEY + "\\Below", "n", REG_SZ, "x")
        client.set_acl(KEY, ("everyone", "read"))
        client.unset(KEY, "m")


@test
def an_empty_name_is_the_default_value():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "", REG_SZ, "x")
        lock(client, KEY, "")
        client.refused("Locked", "SetValue", "ssuv", KEY, "", REG_SZ, variant("y"), naming="(default)")
        client.set(KEY, "n", REG_SZ, "x")
        equal(client.call("Describe", "ss", KEY, "")["locked"], REASON)
        check("locked" not in client.info(KEY), "the key itself is not locked")


@test
def a_recursive_lock_covers_everything_below():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "x")
        client.create(KEY + "\\Link", link=SOFTWARE)
        client.set(SOFTWARE + "\\Other", "n", REG_SZ, "x")
        lock(client, ABOVE, "", recursive=True)
        for way in (("SetValue", "ssuv", KEY, "new", REG_SZ, variant("y")), ("DeleteValue", "ss", KEY, "n"),
                    ("CreateKey", "sa{sv}", KEY + "\\New", options()),
                    ("CreateKey", "sa{sv}", KEY + "\\Links", options(link="HKLM")),
                    ("DeleteKey", "sa{sv}", KEY + "\\Link", options()),
                    ("CopyKey", "ss", SOFTWARE + "\\Other", KEY + "\\Copy"),
                    ("SetAcl", "sa(ss)", KEY, [("everyone", "read")]), ("SetAcl", "sa(ss)", ABOVE, [("everyone", "read")]),
                    ("RenameKey", "ss", KEY, "Else"), ("DeleteKey", "sa{sv}", KEY, options(recursive=True))):
            client.refused("Locked", *way, naming=(REASON, ABOVE))
        equal(client.info(KEY)["locked"], REASON)
        equal(client.call("Describe", "ss", KEY, "n")["locked"], REASON)
        check("locked" not in client.info(SOFTWARE), "what is above is not locked")
        client.call("CopyKey", "ss", KEY, SOFTWARE + "\\Copy")
        client.set(SOFTWARE + "\\Copy", "n", REG_SZ, "y")
        unlock(client, ABOVE, "", recursive=True)
        client.set(KEY, "new", REG_SZ, "y")


@test
def what_is_not_there_can_be_locked():
    with Registry() as registry:
        client = registry.client
        lock(client, KEY, "n")
        lock(client, SOFTWARE + "\\Future", "", recursive=True)
        client.refused("KeyNotFound", "GetKeyInfo", "sa{sv}", KEY, options())
        client.set(KEY, "m", REG_SZ, "x")
        client.refused("Locked", "SetValue", "ssuv", KEY, "n", REG_SZ, variant("y"), naming=("n", REASON))
        client.refused("Locked", "SetValue", "ssuv", SOFTWARE + "\\Future\\Key", "n", REG_SZ, variant("y"), naming=REASON)
        equal(client.call("Describe", "ss", KEY, "n"), {"locked": REASON})
        contains([kind for kind, *_ in told(client, SOFTWARE + "\\Future")], "lock-changed")
        registry.restart()
        registry.client.refused("Locked", "SetValue", "ssuv", KEY, "n", REG_SZ, variant("y"), naming=REASON)


@test
def a_lock_is_history_and_is_signalled():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "x")
        watch = client.watch(ABOVE)[0]
        first = lock(client, KEY, "n", comment="why")
        equal(lock(client, KEY, "n"), first, "the same lock again")
        second = lock(client, KEY, "n", "another reason")
        third = unlock(client, KEY, "n")
        equal((second, third), (first + 1, first + 2))
        equal(told(client, KEY, limit=3),
              [("lock-changed", KEY, "n", "another reason", None), ("lock-changed", KEY, "n", REASON, "another reason"),
               ("lock-changed", KEY, "n", None, REASON)])
        equal(client.received(), [(watch, index + 1, revision, [("lock-changed", KEY, "n")])
                                  for index, revision in enumerate((first, second, third))])
        client.watch(ABOVE, since=first - 1)
        equal([changes for _, _, _, changes in client.wait_for_signals(6)[3:]], [[("lock-changed", KEY, "n")]] * 3)
        equal(client.get(KEY, "n")[2], "x")
        client.call("Rollback", "sta{sv}", KEY, first, options())


@test
def locking_takes_control():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        client.set(KEY, "n", REG_SZ, "x")
        client.set_acl(KEY, (f"user:{ALICE}", "write"))
        for key in (KEY, KEY + "\\None"):
            alice.refused("AccessDenied", "Lock", "sssa{sv}", key, "n", REASON, options(), naming="control")
            alice.refused("AccessDenied", "Unlock", "ssa{sv}", key, "n", options(), naming="control")
        client.set_acl(KEY, (f"user:{ALICE}", "control"))
        lock(alice, KEY, "n")
        alice.refused("Locked", "SetValue", "ssuv", KEY, "n", REG_SZ, variant("y"), naming=f"user {ALICE}")
        client.refused("Locked", "SetValue", "ssuv", KEY, "n", REG_SZ, variant("y"), naming=f"user {ALICE}")
        registry.connect(uid=BOB).refused("AccessDenied", "SetValue", "ssuv", KEY, "n", REG_SZ, variant("y"))
        unlock(client, KEY, "n")


@test
def a_lock_is_asked_for_rightly():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "x")
        for reason in ("", "a\nb", "x" * 1025):
            client.refused("InvalidValue", "Lock", "sssa{sv}", KEY, "n", reason, options(), naming="reason")
        client.refused("InvalidValue", "Lock", "sssa{sv}", KEY, "n", "x", options(recursive=True), naming="empty name")
        client.refused("InvalidValue", "Lock", "sssa{sv}", KEY, "n", "x", options(confirm_within=60), naming="trial")
        client.refused("InvalidValue", "Unlock", "ssa{sv}", KEY, "n", options(), naming="not locked")
        lock(client, ABOVE, "", recursive=True)
        client.refused("InvalidValue", "Unlock", "ssa{sv}", KEY, "n", options(), naming=(ABOVE, "recursive"))
        before = client.revision
        equal(lock(client, KEY, "n", dry_run=True), before)
        client.refused("InvalidValue", "Unlock", "ssa{sv}", KEY, "n", options(), naming="not locked")


@test
def a_trials_end_leaves_what_is_locked_and_says_so():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "old")
        client.set(KEY, "m", REG_SZ, "old")
        client.commit([("set-value", KEY, "n", REG_SZ, "new"), ("set-value", KEY, "m", REG_SZ, "new")], confirm_within=1)
        lock(client, KEY, "n")
        wait_for(lambda: client.get(KEY, "m")[2] == "old", "the end of the trial")
        equal(client.get(KEY, "n")[2], "new")
        contains(client.call("GetHistory", "sa{sv}", KEY, options(limit=1))[0]["comment"], "locked")
        unlock(client, KEY, "n")
        client.commit([("set-value", KEY, "n", REG_SZ, "newer")], confirm_within=1)
        last = lock(client, KEY, "", recursive=True)
        wait_for(lambda: client.revision > last, "the end of a trial of which all is locked")
        contains(client.call("GetHistory", "sa{sv}", KEY, options(limit=1))[0]["comment"], "locked")
        equal(client.get(KEY, "n")[2], "newer")


@test
def a_trials_end_counts_only_what_a_lock_has_kept():
    with Registry() as registry:
        client = registry.client
        client.create(ABOVE)
        client.commit([("create-key", KEY), ("set-value", KEY, "n", REG_SZ, "x"), ("set-value", ABOVE, "m", REG_SZ, "x")],
                      confirm_within=1)
        client.create(KEY + "\\ByHand")  # so the key stays in any case
        lock(client, KEY, "", recursive=True)
        wait_for(lambda: client.values(ABOVE) == [], "the end of the trial")
        contains(client.call("GetHistory", "sa{sv}", ABOVE, options(limit=1))[0]["comment"],
                 "; 1 of its changes stay, because they are locked")


def link_line(target):
    return '"SymbolicLinkValue"=hex(6):' + ",".join(f"{byte:02x}" for byte in target.encode("utf-16-le")) + "\n"


@rows([("a value", KEY, "n", False), ("a value below", KEY + "\\Below", "n", False), ("a key below", KEY + "\\Below", "", True)])
def a_link_leads_past_no_lock(key, name, recursive):
    with Registry() as registry:
        client = registry.client
        other = SOFTWARE + "\\Other"
        client.set(other, "n", REG_SZ, "x")
        lock(client, key, name, recursive=recursive)
        client.refused("Locked", "CreateKey", "sa{sv}", KEY, options(link=other), naming=REASON)
        refused(registry, DENIED, *import_text(registry, f"[{KEY}]\n{link_line(other)}"), naming=[REASON])
        unlock(client, key, name, recursive=recursive)
        done(registry, *import_text(registry, f"[{KEY}]\n{link_line(other)}"))
        equal(client.get(KEY, "n")[2], "x")


@test
def a_trials_end_brings_no_link_back_over_a_lock():
    with Registry() as registry:
        client = registry.client
        other = SOFTWARE + "\\Other"
        client.set(other, "n", REG_SZ, "x")
        client.create(KEY, link=other)
        client.commit([("delete-key", KEY), ("set-value", ABOVE, "m", REG_SZ, "new")], confirm_within=1)
        lock(client, KEY, "n")
        wait_for(lambda: "m" not in [value[0] for value in client.values(ABOVE)], "the end of the trial")
        client.refused("KeyNotFound", "GetValue", "ss", KEY, "n")
        contains(client.call("GetHistory", "sa{sv}", ABOVE, options(limit=1))[0]["comment"], "locked")


@test
def volatile_keys_go_with_a_restart_all_the_same():
    with Registry() as registry:
        registry.client.create(KEY, volatile=True)
        lock(registry.client, KEY, "", recursive=True)
        registry.restart()
        registry.client.refused("KeyNotFound", "GetKeyInfo", "sa{sv}", KEY, options())
        registry.client.refused("Locked", "CreateKey", "sa{sv}", KEY, options(), naming=REASON)


@test
def a_change_that_is_refused_locks_nothing():
    needs_root()
    with Registry() as registry:
        client = registry.client
        client.set(PARAMETERS, "Stored Bytes Per User", REG_DWORD, 4096)
        alice = registry.connect(uid=ALICE)
        alice.set("HKCU", "n", REG_SZ, "x")
        alice.refused("LimitExceeded", "Lock", "sssa{sv}", "HKCU", "n" * 4000, "x", options(), naming="Stored Bytes")
        alice.set("HKCU", "m", REG_SZ, "x")
        alice.refused("LimitExceeded", "SetValue", "ssuv", "HKCU", "n" * 4050, REG_SZ, variant("x"))


@test
def locks_of_a_user_are_limited():
    needs_root()
    with Registry() as registry:
        client, alice, bob = registry.client, registry.connect(uid=ALICE), registry.connect(uid=BOB)
        client.set(PARAMETERS, "Locks Per User", REG_DWORD, 3)
        client.set_acl(SOFTWARE, ("everyone", "control"))
        values = [("set-value", "HKCU", f"v{i}", REG_SZ, "x") for i in range(4)]
        for _ in range(2):  # what a refused change has locked is not locked, and not counted
            alice.refused("LimitExceeded", "Commit", "a(sssuv)a{sv}", operation_list(values), options(owner="o", lock=REASON),
                          naming="Locks Per User")
        for name in ("a", "b", "c"):
            lock(alice, "HKCU", name)
        refusing = ("LimitExceeded", "Lock", "sssa{sv}", KEY, "d", REASON, options())
        alice.refused(*refusing, naming="Locks Per User")
        lock(alice, "HKCU", "a", "for another reason")
        lock(bob, KEY, "b")
        alice.refused("LimitExceeded", "Lock", "sssa{sv}", KEY, "b", "mine", options(), naming="Locks Per User")
        for i in range(5):
            lock(client, KEY, f"n{i}")
        registry.restart()
        client, alice = registry.client, registry.connect(uid=ALICE)
        alice.refused(*refusing)
        unlock(alice, "HKCU", "c")
        lock(alice, KEY, "d")
        alice.refused("LimitExceeded", "Lock", "sssa{sv}", KEY, "e", REASON, options())


@test
def a_change_that_is_refused_leaves_locks_as_they_were():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        client.set(PARAMETERS, "Locks Per User", REG_DWORD, 3)
        client.set_acl("HKLM\\SOFTWARE", ("everyone", "control"))
        lock(alice, KEY, "b", "before")
        values = [("set-value", KEY, name, REG_SZ, "x") for name in "abcde"]
        alice.call("Commit", "a(sssuv)a{sv}", operation_list([values[0], ("create-key", KEY)]), options(owner="o"))
        for _ in range(2):
            alice.refused("LimitExceeded", "Commit", "a(sssuv)a{sv}", operation_list([values[0], *values[2:]]),
                          options(owner="o", lock=REASON))
        alice.set(KEY, "a", REG_SZ, "free")
        alice.refused("Locked", "SetValue", "ssuv", KEY, "b", REG_SZ, variant("y"), naming="before")


@test
def a_checked_database_has_sound_locks():
    with Registry() as registry:
        lock(registry.client, KEY, "n")
        lock(registry.client, f"HKU\\{ALICE}\\Key", "", recursive=True)
        registry.stop()
        equal(registry.run(*registry.command(), "--check").returncode, 0)
        registry.start()
        registry.client.refused("Locked", "SetValue", "ssuv", KEY, "n", REG_SZ, variant("y"), naming=REASON)


@test
def locks_are_listed():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        client.set(KEY, "n", REG_SZ, "x")
        started = time.time()
        lock(client, KEY, "n")
        lock(client, KEY + "\\New", "", recursive=True, reason="later")
        lock(client, ABOVE + "x", "", reason="beside")
        lock(alice, "HKCU", "mine")
        listed = client.call("ListLocks", "sa{sv}", ABOVE, options())
        for found in listed:
            check(abs(found.pop("time") / 1e6 - started) < 3600, "the time is told")
        equal(listed, [{"key": KEY, "name": "n", "reason": REASON, "uid": 0},
                       {"key": KEY + "\\New", "recursive": True, "reason": "later", "uid": 0}])
        equal([found["name"] for found in alice.call("ListLocks", "sa{sv}", "HKU", options(skip_unreadable=True))], ["mine"])
        alice.refused("AccessDenied", "ListLocks", "sa{sv}", "HKU", options())
        client.set_acl(KEY, ("everyone", "none"))
        equal(alice.call("ListLocks", "sa{sv}", ABOVE, options(skip_unreadable=True)), [])
        alice.refused("AccessDenied", "ListLocks", "sa{sv}", ABOVE, options(), naming=KEY)
        unlock(client, KEY, "n")
        equal(len(client.call("ListLocks", "sa{sv}", "HKLM", options())), 2)


@test
def regctl_locks_and_unlocks():
    with Registry() as registry:
        registry.client.set(KEY, "n", REG_SZ, "x")
        done(registry, "lock", KEY, "n", f"--reason={REASON}")
        refused(registry, DENIED, "set", KEY, "n", "y", naming=["n", REASON, f"user {os.getuid()}"])
        contains(done(registry, "describe", KEY, "n"), f"locked: {REASON}")
        contains(done(registry, "history", "-n", "1", KEY), REASON)
        equal([json.loads(done(registry, "--json", "lock", KEY, "n", "--reason=other"))["changed"] for _ in range(2)],
              [True, False])
        done(registry, "unlock", KEY, "n")
        done(registry, "lock", "-r", KEY, f"--reason={REASON}")
        contains(done(registry, "info", KEY), f"locked: {REASON}")
        equal(json.loads(done(registry, "--json", "unlock", "-r", KEY))["changed"], True)
        refused(registry, INVALID, "unlock", "-r", KEY, naming=["not locked"])
        refused(registry, USAGE, "lock", KEY, "n", naming=["--reason"])
        refused(registry, USAGE, "lock", KEY, "--reason=x", naming=["-r"])
        refused(registry, USAGE, "lock", "-r", KEY, "n", "--reason=x", naming=["-r"])


@test
def regctl_lists_locks():
    with Registry() as registry:
        equal((done(registry, "locks"), done(registry, "--json", "locks")), ("", "[]\n"))
        lock(registry.client, KEY, "n")
        lock(registry.client, KEY, "")
        lock(registry.client, ABOVE + "\\Beside", "", recursive=True)
        for words in ((), ("HKLM",), (ABOVE,)):
            listed = [line.split("\t") for line in done(registry, "locks", *words).splitlines()]
            equal([line[:3] + line[4:] for line in listed],
                  [[KEY, "@", own_name(), REASON], [KEY, "n", own_name(), REASON], [ABOVE + "\\Beside\\", "", own_name(), REASON]])
        equal(done(registry, "locks", KEY).count("\n"), 2)
        told = json.loads(done(registry, "--json", "locks", ABOVE))
        equal([(each["key"], each["name"], each["recursive"], each["reason"], each["uid"]) for each in told],
              [(KEY, "", False, REASON, os.geteuid()), (KEY, "n", False, REASON, os.geteuid()),
               (ABOVE + "\\Beside", "", True, REASON, os.geteuid())])


@test
def status_counts_trials_locks_and_drift():
    needs_root()
    with Registry() as registry:
        def told(**given):
            status = json.loads(done(registry, "--json", "status", **given))
            return [status[name] for name in ("trials", "locks", "drifted")]

        client = registry.client
        equal(told(), [0, 0, 0])
        lock(client, KEY, "n")
        lock(client, "HKU\\.DEFAULT", "", recursive=True)
        client.call("CommitReport", "a(sssuv)a{sv}", operation_list([("set-value", KEY, name, REG_SZ, "x") for name in "abc"]),
                    options(owner="me"))
        client.set(KEY, "a", REG_SZ, "y")
        client.unset(KEY, "b")
        client.commit([("set-value", ABOVE, "n", REG_SZ, "y")], confirm_within=600)
        equal(told(), [1, 2, 2])
        for line in ("trials: 1\n", "locks: 2\n", "drifted: 2\n"):
            contains(done(registry, "status"), line)
        client.set_acl(ABOVE, ("everyone", "none"))
        equal(told(uid=ALICE), [0, 1, 0])


main()
