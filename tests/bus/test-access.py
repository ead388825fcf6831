# SPDX-License-Identifier: MIT
"""Who may do what: access lists, their inheritance, users and groups, what a
new database allows, secret values, and refusals that give nothing away."""

import grp
import pwd

from harness.bus import ALICE, BOB, needs_root
from harness.case import check, contains, each, equal, main, test
from harness.registry import (NO_TYPE, REG_DWORD, REG_SZ, SOFTWARE, Refused, Registry, operation_list, options,
                              variant)

KEY = SOFTWARE + "\\Acme"
TEXT = variant("x")
SOME_GROUP, OTHER_GROUP = 50123, 50124


@test
def a_new_database_gives_what_it_should():
    needs_root()
    with Registry() as registry:
        alice = registry.connect(uid=ALICE)
        equal(registry.client.acl("HKLM"), ("HKEY_LOCAL_MACHINE", [("everyone", "read")]))
        equal(registry.client.acl(SOFTWARE), ("HKEY_LOCAL_MACHINE", [("everyone", "read")]))
        each(["HKLM", SOFTWARE, r"HKU\.DEFAULT", "HKCR"], alice.keys)
        each([r"HKLM\SAM", r"HKLM\SECURITY", r"HKLM\SAM\Domains", "HKU", r"HKU\0", f"HKU\\{BOB}"],
             lambda key: alice.refused("AccessDenied", "ListKeys", "s", key))
        each([KEY, r"HKU\.DEFAULT", r"HKLM\SAM\x", f"HKU\\{BOB}", "HKCR"],
             lambda key: alice.refused("AccessDenied", "SetValue", "ssuv", key, "n", REG_SZ, TEXT))


@test
def a_user_controls_what_is_his_own():
    needs_root()
    with Registry() as registry:
        alice, bob = registry.connect(uid=ALICE), registry.connect(uid=BOB)
        alice.set(r"HKCU\Software\Acme", "n", REG_SZ, "x")
        equal(alice.acl("HKCU")[0], f"HKEY_USERS\\{ALICE}")
        equal([level for principal, level in alice.acl("HKCU")[1] if principal.startswith("user:")], ["control"])
        bob.refused("AccessDenied", "GetValue", "ss", f"HKU\\{ALICE}\\Software\\Acme", "n")
        alice.set_acl(r"HKCU\Software\Acme", (f"user:{ALICE}", "control"), (f"user:{BOB}", "read"))
        equal(bob.get(f"HKU\\{ALICE}\\Software\\Acme", "n"), (REG_SZ, "s", "x"))
        bob.refused("AccessDenied", "SetValue", "ssuv", f"HKU\\{ALICE}\\Software\\Acme", "n", REG_SZ, TEXT)


def calls(key, level):
    """(member, signature, arguments) of calls that take just this level on the key."""
    return {
        "read": [("GetValue", "ss", key, "n"), ("ListKeys", "s", key), ("ListValues", "s", key),
                 ("GetKeyInfo", "sa{sv}", key, options()), ("ReadTree", "sa{sv}", key, options()),
                 ("ReadValues", "sa{sv}", key, options()),
                 ("Watch", "sa{sv}", key, options()), ("GetAcl", "s", key), ("Validate", "s", key)],
        "write": [("SetValue", "ssuv", key, "n", REG_SZ, TEXT), ("SetValue", "ssuv", key, "w", REG_SZ, TEXT),
                  ("DeleteValue", "ss", key, "w"), ("CreateKey", "sa{sv}", key + r"\New", options()),
                  ("RenameKey", "ss", key + r"\Sub", "Bus"), ("DeleteKey", "sa{sv}", key + r"\Old", options()),
                  ("Commit", "a(sssuv)a{sv}", operation_list([("set-value", key, "c", REG_SZ, "x")]), options())],
        "control": [("SetAcl", "sa(ss)", key, [(f"user:{ALICE}", "control")])],
    }[level]


