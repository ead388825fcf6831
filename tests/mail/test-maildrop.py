#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""POP3 on a Maildir as clients meet it: the whole way through front, verifier and store."""

import os
import poplib
import select
import signal

from harness.bus import wait_until
from harness.case import Failure, check, contains, equal, main, test
from harness.freeze import freeze
from harness.mail import MailServer
from harness.registry import Registry

MESSAGE = "Subject: {}\n\n.dot\nline {}\n"


def refused(call, *parts):
    """The text of the -ERR that the call is answered with, which holds each part."""
    try:
        answer = call()
    except poplib.error_proto as error:
        text = error.args[0].decode()
        for part in parts:
            contains(text, part)
        return text
    raise Failure(f"it was not refused: {answer!r}")


def retry(call, code):
    """Its answer, once it is not refused with this code for the time being."""
    for _ in range(1000):
        try:
            return call()
        except poplib.error_proto as error:
            contains(error.args[0].decode(), code)
    raise Failure(f"it is refused with {code} for good")


def count_messages(server):
    """What a session of anna's own finds."""
    with server.pop3("anna", "sesame") as client:
        number = client.stat()[0]
        client.quit()
        return number


def serve(number=3):
    """A server with anna's mailbox of so many messages."""
    registry = Registry()
    registry.__enter__()
    server = MailServer(registry)
    try:
        server.__enter__()
        server.add_account("anna", "sesame")
        for each in range(1, number + 1):
            server.deliver("anna", MESSAGE.format(each, each))
    except BaseException as error:
        registry.__exit__(type(error), error, None)
        raise
    return registry, server


class Served:
    """with Served() as server: anna logs in with 'sesame'."""

    def __init__(self, number=3):
        self.number = number

    def __enter__(self):
        self.registry, self.server = serve(self.number)
        return self.server

    def __exit__(self, *error):
        self.server.__exit__(*error)
        self.registry.__exit__(*error)


@test
def a_mailbox_is_read_as_it_is():
    with Served() as server, server.pop3("anna", "sesame") as client:
        octets = len("Subject: 1\r\n\r\n.dot\r\nline 1\r\n")
        equal(client.stat(), (3, 3 * octets))
        equal(client.list()[1], [f"{n} {octets}".encode() for n in (1, 2, 3)])
        equal(client.retr(2)[1], [b"Subject: 2", b"", b".dot", b"line 2"])
        equal(client.top(1, 1)[1], [b"Subject: 1", b"", b".dot"])
        refused(lambda: client.retr(4), "no message 4")
        check(b"UIDL" in client._longcmd("CAPA")[1], "CAPA after login names UIDL")
        client.noop()
        contains(client.quit().decode(), "+OK")


@test
def unique_ids_last():
    with Served() as server:
        with server.pop3("anna", "sesame") as client:
            before = client.uidl()[1]
            client.quit()
        current = server.maildir("anna") / "cur"
        name = server.files("anna")[0]
        os.rename(current / name, current / (name + "S"))
        with server.pop3("anna", "sesame") as client:
            equal(client.uidl()[1], before)


@test
def deletion_comes_at_quit_alone():
    with Served() as server:
        with server.pop3("anna", "sesame") as client:
            client.dele(1)
            client.dele(2)
            client.rset()
            client.dele(3)
            refused(lambda: client.retr(3), "deleted")
            equal(len(server.files("anna")), 3)
            client.quit()
        equal(len(server.files("anna")), 2)


@test
def a_lost_connection_deletes_nothing_and_frees_the_mailbox():
    with Served() as server:
        with server.pop3("anna", "sesame") as client:
            client.dele(1)
        # The end of the connection and the next login go different ways through the roles.
        equal(retry(lambda: count_messages(server), "[IN-USE]"), 3)


@test
def one_session_a_mailbox():
    with Served() as server, server.pop3("anna", "sesame") as first:
        first.stat()
        with server.pop3() as second:
            second.user("anna")
            refused(lambda: second.pass_("sesame"), "[IN-USE]")
        equal(server.events()[0]["reason"], "no-mailbox")
        first.quit()
        with server.pop3("anna", "sesame") as third:
            equal(third.stat()[0], 3)


@test
def the_mailbox_is_free_when_quit_is_answered():
    with Served() as server:
        for _ in range(50):
            with server.pop3("anna", "sesame") as client:
                client.stat()
                client.quit()


