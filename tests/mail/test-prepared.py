#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Names, passwords and authorisation identities are prepared alike by every mechanism before they are
compared (SASLprep, RFC 4013), whatever proves the password."""

from contextlib import contextmanager

from harness.case import contains, equal, main, rows, test
from harness.every_mechanism import PASSWORD_WAYS, PROXY_WAYS, by_pass, by_plain, by_scram, everything
from harness.mail import ACCOUNTS, PARAMETERS, hash_password
from harness.mailauthctl import done
from harness.registry import REG_DWORD, REG_SZ
from harness.slapd import Slapd, ssha

NO_HOLDS = [(PARAMETERS, "Failure Delay", REG_DWORD, 0), (PARAMETERS, "Lockout Threshold", REG_DWORD, 0),
            (PARAMETERS, "Failures Per Account", REG_DWORD, 0), (PARAMETERS, "Failures Per Minute", REG_DWORD, 0)]
COMPOSED, DECOMPOSED = "jos\u00e9", "jose\u0301"
FULL_WIDTH = "\uff41\uff42"
# (typed, whether it is the password "pé ss²1", made by the tool)
PASSWORDS = [
    ("p\u00e9 ss\u00b21", True), ("pe\u0301 ss\u00b21", True), ("p\u00e9\u00a0ss21", True),
    ("p\u00e9\u3000ss21", True), ("p\u00e9 s\u00ads21", True), ("\uff50\u00e9 ss\uff121", True),
    ("p\u00e9\u2003ss\u200d21", True), ("P\u00e9 ss21", False), ("pe ss21", False), ("p\u00e9  ss21", False),
    ("p\u00e9 ss21\u200f", False), ("p\u00e9 ss21\u0007", False), ("p\u00e9 ss21\ue000", False),
    ("\u0627p\u00e9 ss21", False), (b"p\xe9 ss\xb21", False), (b"p\xc3\xa9 ss21\xff", False), ("\u00ad", False),
]
# (typed, whether it is the account "josé")
NAMES = [
    (COMPOSED, True), (DECOMPOSED, True), ("JOS\u00c9", True), ("JOSE\u0301", True), ("j\u00adose\u0301", True),
    ("\uff4aos\u00e9", True), ("\uff2aOS\u00c9", True), ("jose", False), ("jos\u00e8", False),
    ("jos\u00e9\u200f", False), ("jos\u00e9\ue000", False), ("\u0627jos\u00e9", False), ("jos\u00e9 ", False),
    (b"jos\xe9", False), (b"jos\xc3\xa9\xff", False), ("\u00ad", False),
]


def encoded(text):
    return text if isinstance(text, bytes) else text.encode()


@contextmanager
def jose():
    """A hash that costs next to nothing, as there are many logins."""
    with everything(*NO_HOLDS) as mail:
        mail.add_account(COMPOSED, "p\u00e9 ss21")
        yield mail


@test
def passwords_are_prepared_alike():
    with jose() as mail:
        for way, log_in in PASSWORD_WAYS.items():
            for typed, right in PASSWORDS:
                equal(log_in(mail, COMPOSED.encode(), encoded(typed)), right, (way, typed))


@test
def the_tool_prepares_what_it_keeps():
    with everything(*NO_HOLDS) as mail:
        done(mail.registry, "user", "add", DECOMPOSED, password="pe\u0301 ss\u00b21")
        mail.add_mailbox(COMPOSED)
        equal(by_pass(mail, COMPOSED.encode(), "p\u00e9 ss21".encode()), True)
        for typed, right in NAMES:
            if not isinstance(typed, bytes):  # its messages are UTF-8, or are none
                equal(by_scram(mail, typed.encode(), "p\u00e9 ss21".encode()), right, typed)
                equal(by_scram(mail, COMPOSED.encode(), "p\u00e9 ss21".encode(), typed.encode()), right, typed)
        equal(by_scram(mail, COMPOSED.encode(), "p\u00e9 ss22".encode()), False)


@test
def names_are_prepared_alike():
    with jose() as mail:
        for way, log_in in PASSWORD_WAYS.items():
            for typed, right in NAMES:
                equal(log_in(mail, encoded(typed), "p\u00e9 ss21".encode()), right, (way, typed))
                if right:
                    equal(mail.events()[0]["user"], COMPOSED, (way, typed))


@test
def a_nul_is_never_left_out():
    with jose() as mail:
        for way, log_in in PASSWORD_WAYS.items():
            for user, password in ((COMPOSED, "p\u00e9 ss21\0"), (COMPOSED, "p\u00e9 ss21\0x"),
                                   (f"{COMPOSED}\0", "p\u00e9 ss21"), (f"{COMPOSED}\0x", "p\u00e9 ss21")):
                try:
                    equal(log_in(mail, user.encode(), password.encode()), False, (way, user, password))
                except ConnectionError:
                    pass


@test
def authorisation_identities_are_prepared_as_names_are():
    with everything((PARAMETERS, "Domain", REG_SZ, "example.org"), *NO_HOLDS) as mail:
        for name in (COMPOSED, "ann"):
            mail.add_account(name, "sesame")
        for way, log_in in PROXY_WAYS.items():
            for identity, right in [*NAMES, ("", True), ("jos\u00e9@EXAMPLE.org", True), ("EXAMPLE.ORG\\jose\u0301", True),
                                    ("ann", False), ("jos\u00e9@example.net", False), ("example.net\\jos\u00e9", False)]:
                equal(log_in(mail, COMPOSED.encode(), b"sesame", encoded(identity)), right, (way, identity))
            equal(log_in(mail, COMPOSED.encode(), b"sesame", b"ann"), False, way)
            equal((mail.events()[0]["reason"], mail.events()[0]["user"]), ("other-mailbox", COMPOSED))
            equal(log_in(mail, COMPOSED.encode(), b"wrong", b"ann"), False, way)
            equal(mail.events()[0]["reason"], "other-mailbox", "nothing is proved for another")


@rows([("app passwords", ""), ("a hash from elsewhere", "hash"), ("the embedded directory", "sqlite"),
       ("a directory", "ldap")])
def whatever_proves_it(source):
    typed_right = ["p\u00e9\u00b2", "pe\u0301\u00b2", "p\u00e92"]
    typed_wrong = ["pe2", "P\u00e9\u00b2", "p\u00e92\u200f"]
    prepared, raw = "p\u00e92", "p\u00e9\u00b2"
    with everything(*NO_HOLDS) as mail, Slapd(mail) as slapd:
        mail.add_mailbox("ann")
        mail.add_mailbox("raw")
        if source in ("", "hash"):
            for name, password in (("ann", prepared), ("raw", raw)):
                key = f"{ACCOUNTS}\\{name}" + ("\\Passwords\\phone" if not source else "")
                if not source:
                    mail.client.set(f"{ACCOUNTS}\\{name}", "Password", REG_SZ, hash_password("other"))
                mail.client.set(key, "Password", REG_SZ, hash_password(password))
        elif source == "sqlite":
            file = mail.add_broker()
            mail.add_member(file, "ann", prepared)
            mail.add_member(file, "raw", raw)
            mail.choose("MBS_BASIC", "3")
        else:
            for name, password in (("ann", prepared), ("raw", raw)):
                slapd.modify(f"dn: uid={name},ou=people,{slapd.suffix}\nobjectClass: inetOrgPerson\nuid: {name}\n"
                             f"cn: x\nsn: x\nuserPassword: {ssha(password)}\n", "ldapadd")
            slapd.become_broker("3")
            mail.choose("MBS_BASIC", "3")
        for log_in in (by_pass, by_plain):
            for typed in typed_right:
                equal(log_in(mail, b"ann", typed.encode()), True, typed)
            for typed in typed_wrong:
                equal(log_in(mail, b"ann", typed.encode()), False, typed)
            equal(log_in(mail, b"raw", raw.encode()), True, "as it was typed when the hash was made")
            equal(log_in(mail, b"raw", "pe\u0301\u00b2".encode()), False)
        contains(mail.events()[0]["reason"], "bad-password")


@test
def a_directory_knows_more_names_to_log_in_for():
    with everything(*NO_HOLDS) as mail, Slapd(mail) as slapd:
        mail.add_mailbox("ann")
        slapd.modify(f"dn: uid=ann,ou=people,{slapd.suffix}\nobjectClass: inetOrgPerson\nuid: ann\ncn: x\nsn: x\n"
                     f"mail: a@example.org\nuserPassword: {ssha('sesame')}\n", "ldapadd")
        slapd.become_broker("3", User_Filter="(|(uid=%u)(mail=%u))")
        mail.choose("MBS_BASIC", "3")
        for user, identity, right in (("a@example.org", "ANN", True), ("a@example.org", "A@example.org", True),
                                      ("ann", "ann", True), ("a@example.org", "bob", False), ("ann", "bob", False)):
            for way, log_in in PROXY_WAYS.items():
                equal(log_in(mail, user.encode(), b"sesame", identity.encode()), right, (way, user, identity))
                equal(log_in(mail, user.encode(), b"wrong", identity.encode()), False, (way, user, identity))


@test
def a_password_as_typed_counts_once_and_is_remembered():
    with everything(*NO_HOLDS) as mail:
        mail.add_account("raw", "p\u00e9\u00b2")
        mail.client.set(PARAMETERS, "Verified Seconds", REG_DWORD, 60)
        mail.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 3)
        for _ in range(6):
            equal(by_pass(mail, b"raw", "p\u00e9\u00b2".encode()), True)
        for _ in range(2):
            equal(by_pass(mail, b"raw", "p\u00e9\u00b3".encode()), False)
        equal(by_pass(mail, b"raw", "p\u00e9\u00b2".encode()), True)
        reasons = [event["reason"] for event in mail.events(10)]
        equal(reasons, ["ok", "bad-password", "bad-password"] + ["ok"] * 6)


if __name__ == "__main__":
    main()