@test
def nobody_locks_himself_out():
    needs_root()
    shut = [[("everyone", "read")], [("everyone", "none")], [(f"user:{ALICE}", "none")], [(f"user:{BOB}", "control")],
            [(f"group:{SOME_GROUP}", "none")], [(f"user:{ALICE}", "read"), ("everyone", "write")]]
    inner = r"HKCU\Software\Acme"
    for entries in shut:
        for closed in ("HKCU", inner):
            with Registry() as registry:
                client, alice, bob = (registry.client, registry.connect(uid=ALICE, groups=[SOME_GROUP]),
                                      registry.connect(uid=BOB))
                alice.set(inner, "n", REG_SZ, "x")
                alice.set_acl(closed, *entries)
                equal(alice.acl(closed)[1], entries)
                alice.watch("HKCU", recursive=True)
                for level in ("read", "write", "control"):
                    alice.create(inner + r"\Sub")
                    alice.create(inner + r"\Old")
                    for member, signature, *arguments in calls(inner, level):
                        alice.call(member, signature, *arguments)
                    alice.set_acl(inner)
                    alice.set_acl(closed, *entries)
                check(alice.received(), "no signal of one's own")
                equal(client.call("CheckAccess", "ssa{sv}", f"HKU\\{ALICE}", f"user:{ALICE}", options()), "control")
                check(alice.call("GetHistory", "sa{sv}", "HKCU", options()), "no history of one's own")
                # Others have what the list gives them, and no more.
                level = dict(entries).get(f"user:{BOB}", dict(entries).get("everyone", "none"))
                if level == "none":
                    bob.refused("AccessDenied", "GetValue", "ss", f"HKU\\{ALICE}\\Software\\Acme", "n")
                else:
                    equal(bob.call("CheckAccess", "ssa{sv}", f"HKU\\{ALICE}\\Software\\Acme", f"user:{BOB}",
                                   options()), level)
                # Shut by an administrator, and gone: it stays theirs.
                client.set_acl(f"HKU\\{ALICE}", ("user:0", "control"))
                alice.call("DeleteKey", "sa{sv}", inner, options(recursive=True))
                client.call("DeleteKey", "sa{sv}", f"HKU\\{ALICE}", options(recursive=True))
                alice.call("GetHistory", "sa{sv}", inner, options())
                alice.set(inner, "n", REG_SZ, "again")
                equal(alice.get(inner, "n"), (REG_SZ, "s", "again"))


@test
def each_level_includes_those_below():
    needs_root()
    ladder = ["none", "read", "write", "control"]
    with Registry() as registry:
        alice = registry.connect(uid=ALICE)
        for step, level in enumerate(ladder):
            key = f"{KEY}\\{level}"
            registry.client.set(key, "n", REG_SZ, "x")
            registry.client.create(key + r"\Sub")
            registry.client.create(key + r"\Old")
            registry.client.set_acl(key, (f"user:{ALICE}", level))
            for allowed in ladder[1:step + 1]:
                each(calls(key, allowed), alice.raw)
            for refused in ladder[step + 1:]:
                each(calls(key, refused), lambda *call, needed=refused: contains(
                    alice.refused("AccessDenied", *call, naming="Acme").text, needed))


