# SPDX-License-Identifier: MIT
"""Symbolic links between keys: followed, not followed, missing targets, loops,
walks that do not descend, and where a user's own links may lead."""

import json
import tempfile

import dbus

from harness.bus import ALICE, needs_root
from harness.case import check, each, equal, main, test
from harness.registry import REG_LINK, REG_SZ, SOFTWARE, Refused, Registry, operation_list, options, variant

KEY = SOFTWARE + "\\Acme"
TARGET = SOFTWARE + "\\Target"


@test
def links_are_followed_in_every_component():
    with Registry() as registry:
        client = registry.client
        client.set(TARGET + r"\Sub", "n", REG_SZ, "x")
        client.create(KEY + r"\Link", link=r"hklm\SOFTWARE\Target")
        equal(client.get(KEY + r"\Link\Sub", "n"), (REG_SZ, "s", "x"))
        equal(client.keys(KEY + r"\Link"), ["Sub"])
        equal(client.info(KEY + r"\link\SUB")["path"], TARGET + r"\Sub")
        equal(client.tree(KEY + r"\Link")[1], [(TARGET, []), (TARGET + r"\Sub", [("n", REG_SZ, "x")])])
        client.set(KEY + r"\Link\Sub\New", "n", REG_SZ, "y")
        equal(client.keys(TARGET + r"\Sub"), ["New"])
        client.create(KEY + r"\Deep", link=KEY + r"\Link\Sub")
        equal(client.get(KEY + r"\Deep", "n"), (REG_SZ, "s", "x"))


@test
def the_last_link_is_not_followed_when_asked():
    with Registry() as registry:
        client = registry.client
        client.create(KEY + r"\Link", link=r"HKLM\SOFTWARE\Target")
        info = client.info(KEY + r"\Link", no_follow=True)
        equal((info["path"], info["link"]), (KEY + r"\Link", TARGET))
        client.create(TARGET)
        check("link" not in client.info(KEY + r"\Link"), "a followed link is the key it leads to")
        check("link" not in client.info(TARGET, no_follow=True), "a key that is no link has none")


@test
def a_link_itself_is_read_exported_told_and_rolled_back_when_asked():
    with Registry() as registry:
        client = registry.client
        client.set(TARGET, "n", REG_SZ, "x")
        made = client.create(KEY + r"\Link", link=TARGET)[0]
        itself = [(KEY + r"\Link", [("SymbolicLinkValue", REG_LINK, TARGET)])]
        client.delete(KEY + r"\Link")
        client.create(KEY + r"\Link", link=TARGET + "2")
        equal(client.tree(KEY + r"\Link", no_follow=True)[1],
              [(KEY + r"\Link", [("SymbolicLinkValue", REG_LINK, TARGET + "2")])])
        equal(client.tree(KEY + r"\Link", no_follow=True, at=made)[1], itself)
        told = client.call("GetHistory", "sa{sv}", KEY + r"\Link", options(no_follow=True, limit=1))
        equal(told[0]["changes"][0]["key"], KEY + r"\Link")
        client.call("Rollback", "sta{sv}", KEY + r"\Link", dbus.UInt64(made), options(no_follow=True))
        equal(client.tree(KEY + r"\Link", no_follow=True)[1], itself)
        with tempfile.TemporaryFile() as file:
            client.call("Export", "sha{sv}", r"HKLM\software\acme\link", dbus.types.UnixFd(file.fileno()),
                        options(no_follow=True, format="json"))
            file.seek(0)
            exported = json.load(file)["keys"]
        equal([(key["path"], key["link"]) for key in exported], [(KEY + r"\Link", TARGET)])
        equal(client.tree(KEY + r"\Link")[1], [(TARGET, [("n", REG_SZ, "x")])])


@test
def a_link_to_the_same_key_is_there_already():
    with Registry() as registry:
        client = registry.client
        made = client.create(KEY + r"\Link", link=TARGET)[0]
        equal(client.create(KEY + r"\Link", link=r"hklm\software\TARGET\\"[:-1]), (made, False))
        equal(client.commit([("create-link", KEY + r"\Link", "", 0, TARGET.upper())]), made)
        equal(client.info(KEY + r"\Link", no_follow=True)["link"], TARGET)
        client.refused("KeyExists", "CreateKey", "sa{sv}", KEY + r"\Link", options(link=TARGET + "2"))


