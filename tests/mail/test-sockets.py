#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Other servers' users: the sockets for Dovecot's authentication protocol and
saslauthd's as their clients meet them, and as the settings change."""

import os
import re
import socket
import stat
import time
from contextlib import contextmanager

from harness.auth import AuthTalk, ask_saslauthd, encode, is_listening, wait_for_socket
from harness.bus import is_root, wait_until
from harness.case import check, contains, equal, main, test
from harness.mail import ACCOUNTS, PARAMETERS, STORE
from harness.registry import REG_DWORD, REG_MULTI_SZ, REG_SZ
from harness.talk import Mail

FLIPS = 100


@contextmanager
def sockets():
    """A Mail with both sockets, an account and a member of one name; (mail, auth, mux)."""
    with Mail() as mail:
        folder = mail.directory / "sockets"
        folder.mkdir()
        mail.give(folder)
        auth, mux = folder / "auth", folder / "mux"
        mail.add_account("ann", "native", mailbox=False)
        mail.add_member(mail.add_broker(), "ann", "member")
        mail.client.set(PARAMETERS, "Auth Socket", REG_SZ, str(auth))
        mail.client.set(PARAMETERS, "Saslauthd Socket", REG_SZ, str(mux))
        wait_for_socket(auth)
        wait_for_socket(mux)
        yield mail, auth, mux


def newest_description(mail):
    return "".join(event["description"] for event in mail.events())


@test
def the_handshake_goes_out_at_once_and_is_unique():
    with sockets() as (_mail, auth, _mux):
        cookies = set()
        for _ in range(3):
            with AuthTalk(auth) as client:
                text = "\n".join(client.greeting)
                check(re.fullmatch("VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nSPID\t[0-9]+\n"
                                   "CUID\t[0-9]+\nCOOKIE\t[0-9a-f]{32}\nDONE", text), text)
                cookies.add("\n".join(client.greeting[4:6]))
        equal(len(cookies), 3)


@test
def right_and_wrong_passwords():
    with sockets() as (mail, auth, mux):
        with AuthTalk(auth) as client:
            equal(client.plain("Ann", "native"), "OK\t1\tuser=ann")
            event = mail.events()[0]
            equal([event[name] for name in ("source", "id", "reason", "user", "address")],
                  ["MailAuth", 11202, "ok", "ann", "192.0.2.7"])
            equal(client.plain("ann", "wrong", "2001:db8::7"), "FAIL\t2\tuser=ann")
            event = mail.events()[0]
            equal([event[name] for name in ("type", "reason", "address")],
                  ["Failure Audit", "bad-password", "2001:db8::7"])
            equal(client.plain("nobody", "wrong"), "FAIL\t3\tuser=nobody")
            client.say("AUTH\t9\tLOGIN\tservice=smtp")
            equal(client.line(), "CONT\t9\tVXNlcm5hbWU6")
            client.say(f"CONT\t9\t{encode('ann')}")
            equal(client.line(), "CONT\t9\tUGFzc3dvcmQ6")
            client.say(f"CONT\t9\t{encode('native')}")
            equal(client.line(), "OK\t9\tuser=ann")
        equal(ask_saslauthd(mux, "ann", "native"), "OK")
        equal(ask_saslauthd(mux, "ann", "wrong"), "NO")
        equal(mail.events()[0].get("address", ""), "")
        equal(ask_saslauthd(mux, "ann", "wrong", address="192.0.2.9;4711"), "NO")
        equal(mail.events()[0]["address"], "192.0.2.9")
        equal(ask_saslauthd(mux, "", "native"), "NO")


@test
def a_realm_is_the_domain():
    with sockets() as (mail, _auth, mux):
        equal(ask_saslauthd(mux, "ann", "native", "example.org"), "NO")
        mail.client.set(PARAMETERS, "Domain", REG_SZ, "example.org")
        equal(ask_saslauthd(mux, "ann", "native", "example.org"), "OK")
        equal(ask_saslauthd(mux, "ann@example.org", "native", "other.org"), "OK")
        equal(ask_saslauthd(mux, "EXAMPLE.ORG\\ann", "native", "example.org"), "OK")
        equal(ask_saslauthd(mux, "ann", "native", "other.org"), "NO")


@test
def an_outage_closes_without_a_verdict():
    with sockets() as (mail, auth, mux):
        outages = [("no broker", (STORE, "MBS Package", REG_SZ, "MBS_BASIC")),
                   ("unknown broker", (STORE, "MBS Broker", REG_SZ, "9")),
                   ("maintenance", (STORE, "Logon Only As", REG_MULTI_SZ, ["bob"]))]
        for name, setting in outages:
            if name == "maintenance":
                mail.choose("", "3")
            mail.client.set(*setting)
            with AuthTalk(auth) as client:
                equal(client.plain("ann", "native"), "", name)
            equal(ask_saslauthd(mux, "ann", "native"), "", name)


