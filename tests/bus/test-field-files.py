# SPDX-License-Identifier: MIT
"""Files as they are found: text over several lines, broken key lines, other code pages, and files of other
kinds. Each is read by regd, by regctl for regd, and without a bus, in each encoding and with each line end."""

import os

import dbus

from harness.case import contains, each, equal, main, rows, test
from harness.process import program
from harness.regctl import DONE, FAILED, INVALID, KEY, USAGE, done, refused, regctl
from harness.registry import REG_DWORD, REG_SZ, SOFTWARE, Registry, options

VICTIM = SOFTWARE + "\\Victim"
FIVE, FOUR = "Windows Registry Editor Version 5.00", "REGEDIT4"
# (name, header, encoding, byte-order mark, line end)
FORMS = [("UTF-16", FIVE, "utf-16-le", b"\xff\xfe", "\r\n"), ("UTF-16, LF", FIVE, "utf-16-le", b"\xff\xfe", "\n"),
         ("UTF-8", FIVE, "utf-8", b"", "\n"), ("UTF-8, CR", FIVE, "utf-8", b"", "\r"),
         ("UTF-8 with a mark", FIVE, "utf-8", b"\xef\xbb\xbf", "\r\n"), ("Windows-1252", FOUR, "cp1252", b"", "\r\n")]


def furnish(client):
    """What a line of text that acts would hurt."""
    client.set(VICTIM, "keep", REG_SZ, "me")
    client.set(VICTIM, "", REG_SZ, "default")


def is_whole(client):
    equal(client.values(VICTIM), [("keep", REG_SZ, "me"), ("", REG_SZ, "default")])
    equal((client.keys(SOFTWARE), client.values("HKLM")), (["Acme", "Classes", "Victim"], []))


def import_file(client, content, **given):
    descriptor = os.memfd_create("import")
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        return client.call("Import", "ha{sv}", dbus.types.UnixFd(descriptor), options(**given))[1]
    finally:
        os.close(descriptor)


def offline(registry, *arguments):
    """What regctl prints on a database that no regd serves."""
    database = registry.directory / "offline.db"
    ended = registry.run(program("client/regctl/regctl"), f"--database={database}", *arguments)
    equal((ended.returncode, ended.stderr), (0, b""), str(arguments))
    return ended.stdout.decode()


TEXTS = [
    ("the sections of an INI file", "[Display]\nwidth=1\n@=-\n[HKEY_CURRENT_USER]\n\"Next\"=dword:2"),
    ("what deletes", f"a\n[-{SOFTWARE}]\n[-{VICTIM}]\n\"keep\"=-\n@=-\nz"),
    ("a whole file", f"{FIVE}\n\n[{VICTIM}]\n\"keep\"=\"gone\"\n@=\"gone\"\n"),
    ("comments and hexadecimal digits", "; a comment\n# another\nhex:01,02,\\\\\n  03\n;"),
    ("quotes and backslashes", "C:\\Program Files\\x\n\"quoted\" \\\\server\\share\nend\\"),
    ("empty lines at both ends", "\n\n \t\nmiddle\n\t\n\n"),
    ("one line end", "\n"),
    ("an e with an accent", "caf\u00e9\n\u00fc\u00f1"),
    ("many lines", "line of a licence that goes on and on\n" * 1500),
]


@rows(TEXTS)
def text_of_several_lines_is_read_to_its_quote_and_never_acts(text):
    with Registry() as registry:
        furnish(registry.client)
        each(FORMS, lambda _, *form: reads_text(registry, text, *form))


def reads_text(registry, text, header, encoding, mark, end):
    client = registry.client
    lines = [header, "", f"[{KEY}]", '"before"="1"', f'"t"="{quoted(text)}"', '"after"=dword:2 ; x',
             f'@="{quoted(text)}" ; "comment"', f"[{KEY}\\Sub]", '"last"="3"', ""]
    content = mark + end.join("\n".join(lines).split("\n")).encode(encoding)
    kept = text.replace("\n", end)
    named = [f"--encoding={encoding}"] if encoding == "cp1252" else []
    report = import_file(client, content, strict=True, **({"encoding": encoding} if named else {}))
    equal((report["lines-ignored"], report["values-set"]), (0, 5))
    equal(client.values(KEY), [("before", REG_SZ, "1"), ("t", REG_SZ, kept), ("after", REG_DWORD, 2), ("", REG_SZ, kept)])
    equal(client.values(KEY + "\\Sub"), [("last", REG_SZ, "3")])
    is_whole(client)
    file = registry.directory / "a.reg"
    file.write_bytes(content)
    equal(done(registry, "diff", *named, KEY, str(file)), "")
    equal(done(registry, "import", "--strict", *named, str(file)), "")
    # What goes out again holds no line of it.
    again = done(registry, "export", "--encoding=utf-8", KEY)
    equal([line for line in again.splitlines() if line.startswith(("[-", "@=-", "[HKEY_CURRENT"))], [])
    offline(registry, "import", "--strict", *named, str(file))
    equal(offline(registry, "get", KEY, "t").encode(), (kept + "\n").encode())
    client.delete(KEY, recursive=True)


