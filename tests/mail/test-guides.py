#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the guides tell an operator of mail to type, typed: the README's ten lines, a mail
server from nothing, and accounts of a passwd-file with hashes that Dovecot's doveadm made."""

import json
import os
import poplib
import shutil
import subprocess

from harness.case import Failure, Skip, contains, equal, main, test
from harness.mail import PARAMETERS, MailServer
from harness.process import PATIENCE, SOURCE, program
from harness.registry import REG_SZ, Registry
from harness.tour import blocks, steps, take

# scheme: whether its accounts are taken over
SCHEMES = {"SHA512-CRYPT": True, "SHA256-CRYPT": True, "BLF-CRYPT": True, "CRYPT": True, "ARGON2ID": True,
           "SSHA": True, "SSHA512": True, "SHA256": True, "PBKDF2": True, "MD5-CRYPT": False, "PLAIN": False}
FILE = "/etc/dovecot/users"


def make_hash(scheme):
    result = subprocess.run(["doveadm", "-c", "/dev/null", "-O", "pw", "-s", scheme, "-p", "sesame"],
                            capture_output=True, timeout=PATIENCE, check=False)
    if result.returncode != 0:
        raise Failure(f"doveadm: {result.stderr.decode()}")
    return result.stdout.decode().strip()


def find_commands(document, word):
    """The block of shell commands of a guide that has this word in it."""
    for block in blocks(document, "sh"):
        if word in block:
            return block
    raise Failure(f"{document} has no block with {word}")


def type_in(registry, commands, **options):
    folders = [os.path.dirname(program(path)) for path in ("client/regctl/regctl", "mailauth/mailauthctl/mailauthctl")]
    return registry.run("env", f"PATH={':'.join(folders)}:{os.environ['PATH']}", "bash", "-euo", "pipefail", "-c",
                        commands, **options)


def log_in(server, name):
    try:
        with server.pop3(name, "sesame") as client:
            return client.quit().decode()
    except poplib.error_proto as problem:
        return str(problem)


@test
def accounts_of_a_passwd_file_log_in():
    if not shutil.which("doveadm"):
        raise Skip("takes dovecot-core")
    names = {scheme.lower(): scheme for scheme in SCHEMES}
    lines = ["# users: of two domains", "", f"other@example.net:{make_hash('SHA512-CRYPT')}::::::",
             f"own@example.org:{make_hash('SHA512-CRYPT')}:1000:1000::/home/own::",
             "bare:" + make_hash("SHA512-CRYPT").removeprefix("{SHA512-CRYPT}"),
             *(f"{name}:{make_hash(scheme)}:1000:1000::/home/x::" for name, scheme in names.items())]
    with Registry() as registry, MailServer(registry) as server:
        path = server.directory / "users"
        path.write_text("\n".join(lines) + "\n")
        result = type_in(registry, find_commands("data/doc/from-dovecot.md", FILE).replace(FILE, str(path)))
        equal(result.returncode, 0, result.stderr.decode())
        registry.client.set(PARAMETERS, "Domain", REG_SZ, "example.org")
        listed = type_in(registry, "mailauthctl user list").stdout.decode().split("\n")[:-1]
        taken = sorted([name for name, scheme in names.items() if SCHEMES[scheme]] + ["own", "bare"])
        equal(sorted(listed), taken)
        for name in taken:
            server.add_mailbox(name)
            contains(log_in(server, name), "+OK")
        contains(log_in(server, "own@example.org"), "+OK")
        for name in ("md5-crypt", "plain", "other@example.net"):
            contains(log_in(server, name), "[AUTH]")


@test
def the_readmes_lines_do_what_they_say():
    with Registry() as registry, MailServer(registry) as server:
        server.add_mailbox("nora")
        commands = find_commands("README.md", "Q197059.reg")
        result = type_in(registry, commands, cwd=SOURCE, input=b"sesame\nsesame\n")
        printed = result.stdout.decode()
        contains(printed, "package: membership")
        equal(result.returncode, 0, result.stderr.decode())


@test
def a_mail_server_is_set_up_as_its_guide_says():
    tour = [step for block in blocks("data/doc/mail-server.md", "console") for step in steps(block)]
    with Registry() as registry:
        take(registry, tour)
        listed = type_in(registry, "mailauthctl user list").stdout.decode()
        equal(listed, "ann\n")


@test
def accounts_that_are_gone_come_back_by_a_rollback():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("nora", "sesame")
        contains(log_in(server, "nora"), "+OK")
        revision = json.loads(type_in(registry, "regctl status --json").stdout)["revision"]
        type_in(registry, "regctl rm -r 'HKLM\\SAM\\Domains'")
        contains(log_in(server, "nora"), "[SYS/PERM]")
        undone = type_in(registry, f"regctl rollback 'HKLM\\SAM' {revision}")
        equal(undone.returncode, 0, undone.stderr.decode())
        contains(log_in(server, "nora"), "+OK")


main()
