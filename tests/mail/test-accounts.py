# SPDX-License-Identifier: MIT
"""mailauthctl on accounts: native ones and members, their passwords, and who may change them."""

import json
import os
import pty
import sqlite3
import stat
import subprocess

from harness.bus import ALICE, needs_root
from harness.case import check, contains, equal, main, test
from harness.mail import ACCOUNTS, STORE, MailServer, needs_role_users
from harness.process import PATIENCE, program
from harness.registry import REG_SZ, Registry, options
from harness.mailauthctl import DENIED, DONE, FAILED, INVALID, NOT_FOUND, done, failed, run, set_broker
from harness.talk import Mail


@test
def native_accounts_come_and_go():
    with Registry() as registry:
        failed(registry, NOT_FOUND, "user", "list")
        equal(done(registry, "user", "add", "Anna", password="sesame"), "")
        kind, _, value = registry.client.get(f"{ACCOUNTS}\\anna", "Password")
        equal(kind, REG_SZ)
        check(value.startswith("$y$"), "the hash is yescrypt's")
        failed(registry, FAILED, "user", "add", "ANNA", password="sesame", naming="there already")
        done(registry, "user", "passwd", "anna", password="another")
        check(registry.client.get(f"{ACCOUNTS}\\anna", "Password")[2] != value, "the hash is new")
        done(registry, "user", "disable", "anna")
        equal(done(registry, "user", "list"), "anna (disabled)\n")
        done(registry, "user", "enable", "anna", "--comment=back again")
        equal([each["comment"] for each in registry.client.call("GetHistory", "sa{sv}", ACCOUNTS, options(limit=2))],
              ["back again", "mailauthctl user disable anna"])
        equal(json.loads(done(registry, "--json", "user", "list")), [{"user": "anna", "disabled": False}])
        equal(json.loads(done(registry, "--json", "user", "remove", "anna")), {"verb": "remove", "user": "anna"})
        equal(done(registry, "user", "list"), "")
        for verb in ("passwd", "enable", "disable", "remove"):
            failed(registry, NOT_FOUND, "user", verb, "anna", password="x", naming="anna")


@test
def a_name_may_begin_with_a_hyphen():
    with Registry() as registry:
        done(registry, "repair")
        done(registry, "user", "add", "--", "-anna", password="sesame")
        done(registry, "--", "user", "disable", "-anna")
        equal(done(registry, "user", "list"), "-anna (disabled)\n")


@test
def strange_names_and_passwords_are_refused():
    with Registry() as registry:
        for name in ("../../etc/passwd", "a\\b", ".hidden", "a/b", "a\x01b", "a" * 256, ""):
            failed(registry, INVALID, "user", "add", name, password="sesame")
        failed(registry, INVALID, "user", "add", "anna", password="", naming="empty")
        failed(registry, INVALID, "user", "add", "anna", password="x" * 600, naming="longer")
        failed(registry, NOT_FOUND, "user", "list")


@test
def strangers_are_denied():
    needs_root()
    with Registry() as registry, MailServer(registry) as _server:
        failed(registry, DENIED, "user", "add", "anna", password="sesame", uid=ALICE)
        for words in (["status"], ["events"], ["reload-certificate"], ["held"], ["release", "anna"], ["release", "--all"]):
            failed(registry, DENIED, *words, uid=ALICE, naming="administrators")


@test
def a_password_is_asked_for_twice_on_a_terminal():
    with Registry() as registry:
        equal(ask(registry, ["user", "add", "anna"], ["sesame", "sesame"]), DONE)
        equal(ask(registry, ["user", "add", "bert"], ["sesame", "tippfehler"]), INVALID)
        equal(done(registry, "user", "list"), "anna\n")


def ask(registry, words, answers):
    """Runs it on a terminal that types the answers; the exit code. Nothing is echoed."""
    master, slave = pty.openpty()
    child = subprocess.Popen([program("mailauth/mailauthctl/mailauthctl"), f"--bus={registry.bus.address}", *words],
                             stdin=slave, stderr=subprocess.PIPE, start_new_session=True)
    for answer in answers:
        prompt = b""
        while not prompt.endswith(b": "):
            byte = child.stderr.read(1)
            check(byte, f"it ended after {prompt}")
            prompt += byte
        os.write(master, f"{answer}\n".encode())
    child.stderr.read()
    child.stderr.close()
    code = child.wait(PATIENCE)
    os.set_blocking(master, False)
    try:
        check(not any(answer.encode() in os.read(master, 4096) for answer in answers), "the password was echoed")
    except BlockingIOError:
        pass
    os.close(slave)
    os.close(master)
    return code


@test
def members_come_and_go_and_count_at_once():
    with Registry() as registry, MailServer(registry) as server:
        path = set_broker(registry, server)
        registry.client.set(STORE, "MBS Broker", REG_SZ, "3")
        registry.client.set(STORE, "MBS Package", REG_SZ, "MBS_BASIC")
        server.add_mailbox("anna")

        def member(*words, **options):
            return done(registry, "member", "--broker=3", *words, uid=server.uid, **options)

        failed(registry, NOT_FOUND, "member", "--broker=3", "list", uid=server.uid, naming=str(path))
        member("add", "Anna", password="sesame")
        equal(stat.S_IMODE(path.stat().st_mode), 0o600)
        failed(registry, FAILED, "member", "--broker=3", "add", "anna", password="x", uid=server.uid)
        with server.pop3("anna", "sesame") as client:
            client.quit()
        member("passwd", "anna", password="another")
        with server.pop3("anna", "another") as client:
            client.quit()
        member("disable", "anna")
        equal(member("list"), "anna (disabled)\n")
        contains(run(registry, "test", "anna", password="another")[1], "disabled")
        member("enable", "anna")
        with server.pop3("anna", "another") as client:
            client.quit()
        member("remove", "anna")
        equal(json.loads(done(registry, "--json", "member", "--broker=3", "list", uid=server.uid)), [])
        failed(registry, NOT_FOUND, "member", "--broker=3", "remove", "anna", uid=server.uid)
        failed(registry, NOT_FOUND, "member", "--broker=9", "list", uid=server.uid)


@test
def a_membership_without_a_column_is_named():
    with Mail() as mail:
        file = mail.add_broker()
        mail.add_member(file, "anna", "sesame")
        mail.choose("MBS_BASIC", "3")
        contains(mail.pop3_answer("anna", "sesame"), "+OK")
        problem = f"{file}: no such column: disabled"
        check(problem not in mail.status()["problems"], "it is named before it is there")
        with sqlite3.connect(file) as database:
            database.execute("ALTER TABLE members RENAME COLUMN disabled TO barred")
        contains(mail.pop3_answer("anna", "sesame"), "-ERR [SYS/TEMP]")
        check(problem in mail.status()["problems"], mail.status()["problems"])


@test
def a_membership_that_root_makes_is_the_services():
    needs_role_users()
    with Registry() as registry, MailServer(registry, as_root=True) as server:
        path = set_broker(registry, server)
        done(registry, "member", "--broker=3", "add", "anna", password="sesame")
        equal((path.owner(), stat.S_IMODE(path.stat().st_mode)), ("mailauth", 0o600))


main()
