# SPDX-License-Identifier: MIT
"""Writing: revisions, each writing call, every operation of Commit, its
preconditions, dry runs, and writers side by side."""

from random import Random

import dbus

from harness.bus import ALICE, needs_root, wait_for
from harness.case import check, contains, each, equal, main, rows, test
from harness.registry import (NO_TYPE, REG_BINARY, REG_DWORD, REG_MULTI_SZ, REG_QWORD, REG_SZ, SOFTWARE, Refused,
                              Registry, operation_list, options, variant)

KEY = SOFTWARE + "\\Acme"
ROOTS = ["HKLM", "HKU", "HKCU", "HKCR", "HKCC"]


def refused_commit(client, error, operations, naming=(), **given):
    return client.refused(error, "Commit", "a(sssuv)a{sv}", operation_list(operations), options(**given),
                          naming=naming)


@test
def each_commit_takes_the_next_revision():
    with Registry() as registry:
        client = registry.client
        first = client.revision
        equal(client.set(KEY, "a", REG_SZ, "1"), first + 1)
        equal(client.set(KEY, "a", REG_SZ, "2"), first + 2)
        equal(client.create(KEY + "\\Sub"), (first + 3, True))
        equal(client.commit([("set-value", KEY, "b", REG_SZ, "1"), ("set-value", KEY, "c", REG_SZ, "1")]), first + 4)
        equal(client.call("RenameKey", "ss", KEY + "\\Sub", "Bus"), first + 5)
        equal(client.call("CopyKey", "ss", KEY, SOFTWARE + "\\Copy"), first + 6)
        equal(client.set_acl(KEY, ("everyone", "read")), first + 7)
        equal(client.unset(KEY, "a"), first + 8)
        equal(client.delete(KEY, recursive=True), first + 9)
        equal(client.revision, first + 9)


@test
def what_a_precondition_missed_can_be_made_after_it():
    with Registry() as registry:
        client = registry.client
        client.commit([("expect-absent", KEY, "n"), ("create-key", KEY, ""), ("set-value", KEY, "n", REG_SZ, "1"),
                       ("expect-value", KEY, "n", REG_SZ, "1")])
        equal(client.get(KEY, "n"), (REG_SZ, "s", "1"))


@test
def what_changes_nothing_makes_no_revision():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "a", REG_SZ, "1")
        client.set(KEY, "m", REG_MULTI_SZ, ["x", "y"])
        revision = client.set_acl(KEY, ("everyone", "read"))
        equal(client.set(KEY, "a", REG_SZ, "1"), revision)
        equal(client.set(KEY, "A", REG_SZ, "1"), revision)
        equal(client.set(KEY, "m", REG_MULTI_SZ, ["x", "y"]), revision)
        equal(client.create(KEY), (revision, False))
        equal(client.set_acl(KEY, ("everyone", "read")), revision)
        equal(client.commit([("set-value", KEY, "a", REG_SZ, "1"), ("create-key", KEY)]), revision)
        equal(client.commit([]), revision)
        equal(client.commit([("set-value", KEY, "b", REG_SZ, "1"), ("delete-value", KEY, "b")]), revision)
        equal(client.revision, revision)


@test
def a_refused_write_takes_no_revision():
    with Registry() as registry:
        client = registry.client
        before = client.revision
        client.refused("KeyNotFound", "DeleteKey", "sa{sv}", KEY, options())
        refused_commit(client, "ValueNotFound", [("set-value", KEY, "a", REG_SZ, "1"), ("delete-value", KEY, "b")])
        equal(client.revision, before)
        client.refused("KeyNotFound", "ListValues", "s", KEY)


@test
def revisions_go_on_after_a_restart():
    with Registry() as registry:
        revision = registry.client.set(KEY, "a", REG_SZ, "1")
        registry.restart()
        equal(registry.client.revision, revision)
        equal(registry.client.set(KEY, "a", REG_SZ, "2"), revision + 1)


@test
def missing_ancestors_are_created():
    with Registry() as registry:
        client = registry.client
        first = client.set(KEY + r"\a\b\c", "n", REG_SZ, "x")
        client.create(KEY + r"\d\e\f")
        client.commit([("create-key", KEY + r"\g\h\i")])
        client.commit([("set-value", KEY + r"\j\k\l", "n", REG_SZ, "x")])
        equal(client.keys(KEY), ["a", "d", "g", "j"])
        equal(client.revision, first + 3)


