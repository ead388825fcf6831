#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""PAM as native source, as far as the system's own services go: whose stacks these
are is no affair of a test's, so it uses a service that is not there. What comes of
stacks is in the unit test of PAM."""

import os
import pwd
import select
import signal
from pathlib import Path

from harness.bus import wait_until
from harness.case import Skip, check, contains, equal, main, test
from harness.mail import PARAMETERS, MailServer, needs_role_users, read_process
from harness.process import PATIENCE, program
from harness.registry import REG_SZ, Refused, Registry
from harness.talk import Mail

SERVICE = "regd-test-service"


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


def ask(server):
    connection, stream = server.raw()
    with connection, stream:
        connection.sendall(b"USER mailuser-of-no-system\r\nPASS sesame\r\n")
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
