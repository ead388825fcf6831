#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Hashes as other servers wrote them: they log in; those that no password can open are the
server's fault, lock nobody out, and are named to the administrator."""

import base64
import hashlib
import re
import shutil
import sqlite3
import subprocess

from harness.case import Skip, check, contains, equal, main, rows, test
from harness.mail import ACCOUNTS, PARAMETERS, MailServer, needs_role_users
from harness.mailauthctl import done
from harness.process import program
from harness.registry import REG_DWORD, REG_SZ, Registry
from harness.talk import Mail

ARGON2 = "$argon2id$v=19$m=256,t=2,p=4$c2FsdHNhbHQ$aMjH6mnHquQ1jkKfEPJ273HZ5ipvokc41D/b13itVBI"
WRONG, BROKEN = "-ERR [AUTH]", "-ERR [SYS/PERM]"


def ab64(data):
    return base64.b64encode(data).decode().replace("+", ".").rstrip("=")


def ssha(method, name, salt=b"saltsalt"):
    return f"{{{name}}}" + base64.b64encode(hashlib.new(method, b"sesame" + salt).digest() + salt).decode()


def pbkdf2(method, rounds=1000):
    return f"{rounds}${ab64(b'saltsalt')}${ab64(hashlib.pbkdf2_hmac(method, b'sesame', b'saltsalt', rounds))}"


HASHES = {
    "ssha": ssha("sha1", "SSHA"),
    "ssha256": ssha("sha256", "SSHA256"),
    "ssha512": ssha("sha512", "ssha512", b"1234"),
    "sha256": ssha("sha256", "SHA256", b""),
    "pbkdf2-sha1": "{PBKDF2-SHA1}" + pbkdf2("sha1"),
    "pbkdf2-sha256": "{PBKDF2-SHA256}" + pbkdf2("sha256"),
    "pbkdf2-sha512": "{PBKDF2-SHA512}" + pbkdf2("sha512"),
    "pbkdf2-dovecot": "{PBKDF2}$1$salt$1000$" + hashlib.pbkdf2_hmac("sha1", b"sesame", b"salt", 1000).hex(),
    "argon2id": ARGON2,
    "argon2id-64-mib": "$argon2id$v=19$m=65536,t=3,p=1$FS+PjFZUGR4825nlx0AMZg$xGmCHBI/pYX7fN7QyiQTeRHADWH4fHxH+TtWHxb+5Mg",
}
# No password can open these: (hash, answer, reason, what the administrator is told).
UNUSABLE = (
    ("$argon2id$v=19$m=67108864,t=3,p=4$c2FsdHNhbHQ$aMjH6mnHquQ1jkKfEPJ273HZ5ipvokc41D/b13itVBI", BROKEN,
     "unusable-hash", "cost"),
    (ARGON2[:-20], BROKEN, "unusable-hash", "damaged"),
    ("{PBKDF2-SHA256}4294967295$c2FsdA$c2FsdA", BROKEN, "unusable-hash", "cost"),
    ("{MD5-CRYPT}$1$saltsalt$x", BROKEN, "unusable-hash", "method"),
    ("!", WRONG, "disabled", "locked"), ("*", WRONG, "disabled", "locked"), ("{CRYPT}!", WRONG, "disabled", "locked"),
)


def without_argon2(registry):
    return "without Argon2" in done(registry, "status")


def check_logins(mail, set_hash):
    mail.add_mailbox("ann")
    for name, text in HASHES.items():
        set_hash("ann", text)
        if "argon2" in text and without_argon2(mail.registry):
            continue
        contains(mail.pop3_answer("ann", "sesame"), "+OK")
        contains(mail.pop3_answer("ann", "sesame2"), WRONG)
        equal(mail.events(1)[0]["reason"], "bad-password", name)


def set_native(mail):
    return lambda user, text: mail.client.set(f"{ACCOUNTS}\\{user}", "Password", REG_SZ, text)


def set_member(mail):
    file = mail.add_broker()
    mail.choose("MBS_BASIC", "3")

    def put(user, text):
        with sqlite3.connect(file) as database:
            database.execute("INSERT OR REPLACE INTO members (name, password) VALUES (?, ?)", (user, text))
    return put


KEEPERS = (("native", set_native), ("member", set_member))


@rows(KEEPERS)
def what_others_wrote_logs_in(keep):
    with Mail() as mail:
        mail.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 0)
        check_logins(mail, keep(mail))


