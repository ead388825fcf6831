#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Membership by a directory: a real OpenLDAP server decides who logs in, and
whatever is wrong with it or with the way to it is never called a bad password."""

import os
import threading
import time
from contextlib import contextmanager
from pathlib import Path

from harness.bus import needs_root
from harness.case import check, contains, equal, main, rows, test
from harness.mail import BROKERS, PARAMETERS, STORE
from harness.process import program
from harness.registry import REG_DWORD, REG_SZ
from harness.slapd import SCHEMES, Slapd, black_hole, pretender, write_broker
from harness.talk import Mail

WRONG, TEMPORARY, RIGHT = "-ERR [AUTH]", "-ERR [SYS/TEMP]", "+OK"


def expect(mail, user, password, answer, reason, names=""):
    """A login, its answer and its event, which names this."""
    contains(mail.pop3_answer(user, password), answer)
    event = mail.events()[0]
    equal(event["reason"], reason, event["description"])
    contains(event["description"], names)


def expect_right(mail, user, password):
    """The mailbox can't be had: a right password is told so."""
    expect(mail, user, password, TEMPORARY, "no-mailbox")


@contextmanager
def directory(anonymous=False, **settings):
    """A mail server by a directory, which is broker 3 and decides."""
    with Mail() as mail, Slapd(mail, anonymous=anonymous) as slapd:
        slapd.add("ann", "sesame")
        slapd.become_broker("3", **settings)
        mail.choose("MBS_BASIC", "3")
        mail.hide_mailboxes()
        yield mail, slapd


@test
def users_are_searched_and_proved():
    with directory() as (mail, slapd):
        mail.show_mailboxes()
        mail.add_mailbox("ann")
        expect(mail, "ann", "sesame", RIGHT, "ok")
        expect(mail, "ANN", "sesame", RIGHT, "ok")
        expect(mail, "ann", "Sesame", WRONG, "bad-password", slapd.dn("ann"))
        expect(mail, "bob", "sesame", WRONG, "no-such-user", "(uid=bob)")
        expect(mail, "ann\\x", "sesame", WRONG, "no-such-user")
        contains(mail.imap_answer("ann", "wrong"), "[AUTHENTICATIONFAILED]")
        contains(mail.imap_answer("ann", "sesame"), "[UNAVAILABLE]")


@test
def status_names_a_directory_that_is_away_or_wrongly_set():
    with directory() as (mail, slapd):
        told = lambda name: [problem for problem in mail.status()["problems"] if f"\\3: {name}" in problem]
        expect_right(mail, "ann", "sesame")
        equal(told(slapd.uri), [])
        slapd.stop()
        expect(mail, "ann", "sesame", TEMPORARY, "broker-unreachable")
        contains(told(slapd.uri)[0], "no connection")
        slapd.start()
        expect(mail, "ann", "wrong", WRONG, "bad-password")
        equal(told(slapd.uri), [])
        mail.client.set(f"{BROKERS}\\3", "Bind Password", REG_SZ, "wrong")
        expect(mail, "ann", "sesame", TEMPORARY, "broker-failed")
        contains(told(slapd.uri)[0], "`Bind Password`")


@test
def every_scheme_is_proved_by_the_directory():
    with directory() as (mail, slapd):
        for scheme in SCHEMES:
            name = scheme.lower()
            slapd.add(name, "open", scheme)
            expect_right(mail, name, "open")
            expect(mail, name, "Open", WRONG, "bad-password")
            expect(mail, name, "open ", WRONG, "bad-password")


@test
def a_search_may_be_anonymous():
    with directory(anonymous=True) as (mail, _):
        expect_right(mail, "ann", "sesame")
        expect(mail, "ann", "wrong", WRONG, "bad-password")
        expect(mail, "reader", "reader-sesame", WRONG, "no-such-user")


