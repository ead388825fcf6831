#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Where a mailbox is: by the parts of a user's name, and by the account itself."""

from harness.case import contains, equal, main, test
from harness.mail import ACCOUNTS, POP3
from harness.registry import REG_SZ
from harness.talk import Mail

USER = "ann@example.org"


def count(mail, user=USER, password="sesame"):
    """How many messages there are, or the refusal."""
    with mail.pop3_talk() as client:
        client.expect("+OK")
        client.say(f"USER {user}", f"PASS {password}", "STAT")
        client.expect("+OK")
        answer = client.line()
        return int(client.line().split()[1]) if answer.startswith("+OK") else answer


def fill(mail, place, messages):
    """A Maildir below the test's folder."""
    path = mail.mail / place
    for folder in ("cur", "new", "tmp"):
        (path / folder).mkdir(mode=0o700, parents=True)
    for number in range(messages):
        (path / "new" / f"100000000{number}.M1.test").write_text("Subject: x\n\nx\n")
    mail.give(mail.mail / place.split("/")[0])
    return path


@test
def the_parts_of_a_name_lead_to_it():
    with Mail() as mail:
        mail.add_account(USER, "sesame", mailbox=False)
        mail.add_account("bob", "sesame", mailbox=False)
        fill(mail, "example.org/ann", 1)
        fill(mail, USER, 2)
        for pattern, messages in (("%d/%n", 1), ("%u", 2)):
            mail.client.set(POP3, "Mail Directory", REG_SZ, f"{mail.mail}/{pattern}")
            equal(count(mail), messages)
        mail.client.set(POP3, "Mail Directory", REG_SZ, f"{mail.mail}/%d/%n")
        contains(count(mail, "bob"), "-ERR [SYS/TEMP]")
        contains(mail.events(1)[0]["description"], "nothing for '%d'")


@test
def an_account_may_have_its_own():
    with Mail() as mail:
        mail.add_account(USER, "sesame", mailbox=False)
        mail.client.set(POP3, "Mail Directory", REG_SZ, f"{mail.mail}/%u")
        fill(mail, USER, 2)
        fill(mail, "moved/ann", 3)
        key = f"{ACCOUNTS}\\{USER}"
        equal(count(mail), 2)
        mail.client.set(key, "Mail Directory", REG_SZ, f"{mail.mail}/moved/%n")
        equal(count(mail), 3)
        mail.client.unset(key, "Mail Directory")
        equal(count(mail), 2)


@test
def one_that_cannot_be_used_is_not_passed_over():
    with Mail() as mail:
        mail.add_account("bob", "sesame", mailbox=False)
        mail.client.set(POP3, "Mail Directory", REG_SZ, f"{mail.mail}/%u")
        fill(mail, "bob", 2)
        equal(count(mail, "bob"), 2)
        mail.client.set(f"{ACCOUNTS}\\bob", "Mail Directory", REG_SZ, f"{mail.mail}/%d/%n")
        contains(count(mail, "bob"), "-ERR [SYS/TEMP]")
        contains(mail.events(1)[0]["description"], "Users\\bob, Mail Directory: ")


main()
