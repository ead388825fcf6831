# SPDX-License-Identifier: MIT
"""How much of history is kept: counted for each root and each user, live, and
the same for whoever asks, whichever way. And trials of every kind of write."""

import tempfile

import dbus

from harness.bus import ALICE, BOB, needs_root
from harness.case import each, equal, main, test
from harness.registry import (NO_TYPE, PARAMETERS, REG_DWORD, REG_SZ, SOFTWARE, Refused, Registry, operation_list,
                              options)

KEY = SOFTWARE + "\\Acme"


def revisions(client, key):
    return [entry["revision"] for entry in client.call("GetHistory", "sa{sv}", key, options())]


def keep(client, number):
    client.set(PARAMETERS, "History Revisions", REG_DWORD, number)


def export_at(client, revision):
    with tempfile.TemporaryFile() as file:
        return client.call("Export", "sha{sv}", KEY, dbus.types.UnixFd(file.fileno()), options(at=revision))


WAYS = [
    ("ReadTree", lambda client, revision: client.tree(KEY, at=revision)),
    ("Export", export_at),
    ("Watch", lambda client, revision: client.watch(KEY, since=revision)),
    ("Rollback", lambda client, revision: client.call("Rollback", "sta{sv}", KEY, dbus.UInt64(revision),
                                                      options(dry_run=True))),
]


@test
def what_is_past_the_limit_is_gone_whichever_way():
    with Registry() as registry:
        client = registry.client
        for number in range(10):
            client.set(KEY, "n", REG_DWORD, number)
        keep(client, 3)
        newest = client.revision
        equal(revisions(client, "HKLM"), [newest, newest - 1, newest - 2])
        for way, ask in WAYS:
            # The state before the third newest revision can still be told.
            for back in range(4):
                ask(client, newest - back)
            for revision in (newest - 4, 1):
                try:
                    ask(client, revision)
                    raise AssertionError(f"{way} reaches revision {revision} of {newest}")
                except Refused as refusal:
                    equal(refusal.name, "HistoryGone", way)
        client.refused("SchemaViolation", "SetValue", "ssuv", PARAMETERS, "History Revisions", REG_DWORD,
                       dbus.UInt32(0, variant_level=1))


@test
def nobody_pushes_out_what_is_anothers():
    needs_root()
    with Registry() as registry:
        root, alice, bob = registry.client, registry.connect(uid=ALICE), registry.connect(uid=BOB)
        mine = [bob.set("HKCU\\Acme", "n", REG_DWORD, number) for number in range(3)]
        ours = [root.set(KEY, "n", REG_DWORD, number) for number in range(3)]
        keep(root, 5)
        hers = [alice.set("HKCU\\Acme", "n", REG_DWORD, number) for number in range(20)]
        equal(revisions(alice, "HKCU"), hers[:-6:-1])
        equal(revisions(bob, "HKCU"), mine[::-1])
        equal(revisions(root, KEY), ours[::-1])
        equal(bob.tree("HKCU\\Acme", at=mine[0])[1], [(f"HKEY_USERS\\{BOB}\\Acme", [("n", REG_DWORD, 0)])])
        alice.refused("HistoryGone", "ReadTree", "sa{sv}", "HKCU\\Acme", options(at=hers[0]))


@test
def a_trial_outlives_the_limit():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "before")
        keep(client, 2)
        client.commit([("set-value", KEY, "n", REG_SZ, "tried"), ("set-value", KEY, "new", REG_SZ, "x")],
                      confirm_within=2)
        for number in range(20):
            client.set(KEY, "other", REG_DWORD, number)
        client.watch(KEY)
        client.wait_for_signals(1)
        equal(client.values(KEY), [("n", REG_SZ, "before"), ("other", REG_DWORD, 19)])


# ---- trials ----

def import_on_trial(client):
    with tempfile.TemporaryFile() as file:
        file.write(f'REGEDIT4\n[{KEY}]\n"n"="tried"\n"new"="x"\n[-{KEY}\\Gone]\n[{KEY}\\Made]\n'.encode())
        file.seek(0)
        return client.call("Import", "ha{sv}", dbus.types.UnixFd(file.fileno()), options(confirm_within=1))[0]


def commit_on_trial(client):
    return client.commit([("expect-absent", KEY + "\\Made", "", NO_TYPE, ""), ("set-value", KEY, "n", REG_SZ, "tried"),
                          ("set-value", KEY, "new", REG_SZ, "x"), ("delete-tree", KEY + "\\Gone"),
                          ("create-key", KEY + "\\Made")], confirm_within=1)


def roll_back_on_trial(client):
    before = client.revision
    client.set(KEY, "n", REG_SZ, "before")
    client.delete(KEY + "\\Made", recursive=True)
    client.call("Commit", "a(sssuv)a{sv}",
                operation_list([("delete-value", KEY, "new"), ("set-value", KEY + "\\Gone", "n", REG_SZ, "back")]),
                options())
    return client.call("Rollback", "sta{sv}", KEY, dbus.UInt64(before), options(confirm_within=1))[0]


def furnish(client):
    client.set(KEY, "n", REG_SZ, "before")
    client.set(KEY + "\\Gone", "n", REG_SZ, "back")


def goes_back(client, write):
    revision = write(client)
    equal(client.get(KEY, "n")[2], "tried")
    equal(client.keys(KEY), ["Made"])
    client.received().clear()
    client.wait_for_signals(1)
    equal(client.signals[-1][2], revision + 1)
    equal(client.values(KEY), [("n", REG_SZ, "before")])
    equal((client.keys(KEY), client.values(KEY + "\\Gone")), (["Gone"], [("n", REG_SZ, "back")]))
    entry = client.call("GetHistory", "sa{sv}", KEY, options(limit=1))[0]
    equal(entry["comment"], "not confirmed")


@test
def an_import_and_a_commit_on_trial_are_undone_whole():
    with Registry() as registry:
        client = registry.client
        furnish(client)
        client.watch(KEY)
        each([(import_on_trial,), (commit_on_trial,)], lambda write: goes_back(client, write))


@test
def a_rollback_on_trial_is_undone_whole():
    with Registry() as registry:
        client = registry.client
        furnish(client)
        commit_on_trial(client)
        client.call("Confirm", "t", dbus.UInt64(client.revision))
        client.watch(KEY)
        goes_back(client, roll_back_on_trial)


main()
