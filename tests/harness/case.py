# SPDX-License-Identifier: MIT
"""Test cases and how they are run: a test program is a file of functions that
are decorated with @test and ends with main(). Each prints one TAP line.

    from harness.case import equal, main, test

    @test
    def adds_up():
        equal(1 + 1, 2)

    main()

rows() makes one test of each row of a table. A test fails by raising anything,
and is left out by raising Skip with the reason. With arguments on the command
line only the tests whose names contain one of them run.
"""

import functools
import sys
import traceback

_tests = []


class Skip(Exception):
    """Raised by a test that can't run here; its text says why."""


class Failure(AssertionError):
    """Raised by the checks below."""


def test(function):
    """Makes the function a test by its own name."""
    _tests.append((function.__name__.replace("_", " "), function))
    return function


def rows(table):
    """Makes a test of each row: the first element names it, the others are its arguments."""

    def register(function):
        title = function.__name__.replace("_", " ")
        for row in table:
            _tests.append((f"{title}: {row[0]}", functools.partial(function, *row[1:])))
        return function

    return register


def each(table, function):
    """Calls the function with every row and fails with all that was wrong: for
    tables whose rows share one registry and leave nothing behind for another."""
    problems = []
    for row in table:
        try:
            function(*(row if isinstance(row, tuple) else (row,)))
        except Exception as problem:
            problems.append(f"{row!r:.200}: {problem!r:.600}")
    if problems:
        raise Failure("\n".join(problems))


def equal(found, expected, what=""):
    if found != expected:
        raise Failure(f"{what + ': ' if what else ''}found {found!r}, expected {expected!r}")


def check(condition, what):
    if not condition:
        raise Failure(what)


def contains(text, part):
    if part not in text:
        raise Failure(f"{part!r} is not in {text!r}")


def _printable(text):
    """A TAP description must keep to its line and hold no directive."""
    return text.encode("unicode_escape").decode("ascii").replace("#", "\\#")


def _run(number, name, function):
    try:
        function()
    except Skip as reason:
        print(f"ok {number} - {_printable(name)} # SKIP {reason}", flush=True)
        return True
    except Exception:  # whatever it is, it is this test that failed
        for line in traceback.format_exc().splitlines():
            print(f"# {line}", flush=True)
        print(f"not ok {number} - {_printable(name)}", flush=True)
        return False
    print(f"ok {number} - {_printable(name)}", flush=True)
    return True


def main():
    """Runs the tests of this program; does not return."""
    wanted = sys.argv[1:]
    chosen = [(name, function) for name, function in _tests
              if not wanted or any(word in name for word in wanted)]
    print(f"1..{len(chosen)}", flush=True)
    passed = [_run(number, name, function) for number, (name, function) in enumerate(chosen, 1)]
    sys.exit(0 if all(passed) else 1)
