# SPDX-License-Identifier: MIT
"""regctl on keys: made, renamed, copied, listed, found."""

import json

from harness.bus import ALICE, needs_root
from harness.case import check, contains, equal, main, test
from harness.registry import (REG_DWORD, REG_MULTI_SZ, REG_SZ, SOFTWARE, Registry)
from harness.regctl import DENIED, DONE, FAILED, INVALID, KEY, NOT_FOUND, done, refused, regctl

SETTINGS = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\MSExchangeIS\\ParametersSystem"


# ---- keys ----

@test
def keys_are_made_renamed_copied_and_deleted():
    with Registry() as registry:
        equal(json.loads(done(registry, "create", "--json", KEY))["created"], True)
        equal(json.loads(done(registry, "create", "--json", KEY))["created"], False)
        done(registry, "set", KEY + "\\Sub", "V", "x")
        done(registry, "mv", KEY, "Corp")
        done(registry, "cp", SOFTWARE + "\\Corp", SOFTWARE + "\\Copy")
        equal(done(registry, "get", SOFTWARE + "\\Copy\\Sub", "V"), "x\n")
        refused(registry, FAILED, "rm", SOFTWARE + "\\Copy", naming=[SOFTWARE + "\\Copy"])
        done(registry, "rm", "-r", SOFTWARE + "\\Copy")
        equal(done(registry, "ls", SOFTWARE), "Classes\nCorp\n")


@test
def links_and_volatile_keys():
    with Registry() as registry:
        done(registry, "create", "--volatile", "--class=Sort", KEY)
        contains(done(registry, "info", KEY), "volatile: true\n")
        contains(done(registry, "info", KEY), "class: Sort\n")
        done(registry, "create", "--link=/HKLM/SOFTWARE/Acme", SOFTWARE + "\\Link")
        info = json.loads(done(registry, "--json", "info", "--no-follow", SOFTWARE + "\\Link"))
        equal((info["path"], info["link"]), (SOFTWARE + "\\Link", KEY))
        equal(json.loads(done(registry, "--json", "info", SOFTWARE + "\\Link"))["path"], KEY)
        done(registry, "rm", SOFTWARE + "\\Link")
        contains(done(registry, "ls", SOFTWARE), "Acme\n")


@test
def writes_with_a_comment():
    with Registry() as registry:
        before = registry.client.revision
        done(registry, "set", "--comment=why", KEY, "V", "x")
        done(registry, "create", "--comment=why", KEY + "\\Sub")
        done(registry, "create", "--comment=why", "--link=" + KEY, SOFTWARE + "\\Link")
        done(registry, "create", "--comment=why", "--volatile", "--class=c", KEY + "\\Gone")
        done(registry, "cp", "--comment=why", KEY + "\\Sub", KEY + "\\Copy")
        done(registry, "acl", "--comment=why", KEY + "\\Copy", "everyone=write")
        revisions = json.loads(done(registry, "--json", "history", "-n", "6", KEY))
        equal([revision["comment"] for revision in revisions], ["why"] * len(revisions))
        done(registry, "mv", "--comment=why", KEY + "\\Sub", "Other")
        done(registry, "unset", "--comment=why", KEY, "V")
        done(registry, "rm", "--comment=why", KEY + "\\Other")
        revision = json.loads(done(registry, "--json", "rm", "-r", "--comment=why", KEY))["revision"]
        equal(revision, before + 10)
        equal(registry.client.revision, revision)
        refused(registry, INVALID, "set", "--comment=why", SETTINGS, "MBS Package", "FOO",
                naming=["MBS Package", '"FOO"'])


# ---- listings ----

@test
def listings_keep_a_terminal_safe():
    with Registry() as registry:
        registry.client.set(KEY, "Red", REG_SZ, "\x1b[31m\n\u202eevil\u009b")
        registry.client.set(KEY, "Many", REG_MULTI_SZ, ["a", "b\t"])
        for arguments in (["ls", KEY], ["tree", KEY], ["find", "--data", "evil"], ["ls", "--json", KEY]):
            printed = done(registry, *arguments)
            for character in "\x1b\u202e\u009b":
                check(character not in printed, f"{character!r} in {printed!r}")
        contains(done(registry, "ls", KEY), "Red\tREG_SZ\t\\x1b[31m\\x0a\\u{202e}evil\\u{9b}\n")
        contains(done(registry, "ls", KEY), "Many\tREG_MULTI_SZ\ta | b\\x09\n")
        equal(done(registry, "get", KEY, "Red"), "\x1b[31m\n\u202eevil\u009b\n")


