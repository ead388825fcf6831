# SPDX-License-Identifier: MIT
"""Commits: revisions, all or nothing, and what is refused."""

from harness.bus import wait_for
from harness.case import check, contains, each, equal, main, test
from harness.registry import (REG_BINARY, REG_DWORD, REG_MULTI_SZ, REG_QWORD, REG_SZ, SOFTWARE, Refused, Registry,
                              operation_list, options, variant)

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


main()
