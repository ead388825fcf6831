#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""SCRAM-SHA-256 for native accounts: who is offered it, how it ends, and what a
stranger learns of it; by a client of the tests' own and by those that people have."""

import base64
import hashlib
import imaplib
import json
import shutil
import ssl
import subprocess
from contextlib import contextmanager

from harness.auth import AuthTalk, wait_for_socket
from harness.bus import needs_root
from harness.case import Failure, Skip, check, contains, equal, main, rows, test
from harness.dovecot import Dovecot
from harness.mail import ACCOUNTS, PARAMETERS, POP3, STORE, IMAP, hash_password
from harness.process import PATIENCE, program
from harness.registry import REG_DWORD, REG_MULTI_SZ, REG_SZ
from harness.scram import Scram, begin_pop3, encode, hear, pop3_answer
from harness.smtp import Exim, Postfix
from harness.talk import Mail

WRONG = "-ERR [AUTH] Authentication failed."
TEMPORARY = "-ERR [SYS/TEMP] Temporary authentication failure."


def ctl(mail, *words, password=None, code=0):
    result = mail.registry.run(program("mailauth/mailauthctl/mailauthctl"), f"--bus={mail.registry.bus.address}", *words,
                               input=None if password is None else f"{password}\n".encode())
    equal(result.returncode, code, f"{words}: {result.stdout} {result.stderr}")
    return result.stdout.decode()


def sasl_names(mail, tls=None):
    """What POP3's CAPA lists."""
    with mail.pop3_talk(tls) as client:
        client.expect("+OK")
        client.say("CAPA")
        return [name for line in client.until(".") if line.startswith("SASL") for name in line.split()[1:]]


def wait_for_names(mail, expected, tls=None):
    """The front hears of a change a moment after it has been written."""
    for _ in range(100000):
        if sasl_names(mail, tls) == expected:
            return
    raise Failure(f"SASL does not become {expected}")


OFFERED = ["PLAIN", "LOGIN", "SCRAM-SHA-256"]
BOUND = [*OFFERED, "SCRAM-SHA-256-PLUS"]


@contextmanager
def serving(settings=(), mailbox=True):
    """An account with keys, and one without."""
    with Mail(settings) as mail:
        ctl(mail, "user", "add", "ann", password="sesame")
        if mailbox:
            mail.add_mailbox("ann")
        mail.add_account("bob", "sesame")
        wait_for_names(mail, OFFERED)
        yield mail


def log_in(mail, user="ann", password="sesame", tls=None, mechanism="SCRAM-SHA-256", **how):
    with mail.pop3_talk(tls) as client:
        client.expect("+OK")
        answer = pop3_answer(client, Scram(user, password, **how), mechanism)
        if answer.startswith("+OK"):
            client.ask("QUIT", "+OK")  # the mailbox is free then
        return answer


def ask_salt(mail, user):
    """What a stranger learns of a name: salt and iteration count."""
    with mail.pop3_talk() as client:
        client.expect("+OK")
        scram = Scram(user, "guess")
        equal(begin_pop3(client, scram), WRONG)
        return scram.salt, scram.iterations


@test
def an_account_with_keys_logs_in():
    with serving() as mail:
        mail.deliver("ann", "Subject: one\n\nHello\n")
        with mail.pop3_talk() as client:
            client.expect("+OK")
            equal(pop3_answer(client, Scram("ann", "sesame")), "+OK Logged in.")
            client.ask("STAT", "+OK 1 ")
            client.ask("QUIT", "+OK")
        equal(mail.last_event(), (11202, "ok", "ann"))
        equal(log_in(mail, user="ANN"), "+OK Logged in.")


@rows([
    ("wrong password", "ann", "wrong", "bad-password", ""),
    ("unknown user", "nobody", "sesame", "no-such-user", ""),
    ("a name that is no key", "a=b,c\\d", "x", "no-such-user", ""),
    ("an account without keys", "bob", "sesame", "bad-password", "no keys"),
])
def a_refusal_tells_nobody_why(user, password, reason, detail):
    with serving() as mail:
        equal(log_in(mail, user, password), WRONG)
        event = mail.events()[0]
        equal((event["id"], event["type"], event["reason"]), (11202, "Failure Audit", reason))
        contains(event["description"], detail)


