# SPDX-License-Identifier: MIT
"""What declarations tell of secrets, of keys and links, and what becomes of them when keys move."""

import contextlib
import json
import os

import dbus

from harness.bus import ALICE, needs_root, wait_for
from harness.case import contains, equal, main, rows, test
from harness.registry import REG_SZ, SOFTWARE, Refused, Registry, operation_list, options
from harness.regctl import FAILED, INVALID, done, refused, regctl

KEY = SOFTWARE + "\\Acme"
OWNER = "puppet"
HEAD = "Windows Registry Editor Version 5.00\n\n"
SCHEMA = f"[key {KEY}]\n\n[value Password]\ntype = REG_SZ\nsecret\n"


def commit(client, *operations, owner=OWNER, **given):
    return client.call("CommitReport", "a(sssuv)a{sv}", operation_list(operations), options(owner=owner, **given))[1]


def value(name, data, key=KEY):
    return ("set-value", key, name, REG_SZ, data)


def declared(client, key="HKLM", **given):
    return client.call("ListDeclared", "sa{sv}", key, options(**given))


def write(registry, name, text):
    file = registry.directory / name
    file.write_text(HEAD + text)
    return str(file)


def import_text(client, text, **given):
    descriptor = os.memfd_create("import")
    os.write(descriptor, text.encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        return client.call("Import", "ha{sv}", dbus.types.UnixFd(descriptor), options(owner=OWNER, **given))[1]
    finally:
        os.close(descriptor)


def link_line(target):
    return '"SymbolicLinkValue"=hex(6):' + "".join(f"{ord(c):02x},00," for c in target)[:-1] + "\n"


def outcome(client, *operations, **given):
    """All that a commit tells: its report, or its error."""
    try:
        return commit(client, *operations, **given)
    except Refused as refusal:
        return refusal.name, refusal.text


@contextlib.contextmanager
def with_secret():
    with Registry() as registry:
        directory = registry.directory / "schemas"
        directory.mkdir()
        (directory / "test.schema").write_text(SCHEMA)
        registry.schemas.append(directory)
        registry.restart()
        yield registry


@test
def a_guess_at_a_declared_secret_tells_nothing():
    needs_root()
    with with_secret() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        commit(client, value("Password", "right"), value("Plain", "right"))
        client.set_acl(KEY, ("everyone", "write"))
        alice.refused("AccessDenied", "GetValue", "ss", KEY, "Password")
        for owner in ("mine", OWNER):
            for given in ({"dry_run": True}, {"dry_run": True, "prune": True}):
                told = [outcome(alice, value("Password", guess), owner=owner, **given) for guess in ("right", "wrong")]
                equal(told[0], told[1], f"{owner} {given}")
        equal(outcome(alice, value("Password", "right"), owner="mine")[0], "Conflict")
        equal(outcome(alice, value("Plain", "right"), owner="mine", dry_run=True)["values-unchanged"], 1)
        equal(outcome(alice, value("Plain", "wrong"), owner="mine", dry_run=True)[0], "Conflict")
        client.set_acl(KEY, (f"user:{ALICE}", "write"))
        equal(outcome(alice, value("Password", "right"), owner="mine", dry_run=True)["values-unchanged"], 1)


@test
def a_rename_onto_a_declared_secret_tells_nothing():
    needs_root()
    with with_secret() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        commit(client, value("Password", "right"))
        client.delete(KEY)
        client.set_acl(SOFTWARE, ("everyone", "write"))
        told = [outcome(alice, value("Password", guess, SOFTWARE + "\\Mine"), ("rename-key", SOFTWARE + "\\Mine", "Acme"),
                        owner="mine", dry_run=True) for guess in ("right", "wrong")]
        equal(told[0][0], "Conflict")
        equal(told[0], told[1])


@test
def two_owners_declare_alike_after_a_rename_too():
    with Registry() as registry:
        client = registry.client
        commit(client, value("n", "1"), value("same", "x"))
        client.delete(KEY)
        other = SOFTWARE + "\\Other"
        commit(client, value("n", "2", other), value("same", "x", other), owner="other")
        before = declared(client)
        for given in ({"dry_run": True}, {}):
            client.refused("Conflict", "Commit", "a(sssuv)a{sv}", operation_list([("rename-key", other, "Acme")]),
                           options(**given), naming=(KEY, "n", OWNER))
        equal(declared(client), before)
        client.call("Disown", "sa{sv}", OWNER, options())
        commit(client, value("same", "x"))
        client.delete(KEY)
        client.call("RenameKey", "ss", other, "Acme")
        equal(declared(client), [(KEY, "n", "other", True), (KEY, "same", "other", True), (KEY, "same", OWNER, True)])


@test
def a_key_made_anew_is_locked_and_history_has_it():
    with Registry() as registry:
        client = registry.client
        file = write(registry, "a.reg", f'[-{KEY}]\n\n[{KEY}]\n"n"="1"\n')
        done(registry, "apply", f"--owner={OWNER}", file)
        before = client.revision
        watch = client.watch(KEY)[0]
        done(registry, "apply", f"--owner={OWNER}", "--lock=theirs", file)
        equal(client.revision, before + 1)
        entry = client.call("GetHistory", "sa{sv}", KEY, options(limit=1))[0]
        equal([(change["kind"], change["name"]) for change in entry["changes"]], [("lock-changed", "n")])
        equal(client.wait_for_signals(1), [(watch, 1, before + 1, [("lock-changed", KEY, "n")])])
        registry.restart()
        registry.client.refused("Locked", "DeleteValue", "ss", KEY, "n", naming="theirs")


@test
def only_missing_declares_keys_and_links():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "kept", REG_SZ, "x")
        text = f'{HEAD}[{KEY}]\n"kept"="y"\n"new"="z"\n\n[{KEY}\\New]\n\n[{SOFTWARE}\\Link]\n{link_line(KEY)}'
        import_text(client, text, only_missing=True)
        expected = [(KEY + "\\", "", OWNER, True), (KEY, "new", OWNER, True),
                    (KEY + "\\New\\", "", OWNER, True), (SOFTWARE + "\\Link\\", "", OWNER, True)]
        equal(declared(client), expected)
        report = import_text(client, text, only_missing=True, prune=True)
        equal((report["changed"], report["values-pruned"], declared(client)), (False, 0, expected))
        client.set(KEY, "new", REG_SZ, "by hand")
        report = import_text(client, text.replace('"kept"="y"\n', ""), only_missing=True, prune=True)
        equal((report["changed"], client.get(KEY, "new")[2]), (False, "by hand"))
        report = import_text(client, text.replace('"new"="z"\n', ""), only_missing=True, prune=True)
        equal((report["values-pruned"], [name for name, *_ in client.values(KEY)]), (1, ["kept"]))


