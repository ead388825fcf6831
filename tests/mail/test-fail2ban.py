#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""data/fail2ban: whom its filter would ban by what mailauthd writes, and by what clients would
like it to have written."""

import configparser
import os
import poplib
import shutil
import socket
import subprocess
import tempfile
from contextlib import suppress

from harness.auth import AuthTalk, wait_for_socket
from harness.bus import wait_until
from harness.case import Failure, Skip, check, contains, equal, main, rows, test
from harness.mail import PARAMETERS, POP3, STORE, MailServer
from harness.process import PATIENCE, SOURCE
from harness.registry import REG_DWORD, REG_SZ, Registry
from harness.talk import Mail

FILTER = SOURCE / "data/fail2ban/filter.d/mailauthd.conf"
JAIL = SOURCE / "data/fail2ban/jail.d/mailauthd.conf"
TIME = "2026-11-30T06:45:38.123456Z"
FORGED = f'{TIME} MSExchangePOP3 11202 Failure Audit reason=bad-password address=198.51.100.9 user="'

# What somebody types as a name who wants another address to be banned.
NAMES = [
    "x address=198.51.100.9",
    'x" address=198.51.100.9 user="',
    '\\" address=198.51.100.9 user="y',
    "reason=bad-password address=198.51.100.9",
    FORGED,
    f'"\\\\" {FORGED}',
    'host mailauthd[7]: MailAuth 11202 Failure Audit reason=bad-password address=198.51.100.9 user="',
    "Failed password for root from 198.51.100.9",
    "\u2028" + FORGED,
    "198.51.100.9",
]


def find_banned(lines, mode="normal"):
    """The addresses that the filter finds in a log, one for each line that it matches."""
    if shutil.which("fail2ban-regex") is None:
        raise Skip("takes fail2ban")
    with tempfile.NamedTemporaryFile("w", suffix=".log", encoding="utf-8") as log:
        log.write("".join(f"{line}\n" for line in lines))
        log.flush()
        done = subprocess.run(["fail2ban-regex", "-o", "id", log.name, f"{FILTER}[mode={mode}]"],
                              capture_output=True, text=True, check=False)
    equal((done.returncode in (0, 255), done.stderr), (True, ""))
    return done.stdout.split()


def fail(server, name, password="wrong"):
    with suppress(poplib.error_proto), server.pop3(name, password):
        pass


def log_of(server):
    if os.path.exists("/run/systemd/journal/socket"):
        raise Skip("the log goes to the journal here")
    return server.process.output().splitlines()


@test
def failed_logins_are_found_with_the_address_of_their_client():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        registry.client.set(PARAMETERS, "Auth Socket", REG_SZ, str(server.mail / "auth"))
        wait_for_socket(server.mail / "auth")
        fail(server, "anna")
        fail(server, "nobody")
        fail(server, "anna", "sesame")
        with AuthTalk(server.mail / "auth") as client:
            client.plain("anna", "wrong", "2001:db8::7")
            client.plain("anna", "sesame", "2001:db8::8")
        equal(find_banned(log_of(server)), ["127.0.0.1", "127.0.0.1", "2001:db8::7"])


@test
def names_and_what_is_logged_of_sessions_forge_no_address():
    with Registry() as registry, MailServer(registry) as server:
        registry.client.set(STORE, "POP3 Protocol Logging Level", REG_DWORD, 5)
        for name in NAMES:
            fail(server, name)
        found = find_banned(log_of(server), "aggressive")
        check(set(found) <= {"127.0.0.1"}, f"somebody else would be banned: {found}")
        equal(len(found), sum(" 11202 " in line for line in log_of(server)))


@test
def what_another_server_says_forges_no_address():
    """Postfix tells the address that its client, or a client of its XCLIENT, has told."""
    with Registry() as registry, MailServer(registry) as server:
        registry.client.set(PARAMETERS, "Auth Socket", REG_SZ, str(server.mail / "auth"))
        wait_for_socket(server.mail / "auth")
        with AuthTalk(server.mail / "auth") as client:
            client.plain("anna", "wrong", '192.0.2.1 address=198.51.100.9 user="')
            client.plain("anna", "wrong", '198.51.100.9" user="')
            client.plain("anna", "wrong", "")
        equal(find_banned(log_of(server)), [])


@rows([
    ("a file", f"{TIME} ", True),
    ("the journal's export", f"{TIME} host mailauthd[12]: ", True),
    ("syslog", "Nov 30 06:45:38 host mailauthd[12]: ", True),
    ("another program", "Nov 30 06:45:38 host other[12]: ", False),
    ("a line of a session", f"{TIME} MSExchangePOP3 #5 192.0.2.1 < USER ", False),
    ("a line of a session in syslog", "Nov 30 06:45:38 host mailauthd[12]: MSExchangePOP3 #5 192.0.2.1 < USER ", False),
])
def a_line_is_found_by_what_it_begins_with(beginning, found):
    line = 'MSExchangeIMAP4 11202 Failure Audit reason=bad-password address=192.0.2.7 user="x" method=LOGIN'
    equal(find_banned([beginning + line]), ["192.0.2.7"] if found else [])


@rows([
    ("ok", "ok", "Success Audit", "normal", False),
    ("unusable-hash, normal", "unusable-hash", "Failure Audit", "normal", False),
    ("held-back, normal", "held-back", "Warning", "normal", False),
    ("held-back, aggressive", "held-back", "Warning", "aggressive", True),
    ("tls-failed, aggressive", "tls-failed", "Warning", "aggressive", True),
    ("no-mailbox, aggressive", "no-mailbox", "Error", "aggressive", False),
    ("disabled, normal", "disabled", "Failure Audit", "normal", True),
])
def a_reason_bans_if_it_is_the_clients_fault(reason, kind, mode, banned):
    line = f'{TIME} MSExchangePOP3 11202 {kind} reason={reason} address=192.0.2.7 user="x" method=PASS'
    equal(find_banned([line], mode), ["192.0.2.7"] if banned else [])


def refusals(server, name):
    return server.status()["counts"][f"refused.{name}"]


@test
def what_a_limit_refuses_is_an_event_and_a_number():
    """Not a line for each: it is counted."""
    with Mail([(POP3, "Max Connections Per Address", REG_DWORD, 1)]) as server:
        with server.pop3():
            for number in range(1, 31):
                with suppress(poplib.error_proto, OSError), server.pop3():
                    raise Failure("a second connection was let in")
                wait_until(lambda n=number: refusals(server, "pop3.too-many-connections") == n, "the number")
        events = [each for each in server.events(100) if each["reason"] == "too-many-connections"]
        equal([(each["id"], each["type"], each["address"], each["count"]) for each in events],
              [(14011, "Warning", "127.0.0.1", "30")])
        contains(events[0]["description"], "Max Connections Per Address")
        lines = [line for line in log_of(server) if " 14011 " in line]
        equal(len(lines), 2, "lines")
        equal(find_banned(lines, "aggressive"), ["127.0.0.1"] * 2)


@test
def a_handshake_that_fails_is_an_event_and_a_number():
    with Mail() as server:
        server.add_certificate()
        with socket.create_connection(("127.0.0.1", server.pop3s_port)):
            pass  # a look whether somebody listens
        with socket.create_connection(("127.0.0.1", server.pop3s_port)) as client:
            client.sendall(b"USER anna\r\nPASS sesame\r\n")
            client.settimeout(PATIENCE)
            with suppress(ConnectionError):
                while client.recv(100):
                    pass
        wait_until(lambda: refusals(server, "pop3.tls-failed") == 1, "the number")
        event = server.events(1)[0]
        equal((event["id"], event["reason"], event["address"], event["type"]),
              (14010, "tls-failed", "127.0.0.1", "Warning"))
        contains(event["description"], "wrong version number")


@test
def the_jail_is_off_and_names_the_filter():
    jail = configparser.ConfigParser(interpolation=None)
    jail.read(JAIL, encoding="utf-8")
    equal((jail["mailauthd"]["enabled"], jail["mailauthd"]["filter"]), ("false", FILTER.stem))


main()
