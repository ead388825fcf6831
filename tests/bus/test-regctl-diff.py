# SPDX-License-Identifier: MIT
"""regctl diff: keys, revisions and .reg files, side by side."""

import json

from harness.case import check, contains, equal, main, rows, test
from harness.process import program
from harness.registry import REG_DWORD, REG_MULTI_SZ, REG_SZ, SOFTWARE, Registry

KEY = SOFTWARE + "\\Acme"
ALIKE, DIFFERENT, TROUBLE, NOT_FOUND, DENIED = range(5)


def diff(registry, *arguments, given=b""):
    """(exit code, standard output, standard error)."""
    result = registry.run(program("client/regctl/regctl"), "diff", *arguments, input=given)
    return result.returncode, result.stdout.decode(), result.stderr.decode()


def furnish(client):
    client.set(KEY, "Port", REG_DWORD, 25)
    client.set(KEY + "\\Sub", "hosts", REG_MULTI_SZ, ["a", "b"])
    client.create(KEY + "\\Sub\\Empty")


@test
def revisions_of_a_key_are_compared():
    with Registry() as registry:
        client = registry.client
        furnish(client)
        then = client.revision
        equal(diff(registry, KEY, f"{KEY}@{then}"), (ALIKE, "", ""))
        client.set(KEY, "PORT", REG_SZ, "26")
        client.set(KEY, "new", REG_SZ, "tab\there")
        client.delete(KEY + "\\Sub", recursive=True)
        client.create(KEY + "\\Also")
        equal(diff(registry, f"{KEY}@{then}", KEY), (DIFFERENT, f"""\
--- {KEY}@{then}
+++ {KEY}
 {KEY}
-  Port\tREG_DWORD\t25
+  Port\tREG_SZ\t26
+  new\tREG_SZ\ttab\\x09here
+{KEY}\\Also
-{KEY}\\Sub
-  hosts\tREG_MULTI_SZ\ta | b
-{KEY}\\Sub\\Empty
""", ""))
        equal(diff(registry, f"{KEY}@{then}", f"{KEY}@{client.revision}")[0], DIFFERENT)


@test
def keys_are_compared_by_what_is_below_them():
    with Registry() as registry:
        client = registry.client
        furnish(client)
        client.call("CopyKey", "ss", KEY, SOFTWARE + "\\Other")
        equal(diff(registry, KEY, "/HKLM/software/OTHER"), (ALIKE, "", ""))
        client.call("RenameKey", "ss", SOFTWARE + "\\Other\\Sub", "SUB")
        equal(diff(registry, KEY, SOFTWARE + "\\Other")[0], ALIKE)
        client.set(SOFTWARE + "\\Other\\Sub", "Hosts", REG_MULTI_SZ, ["b", "a"])
        status, printed, _ = diff(registry, "--json", KEY, SOFTWARE + "\\Other")
        equal(status, DIFFERENT)
        equal(json.loads(printed), {"a": KEY, "b": SOFTWARE + "\\Other", "differences": [
            {"kind": "value-set", "key": KEY + "\\Sub", "name": "hosts",
             "old": {"name": "hosts", "type": "REG_MULTI_SZ", "data": ["a", "b"]},
             "new": {"name": "hosts", "type": "REG_MULTI_SZ", "data": ["b", "a"]}}]})
        equal(json.loads(diff(registry, "--json", KEY, KEY)[1]), {"a": KEY, "b": KEY, "differences": []})


FILE = f"""Windows Registry Editor Version 5.00

[{KEY}]
"Port"=dword:00000019

[{KEY}\\Sub\\Empty]

[{KEY}\\Sub]
"hosts"=hex(7):61,00,00,00,62,00,00,00,00,00
"""


@rows([
    ("the same", "", ALIKE, []),
    ("a value gone again", '"hosts"=-\n', DIFFERENT, ["-  hosts\tREG_MULTI_SZ\ta | b"]),
    ("a key gone again", f"[-{KEY}\\sub]\n", DIFFERENT, ["-HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme\\Sub"]),
    ("all gone", f"[-{KEY}]\n", DIFFERENT, ["-" + KEY]),
    ("a key elsewhere", "[HKEY_USERS\\.DEFAULT\\x]\n", DIFFERENT, ["+HKEY_USERS\\.DEFAULT\\x"]),
    ("another root's spelling", "[HKLM\\SOFTWARE\\ACME]\n", ALIKE, []),
])
def a_file_is_compared_with_a_key(more, status, lines):
    with Registry() as registry:
        furnish(registry.client)
        found, printed, said = diff(registry, KEY, "-", given=(FILE + more).encode())
        equal((found, said), (status, ""))
        for line in lines:
            contains(printed, line + "\n")
        equal(diff(registry, "-", KEY, given=(FILE + more).encode())[0], status)


@test
def files_through_links_are_the_same_keys():
    with Registry() as registry:
        key = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\x"
        registry.client.set(key, "n", REG_SZ, "y")
        for path in (key, "HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet001\\Services\\X"):
            equal(diff(registry, key, "-", given=f'REGEDIT4\n[{path}]\n"n"="y"\n'.encode()), (ALIKE, "", ""))


@test
def files_are_compared_with_files():
    with Registry() as registry:
        a, b = registry.directory / "a.reg", registry.directory / "b.reg"
        a.write_text(FILE)
        b.write_bytes(b"\xff\xfe" + FILE.replace("\n", "\r\n").encode("utf-16-le"))
        equal(diff(registry, str(a), str(b)), (ALIKE, "", ""))
        b.write_text(FILE + "nonsense\n")
        status, printed, said = diff(registry, str(a), str(b))
        equal((status, printed), (ALIKE, ""))
        contains(said, "b.reg: line 10: ")
        b.write_text(FILE.replace("19", "1a"))
        equal(diff(registry, str(a), str(b))[1].splitlines()[3:], ["-  Port\tREG_DWORD\t25", "+  Port\tREG_DWORD\t26"])


@test
def a_root_at_a_revision_is_a_key():
    with Registry() as registry:
        before = registry.client.revision
        equal(diff(registry, f"HKLM@{before}", "HKLM"), (ALIKE, "", ""))
        registry.client.set(KEY, "a", REG_SZ, "b")
        status, printed, _ = diff(registry, f"HKLM@{before}", "HKLM@")
        equal(status, DIFFERENT)
        contains(printed, "+  a\tREG_SZ\tb")


@test
def trouble_is_told_from_difference():
    with Registry() as registry:
        client = registry.client
        furnish(client)
        client.create(KEY + "\\odd@1")
        equal(diff(registry, KEY + "\\odd@1@", KEY + "\\Sub\\Empty"), (ALIKE, "", ""))
        for arguments, expected, naming in [
                ((KEY, "/no/such/file"), TROUBLE, "/no/such/file"), ((KEY,), TROUBLE, "operands"),
                ((KEY, KEY + "\\Never"), NOT_FOUND, "Never"), ((KEY, KEY + "@99999"), 5, "99999"),
                ((KEY, str(registry.directory)), TROUBLE, str(registry.directory))]:
            status, printed, said = diff(registry, *arguments)
            equal((status, printed), (expected, ""), said)
            check(said.startswith("regctl: ") and said.count("\n") == 1, said)
            contains(said, naming)


main()
