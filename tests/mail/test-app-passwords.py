#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""App passwords: made, listed and removed by mailauthctl; they log in where they may and as long
as they may, events name them, and removing one leaves the others."""

import json
import re
import time
from tempfile import TemporaryDirectory

from harness.auth import AuthTalk, ask_saslauthd, wait_for_socket
from harness.case import check, contains, equal, main, rows, test
from harness.mail import ACCOUNTS, PARAMETERS, MailServer, hash_password, needs_role_users
from harness.mailauthctl import INVALID, NOT_FOUND, USAGE, done, failed, run
from harness.registry import REG_DWORD, REG_MULTI_SZ, REG_QWORD, REG_SZ, Registry, options
from harness.talk import Mail

ANN = f"{ACCOUNTS}\\ann"
WRONG = "-ERR [AUTH]"
HOUR = 3600 * 10**6


def now():
    return time.time_ns() // 1000


def add(mail, label, *options, user="ann"):
    return done(mail.registry, "user", "app-password", user, "add", label, *options)[:-1]


def newest(mail):
    event = mail.events(1)[0]
    return event["reason"], event["description"]


def ready(mail):
    """ann with her own password and a Maildir; nothing is delayed or held."""
    mail.add_account("ann", "sesame")
    mail.client.set(PARAMETERS, "Failure Delay", REG_DWORD, 0)
    mail.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 0)
    return mail


@test
def one_is_printed_once_and_logs_in():
    with Mail() as mail:
        ready(mail)
        phone = add(mail, "phone")
        check(re.fullmatch(r"([a-z2-9]{4}-){6}[a-z2-9]{4}", phone), phone)
        check(phone != add(mail, "tablet"), "two are alike")
        kind, _, value = mail.client.get(f"{ANN}\\Passwords\\phone", "Password")
        equal(kind, REG_SZ)
        check(value.startswith("{SSHA512}") and phone not in value, value)
        contains(mail.pop3_answer("ann", phone), "+OK")
        equal(newest(mail)[0], "ok")
        contains(newest(mail)[1], "by the app password 'phone'")
        contains(mail.pop3_answer("ann", "sesame"), "+OK")
        check("app password" not in newest(mail)[1], newest(mail)[1])
        contains(mail.pop3_answer("ann", phone[:-1]), WRONG)
        contains(mail.pop3_answer("bob", phone), WRONG)
        done(mail.registry, "user", "app-password", "ann", "remove", "phone", "--comment=lost it")
        equal([each["comment"] for each in mail.client.call("GetHistory", "sa{sv}", ANN, options(limit=2))],
              ["lost it", "mailauthctl user app-password ann add tablet"])
        contains(mail.pop3_answer("ann", phone), WRONG)
        contains(mail.pop3_answer("ann", "sesame"), "+OK")
        equal(done(mail.registry, "user", "app-password", "ann", "list"), "tablet: all protocols\n")


@test
def it_is_for_its_protocols():
    with Mail() as mail:
        ready(mail)
        by_imap, by_both, by_mail = add(mail, "a", "--protocols=imap"), add(mail, "b", "--protocols=POP3,imap"), add(
            mail, "c", "--protocols=smtp")
        equal(mail.client.get(f"{ANN}\\Passwords\\b", "Protocols")[2], ["pop3", "imap"])
        contains(mail.pop3_answer("ann", by_both), "+OK")
        for password, label in ((by_imap, "a"), (by_mail, "c")):
            contains(mail.pop3_answer("ann", password), WRONG)
            equal(newest(mail)[0], "bad-password")
            contains(newest(mail)[1], f"the app password '{label}' is for other protocols")
        # Logged in, but there is no mail server behind.
        contains(mail.imap_answer("ann", by_imap), "UNAVAILABLE")
        contains(mail.imap_answer("ann", by_mail), "AUTHENTICATIONFAILED")


def right_by_dovecot(path, password, service):
    with AuthTalk(path) as client:
        return client.plain("ann", password, service=service).startswith("OK\t")


def right_by_saslauthd(path, password, service):
    return ask_saslauthd(path, "ann", password, service=service) == "OK"


@rows([("Dovecot's protocol", "Auth Socket", right_by_dovecot),
       ("saslauthd's", "Saslauthd Socket", right_by_saslauthd)])
def on_a_socket_the_service_is_what_the_other_server_says(setting, is_right):
    with Mail() as mail:
        ready(mail)
        folder = mail.directory / "sockets"
        folder.mkdir()
        mail.give(folder)
        path = folder / "auth"
        mail.client.set(PARAMETERS, setting, REG_SZ, str(path))
        wait_for_socket(path)
        smtp, sieve = add(mail, "s", "--protocols=smtp"), add(mail, "v", "--protocols=sieve")
        everything = add(mail, "e")
        for password, service, right in ((smtp, "smtp", True), (smtp, "SMTP", True), (smtp, "sieve", False),
                                         (smtp, "", False), (sieve, "sieve", True), (everything, "", True)):
            equal(is_right(path, password, service), right, f"{service}: {newest(mail)}")


@test
def it_ends_when_it_expires():
    with Mail() as mail:
        ready(mail)
        phone = add(mail, "phone", "--expires=1h")
        end = mail.client.get(f"{ANN}\\Passwords\\phone", "Expires")[2]
        check(abs(end - now() - HOUR) < 60 * 10**6, f"{end}")
        contains(mail.pop3_answer("ann", phone), "+OK")
        mail.client.set(f"{ANN}\\Passwords\\phone", "Expires", REG_QWORD, now() - 1)
        contains(mail.pop3_answer("ann", phone), WRONG)
        equal(newest(mail)[0], "bad-password")
        contains(newest(mail)[1], "the app password 'phone' has expired")
        contains(done(mail.registry, "user", "app-password", "ann", "list"), "phone: all protocols, expired ")
        mail.client.set(f"{ANN}\\Passwords\\phone", "Expires", REG_QWORD, now() + HOUR)
        contains(mail.pop3_answer("ann", phone), "+OK")


@test
def it_helps_no_account_that_is_barred():
    with Mail() as mail:
        ready(mail)
        phone = add(mail, "phone")
        for name, kind, value in (("Disabled", REG_DWORD, 1), ("Password", REG_SZ, "!" + hash_password("sesame"))):
            kept = mail.client.get(ANN, name)[2] if name == "Password" else 0
            mail.client.set(ANN, name, kind, value)
            contains(mail.pop3_answer("ann", phone), WRONG)
            equal(newest(mail)[0], "disabled")
            mail.client.set(ANN, name, kind, kept)
            contains(mail.pop3_answer("ann", phone), "+OK")
        # The account's own hash is broken, which is no matter here.
        mail.client.set(ANN, "Password", REG_SZ, "{MD5}x")
        contains(mail.pop3_answer("ann", phone), "+OK")
        contains(mail.pop3_answer("ann", "other"), "-ERR [SYS/PERM]")


@test
def hashes_that_are_slow_or_broken_are_no_danger():
    with Mail() as mail:
        ready(mail)
        phone = add(mail, "phone")
        mail.client.set(f"{ANN}\\Passwords\\slow", "Password", REG_SZ, hash_password("slow", 5000))
        mail.client.set(f"{ANN}\\Passwords\\broken", "Password", REG_SZ, "{MD5}x")
        mail.client.set(f"{ANN}\\Passwords\\limits", "Password", REG_SZ, hash_password("limits"))
        contains(mail.pop3_answer("ann", "limits"), "+OK")
        mail.client.set(f"{ANN}\\Passwords\\limits", "Protocols", REG_MULTI_SZ, [])
        contains(mail.pop3_answer("ann", "limits"), "+OK")
        for password in (phone, "slow", "sesame"):
            contains(mail.pop3_answer("ann", password), "+OK")
        contains(done(mail.registry, "status"), "no password can open the hash of ann\\Passwords\\broken (")


@test
def a_verifier_that_root_has_started_may_read_them():
    needs_role_users()
    with Registry() as registry, MailServer(registry, as_root=True) as server:
        server.add_account("ann", "sesame")
        phone = done(registry, "user", "app-password", "ann", "add", "phone")[:-1]
        with server.pop3("ann", phone) as client:
            client.quit()


@test
def a_list_tells_which_let_nobody_in():
    """Without the schemas, which keep wrong types out."""
    with TemporaryDirectory() as nothing, Registry([nothing]) as registry:
        words = ("user", "app-password", "ann", "list")
        done(registry, "user", "add", "ann", password="sesame")
        done(registry, "user", "app-password", "ann", "add", "phone")
        key = f"{ANN}\\Passwords\\phone"
        for name, kind, data, text, expires, problem in (
                ("Expires", REG_QWORD, 0, "phone: all protocols, expired 1970-01-01 ", 0, None),
                ("Expires", REG_QWORD, 2**64 - 1, "phone: all protocols\n", None, None),
                ("Expires", REG_SZ, "tomorrow", "phone: all protocols, can't be used: its Expires is no REG_QWORD\n", None,
                 "can't be used: its Expires is no REG_QWORD"),
                ("Protocols", REG_SZ, "imap", "phone: all protocols, can't be used: its Protocols are no REG_MULTI_SZ\n",
                 None, "can't be used: its Protocols are no REG_MULTI_SZ")):
            registry.client.set(key, name, kind, data)
            contains(done(registry, *words), text)
            row = json.loads(done(registry, "--json", *words))[0]
            equal((row["expires"], row.get("problem")), (expires, problem))
            registry.client.unset(key, name)


@test
def mailauthctl_says_what_is_wrong():
    with Registry() as registry:
        words = ("user", "app-password", "ann")
        failed(registry, NOT_FOUND, *words, "add", "phone", naming="no such account")
        done(registry, "user", "add", "ann", password="sesame")
        for last in (("add",), ("remove",), ("list", "phone"), ("change", "phone"), ()):
            failed(registry, USAGE, *words, *last)
        for option in ("--protocols=", "--protocols=imap,,pop3", "--protocols=im ap", "--expires=", "--expires=soon",
                       "--expires=0d", "--expires=2001-01-31", "--expires=99999999999d"):
            failed(registry, USAGE, *words, "add", "phone", option, naming=option)
        failed(registry, USAGE, *words, "list", "--protocols=imap")
        failed(registry, USAGE, "user", "add", "bert", "--protocols=imap", password="sesame")
        for label in ("", "a\\b", "x" * 65):
            failed(registry, INVALID, *words, "add", label, naming="label")
        done(registry, *words, "add", "phone", "--expires=2099-12-31", "--protocols=imap")
        check(run(registry, *words, "add", "Phone")[0] != 0, "there already, in another case")
        failed(registry, NOT_FOUND, *words, "remove", "tablet", naming="no app password")
        listed = json.loads(done(registry, "--json", *words, "list"))
        equal([(row["label"], row["protocols"]) for row in listed], [("phone", ["imap"])])
        made = json.loads(done(registry, "--json", *words, "add", "tablet"))
        equal(sorted(made), ["label", "password", "user"])
        for number in range(30):
            done(registry, *words, "add", str(number))
        failed(registry, INVALID, *words, "add", "more", naming="32")


main()
