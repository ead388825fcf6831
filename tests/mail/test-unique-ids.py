#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Clients that leave their mail on the server move from a real Dovecot to mailauthd,
and what they have been told of each message holds."""

import poplib
from contextlib import ExitStack

from harness.case import check, contains, equal, main, rows, test
from harness.dovecot import Dovecot
from harness.mail import POP3, MailServer
from harness.registry import REG_SZ, Registry

DEFAULT = "%08Xu%08Xv"  # Dovecot's own
MESSAGE = "Subject: {}\n\nmessage {}\n"


def told(client):
    """{subject: unique ID} of what a POP3 client finds."""
    found = {}
    for line in client.uidl()[1]:
        number, unique_id = line.decode().split(" ")
        found[client.top(int(number), 0)[1][0].decode().removeprefix("Subject: ")] = unique_id
    return found


def told_by(server):
    """The same, of anna's mailbox at mailauthd or at Dovecot."""
    login = ("anna",) if isinstance(server, Dovecot) else ("anna", "sesame")
    with server.pop3(*login) as client:
        found = told(client)
        if isinstance(server, MailServer):
            client.quit()
    equal(len(set(found.values())), len(found), "unique IDs are each one message's")
    return found


def deliver(server, *subjects):
    for subject in subjects:
        server.deliver("anna", MESSAGE.format(subject, subject))


def refusal(server):
    try:
        with server.pop3("anna", "sesame"):
            return "OK"
    except poplib.error_proto as problem:
        return str(problem)


def set_unique_ids(registry, text):
    registry.client.set(POP3, "Unique IDs", REG_SZ, text)


class Moved:
    """with Moved(format) as (registry, server, dovecot): anna has mail that Dovecot has shown her."""

    def __init__(self, text=DEFAULT, *more):
        self.more = [f"--unique-ids={text}", *more]

    def __enter__(self):
        with ExitStack() as stack:
            registry = stack.enter_context(Registry())
            server = stack.enter_context(MailServer(registry))
            server.add_account("anna", "sesame")
            deliver(server, "one", "two", "three")
            dovecot = stack.enter_context(Dovecot(server, *self.more))
            self.stack = stack.pop_all()
        return registry, server, dovecot

    def __exit__(self, *error):
        self.stack.__exit__(*error)


@rows([(text, text) for text in
       (DEFAULT, "%08Xv%08Xu", "%v.%u", "%v-%u", "%f", "%g", "%Mf", "UID%u-%Uf")])
def what_dovecot_told_holds(text):
    with Moved(text) as (registry, server, dovecot):
        with dovecot.imap("anna") as client:
            equal(client.append("INBOX", None, None, b"Subject: appended\r\n\r\nx\r\n")[0], "OK")
        before = told_by(dovecot)
        equal(sorted(before), ["appended", "one", "three", "two"])
        set_unique_ids(registry, text)
        equal(told_by(server), before)


@test
def nothing_that_was_told_changes_while_dovecot_goes_on():
    with Moved() as (registry, server, dovecot):
        expected = told_by(dovecot)
        deliver(server, "unseen by Dovecot")
        set_unique_ids(registry, DEFAULT)
        found = told_by(server)
        expected["unseen by Dovecot"] = found["unseen by Dovecot"]
        equal(found, expected)
        # Dovecot numbers those that it has not seen, and more of its own.
        deliver(server, "later")
        with dovecot.imap("anna") as client:
            equal(client.append("INBOX", None, None, b"Subject: appended\r\n\r\nx\r\n")[0], "OK")
            client.select("INBOX")
            client.store("1:*", "+FLAGS", "\\Flagged")
        found = told_by(server)
        expected.update({subject: found[subject] for subject in ("later", "appended")})
        equal(found, expected)
        # Messages go, on either side.
        with server.pop3("anna", "sesame") as client:
            client.dele(1)
            client.quit()
        del expected["one"]
        with dovecot.imap("anna") as client:
            client.select("INBOX")
            number = client.search(None, "SUBJECT", "three")[1][0].decode()
            client.store(number, "+FLAGS", "\\Deleted")
            client.expunge()
        del expected["three"]
        equal(told_by(server), expected)
        # Dovecot begins its list anew, by another UIDVALIDITY; the setting is taken back.
        dovecot.stop()
        for file in server.maildir("anna").glob("dovecot*"):
            file.unlink()
        dovecot.start()
        check(told_by(dovecot) != expected, "Dovecot tells others now")
        equal(told_by(server), expected)
        set_unique_ids(registry, "name")
        equal(told_by(server), expected)


@test
def what_dovecot_saved_goes_before_the_format():
    with Moved("%f", "--save-unique-ids") as (registry, server, dovecot):
        before = told_by(dovecot)
        contains((server.maildir("anna") / "dovecot-uidlist").read_text(), " P")
        set_unique_ids(registry, DEFAULT)
        equal(told_by(server), before)


@test
def by_default_the_names_tell():
    with Moved() as (_registry, server, dovecot):
        before = told_by(dovecot)
        found = told_by(server)
        check(not set(before.values()) & set(found.values()), "Dovecot's IDs are not taken over unasked")
        equal(list(server.maildir("anna").glob(".mailauthd-pop3.ids")), [])


@test
def a_list_that_is_damaged_lets_nobody_be_told_wrong():
    with Moved() as (registry, server, dovecot):
        before = told_by(dovecot)
        path = server.maildir("anna") / "dovecot-uidlist"
        text = path.read_text()
        path.write_text(text + "nonsense\n")
        set_unique_ids(registry, DEFAULT)
        contains(refusal(server), "[SYS/TEMP]")
        event = server.events()[0]
        equal((event["id"], event["reason"]), (14005, "no-mailbox"))
        contains(event["description"], "dovecot-uidlist, line")
        path.write_text(text)
        equal(told_by(server), before)


main()
