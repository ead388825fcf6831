# SPDX-License-Identifier: MIT
"""Declared settings: owners, drift, pruning, conflicts, what they survive, and the
locks that an owner passes."""

import json
import time

from harness.bus import ALICE, needs_root
from harness.case import check, contains, equal, main, test
from harness.registry import REG_DWORD, REG_SZ, SOFTWARE, Registry, operation_list, options, variant
from harness.regctl import CONFLICT, DENIED, FAILED, USAGE, done, refused, regctl

KEY = SOFTWARE + "\\Acme"
OWNER = "puppet"
HEAD = "Windows Registry Editor Version 5.00\n\n"
TOLD = ("values-set", "values-deleted", "values-unchanged", "values-pruned", "keys-pruned", "values-drifted", "changed")


def commit(client, *operations, owner=OWNER, **given):
    """The report of a commit by an owner: what it counts."""
    _, report = client.call("CommitReport", "a(sssuv)a{sv}", operation_list(operations), options(owner=owner, **given))
    return {name: report[name] for name in TOLD if report[name]}


def value(name, data, key=KEY):
    return ("set-value", key, name, REG_SZ, data)


def declared(client, key="HKLM", **given):
    return client.call("ListDeclared", "sa{sv}", key, options(**given))


def write(registry, name, text):
    file = registry.directory / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(HEAD + text)
    return str(file)


@test
def what_is_set_is_declared_at_once():
    with Registry() as registry:
        client = registry.client
        equal(commit(client, value("a", "1"), ("create-key", KEY + "\\Empty"), ("delete-value", KEY, "a")),
              {"values-set": 1, "values-deleted": 1, "changed": True})
        equal(declared(client), [(KEY, "a", OWNER, True), (KEY + "\\Empty\\", "", OWNER, True)])
        equal(declared(client, owner="other"), [])
        equal(declared(client, KEY + "\\Empty"), [(KEY + "\\Empty\\", "", OWNER, True)])
        equal(client.info(KEY + "\\Empty")["declared-by"], [OWNER])
        equal(client.call("Describe", "ss", KEY, "a")["declared-by"], [OWNER])


@test
def what_is_too_much_for_one_answer_is_refused_by_its_key():
    with Registry() as registry:
        client = registry.client
        for number in range(19):
            commit(client, value(str(number), "x" * 450000))
        client.refused("LimitExceeded", "ListDeclared", "sa{sv}", "HKLM", options(), naming="HKEY_LOCAL_MACHINE: ")
        equal(len(declared(client, KEY + "\\Empty")), 0)


@test
def declaring_what_is_there_is_no_revision():
    with Registry() as registry:
        client = registry.client
        before = client.set(KEY, "a", REG_SZ, "1")
        equal(commit(client, value("a", "1")), {"values-unchanged": 1})
        equal(declared(client), [(KEY, "a", OWNER, True)])
        equal(commit(client, value("a", "1")), {"values-unchanged": 1})
        equal(client.revision, before)
        registry.restart()
        equal(declared(registry.client), [(KEY, "a", OWNER, True)])


@test
def a_dry_run_declares_nothing():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "a", REG_SZ, "1")
        for given in ({"dry_run": True}, {"dry_run": True, "prune": True}):
            equal(commit(client, value("a", "1"), **given), {"values-unchanged": 1})
        equal(declared(client), [])
        commit(client, value("a", "1"), value("b", "2"))
        equal(commit(client, value("a", "1"), prune=True, dry_run=True),
              {"values-unchanged": 1, "values-pruned": 1, "changed": True})
        equal(client.get(KEY, "b")[2], "2")
        equal(len(declared(client)), 2)


@test
def what_others_change_has_drifted_and_is_put_right():
    with Registry() as registry:
        client = registry.client
        commit(client, value("a", "1"), value("b", "2"), value("c", "3"))
        client.set(KEY, "a", REG_SZ, "by hand")
        client.unset(KEY, "b")
        equal([met for *_, met in declared(client)], [False, False, True])
        equal(commit(client, value("a", "1"), value("b", "2"), value("c", "3")),
              {"values-set": 2, "values-unchanged": 1, "values-drifted": 2, "changed": True})
        equal([met for *_, met in declared(client)], [True, True, True])
        equal(commit(client, value("a", "new"), value("b", "2"), value("c", "3")),
              {"values-set": 1, "values-unchanged": 2, "changed": True})
        client.set(KEY, "a", REG_SZ, "newer")
        equal(commit(client, value("a", "newer")), {"values-unchanged": 1, "values-drifted": 1})


