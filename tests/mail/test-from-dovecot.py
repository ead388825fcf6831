#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the README tells an operator of Dovecot to type, typed: accounts of a
passwd-file with the hashes that Dovecot's own doveadm made."""

import os
import poplib
import shutil
import subprocess

from harness.case import Failure, Skip, contains, equal, main, test
from harness.mail import PARAMETERS, MailServer
from harness.process import PATIENCE, SOURCE, program
from harness.registry import REG_SZ, Registry

# scheme: whether its accounts are taken over
SCHEMES = {"SHA512-CRYPT": True, "SHA256-CRYPT": True, "BLF-CRYPT": True, "CRYPT": True, "MD5-CRYPT": False,
           "SSHA": False, "PLAIN": False}
FILE = "/etc/dovecot/users"


def make_hash(scheme):
    result = subprocess.run(["doveadm", "-c", "/dev/null", "-O", "pw", "-s", scheme, "-p", "sesame"],
                            capture_output=True, timeout=PATIENCE, check=False)
    if result.returncode != 0:
        raise Failure(f"doveadm: {result.stderr.decode()}")
    return result.stdout.decode().strip()


def find_commands():
    """The block of the README that reads the passwd-file."""
    for block in (SOURCE / "README.md").read_text().split("```sh\n")[1:]:
        commands = block.partition("```")[0]
        if FILE in commands:
            return commands
    raise Failure(f"the README has no block with {FILE}")


def type_in(registry, commands):
    folders = [os.path.dirname(program(path)) for path in ("client/regctl/regctl", "mailauth/mailauthctl/mailauthctl")]
    return registry.run("env", f"PATH={':'.join(folders)}:{os.environ['PATH']}", "bash", "-euo", "pipefail", "-c",
                        commands)


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
        result = type_in(registry, find_commands().replace(FILE, str(path)))
        equal(result.returncode, 0, result.stderr.decode())
        registry.client.set(PARAMETERS, "Domain", REG_SZ, "example.org")
        listed = type_in(registry, "mailauthctl user list").stdout.decode().split("\n")[:-1]
        taken = sorted([name for name, scheme in names.items() if SCHEMES[scheme]] + ["own", "bare"])
        equal(sorted(listed), taken)
        for name in taken:
            server.add_mailbox(name)
            contains(log_in(server, name), "+OK")
        contains(log_in(server, "own@example.org"), "+OK")
        for name in ("ssha", "plain", "other@example.net"):
            contains(log_in(server, name), "[AUTH]")


main()
