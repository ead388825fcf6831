# SPDX-License-Identifier: MIT
"""Who may see what of the past: every way to it asks the same, about today's rights and those of
then, and about secrecy by the schemas of today and of then."""

import contextlib
import itertools
import json
import tempfile

import dbus

from harness.bus import ALICE, BOB, needs_root, wait_for
from harness.case import check, contains, each, equal, main, rows, test
from harness.database import edit
from harness.past import attempt, describe, describe_anew, described, history, roll_back
from harness.registry import REG_SZ, SOFTWARE, Refused, Registry, operation_list, options, variant

KEY = SOFTWARE + "\\Acme"
# How the user may be given a key: not at all, as everybody is, or by an entry of their own, which
# alone opens what is secret.
LISTS = {"closed": [(f"user:{BOB}", "control")], "everyone": [("everyone", "control")],
         "named": [(f"user:{ALICE}", "control")]}
CELLS = [(then, now, secret_then, secret_now) for then, now in itertools.product(LISTS, repeat=2)
         for secret_then, secret_now in itertools.product((False, True), repeat=2)]


def name_of(cell):
    then, now, secret_then, secret_now = cell
    return f"{then}-{now}-{'secret' if secret_then else 'plain'}-{'secret' if secret_now else 'plain'}"


def key_of(cell):
    return f"{KEY}\\{name_of(cell)}\\Sub"


def is_shown(cell):
    """What a value held then may be seen now."""
    then, now, secret_then, secret_now = cell
    if "closed" in (then, now):
        return False
    return (then, now) == ("named", "named") or not (secret_then or secret_now)


def set_lists(client, cells, which):
    for cell in cells:
        client.set_acl(f"{KEY}\\{name_of(cell)}", *LISTS[cell[which]])


@contextlib.contextmanager
def a_past(cells):
    """Each cell's value, written and overwritten under the list of then, the one under the schemas of then
    and the other under those of now; then the list of now. (registry, the user, the revision of then)."""
    needs_root()
    with described([(key_of(cell), cell[2]) for cell in cells]) as registry:
        client = registry.client
        for cell in cells:
            client.create(f"{KEY}\\{name_of(cell)}")
        set_lists(client, cells, 0)
        for cell in cells:
            client.set(key_of(cell), "V", REG_SZ, "old")
        then = client.revision
        describe_anew(registry, [(key_of(cell), cell[3]) for cell in cells])
        for cell in cells:
            client.set(key_of(cell), "V", REG_SZ, "new")
        set_lists(client, cells, 1)
        yield registry, registry.connect(uid=ALICE), then


# ---- the ways: each says whether it tells, or gives back, what the value of a cell held ----

def by_history(alice, cell, _then):
    entries = attempt(history, alice, key_of(cell)) or []
    return "old" in [change.get("old-data") for entry in entries for change in entry["changes"]]


def by_first_history(alice, cell, _then):
    entries = attempt(history, alice, key_of(cell)) or []
    return "old" in [change.get("new-data") for entry in entries for change in entry["changes"]]


def by_reading_at(alice, cell, then):
    return "old" in str(attempt(alice.tree, key_of(cell), at=then))


def by_reading_above_at(alice, cell, then):
    found = [values for path, values in alice.tree(KEY, at=then, skip_unreadable=True)[1] if path == key_of(cell)]
    return "old" in str(found)


def by_export_at(alice, cell, then, **given):
    with tempfile.TemporaryFile() as file:
        if attempt(alice.call, "Export", "sha{sv}", key_of(cell), dbus.types.UnixFd(file.fileno()),
                   options(at=then, **given)) is None:
            return False
        file.seek(0)
        return "old" in file.read().decode("utf-16")


def by_json_at(alice, cell, then):
    with tempfile.TemporaryFile() as file:
        if attempt(alice.call, "Export", "sha{sv}", key_of(cell), dbus.types.UnixFd(file.fileno()),
                   options(at=then, format="json", skip_unreadable=True)) is None:
            return False
        file.seek(0)
        return "old" in str(json.load(file)["keys"])


def by_rollback(alice, cell, then):
    """Also dry, which must not tell more."""
    dry = attempt(roll_back, alice, key_of(cell), then, dry_run=True)
    back = attempt(roll_back, alice, key_of(cell), then)
    equal(dry is None, back is None)
    return back is not None


def by_rollback_from_above(alice, cell, then):
    return attempt(roll_back, alice, f"{KEY}\\{name_of(cell)}", then) is not None