@test
def without_accounts_nobody_is_told_that_a_password_is_wrong():
    with sockets() as (mail, auth, mux):
        mail.client.delete(ACCOUNTS, recursive=True)
        with AuthTalk(auth) as client:
            equal(client.plain("ann", "native"), "")
        equal(ask_saslauthd(mux, "ann", "native"), "")
        equal(mail.events()[0]["reason"], "accounts-missing")


@test
def many_at_once_are_answered_by_id():
    with sockets() as (_mail, auth, _mux):
        with AuthTalk(auth) as client:
            wanted = set()
            for number in range(100):
                right = number % 2 == 0
                request = client.ask_plain("ann", "native" if right else "wrong", f"192.0.2.{number}")
                wanted.add(f"{'OK' if right else 'FAIL'}\t{request}\tuser=ann")
            equal({client.line() for _ in wanted}, wanted)


@test
def a_cancelled_request_has_no_answer():
    with sockets() as (_mail, auth, _mux):
        with AuthTalk(auth) as client:
            client.say("AUTH\t50\tLOGIN", "CANCEL\t50")
            equal(client.line(), "CONT\t50\tVXNlcm5hbWU6")
            equal(client.plain("ann", "native"), "OK\t1\tuser=ann")


@test
def failures_are_held_back_by_the_clients_address():
    with sockets() as (mail, auth, mux):
        mail.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 2)
        with AuthTalk(auth) as client:
            for number in range(2):
                contains(client.plain("ann", f"wrong{number}", "192.0.2.7"), "FAIL")
            contains(client.plain("ann", "native", "192.0.2.7"), "FAIL")
            equal(mail.events()[0]["reason"], "held-back")
            contains(client.plain("ann", "native", "192.0.2.8"), "OK")
        # Where no address is known, nobody is held.
        mail.add_account("bob", "native", mailbox=False)
        for name in ("ann", "ben", "cid", "dan", "eve"):
            equal([ask_saslauthd(mux, name, "wrong") for _ in range(3)], ["NO"] * 3)
        equal(ask_saslauthd(mux, "ann", "native"), "OK")
        equal(ask_saslauthd(mux, "bob", "native"), "OK")


@test
def trusted_networks_go_by_the_address_that_is_told():
    with sockets() as (mail, auth, _mux), AuthTalk(auth) as client:
        mail.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 2)
        mail.client.set(PARAMETERS, "Trusted Networks", REG_MULTI_SZ, ["192.0.2.0/24"])
        for address in ("192.0.2.9", "198.51.100.9"):
            for number in range(4):
                contains(client.plain(f"nobody{number}", "guess", address), "FAIL")
        contains(client.plain("ann", "native", "192.0.2.9"), "OK")
        contains(client.plain("ann", "native", "198.51.100.9"), "FAIL")
        equal(mail.events()[0]["reason"], "held-back")
        # An old password that a device tries again and again keeps nobody out.
        for _ in range(10):
            contains(client.plain("ann", "old", "192.0.2.10"), "FAIL")
        contains(client.plain("ann", "native", "192.0.2.10"), "OK")


@test
def live_settings_decide_at_once():
    with sockets() as (mail, auth, mux):
        mail.choose("", "3")
        stale = []
        with AuthTalk(auth) as client:
            for number in range(FLIPS):
                package, right = (("MBS_BASIC", "member"), ("", "native"))[number % 2]
                mail.client.set(STORE, "MBS Package", REG_SZ, package)
                if not client.plain("ann", right).startswith("OK"):
                    stale.append((number, "auth"))
                if ask_saslauthd(mux, "ann", "native") != ("OK" if right == "native" else "NO"):
                    stale.append((number, "mux"))
        equal(stale, [])


# ---- the sockets themselves ----

def rights(path):
    status = os.lstat(path)
    return stat.S_ISSOCK(status.st_mode), stat.S_IMODE(status.st_mode), status.st_gid