@test
def a_file_that_makes_a_key_anew_has_not_drifted():
    with Registry() as registry:
        file = write(registry, "a.reg", f'[-{KEY}]\n\n[{KEY}]\n"a"="1"\n')
        done(registry, "apply", f"--owner={OWNER}", file)
        told = json.loads(done(registry, "--json", "apply", f"--owner={OWNER}", file))
        equal((told["changed"], told["report"]["values-drifted"]), (False, 0))


@test
def what_is_declared_absent_stays_away_and_is_not_pruned():
    with Registry() as registry:
        client = registry.client
        file = write(registry, "a.reg", f'[{KEY}]\n"a"=-\n')
        done(registry, "apply", f"--owner={OWNER}", file)
        equal(declared(client), [(KEY + "\\", "", OWNER, True), (KEY, "a", OWNER, True)])
        client.set(KEY, "a", REG_SZ, "x")
        equal(declared(client)[1], (KEY, "a", OWNER, False))
        equal(commit(client, prune=True), {})
        equal(declared(client), [])
        equal(client.get(KEY, "a")[2], "x")


@test
def pruning_takes_back_what_is_declared_no_more():
    with Registry() as registry:
        client = registry.client
        sub = KEY + "\\Sub"
        commit(client, ("create-key", KEY), ("create-key", sub), value("a", "1"), value("b", "2", sub), value("c", "3"))
        client.set(KEY, "hand", REG_SZ, "x")
        client.set(KEY, "c", REG_SZ, "by hand")
        before = client.revision
        equal(commit(client, value("a", "1"), prune=True),
              {"values-unchanged": 1, "values-pruned": 2, "keys-pruned": 1, "values-drifted": 1, "changed": True})
        equal(client.revision, before + 1)
        equal([name for name, *_ in client.values(KEY)], ["a", "hand"])
        equal(client.keys(KEY), [])
        equal(declared(client), [(KEY, "a", OWNER, True)])
        equal(commit(client, prune=True), {"values-pruned": 1, "changed": True})
        equal([name for name, *_ in client.values(KEY)], ["hand"])


@test
def what_others_declare_alike_stays():
    with Registry() as registry:
        client = registry.client
        commit(client, ("create-key", KEY), value("a", "1"), value("b", "1"))
        commit(client, ("create-key", KEY), value("a", "1"), owner="other")
        equal(commit(client, prune=True), {"values-pruned": 1, "changed": True})
        equal(client.get(KEY, "a")[2], "1")
        equal(commit(client, prune=True, owner="other"), {"values-pruned": 1, "keys-pruned": 1, "changed": True})
        client.refused("KeyNotFound", "GetKeyInfo", "sa{sv}", KEY, options())


@test
def two_owners_declare_one_thing_only_alike():
    with Registry() as registry:
        client = registry.client
        commit(client, value("a", "1"))
        before = client.revision
        for operation in (value("a", "2"), ("set-value", KEY, "A", REG_DWORD, 1), ("delete-value", KEY, "a")):
            client.refused("Conflict", "Commit", "a(sssuv)a{sv}", operation_list([operation]), options(owner="other"),
                           naming=(OWNER, "a"))
        equal(client.revision, before)
        commit(client, value("a", "2"))
        client.set(KEY, "a", REG_SZ, "anybody else")
        commit(client, value("a", "between"), value("a", "2"), owner="other")


