#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Accounts with a mail server of their own: a real Dovecot beside one that is for everybody, and
is not there."""

import imaplib
import json
import os
import poplib
import socket
import threading
from contextlib import contextmanager, suppress
from tempfile import TemporaryDirectory

from harness.bus import wait_until
from harness.case import check, contains, equal, main, rows, test
from harness.dovecot import MASTER, PASSWORD, Dovecot
from harness.mail import ACCOUNTS, IMAP, POP3, MailServer
from harness.mailauthctl import INVALID, NOT_FOUND, USAGE, done, failed
from harness.ports import accepts
from harness.process import program
from harness.registry import REG_DWORD, REG_SZ, Registry, options
from harness.talk import Mail


@contextmanager
def mail_beside(*accounts):
    """With a server for everybody that is not there."""
    with Mail() as mail:
        equal(mail.registry.run(program("mailauth/mailauthctl/mailauthctl"), f"--bus={mail.registry.bus.address}",
                                "repair").returncode, 0)
        for key, scheme in ((IMAP, "imap"), (POP3, "pop3")):
            mail.client.set(key, "Backend Master User", REG_SZ, MASTER)
            mail.client.set(key, "Backend Master Password", REG_SZ, PASSWORD)
            mail.client.set(key, "Backend", REG_SZ, f"{scheme}+unix:{mail.directory}/nobody")
        for account in accounts:
            mail.add_account(account, "sesame")
        yield mail


def set_own(mail, account, address):
    if address is None:
        mail.client.unset(f"{ACCOUNTS}\\{account}", "Backend")
    else:
        mail.client.set(f"{ACCOUNTS}\\{account}", "Backend", REG_SZ, address)


def answer(mail, account):
    """"" for a session that works."""
    try:
        with mail.imap(account, "sesame") as client:
            equal(client.select("INBOX")[0], "OK")
            return ""
    except imaplib.IMAP4.error as problem:
        return str(problem)


@contextmanager
def pop3_server(folder):
    """One that takes the master user's login, and says what it has: its address, and who came."""
    came = []

    def serve(listener):
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, connection.makefile("rwb", buffering=0) as stream:
                    for said in (b"+OK\r\n", b"+ \r\n", b"+OK\r\n", b"+OK 7 700\r\n", b"+OK\r\n"):
                        stream.write(said)
                        came.append(stream.readline())

    path = f"{folder}/own"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.listen()
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield f"pop3+unix:{path}", came
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@test
def an_account_is_served_where_its_own_setting_says():
    with mail_beside("anna", "bob") as mail, Dovecot(mail) as dovecot:
        own = f"imap+unix:{dovecot.socket}"
        contains(answer(mail, "anna"), "[UNAVAILABLE]")
        set_own(mail, "anna", own)
        equal(answer(mail, "anna"), "")
        contains(answer(mail, "bob"), "[UNAVAILABLE]")
        # At once, each time, and by TLS, too.
        for _ in range(5):
            set_own(mail, "anna", None)
            contains(answer(mail, "anna"), "[UNAVAILABLE]")
            set_own(mail, "anna", own)
            equal(answer(mail, "anna"), "")
        set_own(mail, "bob", f"imaps://localhost:{dovecot.tls_port}")
        contains(answer(mail, "bob"), "[UNAVAILABLE]")
        contains(mail.events(1)[0]["description"], "self-signed")
        mail.client.set(IMAP, "Backend CA File", REG_SZ, str(dovecot.directory / "certificate"))
        equal(answer(mail, "bob"), "")
        # What an administrator's test says.
        said = done(mail.registry, "test", "--protocol=imap", "anna", password="sesame")
        contains(said, f"mailbox: {own}, the account's own `Backend`")
        contains(said, "mailbox: opened, and closed again")
        # Without regd what was last known holds.
        mail.registry.stop()
        equal(answer(mail, "anna"), "")
        mail.registry.start()


@test
def each_protocol_has_its_own():
    with mail_beside("anna") as mail, pop3_server(mail.directory) as (address, came):
        os.chmod(mail.directory, 0o755)
        mail.deliver("anna", "Subject: x\n\nx\n")

        def stat():
            with mail.pop3("anna", "sesame") as client:
                found = client.stat()
                client.quit()
                return found[0]

        equal(stat(), 1)
        set_own(mail, "anna", "imap+unix:/nobody")  # IMAP's alone
        equal(stat(), 1)
        set_own(mail, "anna", f"imap+unix:/nobody {address}")
        equal(stat(), 7)
        check(came, "the account's server was not asked")
        set_own(mail, "anna", None)
        equal(stat(), 1)


