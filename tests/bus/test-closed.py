# SPDX-License-Identifier: MIT
"""What is closed is told by nobody: every refusal of every method is the same, byte for byte,
whether the key or the value exists or not, but for the path exactly as it was asked for."""

import tempfile
import xml.etree.ElementTree as ElementTree

import dbus

from harness.bus import ALICE, BOB, needs_root
from harness.case import check, equal, main, rows, test
from harness.process import SOURCE
from harness.registry import (NAME, NO_TYPE, REG_DWORD, REG_SZ, SOFTWARE, Refused, Registry, operation_list, options, variant)

ACME = SOFTWARE + r"\Acme"
CLOSED = ACME + r"\Closed"
OPEN = ACME + r"\Open"
XML = ElementTree.parse(SOURCE / "data" / f"{NAME}.xml")
METHODS = sorted(method.get("name") for method in XML.iter("method"))

REGISTRY = Registry()


def commit(*operation, member="Commit"):
    """Rows of Commit with this one operation, in earnest and dry."""
    return [(member, "a(sssuv)a{sv}", operation_list([operation]), options(**given))
            for given in ({}, {"dry_run": True}, {"confirm_within": 60}, {"owner": "somebody"},
                          {"owner": "somebody", "dry_run": True})]


def commits(key, name, member="Commit"):
    """With each operation there is."""
    operations = [("set-value", key, name, REG_SZ, "x"), ("delete-value", key, name), ("create-key", key),
                  ("delete-key", key), ("delete-tree", key), ("rename-key", key, "Sub"),
                  ("create-link", key, "", 0, OPEN), ("copy-key", key, "", 0, OPEN + r"\Copy"),
                  ("copy-key", OPEN, "", 0, key), ("expect-value", key, name, REG_SZ, "x"),
                  ("expect-absent", key, name), ("expect-absent", key, "", NO_TYPE),
                  ("expect-revision", key, "", 0, ("t", 1)), ("expect-revision", key, "", 0, ("t", 1 << 40))]
    return [call for operation in operations for call in commit(*operation, member=member)]


def fragment(key, text, member="Import", **given):
    """A call of Import with a file that says this of the key."""
    file = tempfile.TemporaryFile()
    file.write(f"Windows Registry Editor Version 5.00\r\n\r\n{text.format(key=key)}\r\n".encode())
    file.seek(0)
    return member, "ha{sv}", dbus.types.UnixFd(file), options(**given)


def export(key, **given):
    return "Export", "sha{sv}", key, dbus.types.UnixFd(tempfile.TemporaryFile()), options(**given)


def imports(key, name):
    lines = [f'[{{key}}]\n"{name}"="x"', f'[{{key}}]\n"{name}"=-', "[{key}]", "[-{key}]",
             '[{key}]\n"SymbolicLinkValue"=hex(6):48,00,4b,00,4c,00,4d,00']
    return [fragment(key, line, **given) for line in lines for given in ({}, {"dry_run": True}, {"only_missing": True})
            if not (line.startswith("[-") and given.get("only_missing"))]  # which deletes nothing