@test
def declarations_survive_and_go_along_with_a_rename():
    with Registry() as registry:
        client = registry.client
        commit(client, ("create-key", KEY + "\\Sub"), value("n", "1", KEY + "\\Sub"))
        client.delete(KEY, recursive=True)
        equal(declared(client), [(KEY + "\\Sub\\", "", OWNER, False), (KEY + "\\Sub", "n", OWNER, False)])
        commit(client, ("create-key", KEY + "\\Sub"), value("n", "1", KEY + "\\Sub"))
        client.call("RenameKey", "ss", KEY, "Other name")
        moved = SOFTWARE + "\\Other name\\Sub"
        equal(declared(client), [(moved + "\\", "", OWNER, True), (moved, "n", OWNER, True)])
        backup = registry.directory / "copy.db"
        done(registry, "backup", str(backup))
        commit(client, prune=True)
        equal(declared(client), [])
        registry.stop()
        equal(registry.run(*registry.command(), f"--restore={backup}").returncode, 0)
        registry.start()
        equal(len(declared(registry.client)), 2)
        registry.stop()
        equal(registry.run(*registry.command(), "--check").returncode, 0)
        registry.start()


@test
def a_rollback_changes_no_declaration():
    with Registry() as registry:
        client = registry.client
        then = client.set(KEY, "n", REG_SZ, "old")
        commit(client, value("n", "new"))
        client.call("Rollback", "sta{sv}", KEY, then, options())
        equal(declared(client), [(KEY, "n", OWNER, False)])


@test
def disowning_leaves_the_values():
    with Registry() as registry:
        client = registry.client
        commit(client, value("n", "1"))
        before = client.revision
        equal(client.call("Disown", "sa{sv}", OWNER, options()), before)
        equal((declared(client), client.get(KEY, "n")[2]), ([], "1"))
        equal(client.call("Disown", "sa{sv}", "nobody", options()), before)


@test
def options_are_checked():
    with Registry() as registry:
        client = registry.client
        for given in ({"owner": ""}, {"owner": "x" * 256}, {"owner": "a\nb"}, {"prune": True}, {"lock": "why"},
                      {"owner": "x", "lock": ""}, {"owner": "x", "lock": "y", "confirm_within": 60}):
            client.refused("InvalidValue", "Commit", "a(sssuv)a{sv}", operation_list([value("n", "1")]), options(**given))
        commit(client, value("n", "1"), owner="é" * 127)


@test
def an_owner_passes_the_locks_of_what_it_had_declared():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        commit(client, value("n", "1"), lock="puppet's")
        client.refused("Locked", "SetValue", "ssuv", KEY, "n", REG_SZ, variant("2"), naming=("puppet's", "n"))
        equal(commit(client, value("n", "2")), {"values-set": 1, "changed": True})
        client.refused("Locked", "Commit", "a(sssuv)a{sv}", operation_list([value("n", "3")]), options(owner="other"))
        client.set_acl(KEY, (f"user:{ALICE}", "write"), ("everyone", "read"))
        alice.refused("Locked", "Commit", "a(sssuv)a{sv}", operation_list([value("n", "3")]), options(owner=OWNER))
        client.call("Lock", "sssa{sv}", KEY, "", "all of it", options(recursive=True))
        client.refused("Locked", "Commit", "a(sssuv)a{sv}", operation_list([value("new", "1")]), options(owner=OWNER))
        equal(commit(client, value("n", "4")), {"values-set": 1, "changed": True})
        equal(commit(client, prune=True), {"values-pruned": 1, "changed": True})
        client.refused("Locked", "SetValue", "ssuv", KEY, "n", REG_SZ, variant("2"), naming="puppet's")


@test
def users_take_back_only_what_they_may_write():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        client.set_acl(SOFTWARE, ("everyone", "none"))
        commit(client, value("n", "1"))
        for member, *arguments in (("Commit", "a(sssuv)a{sv}", operation_list([]), options(owner=OWNER, prune=True)),
                                   ("Disown", "sa{sv}", OWNER, options())):
            refusal = alice.refused("AccessDenied", member, *arguments, naming=OWNER)
            check("Acme" not in refusal.text, refusal.text)
        alice.refused("AccessDenied", "ListDeclared", "sa{sv}", KEY, options())
        equal(declared(alice, "HKLM", skip_unreadable=True), [])
        commit(alice, value("n", "1", "HKCU"), owner="mine")
        equal(declared(alice, "HKCU"), [(f"HKEY_USERS\\{ALICE}", "n", "mine", True)])
        client.set_acl(SOFTWARE, ("everyone", "read"))
        alice.refused("AccessDenied", "Commit", "a(sssuv)a{sv}", operation_list([("create-key", KEY)]),
                      options(owner="mine"))
        registry.stop()
        equal(registry.run(*registry.command(), "--check").returncode, 0)
        registry.start()