def by_undo(alice, cell, then):
    """Of the revision that overwrote it. Also dry."""
    given_back = []
    for dry in (True, False):
        try:
            _, changes = alice.call("Undo", "ta{sv}", dbus.UInt64(then + 1 + CELLS.index(cell)), options(dry_run=dry))
            given_back.append(bool(changes))
        except Refused as refusal:
            check(refusal.name in ("AccessDenied", "HistoryGone"), str(refusal))
            given_back.append(False)
    equal(given_back[0], given_back[1])
    return given_back[1]


WAYS = [by_history, by_first_history, by_reading_at, by_reading_above_at, by_export_at, by_json_at, by_rollback,
        by_rollback_from_above, by_undo]


@rows([(way.__name__.replace("_", " "), way) for way in WAYS])
def every_cell(way):
    with a_past(CELLS) as (registry, alice, then):
        each([(cell,) for cell in CELLS], lambda cell: equal(way(alice, cell, then), is_shown(cell), name_of(cell)))
        for cell in CELLS:  # what was refused is not there either
            if way in (by_rollback, by_rollback_from_above, by_undo):
                equal(registry.client.get(key_of(cell), "V")[2], "old" if is_shown(cell) else "new", name_of(cell))


@test
def every_cell_of_a_replay():
    """Names only: secrecy does not count."""
    with a_past(CELLS) as (_, alice, then):
        for cell in CELLS:
            told = attempt(alice.watch, key_of(cell), since=then) is not None
            equal(told, cell[1] != "closed", name_of(cell))
        alice.call("ListKeys", "s", "")
        heard = {key for _, _, _, changes in alice.received() for kind, key, _ in changes if kind == "value-set"}
        equal(heard, {key_of(cell) for cell in CELLS if "closed" not in cell[:2]})


@test
def every_cell_of_a_trial_that_ends():
    """What a trial gives back is judged when it is given back: its maker must not be able to read it then if
    they may not see it of the past."""
    needs_root()
    cells = [cell for cell in CELLS if cell[0] != "closed"]
    with described([(key_of(cell), cell[2]) for cell in cells]) as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        for cell in cells:
            client.set(key_of(cell), "V", REG_SZ, "old")
        set_lists(client, cells, 0)
        client.watch(KEY)
        tried = alice.commit([("set-value", key_of(cell), "V", REG_SZ, "tried") for cell in cells], confirm_within=3)
        describe_anew(registry, [(key_of(cell), cell[3]) for cell in cells])
        set_lists(client, cells, 1)
        last = client.revision
        wait_for(lambda: client.signals and client.signals[-1][2] > last, "the trial's end")
        withheld = 0
        for cell in cells:
            readable = cell[1] == "named" or (cell[1] == "everyone" and not cell[3])
            stays = readable and not is_shown(cell)
            withheld += stays
            equal(client.get(key_of(cell), "V")[2], "tried" if stays else "old", name_of(cell))
        check(withheld > 0, "some stay")
        comment = history(client, KEY)[0]["comment"]
        contains(comment, f"not confirmed; {withheld} ")
        check(tried < last, "it was a trial")


# ---- what else is past ----

@test
def what_a_key_held_while_it_was_closed_does_not_come_back():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        once = SOFTWARE + "\\Once"
        client.create(once)
        client.set_acl(once, ("user:0", "control"))
        client.set(once, "Password", REG_SZ, "geheim")
        client.set(once + "\\Sub", "Password", REG_SZ, "geheim")
        revisions = [client.revision]
        for key in (once, once + "\\Sub"):
            client.set(key, "Password", REG_SZ, "geheim2")
        revisions.append(client.revision)
        for key in (once, once + "\\Sub"):
            client.unset(key, "Password")
        revisions.append(client.revision)
        for level in ("write", "control"):
            client.set_acl(once, (f"user:{ALICE}", level))
            for key, revision in itertools.product((once, once + "\\Sub"), revisions):
                for call in [("Rollback", "sta{sv}", key, dbus.UInt64(revision), options()),
                             ("Rollback", "sta{sv}", key, dbus.UInt64(revision), options(dry_run=True)),
                             ("ReadTree", "sa{sv}", key, options(at=revision))]:
                    alice.refused("AccessDenied", *call)
            equal(alice.tree(once)[1], [(once, []), (once + "\\Sub", [])])
            check("geheim" not in str(history(alice, once)), "nor does history tell")


