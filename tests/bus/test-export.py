# SPDX-License-Identifier: MIT
"""Export: .reg files and JSON by file descriptor, one consistent state, and
back again with nothing lost; descriptors that are no good files."""

import json
import os
import random
import shutil
import struct
import subprocess
import tempfile

import dbus

from harness.bus import ALICE, needs_root, wait_for
from harness.case import Skip, check, contains, each, equal, main, rows, test
from harness.registry import (REG_BINARY, REG_DWORD, REG_LINK, REG_MULTI_SZ, REG_QWORD, REG_SZ, SOFTWARE, Refused,
                              Registry, operation_list, options)

KEY = SOFTWARE + "\\Acme"
HEADER5 = "Windows Registry Editor Version 5.00\r\n"
REG_FORMATS = [{}, {"encoding": "utf-8"}, {"format": "reg4"}]


def export(client, key, **given):
    """(bytes, report) of exporting to a file."""
    with tempfile.TemporaryFile() as file:
        report = client.call("Export", "sha{sv}", key, dbus.types.UnixFd(file.fileno()), options(**given))
        file.seek(0)
        content = file.read()
    equal(report["bytes"], len(content))
    return content, report


def import_bytes(client, content, **given):
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        return client.call("Import", "ha{sv}", dbus.types.UnixFd(file.fileno()), options(**given))


def whole(client, key, **given):
    """All pages of a tree, values as they are on the bus, below the key's own path."""
    keys, cursor, top = [], "", None
    while True:
        _, page, cursor = client.tree(key, cursor=cursor, **given)
        top = top or page[0][0]
        for path, values in page:
            name = path[len(top):]
            if keys and keys[-1][0] == name:
                keys[-1][1].extend(values)
            else:
                keys.append((name, list(values)))
        if not cursor:
            return keys


# ---- generated trees ----

NAMES = ["plain", "with space", " leading", "trailing ", "a]b", "[x]", "@", "=", '"', "'", "a/b", "#", ";c", "ünïcödé", "İı",
         "日本語", "\U0001f600", "a" * 255, "-minus", "%s%n", "\x7f", "\u2028", "\ufeff", "ÿ", "hex:00", "\u202ertl", "."]
VALUE_NAMES = NAMES + ["", "back\\slash", "new\nline", "car\rriage", "tab\ttab", "\x01", "quote\\\"", "\\", "v" * 300, "\\r\\n"]
UNITS = ["a\0", "\0\0", "\0\xd8", "\0\xdc", "\x3d\xd8", "\x00\xde", "é\0", "\r\0", "\n\0", "\"\0", "\\\0", "x", "\x80\0", "\x81\0",
         "\xac\x20"]


def bytes_of(random_source):
    """Bytes that are often nearly text."""
    if random_source.random() < 0.3:
        return random_source.randbytes(random_source.choice([0, 1, 2, 3, 4, 8, 25, 26, 27, 100, 1000]))
    return b"".join(random_source.choice(UNITS).encode("latin-1") for _ in range(random_source.randrange(12)))


def grow(client, key, source, depth=0):
    """Operations that make a tree."""
    operations = [("create-key", key)]
    for name in source.sample(VALUE_NAMES, source.randrange(8)):
        kind = source.choice([0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 0x100, 0xFFFFFFFE, 0xFFFFFFFF])
        if name != "SymbolicLinkValue":
            operations.append(("set-value", key, name, kind, bytes_of(source)))
    for name in source.sample(NAMES, source.randrange(4 if depth < 4 else 1)):
        operations += grow(client, f"{key}\\{name}", source, depth + 1)
    if source.random() < 0.3:
        operations.append(("create-link", f"{key}\\zlink", "", 0,
                           source.choice([r"HKLM\SOFTWARE\Nowhere\At All", SOFTWARE, r"HKU\.DEFAULT"])))
    return operations


