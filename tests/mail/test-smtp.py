#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Other servers' users, by real servers: Postfix and Exim by Dovecot's
authentication protocol, Postfix and testsaslauthd by saslauthd's. An outage is
a temporary failure to their clients, never a wrong password."""

import os
import shutil
import signal
import subprocess
import threading
from contextlib import contextmanager

from harness.auth import AuthTalk, ask_saslauthd, wait_for_socket
from harness.bus import needs_root, wait_until
from harness.case import Skip, check, contains, equal, main, test
from harness.mail import PARAMETERS, STORE
from harness.registry import REG_DWORD, REG_SZ
from harness.smtp import Exim, Postfix
from harness.talk import Mail

FLIPS = 60
GROUP = "postfix"


@contextmanager
def serving():
    """mailauthd as root starts it, with both sockets for Postfix's group; (mail, auth, mux)."""
    needs_root()
    if not shutil.which("postfix"):
        raise Skip("takes postfix")
    mail = Mail()
    mail.as_root, mail.uid = True, None
    with mail:
        folder = mail.directory / "sockets"
        folder.mkdir()
        auth, mux = folder / "auth", folder / "mux"
        mail.add_account("ann", "native", mailbox=False)
        file = mail.add_broker()
        mail.add_member(file, "ann", "member")
        shutil.chown(file, "mailauth")
        mail.client.set(PARAMETERS, "Auth Socket Mode", REG_DWORD, 0o660)
        mail.client.set(PARAMETERS, "Auth Socket Group", REG_SZ, GROUP)
        mail.client.set(PARAMETERS, "Auth Socket", REG_SZ, str(auth))
        mail.client.set(PARAMETERS, "Saslauthd Socket", REG_SZ, str(mux))
        wait_for_socket(auth)
        wait_for_socket(mux)
        equal(auth.group(), GROUP)
        yield mail, auth, mux


def dovecot_settings(path):
    return {"smtpd_sasl_type": "dovecot", "smtpd_sasl_path": path}


@test
def postfix_tells_an_outage_from_a_wrong_password():
    with serving() as (mail, auth, _mux), Postfix(**dovecot_settings(auth)) as postfix:
        equal(postfix.log_in("ann", "native"), 235)
        event = mail.events()[0]
        equal([event[name] for name in ("source", "reason", "user", "address")],
              ["MailAuth", "ok", "ann", "127.0.0.1"])
        equal(postfix.log_in("ann", "native", "LOGIN"), 235)
        equal(postfix.log_in("ann", "wrong"), 535)
        equal(postfix.log_in("ann", "wrong", "LOGIN"), 535)
        equal(postfix.log_in("nobody", "native"), 535)
        mail.choose("MBS_BASIC", "9")
        equal(postfix.log_in("ann", "native"), 454)
        equal(postfix.log_in("ann", "native", "LOGIN"), 454)
        mail.choose("MBS_BASIC", "3")
        equal(postfix.log_in("ann", "member"), 235)


@test
def exim_tells_an_outage_from_a_wrong_password():
    with serving() as (mail, auth, _mux), Exim(auth, GROUP) as exim:
        equal(exim.log_in("ann", "native"), 235)
        equal(mail.events()[0]["reason"], "ok")
        equal(exim.log_in("ann", "native", "LOGIN"), 235)
        equal(exim.log_in("ann", "wrong"), 535)
        equal(exim.log_in("ann", "wrong", "LOGIN"), 535)
        mail.choose("MBS_BASIC", "9")
        equal(exim.log_in("ann", "native"), 435)
        mail.choose("")
        equal(exim.log_in("ann", "native"), 235)


def testsaslauthd(mux, password, *more):
    if not shutil.which("testsaslauthd"):
        raise Skip("takes sasl2-bin")
    return subprocess.run(["testsaslauthd", "-f", mux, "-s", "smtp", "-u", "ann", "-p", password, *more],
                          capture_output=True, text=True, check=False).stdout


@test
def testsaslauthd_is_told_right_wrong_and_nothing():
    with serving() as (mail, _auth, mux):
        contains(testsaslauthd(mux, "native"), "OK")
        contains(testsaslauthd(mux, "wrong"), "NO")
        mail.client.set(PARAMETERS, "Domain", REG_SZ, "example.org")
        contains(testsaslauthd(mux, "native", "-r", "example.org"), "OK")
        contains(testsaslauthd(mux, "native", "-r", "example.com"), "NO")
        mail.choose("MBS_BASIC", "9")
        answer = testsaslauthd(mux, "native")
        check("OK" not in answer and "NO" not in answer, answer)


@test
def postfix_by_cyrus_sasl():
    with serving() as (mail, _auth, mux):
        cyrus = f"pwcheck_method: saslauthd\nsaslauthd_path: {mux}\nmech_list: PLAIN LOGIN\n"
        with Postfix(cyrus, smtpd_sasl_type="cyrus", smtpd_sasl_path="smtpd") as postfix:
            equal(postfix.log_in("ann", "native"), 235)
            equal(postfix.log_in("ann", "native", "LOGIN"), 235)
            equal(postfix.log_in("ann", "wrong"), 535)
            mail.choose("MBS_BASIC", "9")
            equal(postfix.log_in("ann", "native"), 454)
            mail.choose("MBS_BASIC", "3")
            equal(postfix.log_in("ann", "native"), 535)
            equal(postfix.log_in("ann", "member"), 235)


@test
def no_login_by_postfix_is_stale():
    with serving() as (mail, auth, mux), Postfix(**dovecot_settings(auth)) as postfix:
        mail.choose("", "3")
        stale, codes, over = [], set(), threading.Event()

        def keep_busy():
            while not over.is_set():
                codes.add(postfix.log_in("ann", "native"))

        busy = [threading.Thread(target=keep_busy) for _ in range(2)]
        for thread in busy:
            thread.start()
        try:
            for number in range(FLIPS):
                package, right, wrong = (("MBS_BASIC", "member", "native"), ("", "native", "member"))[number % 2]
                mail.client.set(STORE, "MBS Package", REG_SZ, package)
                found = postfix.log_in("ann", right), postfix.log_in("ann", wrong)
                if found != (235, 535) or ask_saslauthd(mux, "ann", right) != "OK":
                    stale.append((number, found))
        finally:
            over.set()
            for thread in busy:
                thread.join()
        equal(stale, [])
        equal(codes, {235, 535})


@test
def a_verifier_that_dies_is_an_outage_at_most():
    with serving() as (mail, auth, mux), AuthTalk(auth) as client:
        equal(client.plain("ann", "native"), "OK\t1\tuser=ann")
        verifier, = mail.roles()["verifier"]
        os.kill(verifier, signal.SIGKILL)
        # What it was asked last is lost with it; what comes after waits for the next one.
        check(client.plain("ann", "native") in ("OK\t2\tuser=ann", ""), "an outage has a verdict")
        wait_until(lambda: mail.roles().get("verifier", [verifier]) != [verifier], "another verifier")
        equal(ask_saslauthd(mux, "ann", "native"), "OK")



main()