# Each method: its calls on a closed key and a value of it. A method without a row fails the test.
CALLS = {
    "GetValue": lambda key, name: [("GetValue", "ss", key, name)],
    "ListKeys": lambda key, name: [("ListKeys", "s", key)],
    "ListValues": lambda key, name: [("ListValues", "s", key)],
    "GetKeyInfo": lambda key, name: [("GetKeyInfo", "sa{sv}", key, options(**given))
                                     for given in ({}, {"no_follow": True})],
    "ReadTree": lambda key, name: [("ReadTree", "sa{sv}", key, options(**given)) for given in (
        {}, {"skip_unreadable": True}, {"depth": 0, "skip_unreadable": True}, {"no_follow": True}, {"at": REGISTRY.then},
        {"at": REGISTRY.then, "skip_unreadable": True}, {"at": 1, "skip_unreadable": True}, {"at": 1 << 40},
        {"at": 1 << 40, "skip_unreadable": True}, {"cursor": "0:Sub", "skip_unreadable": True},
        {"cursor": "1:", "skip_unreadable": True})],
    "ReadValues": lambda key, name: [("ReadValues", "sa{sv}", key, options(**given)) for given in (
        {}, {"no_follow": True}, {"hide_secrets": True}, {"numbers_as_text": True}, {"cursor": "There"})],
    "SetValue": lambda key, name: [("SetValue", "ssuv", key, name, dbus.UInt32(REG_SZ), variant("x")),
                                   ("SetValue", "ssuv", key, "n" * 20000, dbus.UInt32(REG_SZ), variant("x")),
                                   ("SetValue", "ssuv", key, name, dbus.UInt32(REG_SZ), variant("x" * 2000000))],
    "DeleteValue": lambda key, name: [("DeleteValue", "ss", key, name), ("DeleteValue", "ss", key, "n" * 20000)],
    "CreateKey": lambda key, name: [("CreateKey", "sa{sv}", key, options(**given)) for given in (
        {}, {"volatile": True}, {"volatile": False}, {"class": "x"}, {"link": OPEN}, {"no_follow": True})],
    "DeleteKey": lambda key, name: [("DeleteKey", "sa{sv}", key, options(recursive=flag)) for flag in (False, True)],
    "RenameKey": lambda key, name: [("RenameKey", "ss", key, new) for new in ("Sub", "Other", "SUB")],
    "CopyKey": lambda key, name: [("CopyKey", "ss", *pair) for pair in (
        (key, OPEN + r"\Copy"), (OPEN, key), (key, key), (key, key + r"\Below"))],
    "Commit": commits,
    "CommitReport": lambda key, name: commits(key, name, "CommitReport"),
    "CheckAccess": lambda key, name: [("CheckAccess", "ssa{sv}", key, principal, options())
                                      for principal in (f"user:{ALICE}", f"user:{BOB}", "everyone", "nobody")],
    "Watch": lambda key, name: [("Watch", "sa{sv}", key, options(**given)) for given in (
        {}, {"since": 1}, {"since": 1 << 40}, {"no_follow": True}, {"recursive": False})],
    "GetHistory": lambda key, name: [("GetHistory", "sa{sv}", key, options(**given))
                                     for given in ({}, {"no_follow": True}, {"limit": 0}, {"before": 2})],
    "Rollback": lambda key, name: [("Rollback", "sta{sv}", key, dbus.UInt64(revision), options(**given))
                                   for revision in (1, REGISTRY.then, 1 << 40)
                                   for given in ({}, {"dry_run": True}, {"no_follow": True})],
    "PurgeHistory": lambda key, name: [("PurgeHistory", "ssa{sv}", key, name, options()),
                                       ("PurgeHistory", "ssa{sv}", key, "", options(recursive=True))],
    "GetAcl": lambda key, name: [("GetAcl", "s", key)],
    "SetAcl": lambda key, name: [("SetAcl", "sa(ss)", key, dbus.Array(entries, signature="(ss)"))
                                 for entries in ([], [("everyone", "control")])],
    "SetAclWithOptions": lambda key, name: [("SetAclWithOptions", "sa(ss)a{sv}", key,
                                             dbus.Array([("everyone", "read")], signature="(ss)"), options(dry_run=flag))
                                            for flag in (False, True)],
    "ListDeclared": lambda key, name: [("ListDeclared", "sa{sv}", key, options(**given))
                                       for given in ({}, {"owner": "nobody"})],
    "ListDrift": lambda key, name: [("ListDrift", "sa{sv}", key, options())],
    "Lock": lambda key, name: [("Lock", "sssa{sv}", key, name, "why", options()),
                               ("Lock", "sssa{sv}", key, "", "why", options(recursive=True)),
                               ("Lock", "sssa{sv}", key, name, "", options(dry_run=True)),
                               ("Lock", "sssa{sv}", key, name, "w" * 2000, options())],
    "Unlock": lambda key, name: [("Unlock", "ssa{sv}", key, name, options()),
                                 ("Unlock", "ssa{sv}", key, "", options(recursive=True))],
    "ListLocks": lambda key, name: [("ListLocks", "sa{sv}", key, options())],
    "Describe": lambda key, name: [("Describe", "ss", key, name), ("Describe", "ss", key, "")],
    "Validate": lambda key, name: [("Validate", "s", key)],
    "Import": imports,
    "Export": lambda key, name: [export(key, **given) for given in (
        {}, {"skip_unreadable": True}, {"format": "json"}, {"at": REGISTRY.then},
        {"at": REGISTRY.then, "skip_unreadable": True}, {"at": 1, "skip_unreadable": True})],
    # These name no key.
    "Unwatch": None, "Undo": None, "Confirm": None, "EndTrial": None, "Disown": None, "ListTrials": None, "Backup": None, "GetStatistics": None,
}

