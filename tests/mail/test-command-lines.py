# SPDX-License-Identifier: MIT
"""The command lines of all programs, which one parser reads: what is told about
options and words that are not taken, and the exit code 2."""

import subprocess

from harness.case import contains, equal, main, rows, test
from harness.process import PATIENCE, program

REGCTL, REGD = "client/regctl/regctl", "regd/regd"
MAILAUTHCTL, MAILAUTHD = "mailauth/mailauthctl/mailauthctl", "mailauth/mailauthd"
PROGRAMS = [REGCTL, REGD, MAILAUTHCTL, MAILAUTHD]


def run(path, *words):
    return subprocess.run([program(path), *words], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=PATIENCE, check=False)


@rows([(" ".join([path.rpartition("/")[2], *words]), path, words, said) for path, words, said in [
    *((path, ["--nonsense"], "--nonsense: no such option") for path in PROGRAMS),
    *((path, ["-Z"], "-Z: no such option") for path in PROGRAMS),
    *((path, ["--buss=session"], 'did you mean "--bus"?') for path in PROGRAMS),
    *((path, ["--bus"], "--bus=BUS: nothing follows it") for path in PROGRAMS),
    *((path, ["--version=1"], "nothing may follow this option") for path in PROGRAMS),
    *((path, ["word"], "word: ") for path in PROGRAMS),
    *((path, ["--", "--version"], "--version: ") for path in PROGRAMS),
    (REGD, ["--databse=x"], 'did you mean "--database"?'),
    (MAILAUTHD, ["--chekc"], 'did you mean "--check"?'),
    (MAILAUTHCTL, ["stauts"], 'did you mean "status"?'),
    (MAILAUTHCTL, ["status", "--all"], "status: it takes no option --all"),
    (MAILAUTHCTL, ["events", "-n", "x"], "--count: x is no number from 0"),
    (MAILAUTHCTL, ["repair", "--first", "--pam"], "give one of them"),
    (MAILAUTHCTL, ["test"], "usage: mailauthctl test [--protocol=pop3|imap] USER"),
    (REGCTL, ["get", "--stirct", "K", "N"], 'did you mean "--strict"?'),
]])
def wrong_usage_is_told_and_exits_with_2(path, words, said):
    done = run(path, *words)
    equal((done.returncode, done.stdout), (2, ""))
    contains(done.stderr, said)
    contains(done.stderr, f"{path.rpartition('/')[2]}: ")


@rows([(path.rpartition("/")[2], path) for path in PROGRAMS])
def help_and_version_are_told_and_exit_with_0(path):
    for word in ("--help", "-h", "-?"):
        done = run(path, word)
        equal((done.returncode, done.stderr), (0, ""))
        contains(done.stdout, f"Usage: {path.rpartition('/')[2]} [OPTION...]")
    done = run(path, "--version")
    equal((done.returncode, done.stdout.split()[0]), (0, path.rpartition("/")[2]))


@test
def each_verb_has_help_of_its_own():
    for path, verb in ((REGCTL, "get"), (MAILAUTHCTL, "events")):
        for words in ((verb, "--help"), ("--help", verb), (verb, "-h")):
            done = run(path, *words)
            equal(done.returncode, 0)
            contains(done.stdout, f"Usage: {path.rpartition('/')[2]} {verb}")


main()