@test
def deleting_a_key_with_sub_keys_takes_recursive():
    with Registry() as registry:
        client = registry.client
        client.set(KEY + r"\Sub", "n", REG_SZ, "x")
        client.refused("KeyNotEmpty", "DeleteKey", "sa{sv}", KEY, options(), naming="Acme")
        client.refused("KeyNotEmpty", "DeleteKey", "sa{sv}", KEY, options(recursive=False))
        client.delete(KEY, recursive=True)
        client.refused("KeyNotFound", "ListKeys", "s", KEY)
        client.set(KEY, "n", REG_SZ, "x")
        client.delete(KEY)
        equal(KEY.rpartition("\\")[2] in client.keys(SOFTWARE), False)


@test
def deleting_what_is_not_there_is_an_error():
    with Registry() as registry:
        client = registry.client
        client.create(KEY)
        each([("DeleteValue", "ss", KEY, "Missing name"), ("GetValue", "ss", KEY, "Missing name"),
              ("GetValue", "ss", KEY, "")],
             lambda *call: client.refused("ValueNotFound", *call, naming=[call[-1], "Acme"]))
        gone = KEY + "\\Gone"
        each([("DeleteValue", "ss", gone, "n"), ("DeleteKey", "sa{sv}", gone, options()),
              ("DeleteKey", "sa{sv}", gone, options(recursive=True)), ("RenameKey", "ss", gone, "x"),
              ("CopyKey", "ss", gone, KEY + "\\c"), ("GetValue", "ss", gone, "n"), ("ListKeys", "s", gone),
              ("ListValues", "s", gone), ("GetKeyInfo", "sa{sv}", gone, options()),
              ("ReadTree", "sa{sv}", gone, options()), ("SetAcl", "sa(ss)", gone, [("everyone", "read")])],
             lambda *call: client.refused("KeyNotFound", *call, naming="Gone"))


@test
def roots_can_be_neither_deleted_nor_renamed():
    with Registry() as registry:
        client = registry.client
        client.set("HKCU", "n", REG_SZ, "x")
        for root in ROOTS:
            client.refused("InvalidPath", "DeleteKey", "sa{sv}", root, options())
            client.refused("InvalidPath", "DeleteKey", "sa{sv}", root, options(recursive=True))
            client.refused("InvalidPath", "RenameKey", "ss", root, "x")
            for operation in [("delete-key", root), ("delete-tree", root), ("rename-key", root, "x")]:
                refused_commit(client, "InvalidPath", [operation])


@test
def a_key_that_exists_is_not_created_again():
    with Registry() as registry:
        client = registry.client
        equal(client.create(KEY, **{"class": "Kind"})[1], True)
        equal(client.info(KEY)["class"], "Kind")
        equal(client.create(KEY)[1], False)
        equal(client.create(KEY, **{"class": "Kind"})[1], False)
        equal(client.create(KEY, volatile=False)[1], False)
        client.create(KEY + "\\Vol", volatile=True)
        equal(client.create(KEY + "\\Vol", volatile=True)[1], False)
        equal(client.create(KEY + "\\Vol", **{"class": ""})[1], False, "no class is the empty one")
        client.create(KEY + "\\Empty", **{"class": ""})
        equal(client.create(KEY + "\\Empty", **{"class": ""})[1], False)
        equal(client.create(KEY + "\\Vol")[1], False)
        equal(client.create(KEY + "\\Link", link=r"HKLM\SOFTWARE")[1], True)
        equal(client.create(KEY + "\\Link", link=SOFTWARE)[1], False)
        each([(KEY, {"class": "Other"}), (KEY, {"volatile": True}), (KEY, {"link": SOFTWARE}),
              (KEY + "\\Link", {"link": KEY})],
             lambda key, given: client.refused("KeyExists", "CreateKey", "sa{sv}", key, options(**given)))