@rows([(str(given), given) for given in REG_FORMATS])
def what_goes_out_comes_in_again(given):
    source = random.Random(4711)
    with Registry() as registry:
        client = registry.client
        for _ in range(8):
            for start in range(0, len(operations := grow(client, KEY, source)), 500):
                client.commit(operations[start:start + 500])
            before = whole(client, KEY)
            first, report = export(client, KEY, **given)
            equal((report["keys"], report["values"], report["left-out"]),
                  (len(before), sum(len(values) for _, values in before), 0))
            revision, counts = import_bytes(client, first, strict=True)
            equal((revision, counts["values-set"], counts["keys-created"]), (client.revision, 0, 0), "nothing changes")
            equal(revision, report["revision"], "nothing changes")
            client.delete(KEY, recursive=True)
            import_bytes(client, first, strict=True)
            equal(whole(client, KEY), before)
            equal(export(client, KEY, **given)[0], first, "byte for byte")
            client.delete(KEY, recursive=True)


@rows([(str(given), given) for given in REG_FORMATS])
def every_type_and_every_ending(given):
    values = [(f"{kind}-{data.hex()}", kind, data)
              for kind in [*range(13), 0xFFFFFFFF] if kind != REG_LINK
              for data in [b"", b"\0", b"\0\0", b"\0\0\0\0", b"a\0", b"a\0\0\0", b"a\0\0\0\0\0", b"a\0\0\0b\0\0\0\0\0", b"a\0\0\0b\0",
                           b"\0\0a\0\0\0", b"abc", b"\0\xd8", b"abcd", b"abcdefgh", b"\xac\x20\0\0", b"\x01\x02\x03\x04\0\0"]]
    with Registry() as registry:
        client = registry.client
        client.commit([("set-value", KEY, *value) for value in values])
        before = whole(client, KEY)
        content, _ = export(client, KEY, **given)
        client.delete(KEY, recursive=True)
        import_bytes(client, content, strict=True)
        equal(whole(client, KEY), before)
        equal(export(client, KEY, **given)[0], content)


@test
def order_and_spelling_are_kept():
    with Registry() as registry:
        client = registry.client
        for name in ["zebra", "Alpha", "", "mIxEd"]:
            client.set(KEY + "\\SpElLeD", name, REG_SZ, "x")
        content, _ = export(client, KEY)
        client.delete(KEY, recursive=True)
        import_bytes(client, content)
        equal([name for name, _, _ in client.values(KEY + "\\spelled")], ["zebra", "Alpha", "", "mIxEd"])
        equal(client.keys(KEY), ["SpElLeD"])


@test
def the_layout_is_regedits():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "", REG_SZ, "default")
        client.set(KEY, "number", REG_DWORD, 255)
        client.set(KEY + "\\Sub", "data", REG_BINARY, b"\1\2")
        content, report = export(client, r"hklm\software\ACME")
        equal(content.decode("utf-16"), HEADER5 + f'\r\n[{KEY}]\r\n@="default"\r\n"number"=dword:000000ff\r\n'
              f'\r\n[{KEY}\\Sub]\r\n"data"=hex:01,02\r\n\r\n')
        check(content.startswith(b"\xff\xfe"), "byte-order mark")
        equal({name: report[name] for name in ("keys", "values", "left-out", "revision")},
              {"keys": 2, "values": 3, "left-out": 0, "revision": client.revision})
        check(export(client, KEY, encoding="utf-8")[0].startswith(HEADER5.encode()), "no mark in UTF-8")
        check(export(client, KEY, format="reg4")[0].startswith(b"REGEDIT4\r\n"), "REGEDIT4")


@test
def keys_are_named_as_they_were_asked_for():
    with Registry() as registry:
        client = registry.client
        client.set(r"HKCU\Software\Acme", "a", REG_SZ, "x")
        contains(export(client, r"hkcu\SOFTWARE\acme")[0].decode("utf-16"), r"[HKEY_CURRENT_USER\Software\Acme]")
        client.set(r"HKLM\SYSTEM\CurrentControlSet\Services\Acme", "a", REG_SZ, "x")
        contains(export(client, r"HKLM\System\currentcontrolset\services\acme")[0].decode("utf-16"),
                 r"[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\Acme]")