def quoted(text):
    return text.replace("\\", "\\\\").replace('"', '\\"')


# (what, the line that begins it and those that follow, what is read of them, how many lines are ignored)
NEAR = [
    ("a quote that is missing", '"t"="open\n"u"="1"\n', [("u", "1")], 1),
    ("a quote that is missing, and an escaped one", '"t"="open\n; it is \\" so\n"u"="1"\n', [("u", "1")], 1),
    ("a line that ends in a backslash", '"t"="open\\\n"\n"u"="1"\n', [("u", "1")], 2),
    ("something behind the quote", '"t"="a\nb"x\n"u"="1"\n', [("u", "1")], 2),
    ("a quote at the end of the file", '"u"="1"\n"t"="a\nb"', [("u", "1"), ("t", "a\nb")], 0),
    ("no end at all", '"u"="1"\n"t"="a\nb\nc', [("u", "1")], 3),
    ("a quote on a line of its own", '"t"="a\n"\n"u"="1"\n', [("t", "a\n"), ("u", "1")], 0),
    ("one after the other", '"t"="a\nb"\n"u"="c\nd"\n', [("t", "a\nb"), ("u", "c\nd")], 0),
    ("a name that runs over a line", '"t\nu"="1"\n"u"="1"\n', [("u", "1")], 2),
    ("str(1)", '"t"=str(1):"a\nb"\n"u"="1"\n', [("t", "a\nb"), ("u", "1")], 0),
    ("str(2)", '"t"=str(2):"a\nb"\n"u"="1"\n', [("t", "a\nb"), ("u", "1")], 0),
    ("a NUL in the text", '"t"="a\n\\0b"\n"u"="1"\n', [("u", "1")], 2),
    ("text of another value behind it", '"t"="a\n"b" "c"\n"u"="1"\n', [("u", "1")], 2),
]


@test
def what_is_no_text_of_several_lines_costs_its_own_lines():
    with Registry() as registry:
        client = registry.client
        furnish(client)

        def costs(_, text, expected, ignored):
            report = import_file(client, f"{FIVE}\n\n[{KEY}]\n{text}".encode())
            equal([(name, data) for name, _, data in client.values(KEY)], expected)
            equal(report["lines-ignored"], ignored)
            is_whole(client)
            client.delete(KEY)

        each(NEAR, costs)


@test
def a_quote_that_is_missing_costs_at_most_so_much_looking_ahead():
    with Registry() as registry:
        text = "x" * 99 + "\n"
        for size, expected in ((600, ["t", "u"]), (700, ["u"])):
            registry.client.create(KEY)
            import_file(registry.client, f'{FIVE}\n\n[{KEY}]\n"t"="{text * size}"\n"u"="1"\n'.encode())
            equal([name for name, *_ in registry.client.values(KEY)], expected)
            registry.client.delete(KEY)


# Key lines that can't be read.
BROKEN = ["[HKEY_LOCAL_MACHINE\\SOFTWARE\\Sp\nlit]", "[ HKEY_LOCAL_MACHINE\\SOFTWARE\\Split]", "[\tHKEY_LOCAL_MACHINE\\SOFTWARE\\Split]",
          "HKEY_LOCAL_MACHINE\\SOFTWARE\\Split]", "[HKEY_LOCAL_MACHINES\\SOFTWARE\\Split]", "[HKEY_LOCAL_MACHINE\\SOFTWARE\\\\\\Split",
          "[]", "[\\HKEY_LOCAL_MACHINE\\SOFTWARE]", "[HKLM\\SOFTWARE\\" + "x" * 256 + "]", "[HKLM\\" + "x\\" * 600 + "]", "hklm\\software]",
          "[HKEY_LOCAL_MACHINE\\SOFTWARE\\a\x01b]", "[-HKEY_LOCAL_MACHINE\\SOFTWARE\\None]", "[ -HKEY_LOCAL_MACHINE\\SOFTWARE\\Victim]",
          "[-HKEY_LOCAL_MACHINE\\SOFTWARE\\Victim"]


@test
def behind_a_key_line_that_can_not_be_read_no_key_is_current():
    with Registry() as registry:
        furnish(registry.client)
        each([(line, form) for line in BROKEN for form in FORMS[:3:2]],
             lambda line, form: reads_no_more(registry, line, *form[1:]))


def reads_no_more(registry, line, header, encoding, mark, end):
    client = registry.client
    content = mark + end.join(f"{header}\n\n[{KEY}]\n\"Enabled\"=\"1\"\n{line}\n\"Enabled\"=\"0\"\n@=\"no\"\n\"Enabled\"=-\n"
                              f"[{KEY}\\Next]\n\"n\"=\"1\"\n".split("\n")).encode(encoding)
    report = import_file(client, content)
    equal((client.values(KEY), client.values(KEY + "\\Next")), ([("Enabled", REG_SZ, "1")], [("n", REG_SZ, "1")]))
    is_whole(client)
    equal(report["lines-ignored"] >= 3, True)
    file = registry.directory / "a.reg"
    file.write_bytes(content)
    status, _, said = regctl(registry, "import", str(file))
    equal(status, DONE)
    contains(said, "lines were left out")
    client.delete(KEY, recursive=True)