@test
def a_users_own_entry_decides_then_groups_then_everyone():
    needs_root()
    user = f"user:{ALICE}"
    group, other = f"group:{SOME_GROUP}", f"group:{OTHER_GROUP}"
    table = [  # the list, his groups, whether he may read, whether he may write
        ([("everyone", "read")], [], True, False),
        ([("everyone", "write"), (user, "read")], [], True, False),
        ([("everyone", "write"), (user, "none")], [], False, False),
        ([(user, "none"), (group, "control")], [SOME_GROUP], False, False),
        ([(group, "write"), ("everyone", "none")], [SOME_GROUP], True, True),
        ([(group, "none"), ("everyone", "write")], [SOME_GROUP], False, False),
        ([(group, "read"), (other, "write")], [SOME_GROUP, OTHER_GROUP], True, True),
        ([(group, "none"), (other, "read")], [SOME_GROUP, OTHER_GROUP], True, False),
        ([(group, "write")], [OTHER_GROUP], False, False),
        ([(f"user:{BOB}", "control")], [], False, False),
        ([(f"group:{ALICE}", "write")], [], True, True),  # his primary group has the number of his uid here
    ]
    with Registry() as registry:
        registry.client.set(KEY, "n", REG_SZ, "x")

        def decides(entries, groups, reads, writes):
            registry.client.set_acl(KEY, *entries)
            alice = registry.connect(uid=ALICE, groups=groups)
            for allowed, call in [(reads, ("GetValue", "ss", KEY, "n")),
                                  (writes, ("SetValue", "ssuv", KEY, "w", REG_SZ, TEXT))]:
                if allowed:
                    alice.raw(*call)
                else:
                    alice.refused("AccessDenied", *call)

        each(table, decides)


@test
def the_nearest_list_decides_alone():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        client.set(KEY + r"\Sub\Deep", "n", REG_SZ, "x")
        client.set_acl(KEY, ("everyone", "none"))
        client.set_acl(KEY + r"\Sub", (f"user:{ALICE}", "read"))
        equal(alice.acl(KEY + r"\Sub\Deep"), (KEY + r"\Sub", [(f"user:{ALICE}", "read")]))
        equal(alice.get(KEY + r"\Sub\Deep", "n"), (REG_SZ, "s", "x"))
        alice.refused("AccessDenied", "ListKeys", "s", KEY)
        client.set_acl(KEY + r"\Sub")
        alice.refused("AccessDenied", "GetValue", "ss", KEY + r"\Sub\Deep", "n")
        client.set_acl(KEY)
        equal(alice.acl(KEY + r"\Sub\Deep")[0], "HKEY_LOCAL_MACHINE")
        equal(alice.get(KEY + r"\Sub\Deep", "n"), (REG_SZ, "s", "x"))


@test
def lists_are_kept_as_they_were_given():
    name = pwd.getpwuid(0).pw_name
    group = grp.getgrgid(0).gr_name
    entries = [(f"user:{name}", "control"), (f"group:{group}", "write"), ("user:4000000000", "read"),
               ("group:12345", "none"), ("everyone", "read")]
    with Registry() as registry:
        registry.client.create(KEY)
        registry.client.set_acl(KEY, *entries)
        equal(registry.client.acl(KEY), (KEY, entries))
        registry.restart()
        equal(registry.client.acl(KEY), (KEY, entries))


@test
def a_wrong_list_is_refused():
    wrong = [[("nobody", "read")], [("user:", "read")], [("user:no-such-user-here", "read")], [("group:", "read")],
             [("user:-1", "read")], [("user:4294967296", "read")], [("everyone", "READ ")], [("everyone", "admin")],
             [("everyone", "")], [("", "read")], [("everyone", "read"), ("everyone", "write")],
             [("user:0", "read"), ("user:0", "none")], [("group:no-such-group-here", "read")], [("user: 5", "read")]]
    with Registry() as registry:
        registry.client.create(KEY)
        before = registry.client.acl(KEY)
        each([(entries,) for entries in wrong],
             lambda entries: registry.client.refused("InvalidValue", "SetAcl", "sa(ss)", KEY, entries))
        equal(registry.client.acl(KEY), before)


@test
def administrators_hold_control_everywhere():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "x")
        client.set_acl(KEY, ("everyone", "none"), ("user:0", "none"))
        equal(client.get(KEY, "n"), (REG_SZ, "s", "x"))
        client.set(r"HKLM\SAM\Domains", "n", REG_SZ, "x")
        client.set_acl(KEY)


