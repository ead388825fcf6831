# SPDX-License-Identifier: MIT
"""A client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), honest or not.

    client = Scram("ann", "sesame")
    server.say(client.first())
    server.say(client.final(server.hear()))
    client.verify(server.hear())
"""

import base64
import hashlib
import hmac
import os

from harness.case import Failure


def sign(key, text):
    return hmac.digest(key, text.encode(), "sha256")


def encode(data):
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


class Scram:
    """@binding: (type, bytes) of the TLS connection it takes itself to be in; @flag where there is none."""

    def __init__(self, user, password, flag="n", binding=None):
        self.password, self.binding = password, binding
        self.header = f"p={binding[0]},," if binding else f"{flag},,"
        self.nonce = encode(os.urandom(12)).replace(",", "x")
        self.bare = f"n={user.replace('=', '=3D').replace(',', '=2C')},r={self.nonce}"

    def first(self):
        return self.header + self.bare

    def final(self, challenge):
        """The answer; remembers what the server must say then."""
        fields = dict(field.split("=", 1) for field in challenge.split(","))
        if not fields["r"].startswith(self.nonce) or len(fields["r"]) < len(self.nonce) + 16:
            raise Failure(f"no nonce of the server's own: {challenge}")
        self.salt, self.iterations = base64.b64decode(fields["s"]), int(fields["i"])
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), self.salt, self.iterations)
        client_key = sign(salted, "Client Key")
        channel = self.header.encode() + (self.binding[1] if self.binding else b"")
        unproved = f"c={encode(channel)},r={fields['r']}"
        message = f"{self.bare},{challenge},{unproved}"
        signature = sign(hashlib.sha256(client_key).digest(), message)
        proof = bytes(one ^ other for one, other in zip(client_key, signature))
        self.expected = "v=" + encode(sign(sign(salted, "Server Key"), message))
        return f"{unproved},p={encode(proof)}"

    def verify(self, answer):
        if answer != self.expected:
            raise Failure(f"the server does not know the password: {answer}")


def hear(line):
    """What a line "+ <base64>" or "CONT..." ends with."""
    return base64.b64decode(line.split()[-1], validate=True).decode()


def begin_pop3(client, scram, mechanism="SCRAM-SHA-256"):
    """Says what comes first, and its answer to the challenge; what that is answered with."""
    challenge = hear(client.ask(f"AUTH {mechanism} {encode(scram.first())}", "+ "))
    client.say(encode(scram.final(challenge)))
    return client.line()


def pop3_answer(client, scram, mechanism="SCRAM-SHA-256"):
    """What the client is told at last."""
    answer = begin_pop3(client, scram, mechanism)
    if not answer.startswith("+ "):
        return answer
    scram.verify(hear(answer))
    client.say("")
    return client.line()