@test
def the_disabled_and_those_not_named_for_maintenance_are_refused():
    with serving() as mail:
        ctl(mail, "user", "disable", "ann")
        equal(log_in(mail), WRONG)
        equal(mail.last_event(), (11202, "disabled", "ann"))
        ctl(mail, "user", "enable", "ann")
        mail.client.set(STORE, "Logon Only As", REG_MULTI_SZ, ["bob"])
        contains(log_in(mail), "-ERR [SYS/TEMP]")
        equal(mail.last_event(), (14006, "maintenance", "ann"))
        mail.client.set(STORE, "Logon Only As", REG_MULTI_SZ, ["ann"])
        equal(log_in(mail), "+OK Logged in.")


@test
def failures_are_held_back_like_any_other():
    with serving() as mail:
        mail.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 2)
        equal([log_in(mail, password="wrong") for _ in range(2)], [WRONG] * 2)
        equal(log_in(mail), WRONG)
        equal(mail.last_event(), (14002, "held-back", "ann"))
        contains(mail.pop3_answer("ann", "sesame"), WRONG)
        ctl(mail, "release", "ann")
        equal(log_in(mail), "+OK Logged in.")


@test
def salts_tell_nobody_who_is_there():
    with serving() as mail:
        names = ("ann", "bob", "nobody", "somebody", "a@b", "a=b")
        asked = {name: ask_salt(mail, name) for name in names}
        equal(len({salt for salt, _ in asked.values()}), len(names), "all differ")
        equal({(len(salt), iterations) for salt, iterations in asked.values()}, {(16, 16384)})
        equal(ask_salt(mail, "NOBODY"), asked["nobody"])
        mail.stop()
        mail.start()
        wait_for_names(mail, OFFERED)
        equal({name: ask_salt(mail, name) for name in names}, asked, "after a restart")
        ctl(mail, "user", "passwd", "ann", password="other")
        check(ask_salt(mail, "ann") != asked["ann"], "a new password has a new salt")
        equal(ask_salt(mail, "nobody"), asked["nobody"])


@test
def a_changed_password_takes_its_keys_along():
    with serving() as mail:
        ctl(mail, "user", "passwd", "ann", password="other")
        equal(log_in(mail), WRONG)
        equal(log_in(mail, password="other"), "+OK Logged in.")
        mail.client.set(f"{ACCOUNTS}\\ann", "Password", REG_SZ, hash_password("third"))
        for password in ("other", "third"):
            equal(log_in(mail, password=password), WRONG)
            contains(mail.events()[0]["description"], "those of another password")
        contains(mail.pop3_answer("ann", "third"), "+OK")


@test
def an_exchange_that_is_overtaken_is_a_temporary_failure():
    with serving() as mail:
        with mail.pop3_talk() as client:
            client.expect("+OK")
            scram = Scram("ann", "sesame")
            challenge = hear(client.ask(f"AUTH SCRAM-SHA-256 {encode(scram.first())}", "+ "))
            ctl(mail, "user", "passwd", "ann", password="sesame")
            client.ask(encode(scram.final(challenge)), TEMPORARY)
            equal(mail.last_event(), (14009, "overtaken", "ann"))
            scram = Scram("ann", "sesame")
            challenge = hear(client.ask(f"AUTH SCRAM-SHA-256 {encode(scram.first())}", "+ "))
            file = mail.add_broker()
            mail.add_member(file, "ann", "sesame")
            mail.choose("MBS_BASIC", "3")
            client.ask(encode(scram.final(challenge)), TEMPORARY)
            equal(mail.last_event(), (14009, "overtaken", "ann"))
            contains(mail.events()[0]["description"], "MBS Package")