@test
def a_name_is_no_filter():
    with directory() as (mail, _):
        for name in ("*", "a*", "*)(uid=*", "ann)(|(uid=*", "(", "ann)", "\\2a", "ann\\00", "ann)(cn=ann"):
            expect(mail, name, "sesame", WRONG, "no-such-user")
        expect_right(mail, "ann", "sesame")


@test
def an_empty_password_is_never_shown_to_a_directory():
    with directory() as (mail, slapd):
        mail.add_mailbox("ann")
        with mail.imap_talk() as client:
            client.expect("* OK")
            client.ask('a LOGIN ann ""', "a NO [AUTHENTICATIONFAILED]")
        equal(mail.events()[0]["reason"], "bad-password")
        slapd.kill()
        with mail.imap_talk() as client:
            client.expect("* OK")
            client.ask('a LOGIN ann ""', "a NO [AUTHENTICATIONFAILED]")


@test
def a_server_that_takes_unauthenticated_binds_lets_nobody_in():
    with Mail() as mail, Slapd(mail, extra="allow bind_anon_dn bind_anon_cred") as slapd:
        slapd.add("ann", "sesame")
        slapd.become_broker("3")
        mail.choose("MBS_BASIC", "3")
        mail.hide_mailboxes()
        with mail.imap_talk() as client:
            client.expect("* OK")
            client.ask('a LOGIN ann ""', "a NO [AUTHENTICATIONFAILED]")
        expect(mail, "nobody", "x", WRONG, "no-such-user")


@test
def several_entries_are_nobody_in_particular():
    with directory() as (mail, slapd):
        slapd.add("ann", "other", where="others")
        expect(mail, "ann", "sesame", TEMPORARY, "broker-failed", "several")
        mail.client.set(f"{BROKERS}\\3", "Base DN", REG_SZ, f"ou=others,{slapd.suffix}")
        expect_right(mail, "ann", "other")
        for number in range(20):
            slapd.add(f"x{number}", "x")
        mail.client.set(f"{BROKERS}\\3", "User Filter", REG_SZ, "(|(uid=%u)(objectClass=inetOrgPerson))")
        mail.client.set(f"{BROKERS}\\3", "Base DN", REG_SZ, slapd.suffix)
        expect(mail, "ann", "sesame", TEMPORARY, "broker-failed", "several")


@test
def locked_and_passwordless_accounts_are_refused():
    policy = """dn: cn=policy,{0}
objectClass: organizationalRole
objectClass: pwdPolicy
cn: policy
pwdAttribute: userPassword
pwdLockout: TRUE
"""
    with Mail() as mail, Slapd(mail) as slapd:
        slapd.add("ann", "sesame")
        slapd.add("bob", "sesame")
        slapd.add("eve", "")
        slapd.stop()
        text = slapd.configuration.read_text()
        slapd.configuration.write_text(text.replace(
            "overlay ppolicy", f"overlay ppolicy\nppolicy_default cn=policy,{slapd.suffix}\nppolicy_use_lockout"))
        slapd.load(policy.format(slapd.suffix))
        slapd.start()
        slapd.modify(f"dn: {slapd.dn('bob')}\nchangetype: modify\nadd: pwdAccountLockedTime\n"
                     "pwdAccountLockedTime: 000001010000Z\n")
        slapd.become_broker("3")
        mail.choose("MBS_BASIC", "3")
        mail.hide_mailboxes()
        expect_right(mail, "ann", "sesame")
        expect(mail, "bob", "sesame", WRONG, "disabled", "locked")
        contains(mail.pop3_answer("eve", "sesame"), WRONG)


