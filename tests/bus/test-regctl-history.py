# SPDX-License-Identifier: MIT
"""regctl about the past: history, blame, rollback, confirm, and the way back
from a mistake."""

import json
import os
import pty
import re
import subprocess
import time

import dbus

from harness.bus import ALICE, needs_root
from harness.case import check, contains, equal, main, test
from harness.process import PATIENCE, program
from harness.registry import PARAMETERS, REG_DWORD, REG_SZ, SOFTWARE, Registry, options
from harness.regctl import DENIED, DONE, FAILED, INVALID, KEY, NOT_FOUND, USAGE, done, regctl


def refused(registry, expected, *arguments, naming="", **options):
    status, printed, said = regctl(registry, *arguments, **options)
    equal((status, printed), (expected, ""), f"{' '.join(arguments)}: {said}")
    check(said.startswith("regctl: ") and said.count("\n") == 1, f"one line of a message, not {said!r}")
    contains(said, naming)


HEAD = r"(\d+)\t(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4})\t(\S+)\t(\S*)\[(\d+)\]"


@test
def history_is_lines_of_who_and_what():
    with Registry() as registry:
        done(registry, "set", "-t", "dword", KEY, "Port", "25", "--comment=the first")
        done(registry, "set", KEY, "Port", "26")
        done(registry, "unset", KEY, "Port")
        lines = done(registry, "history", KEY).splitlines()
        heads = [re.fullmatch(HEAD + r"(\t.*)?", line) for line in lines if not line.startswith("\t")]
        check(all(heads) and len(heads) == 3, repr(lines))
        equal([head[6] for head in heads], [None, None, "\tthe first"])
        check(all(head[4].endswith("regctl") for head in heads), repr(lines))
        equal([line for line in lines if line.startswith("\t")],
              [f"\tvalue-deleted\t{KEY}\tPort\tREG_DWORD 26 ->", f"\tvalue-set\t{KEY}\tPort\tREG_DWORD 25 -> REG_DWORD 26",
               f"\tkey-created\t{KEY}", f"\tvalue-set\t{KEY}\tPort\tREG_DWORD 25"])
        equal(len([line for line in done(registry, "history", "-n", "2", KEY).splitlines() if line[0] != "\t"]), 2)
        refused(registry, NOT_FOUND, "history", KEY + "\\Never", naming="Never")
        refused(registry, USAGE, "history", "-n", "0", KEY)


@test
def history_as_json_is_one_document():
    with Registry() as registry:
        for number in range(250):
            registry.client.set(KEY, "n", REG_DWORD, number)
        entries = json.loads(done(registry, "--json", "history", KEY))
        equal(len(entries), 250)
        equal(entries[0]["changes"], [{"kind": "value-set", "key": KEY, "name": "n",
                                       "old": {"name": "n", "type": "REG_DWORD", "data": 248},
                                       "new": {"name": "n", "type": "REG_DWORD", "data": 249}}])
        equal((entries[0]["uid"], entries[0]["pid"], entries[0]["comment"]), (os.getuid(), os.getpid(), ""))
        check(abs(entries[0]["time"] / 1e6 - time.time()) < 3600, "microseconds since 1970")
        equal(len(json.loads(done(registry, "--json", "history", KEY, "-n", "7"))), 7)


@test
def blame_tells_all_that_a_value_was():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "Port", REG_DWORD, 25)
        client.set(KEY, "Other", REG_DWORD, 1)
        client.set(KEY + "\\Sub", "Port", REG_DWORD, 1)
        client.commit([("set-value", KEY, "PORT", REG_SZ, "x")], comment="why not")
        lines = done(registry, "blame", KEY, "port").splitlines()
        equal([line.split("\t")[4:] for line in lines],
              [["value-set", "REG_DWORD 25 -> REG_SZ x", "why not"], ["value-set", "REG_DWORD 25"]])
        told = json.loads(done(registry, "--json", "blame", KEY, "Port"))
        equal([(entry["kind"], entry["new"]["data"]) for entry in told], [("value-set", "x"), ("value-set", 25)])
        refused(registry, NOT_FOUND, "blame", KEY, "Never", naming="Never")
        client.delete(KEY, recursive=True)
        equal(done(registry, "blame", KEY, "Port").splitlines()[0].split("\t")[4:], ["value-deleted", "REG_SZ x ->"])
        client.set(KEY, "old", REG_SZ, "x")
        client.set(PARAMETERS, "History Revisions", REG_DWORD, 1)
        client.set(SOFTWARE, "n", REG_SZ, "x")
        equal(regctl(registry, "blame", KEY, "old"), (DONE, "", f"regctl: {KEY}: old: it was set before history begins\n"))