@test
def the_daemons_own_user_is_an_administrator():
    needs_root()
    with Registry(uid=BOB) as registry:
        bob = registry.connect(uid=BOB)
        bob.set(r"HKLM\SAM\Domains", "n", REG_SZ, "x")
        registry.connect(uid=0).set(r"HKLM\SECURITY", "n", REG_SZ, "x")
        registry.connect(uid=ALICE).refused("AccessDenied", "ListKeys", "s", r"HKLM\SAM")


@test
def many_keys_take_the_right_on_each():
    needs_root()
    with Registry() as registry:
        client = registry.client
        for key in [r"\Open\a", r"\Open\Closed\b", r"\Open\c"]:
            client.set(KEY + key, "n", REG_SZ, "x")
        client.set_acl(KEY, ("everyone", "write"))
        client.set_acl(KEY + r"\Open\Closed", ("everyone", "read"))
        alice = registry.connect(uid=ALICE)
        state = client.tree(KEY)
        each([("DeleteKey", "sa{sv}", KEY + r"\Open", options(recursive=True)), ("RenameKey", "ss", KEY + r"\Open", "X"),
              ("Commit", "a(sssuv)a{sv}", operation_list([("set-value", KEY, "n", REG_SZ, "x"),
                                                          ("delete-tree", KEY + r"\Open")]), options()),
              ("Commit", "a(sssuv)a{sv}", operation_list([("set-value", KEY, "n", REG_SZ, "x"),
                                                          ("set-value", KEY + r"\Open\Closed", "n", REG_SZ, "y")]),
               options())],
             lambda *call: alice.refused("AccessDenied", *call, naming="Closed"))
        equal(client.tree(KEY), state)
        client.set_acl(KEY + r"\Open\Closed", ("everyone", "none"))
        alice.refused("AccessDenied", "CopyKey", "ss", KEY + r"\Open", KEY + r"\Copy")
        equal(client.tree(KEY)[1], state[1])


@test
def a_missing_key_is_refused_where_its_ancestor_is():
    needs_root()
    with Registry() as registry:
        registry.client.create(KEY + r"\Hidden")
        registry.client.set_acl(KEY + r"\Hidden", ("everyone", "none"))
        alice = registry.connect(uid=ALICE)
        for key in [r"HKLM\SAM\Nope", KEY + r"\Hidden\Nope\Deep"]:
            each([("GetValue", "ss", key, "n"), ("ListKeys", "s", key), ("DeleteKey", "sa{sv}", key, options()),
                  ("Watch", "sa{sv}", key, options()), ("GetAcl", "s", key)],
                 lambda *call: alice.refused("AccessDenied", *call))
        alice.refused("KeyNotFound", "ListKeys", "s", KEY + r"\Nope")


@test
def a_missing_value_tells_nothing_to_who_may_not_read():
    needs_root()
    with Registry() as registry:
        registry.client.create(KEY)
        registry.client.set_acl(KEY, ("everyone", "none"))
        alice = registry.connect(uid=ALICE)
        alice.refused("AccessDenied", "GetValue", "ss", KEY, "Nope")
        alice.refused("AccessDenied", "DeleteValue", "ss", KEY, "Nope")


SECRET_KEY = r"HKLM\SAM\Domains\Account\Users\maria"
HASH = "$6$salt$abcdefgh"


@test
def a_secret_takes_more_than_everyone():
    needs_root()
    with Registry() as registry:
        client = registry.client
        client.set(SECRET_KEY, "Password", REG_SZ, HASH)
        client.set(SECRET_KEY, "Disabled", REG_DWORD, 0)
        path = client.info(SECRET_KEY)["path"]
        client.set_acl(SECRET_KEY, ("everyone", "control"))
        alice = registry.connect(uid=ALICE, groups=[SOME_GROUP])
        equal(alice.get(SECRET_KEY, "Disabled"), (REG_DWORD, "u", 0))
        refusal = alice.refused("AccessDenied", "GetValue", "ss", SECRET_KEY, "Password", naming="Password")
        check(HASH not in refusal.text, "the refusal does not tell it")
        equal(alice.values(SECRET_KEY), [("Disabled", REG_DWORD, 0)])
        equal(alice.tree(SECRET_KEY)[1], [(path, [("Disabled", REG_DWORD, 0)])])
        for operation in [("expect-value", SECRET_KEY, "Password", REG_SZ, HASH),
                          ("expect-value", SECRET_KEY, "Password", REG_SZ, "guess")]:
            alice.refused("AccessDenied", "Commit", "a(sssuv)a{sv}", operation_list([operation]), options())
        sees_secret(client, alice, [(f"user:{ALICE}", "read")])
        sees_secret(client, alice, [(f"group:{SOME_GROUP}", "read"), ("everyone", "none")])
        equal(client.get(SECRET_KEY, "Password"), (REG_SZ, "s", HASH))


