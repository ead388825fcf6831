# SPDX-License-Identifier: MIT
""".reg files end to end, through Import by file descriptor: every case of
tests/unit/client/regfile/reg-cases.json, the report, and descriptors that are no good files."""

import json
import os
import subprocess
import tempfile
from contextlib import contextmanager

import dbus

from harness.bus import ALICE, needs_root, wait_for, wait_until
from harness.case import check, contains, each, equal, main, rows, test
from harness.process import SOURCE
from harness.registry import (REG_DWORD, REG_LINK, REG_SZ, SOFTWARE, Refused, Registry, options)

CASES = json.loads((SOURCE / "tests" / "unit" / "client" / "regfile" / "reg-cases.json").read_text(encoding="utf-8"))
ROOT = r"HKEY_CURRENT_USER\Software\RegdConf"
KEY = SOFTWARE + "\\Acme"
ENCODINGS = {"ascii": "ascii", "utf-16le-bom": "utf-16-le", "cp1252": "cp1252", "utf-8": "utf-8"}


def encode(text, encoding):
    mark = b"\xff\xfe" if encoding == "utf-16le-bom" else b""
    return mark + text.encode(ENCODINGS[encoding])


def import_bytes(client, content, **given):
    """(revision, report) of importing these bytes from a file."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        return client.call("Import", "ha{sv}", dbus.types.UnixFd(file.fileno()), options(**given))


def file_of(*lines, header="Windows Registry Editor Version 5.00"):
    return ("\r\n".join([header, "", *lines, ""])).encode("utf-8")


def natural_bytes(kind, data):
    """Windows bytes of what the bus gives for a type."""
    if isinstance(data, bytes):
        return data
    if isinstance(data, str):
        return (data + ("" if kind == REG_LINK else "\0")).encode("utf-16-le")
    if isinstance(data, list):
        return "".join(text + "\0" for text in [*data, ""]).encode("utf-16-le")
    return data.to_bytes(8 if kind == 11 else 4, "big" if kind == 5 else "little")


def same_value(found, kind, expected):
    """Whether data from the bus is these bytes. A multi-string of the bus does not
    tell one terminator from two, and empty text not nothing from one."""
    if found[0] != kind:
        return False
    made = natural_bytes(kind, found[1])
    if isinstance(found[1], list) or found[1] == "":
        return made.rstrip(b"\0") == expected.rstrip(b"\0")
    return made == expected


def state_of(client, root=ROOT):
    """{path: {name: (type, data)}} at and below a key, by the path that it is asked for."""
    try:
        keys = client.tree(root)[1]
    except Refused as refusal:
        equal(refusal.name, "KeyNotFound")
        return {}
    top = keys[0][0]
    return {(root + path[len(top):]): {name: (kind, data) for name, kind, data in values} for path, values in keys}


def check_state(client, case):
    roots = {"\\".join(entry["key"].split("\\")[:2 if "CLASSES" in entry["key"] else 3])
             for entry in case["final_state"]} | {ROOT}
    found = {key: values for root in roots for key, values in state_of(client, root).items()}
    equal(sorted(found), sorted(entry["key"] for entry in case["final_state"]), "keys")
    for entry in case["final_state"]:
        values = found[entry["key"]]
        equal(sorted(values), sorted(value["name"] for value in entry["values"]), f"values of {entry['key']}")
        for value in entry["values"]:
            expected = bytes.fromhex(value["data_hex"])
            check(same_value(values[value["name"]], value["type"], expected),
                  f"{value['name']}: found {values[value['name']]}, expected {value['type']} {expected!r}")


def check_expectation(client, expectation):
    key = expectation["key"]
    if "exists" in expectation:
        try:
            client.keys(key)
            found = True
        except Refused:
            found = False
        equal(found, expectation["exists"], key)
    elif expectation.get("absent"):
        try:
            raise AssertionError(f"{key} {expectation['value']} is there: {client.get(key, expectation['value'])}")
        except Refused as refusal:
            check(refusal.name in ("KeyNotFound", "ValueNotFound"), str(refusal))
    else:
        kind, _, data = client.get(key, expectation["value"])
        check(same_value((kind, data), expectation["type"], bytes.fromhex(expectation["data_hex"])),
              f"{key} {expectation['value']}: found {kind} {data!r}, expected {expectation}")


shared = Registry()


@test
def the_cases_have_a_registry():
    """One for all of them: each begins by emptying the key that it is about."""
    shared.__enter__()


def empty(client):
    try:
        client.delete(ROOT, recursive=True)
    except Refused as refusal:
        equal(refusal.name, "KeyNotFound")
    for name in client.keys("HKCR"):
        client.delete(f"HKCR\\{name}", recursive=True)


@rows([(case["id"], case) for case in CASES])
def case(case):
    client = shared.client
    empty(client)
    for step in case["steps"]:
        try:
            import_bytes(client, encode(step["import"], step["encoding"]))
            refused = 0
        except Refused as refusal:
            equal(refusal.name, "InvalidValue")
            refused = 1
        equal(refused, step["exit"], "whether the file is refused")
    for expectation in case["expect"]:
        check_expectation(client, expectation)
    check_state(client, case)


@test
def the_registry_of_the_cases_ends_well():
    shared.__exit__(None, None, None)


@test
def the_report_counts_what_was_done():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "same", REG_SZ, "x")
        client.set(KEY, "other", REG_SZ, "x")
        client.set(KEY, "gone", REG_SZ, "x")
        client.create(KEY + r"\Old\Sub")
        before = client.revision
        revision, report = import_bytes(client, file_of(
            f"[{KEY}]", '"same"="x"', '"other"="y"', '"new"=dword:00000007', '"gone"=-', '"never"=-', "garbage",
            f"[{KEY}\\New\\Deep]", f"[-{KEY}\\Old]", f"[-{KEY}\\Never]"))
        equal(revision, before + 1)
        report.pop("first-ignored-reason", None)
        equal(report, {"keys-created": 2, "keys-deleted": 2, "values-set": 2, "values-deleted": 1, "values-unchanged": 1,
                       "values-pruned": 0, "keys-pruned": 0, "values-drifted": 0, "changed": True,
                       "lines-ignored": 1, "first-ignored-line": 9, "lines-guessed": 0, "first-guessed-line": 0})
        equal(client.get(KEY, "new"), (REG_DWORD, "u", 7))


@test
def an_import_that_changes_nothing_makes_no_revision():
    with Registry() as registry:
        content = file_of(f"[{KEY}]", '"a"="x"')
        revision, _ = import_bytes(registry.client, content)
        again, report = import_bytes(registry.client, content)
        equal((again, report["values-unchanged"], report["values-set"]), (revision, 1, 0))


@test
def a_dry_run_reports_and_keeps_nothing():
    with Registry() as registry:
        before = registry.client.revision
        revision, report = import_bytes(registry.client, file_of(f"[{KEY}]", '"a"="x"'), dry_run=True)
        equal((revision, report["keys-created"], report["values-set"]), (before, 1, 1))
        registry.client.refused("KeyNotFound", "ListKeys", "s", KEY)


@test
def strict_fails_at_the_first_line_that_is_wrong():
    with Registry() as registry:
        try:
            import_bytes(registry.client, file_of(f"[{KEY}]", '"a"="x"', "garbage", "more"), strict=True)
        except Refused as refusal:
            equal(refusal.name, "InvalidValue")
            contains(refusal.text, "5")
        else:
            raise AssertionError("it was taken")
        registry.client.refused("KeyNotFound", "ListKeys", "s", KEY)


@test
def an_import_is_one_commit_or_none():
    services = r"HKLM\SYSTEM\CurrentControlSet\Services\regd\Parameters"
    with Registry() as registry:
        try:
            import_bytes(registry.client, file_of(f"[{KEY}]", '"a"="x"', f"[{services}]", '"History Days"="no number"'))
        except Refused as refusal:
            equal(refusal.name, "SchemaViolation")
            contains(refusal.text, "History Days")
        else:
            raise AssertionError("it was taken")
        registry.client.refused("KeyNotFound", "ListKeys", "s", KEY)


@test
def an_import_needs_the_rights_of_its_caller():
    needs_root()
    with Registry() as registry:
        alice = registry.connect(uid=ALICE)
        each([file_of(f"[{KEY}]", '"a"="x"'), file_of(r"[HKCU\Software]", '"a"="x"', f"[-{SOFTWARE}]")],
             lambda content: denied(alice, content))
        import_bytes(alice, file_of(r"[HKCU\Software]", '"a"="x"'))
        equal(alice.get(r"HKCU\Software", "a"), (REG_SZ, "s", "x"))
        equal(registry.client.get(f"HKU\\{ALICE}\\Software", "a"), (REG_SZ, "s", "x"))


def denied(client, content):
    try:
        import_bytes(client, content)
    except Refused as refusal:
        equal(refusal.name, "AccessDenied")
        return
    raise AssertionError("it was allowed")


@test
def a_link_value_makes_a_link():
    target = (SOFTWARE + r"\Target").encode("utf-16-le").hex(",")
    with Registry() as registry:
        import_bytes(registry.client, file_of(f"[{KEY}\\Link]", f'"SymbolicLinkValue"=hex(6):{target}'))
        equal(registry.client.info(KEY + r"\Link", no_follow=True)["link"], SOFTWARE + r"\Target")


@test
def the_article_imports_as_it_is_written():
    with Registry() as registry:
        import_bytes(registry.client, file_of(
            r"[HKEY_LOCAL_MACHINE\CurrentControlSet\Services\MSExchangeIS\ParametersSystem]",
            '"MBS Package"="MBS_BASIC"', '"MSB Broker"="3"', header="REGEDIT4"))
        key = r"HKEY_LOCAL_MACHINE\SYSTEM\ControlSet001\Services\MSExchangeIS\ParametersSystem"
        equal(registry.client.values(key), [("MBS Package", REG_SZ, "MBS_BASIC"), ("MSB Broker", REG_SZ, "3")])


@test
def a_file_cut_anywhere_is_imported_or_refused_as_a_whole():
    content = encode("Windows Registry Editor Version 5.00\r\n\r\n[HKEY_CURRENT_USER\\Software\\RegdConf]\r\n"
                     '"a"="é"\r\n"b"=hex:01,\\\r\n  02\r\n@=dword:00000001\r\n', "utf-16le-bom")
    whole = {"a": (REG_SZ, "é"), "b": (3, b"\1\2"), "": (REG_DWORD, 1)}
    with Registry() as registry:
        client = registry.client

        def cut(length):
            empty(client)
            try:
                import_bytes(client, content[:length])
            except Refused as refusal:
                equal(refusal.name, "InvalidValue")
            for values in state_of(client).values():
                for name, value in values.items():
                    # Only numbers may be cut short: nothing marks where they end.
                    check(value == whole[name] or name != "a" and value[0] == whole[name][0], f"{name}: {value}")

        each(list(range(len(content))), cut)
        client.keys("HKLM")


@test
def a_descriptor_that_is_no_file_is_refused():
    with Registry() as registry:
        client = registry.client

        def is_refused(descriptor):
            try:
                client.call("Import", "ha{sv}", dbus.types.UnixFd(descriptor), options())
            except Refused as refusal:
                check(refusal.name in ("InvalidValue", "InvalidArgs", "Failed", "LimitExceeded"), str(refusal))
                return
            raise AssertionError("it was taken")

        with open("/dev/null", "rb") as empty_file, open("/dev/zero", "rb") as endless:
            is_refused(empty_file.fileno())
            is_refused(endless.fileno())
        with open("/dev/null", "wb") as only_written:
            is_refused(only_written.fileno())
        directory = os.open("/", os.O_RDONLY)
        is_refused(directory)
        os.close(directory)
        client.keys("HKLM")


@test
def a_pipe_is_read_as_it_comes():
    with Registry() as registry:
        client = registry.client
        reading, writing = os.pipe()
        answer = client.send("Import", "ha{sv}", dbus.types.UnixFd(reading), options())
        os.close(reading)
        client.connection.flush()
        content = file_of(f"[{KEY}]", '"a"="x"')
        os.write(writing, content[:50])
        equal(registry.connect().keys("HKU"), [".DEFAULT"])  # nobody waits for it
        check(not answer, "it is still under way")
        os.write(writing, content[50:])
        os.close(writing)
        wait_for(lambda: answer, "the answer")
        check(not isinstance(answer[0], Refused), str(answer))
        equal(client.get(KEY, "a"), (REG_SZ, "s", "x"))


# Asks for an import from the descriptor given, says its name, and waits to be killed.
# The call before it makes its user known.
VANISHING_CLIENT = """
import os, sys, dbus, dbus.bus, dbus.lowlevel
bus = dbus.bus.BusConnection(sys.argv[1])
name = "org.regd.Registry1"
bus.call_blocking(name, "/org/regd/Registry1", name, "ListKeys", "s", ["HKLM"])
message = dbus.lowlevel.MethodCallMessage(name, "/org/regd/Registry1", name, "Import")
message.append(dbus.types.UnixFd(int(sys.argv[2])), dbus.Dictionary(signature="sv"), signature="ha{sv}")
bus.send_message(message)
bus.flush()
os.close(int(sys.argv[2]))
print(bus.get_unique_name(), flush=True)
sys.stdin.read()
"""


@contextmanager
def client_with_a_pipe(registry):
    """(Its process, its name, an end to write to), of which it has another. regd has
    begun to read."""
    reading, writing = os.pipe()
    with subprocess.Popen(["/usr/bin/python3", "-c", VANISHING_CLIENT, registry.bus.address, str(reading)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=(reading, writing)) as process:
        os.close(reading)
        try:
            name = process.stdout.readline().decode().strip()
            wait_until(lambda: has_a_pipe(registry), "regd to have begun")
            yield process, name, writing
        finally:
            process.kill()


def has_a_pipe(registry):
    """Whether regd reads one."""
    folder = f"/proc/{registry.process.pid}/fd"
    while True:
        try:
            return any(os.readlink(f"{folder}/{name}").startswith("pipe:") for name in os.listdir(folder))
        except FileNotFoundError:
            continue  # one has been closed meanwhile


def check_nothing_was_imported(registry, before):
    """Since that revision; by way of an import that comes behind the others."""
    wait_until(lambda: not has_a_pipe(registry), "regd to have done with the pipe")
    reading, writing = os.pipe()
    answer = registry.client.send("Import", "ha{sv}", dbus.types.UnixFd(reading), options())
    os.write(writing, file_of(f"[{KEY}\\Whole]", '"a"="x"'))
    os.close(reading)
    os.close(writing)
    wait_for(lambda: answer, "the answer")
    check(not isinstance(answer[0], Refused), str(answer))
    equal(registry.client.revision, before + 1)
    equal(registry.client.values(KEY), [])


@test
def what_a_client_had_written_when_it_was_killed_is_not_imported():
    with Registry() as registry:
        for _ in range(20):
            before = registry.client.revision
            with client_with_a_pipe(registry) as (process, _name, writing):
                os.write(writing, file_of(f"[{KEY}]", '"a"="x"'))
                os.close(writing)
                process.kill()
                check_nothing_was_imported(registry, before)
            registry.client.delete(KEY, recursive=True)


@test
def what_is_written_for_a_client_that_has_gone_is_not_imported():
    with Registry() as registry:
        before = registry.client.revision
        with client_with_a_pipe(registry) as (process, name, writing):
            os.write(writing, file_of(f"[{KEY}]", '"a"="x"'))
            process.kill()
            wait_until(lambda: not registry.client.connection.name_has_owner(name), "it to have left the bus")
            os.write(writing, b'"b"="y"\r\n')
            os.close(writing)
            check_nothing_was_imported(registry, before)


@rows([("as much as a file may have", 256 << 20, None), ("a byte more", (256 << 20) + 1, "LimitExceeded")])
def of_a_file(size, refused):
    with Registry() as registry, tempfile.TemporaryFile() as file:
        begin, line = file_of(f"[{KEY}]", '"a"="x"'), b";" * 1023 + b"\n"
        file.write(begin)
        for _ in range((size - len(begin)) // (1 << 20)):
            file.write(line * 1024)
        file.write(b";" * (size - file.tell()))
        file.seek(0)
        arguments = (dbus.types.UnixFd(file.fileno()), options())
        if refused:
            registry.client.refused(refused, "Import", "ha{sv}", *arguments, naming="268435456")
        else:
            equal(registry.client.call("Import", "ha{sv}", *arguments)[1]["values-set"], 1)


@test
def two_files_at_once_for_a_user():
    needs_root()
    with Registry() as registry:
        alice = registry.connect(uid=ALICE)
        pipes = [os.pipe() for _ in range(3)]
        answers = [alice.send("Import", "ha{sv}", dbus.types.UnixFd(reading), options()) for reading, _ in pipes]
        for reading, _ in pipes:
            os.close(reading)
        os.close(pipes[2][1])
        registry.client.set(KEY, "meanwhile", REG_SZ, "x")
        equal([answer for answer in answers if answer], [], "the third, which is whole, waits")
        os.close(pipes[0][1])
        wait_for(lambda: answers[0] and answers[2], "the third, in the place of the first")
        os.close(pipes[1][1])
        wait_for(lambda: answers[1], "the second to end")


@test
def options_of_the_wrong_type_are_refused():
    with Registry() as registry:
        for given in [{"dry_run": "yes"}, {"strict": 1}, {"comment": 7}, {"confirm_within": ("s", "1")}]:
            try:
                import_bytes(registry.client, file_of(f"[{KEY}]"), **given)
            except Refused as refusal:
                equal(refusal.name, "InvalidArgs", str(given))
            else:
                raise AssertionError(f"{given} was taken")


main()
