# SPDX-License-Identifier: MIT
"""The past: what history tells and to whom, branches as they were, and forgetting."""

import os

import dbus

from harness.bus import ALICE, BOB, needs_root, wait_for
from harness.case import check, equal, main, test
from harness.registry import (REG_DWORD, REG_MULTI_SZ, REG_SZ, SOFTWARE, Registry, options)
from harness.past import everything, history, told

KEY = SOFTWARE + "\\Acme"
CREDENTIALS = "HKLM\\SAM\\Domains\\Account\\Users\\jo"


# ---- GetHistory ----

@test
def history_tells_who_did_what_newest_first():
    with Registry() as registry:
        client = registry.client
        first = client.set(KEY, "Port", REG_DWORD, 25)
        second = client.commit([("set-value", KEY, "Port", REG_DWORD, 26), ("set-value", KEY, "n", REG_SZ, "x")],
                               comment="moved it")
        third = client.unset(KEY, "port")
        client.set(SOFTWARE + "\\Other", "n", REG_SZ, "x")
        entries = history(client, KEY)
        equal([entry["revision"] for entry in entries], [third, second, first])
        equal(told(entries), [("value-deleted", "Port", 26, None), ("value-set", "Port", 25, 26),
                              ("value-set", "n", None, "x"), ("key-created", "", None, None),
                              ("value-set", "Port", None, 25)])
        equal([entry["comment"] for entry in entries], ["", "moved it", ""])
        equal({(entry["uid"], entry["pid"]) for entry in entries}, {(os.getuid(), os.getpid())})
        check(all("python" in entry["program"] and " " not in entry["program"] for entry in entries),
              f"the first word of the command line: {entries[0]['program']}")
        times = [entry["time"] for entry in entries]
        check(times == sorted(times, reverse=True) and times[0] > 1_600_000_000_000_000, f"times: {times}")
        equal({change["key"] for entry in entries for change in entry["changes"]}, {KEY})
        change = entries[1]["changes"][0]
        equal((change["old-type"], change["new-type"]), (REG_DWORD, REG_DWORD))
        check(all("changes-left" not in entry for entry in entries), "nothing is left")


@test
def history_is_read_in_pages():
    with Registry() as registry:
        client = registry.client
        revisions = [client.set(KEY, "n", REG_DWORD, number) for number in range(120)]
        newest_first = revisions[::-1]
        equal([entry["revision"] for entry in history(client, KEY)], newest_first[:100])
        equal([entry["revision"] for entry in history(client, KEY, limit=3)], newest_first[:3])
        equal([entry["revision"] for entry in history(client, KEY, limit=500, before=newest_first[1])],
              newest_first[2:])
        equal(history(client, KEY, before=revisions[0]), [])
        equal(len(history(client, KEY, limit=0xFFFFFFFF)), 120)


@test
def changes_past_an_entrys_limit_are_counted():
    with Registry() as registry:
        client = registry.client
        client.commit([("set-value", KEY, f"n{number}", REG_DWORD, number) for number in range(12_000)])
        entry = history(client, KEY)[0]
        equal(len(entry["changes"]) + entry["changes-left"], 12_001)
        check(entry["changes-left"] > 0, "some are left")


@test
def the_past_of_what_is_gone_is_told():
    with Registry() as registry:
        client = registry.client
        client.set(KEY + "\\Sub", "n", REG_SZ, "x")
        client.delete(KEY, recursive=True)
        equal(told(history(client, KEY + "\\Sub")), [("value-deleted", "n", "x", None), ("key-deleted", "", None, None),
                                                     ("key-created", "", None, None), ("value-set", "n", None, "x")])
        client.refused("KeyNotFound", "GetHistory", "sa{sv}", KEY + "\\Never", options(), naming="Never")


@test
def history_is_shown_by_the_lists_of_then_and_of_now():
    needs_root()
    with Registry() as registry:
        root, alice = registry.client, registry.connect(uid=ALICE)
        root.set(SOFTWARE, "n", REG_SZ, "for all")
        root.set(KEY, "n", REG_SZ, "closed")
        root.set_acl(KEY, ("everyone", "none"))
        root.set(KEY, "n", REG_SZ, "while closed")
        alice.refused("AccessDenied", "GetHistory", "sa{sv}", KEY, options(), naming="Acme")
        root.set_acl(KEY, ("everyone", "read"))
        root.set(KEY, "n", REG_SZ, "open")
        seen = [change for change in told(history(alice, KEY)) if change[0] == "value-set"]
        check(("value-set", "n", "closed", "while closed") not in seen, f"what was closed then: {seen}")
        check(all(new != "while closed" for _, _, _, new in seen), f"what was closed then: {seen}")
        equal(seen[0][3], "open")
        equal(len(history(alice, KEY, limit=1)), 1)
        root.set_acl(KEY, ("everyone", "none"))
        alice.refused("AccessDenied", "GetHistory", "sa{sv}", KEY, options())
        above = history(alice, SOFTWARE)
        equal([entry["changes"][0]["kind"] for entry in history(alice, SOFTWARE, limit=1)], ["value-set"])
        check("open" not in repr(above) and "while closed" not in repr(above), f"nothing of it from above: {above}")


@test
def what_is_secret_stays_so():
    needs_root()
    with Registry() as registry:
        root, alice, bob = registry.client, registry.connect(uid=ALICE), registry.connect(uid=BOB)
        root.set_acl("HKLM\\SAM", ("everyone", "read"), (f"user:{BOB}", "read"))
        root.set(CREDENTIALS, "Password", REG_SZ, "$6$salt$" + "x" * 86)
        check("$6$" not in repr(history(alice, CREDENTIALS)), "a secret takes an entry of one's own")
        check("$6$" in repr(history(bob, CREDENTIALS)), "which Bob has")
        check("$6$" in repr(history(root, CREDENTIALS)), "and an administrator need not")
        equal(everything(alice, CREDENTIALS, at=root.revision)[0][1], [])
        equal(len(everything(bob, CREDENTIALS, at=root.revision)[0][1]), 1)