@test
def mode_and_group_follow_the_settings():
    with sockets() as (mail, auth, mux):
        equal(rights(auth)[:2], (True, 0o600))
        inode = os.lstat(auth).st_ino
        mail.client.set(PARAMETERS, "Auth Socket Mode", REG_DWORD, 0o660)
        wait_until(lambda: [rights(path)[1] for path in (auth, mux)] == [0o660] * 2, "the mode to change")
        equal(os.lstat(auth).st_ino, inode, "the socket stays")
        mail.client.set(PARAMETERS, "Auth Socket Mode", REG_SZ, "0640")
        wait_until(lambda: [rights(path)[1] for path in (auth, mux)] == [0o640] * 2, "the mode to be read as octal")
        mail.client.set(PARAMETERS, "Auth Socket Mode", REG_SZ, "660")
        wait_until(lambda: rights(auth)[1] == 0o660, "the mode to be read as octal without its zero")
        mail.client.set(PARAMETERS, "Auth Socket Group", REG_SZ, "no-such-group")
        wait_until(lambda: not auth.exists(), "the sockets to go")
        wait_until(lambda: "Auth Socket Group: there is no group 'no-such-group'" in newest_description(mail),
                   "an event")
        equal(mail.events()[0]["reason"], "bad-setting")
        mail.client.set(PARAMETERS, "Auth Socket Group", REG_SZ, str(os.getegid() if not is_root() else mail.uid))
        wait_for_socket(auth)
        equal(rights(auth)[1], 0o660)


@test
def the_paths_follow_the_settings():
    with sockets() as (mail, auth, mux):
        other = auth.with_name("other")
        mail.client.set(PARAMETERS, "Auth Socket", REG_SZ, str(other))
        wait_for_socket(other)
        check(not auth.exists(), "the old socket is still there")
        mail.client.unset(PARAMETERS, "Saslauthd Socket")
        wait_until(lambda: not mux.exists(), "the socket to go")
        mail.stop()
        check(not other.exists(), "the socket is left behind")
        mail.start()
        wait_for_socket(other)


@test
def only_a_deserted_socket_is_removed():
    with sockets() as (mail, auth, _mux):
        file, taken, deserted = (auth.with_name(name) for name in ("file", "taken", "deserted"))
        file.write_text("precious")
        with socket.socket(socket.AF_UNIX) as owner, socket.socket(socket.AF_UNIX) as gone:
            owner.bind(str(taken))
            owner.listen()
            gone.bind(str(deserted))
            gone.listen()
            gone.close()
            mail.give(auth.parent)
            for path, problem in ((file, "is no socket"), (taken, "another server listens on it")):
                mail.client.set(PARAMETERS, "Auth Socket", REG_SZ, str(path))
                wait_until(lambda text=problem: text in newest_description(mail), "an event")
                contains(mail.events()[0]["description"], "MailAuth\\Parameters, Auth Socket: ")
            mail.client.set(PARAMETERS, "Auth Socket", REG_SZ, str(deserted))
            wait_for_socket(deserted)
            equal(file.read_text(), "precious")
            check(is_listening(taken), "the other server's socket is gone")


@test
def a_path_that_cannot_be_used_is_an_event():
    with sockets() as (mail, auth, _mux):
        for path in (f"{auth.parent}/none/auth", "/" + "x" * 106):
            mail.client.set(PARAMETERS, "Auth Socket", REG_SZ, path)
            wait_until(lambda text=path: text in newest_description(mail), "an event")
            equal(mail.events()[0]["id"], 14004)


def ask_until_decided(auth):
    with AuthTalk(auth) as client:
        return client.plain("ann", "native").startswith("OK")


@test
def a_new_front_serves_the_sockets_too():
    with sockets() as (mail, auth, _mux):
        front, = mail.roles()["front"]
        os.kill(front, 9)
        wait_until(lambda: mail.roles().get("front", [front]) != [front], "another front")
        with AuthTalk(auth) as client:
            equal(client.plain("ann", "native"), "OK\t1\tuser=ann")


@test
def a_new_verifier_without_regd_takes_no_socket_away():
    with sockets() as (mail, auth, _mux):
        inode = os.lstat(auth).st_ino
        mail.registry.kill()
        verifier, = mail.roles()["verifier"]
        os.kill(verifier, 9)
        # Its first answer comes when it has given regd its time.
        for _ in range(3):
            with AuthTalk(auth) as client:
                equal(client.plain("ann", "native"), "")
        equal(os.lstat(auth).st_ino, inode)
        mail.registry.start()
        wait_until(lambda: ask_until_decided(auth), "a verdict")


# ---- guesses ----

