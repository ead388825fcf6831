#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The promise of a live setting: once a write is answered, every login that
starts after it is decided by the new value; nothing is restarted, and sessions
that are open stay open."""

import statistics
import time

from harness.case import check, equal, main, test
from harness.mail import BROKERS, STORE
from harness.registry import REG_SZ
from harness.talk import Mail

FLIPS = 300


def add_everybody(mail):
    """The same user with another password in each place that can decide."""
    mail.add_account("ann", "native")
    for broker in ("3", "4"):
        mail.add_member(mail.add_broker(broker), "ann", f"member-{broker}")


def log_in(mail, password):
    """The reason that is recorded, by a POP3 login that ends at once."""
    with mail.pop3_talk() as client:
        client.expect("+OK")
        client.say("USER ann", f"PASS {password}", "QUIT")
        client.expect("+OK")
        right = client.line().startswith("+OK")
        client.until("+OK")
        return right


# Each step: what is written, and the one password that is right from then on.
STEPS = [
    ("MBS Package", "MBS_BASIC", "member-3"),
    ("MBS Broker", "4", "member-4"),
    ("MBS Package", "", "native"),
    ("MBS Broker", "3", "native"),
    ("MBS Package", "MBS_BASIC", "member-3"),
    ("MBS Broker", "4", "member-4"),
    ("MBS Package", "", "native"),
    ("MBS Broker", "3", "native"),
]


@test
def no_decision_is_stale():
    with Mail() as mail:
        add_everybody(mail)
        mail.choose("", "3")
        with mail.pop3_talk() as opened:
            opened.expect("+OK")
            opened.say("USER ann", "PASS native")
            opened.expect("+OK", "+OK Logged in.")
            stale = []
            for number in range(FLIPS):
                name, value, password = STEPS[number % len(STEPS)]
                mail.client.set(STORE, name, REG_SZ, value)
                # The mailbox is held by the open session: a right password is told so, not [AUTH].
                with mail.pop3_talk() as client:
                    client.expect("+OK")
                    client.say("USER ann", f"PASS {password}")
                    client.expect("+OK")
                    if "[IN-USE]" not in client.line():
                        stale.append((number, name, value))
            equal(stale, [])
            opened.ask("NOOP", "+OK")
        events = mail.events(FLIPS + 100)
        check(any(event["id"] == 14001 for event in events), "no event tells of the change")


@test
def the_articles_spelling_of_the_broker_works_live():
    with Mail() as mail:
        add_everybody(mail)
        mail.choose("MBS_BASIC")
        for broker in ("3", "4") * 10:
            mail.client.set(STORE, "MSB Broker", REG_SZ, broker)
            check(log_in(mail, f"member-{broker}"), f"broker {broker} does not decide")


@test
def the_old_password_is_wrong_at_once():
    with Mail() as mail:
        add_everybody(mail)
        mail.choose("", "3")
        for _ in range(20):
            for package, right, wrong in (("MBS_BASIC", "member-3", "native"), ("", "native", "member-3")):
                mail.client.set(STORE, "MBS Package", REG_SZ, package)
                with mail.imap_talk() as client:
                    client.expect("* OK")
                    client.ask(f"a LOGIN ann {wrong}", "a NO [AUTHENTICATIONFAILED]")
                    client.ask(f"b LOGIN ann {right}", "b NO [UNAVAILABLE]")  # no backend: the password was right


@test
def a_login_waits_little_for_the_newest_settings():
    with Mail() as mail:
        add_everybody(mail)
        times = []
        for _ in range(100):
            begin = time.monotonic()
            check(log_in(mail, "native"), "the login is refused")
            times.append(time.monotonic() - begin)
        median = statistics.median(times) * 1000
        print(f"# a POP3 session with login, median: {median:.2f} ms", flush=True)
        check(median < 1000, f"{median} ms")


@test
def membership_never_falls_back():
    with Mail() as mail:
        mail.add_account("ann", "native")
        for write, event in (((STORE, "MBS Package", REG_SZ, "MBS_BASIC"), "no-broker"),
                             ((STORE, "MBS Broker", REG_SZ, "9"), "unknown-broker")):
            mail.client.set(*write)
            equal(mail.pop3_answer("ann", "native").split("]")[0], "-ERR [SYS/TEMP")
            equal(mail.events(1)[0]["reason"], event)
        mail.client.set(f"{BROKERS}\\9", "Type", REG_SZ, "sqlite")
        mail.client.set(f"{BROKERS}\\9", "Database", REG_SZ, "/nonexistent.db")
        equal(mail.pop3_answer("ann", "native").split("]")[0], "-ERR [SYS/TEMP")
        equal(mail.events(1)[0]["id"], 13005)


@test
def without_regd_the_last_settings_hold():
    with Mail() as mail:
        add_everybody(mail)
        mail.choose("MBS_BASIC", "3")
        check(log_in(mail, "member-3"), "the login is refused")
        mail.registry.kill()
        check(log_in(mail, "member-3"), "the login is refused without regd")
        mail.registry.start()
        mail.choose("")
        check(log_in(mail, "native"), "the login is refused after regd's return")


main()
