# SPDX-License-Identifier: MIT
"""Undo: what one revision changed is taken back, as its caller could by hand, and nothing else."""

import dbus

from harness.bus import ALICE, needs_root
from harness.case import check, equal, main, test
from harness.past import history, state
from harness.registry import (PARAMETERS, REG_DWORD, REG_SZ, SOFTWARE, Registry, options)

KEY = SOFTWARE + "\\Acme"
SCHEMA = f"[key {KEY}]\n\n[value Password]\ntype = REG_SZ\nsecret\n"


def undo(client, revision, **given):
    """(the revision after it, its changes)."""
    return client.call("Undo", "ta{sv}", dbus.UInt64(revision), options(**given))


def refused(client, name, revision, naming=()):
    return client.refused(name, "Undo", "ta{sv}", dbus.UInt64(revision), options(), naming=naming)


def fill(client):
    client.commit([("set-value", KEY, "a", REG_SZ, "1"), ("set-value", KEY, "b", REG_SZ, "1"),
                   ("set-value", KEY, "C", REG_SZ, "1"), ("set-value", KEY + "\\Old\\Deep", "n", REG_SZ, "x"),
                   ("create-link", SOFTWARE + "\\Link", "", REG_SZ, KEY)])
    client.set_acl(KEY + "\\Old", ("everyone", "none"))


@test
def all_that_a_revision_did_is_taken_back():
    with Registry() as registry:
        client = registry.client
        fill(client)
        before = state(client, SOFTWARE)
        revision = client.commit([
            ("set-value", KEY, "a", REG_DWORD, 2), ("delete-value", KEY, "b"), ("set-value", KEY, "new", REG_SZ, "n"),
            ("set-value", KEY + "\\New\\Deep", "n", REG_SZ, "x"), ("delete-tree", KEY + "\\Old"),
            ("delete-key", SOFTWARE + "\\Link"), ("create-link", SOFTWARE + "\\Other", "", REG_SZ, KEY)])
        after = state(client, SOFTWARE)
        would = undo(client, revision, dry_run=True)
        equal(state(client, SOFTWARE), after, "a dry run does nothing")
        now, changes = undo(client, revision, comment="never mind")
        equal(state(client, SOFTWARE), before, "values, their order, links, access lists")
        equal(would, (now - 1, changes))
        equal([entry["comment"] for entry in history(client, KEY)][:1], ["never mind"])
        again = undo(client, now)
        equal(state(client, SOFTWARE), after, "and back again")
        check(again[0] == now + 1, "a revision like any other")


@test
def access_lists_and_renames_are_taken_back():
    with Registry() as registry:
        client = registry.client
        fill(client)
        before = state(client, KEY)
        listed = client.call("SetAcl", "sa(ss)", KEY, dbus.Array([("everyone", "write")], signature="(ss)"))
        undo(client, listed)
        renamed = client.call("RenameKey", "ss", KEY + "\\Old", "Renamed")
        undo(client, renamed)
        equal(state(client, KEY), before)


@test
def what_was_changed_since_stays():
    with Registry() as registry:
        client = registry.client
        fill(client)
        revision = client.commit([("set-value", KEY, "a", REG_SZ, "2"), ("set-value", KEY, "b", REG_SZ, "2"),
                                  ("create-key", KEY + "\\Used"), ("create-key", KEY + "\\Empty")])
        client.set(KEY, "A", REG_SZ, "3")
        client.set(KEY + "\\Used", "n", REG_SZ, "x")
        _, changes = undo(client, revision)
        equal(sorted((kind, key.rpartition("\\")[2], name) for kind, key, name in changes),
              [("key-deleted", "Empty", ""), ("value-set", "Acme", "b")])
        equal((client.get(KEY, "a")[2], client.get(KEY, "b")[2]), ("3", "1"))
        newest = client.revision
        equal(undo(client, revision), (newest, []), "there is nothing left to undo")