# Below Closed: what exists, what once did, what never did, and ways over links.
ANSWERED = {"CheckAccess"}  # "none", or what is wrong with the principal
PATHS = ["Sub", "Sub\\Deep", "Locked", "Locked\\Deep", "Owned", "Owned\\Deep", "Gone", "Gone\\Below", "Loop", "Loop\\x", "Out", "Out\\Inside", "In", "Nope", "Nope\\Deep",
         "Sub\\Nope"]
NAMES = ["There", "Gone", "Nope", ""]
SPELLINGS = [str, str.upper, str.swapcase, lambda path: path + "\\",
             lambda path: path.replace("HKEY_LOCAL_MACHINE", "hklm").replace("HKEY_USERS", "Hku")]


def furnish(client):
    """The closed key, and what it may not tell of."""
    client.set(OPEN + r"\Inside", "There", REG_SZ, "x")
    client.create(CLOSED + r"\Gone\Below")
    client.create(CLOSED + r"\Locked\Deep")
    client.commit([("set-value", CLOSED + r"\Owned\Deep", "There", REG_SZ, "x"), ("create-key", CLOSED + r"\Owned")], owner="somebody")
    for key in (CLOSED, CLOSED + r"\Sub", CLOSED + r"\Sub\Deep", CLOSED + r"\Gone", CLOSED + r"\Locked", CLOSED + r"\Owned"):
        client.set(key, "There", REG_SZ, "secret")
        client.set(key, "Gone", REG_SZ, "secret")
    client.set_acl(CLOSED, (f"user:{BOB}", "write"))
    client.call("Lock", "sssa{sv}", CLOSED + r"\Sub", "There", "because", options())
    client.call("Lock", "sssa{sv}", CLOSED + r"\Locked", "", "because", options(recursive=True))
    client.create(CLOSED + r"\Loop", link=CLOSED + r"\Loop")
    client.create(CLOSED + r"\Out", link=OPEN)
    client.create(CLOSED + r"\In", link=CLOSED + r"\Sub")
    REGISTRY.then = client.revision
    client.delete(CLOSED + r"\Gone", recursive=True)
    for key in (CLOSED, CLOSED + r"\Sub"):
        client.unset(key, "Gone")


def answer_to(client, call, key):
    """What a call is answered with, without the path that was asked for. Files are rewound for the next one."""
    try:
        answer = client.raw(*call)
    except Refused as refusal:
        return refusal.full_name, refusal.text.replace(key, "<key>")
    return "answered", repr(answer)


def describe(call):
    return [str(argument)[:80] for argument in call]


def compare(client, member, keys, name):
    """All these keys are refused alike."""
    makers = CALLS[member]
    expected = None
    if member == "Import":  # a .reg file's key is read without what it ends in
        keys = [key.removesuffix("\\") for key in keys]
    for key in keys:
        found = [(describe(call)[0], answer_to(client, call, key)) for call in makers(key, name)]
        if member not in ANSWERED:
            equal({error for _, (error, _) in found}, {"org.freedesktop.DBus.Error.AccessDenied"},
                  f"{member} of {key}: {found}")
        expected = expected or found
        equal(found, expected, f"{member} of {key} and of {keys[0]}")


def keys_below(key, spellings):
    """Each path as it is, and in one of the spellings."""
    return [spelling(f"{key}\\{path}") for i, path in enumerate(PATHS) for spelling in dict.fromkeys([str, spellings[i % len(spellings)]])]


@test
def every_method_has_a_row():
    equal(sorted(CALLS), METHODS)


@rows([(member, member) for member, calls in CALLS.items() if calls])
def refusals_are_the_same(member):
    needs_root()
    alice = REGISTRY.connect(uid=ALICE)
    before = REGISTRY.client.revision
    for name in NAMES:
        compare(alice, member, keys_below(CLOSED, SPELLINGS if name == NAMES[0] else SPELLINGS[:1]), name)
    equal(REGISTRY.client.revision, before)


