# SPDX-License-Identifier: MIT
"""The Python module: values and their types, errors, transactions, views that survive restarts; and
the programs of the guide that use it, as they stand there."""

import os
import subprocess
import sys

import dbus
from dbus.mainloop.glib import DBusGMainLoop

from harness.bus import ALICE, needs_root, wait_for
from harness.case import Failure, check, equal, main, test
from harness.process import SOURCE, Process, program
from harness.registry import Registry
from harness.tour import blocks

MODULE = SOURCE / "data" / "python"
sys.path.insert(0, str(MODULE))
import registry as module  # noqa: E402  pylint: disable=wrong-import-position

KEY = r"HKLM\SOFTWARE\Acme"
PATH = r"HKEY_LOCAL_MACHINE\SOFTWARE\Acme"
VALUES = {
    "text": "a\u00e4\U0001f600", "empty": "", "expand": module.Expand("%x%"), "list": ["a", "b | c"], "no list": [],
    "number": 7, "most": 0xFFFFFFFF, "long": module.Qword(7), "big": module.BigEndian(7), "bytes": b"\0\xff",
    "no bytes": b"", "none": module.Raw(b"x", 0), "odd": module.Raw(b"abc", 4), "other": module.Raw(b"\1", 77),
    "link": module.Link(r"HKLM\SOFTWARE"),
}


def raises(kind, function, *arguments):
    try:
        result = function(*arguments)
    except kind:
        return
    raise Failure(f"{arguments}: no {kind.__name__}, but {result!r}")


def connect(registry):
    return module.Registry(registry.bus.address)


@test
def what_is_read_can_be_written_back():
    with Registry() as registry:
        settings = connect(registry)
        for name, value in VALUES.items():
            settings.set(KEY, name, value)
        for found in (settings.values(KEY), dict(settings.tree(KEY))[PATH]):
            equal(found, VALUES)
            equal([type(value) for value in found.values()], [type(value) for value in VALUES.values()])
        before = settings.revision
        for name, value in settings.values(KEY).items():
            equal(settings.set(KEY, name, value), before, name)
        settings.set(KEY, "wide", 1 << 32)
        equal(settings.get(KEY, "wide"), module.Qword(1 << 32))
        for wrong, kind in ((True, TypeError), (1.5, TypeError), (None, TypeError), (-1, ValueError), (1 << 64, ValueError)):
            raises(kind, settings.set, KEY, "wrong", wrong)


@test
def refusals_are_exceptions():
    needs_root()
    with Registry() as registry:
        settings = connect(registry)
        settings.set(KEY, "a", "b")
        raises(module.ValueNotFound, settings.get, KEY, "none")
        raises(module.KeyNotFound, settings.get, KEY + r"\None", "none")
        raises(LookupError, settings.get, KEY, "none")
        raises(module.InvalidPath, settings.keys, "HKXX")
        raises(module.InvalidValue, settings.set, KEY, "a\0b"[:1], ["", "x"])
        equal([settings.get(KEY, "none", 5), settings.get(KEY + r"\None", "none", None)], [5, None])
        registry.client.set_acl(KEY, ("everyone", "none"))
        script = ("import sys, registry\n"
                  "try:\n    registry.Registry().get(sys.argv[1], 'a')\n"
                  "except registry.AccessDenied as problem:\n    print('read' in str(problem))\n")
        done = subprocess.run(["/usr/bin/python3", "-c", script, KEY], user=ALICE, group=ALICE, extra_groups=[],
                              capture_output=True, check=False,
                              env=os.environ | {"REGD_BUS": registry.bus.address, "PYTHONPATH": readable(registry)})
        equal((done.stdout, done.stderr), (b"True\n", b""))
    raises(module.Unreachable, module.Registry, "unix:path=/nowhere/at/all")


def readable(registry):
    """The module where another user can read it."""
    folder = registry.directory / "python"
    subprocess.run(["cp", "-r", str(MODULE), str(folder)], check=True)
    subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)
    return str(folder)


@test
def a_transaction_is_made_as_a_whole_or_not_at_all():
    with Registry() as registry:
        settings = connect(registry)
        with settings.transaction(comment="why", confirm_within=100) as change:
            change.create(KEY + r"\Sub")
            change.set(KEY, "a", 1)
            change.expect_absent(KEY, "b")
            change.expect_no_key(KEY + r"\Other")
        settings.confirm(change.revision)
        equal(registry.client.call("GetHistory", "sa{sv}", KEY, {})[0]["comment"], "why")
        with settings.transaction() as empty:
            pass
        equal((empty.revision, settings.revision), (None, change.revision))

        def fail(leave):
            with settings.transaction() as changing:
                changing.set(KEY, "a", 2)
                if leave:
                    raise KeyError("left")
                changing.expect(KEY, "a", 7)
        raises(KeyError, fail, True)
        raises(module.Conflict, fail, False)
        equal(settings.get(KEY, "a"), 1)
        with settings.transaction() as change:
            change.expect_revision(KEY, change_revision := settings.revision)
            change.rename(KEY + r"\Sub", "New")
            change.delete(KEY, "a")
        check(change.revision > change_revision, "it is a new revision")
        equal((settings.keys(KEY), settings.values(KEY)), (["New"], {}))
        settings.delete_key(KEY, recursive=True)
        raises(module.KeyNotFound, settings.keys, KEY)


