# SPDX-License-Identifier: MIT
"""What a picky user tries with regctl: files that are replaced, values that look alike, closed descriptors, long
numbers, large keys, several files, roots at a revision, readers that go, types in any case."""

import itertools
import json
import os
import stat

from harness.bus import ALICE, needs_root
from harness.case import check, contains, equal, main, rows, test
from harness.process import program
from harness.regctl import DONE, FAILED, KEY, USAGE, done, refused, regctl
from harness.registry import (REG_BINARY, REG_DWORD, REG_EXPAND_SZ, REG_LINK, REG_MULTI_SZ, REG_NONE, REG_QWORD, REG_SZ,
                              SOFTWARE, Registry)

REGCTL = program("client/regctl/regctl")
OTHER = SOFTWARE + "\\Other"


def shell(registry, line, **given):
    ended = registry.run("/bin/bash", "-c", line.replace("regctl ", f"{REGCTL} "), **given)
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


# ---- files that are replaced ----

def make_file(folder, name, mode, owner=None):
    file = folder / name
    file.write_bytes(b"before")
    file.chmod(mode)
    if owner is not None:
        os.chown(file, owner, owner)
    return file


@test
def a_backup_is_closed_to_others_whatever_was_there():
    needs_root()
    with Registry() as registry:
        folder = registry.directory

        def is_closed(what, target, line="regctl -q backup "):
            link = folder / "hard"
            link.unlink(missing_ok=True)
            if target.exists():
                os.link(target.resolve(), link)
            status, _, said = shell(registry, f"umask 0; {line}{target}")
            equal((status, said), (DONE, ""), what)
            status = target.stat()
            equal((stat.S_IMODE(status.st_mode), status.st_uid, status.st_nlink), (0o600, 0, 1), what)
            if link.exists():
                equal(link.read_bytes(), b"before", what)

        link, chain = folder / "link", folder / "chain"
        link.symlink_to(folder / "target")
        chain.symlink_to(link)
        make_file(folder, "target", 0o666)
        registry.stop()
        offline = f"regctl -q --database={registry.database} backup "
        is_closed("without a bus", make_file(folder, "offline", 0o644), offline)
        is_closed("without a bus, through links", chain, offline)
        registry.start()
        is_closed("a file for everybody", make_file(folder, "open", 0o777))
        is_closed("another user's", make_file(folder, "alices", 0o640, ALICE))
        is_closed("a new one", folder / "new")
        make_file(folder, "target", 0o666)
        is_closed("through links", chain)
        check(link.is_symlink() and chain.is_symlink(), "a link was replaced")


@test
def an_export_leaves_whose_file_it_is():
    needs_root()
    with Registry() as registry:
        registry.client.set(KEY, "a", REG_SZ, "b")
        folder = registry.directory
        for mode, words in itertools.product((0o600, 0o640, 0o4711, 0o000), ([], ["--format=json"], ["--format=reg4"], ["--encoding=utf-8"])):
            file = make_file(folder, "x", mode, ALICE)
            file.chmod(mode)
            link = folder / "link"
            link.unlink(missing_ok=True)
            link.symlink_to(file)
            done(registry, "export", *words, KEY, str(link))
            status = file.stat()
            equal((oct(stat.S_IMODE(status.st_mode)), status.st_uid, status.st_gid), (oct(mode), ALICE, ALICE), f"{mode:o} {words}")
            check(b"before" not in file.read_bytes() and link.is_symlink(), str(words))


# ---- what looks alike ----

