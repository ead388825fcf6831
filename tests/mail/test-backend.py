#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Sessions that are handed to a mail server behind: a real Dovecot for IMAP, a
POP3 server of few words for what no real one does on demand."""

import hashlib
import imaplib
import os
import poplib
import re
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from tempfile import TemporaryDirectory

from harness.bus import ALICE, BOB, is_root
from harness.case import Skip, check, contains, equal, main, rows, test
from harness.certificates import openssl
from harness.dovecot import CLOSED, MASTER, PASSWORD, Dovecot
from harness.mail import IMAP, PARAMETERS, POP3, MailServer
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


def trust(registry, dovecot):
    registry.client.set(PARAMETERS, "Backend CA File", REG_SZ, str(dovecot.directory / "certificate"))


@rows([("in the clear, by a socket", "imap+unix:{0.socket}"), ("through TLS", "imaps://127.0.0.1:{0.tls_port}")])
def a_session_goes_on_at_the_mail_server(address):
    with Registry() as registry, MailServer(registry) as server, Dovecot(server) as dovecot:
        server.add_account("anna", "sesame")
        server.deliver("anna", "Subject: one\n\nhello\n")
        trust(registry, dovecot)
        set_backend(registry, IMAP, address.format(dovecot))
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
        trust(registry, dovecot)
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
        set_backend(registry, IMAP, f"imap+unix:{registry.directory}/nobody")
        contains(refusal(server), "[UNAVAILABLE]")
        newest = server.events(1)[0]
        equal((newest["id"], newest["reason"]), (14005, "backend-unreachable"))


@test
def a_master_password_that_is_wrong_is_not_the_users_fault():
    with Registry() as registry, MailServer(registry) as server, Dovecot(server) as dovecot:
        server.add_account("anna", "sesame")
        set_backend(registry, IMAP, f"imap+unix:{dovecot.socket}", password="another")
        contains(refusal(server), "[UNAVAILABLE]")
        newest = server.events(1)[0]
        equal((newest["id"], newest["reason"]), (14005, "backend-refused"))
        check("another" not in str(server.events(100)), "the master's password is in an event")


@test
def what_a_real_server_refuses_reaches_the_client():
    with Registry() as registry, MailServer(registry) as server, Dovecot(
            server, also="mail_max_userip_connections = 1\n") as dovecot:
        server.add_account("anna", "sesame")
        set_backend(registry, IMAP, f"imap+unix:{dovecot.socket}")
        with server.imap("anna", "sesame"):
            answer, newest = refusal(server), server.events(1)[0]
            equal((newest["id"], newest["type"], newest["reason"]), (14005, "Error", "backend-refused"))
            # Which code this is depends on Dovecot's version: it is passed on.
            code, = re.findall(r"login NO (\[[A-Z]+\]) Maximum .*mail_max_userip_connections", newest["description"])
            contains(answer, code)
        registry.client.set(IMAP, "Backend Master User", REG_SZ, CLOSED)
        contains(refusal(server), "[CONTACTADMIN]")
        equal(server.events(1)[0]["reason"], "backend-refused")


@contextmanager
def curt_server(*answers, scheme="pop3", user=None, owner=None):
    """A server that says one line to each that it hears, its greeting first,
    then echoes; its address, and what it heard. @user listens, in @owner's folder."""
    heard = []

    def serve(listener):
        connection, _ = listener.accept()
        with suppress(ConnectionError), connection, connection.makefile("rwb", buffering=0) as stream:
            for answer in answers:
                stream.write(answer)
                heard.append(stream.readline())

    with TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        path = f"{folder}/pop3"
        listener.bind(path)
        os.chmod(folder, 0o755)
        os.chmod(path, 0o666)
        if owner is not None:
            os.chown(folder, owner, -1)
        with suppress() if user is None else acting_as(user):
            listener.listen()
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield f"{scheme}+unix:{path}", heard
        thread.join()


@contextmanager
def acting_as(user):
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)


@rows([("root, whose folder it is", 0, 0, "+OK"), ("the folder's owner", BOB, BOB, "+OK"),
       ("another in root's folder", BOB, 0, "[SYS/TEMP]"), ("another in a third one's", BOB, ALICE, "[SYS/TEMP]")])
def a_socket_is_told_the_password_only_if_the_right_user_listens(user, owner, answer):
    if not is_root():
        raise Skip("takes root, to be several users")
    said = (b"+OK hello\r\n", b"+ \r\n", b"+OK in\r\n", b"+OK bye\r\n")
    with Registry() as registry, MailServer(registry) as server, curt_server(*said, user=user, owner=owner) as (
            address, heard):
        server.add_account("anna", "sesame", mailbox=False)
        set_backend(registry, POP3, address)
        with server.pop3() as client:
            client.user("anna")
            try:
                contains(client.pass_("sesame").decode(), answer)
                client.quit()
            except poplib.error_proto as problem:
                contains(str(problem), answer)
        if answer != "+OK":
            contains(server.events(1)[0]["description"], f"user {user} listens there")
    equal(any(heard), answer == "+OK")


