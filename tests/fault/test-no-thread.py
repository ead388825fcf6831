#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The first, second, third ... thread of a program can't be made: it says so with the cure,
or does without; it never aborts."""

import subprocess

from harness.bus import wait_for
from harness.case import check, equal, main, rows, test
from harness.mail import MailServer
from harness.process import BUILD, Process, program
from harness.registry import SOFTWARE, Registry

CURE = "TasksMax="
# More than any of the programs makes at its start.
NUMBERS = range(1, 5)
WAYS = [(f"thread {number}{', that one only' if once else ' and all after it'}", number, once)
        for number in NUMBERS for once in (False, True)]


def environment(number, once):
    made = {"LD_PRELOAD": str(BUILD / "tests" / "fault" / "libno-thread.so"), "NO_THREAD": str(number)}
    return made | ({"NO_THREAD_ONCE": "1"} if once else {})


def ended_with_the_cure(process):
    """FALSE while it runs."""
    if process.is_running():
        return False
    equal(process.wait(), 1, process.output())
    check(CURE in process.output(), f"no cure: {process.output()}")
    return True


def is_served(registry, name):
    return registry.bus.connect().name_has_owner(name)


@rows(WAYS)
def regd_serves_or_names_the_cure(number, once):
    with Registry() as registry:
        registry.stop()
        process = Process(registry.directory, "regd", registry.command(), environment(number, once))
        wait_for(lambda: ended_with_the_cure(process) or is_served(registry, "org.regd.Registry1"), "regd")
        if process.is_running():
            process.stop()


@rows(WAYS)
def mailauthd_serves_or_names_the_cure(number, once):
    with Registry() as registry, MailServer(registry) as server:
        server.process.stop()
        process = Process(server.directory, "mailauthd", [program("mailauth/mailauthd"),
                          f"--bus={registry.bus.address}"], environment(number, once), uid=server.uid)
        # A role that ends is replaced, and says its cure each time.
        wait_for(lambda: ended_with_the_cure(process) or CURE in process.output() or
                 is_served(registry, "org.regd.MailAuth1"), "mailauthd")
        check("signal 5" not in process.output() and "signal 6" not in process.output(), process.output())
        process.kill()


@test
def programs_of_one_command_do_without():
    with Registry() as registry, MailServer(registry):
        bus = f"--bus={registry.bus.address}"
        for command in (["client/regctl/regctl", bus, "ls", SOFTWARE], ["mailauth/mailauthctl/mailauthctl", bus, "status"]):
            for number in NUMBERS:
                result = subprocess.run([program(command[0]), *command[1:]], env=environment(number, False),
                                        capture_output=True, text=True, check=False)
                check(result.returncode == 0 or CURE in result.stderr, f"{command}: {result}")


main()