def sees_secret(client, alice, entries):
    client.set_acl(SECRET_KEY, *entries)
    equal(alice.get(SECRET_KEY, "Password"), (REG_SZ, "s", HASH))
    equal(alice.values(SECRET_KEY), [("Password", REG_SZ, HASH), ("Disabled", REG_DWORD, 0)])


@test
def a_secret_does_not_leak_by_a_copy_or_a_rename():
    needs_root()
    with Registry() as registry:
        client = registry.client
        client.set(SECRET_KEY, "Password", REG_SZ, HASH)
        client.set_acl(r"HKLM\SAM\Domains", ("everyone", "control"))
        client.set_acl(SOFTWARE, ("everyone", "control"))
        alice = registry.connect(uid=ALICE)
        for member, arguments in [("CopyKey", (SECRET_KEY, KEY)), ("CopyKey", (r"HKLM\SAM\Domains", KEY)),
                                  ("RenameKey", (r"HKLM\SAM\Domains\Account\Users", "Open")),
                                  ("RenameKey", (r"HKLM\SAM\Domains\Account", "Elsewhere"))]:
            try:
                alice.raw(member, "ss", *arguments)
            except Refused as refusal:
                equal(refusal.name, "AccessDenied")
        seen = [data for tree in ("HKLM\\SAM\\Domains", "HKLM\\SOFTWARE")
                for _, values in alice.tree(tree, skip_unreadable=True)[1] for _, _, data in values]
        check(HASH not in seen, "nobody got at it")


@test
def a_page_after_a_key_that_is_closed_meanwhile_is_whole():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        first, second = KEY + r"\1", KEY + r"\2"
        for key in (first, second):
            for name in "abc":
                client.set(key, name, REG_SZ, "x")
        cursor = alice.tree(KEY, limit=2, skip_unreadable=True)[2]
        client.set_acl(first, ("user:0", "control"))
        equal(alice.tree(KEY, skip_unreadable=True, cursor=cursor)[1],
              [(second, [(name, REG_SZ, "x") for name in "abc"])])


@test
def acl_changes_take_control_and_are_revisions():
    needs_root()
    with Registry() as registry:
        client = registry.client
        client.create(KEY)
        client.set_acl(KEY, ("everyone", "write"))
        alice = registry.connect(uid=ALICE)
        alice.refused("AccessDenied", "SetAcl", "sa(ss)", KEY, [("everyone", "control")], naming=["Acme", "control"])
        before = client.revision
        equal(client.set_acl(KEY, ("everyone", "read")), before + 1)


@test
def stored_bytes_of_a_user_are_limited():
    needs_root()
    with Registry() as registry:
        registry.client.set(r"HKLM\SYSTEM\CurrentControlSet\Services\regd\Parameters", "Stored Bytes Per User", REG_DWORD,
                            100000)
        alice, bob = registry.connect(uid=ALICE), registry.connect(uid=BOB)
        alice.set(r"HKCU\Software", "a", REG_SZ, "x" * 30000)
        alice.refused("LimitExceeded", "SetValue", "ssuv", r"HKCU\Software", "b", REG_SZ, variant("x" * 60000))
        bob.set(r"HKCU\Software", "b", REG_SZ, "x" * 30000)
        alice.unset(r"HKCU\Software", "a")
        alice.set(r"HKCU\Software", "b", REG_SZ, "x" * 30000)
        registry.client.set(f"HKU\\{ALICE}\\Software", "c", REG_SZ, "x" * 60000)