ODD = [(REG_SZ, "5400680000"), (REG_SZ, b"\x54\0\x68\0\0"), (REG_SZ, ""), (REG_SZ, b"\0\0\0\0"), (REG_SZ, "a"), (REG_SZ, "a "), (REG_SZ, " a"),
       (REG_SZ, "a\n"), (REG_SZ, "a\\n"), (REG_SZ, "a\r\n"), (REG_SZ, "a\t"), (REG_SZ, "(secret)"), (REG_SZ, "a | b"), (REG_SZ, "a\\ | b"),
       (REG_SZ, "a\u0301"), (REG_SZ, "\u00e1"), (REG_SZ, "a\u00a0"), (REG_SZ, "a\u200b"), (REG_SZ, "\u202ea"), (REG_SZ, "\x1b[31ma"), (REG_SZ, "\\x1b[31ma"),
       (REG_SZ, "\u0085"), (REG_SZ, "\u2028"), (REG_SZ, "\x7f"), (REG_SZ, "\ufeffa"), (REG_EXPAND_SZ, "a"), (REG_EXPAND_SZ, b"a"),
       (REG_MULTI_SZ, []), (REG_MULTI_SZ, ["a"]), (REG_MULTI_SZ, ["a", "b"]), (REG_MULTI_SZ, ["a | b"]), (REG_MULTI_SZ, ["a\\ | b"]),
       (REG_MULTI_SZ, ["a |", "b"]), (REG_MULTI_SZ, ["a", "| b"]), (REG_MULTI_SZ, ["a\\", "b"]), (REG_MULTI_SZ, ["a\n", "b"]), (REG_MULTI_SZ, b"a\0\0\0\0\0b\0\0\0"),
       (REG_DWORD, 1), (REG_DWORD, b"\1"), (REG_DWORD, b""), (REG_DWORD, b"\1\0\0\0\0"), (REG_QWORD, 1), (REG_QWORD, b"\1"), (REG_NONE, b""), (REG_NONE, b"\1"),
       (REG_BINARY, b""), (REG_BINARY, b"\1"), (REG_BINARY, b"1"), (REG_LINK, "a"), (0x77, b""), (0x77, b"\1"), (0x10077, b"\1")]
NAMES = ["", "@", "\\@", "\\\\@", "a", "a ", " a", "a | b", "a\\tb", "a\\nb", "a\\", "(default)", "a\u0301", "\u00e1", "a\u00a0", "a\u200b", "\u202ea", "\u2028",
         "\u0085", "\x7f", "\ufeffa", "(secret)", "REG_SZ", "-", "--", "=", "\"a\""]


@rows([("ls", ("ls", KEY)), ("tree", ("tree", KEY)), ("in colour", ("ls", "--color=always", KEY)), ("find", ("find", "--values", "*", KEY)),
       ("history", ("history", "-n", "1", KEY))])
def different_values_and_names_never_look_alike(command):
    with Registry() as registry:
        registry.client.commit([("set-value", KEY, f"v{number}", kind, data) for number, (kind, data) in enumerate(ODD)])
        lines = [line for line in done(registry, *command).splitlines() if "v0" in line or any(f"v{number}" in line for number in range(1, len(ODD)))]
        equal(len(lines), len(ODD))
        shown = [line.replace(f"v{number}", "v", 1) for number, line in enumerate(lines)]
        twice = {line for line in shown if shown.count(line) > 1}
        check(not twice, f"alike: {twice!r}")
        registry.client.delete(KEY)
        registry.client.commit([("set-value", KEY, name, REG_SZ, "x") for name in NAMES])
        lines = done(registry, *command).splitlines()
        equal(len(set(lines)), len(lines), "names")
        check(len(lines) >= len(NAMES), f"{len(lines)} lines")


@test
def a_difference_never_prints_two_equal_lines():
    with Registry() as registry:
        client = registry.client
        for step in (1, 2, 7):
            values = [(f"v{number}", *ODD[number], *ODD[(number + step) % len(ODD)]) for number in range(len(ODD))]
            client.commit([("set-value", KEY, name, kind, data) for name, kind, data, *_ in values])
            client.commit([("set-value", OTHER, name, kind, data) for name, _, _, kind, data in values])
            status, printed, _ = regctl(registry, "diff", KEY, OTHER)
            equal(status, FAILED)
            gone = [line[1:] for line in printed.splitlines() if line.startswith("-  ")]
            new = [line[1:] for line in printed.splitlines() if line.startswith("+  ")]
            equal((len(gone), len(new), set(gone) & set(new)), (len(ODD), len(ODD), set()))


