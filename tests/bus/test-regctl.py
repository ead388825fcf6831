# SPDX-License-Identifier: MIT
"""regctl against a running regd: what each verb prints, its exit codes and
its messages."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from harness.bus import ALICE, needs_root, wait_until
from harness.case import check, contains, equal, main, rows, test
from harness.process import PATIENCE, program
from harness.registry import (REG_BINARY, REG_DWORD, REG_DWORD_BIG_ENDIAN, REG_EXPAND_SZ, REG_LINK, REG_MULTI_SZ,
                              REG_NONE, REG_QWORD, REG_SZ, SOFTWARE, Registry)

KEY = SOFTWARE + "\\Acme"
SETTINGS = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\MSExchangeIS\\ParametersSystem"
CANONICAL_SETTINGS = SETTINGS.replace("HKLM", "HKEY_LOCAL_MACHINE").replace("Current", "").replace(
    "ControlSet", "ControlSet001")
DONE, FAILED, USAGE, NOT_FOUND, DENIED, INVALID, CONFLICT, UNREACHABLE = range(8)


def regctl(registry, *arguments, uid=None, given=b""):
    """Runs regctl; (exit code, standard output, standard error)."""
    result = registry.run(program("client/regctl/regctl"), *arguments, uid=uid, input=given)
    return result.returncode, result.stdout.decode(), result.stderr.decode()


def done(registry, *arguments, **options):
    """What a run printed that had nothing to complain of."""
    status, printed, said = regctl(registry, *arguments, **options)
    equal((status, said), (DONE, ""), " ".join(arguments))
    return printed


def refused(registry, expected, *arguments, naming=(), **options):
    """What a run said that failed with this exit code."""
    status, printed, said = regctl(registry, *arguments, **options)
    equal((status, printed), (expected, ""), f"{' '.join(arguments)}: {said}")
    check(said.startswith("regctl: ") and said.count("\n") == 1, f"one line of a message, not {said!r}")
    for part in naming:
        contains(said, part)
    return said


# ---- data ----

@rows([
    ("sz", "sz", ["a b"], REG_SZ, "a b", "a b\n"),
    ("empty", "sz", [""], REG_SZ, "", "\n"),
    ("REG_SZ in any case", "reg_sz", ["x"], REG_SZ, "x", "x\n"),
    ("lines", "sz", ["a\nb"], REG_SZ, "a\nb", "a\nb\n"),
    ("expand", "expand", ["%x%\\y"], REG_EXPAND_SZ, "%x%\\y", "%x%\\y\n"),
    ("multi", "multi", ["a", "b c"], REG_MULTI_SZ, ["a", "b c"], "a\nb c\n"),
    ("multi of none", "multi", [], REG_MULTI_SZ, [], ""),
    ("dword", "dword", ["4294967295"], REG_DWORD, 4294967295, "4294967295\n"),
    ("dword in hexadecimal", "dword", ["0x1F"], REG_DWORD, 31, "31\n"),
    ("dword-be", "dword-be", ["7"], REG_DWORD_BIG_ENDIAN, 7, "7\n"),
    ("qword", "qword", ["18446744073709551615"], REG_QWORD, 18446744073709551615, "18446744073709551615\n"),
    ("binary", "binary", ["00FF0a"], REG_BINARY, b"\x00\xff\x0a", "00ff0a\n"),
    ("none", "none", [], REG_NONE, b"", "\n"),
    ("link", "link", ["HKLM\\x"], REG_LINK, "HKLM\\x", "HKLM\\x\n"),
    ("a number's type", "0x55", ["0102"], 0x55, b"\x01\x02", "0102\n"),
])
def goes_in_and_comes_out(kind, words, number, data, printed):
    with Registry() as registry:
        equal(done(registry, "set", "-t", kind, KEY, "Value", *words), "")
        found, _, stored = registry.client.get(KEY, "Value")
        equal((found, stored), (number, data))
        equal(done(registry, "get", KEY, "Value"), printed)
        shown = json.loads(done(registry, "get", "--json", KEY, "Value"))
        equal(shown["data"], data.hex() if isinstance(data, bytes) else data)
        check("malformed" not in shown, f"well formed: {shown}")


@test
def type_is_the_schemas_then_the_values_then_sz():
    with Registry() as registry:
        done(registry, "set", SETTINGS, "POP3 Protocol Logging Level", "3")
        equal(registry.client.get(SETTINGS, "POP3 Protocol Logging Level")[::2], (REG_DWORD, 3))
        done(registry, "set", KEY, "Free", "3")
        equal(registry.client.get(KEY, "Free")[::2], (REG_SZ, "3"))
        registry.client.set(KEY, "Free", REG_QWORD, 3)
        done(registry, "set", KEY, "Free", "4")
        equal(registry.client.get(KEY, "Free")[::2], (REG_QWORD, 4))
        done(registry, "set", "-t", "sz", KEY, "Free", "5")
        equal(registry.client.get(KEY, "Free")[::2], (REG_SZ, "5"))


@test
def malformed_data_is_printed_as_digits():
    with Registry() as registry:
        registry.client.set(KEY, "Short", REG_DWORD, b"\x01\x02\x03")
        equal(done(registry, "get", KEY, "Short"), "010203\n")
        shown = json.loads(done(registry, "get", KEY, "Short", "--json"))
        equal((shown["type"], shown["data"], shown["malformed"]), ("REG_DWORD", "010203", True))


@test
def default_value_is_at():
    with Registry() as registry:
        done(registry, "set", KEY, "@", "x")
        equal(registry.client.get(KEY, "")[2], "x")
        equal(done(registry, "get", KEY, "@"), "x\n")
        equal(done(registry, "ls", KEY), "@\tREG_SZ\tx\n")
        done(registry, "unset", KEY, "@")
        equal(registry.client.values(KEY), [])


@test
def slashes_separate_where_a_path_begins_with_one():
    with Registry() as registry:
        done(registry, "set", "/HKLM/SOFTWARE/Acme", "V", "x")
        equal(done(registry, "get", KEY, "V"), "x\n")
        done(registry, "create", "HKLM\\SOFTWARE\\a/b")
        equal(registry.client.keys(SOFTWARE), ["a/b", "Acme", "Classes"])


@test
def options_stand_anywhere():
    with Registry() as registry:
        done(registry, "-t", "dword", "set", KEY, "V", "1")
        done(registry, "set", KEY, "V", "2", "--type=dword", "--quiet")
        equal(registry.client.get(KEY, "V")[::2], (REG_DWORD, 2))
        done(registry, "set", "-t", "sz", "--", KEY, "V", "-5")
        equal(done(registry, "get", KEY, "V"), "-5\n")
        address = f"--bus={registry.bus.address}"
        equal(done(registry, address, "get", KEY, "V"), "-5\n")


# ---- exit codes and messages ----

REFUSED = [
    (USAGE, ["frobnicate"], ["frobnicate"]),
    (USAGE, ["stauts"], ['did you mean "status"?']),
    (USAGE, [], ["verb"]),
    (USAGE, ["get", KEY], ["get", "usage: regctl get KEY NAME"]),
    (USAGE, ["get", KEY, "a", "b"], ["too many"]),
    (USAGE, ["get", "--strict", KEY, "a"], ["--strict"]),
    (USAGE, ["get", "--nonsense", KEY, "a"], ["--nonsense"]),
    (USAGE, ["set", KEY, "V", "-5"], ["-5", "--"]),
    (USAGE, ["set", KEY, "V"], ["DATA"]),
    (USAGE, ["set", "-t", "sz", KEY, "V", "a", "b"], [KEY, "V", "one DATA"]),
    (USAGE, ["tree", "-d", "x", KEY], ["--depth"]),
    (USAGE, ["watch", "--count=0", KEY], ["--count"]),
    (USAGE, ["acl", "--inherit", KEY, "everyone=read"], ["--inherit"]),
    (NOT_FOUND, ["get", KEY, "Nope"], [KEY, "Nope"]),
    (NOT_FOUND, ["get", KEY + "\\Nope", "V"], [KEY + "\\Nope"]),
    (NOT_FOUND, ["unset", KEY, "Nope"], [KEY, "Nope"]),
    (NOT_FOUND, ["rm", KEY + "\\Nope"], [KEY + "\\Nope"]),
    (NOT_FOUND, ["ls", KEY + "\\Nope"], [KEY + "\\Nope"]),
    (NOT_FOUND, ["info", KEY + "\\Nope"], [KEY + "\\Nope"]),
    (NOT_FOUND, ["mv", KEY + "\\Nope", "x"], [KEY + "\\Nope"]),
    (NOT_FOUND, ["cp", KEY + "\\Nope", KEY + "\\x"], [KEY + "\\Nope"]),
    (INVALID, ["get", "HKXX\\x", "V"], ["HKXX"]),
    (INVALID, ["get", "Acme", "V"], ["Acme"]),
    (INVALID, ["get", "HKLM\\\\x", "V"], ["HKLM\\\\x"]),
    (NOT_FOUND, ["get", KEY, "a\nb\x1b"], [KEY]),
    (INVALID, ["rm", "HKLM"], ["HKLM"]),
    (INVALID, ["set", "-t", "dword", KEY, "V", "4294967296"], [KEY, "V", "4294967296", "0 to 4294967295"]),
    (INVALID, ["set", "-t", "dword", KEY, "V", "abc"], [KEY, "V", "abc"]),
    (INVALID, ["set", "-t", "binary", KEY, "V", "abc"], [KEY, "V", "hexadecimal"]),
    (INVALID, ["set", "-t", "multi", KEY, "V", "a", ""], [KEY, "V", "empty"]),
    (USAGE, ["set", "-t", "frob", KEY, "V", "a"], ["frob", "dword"]),
    (INVALID, ["set", SETTINGS, "MBS Package", "FOO"],
     [CANONICAL_SETTINGS, "MBS Package", '"FOO"', '"" or "MBS_BASIC"', "allowed"]),
    (INVALID, ["set", SETTINGS, "MSB Broker", "x"], ["MSB Broker", "[0-9]+"]),
    (INVALID, ["set", "-t", "sz", SETTINGS, "IMAP4 Protocol Logging Level", "1"], ["REG_DWORD", "REG_SZ"]),
    (INVALID, ["acl", KEY, "everyone"], ["everyone", "PRINCIPAL=LEVEL"]),
    (INVALID, ["acl", KEY, "everyone=everything"], ["none, read, write or control"]),
    (FAILED, ["rm", SOFTWARE], [SOFTWARE]),
    (FAILED, ["import", "/nonexistent/file.reg"], ["/nonexistent/file.reg", "No such file"]),
]


@test
def refusals_name_what_is_wrong():
    with Registry() as registry:
        done(registry, "set", KEY, "V", "old")
        before = registry.client.revision
        for status, arguments, naming in REFUSED:
            refused(registry, status, *arguments, naming=naming)
        equal(registry.client.revision, before, "nothing was written")


@test
def what_may_not_be_read_is_denied():
    needs_root()
    with Registry() as registry:
        refused(registry, DENIED, "ls", "HKLM\\SAM", uid=ALICE, naming=["HKEY_LOCAL_MACHINE\\SAM", "read"])
        refused(registry, DENIED, "set", KEY, "V", "x", uid=ALICE, naming=["write"])
        refused(registry, DENIED, "rm", "-r", SOFTWARE, uid=ALICE)
        done(registry, "set", "HKCU\\Mine", "V", "x", uid=ALICE)
        equal(done(registry, "get", f"HKU\\{ALICE}\\Mine", "V"), "x\n")


@test
def a_daemon_that_is_not_there_can_not_be_reached():
    with Registry() as registry:
        done(registry, "status")
        registry.stop()
        refused(registry, UNREACHABLE, "get", KEY, "V", naming=["regd"])
        refused(registry, UNREACHABLE, "status")
        refused(registry, UNREACHABLE, "--bus=unix:path=/nonexistent", "status", naming=["/nonexistent"])
        refused(registry, UNREACHABLE, "watch", KEY)
        registry.start()
        done(registry, "status")


@test
def help_and_version_need_no_daemon():
    with Registry() as registry:
        done(registry, "status")
        registry.stop()
        contains(done(registry, "--help"), "Usage: regctl")
        contains(done(registry, "--version"), "regctl ")
        listed = done(registry, "--help")
        for verb in ["get", "set", "unset", "ls", "tree", "info", "find", "create", "rm", "mv", "cp", "watch", "acl",
                     "validate", "describe", "import", "status"]:
            contains(listed, f"  {verb} ")
            contains(done(registry, verb, "--help"), f"Usage: regctl {verb}")
        registry.start()
        done(registry, "status")


@test
def output_that_can_not_be_written_is_a_failure():
    with Registry() as registry:
        with open("/dev/full", "wb") as full:
            result = subprocess.run([program("client/regctl/regctl"), f"--bus={registry.bus.address}", "ls"],
                                    stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
        equal(result.returncode, FAILED)
        contains(result.stderr.decode(), "standard output")


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


@test
def an_import_that_takes_long_is_told_of_on_a_terminal():
    with Registry() as registry, tempfile.NamedTemporaryFile(suffix=".reg") as file:
        file.write(b"REGEDIT4\n[" + KEY.encode() + b"]\n\"a\"=\"b\"\n")
        file.flush()
        ours, theirs = os.openpty()
        registry.process.signal(signal.SIGSTOP)
        try:
            importing = subprocess.Popen(
                [program("client/regctl/regctl"), f"--bus={registry.bus.address}", "import", file.name], stderr=theirs)
            os.close(theirs)
            shown = b""
            while b"0 % read" not in shown:
                shown += os.read(ours, 4096)
        finally:
            registry.process.signal(signal.SIGCONT)
        while True:
            try:
                more = os.read(ours, 4096)
            except OSError:  # the last of those who write has gone
                break
            if not more:
                break
            shown += more
        os.close(ours)
        equal(importing.wait(PATIENCE), DONE)
        check(shown.endswith(b"\r\x1b[K"), repr(shown))
        equal(registry.client.get(KEY, "a")[2], "b")


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
            refused(registry, DENIED, *verb, "HKLM\\SAM", uid=ALICE, naming=["HKEY_LOCAL_MACHINE\\SAM", "read"])
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


# ---- watching ----

class Watching:
    """A regctl watch under way."""

    def __init__(self, registry, *arguments):
        self.child = subprocess.Popen([program("client/regctl/regctl"), f"--bus={registry.bus.address}", "watch",
                                       *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.beginning = self.child.stderr.readline()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.communicate(timeout=PATIENCE)

    def read(self):
        return self.child.stdout.readline()


@test
def watch_prints_a_line_an_event_at_once():
    with Registry() as registry, Watching(registry, KEY) as watching:
        contains(watching.beginning, f"watching {KEY} after revision")
        revision = registry.client.set(KEY, "V", REG_SZ, "x")
        equal(watching.read(), f"{revision}\tkey-created\t{KEY}\n")
        equal(watching.read(), f"{revision}\tvalue-set\t{KEY}\tV\n")
        revision = registry.client.set(KEY, "", REG_SZ, "x")
        equal(watching.read(), f"{revision}\tvalue-set\t{KEY}\t@\n")


@test
def watch_ends_after_a_count_and_keeps_revisions_whole():
    with Registry() as registry, Watching(registry, "--count=1", "--json", KEY) as watching:
        revision = registry.client.set(KEY, "V", REG_SZ, "x")
        printed, _ = watching.child.communicate(timeout=PATIENCE)
        equal([json.loads(line) for line in printed.splitlines()],
              [{"revision": revision, "kind": "key-created", "key": KEY, "name": ""},
               {"revision": revision, "kind": "value-set", "key": KEY, "name": "V"}])
        equal(watching.child.returncode, DONE)


@test
def watch_replays_since_a_revision():
    with Registry() as registry:
        first = registry.client.set(KEY, "V", REG_SZ, "1")
        second = registry.client.set(KEY, "V", REG_SZ, "2")
        printed = regctl(registry, "-q", "watch", f"--since={first}", "--count=1", KEY)
        equal(printed, (DONE, f"{second}\tvalue-set\t{KEY}\tV\n", ""))
        refused(registry, INVALID, "watch", "--since=999999", KEY)


@test
def watch_goes_on_when_regd_is_back():
    with Registry() as registry:
        registry.client.create(KEY)
        with Watching(registry, KEY) as watching:
            revision = registry.client.set(KEY, "V", REG_SZ, "1")
            equal(watching.read(), f"{revision}\tvalue-set\t{KEY}\tV\n")
            for text in "23":
                registry.restart()
                revision = registry.client.set(KEY, "V", REG_SZ, text)
                equal(watching.read(), f"{revision}\tvalue-set\t{KEY}\tV\n")
            registry.kill()
            registry.start()
            revision = registry.client.set(KEY, "V", REG_SZ, "4")
            equal(watching.read(), f"{revision}\tvalue-set\t{KEY}\tV\n")


# ---- access, schemas, import, status ----

@test
def acl_is_shown_replaced_and_removed():
    needs_root()
    with Registry() as registry:
        registry.client.create(KEY)
        equal(done(registry, "acl", KEY), "# HKEY_LOCAL_MACHINE\neveryone=read\n")
        done(registry, "acl", KEY, "everyone=none", "user:games=write")
        equal(done(registry, "acl", KEY).splitlines()[0], f"# {KEY}")
        done(registry, "set", KEY, "V", "x", uid=ALICE)
        shown = json.loads(done(registry, "acl", "--json", KEY))
        equal((shown["key"], shown["origin"]), (KEY, KEY))
        equal({entry["level"] for entry in shown["entries"]}, {"none", "write"})
        done(registry, "acl", KEY, "--inherit")
        refused(registry, DENIED, "set", KEY, "V", "y", uid=ALICE)


@test
def describe_tells_the_rules():
    with Registry() as registry:
        printed = done(registry, "describe", SETTINGS, "MSB Broker")
        for line in ("type: REG_SZ\n", "pattern: [0-9]+\n", "canonical-name: MBS Broker\n", "aliases: MSB Broker\n"):
            contains(printed, line)
        told = json.loads(done(registry, "describe", "--json", SETTINGS, "MBS Package"))
        equal((told["allowed"], told["default"], told["secret"]), (["", "MBS_BASIC"], "", False))
        contains(done(registry, "describe", SETTINGS), "schema: exchange.schema\n")
        equal(regctl(registry, "describe", KEY, "V"), (DONE, "", f"regctl: {KEY}: V: no schema describes it\n"))


@test
def validate_lists_what_breaks_a_rule():
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        with Registry(schemas=[directory]) as registry:
            registry.client.set(KEY, "V", REG_SZ, "red")
            equal(done(registry, "validate"), "")
            (Path(directory) / "a.schema").write_text(
                f"[key {KEY}]\n[value V]\ntype = REG_SZ\nallowed = green\n[value W]\nrequired\n")
            registry.restart()
            status, printed, _ = regctl(registry, "validate", "HKLM\\SOFTWARE")
            equal((status, len(printed.splitlines())), (INVALID, 2), printed)
            contains(printed, f"{KEY}: V: ")
            contains(printed, f"{KEY}: W: ")
            listed = json.loads(regctl(registry, "validate", "--json")[1])
            equal([(problem["key"], problem["name"]) for problem in listed], [(KEY, "V"), (KEY, "W")])


REG_FILE = "REGEDIT4\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme]\r\n\"a\"=\"b\"\r\nnonsense\r\n\"n\"=dword:5\r\n"


@test
def import_reads_files_and_standard_input():
    with Registry() as registry:
        good, bad = registry.directory / "good.reg", registry.directory / "bad.reg"
        good.write_text(REG_FILE.replace("nonsense\r\n", ""))
        bad.write_text(REG_FILE)
        equal(done(registry, "import", str(good)), "")
        equal(registry.client.values(KEY), [("a", REG_SZ, "b"), ("n", REG_DWORD, 5)])
        status, printed, said = regctl(registry, "import", str(bad))
        equal((status, printed), (DONE, ""))
        contains(said, f"regctl: {bad}: line 5: ")
        refused(registry, INVALID, "import", "--strict", str(bad), naming=[f"{bad}: line 5: "])
        equal(done(registry, "import", "-", given=good.read_bytes().replace(b"dword:5", b"dword:6")), "")
        equal(registry.client.get(KEY, "n")[2], 6)
        before = registry.client.revision
        printed = done(registry, "import", "--dry-run", str(good))
        contains(printed, "values-set: 1\n")
        report = json.loads(done(registry, "import", "--dry-run", "--json", str(good)))
        equal((report["file"], report["report"]["values-set"]), (str(good), 1))
        equal(registry.client.revision, before)
        for given in [b"not one of these", b"", b"windows registry editor version 5.00\n", b"\xfe\xff\0R"]:
            refused(registry, FAILED, "import", "-", given=given, naming=["standard input"])
        good.write_bytes(b"regedit4\r\n" * 1000)
        refused(registry, FAILED, "import", str(good), naming=[str(good), "not a registry file"])
        refused(registry, FAILED, "import", str(registry.directory), naming=[str(registry.directory)])


@test
def a_pipe_that_is_broken_off_imports_nothing():
    with Registry() as registry:
        environment = os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": registry.bus.address}
        with subprocess.Popen([program("client/regctl/regctl"), "import", "-"], env=environment,
                              stdin=subprocess.PIPE, preexec_fn=heed_interrupts) as process:
            process.stdin.write(f'REGEDIT4\n[{KEY}]\n"first"="half"\n'.encode())
            process.stdin.flush()
            wait_until(lambda: is_empty(process.stdin), "regctl to have read")
            process.send_signal(signal.SIGINT)
            equal(process.wait(PATIENCE), -signal.SIGINT)
        for number in range(5):  # meanwhile a half would long have been committed
            equal(done(registry, "import", "-", given=f'REGEDIT4\n[{KEY}]\n"{number}"="whole"\n'.encode()), "")
        equal(registry.client.values(KEY), [(str(number), REG_SZ, "whole") for number in range(5)])


def heed_interrupts():
    """What is started by a shell in the background ignores them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def is_empty(pipe):
    """Whether all that was written into a pipe has been read."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder) == 0


@test
def json_is_whole_or_not_there():
    with Registry() as registry:
        for verb in (["ls"], ["tree"], ["history"], ["validate"], ["find", "x"], ["blame"]):
            rest = ["x"] if verb == ["blame"] else []
            refused(registry, NOT_FOUND, "--json", *verb, KEY, *rest, naming="there is no such key")
        text = f'REGEDIT4\n\n[{KEY}]\n"n"="x"\n'.encode()
        status, printed, _ = regctl(registry, "--json", "import", "-", "-", given=text)
        equal(status, FAILED)  # standard input has come to its end
        equal(json.loads(printed)["report"]["values-set"], 1)
        with tempfile.NamedTemporaryFile() as file:
            file.write(text)
            file.flush()
            lines = done(registry, "--json", "import", file.name, file.name).splitlines()
        equal([json.loads(line)["report"]["values-unchanged"] for line in lines], [1, 1])


@test
def status_tells_the_revision():
    with Registry() as registry:
        contains(done(registry, "status"), f"revision: {registry.client.revision}\n")
        status = json.loads(done(registry, "status", "--json"))
        equal((status["revision"], status["read-only"], status["name"]),
              (registry.client.revision, False, "org.regd.Registry1"))
        environment = os.environ | {"REGD_BUS": registry.bus.address}
        result = subprocess.run([program("client/regctl/regctl"), "status"], env=environment, capture_output=True,
                                timeout=PATIENCE, check=False)
        equal(result.returncode, DONE)


@test
def what_is_not_utf_8_is_refused():
    with Registry() as registry:
        for arguments in (["get", KEY + "\\\udcff", "V"], ["get", KEY, "\udcff"], ["set", KEY, "V", "\udcff"],
                          ["find", "\udcff"], ["mv", KEY, "\udcff"], ["acl", KEY, "user:\udcff=read"]):
            encoded = [os.fsencode(argument) for argument in arguments]
            result = registry.run(program("client/regctl/regctl"), *encoded)
            equal(result.returncode, INVALID, repr(arguments))
        done(registry, "status")


main()
