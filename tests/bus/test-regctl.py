# SPDX-License-Identifier: MIT
"""regctl against a running regd: values, options, exit codes and messages."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from harness.bus import ALICE, needs_root
from harness.case import check, contains, equal, main, rows, test
from harness.process import PATIENCE, program
from harness.registry import (REG_BINARY, REG_DWORD, REG_DWORD_BIG_ENDIAN, REG_EXPAND_SZ, REG_LINK, REG_MULTI_SZ,
                              REG_NONE, REG_QWORD, REG_SZ, SOFTWARE, Registry)
from harness.regctl import DENIED, DONE, FAILED, INVALID, KEY, NOT_FOUND, UNREACHABLE, USAGE, done, refused, regctl

SETTINGS = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\MSExchangeIS\\ParametersSystem"
POP3 = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\MSExchangePOP3\\Parameters"
PARAMETERS = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\MailAuth\\Parameters"
CANONICAL_SETTINGS = SETTINGS.replace("HKLM", "HKEY_LOCAL_MACHINE").replace("Current", "").replace(
    "ControlSet", "ControlSet001")


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
def a_name_that_the_keys_schema_does_not_know_is_pointed_out():
    with Registry() as registry:
        for words in ((), ("-t", "multi")):
            status, printed, said = regctl(registry, "set", *words, POP3, "ListenTLS", "127.0.0.1:995")
            equal((status, printed), (DONE, ""))
            contains(said, 'ListenTLS: the schema of this key describes no such value; did you mean "Listen TLS"?')
        contains(regctl(registry, "set", POP3, "Colour", "red")[2], "describes no such value\n")
        done(registry, "-q", "set", POP3, "Colour", "blue")
        done(registry, "set", POP3, "listen tls", "127.0.0.1:995")
        done(registry, "set", POP3, "@", "x")
        done(registry, "set", KEY, "Free", "3")
        refused(registry, INVALID, "set", POP3, "Clear Text", "sometimes")


@test
def digits_that_may_be_octal_are_not_misread_in_silence():
    with Registry() as registry:
        done(registry, "set", PARAMETERS, "Auth Socket Mode", "0440")
        equal(registry.client.get(PARAMETERS, "Auth Socket Mode")[::2], (REG_SZ, "0440"))
        done(registry, "set", PARAMETERS, "Auth Socket Mode", "0x1b0")
        equal(registry.client.get(PARAMETERS, "Auth Socket Mode")[::2], (REG_DWORD, 0o660))
        contains(regctl(registry, "set", PARAMETERS, "Auth Socket Mode", "440")[2], "decimal 440, which is 0670 in octal")
        contains(regctl(registry, "set", "-t", "dword", KEY, "Number", "010")[2], "decimal 10, which is 012 in octal")
        refused(registry, INVALID, "set", PARAMETERS, "Auth Socket Mode", "0980")
        refused(registry, INVALID, "set", PARAMETERS, "Auth Socket Mode", "01777")
        refused(registry, INVALID, "set", "-t", "multi", PARAMETERS, "Auth Socket Mode", "0440",
                naming=["REG_DWORD or REG_SZ"])


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
        refused(registry, DENIED, "ls", "HKLM\\SAM", uid=ALICE, naming=["HKLM\\SAM", "read"])
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