@test
def each_name_is_reached_as_it_is_listed():
    with Registry() as registry:
        names = [name for name in NAMES if name.isprintable()]
        registry.client.commit([("set-value", KEY, name, REG_SZ, f"data {number}") for number, name in enumerate(names)])
        for number, name in enumerate(names):
            equal(done(registry, "get", f"--name={name}", KEY), f"data {number}\n", repr(name))
            done(registry, "set", f"--name={name}", KEY, f"new {number}")
            contains(done(registry, "blame", f"--name={name}", KEY), f"new {number}")
        for number, name in enumerate(names):
            equal(registry.client.get(KEY, name)[2], f"new {number}")
            done(registry, "unset", f"--name={name}", KEY)
        equal(registry.client.values(KEY), [])


# ---- text with line ends ----

BREAKS = ["\n", "\r", "\r\n", "\n\n", "a\n", "\na", "a\rb", "x" * 300 + "\n", "\u65e5\n\u672c", "\"\n\\", "\n[HKEY_LOCAL_MACHINE]\n@=-"]


@rows([("UTF-16", []), ("UTF-8", ["--encoding=utf-8"]), ("version 4", ["--format=reg4"]), ("version 4 in UTF-8", ["--format=reg4", "--encoding=utf-8"])])
def text_with_line_ends_goes_out_as_digits_and_comes_back(words):
    with Registry() as registry:
        client = registry.client
        client.commit([("set-value", KEY, f"v{number}", REG_SZ, text) for number, text in enumerate(BREAKS)] +
                      [("set-value", KEY, "", REG_SZ, "a\nb"), ("set-value", KEY, "expand", REG_EXPAND_SZ, "a\nb"),
                       ("set-value", KEY, "list", REG_MULTI_SZ, ["a\nb", "c"]), ("set-value", KEY, "tab", REG_SZ, "a\tb"),
                       ("set-value", KEY, "\u0085", REG_SZ, "\u0085\u2028\x0b\x0c")])
        before = client.values(KEY)
        file = registry.directory / "x.reg"
        done(registry, "export", *words, KEY, str(file))
        raw = file.read_bytes()
        text = raw.decode("utf-16") if raw[:2] == b"\xff\xfe" else raw.decode("utf-8", "replace")
        equal(text.count("=hex(1):"), len(BREAKS) + 1, text[:2000])
        equal([line for line in text.split("\r\n") if line and line[0] not in "\"@[ RW\ufeff"], [])
        client.delete(KEY)
        done(registry, "import", "--strict", str(file))
        equal(client.values(KEY), before)


# ---- closed descriptors ----

CLOSED = ["get '{KEY}' a >&-", "get '{KEY}' a >&- 2>&-", "ls '{KEY}' >&-", "tree HKLM >&-", "export '{KEY}' >&-", "export '{KEY}' - >&-",
          "import - <&-", "set --from=- '{KEY}' a <&-", "get '{KEY}' none 2>&-", "get '{KEY}' a <&- >&- 2>&-", "--json status >&-", "history >&-",
          "import --dry-run - <&- >&-", "find a >&-", "diff '{KEY}' HKLM >&-", "--help >&-", "acl HKLM >&-"]
# What needs none of them, and what it prints where it can.
OPEN = [("set '{KEY}' a b <&-", ""), ("set '{KEY}' a b <&- >&- 2>&-", ""), ("get '{KEY}' a <&- 2>&-", "b\n"), ("export '{KEY}' {folder}/x <&- >&- 2>&-", ""),
        ("import {folder}/x <&- >&- 2>&-", ""), ("apply {folder}/x <&- >&- 2>&-", ""), ("backup {folder}/y <&- >&- 2>&-", ""), ("get '{KEY}' a", "b\n")]


