# SPDX-License-Identifier: MIT
"""Schemas as the bus sees them: every rule on every way in, Describe, Validate,
aliases, secrets, reading the files again, and files that are wrong."""

import contextlib
import signal

from harness.bus import ALICE, needs_root, wait_for
from harness.case import check, contains, each, equal, main, test
from harness.process import SOURCE
from harness.reach import reachable
from harness.registry import (REG_BINARY, REG_DWORD, REG_MULTI_SZ, REG_QWORD, REG_SZ, SOFTWARE, Refused, Registry,
                              operation_list, options, variant)

KEY = SOFTWARE + "\\Acme"
SCHEMA = r"""# What the tests describe.
[key HKLM\SOFTWARE\Acme]
summary = The test's own key
description = It is described at length,
  over two lines.

[value Port]
type = REG_DWORD
range = 1..65535
default = 25
summary = Where to listen
description = A port of TCP.
alias = Prot

[value Mode]
type = REG_SZ
allowed = fast | safe
required

[value Name]
type = REG_SZ
pattern = [a-z]+
max-length = 5

[value Blob]
type = REG_BINARY
max-length = 4

[value Hosts]
type = REG_MULTI_SZ
allowed = a | b

[value Big]
type = REG_QWORD
range = 10..18446744073709551615

[value Secret]
type = REG_SZ
secret
pattern = [0-9]+

[value Free]
summary = Of any type

[key HKLM\SOFTWARE\Acme\Users\*]
closed

[value @]
type = REG_SZ

[value Quota]
type = REG_DWORD
required
"""


@contextlib.contextmanager
def described(text=SCHEMA, **more):
    """A registry whose schemas are the shipped ones and this text."""
    with Registry(**more) as registry:
        directory = registry.directory / "schemas"
        directory.mkdir()
        (directory / "test.schema").write_text(text)
        registry.schemas = [reachable(SOURCE / "data" / "schemas"), directory]
        registry.restart()
        yield registry


VIOLATIONS = [  # key below KEY, name, type, data, the rule, what is in the message
    ("", "Port", REG_SZ, "25", ["Port", "REG_DWORD", "REG_SZ"]), ("", "Port", REG_DWORD, 0, ["Port", "1", "65535"]),
    ("", "Port", REG_DWORD, 65536, ["Port", "65536", "65535"]), ("", "pORT", REG_DWORD, 0, ["65535"]),
    ("", "Prot", REG_DWORD, 0, ["Prot", "65535"]), ("", "Port", REG_QWORD, 25, ["REG_DWORD"]),
    ("", "Port", REG_DWORD, b"odd", ["Port"]),
    ("", "Mode", REG_SZ, "slow", ["Mode", "slow", "fast", "safe"]), ("", "Mode", REG_SZ, "", ["Mode", "fast"]),
    ("", "Mode", REG_SZ, b"a", ["Mode"]),
    ("", "Name", REG_SZ, "ABC", ["Name", "[a-z]+"]), ("", "Name", REG_SZ, "abc1", ["Name"]),
    ("", "Name", REG_SZ, "abcdef", ["Name", "5"]), ("", "Name", REG_SZ, "", ["Name"]),
    ("", "Blob", REG_BINARY, b"12345", ["Blob", "4"]), ("", "Hosts", REG_MULTI_SZ, ["a", "c"], ["Hosts", "c"]),
    ("", "Big", REG_QWORD, 9, ["Big", "10"]),
    (r"\Users\joe", "Other", REG_SZ, "x", ["Other"]), (r"\Users\joe", "Quota", REG_SZ, "x", ["Quota"]),
]
ALLOWED = [
    ("", "Port", REG_DWORD, 1), ("", "Port", REG_DWORD, 65535), ("", "Prot", REG_DWORD, 25), ("", "Mode", REG_SZ, "safe"),
    ("", "Name", REG_SZ, "abcde"), ("", "Blob", REG_BINARY, b"1234"), ("", "Blob", REG_BINARY, b""),
    ("", "Hosts", REG_MULTI_SZ, ["b", "a"]), ("", "Hosts", REG_MULTI_SZ, []), ("", "Big", REG_QWORD, 2**64 - 1),
    ("", "Free", REG_SZ, "x"), ("", "Free", 4711, b"x"), ("", "Undescribed", REG_BINARY, b"x"),
    (r"\Users\joe", "", REG_SZ, "x"), (r"\Users\joe", "Quota", REG_DWORD, 1), (r"\Users\joe\Deeper", "Any", REG_SZ, "x"),
    (r"\Users", "Any", REG_SZ, "x"),
]