@test
def below_a_volatile_key_all_is_volatile():
    with Registry() as registry:
        client = registry.client
        client.create(KEY + r"\Vol", volatile=True)
        client.create(KEY + r"\Vol\Sub\Deep")
        client.set(KEY + r"\Vol\Set", "n", REG_SZ, "x")
        for key in [r"\Vol", r"\Vol\Sub", r"\Vol\Sub\Deep", r"\Vol\Set"]:
            equal(client.info(KEY + key)["volatile"], True, key)
        equal(client.info(KEY)["volatile"], False)
        client.refused("InvalidValue", "CreateKey", "sa{sv}", KEY + r"\Vol\Fixed", options(volatile=False))


@test
def options_of_the_wrong_type_are_refused():
    wrong = [("CreateKey", "volatile", "yes"), ("CreateKey", "link", True), ("CreateKey", "class", 1),
             ("DeleteKey", "recursive", "yes"), ("GetKeyInfo", "no-follow", 1), ("ReadTree", "depth", "1"),
             ("ReadTree", "limit", ("t", 1)), ("ReadTree", "cursor", 1), ("ReadTree", "skip-unreadable", 1),
             ("Watch", "recursive", 1), ("Watch", "since", ("u", 1))]
    with Registry() as registry:
        client = registry.client
        client.create(KEY)
        before = client.revision

        def is_refused(member, name, value):
            try:
                client.raw(member, "sa{sv}", KEY, {name: variant(value)})
            except Refused as refusal:
                check(refusal.name in ("InvalidArgs", "InvalidValue"), str(refusal))
                contains(refusal.text, name)
                return
            raise AssertionError("it was taken")

        each(wrong, is_refused)
        each([("comment", 1), ("dry-run", "yes")], lambda name, value: is_refused_commit(client, name, value))
        equal(client.revision, before)


def is_refused_commit(client, name, value):
    try:
        client.raw("Commit", "a(sssuv)a{sv}", operation_list([("create-key", KEY + "\\New")]), {name: variant(value)})
    except Refused as refusal:
        check(refusal.name in ("InvalidArgs", "InvalidValue"), str(refusal))
        return
    raise AssertionError("it was taken")


@test
def operations_apply_in_order_as_one_commit():
    with Registry() as registry:
        client = registry.client
        client.set(KEY + r"\Old\Sub", "n", REG_SZ, "x")
        before = client.revision
        equal(client.commit([
            ("create-key", KEY + r"\New"),
            ("set-value", KEY + r"\New", "n", REG_DWORD, 1),
            ("set-value", KEY + r"\New", "n", REG_QWORD, 2),
            ("set-value", KEY + r"\New", "gone", REG_SZ, "x"),
            ("delete-value", KEY + r"\New", "GONE"),
            ("rename-key", KEY + r"\New", "Newer"),
            ("set-value", KEY + r"\Newer", "m", REG_MULTI_SZ, ["a", "b"]),
            ("set-value", KEY + r"\Newer", "b", REG_BINARY, b"\x00\x01"),
            ("create-link", KEY + r"\Link", "", 0, r"HKLM\SOFTWARE\Acme\Newer"),
            ("set-value", KEY + r"\Link", "through", REG_SZ, "link"),
            ("create-key", KEY + r"\Short"),
            ("delete-key", KEY + r"\Short"),
            ("delete-tree", KEY + r"\Old"),
        ]), before + 1)
        equal(client.tree(KEY)[1], [
            (KEY, []),
            (KEY + r"\Link", [("SymbolicLinkValue", 6, KEY + r"\Newer")]),
            (KEY + r"\Newer", [("n", REG_QWORD, 2), ("m", REG_MULTI_SZ, ["a", "b"]), ("b", REG_BINARY, b"\x00\x01"),
                               ("through", REG_SZ, "link")])])


