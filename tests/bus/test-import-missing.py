# SPDX-License-Identifier: MIT
"""Import that adds what is missing, and import under conditions."""

import tempfile

import dbus

from harness.bus import ALICE, needs_root
from harness.case import contains, equal, main, rows, test
from harness.process import program
from harness.registry import REG_DWORD, REG_SZ, SOFTWARE, Registry, operation_list, options
from harness.regctl import CONFLICT, DENIED, DONE, FAILED, INVALID

KEY = SOFTWARE + "\\Acme"
HEADER = "Windows Registry Editor Version 5.00\n\n"


def import_text(client, text, expect=None, **given):
    """(revision, report)."""
    table = options(**given)
    if expect is not None:
        table["expect"] = operation_list(expect)
        table["expect"] = dbus.Array(table["expect"], signature="(sssuv)", variant_level=1)
    with tempfile.TemporaryFile() as file:
        file.write((HEADER + text).encode())
        file.seek(0)
        return client.call("Import", "ha{sv}", dbus.types.UnixFd(file.fileno()), table)


def regctl(registry, *arguments, given="", uid=None):
    result = registry.run(program("client/regctl/regctl"), *arguments, uid=uid, input=(HEADER + given).encode())
    return result.returncode, result.stdout.decode(), result.stderr.decode()


DEFAULTS = f"""[{KEY}]
"Port"=dword:00000019
"New"="first"
"New"="second"
"Gone"=-

[-{KEY}\\Sub]

[{KEY}\\Made]
"x"="y"
"""


@test
def what_is_there_stays():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "PORT", REG_SZ, "mine")
        client.set(KEY, "Gone", REG_SZ, "still here")
        client.set(KEY + "\\Sub", "n", REG_SZ, "x")
        client.create(KEY + "\\Link", link=KEY + "\\Sub")
        link = (KEY + "\\Made\0").encode("utf-16-le").hex(",")
        revision, report = import_text(client, DEFAULTS + f'[{KEY}\\Link]\n"SymbolicLinkValue"=hex(6):{link}\n',
                                       only_missing=True)
        equal(client.values(KEY), [("PORT", REG_SZ, "mine"), ("Gone", REG_SZ, "still here"), ("New", REG_SZ, "second")])
        equal(client.keys(KEY), ["Link", "Made", "Sub"])
        equal(client.info(KEY + "\\Link", no_follow=True)["link"], KEY + "\\Sub")
        equal((report["values-unchanged"], report["values-deleted"], report["keys-deleted"]), (1, 0, 0))
        equal(import_text(client, DEFAULTS, only_missing=True)[0], revision)


@test
def regctl_adds_what_is_missing():
    with Registry() as registry:
        registry.client.set(KEY, "Port", REG_SZ, "mine")
        equal(regctl(registry, "import", "--only-missing", "-", given=DEFAULTS), (DONE, "", ""))
        equal(registry.client.values(KEY), [("Port", REG_SZ, "mine"), ("New", REG_SZ, "second")])


@rows([
    ("all holds", [("expect-value", KEY, "n", REG_DWORD, 1), ("expect-absent", KEY, "m")], None),
    ("a value is another", [("expect-value", KEY, "n", REG_DWORD, 2)], "Conflict"),
    ("a value is there", [("expect-absent", KEY, "n")], "Conflict"),
    ("no condition at all", [], None),
    ("a step is no condition", [("set-value", KEY, "n", REG_DWORD, 2)], "InvalidArgs"),
    ("a word is none", [("wish", KEY, "n")], "InvalidArgs"),
])
def an_import_expects(conditions, refused):
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "n", REG_DWORD, 1)
        before = client.revision
        try:
            import_text(client, f'[{KEY}]\n"added"="x"\n', conditions)
            outcome = None
        except Exception as refusal:
            outcome = getattr(refusal, "name", repr(refusal))
        equal((outcome, client.revision), (refused, before + (refused is None)))


@test
def an_expectation_of_another_type_is_refused():
    with Registry() as registry:
        with tempfile.TemporaryFile() as file:
            registry.client.refused("InvalidArgs", "Import", "ha{sv}", dbus.types.UnixFd(file.fileno()),
                                    options(expect="this"), naming="a(sssuv)")


CONDITIONS = f"""[{KEY}]
"n"=dword:00000001
"m"=-

[-{KEY}\\Sub]
"""


@test
def regctl_checks_a_file_before():
    needs_root()
    with Registry() as registry:
        client = registry.client
        file = registry.directory / "conditions.reg"
        file.write_text(HEADER + CONDITIONS)
        file.chmod(0o644)
        text = f'[{KEY}]\n"n"=dword:2\n'
        client.set(KEY, "n", REG_DWORD, 1)
        equal(regctl(registry, "import", f"--precheck={file}", "-", given=text), (DONE, "", ""))
        equal(client.get(KEY, "n")[2], 2)
        status, printed, said = regctl(registry, "import", f"--precheck={file}", "-", given=text)
        equal((status, printed), (CONFLICT, ""))
        contains(said, KEY)
        for wrong, right in (lambda: client.set(KEY, "m", REG_SZ, "x"), lambda: client.unset(KEY, "m")), (
                lambda: client.create(KEY + "\\Sub"), lambda: client.delete(KEY + "\\Sub")):
            client.set(KEY, "n", REG_DWORD, 1)
            wrong()
            equal(regctl(registry, "import", f"--precheck={file}", "-", given=text)[0], CONFLICT)
            right()
        equal(regctl(registry, "import", f"--precheck={file}", "-", given=text, uid=ALICE)[0], DENIED)
        equal(regctl(registry, "import", f"--precheck={file}", "-", given=text)[0], DONE)
        file.write_text("nonsense")
        equal(regctl(registry, "import", f"--precheck={file}", "-", given=text)[0], INVALID)
        equal(regctl(registry, "import", "--precheck=/no/such/file", "-", given=text)[0], FAILED)


main()