@test
def a_port_that_anybody_may_bind_is_told_no_password():
    if not is_root():
        raise Skip("takes root, for a network of its own")
    with Registry() as registry, MailServer(registry, imap=False) as server:
        server.add_account("anna", "sesame")
        set_backend(registry, IMAP, "imap://127.0.0.1:143")
        check = f"{program('mailauth/mailauthd')} --bus={registry.bus.address} --check"
        for first, is_refused in ((1024, False), (0, True)):
            setting = f"echo {first} >/proc/sys/net/ipv4/ip_unprivileged_port_start"
            result = registry.run("unshare", "--net", "sh", "-c", f"{setting}; {check}")
            equal("only root may bind" in result.stdout.decode(), is_refused, result.stderr)


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
    ("in use", [b"+OK hello\r\n", b"+ \r\n", b"-ERR [IN-USE] busy\r\n"], "[IN-USE]", "backend-refused"),
    ("too soon", [b"+OK hello\r\n", b"+ \r\n", b"-ERR [LOGIN-DELAY] wait\r\n"], "[LOGIN-DELAY]", "backend-refused"),
    ("for good", [b"+OK hello\r\n", b"+ \r\n", b"-ERR [SYS/PERM] gone\r\n"], "[SYS/PERM]", "backend-refused"),
    ("full at once", [b"-ERR [SYS/TEMP] full\r\n"], "[SYS/TEMP]", "backend-refused"),
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


GREETING, ASKED = b"* OK [CAPABILITY IMAP4rev1] ready\r\n", b"+ \r\n"


# What the server says to the credentials, and what the client is told.
CODES = [
    ("a limit", b"login NO [LIMIT] full\r\n", "NO [LIMIT] A limit"),
    ("expired", b"login NO [EXPIRED] gone\r\n", "NO [EXPIRED] The account"),
    ("in use", b"login NO [INUSE] busy\r\n", "NO [INUSE] Another session"),
    ("the administrator", b"login NO [CONTACTADMIN] x\r\n", "NO [CONTACTADMIN] "),
    ("later", b"login NO [UNAVAILABLE] x\r\n", "NO [UNAVAILABLE] "),
    ("no TLS", b"login NO [PRIVACYREQUIRED] x\r\n", "NO [PRIVACYREQUIRED] "),
    ("the master user", b"login NO [AUTHENTICATIONFAILED] x\r\n", "NO [UNAVAILABLE] "),
    ("no code", b"login NO [XYZZY] x\r\n", "NO [UNAVAILABLE] "),
    ("an alert", b"login NO [ALERT] Closed\x07\xff today.\r\n", "NO [ALERT] Closed?? today."),
    ("a long alert", b"login NO [ALERT] " + b"y" * 4000 + b"\r\n", "NO [ALERT] " + "y" * 255 + "\r\n"),
    ("an alert beside it", b"* NO [ALERT] Pay.\r\nlogin NO [EXPIRED] x\r\n",
     "* NO [ALERT] Pay.\r\na NO [EXPIRED] The account"),
    ("an end", b"* BYE [UNAVAILABLE] x\r\n", "NO [UNAVAILABLE] "),
]


@test
def a_code_of_the_server_behind_is_passed_on():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame", mailbox=False)
        set_backend(registry, IMAP, "imap://127.0.0.1:1")
        for title, said, answer in CODES:
            with curt_server(GREETING, ASKED, said, scheme="imap") as (address, _):
                registry.client.set(IMAP, "Backend", REG_SZ, address)
                connection, stream = server.raw(server.imap_port)
                with connection, stream:
                    connection.sendall(b"a LOGIN anna sesame\r\nb LOGOUT\r\n")
                    contains(f"{title}: {stream.read().decode()}", answer)
            newest = server.events(1)[0]
            equal((newest["id"], newest["type"], newest["reason"]), (14005, "Error", "backend-refused"), title)
        equal(server.status()["counts"]["imap.native.backend-refused"], len(CODES))


@test
def an_alert_of_a_login_that_is_taken_is_passed_on():
    with Registry() as registry, MailServer(registry) as server, curt_server(
            GREETING, ASKED, b"* OK [ALERT] Disk full soon\r\nlogin OK in\r\n", b"b OK\r\n", scheme="imap") as (address, _):
        server.add_account("anna", "sesame", mailbox=False)
        set_backend(registry, IMAP, address)
        connection, stream = server.raw(server.imap_port)
        with connection, stream:
            connection.sendall(b"a LOGIN anna sesame\r\n")
            contains(stream.readline().decode(), "a OK ")
            equal(stream.readline(), b"* OK [ALERT] Disk full soon\r\n")
            connection.sendall(b"b LOGOUT\r\n")
            equal(stream.readline(), b"b OK\r\n")


# ---- who is told the master user's password ----

