#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`Domain` with several domains: accounts are full names by every mechanism, in every tool, for
every source of accounts, and in what is recorded."""

import json
from contextlib import contextmanager

from harness.auth import AuthTalk
from harness.case import check, contains, equal, main, rows, test
from harness.every_mechanism import WAYS, everything
from harness.mail import ACCOUNTS, PARAMETERS, POP3, STORE
from harness.mailauthctl import NOT_FOUND, done, failed
from harness.process import program
from harness.registry import REG_DWORD, REG_MULTI_SZ, REG_SZ, variant
from harness.slapd import Slapd
from harness.talk import Mail

ORG, NET = "ann@example.org", "ann@example.net"
SETTINGS = [(PARAMETERS, "Domain", REG_MULTI_SZ, ["Example.ORG", "example.net"]),
            (PARAMETERS, "Failure Delay", REG_DWORD, 0), (PARAMETERS, "Lockout Threshold", REG_DWORD, 0)]


def add(mail, name, password):
    """By the tool, which makes SCRAM's keys too."""
    result = done(mail.registry, "user", "add", name, password=password)
    mail.add_mailbox(name)
    return result


@contextmanager
def domains():
    """ann of either domain has her own account, password and mailbox; nobody reaches the plain ann."""
    with everything(*SETTINGS) as mail:
        for name, password in ((ORG, "of-org"), (NET, "of-net"), ("ann", "of-none")):
            add(mail, name, password)
        yield mail


@test
def every_mechanism_takes_full_names():
    with domains() as mail:
        for way, log_in in WAYS.items():
            for user, password, account in (("Ann@example.org", "of-org", ORG), ("ann@EXAMPLE.net", "of-net", NET),
                                            ("EXAMPLE.NET\\Ann", "of-net", NET),
                                            ("example.org\\ann\\ann", "of-org", ORG)):
                equal(log_in(mail, user.encode(), password.encode()), True, (way, user))
                equal(mail.events()[0]["user"], account, (way, user))
            for user, password in (("ann", "of-none"), (NET, "of-org"), ("example.com\\ann", "of-org"),
                                   ("ann@example.com", "of-org"), ("@example.org", "of-org")):
                equal(log_in(mail, user.encode(), password.encode()), False, (way, user))


@test
def each_has_a_mailbox_and_sessions_of_their_own():
    with domains() as mail:
        mail.client.set(POP3, "Mail Directory", REG_SZ, str(mail.directory / "by-domain/%d/%n"))
        for name, count in ((ORG, 1), (NET, 2)):
            user, domain = name.split("@")
            folder = mail.directory / "by-domain" / domain / user
            for part in ("tmp", "new", "cur"):
                (folder / part).mkdir(parents=True)
            for number in range(count):
                (folder / "cur" / f"{number}.x:2,").write_text("Subject: x\n\nx\n", encoding="utf-8")
        for path in (mail.directory / "by-domain").rglob("*"):
            mail.give(path)
        for user, password, count in ((ORG, "of-org", 1), ("example.net\\ann", "of-net", 2)):
            with mail.pop3_talk() as client:
                client.expect("+OK")
                client.say(f"USER {user}", f"PASS {password}", "STAT")
                client.expect("+OK", "+OK", f"+OK {count} ")
                who = json.loads(done(mail.registry, "--json", "who", "EXAMPLE.ORG\\ann"))
                equal([session["user"] for session in who], [ORG] if user == ORG else [])
                failed(mail.registry, NOT_FOUND, "kick", "ann", naming="no such session")
                done(mail.registry, "kick", user)
                client.until("")


@test
def status_names_accounts_that_no_client_can_name():
    with domains() as mail:
        told = lambda: [problem for problem in mail.status()["problems"] if "no client can name" in problem]
        equal([problem.rpartition(": ")[2] for problem in told()], ["ann"])
        mail.client.set(PARAMETERS, "Domain", REG_MULTI_SZ, ["example.org"])
        equal([problem.rpartition(": ")[2] for problem in told()], [ORG])
        mail.client.set(PARAMETERS, "Domain", REG_MULTI_SZ, [])
        equal(told(), [])


@test
def other_servers_are_told_the_full_name():
    with domains() as mail, AuthTalk(mail.auth) as client:
        equal(client.plain("EXAMPLE.ORG\\ann", "of-org"), f"OK\t1\tuser={ORG}")
        equal(client.plain("ann", "of-none"), "FAIL\t2\tuser=ann")


