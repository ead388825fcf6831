# SPDX-License-Identifier: MIT
"""SCRAM-SHA-256 as native accounts log in with it: who is let in, when it is offered, and channel binding."""

import hashlib
import json
import os
import signal
import ssl

from harness.case import check, contains, equal, main, rows, test
from harness.mail import ACCOUNTS, PARAMETERS, POP3, STORE, IMAP, hash_password
from harness.registry import REG_DWORD, REG_MULTI_SZ, REG_SZ
from harness.scram import Scram, begin_pop3, encode, hear, pop3_answer
from harness.talk import Mail
from harness.scram_server import BOUND, OFFERED, ctl, sasl_names, serving, wait_for_names

WRONG = "-ERR [AUTH] Authentication failed."
TEMPORARY = "-ERR [SYS/TEMP] Temporary authentication failure."


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
            os.kill(verifier, signal.SIGKILL)
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


main()
