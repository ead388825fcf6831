# SPDX-License-Identifier: MIT
"""Values of the registry as Python's own types, and as D-Bus carries them.

    REG_SZ        str        REG_BINARY            bytes
    REG_EXPAND_SZ Expand     REG_DWORD             int
    REG_LINK      Link       REG_QWORD             Qword
    REG_MULTI_SZ  list[str]  REG_DWORD_BIG_ENDIAN  BigEndian
    REG_NONE, any other number, and bytes that do not form their type: Raw

What is read can be written back as it is: its type goes with it. A plain int that takes more than
32 bits is written as REG_QWORD.
"""

from __future__ import annotations

from typing import Sequence, Union

import dbus

REG_NONE, REG_SZ, REG_EXPAND_SZ, REG_BINARY, REG_DWORD, REG_DWORD_BIG_ENDIAN, REG_LINK, REG_MULTI_SZ = range(8)
REG_QWORD = 11


def fold(text: str) -> str:
    """For comparing names, whose case does not count: each character by itself, so that `ß` is no `SS`."""
    return "".join(upper if len(upper := character.upper()) == 1 else character for character in text)


class Expand(str):
    """REG_EXPAND_SZ: text with variables, which nothing expands but its reader."""


class Link(str):
    """REG_LINK: the target of a link."""


class Qword(int):
    """REG_QWORD: a number of 64 bits."""


class BigEndian(int):
    """REG_DWORD_BIG_ENDIAN."""


class Raw(bytes):
    """Bytes of any type, as Windows stores them; `type` is its number."""

    type: int

    def __new__(cls, data: bytes = b"", type: int = REG_NONE) -> Raw:  # pylint: disable=redefined-builtin
        raw = super().__new__(cls, data)
        raw.type = type
        return raw

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Raw) and self.type == other.type and bytes(self) == bytes(other)

    def __hash__(self) -> int:
        return hash((self.type, bytes(self)))

    def __repr__(self) -> str:
        return f"Raw({bytes(self)!r}, type={self.type})"


Value = Union[str, int, bytes, Sequence[str]]

# Python's type, the number, and how D-Bus carries it. The first that fits is taken.
_WRITTEN = (
    (Raw, None, lambda data: dbus.ByteArray(data, variant_level=1)),
    (Expand, REG_EXPAND_SZ, lambda data: dbus.String(data, variant_level=1)),
    (Link, REG_LINK, lambda data: dbus.String(data, variant_level=1)),
    (str, REG_SZ, lambda data: dbus.String(data, variant_level=1)),
    (Qword, REG_QWORD, lambda data: dbus.UInt64(data, variant_level=1)),
    (BigEndian, REG_DWORD_BIG_ENDIAN, lambda data: dbus.UInt32(data, variant_level=1)),
    ((bytes, bytearray), REG_BINARY, lambda data: dbus.ByteArray(data, variant_level=1)),
    ((list, tuple), REG_MULTI_SZ, lambda data: dbus.Array(data, signature="s", variant_level=1)),
)
_READ = {REG_SZ: str, REG_EXPAND_SZ: Expand, REG_LINK: Link, REG_DWORD: int, REG_QWORD: Qword,
         REG_DWORD_BIG_ENDIAN: BigEndian}


def to_bus(value: Value) -> tuple[dbus.UInt32, object]:
    """The type and the variant that stand for a value. TypeError: no type of the registry fits."""
    if isinstance(value, bool):
        raise TypeError("the registry has no truth values: write 0 or 1")
    for kind, number, carry in _WRITTEN:
        if isinstance(value, kind):
            return dbus.UInt32(value.type if isinstance(value, Raw) else number), carry(value)
    if not isinstance(value, int):
        raise TypeError(f"no type of the registry fits {type(value).__name__}")
    if 0 <= value < 1 << 32:
        return dbus.UInt32(REG_DWORD), dbus.UInt32(value, variant_level=1)
    if 0 <= value < 1 << 64:
        return dbus.UInt32(REG_QWORD), dbus.UInt64(value, variant_level=1)
    raise ValueError(f"{value} is no number from 0 to 18446744073709551615")


def from_bus(kind: int, data: object) -> Value:
    """The value that D-Bus carried."""
    number = int(kind)
    if isinstance(data, (dbus.ByteArray, bytes)) or (isinstance(data, dbus.Array) and data.signature == "y"):
        plain = bytes(bytearray(data))
        return plain if number == REG_BINARY else Raw(plain, number)
    if isinstance(data, dbus.Array):
        return [str(text) for text in data]
    return _READ[number](data)
