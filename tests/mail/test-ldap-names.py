# SPDX-License-Identifier: MIT
"""One person is one account, by whichever of their names in the directory they log in: the value of
'User Attribute' is the name of the mailbox, of holds, of 'Logon Only As' and of events."""

import socket
import threading
from contextlib import contextmanager, suppress

from harness.auth import AuthTalk, wait_for_socket
from harness.case import contains, equal, main, rows, test
from harness.mail import BROKERS, PARAMETERS, STORE
from harness.process import program
from harness.registry import REG_DWORD, REG_MULTI_SZ, REG_SZ, variant
from harness.slapd import SCHEMES, Slapd
from harness.talk import Mail

WRONG, TEMPORARY, RIGHT = "-ERR [AUTH]", "-ERR [SYS/TEMP]", "+OK"
FILTER = "(|(uid=%u)(mail=%u)(cn=%u))"
PERSON = """dn: cn={cn},ou=people,{suffix}
objectClass: inetOrgPerson
cn: {cn}
sn: {cn}
userPassword: {password}
{more}
"""


def add_person(slapd, name, *more, password="sesame"):
    slapd.modify(PERSON.format(cn=name, suffix=slapd.suffix, password=SCHEMES["SSHA"](password),
                               more="\n".join(more)), "ldapadd")


@contextmanager
def people(**settings):
    """ann has two addresses and another name; bob has none of his own."""
    with Mail() as mail, Slapd(mail) as slapd:
        add_person(slapd, "Ann Example", "uid: ann", "mail: ann.a@example.org", "mail: ann@example.net")
        add_person(slapd, "Bob Example", "uid: bob", password="b0b")
        slapd.become_broker("3", **({"User_Filter": FILTER} | settings))
        mail.choose("MBS_BASIC", "3")
        for name in ("ann", "bob", "ann.a@example.org", "ann@example.net", "c@example.org"):
            mail.add_mailbox(name)
        yield mail, slapd


def login(mail, user, password="sesame"):
    """The answer to PASS, and the event's user and reason."""
    answer = mail.pop3_answer(user, password)
    event = mail.events()[0]
    return answer, event["user"], event["reason"]


@contextmanager
def late(uri, delay):
    """The directory, with each of its answers held back for some seconds: its port, and a list that
    gets an entry for each answer."""
    held = []
    host, port = uri.rpartition("/")[2].split(":")

    def carry(source, sink, wait):
        with suppress(OSError):
            while data := source.recv(65536):
                if wait:
                    threading.Event().wait(wait)
                    held.append(wait)
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def serve(listener):
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection((host, int(port)))
                for ends in ((client, server, 0), (server, client, delay)):
                    threading.Thread(target=carry, args=ends, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1], held
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@test
def a_name_that_is_not_the_accounts_takes_no_more_than_the_timeout():
    """What finds the account and what proves the password share it."""
    with people() as (mail, slapd), late(slapd.uri, 0.6) as (port, held):
        equal(login(mail, "ann@example.net")[2], "ok")
        mail.client.set(f"{BROKERS}\\3", "URI", REG_SZ, f"ldap://127.0.0.1:{port}")
        mail.client.set(f"{BROKERS}\\3", "Timeout", REG_DWORD, 20000)
        equal(login(mail, "ann@example.net")[2], "ok")
        # The one half would fit, both together do not: a login takes at least what its answers are held back.
        mail.client.set(f"{BROKERS}\\3", "Timeout", REG_DWORD, int(sum(held) * 1000) * 3 // 4)
        answer, _, reason = login(mail, "ann@example.net")
        contains(answer, TEMPORARY)
        equal(reason, "broker-unreachable")


@rows([("the account's name", "ann"), ("an address", "ann.a@example.org"), ("another address", "ANN@example.NET"),
       ("the whole name", "Ann Example")])
def one_person_has_one_mailbox(name):
    with people() as (mail, _):
        mail.deliver("ann", "Subject: ann's\r\n\r\nhello\r\n")
        with mail.pop3_talk() as client:
            client.expect("+OK")
            client.ask(f"USER {name}", "+OK")
            client.ask("PASS sesame", "+OK")
            client.ask("STAT", "+OK 1 ")
        equal((mail.events()[0]["user"], mail.events()[0]["reason"]), ("ann", "ok"))
        contains(login(mail, name, "wrong")[0], WRONG)
        equal(login(mail, name, "wrong")[1:], ("ann", "bad-password"))


@test
def the_sockets_say_the_accounts_name_of_a_refusal_too():
    with people() as (mail, _):
        mail.client.set(PARAMETERS, "Auth Socket", REG_SZ, str(mail.mail / "auth"))
        wait_for_socket(mail.mail / "auth")
        with AuthTalk(mail.mail / "auth") as client:
            for number, name in enumerate(("ann", "Ann.A@example.org", "ann@example.net", "Ann Example")):
                equal(client.plain(name, "sesame"), f"OK\t{2 * number + 1}\tuser=ann")
                equal(client.plain(name, f"wrong {name}"), f"FAIL\t{2 * number + 2}\tuser=ann")


@test
def a_hold_is_the_persons_by_every_name():
    with people() as (mail, _):
        mail.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 3)
        mail.client.set(PARAMETERS, "Failure Delay", REG_DWORD, 0)
        for name in ("ann.a@example.org", "ann", "ann@example.net"):
            equal(login(mail, name, f"wrong {name}")[2], "bad-password", name)
        for name in ("ann", "Ann Example", "ann.a@example.org", "ann@example.net"):
            equal(login(mail, name)[1:], ("ann", "held-back"), name)
        equal(login(mail, "bob", "b0b")[2], "ok")