@test
def blame_follows_links():
    with Registry() as registry:
        done(registry, "set", r"HKLM\SYSTEM\CurrentControlSet\Services\x", "n", "1")
        equal(len(done(registry, "blame", "/HKLM/SYSTEM/CurrentControlSet/Services/x", "n").splitlines()), 1)
        done(registry, "rm", "-r", r"HKLM\SYSTEM\CurrentControlSet\Services\x")
        equal(len(done(registry, "blame", "/HKLM/SYSTEM/CurrentControlSet/Services/x", "n").splitlines()), 2)


@test
def a_newcomer_finds_the_way_back_from_rm():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "Port", REG_DWORD, 25)
        client.set(KEY + "\\Deep\\er", "n", REG_SZ, "x")
        done(registry, "rm", "-r", KEY)
        refused(registry, NOT_FOUND, "get", KEY, "Port")
        mistake = int(done(registry, "history", "-n", "1", KEY).split("\t")[0])
        printed = done(registry, "rollback", "--dry-run", KEY, str(mistake - 1))
        contains(printed, f"key-created\t{KEY}\n")
        contains(printed, f"value-set\t{KEY}\tPort\n")
        refused(registry, NOT_FOUND, "get", KEY, "Port")
        equal(done(registry, "rollback", "--comment=oops", KEY, str(mistake - 1)), "")
        equal(done(registry, "get", KEY, "Port"), "25\n")
        equal(done(registry, "get", KEY + "\\Deep\\er", "n"), "x\n")
        told = json.loads(done(registry, "--json", "history", "-n", "1", KEY))
        equal((told[0]["comment"], told[0]["revision"]), ("oops", client.revision))


@test
def rollback_as_json_says_what_it_did():
    with Registry() as registry:
        registry.client.set(KEY, "n", REG_SZ, "x")
        then = registry.client.revision
        registry.client.set(KEY, "n", REG_SZ, "y")
        expected = {"revision": then + 1, "changed": True, "changes": [{"kind": "value-set", "key": KEY, "name": "n"}]}
        equal(json.loads(done(registry, "--json", "rollback", "--dry-run", KEY, str(then))), expected)
        equal(json.loads(done(registry, "--json", "rollback", KEY, str(then))), expected | {"revision": then + 2})
        refused(registry, INVALID, "rollback", KEY, "99999", naming="99999")
        refused(registry, USAGE, "rollback", KEY, "yesterday", naming="yesterday")
        refused(registry, NOT_FOUND, "rollback", KEY + "\\Never", str(then))


@test
def a_change_on_trial_is_confirmed_or_undone():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "before")
        tried = json.loads(done(registry, "--json", "set", "--confirm-within=600", KEY, "n", "tried"))["revision"]
        equal(json.loads(done(registry, "--json", "confirm", str(tried))), {"revision": tried, "changed": True})
        refused(registry, INVALID, "confirm", str(tried), naming=str(tried))
        client.watch(KEY)
        done(registry, "set", "--confirm-within=1", KEY, "n", "again")
        client.wait_for_signals(2)
        equal(done(registry, "get", KEY, "n"), "tried\n")
        contains(done(registry, "history", "-n", "1", KEY), "\tnot confirmed\n")
        refused(registry, USAGE, "set", "--confirm-within=0", KEY, "n", "x")


