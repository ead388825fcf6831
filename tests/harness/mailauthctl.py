# SPDX-License-Identifier: MIT
"""Runs of mailauthctl on a test's registry, and what is expected of them."""

from harness.case import contains, equal
from harness.mail import BROKERS
from harness.process import program
from harness.registry import REG_SZ

DONE, FAILED, USAGE, NOT_FOUND, DENIED, INVALID, CONFLICT, UNREACHABLE = range(8)


def run(registry, *words, password=None, uid=None):
    """(exit code, standard output, standard error)"""
    result = registry.run(program("mailauth/mailauthctl/mailauthctl"), f"--bus={registry.bus.address}", *words,
                          uid=uid, input=b"" if password is None else f"{password}\n".encode())
    return result.returncode, result.stdout.decode(), result.stderr.decode()


def done(registry, *words, **options):
    code, output, problem = run(registry, *words, **options)
    equal(code, DONE, f"{words}: {problem}")
    return output


def failed(registry, expected, *words, naming="", **options):
    code, _, problem = run(registry, *words, **options)
    equal(code, expected, f"{words}: {problem}")
    contains(problem, "mailauthctl: ")
    contains(problem, naming)


def set_broker(registry, server, number="3"):
    path = server.mail / f"members-{number}.db"
    registry.client.set(f"{BROKERS}\\{number}", "Type", REG_SZ, "sqlite")
    registry.client.set(f"{BROKERS}\\{number}", "Database", REG_SZ, str(path))
    return path
