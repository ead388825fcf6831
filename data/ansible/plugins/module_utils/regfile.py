# SPDX-License-Identifier: MIT
"""What a .reg file says, for previews and preconditions (regd-reg(5)). What is applied is read by regd."""

from __future__ import annotations

import re

try:
    from registry import values as types
except ImportError:  # the module says so, see host.py
    types = None

VERSIONS = {"Windows Registry Editor Version 5.00": 5, "REGEDIT4": 4}
ROOTS = {"HKLM": "HKEY_LOCAL_MACHINE", "HKU": "HKEY_USERS", "HKCU": "HKEY_CURRENT_USER", "HKCR": "HKEY_CLASSES_ROOT",
         "HKCC": "HKEY_CURRENT_CONFIG"}
KEY = re.compile(r"\[(-?)([^ \t].*)\][^\]]*$")
NAME = re.compile(r'(?:@|"((?:[^"\\]|\\.)*)")[ \t]*=[ \t]*')
TEXT = re.compile(r'(?:str\(([0-9a-fA-F]+)\):)?"((?:[^"\\]|\\.)*)"[ \t]*(?:;[^\n]*)?$', re.DOTALL)
OPEN_TEXT = re.compile(r'(?:str\([0-9a-fA-F]+\):)?"')
DWORD = re.compile(r"dword:([0-9a-fA-F]{1,8})[ \t]*(?:;.*)?$")
BYTES = re.compile(r"hex(?:\(([0-9a-fA-F]{1,8})\))?:((?:[ \t]*[0-9a-fA-F]{1,2}[ \t]*(?:,|(?=$|;)))*)[ \t]*(?:;.*)?$")
MOST_TEXT = 64 * 1024  # that goes on over several lines
ESCAPED = {"n": "\n", "r": "\r"}


def long_path(path):
    """A path with its root in the long spelling."""
    root, slash, rest = path.rstrip("\\").partition("\\")
    return ROOTS.get(root.upper(), root.upper()) + slash + rest


def unescape(text):
    """Text or a name as it stands between quotes."""
    return re.sub(r"\\(.)", lambda found: ESCAPED.get(found[1], found[1]), text, flags=re.DOTALL)


def decode(data, encoding):
    """The lines of a file."""
    if data.startswith(b"\xff\xfe"):
        return re.split("\r\n|\r|\n", data[2:].decode("utf-16-le", "replace"))
    if data.startswith(b"\xef\xbb\xbf"):
        data, encoding = data[3:], None
    return [decode_line(line, encoding) for line in re.split(b"\r\n|\r|\n", data)]


def decode_line(line, encoding):
    """8-bit text."""
    if encoding:
        return line.decode(encoding, "replace")
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("windows-1252", "replace")


def make_value(number, data, version):
    """The value that bytes stand for."""
    if version == 4 and number in (1, 2, 7):
        data = data.decode("windows-1252", "replace").encode("utf-16-le")
    try:
        if number in (1, 2, 6):
            return make_text(number, data)
        if number == 7:
            return [text for text in data.decode("utf-16-le").split("\0") if text]
    except UnicodeDecodeError:
        return types.Raw(data, number)
    size, order, kind = {4: (4, "little", int), 5: (4, "big", types.BigEndian), 11: (8, "little", types.Qword)}.get(number, (-1, "", None))
    if len(data) == size:
        return kind(int.from_bytes(data, order))
    return data if number == 3 else types.Raw(data, number)


def make_text(number, data):
    """The same for text, of which one NUL at the end does not count."""
    text = data.decode("utf-16-le")
    text = text[:-1] if text.endswith("\0") else text
    return types.Raw(data, number) if "\0" in text else {1: str, 2: types.Expand, 6: types.Link}[number](text)


class Reading:
    """`operations`: (what, key, name, value), what is key, set, unset or delete; `bad`: the numbers of
    lines that were not understood."""

    def __init__(self, data, encoding=None):
        self.lines, self.at = decode(data, encoding), 0
        self.operations, self.bad, self.key = [], [], None
        while self.at < len(self.lines) and not self.lines[self.at].strip():
            self.at += 1
        self.version = VERSIONS.get(self.lines[self.at].strip()) if self.at < len(self.lines) else None
        if self.version is None:
            self.bad.append(self.at + 1)
            return
        self.at += 1
        while self.at < len(self.lines):
            self._read_line()

    def _read_line(self):
        first, line = self.at + 1, self.lines[self.at].lstrip(" \t")
        self.at += 1
        if line.startswith("["):
            understood = self._read_key(line)
        elif line.startswith(("@", '"')):
            understood = self._read_value(line)
        else:
            understood = not line or line[0] in ";#"
        if not understood:
            self.bad.append(first)

    def _read_key(self, line):
        found = KEY.match(line)
        self.key = None
        if not found or "\\\\" in found[2].rstrip("\\"):
            return False
        path = long_path(found[2])
        self.operations.append(("delete" if found[1] else "key", path, None, None))
        self.key = None if found[1] else path
        return True

    def _read_value(self, line):
        found = NAME.match(line)
        if not found or self.key is None:
            return False
        name, rest = unescape(found[1] or ""), line[found.end():].rstrip(" \t")
        if re.match(r"-[ \t]*(?:;.*)?$", rest):
            self.operations.append(("unset", self.key, name, None))
            return True
        value = self._read_data(rest)
        if value is not None:
            self.operations.append(("set", self.key, name, value))
        return value is not None

    def _read_data(self, rest):
        if OPEN_TEXT.match(rest):
            return self._read_text(rest)
        if DWORD.match(rest):
            return int(DWORD.match(rest)[1], 16)
        while re.match(r"hex.*,[ \t]*\\[ \t]*$", rest) and self.at < len(self.lines):
            rest = rest.rstrip(" \t\\") + self.lines[self.at].strip()
            self.at += 1
            if rest.endswith(",") and self.at < len(self.lines) and not self.lines[self.at - 1].strip():
                rest += "\\"
        found = BYTES.match(rest)
        if not found:
            return None
        data = bytes(int(digits, 16) for digits in found[2].replace(" ", "").replace("\t", "").split(",") if digits)
        return make_value(int(found[1], 16) if found[1] else 3, data, self.version)

    def _read_text(self, rest):
        """Text may go on over several lines."""
        after = self.at
        while not TEXT.match(rest) and after < len(self.lines) and len(rest) < MOST_TEXT:
            rest, after = rest + "\n" + self.lines[after], after + 1
        found = TEXT.match(rest)
        if not found:
            return None
        self.at = after
        number, text = int(found[1] or "1", 16), unescape(found[2])
        if number == 7:
            return [each for each in re.split(r"\0", text.replace("\\0", "\0")) if each]
        return types.Expand(text) if number == 2 else text
