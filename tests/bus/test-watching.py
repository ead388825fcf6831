# SPDX-License-Identifier: MIT
"""Watches: what is told, in which order, with which numbers, and to whom."""

import tempfile

import dbus

from harness.bus import ALICE, BOB, needs_root, wait_for
from harness.case import check, equal, main, test
from harness.registry import NAME, PATH, REG_DWORD, REG_SZ, SOFTWARE, Registry, options, variant

KEY = SOFTWARE + r"\Acme"
LINK = SOFTWARE + r"\Link"


def changes(signals):
    """The changes alone, one list a signal."""
    return [signal[3] for signal in signals]


@test
def the_signal_comes_before_the_answer():
    with Registry() as registry:
        client = registry.client
        client.create(KEY)
        identity, revision, path = client.watch(r"HKLM\software\ACME")
        equal(path, KEY)
        equal(revision, client.revision)
        for number in range(1, 50):
            written = client.set(KEY, "Port", REG_DWORD, number)
            equal(client.received()[-1], (identity, number, written, [("value-set", KEY, "Port")]))


@test
def the_property_revision_is_behind_its_signals():
    with Registry() as registry:
        watcher, writer = registry.connect(), registry.client
        writer.create(KEY)
        watcher.watch(KEY)
        heard = []  # (the property, the last signal before it)
        refused = []

        def is_done():
            return all(outcomes) and len(heard) > 1

        def ask():
            watcher.connection.call_async(NAME, PATH, dbus.PROPERTIES_IFACE, "Get", "ss", (NAME, "Revision"),
                                          on_revision, refused.append)

        def on_revision(revision):
            heard.append((int(revision), watcher.signals[-1][2] if watcher.signals else 0))
            if not is_done():
                ask()

        outcomes = [writer.send("SetValue", "ssuv", KEY, "Port", dbus.UInt32(REG_DWORD), variant(number))
                    for number in range(1, 400)]
        ask()
        wait_for(lambda: is_done() or refused, "the answers")
        equal(refused, [], "refusals")
        first = watcher.signals[0][2]
        equal([pair for pair in heard if pair[0] >= first and pair[0] > pair[1]], [], "revisions without their signals")


@test
def other_watchers_are_told_before_the_writer():
    with Registry() as registry:
        watcher, writer = registry.connect(), registry.client
        writer.create(KEY)
        watcher.watch(KEY)
        written = writer.set(KEY, "Port", REG_DWORD, 1)
        # What was queued before the writer's answer comes before a later answer of regd's.
        watcher.revision
        equal([signal[2] for signal in watcher.received()], [written])


@test
def one_signal_a_revision_with_its_changes_in_order():
    with Registry() as registry:
        client = registry.client
        client.watch(KEY)
        revision = client.commit([("create-key", KEY), ("set-value", KEY, "b", REG_SZ, "x"),
                                  ("set-value", KEY, "a", REG_SZ, "y"), ("delete-value", KEY, "b"),
                                  ("create-key", KEY + r"\Sub")])
        (signal,) = client.received()
        equal(signal[1:3], (1, revision))
        check(("key-created", KEY, "") in signal[3], f"the key is told of: {signal}")
        check(("value-set", KEY, "a") in signal[3], f"the value is told of: {signal}")
        check(("key-created", KEY + r"\Sub", "") in signal[3], f"the sub-key is told of: {signal}")
        check(not any(name == "b" for _, _, name in signal[3]), f"what came and went is not: {signal}")


@test
def what_changes_nothing_is_not_told():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "Port", REG_DWORD, 1)
        client.watch(KEY)
        client.set(KEY, "Port", REG_DWORD, 1)
        client.create(KEY)
        client.commit([("set-value", KEY, "Port", REG_DWORD, 2)], dry_run=True)
        equal(client.received(), [])


@test
def a_watch_that_is_not_recursive_hears_of_its_key_and_of_sub_keys_coming_and_going():
    with Registry() as registry:
        client = registry.client
        client.create(KEY)
        client.watch(KEY, recursive=False)
        client.set(KEY, "v", REG_SZ, "x")
        client.create(KEY + r"\Sub")
        client.set(KEY + r"\Sub", "v", REG_SZ, "x")
        client.create(KEY + r"\Sub\Deep")
        client.delete(KEY + r"\Sub", recursive=True)
        client.unset(KEY, "v")
        equal(changes(client.received()),
              [[("value-set", KEY, "v")], [("key-created", KEY + r"\Sub", "")],
               [("key-deleted", KEY + r"\Sub", "")], [("value-deleted", KEY, "v")]])


