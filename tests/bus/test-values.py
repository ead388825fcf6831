# SPDX-License-Identifier: MIT
"""Value types: what each takes and gives, malformed data that survives,
terminators, limits of size."""

from harness.case import contains, each, equal, main, test
from harness.registry import (PARAMETERS, REG_BINARY, REG_DWORD, REG_DWORD_BIG_ENDIAN, REG_EXPAND_SZ, REG_LINK,
                              REG_MULTI_SZ, REG_NONE, REG_QWORD, REG_SZ, SOFTWARE, Registry, variant)

KEY = SOFTWARE + "\\Values"


def wide(text):
    return text.encode("utf-16-le")


NATURAL = [
    (REG_NONE, "ay", b""), (REG_NONE, "ay", b"\x00\xff"),
    (REG_SZ, "s", ""), (REG_SZ, "s", "text"), (REG_SZ, "s", "é 日本 😀\n\t\x01"), (REG_SZ, "s", "x" * 100000),
    (REG_EXPAND_SZ, "s", "%PATH%;%SystemRoot%\\x"), (REG_EXPAND_SZ, "s", ""),
    (REG_BINARY, "ay", b""), (REG_BINARY, "ay", bytes(range(256))),
    (REG_DWORD, "u", 0), (REG_DWORD, "u", 0xFFFFFFFF), (REG_DWORD, "u", 25),
    (REG_DWORD_BIG_ENDIAN, "u", 0x01020304), (REG_LINK, "s", r"HKEY_LOCAL_MACHINE\SOFTWARE"),
    (REG_MULTI_SZ, "as", []), (REG_MULTI_SZ, "as", ["a"]), (REG_MULTI_SZ, "as", ["b", "a"]),
    (REG_MULTI_SZ, "as", ["é", "😀", " "]),
    (8, "ay", b"\x01"), (9, "ay", b"\x02\x03"), (10, "ay", b""),
    (REG_QWORD, "t", 0), (REG_QWORD, "t", 0xFFFFFFFFFFFFFFFF), (REG_QWORD, "t", 1 << 32),
    (12, "ay", b"abc"), (0x10000, "ay", b"\x00"), (0xFFFFFFFE, "ay", b"\xff" * 10),
]


@test
def every_type_gives_back_what_it_was_given():
    with Registry() as registry:
        for index, (kind, signature, data) in enumerate(NATURAL):
            registry.client.set(KEY, f"v{index}", kind, (signature, data))
        def holds(client):
            for index, (kind, signature, data) in enumerate(NATURAL):
                equal(client.get(KEY, f"v{index}"), (kind, signature, data), f"row {index}")
            equal(client.values(KEY), [(f"v{index}", kind, data) for index, (kind, _, data) in enumerate(NATURAL)])
        holds(registry.client)
        registry.restart()
        holds(registry.connect())


# (type, bytes written, signature read, data read)
BYTES = [
    (REG_DWORD, b"\x19\0\0\0", "u", 25), (REG_DWORD_BIG_ENDIAN, b"\0\0\0\x19", "u", 25),
    (REG_QWORD, b"\x01\0\0\0\0\0\0\x80", "t", (1 << 63) + 1),
    (REG_DWORD, b"", "ay", b""), (REG_DWORD, b"abc", "ay", b"abc"), (REG_DWORD, b"abcde", "ay", b"abcde"),
    (REG_DWORD_BIG_ENDIAN, b"abc", "ay", b"abc"), (REG_QWORD, b"1234567", "ay", b"1234567"),
    (REG_QWORD, b"1234", "ay", b"1234"), (REG_QWORD, b"", "ay", b""),
    *[row for kind in (REG_SZ, REG_EXPAND_SZ) for row in [
        (kind, wide("ab\0"), "s", "ab"), (kind, wide("ab"), "s", "ab"), (kind, b"", "s", ""),
        (kind, wide("\0"), "s", ""), (kind, wide("😀"), "s", "😀"),
        (kind, wide("ab") + b"c", "ay", wide("ab") + b"c"), (kind, b"a", "ay", b"a"),
        (kind, b"\x00\xd8", "ay", b"\x00\xd8"), (kind, b"\x00\xdca\0\0\0", "ay", b"\x00\xdca\0\0\0"),
        (kind, b"\x00\xd8\x00\xd8\x00\xdc\0\0", "ay", b"\x00\xd8\x00\xd8\x00\xdc\0\0"),
        (kind, wide("a\0b\0"), "ay", wide("a\0b\0")), (kind, wide("a\0b"), "ay", wide("a\0b\0")),
        (kind, wide("a\0\0"), "ay", wide("a\0\0")), (kind, wide("\0\0"), "ay", wide("\0\0")),
        (kind, wide("\0a\0"), "ay", wide("\0a\0"))]],
    (REG_MULTI_SZ, b"", "as", []), (REG_MULTI_SZ, wide("\0"), "as", []), (REG_MULTI_SZ, wide("\0\0"), "as", []),
    (REG_MULTI_SZ, wide("a\0"), "as", ["a"]), (REG_MULTI_SZ, wide("a\0\0"), "as", ["a"]),
    (REG_MULTI_SZ, wide("a"), "as", ["a"]), (REG_MULTI_SZ, wide("a\0b"), "as", ["a", "b"]),
    (REG_MULTI_SZ, wide("a\0b\0"), "as", ["a", "b"]), (REG_MULTI_SZ, wide("a\0b\0\0"), "as", ["a", "b"]),
    (REG_MULTI_SZ, wide("a\0\0b\0\0"), "ay", wide("a\0\0b\0\0")),
    (REG_MULTI_SZ, wide("\0a\0\0"), "ay", wide("\0a\0\0")),
    (REG_MULTI_SZ, wide("a\0\0\0"), "ay", wide("a\0\0\0")), (REG_MULTI_SZ, wide("\0\0\0"), "ay", wide("\0\0\0")),
    (REG_MULTI_SZ, b"a\0\0\0\0", "ay", b"a\0\0\0\0"), (REG_MULTI_SZ, b"\x00\xd8\0\0\0\0", "ay", b"\x00\xd8\0\0\0\0"),
]