@test
def every_rule_is_enforced_and_named():
    with described() as registry:
        client = registry.client
        each(ALLOWED, lambda key, *value: client.set(KEY + key, *value))
        state = client.tree(KEY)
        each(VIOLATIONS, lambda key, name, kind, data, naming: client.refused(
            "SchemaViolation", "SetValue", "ssuv", KEY + key, name, kind, variant(data, kind), naming=naming))
        each(VIOLATIONS, lambda key, name, kind, data, naming: client.refused(
            "SchemaViolation", "Commit", "a(sssuv)a{sv}",
            operation_list([("set-value", KEY + key, name, kind, data)]), options(), naming=naming))
        equal(client.tree(KEY), state)


@test
def every_way_in_is_checked():
    with described() as registry:
        client = registry.client
        client.set(SOFTWARE + r"\Other", "Port", REG_SZ, "no number")
        client.set(SOFTWARE + r"\Other\Users\joe", "Other", REG_SZ, "x")
        client.create(SOFTWARE + r"\Way", link=KEY)
        each([("SetValue", "ssuv", SOFTWARE + r"\Way", "Port", REG_SZ, variant("x")),
              ("CopyKey", "ss", SOFTWARE + r"\Other", KEY),
              ("RenameKey", "ss", SOFTWARE + r"\Other", "Acme"),
              ("Commit", "a(sssuv)a{sv}", operation_list([("rename-key", SOFTWARE + r"\Other", "Acme")]), options())],
             lambda *call: client.refused("SchemaViolation", *call, naming="Port"))
        client.refused("KeyNotFound", "ListKeys", "s", KEY)


@test
def a_secret_is_not_told_in_a_violation():
    with described() as registry:
        refusal = registry.client.refused("SchemaViolation", "SetValue", "ssuv", KEY, "Secret", REG_SZ,
                                          variant("hunter2"), naming="Secret")
        check("hunter2" not in refusal.text, refusal.text)


@test
def a_description_says_what_there_is():
    with described() as registry:
        client = registry.client
        expected = {
            "Port": {"type": "REG_DWORD", "summary": "Where to listen", "description": "A port of TCP.", "default": 25,
                     "minimum": 1, "maximum": 65535, "required": False, "secret": False, "aliases": ["Prot"],
                     "schema": "test.schema"},
            "Mode": {"type": "REG_SZ", "allowed": ["fast", "safe"], "required": True},
            "Name": {"type": "REG_SZ", "pattern": "[a-z]+"},
            "Secret": {"secret": True},
        }
        for name, facts in expected.items():
            found = client.call("Describe", "ss", KEY, name)
            equal({fact: found.get(fact) for fact in facts}, facts, name)
        check("default" not in client.call("Describe", "ss", KEY, "Mode"), "what is not there is left out")
        equal(client.call("Describe", "ss", "hklm\\software\\ACME", "pORT")["maximum"], 65535)


@test
def a_key_is_described_with_an_empty_name():
    with described() as registry:
        found = registry.client.call("Describe", "ss", KEY, "")
        equal((found["summary"], found["schema"]), ("The test's own key", "test.schema"))
        contains(found["description"], "described at length")


@test
def what_is_not_described_says_so():
    with described() as registry:
        for key, name in [(KEY, "Undescribed"), (SOFTWARE + r"\Nowhere", "x"), (SOFTWARE + r"\Nowhere", "")]:
            try:
                equal(registry.client.call("Describe", "ss", key, name), {}, f"{key} {name}")
            except Refused as refusal:
                check(refusal.name in ("ValueNotFound", "KeyNotFound"), str(refusal))


@test
def an_alias_answers_with_the_described_values_rules():
    with described() as registry:
        client = registry.client
        found = client.call("Describe", "ss", KEY, "Prot")
        equal((found["canonical-name"], found["maximum"], found["type"]), ("Port", 65535, "REG_DWORD"))
        client.set(KEY, "Prot", REG_DWORD, 2525)
        equal(client.values(KEY), [("Prot", REG_DWORD, 2525)])
        client.refused("ValueNotFound", "GetValue", "ss", KEY, "Port")