@rows([
    ("no such base", {"Base_DN": "dc=elsewhere,dc=test"}, "broker-failed", "Base DN"),
    ("a base that is none", {"Base_DN": "nonsense"}, "broker-failed", "Base DN"),
    ("a filter that is none", {"User_Filter": "(uid=%u"}, "bad-setting", "User Filter"),
    ("wrong password of the searcher", {"Bind_Password": "wrong"}, "broker-failed", "Bind DN"),
    ("no password of the searcher", {"Bind_Password": ""}, "bad-setting", "mailauthctl repair"),
    ("nothing to search in", {"Base_DN": ""}, "bad-setting", "Base DN"),
    ("no authority's file", {"StartTLS": 1, "CA_File": "/nonexistent.pem"}, "bad-setting", "CA File"),
    ("a base in the address", {"URI": "ldap://127.0.0.1/dc=slapd,dc=test"}, "bad-setting", "3, URI"),
    ("nobody there", {"URI": "ldap://127.0.0.1:1"}, "broker-unreachable", "ldap://127.0.0.1:1"),
    ("no such socket", {"URI": "ldapi://%2Fnonexistent"}, "broker-unreachable", "ldapi"),
    ("no such host", {"URI": "ldap://nowhere.invalid"}, "broker-unreachable", "nowhere.invalid"),
])
def what_cannot_be_used_is_no_bad_password(changes, reason, names):
    with directory(**changes) as (mail, _):
        for user in ("ann", "bob"):
            expect(mail, user, "sesame", TEMPORARY, reason, names)
        event = mail.events()[0]
        check("sesame" not in event["description"], f"a password in {event}")


@test
def without_a_right_to_the_secret_no_login_is_tried():
    needs_root()  # whoever runs regd may read all of it
    with directory() as (mail, _):
        mail.client.set_acl(BROKERS, ("everyone", "read"))
        expect(mail, "ann", "sesame", TEMPORARY, "bad-setting", "mailauthctl repair")


@test
def several_addresses_are_tried_in_turn():
    with directory() as (mail, slapd):
        mail.client.set(f"{BROKERS}\\3", "URI", REG_SZ, f"ldap://127.0.0.1:1 {slapd.uri}")
        expect_right(mail, "ann", "sesame")


@test
def tls_is_verified():
    with directory() as (mail, slapd):
        stranger = slapd.make_authority("stranger")
        ways = [{"URI": slapd.tls_uri, "StartTLS": 0}, {"URI": slapd.uri, "StartTLS": 1}]
        for way in ways:
            slapd.become_broker("3", CA_File=str(slapd.directory / "ca.pem"), **way)
            expect_right(mail, "ann", "sesame")
            expect(mail, "ann", "wrong", WRONG, "bad-password")
            for authority in (stranger, ""):
                slapd.become_broker("3", CA_File=authority, **way)
                expect(mail, "ann", "sesame", TEMPORARY, "broker-failed", "TLS")
        slapd.become_broker("3", URI=slapd.local_uri, CA_File="", StartTLS=0)
        expect_right(mail, "ann", "sesame")
        slapd.become_broker("3", URI=slapd.tls_uri, StartTLS=1)
        expect(mail, "ann", "sesame", TEMPORARY, "bad-setting", "StartTLS")


@test
def a_name_that_the_certificate_does_not_have_is_refused():
    with directory() as (mail, slapd):
        (slapd.directory / "names").write_text("subjectAltName=DNS:elsewhere.test\n")
        slapd.openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                      "-days", "2", "-extfile", "names", "-set_serial", "7", "-subj", "/CN=elsewhere.test",
                      "-out", "server.pem")
        slapd.restart()
        authority = str(slapd.directory / "ca.pem")
        for changes in ({"URI": slapd.tls_uri}, {"URI": slapd.uri, "StartTLS": 1}):
            slapd.become_broker("3", CA_File=authority, **changes)
            expect(mail, "ann", "sesame", TEMPORARY, "broker-failed", "TLS")


@test
def no_password_goes_out_where_starttls_is_not_had():
    with Mail() as mail, Slapd(mail, tls=False) as slapd:
        slapd.add("ann", "sesame")
        slapd.become_broker("3", StartTLS=1)
        mail.choose("MBS_BASIC", "3")
        mail.hide_mailboxes()
        expect(mail, "ann", "sesame", TEMPORARY, "broker-failed", "TLS")
        slapd.become_broker("3", StartTLS=0)
        expect_right(mail, "ann", "sesame")


