# SPDX-License-Identifier: MIT
"""regctl edit, with editors that are scripts."""

import json
import os
import re
from pathlib import Path

from harness.bus import ALICE, needs_root
from harness.case import check, contains, equal, main, rows, test
from harness.process import program
from harness.registry import REG_DWORD, REG_EXPAND_SZ, REG_MULTI_SZ, REG_SZ, SOFTWARE, Registry, operation_list, options
from harness.regctl import CONFLICT, DENIED, DONE, FAILED, INVALID, NOT_FOUND

KEY = SOFTWARE + "\\Acme"
SETTINGS = "HKLM\\SYSTEM\\ControlSet001\\Services\\MSExchangeIS\\ParametersSystem"


def edit(registry, script, *arguments, key=KEY, uid=None, variable="EDITOR"):
    """Edits with a shell script, whose $1 is the file; (exit code, standard output, standard error)."""
    editor = registry.directory / "editor"
    editor.write_text("#!/bin/sh\nset -e\n" + script + "\n")
    editor.chmod(0o755)
    os.environ.pop("VISUAL", None)
    os.environ[variable] = str(editor)
    os.environ["TMPDIR"] = str(registry.directory)
    registry.directory.chmod(0o1777)
    result = registry.run(program("client/regctl/regctl"), "edit", *arguments, key, uid=uid, input=b"")
    os.environ.pop(variable)
    return result.returncode, result.stdout.decode(), result.stderr.decode()


def leftovers(registry):
    return sorted(registry.directory.glob("regctl-*"))


def furnish(client):
    client.set(KEY, "Port", REG_DWORD, 25)
    client.set(KEY, "path", REG_EXPAND_SZ, "%x%\\y")
    client.set(KEY, "lines", REG_SZ, "a\r\nb")
    client.set(KEY + "\\Sub", "hosts", REG_MULTI_SZ, ["a", "b"])
    client.create(KEY + "\\Sub\\Empty")
    client.create(KEY + "\\Link", link=KEY + "\\Sub")


@test
def what_is_changed_is_one_commit():
    with Registry() as registry:
        client = registry.client
        furnish(client)
        before = client.revision
        status, printed, said = edit(registry, r"""
sed -i 's/dword:00000019/dword:0000001a/; /^"path"/d; s/Sub\\Empty\]/Sub\\Full]\n"x"="y"/' "$1"
""", "--comment=by hand")
        equal((status, said), (DONE, ""), printed)
        equal(client.revision, before + 1)
        equal(client.values(KEY), [("Port", REG_DWORD, 26), ("lines", REG_SZ, "a\r\nb")])
        equal((client.keys(KEY + "\\Sub"), client.values(KEY + "\\Sub\\Full")), (["Full"], [("x", REG_SZ, "y")]))
        equal(printed, f"""\
--- before
+++ after
 {KEY}
-  Port\tREG_DWORD\t25
+  Port\tREG_DWORD\t26
-  path\tREG_EXPAND_SZ\t%x%\\y
-{KEY}\\Sub\\Empty
+{KEY}\\Sub\\Full
+  x\tREG_SZ\ty
""")
        entry = client.call("GetHistory", "sa{sv}", KEY, options(limit=1))[0]
        equal(entry["comment"], "by hand")
        equal(leftovers(registry), [])


@test
def the_text_is_the_branch_for_this_user_alone():
    with Registry() as registry:
        furnish(registry.client)
        kept = registry.directory / "kept"
        status, printed, said = edit(registry, f'cp "$1" {kept}; stat -c "%a" "$1" "$(dirname "$1")" > {kept}.modes')
        equal((status, printed, said), (DONE, "", f"regctl: {KEY}: nothing was changed\n"))
        text = kept.read_text()
        check("\r" not in text and text.startswith("Windows Registry Editor Version 5.00\n; HKEY_LOCAL_MACHINE"), text)
        contains(text, f'\n[{KEY}]\n"Port"=dword:00000019\n')
        contains(text, '\n; REG_EXPAND_SZ: %x%\\y\n"path"=hex(2):25,')
        equal((registry.directory / "kept.modes").read_text(), "600\n700\n")
        equal(leftovers(registry), [])


@test
def somebody_elses_change_meanwhile_is_a_conflict():
    with Registry() as registry:
        client = registry.client
        furnish(client)
        regctl = program("client/regctl/regctl")
        meanwhile = f"{regctl} set '{KEY}' Port 99"
        before = client.revision
        status, printed, said = edit(registry, f"{meanwhile}\nsed -i 's/dword:00000019/dword:0000001a/' \"$1\"")
        equal((status, printed, client.revision), (CONFLICT, "", before + 1), said)
        contains(said, "Port")
        kept = Path(re.search(r"your text is in (\S+)", said)[1])
        contains(kept.read_text(), "dword:0000001a")
        equal(client.get(KEY, "Port")[2], 99)
        for script in (f"{regctl} set '{KEY}\\Sub' other x; sed -i '/Sub/,$d' \"$1\"",
                       f"{regctl} set '{KEY}' new x; printf '\\n[{KEY.replace(chr(92), chr(92) * 2)}]\\n\"new\"=\"y\"\\n' >> \"$1\"",
                       f"{regctl} create '{KEY}\\New'; printf '\\n[{KEY.replace(chr(92), chr(92) * 2)}\\\\New]\\n' >> \"$1\""):
            status, printed, said = edit(registry, script)
            equal((status, printed), (CONFLICT, ""), said)
        # What nobody touches in the text may change.
        status, _, said = edit(registry, f"{regctl} set '{KEY}' elsewhere x\nsed -i 's/dword:00000063/dword:1/' \"$1\"")
        equal((status, said, client.get(KEY, "Port")[2]), (DONE, "", 1))


