# SPDX-License-Identifier: MIT
"""Reading: what is known of a key, trees and their pages, limits of answers."""

import time

from harness.bus import ALICE, needs_root, wait_for
from harness.case import check, contains, each, equal, main, test
from harness.registry import (REG_BINARY, REG_DWORD, REG_MULTI_SZ, REG_SZ, SOFTWARE, Refused, Registry, exact_variant,
                              operation_list, options, signature_of)

KEY = SOFTWARE + "\\Acme"


def read_all(client, key, **given):
    """Every page of a tree: the number of values of each page, and the keys put together."""
    pages, keys, cursor = [], [], ""
    while True:
        revision, page, cursor = client.tree(key, **given, cursor=cursor)
        pages.append(sum(len(values) for _, values in page))
        for path, values in page:
            if keys and keys[-1][0] == path:
                keys[-1][1].extend(values)
            else:
                keys.append((path, list(values)))
        if not cursor:
            return revision, pages, keys


@test
def what_is_known_of_a_key():
    with Registry() as registry:
        client = registry.client
        begun = time.time_ns() // 1000
        client.create(KEY, **{"class": "Kind"})
        client.set(KEY, "a", REG_SZ, "1")
        changed = client.set(KEY, "b", REG_SZ, "2")
        client.set(KEY + r"\Sub", "x", REG_SZ, "3")
        client.create(KEY + r"\Sub2")
        answer = client.raw("GetKeyInfo", "sa{sv}", KEY, options())
        info = client.info(KEY)
        check(begun <= info["last-write"] <= time.time_ns() // 1000, f"the time is now: {info}")
        equal({name: info[name] for name in info if name != "last-write"},
              {"path": KEY, "class": "Kind", "subkeys": 2, "values": 2, "revision": changed, "volatile": False})
        equal({str(name): signature_of(value) for name, value in answer.items()},
              {"path": "s", "class": "s", "subkeys": "u", "values": "u", "last-write": "t", "revision": "t",
               "volatile": "b"})


def read_often(client, key, name):
    """Three times, since regd answers what it has read before in other ways."""
    answers = [client.get(key, name) for _ in range(3)]
    equal(answers, answers[:1] * 3)
    return answers[0]


@test
def what_was_read_before_is_read_as_it_is_now():
    with Registry() as registry:
        client, other = registry.client, registry.connect()
        link, moved = SOFTWARE + r"\Link", SOFTWARE + r"\Moved"
        client.create(link, link=KEY)
        contents = [(REG_SZ, "s", "text"), (REG_DWORD, "u", 7), (REG_MULTI_SZ, "as", ["a", "b"]),
                    (REG_BINARY, "ay", b"\0\1"), (REG_SZ, "s", "x" * 5000)]
        for kind, signature, data in contents:
            client.set(KEY, "v", kind, data)
            equal(read_often(other, KEY, "v"), (kind, signature, data))
            equal(read_often(other, link, "V"), (kind, signature, data))
        client.unset(KEY, "v")
        other.refused("ValueNotFound", "GetValue", "ss", KEY, "v")
        client.set(KEY, "v", REG_SZ, "before")
        read_often(other, link, "v")
        client.call("RenameKey", "ss", KEY, "Moved")
        other.refused("KeyNotFound", "GetValue", "ss", KEY, "v")
        other.refused("KeyNotFound", "GetValue", "ss", link, "v")
        equal(read_often(other, moved, "v"), (REG_SZ, "s", "before"))
        client.set(KEY, "v", REG_SZ, "another")
        equal(read_often(other, link, "v"), (REG_SZ, "s", "another"))
        client.delete(link)
        client.create(link, link=moved)
        equal(read_often(other, link, "v"), (REG_SZ, "s", "before"))


@test
def what_was_read_before_is_refused_when_the_right_has_gone():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        client.set(KEY, "v", REG_SZ, "x")
        equal(read_often(alice, KEY, "v"), (REG_SZ, "s", "x"))
        client.set_acl(KEY, ("everyone", "none"))
        alice.refused("AccessDenied", "GetValue", "ss", KEY, "v")
        equal(read_often(client, KEY, "v"), (REG_SZ, "s", "x"))
        alice.refused("AccessDenied", "GetValue", "ss", KEY, "v")


@test
def the_revision_of_a_key_is_that_of_its_own_values():
    with Registry() as registry:
        client = registry.client
        client.create(KEY + r"\Sub")
        changed = client.set(KEY, "a", REG_SZ, "1")
        client.set(KEY + r"\Sub", "x", REG_SZ, "3")
        equal(client.info(KEY)["revision"], changed)
        removed = client.unset(KEY, "a")
        equal(client.info(KEY)["revision"], removed)
        check(client.info(KEY)["last-write"] >= client.info(KEY + r"\Sub")["last-write"], "time goes on")


@test
def trees_are_read_depth_first():
    with Registry() as registry:
        client = registry.client
        for key in [r"\b\y", r"\B\X\deep", r"\a", r"\c"]:
            client.set(KEY + key, "n", REG_SZ, key)
        everything = [path for path, _ in client.tree(KEY)[1]]
        equal(everything, [KEY, KEY + r"\a", KEY + r"\b", KEY + r"\b\X", KEY + r"\b\X\deep", KEY + r"\b\y", KEY + r"\c"])
        equal([path for path, _ in client.tree(KEY, depth=0)[1]], [KEY])
        equal([path for path, _ in client.tree(KEY, depth=1)[1]], [KEY, KEY + r"\a", KEY + r"\b", KEY + r"\c"])
        equal([path for path, _ in client.tree(KEY, depth=2)[1]],
              [path for path in everything if not path.endswith("deep")])
        equal([path for path, _ in client.tree(KEY, depth=0xFFFFFFFF)[1]], everything)
        equal(client.tree(KEY)[0], client.revision)
        equal(client.tree(KEY)[2], "")


@test
def trees_come_in_pages():
    with Registry() as registry:
        client = registry.client
        operations = [("create-key", KEY + r"\empty1"), ("create-key", KEY + r"\z\empty2")]
        for key, number in [("", 3), (r"\a", 0), (r"\b", 7), (r"\b\c", 1), (r"\d", 10)]:
            operations += [("set-value", KEY + key, f"v{index}", REG_DWORD, index) for index in range(number)]
            operations += [("create-key", KEY + key)]
        client.commit(operations)
        _, _, whole = read_all(client, KEY)
        for limit in [1, 2, 3, 5, 20, 21, 22, 1000]:
            _, pages, keys = read_all(client, KEY, limit=limit)
            equal(keys, whole, f"limit {limit}")
            check(max(pages) <= limit, f"pages of at most {limit}: {pages}")


@test
def a_page_has_10000_values_when_nothing_is_said():
    with Registry() as registry:
        client = registry.client
        client.commit([("set-value", f"{KEY}\\k{index % 7}", f"v{index}", REG_DWORD, index) for index in range(10001)])
        _, pages, keys = read_all(client, KEY)
        equal(pages, [10000, 1])
        equal(sum(len(values) for _, values in keys), 10001)


@test
def a_page_ends_at_4_mebibytes():
    with Registry() as registry:
        client = registry.client
        for index in range(9):
            client.set(KEY, f"v{index}", REG_BINARY, bytes([index]) * 1000000)
        _, pages, keys = read_all(client, KEY)
        equal(pages, [4, 4, 1])
        equal([len(values) for _, values in keys], [9], "no key is begun without a value of it")
        equal([data[0] for _, _, data in keys[0][1]], list(range(9)))


@test
def a_wrong_cursor_is_refused():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "x")
        for cursor in ["x", "0", "-1", "99999999999999999999", "\\", "é", "a" * 100000]:
            try:
                client.tree(KEY, cursor=cursor)
            except Refused as refusal:
                equal(refusal.name, "InvalidValue", cursor[:50])
                contains(refusal.text, KEY)
            else:
                raise AssertionError(f"cursor {cursor!r} was taken")


