#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""data/doc/from-dovecot.md: a Dovecot with an LDAP passdb, and mailauthd with the settings that the table gives for
Dovecot's, let the same users in under the same names, from the same directory."""

import re
import shutil
from contextlib import contextmanager
from pathlib import Path

from harness.auth import AuthTalk, encode
from harness.bus import is_root, wait_until
from harness.case import Skip, contains, equal, main, rows, test
from harness.dovecot import Dovecot
from harness.mail import PARAMETERS
from harness.process import SOURCE
from harness.registry import REG_DWORD, REG_MULTI_SZ
from harness.slapd import READER, READER_PASSWORD, Slapd, ssha
from harness.talk import Mail

MODULE = "/usr/lib/dovecot/modules/auth/libauthdb_ldap.so"
BEFORE_2_4 = """\
auth_username_format = %Lu
auth_failure_delay = 0 secs
passdb {{
  driver = ldap
  args = {file}
}}
"""
SINCE_2_4 = """\
auth_username_format = %{{user | lower}}
auth_failure_delay = 0 secs
passdb ldap {{
  bind = yes
  fields {{
    user = %{{ldap:{attribute}}}
  }}
}}
"""
# Before 2.4.3 libldap does not take ssl_client_ca_file from Dovecot, only its own ldap.conf or its environment.
AUTHORITIES_BEFORE_2_4_3 = """\
import_environment {{
  LDAPTLS_CACERT = {file}
}}
"""
# Variables before 2.4, and since.
VARIABLES = {"%Lu": "%{user | lower}", "%u": "%{user}", "%n": "%{user | username}", "%d": "%{user | domain}"}
# (login, password)
PEOPLE = [("ann", "sesame"), ("Ann", "sesame"), ("ann@example.org", "sesame"), ("ANN@example.ORG", "sesame"),
          ("a.smith@example.net", "sesame"), ("bob", "b0b"), ("bob@example.org", "b0b"), ("ann", "wrong"),
          ("ann)(uid=*", "sesame"), ("a*", "sesame")]


def read_clauses():
    """What the guide's row tells of an LDAP passdb: (Dovecot's settings, those since 2.4, the broker's)."""
    guide = (SOURCE / "data" / "doc" / "from-dovecot.md").read_text(encoding="utf-8")
    row = next(line for line in guide.splitlines() if line.startswith("| `passdb` ldap"))
    for clause in row.split("a broker of type `ldap`. ")[1].split("; "):
        if ": " in clause:
            left, right = clause.split(": ", 1)
            before, _, since = left.partition(" [")
            yield (*([name.split(" ")[0] for name in re.findall("`([^`]+)`", text)] for text in (before, since)),
                   re.findall("`([A-Z][A-Za-z ]+)`", right))


def pair(left, right):
    """Each of the left with its right one; the last of them serves for the rest."""
    return {each: right[min(i, len(right) - 1)] for i, each in enumerate(left)}


def read_table():
    """Dovecot's settings of an LDAP passdb -> the broker's, and those that Dovecot has since 2.4."""
    clauses = list(read_clauses())
    return ({each: ours for before, _, right in clauses for each, ours in pair(before, right).items()},
            {each: new for before, since, _ in clauses for each, new in pair(before, since).items()})


def translate(theirs):
    ours = {}
    table, _ = read_table()
    for name, value in theirs.items():
        setting = table[name].replace(" ", "_")
        ours[setting] = {"tls": 1, "pass_attrs": value.removesuffix("=user"), "hosts": f"ldap://{value}"}.get(name, value)
    return ours


def write_anew(theirs):
    """Lines that say the same to a Dovecot since 2.4."""
    _, table = read_table()
    lines = []
    for name, value in theirs.items():
        for before, since in VARIABLES.items():
            value = value.replace(before, since)
        if name != "pass_attrs":
            lines.append(f"{table[name]} = {f'ldap://{value}' if name == 'hosts' else value}\n")
    return "".join(lines)