@rows([
    ("a broken line", r"""echo '"x"=nonsense' >> "$1" """, INVALID, "line "),
    ("no header", r"""echo > "$1" """, INVALID, "edit.reg"),
    ("no key left", r"""sed -i 3,\$d "$1" """, INVALID, "rm -r"),
    ("a key outside", r"""printf '[HKEY_LOCAL_MACHINE\\SOFTWARE\\Other]\n' >> "$1" """, INVALID, "Other"),
    ("a value in a link", r"""sed -i 's/^"SymbolicLinkValue/"x"="y"\n&/' "$1" """, INVALID, "Link"),
    ("an editor that fails", "exit 3", FAILED, "editor"),
])
def nothing_is_done_after(script, expected, naming):
    with Registry() as registry:
        furnish(registry.client)
        before = registry.client.revision
        status, printed, said = edit(registry, script)
        equal((status, printed), (expected, ""), said)
        check(said.startswith("regctl: ") and said.count("\n") == 1, said)
        contains(said, naming)
        equal(registry.client.revision, before)
        equal(len(leftovers(registry)), 0 if status == FAILED else 1)


@test
def schemas_are_asked_before_anything_is_done():
    with Registry() as registry:
        registry.client.set(SETTINGS, "POP3 Protocol Logging Level", REG_DWORD, 1)
        status, printed, said = edit(registry, 'sed -i "s/dword:00000001/dword:000000ff/" "$1"', key=SETTINGS)
        equal((status, printed), (INVALID, ""), said)
        contains(said, "POP3 Protocol Logging Level")
        equal(registry.client.get(SETTINGS, "POP3 Protocol Logging Level")[2], 1)


@test
def links_are_edited_as_links():
    with Registry() as registry:
        client = registry.client
        furnish(client)
        link = (KEY + "\\Sub\\Empty\0").encode("utf-16-le").hex(",")
        status, printed, said = edit(registry, f"""
awk '/SymbolicLinkValue/ {{ print "\\"SymbolicLinkValue\\"=hex(6):{link}"; skip = 1; next }}
     skip && /^  / {{ next }} {{ skip = 0; print }}' "$1" > "$1.new"; mv "$1.new" "$1" """)
        equal((status, said), (DONE, ""), printed)
        equal(client.info(KEY + "\\Link", no_follow=True)["link"], KEY + "\\Sub\\Empty")
        equal(client.values(KEY + "\\Sub")[0][0], "hosts")
        status, printed, said = edit(registry, r"""sed -i '/Acme\\Link/,/^$/d' "$1" """)
        equal((status, said), (DONE, ""), printed)
        equal(client.keys(KEY), ["Sub"])


@test
def dry_runs_and_json_say_what_would_be_done():
    with Registry() as registry:
        furnish(registry.client)
        before = registry.client.revision
        script = 'sed -i "s/dword:00000019/dword:0000001a/" "$1"'
        contains(edit(registry, script, "--dry-run")[1], "+  Port\tREG_DWORD\t26\n")
        equal(registry.client.revision, before)
        told = json.loads(edit(registry, script, "--json", variable="VISUAL")[1])
        equal((told["revision"], [change["name"] for change in told["differences"]]), (before + 1, ["Port"]))


@test
def a_key_that_is_not_there_or_closed_is_refused():
    needs_root()
    with Registry() as registry:
        registry.client.set(KEY, "n", REG_SZ, "x")
        equal(edit(registry, "exit 0", key=KEY + "\\Never")[0], NOT_FOUND)
        status, _, said = edit(registry, 'sed -i s/x/y/ "$1"', uid=ALICE)
        equal(status, DENIED, said)
        equal(registry.client.get(KEY, "n")[2], "x")


@test
def what_is_locked_and_declared_is_said_before():
    with Registry() as registry:
        client = registry.client
        furnish(client)
        text = registry.directory / "text"
        look = f'cp "$1" {text}; echo opened >&2'
        equal(edit(registry, look)[2].splitlines()[0], "opened")
        client.call("CommitReport", "a(sssuv)a{sv}", operation_list([("set-value", KEY, "Port", REG_DWORD, 25)]), options(owner="me"))
        client.call("Lock", "sssa{sv}", KEY + "\\Sub", "hosts", "theirs", options())
        said = edit(registry, look)[2].splitlines()
        expected = [f"{KEY}\\Sub: hosts is locked: theirs",
                    "me declares 1 of the keys and values here, and puts them right again (regctl declared)"]
        equal(said[:3], [*("regctl: " + line for line in expected), "opened"])
        for line in expected:
            contains(text.read_text(), f"; {line}\n")
        status, printed, _ = edit(registry, r"""sed -i 's/dword:00000019/dword:0000001a/' "$1" """)
        equal((status, client.get(KEY, "Port")[2]), (DONE, 26), printed)
        client.call("Lock", "sssa{sv}", SOFTWARE, "", "all", options(recursive=True))
        equal(edit(registry, look, key=KEY + "\\Sub\\Empty")[2].splitlines()[0], f"regctl: {KEY}\\Sub\\Empty is locked with all below it: all")


main()