@test
def a_store_that_is_killed_takes_its_session_alone():
    with Served() as server:
        server.add_account("bert", "sesame")
        with server.pop3("bert", "sesame") as other, server.pop3("anna", "sesame") as client:
            client.dele(1)
            stores = server.roles()["store"]
            equal(len(stores), 2)
            os.kill(max(stores), signal.SIGKILL)  # the last that was started is anna's
            try:
                client.quit()
                raise Failure("the session outlived its store")
            except (poplib.error_proto, OSError):
                pass
            other.stat()
            other.quit()
        equal(len(server.files("anna")), 3)
        with server.pop3("anna", "sesame") as client:
            equal(client.stat()[0], 3)


@test
def a_store_that_hangs_locks_the_mailbox_for_a_while_only():
    with Served() as server:
        server.add_account("bert", "sesame")
        with server.pop3("bert", "sesame") as other:
            with server.pop3("anna", "sesame"):
                hanging = max(server.roles()["store"])  # the last that was started
                ended = os.pidfd_open(hanging)
                freeze(hanging)
            refused(lambda: count_messages(server), "[IN-USE]")
            # Nobody continues it, and nobody knows of it: it is killed.
            wait_until(lambda: select.select([ended], [], [], 0)[0], "its end")
            os.close(ended)
            equal(count_messages(server), 3)
            # The others go on, those that wait for longer too.
            other.stat()
            other.quit()


@test
def sessions_live_through_the_verifiers_death():
    with Served() as server, server.pop3("anna", "sesame") as client:
        client.stat()
        before = server.roles()
        os.kill(before["verifier"][0], signal.SIGKILL)
        equal(client.retr(1)[1][0], b"Subject: 1")
        client.dele(1)
        client.quit()
        equal(len(server.files("anna")), 2)
        equal(retry(lambda: count_messages(server), "[SYS/TEMP]"), 2)
        check(server.roles()["verifier"] != before["verifier"], "there is another verifier")
        equal(server.roles()["front"], before["front"])


@test
def a_front_that_dies_is_replaced():
    with Served() as server:
        before = server.roles()
        os.kill(before["front"][0], signal.SIGKILL)
        for _ in range(3):
            with server.pop3("anna", "sesame") as client:
                equal(client.stat()[0], 3)
                client.quit()
        check(server.roles()["front"] != before["front"], "there is another front")
        equal(server.roles()["verifier"], before["verifier"])


@test
def hostile_names_in_a_maildir_are_passed_over():
    with Served(1) as server:
        current = server.maildir("anna") / "cur"
        os.symlink("/etc/passwd", current / "2.link")
        os.mkfifo(current / "3.pipe")
        os.mkdir(current / "4.folder")
        with server.pop3("anna", "sesame") as client:
            equal(client.stat()[0], 1)


@test
def no_user_name_leaves_the_mail_folder():
    with Served() as server:
        (server.mail.parent / "outside" / "Maildir" / "cur").mkdir(parents=True)
        for name in ("../outside", "../../etc/passwd", "..", ".", "a/../anna", "/etc"):
            with server.pop3() as client:
                client.user(name)
                refused(lambda: client.pass_("sesame"))


@test
def a_mailbox_that_is_not_there_yet_is_an_empty_one():
    with Served() as server:
        server.add_account("cora", "sesame", mailbox=False)
        with server.pop3("cora", "sesame") as client:
            equal(client.stat(), (0, 0))
        folder = server.mail / "cora" / "Maildir"
        equal((folder.owner(), folder.stat().st_mode & 0o777), (server.mail.owner(), 0o700))


@test
def a_mailbox_that_cannot_be_made_is_the_servers_fault():
    with Served() as server:
        server.add_account("cora", "sesame", mailbox=False)
        server.hide_mailboxes()
        with server.pop3() as client:
            client.user("cora")
            refused(lambda: client.pass_("sesame"), "[SYS/TEMP]")
        event = server.events()[0]
        equal((event["id"], event["reason"], event["user"]), (14005, "no-mailbox", "cora"))


@test
def commands_may_come_all_at_once():
    with Served() as server:
        connection, stream = server.raw()
        with connection, stream:
            connection.sendall(b"USER anna\r\nPASS sesame\r\nSTAT\r\nDELE 2\r\nLIST 2\r\nQUIT\r\n")
            answers = [line[:3] for line in stream.read().splitlines()]
        equal(answers, [b"+OK", b"+OK", b"+OK", b"+OK", b"-ER", b"+OK"])
        equal(len(server.files("anna")), 2)


@test
def lines_that_are_too_long_are_refused():
    with Served() as server:
        connection, stream = server.raw()
        with connection, stream:
            connection.sendall(b"USER anna\r\nPASS sesame\r\n")
            stream.readline(), stream.readline()
            connection.sendall(b"RETR " + b"1" * 100000 + b"\r\nNO\0OP\r\nNOOP\r\n")
            equal([stream.readline()[:4] for _ in range(3)], [b"-ERR", b"-ERR", b"+OK\r"])


main()