@test
def what_is_gone_is_as_closed_as_it_was():
    """A key that was closed is deleted, and made again by the user: the old one's past stays closed."""
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        client.create(KEY)
        client.set_acl(KEY, (f"user:{ALICE}", "control"))
        before = client.revision
        client.set(KEY + "\\Once\\Deep", "n", REG_SZ, "geheim")
        client.set_acl(KEY + "\\Once", ("user:0", "control"))
        client.set(KEY + "\\Once\\Deep", "n", REG_SZ, "geheim2")
        closed = client.revision
        client.delete(KEY + "\\Once", recursive=True)
        gone = client.revision
        for again in (False, True):
            if again:
                alice.set(KEY + "\\Once\\Deep", "n", REG_SZ, "mine")
            for key in ("Once", "Once\\Deep"):
                for call in [("Rollback", "sta{sv}", f"{KEY}\\{key}", dbus.UInt64(closed), options()),
                             ("ReadTree", "sa{sv}", f"{KEY}\\{key}", options(at=closed))]:
                    alice.refused("AccessDenied", *call)
            alice.refused("AccessDenied", "Rollback", "sta{sv}", KEY, dbus.UInt64(closed), options())
            check("geheim2" not in str(history(alice, KEY)), "history")
        alice.call("Rollback", "sta{sv}", KEY, dbus.UInt64(gone), options())
        equal(alice.keys(KEY), [])
        roll_back(alice, KEY, before)


@test
def that_a_closed_key_held_another_is_not_told_later():
    """Everything of a key that was there and of one that never was is answered alike."""
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        client.create(KEY)
        client.set_acl(KEY, ("user:0", "control"))
        before = client.revision
        client.set(KEY + "\\There\\Deep", "n", REG_SZ, "geheim")
        closed = client.revision
        client.delete(KEY + "\\There", recursive=True)
        after = client.revision
        client.set_acl(KEY, (f"user:{ALICE}", "control"))
        now = client.revision

        def answers(key):
            calls = [("GetHistory", "sa{sv}", key, options()), ("GetHistory", "sa{sv}", key, options(before=closed))]
            for revision in (before, closed, after, now):
                calls += [("ReadTree", "sa{sv}", key, options(at=revision)),
                          ("ReadTree", "sa{sv}", key, options(at=revision, skip_unreadable=True)),
                          ("Rollback", "sta{sv}", key, dbus.UInt64(revision), options(dry_run=True))]
            found = []
            for call in calls:
                try:
                    found.append(str(alice.call(*call)))
                except Refused as refusal:
                    found.append((refusal.name, refusal.text.replace(key, "<key>")))
            return found

        for there, nope in [("There", "Nope"), ("There\\Deep", "Nope\\Deep"), ("There\\Deep", "There\\Nope")]:
            equal(answers(f"{KEY}\\{there}"), answers(f"{KEY}\\{nope}"))


@test
def a_renamed_secret_keeps_its_past():
    needs_root()
    keys = [(KEY + "\\A", True), (KEY + "\\B", False)]
    with described(keys) as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        client.set(KEY + "\\A", "V", REG_SZ, "geheim")
        client.set_acl(KEY, ("everyone", "control"))
        then = client.revision
        client.call("RenameKey", "ss", KEY + "\\A", "B")
        moved = client.revision
        client.set(KEY + "\\B", "V", REG_SZ, "new")
        for revision in (then, moved):
            check("geheim" not in str(alice.tree(KEY, at=revision)), "at")
            alice.refused("AccessDenied", "Rollback", "sta{sv}", KEY, dbus.UInt64(revision), options())
        old = [change.get("old-data") for change in history(alice, KEY + "\\B")[0]["changes"]]
        equal(old, [None], "what was secret when it was written stays so")


@test
def what_was_stored_before_secrecy_was_is_known_by_history():
    """A database of an earlier version: stored values do not say if they were secret."""
    needs_root()
    with described([(KEY, True)]) as registry:
        client = registry.client
        client.set(KEY, "V", REG_SZ, "geheim")
        client.set_acl(KEY, ("everyone", "read"))
        registry.stop()
        edit(registry.database, "UPDATE stored SET secret = NULL")
        (registry.directory / "schemas" / "test.schema").write_text(describe([(KEY, False)]))
        registry.start()
        client, alice = registry.connect(), registry.connect(uid=ALICE)
        then = client.revision
        check("geheim" not in str(alice.tree(KEY, at=then)), "at")
        client.set(KEY, "V", REG_SZ, "new")
        check("geheim" not in str(history(alice, KEY)), "history")
        check("geheim" in str(history(client, KEY)), "the administrator sees it")


# ---- trials ----

def end_of(client, after):
    wait_for(lambda: client.signals and client.signals[-1][2] > after, "the trial's end")


