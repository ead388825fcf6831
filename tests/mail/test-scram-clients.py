# SPDX-License-Identifier: MIT
"""SCRAM-SHA-256 with clients that others wrote, and over the socket for other servers."""

import base64
import imaplib
import shutil
import subprocess
from contextlib import contextmanager

from harness.auth import AuthTalk, wait_for_socket
from harness.bus import needs_root
from harness.case import Skip, contains, equal, main, rows, test
from harness.dovecot import Dovecot
from harness.mail import PARAMETERS
from harness.process import PATIENCE
from harness.registry import REG_DWORD, REG_SZ
from harness.scram import Scram, encode, hear
from harness.smtp import Exim, Postfix
from harness.talk import Mail
from harness.scram_server import OFFERED, ctl, run, serving, wait_for_names


@contextmanager
def imap_serving():
    with serving() as mail, Dovecot(mail) as dovecot:
        mail.deliver("ann", "Subject: one\n\nHello\n")
        dovecot.take_over()
        yield mail


@test
def imaplib_with_scram():
    with imap_serving() as mail:
        client = imaplib.IMAP4("localhost", mail.imap_port, timeout=PATIENCE)
        contains(str(client.capabilities), "AUTH=SCRAM-SHA-256")
        scram = Scram("ann", "sesame")
        steps = [lambda _: scram.first(), scram.final, lambda answer: scram.verify(answer) or ""]
        client.authenticate("SCRAM-SHA-256", lambda challenge: steps.pop(0)(challenge.decode()))
        equal(client.select("INBOX"), ("OK", [b"1"]))
        client.logout()
        equal(mail.last_event(), (11202, "ok", "ann"))


@test
def mbsync_with_scram_of_cyrus_sasl():
    with imap_serving() as mail:
        home = mail.directory / "home"
        home.mkdir()
        control = home / "mbsyncrc"
        for password, code in (("sesame", 0), ("wrong", 1)):
            control.write_text(
                f"IMAPStore far\nHost 127.0.0.1\nPort {mail.imap_port}\nUser ann\nPass {password}\nSSLType None\n"
                f"AuthMechs SCRAM-SHA-256\n\nMaildirStore near\nInbox {home}/inbox\n\n"
                f"Channel all\nFar :far:\nNear :near:\nSync Pull\nSyncState {home}/state\n")
            run("mbsync", "-c", str(control), "all", code=code, env={"HOME": str(home), "PATH": "/usr/bin:/bin"})
            equal(mail.last_event(), (11202, "ok" if code == 0 else "bad-password", "ann"))
        equal(len(list((home / "inbox" / "new").iterdir())), 1)


def gsasl(mail, *words, password="sesame", code=0):
    return run("gsasl", "--client", "--imap", "--connect", f"localhost:{mail.imap_port}", "-a", "ann", "-p", password,
               *words, code=code, stdin=subprocess.DEVNULL)


def try_gsasl(mail, *words):
    """A login, and one with a wrong password, by their events: the program says the same of both at its end."""
    gsasl(mail, *words, code=None)
    equal(mail.last_event(), (11202, "ok", "ann"))
    gsasl(mail, *words, password="wrong", code=None)
    equal(mail.last_event(), (11202, "bad-password", "ann"))


@test
def gsasl_with_scram():
    with imap_serving() as mail:
        try_gsasl(mail, "-m", "SCRAM-SHA-256", "--no-starttls")


@rows([
    ("TLS 1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.3"),
    ("TLS 1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.2"),
])
def gsasl_with_scram_bound_to_tls(priority):
    with imap_serving() as mail:
        mail.add_certificate()
        authority = f"--x509-ca-file={mail.directory}/localhost.pem"
        try_gsasl(mail, "-m", "SCRAM-SHA-256-PLUS", "--starttls", authority, f"--priority={priority}")


# ---- other servers ----