@test
def a_link_is_itself():
    with Registry() as registry:
        client = registry.client
        client.create(KEY + r"\Link", link=SOFTWARE + r"\Target")
        client.set(SOFTWARE + r"\Target", "inside", REG_SZ, "x")
        content = export(client, KEY, encoding="utf-8")[0].decode()
        contains(content, '"SymbolicLinkValue"=hex(6):')
        check("inside" not in content, "the walk went through the link")
        client.delete(KEY, recursive=True)
        import_bytes(client, content.encode())
        equal(client.info(KEY + r"\Link", no_follow=True)["link"], SOFTWARE + r"\Target")


@test
def the_past_is_exported():
    with Registry() as registry:
        client = registry.client
        then = client.set(KEY, "a", REG_SZ, "old")
        before, _ = export(client, KEY)
        client.set(KEY, "a", REG_SZ, "new")
        client.set(KEY + "\\Later", "b", REG_SZ, "x")
        content, report = export(client, KEY, at=then)
        equal((content, report["revision"]), (before, then))


@test
def what_may_not_be_read_is_refused_or_counted():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(uid=ALICE)
        client.set(KEY + "\\Open", "a", REG_SZ, "x")
        client.set(KEY + "\\Closed", "secret", REG_SZ, "x")
        client.set_acl(KEY + "\\Closed", ("everyone", "none"))
        try:
            export(alice, KEY)
        except Refused as refusal:
            equal(refusal.name, "AccessDenied")
            contains(refusal.text, "Closed")
        else:
            raise AssertionError("it was exported")
        content, report = export(alice, KEY, skip_unreadable=True, encoding="utf-8")
        equal((report["keys"], report["left-out"]), (2, 1))
        check(b"secret" not in content, "what is closed was exported")


@test
def json_says_it_all():
    with Registry() as registry:
        client = registry.client
        client.create(KEY, **{"class": "Things"})
        client.set(KEY, "text", REG_SZ, "x")
        client.set(KEY, "list", REG_MULTI_SZ, ["a", "b"])
        client.set(KEY, "long", REG_QWORD, 2 ** 63)
        client.set(KEY, "bytes", REG_BINARY, b"\xff\0")
        client.set(KEY, "broken", REG_DWORD, b"\1\2\3")
        client.set(KEY, "short", REG_MULTI_SZ, b"a\0\0\0")
        client.set(KEY, "odd", 77, b"\1")
        client.create(KEY + "\\Link", link=SOFTWARE)
        client.create(KEY + "\\Passing", volatile=True)
        client.set_acl(KEY, ("everyone", "read"), ("user:0", "control"))
        content, _ = export(client, KEY, format="json")
        equal(export(client, KEY, format="json")[0], content, "the same each time")
        tree = json.loads(content)
        equal((tree["format"], tree["version"], tree["path"]), ("regd", 1, KEY))
        top, link, passing = tree["keys"]
        equal((top["path"], top["class"]), (KEY, "Things"))
        equal(top["acl"], [{"principal": "everyone", "level": "read"}, {"principal": "user:0", "level": "control"}])
        equal(top["values"], [
            {"name": "text", "type": "REG_SZ", "data": "x"}, {"name": "list", "type": "REG_MULTI_SZ", "data": ["a", "b"]},
            {"name": "long", "type": "REG_QWORD", "data": 2 ** 63, "digits": str(2 ** 63)}, {"name": "bytes", "type": "REG_BINARY", "data": "ff00"},
            {"name": "broken", "type": "REG_DWORD", "data": "010203", "malformed": True},
            {"name": "short", "type": "REG_MULTI_SZ", "data": ["a"], "bytes": "61000000"},
            {"name": "odd", "type": 77, "data": "01"}])
        equal((link["link"], passing["volatile"], "volatile" in top), (SOFTWARE, True, False))