# ---- ReadTree of the past ----

@test
def a_tree_is_read_as_it_was():
    with Registry() as registry:
        client = registry.client
        before_it = client.revision
        client.set(KEY, "Port", REG_DWORD, 25)
        client.set(KEY + "\\b", "x", REG_SZ, "y")
        client.set(KEY + "\\a", "x", REG_MULTI_SZ, ["y", "z"])
        then, before = client.revision, everything(client, KEY)
        client.unset(KEY, "Port")
        client.call("RenameKey", "ss", KEY + "\\a", "A2")
        client.delete(KEY + "\\b", recursive=True)
        client.set(KEY + "\\c", "n", REG_SZ, "new")
        equal(everything(client, KEY, at=then), before)
        for limit in (1, 2, 3):
            equal(everything(client, KEY, at=then, limit=limit), before)
        equal([path for path, _ in everything(client, KEY, at=then, depth=0)], [KEY])
        client.delete(KEY, recursive=True)
        equal(everything(client, KEY, at=then), before)
        client.refused("InvalidValue", "ReadTree", "sa{sv}", KEY, options(at=client.revision + 1), naming="to come")
        client.refused("KeyNotFound", "ReadTree", "sa{sv}", KEY, options(at=before_it))


@test
def the_past_asks_for_the_rights_of_then_too():
    needs_root()
    with Registry() as registry:
        root, alice = registry.client, registry.connect(uid=ALICE)
        root.set(KEY, "n", REG_SZ, "closed")
        root.set_acl(KEY, ("everyone", "none"))
        closed = root.revision
        root.set_acl(KEY)
        alice.refused("AccessDenied", "ReadTree", "sa{sv}", KEY, options(at=closed))
        equal(everything(alice, KEY, at=root.revision), [(KEY, [("n", REG_SZ, "closed")])])


@test
def many_readings_of_the_past_at_once_are_all_answered():
    with Registry() as registry:
        client = registry.client
        for number in range(20):
            client.set(KEY, "n", REG_DWORD, number)
        outcomes = [client.send("GetHistory", "sa{sv}", KEY, options(limit=number + 1)) for number in range(20)]
        outcomes += [client.send("ReadTree", "sa{sv}", KEY, options(at=client.revision)) for _ in range(20)]
        equal(client.get(KEY, "n")[2], 19)
        wait_for(lambda: all(outcomes), "all answers")
        equal([len(outcome[0]) for outcome in outcomes[:20]], list(range(1, 21)))
        check(all(outcome[0][1] == [(KEY, [("n", REG_DWORD, 19)])] for outcome in outcomes[20:]), "the tree as it is")


# ---- PurgeHistory ----

@test
def what_is_purged_is_forgotten():
    needs_root()
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "Password", REG_SZ, "by mistake 1")
        client.set(KEY, "Other", REG_SZ, "stays 1")
        then = client.revision
        client.set(KEY, "Password", REG_SZ, "by mistake 2")
        client.set(KEY, "Other", REG_SZ, "stays 2")
        client.unset(KEY, "Password")
        client.set(KEY + "\\Sub", "n", REG_SZ, "below 1")
        client.set(KEY + "\\Sub", "n", REG_SZ, "below 2")
        registry.connect(uid=ALICE).refused("AccessDenied", "PurgeHistory", "ssa{sv}", KEY, "Password", options())
        client.call("PurgeHistory", "ssa{sv}", KEY, "PASSWORD", options())
        shown = repr(history(client, KEY))
        check("by mistake" not in shown and "stays 1" in shown and "below 1" in shown, shown)
        for change in (change for entry in history(client, KEY) for change in entry["changes"]):
            equal(change.get("purged", False), change["name"] == "Password", str(change))
        client.refused("HistoryGone", "Rollback", "sta{sv}", KEY, dbus.UInt64(then), options(), naming="Password")
        client.refused("InvalidValue", "PurgeHistory", "ssa{sv}", KEY, "Password", options(recursive=True))
        client.call("PurgeHistory", "ssa{sv}", KEY, "", options(recursive=True))
        shown = repr(history(client, KEY))
        check("stays 1" not in shown and "below 1" not in shown, shown)
        equal((client.get(KEY, "Other")[2], client.get(KEY + "\\Sub", "n")[2]), ("stays 2", "below 2"))
        client.refused("KeyNotFound", "PurgeHistory", "ssa{sv}", KEY + "\\Never", "", options(recursive=True))
        client.create(SOFTWARE + "\\Link", link=KEY)
        client.set(KEY, "Token", REG_SZ, "by link 1")
        client.set(KEY, "Token", REG_SZ, "by link 2")
        client.call("PurgeHistory", "ssa{sv}", SOFTWARE + "\\Link", "", options(recursive=True, no_follow=True))
        check("by link 1" in repr(history(client, KEY)), "a link itself has nothing of its target")
        client.call("PurgeHistory", "ssa{sv}", SOFTWARE + "\\Link", "Token", options())
        check("by link 1" not in repr(history(client, KEY)), "links are followed")
        registry.stop()
        left = b"".join(path.read_bytes() for path in registry.database.parent.iterdir())
        for text in ("by mistake 1", "by mistake 2", "below 1", "stays 1", "by link 1"):
            check(text.encode() not in left and text.encode("utf-16-le") not in left, f"{text!r} is still in the files")


main()
