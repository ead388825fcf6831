"""The README's tour, as it is written: each command of its console blocks is
run in order, and must print what stands there. A line `...` stands for any
lines, and three dots at the end of a line for the rest of it."""

import os
import re
import subprocess

from harness.case import Failure, check, main, test
from harness.process import BUILD, PATIENCE, SOURCE
from harness.registry import Registry

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def steps(text):
    """(command, expected lines) of every console block in order."""
    found = []
    for block in BLOCK.findall(text):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif line.startswith(">") and not found[-1][1]:
                command, _ = found[-1]
                found[-1] = (f"{command}\n{line[2:]}", [])
            else:
                found[-1][1].append(line)
    return found


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
                                    "PATH": f"{BUILD / 'client' / 'regctl'}:{os.environ['PATH']}"}
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


@test
def the_tour_prints_what_it_says():
    tour = steps((SOURCE / "README.md").read_text(encoding="utf-8"))
    check(len(tour) > 15, f"there is a tour: {len(tour)} commands")
    with Registry() as registry:
        shell = Shell(registry)
        try:
            for command, expected in tour:
                printed = shell.run(command)
                if not re.fullmatch(as_pattern(expected), printed):
                    raise Failure(f"$ {command}\nprinted:\n{printed}\nexpected:\n" + "\n".join(expected))
        finally:
            shell.end()


main()
