# SPDX-License-Identifier: MIT
"""Every method of the interface with wrong signatures, wrong variants and wrong
options; every refusal names what would be right, and regd goes on."""

import xml.etree.ElementTree as ElementTree

import dbus
import dbus.lowlevel

from harness.case import check, contains, equal, main, rows, test
from harness.process import SOURCE
from harness.registry import (NAME, NO_TYPE, PATH, REG_BINARY, REG_DWORD, REG_MULTI_SZ, REG_NONE, REG_QWORD,
                              REG_SZ, SOFTWARE, Refused, Registry, options, variant)

KEY = SOFTWARE + r"\Acme"
XML = ElementTree.parse(SOURCE / "data" / f"{NAME}.xml")
PROPERTIES = "org.freedesktop.DBus.Properties"
INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"

REGISTRY = Registry()


def takes(method):
    """The right signature of a method of the interface description."""
    return "".join(argument.get("type") for argument in method.findall("arg")
                   if argument.get("direction") == "in")


METHODS = {method.get("name"): takes(method) for method in XML.iter("method")}
SAMPLES = {"s": "x", "u": 1, "t": 1, "v": dbus.String("x", variant_level=1), "a{sv}": dbus.Dictionary(signature="sv"),
           "a(sssuv)": dbus.Array(signature="(sssuv)"), "a(ss)": dbus.Array(signature="(ss)"), "i": 1, "d": 1.5,
           "as": ["x"], "ay": b"x", "b": True, "y": 1, "(s)": ("x",), "o": "/x", "g": "s"}


def arguments_of(signature):
    """The parts of a signature, and something of each type to send."""
    parts = [str(part) for part in dbus.Signature(signature)]
    return parts, [SAMPLES[part] for part in parts]


def wrong_signatures(right):
    parts, _ = arguments_of(right.replace("h", "u"))
    parts = ["h" if right.startswith("h") and index == 0 else part for index, part in enumerate(parts)]
    wrong = {"", "i", "v", "a{sv}", right + "s", "".join(parts[:-1]), "".join(reversed(parts)),
             *("".join(parts[:index] + [other] + parts[index + 1:])
               for index in range(len(parts)) for other in ("i", "as", "(s)", "o", "ay"))}
    return sorted(signature for signature in wrong if signature != right and "h" not in signature)


@rows([(name, name) for name in METHODS])
def wrong_signatures_of(member):
    right = METHODS[member]
    for signature in wrong_signatures(right):
        _, arguments = arguments_of(signature)
        refusal = REGISTRY.client.refused("InvalidArgs", member, signature, *arguments, naming=member)
        contains(refusal.text, f"({right})")


@rows([("no such method", "Frob", "s", ("x",), NAME, PATH, "UnknownMethod", "Frob"),
       ("case matters", "getvalue", "ss", ("x", "y"), NAME, PATH, "UnknownMethod", "getvalue"),
       ("no such interface", "GetValue", "ss", ("x", "y"), "org.regd.Other", PATH, "UnknownInterface", "org.regd.Other"),
       ("no such object", "GetValue", "ss", ("x", "y"), NAME, "/org/regd/Other", "UnknownObject", PATH),
       ("the object above", "GetValue", "ss", ("x", "y"), NAME, "/org/regd", "UnknownInterface", NAME),
       ("below the object", "GetValue", "ss", ("x", "y"), NAME, PATH + "/x", "UnknownObject", PATH),
       ("properties above", "GetAll", "s", (NAME,), PROPERTIES, "/org/regd", "UnknownMethod", "GetAll"),
       ("introspection elsewhere", "Introspect", "", (), INTROSPECTABLE, "/net", "UnknownObject", PATH),
       ("a property unknown", "Get", "ss", (NAME, "Colour"), PROPERTIES, PATH, "UnknownProperty", "Colour"),
       ("a property's interface", "Get", "ss", ("org.x", "Version"), PROPERTIES, PATH, "UnknownInterface", "org.x"),
       ("all of an interface", "GetAll", "s", ("org.x",), PROPERTIES, PATH, "UnknownInterface", "org.x"),
       ("setting", "Set", "ssv", (NAME, "Version", variant("x")), PROPERTIES, PATH, "PropertyReadOnly", "Version"),
       ("setting what is not", "Set", "ssv", (NAME, "Colour", variant("x")), PROPERTIES, PATH, "UnknownProperty", "Colour"),
       ("properties' signatures", "Get", "s", (NAME,), PROPERTIES, PATH, "InvalidArgs", "(ss)")])
def what_is_unknown(member, signature, arguments, interface, path, error, naming):
    try:
        answer = REGISTRY.client.raw(member, signature, *arguments, interface=interface, path=path)
    except Refused as refusal:
        equal(refusal.full_name, "org.freedesktop.DBus.Error." + error)
        contains(refusal.text, naming)
        return
    raise AssertionError(f"answered: {answer}")