@test
def a_declared_link_takes_back_no_other_key_line():
    with Registry() as registry:
        client = registry.client
        client.create(KEY)
        client.create(SOFTWARE + "\\Link", link=KEY)
        file = write(registry, "a.reg", f'[{KEY}]\n\n[{SOFTWARE}\\Link]\n"none"=-\n{link_line(KEY)}')
        done(registry, "apply", f"--owner={OWNER}", file)
        equal(declared(client), [(KEY + "\\", "", OWNER, True), (KEY, "none", OWNER, True),
                                 (SOFTWARE + "\\Link\\", "", OWNER, True)])


@test
def apply_tells_what_it_left_out_and_prunes_nothing_then():
    with Registry() as registry:
        good = write(registry, "a.reg", f'[{KEY}]\n"n"="1"\n"m"="1"\n')
        bad = write(registry, "b.reg", f'[{KEY}]\n"n"="1"\n"m"=broken\n')
        guessed = registry.directory / "c.reg"
        guessed.write_bytes(f'REGEDIT4\n\n[{KEY}]\n"o"="gr\xfcn"\n'.encode("latin-1"))
        done(registry, "apply", f"--owner={OWNER}", good)
        status, printed, said = regctl(registry, "--json", "apply", f"--owner={OWNER}", str(guessed), bad)
        report = json.loads(printed)["report"]
        equal((status, report["lines-ignored"], report["first-ignored-file"], report["first-ignored-line"], report["lines-guessed"]),
              (0, 1, bad, 5, 1))
        contains(said, "b.reg: line 5")
        printed = regctl(registry, "apply", "--dry-run", bad)[1]
        contains(printed, f"lines-ignored: 1\nlines-guessed: 0\nfirst-ignored-file: {bad}\n")
        equal(printed.count("lines-ignored"), 1)
        before = declared(registry.client)
        for words in ((), ("--dry-run",)):
            refused(registry, INVALID, "apply", f"--owner={OWNER}", "--prune", *words, bad, naming=["b.reg: line 5", "--prune"])
        equal(declared(registry.client), before)
        done(registry, "apply", f"--owner={OWNER}", "--prune", good)