# Text that is not what the file says it is.
PAGES = [("Shift-JIS", "cp932", "\u8868\u793a\u30bd", "\u30bd"), ("GBK", "gbk", "\u6f22\u5b57\u8a8d", "\u8a8d"), ("Big5", "big5", "\u529f\u8a31", "\u84cb"),
         ("Cyrillic", "cp1251", "\u041f\u0440\u0438\u0432\u0435\u0442", "\u0418\u043c\u044f"), ("Greek", "cp1253", "\u03b3\u03b5\u03b9\u03b1", "\u03b1"),
         ("Korean", "cp949", "\ud55c\uad6d", "\uc5b4"), ("Central European", "cp1250", "\u0159\u017elu\u0165", "\u010d"), ("DOS", "cp437", "\u00e4\u00f6", "\u00fc"),
         ("EUC", "euc-jp", "\u65e5\u672c", "\u672c")]


@rows([(what, *row) for what, *row in PAGES])
def text_of_another_code_page_is_said_and_can_be_named(encoding, text, name):
    content = f'{FOUR}\r\n[{KEY}]\r\n"{name}"="{text}"\r\n; {text}\r\n"plain"="x"\r\n"hex"=hex(1):{hexed(text, encoding)}\r\n'.encode(encoding)
    with Registry() as registry:
        client = registry.client
        file = registry.directory / "a.reg"
        file.write_bytes(content)
        before = client.revision
        refused(registry, INVALID, "import", "--strict", str(file), naming=["line 3", "--encoding"])
        equal(client.revision, before)
        status, printed, said = regctl(registry, "import", str(file))
        equal((status, printed), (DONE, ""))
        contains(said, "Windows-1252")
        client.delete(KEY)
        report = import_file(client, content)
        equal((report["lines-guessed"], report["first-guessed-line"]), (1, 3))
        client.delete(KEY)
        report = import_file(client, content, encoding=encoding, strict=True)
        equal((report["lines-guessed"], report["lines-ignored"]), (0, 0))
        equal(client.values(KEY), [(name, REG_SZ, text), ("plain", REG_SZ, "x"), ("hex", REG_SZ, text)])
        equal(done(registry, "diff", f"--encoding={encoding}", KEY, str(file)), "")
        offline(registry, "import", "--strict", f"--encoding={encoding}", str(file))
        equal(offline(registry, "get", KEY, name), text + "\n")


def hexed(text, encoding):
    return ",".join(f"{byte:02x}" for byte in (text + "\0").encode(encoding))


# Files that are no registry files, and what is said of each.
OTHERS = [
    ("a blank behind the version", f"{FIVE} \r\n".encode(), "blank"), ("a tab behind it", f"{FIVE}\t\r\n".encode(), "blank"),
    ("the same in UTF-16", b"\xff\xfe" + f"{FIVE} \r\n".encode("utf-16-le"), "blank"),
    ("a hive", b"regf" + bytes(4092), "hive"), ("Wine's user.reg", b"WINE REGISTRY Version 2\n;; All keys relative to \\\\User\\\\x\n", "Wine"),
    ("JSON of ours", b'{"revision": 3, "keys": []}', "JSON"), ("a list in JSON", b"[1, 2]", "first line"),
    ("an upper-case header", FIVE.upper().encode() + b"\r\n", "spelled"), ("a lower-case one", b"regedit4\r\n", "spelled"),
    ("another version", b"Windows Registry Editor Version 6.00\r\n", "5.00"), ("UTF-16 without a mark", FIVE.encode("utf-16-le"), "byte-order mark"),
    ("big-endian UTF-16", b"\xfe\xff" + FIVE.encode("utf-16-be"), "big-endian"), ("nothing", b"", "empty"),
    ("a line before the header", f"\r\n{FIVE}\r\n".encode(), "an empty line"), ("a comment before it", f"; x\r\n{FIVE}\r\n".encode(), "first line"),
    ("a group policy", b"PReg\x01\x00\x00\x00", "policy"), ("something packed", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "packed (gzip)"),
    ("the same as zip", b"PK\x03\x04\x14\x00", "packed (zip)"),
    ("a page of the web", b"<!DOCTYPE html><html>", "XML"), ("a database of ours", b"SQLite format 3\0" + bytes(100), "--restore"),
]


@test
def a_file_of_another_kind_is_called_what_it_is():
    with Registry() as registry:
        file = registry.directory / "a.reg"
        before = registry.client.revision

        def is_called(_, content, naming):
            file.write_bytes(content)
            refused(registry, USAGE if naming == "hive" else FAILED, "import", str(file), naming=[str(file), naming])
            refused(registry, FAILED, "apply", str(file), naming=[str(file), naming])

        each(OTHERS, is_called)
        equal(registry.client.revision, before)


main()
