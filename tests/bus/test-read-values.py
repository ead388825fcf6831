# SPDX-License-Identifier: MIT
"""What readers who show the registry to people ask for: a key's values with who set each, numbers as
text, and no secrets."""

from harness.bus import ALICE, needs_root
from harness.case import check, equal, main, test
from harness.database import edit
from harness.registry import (PARAMETERS, REG_BINARY, REG_DWORD, REG_LINK, REG_QWORD, REG_SZ, SOFTWARE, Registry,
                              operation_list, options)

KEY = SOFTWARE + "\\Acme"
SCHEMA = f"[key {KEY}]\n\n[value Password]\ntype = REG_SZ\nsecret\n\n[value Port]\ntype = REG_DWORD\nrange = 1..9\n"
LARGEST = 18446744073709551615


def describe(registry, text=SCHEMA):
    """The registry has this schema from now on, beside those that are shipped."""
    directory = registry.directory / "schemas"
    directory.mkdir(exist_ok=True)
    (directory / "test.schema").write_text(text)
    if directory not in registry.schemas:
        registry.schemas.append(directory)
    registry.restart()


def read_values(client, key, **given):
    """The values of a page by name, its revisions by number, and its cursor."""
    _, values, revisions, cursor = client.call("ReadValues", "sa{sv}", key, options(**given))
    return ({value["name"]: value for value in values}, {head["revision"]: head for head in revisions}, cursor)


@test
def values_come_with_who_set_them():
    with Registry() as registry:
        client = registry.client
        first = client.commit([("set-value", KEY, "Zoo", REG_SZ, "x"), ("set-value", KEY, "", REG_SZ, "d")],
                              comment="both")
        second = client.set(KEY, "Ant", REG_BINARY, b"\x01")
        client.set(KEY + "\\Sub", "n", REG_SZ, "not here")
        values, revisions, cursor = read_values(client, "hklm\\software\\ACME")
        equal(list(values), ["Zoo", "", "Ant"], "in the order of creation")
        equal(values["Zoo"], {"name": "Zoo", "type": REG_SZ, "data": "x", "revision": first})
        equal([values[name]["revision"] for name in ("", "Ant")], [first, second])
        equal((sorted(revisions), cursor), ([first, second], ""))
        entries = {entry["revision"]: entry for entry in client.call("GetHistory", "sa{sv}", KEY, options())}
        for number, head in revisions.items():
            equal({**head, "changes": entries[number]["changes"]}, entries[number], "as history tells it")
        client.refused("KeyNotFound", "ReadValues", "sa{sv}", KEY + "\\No", options(), naming="No")


@test
def a_link_is_a_link_if_it_is_not_followed():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "x")
        made, _ = client.create(SOFTWARE + "\\Link", link=KEY)
        equal(list(read_values(client, SOFTWARE + "\\Link")[0]), ["n"])
        values, revisions, _ = read_values(client, SOFTWARE + "\\Link", **{"no-follow": True})
        equal(values, {"SymbolicLinkValue": {"name": "SymbolicLinkValue", "type": REG_LINK, "data": KEY,
                                             "revision": made}})
        equal(list(revisions), [made])


@test
def values_come_in_pages():
    with Registry() as registry:
        client = registry.client
        names = [f"n{number}" for number in range(7)]
        client.commit([("set-value", KEY, name, REG_SZ, name) for name in names])
        values, _, cursor = read_values(client, KEY, limit=3)
        equal(list(values), names[:3])
        client.unset(KEY, "n1")
        values, _, cursor = read_values(client, KEY, limit=3, cursor=cursor)
        equal(list(values), names[3:6], "what goes meanwhile moves nothing")
        values, revisions, cursor = read_values(client, KEY, limit=3, cursor=cursor)
        equal((list(values), len(revisions), cursor), (names[6:], 1, ""))
        for cursor in ("x", "-1", "3:", "99999999999999999999"):
            client.refused("InvalidValue", "ReadValues", "sa{sv}", KEY, options(cursor=cursor), naming=cursor)
        for name in ("big1", "big2", "big3", "big4", "big5"):
            client.set(KEY + "\\Big", name, REG_BINARY, bytes(1_000_000))
        values, _, cursor = read_values(client, KEY + "\\Big")
        equal(list(values), ["big1", "big2", "big3", "big4"], "a page ends at 4 MiB")
        equal(list(read_values(client, KEY + "\\Big", cursor=cursor)[0]), ["big5"])


