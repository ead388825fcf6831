#!/usr/bin/python3
"""PAM as native source, as far as the system's own services go: whose stacks these
are is no affair of a test's, so it uses a service that is not there. What comes of
stacks is in the unit test of PAM."""

from pathlib import Path

from harness.case import Skip, check, contains, equal, main, test
from harness.mail import PARAMETERS
from harness.process import program
from harness.registry import REG_SZ, Refused
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
