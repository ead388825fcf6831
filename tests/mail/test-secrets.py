#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""No copy of a password stays in the memory of a process of the server's once the
login has been answered; as long as a login waits, its password is in memory that
is locked, and nowhere else."""

import base64
import sqlite3
from pathlib import Path

from harness.bus import needs_root, wait_until
from harness.case import Skip, check, equal, main, rows, test
from harness.mail import PARAMETERS, POP3
from harness.memory import find
from harness.process import program
from harness.registry import REG_DWORD, REG_SZ
from harness.slapd import Slapd
from harness.talk import Mail

# Nothing else in a process looks like it by chance.
MARKER = "xyzzy-Quuxbaz-7391-Plugh"
# By PLAIN, and by LOGIN.
PLAIN = base64.b64encode(f"\0ann\0{MARKER}".encode()).decode()
LOGIN = base64.b64encode(MARKER.encode()).decode()
USER = base64.b64encode(b"ann").decode()
FORMS = (MARKER, PLAIN, LOGIN)


def copies(server, *forms):
    """{(role, form): [(address, region, whether it is locked)]} of all processes, whose memory only root may read."""
    needs_root()
    return {(role, form): places
            for role, pids in server.roles().items() for pid in pids
            for form in forms if (places := find(pid, form.encode()))}


def expect_none(server):
    equal(copies(server, *FORMS), {})


def by_lines(connection, *exchange):
    """Says each line and waits for its answer."""
    with connection as client:
        client.line()
        for line, answer in exchange:
            client.ask(line, answer)
        yield


WAYS = {
    "POP3": lambda mail: by_lines(mail.pop3_talk(), ("USER ann", "+OK"), (f"PASS {MARKER}", "")),
    "POP3, PLAIN": lambda mail: by_lines(mail.pop3_talk(), (f"AUTH PLAIN {PLAIN}", "")),
    "POP3, LOGIN": lambda mail: by_lines(mail.pop3_talk(), ("AUTH LOGIN", "+"), (USER, "+"), (LOGIN, "")),
    "IMAP": lambda mail: by_lines(mail.imap_talk(), (f'a LOGIN ann "{MARKER}"', "a ")),
    "IMAP, PLAIN": lambda mail: by_lines(mail.imap_talk(), ("a AUTHENTICATE PLAIN", "+"), (PLAIN, "a ")),
    "IMAP, literal": lambda mail: by_lines(mail.imap_talk(), (f"a LOGIN ann {{{len(MARKER)}}}", "+"), (MARKER, "a ")),
}


@test
def the_search_finds_what_is_there():
    check(find("self", MARKER.encode()), "the marker is not found in this very process")


@rows([(f"{way}, {what}", way, password) for way in WAYS
       for what, password in (("right", MARKER), ("wrong", "sesame"))])
def none_stays(way, password):
    with Mail() as mail:
        mail.add_account("ann", password)
        for _ in WAYS[way](mail):
            expect_none(mail)
        expect_none(mail)


@test
def none_stays_of_a_password_in_tls():
    with Mail() as mail:
        context = mail.add_certificate()
        mail.add_account("ann", MARKER)
        for _ in by_lines(mail.pop3_talk(context), ("USER ann", "+OK"), (f"PASS {MARKER}", "+OK")):
            expect_none(mail)


@test
def none_stays_of_a_password_that_may_not_travel():
    with Mail() as mail:
        mail.add_account("ann", MARKER)
        mail.client.set(POP3, "Clear Text", REG_SZ, "never")
        for _ in by_lines(mail.pop3_talk(), (f"PASS {MARKER}", "-ERR")):
            expect_none(mail)


@test
def none_stays_of_one_that_is_known_again():
    with Mail([(PARAMETERS, "Verified Seconds", REG_DWORD, 3600)]) as mail:
        mail.add_account("ann", MARKER)
        for _ in range(2):
            equal(mail.pop3_answer("ann", MARKER), "+OK Logged in.")
            expect_none(mail)


@test
def none_stays_with_pam():
    if not Path("/etc/pam.d/other").exists():
        raise Skip("takes a service 'other'")
    with Mail() as mail:
        mail.client.set(PARAMETERS, "PAM Service", REG_SZ, "regd-test-service")
        mail.client.set(PARAMETERS, "Native Source", REG_SZ, "PAM")
        mail.pop3_answer("mailuser-of-no-system", MARKER)
        check("pam" in mail.roles(), "no process has asked PAM")
        expect_none(mail)


@test
def none_stays_of_an_administrators_test():
    with Mail() as mail:
        mail.add_account("ann", MARKER)
        mail.registry.run(program("mailauth/mailauthctl/mailauthctl"), f"--bus={mail.registry.bus.address}",
                          "test", "ann", input=f"{MARKER}\n".encode())
        expect_none(mail)


@rows([("in clear text", False), ("in TLS", True)])
def none_stays_with_a_directory(tls):
    with Mail() as mail, Slapd(mail) as slapd:
        slapd.add("ann", MARKER)
        slapd.become_broker("3", **({"StartTLS": 1, "CA_File": str(slapd.directory / "ca.pem")} if tls else {}))
        mail.choose("MBS_BASIC", "3")
        for password in (MARKER, MARKER + "x"):
            mail.pop3_answer("ann", password)
            expect_none(mail)


@test
def one_that_waits_is_in_locked_memory():
    with Mail() as mail:
        members = mail.add_broker()
        mail.add_member(members, "ann", "sesame")
        mail.choose("MBS_BASIC", "3")
        # The look-up waits for this transaction, with the password at hand.
        with sqlite3.connect(members, isolation_level=None) as writer, mail.pop3_talk() as client:
            writer.execute("BEGIN EXCLUSIVE")
            client.line()
            client.ask("USER ann", "+OK")
            client.say(f"PASS {MARKER}")
            wait_until(lambda: any(role == "verifier" for role, _ in copies(mail, MARKER)), "the password to arrive")
            found = copies(mail, *FORMS)
            writer.execute("ROLLBACK")
            client.line()
            expect_none(mail)
        equal({role for role, _ in found}, {"verifier"})
        places = [place for each in found.values() for place in each]
        if not is_sanitized():
            equal([place for place in places if not place[2]], [])
        equal(len(places), 1)


def is_sanitized():
    with open(program("mailauth/mailauthd"), "rb") as file:
        return b"__asan_init" in file.read()


main()