@test
def it_is_one_state_while_writes_go_on():
    with Registry() as registry:
        client, writer = registry.client, registry.connect()
        both = [("set-value", KEY + "\\A", "n", REG_DWORD, 0), ("set-value", KEY + "\\Z", "n", REG_DWORD, 0)]
        client.commit(both + [("set-value", KEY + "\\M", f"v{i}", REG_DWORD, i) for i in range(3000)])
        for number in range(1, 30):
            answer = writer.send("Commit", "a(sssuv)a{sv}", *commit_of(number))
            writer.connection.flush()
            content = export(client, KEY, encoding="utf-8")[0].decode()
            found = {line for line in content.splitlines() if line.startswith('"n"=')}
            equal(len(found), 1, "both of one commit")
            wait_for(lambda: answer, "the writer's answer")


def commit_of(number):
    return (operation_list([("set-value", f"{KEY}\\{name}", "n", REG_DWORD, number) for name in "AZ"]), options())


# ---- descriptors ----

@test
def descriptors_that_cannot_be_written_are_refused():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "a", REG_SZ, "x")

        def is_refused(path, flags):
            descriptor = os.open(path, flags)
            try:
                client.refused("InvalidValue", "Export", "sha{sv}", KEY, dbus.types.UnixFd(descriptor), options())
            finally:
                os.close(descriptor)

        each([("/dev/null", os.O_RDONLY), ("/", os.O_RDONLY), ("/", os.O_PATH)], is_refused)
        reading, writing = os.pipe()
        os.close(reading)
        try:
            client.call("Export", "sha{sv}", KEY, dbus.types.UnixFd(writing), options())
        except Refused as refusal:
            contains(refusal.text, "Broken pipe")
        else:
            raise AssertionError("it was taken")
        os.close(writing)
        client.keys("HKLM")


@test
def bad_arguments_are_refused():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "a", REG_SZ, "x")
        with tempfile.TemporaryFile() as file:
            for name, key, given in [("InvalidPath", "", {}), ("InvalidPath", "HKXX", {}), ("KeyNotFound", KEY + "\\No", {}),
                                     ("InvalidValue", KEY, {"format": "xml"}), ("InvalidValue", KEY, {"encoding": "latin1"}),
                                     ("InvalidArgs", KEY, {"format": 5}), ("InvalidValue", KEY, {"at": 10 ** 9})]:
                client.refused(name, "Export", "sha{sv}", key, dbus.types.UnixFd(file.fileno()), options(**given))
            equal(file.seek(0, os.SEEK_END), 0, "nothing was written")


@test
def a_reader_that_stops_reading_holds_nobody_up():
    with Registry() as registry:
        client, other = registry.client, registry.connect()
        client.commit([("set-value", KEY, f"v{i}", REG_BINARY, bytes(1000)) for i in range(1000)])
        reading, writing = os.pipe()
        answer = other.send("Export", "sha{sv}", KEY, dbus.types.UnixFd(writing), options())
        other.connection.flush()
        os.close(writing)
        start = os.read(reading, 100)
        for number in range(20):
            client.set(KEY, "now", REG_DWORD, number)
        check(not answer, "it is still under way")
        content = start + b"".join(iter(lambda: os.read(reading, 65536), b""))
        os.close(reading)
        wait_for(lambda: answer, "the answer")
        equal(answer[0]["bytes"], len(content))
        check('"now"' not in content.decode("utf-16"), "one state")


@test
def two_files_at_once_for_a_user():
    with Registry() as registry:
        client = registry.client
        client.commit([("set-value", KEY, f"v{i}", REG_BINARY, bytes(1000)) for i in range(1000)])
        pipes = [os.pipe() for _ in range(3)]
        answers = [client.send("Export", "sha{sv}", KEY, dbus.types.UnixFd(writing), options()) for _, writing in pipes]
        client.set(KEY, "meanwhile", REG_BINARY, b"x")
        equal([answer for answer in answers if answer], [])
        for reading, writing in pipes[:2]:
            os.close(reading)
            os.close(writing)
        wait_for(lambda: all(answers[:2]), "the first two to end")
        os.close(pipes[2][1])
        with os.fdopen(pipes[2][0], "rb") as reading:
            check(len(reading.read()) > 1_000_000, "the third was written in its turn")
        wait_for(lambda: answers[2], "the third to end")
        export(client, KEY)


