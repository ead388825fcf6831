# SPDX-License-Identifier: MIT
"""Console sessions out of the documentation, run as they are written: each
command in order, in one shell, must print what stands there. A line `...`
stands for any lines, and three dots at the end of a line for the rest of it."""

import os
import re
import subprocess

from harness.bus import own_name
from harness.case import Failure
from harness.process import BUILD, PATIENCE, SOURCE

PROGRAMS = [BUILD / "client" / "regctl", BUILD / "mailauth" / "mailauthctl"]


def blocks(document, language):
    """The fenced blocks of one language in a guide, in order."""
    text = (SOURCE / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def steps(block):
    """(command, expected lines) of one session: `$ ` begins a command, `> ` goes on with it."""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif line.startswith(">") and not found[-1][1]:
            command, _ = found[-1]
            found[-1] = (f"{command}\n{line[2:]}", [])
        else:
            found[-1][1].append(line)
    return found


def as_myself(line):
    """The guides were written by root; anybody else sees their own name."""
    name = own_name()
    return name + line.removeprefix("root") if line.startswith("root\t") else line


def as_pattern(lines):
    """What is expected, as a regular expression for the whole output."""
    pattern = ""
    for line in lines:
        if line == "...":
            pattern += r"(?:.*\n)*?"
        elif line.endswith("..."):
            pattern += re.escape(line[:-3]) + r".*\n"
        else:
            pattern += re.escape(line) + r"\n"
    return pattern


class Shell:
    """One bash that lives through the tour, so that what a command defines stays."""

    END = "end of the command"

    def __init__(self, registry):
        environment = os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": registry.bus.address, "LC_ALL": "C.UTF-8",
                                    "PATH": ":".join([*map(str, PROGRAMS), os.environ["PATH"]])}
        self.process = subprocess.Popen(["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.STDOUT, cwd=registry.directory, env=environment)

    def run(self, command):
        self.process.stdin.write(f"{command}\necho '{self.END}'\n")
        self.process.stdin.flush()
        printed = ""
        while not printed.endswith(self.END + "\n"):
            line = self.process.stdout.readline()
            if not line:
                raise Failure(f"the shell ended in {command!r}: {printed}")
            printed += line
        return printed.removesuffix(self.END + "\n")

    def end(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


def take(registry, tour):
    """Runs the steps on the registry and fails at the first that prints something else."""
    shell = Shell(registry)
    try:
        for command, expected in tour:
            printed = shell.run(command)
            expected = [as_myself(line) for line in expected]
            if not re.fullmatch(as_pattern(expected), printed):
                raise Failure(f"$ {command}\nprinted:\n{printed}\nexpected:\n" + "\n".join(expected))
    finally:
        shell.end()