@test
def one_revision_is_undone():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "before")
        revision = client.set(KEY, "n", REG_SZ, "after")
        client.set(KEY, "other", REG_SZ, "stays")
        equal(done(registry, "undo", "--dry-run", str(revision)), f"value-set\t{KEY}\tn\n")
        expected = {"revision": revision + 2, "changed": True, "changes": [{"kind": "value-set", "key": KEY, "name": "n"}]}
        equal(json.loads(done(registry, "--json", "undo", "--comment=back", str(revision))), expected)
        equal(done(registry, "get", KEY, "n"), "before\n")
        contains(done(registry, "history", "-n", "1", KEY), "\tback\n")
        tried = json.loads(done(registry, "--json", "set", "--confirm-within=600", KEY, "n", "tried"))["revision"]
        equal(json.loads(done(registry, "--json", "undo", str(tried))), {"revision": tried, "changed": True})
        equal((done(registry, "get", KEY, "n"), done(registry, "trials")), ("before\n", ""))
        refused(registry, FAILED, "undo", "99999", naming="99999")
        refused(registry, USAGE, "undo", "yesterday", naming="yesterday")


@test
def a_maker_who_is_locked_out_can_undo_it():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        client.create(KEY)
        client.set_acl(KEY, (f"user:{ALICE}", "control"))
        tried = alice.call("SetAclWithOptions", "sa(ss)a{sv}", KEY, [("user:0", "control")], options(confirm_within=600))
        equal(done(registry, "trials", uid=ALICE), "", "she may not see what it changed")
        done(registry, "undo", str(tried), uid=ALICE)
        equal(client.acl(KEY), (KEY, [(f"user:{ALICE}", "control")]))


@test
def a_change_of_another_is_undone_unless_it_is_on_trial():
    needs_root()
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_SZ, "first")
        changed = client.set(KEY, "n", REG_SZ, "second")
        client.set_acl(KEY, ("everyone", "write"))
        tried = client.commit([("set-value", KEY, "other", REG_SZ, "tried")], confirm_within=600)
        refused(registry, DENIED, "undo", str(tried), naming="not yours", uid=ALICE)
        equal(client.get(KEY, "other")[2], "tried")
        done(registry, "undo", str(changed), uid=ALICE)
        equal(client.get(KEY, "n")[2], "first")


