# SPDX-License-Identifier: MIT
"""A large import is recorded in parts while it is applied; one that is on trial is recorded at its end.
Both must do, tell and undo the same."""

import tempfile

import dbus

from harness.case import check, equal, main, rows, test
from harness.registry import REG_DWORD, REG_SZ, SOFTWARE, Refused, Registry, options

KEY = SOFTWARE + "\\Acme"
MANY = 4200  # values, which take more than one part
PER_KEY = 1050
FIRST = f"{KEY}\\K0"


def lines_of(later):
    lines = ["REGEDIT4", f"[{KEY}]", '"old"="changed"']
    for number in range(MANY):
        if number % PER_KEY == 0:
            lines.append(f"[{KEY}\\K{number // PER_KEY}]")
        lines.append(f'"v{number}"=dword:{number:08x}')
    return [*lines, *later]


def run_import(client, lines, **given):
    with tempfile.TemporaryFile() as file:
        file.write("\n".join([*lines, ""]).encode())
        file.seek(0)
        return client.call("Import", "ha{sv}", dbus.types.UnixFd(file.fileno()), options(**given))


def pages_of_tree(client):
    cursor, found = "", []
    while True:
        _, keys, cursor = client.tree(KEY, **({"cursor": cursor} if cursor else {}))
        found += keys
        if not cursor:
            return found


def history_of(client, revision):
    entry, = [entry for entry in client.call("GetHistory", "sa{sv}", KEY, options()) if entry["revision"] == revision]
    return {name: content for name, content in entry.items() if name not in ("time", "pid", "on-trial", "deadline")}


def outcome_of(later, **given):
    """All that an import has done, and what going back from it leaves."""
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "old", REG_SZ, "first")
        client.set(KEY + "\\Other", "v", REG_DWORD, 7)
        before = pages_of_tree(client)
        watched = registry.connect()
        for key, recursive in ((KEY, False), (FIRST, False), (KEY + "\\K3", False), (SOFTWARE, True)):
            watched.watch(key, recursive=recursive)
        since = client.revision
        revision, report = run_import(client, lines_of(later), **given)
        if given:
            client.call("Confirm", "t", dbus.UInt64(revision))
        after = pages_of_tree(client)
        watched.revision  # a round trip: all signals are there
        heard = [signal[1:] for signal in watched.received()]
        history = history_of(client, revision)
        client.call("Rollback", "sta{sv}", KEY, dbus.UInt64(since), options())
        equal(pages_of_tree(client), before)
        return {"report": report, "tree": after, "heard": heard, "history": history}


@rows([
    ("nothing twice", []),
    ("a value set again", [f"[{FIRST}]", '"v0"="again"']),
    ("a value set to what it was before", [f"[{KEY}]", '"old"="first"']),
    ("a value deleted", [f"[{FIRST}]", '"v1"=-']),
    ("a value deleted and set again", [f"[{FIRST}]", '"v1"=-', '"V1"=dword:00000001']),
    ("an older value deleted", [f"[{KEY}\\Other]", '"v"=-', f"[{KEY}]", '"old"=-']),
    ("a key deleted", [f"[-{FIRST}]"]),
    ("a key deleted and made again", [f"[-{FIRST}]", f"[{KEY}\\k0]", '"v"="new"']),
    ("an older key deleted and made again", [f"[-{KEY}\\Other]", f"[{KEY}\\Other]", '"v"=dword:00000007']),
])
def recording_in_parts_changes_nothing(later):
    in_parts, at_the_end = outcome_of(later), outcome_of(later, **{"confirm-within": 600})
    for what, expected in at_the_end.items():
        check(in_parts[what] == expected, f"{what} differs: {str(in_parts[what])[:1000]} is not {str(expected)[:1000]}")


@test
def an_import_that_fails_at_its_end_leaves_nothing():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "old", REG_SZ, "first")
        before, revision = pages_of_tree(client), client.revision
        try:
            run_import(client, lines_of([f"[{KEY}]", '"' + "n" * 20000 + '"="too long"']), strict=True)
            check(False, "it was taken")
        except Refused:
            pass
        equal((pages_of_tree(client), client.revision), (before, revision))
        client.set(KEY, "old", REG_SZ, "second")
        equal(len(client.call("GetHistory", "sa{sv}", KEY, options())), 2)


main()