@test
def only_those_who_are_named_log_on_by_any_of_their_names():
    with people() as (mail, _):
        mail.client.set(STORE, "Logon Only As", REG_MULTI_SZ, ["ann"])
        for name, password, reason in (("ann", "sesame", "ok"), ("ann.a@example.org", "sesame", "ok"),
                                       ("ann.a@example.org", "wrong", "bad-password"), ("bob", "b0b", "maintenance"),
                                       ("bob", "wrong", "maintenance"), ("Bob Example", "b0b", "maintenance")):
            equal(login(mail, name, password)[2], reason, name)
        mail.client.set(STORE, "Logon Only As", REG_MULTI_SZ, ["ann@example.net"])
        equal(login(mail, "ann@example.net")[2], "maintenance", "no account's name")


@rows([
    ("several values are one name", ["uid: zoe", "uid: abe"], "uid", "abe"),
    ("upper case is folded", ["uid: ZOE"], "uid", "zoe"),
    ("another attribute", ["uid: zoe", "employeeNumber: 4711"], "employeeNumber", "4711"),
    ("none: what was typed", ["uid: zoe"], "", "carl"),
    ("an entry without it", ["mail: zoe@example.org"], "uid", "broker-failed"),
    ("what can be no account", ["uid: a\\b"], "uid", "broker-failed"),
])
def the_attribute_names_the_account(more, attribute, outcome):
    with people(User_Attribute=attribute) as (mail, slapd):
        add_person(slapd, "carl", *more)
        mail.hide_mailboxes()
        answer, user, reason = login(mail, "carl")
        contains(answer, TEMPORARY)
        equal(outcome, reason if reason != "no-mailbox" else user)


@rows([("an option", "uid;lang-de"), ("all attributes", "*"), ("two attributes", "uid cn")])
def what_is_no_attribute_is_refused(attribute):
    with people() as (mail, _):
        mail.client.refused("SchemaViolation", "SetValue", "ssuv", f"{BROKERS}\\3", "User Attribute", REG_SZ,
                            variant(attribute), naming="User Attribute")
        equal(login(mail, "ann")[2], "ok")


@test
def nobody_opens_anothers_mailbox_by_sharing_a_name():
    with people(User_Attribute="mail", User_Filter="(|(cn=%u)(uid=%u))") as (mail, slapd):
        for name in ("Carl Example", "Zoe Example"):
            add_person(slapd, name, "mail: info@example.org", f"mail: {name[0].lower()}@example.org")
        equal(login(mail, "Carl Example")[2], "ok", "the first of the bytes is his own")
        equal(login(mail, "Zoe Example")[2], "broker-failed", "the first of the bytes is shared")
        add_person(slapd, "Yan Example", "mail: c@example.org")
        equal(login(mail, "Carl Example")[2], "broker-failed")


@test
def an_address_of_the_domain_is_the_users_name():
    with people(User_Attribute="mail") as (mail, slapd):
        mail.client.set(PARAMETERS, "Domain", REG_SZ, "example.org")
        add_person(slapd, "Zoe Example", "mail: zoe@example.org")
        mail.add_mailbox("zoe")
        equal(login(mail, "Zoe Example")[1:], ("zoe", "ok"))
        equal(login(mail, "zoe@example.org")[2], "no-such-user", "asked for as zoe, whom the filter does not find")


@test
def who_a_name_is_changes_live():
    with people() as (mail, slapd):
        equal(login(mail, "ann.a@example.org")[1:], ("ann", "ok"))
        slapd.modify(f"dn: cn=Ann Example,ou=people,{slapd.suffix}\nchangetype: modify\ndelete: mail\n"
                     "mail: ann.a@example.org\n")
        equal(login(mail, "ann.a@example.org")[2], "no-such-user")
        mail.client.set(f"{BROKERS}\\3", "User Attribute", REG_SZ, "")
        equal(login(mail, "ann@example.net")[1:], ("ann@example.net", "ok"))


@test
def a_test_says_who_it_is():
    with people() as (mail, _):
        result = mail.registry.run(program("mailauth/mailauthctl/mailauthctl"), f"--bus={mail.registry.bus.address}",
                                   "test", "ann.a@example.org", input=b"sesame\n")
        contains(result.stdout.decode(), "account: ann, by 'User Attribute'")
        contains(result.stdout.decode(), "result: ok")


main()
