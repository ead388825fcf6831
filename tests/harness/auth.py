# SPDX-License-Identifier: MIT
"""Clients of the sockets for other servers: Dovecot's authentication protocol
and saslauthd's, as bytes.

    with AuthTalk(path) as client:
        equal(client.plain("ann", "sesame"), "OK\\t1\\tuser=ann")
"""

import base64
import socket
import struct

from harness.bus import wait_until
from harness.case import Failure
from harness.process import PATIENCE


def encode(text):
    return base64.b64encode(text.encode()).decode()


class AuthTalk:
    """One connection to an `Auth Socket`, after the handshake. begins: the client speaks first, as Dovecot since 2.4 wants it."""

    def __init__(self, path, begins=False):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(path))
        self.stream = self.socket.makefile("rb")
        if begins:
            self.introduce()
        self.greeting = [self.line()]
        while self.greeting[-1] != "DONE":
            if not self.greeting[-1]:
                raise Failure(f"no handshake: {self.greeting!r}")
            self.greeting.append(self.line())
        if not begins:
            self.introduce()
        self.last_id = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.stream.close()

    def introduce(self):
        self.say("VERSION\t1\t2", "CPID\t1")

    def say(self, *lines):
        self.socket.sendall("".join(line + "\n" for line in lines).encode())

    def line(self):
        """The next line; "" at the end of the connection."""
        try:
            return self.stream.readline().decode().removesuffix("\n")
        except ConnectionResetError:
            return ""

    def ask_plain(self, user, password, address="192.0.2.7", service="smtp"):
        """Asks without waiting; the request's ID."""
        self.last_id += 1
        response = encode(f"\0{user}\0{password}")
        self.say(f"AUTH\t{self.last_id}\tPLAIN\tservice={service}\tnologin\tlip=192.0.2.1\trip={address}"
                 f"\tsecured\tresp={response}")
        return self.last_id

    def plain(self, user, password, address="192.0.2.7", service="smtp"):
        self.ask_plain(user, password, address, service)
        return self.line()


def ask_saslauthd(path, user, password, realm="", address=None, service="smtp"):
    """The answer's text; "" where the connection ended without one."""
    fields = [user, password, service, realm] + ([address] if address is not None else [])
    question = b"".join(struct.pack("!H", len(field.encode())) + field.encode() for field in fields)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(str(path))
        client.sendall(question)
        answer = client.makefile("rb").read()
    if answer and struct.unpack("!H", answer[:2])[0] != len(answer) - 2:
        raise Failure(f"{answer!r} is not counted")
    return answer[2:].decode()


# ---- waiting ----

def is_listening(path):
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True


def wait_for_socket(path):
    wait_until(lambda: is_listening(path), f"somebody to listen on {path}")
