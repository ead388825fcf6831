# SPDX-License-Identifier: MIT
"""Data of values: as a task writes it, as results and differences show it."""

from __future__ import annotations

import re

try:
    import registry
    from registry import values as types
except ImportError:  # the module says so, see host.py
    registry = None
    types = None

SECRET = "(secret)"
NAMES = {"none": 0, "sz": 1, "expand": 2, "binary": 3, "dword": 4, "dword-be": 5, "link": 6, "multi": 7, "qword": 11}
LONG_NAMES = {"REG_NONE": 0, "REG_SZ": 1, "REG_EXPAND_SZ": 2, "REG_BINARY": 3, "REG_DWORD": 4, "REG_DWORD_BIG_ENDIAN": 5,
              "REG_LINK": 6, "REG_MULTI_SZ": 7, "REG_QWORD": 11}
NUMBERS = {4: 32, 5: 32, 11: 64}  # their bits
TEXTS = (1, 2, 6)


def find_type(name):
    """The number of a type that a task names. ValueError."""
    number = NAMES.get(name.lower(), LONG_NAMES.get(name.upper()))
    if number is not None:
        return number
    if re.fullmatch(r"0x[0-9a-fA-F]{1,8}|[0-9]{1,10}", name) and int(name, 0) < 1 << 32:
        return int(name, 0)
    raise ValueError(f"{name}: no type. Types are {', '.join(NAMES)}, the REG_ names, and numbers")


def name_type(number):
    """Its short name."""
    return next((name for name, each in NAMES.items() if each == number), str(number))


def type_of(value):
    """The number of a value's type."""
    return int(types.to_bus(value)[0])


def guess_type(data):
    """Of data that comes without one."""
    if isinstance(data, list):
        return 7
    if isinstance(data, int) and not isinstance(data, bool):
        return 4 if 0 <= data < 1 << 32 else 11
    return 1


def make(number, data):
    """The value that a task means. ValueError; its text does not hold the data."""
    kind = name_type(number)
    if isinstance(data, (bool, float)):
        raise ValueError(f"data of the type {kind} is neither a truth value nor a fraction: put text into quotes, write 0 or 1")
    if number in NUMBERS:
        return make_number(number, kind, data)
    if number in TEXTS:
        if isinstance(data, (list, dict)):
            raise ValueError(f"data of the type {kind} is text, and this is a {type(data).__name__}: for several strings use multi")
        return {1: str, 2: types.Expand, 6: types.Link}[number](data)
    if number == 7:
        strings = data if isinstance(data, list) else [data]
        if not all(isinstance(each, (str, int)) and not isinstance(each, bool) for each in strings):
            raise ValueError("data of the type multi is a list of strings: put each into quotes")
        return [str(each) for each in strings]
    return make_bytes(number, kind, data)


def make_number(number, kind, data):
    """One of 32 or 64 bits."""
    text = str(data).strip()
    if not isinstance(data, (str, int)) or not re.fullmatch(r"[0-9]+|0[xX][0-9a-fA-F]+", text):
        raise ValueError(f"data of the type {kind} is a number, in decimal or with 0x")
    wanted = int(text, 16 if text[:2].lower() == "0x" else 10)
    if wanted >= 1 << NUMBERS[number]:
        raise ValueError(f"data of the type {kind} has at most {NUMBERS[number]} bits: "
                         + ("use qword" if wanted < 1 << 64 else "no type holds such a number"))
    return {4: int, 5: types.BigEndian, 11: types.Qword}[number](wanted)


def make_bytes(number, kind, data):
    """Of hexadecimal digits."""
    digits = re.sub(r"[\s,:]", "", data) if isinstance(data, str) else None
    if digits is None or not re.fullmatch(r"(?:[0-9a-fA-F]{2})*", digits):
        raise ValueError(f"data of the type {kind} is text of pairs of hexadecimal digits, in quotes")
    plain = bytes.fromhex(digits)
    return plain if number == types.REG_BINARY else types.Raw(plain, number)


def plain(value):
    """Data as results have it: text, a number, a list, or hexadecimal digits."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, (list, tuple)):
        return [str(each) for each in value]
    return int(value) if isinstance(value, int) else str(value)


def is_same(one, other):
    """Whether two values have one type and the same data."""
    return type_of(one) == type_of(other) and plain(one) == plain(other) and isinstance(one, types.Raw) == isinstance(other, types.Raw)


def difference(header, before, after):
    """What `--diff` shows: two states, each a dictionary or text."""
    return {"before_header": header, "after_header": header, "before": before, "after": after}