@test
def ls_lists_roots_keys_and_values():
    with Registry() as registry:
        equal(done(registry, "ls"), "HKEY_CLASSES_ROOT\nHKEY_CURRENT_CONFIG\nHKEY_CURRENT_USER\n"
              "HKEY_LOCAL_MACHINE\nHKEY_USERS\n")
        done(registry, "set", "-t", "dword", KEY, "N", "5")
        done(registry, "create", KEY + "\\Sub")
        equal(done(registry, "ls", KEY), "Sub\nN\tREG_DWORD\t5\n")
        equal(json.loads(done(registry, "ls", "--json", KEY)),
              {"key": KEY, "keys": ["Sub"], "values": [{"name": "N", "type": "REG_DWORD", "data": 5}]})


@test
def tree_goes_through_every_page():
    with Registry() as registry:
        operations = [("set-value", f"{KEY}\\{key:02}", f"v{value:04}", REG_DWORD, value)
                      for key in range(3) for value in range(5000)]
        registry.client.commit(operations)
        lines = done(registry, "tree", KEY).splitlines()
        equal([line for line in lines if not line.startswith("  ")], [KEY] + [f"{KEY}\\{key:02}" for key in range(3)])
        equal(lines[1:][1:5001], [f"  v{value:04}\tREG_DWORD\t{value}" for value in range(5000)])
        listed = json.loads(done(registry, "tree", "--json", KEY))
        equal([(key["key"], len(key["values"])) for key in listed],
              [(KEY, 0)] + [(f"{KEY}\\{key:02}", 5000) for key in range(3)])
        equal(done(registry, "tree", "-d", "0", KEY), KEY + "\n")
        equal(len(done(registry, "tree", "-d", "1", KEY).splitlines()), 15004)


@test
def tree_and_find_say_what_was_left_out():
    needs_root()
    with Registry() as registry:
        registry.client.set("HKLM\\SAM\\x", "Needle", REG_SZ, "x")
        registry.client.set(KEY, "Needle", REG_SZ, "x")
        for arguments in (["tree", "HKLM"], ["find", "needle", "HKLM"], ["find", "needle"]):
            status, printed, said = regctl(registry, *arguments, uid=ALICE)
            equal(status, DONE)
            contains(printed, KEY)
            check("SAM\\x" not in printed, "what may not be read is left out")
            contains(said, "left out")
            equal(regctl(registry, "--quiet", *arguments, uid=ALICE)[2], "")
        for verb in (["tree"], ["--json", "tree"], ["find", "needle"], ["--json", "find", "needle"]):
            refused(registry, DENIED, *verb, "HKLM\\SAM", uid=ALICE, naming=["HKLM\\SAM", "read"])
        equal(done(registry, "find", "needle").count("\n"), 2)


@test
def find_looks_at_keys_values_and_data():
    with Registry() as registry:
        done(registry, "set", KEY, "Colour", "GR\u00dcN")
        done(registry, "set", "-t", "multi", KEY, "List", "one", "two")
        done(registry, "set", "-t", "dword", KEY, "Number", "4711")
        colour = f"{KEY}\tColour\tREG_SZ\tGR\u00dcN\n"
        equal(done(registry, "find", "acm"), KEY + "\n")
        equal(done(registry, "find", "colo", SOFTWARE), colour)
        equal(done(registry, "find", "gr\u00fcn"), colour)
        equal(done(registry, "find", "g?\u00fc*"), colour)
        equal(done(registry, "find", "TWO"), f"{KEY}\tList\tREG_MULTI_SZ\tone | two\n")
        equal(done(registry, "find", "--data", "471"), f"{KEY}\tNumber\tREG_DWORD\t4711\n")
        equal(regctl(registry, "find", "--keys", "colour")[:2], (NOT_FOUND, ""))
        equal(regctl(registry, "find", "--values", "4711")[:2], (NOT_FOUND, ""))
        equal(regctl(registry, "find", "colo?")[:2], (NOT_FOUND, ""))
        equal(json.loads(done(registry, "--json", "find", "colo")),
              [{"key": KEY, "name": "Colour", "type": "REG_SZ", "data": "GR\u00dcN"}])
        equal(json.loads(regctl(registry, "--json", "find", "nothing at all")[1]), [])


main()