@test
def a_folder_is_read_one_level_deep():
    with Registry() as registry:
        folder = registry.directory / "d"
        (folder / "deeper.reg").mkdir(parents=True)
        (folder / "deep").mkdir()
        for name in ("d/a.reg", "d/.hidden.reg", "d/deeper.reg/b.reg", "d/deep/c.reg", "d/d.reg.bak", "d/e.REG"):
            write(registry, name, f'[{KEY}]\n"{name}"="x"\n')
        done(registry, "apply", f"--owner={OWNER}", str(folder))
        equal([name for name, *_ in registry.client.values(KEY)], ["d/a.reg"])
        (folder / "dangling.reg").symlink_to("nowhere")
        refused(registry, FAILED, "apply", f"--owner={OWNER}", str(folder), naming=["dangling.reg", "No such file"])
        (folder / "dangling.reg").unlink()
        os.mkfifo(folder / "pipe.reg")
        refused(registry, FAILED, "apply", f"--owner={OWNER}", str(folder), naming=["pipe.reg: it is no file"])
        (folder / "none").mkdir()
        status, _, said = regctl(registry, "apply", f"--owner={OWNER}", "--prune", str(folder / "none"))
        equal((status, declared(registry.client)), (0, []))
        contains(said, f"{folder}/none: there is no file *.reg in the folder")


@test
def what_nobody_names_is_declared_by_nobody():
    with Registry() as registry:
        client = registry.client
        file = write(registry, "a.reg", f'[{KEY}]\n"n"="1"\n')
        done(registry, "apply", file)
        equal(declared(client), [])
        commit(client, value("n", "1", KEY + "\\Sub\\Deep"), ("copy-key", KEY, "", 0, SOFTWARE + "\\Copy"))
        import_text(client, f"{HEAD}[-{SOFTWARE}\\None]\n[-{SOFTWARE}\\Copy\\Sub]\n")
        expected = [(KEY + "\\Sub\\Deep", "n", OWNER, True)]
        equal(declared(client), expected)
        report = commit(client, prune=True)
        equal((report["values-pruned"], report["keys-pruned"], client.keys(KEY + "\\Sub")), (1, 0, ["Deep"]))
        equal(client.get(SOFTWARE + "\\Copy", "n")[2], "1")


@test
def the_end_of_a_trial_changes_no_declaration():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "before")
        commit(client, value("n", "1"), confirm_within=1)
        wait_for(lambda: client.get(KEY, "n")[2] == "before", "the end of the trial")
        equal(declared(client), [(KEY, "n", OWNER, False)])


@test
def what_is_gone_already_is_not_counted_as_pruned():
    with Registry() as registry:
        client = registry.client
        commit(client, value("n", "1"), value("m", "1"))
        client.unset(KEY, "n")
        client.set(KEY, "m", REG_SZ, "by hand")
        report = commit(client, prune=True)
        equal((report["values-pruned"], report["values-drifted"], declared(client)), (1, 1, []))
        [change] = client.call("GetHistory", "sa{sv}", KEY, options(limit=1))[0]["changes"]
        equal((change["kind"], change["old-data"]), ("value-deleted", "by hand"))


