#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Protocol logging: what of a conversation is logged at each level, and that no
password is, however it comes."""

import base64
import os
import time

from harness.case import Failure, Skip, check, equal, main, rows, test
from harness.mail import IMAP, POP3, STORE, MailServer
from harness.process import PATIENCE
from harness.registry import REG_DWORD, REG_SZ, Registry

# POP3's last: where its sessions are logged, IMAP's are.
LEVELS = ("IMAP4 Protocol Logging Level", "POP3 Protocol Logging Level")
PASSWORD = "Zx9-sesame-q7"
WRONG = "Zx9-wrong-word"


def encode(*parts):
    return base64.b64encode("\0".join(parts).encode()).decode()


SECRETS = (PASSWORD, WRONG, encode(PASSWORD), encode(WRONG), encode("", "anna", PASSWORD), encode("", "anna", WRONG))


def set_level(registry, level):
    if os.path.exists("/run/systemd/journal/socket"):
        raise Skip("the log goes to the journal here")
    for name in LEVELS:
        registry.client.set(STORE, name, REG_DWORD, level)


def lines_of(server, number=None):
    """What is logged of sessions (of one), without what each line begins with."""
    found = []
    for line in server.process.output().splitlines():
        words = line.split(" ", 4)
        if len(words) == 5 and words[2].startswith("#") and (number is None or words[2] == f"#{number}"):
            found.append(words[4])
    return found


def wait_for_lines(server, condition, what):
    """Each round asks for the status, which goes by way of the front, as the lines do."""
    late = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > late:
            raise Failure(f"{what}: it did not come about")
        server.status()


def log_in(server):
    with server.pop3("anna", PASSWORD) as client:
        client.quit()


def last_logged(server):
    words = [line.split(" ", 4) for line in server.process.output().splitlines()]
    return max((int(each[2][1:]) for each in words if len(each) == 5 and each[2].startswith("#")), default=0)


def settle(server):
    """Sessions until one is logged, so that the levels that are set are in force for the next: the
    front hears of them in its own time. The number of the last session."""
    def is_logged():
        log_in(server)
        server.status()
        return last_logged(server) > 0

    wait_for_lines(server, is_logged, "a session to be logged")
    number = last_logged(server)
    wait_for_lines(server, lambda: "disconnected" in lines_of(server, number), "its end to be logged")
    return number


@rows([
    ("nothing", 0, []),
    ("logins", 1, ["connected", "login of anna: ok", "disconnected"]),
    ("commands", 2, ["connected", "< USER anna", "< PASS ****", "login of anna: ok", "disconnected"]),
    ("responses", 3, ["connected", "> +OK [XCLIENT] POP3 server ready.", "< USER anna", "> +OK", "< PASS ****",
                      "login of anna: ok", "> +OK Logged in.", "disconnected"]),
    ("bytes", 4, ["connected", "> +OK [XCLIENT] POP3 server ready.", "< USER anna", "> +OK", "< PASS ****",
                  "login of anna: ok", "> +OK Logged in.", "relayed", "disconnected"]),
])
def each_level_holds_those_before_it(level, expected):
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", PASSWORD)
        set_level(registry, level)
        if level == 0:
            log_in(server)
            server.status()
            equal(lines_of(server), [])
            return
        number = settle(server) + 1
        log_in(server)
        wait_for_lines(server, lambda: "disconnected" in lines_of(server, number), "the end to be logged")
        lines = lines_of(server, number)
        equal([line for line in lines if not line.startswith("relayed")],
              [line for line in expected if not line.startswith("relayed")])
        equal(any(line.startswith("relayed 6 bytes from the client") for line in lines), level >= 4)


def pop3_ways(password):
    """Each a list of (bytes to send, what is answered)."""
    plain, word = encode("", "anna", password), encode(password)
    user = encode("anna")
    yield [(b"USER anna\r\n", b"+OK"), (f"PASS {password}\r\n".encode(), b"")]
    yield [(f"USER anna\r\nPASS {password}\r\nQUIT\r\n".encode(), b"+OK")]
    yield [(b"US", b""), (b"ER anna\r\nPA", b"+OK"), (f"SS {password[:4]}".encode(), b""),
           (f"{password[4:]}\r\n".encode(), b"")]
    yield [(f"AUTH PLAIN {plain}\r\n".encode(), b"")]
    yield [(b"AUTH PLAIN\r\n", b"+"), (f"{plain}\r\n".encode(), b"")]
    yield [(b"AUTH LOGIN\r\n", b"+"), (f"{user}\r\n".encode(), b"+"), (f"{word}\r\n".encode(), b"")]
    yield [(f"AUTH LOGIN\r\n{user}\r\n{word}\r\n".encode(), b"+")]
    # A client that is out of step.
    yield [(f"PASS {password}\r\n".encode(), b"-ERR")]
    yield [(f"{password}\r\n{plain}\r\n".encode(), b"-ERR")]
    yield [(f"USER anna {password}\r\n".encode(), b"+OK")]
    yield [(f"AUTH {password}\r\n".encode(), b"-ERR")]
    yield [(f"LIST {password}\r\n".encode(), b"-ERR")]
    yield [(f"AUTH NOSUCH {plain}\r\n{plain}\r\n".encode(), b"-ERR")]


def imap_ways(password):
    plain, word, size = encode("", "anna", password), encode(password), len(password)
    user = encode("anna")
    yield [(f"a LOGIN anna {password}\r\n".encode(), b"a ")]
    yield [(f'a LOGIN "anna" "{password}"\r\nb LOGOUT\r\n'.encode(), b"a ")]
    yield [(f"a LOGIN anna {{{size}}}\r\n".encode(), b"+"), (f"{password}\r\n".encode(), b"a ")]
    yield [(f"a LOGIN {{4+}}\r\nanna {{{size}+}}\r\n{password[:3]}".encode(), b""),
           (f"{password[3:]}\r\n".encode(), b"a ")]
    yield [(f"a AUTHENTICATE PLAIN {plain}\r\n".encode(), b"a ")]
    yield [(b"a AUTHENTICATE PLAIN\r\n", b"+"), (f"{plain}\r\n".encode(), b"a ")]
    yield [(f"a AUTHENTICATE LOGIN\r\n{user}\r\n{word}\r\n".encode(), b"+")]
    # A client that is out of step.
    yield [(f"{password}\r\n{password} NOOP\r\n".encode(), b"BAD")]
    yield [(f"a LOGIN {password}\r\n".encode(), b"BAD")]
    yield [(f"a LOGIN anna {password} {password}\r\n".encode(), b"BAD")]
    yield [(f"a NOOP {password}\r\na {password}\r\n".encode(), b"BAD")]
    yield [(f"a AUTHENTICATE {password}\r\n{plain}\r\n".encode(), b"a ")]
    yield [(f"a LOGIN anna {{5000}}\r\n{password}\r\n{word}\r\n".encode(), b"BAD")]
    yield [(f'a ID ("password" "{password}")\r\n'.encode(), b"* ID")]


def check_no_secret(server):
    log = server.process.output()
    for secret in SECRETS:
        for part in (secret, secret[4:], secret[:-4]):
            check(part not in log, f"{part} is in the log: {[line for line in log.splitlines() if part in line]}")


@rows([("where passwords may travel", "always"), ("where they may not", "never")])
def no_password_is_logged_however_it_comes(clear_text):
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", PASSWORD)
        set_level(registry, 5)
        settle(server)
        for protocol in (POP3, IMAP):
            registry.client.set(protocol, "Clear Text", REG_SZ, clear_text)
        sessions = lines_of(server).count("disconnected")
        for password in (PASSWORD, WRONG):
            for port, ways in ((server.pop3_port, pop3_ways), (server.imap_port, imap_ways)):
                for way in ways(password):
                    talk(server, port, way)
                    sessions += 1
        wait_for_lines(server, lambda: lines_of(server).count("disconnected") >= sessions, "all sessions to be logged")
        lines = lines_of(server)
        for expected in ("< PASS ****", "< LOGIN", "(unknown command) ****", "> +OK [XCLIENT] POP3 server ready."):
            check(any(expected in line for line in lines), expected)
        check_no_secret(server)


def talk(server, port, way):
    """Whatever is answered: with clear text barred it is something else."""
    connection, stream = server.raw(port)
    connection.settimeout(0.05)
    for piece, _awaited in way:
        connection.sendall(piece)
        try:
            stream.readline()
        except TimeoutError:
            stream.close()
            stream = connection.makefile("rb")
    connection.close()
    stream.close()


@test
def a_terminal_is_not_moved_by_what_a_client_says():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", PASSWORD)
        set_level(registry, 2)
        settle(server)
        talk(server, server.pop3_port, [(b"USER a\x1b[31m\xffb\r\n", b"-ERR")])
        wait_for_lines(server, lambda: any("USER a" in line for line in lines_of(server)), "the command to be logged")
        check("\x1b" not in server.process.output(), "an escape character in the log")


main()