@test
def deleting_a_link_leaves_its_target():
    with Registry() as registry:
        client = registry.client
        for recursive in (False, True):
            client.set(TARGET + r"\Sub", "n", REG_SZ, "x")
            client.create(KEY + r"\Link", link=TARGET)
            client.delete(KEY + r"\Link", recursive=recursive)
            equal(client.keys(KEY), [])
            equal(client.get(TARGET + r"\Sub", "n"), (REG_SZ, "s", "x"))
        client.create(KEY + r"\Link", link=TARGET)
        client.commit([("delete-tree", KEY + r"\Link")])
        equal(client.keys(TARGET), ["Sub"])


@test
def a_missing_target_is_made_by_writing():
    with Registry() as registry:
        client = registry.client
        client.create(KEY + r"\Link", link=TARGET + r"\Not\Yet")
        client.refused("KeyNotFound", "ListKeys", "s", KEY + r"\Link")
        client.refused("KeyNotFound", "GetValue", "ss", KEY + r"\Link", "n")
        client.set(KEY + r"\Link", "n", REG_SZ, "x")
        equal(client.get(TARGET + r"\Not\Yet", "n"), (REG_SZ, "s", "x"))
        client.create(KEY + r"\Other", link=TARGET + r"\Created")
        equal(client.create(KEY + r"\Other")[1], True)
        equal(client.keys(TARGET), ["Created", "Not"])
        client.create(KEY + r"\Third", link=TARGET + r"\Third")
        client.create(KEY + r"\Third\Sub")
        equal(client.keys(TARGET + r"\Third"), ["Sub"])


@test
def a_link_takes_an_absolute_path():
    with Registry() as registry:
        for target in ["", "relative", "\\HKLM", "HKLM\\\\x", "HKEY_NOWHERE\\x"]:
            registry.client.refused("InvalidPath", "CreateKey", "sa{sv}", KEY, options(link=target))


@test
def loops_end():
    with Registry() as registry:
        client = registry.client
        client.create(KEY + r"\Self", link=KEY + r"\Self")
        client.create(KEY + r"\Ping", link=KEY + r"\Pong")
        client.create(KEY + r"\Pong", link=KEY + r"\Ping")
        for key in [r"\Self", r"\Ping", r"\Pong\Sub"]:
            client.refused("LinkLoop", "ListKeys", "s", KEY + key)
            client.refused("LinkLoop", "SetValue", "ssuv", KEY + key, "n", REG_SZ, variant("x"))
        equal(client.keys(KEY), ["Ping", "Pong", "Self"])
        client.delete(KEY, recursive=True)


@test
def thirty_two_links_are_followed_and_no_more():
    with Registry() as registry:
        client = registry.client
        client.set(TARGET, "n", REG_SZ, "x")
        client.create(KEY + r"\L1", link=TARGET)
        for number in range(2, 34):
            client.create(f"{KEY}\\L{number}", link=f"{KEY}\\L{number - 1}")
        equal(client.get(KEY + r"\L32", "n"), (REG_SZ, "s", "x"))
        client.refused("LinkLoop", "GetValue", "ss", KEY + r"\L33", "n")


@test
def walks_do_not_descend_through_a_link():
    with Registry() as registry:
        client = registry.client
        client.set(TARGET + r"\Sub", "n", REG_SZ, "x")
        client.create(KEY + r"\Link", link=r"HKLM\SOFTWARE\Target")
        client.create(KEY + r"\Zoo")
        equal(client.tree(KEY)[1], [(KEY, []), (KEY + r"\Link", [("SymbolicLinkValue", REG_LINK, TARGET)]),
                                    (KEY + r"\Zoo", [])])
        client.call("CopyKey", "ss", KEY, SOFTWARE + r"\Copy")
        equal(client.info(SOFTWARE + r"\Copy\Link", no_follow=True)["link"], TARGET)
        client.delete(KEY, recursive=True)
        equal(client.get(TARGET + r"\Sub", "n"), (REG_SZ, "s", "x"))


@test
def a_link_survives_a_restart():
    with Registry() as registry:
        registry.client.create(KEY + r"\Link", link=TARGET)
        registry.client.set(TARGET, "n", REG_SZ, "x")
        registry.restart()
        equal(registry.client.get(KEY + r"\Link", "n"), (REG_SZ, "s", "x"))


@test
def rights_are_those_of_the_key_arrived_at():
    needs_root()
    with Registry() as registry:
        client = registry.client
        client.set(TARGET, "n", REG_SZ, "x")
        client.create(KEY + r"\Link", link=TARGET)
        alice = registry.connect(uid=ALICE)
        client.set_acl(TARGET, ("everyone", "none"))
        alice.refused("AccessDenied", "GetValue", "ss", KEY + r"\Link", "n")
        client.set_acl(TARGET, (f"user:{ALICE}", "write"))
        alice.set(KEY + r"\Link", "n", REG_SZ, "y")
        equal(alice.get(KEY + r"\Link", "n"), (REG_SZ, "s", "y"))
        alice.refused("AccessDenied", "DeleteKey", "sa{sv}", KEY + r"\Link", options())