def said_on_a_terminal(registry, *arguments):
    """What regctl says on standard error where that is a terminal."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": registry.bus.address, "LC_ALL": "C.UTF-8"}
    with subprocess.Popen([program("client/regctl/regctl"), *arguments], env=environment, stderr=theirs,
                          stdout=subprocess.PIPE) as process:
        printed, _ = process.communicate(timeout=PATIENCE)
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 4096):
            said += part
    except OSError:  # nobody is at the other end any more
        pass
    os.close(ours)
    equal((process.returncode, printed), (DONE, b""), repr(said))
    return said.decode()


@test
def a_trial_is_told_of_on_a_terminal():
    with Registry() as registry:
        writes = [("set", KEY, "n", "x"), ("create", KEY + "\\New"), ("mv", KEY + "\\New", "Newer"),
                  ("cp", KEY, KEY + "2"), ("acl", KEY, "everyone=read"), ("unset", KEY, "n"), ("rm", "-r", KEY),
                  ("rollback", KEY, "2")]
        for write in writes:
            said = said_on_a_terminal(registry, *write, "--confirm-within=600")
            revision = registry.client.revision
            equal(said, f"regctl: revision {revision} is on trial: `regctl confirm {revision}` within 600 s keeps it, "
                        "else it is undone\r\n", write)
            done(registry, "confirm", str(revision))
        equal(said_on_a_terminal(registry, "--quiet", "set", "--confirm-within=600", KEY, "n", "y"), "")
        contains(said_on_a_terminal(registry, "create", KEY, "--confirm-within=600"), "nothing was changed")
        now = str(registry.client.revision)
        equal(said_on_a_terminal(registry, "rollback", "--dry-run", KEY, now, "--confirm-within=600"), "")


@test
def errors_of_single_operations_have_no_number():
    with Registry() as registry:
        registry.client.create(KEY)
        for options in ([], ["--comment=x"]):
            for write in (("mv", KEY + "\\No", "New"), ("cp", KEY + "\\No", KEY + "2"), ("unset", KEY + "\\No", "n")):
                refused(registry, NOT_FOUND, *write, *options, naming=f"regctl: {KEY}\\No: ")


@test
def purge_makes_history_forget():
    needs_root()
    with Registry() as registry:
        done(registry, "set", KEY, "Password", "by mistake")
        done(registry, "set", KEY, "Password", "better")
        done(registry, "set", KEY + "\\Sub", "@", "first")
        done(registry, "unset", KEY + "\\Sub", "@")
        refused(registry, USAGE, "purge", KEY, naming="NAME is missing")
        refused(registry, USAGE, "purge", "-r", KEY, "Password", naming="-r")
        refused(registry, NOT_FOUND, "purge", KEY + "\\Never", "n", naming="Never")
        refused(registry, DENIED, "purge", KEY, "Password", naming="administrator", uid=ALICE)
        equal(done(registry, "purge", KEY, "Password"), "")
        told = done(registry, "history", KEY)
        check("by mistake" not in told and "first" in told, told)
        equal(done(registry, "get", KEY, "Password"), "better\n")
        for line in done(registry, "blame", KEY, "Password").splitlines():
            equal(line.split("\t")[4:], ["value-set", "(purged)"])
        for change in json.loads(done(registry, "--json", "blame", KEY, "Password")):
            equal((change["purged"], "old" in change, "new" in change), (True, False, False))
        equal(told.count("\tPassword\t(purged)\n"), 2)
        (change,) = (change for entry in json.loads(done(registry, "--json", "history", KEY + "\\Sub"))
                     for change in entry["changes"] if change["kind"] == "value-set")
        check("purged" not in change, str(change))
        equal(json.loads(done(registry, "--json", "purge", "-r", "/HKLM/SOFTWARE/Acme")),
              {"key": "HKLM\\SOFTWARE\\Acme", "name": "", "recursive": True, "changed": True})
        check("first" not in done(registry, "history", KEY), "all below is forgotten")
        registry.client.create("HKLM\\SOFTWARE\\Link", link=KEY)
        done(registry, "set", KEY, "Password", "third")
        done(registry, "set", KEY, "Password", "fourth")
        equal(json.loads(done(registry, "--json", "purge", "HKLM\\SOFTWARE\\Link", "password"))["recursive"], False)
        check("third" not in done(registry, "history", KEY), "a link is gone through")


@test
def purge_tells_whether_anything_was_forgotten():
    def purged(registry, *words):
        return json.loads(done(registry, "--json", "purge", *words))["changed"]

    with Registry() as registry:
        done(registry, "set", KEY, "n", "1")
        done(registry, "set", KEY, "m", "1")
        done(registry, "set", KEY + "\\Sub", "n", "1")
        done(registry, "create", "--link=" + KEY, SOFTWARE + "\\Link")
        equal([purged(registry, KEY, "n") for _ in range(2)], [True, False])
        equal([purged(registry, SOFTWARE + "\\Link", "M") for _ in range(2)], [True, False])
        done(registry, "set", KEY, "n", "2")
        equal([purged(registry, KEY, "n") for _ in range(2)], [True, False])
        equal([purged(registry, "-r", SOFTWARE) for _ in range(2)], [True, False])


@test
def the_past_is_read_with_todays_rights():
    needs_root()
    with Registry() as registry:
        registry.client.set(KEY, "n", REG_SZ, "x")
        registry.client.set_acl(KEY, ("everyone", "none"))
        refused(registry, DENIED, "history", KEY, uid=ALICE)
        refused(registry, DENIED, "blame", KEY, "n", uid=ALICE)
        refused(registry, DENIED, "rollback", KEY, "2", uid=ALICE)


@test
def without_a_key_it_is_that_of_all():
    with Registry() as registry:
        client = registry.client
        expected = []
        for number in range(250):  # more than a page of each
            key = KEY if number % 3 else "HKU\\.DEFAULT\\Acme"
            expected.append(client.set(key, "n", REG_DWORD, number))
        both = client.commit([("set-value", KEY, "b", REG_DWORD, 1), ("set-value", "HKU\\.DEFAULT\\Acme", "b", REG_DWORD, 1)])
        found = json.loads(done(registry, "--json", "history"))
        equal([each["revision"] for each in found][:251], [both, *reversed(expected)])
        equal(sorted(change["key"].split("\\")[0] for change in found[0]["changes"]),
              ["HKEY_LOCAL_MACHINE", "HKEY_USERS"])
        equal(len(json.loads(done(registry, "--json", "history", "-n", "7"))), 7)
        needs_root()
        registry.connect(ALICE).set("HKCU", "a", REG_DWORD, 1)
        printed = done(registry, "history", "-n", "1", uid=ALICE)
        contains(printed, f"HKEY_USERS\\{ALICE}")


main()