@test
def the_connections_are_kept_and_made_anew():
    with directory() as (mail, slapd):
        for _ in range(3):
            expect_right(mail, "ann", "sesame")
        for end in (slapd.stop, slapd.kill):
            end()
            expect(mail, "ann", "sesame", TEMPORARY, "broker-unreachable")
            slapd.start()
            expect_right(mail, "ann", "sesame")
            # and with connections that are there, none of which stands
            slapd.restart()
            expect_right(mail, "ann", "sesame")
            expect(mail, "ann", "wrong", WRONG, "bad-password")
        mail.client.set(f"{BROKERS}\\3", "Pool Size", REG_DWORD, 1)
        for _ in range(3):
            expect_right(mail, "ann", "sesame")
            expect(mail, "ann", "wrong", WRONG, "bad-password")


@test
def the_directory_may_be_stopped_as_soon_as_it_has_started():
    with directory() as (_, slapd):
        for _ in range(10):
            slapd.restart()


@test
def many_log_in_at_once():
    with directory() as (mail, slapd):
        for number in range(8):
            slapd.add(f"user{number}", f"open{number}")
        for size in (1, 2, 8):
            mail.client.set(f"{BROKERS}\\3", "Pool Size", REG_DWORD, size)
            answers = []

            def log_in(number):
                for password in (f"open{number}", "wrong"):
                    answers.append((password, mail.pop3_answer(f"user{number}", password)))

            threads = [threading.Thread(target=log_in, args=(number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            equal(len(answers), 16)
            for password, answer in answers:
                contains(answer, WRONG if password == "wrong" else TEMPORARY)
            equal({event["reason"] for event in mail.events(16)}, {"no-mailbox", "bad-password"})


@rows([
    ("ldap", "ldap", 0, b""),
    ("ldaps", "ldaps", 0, b""),
    ("StartTLS", "ldap", 1, b""),
    ("half a message", "ldap", 0, b"\x30\x84\x00"),
    ("half a handshake", "ldaps", 0, b"\x16\x03\x03\x01"),
])
def a_server_that_never_answers_holds_nobody_up(scheme, start_tls, says):
    with Mail() as mail, black_hole(says) as hole:
        mail.add_account("ann", "native")
        write_broker(mail, "7", Type="ldap", URI=f"{scheme}://127.0.0.1:{hole.port}", Base_DN="dc=test",
                     StartTLS=start_tls, Timeout=700, Pool_Size=2)
        mail.choose("MBS_BASIC", "7")
        begin = time.monotonic()
        expect(mail, "ann", "sesame", TEMPORARY, "broker-unreachable", "Timeout")
        took = time.monotonic() - begin
        check(0.6 < took < 20, f"Timeout is 0.7 s, and it took {took:.2f} s")
        # one waits for it, with others behind; the next is native
        waiting = [mail.pop3_talk() for _ in range(4)]
        mail.client.set(f"{BROKERS}\\7", "Timeout", REG_DWORD, 60000)
        for client in waiting:
            client.say("USER ann", "PASS sesame")
            client.expect("+OK", "+OK")
        while hole.taken < 2:
            os.sched_yield()
        mail.client.set(STORE, "MBS Package", REG_SZ, "")
        equal(mail.pop3_answer("ann", "native"), "+OK Logged in.")
        for client in waiting:
            client.socket.close()


def processor_seconds(process):
    """What it has used."""
    words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


@rows([
    ("ldaps", "ldaps", 0),
    ("StartTLS", "ldap", 1),
])
def one_that_never_begins_tls_leaves_time_for_the_next(scheme, start_tls):
    with directory() as (mail, slapd), black_hole() as hole:
        next_one = slapd.uri if start_tls else slapd.tls_uri
        slapd.become_broker("3", URI=f"{scheme}://127.0.0.1:{hole.port} {next_one}", StartTLS=start_tls,
                            CA_File=str(slapd.directory / "ca.pem"), Timeout=6000)
        verifier, = mail.roles()["verifier"]
        before = processor_seconds(verifier)
        expect_right(mail, "ann", "sesame")
        # Two connections are made, for which it is waited 3 s and 1.5 s.
        equal(hole.taken, 2)
        used = processor_seconds(verifier) - before
        check(used < 1, f"it used the processor for {used:.2f} s while it waited")


NAME = b"uid=\xff\xfe\nann"


@rows([
    ("a name of any bytes", [NAME], {NAME: 0, None: 49}, TEMPORARY, "no-mailbox"),
    ("its wrong password", [NAME], {None: 49}, WRONG, "bad-password"),
    ("an entry without a name", [b""], {None: 0}, TEMPORARY, "broker-failed"),
    ("two entries", [b"uid=a", b"uid=b"], {None: 0}, TEMPORARY, "broker-failed"),
    ("everybody is welcome, nobody too", [], {None: 0}, TEMPORARY, "broker-failed"),
    ("unwilling for the account", [b"uid=a"], {b"uid=a": 53, None: 49}, WRONG, "disabled"),
    ("unwilling for everybody", [b"uid=a"], {None: 53}, TEMPORARY, "broker-failed"),
    ("no password to compare with", [b"uid=a"], {b"uid=a": 48, None: 49}, WRONG, "bad-password"),
    ("busy", [b"uid=a"], {None: 51}, TEMPORARY, "broker-unreachable"),
    ("unavailable", [b"uid=a"], {None: 52}, TEMPORARY, "broker-unreachable"),
    ("TLS wanted", [b"uid=a"], {None: 13}, TEMPORARY, "broker-failed"),
    ("TLS wanted, of nobody", [], {None: 13}, TEMPORARY, "broker-failed"),
    ("a code that is none", [b"uid=a"], {None: 119}, TEMPORARY, "broker-failed"),
])
def whatever_a_directory_says(names, codes, answer, reason):
    with Mail() as mail, pretender(names, codes) as server:
        write_broker(mail, "7", Type="ldap", URI=f"ldap://127.0.0.1:{server.port}", Base_DN="dc=test",
                     User_Attribute="")
        mail.choose("MBS_BASIC", "7")
        mail.hide_mailboxes()
        for _ in range(2):
            expect(mail, "ann", "sesame", answer, reason)


@test
def those_behind_in_the_queue_are_answered_in_time():
    with Mail() as mail, black_hole() as hole:
        write_broker(mail, "7", Type="ldap", URI=f"ldap://127.0.0.1:{hole.port}", Base_DN="dc=test",
                     Timeout=1000, Pool_Size=1)
        mail.choose("MBS_BASIC", "7")
        clients = [mail.pop3_talk() for _ in range(10)]
        begin = time.monotonic()
        for client in clients:
            client.say("USER ann", "PASS sesame")
        for client in clients:
            client.expect("+OK", "+OK", TEMPORARY)
            client.socket.close()
        took = time.monotonic() - begin
        check(took < 9, f"ten logins by one connection took {took:.2f} s; one has 1 s")


@test
def changed_settings_are_used_by_the_next_login():
    with directory() as (mail, slapd):
        slapd.add("bob", "sesame", where="others")
        for where, user, nobody in (("people", "ann", "bob"), ("others", "bob", "ann")) * 5:
            mail.client.set(f"{BROKERS}\\3", "Base DN", REG_SZ, f"ou={where},{slapd.suffix}")
            expect_right(mail, user, "sesame")
            expect(mail, nobody, "sesame", WRONG, "no-such-user")
        mail.client.set(f"{BROKERS}\\3", "Base DN", REG_SZ, slapd.suffix)
        mail.client.set(f"{BROKERS}\\3", "Bind Password", REG_SZ, "wrong")
        expect(mail, "ann", "sesame", TEMPORARY, "broker-failed")
        mail.client.set(f"{BROKERS}\\3", "Bind Password", REG_SZ, "reader-sesame")
        expect_right(mail, "ann", "sesame")


@rows([("each login asks", 0), ("where others are known again", 3600)])
def a_password_that_was_changed_is_wrong_at_once(seconds):
    with directory() as (mail, slapd):
        mail.client.set(PARAMETERS, "Verified Seconds", REG_DWORD, seconds)
        before = "sesame"
        expect_right(mail, "ann", before)
        for number in range(5):
            password = f"open{number}"
            slapd.modify(f"dn: {slapd.dn('ann')}\nchangetype: modify\nreplace: userPassword\n"
                         f"userPassword: {SCHEMES['SSHA'](password)}\n")
            expect(mail, "ann", before, WRONG, "bad-password")
            expect_right(mail, "ann", password)
            before = password


@rows([("each login asks", 0), ("native passwords are known again", 3600)])
def two_directories_are_switched_live(seconds):
    with Mail() as mail, Slapd(mail, "three", tls=False) as three, Slapd(mail, "four", tls=False) as four:
        mail.add_account("ann", "native")
        three.add("ann", "by-three")
        four.add("ann", "by-four")
        three.become_broker("3")
        four.become_broker("4")
        mail.choose("", "3")
        mail.client.set(PARAMETERS, "Verified Seconds", REG_DWORD, seconds)
        steps = [("MBS Package", "MBS_BASIC", "by-three"), ("MBS Broker", "4", "by-four"),
                 ("MBS Broker", "3", "by-three"), ("MBS Broker", "4", "by-four"), ("MBS Package", "", "native"),
                 ("MBS Broker", "3", "native")]
        with mail.pop3_talk() as opened:
            opened.expect("+OK")
            opened.say("USER ann", "PASS native")
            opened.expect("+OK", "+OK Logged in.")
            stale = []
            for number in range(300):
                name, value, password = steps[number % len(steps)]
                mail.client.set(STORE, name, REG_SZ, value)
                # The mailbox is held by the open session: a right password is told so, not [AUTH].
                answer = mail.pop3_answer("ann", password)
                if "[IN-USE]" not in answer:
                    stale.append((number, name, value, answer))
            equal(stale, [])
            opened.ask("NOOP", "+OK")


@test
def unknown_users_take_as_long_as_wrong_passwords():
    with directory() as (mail, slapd):
        slapd.add("slow", "open", "ARGON2")

        def measure(user):
            begin = time.monotonic()
            contains(mail.pop3_answer(user, "wrong"), WRONG)
            return time.monotonic() - begin

        known = sorted(measure("slow") for _ in range(20))[10]
        unknown = sorted(measure("nobody") for _ in range(20))[10]
        print(f"# a wrong password: {known * 1000:.1f} ms, an unknown user: {unknown * 1000:.1f} ms", flush=True)
        check(unknown > known / 2, "an unknown user is told faster")


@test
def the_tools_explain():
    with directory() as (mail, slapd):
        bus = f"--bus={mail.registry.bus.address}"
        result = mail.registry.run(program("mailauth/mailauthctl/mailauthctl"), bus, "test", "ann", input=b"sesame\n")
        text = result.stdout.decode()
        for part in ("broker 3", "type ldap", slapd.uri, slapd.dn("ann")):
            contains(text, part)
        result = mail.registry.run(program("mailauth/mailauthd"), bus, "--check")
        equal(result.returncode, 0, result.stdout.decode())
        slapd.kill()
        result = mail.registry.run(program("mailauth/mailauthd"), bus, "--check")
        equal(result.returncode, 1, result.stdout.decode())
        contains(result.stdout.decode(), slapd.uri)


main()