@test
def texts_count_for_a_page_too():
    """Else an answer with many long ones could be larger than a message may be."""
    with Registry() as registry:
        client = registry.client
        client.commit([("set-value", KEY, f"big{number}", REG_BINARY, bytes(1_000_000)) for number in range(4)])
        for number in range(50):
            client.commit([("set-value", KEY, f"n{number}", REG_SZ, "x")], comment="c" * 4096)
        values, revisions, cursor = read_values(client, KEY)
        check(40 < len(values) < 54, f"{len(values)} values with comments")
        equal(len(revisions), len(values) - 3, "each has its own, but for those of the first commit")
        rest, _, end = read_values(client, KEY, cursor=cursor)
        equal((len(values) + len(rest), end), (54, ""))
        locked = KEY + "\\Locked"
        client.commit([("set-value", locked, f"big{number}", REG_BINARY, bytes(1_000_000)) for number in range(4)] +
                      [("set-value", locked, f"n{number}", REG_SZ, "x") for number in range(200)])
        equal((len(read_values(client, locked)[0]), read_values(client, locked)[2]), (204, ""))
        client.call("Lock", "sssa{sv}", locked, "", "r" * 1024, options(recursive=True))
        values, _, cursor = read_values(client, locked)
        check(100 < len(values) < 204, f"{len(values)} values with what locks them")
        rest, _, end = read_values(client, locked, cursor=cursor)
        equal((len(values) + len(rest), end), (204, ""))


@test
def what_was_stored_before_secrecy_was_is_hidden_too():
    """A database of an earlier version: stored values do not say if they were secret."""
    with Registry() as registry:
        describe(registry)
        registry.client.set(KEY, "Password", REG_SZ, "hunter2")
        registry.stop()
        edit(registry.database, "UPDATE stored SET secret = NULL")
        describe(registry, "")
        asked = options(**{"hide-secrets": True})
        equal(sorted(read_values(registry.client, KEY, **{"hide-secrets": True})[0]["Password"]),
              ["name", "revision", "secret"])
        check("hunter" not in str(registry.client.call("ReadTree", "sa{sv}", KEY, asked)), "in trees, too")
        check("hunter" in str(registry.client.call("ReadTree", "sa{sv}", KEY, options())), "if it is asked")


@test
def badges_are_told_where_there_are_any():
    with Registry() as registry:
        describe(registry)
        client = registry.client
        client.call("Commit", "a(sssuv)a{sv}", operation_list([("set-value", KEY, "Owned", REG_SZ, "x")]),
                    options(owner="ansible"))
        client.set(KEY, "Free", REG_SZ, "x")
        client.set(KEY, "Shut", REG_SZ, "x")
        client.call("Lock", "sssa{sv}", KEY, "Shut", "not now", options())
        values, _, _ = read_values(client, KEY)
        equal({name: {fact: value[fact] for fact in ("locked", "declared-by", "problem", "secret") if fact in value}
               for name, value in values.items()},
              {"Owned": {"declared-by": ["ansible"]}, "Free": {}, "Shut": {"locked": "not now"}})
        client.call("Lock", "sssa{sv}", SOFTWARE, "", "all of it", options(recursive=True))
        equal(read_values(client, KEY)[0]["Free"]["locked"], "all of it")


@test
def a_broken_rule_is_told_but_not_of_a_secret():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "Port", REG_DWORD, 10)
        client.set(KEY, "Password", REG_DWORD, 10)
        describe(registry)
        values, _, _ = read_values(client, KEY, **{"hide-secrets": True})
        equal(values["Port"]["problem"], client.call("Validate", "s", KEY)[0][2])
        equal({fact: values["Password"].get(fact) for fact in ("secret", "problem", "type", "data")},
              {"secret": True, "problem": None, "type": None, "data": None})