@contextmanager
def dovecot(mail, theirs):
    """A conversation with the Dovecot of these settings."""
    file = mail.directory / "dovecot-ldap.conf"
    file.write_text("ldap_version = 3\nauth_bind = yes\n" + "".join(f"{name} = {value}\n" for name, value in theirs.items()))
    authorities = theirs.get("tls_ca_cert_file")
    also = (BEFORE_2_4.format(file=file),
            write_anew(theirs) + SINCE_2_4.format(attribute=theirs["pass_attrs"].removesuffix("=user"))
            + (AUTHORITIES_BEFORE_2_4_3.format(file=authorities) if authorities else ""))
    with Dovecot(mail, also=also) as server:
        socket = server.directory / "run" / "auth-client"
        wait_until(socket.exists, "Dovecot")
        with AuthTalk(socket, begins=True) as client:
            yield client


def ask_dovecot(client, user, password):
    """The account, or "" for nobody."""
    # Else each failure makes the next answers later.
    client.last_id += 1
    client.say(f"AUTH\t{client.last_id}\tPLAIN\tservice=smtp\tno-penalty\tresp={encode(chr(0).join(['', user, password]))}")
    verdict, _, *fields = client.line().split("\t")
    return next(field for field in fields if field.startswith("user="))[5:] if verdict == "OK" else ""


def ask_mailauthd(mail, user, password):
    mail.pop3_answer(user, password)
    event = mail.events()[0]
    return event["user"] if event["reason"] in ("ok", "no-mailbox") else ""


def add(slapd, uid, password, *addresses):
    slapd.modify(f"dn: uid={uid},ou=people,{slapd.suffix}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: x\n"
                 + "".join(f"mail: {address}\n" for address in addresses)
                 + f"userPassword: {ssha(password)}\n", "ldapadd")


@rows([
    ("by name or address", {"pass_filter": "(|(uid=%n)(mail=%Lu))", "pass_attrs": "uid=user"}, "plain"),
    ("StartTLS", {"pass_filter": "(uid=%u)", "pass_attrs": "uid=user"}, "tls"),
    ("by host, and by the parts of an address", {"pass_filter": "(&(uid=%n)(mail=%n@%d))", "pass_attrs": "uid=user"},
     "hosts"),
    ("ldaps, addresses as accounts", {"pass_filter": "(mail=%u)", "pass_attrs": "mail=user"}, "ldaps"),
])
def both_let_the_same_users_in(theirs, how):
    if not is_root() or not shutil.which("dovecot") or not Path(MODULE).exists():
        raise Skip("takes root and dovecot-ldap")
    with Mail([(PARAMETERS, "Failure Delay", REG_DWORD, 0), (PARAMETERS, "Lockout Threshold", REG_DWORD, 0)]) as mail, \
            Slapd(mail) as slapd:
        add(slapd, "ann", "sesame", "ann@example.org", *([] if "mail=user" in theirs["pass_attrs"]
                                                         else ["a.smith@example.net"]))
        add(slapd, "bob", "b0b", "bob@example.org")
        theirs = theirs | {"base": f"ou=people,{slapd.suffix}", "dn": f"{READER},{slapd.suffix}",
                           "dnpass": READER_PASSWORD}
        theirs |= {"hosts": f"127.0.0.1:{slapd.port}"} if how == "hosts" else {
            "uris": f"ldaps://127.0.0.1:{slapd.tls_port}" if how == "ldaps" else f"ldap://127.0.0.1:{slapd.port}"}
        if how in ("tls", "ldaps"):
            theirs |= {"tls_ca_cert_file": f"{slapd.directory}/ca.pem"} | ({"tls": "yes"} if how == "tls" else {})
        ours = translate(theirs)
        ours["User_Filter"] = ours["User_Filter"].replace("%Lu", "%u")
        slapd.become_broker("3", **({"Bind_DN": "", "Bind_Password": ""} | ours))
        mail.choose("MBS_BASIC", "3")
        with dovecot(mail, theirs) as client:
            found = {person: (ask_dovecot(client, *person), ask_mailauthd(mail, *person)) for person in PEOPLE}
        equal([person for person, (they, we) in found.items() if they != we], [], f"{found}")
        contains({we for _, we in found.values()}, "ann@example.org" if "mail=user" in theirs["pass_attrs"] else "ann")


@test
def the_table_has_every_setting_of_an_ldap_passdb():
    for table in read_table():
        equal(set(table), {"hosts", "uris", "tls", "tls_ca_cert_file", "dn", "dnpass", "base", "pass_filter", "pass_attrs"})


if __name__ == "__main__":
    main()
