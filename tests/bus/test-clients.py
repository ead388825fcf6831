# SPDX-License-Identifier: MIT
"""Clients that nobody here wrote read, set and watch keys: busctl, gdbus,
dbus-send and GDBus's own introspection."""

import json
import xml.etree.ElementTree as ElementTree

from gi.repository import Gio, GLib

from harness.bus import wait_for
from harness.case import check, contains, equal, main, test
from harness.registry import NAME, PATH, REG_DWORD, REG_MULTI_SZ, REG_SZ, SOFTWARE, Registry

KEY = SOFTWARE + "\\Acme"


def run(registry, *command):
    done = registry.run(*command)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stderr.decode()}")
    return done.stdout.decode()


@test
def busctl_sets_reads_and_is_refused():
    with Registry() as registry:
        busctl = ("busctl", f"--address={registry.bus.address}")
        call = (*busctl, "call", NAME, PATH, NAME)
        run(registry, *call, "SetValue", "ssuv", KEY, "Port", "4", "u", "25")
        equal(run(registry, *call, "GetValue", "ss", KEY, "Port"), "uv 4 u 25\n")
        answer = json.loads(run(registry, *busctl, "--json=short", "call", NAME, PATH, NAME, "ListValues", "s", KEY))
        equal(answer["data"], [[["Port", 4, {"type": "u", "data": 25}]]])
        refused = registry.run(*call, "GetValue", "ss", KEY, "Nope")
        check(refused.returncode != 0, "it fails")
        contains(refused.stderr.decode(), "Nope")


@test
def busctl_shows_the_object_and_its_members():
    with Registry() as registry:
        contains(run(registry, "busctl", f"--address={registry.bus.address}", "tree", NAME), PATH)
        shown = run(registry, "busctl", f"--address={registry.bus.address}", "introspect", NAME, PATH)
        for member in ["GetValue", "Commit", "Changed", "Revision"]:
            contains(shown, f".{member}")


@test
def gdbus_sets_reads_and_introspects():
    with Registry() as registry:
        call = ("gdbus", "call", "--address", registry.bus.address, "--dest", NAME, "--object-path", PATH, "--method")
        escaped = KEY.replace("\\", "\\\\")  # gdbus reads its arguments as GVariant text
        run(registry, *call, f"{NAME}.SetValue", f"'{escaped}'", "'List'", "7", "<['a', 'b']>")
        contains(run(registry, *call, f"{NAME}.GetValue", f"'{escaped}'", "'List'"), "<['a', 'b']>")
        run(registry, *call, f"{NAME}.Commit", "[('set-value', 'HKLM\\\\SOFTWARE\\\\Acme', 'n', 1, <'x'>)]", "{}")
        equal(registry.client.get(KEY, "n"), (REG_SZ, "s", "x"))
        equal(registry.client.get(KEY, "List"), (REG_MULTI_SZ, "as", ["a", "b"]))
        contains(run(registry, "gdbus", "introspect", "--address", registry.bus.address, "--dest", NAME,
                     "--object-path", PATH), "ReadTree")


@test
def dbus_send_sets_and_reads():
    with Registry() as registry:
        send = ("dbus-send", f"--bus={registry.bus.address}", "--print-reply", f"--dest={NAME}", PATH)
        run(registry, *send, f"{NAME}.SetValue", f"string:{KEY}", "string:Text", "uint32:1", "variant:string:hello")
        contains(run(registry, *send, f"{NAME}.GetValue", f"string:{KEY}", "string:Text"), 'string "hello"')
        contains(run(registry, *send, "org.freedesktop.DBus.Properties.Get", f"string:{NAME}", "string:Version"), "string")


@test
def a_gdbus_program_watches():
    """GDBus: another implementation of the protocol than the one regd is built with."""
    with Registry() as registry:
        connection = Gio.DBusConnection.new_for_address_sync(
            registry.bus.address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        heard = []
        connection.signal_subscribe(NAME, NAME, "Changed", PATH, None, Gio.DBusSignalFlags.NO_MATCH_RULE,
                                    lambda *event: heard.append(event[5].unpack()))

        def call(member, arguments):
            return connection.call_sync(NAME, PATH, NAME, member, arguments, None, 0, 10000, None).unpack()

        watch, _, path = call("Watch", GLib.Variant("(sa{sv})", (KEY, {})))
        equal(path, KEY)
        revision, = call("SetValue", GLib.Variant("(ssuv)", (KEY, "n", REG_DWORD, GLib.Variant("u", 7))))
        wait_for(lambda: heard, "the signal")
        identity, sequence, seen, changes = heard[0]
        equal((identity, sequence, seen), (watch, 1, revision))
        check(("value-set", KEY, "n") in changes, f"{changes}")
        connection.close_sync(None)


@test
def gdbus_monitor_sees_a_directed_signal_only_as_its_receiver():
    with Registry() as registry:
        registry.client.watch(KEY)
        bystander = registry.connect()
        bystander.connection.add_match_string("type='signal',interface='org.regd.Registry1'")
        registry.client.set(KEY, "n", REG_DWORD, 1)
        bystander.get(KEY, "n")
        equal(len(registry.client.received()), 1)
        equal(bystander.received(), [])


@test
def introspection_is_what_the_contract_says():
    """Every member with its argument types; what was added since does not matter."""
    expected = {
        "GetValue": ("ss", "uv"), "ListKeys": ("s", "as"), "ListValues": ("s", "a(suv)"), "GetKeyInfo": ("sa{sv}", "a{sv}"),
        "ReadTree": ("sa{sv}", "ta(sa(suv))s"), "SetValue": ("ssuv", "t"), "DeleteValue": ("ss", "t"),
        "CreateKey": ("sa{sv}", "tb"), "DeleteKey": ("sa{sv}", "t"), "RenameKey": ("ss", "t"), "CopyKey": ("ss", "t"),
        "Commit": ("a(sssuv)a{sv}", "t"), "Watch": ("sa{sv}", "uts"), "Unwatch": ("u", ""),
        "GetHistory": ("sa{sv}", "aa{sv}"), "Rollback": ("sta{sv}", "ta(sss)"), "PurgeHistory": ("ssa{sv}", ""),
        "Confirm": ("t", ""), "GetAcl": ("s", "sa(ss)"), "SetAcl": ("sa(ss)", "t"), "Describe": ("ss", "a{sv}"),
        "Validate": ("s", "a(sss)"), "Import": ("ha{sv}", "ta{sv}"), "Export": ("sha{sv}", "a{sv}"),
        "Backup": ("ha{sv}", "a{sv}"), "Changed": ("utta(sss)", ""),
    }
    with Registry() as registry:
        xml = registry.client.call("Introspect", interface="org.freedesktop.DBus.Introspectable")
        interface = ElementTree.fromstring(xml).find(f"interface[@name='{NAME}']")
        found = {}
        for member in [*interface.iter("method"), *interface.iter("signal")]:
            arguments = member.findall("arg")
            directed = [(argument.get("type"), argument.get("direction", "in")) for argument in arguments]
            found[member.get("name")] = tuple("".join(kind for kind, way in directed if way == wanted)
                                              for wanted in ("in", "out"))
            check(all(argument.get("name") for argument in arguments), f"{member.get('name')} names its arguments")
        equal({name: found.get(name) for name in expected}, expected)
        equal({(one.get("name"), one.get("type"), one.get("access")) for one in interface.iter("property")}
              & {("Version", "s", "read"), ("Revision", "t", "read"), ("ReadOnly", "b", "read")},
              {("Version", "s", "read"), ("Revision", "t", "read"), ("ReadOnly", "b", "read")})


main()