@rows([(member, member) for member, calls in CALLS.items() if calls])
def refusals_elsewhere_are_the_same(member):
    needs_root()
    alice = REGISTRY.connect(uid=ALICE)
    for there, nope in [(r"HKLM\SAM\Domains", r"HKLM\SAM\NothingAtAll"), (f"HKU\\{BOB}", r"HKU\4123456789"),
                        (r"HKEY_LOCAL_MACHINE\Security\There", r"hklm\SECURITY\Nope")]:
        compare(alice, member, [there, nope], "There")


@test
def the_key_itself_is_refused_alike():
    """A closed key among open ones: its name is seen there, and nothing of it."""
    needs_root()
    alice = REGISTRY.connect(uid=ALICE)
    for member, calls in CALLS.items():
        if calls:
            for there, nope in (("There", "Nope"), ("Gone", "Nope")):
                found = [[answer_to(alice, call, CLOSED) for call in calls(CLOSED, name)] for name in (there, nope)]
                if member not in ANSWERED:
                    equal({error for error, _ in found[0]}, {"org.freedesktop.DBus.Error.AccessDenied"}, member)
                equal(found[0], found[1], member)


@test
def nobody_is_told_whose_trial_a_revision_is():
    needs_root()
    with Registry() as registry:
        alice, bob, root = registry.connect(uid=ALICE), registry.connect(uid=BOB), registry.client
        tried = bob.commit([("set-value", "HKCU", "n", REG_SZ, "x")], confirm_within=600)
        plain = bob.set("HKCU", "n", REG_SZ, "y")
        by_root = root.set(CLOSED, "n", REG_SZ, "y")
        for member in ("Confirm", "EndTrial"):
            texts = {answer_to(alice, (member, "t", dbus.UInt64(revision)), str(revision))
                     for revision in (tried, plain, by_root)}
            equal(len(texts), 1, texts)
            check(str(BOB) not in str(texts), texts)
        own = alice.set("HKCU", "n", REG_SZ, "x")
        for client, revision in [(alice, own), (alice, own + 1), (bob, plain), (root, plain), (alice, 0)]:
            for member in ("Confirm", "EndTrial"):
                client.refused("InvalidValue", member, "t", dbus.UInt64(revision))
        bob.call("Confirm", "t", dbus.UInt64(tried))


@test
def nobody_is_told_which_revisions_changed_something_closed():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        client.create(CLOSED)
        client.set_acl(CLOSED, (f"user:{BOB}", "write"))
        closed = [client.set(CLOSED, "n", REG_SZ, text) for text in "xy"]
        closed.append(registry.connect(uid=BOB).set("HKCU", "n", REG_SZ, "x"))
        closed.append(client.delete(CLOSED))
        for dry in (False, True):
            texts = {answer_to(alice, ("Undo", "ta{sv}", dbus.UInt64(revision), options(dry_run=dry)), str(revision))
                     for revision in (*closed, client.revision + 1, 1 << 40, 0)}
            equal(len(texts), 1, str(texts))


@test
def what_is_beside_a_key_is_not_told_by_renaming_it():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        for name in ("Own", "There"):
            client.create(f"{CLOSED}\\{name}")
        client.set_acl(CLOSED, (f"user:{BOB}", "read"))
        client.set_acl(CLOSED + r"\Own", (f"user:{ALICE}", "control"))
        texts = {alice.refused("AccessDenied", "RenameKey", "ss", CLOSED + r"\Own", name).text
                 for name in ("There", "Nope")}
        equal(len(texts), 1, texts)


@test
def how_many_keys_are_closed_is_not_told():
    needs_root()
    counts = []
    for hidden in (0, 5):
        with Registry() as registry:
            client, alice = registry.client, registry.connect(uid=ALICE)
            client.set(OPEN, "n", REG_SZ, "x")
            client.create(CLOSED)
            for number in range(hidden):
                client.set(f"{CLOSED}\\{number}", "n", REG_SZ, "x")
            client.set_acl(CLOSED, (f"user:{BOB}", "read"))
            report = alice.call(*export(ACME, skip_unreadable=True))
            counts.append([report[name] for name in ("keys", "values", "left-out", "bytes")])
    equal(counts[0], counts[1])
    equal(counts[0][2], 1)