@test
def a_key_that_is_not_there_yet_is_watched():
    with Registry() as registry:
        client = registry.client
        client.watch(KEY + r"\a\b")
        client.set(KEY, "v", REG_SZ, "x")
        equal(client.received(), [])
        client.set(KEY + r"\A\B\c", "v", REG_SZ, "x")
        (told,) = changes(client.received())
        check(("value-set", KEY + r"\A\B\c", "v") in told, f"the value is told of: {told}")
        client.delete(KEY + r"\A", recursive=True)
        check(("key-deleted", KEY + r"\A\B", "") in client.received()[1][3], "the deletion is told of")
        client.set(KEY + r"\a\b", "v", REG_SZ, "again")
        equal(len(client.received()), 3, "signals")


@test
def a_deep_key_is_watched():
    with Registry() as registry:
        client = registry.client
        deep = KEY + r"\d" * 400
        client.create(deep)
        client.create(LINK, link=deep)
        since = client.revision
        client.set(deep, "Port", REG_DWORD, 1)
        for path in (deep, LINK):
            client.received()
            equal(client.watch(path)[2], deep)
            equal(client.watch(path, since=since)[2], deep)
            client.set(deep, "Port", REG_DWORD, client.revision)
            client.revision
            equal({told for told in changes(client.received()) for told in told}, {("value-set", deep, "Port")})


@test
def a_rename_is_a_deletion_and_a_creation():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "v", REG_SZ, "x")
        client.watch(SOFTWARE)
        client.call("RenameKey", "ss", KEY, "Bcme")
        (told,) = changes(client.received())
        check(("key-deleted", KEY, "") in told and ("key-created", SOFTWARE + r"\Bcme", "") in told,
              f"both are told of: {told}")


@test
def a_change_of_spelling_tells_of_the_whole_branch():
    with Registry() as registry:
        client = registry.client
        client.set(KEY + r"\Sub\Deep", "v", REG_SZ, "x")
        client.watch(SOFTWARE)
        then = client.revision
        other = SOFTWARE + r"\ACME"
        gone = [("value-deleted", r"\Sub\Deep", "v"), ("key-deleted", r"\Sub\Deep", ""), ("key-deleted", r"\Sub", ""),
                ("key-deleted", "", "")]
        made = [("key-created", "", ""), ("key-created", r"\Sub", ""), ("key-created", r"\Sub\Deep", ""),
                ("value-set", r"\Sub\Deep", "v")]
        client.call("RenameKey", "ss", KEY, "ACME")
        client.call("Rollback", "sta{sv}", KEY, dbus.UInt64(then), options())
        equal(changes(client.received()),
              [[(kind, old + rest, name) for kind, rest, name in gone] + [(kind, new + rest, name) for kind, rest, name in made]
               for old, new in [(KEY, other), (other, KEY)]])
        # There and back in one commit: only what differs in the end, at its own path.
        client.signals.clear()
        client.commit([("rename-key", KEY, "ACME"), ("set-value", other + r"\Sub", "w", REG_SZ, "x"),
                       ("rename-key", other, "Acme")])
        equal(changes(client.received()), [[("value-set", KEY + r"\Sub", "w")]])


@test
def since_replays_and_goes_on_without_gap_or_repeat():
    with Registry() as registry:
        client = registry.client
        start = client.create(KEY)[0]
        written = [client.set(KEY, "v", REG_DWORD, number) for number in range(20)]
        client.set(SOFTWARE + r"\Other", "v", REG_SZ, "x")
        writer = registry.connect()
        # Written while the watch is being made: it is replayed or told live, never both.
        pending = [writer.send("SetValue", "ssuv", KEY, "w", REG_DWORD, variant(number)) for number in range(30)]
        identity, revision, _ = client.watch(KEY, since=start)
        wait_for(lambda: all(pending), "the writes")
        revisions = written + [answer[0] for answer in pending]
        client.wait_for_signals(len(revisions))
        equal([signal[2] for signal in client.received()], revisions)
        equal([signal[1] for signal in client.received()], list(range(1, len(revisions) + 1)))
        check(revision >= written[-1], "the watch's revision is where the replay ends")
        check(all(signal[0] == identity for signal in client.signals), "all are the watch's own")