@test
def it_is_offered_where_native_accounts_with_keys_decide():
    with Mail() as mail:
        mail.add_account("bob", "sesame")
        equal(sasl_names(mail), ["PLAIN", "LOGIN"])
        with mail.pop3_talk() as client:
            client.expect("+OK")
            client.ask(f"AUTH SCRAM-SHA-256 {encode('n,,n=bob,r=x')}", "-ERR Unsupported")
        ctl(mail, "user", "passwd", "bob", password="sesame")
        wait_for_names(mail, OFFERED)
        mail.choose("MBS_BASIC", "3")
        wait_for_names(mail, ["PLAIN", "LOGIN"])
        mail.choose("")
        wait_for_names(mail, OFFERED)
        mail.client.set(PARAMETERS, "Native Source", REG_SZ, "PAM")
        wait_for_names(mail, ["PLAIN", "LOGIN"])
        mail.client.set(PARAMETERS, "Native Source", REG_SZ, "SAM")
        wait_for_names(mail, OFFERED)
        ctl(mail, "user", "remove", "bob")
        wait_for_names(mail, ["PLAIN", "LOGIN"])
        with mail.imap_talk() as client:
            contains(client.expect("* OK"), "AUTH=PLAIN AUTH=LOGIN")


@test
def it_is_offered_in_clear_text_unless_that_is_never_allowed():
    with serving() as mail:
        mail.client.set(POP3, "Clear Text", REG_SZ, "never")
        mail.client.set(IMAP, "Clear Text", REG_SZ, "never")
        wait_for_names(mail, [])
        with mail.pop3_talk() as client:
            client.expect("+OK")
            client.ask(f"AUTH SCRAM-SHA-256 {encode('n,,n=ann,r=x')}", "-ERR ")
            equal(mail.last_event()[:2], (14003, "clear-text"))
        context = mail.add_certificate()
        equal(sasl_names(mail, context), BOUND)
        equal(log_in(mail, tls=context), "+OK Logged in.")


# ---- channel binding ----

def tls_context(mail, version=None):
    context = mail.add_certificate()
    if version:
        context.maximum_version = version
    return context


def end_point(client):
    return "tls-server-end-point", hashlib.sha256(client.socket.getpeercert(True)).digest()


@test
def a_login_is_bound_to_its_connection():
    with serving() as mail:
        context = tls_context(mail)
        for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
            context.maximum_version = version
            with mail.pop3_talk(context) as client:
                client.expect("+OK")
                kind, value = end_point(client)
                wrong = bytes([value[0] ^ 1]) + value[1:]
                equal(pop3_answer(client, Scram("ann", "sesame", binding=(kind, wrong)), "SCRAM-SHA-256-PLUS"), WRONG)
                equal(mail.last_event(), (11202, "channel-binding", "ann"))
                equal(pop3_answer(client, Scram("ann", "sesame", binding=("tls-what", value)), "SCRAM-SHA-256-PLUS"),
                      WRONG)
                equal(pop3_answer(client, Scram("ann", "sesame", binding=(kind, value)), "SCRAM-SHA-256-PLUS"),
                      "+OK Logged in.")
                client.ask("QUIT", "+OK")


@test
def tls_unique_is_of_tls_1_2_alone():
    with serving() as mail:
        context = tls_context(mail, ssl.TLSVersion.TLSv1_2)
        session = None
        for _ in range(2):  # the second resumes the first
            with mail.pop3_talk() as client:
                client.expect("+OK")
                client.ask("STLS", "+OK")
                client.socket = context.wrap_socket(client.socket, server_hostname="localhost", session=session)
                session = client.socket.session
                binding = ("tls-unique", client.socket.get_channel_binding("tls-unique"))
                equal(pop3_answer(client, Scram("ann", "sesame", binding=binding), "SCRAM-SHA-256-PLUS"),
                      "+OK Logged in.")
                client.ask("QUIT", "+OK")
                resumed = client.socket.session_reused
        check(resumed, "the session was not resumed")
        context.maximum_version = ssl.TLSVersion.TLSv1_3
        equal(log_in(mail, tls=context, binding=("tls-unique", b"0" * 12), mechanism="SCRAM-SHA-256-PLUS"), WRONG)


