# SPDX-License-Identifier: MIT
"""Builds the project in its build trees, runs their tests and adds up what
they say. Called by tests/run; the last line it prints is the sum, and its
exit status is 0 only where nothing failed.

    runner.py [--quick | --long [--fuzz=SECONDS]] [--suite=SUITE...] [PATTERN...]
    runner.py --builds [PATTERN...]
    runner.py --fuzz=SECONDS [PATTERN...]
    runner.py --systems [--quick] [SYSTEM...]

PATTERN: only the tests whose name contains one of them. --quick: one plain
build and no lint. --long: tests take their long form (figures.py), those of the suite
"load" run with ThreadSanitizer and valgrind too, and each fuzz target runs for an hour, or as long as
--fuzz says (0: not at all); what a target has learned is kept for the next run.
--fuzz: each fuzz target for so long. --builds: every compiler, kind of build and machine, with their
unit tests. --systems: the README's two commands in fresh Debian systems.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path

import figures
import fuzzing
import reach
import roots
import systems
import tap
from builds import NORMAL, QUICK, TOP, list_all, list_long, make_big_endian, prepare
from runs import Run, count, tell, tell_failures, tell_figures, tell_skips

SANITISER_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1:exitcode=99",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1:exitcode=99",
    "LSAN_OPTIONS": "exitcode=99",
}
# A test's long form may take so many times its time.
LONG_FACTOR = 40
LONG_FUZZ_SECONDS = 3600


def list_tests(build):
    """What meson knows of this tree's tests."""
    listed = subprocess.run(["meson", "introspect", "--tests", str(TOP / build.directory)],
                            stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(listed)


def suites_of(test):
    return {suite.rpartition(":")[2] for suite in test["suite"]}


def is_for_long(builds):
    return any("long" in (build.suites or ()) for build in builds)


def is_wanted(build, test):
    """Whether the build runs the test, by its suites. Those of `long` are for --long only."""
    suites = suites_of(test)
    if "long" in suites and not is_for_long([build]):
        return False
    return bool(suites & build.suites if build.suites else suites - {"lint", "system", "ansible", "page"})


def find_tests(build, patterns):
    """The tests that the build runs, as far as the patterns want them."""
    chosen = [test for test in list_tests(build)
              if is_wanted(build, test) and (not patterns or any(pattern in test["name"] for pattern in patterns))]
    # The longest first, so that none of them is left over at the end.
    return sorted(chosen, key=lambda test: -test["timeout"])


def find_left_out(trees):
    """Names of the tests that are in a tree and run by none, but for those that wait for --long.
    trees: (build, its tests)."""
    has_long = is_for_long([build for build, _ in trees])
    names = {test["name"] for _, tests in trees for test in tests if has_long or "long" not in suites_of(test)}
    return sorted(names - {test["name"] for build, tests in trees for test in tests if is_wanted(build, test)})


def end_group(process):
    """Ends the test's own process group: what it left running, or all of it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def is_built(test):
    """Whether the build made the program, and not the machine (a Python test)."""
    return Path(test["cmd"][0]).is_relative_to(TOP)


def run_test(build, test):
    """Runs one test program in a session of its own, within its time."""
    environment = os.environ | SANITISER_OPTIONS | test["env"] | build.environment | {"REGD_WRAPPER": shlex.join(build.wrapper)}
    began = time.monotonic()
    run = Run(f"{build.directory}{', valgrind' if 'REGD_VALGRIND' in build.environment else ''}: {test['name']}")
    wrapper = build.wrapper if is_built(test) else []
    process = subprocess.Popen([*wrapper, *test["cmd"]], cwd=test["workdir"] or TOP / build.directory,
                               env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True)
    late = False
    timeout = test["timeout"] * figures.amount(1, LONG_FACTOR)
    try:
        printed, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        late = True
        end_group(process)
        printed, _ = process.communicate()
    end_group(process)
    run.output = printed.decode("utf-8", "replace")
    run.seconds = time.monotonic() - began
    run.results = judge(test, run.output, process.returncode)
    if build.reports:
        name, pattern = build.reports
        run.output += f"\n# figure: {name} {len(re.findall(pattern, run.output))}\n"
    if late:
        run.results.append(tap.Result("in time", "failed", f"not done after {timeout} s"))
    return run


def judge(test, output, status):
    """Results by the protocol that the test speaks."""
    if test["protocol"] == "tap":
        return tap.parse(output, status)
    if status == 77:
        lines = output.strip().splitlines()
        return [tap.Result(test["name"], "skipped", lines[-1] if lines else "no reason given")]
    return [tap.Result(test["name"], "passed" if status == 0 else "failed", f"status {status}")]


def run_tests(build, tests):
    """Runs them side by side, those that want to be alone after the others."""
    together = [test for test in tests if test["is_parallel"]]
    alone = [test for test in tests if not test["is_parallel"]]
    # Most of a test's time is spent on waiting: for time to pass, or for others' processes.
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1) + 1) as pool:
        for run in pool.map(lambda test: run_test(build, test), together):
            tell(run)
            yield run
    for test in alone:
        run = run_test(build, test)
        tell(run)
        yield run


@contextmanager
def sharing_copies():
    """All tests share the copies of what other users can't reach in the tree."""
    folder = reach.make_folder()
    os.environ[reach.VARIABLE] = str(folder)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_build(build, patterns):
    """Its own Run, then one of each of its tests if it could be built."""
    built = prepare(build)
    tell(built)
    yield built
    if count([built], "failed") == 0:
        yield from run_tests(build, find_tests(build, patterns))


def run_whole(builds):
    """All tests of these builds, and one result that they leave none out."""
    for build in builds:
        yield from run_build(build, ())
    left_out = find_left_out([(build, list_tests(build)) for build in builds if (TOP / build.directory / "build.ninja").exists()])
    run = Run("tests/run", [tap.Result("every test is run by one of the builds", "failed" if left_out else "passed",
                                       ", ".join(left_out))])
    tell(run)
    yield run


def run_builds(patterns):
    """Every build, then those for other machines: i386 in a root of its own, s390x by qemu."""
    for build in list_all():
        yield from run_build(build, patterns)
    reason = roots.why_not() or systems.why_no_other_machine()
    if reason:
        yield systems.skip("build-s390x", reason)
        yield systems.skip("i386", reason)
        return
    yield from run_build(make_big_endian(), patterns)
    yield systems.try_i386()


def fuzz(seconds, patterns):
    return fuzzing.run_all(seconds, patterns, os.environ | SANITISER_OPTIONS)


def choose(arguments):
    """The runs that are asked for, made one by one."""
    if arguments.builds:
        return run_builds(arguments.patterns)
    if arguments.systems:
        return systems.try_all(arguments.patterns, arguments.quick)
    if arguments.fuzz and not arguments.long:
        return fuzz(arguments.fuzz, arguments.patterns)
    builds = QUICK if arguments.quick else NORMAL
    if arguments.suite:
        builds = [replace(build, suites=set(arguments.suite)) for build in builds]
    elif arguments.long:
        builds = list_long()
    if arguments.quick or arguments.suite or arguments.patterns:
        runs = (run for build in builds for run in run_build(build, arguments.patterns))
    else:
        runs = run_whole(builds)
    if not arguments.long or arguments.suite:
        return runs
    seconds = LONG_FUZZ_SECONDS if arguments.fuzz is None else arguments.fuzz
    return chain(runs, fuzz(seconds, arguments.patterns)) if seconds else runs


def main():
    parser = argparse.ArgumentParser(prog="tests/run", description="Builds the project and runs its tests.")
    parser.add_argument("--quick", action="store_true", help="one plain build, no lint")
    parser.add_argument("--long", action="store_true", help="each test that has a long form takes it: hours")
    parser.add_argument("--fuzz", type=int, metavar="SECONDS", help="run each fuzz target for so long; with --long in place of an hour")
    parser.add_argument("--suite", action="append", help="only this suite (several may be given)")
    parser.add_argument("--builds", action="store_true", help="every compiler, kind of build and machine: unit tests")
    parser.add_argument("--systems", action="store_true",
                        help="the README's two commands in fresh Debian systems; takes root")
    parser.add_argument("patterns", nargs="*", metavar="PATTERN",
                        help="only tests whose name contains it; with --systems: only these systems")
    arguments = parser.parse_args()
    began = time.monotonic()
    os.environ[figures.LONG] = "1" if arguments.long else "0"
    with sharing_copies():
        runs = list(choose(arguments))
    tell_failures(runs)
    tell_skips(runs)
    tell_figures(runs)
    print(f"\nin {time.monotonic() - began:.0f} s")
    print(f"{count(runs, 'passed')} passed, {count(runs, 'failed')} failed, {count(runs, 'skipped')} skipped")
    return 1 if count(runs, "failed") else 0


if __name__ == "__main__":
    sys.exit(main())