@test
def the_answer_comes_before_what_is_replayed():
    with Registry() as registry:
        client = registry.client
        start = client.revision
        client.set(KEY, "v", REG_SZ, "x")
        before = []
        client.connection.call_async(NAME, PATH, NAME, "Watch", "sa{sv}", (KEY, options(since=start)),
                                     lambda *_: before.append(len(client.signals)), before.append)
        client.wait_for_signals(1)
        equal(before, [0], "signals that had come when the answer came")


@test
def since_now_replays_nothing_and_the_future_is_refused():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "v", REG_SZ, "x")
        client.watch(KEY, since=client.revision)
        client.revision  # what was replayed would come before this answer
        equal(client.received(), [])
        client.refused("InvalidValue", "Watch", "sa{sv}", KEY, options(since=client.revision + 1),
                       naming=KEY)
        client.set(KEY, "v", REG_SZ, "y")
        equal(len(client.received()), 1, "signals")


@test
def since_survives_a_restart():
    with Registry() as registry:
        start = registry.client.set(KEY, "v", REG_SZ, "x")
        written = registry.client.set(KEY, "v", REG_SZ, "y")
        registry.restart()
        client = registry.client
        client.watch(KEY, since=start)
        equal([(signal[2], signal[3]) for signal in client.wait_for_signals(1)],
              [(written, [("value-set", KEY, "v")])])


def import_values(client, key, count):
    """So many values at `key` and below, 100 a key, as one commit: its revision."""
    lines, data = ["Windows Registry Editor Version 5.00", ""], client.revision
    for number in range(count):
        if number % 100 == 0:
            lines.append(f"[{key}\\{number // 100}]")
        lines.append(f'"{number}"=dword:{data:08x}')
    with tempfile.TemporaryFile() as file:
        file.write("\r\n".join([*lines, ""]).encode())
        file.seek(0)
        return client.call("Import", "ha{sv}", dbus.types.UnixFd(file.fileno()), options())[0]


def replayed(client, key, start):
    """[(revision, its first change, how many there are)] of what a new watch is told."""
    before = len(client.received())
    client.watch(key, since=start)
    client.revision  # behind what is replayed
    return [(signal[2], signal[3][0], len(signal[3])) for signal in client.received()[before:]]


@test
def since_is_told_of_any_number_of_changes():
    needs_root()
    big = SOFTWARE + r"\Big"
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        client.create(big)
        client.set_acl(big, ("user:root", "control"))
        start = client.revision
        first = (client.set(KEY, "v", REG_SZ, "x"), ("key-created", KEY, ""), 2)
        much = import_values(client, big, 120_000)
        last = (client.set(KEY, "v", REG_SZ, "y"), ("value-set", KEY, "v"), 1)
        equal(replayed(client, KEY, start), [first, last])
        equal(replayed(client, big, start), [(much, ("tree-changed", big, ""), 1)])
        equal(replayed(client, SOFTWARE, start), [first, (much, ("tree-changed", SOFTWARE, ""), 1), last])
        # A hundred thousand and one of them, and nobody hears that they were there who may not.
        equal(replayed(alice, SOFTWARE, start), [first, last])
        alice.refused("AccessDenied", "Watch", "sa{sv}", big, options(since=start))


@test
def since_gives_up_details_before_it_grows():
    with Registry() as registry:
        client = registry.client
        start = client.create(KEY)[0]
        revisions = [import_values(client, KEY, 4000) for _ in range(28)]
        last = client.set(SOFTWARE + r"\Other", "v", REG_SZ, "x")
        told = replayed(client, KEY, start)
        equal([revision for revision, _, _ in told], revisions)
        equal([number for _, change, number in told if change[0] != "tree-changed"], [4040] + [4000] * 23)
        equal([change for _, change, _ in told[24:]], [("tree-changed", KEY, "")] * 4)
        equal([revision for revision, _, _ in replayed(client, SOFTWARE + r"\Other", start)], [last])