@test
def the_articles_spelling_is_an_alias():
    key = r"HKLM\SYSTEM\CurrentControlSet\Services\MSExchangeIS\ParametersSystem"
    with Registry() as registry:
        client = registry.client
        equal(client.call("Describe", "ss", key, "MSB Broker")["canonical-name"], "MBS Broker")
        client.set(r"HKLM\CurrentControlSet\Services\MSExchangeIS\ParametersSystem", "MSB Broker", REG_SZ, "3")
        equal(client.get(key, "MSB Broker"), (REG_SZ, "s", "3"))
        for name in ["MSB Broker", "MBS Broker"]:
            client.refused("SchemaViolation", "SetValue", "ssuv", key, name, REG_SZ, variant("three"))
        client.refused("SchemaViolation", "SetValue", "ssuv", key, "MBS Package", REG_SZ, variant("KERBEROS"),
                       naming="MBS_BASIC")


@test
def validation_lists_what_breaks_a_rule():
    with described("") as registry:
        client = registry.client
        for key, name, kind, data, _ in VIOLATIONS[:1] + VIOLATIONS[9:11] + VIOLATIONS[-2:]:
            client.set(KEY + key, name, kind, data)
        client.set(KEY, "Mode", REG_SZ, "slow")
        client.create(KEY + r"\Link", link=SOFTWARE)
        equal(client.call("Validate", "s", KEY), [])
        (registry.directory / "schemas" / "test.schema").write_text(SCHEMA)
        registry.restart()
        problems = client.call("Validate", "s", SOFTWARE)
        places = {(key, name) for key, name, _ in problems}
        check({(KEY, "Port"), (KEY, "Mode"), (KEY + r"\Users\joe", "Other"), (KEY + r"\Users\joe", "Quota")} <= places,
              f"{problems}")
        check(all(key.startswith(KEY) and text for key, _, text in problems), f"{problems}")
        client.set(KEY, "Port", REG_DWORD, 25)
        check((KEY, "Port") not in {(key, name) for key, name, _ in client.call("Validate", "s", KEY)}, "it was mended")


@test
def required_is_for_validate_alone():
    with described() as registry:
        client = registry.client
        client.set(KEY, "Port", REG_DWORD, 25)
        problems = client.call("Validate", "s", KEY)
        equal([(key, name) for key, name, _ in problems], [(KEY, "Mode")])
        client.set(KEY, "Mode", REG_SZ, "fast")
        equal(client.call("Validate", "s", KEY), [])


@test
def validation_takes_the_right_to_read_and_tells_no_secret():
    needs_root()
    with described("") as registry:
        client = registry.client
        client.set(KEY, "Secret", REG_SZ, "hunter2")
        client.create(KEY + r"\Hidden")
        client.set_acl(KEY + r"\Hidden", ("everyone", "none"))
        (registry.directory / "schemas" / "test.schema").write_text(SCHEMA)
        registry.restart()
        check("hunter2" not in str(client.call("Validate", "s", KEY)), "it is not told")
        registry.connect(uid=ALICE).refused("AccessDenied", "Validate", "s", KEY)


@test
def a_hangup_reads_the_files_again():
    with described("") as registry:
        client = registry.client
        client.set(KEY, "Port", REG_SZ, "text")
        (registry.directory / "schemas" / "test.schema").write_text(SCHEMA)
        registry.process.signal(signal.SIGHUP)

        def is_described():
            try:
                return bool(client.call("Describe", "ss", KEY, "Port"))
            except Refused:
                return False

        wait_for(is_described, "the schema to hold")
        client.refused("SchemaViolation", "SetValue", "ssuv", KEY, "Port", REG_SZ, variant("other"))


@test
def a_bad_file_is_named_and_the_others_hold():
    with described(SCHEMA + "\n[value Broken]\ntype = REG_NONSENSE\n") as registry:
        said = registry.process.output()
        contains(said, "test.schema")
        contains(said, str(SCHEMA.count("\n") + 3))
        registry.client.set(KEY, "Port", REG_SZ, "not described then")
        registry.client.refused("SchemaViolation", "SetValue", "ssuv",
                                r"HKLM\SYSTEM\CurrentControlSet\Services\regd\Parameters", "Maximum Value Size", REG_SZ,
                                variant("x"))


@test
def nothing_depends_on_a_schema_being_there():
    with Registry() as registry:
        registry.schemas = [registry.directory / "no-such-directory"]
        registry.restart()
        registry.client.set(KEY, "Port", REG_SZ, "anything")
        equal(registry.client.call("Validate", "s", "HKLM"), [])


main()