@rows([("a bus", ""), ("a database", "--database={folder}/offline.db ")])
def descriptors_that_are_closed_are_nobody_elses(database):
    with Registry() as registry:
        def run(line):
            command = f"regctl {database}{line}".replace("{KEY}", KEY).replace("{folder}", str(registry.directory))
            return shell(registry, command)

        for line, printed in OPEN:
            equal(run(line), (DONE, printed, ""), line)
        for line in CLOSED:
            status, printed, _ = run(line)
            check(status != DONE and not printed, f"{line}: {status} {printed}")
        equal(run("get '{KEY}' a"), (DONE, "b\n", ""))


# ---- numbers ----

@test
def a_long_number_has_its_digits_wherever_json_tells_it():
    numbers = [133444555666777889, (1 << 53) + 1, (1 << 64) - 1, 0, (1 << 63) + 3]
    with Registry() as registry:
        client = registry.client
        file = registry.directory / "a.reg"
        for number in numbers:
            client.set(KEY, "q", REG_QWORD, 7)
            done(registry, "set", "-t", "qword", KEY, "q", str(number))
            done(registry, "export", KEY, str(file))
            done(registry, "apply", "--owner=me", str(file))
            client.set(OTHER, "q", REG_QWORD, 5)
            wanted = f'"digits": "{number}"'
            for command in (["get", KEY, "q"], ["ls", KEY], ["tree", KEY], ["history", KEY], ["blame", KEY, "q"], ["find", "--data", str(number), KEY],
                            ["diff", KEY, OTHER], ["export", "--format=json", KEY]):
                contains(regctl(registry, "--json", *command)[1], wanted)


# ---- large keys ----

@rows([("few large values", 18, 500_000), ("many small ones", 40_000, 180)])
def a_key_larger_than_an_answer_is_shown(count, size):
    with Registry() as registry:
        file = registry.directory / "a.reg"
        file.write_text(f"REGEDIT4\n\n[{KEY}]\n" + "".join(f'"v{number}"="{"x" * size}"\n' for number in range(count)))
        done(registry, "import", str(file))
        for command in (("ls", KEY), ("tree", KEY), ("find", "--values", "v", KEY)):
            equal(done(registry, *command).count("\tREG_SZ\t"), count, command[0])
        equal(len(json.loads(done(registry, "--json", "ls", KEY))["values"]), count)
        equal(regctl(registry, "diff", KEY, str(file)), (DONE, "", ""))
        done(registry, "cp", KEY, OTHER)
        equal(regctl(registry, "diff", KEY, OTHER), (DONE, "", ""))


# ---- several files ----

@test
def of_several_files_each_ones_fate_is_told():
    with Registry() as registry:
        folder = registry.directory
        good = [str(folder / f"{name}.reg") for name in "abc"]
        for name, file in zip("abc", good):
            with open(file, "w", encoding="utf-8") as out:
                out.write(f'REGEDIT4\n[{KEY}]\n"{name}"="1"\n')
        none, bad, ugly = str(folder / "none.reg"), str(folder / "bad.reg"), str(folder / "ugly\n.reg")
        (folder / "bad.reg").write_text("no header\n")
        (folder / "ugly\n.reg").write_text("no header\n")
        for words, before, behind in (([bad, *good], [], good), ([*good, bad], good, []), ([good[0], none, *good[1:]], good[:1], good[1:]),
                                      (["--strict", good[0], bad, good[1]], good[:1], good[1:2]), (["--dry-run", good[0], bad, good[1]], good[:1], good[1:2]),
                                      (["--json", good[0], bad, bad], good[:1], [bad]), (["--", good[0], "-", good[1]], good[:1], good[1:2]), ([bad], [], [])):
            status, _, said = regctl(registry, "import", *words, given=b"nothing\n")
            equal((status, said.count("\n")), (FAILED, 1), str(words))
            equal(("imported before it: " + ", ".join(before) in said, "not tried: " + ", ".join(behind) in said), (bool(before), bool(behind)), said)
        status, _, said = regctl(registry, "import", good[0], ugly, good[1])
        equal((status, said.count("\n")), (FAILED, 1))