@test
def when_something_closed_changed_is_not_told():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        client.set(OPEN, "n", REG_SZ, "x")
        client.create(CLOSED)
        client.set_acl(CLOSED, (f"user:{BOB}", "read"))
        client.set(CLOSED + r"\Gone", "n", REG_SZ, "x")
        then = client.revision
        expected = ("Commit", "a(sssuv)a{sv}", operation_list([("expect-revision", ACME, "", 0, ("t", then))]), options())
        client.set(CLOSED + r"\Sub", "n", REG_SZ, "x")
        client.delete(CLOSED + r"\Gone", recursive=True)
        alice.raw(*expected)
        client.refused("Conflict", *expected)
        client.set_acl(CLOSED, ("everyone", "read"))  # which those who can read it then must be told
        alice.refused("Conflict", *expected)
        expected = ("Commit", "a(sssuv)a{sv}",
                    operation_list([("expect-revision", ACME, "", 0, ("t", client.revision))]), options())
        alice.raw(*expected)
        client.set(OPEN, "n", REG_SZ, "y")
        alice.refused("Conflict", *expected)


@test
def how_much_another_user_holds_is_not_told():
    needs_root()
    with Registry() as registry:
        alice, bob = registry.connect(uid=ALICE), registry.connect(uid=BOB)
        registry.client.set(r"HKLM\SYSTEM\CurrentControlSet\Services\regd\Parameters", "Stored Bytes Per User", REG_DWORD,
                            100000)
        texts = set()
        bob.create(r"HKCU\Open")
        bob.set_acl(r"HKCU\Open", (f"user:{BOB}", "control"), (f"user:{ALICE}", "write"))
        for hidden in (10000, 20000):
            bob.set("HKCU", "n", REG_SZ, "x" * hidden)
            texts.add(alice.refused("LimitExceeded", "SetValue", "ssuv", f"HKU\\{BOB}\\Open", "n", dbus.UInt32(REG_SZ),
                                    variant("x" * 60000)).text)
        equal(len(texts), 1, texts)


@test
def what_is_locked_or_declared_in_a_closed_key_is_not_told_from_above():
    needs_root()
    answers = []
    for hidden in (False, True):
        with Registry() as registry:
            client, alice = registry.client, registry.connect(uid=ALICE)
            client.set(CLOSED + r"\Inner", "n", REG_SZ, "x")
            client.set_acl(SOFTWARE, ("everyone", "control"))
            client.set_acl(CLOSED, (f"user:{BOB}", "control"))
            if hidden:
                client.commit([("set-value", CLOSED + r"\Inner", "n", REG_SZ, "x")], owner="somebody")
                client.call("Lock", "sssa{sv}", CLOSED + r"\Inner", "n", "because", options())
                client.call("Lock", "sssa{sv}", CLOSED + r"\Inner\Deep", "", "because", options(recursive=True))
            lists = ("ListLocks", "ListDeclared", "ListDrift")
            answers.append([answer_to(alice, call, ACME) for call in [
                ("DeleteKey", "sa{sv}", ACME, options(recursive=True)), *commit("delete-tree", ACME), ("RenameKey", "ss", ACME, "Other"),
                ("CopyKey", "ss", ACME, SOFTWARE + r"\Copy"), fragment(ACME, "[-{key}]"),
                *((member, "sa{sv}", ACME, options(skip_unreadable=True)) for member in lists)]])
            for member in lists if hidden else ():
                equal(alice.refused("AccessDenied", member, "sa{sv}", ACME, options()).text,
                      f'{CLOSED}: you need the right "read" there')
    equal(answers[0], answers[1])


@test
def an_open_key_below_a_closed_one_is_found():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        for name in ("a", "b", "c"):
            client.set(f"{CLOSED}\\Mid\\{name}", "n", REG_SZ, "x")
        client.set_acl(CLOSED, (f"user:{BOB}", "read"))
        client.set_acl(CLOSED + r"\Mid\b", ("everyone", "read"))
        below = [(CLOSED + r"\Mid\b", [("n", REG_SZ, "x")])]
        for key in (CLOSED, CLOSED + r"\Mid"):
            revision, keys, cursor = alice.tree(key, skip_unreadable=True)
            equal((keys, cursor), (below, ""))
            equal(alice.tree(key, skip_unreadable=True, at=revision)[1], below)
            equal(alice.tree(key, skip_unreadable=True, cursor="0:c" if key.endswith("Mid") else "0:Mid\\c")[1], [])
        alice.refused("AccessDenied", "ReadTree", "sa{sv}", CLOSED + r"\Mid\a", options(skip_unreadable=True))


with REGISTRY:
    furnish(REGISTRY.client)
    main()