@test
def an_undo_can_be_on_trial():
    with Registry() as registry:
        client = registry.client
        fill(client)
        revision = client.set(KEY, "a", REG_SZ, "2")
        undone, _ = undo(client, revision, **{"confirm-within": 600})
        equal(client.get(KEY, "a")[2], "1")
        client.call("EndTrial", "t", dbus.UInt64(undone))
        equal(client.get(KEY, "a")[2], "2")


@test
def what_history_does_not_have_is_refused():
    with Registry() as registry:
        client = registry.client
        fill(client)
        revision = client.set(KEY, "a", REG_SZ, "2")
        for none in (0, revision + 1, 2**63):
            refused(client, "HistoryGone", none, naming=str(none))
        client.call("PurgeHistory", "ssa{sv}", KEY, "a", options())
        refused(client, "HistoryGone", revision, naming=(KEY, "a"))
        client.set(PARAMETERS, "History Revisions", REG_DWORD, 1)
        refused(client, "HistoryGone", revision, naming=str(revision))
        client.refused("InvalidPath", "Rollback", "sta{sv}", "", dbus.UInt64(revision), options())


@test
def locks_and_schemas_hold_it_up_as_a_whole():
    with Registry() as registry:
        client = registry.client
        fill(client)
        client.set(KEY, "Password", REG_DWORD, 1)
        revision = client.commit([("set-value", KEY, "a", REG_SZ, "2"), ("set-value", KEY, "Password", REG_SZ, "x")])
        client.call("Lock", "sssa{sv}", KEY, "a", "not now", options())
        refused(client, "Locked", revision, naming="not now")
        client.call("Unlock", "ssa{sv}", KEY, "a", options())
        describe(registry)
        refused(client, "SchemaViolation", revision, naming="Password")
        equal(client.get(KEY, "a")[2], "2", "all or nothing")


def describe(registry):
    directory = registry.directory / "schemas"
    directory.mkdir()
    (directory / "test.schema").write_text(SCHEMA)
    registry.schemas.append(directory)
    registry.restart()


@test
def it_takes_the_rights_that_doing_it_by_hand_takes():
    needs_root()
    with Registry() as registry:
        describe(registry)
        client = registry.client
        fill(client)
        client.set(KEY, "Password", REG_SZ, "hunter2")
        value = client.set(KEY, "a", REG_SZ, "2")
        secret = client.set(KEY, "Password", REG_SZ, "hunter3")
        deleted = client.delete(KEY + "\\Old", recursive=True)
        hidden = client.set(SOFTWARE + "\\Link", "hidden", REG_SZ, "x")
        client.set_acl(KEY, ("everyone", "read"))
        alice = registry.connect(uid=ALICE)
        refused(alice, "AccessDenied", value, naming=(KEY, "write"))
        listed = client.call("SetAcl", "sa(ss)", KEY, dbus.Array([("everyone", "write")], signature="(ss)"))
        refused(alice, "AccessDenied", listed, naming=(KEY, "control"))
        equal(undo(alice, value)[1], [("value-set", KEY, "a")])
        entry = history(client, KEY)[0]
        equal((entry["uid"], entry["changes"][0]["new-data"]), (ALICE, "1"), "it is hers")
        text = refused(alice, "AccessDenied", secret, naming="Password").text
        check("hunter" not in text, text)
        refused(alice, "HistoryGone", deleted, naming=str(deleted))
        client.set_acl(KEY, ("everyone", "none"))
        refused(alice, "HistoryGone", hidden, naming=str(hidden))


@test
def what_may_not_be_seen_is_passed_over():
    needs_root()
    with Registry() as registry:
        client = registry.client
        client.create(KEY + "\\Hidden")
        client.set_acl(KEY, ("everyone", "write"))
        client.set_acl(KEY + "\\Hidden", ("everyone", "none"))
        alice = registry.connect(uid=ALICE)
        revision = client.commit([("set-value", KEY, "n", REG_SZ, "x"), ("set-value", KEY + "\\Hidden", "n", REG_SZ, "x")])
        equal(undo(alice, revision)[1], [("value-deleted", KEY, "n")])
        equal(client.get(KEY + "\\Hidden", "n")[2], "x")


main()
