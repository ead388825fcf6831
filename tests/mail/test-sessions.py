#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Who is logged in, sending them away, and sessions whose account is disabled or removed."""

import json
import os
import signal
import time

import dbus
from harness.bus import wait_until
from harness.case import check, contains, equal, main, rows, test
from harness.freeze import freeze
from harness.mail import ACCOUNTS, NAME
from harness.process import program
from harness.registry import REG_DWORD, REG_SZ
from harness.scram import Scram, begin_pop3, hear
from harness.scram_server import serving
from harness.talk import Mail


def control(mail, *words):
    result = mail.registry.run(program("mailauth/mailauthctl/mailauthctl"), f"--bus={mail.registry.bus.address}", *words)
    return result.returncode, result.stdout.decode(), result.stderr.decode()


def who(mail, *words):
    code, output, problem = control(mail, "--json", "who", *words)
    equal((code, problem), (0, ""))
    return json.loads(output)


def names(mail, *words):
    return [session["user"] for session in who(mail, *words)]


def log_in(mail, user, password="sesame", tls=None):
    client = mail.pop3_talk(tls)
    client.expect("+OK")
    client.say(f"USER {user}", f"PASS {password}")
    client.expect("+OK", "+OK Logged in.")
    return client


def two_users(mail):
    for user in ("ann", "bob"):
        mail.add_account(user, "sesame")


@test
def who_tells_users_addresses_times_and_tls():
    with Mail() as mail:
        two_users(mail)
        context = mail.add_certificate()
        equal(who(mail), [])
        before = time.time()
        with log_in(mail, "ANN"), log_in(mail, "bob", tls=context) as bob:
            sessions = who(mail)
            equal([(each["user"], each["protocol"], each["address"], each["tls"]) for each in sessions],
                  [("ann", "pop3", "127.0.0.1", ""), ("bob", "pop3", "127.0.0.1", "TLSv1.3")])
            equal(sorted(sessions[0]), ["address", "protocol", "session", "since", "tls", "user"])
            check(before - 5 < sessions[0]["since"] / 1e6 < time.time() + 5, f"since {sessions[0]['since']}")
            check(sessions[0]["session"] != sessions[1]["session"], "both have one number")
            equal(mail.events()[0]["session"], str(sessions[1]["session"]))
            equal(names(mail, "Bob"), ["bob"])
            equal(names(mail, "eve"), [])
            code, output, _ = control(mail, "who", "ann")
            equal(code, 0)
            contains(output, "ann pop3 from 127.0.0.1 since 2")
            contains(output, f", no TLS, session {sessions[0]['session']}\n")
            bob.ask("QUIT", "+OK")
            wait_until(lambda: names(mail) == ["ann"], "bob to have left")
        wait_until(lambda: names(mail) == [], "ann to have left")


@test
def kick_ends_all_sessions_of_a_user_or_one():
    with Mail() as mail:
        two_users(mail)
        with log_in(mail, "ann") as ann, log_in(mail, "bob") as bob:
            number = who(mail, "bob")[0]["session"]
            equal(control(mail, "kick", "ann", f"--session={number}")[0], 3)
            equal(control(mail, "kick", "eve")[0], 3)
            equal(control(mail, "kick", "bob", "--session=0")[0], 2)
            equal(control(mail, "kick")[0], 2)
            bob.ask("NOOP", "+OK")
            equal(control(mail, "--json", "kick", "BOB", f"--session={number}"), (0, '{"ended":1}\n', ""))
            bob.expect_end()
            ann.ask("NOOP", "+OK")
            equal(control(mail, "kick", "ann"), (0, "", ""))
            ann.expect_end()
            wait_until(lambda: who(mail) == [], "both to have left")
        # The mailbox is free again, and nothing has been lost.
        with log_in(mail, "ann") as ann:
            ann.ask("QUIT", "+OK")


def disable(mail):
    mail.client.set(f"{ACCOUNTS}\\ann", "Disabled", REG_DWORD, 1)