@test
def more_than_memory_takes_goes_out_too():
    with Registry() as registry:
        client = registry.client
        for part in range(4):
            client.commit([("set-value", f"{KEY}\\{part}", f"v{i}", REG_BINARY, os.urandom(500_000)) for i in range(4)])
        first, _ = export(client, KEY)
        check(len(first) > 20_000_000, f"{len(first)} bytes")
        equal(os.listdir(registry.database.parent).count("registry.db"), 1)
        check(not [name for name in os.listdir(registry.database.parent) if "export" in name], "a file is left")
        client.delete(KEY, recursive=True)
        import_bytes(client, first)
        equal(export(client, KEY)[0], first)

# ---- real hives ----

def cell(content):
    size = (len(content) + 4 + 7) & ~7
    return struct.pack("<i", -size) + content.ljust(size - 4, b"\0")


def empty_hive():
    """A hive file as Windows writes it, with nothing but a root key and its
    security descriptor."""
    no_cell, root_at, root_size = 0xFFFFFFFF, 0x20, 88
    root = cell(b"nk" + struct.pack("<HQ15I2H", 0x2C, 0, 0, no_cell, 0, 0, no_cell, no_cell, 0, no_cell,
                                    root_at + root_size, no_cell, 0, 0, 0, 0, 0, 4, 0) + b"ROOT")
    descriptor = bytes.fromhex("0100048014000000200000000000000000000000010100000000000512000000010100000000000512000000")
    security_at = root_at + len(root)
    security = cell(b"sk" + struct.pack("<HIIII", 0, security_at, security_at, 1, len(descriptor)) + descriptor)
    equal(len(root), root_size)
    used = b"hbin" + struct.pack("<IIQQI", 0, 4096, 0, 0, 0) + root + security
    page = used + struct.pack("<i", 4096 - len(used)).ljust(4096 - len(used), b"\0")
    header = (b"regf" + struct.pack("<IIQ7I", 1, 1, 0, 1, 3, 0, 1, root_at, 4096, 1)).ljust(508, b"\0")
    checksum = 0
    for word, in struct.iter_unpack("<I", header):
        checksum ^= word
    return (header + struct.pack("<I", checksum)).ljust(4096, b"\0") + page


HIVE = """Windows Registry Editor Version 5.00

[\\]

[\\Software]
@="default"
"text"="with \\"quotes\\" and \\\\"
"number"=dword:00000007
"list"=hex(7):61,00,00,00,62,00,00,00,00,00
"broken"=hex(4):01,02,03
"odd"=hex(1):41,00,42
"expand"=hex(2):25,00,41,00,25,00,00,00

[\\Software\\Deep key]

[\\Software\\Deep key\\Deeper]
"strange"=hex(1001):00,ff
"none"=hex(0):
"""


def hivexregedit(*arguments):
    done = subprocess.run(["hivexregedit", *arguments], capture_output=True, check=False)
    equal((done.returncode, done.stderr), (0, b""), f"hivexregedit {arguments}")
    return done.stdout


@test
def a_hive_goes_in_and_out_and_in_and_out():
    if not shutil.which("hivexregedit"):
        raise Skip("takes hivexregedit (libwin-hivex-perl)")
    with Registry() as registry:
        client = registry.client
        hive, text = registry.directory / "hive", registry.directory / "hive.reg"
        hive.write_bytes(empty_hive())
        text.write_text(HIVE)
        hivexregedit("--merge", hive, text)
        content = hivexregedit("--export", "--prefix", r"HKEY_CURRENT_USER\Hive", hive, "\\")
        _, report = import_bytes(client, content, strict=True)
        equal(report["values-set"], 9)
        equal(client.get(r"HKCU\Hive\Software", "broken"), (REG_DWORD, "ay", b"\1\2\3"))
        first, _ = export(client, r"HKCU\Hive")
        revision = client.revision
        equal(import_bytes(client, first, strict=True)[0], revision, "nothing changes")
        client.delete(r"HKCU\Hive", recursive=True)
        import_bytes(client, first, strict=True)
        equal(export(client, r"HKCU\Hive")[0], first)


main()