@rows([
    ("in the clear", "imap://192.0.2.1:143", "without TLS"),
    ("an unprivileged port", "imap://127.0.0.1:1143", "without TLS"),
])
def one_that_cannot_be_used_is_not_passed_over(address, why):
    with mail_beside("anna") as mail:
        set_own(mail, "anna", address)
        contains(answer(mail, "anna"), "[UNAVAILABLE]")
        newest = mail.events(1)[0]
        equal((newest["id"], newest["reason"]), (14004, "bad-setting"))
        contains(newest["description"], "Users\\anna, Backend: ")
        contains(newest["description"], why)
        problems = str(mail.status()["problems"])
        contains(problems, "anna")
        contains(problems, why)
        result = mail.registry.run(program("mailauth/mailauthd"), f"--bus={mail.registry.bus.address}", "--check",
                                   uid=mail.uid)
        contains(result.stdout.decode(), why)


@rows([("empty", REG_SZ, ""), ("a space", REG_SZ, " "), ("no text", REG_DWORD, 1)])
def one_that_names_nothing_is_not_passed_over(kind, data):
    """Without the schemas, which keep it out."""
    with TemporaryDirectory() as nothing, Registry([nothing]) as registry, MailServer(registry) as mail:
        mail.add_account("anna", "sesame")
        registry.client.set(f"{ACCOUNTS}\\anna", "Backend", kind, data)
        with suppress(poplib.error_proto), mail.pop3("anna", "sesame"):
            check(False, "the login was answered +OK")
        newest = mail.events(1)[0]
        equal((newest["id"], newest["reason"]), (14004, "bad-setting"))
        contains(newest["description"], "Users\\anna, Backend: ")
        contains(str(mail.status()["problems"]), "anna")
        failed(registry, INVALID, "user", "set", "anna", "--backend= ", naming="is not imap://")


@test
def mailauthctl_sets_and_shows_it():
    with Registry() as registry:
        done(registry, "repair")
        failed(registry, NOT_FOUND, "user", "show", "anna", naming="no such account")
        failed(registry, NOT_FOUND, "user", "set", "anna", "--backend=imaps://a", naming="no such account")
        done(registry, "user", "add", "anna", password="sesame")
        equal(done(registry, "user", "show", "ANNA"),
              "user: anna\ndisabled: no\nbackend: as everybody's\nmail directory: as everybody's\napp passwords: none\n")
        done(registry, "user", "app-password", "anna", "add", "phone")
        done(registry, "user", "set", "anna", "--backend=imaps://a pop3s://b", "--mail-directory=/m/%d/%n", "--comment=moved")
        equal(json.loads(done(registry, "--json", "user", "show", "anna")),
              {"user": "anna", "disabled": False, "backend": "imaps://a pop3s://b", "mail-directory": "/m/%d/%n",
               "app-passwords": ["phone"]})
        equal(registry.client.call("GetHistory", "sa{sv}", ACCOUNTS, options(limit=1))[0]["comment"], "moved")
        done(registry, "user", "set", "anna", "--backend=")
        contains(done(registry, "user", "show", "anna"), "backend: as everybody's\nmail directory: /m/%d/%n\n")
        for wrong in ("--backend=a", "--backend=imap://192.0.2.1", "--backend=imaps://a http://b", "--mail-directory=m",
                      "--mail-directory=/%x"):
            failed(registry, INVALID, "user", "set", "anna", wrong)
        for words in (("set", "anna"), ("set",), ("show",), ("show", "anna", "x"), ("show", "anna", "--backend=imaps://a"),
                      ("disable", "anna", "--backend=imaps://a"), ("set", "anna", "--expires=1d")):
            failed(registry, USAGE, "user", *words)
        contains(done(registry, "user", "show", "anna"), "mail directory: /m/%d/%n\n")


@test
def imap_listens_by_its_own_setting_only():
    with mail_beside("anna") as mail:
        set_own(mail, "anna", "imap+unix:/somewhere")
        contains(answer(mail, "anna"), "[UNAVAILABLE]")
        mail.client.set(IMAP, "Backend", REG_SZ, "")
        wait_until(lambda: not accepts(mail.imap_port), "IMAP to listen no longer")


main()