@test
def preconditions_tell_nothing_of_what_is_hidden():
    needs_root()
    with Registry() as registry:
        alice = registry.connect(uid=ALICE)
        alice.refused("AccessDenied", "Commit", "a(sssuv)a{sv}",
                      operation_list([("expect-absent", r"HKLM\SAM\Nope", "", NO_TYPE)]), options())


@test
def a_level_is_told_for_any_principal_to_administrators():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE, groups=[SOME_GROUP])
        client.set(KEY, "n", REG_SZ, "x")
        client.set_acl(KEY, (f"user:{ALICE}", "write"), (f"group:{SOME_GROUP}", "control"), ("everyone", "read"))
        for principal, level in ((f"user:{ALICE}", "write"), (f"user:{BOB}", "read"), ("user:root", "control"),
                                 (f"group:{SOME_GROUP}", "control"), (f"group:{OTHER_GROUP}", "read"),
                                 ("everyone", "read")):
            equal(client.call("CheckAccess", "ssa{sv}", KEY, principal, options()), level, principal)
        equal(alice.call("CheckAccess", "ssa{sv}", KEY, f"user:{ALICE}", options()), "write")
        equal(client.call("CheckAccess", "ssa{sv}", r"HKLM\SAM", "everyone", options()), "none")
        client.refused("InvalidValue", "CheckAccess", "ssa{sv}", KEY, "user:no such user", options(), naming="no such user")
        client.refused("InvalidValue", "CheckAccess", "ssa{sv}", KEY, "alice", options(), naming="user:NAME")
        client.refused("KeyNotFound", "CheckAccess", "ssa{sv}", KEY + r"\None", "everyone", options())


@test
def a_users_groups_count_for_their_level():
    needs_root()
    member = next(name for group in grp.getgrall() for name in group.gr_mem) \
        if any(group.gr_mem for group in grp.getgrall()) else None
    user = pwd.getpwnam(member) if member else next(entry for entry in pwd.getpwall() if entry.pw_uid != 0)
    group = next((group.gr_gid for group in grp.getgrall() if user.pw_name in group.gr_mem), user.pw_gid)
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "x")
        client.set_acl(KEY, (f"group:{group}", "write"), ("everyone", "none"))
        equal(client.call("CheckAccess", "ssa{sv}", KEY, f"user:{user.pw_name}", options()), "write")
        equal(client.call("CheckAccess", "ssa{sv}", KEY, "everyone", options()), "none")


@test
def only_ones_own_level_is_told_to_users_and_nothing_of_names():
    needs_root()
    with Registry() as registry:
        alice = registry.connect(uid=ALICE)
        said = set()
        for principal in (f"user:{BOB}", "user:root", "user:no such user", "group:root", "group:no such group", "everyone"):
            refusal = alice.refused("AccessDenied", "CheckAccess", "ssa{sv}", r"HKLM\SOFTWARE", principal, options(),
                                    naming=f"user:{ALICE}")
            said.add(refusal.text.replace(principal, "X"))
        equal(len(said), 1, f"all are refused alike: {said}")
        for key in (r"HKLM\SAM", r"HKLM\SAM\not there", r"HKLM\SAM\Domains"):
            equal(alice.call("CheckAccess", "ssa{sv}", key, f"user:{ALICE}", options()), "none", key)
        alice.refused("KeyNotFound", "CheckAccess", "ssa{sv}", "HKCU", f"user:{ALICE}", options())
        alice.set("HKCU", "n", REG_SZ, "x")
        equal(alice.call("CheckAccess", "ssa{sv}", "HKCU", f"user:{ALICE}", options()), "control")


main()