@test
def methods_without_an_interface_work():
    client = REGISTRY.client
    equal(client.call("ListKeys", "s", "", interface=None)[0], "HKEY_CLASSES_ROOT")
    contains(client.call("Introspect", interface=None), "<node")
    equal(client.call("Get", "ss", "", "ReadOnly", interface=None), False)
    equal(client.call("Ping", interface="org.freedesktop.DBus.Peer"), None)


@test
def properties_come_one_by_one_and_together():
    client = REGISTRY.client
    everything = client.call("GetAll", "s", NAME, interface=PROPERTIES)
    equal(sorted(everything), ["ReadOnly", "Revision", "Version"])
    equal(everything["Revision"], client.revision)
    equal(client.call("GetAll", "s", INTROSPECTABLE, interface=PROPERTIES), {})


def is_answer(message):
    """Whether it is one that nobody here waits for: the others do not come by a filter."""
    return isinstance(message, (dbus.lowlevel.MethodReturnMessage, dbus.lowlevel.ErrorMessage))


@test
def a_call_that_wants_no_answer_gets_none():
    client = REGISTRY.client
    answers = []
    client.connection.add_message_filter(lambda _, message: is_answer(message) and answers.append(message) or 1)
    message = dbus.lowlevel.MethodCallMessage(NAME, PATH, NAME, "SetValue")
    message.append(KEY, "quiet", dbus.UInt32(REG_SZ), variant("x"), signature="ssuv")
    message.set_no_reply(True)
    client.connection.send_message(message)
    wrong = dbus.lowlevel.MethodCallMessage(NAME, PATH, NAME, "Frob")
    wrong.set_no_reply(True)
    client.connection.send_message(wrong)
    client.set(KEY, "other", REG_SZ, "x")  # written after it
    equal(client.get(KEY, "quiet"), (REG_SZ, "s", "x"))
    client.received()
    equal(answers, [])


def arguments_for(member):
    """Right arguments but for the options, which are the last."""
    return {"Commit": (dbus.Array(signature="(sssuv)"),), "Rollback": (KEY, dbus.UInt64(1)), "Undo": (dbus.UInt64(1),),
            "PurgeHistory": (KEY, "")}.get(member, (KEY,))


OPTIONS = [("GetKeyInfo", "no-follow", "b"), ("ReadTree", "depth", "u"), ("ReadTree", "limit", "u"),
           ("ReadTree", "cursor", "s"), ("ReadTree", "at", "t"), ("ReadTree", "skip-unreadable", "b"),
           ("ReadTree", "no-follow", "b"), ("GetHistory", "no-follow", "b"),
           *[(member, option, "b") for member in ("ReadTree", "ReadValues", "GetHistory")
             for option in ("numbers-as-text", "hide-secrets")],
           ("ReadValues", "limit", "u"), ("ReadValues", "cursor", "s"), ("ReadValues", "no-follow", "b"),
           ("CreateKey", "volatile", "b"), ("CreateKey", "link", "s"), ("CreateKey", "class", "s"),
           ("CreateKey", "no-follow", "b"), ("DeleteKey", "recursive", "b"), ("Commit", "comment", "s"),
           ("Commit", "dry-run", "b"), ("Commit", "confirm-within", "u"), ("Watch", "recursive", "b"),
           ("Watch", "since", "t"), ("Watch", "no-follow", "b"), ("GetHistory", "limit", "u"), ("GetHistory", "before", "t"),
           ("Rollback", "dry-run", "b"), ("Rollback", "comment", "s"), ("Rollback", "confirm-within", "u"),
           ("Undo", "dry-run", "b"), ("Undo", "comment", "s"), ("Undo", "confirm-within", "u"),
           ("Rollback", "no-follow", "b"), ("PurgeHistory", "recursive", "b"), ("PurgeHistory", "no-follow", "b")]


@rows([(f"{member} {name}", member, name, kind) for member, name, kind in OPTIONS])
def options_of_a_wrong_type(member, name, kind):
    REGISTRY.client.create(KEY)
    for wrong in ("i", "s", "b", "u", "t", "as", "ay"):
        if wrong == kind:
            continue
        given = dbus.Dictionary({name: variant((wrong, SAMPLES[wrong]))}, signature="sv")
        REGISTRY.client.refused("InvalidArgs", member, METHODS[member], *arguments_for(member), given, naming=name)


@test
def options_that_nobody_knows_are_ignored():
    client = REGISTRY.client
    unknown = dbus.Dictionary({"colour": variant("red"), "": variant(["x"])}, signature="sv")
    client.call("CreateKey", "sa{sv}", KEY, unknown)
    equal(client.call("GetKeyInfo", "sa{sv}", KEY, unknown)["path"], KEY)
    client.call("Commit", "a(sssuv)a{sv}", dbus.Array(signature="(sssuv)"), unknown)


TAKES = {REG_NONE: ["ay"], REG_SZ: ["s", "ay"], REG_BINARY: ["ay"], REG_DWORD: ["u", "ay"],
         REG_MULTI_SZ: ["as", "ay"], REG_QWORD: ["t", "ay"], 8: ["ay"], 4711: ["ay"], NO_TYPE: ["ay"]}


