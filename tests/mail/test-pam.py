#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""PAM as native source, as far as the system's own services go: whose stacks these
are is no affair of a test's, so it uses a service that is not there. What comes of
stacks is in the unit test of PAM."""

import grp
import json
import os
import pwd
import select
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

from harness.bus import ALICE, wait_until
from harness.case import Skip, check, contains, equal, main, test
from harness.mail import PARAMETERS, MailServer, hash_password, needs_role_users, read_process
from harness.process import PATIENCE, program
from harness.registry import REG_SZ, Refused, Registry
from harness.talk import Mail

SERVICE = "regd-test-service"
USER = "regd-test-user"


@test
def pam_decides_alone_from_the_next_login_on():
    if not Path("/etc/pam.d/other").exists():
        raise Skip("takes a service 'other'")
    with Mail() as mail:
        mail.add_account("mailuser-of-no-system", "sesame")
        equal(mail.pop3_answer("mailuser-of-no-system", "sesame"), "+OK Logged in.")
        mail.client.set(PARAMETERS, "PAM Service", REG_SZ, SERVICE)
        for _ in range(3):
            mail.client.set(PARAMETERS, "Native Source", REG_SZ, "PAM")
            contains(mail.pop3_answer("mailuser-of-no-system", "sesame"), "-ERR [")
            event = mail.events()[0]
            check(event["reason"] != "ok", f"{event}")
            contains(event["description"], SERVICE)
            mail.client.set(PARAMETERS, "Native Source", REG_SZ, "SAM")
            equal(mail.pop3_answer("mailuser-of-no-system", "sesame"), "+OK Logged in.")


@test
def the_tools_name_the_source():
    with Mail() as mail:
        mail.client.set(PARAMETERS, "PAM Service", REG_SZ, SERVICE)
        mail.client.set(PARAMETERS, "Native Source", REG_SZ, "PAM")
        result = mail.registry.run(program("mailauth/mailauthctl/mailauthctl"),
                                   f"--bus={mail.registry.bus.address}", "test", "ann", input=b"sesame\n")
        contains(result.stdout.decode(), "source PAM")
        contains(result.stdout.decode(), SERVICE)


@test
def modules_run_in_a_process_of_their_own():
    needs_role_users()
    with Registry() as registry, MailServer(registry, as_root=True) as server:
        registry.client.set(PARAMETERS, "PAM Service", REG_SZ, SERVICE)
        registry.client.set(PARAMETERS, "Native Source", REG_SZ, "PAM")
        for _ in range(2):
            equal(server.roles().get("pam", []), [])
            contains(ask(server), "-ERR [")
            (process,) = server.roles()["pam"]
            status = read_process(process, "status")
            contains(status, f"Uid:\t{pwd.getpwnam('mailauth').pw_uid}\t")
            contains(status, "NoNewPrivs:\t1\n")
            with_end = os.pidfd_open(process)
            os.kill(process, signal.SIGKILL)
            wait_for_end(with_end)
            wait_until(lambda: "pam" not in server.roles(), "the process to be reaped")


@contextmanager
def system_user(name, password):
    """A user of this system with a password, for as long as the test takes; no member of shadow's group."""
    run("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "--password",
        hash_password(password), name)
    try:
        yield
    finally:
        run("userdel", name)


def run(*words):
    subprocess.run(words, check=True, capture_output=True)


def ctl(registry, *words, **options):
    result = registry.run(program("mailauth/mailauthctl/mailauthctl"), f"--bus={registry.bus.address}", *words, **options)
    return result.returncode, result.stdout.decode(), result.stderr.decode()


@test
def a_right_password_that_pam_unix_cannot_know_is_no_wrong_one():
    needs_role_users()
    if "pam_unix" not in Path("/etc/pam.d/common-auth").read_text():
        raise Skip("takes a stack with pam_unix")
    if "mailauth" in grp.getgrnam("shadow").gr_mem:
        raise Skip("mailauth is a member of shadow's group here")
    with Registry() as registry, MailServer(registry, as_root=True) as server, system_user(USER, "sesame"):
        registry.client.set(PARAMETERS, "PAM Service", REG_SZ, SERVICE)
        registry.client.set(PARAMETERS, "Native Source", REG_SZ, "PAM")
        # Said before anybody logs in.
        wait_until(lambda: [event["reason"] for event in server.events(1)] == ["accounts-denied"], "an event")
        contains(server.events(1)[0]["description"], "mailauthctl repair --pam")
        status = json.loads(ctl(registry, "--json", "status")[1])
        contains("\n".join(status["problems"]), "mailauthctl repair --pam")
        equal(status["decision"], "accounts-denied")
        checked = registry.run(program("mailauth/mailauthd"), f"--bus={registry.bus.address}", "--check")
        equal(checked.returncode, 1)
        contains(checked.stdout.decode(), "mailauthctl repair --pam")
        for password in ("sesame", "wrong"):
            contains(ask(server, USER, password), "-ERR [SYS/TEMP]")
        equal((server.events(1)[0]["id"], server.events(1)[0]["reason"]), (13003, "accounts-denied"))
        contains(ctl(registry, "repair")[2], "mailauthctl repair --pam")
        equal(ctl(registry, "repair", "--pam", uid=ALICE)[0], 4)
        try:
            code, output, problem = ctl(registry, "repair", "--pam")
            equal((code, problem), (0, ""))
            contains(output, "to undo it: gpasswd --delete mailauth shadow")
            contains(ask(server, USER, "wrong"), "-ERR [AUTH]")
            contains(ask(server, USER, "sesame"), "+OK")
            equal(json.loads(ctl(registry, "--json", "status")[1])["problems"], [])
            equal(ctl(registry, "repair", "--pam")[1], "nothing had to be put right\n")
        finally:
            run("gpasswd", "--delete", "mailauth", "shadow")


def ask(server, user="mailuser-of-no-system", password="sesame"):
    connection, stream = server.raw()
    with connection, stream:
        connection.sendall(f"USER {user}\r\nPASS {password}\r\n".encode())
        stream.readline()
        return stream.readline().decode()


def wait_for_end(descriptor):
    select.select([descriptor], [], [], PATIENCE)
    os.close(descriptor)


@test
def check_asks_pam_too():
    with Mail() as mail:
        mail.client.set(PARAMETERS, "PAM Service", REG_SZ, SERVICE)
        mail.client.set(PARAMETERS, "Native Source", REG_SZ, "PAM")
        result = mail.registry.run(program("mailauth/mailauthd"), f"--bus={mail.registry.bus.address}", "--check",
                                   uid=mail.uid)
        contains(result.stdout.decode(), "source PAM")
        check(result.returncode in (0, 1), f"{result}")


@test
def a_service_is_no_path():
    with Mail() as mail:
        for name in ("/etc/passwd", "../x", ""):
            try:
                mail.client.set(PARAMETERS, "PAM Service", REG_SZ, name)
            except Refused as refusal:
                equal(refusal.name, "SchemaViolation")
            else:
                check(False, f"{name!r} was taken")


main()
