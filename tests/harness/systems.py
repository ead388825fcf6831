# SPDX-License-Identifier: MIT
"""Other people's systems: the README's two commands in fresh Debian systems, by
root in a clone below /root and by an ordinary user with sudo in their home; and
the unit tests on a machine of 32 bits."""

import re
import shlex
import shutil
import time
from pathlib import Path

import roots
import tap
from runs import Run, count, tell

TOP = Path(__file__).resolve().parents[2]
LOGS = TOP / "build-systems"  # each trial's whole output
SUM = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.MULTILINE)
FAILED = re.compile(r"^  FAILED (.*)$", re.MULTILINE)
SKIPPED = re.compile(r"^skipped (.*)$", re.MULTILINE)

SYSTEMS = [roots.Root("debian12", "bookworm"), roots.Root("debian13", "trixie"), roots.Root("testing", "testing")]
I386 = roots.Root("i386", "bookworm", ("gcc", "libc6-dev", "meson", "pkgconf", "dpkg-dev", "ccache", "dbus", "systemd",
                                       "python3", *roots.list_libraries()), "i386")

# The clone is made by root; the user of a trial then takes it home.
CLONE = "srv/regd"
USER = "tester"
# name -> what takes the clone home, and what runs a command there
USERS = {
    "root": (f"mv /{CLONE} /root/regd", "cd /root/regd && {command}"),
    USER: (f"useradd --create-home --shell /bin/bash {USER} && mv /{CLONE} /home/{USER}/regd && "
           f"chown -R {USER}: /home/{USER} && chmod 700 /home/{USER} && "
           f"echo '{USER} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/{USER}", f"su -l {USER} -c {{quoted}}"),
}


def skip(name, reason):
    run = Run(name, [tap.Result("all of it", "skipped", reason)])
    tell(run)
    return run


def why_no_other_machine():
    """What is missing to build and run for other machines; None: nothing."""
    for program in ("s390x-linux-gnu-gcc", "qemu-s390x-static"):
        if not shutil.which(program):
            return f"takes {program}"
    return None


def judge(status, output):
    """What a tests/run inside said; how a command without a sum ended."""
    found = SUM.findall(output)
    if not found:
        return [tap.Result("the command", "passed" if status == 0 else "failed", f"status {status}")]
    passed, _, skipped = map(int, found[-1])
    failed = FAILED.findall(output)
    reasons = "; ".join(SKIPPED.findall(output)) or "no reason given"
    results = ([tap.Result("a test", "passed")] * passed + [tap.Result(name, "failed") for name in failed]
               + [tap.Result("a test", "skipped", reasons)] * skipped)
    if status != 0 and not failed:
        results.append(tap.Result("exit status", "failed", f"ended with status {status}"))
    return results


def try_command(system, name, script):
    """One command's Run. Its output is kept in LOGS."""
    began = time.monotonic()
    status, output = system.run(script)
    LOGS.mkdir(exist_ok=True)
    file_name = re.sub(r"[^A-Za-z0-9]+", "-", name) + ".log"
    (LOGS / file_name).write_text(output)
    run = Run(name, judge(status, output), output, time.monotonic() - began)
    tell(run)
    return run


def try_system(root, user, commands):
    """Each command in turn, in one fresh system, until one fails."""
    take_home, template = USERS[user]
    with roots.entered(root) as system:
        system.clone(TOP, CLONE)
        for command in (take_home, *commands):
            is_ours = command == take_home
            script = command if is_ours else template.format(command=command,
                                                             quoted=shlex.quote(f"cd regd && {command}"))
            run = try_command(system, f"{root.name}, {user}: {'a clone' if is_ours else command}", script)
            yield run
            if count([run], "failed"):
                return


def try_all(names, is_quick):
    """The two commands, in each system that is named (none: in all), as each user."""
    reason = roots.why_not()
    if reason:
        yield skip("systems", reason)
        return
    commands = ["data/quickstart", "data/quickstart --fleet", "tests/run --quick" if is_quick else "tests/run"]
    for root in SYSTEMS:
        if not names or root.name in names:
            for user in USERS:
                yield from try_system(root, user, commands)


def try_i386():
    """The unit tests on 32 bits, built there."""
    with roots.entered(I386) as system:
        system.clone(TOP, "root/regd")
        return try_command(system, "i386: unit tests", "cd /root/regd && export PYTHONDONTWRITEBYTECODE=1 && "
                           "tests/setup-packages build && python3 tests/harness/runner.py --quick --suite=unit")