@test
def a_users_own_links_lead_only_inside_his_key():
    needs_root()
    with Registry() as registry:
        alice = registry.connect(uid=ALICE)
        alice.set(r"HKCU\Software\Real", "n", REG_SZ, "x")
        alice.create(r"HKCU\Inside", link=f"HKU\\{ALICE}\\Software\\Real")
        equal(alice.get(r"HKCU\Inside", "n"), (REG_SZ, "s", "x"))

        def leads_nowhere(name, target):
            key = f"HKCU\\{name}"
            try:
                alice.create(key, link=target)
                alice.keys(key)
            except Refused as refusal:
                equal(refusal.name, "AccessDenied")
            else:
                raise AssertionError("it was followed")

        each([("ToMachine", r"HKLM\SOFTWARE"), ("ToUsers", "HKU"), ("ToDefault", r"HKU\.DEFAULT"),
              ("ToRoot", r"HKU\0")], leads_nowhere)
        try:
            alice.raw("Commit", "a(sssuv)a{sv}", operation_list(
                [("create-link", r"HKCU\ByCommit", "", 0, r"HKLM\SOFTWARE")]), options())
            alice.keys(r"HKCU\ByCommit")
        except Refused as refusal:
            equal(refusal.name, "AccessDenied")
        else:
            raise AssertionError("a link made by a commit was followed")


@test
def nobody_is_led_astray_by_a_users_link():
    """The administrator too does not follow it: it is the user's trap."""
    needs_root()
    with Registry() as registry:
        alice = registry.connect(uid=ALICE)
        alice.create(r"HKCU\Software")
        try:
            alice.create(r"HKCU\Trap", link=r"HKLM\SOFTWARE")
        except Refused as refusal:
            equal(refusal.name, "AccessDenied")
            return
        registry.client.refused("AccessDenied", "SetValue", "ssuv", f"HKU\\{ALICE}\\Trap", "n", REG_SZ, variant("x"))


@test
def an_administrators_link_may_lead_out_of_a_users_key():
    needs_root()
    with Registry() as registry:
        registry.client.set(TARGET, "n", REG_SZ, "x")
        registry.connect(uid=ALICE).create(r"HKCU\Software")
        registry.client.create(f"HKU\\{ALICE}\\Shared", link=TARGET)
        equal(registry.connect(uid=ALICE).get(r"HKCU\Shared", "n"), (REG_SZ, "s", "x"))


@test
def a_link_itself_is_watched_on_no_follow():
    with Registry() as registry:
        client, watcher = registry.client, registry.connect()
        first = client.create(SOFTWARE + "\\one\\k")[0]
        client.create(SOFTWARE + "\\Way", link=SOFTWARE)
        client.create(SOFTWARE + "\\Link", link=SOFTWARE + "\\one")
        number, _, path = watcher.watch(SOFTWARE + "\\way\\link", no_follow=True)
        equal(path, SOFTWARE + "\\Link")
        client.set(SOFTWARE + "\\one", "n", REG_SZ, "not about the link")
        moved = client.commit([("delete-key", SOFTWARE + "\\Link"),
                               ("create-link", SOFTWARE + "\\Link", "", 0, SOFTWARE + "\\two")])
        gone = client.delete(SOFTWARE + "\\Link")
        made = [("key-created", SOFTWARE + "\\Link", ""), ("value-set", SOFTWARE + "\\Link", "SymbolicLinkValue")]
        deleted = [("value-deleted", SOFTWARE + "\\Link", "SymbolicLinkValue"), ("key-deleted", SOFTWARE + "\\Link", "")]
        client.create(SOFTWARE + "\\elsewhere\\Link")
        equal(watcher.wait_for_signals(2), [(number, 1, moved, deleted + made), (number, 2, gone, deleted)])
        client.commit([("delete-key", SOFTWARE + "\\Way"),
                       ("create-link", SOFTWARE + "\\Way", "", 0, SOFTWARE + "\\elsewhere")])
        equal(watcher.wait_for_signals(3)[2][3], [("link-changed", SOFTWARE + "\\elsewhere\\Link", "")])
        late = registry.connect()
        late.watch(SOFTWARE + "\\Link", no_follow=True, since=first)
        equal([signal[2:] for signal in late.wait_for_signals(3)],
              [(first + 2, made), (moved, deleted + made), (gone, deleted)])


main()
