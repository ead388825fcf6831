# SPDX-License-Identifier: MIT
"""One login by each way in: POP3's and IMAP's commands, SASL over both, and the sockets for other
servers. Each takes (mail, user, password) as bytes and says whether the password was right, which
for IMAP is known though no server is behind.

    with everything() as mail:
        for name, log_in in WAYS.items():
            equal(log_in(mail, b"ann", b"sesame"), True, name)
"""

import base64
import socket
import struct
from contextlib import contextmanager

from harness.auth import AuthTalk, wait_for_socket
from harness.mail import PARAMETERS
from harness.process import PATIENCE
from harness.registry import REG_SZ
from harness.scram import Scram, pop3_answer
from harness.talk import Mail


@contextmanager
def everything(*settings):
    """A Mail with both sockets."""
    with Mail(settings) as mail:
        folder = mail.directory / "sockets"
        folder.mkdir()
        mail.give(folder)
        mail.auth, mail.mux = folder / "auth", folder / "mux"
        mail.client.set(PARAMETERS, "Auth Socket", REG_SZ, str(mail.auth))
        mail.client.set(PARAMETERS, "Saslauthd Socket", REG_SZ, str(mail.mux))
        wait_for_socket(mail.auth)
        wait_for_socket(mail.mux)
        yield mail


def encode(*parts):
    return base64.b64encode(b"\0".join(parts))


def quote(text):
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def pop3(mail, *lines):
    """Whether the last of the lines is answered as a login, whose mailbox may be missing."""
    with mail.pop3_talk() as client:
        client.expect("+OK")
        for line in lines:
            client.send(line + b"\r\n")
            answer = client.line()
        if answer.startswith("+OK"):
            client.ask("QUIT", "+OK")
        return answer.startswith("+OK")


def imap(mail, *lines):
    with mail.imap_talk() as client:
        client.expect("* OK")
        for line in lines:
            client.send(line + b"\r\n")
            answer = client.line()
        return answer.startswith("a NO [UNAVAILABLE]")


def by_pass(mail, user, password):
    return pop3(mail, b"USER " + user, b"PASS " + password)


def by_plain(mail, user, password, identity=b""):
    return pop3(mail, b"AUTH PLAIN " + encode(identity, user, password))


def by_sasl_login(mail, user, password):
    return pop3(mail, b"AUTH LOGIN", encode(user), encode(password))


def by_imap_login(mail, user, password):
    return imap(mail, b"a LOGIN " + quote(user) + b" {%d+}" % len(password) + b"\r\n" + password)


def by_imap_plain(mail, user, password, identity=b""):
    return imap(mail, b"a AUTHENTICATE PLAIN " + encode(identity, user, password))


def by_imap_sasl_login(mail, user, password):
    return imap(mail, b"a AUTHENTICATE LOGIN", encode(user), encode(password))


def by_auth_plain(mail, user, password, identity=b""):
    with AuthTalk(mail.auth) as client:
        response = encode(identity, user, password).decode()
        client.say(f"AUTH\t1\tPLAIN\tservice=smtp\tresp={response}")
        return client.line().startswith("OK\t")


def by_auth_login(mail, user, password):
    with AuthTalk(mail.auth) as client:
        client.say("AUTH\t1\tLOGIN\tservice=smtp")
        client.line()
        client.say("CONT\t1\t" + encode(user).decode())
        client.line()
        client.say("CONT\t1\t" + encode(password).decode())
        return client.line().startswith("OK\t")


def by_saslauthd(mail, user, password):
    fields = b"".join(struct.pack("!H", len(field)) + field for field in (user, password, b"smtp", b""))
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(str(mail.mux))
        client.sendall(fields)
        return client.makefile("rb").read()[2:] == b"OK"


def by_scram(mail, user, password, identity=b""):
    """SCRAM's names and passwords are text; the client prepares neither, as some do not."""
    scram = Scram(user.decode(), password.decode())
    if identity:
        scram.header = f"n,a={identity.decode()},"
    with mail.pop3_talk() as client:
        client.expect("+OK")
        answer = pop3_answer(client, scram)
        if answer.startswith("+OK"):
            client.ask("QUIT", "+OK")
        return answer.startswith("+OK")


PASSWORD_WAYS = {
    "USER and PASS": by_pass, "PLAIN": by_plain, "LOGIN": by_sasl_login, "IMAP's LOGIN": by_imap_login,
    "IMAP's PLAIN": by_imap_plain, "IMAP's SASL LOGIN": by_imap_sasl_login, "Auth Socket's PLAIN": by_auth_plain,
    "Auth Socket's LOGIN": by_auth_login, "saslauthd": by_saslauthd,
}
PROXY_WAYS = {"PLAIN": by_plain, "IMAP's PLAIN": by_imap_plain, "Auth Socket's PLAIN": by_auth_plain}
WAYS = PASSWORD_WAYS | {"SCRAM-SHA-256": by_scram}