@rows([
    ("a broken value", f'{HEAD}[{KEY}]\n"n"="1"\n"m"=broken\n', 5, {}),
    ("a dry run", f'{HEAD}[{KEY}]\n"n"="1"\n"m"=broken\n', 5, {"dry_run": True}),
    ("only what is missing", f'{HEAD}[{KEY}]\n"n"="1"\n"m"=broken\n', 5, {"only_missing": True}),
    ("a broken key line", f'{HEAD}[{KEY}\n"n"="1"\n', 3, {}),
    ("an unknown root", f'{HEAD}[HKEY_MINE\\Acme]\n"n"="1"\n', 3, {}),
    ("values without a key", f'{HEAD}"n"="1"\n', 3, {}),
    ("behind a NUL", f'{HEAD}[{KEY}]\n"n"="1"\n\0"m"="1"\n', 5, {}),
    ("a version that is not known", f'REGEDIT5\n\n[{KEY}]\n"n"="1"\n"m"="1"\n', 1, {}),
    ("a deleted key's value", f'{HEAD}[-{KEY}\\Old]\n"n"="1"\n[{KEY}]\n"n"="1"\n', 4, {}),
])
def nothing_is_pruned_by_a_file_with_lines_that_can_not_be_read(text, line, given):
    with Registry() as registry:
        client = registry.client
        import_text(client, f'{HEAD}[{KEY}]\n"n"="1"\n"m"="1"\n')
        before = client.revision, declared(client)
        try:
            refusal = import_text(client, text, prune=True, **given)
        except Refused as problem:
            refusal = problem
        equal(getattr(refusal, "name", refusal), "InvalidValue")
        contains(refusal.text, f"line {line}: ")
        contains(refusal.text, '"prune" would take back')
        equal((client.revision, declared(client)), before)
        import_text(client, text, **given)


@test
def what_is_no_registry_file_is_refused_alike():
    with Registry() as registry:
        file = registry.directory / "none.reg"
        file.write_text("just text\n")
        for verb in ("apply", "import"):
            refused(registry, FAILED, verb, str(file), naming=["none.reg", "not a registry file"])


OTHER = SOFTWARE + "\\Other"
# Changes with declarations that depend on what the operations before have done to declarations.
CARRIED = [
    ("declared where it is renamed to", [("rename-key", KEY, "Other"), value("n", "1", OTHER)], {}),
    ("declared anew where it was", [("rename-key", KEY, "Other"), value("n", "2")], {}),
    ("pruned where it is renamed to", [("rename-key", KEY, "Other"), value("m", "1", OTHER)], {"prune": True}),
    ("renamed there and back", [("rename-key", KEY, "Other"), ("rename-key", OTHER, "Acme"), value("n", "1")], {"prune": True}),
    ("onto another's", [("rename-key", KEY, "Other"), value("n", "2", OTHER)], {"owner": "else"}),
    ("what another declared", [("rename-key", KEY, "Other"), value("n", "1"), value("n", "1", OTHER)], {"owner": "else"}),
]


@rows(CARRIED)
def a_dry_run_tells_what_a_rename_carries(operations, given):
    with Registry() as registry:
        client = registry.client
        commit(client, value("n", "1"), value("m", "1"), ("create-key", KEY))
        before, revision = declared(client), client.revision
        tried = outcome(client, *operations, dry_run=True, **given)
        equal((declared(client), client.revision), (before, revision))
        equal(tried, outcome(client, *operations, **given))


@rows([("to nothing", SOFTWARE + "\\None"), ("to itself", KEY)])
def a_broken_link_holds_up_no_pruning(target):
    with Registry() as registry:
        client = registry.client
        below = KEY + "\\Below"
        commit(client, value("n", "1", below), value("kept", "1", OTHER))
        client.delete(KEY, recursive=True)
        client.create(KEY, link=target)
        report = commit(client, value("kept", "1", OTHER), prune=True)
        equal((report["values-pruned"], declared(client)), (0, [(OTHER, "kept", OWNER, True)]))
        client.delete(KEY)
        commit(client, value("n", "1", below))
        client.delete(KEY, recursive=True)
        client.create(KEY, link=target)
        equal(declared(client), [(below, "n", OWNER, False), (OTHER, "kept", OWNER, True)])
        contains(regctl(registry, "drift")[1], "Below")
        client.call("Disown", "sa{sv}", OWNER, options())
        equal(declared(client), [])


@test
def an_owner_is_not_forgotten_on_trial():
    with Registry() as registry:
        client = registry.client
        commit(client, value("n", "1"))
        client.refused("InvalidValue", "Disown", "sa{sv}", OWNER, options(confirm_within=600), naming=(OWNER, "confirm-within"))
        equal(declared(client), [(KEY, "n", OWNER, True)])


main()