@test
def a_trial_gives_back_no_right_that_was_taken_since():
    needs_root()
    for revoked in (False, True):
        with Registry() as registry:
            client, alice = registry.client, registry.connect(uid=ALICE)
            client.set(KEY + "\\Own", "n", REG_SZ, "x")
            client.create(KEY + "\\Gone")
            for name in ("Own", "Gone"):
                client.set_acl(f"{KEY}\\{name}", (f"user:{ALICE}", "control"))
            client.set_acl(KEY, (f"user:{ALICE}", "control"))
            then = client.revision
            client.watch(KEY)
            alice.call("SetAclWithOptions", "sa(ss)a{sv}", KEY + "\\Own", dbus.Array(signature="(ss)"),
                       options(confirm_within=2))
            tried = alice.commit([("delete-key", KEY + "\\Gone")], confirm_within=2)
            if revoked:
                tried = client.set_acl(KEY, ("user:0", "control"))
            end_of(client, tried + 1)
            origin = client.acl(KEY + "\\Own")[0]
            equal(origin, KEY if revoked else KEY + "\\Own")
            equal(client.keys(KEY), ["Own"] if revoked else ["Gone", "Own"])
            comments = [entry["comment"] for entry in history(client, KEY, limit=2)]
            for comment in comments:
                check(comment.startswith("not confirmed"), comment)
                equal("stay" in comment, revoked, comment)
            check(then < tried, "in this order")


@test
def a_trial_that_locked_its_maker_out_is_undone():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        client.create(KEY)
        client.set_acl(KEY, (f"user:{ALICE}", "control"))
        client.watch(KEY)
        tried = alice.call("SetAclWithOptions", "sa(ss)a{sv}", KEY, [(f"user:{BOB}", "control")],
                           options(confirm_within=1))
        alice.refused("AccessDenied", "ListKeys", "s", KEY)
        end_of(client, tried)
        equal(alice.acl(KEY), (KEY, [(f"user:{ALICE}", "control")]))
        equal(history(client, KEY)[0]["comment"], "not confirmed")


# ---- guesses of a secret ----

def fragment(data):
    file = tempfile.TemporaryFile()
    file.write(f'Windows Registry Editor Version 5.00\r\n\r\n[{KEY}]\r\n"V"="{data}"\r\n'.encode())
    file.seek(0)
    return dbus.types.UnixFd(file)


def guesses(data):
    """Writes of a guess: (member, signature, arguments)."""
    sets = ("set-value", KEY, "V", REG_SZ, data)
    for given in ({"dry_run": True}, {"confirm_within": 60}, {}):
        yield "Import", "ha{sv}", fragment(data), options(**given)
        for operations in ([sets], [("delete-value", KEY, "V"), sets], [("delete-tree", KEY), sets],
                           [("set-value", KEY, "V", REG_SZ, "other"), sets]):
            yield "Commit", "a(sssuv)a{sv}", operation_list(operations), options(**given)
        yield "CommitReport", "a(sssuv)a{sv}", operation_list([sets]), options(**given)
    yield "SetValue", "ssuv", KEY, "V", dbus.UInt32(REG_SZ), variant(data)


def outcome(data, index):
    """All that a guess tells the one who makes it."""
    with described([(KEY, True)]) as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        client.create(KEY)
        client.set_acl(SOFTWARE, ("everyone", "write"))
        client.set(KEY, "V", REG_SZ, "geheim")
        then = client.revision
        alice.watch(KEY)
        answer = alice.call(*list(guesses(data))[index])
        alice.call("ListKeys", "s", "")
        return (answer, alice.revision, [changes for *_, changes in alice.received()],
                [(entry["revision"], entry["changes"]) for entry in history(alice, KEY)],
                attempt(roll_back, alice, KEY, then, dry_run=True))


@rows([(f"way {index}", index) for index, _ in enumerate(guesses("x"))])
def a_guess_is_not_confirmed(index):
    needs_root()
    equal(outcome("geheim", index), outcome("wrong!", index))


@test
def which_rule_a_secret_breaks_is_not_told():
    needs_root()
    with described([(KEY, False)]) as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        client.set(KEY, "V", REG_SZ, "much too long")
        (registry.directory / "schemas" / "test.schema").write_text(
            f"[key {KEY}]\n\n[value V]\ntype = REG_SZ\nsecret\nmax-length = 3\n")
        registry.restart()
        client, alice = registry.connect(), registry.connect(uid=ALICE)
        equal([problem[1] for problem in client.call("Validate", "s", KEY)], ["V"])
        equal(alice.call("Validate", "s", KEY), [])


@test
def whoever_may_read_a_secret_changes_nothing_by_writing_it_again():
    with described([(KEY, True)]) as registry:
        client = registry.client
        before = client.set(KEY, "V", REG_SZ, "geheim")
        equal(client.set(KEY, "V", REG_SZ, "geheim"), before)


main()