@test
def a_commit_is_applied_as_a_whole_or_not_at_all():
    last = [
        ("ValueNotFound", ("delete-value", KEY, "Nope")), ("KeyNotFound", ("delete-value", KEY + r"\Nope", "n")),
        ("KeyNotFound", ("delete-key", KEY + r"\Nope")), ("KeyNotFound", ("delete-tree", KEY + r"\Nope")),
        ("KeyNotFound", ("rename-key", KEY + r"\Nope", "x")), ("KeyNotEmpty", ("delete-key", KEY)),
        ("KeyExists", ("rename-key", KEY + r"\Sub", "Other")), ("InvalidPath", ("create-key", "HKLM\\\\x")),
        ("InvalidPath", ("rename-key", KEY + r"\Sub", r"a\b")), ("InvalidPath", ("rename-key", KEY + r"\Sub", "")),
        ("InvalidPath", ("create-link", KEY + r"\L", "", 0, "relative")),
        ("InvalidValue", ("set-value", KEY, "n", REG_DWORD, "text")),
        ("LimitExceeded", ("set-value", KEY, "n", REG_BINARY, b"x" * ((1 << 20) + 1))),
        ("LimitExceeded", ("create-key", KEY + "\\" + "x" * 256)),
        ("Conflict", ("expect-value", KEY, "n", REG_SZ, "other")), ("Conflict", ("expect-absent", KEY, "n")),
        ("Conflict", ("expect-revision", KEY, "", 0, ("t", 0))),
    ]
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "x")
        client.create(KEY + r"\Sub")
        client.create(KEY + r"\Other")
        state = client.tree(KEY)

        def leaves_nothing(error, operation):
            refused_commit(client, error, [("create-key", KEY + r"\New"), ("set-value", KEY + r"\New", "n", REG_SZ, "y"),
                                           operation], naming="2")
            equal(client.tree(KEY), state)

        each(last, leaves_nothing)


@test
def an_unknown_operation_is_refused_by_its_name():
    with Registry() as registry:
        for word in ["", "set", "SET-VALUE", "set-acl", "rollback", "drop-table"]:
            try:
                registry.client.commit([("create-key", KEY), (word, KEY, "n", REG_SZ, "x")])
            except Refused as refusal:
                check(refusal.name in ("InvalidValue", "InvalidArgs"), str(refusal))
                contains(refusal.text, "1")
                contains(refusal.text, word)
            else:
                raise AssertionError(f"{word!r} was taken")
        registry.client.refused("KeyNotFound", "ListKeys", "s", KEY)


@test
def the_index_of_the_failing_operation_is_named():
    with Registry() as registry:
        for index in [0, 1, 17]:
            operations = [("set-value", KEY, f"v{number}", REG_SZ, "x") for number in range(index)]
            refused_commit(registry.client, "KeyNotFound", operations + [("delete-key", KEY + r"\Nope")],
                           naming=[str(index), "Nope"])


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
def a_dry_run_checks_everything_and_keeps_nothing():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "x")
        before, state = client.revision, client.tree(KEY)
        equal(client.commit([("set-value", KEY, "n", REG_SZ, "y"), ("create-key", KEY + r"\Sub"),
                             ("delete-tree", KEY)], dry_run=True), before)
        each([("Conflict", ("expect-value", KEY, "n", REG_SZ, "y")), ("KeyNotFound", ("delete-key", KEY + r"\Nope")),
              ("InvalidValue", ("set-value", KEY, "n", REG_DWORD, "x"))],
             lambda error, operation: refused_commit(client, error, [operation], dry_run=True))
        equal((client.revision, client.tree(KEY)), (before, state))


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


@test
def one_commit_holds_as_many_operations_as_fit():
    number = 20000
    with Registry() as registry:
        client = registry.client
        before = client.revision
        equal(client.commit([("set-value", f"{KEY}\\k{index // 100}", f"v{index % 100}", REG_DWORD, index)
                             for index in range(number)]), before + 1)
        equal(len(client.keys(KEY)), number // 100)
        equal(client.get(KEY + r"\k199", "v99"), (REG_DWORD, "u", number - 1))


@test
def one_failing_writer_fails_no_other():
    with Registry() as registry:
        clients = [registry.connect() for _ in range(4)]
        sent = []
        for index in range(100):
            client = clients[index % 4]
            good = index % 5 != 0
            operation = ("set-value", KEY, f"v{index}", REG_DWORD, index) if good else ("delete-key", KEY + r"\Nope")
            sent.append((good, client.send("Commit", "a(sssuv)a{sv}", operation_list([operation]), options())))
        wait_for(lambda: all(outcome for _, outcome in sent), "all answers")
        for good, outcome in sent:
            equal(isinstance(outcome[0], Refused), not good)
        revisions = [outcome[0] for good, outcome in sent if good]
        equal(len(set(revisions)), 80)
        equal(len(registry.client.values(KEY)), 80)


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
