#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a login takes tells nothing about whether the account is there: the work that is
done for each name is counted, with accounts of several methods and costs."""

import base64
import sqlite3
from collections import Counter
from contextlib import contextmanager

from harness.case import check, equal, main, test
from harness.hashes import crypt_anew, telling, work
from harness.mail import ACCOUNTS
from harness.mailauthctl import done
from harness.registry import REG_BINARY, REG_DWORD, REG_SZ
from harness.sql import postgresql
from harness.talk import Mail

KINDS = ["$5$rounds=1000$", "$5$rounds=3000$", "$6$rounds=1000$"]
NAMES = [f"nobody{number}" for number in range(60)]


def set_password(mail, account, text):
    mail.client.set(f"{ACCOUNTS}\\{account}", "Password", REG_SZ, text)


@contextmanager
def counted():
    """A Mail whose hashing is told, with two accounts of each kind."""
    with Mail() as mail:
        mail.stop()
        mail.environment = telling()
        mail.client.set(ACCOUNTS, "Decoy Key", REG_BINARY, bytes(range(32)))
        for number, kind in enumerate(KINDS * 2):
            set_password(mail, f"user{number}", crypt_anew("sesame", kind))
        mail.start()
        yield mail


def check_names(mail, accounts):
    """Each name takes one hash, of the same kind each time, and strangers take every kind."""
    for number, kind in enumerate(accounts):
        equal(work(mail, f"user{number}"), [kind])
    found = {name: work(mail, name) for name in NAMES}
    check(all(len(kinds) == 1 for kinds in found.values()), f"not one hash each: {found}")
    times = Counter(kinds[0] for kinds in found.values())
    equal(set(times), set(accounts))
    check(min(times.values()) > len(NAMES) / len(KINDS) / 3, f"uneven: {times}")
    for name in NAMES[:10]:
        equal(work(mail, name), found[name], name)
    return found


@test
def native_accounts():
    with counted() as mail:
        found = check_names(mail, KINDS * 2)
        # Those that are disabled take their own; those without a hash what a stranger takes.
        mail.client.set(f"{ACCOUNTS}\\user0", "Disabled", REG_DWORD, 1)
        equal(work(mail, "user0", "sesame"), [KINDS[0]])
        for name, text in (("nobody1", "!"), ("nobody2", "$1$unusable"), ("nobody3", "")):
            set_password(mail, name, text)
            equal(work(mail, name), found[name], name)
        # A restart changes nothing.
        mail.stop()
        mail.start()
        for name in NAMES[:10]:
            equal(work(mail, name), found[name], name)
        # Kinds follow the accounts, live.
        for number in range(6):
            set_password(mail, f"user{number}", crypt_anew("sesame", KINDS[2]))
        equal({kind for name in NAMES for kind in work(mail, name)}, {KINDS[2]})


@test
def app_passwords():
    """Each is one hash more, for strangers as well."""
    with counted() as mail:
        for number in range(6):
            set_password(mail, f"user{number}", crypt_anew("sesame", KINDS[0]))
        for number in range(3):
            mail.client.set(f"{ACCOUNTS}\\user{number}\\Passwords\\phone", "Password", REG_SZ,
                            crypt_anew("phone", KINDS[1]))
        with_app, without = [KINDS[1], KINDS[0]], [KINDS[0]]
        equal([work(mail, f"user{number}") for number in range(6)], [with_app] * 3 + [without] * 3)
        equal(work(mail, "user0", "phone"), [KINDS[1]])
        found = Counter(tuple(work(mail, name)) for name in NAMES)
        equal(set(found), {tuple(with_app), tuple(without)})
        check(min(found.values()) > len(NAMES) / 5, f"uneven: {found}")
        # What mailauthctl makes takes no time at all.
        mail.client.delete(f"{ACCOUNTS}\\user0\\Passwords\\phone", recursive=True)
        done(mail.registry, "user", "app-password", "user0", "add", "tablet")
        equal(work(mail, "user0"), without)


def add_member(file, user, kind):
    with sqlite3.connect(file) as database:
        database.execute("INSERT INTO members (name, password) VALUES (?, ?)", (user, crypt_anew("sesame", kind)))


@test
def members():
    with counted() as mail:
        file = mail.add_broker()
        for number, kind in enumerate(KINDS * 2):
            add_member(file, f"user{number}", kind)
        mail.choose("MBS_BASIC", "3")
        check_names(mail, KINDS * 2)
        for number in range(6):
            add_member(file, f"more{number}", "$6$rounds=2000$")
        check("$6$rounds=2000$" in {kind for name in NAMES for kind in work(mail, name)}, "the new kind is not taken")


def challenge(mail, user):
    """(salt, iterations) that a client is asked with."""
    with mail.pop3_talk() as client:
        client.expect("+OK")
        first = base64.b64encode(f"n,,n={user},r=abcdefghijklmnop".encode()).decode()
        answer = client.ask(f"AUTH SCRAM-SHA-256 {first}", "+ ")
        fields = dict(field.split("=", 1) for field in base64.b64decode(answer[2:]).decode().split(","))
        return fields["s"], int(fields["i"])


@test
def scram_asks_strangers_by_every_count():
    counts = [4096, 10000, 16384]
    with counted() as mail:
        for number, count in enumerate(counts * 2):
            key = base64.b64encode(bytes(32)).decode()
            salt = base64.b64encode(bytes([number] * 16)).decode()
            mail.client.set(f"{ACCOUNTS}\\user{number}", "SCRAM-SHA-256", REG_SZ,
                            f"SCRAM-SHA-256${count}:{salt}${key}:{key}")
        found = {name: challenge(mail, name) for name in NAMES}
        times = Counter(count for _, count in found.values())
        equal(set(times), set(counts))
        check(min(times.values()) > len(NAMES) / len(counts) / 3, f"uneven: {times}")
        equal(len({salt for salt, _ in found.values()}), len(NAMES))
        check(all(len(base64.b64decode(salt)) == 16 for salt, _ in found.values()), "a salt of another size")
        mail.stop()
        mail.start()
        equal({name: challenge(mail, name) for name in NAMES[:10]}, {name: found[name] for name in NAMES[:10]})


@test
def what_few_rows_of_a_database_have_stands_in_for_few_names():
    few, most = "$6$rounds=1000$", "$5$rounds=1000$"
    database = postgresql()
    database.table({})
    for number in range(20):
        database.add(f"user{number}", crypt_anew("sesame", most if number else few))
    with Mail() as mail:
        database.become_broker(mail, "3")
        mail.choose("MBS_BASIC", "3")
        mail.stop()
        mail.environment = telling()
        mail.start()
        for number in range(20):
            equal(work(mail, f"user{number}"), [most if number else few])
        found = Counter(tuple(work(mail, name)) for name in NAMES)
        equal(set(found) - {(few,)}, {(most,)})
        check(found[(few,)] < 15, f"the kind of one account in 20 stands in for {found[(few,)]} of 60 names")


main()
