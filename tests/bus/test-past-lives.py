# SPDX-License-Identifier: MIT
"""Keys that are gone, or were there again, and what was declared of them: what was closed in one of a
key's lives is told by none of the others."""

import dbus

from harness.bus import ALICE, needs_root
from harness.case import contains, equal, main, test
from harness.past import attempt, described
from harness.registry import REG_SZ, SOFTWARE, Registry, operation_list, options

KEY = SOFTWARE + "\\Acme"
OWNER = "puppet"


@test
def what_a_refusal_calls_a_key_is_of_no_life_that_was_closed():
    needs_root()
    with described([(KEY + "\\Once", True)]) as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        client.set(KEY + "\\Once", "V", REG_SZ, "geheim")
        client.set_acl(KEY, ("everyone", "control"))
        then = client.revision
        deleted = client.delete(KEY + "\\Once")
        client.create(KEY + "\\ONCE")
        client.set_acl(KEY + "\\ONCE", ("user:0", "control"))
        client.delete(KEY + "\\ONCE")
        for call in [("Undo", "ta{sv}", dbus.UInt64(deleted), options()), ("Rollback", "sta{sv}", KEY, dbus.UInt64(then), options())]:
            contains(alice.refused("AccessDenied", *call).text, KEY + "\\Once: V: ")


@test
def that_something_was_there_again_and_closed_is_not_told_by_undoing():
    """Two registries: what the user has deleted was there again in one of them, while it was closed."""
    needs_root()
    answers = []
    for again in (False, True):
        with Registry() as registry:
            client, alice = registry.client, registry.connect(uid=ALICE)
            client.create(KEY)
            client.set_acl(KEY, (f"user:{ALICE}", "control"))
            alice.set(KEY + "\\Once", "n", REG_SZ, "x")
            alice.set(KEY, "n", REG_SZ, "x")
            deleted = [alice.delete(KEY + "\\Once"), alice.unset(KEY, "n")]
            client.set_acl(KEY, ("user:0", "control"))
            for operation in ("set-value", "delete-value"):
                client.commit([(operation, KEY, "n" if again else "m", REG_SZ, "geheim")])
            client.set(KEY + ("\\Once" if again else "\\Other"), "n", REG_SZ, "geheim")
            client.delete(KEY + ("\\Once" if again else "\\Other"))
            client.set_acl(KEY, (f"user:{ALICE}", "control"))
            undone = [alice.call("Undo", "ta{sv}", dbus.UInt64(revision), options()) for revision in deleted]
            answers.append((undone, alice.tree(KEY)))
    equal(answers[0], answers[1])
    equal(answers[0][1][1], [(KEY, [("n", REG_SZ, "x")]), (KEY + "\\Once", [("n", REG_SZ, "x")])])


def make_closed_key(registry):
    """A key that is only open to root; gives the clients of root and of a user."""
    client, alice = registry.client, registry.connect(uid=ALICE)
    client.create(KEY + "\\Once")
    client.set_acl(KEY + "\\Once", ("user:0", "control"))
    return client, alice


@test
def what_was_declared_in_a_closed_key_is_as_closed_when_that_is_gone():
    needs_root()
    with Registry() as registry:
        client, alice = make_closed_key(registry)
        client.commit([("set-value", KEY + "\\Once\\Sub", "n", REG_SZ, "geheim"), ("create-key", KEY + "\\Once\\Sub")],
                      owner=OWNER)

        def told():
            calls = [(member, "sa{sv}", KEY, options(skip_unreadable=skip)) for member in ("ListDeclared", "ListDrift")
                     for skip in (False, True)]
            calls += [("Describe", "ss", KEY + "\\Once\\Sub", name) for name in ("n", "")]
            return [attempt(alice.call, *call) for call in calls]

        equal(told(), [None, [], None, [], None, None])
        client.delete(KEY + "\\Once", recursive=True)
        nothing = [[], [], [], [], {}, {}]
        equal(told(), nothing)
        client.set_acl(KEY, ("everyone", "control"))
        alice.create(KEY + "\\Once\\Sub")
        equal(told(), nothing)
        guesses = {alice.refused("Conflict", "Commit", "a(sssuv)a{sv}",
                                 operation_list([("set-value", KEY + "\\Once\\Sub", "n", REG_SZ, guess)]),
                                 options(owner="mine", dry_run=dry)).text
                   for guess in ("geheim", "wrong") for dry in (False, True)}
        equal(len(guesses), 1, guesses)
        client.commit([("set-value", KEY + "\\Once\\Sub", "n", REG_SZ, "new")], owner=OWNER)
        equal(alice.call("ListDeclared", "sa{sv}", KEY, options())[-1], (KEY + "\\Once\\Sub", "n", OWNER, True))


def declare_in_closed_key(client, key):
    client.create(KEY + "\\Once")
    client.set_acl(KEY + "\\Once", ("user:0", "control"))
    client.commit([("set-value", key, "n", REG_SZ, "geheim")], owner=OWNER)


def list_told(caller):
    return [attempt(caller.call, member, "sa{sv}", KEY, options()) for member in ("ListDeclared", "ListDrift")]


@test
def a_key_that_others_make_again_and_delete_opens_nothing():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        declare_in_closed_key(client, KEY + "\\Once")
        client.delete(KEY + "\\Once")
        client.set_acl(KEY, (f"user:{ALICE}", "control"))
        alice.create(KEY + "\\Once")
        alice.set_acl(KEY + "\\Once", (f"user:{ALICE}", "control"), ("everyone", "read"))
        equal(list_told(alice), [[], []])
        alice.delete(KEY + "\\Once")
        equal(list_told(alice), [[], []])


@test
def what_was_deleted_before_the_closed_key_above_it_stays_closed():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        declare_in_closed_key(client, KEY + "\\Once\\Sub")
        client.delete(KEY + "\\Once\\Sub")
        client.delete(KEY + "\\Once")
        equal(list_told(alice), [[], []])
        equal(client.call("ListDeclared", "sa{sv}", KEY, options()), [(KEY + "\\Once\\Sub", "n", OWNER, False)])


@test
def in_a_branch_that_is_deleted_each_list_closes_its_own():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        client.create(KEY + "\\Once\\Open\\Sub")
        client.set_acl(KEY + "\\Once", ("user:0", "control"))
        client.set_acl(KEY + "\\Once\\Open", ("everyone", "read"))
        client.commit([("set-value", KEY + "\\Once", "n", REG_SZ, "geheim"),
                       ("set-value", KEY + "\\Once\\Open\\Sub", "n", REG_SZ, "x")], owner=OWNER)
        client.delete(KEY + "\\Once", recursive=True)
        equal(alice.call("ListDeclared", "sa{sv}", KEY, options()), [(KEY + "\\Once\\Open\\Sub", "n", OWNER, False)])


@test
def what_is_declared_is_open_with_its_key():
    """As values are; a rename carries it."""
    needs_root()
    with Registry() as registry:
        client, alice = make_closed_key(registry)
        client.commit([("set-value", KEY + "\\Once", "n", REG_SZ, "x")], owner=OWNER)
        client.call("RenameKey", "ss", KEY + "\\Once", "ONCE")
        equal(attempt(alice.call, "ListDeclared", "sa{sv}", KEY + "\\ONCE", options()), None)
        client.set_acl(KEY + "\\ONCE", ("everyone", "read"))
        equal(alice.call("ListDeclared", "sa{sv}", KEY, options()), [(KEY + "\\ONCE", "n", OWNER, True)])


main()
