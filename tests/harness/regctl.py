# SPDX-License-Identifier: MIT
"""Runs of regctl on a test's registry, and what is expected of them."""

from harness.case import check, contains, equal
from harness.process import program
from harness.registry import SOFTWARE

KEY = SOFTWARE + "\\Acme"
DONE, FAILED, USAGE, NOT_FOUND, DENIED, INVALID, CONFLICT, UNREACHABLE = range(8)


def regctl(registry, *arguments, uid=None, given=b""):
    """Runs regctl; (exit code, standard output, standard error)."""
    result = registry.run(program("client/regctl/regctl"), *arguments, uid=uid, input=given)
    return result.returncode, result.stdout.decode(), result.stderr.decode()


def done(registry, *arguments, **options):
    """What a run printed that had nothing to complain of."""
    status, printed, said = regctl(registry, *arguments, **options)
    equal((status, said), (DONE, ""), " ".join(arguments))
    return printed


def refused(registry, expected, *arguments, naming=(), **options):
    """What a run said that failed with this exit code."""
    status, printed, said = regctl(registry, *arguments, **options)
    equal((status, printed), (expected, ""), f"{' '.join(arguments)}: {said}")
    check(said.startswith("regctl: ") and said.count("\n") == 1, f"one line of a message, not {said!r}")
    for part in naming:
        contains(said, part)
    return said