@test
def numbers_come_as_text_if_that_is_asked():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "Q", REG_QWORD, LARGEST)
        client.set(KEY, "Bad", REG_QWORD, b"\x01\x02")
        client.set(KEY, "D", REG_DWORD, 7)
        client.commit([("set-value", KEY, "Q", REG_QWORD, LARGEST - 1)], **{"confirm-within": 600})
        asked = {"numbers-as-text": True}
        for told, given in ((str(LARGEST - 1), asked), (LARGEST - 1, {})):
            values, _, _ = read_values(client, KEY, **given)
            equal([values[name]["data"] for name in ("Q", "Bad", "D")], [told, b"\x01\x02", 7])
            _, keys, _ = client.call("ReadTree", "sa{sv}", KEY, options(**given))
            equal([data for _, _, data in keys[0][1]], [told, b"\x01\x02", 7])
            for entry in (client.call("GetHistory", "sa{sv}", KEY, options(**given))[0],
                          client.call("ListTrials", "a{sv}", options(**given))[0]):
                change, = entry["changes"]
                equal((change["new-data"], change["old-data"]), (told, type(told)(LARGEST)))


@test
def secrets_are_hidden_from_administrators_too_if_that_is_asked():
    with Registry() as registry:
        describe(registry)
        client = registry.client
        set_at = client.set(KEY, "Password", REG_SZ, "hunter2")
        client.set(KEY, "Name", REG_SZ, "ann")
        client.commit([("set-value", KEY, "Password", REG_SZ, "hunter3")], **{"confirm-within": 600})
        asked = options(**{"hide-secrets": True})
        past = options(**{"hide-secrets": True, "at": set_at})
        calls = [("ReadValues", "sa{sv}", KEY, asked), ("ReadTree", "sa{sv}", KEY, asked), ("ListTrials", "a{sv}", asked),
                 ("GetHistory", "sa{sv}", KEY, asked), ("ReadTree", "sa{sv}", KEY, past)]
        for call in calls:
            check("hunter" not in str(client.call(*call)), f"{call} hides it")
            bare = [*call[:-1], options(at=set_at) if call[-1] is past else options()]
            check("hunter" in str(client.call(*bare)), f"{bare} tells it to an administrator")
        value = read_values(client, KEY, **{"hide-secrets": True})[0]["Password"]
        equal(sorted(value), ["name", "revision", "secret"])
        change, = client.call("ListTrials", "a{sv}", asked)[0]["changes"]
        equal((change["kind"], change["name"]), ("value-set", "Password"))
        describe(registry, "")
        equal(sorted(read_values(client, KEY, **{"hide-secrets": True})[0]["Password"]), ["name", "revision", "secret"],
              "what was secret when it was written stays so")
        check("hunter" not in str(client.call("ReadTree", "sa{sv}", KEY, asked)), "in trees, too")


@test
def others_are_told_what_they_may_see():
    needs_root()
    with Registry() as registry:
        describe(registry)
        client = registry.client
        client.create(KEY)
        client.set_acl(KEY, ("everyone", "none"))
        early = client.set(KEY, "Early", REG_SZ, "x")
        alice = registry.connect(uid=ALICE)
        alice.refused("AccessDenied", "ReadValues", "sa{sv}", KEY, options(), naming=KEY)
        client.set_acl(KEY, ("everyone", "read"))
        late = client.commit([("set-value", KEY, "Password", REG_SZ, "hunter2")], owner="ansible")
        client.call("Lock", "sssa{sv}", KEY, "Password", "not now", options())
        values, revisions, _ = read_values(alice, KEY)
        equal((values["Early"]["data"], values["Early"]["revision"]), ("x", early))
        equal(sorted(values["Password"]), ["name", "revision", "secret"])
        equal(list(revisions), [late], "of a time when she might not read, history tells her nothing")
        equal(sorted(read_values(client, KEY, **{"hide-secrets": True})[0]["Password"]),
              ["declared-by", "locked", "name", "revision", "secret"])
        client.set_acl(KEY, (f"user:{ALICE}", "read"))
        equal({fact: read_values(alice, KEY)[0]["Password"][fact] for fact in ("data", "locked", "declared-by")},
              {"data": "hunter2", "locked": "not now", "declared-by": ["ansible"]})


@test
def what_history_no_longer_has_is_missing():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "x")
        client.set(PARAMETERS, "History Revisions", REG_DWORD, 1)
        values, revisions, _ = read_values(client, KEY)
        equal((values["n"]["data"], revisions), ("x", {}))


main()