@test
def windows_bytes_of_any_type_are_taken_and_malformed_ones_survive():
    with Registry() as registry:
        def gives(kind, written, signature, read):
            registry.client.set(KEY, "v", kind, written)
            equal(registry.client.get(KEY, "v"), (kind, signature, read))
            equal(registry.client.values(KEY), [("v", kind, read)])

        each(BYTES, gives)


@test
def malformed_data_survives_a_restart_and_a_copy():
    malformed = [(kind, data) for kind, data, signature, _ in BYTES if signature == "ay"]
    expected = [read for _, _, signature, read in BYTES if signature == "ay"]
    with Registry() as registry:
        registry.client.commit([("set-value", KEY, f"v{number}", kind, data)
                                for number, (kind, data) in enumerate(malformed)])
        registry.client.call("CopyKey", "ss", KEY, SOFTWARE + "\\Copy")
        registry.restart()
        client = registry.connect()
        equal([data for _, _, data in client.values(KEY)], expected)
        equal(client.values(SOFTWARE + "\\Copy"), client.values(KEY))


# (type, what is given as (signature, data))
WRONG = [
    *[(kind, given) for kind in (REG_SZ, REG_EXPAND_SZ) for given in
      [("u", 1), ("t", 1), ("as", ["a"]), ("b", True), ("i", 1), ("d", 1.0), ("y", 1), ("a{sv}", {})]],
    *[(kind, given) for kind in (REG_DWORD, REG_DWORD_BIG_ENDIAN) for given in
      [("s", "1"), ("t", 1), ("i", 1), ("as", []), ("b", True), ("q", 1), ("x", 1)]],
    *[(REG_QWORD, given) for given in [("u", 1), ("s", "1"), ("x", 1), ("as", [])]],
    *[(REG_MULTI_SZ, given) for given in [("s", "a"), ("u", 1), ("as", [""]), ("as", ["a", ""]), ("as", ["", "a"]),
                                           ("au", [1])]],
    *[(kind, given) for kind in (REG_NONE, REG_BINARY, 8, 9, 10, 12, 0xFFFFFFFE) for given in
      [("s", "a"), ("u", 1), ("as", ["a"]), ("t", 1)]],
    (REG_LINK, ("u", 1)), (REG_LINK, ("as", ["a"])),
]


@test
def another_variant_is_refused():
    with Registry() as registry:
        registry.client.create(KEY)
        before = registry.client.revision
        each(WRONG, lambda kind, given: registry.client.refused(
            "InvalidValue", "SetValue", "ssuv", KEY, "Name of it", kind, variant(given), naming="Name of it"))
        equal(registry.client.revision, before)


@test
def a_refusal_says_what_the_type_takes():
    with Registry() as registry:
        refusal = registry.client.refused("InvalidValue", "SetValue", "ssuv", KEY, "n", REG_DWORD, variant("25"))
        contains(refusal.text, "REG_DWORD")
        contains(refusal.text, KEY.rpartition("\\")[2])


@test
def a_value_is_at_most_a_mebibyte():
    limit = 1 << 20
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "v", REG_BINARY, b"x" * limit)
        equal(len(client.get(KEY, "v")[2]), limit)
        client.refused("LimitExceeded", "SetValue", "ssuv", KEY, "v", REG_BINARY, variant(b"x" * (limit + 1)))
        client.refused("LimitExceeded", "SetValue", "ssuv", KEY, "v", REG_SZ, variant("x" * limit))
        equal(len(client.get(KEY, "v")[2]), limit)


@test
def the_limit_of_size_is_a_live_setting():
    with Registry() as registry:
        client = registry.client
        client.set(PARAMETERS, "Maximum Value Size", REG_DWORD, 4096)
        client.set(KEY, "v", REG_BINARY, b"x" * 4096)
        client.refused("LimitExceeded", "SetValue", "ssuv", KEY, "v", REG_BINARY, variant(b"x" * 4097))
        client.unset(PARAMETERS, "Maximum Value Size")
        client.set(KEY, "v", REG_BINARY, b"x" * 4097)


@test
def the_same_bytes_are_the_same_data():
    same = [(REG_DWORD, 25, b"\x19\0\0\0"), (REG_SZ, "a", wide("a")), (REG_SZ, "a", wide("a\0")),
            (REG_QWORD, 7, b"\7" + bytes(7)), (REG_DWORD_BIG_ENDIAN, 1, b"\0\0\0\1")]
    with Registry() as registry:
        def makes_no_revision(kind, natural, written):
            revision = registry.client.set(KEY, "v", kind, natural)
            equal(registry.client.set(KEY, "v", kind, written), revision)
            equal(registry.client.set(KEY, "v", kind, natural), revision)

        each(same, makes_no_revision)


@test
def another_type_is_another_value():
    with Registry() as registry:
        first = registry.client.set(KEY, "v", REG_SZ, "a")
        equal(registry.client.set(KEY, "v", REG_EXPAND_SZ, "a"), first + 1)
        equal(registry.client.get(KEY, "v"), (REG_EXPAND_SZ, "s", "a"))


main()