def remove(mail):
    mail.client.delete(f"{ACCOUNTS}\\ann")


@rows([("disabled", disable), ("removed", remove)])
def sessions_of_an_account_end_by_themselves(act):
    with Mail() as mail:
        two_users(mail)
        with log_in(mail, "ann") as ann, log_in(mail, "bob") as bob:
            mail.client.set(f"{ACCOUNTS}\\ann", "Comment", REG_SZ, "nothing that ends a session")
            mail.client.set(f"{ACCOUNTS}\\bob", "Disabled", REG_DWORD, 0)
            ann.ask("NOOP", "+OK")
            begin = time.monotonic()
            act(mail)
            ann.expect_end()
            check(time.monotonic() - begin < 1, f"it took {time.monotonic() - begin} s")
            bob.ask("NOOP", "+OK")
            equal(names(mail), ["bob"])


@test
def a_members_session_is_no_native_accounts():
    with Mail() as mail:
        two_users(mail)
        mail.add_member(mail.add_broker(), "ann", "member")
        mail.choose("MBS_BASIC", "3")
        with log_in(mail, "ann", "member") as ann, log_in_native(mail) as bob:
            remove(mail)
            mail.client.delete(f"{ACCOUNTS}\\bob")
            bob.expect_end()
            ann.ask("NOOP", "+OK")
            equal(names(mail), ["ann"])


def log_in_native(mail):
    mail.choose("")
    client = log_in(mail, "bob")
    mail.choose("MBS_BASIC")
    return client


@test
def a_client_that_declines_the_servers_proof_has_no_session():
    with serving() as mail, mail.pop3_talk() as client:
        client.expect("+OK")
        for _ in range(2):
            scram = Scram("ann", "sesame")
            scram.verify(hear(begin_pop3(client, scram)))
            client.ask("*", "-ERR Authentication cancelled.")
            wait_until(lambda: who(mail) == [], "no session to be left")
        equal(control(mail, "kick", "ann")[0], 3)


def owner(mail):
    try:
        return mail.registry.client.connection.get_name_owner(NAME)
    except dbus.DBusException:
        return None


def kill_verifier(mail):
    old = owner(mail)
    os.kill(mail.roles()["verifier"][0], signal.SIGKILL)
    wait_until(lambda: owner(mail) not in (None, old), "another verifier")
    mail.wait_until_ready()


@test
def a_new_verifier_knows_who_is_logged_in():
    with Mail() as mail:
        two_users(mail)
        context = mail.add_certificate()
        with log_in(mail, "ann") as ann, log_in(mail, "bob", tls=context) as bob:
            known = who(mail)
            equal(len(known), 2)
            kill_verifier(mail)
            wait_until(lambda: len(who(mail)) == 2, "both to be told again")
            for before, after in zip(known, who(mail)):
                check(abs(before.pop("since") - after.pop("since")) < 5e6, "they have just begun")
                equal(after, before)
            equal(control(mail, "kick", "bob"), (0, "", ""))
            bob.expect_end()
            disable(mail)
            ann.expect_end()
            wait_until(lambda: who(mail) == [], "both to have left")


@test
def an_account_that_is_disabled_while_there_is_no_verifier_is_found():
    with Mail() as mail:
        two_users(mail)
        with log_in(mail, "ann") as ann, log_in(mail, "bob") as bob:
            freeze(mail.roles()["verifier"][0])
            disable(mail)
            kill_verifier(mail)
            ann.expect_end()
            bob.ask("NOOP", "+OK")
            wait_until(lambda: names(mail) == ["bob"], "ann to have left")


@test
def while_regd_is_away_nobody_is_sent_away():
    with Mail() as mail:
        two_users(mail)
        with log_in(mail, "ann") as ann:
            mail.registry.kill()
            ann.ask("NOOP", "+OK")
            mail.registry.start()
            mail.client.set(f"{ACCOUNTS}\\bob", "Disabled", REG_DWORD, 1)
            ann.ask("NOOP", "+OK")
            disable(mail)
            ann.expect_end()


main()