@rows([(str(kind), kind) for kind in TAKES])
def variants_for_type(kind):
    client = REGISTRY.client
    for signature in ("s", "u", "t", "as", "ay", "i", "b", "y", "d", "x", "a{sv}", "(s)", "o", "g"):
        data = SAMPLES.get(signature, 1)
        if signature in ("o", "g"):
            content = (dbus.ObjectPath if signature == "o" else dbus.Signature)(data, variant_level=1)
        else:
            content = variant((signature, data))
        if signature in TAKES[kind]:
            client.call("SetValue", "ssuv", KEY, "v", dbus.UInt32(kind), content)
            continue
        refusal = client.refused("InvalidValue", "SetValue", "ssuv", KEY, "v", dbus.UInt32(kind), content, naming="Acme")
        contains(refusal.text, TAKES[kind][0])
    nested = dbus.String("x", variant_level=2)
    client.refused("InvalidValue", "SetValue", "ssuv", KEY, "v", dbus.UInt32(kind), nested)


@rows([("unknown", ("frob", KEY), "InvalidArgs", "frob"), ("empty", ("", KEY), "InvalidArgs", "set-value"),
       ("case", ("Set-Value", KEY), "InvalidArgs", "Set-Value"),
       ("not on the wire", ("set-acl", KEY), "InvalidArgs", "copy-key"),
       ("not on the wire either", ("set-acl", KEY), "InvalidArgs", "set-acl"),
       ("a wrong variant", ("set-value", KEY, "v", REG_DWORD, "x"), "InvalidValue", "u or ay"),
       ("expecting a wrong variant", ("expect-value", KEY, "v", REG_DWORD, "x"), "InvalidValue", "u or ay"),
       ("a revision that is text", ("expect-revision", KEY, "", 0, "1"), "InvalidValue", "t"),
       ("a link to a number", ("create-link", KEY, "", 0, 1), "InvalidValue", "target")])
def operations_that_are_wrong(operation, error, naming):
    client = REGISTRY.client
    before = client.revision
    try:
        client.commit([("create-key", KEY + r"\Never"), ("delete-value", KEY, "never"), operation])
    except Refused as refusal:
        equal(refusal.name, error, refusal.text)
        contains(refusal.text, "operation 2 ")
        contains(refusal.text, naming)
    else:
        raise AssertionError("it was taken")
    equal(client.revision, before)


@rows([("reading", "GetValue", "ss", ("{}", "v")), ("listing", "ListKeys", "s", ("{}",)),
       ("watching", "Watch", "sa{sv}", ("{}", dbus.Dictionary(signature="sv"))),
       ("writing", "SetValue", "ssuv", ("{}", "v", dbus.UInt32(1), variant("x"))),
       ("creating", "CreateKey", "sa{sv}", ("{}", dbus.Dictionary(signature="sv"))),
       ("renaming", "RenameKey", "ss", ("{}", "new")), ("copying", "CopyKey", "ss", ("{}", KEY)),
       ("describing", "Describe", "ss", ("{}", "v")), ("validating", "Validate", "s", ("{}",)),
       ("rights", "GetAcl", "s", ("{}",)), ("setting rights", "SetAcl", "sa(ss)", ("{}", SAMPLES["a(ss)"]))])
def bad_paths_when(member, signature, arguments):
    for path, error in ((r"HKEY_NOWHERE\x", "InvalidPath"), (r"\HKLM", "InvalidPath"), (r"HKLM\\x", "InvalidPath"),
                        ("HKLM\\a\x01b", "InvalidPath"), ("HKLM\\" + "n" * 256, "LimitExceeded"),
                        ("HKLM" + r"\x" * 600, "LimitExceeded"), ("HKLM" + "x" * 100000, "InvalidPath")):
        given = [path if argument == "{}" else argument for argument in arguments]
        refusal = REGISTRY.client.refused(error, member, signature, *given)
        check(len(refusal.text) < 10000, "the message is bounded")


@rows([("getting", "GetValue", "ss", ()), ("setting", "SetValue", "ssuv", (dbus.UInt32(1), variant("x"))),
       ("deleting", "DeleteValue", "ss", ()), ("describing", "Describe", "ss", ())])
def bad_value_names_when(member, signature, rest):
    REGISTRY.client.create(KEY)
    REGISTRY.client.refused("LimitExceeded", member, signature, KEY, "n" * 16384, *rest)


@test
def comments_are_bounded():
    client = REGISTRY.client
    client.commit([("set-value", KEY, "v", REG_SZ, "1")], comment="x" * 4096)
    client.refused("LimitExceeded", "Commit", "a(sssuv)a{sv}", dbus.Array(signature="(sssuv)"),
                   options(comment="x" * 4097), naming="comment")


@test
def it_is_still_the_same_process_and_serves():
    check(REGISTRY.process.is_running(), "regd runs")
    REGISTRY.client.set(KEY, "last", REG_SZ, "x")
    equal(REGISTRY.client.get(KEY, "last"), (REG_SZ, "s", "x"))


with REGISTRY:
    main()