@test
def a_resumed_session_is_bound_to_the_certificate_it_began_with():
    with serving() as mail:
        context = tls_context(mail)
        session, certificate = None, None
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context.maximum_version = version
            for resumes in (False, True):
                with mail.pop3_talk() as client:
                    client.expect("+OK")
                    client.ask("STLS", "+OK")
                    client.socket = context.wrap_socket(client.socket, server_hostname="localhost",
                                                        session=session if resumes else None)
                    certificate = client.socket.getpeercert(True) or certificate
                    binding = ("tls-server-end-point", hashlib.sha256(certificate).digest())
                    equal(pop3_answer(client, Scram("ann", "sesame", binding=binding), "SCRAM-SHA-256-PLUS"),
                          "+OK Logged in.")
                    client.ask("QUIT", "+OK")
                    session = client.socket.session
                    equal(client.socket.session_reused, resumes)


@test
def a_client_that_was_kept_from_binding_is_refused():
    with serving() as mail:
        context = tls_context(mail)
        equal(log_in(mail, tls=context, flag="y"), WRONG)
        equal(mail.last_event(), (11202, "channel-binding", "ann"))
        equal(log_in(mail, tls=context, flag="n"), "+OK Logged in.")
        equal(log_in(mail, flag="y"), "+OK Logged in.")


# ---- what goes wrong on the way ----

@test
def an_exchange_that_is_broken_off_harms_nobody():
    with serving() as mail:
        with mail.pop3_talk() as client:
            client.expect("+OK")
            first = f"AUTH SCRAM-SHA-256 {encode(Scram('ann', 'sesame').first())}"
            client.ask(first, "+ ")
            client.ask("*", "-ERR Authentication cancelled.")
            scram = Scram("ann", "sesame")
            client.ask("*" if begin_pop3(client, scram).startswith("+ ") else "", "-ERR Authentication cancelled.")
            equal(pop3_answer(client, Scram("ann", "sesame")), "+OK Logged in.")
            client.ask("QUIT", "+OK")
        with mail.pop3_talk() as client:
            client.expect("+OK")
            for _ in range(3):
                client.ask(first, "+ ")
                client.ask("!", "-ERR The authentication response cannot be read.")
            client.expect("-ERR Too many bad commands.")
            client.expect_end()
        with mail.pop3_talk() as client:
            client.expect("+OK")
            client.ask(first, "+ ")
        with mail.pop3_talk() as client:
            client.expect("+OK")
            check(begin_pop3(client, Scram("ann", "sesame")).startswith("+ "), "no proof of the server's")
        equal(log_in(mail), "+OK Logged in.")


@test
def a_replaced_verifier_makes_an_exchange_fail_as_temporary():
    with serving() as mail:
        with mail.pop3_talk() as client:
            client.expect("+OK")
            scram = Scram("ann", "sesame")
            challenge = hear(client.ask(f"AUTH SCRAM-SHA-256 {encode(scram.first())}", "+ "))
            verifier = mail.roles()["verifier"][0]
            subprocess.run(["kill", "-9", str(verifier)], check=True)
            client.ask(encode(scram.final(challenge)), TEMPORARY)
            equal(pop3_answer(client, Scram("ann", "sesame")), "+OK Logged in.")
            client.ask("QUIT", "+OK")


@test
def an_administrator_is_told_of_keys():
    with serving() as mail:
        contains(ctl(mail, "test", "ann", password="sesame"), "the account has keys for it")
        contains(ctl(mail, "test", "bob", password="sesame"), "no keys for SCRAM-SHA-256")
        equal(json.loads(ctl(mail, "--json", "status"))["scram-sha-256"], "offered")
        mail.choose("MBS_BASIC", "3")
        equal(json.loads(ctl(mail, "--json", "status"))["scram-sha-256"], "not offered")
        contains(str(mail.client.get(f"{ACCOUNTS}\\ann", "SCRAM-SHA-256")), "'SCRAM-SHA-256$16384:")


# ---- clients that people have ----

def run(*command, code=0, **options):
    if not shutil.which(command[0]):
        raise Skip(f"takes {command[0]}")
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, **options)
    if code is not None:
        equal(done.returncode, code, f"{command[0]}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


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


if __name__ == "__main__":
    main()
