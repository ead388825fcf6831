#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Sessions that are handed to a mail server behind: a real Dovecot for IMAP, a
POP3 server of few words for what no real one does on demand."""

import imaplib
import poplib
import socket
import threading
from contextlib import contextmanager, suppress

from harness.case import check, contains, equal, main, rows, test
from harness.dovecot import MASTER, PASSWORD, Dovecot
from harness.mail import IMAP, POP3, MailServer
from harness.process import program
from harness.registry import REG_SZ, Registry


def set_backend(registry, key, address, password=PASSWORD):
    # The password is secret: the server's user has no right to it before.
    result = registry.run(program("mailauth/mailauthctl/mailauthctl"), f"--bus={registry.bus.address}", "repair")
    equal(result.returncode, 0, result.stderr)
    registry.client.set(key, "Store", REG_SZ, "backend")
    registry.client.set(key, "Backend", REG_SZ, address)
    registry.client.set(key, "Backend Master User", REG_SZ, MASTER)
    registry.client.set(key, "Backend Master Password", REG_SZ, password)


def refusal(server, password="sesame"):
    try:
        with server.imap("anna", password):
            return "OK"
    except imaplib.IMAP4.error as problem:
        return str(problem)


@rows([("in the clear", "imap", "port"), ("through TLS", "imaps", "tls_port")])
def a_session_goes_on_at_the_mail_server(scheme, port):
    with Registry() as registry, MailServer(registry) as server, Dovecot(server) as dovecot:
        server.add_account("anna", "sesame")
        server.deliver("anna", "Subject: one\n\nhello\n")
        set_backend(registry, IMAP, f"{scheme}://127.0.0.1:{getattr(dovecot, port)}")
        with server.imap("anna", "sesame") as client:
            equal(client.select("INBOX"), ("OK", [b"1"]))
            contains(client.fetch("1", "(BODY[TEXT])")[1][0][1].decode(), "hello")
            # Much, both ways.
            message = b"Subject: large\r\n\r\n" + b"x" * 70 + (b"\r\n" + b"y" * 70) * 40000
            equal(client.append("INBOX", None, None, message)[0], "OK")
            equal(client.select("INBOX"), ("OK", [b"2"]))
            equal(len(client.fetch("2", "(RFC822)")[1][0][1]), len(message))
            newest = server.events(1)[0]
            equal((newest["id"], newest["source"], newest["reason"]), (11202, "MSExchangeIMAP4", "ok"))
            equal(client.logout()[0], "BYE")
        contains(refusal(server, "wrong"), "[AUTHENTICATIONFAILED]")


@test
def many_sessions_through_tls_at_once():
    with Registry() as registry, MailServer(registry) as server, Dovecot(server) as dovecot:
        server.add_account("anna", "sesame")
        server.deliver("anna", "Subject: one\n\nhello\n")
        set_backend(registry, IMAP, f"imaps://127.0.0.1:{dovecot.tls_port}")
        done = []

        def session():
            with server.imap("anna", "sesame") as client:
                client.select("INBOX")
                done.append(client.noop()[0])
                client.logout()

        threads = [threading.Thread(target=session) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(done, ["OK"] * 10)


@test
def a_mail_server_that_is_away_is_a_passing_fault():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        set_backend(registry, IMAP, f"imap://127.0.0.1:{port}")
        contains(refusal(server), "[UNAVAILABLE]")
        newest = server.events(1)[0]
        equal((newest["id"], newest["reason"]), (14005, "backend-unreachable"))


@test
def a_master_password_that_is_wrong_is_not_the_users_fault():
    with Registry() as registry, MailServer(registry) as server, Dovecot(server) as dovecot:
        server.add_account("anna", "sesame")
        set_backend(registry, IMAP, f"imap://127.0.0.1:{dovecot.port}", password="another")
        contains(refusal(server), "[UNAVAILABLE]")
        newest = server.events(1)[0]
        equal((newest["id"], newest["reason"]), (14005, "backend-refused"))
        check("another" not in str(server.events(100)), "the master's password is in an event")


@contextmanager
def curt_server(*answers):
    """A POP3 server that says one line to each that it hears, its greeting first,
    then echoes; its address, and what it heard."""
    heard = []

    def serve(listener):
        connection, _ = listener.accept()
        with suppress(ConnectionError), connection, connection.makefile("rwb", buffering=0) as stream:
            for answer in answers:
                stream.write(answer)
                heard.append(stream.readline())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield f"pop3://127.0.0.1:{listener.getsockname()[1]}", heard
        thread.join()


@test
def pop3_goes_on_at_the_mail_server():
    with Registry() as registry, MailServer(registry) as server, curt_server(
            b"+OK hello\r\n", b"+ \r\n", b"+OK in\r\n", b"+OK 3 120\r\n", b"+OK bye\r\n") as (address, heard):
        server.add_account("anna", "sesame", mailbox=False)
        set_backend(registry, POP3, address)
        with server.pop3("anna", "sesame") as client:
            equal(client.stat(), (3, 120))
            client.quit()
        equal([heard[0], *heard[2:4]], [b"AUTH PLAIN\r\n", b"STAT\r\n", b"QUIT\r\n"])


@rows([
    ("in use", [b"+OK hello\r\n", b"+ \r\n", b"-ERR [IN-USE] busy\r\n"], "[IN-USE]", "no-mailbox"),
    ("refused", [b"+OK hello\r\n", b"+ \r\n", b"-ERR [AUTH] no\r\n"], "[SYS/TEMP]", "backend-refused"),
    ("closed", [b"+OK hello\r\n"], "[SYS/TEMP]", "backend-unreachable"),
    ("nonsense", [b"\x00\xff\xfe\r\n"], "[SYS/TEMP]", "backend-refused"),
    ("endless", [b"+" * 20000], "[SYS/TEMP]", "backend-refused"),
])
def what_the_mail_server_says_decides(answers, code, reason):
    with Registry() as registry, MailServer(registry) as server, curt_server(*answers) as (address, _):
        server.add_account("anna", "sesame", mailbox=False)
        set_backend(registry, POP3, address)
        try:
            with server.pop3("anna", "sesame"):
                check(False, "the login was answered +OK")
        except poplib.error_proto as problem:
            contains(str(problem), code)
        equal(server.events(1)[0]["reason"], reason)


main()
