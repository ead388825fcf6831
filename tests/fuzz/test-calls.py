# SPDX-License-Identifier: MIT
"""Calls of every method with random signatures and random content: regd answers
each and goes on. The seed is printed; REGD_FUZZ_SEED repeats a run, and
REGD_FUZZ_CALLS makes it longer."""

import os
import random
import struct
import xml.etree.ElementTree as ElementTree

import dbus
import dbus.lowlevel

from harness.bus import wait_for
from harness.case import check, equal, main, test
from harness.process import SOURCE
from harness.registry import NAME, PATH, REG_SZ, SOFTWARE, Registry

CALLS = int(os.environ.get("REGD_FUZZ_CALLS") or 4000)
SEED = int(os.environ.get("REGD_FUZZ_SEED") or 0) or random.SystemRandom().randrange(1, 1 << 32)
BATCH = 50  # calls under way at once
METHODS = {method.get("name"): "".join(argument.get("type") for argument in method.findall("arg")
                                       if argument.get("direction") == "in")
           for method in ElementTree.parse(SOURCE / "data" / f"{NAME}.xml").iter("method")}
STANDARD = {"Introspect": "", "Get": "ss", "Set": "ssv", "GetAll": "s"}
WORDS = ["", "HKLM", "HKCU", "HKCR", "HKCC", "HKU", r"HKLM\SOFTWARE", r"HKLM\SOFTWARE\Acme", r"HKLM\SOFTWARE\Acme\Sub",
         r"HKCU\Software", r"HKLM\CurrentControlSet\Services", r"HKLM\SOFTWARE\Link", "\\", "HKLM\\", "v", "@", "\x01",
         "SymbolicLinkValue", "set-value", "create-key", "create-link", "delete-tree", "rename-key", "expect-absent",
         "expect-revision", "user:root", "everyone", "group:0", "read", "none", "\U0001f600", "\u00df" * 300, "x" * 20000,
         NAME, "Version", "Revision", PATH, "/", ":1.1"]
OPTIONS = ["recursive", "no-follow", "volatile", "link", "class", "depth", "limit", "cursor", "at", "since",
           "skip-unreadable", "comment", "dry-run", "strict", "confirm-within", "colour"]
BASIC = "ybnqiuxtds"


def number(choice, bits, signed):
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    return choice.choice([0, 1, low, high, choice.randint(low, high), min(high, choice.randint(0, 12))])


def content(choice, signature, depth=0):
    """Something of a single complete type."""
    kind = signature[0]
    if kind in "nqiuxt":
        bits = {"n": 16, "q": 16, "i": 32, "u": 32, "x": 64, "t": 64}[kind]
        return number(choice, bits, kind in "nix")
    if kind == "s":
        return choice.choice(WORDS)
    if kind == "v":
        inner = single_type(choice, depth + 1)
        return wrap(inner, content(choice, inner, depth + 1))
    if kind == "a" and signature[1] == "{":
        return {choice.choice(OPTIONS): content(choice, "v", depth + 1) for _ in range(choice.randrange(4))}
    if kind == "a":
        return [content(choice, signature[1:], depth + 1) for _ in range(choice.randrange(5))]
    if kind == "(":
        return tuple(content(choice, str(part), depth + 1) for part in dbus.Signature(signature[1:-1]))
    return {"y": choice.randrange(256), "b": choice.random() < 0.5, "o": "/x", "g": "as",
            "d": struct.unpack("d", choice.randbytes(8))[0]}.get(kind, 0)


def single_type(choice, depth=0):
    kinds = [*BASIC, *BASIC, "o", "g"]
    if depth < 3:
        kinds += ["v", "as", "ay", "a{sv}", "(su)", "aas", "(sv)", "av"]
    return choice.choice(kinds)


KINDS = {"s": dbus.String, "o": dbus.ObjectPath, "g": dbus.Signature, "y": dbus.Byte, "b": dbus.Boolean, "n": dbus.Int16,
         "q": dbus.UInt16, "i": dbus.Int32, "u": dbus.UInt32, "x": dbus.Int64, "t": dbus.UInt64, "d": dbus.Double}


def wrap(signature, data, level=1):
    """Data as a variant (level 1) of that signature, or as just that type (0)."""
    if signature in KINDS:
        return KINDS[signature](data, variant_level=level)
    if signature == "v":
        return data
    if signature.startswith("a{"):
        return dbus.Dictionary(data, signature="sv", variant_level=level)
    if signature.startswith("a"):
        return dbus.Array([wrap(signature[1:], item, 0) for item in data], signature=signature[1:], variant_level=level)
    parts = [str(part) for part in dbus.Signature(signature[1:-1])]
    return dbus.Struct([wrap(part, item, 0) for part, item in zip(parts, data)], signature=signature[1:-1],
                       variant_level=level)


def random_signature(choice, right):
    """The right one as a rule; else a mutilated or another one. Descriptors have a test of their own."""
    parts = [str(part) for part in dbus.Signature(right.replace("h", "u"))]
    if choice.random() < 0.6 and "h" not in right:
        return parts
    change = choice.randrange(4)
    if change == 0 and parts:
        parts.pop(choice.randrange(len(parts)))
    elif change == 1:
        parts.insert(choice.randint(0, len(parts)), single_type(choice))
    elif change == 2 and parts:
        parts[choice.randrange(len(parts))] = single_type(choice)
    else:
        parts = [single_type(choice) for _ in range(choice.randrange(5))]
    return parts


def random_call(choice):
    methods = METHODS if choice.random() < 0.9 else STANDARD
    member = choice.choice([*methods])
    interface = choice.choice([NAME, NAME, NAME, None, "org.freedesktop.DBus.Properties", "org.x.Y"])
    path = PATH if choice.random() < 0.95 else choice.choice(["/", "/org", PATH + "/x"])
    message = dbus.lowlevel.MethodCallMessage(NAME, path, interface, member)
    parts = random_signature(choice, methods[member])
    message.append(*[content(choice, part) for part in parts], signature="".join(parts))
    return message


@test
def every_call_is_answered():
    print(f"# REGD_FUZZ_SEED={SEED}", flush=True)
    choice = random.Random(SEED)
    with Registry() as registry:
        client = registry.connect()
        process = registry.process
        for _ in range(0, CALLS, BATCH):
            answers = []
            for _ in range(BATCH):
                client.connection.send_message_with_reply(random_call(choice), answers.append, timeout_s=30)
            wait_for(lambda: len(answers) == BATCH or not process.is_running(), "the answers")
            check(process.is_running(), f"regd ended: {process.output()}")
            late = [answer for answer in answers if isinstance(answer, dbus.lowlevel.ErrorMessage)
                    and answer.get_error_name() in ("org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.NoMemory")]
            equal(late, [], "calls without an answer of regd's")
        client.set(SOFTWARE, "after", REG_SZ, "all")
        equal(client.get(SOFTWARE, "after"), (REG_SZ, "s", "all"))
        registry.restart()
        equal(registry.connect().get(SOFTWARE, "after"), (REG_SZ, "s", "all"))


main()