@test
def without_an_address_the_owner_is_delayed_and_never_locked_out():
    with sockets() as (mail, auth, mux):
        mail.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 3)
        for delay in (0, 10):
            mail.client.set(PARAMETERS, "Failure Delay", REG_DWORD, delay)
            began = time.monotonic()
            for number in range(12):
                equal(ask_saslauthd(mux, "ann", f"wrong{number}"), "NO")
            # The n-th wrong password is answered n delays later, up to ten.
            check(time.monotonic() - began >= 75 * delay / 1000, f"12 wrong passwords without the delay of {delay} ms")
            equal(ask_saslauthd(mux, "ann", "native"), "OK")
            with AuthTalk(auth) as client:
                for number in range(1, 13):
                    equal(client.plain("ann", f"wrong{number}", ""), f"FAIL\t{number}\tuser=ann")
                equal(client.plain("ann", "native", ""), "OK\t13\tuser=ann")
        equal([event for event in mail.events(1000) if event["reason"] == "held-back"], [])
        # With one, it is the pair that is locked.
        for number in range(3):
            ask_saslauthd(mux, "ann", f"wrong{number}", address="192.0.2.9;4711")
        equal(ask_saslauthd(mux, "ann", "native", address="192.0.2.9;4711"), "NO")
        equal(mail.events()[0]["reason"], "held-back")


@test
def a_front_that_forges_addresses_does_not_guess_on():
    with sockets() as (mail, auth, _mux), AuthTalk(auth) as owner, AuthTalk(auth) as forger:
        mail.add_account("bob", "native", mailbox=False)
        for name, number in (("Lockout Threshold", 10), ("Lockout Seconds", 3600), ("Failures Per Account", 5)):
            mail.client.set(PARAMETERS, name, REG_DWORD, number)
        equal(owner.plain("ann", "native", "198.51.100.1"), "OK\t1\tuser=ann")
        for number in range(1, 101):
            forger.ask_plain("ann", f"guess {number}", f"192.0.2.{number}")
        wait_until(lambda: any(event["reason"] == "guesses" for event in mail.events(100)), "the alarm")
        # The owner where the password was right before, and everybody else.
        equal(owner.plain("ann", "native", "198.51.100.1"), "OK\t2\tuser=ann")
        equal(owner.plain("bob", "native", "198.51.100.2"), "OK\t3\tuser=bob")
        wrong = [event for event in mail.events(1000) if event["reason"] == "bad-password"]
        equal(len(wrong), 5)
        alarms = [event for event in mail.events(1000) if event["reason"] == "guesses"]
        equal([(event["id"], event["type"], event["user"]) for event in alarms], [(14013, "Warning", "ann")])
        contains(alarms[0]["description"], "Failures Per Account")
        # Live: those that wait go on.
        mail.client.set(PARAMETERS, "Failures Per Account", REG_DWORD, 0)
        equal({forger.line() for _ in range(100)}, {f"FAIL\t{number}\tuser=ann" for number in range(1, 101)})
        with AuthTalk(auth) as another:
            equal(another.plain("ann", "native", "203.0.113.1"), "OK\t1\tuser=ann")


@test
def those_who_wait_for_an_account_keep_their_order_and_are_bounded():
    with sockets() as (mail, auth, _mux), AuthTalk(auth) as forger, AuthTalk(auth) as another:
        for name, number in (("Lockout Threshold", 10), ("Lockout Seconds", 3600), ("Failures Per Account", 5)):
            mail.client.set(PARAMETERS, name, REG_DWORD, number)
        for number in range(1, 106):
            forger.ask_plain("ann", "guess", f"192.0.2.{number}")
        equal({forger.line() for _ in range(5)}, {f"FAIL\t{number}\tuser=ann" for number in range(1, 6)})
        # 100 wait. For a login beyond them there is no verdict: it is to come again.
        equal(another.plain("ann", "native", "203.0.113.1"), "")
        contains(newest_description(mail), "Too many logins wait already")
        # Places for five more: those who came first have them.
        mail.client.set(PARAMETERS, "Failures Per Account", REG_DWORD, 10)
        mail.client.set(PARAMETERS, "Lockout Seconds", REG_DWORD, 7200)
        equal({forger.line() for _ in range(5)}, {f"FAIL\t{number}\tuser=ann" for number in range(6, 11)})


@test
def guesses_at_many_accounts_are_bounded_together():
    with sockets() as (mail, auth, _mux), AuthTalk(auth) as client:
        for name, number in (("Lockout Threshold", 10), ("Failures Per Minute", 4)):
            mail.client.set(PARAMETERS, name, REG_DWORD, number)
        for number in range(1, 51):
            client.ask_plain(f"user{number}", "guess", f"192.0.2.{number}")
        wait_until(lambda: any(event["reason"] == "guesses" for event in mail.events(100)), "the alarm")
        check(sum(event["reason"] == "no-such-user" for event in mail.events(1000)) <= 4, "more than four were tried")
        contains(next(event for event in mail.events(100) if event["reason"] == "guesses")["description"],
                 "Failures Per Minute")


main()