@test
def it_does_in_the_sandbox_of_a_server_that_root_has_started():
    needs_role_users()
    with Registry() as registry, MailServer(registry, as_root=True) as server:
        server.add_mailbox("ann")
        for text in HASHES.values():
            registry.client.set(f"{ACCOUNTS}\\ann", "Password", REG_SZ, text)
            if "argon2" not in text or not without_argon2(registry):
                with server.pop3("ann", "sesame") as client:
                    client.quit()


@rows(KEEPERS)
def what_no_password_opens_locks_nobody_out(keep):
    with Mail() as mail:
        put = keep(mail)
        mail.add_mailbox("bob")
        put("bob", HASHES["ssha"])
        mail.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 2)
        mail.client.set(PARAMETERS, "Failure Delay", REG_DWORD, 0)
        for number, (text, answer, reason, detail) in enumerate(UNUSABLE):
            put(f"ann{number}", text)
            for _ in range(5):
                contains(mail.pop3_answer(f"ann{number}", "sesame"), answer)
                newest = mail.events(1)[0]
                equal((newest["id"], newest["reason"]), (11202, reason))
                check(detail in newest["description"] or "without Argon2" in newest["description"], newest["description"])
        contains(mail.pop3_answer("bob", "sesame"), "+OK")
        numbers = mail.status()["counts"]
        equal([name for name in numbers if name.endswith(".bad-password")], [])


@rows(KEEPERS)
def status_and_check_name_them(keep):
    with Mail() as mail:
        put = keep(mail)
        for number, (text, *_) in enumerate(UNUSABLE):
            put(f"ann{number}", text)
        put("bob", HASHES["ssha"])
        checked = mail.registry.run(program("mailauth/mailauthd"), f"--bus={mail.registry.bus.address}", "--check")
        for text in (done(mail.registry, "status"), checked.stdout.decode()):
            line = next(line for line in text.splitlines() if "no password can open the hash of " in line)
            for number, (_, _, reason, why) in enumerate(UNUSABLE):
                told = re.search(rf"\bann{number} \((.*?)\)", line)
                equal(told is not None, reason == "unusable-hash", line)
                check(told is None or why in told[1] or "without Argon2" in told[1], line)
            check("bob" not in line, line)


def made_by(*command):
    if shutil.which(command[0]) is None:
        return None
    done_by_it = subprocess.run(command, capture_output=True, text=True, check=False)
    return done_by_it.stdout.strip() if done_by_it.returncode == 0 else None


TOOLS = [("slappasswd", "-n", "-s", "sesame", "-h", "{SSHA}")]
TOOLS += [("slappasswd", "-n", "-o", "module-load=pw-sha2", "-s", "sesame", "-h", f"{{{name}}}")
          for name in ("SSHA256", "SSHA384", "SSHA512", "SHA512")]
TOOLS += [("slappasswd", "-n", "-o", "module-load=pw-pbkdf2", "-s", "sesame", "-h", f"{{{name}}}")
          for name in ("PBKDF2", "PBKDF2-SHA1", "PBKDF2-SHA256", "PBKDF2-SHA512")]
TOOLS += [("slappasswd", "-n", "-o", "module-load=argon2", "-s", "sesame", "-h", "{ARGON2}")]
TOOLS += [("doveadm", "pw", "-p", "sesame", "-s", scheme)
          for scheme in ("SHA", "SSHA", "SHA256", "SSHA256", "SHA512", "SSHA512", "SSHA256.HEX", "PBKDF2", "ARGON2I",
                         "ARGON2ID", "SHA256-CRYPT", "SHA512-CRYPT", "BLF-CRYPT", "SHA512-CRYPT.B64", "BLF-CRYPT.HEX", "PBKDF2.b64",
                         "ARGON2ID.b64")]


@test
def what_the_real_tools_make_now_logs_in():
    made = {command: made_by(*command) for command in TOOLS}
    if not any(made.values()):
        raise Skip("takes slappasswd or doveadm")
    with Mail() as mail:
        mail.add_mailbox("ann")
        for command, text in made.items():
            if not text:
                continue
            mail.client.set(f"{ACCOUNTS}\\ann", "Password", REG_SZ, text)
            answer = mail.pop3_answer("ann", "sesame")
            left_out = "without Argon2" in mail.events(1)[0]["description"]
            check(answer.startswith("+OK") or left_out, f"{command}: {text}: {answer}")


main()