@test
def regctl_applies_folders_as_one_commit():
    with Registry() as registry:
        write(registry, "d/b.reg", f'[{KEY}]\n"n"="b"\n"only b"=dword:1\n')
        write(registry, "d/a.reg", f'[{KEY}]\n"n"="a"\n"tab"="x\ty"\n@="default"\n"away"=-\n')
        write(registry, "d/ignored.txt", f'[{KEY}]\n"ignored"="b"\n')
        link = write(registry, "link.reg", f'[{SOFTWARE}\\Link]\n"SymbolicLinkValue"=hex(6):{"".join(f"{ord(c):02x},00," for c in KEY)[:-1]}\n')
        before = registry.client.revision
        folder = str(registry.directory / "d")
        contains(done(registry, "apply", "--owner=me", "--dry-run", folder), "values-set: 5")
        told = json.loads(done(registry, "--json", "apply", "--owner=me", folder, link))
        equal((told["revision"], told["changed"]), (before + 1, True))
        equal({name: data for name, _, data in registry.client.values(KEY)},
              {"n": "b", "tab": "x\ty", "": "default", "only b": 1})
        for _ in range(2):
            equal(json.loads(done(registry, "--json", "apply", "--owner=me", "--prune", folder, link))["changed"], False)
        equal(len(declared(registry.client)), 7)
        listed = done(registry, "declared", KEY)
        contains(listed, f"me\t{KEY}\tn\n".replace("\\", "\\\\") if "\\\\" in listed else f"me\t{KEY}\tn\n")
        equal(done(registry, "drift"), "")
        registry.client.set(KEY, "n", REG_SZ, "hand")
        contains(done(registry, "declared", "--owner=me"), "\tn\tdrifted\n")
        contains(regctl(registry, "blame", KEY, "n")[2], "declared by me")
        status, printed, _ = regctl(registry, "drift", "--owner=me")
        equal(status, FAILED)
        for line in ("-  n\tREG_SZ\tb", "+  n\tREG_SZ\thand"):
            contains(printed, line)
        registry.client.delete(SOFTWARE + "\\Link")
        contains(regctl(registry, "drift")[1], "Link")
        equal(json.loads(done(registry, "--json", "disown", "me"))["changed"], True)
        equal(json.loads(done(registry, "--json", "disown", "me"))["changed"], False)
        equal(done(registry, "declared"), "")
        refused(registry, USAGE, "apply", "--prune", folder, naming=["--owner"])


@test
def regctl_tells_conflicts_and_locks_by_their_codes():
    with Registry() as registry:
        first = write(registry, "a.reg", f'[{KEY}]\n"n"="1"\n')
        second = write(registry, "b.reg", f'[{KEY}]\n"n"="2"\n')
        done(registry, "apply", "--owner=one", "--lock=theirs", first)
        refused(registry, DENIED, "set", KEY, "n", "2", naming=["theirs", "n"])
        refused(registry, DENIED, "apply", "--owner=two", second, naming=["theirs"])
        done(registry, "unlock", KEY, "n")
        refused(registry, CONFLICT, "apply", "--owner=two", second, naming=["one", "n"])
        done(registry, "apply", second)
        equal(registry.client.get(KEY, "n")[2], "2")


@test
def ten_thousand_values_applied_again_cost_little():
    with Registry() as registry:
        lines = [f"[{KEY}\\{group}]\n" + "".join(f'"value {index}"="data {index}"\n' for index in range(100))
                 for group in range(100)]
        file = write(registry, "a.reg", "\n".join(lines))
        done(registry, "import", file)

        def fastest(*words):
            spent = []
            for _ in range(3):
                begun = time.monotonic()
                done(registry, *words, file)
                spent.append(time.monotonic() - begun)
            return min(spent)

        done(registry, "apply", f"--owner={OWNER}", file)
        before = registry.client.revision
        dry = fastest("import", "--dry-run")
        again = fastest("apply", f"--owner={OWNER}", "--prune")
        print(f"# dry import {dry:.3f} s, applied again {again:.3f} s", flush=True)
        equal(registry.client.revision, before)
        equal(len(declared(registry.client)), 10100)


main()