@test
def unwatch_ends_it_and_takes_nobody_elses():
    with Registry() as registry:
        client, other = registry.client, registry.connect()
        identity = client.watch(KEY)[0]
        other.refused("InvalidValue", "Unwatch", "u", identity, naming=str(identity))
        client.set(KEY, "v", REG_SZ, "x")
        equal(client.call("Unwatch", "u", identity), None)
        client.set(KEY, "v", REG_SZ, "y")
        equal(len(client.received()), 1, "signals")
        client.refused("InvalidValue", "Unwatch", "u", identity)
        client.refused("InvalidValue", "Unwatch", "u", 0)
        check(client.watch(KEY)[0] != identity, "an id is not used again at once")


@test
def several_watches_of_one_connection_are_told_apart():
    with Registry() as registry:
        client = registry.client
        first, second = client.watch(KEY)[0], client.watch(SOFTWARE)[0]
        revision = client.set(KEY, "v", REG_SZ, "x")
        equal([signal[:3] for signal in client.received()], [(first, 1, revision), (second, 1, revision)])
        client.set(SOFTWARE, "v", REG_SZ, "x")
        equal(client.received()[2][:2], (second, 2))


@test
def too_much_in_one_revision_is_one_tree_changed():
    with Registry() as registry:
        client = registry.client
        client.create(KEY)
        client.watch(KEY)
        client.commit([("set-value", KEY, f"v{number}", REG_DWORD, number) for number in range(4096)])
        equal(len(client.received()[0][3]), 4096)
        client.commit([("delete-value", KEY, f"v{number}") for number in range(4096)]
                      + [("set-value", KEY, "v", REG_SZ, "x")])
        equal(client.received()[1][3], [("tree-changed", KEY, "")])
        client.commit([("set-value", KEY, f"{number:0>9000}", REG_DWORD, 1) for number in range(130)])
        equal(client.received()[2][3], [("tree-changed", KEY, "")])


@test
def a_watch_goes_through_a_link_and_moves_with_it():
    with Registry() as registry:
        client = registry.client
        for target in "AB":
            client.set(rf"{SOFTWARE}\{target}\Sub", "v", REG_SZ, "x")
        client.create(LINK, link=rf"{SOFTWARE}\A")
        _, _, path = client.watch(LINK + r"\Sub")
        equal(path, SOFTWARE + r"\A\Sub")
        client.set(LINK + r"\Sub", "v", REG_SZ, "y")
        equal(client.received()[-1][3], [("value-set", SOFTWARE + r"\A\Sub", "v")])
        client.commit([("delete-key", LINK), ("create-link", LINK, "", 0, rf"{SOFTWARE}\B")])
        equal(client.received()[-1][3], [("link-changed", SOFTWARE + r"\B\Sub", "")])
        client.set(SOFTWARE + r"\A\Sub", "v", REG_SZ, "z")
        client.set(SOFTWARE + r"\B\Sub", "v", REG_SZ, "z")
        equal(changes(client.received())[2:], [[("value-set", SOFTWARE + r"\B\Sub", "v")]])


@test
def a_watch_moves_when_a_link_comes_and_goes():
    with Registry() as registry:
        client = registry.client
        client.set(SOFTWARE + r"\A", "v", REG_SZ, "x")
        equal(client.watch(LINK)[2], LINK)
        client.create(LINK, link=SOFTWARE + r"\A")
        equal(client.received()[-1][3], [("link-changed", SOFTWARE + r"\A", "")])
        client.delete(LINK)
        equal(client.received()[-1][3], [("link-changed", LINK, "")])
        equal([signal[1] for signal in client.received()], [1, 2])


@test
def a_watch_moves_through_a_chain_of_links():
    with Registry() as registry:
        client = registry.client
        services = r"HKEY_LOCAL_MACHINE\SYSTEM"
        client.create(services + r"\ControlSet002\Services")
        _, start, path = client.watch(r"HKLM\CurrentControlSet\Services\X")
        equal(path, services + r"\ControlSet001\Services\X")
        relink = [("delete-key", services + r"\CurrentControlSet"),
                  ("create-link", services + r"\CurrentControlSet", "", 0, services + r"\ControlSet002")]
        client.commit(relink)
        equal(client.received()[-1][3], [("link-changed", services + r"\ControlSet002\Services\X", "")])
        # Who comes later and replays is told of it too.
        later = registry.connect()
        later.watch(r"HKLM\CurrentControlSet\Services\X", since=start)
        equal(changes(later.wait_for_signals(1)), [[("link-changed", services + r"\ControlSet002\Services\X", "")]])
        unconcerned = registry.connect()
        unconcerned.watch(KEY, since=start)
        unconcerned.revision
        equal(unconcerned.received(), [])