@test
def what_a_change_did_is_reported():
    with Registry() as registry:
        settings = connect(registry)
        with settings.transaction(dry_run=True) as change:
            change.set(KEY, "a", 1)
        equal((change.report["changed"], change.report["values-set"]), (True, 1))
        raises(module.KeyNotFound, settings.keys, KEY)
        with settings.transaction(owner="package") as change:
            change.set(KEY, "a", 1)
        with settings.transaction() as change:
            change.set(KEY, "a", 1)
        equal((change.report["changed"], change.report["values-unchanged"]), (False, 1))
        path = registry.directory / "acme.reg"
        path.write_text(f'REGEDIT4\n[{KEY}]\n"a"=dword:2\nnonsense\n', encoding="ascii")
        conditions = settings.transaction()
        conditions.expect(KEY, "a", 7)
        with path.open("rb") as file:
            raises(module.Conflict, lambda: settings.import_file(file, expect=conditions.operations))
        with path.open("rb") as file:
            revision, report = settings.import_file(file, comment="why")
        equal((revision, report["changed"], report["lines-ignored"], type(report["first-ignored-reason"])),
              (settings.revision, True, 1, str))
        equal(settings.get(KEY, "a"), 2)


@test
def a_view_follows_changes_and_survives_restarts():
    with Registry() as registry:
        settings = module.Registry(dbus.bus.BusConnection(registry.bus.address, mainloop=DBusGMainLoop()))
        settings.set(KEY, "Port", 1)
        told = []
        view = settings.view(KEY, lambda _view, changes: told.append(changes))
        equal((view.path, view.get("pORT"), view.values()), (PATH, 1, {"Port": 1}))

        def changed(what):
            wait_for(lambda: what in told, f"{what} in {told}")
        registry.client.set(KEY, "port", 4, 2)
        changed([(PATH, "Port")])
        registry.client.set(KEY + r"\Sub", "x", 1, "y")
        wait_for(lambda: view.get("x", key="sub") == "y", "the new key")
        equal((view.get("Port"), sorted(view.keys())), (2, [PATH, PATH + r"\Sub"]))
        registry.client.delete(KEY + r"\Sub")
        wait_for(lambda: view.keys() == [PATH], "the key is gone")
        registry.stop()
        offline = registry.run(program("client/regctl/regctl"), f"--database={registry.database}", "set", KEY, "Port", "3")
        equal((offline.returncode, view.get("Port")), (0, 2), offline.stderr.decode())
        registry.start()
        wait_for(lambda: view.get("Port") == 3, "what happened while regd was away")
        registry._client = None  # pylint: disable=protected-access
        module.Registry(registry.bus.address).set(KEY, "Port", 4)
        wait_for(lambda: view.get("Port") == 4, "and what happens afterwards")
        view.close()
        module.Registry(registry.bus.address).set(KEY, "Port", 5)
        equal(view.get("Port"), 4)


@test
def a_view_knows_names_apart_and_locks_from_keys():
    with Registry() as registry:
        settings = module.Registry(dbus.bus.BusConnection(registry.bus.address, mainloop=DBusGMainLoop()))
        settings.set(KEY + "\\\u00df", "\u00df", "sharp")
        settings.set(KEY + "\\SS", "ss", "double")
        told = []
        view = settings.view(KEY, lambda _view, changes: told.append(changes))
        equal((view.get("\u00df", key="\u00df"), view.get("SS", key="ss")), ("sharp", "double"))
        settings.call("Lock", "sssa{sv}", KEY + "\\NotThere", "", "why",
                      dbus.Dictionary({"recursive": dbus.Boolean(True, variant_level=1)}, signature="sv"))
        registry.client.delete(KEY + "\\\u00df")
        wait_for(lambda: view.get("\u00df", key="\u00df") is None, "the key to go")
        equal((view.get("ss", key="SS"), sorted(view.keys())), ("double", [PATH, PATH + "\\SS"]))
        equal([change for changes in told for change in changes if "NotThere" in change[0]], [])


@test
def a_view_that_could_not_read_a_change_reads_it_later():
    with Registry() as registry:
        settings = module.Registry(dbus.bus.BusConnection(registry.bus.address, mainloop=DBusGMainLoop()))
        settings.set(KEY, "Port", 1)
        view = settings.view(KEY)
        before, call = view.revision, settings.call
        failed = []

        def fail(member, *arguments):
            if member == "GetValue":
                failed.append(member)
                raise module.Unreachable("regd has just gone")
            return call(member, *arguments)
        settings.call = fail
        registry.client.set(KEY, "Port", 4, 2)
        wait_for(lambda: failed, "the change")
        equal((view.get("Port"), view.revision), (1, before))
        settings.call = call
        registry.client.set(KEY, "Other", 4, 3)
        wait_for(lambda: view.get("Other") == 3, "the next change")
        equal(view.get("Port"), 2)


@test
def the_programs_of_the_guide_print_what_they_say():
    expected, = blocks("data/doc/programs.md", "text")
    talk, follow = blocks("data/doc/programs.md", "python")[:2]
    with Registry() as registry:
        environment = {"DBUS_SYSTEM_BUS_ADDRESS": registry.bus.address, "PYTHONPATH": str(MODULE)}
        done = subprocess.run(["/usr/bin/python3", "-"], input=talk.encode(), env=os.environ | environment,
                              capture_output=True, check=False)
        equal((done.stdout.decode(), done.stderr.decode()), (expected, ""))
        path = registry.directory / "follow.py"
        path.write_text(follow, encoding="utf-8")
        process = Process(registry.directory, "follow", ["/usr/bin/python3", str(path)], environment,
                          stdout=subprocess.PIPE, text=True)
        try:
            equal(process.child.stdout.readline(), "Port is 8081\n")
            connect(registry).set(KEY, "Port", 8083)
            equal(process.child.stdout.readline(), f"8083 {[(PATH, 'Port')]}\n")
        finally:
            process.kill()


main()