@test
def lists_past_16_mebibytes_are_refused():
    with Registry() as registry:
        client = registry.client
        for index in range(17):
            client.set(KEY, f"v{index}", REG_BINARY, b"x" * (1 << 20))
        client.refused("LimitExceeded", "ListValues", "s", KEY, naming=["Acme", "ReadTree"])
        equal(sum(read_all(client, KEY)[1]), 17)


@test
def what_may_not_be_read_is_left_out_only_when_asked():
    needs_root()
    with Registry() as registry:
        client = registry.client
        for key in [r"\a", r"\b\c", r"\b\c\d", r"\e"]:
            client.set(KEY + key, "n", REG_SZ, "x")
        client.set_acl(KEY + r"\b\c", ("everyone", "none"))
        client.set_acl(KEY + r"\b\c\d", ("everyone", "read"))
        alice = registry.connect(uid=ALICE)
        alice.refused("AccessDenied", "ReadTree", "sa{sv}", KEY, options(), naming=r"b\c")
        seen = [path for path, _ in alice.tree(KEY, skip_unreadable=True)[1]]
        check(KEY + r"\b\c" not in seen, f"the key that is refused is left out: {seen}")
        equal([path for path in seen if not path.startswith(KEY + r"\b\c")], [KEY, KEY + r"\a", KEY + r"\b", KEY + r"\e"])
        equal(len(client.tree(KEY)[1]), 6)


@test
def a_reader_does_not_wait_for_a_writer():
    with Registry() as registry:
        client, writer = registry.client, registry.connect()
        client.set(KEY, "n", REG_SZ, "before")
        written = writer.send("Commit", "a(sssuv)a{sv}", operation_list(
            [("set-value", f"{KEY}\\k{index // 100}", f"v{index}", REG_DWORD, index) for index in range(30000)]
            + [("set-value", KEY, "n", REG_SZ, "after")]), options())
        writer.connection.flush()
        seen = set()
        while not written:
            answer = client.send("GetValue", "ss", KEY, "n")
            wait_for(lambda: answer or written, "an answer")
            seen.update(data for _, data in answer)
        check(seen <= {"before", "after"}, f"one state or the other: {seen}")
        equal(client.get(KEY, "n")[2], "after")


@test
def an_unknown_method_or_signature_is_refused_in_words():
    with Registry() as registry:
        client = registry.client
        client.refused("UnknownMethod", "NoSuchMethod", "")
        each([("GetValue", "s", "HKLM"), ("GetValue", "su", "HKLM", 1), ("ListKeys", ""), ("ListKeys", "v", "HKLM"),
              ("SetValue", "ssus", "HKLM", "n", 1, "x"), ("GetKeyInfo", "s", "HKLM"), ("ReadTree", "sa{ss}", "HKLM", {})],
             lambda *call: contains(client.refused("InvalidArgs", *call).text, call[0]))


@test
def properties_tell_version_and_state():
    with Registry() as registry:
        client = registry.client
        check(client.get_property("Version"), "there is a version")
        equal(client.get_property("ReadOnly"), False)
        before = client.get_property("Revision")
        equal(client.set(KEY, "n", REG_SZ, "x"), before + 1)
        equal(client.get_property("Revision"), before + 1)
        equal(signature_of(exact_variant("t", 1)), "t")


main()