# ---- roots at a revision ----

@test
def a_root_at_a_revision_is_a_key_in_each_spelling():
    needs_root()
    with Registry() as registry:
        client = registry.client
        client.set("HKCU\\x", "n", REG_SZ, "x")
        client.set("HKCR\\.x", "n", REG_SZ, "x")
        client.set("HKCC\\x", "n", REG_SZ, "x")
        client.set("HKLM\\SOFTWARE\\a@1", "n", REG_SZ, "x")
        then = client.revision
        for root in ("HKLM", "hklm", "HKEY_LOCAL_MACHINE", "/HKLM", "HKU", "HKCU", "HKCR", "HKCC", "/hkey_current_user", "HKLM\\"):
            equal(regctl(registry, "diff", f"{root}@{then}", root), (DONE, "", ""), root)
            equal(regctl(registry, "diff", root, f"{root}@{then}"), (DONE, "", ""), root)
        for named in ("HKLM\\SOFTWARE\\a@1", "/HKLM/SOFTWARE/a@1"):
            equal(regctl(registry, "diff", f"{named}@{then}", named + "@"), (DONE, "", ""), named)
        client.set("HKCU\\x", "n", REG_SZ, "y")
        contains(regctl(registry, "diff", f"HKCU@{then}", "HKCU")[1], "+  n\tREG_SZ\ty")
        for wrong in (f"HKLM@{then + 9}", "HKXX@1", "HKLM@99999999999999999999", "HKLM@-1", "HKLM@x"):
            status, printed, said = regctl(registry, "diff", wrong, "HKLM")
            check(status > 1 and said.count("\n") == 1 and not printed, f"{wrong}: {status} {said}")


# ---- readers that go ----

@test
def verbs_whose_reader_goes_end_in_silence():
    with Registry() as registry:
        registry.client.commit([("set-value", KEY, f"v{number}", REG_SZ, "x" * 900) for number in range(2000)])
        for command in ("export '{KEY}'", "export --format=reg4 '{KEY}'", "export --format=json '{KEY}'", "export --encoding=utf-8 '{KEY}' -", "ls '{KEY}'",
                        "tree '{KEY}'", "find x HKLM", "--json tree '{KEY}'", "history", "diff HKLM 'HKLM\\SAM'", "export --skip-unreadable HKLM"):
            for reader in ("head -c 10 >/dev/null", "true", "exec <&-; sleep 0.1"):
                status, printed, said = shell(registry, f"set -o pipefail; regctl {command.replace('{KEY}', KEY)} | {{ {reader}; }}")
                equal((printed, said), ("", ""), f"{command} | {reader}")
                check(status in (0, 128 + 13), f"{command} | {reader}: {status}")
        status, _, said = shell(registry, f"regctl export '{KEY}' >/dev/full")
        check(status == FAILED and "No space left" in said, said)


# ---- types ----

@test
def types_are_taken_in_any_case():
    words = {"sz": "x", "expand": "x", "multi": "x", "dword": "1", "qword": "1", "binary": "01", "none": "01", "dword-be": "1", "link": "HKLM"}
    long_names = ["REG_SZ", "REG_EXPAND_SZ", "REG_MULTI_SZ", "REG_DWORD", "REG_QWORD", "REG_BINARY", "REG_NONE", "REG_DWORD_BIG_ENDIAN", "REG_LINK"]
    with Registry() as registry:
        for (short, data), long in zip(words.items(), long_names):
            for kind in (short, short.upper(), short.title(), long, long.lower(), long.title(), long.swapcase()):
                done(registry, "set", "-t", kind, KEY, kind, data)
                equal(done(registry, "ls", KEY).split("\t")[1], long, kind)
                registry.client.unset(KEY, kind)
        for kind in ("", "szz", "reg", "REG_", "d word", "0x", "-1", "4294967296", "sz\n", "\uff33\uff3a"):
            refused(registry, USAGE, "set", "-t", kind, KEY, "n", "x", naming=["type"])


main()