def fingerprint(dovecot, other=False):
    der = ssl.PEM_cert_to_DER_cert((dovecot.directory / "certificate").read_text())
    return hashlib.sha256(der + (b"x" if other else b"")).hexdigest()


def make_authority(dovecot, file):
    """Another authority, of the same name."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
            "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "/dev/null",
            "-out", file)


TRUSTS = [
    # host of the address, key, settings, what is wrong ("": nothing)
    ("nothing is set", "127.0.0.1", PARAMETERS, {}, "self-signed certificate"),
    ("its authority", "127.0.0.1", PARAMETERS, {"Backend CA File": "{0.directory}/certificate"}, ""),
    ("its authority, by name", "localhost", PARAMETERS, {"Backend CA File": "{0.directory}/certificate"}, ""),
    ("its authority, of the protocol", "127.0.0.1", IMAP, {"Backend CA File": "{0.directory}/certificate"}, ""),
    ("another name", "127.0.0.2", PARAMETERS, {"Backend CA File": "{0.directory}/certificate"}, "IP address mismatch"),
    ("another authority", "127.0.0.1", PARAMETERS, {"Backend CA File": "{0.directory}/other"}, "self-signed certificate"),
    ("no authority", "127.0.0.1", PARAMETERS, {"Backend CA File": "{0.directory}/nothing"}, "Backend CA File"),
    ("its fingerprint", "127.0.0.2", PARAMETERS, {"Backend Fingerprint": "{1}"}, ""),
    ("two fingerprints", "127.0.0.1", IMAP, {"Backend Fingerprint": "sha256:{2} {1}"}, ""),
    ("another fingerprint", "127.0.0.1", PARAMETERS, {"Backend Fingerprint": "{2}"}, "Backend Fingerprint"),
    ("another fingerprint, its authority", "127.0.0.1", PARAMETERS,
     {"Backend Fingerprint": "{2}", "Backend CA File": "{0.directory}/certificate"}, "Backend Fingerprint"),
]


@test
def the_certificate_is_checked_on_loopback_too():
    with Registry() as registry, MailServer(registry) as server, Dovecot(server, "--listen=127.0.0.1, 127.0.0.2") as dovecot:
        server.add_account("anna", "sesame")
        make_authority(dovecot, dovecot.directory / "other")
        set_backend(registry, IMAP, "imaps://127.0.0.1:1")
        for title, host, key, settings, wrong in TRUSTS:
            registry.client.set(IMAP, "Backend", REG_SZ, f"imaps://{host}:{dovecot.tls_port}")
            for name, text in settings.items():
                registry.client.set(key, name, REG_SZ,
                                    text.format(dovecot, fingerprint(dovecot), fingerprint(dovecot, True)))
            answer = refusal(server)
            newest = server.events(1)[0]
            if wrong:
                contains(f"{title}: {answer}", "[UNAVAILABLE]")
                equal((newest["id"], newest["reason"]), (14005, "backend-unreachable"), title)
                contains(f"{title}: {newest['description']}", wrong)
            else:
                equal(answer, "OK", f"{title}: {newest}")
            for name in settings:
                registry.client.unset(key, name)
        registry.client.set(PARAMETERS, "Backend CA File", REG_SZ, f"{dovecot.directory}/nothing")
        contains(str(server.status()["problems"]), f"{dovecot.directory}/nothing")


@rows([
    ("unprivileged port", "imap://127.0.0.1:{0}"),
    ("unprivileged port, by name", "imap://localhost:{0}"),
    ("IPv6", "imap://[::1]:{0}"),
    ("another machine", "imap://192.0.2.1"),
    ("another machine's name", "imap://mail.example.org:143"),
])
def in_the_clear_nobody_else_is_told(address):
    with Registry() as registry, MailServer(registry) as server, socket.create_server(
            ("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        server.add_account("anna", "sesame")
        address = address.format(listener.getsockname()[1])
        set_backend(registry, IMAP, address)
        contains(refusal(server), "[UNAVAILABLE]")
        newest = server.events(1)[0]
        equal((newest["id"], newest["reason"]), (14004, "bad-setting"))
        contains(newest["description"], "without TLS")
        contains(str(server.status()["problems"]), address)
        result = registry.run(program("mailauth/mailauthd"), f"--bus={registry.bus.address}", "--check", uid=server.uid)
        contains(result.stdout.decode(), "without TLS")
        equal(result.returncode, 1)
        listener.setblocking(False)
        with suppress(BlockingIOError):
            listener.accept()
            check(False, "somebody was connected to")


@test
def a_privileged_port_may_be_told_in_the_clear():
    with Registry() as registry, MailServer(registry) as server:
        set_backend(registry, IMAP, "imap://127.0.0.1:1")
        server.add_account("anna", "sesame")
        contains(refusal(server), "[UNAVAILABLE]")
        equal(server.events(1)[0]["reason"], "backend-unreachable")
        contains(server.events(1)[0]["description"], "Connection refused")


main()