@test
def what_may_not_be_read_is_not_told():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(ALICE)
        client.create(KEY + r"\Secret")
        client.set_acl(KEY + r"\Secret", ("everyone", "none"))
        alice.watch(KEY)
        client.set(KEY + r"\Secret", "v", REG_SZ, "x")
        client.create(KEY + r"\Secret\Sub")
        client.commit([("set-value", KEY + r"\Secret", "w", REG_SZ, "x"), ("set-value", KEY, "v", REG_SZ, "x")])
        client.delete(KEY + r"\Secret", recursive=True)
        alice.revision
        equal(changes(alice.received()), [[("value-set", KEY, "v")]])


@test
def a_change_of_rights_is_told_to_who_could_or_can_read():
    needs_root()
    with Registry() as registry:
        client, alice, bob = registry.client, registry.connect(ALICE), registry.connect(BOB)
        client.set(KEY + r"\Sub", "v", REG_SZ, "x")
        alice.watch(KEY + r"\Sub")
        bob.watch(KEY + r"\Sub")
        client.set_acl(KEY, ("everyone", "none"), (f"user:{BOB}", "read"))
        client.set(KEY + r"\Sub", "v", REG_SZ, "y")
        client.set_acl(KEY, ("everyone", "none"), (f"user:{ALICE}", "read"))
        alice.revision, bob.revision
        rights, value = ("acl-changed", KEY, ""), ("value-set", KEY + r"\Sub", "v")
        equal(changes(alice.received()), [[rights], [rights]])
        equal(changes(bob.received()), [[rights], [value], [rights]])


@test
def a_watch_takes_the_right_to_read():
    needs_root()
    with Registry() as registry:
        alice = registry.connect(ALICE)
        alice.refused("AccessDenied", "Watch", "sa{sv}", r"HKLM\SECURITY", {}, naming="SECURITY")
        alice.refused("AccessDenied", "Watch", "sa{sv}", r"HKLM\SECURITY\Not\There", {})
        alice.watch(r"HKLM\SOFTWARE\Not\There")
        alice.refused("InvalidPath", "Watch", "sa{sv}", "", {})


@test
def a_link_that_is_led_where_it_may_not_be_followed_tells_nothing_of_it():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(ALICE)
        client.set(SOFTWARE + r"\A", "v", REG_SZ, "x")
        client.create(LINK, link=SOFTWARE + r"\A")
        alice.watch(LINK)
        client.commit([("delete-key", LINK), ("create-link", LINK, "", 0, r"HKLM\SECURITY\Inside")])
        client.set(r"HKLM\SECURITY\Inside", "v", REG_SZ, "x")
        client.set(SOFTWARE + r"\A", "v", REG_SZ, "y")
        alice.revision
        equal(changes(alice.received()), [[("link-changed", LINK, "")]])
        client.set_acl(r"HKLM\SECURITY\Inside", ("everyone", "read"))
        alice.revision
        inside = r"HKEY_LOCAL_MACHINE\SECURITY\Inside"
        equal(changes(alice.received())[1:], [[("link-changed", inside, "")]])


@test
def a_users_own_root_is_watched_by_its_canonical_path():
    needs_root()
    with Registry() as registry:
        alice, bob = registry.connect(ALICE), registry.connect(BOB)
        equal(alice.watch(r"HKCU\Software")[2], rf"HKEY_USERS\{ALICE}\Software")
        bob.set(r"HKCU\Software", "v", REG_SZ, "x")
        alice.set(r"HKCU\Software", "v", REG_SZ, "x")
        (told,) = changes(alice.received())
        check(("value-set", rf"HKEY_USERS\{ALICE}\Software", "v") in told, f"it is told: {told}")


@test
def a_watch_ends_with_its_owner():
    needs_root()
    with Registry() as registry:
        client = registry.client
        client.set(r"HKLM\SYSTEM\CurrentControlSet\Services\regd\Parameters", "Watches Per User", REG_DWORD, 3)
        for _ in range(3):
            alice = registry.connect(ALICE)
            for _ in range(3):
                alice.watch(KEY)
            alice.refused("LimitExceeded", "Watch", "sa{sv}", KEY, {}, naming="Watches Per User")
            alice.connection.close()
            client.revision  # regd has heard of it before it answers
        client.set(KEY, "v", REG_SZ, "x")


main()