@contextmanager
def socket_serving(as_root=False):
    mail = Mail()
    if as_root:
        needs_root()
        if not shutil.which("postfix"):
            raise Skip("takes postfix")
        mail.as_root, mail.uid = True, None
    with mail:
        ctl(mail, "user", "add", "ann", password="sesame")
        wait_for_names(mail, OFFERED)
        folder = mail.directory / "sockets"
        folder.mkdir()
        if mail.uid is not None:
            shutil.chown(folder, mail.uid)
        if as_root:
            mail.client.set(PARAMETERS, "Auth Socket Mode", REG_DWORD, 0o660)
            mail.client.set(PARAMETERS, "Auth Socket Group", REG_SZ, "postfix")
        mail.client.set(PARAMETERS, "Auth Socket", REG_SZ, str(folder / "auth"))
        wait_for_socket(folder / "auth")
        yield mail, folder / "auth"


@test
def the_auth_socket_offers_it_without_binding():
    with socket_serving() as (mail, auth):
        with AuthTalk(auth) as client:
            equal([line for line in client.greeting if "SCRAM" in line], ["MECH\tSCRAM-SHA-256\tmutual-auth"])
            for password, expected in (("sesame", "OK\t1\tuser=ann"), ("wrong", "FAIL\t1\tuser=ann")):
                scram = Scram("ann", password, flag="y")
                client.say(f"AUTH\t1\tSCRAM-SHA-256\tservice=smtp\tresp={encode(scram.first())}")
                client.say(f"CONT\t1\t{encode(scram.final(hear(client.line())))}")
                answer = client.line()
                if answer.startswith("CONT"):
                    scram.verify(hear(answer))
                    client.say("CONT\t1\t")
                    answer = client.line()
                equal(answer, expected)
            scram = Scram("ann", "sesame")
            client.say(f"AUTH\t2\tSCRAM-SHA-256\tresp={encode(scram.first())}")
            challenge = hear(client.line())
            mail.choose("MBS_BASIC", "3")
            client.say(f"CONT\t2\t{encode(scram.final(challenge))}")
            equal(client.line(), "", "an outage closes the connection")
        with AuthTalk(auth) as client:
            wait_for_names(mail, ["PLAIN", "LOGIN"])
        with AuthTalk(auth) as client:
            equal([line for line in client.greeting if "SCRAM" in line], [])


@test
def exchanges_that_nobody_goes_on_with_make_room():
    with socket_serving() as (mail, auth), AuthTalk(auth) as client:
        first = encode(Scram("ann", "sesame").first())
        for number in range(1, 400):
            client.say(f"AUTH\t{number}\tSCRAM-SHA-256\tresp={first}")
            client.line()
        scram = Scram("ann", "sesame")
        client.say(f"AUTH\t500\tSCRAM-SHA-256\tresp={encode(scram.first())}")
        client.say(f"CONT\t500\t{encode(scram.final(hear(client.line())))}")
        scram.verify(hear(client.line()))
        client.say("CONT\t1\t")
        equal(client.line(), "FAIL\t1")
        client.say("CONT\t500\t")
        equal(client.line(), "OK\t500\tuser=ann")


def log_in_by_smtp(server, password):
    """The code that a client is answered with at last."""
    import smtplib
    with smtplib.SMTP("127.0.0.1", server.port, timeout=PATIENCE) as client:
        client.ehlo("localhost")
        contains(client.esmtp_features["auth"], "SCRAM-SHA-256")
        scram = Scram("ann", password)
        code, challenge = client.docmd("AUTH", "SCRAM-SHA-256 " + encode(scram.first()))
        equal(code, 334, challenge)
        code, answer = client.docmd(encode(scram.final(base64.b64decode(challenge).decode())))
        if code != 334:
            return code
        scram.verify(base64.b64decode(answer).decode())
        return client.docmd("")[0]


@test
def postfix_logs_its_users_in():
    with socket_serving(as_root=True) as (mail, auth), \
            Postfix(smtpd_sasl_type="dovecot", smtpd_sasl_path=auth) as postfix:
        equal(log_in_by_smtp(postfix, "sesame"), 235)
        equal(mail.last_event(), (11202, "ok", "ann"))
        equal(log_in_by_smtp(postfix, "wrong"), 535)


@test
def exim_logs_its_users_in():
    with socket_serving(as_root=True) as (mail, auth), Exim(auth, "postfix") as exim:
        equal(log_in_by_smtp(exim, "sesame"), 235)
        equal(mail.last_event(), (11202, "ok", "ann"))
        equal(log_in_by_smtp(exim, "wrong"), 535)


main()
