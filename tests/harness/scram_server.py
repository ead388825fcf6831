# SPDX-License-Identifier: MIT
"""A mail server that offers SCRAM-SHA-256: an account with keys, and what clients are told."""

import shutil
import subprocess
from contextlib import contextmanager

from harness.case import Failure, Skip, equal
from harness.process import PATIENCE, program
from harness.talk import Mail


def ctl(mail, *words, password=None, code=0):
    result = mail.registry.run(program("mailauth/mailauthctl/mailauthctl"), f"--bus={mail.registry.bus.address}", *words,
                               input=None if password is None else f"{password}\n".encode())
    equal(result.returncode, code, f"{words}: {result.stdout} {result.stderr}")
    return result.stdout.decode()


def sasl_names(mail, tls=None):
    """What POP3's CAPA lists."""
    with mail.pop3_talk(tls) as client:
        client.expect("+OK")
        client.say("CAPA")
        return [name for line in client.until(".") if line.startswith("SASL") for name in line.split()[1:]]


def wait_for_names(mail, expected, tls=None):
    """The front hears of a change a moment after it has been written."""
    for _ in range(100000):
        if sasl_names(mail, tls) == expected:
            return
    raise Failure(f"SASL does not become {expected}")


OFFERED = ["PLAIN", "LOGIN", "SCRAM-SHA-256"]
BOUND = [*OFFERED, "SCRAM-SHA-256-PLUS"]


@contextmanager
def serving(settings=(), mailbox=True):
    """An account with keys, and one without."""
    with Mail(settings) as mail:
        ctl(mail, "user", "add", "ann", password="sesame")
        if mailbox:
            mail.add_mailbox("ann")
        mail.add_account("bob", "sesame")
        wait_for_names(mail, OFFERED)
        yield mail


# ---- clients that people have ----

def run(*command, code=0, **options):
    if not shutil.which(command[0]):
        raise Skip(f"takes {command[0]}")
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, **options)
    if code is not None:
        equal(done.returncode, code, f"{command[0]}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr
