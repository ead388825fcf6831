# SPDX-License-Identifier: MIT
"""A connection to the bus that does only what it is told: libraries read all the time.

    raw = RawConnection(bus, uid)
    raw.call("GetValue", "ss", strings(key, name))      sends, and does not wait
    raw.call(..., descriptors=[number])                 with file descriptors
    raw.read_replies(3)                                 the serials of the calls that are answered next
"""

import socket
import struct

from harness.bus import acting_as
from harness.process import PATIENCE

NAME, PATH = "org.regd.Registry1", "/org/regd/Registry1"
CALL, REPLY, ERROR = 1, 2, 3
FIELD_PATH, FIELD_INTERFACE, FIELD_MEMBER, FIELD_REPLY_SERIAL, FIELD_DESTINATION, FIELD_SIGNATURE, FIELD_DESCRIPTORS = 1, 2, 3, 5, 6, 8, 9
NO_REPLY = 1


def pad(data, to):
    return data + bytes(-len(data) % to)


def text(string):
    return struct.pack("<I", len(string.encode())) + string.encode() + b"\0"


def strings(*parts):
    """A body of strings."""
    body = b""
    for part in parts:
        body = pad(body, 4) + text(part)
    return body


def append_array(body, element, number, alignment=8):
    """The body and an array of so many times the element; structures are aligned to 8 bytes."""
    content = pad(element, alignment) * (number - 1) + element
    return pad(pad(body, 4) + struct.pack("<I", len(content)), alignment) + content


def signature(types):
    return bytes([len(types)]) + types.encode() + b"\0"


def field(code, kind, value):
    head = bytes([code]) + signature(kind)
    if kind == "g":
        return head + signature(value)
    return pad(head, 4) + (struct.pack("<I", value) if kind == "u" else text(value))


def make_call(serial, destination, path, interface, member, types, body, flags=0, descriptors=()):
    fields = b""
    for each in (field(FIELD_PATH, "o", path), field(FIELD_INTERFACE, "s", interface), field(FIELD_MEMBER, "s", member),
                 field(FIELD_DESTINATION, "s", destination), field(FIELD_SIGNATURE, "g", types),
                 field(FIELD_DESCRIPTORS, "u", len(descriptors))):
        fields = pad(fields, 8) + each
    return pad(struct.pack("<cBBBIII", b"l", CALL, flags, 1, len(body), serial, len(fields)) + fields, 8) + body


def find_reply_serial(fields):
    """The serial of the call that a message answers: a field that is a number."""
    mark = bytes([FIELD_REPLY_SERIAL]) + signature("u")
    return struct.unpack_from("<I", fields, fields.index(mark) + 4)[0]


class RawConnection:
    def __init__(self, bus, uid):
        with acting_as(uid, None):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(PATIENCE)
            self.socket.connect(str(bus.directory / "bus"))
            self.socket.sendall(b"\0AUTH EXTERNAL " + str(uid).encode().hex().encode() + b"\r\n")
            assert self.socket.recv(1000).startswith(b"OK ")
            self.socket.sendall(b"NEGOTIATE_UNIX_FD\r\n")
            assert self.socket.recv(1000).startswith(b"AGREE_UNIX_FD")
            self.socket.sendall(b"BEGIN\r\n")
        self.serial, self.received = 0, b""
        self.send("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "Hello", "", b"")
        self.read_replies(1)

    def send(self, *parts, flags=0, descriptors=()):
        self.serial += 1
        message = make_call(self.serial, *parts, flags, descriptors)
        sent = socket.send_fds(self.socket, [message], descriptors) if descriptors else 0
        self.socket.sendall(message[sent:])

    def call(self, member, types, body, interface=NAME, **how):
        self.send(NAME, PATH, interface, member, types, body, **how)

    def read_message(self):
        """(type, header fields)."""
        while True:
            if len(self.received) >= 16:
                length, fields = struct.unpack_from("<I4xI", self.received, 4)
                total = 16 + fields + -fields % 8 + length
                if len(self.received) >= total:
                    message, self.received = self.received[:total], self.received[total:]
                    return message[1], message[16:16 + fields]
            got = self.socket.recv(1 << 20)
            assert got, "the bus has closed the connection"
            self.received += got

    def read_replies(self, number):
        """The serials of the calls that the next so many replies and errors answer."""
        answered = []
        while len(answered) < number:
            kind, fields = self.read_message()
            if kind in (REPLY, ERROR):
                answered.append(find_reply_serial(fields))
        return answered

    def close(self):
        self.socket.close()
