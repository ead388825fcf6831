#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`Verified Seconds`: a right password is known again without its hash, and never
longer than it is right: whatever changes, the next login is decided by it."""

import json
import os
import sqlite3
import threading

from harness.case import check, contains, equal, main, test
from harness.mail import ACCOUNTS, PARAMETERS, POP3, STORE, hash_password
from harness.process import program
from harness.registry import REG_DWORD, REG_SZ
from harness.talk import Mail

LONG = 3600
RIGHT, WRONG = "+OK Logged in.", "-ERR [AUTH]"


def remembering(seconds=LONG):
    return Mail([(PARAMETERS, "Verified Seconds", REG_DWORD, seconds)])


def counts(mail):
    """(logins by memory, passwords remembered)."""
    result = mail.registry.run(program("mailauth/mailauthctl/mailauthctl"),
                               f"--bus={mail.registry.bus.address}", "--json", "status")
    numbers = json.loads(result.stdout)["counts"]
    return numbers["logins-by-memory"], numbers["passwords-remembered"]


def log_in(mail, password, user="ann"):
    """The answer to PASS, after a session that is quite over."""
    with mail.pop3_talk() as client:
        client.expect("+OK")
        client.say(f"USER {user}", f"PASS {password}", "QUIT")
        client.expect("+OK")
        answer = client.line()
        client.expect("+OK")
        return answer


def expect(mail, password, answer, user="ann"):
    contains(log_in(mail, password, user), answer)


def warm(mail, password, user="ann"):
    """Two logins, the second of which needs no hash."""
    before = counts(mail)[0]
    expect(mail, password, RIGHT, user)
    expect(mail, password, RIGHT, user)
    check(counts(mail)[0] > before, "the password is not known again")


@test
def it_is_off_by_default():
    with Mail() as mail:
        mail.add_account("ann", "sesame")
        for _ in range(3):
            expect(mail, "sesame", RIGHT)
        equal(counts(mail), (0, 0))


@test
def a_right_password_is_known_again():
    with remembering() as mail:
        mail.add_account("ann", "sesame")
        mail.add_account("bob", "other")
        expect(mail, "sesame", RIGHT)
        equal(counts(mail), (0, 1))
        expect(mail, "wrong", WRONG)
        expect(mail, "", WRONG)
        expect(mail, "sesame", WRONG, "bob")
        expect(mail, "sesame", WRONG, "nobody")
        equal(counts(mail), (0, 1))
        for _ in range(3):
            expect(mail, "sesame", RIGHT)
        equal(counts(mail), (3, 1))
        equal(mail.events()[0]["reason"], "ok")


@test
def a_wrong_password_counts_as_ever():
    with remembering() as mail:
        mail.add_account("ann", "sesame")
        warm(mail, "sesame")
        mail.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 2)
        warm(mail, "sesame")
        for number in range(2):
            expect(mail, f"wrong{number}", WRONG)
        expect(mail, "sesame", WRONG)
        equal(mail.events()[0]["reason"], "held-back")


@test
def tools_tell_of_it_and_leave_it_alone():
    with remembering() as mail:
        mail.add_account("ann", "sesame")
        tool, bus = program("mailauth/mailauthctl/mailauthctl"), f"--bus={mail.registry.bus.address}"

        def ask():
            return mail.registry.run(tool, bus, "test", "ann", input=b"sesame\n").stdout.decode()
        contains(ask(), "memory: a right password is known again for 3600 s")
        equal(counts(mail), (0, 0))
        expect(mail, "sesame", RIGHT)
        contains(ask(), "password: right")
        equal(counts(mail), (0, 1))
        metrics = mail.registry.run(tool, bus, "status", "--metrics").stdout.decode()
        contains(metrics, "mailauth_verified_again_total 0\n")
        contains(metrics, "mailauth_verified_passwords 1\n")
        mail.client.set(PARAMETERS, "Native Source", REG_SZ, "PAM")
        contains(ask(), "memory: none with PAM")
        mail.client.set(PARAMETERS, "Verified Seconds", REG_DWORD, 0)
        contains(ask(), "memory: 'Verified Seconds' is 0")


@test
def a_changed_password_works_not_one_login_longer():
    with remembering() as mail:
        mail.add_account("ann", "password-0")
        for number in range(30):
            warm(mail, f"password-{number}")
            mail.client.set(f"{ACCOUNTS}\\ann", "Password", REG_SZ, hash_password(f"password-{number + 1}"))
            expect(mail, f"password-{number}", WRONG)


@test
def a_disabled_or_removed_account_is_out_at_once():
    with remembering() as mail:
        mail.add_account("ann", "sesame")
        for _ in range(5):
            warm(mail, "sesame")
            mail.client.set(f"{ACCOUNTS}\\ann", "Disabled", REG_DWORD, 1)
            expect(mail, "sesame", WRONG)
            equal(mail.events()[0]["reason"], "disabled")
            equal(counts(mail)[1], 0)
            mail.client.set(f"{ACCOUNTS}\\ann", "Disabled", REG_DWORD, 0)
        warm(mail, "sesame")
        mail.client.delete(f"{ACCOUNTS}\\ann")
        expect(mail, "sesame", WRONG)
        equal(mail.events()[0]["reason"], "no-such-user")


@test
def whatever_is_written_of_an_account_forgets_it_alone():
    with remembering() as mail:
        mail.add_account("ann", "sesame")
        mail.add_account("bob", "other")
        warm(mail, "other", "bob")
        key, (kind, _, stored) = f"{ACCOUNTS}\\Ann", mail.client.get(f"{ACCOUNTS}\\ann", "Password")

        def disable_and_enable():
            mail.client.set(key, "Disabled", REG_DWORD, 1)
            mail.client.set(key, "Disabled", REG_DWORD, 0)

        def change_and_change_back():
            mail.client.set(key, "Password", REG_SZ, hash_password("other"))
            mail.client.set(key, "Password", kind, stored)

        def remove_and_add():
            mail.client.delete(key)
            mail.client.set(key, "Password", kind, stored)

        def note_something():
            mail.client.set(key, "Comment", REG_SZ, str(counts(mail)[0]))

        for change in (disable_and_enable, change_and_change_back, remove_and_add, note_something):
            warm(mail, "sesame")
            equal(counts(mail)[1], 2)
            change()
            before = counts(mail)
            equal((change.__name__, before[1]), (change.__name__, 1))
            expect(mail, "sesame", RIGHT)
            equal(counts(mail), (before[0], 2))
        expect(mail, "other", RIGHT, "bob")
        equal(counts(mail), (before[0] + 1, 2))


@test
def a_member_who_was_out_meanwhile_proves_his_password():
    with remembering() as mail:
        file = mail.add_broker()
        mail.add_member(file, "ann", "sesame")
        mail.add_mailbox("ann")
        mail.choose("MBS_BASIC", "3")
        for _ in range(3):
            warm(mail, "sesame")
            before = counts(mail)[0]
            for disabled in (1, 0):
                with sqlite3.connect(file) as database:
                    database.execute("UPDATE members SET disabled = ?", [disabled])
            expect(mail, "sesame", RIGHT)
            equal(counts(mail)[0], before)
        # What has no counter of changes is not remembered.
        with sqlite3.connect(file) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("SELECT * FROM members").fetchall()
            for suffix in ("-wal", "-shm"):
                os.chown(f"{file}{suffix}", os.stat(file).st_uid, -1)
            before = counts(mail)[0]
            for _ in range(3):
                expect(mail, "sesame", RIGHT)
            equal(counts(mail)[0], before)


@test
def a_members_change_by_another_process_counts_at_once():
    with remembering() as mail:
        file = mail.add_broker()
        mail.add_mailbox("ann")
        mail.choose("MBS_BASIC", "3")

        def change(statement, *values):
            with sqlite3.connect(file) as database:
                database.execute(statement, values)
        for number in range(15):
            mail.add_member(file, "ann", f"password-{number}")
            warm(mail, f"password-{number}")
            change("UPDATE members SET password = ?", hash_password("other"))
            expect(mail, f"password-{number}", WRONG)
            warm(mail, "other")
            change("UPDATE members SET disabled = 1")
            expect(mail, "other", WRONG)
            change("DELETE FROM members")
            expect(mail, "other", WRONG)


@test
def flips_of_package_and_broker_are_never_stale():
    with remembering() as mail:
        mail.add_account("ann", "native")
        for broker in ("3", "4"):
            mail.add_member(mail.add_broker(broker), "ann", f"member-{broker}")
        mail.choose("", "3")
        steps = [("MBS Package", "MBS_BASIC", "member-3"), ("MBS Broker", "4", "member-4"),
                 ("MBS Package", "", "native"), ("MBS Broker", "3", "native")]
        before = "native"
        for number in range(100):
            name, value, password = steps[number % len(steps)]
            expect(mail, before, RIGHT)
            expect(mail, before, RIGHT)
            mail.client.set(STORE, name, REG_SZ, value)
            if password != before:
                expect(mail, before, WRONG)
            before = password
        expect(mail, before, RIGHT)
        check(counts(mail)[0] >= 100, "the memory was not in use")


@test
def changed_settings_forget_all():
    with remembering() as mail:
        mail.add_account("ann", "sesame")
        mail.add_broker()
        for key, name, kind, data in ((PARAMETERS, "Verified Seconds", REG_DWORD, 0),
                                      (PARAMETERS, "Verified Seconds", REG_DWORD, LONG - 1),
                                      (STORE, "MBS Broker", REG_SZ, "3"),
                                      (PARAMETERS, "PAM Service", REG_SZ, "other"),
                                      (PARAMETERS, "Domain", REG_SZ, "example.org"),
                                      (POP3, "Idle Timeout", REG_DWORD, 500)):
            mail.client.set(PARAMETERS, "Verified Seconds", REG_DWORD, LONG)
            warm(mail, "sesame")
            equal(counts(mail)[1], 1)
            mail.client.set(key, name, kind, data)
            equal(counts(mail)[1], 0)


@test
def what_is_off_knows_nothing_and_time_ends():
    with remembering() as mail:
        mail.add_account("ann", "sesame")
        warm(mail, "sesame")
        mail.client.set(PARAMETERS, "Verified Seconds", REG_DWORD, 0)
        before = counts(mail)[0]
        expect(mail, "sesame", RIGHT)
        equal(counts(mail), (before, 0))
        mail.client.set(PARAMETERS, "Verified Seconds", REG_DWORD, 1)
        expect(mail, "sesame", RIGHT)
        while counts(mail)[1]:
            continue  # a second at most
        expect(mail, "sesame", RIGHT)
        equal(counts(mail)[1], 1)


@test
def a_proof_under_way_teaches_nothing_stale():
    with remembering() as mail:
        mail.add_account("ann", "old")
        slow = hash_password("old", rounds=500000)
        for _ in range(3):
            mail.client.set(f"{ACCOUNTS}\\ann", "Password", REG_SZ, slow)
            answers = []
            client = threading.Thread(target=lambda: answers.append(log_in(mail, "old")))
            client.start()
            while not mail.registry.run(program("mailauth/mailauthctl/mailauthctl"),
                                        f"--bus={mail.registry.bus.address}", "status").stdout.count(
                                            b"logins-under-way: 1"):
                if answers:
                    break
            mail.client.set(f"{ACCOUNTS}\\ann", "Password", REG_SZ, hash_password("new"))
            client.join()
            contains(answers[0], RIGHT)
            expect(mail, "old", WRONG)
            expect(mail, "new", RIGHT)


main()