@test
def only_those_who_are_named_log_on_and_holds_are_one_accounts():
    with domains() as mail:
        mail.client.set(STORE, "Logon Only As", REG_MULTI_SZ, ["EXAMPLE.ORG\\ann"])
        contains(mail.pop3_answer(ORG, "of-org"), "+OK")
        contains(mail.pop3_answer(NET, "of-net"), "-ERR [SYS/TEMP]")
        mail.client.set(STORE, "Logon Only As", REG_MULTI_SZ, [])
        mail.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 2)
        for number, user in enumerate((ORG, "example.org\\ann", ORG)):
            mail.pop3_answer(user, f"wrong{number}")
        contains(mail.pop3_answer(ORG, "of-org"), "-ERR [AUTH]")
        equal(mail.last_event()[1:], ("held-back", ORG))
        contains(mail.pop3_answer(NET, "of-net"), "+OK")
        done(mail.registry, "release", "example.org\\ann")
        contains(mail.pop3_answer(ORG, "of-org"), "+OK")


@test
def domains_come_and_go_at_once():
    with domains() as mail:
        for set_to, reached in ((["example.org"], {"ann": "of-none", ORG: "of-none", NET: "of-net"}),
                                (["example.org", "EXAMPLE.org"], {ORG: "of-none", "ann": "of-none"}),
                                (["example.org", "example.net"], {ORG: "of-org", NET: "of-net"}),
                                ([], {"ann": "of-none", ORG: "of-org", NET: "of-net"})):
            mail.client.set(PARAMETERS, "Domain", REG_MULTI_SZ, set_to)
            for user, password in reached.items():
                contains(mail.pop3_answer(user, password), "+OK")
        mail.client.set(PARAMETERS, "Domain", REG_SZ, "example.org")
        contains(mail.pop3_answer(ORG, "of-none"), "+OK")


@test
def the_tool_says_which_names_nobody_reaches():
    with Mail(SETTINGS) as mail:
        for several, name, said in ((True, "bob@example.org", ""), (True, "bob", "accounts are full names"),
                                    (False, "carl@example.org", "that name is the account 'carl'"),
                                    (False, "carl", ""), (False, "carl@example.net", "")):
            mail.client.set(PARAMETERS, "Domain", REG_MULTI_SZ, ["example.org"] + ["example.net"] * several)
            result = mail.registry.run(program("mailauth/mailauthctl/mailauthctl"), f"--bus={mail.registry.bus.address}", "user", "add", name,
                                       input=b"sesame\n")
            equal(result.returncode, 0)
            contains(result.stderr.decode(), said)
            equal(bool(result.stderr), bool(said), result.stderr)


@rows([("the whole name", "(mail=%u)"), ("its parts", "(&(mail=%n@*)(mail=*@%d))")])
def directories_are_asked_for_full_names(search):
    with Mail(SETTINGS) as mail, Slapd(mail) as slapd:
        for name in (ORG, NET):
            slapd.modify(f"dn: cn={name},ou=people,{slapd.suffix}\nobjectClass: inetOrgPerson\ncn: {name}\nsn: x\n"
                         f"uid: ann\nmail: {name}\nuserPassword: of-{name[-3:]}\n", "ldapadd")
            mail.add_mailbox(name)
        slapd.become_broker("3", User_Filter=search, User_Attribute="mail")
        mail.choose("MBS_BASIC", "3")
        for user, password in ((ORG, "of-org"), (NET, "of-net"), ("EXAMPLE.NET\\ann", "of-net")):
            contains(mail.pop3_answer(user, password), "+OK")
        contains(mail.pop3_answer("ann", "of-net"), "-ERR [AUTH]")
        slapd.become_broker("3", User_Filter=search, User_Attribute="uid")
        contains(mail.pop3_answer(ORG, "of-org"), "-ERR [SYS/TEMP]")
        contains(mail.events()[0]["description"], "with several `Domain`s is a full one")


@test
def members_of_the_embedded_directory_have_full_names():
    with Mail(SETTINGS) as mail:
        mail.add_member(mail.add_broker(), ORG, "sesame")
        mail.add_mailbox(ORG)
        mail.choose("MBS_BASIC", "3")
        contains(mail.pop3_answer("example.org\\ann", "sesame"), "+OK")
        contains(mail.pop3_answer("ann", "sesame"), "-ERR [AUTH]")


@rows([("a space", "example org"), ("an @", "@example.org"), ("a slash", "example/org")])
def what_is_no_domain_is_refused(name):
    with Mail() as mail:
        mail.client.refused("SchemaViolation", "SetValue", "ssuv", PARAMETERS, "Domain", REG_MULTI_SZ,
                            variant(["example.net", name]), naming="Domain")
        check("Domain" not in done(mail.registry, "status"), "a problem")


if __name__ == "__main__":
    main()
