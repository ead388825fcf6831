# SPDX-License-Identifier: MIT
"""Builds the project in its build trees, runs their tests and adds up what
they say. Called by tests/run; the last line it prints is the sum, and its
exit status is 0 only where nothing failed.

    runner.py [--quick] [PATTERN...]

PATTERN: only the tests whose name contains one of them. --quick: one plain
build and no lint.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import reach
import tap

TOP = Path(__file__).resolve().parents[2]
OUTPUT_LINES = 60  # of a failed test's output that are shown


@dataclass
class Build:
    """A build tree, and the suites that are run in it (None: all that run what was built)."""

    directory: str
    compiler: str
    options: list
    suites: set = None


SANITISED = Build("build-asan", "gcc", ["-Db_sanitize=address,undefined"])
BUILDS = [
    SANITISED,
    Build("build-release", "gcc", ["-Dbuildtype=release"], {"unit", "bus", "system"}),
    Build("build-clang", "clang", [], {"unit", "lint"}),
]
QUICK = [Build("build-gcc", "gcc", [], {"unit", "bus", "mail", "fault", "fuzz"})]

# A user's build goes on where a compiler warns; none of ours does.
STRICT = ["-Dwerror=true"]

SANITISER_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1:exitcode=99",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1:exitcode=99",
    "LSAN_OPTIONS": "exitcode=99",
}


@dataclass
class Run:
    """One test program's run: its results, and what it printed."""

    name: str
    results: list = field(default_factory=list)
    output: str = ""
    seconds: float = 0.0


def list_options(tree):
    """How the tree is configured: {name: value}, as -Dname=value is written."""
    listed = subprocess.run(["meson", "introspect", "--buildoptions", str(tree)],
                            stdout=subprocess.PIPE, text=True, check=True).stdout
    return {option["name"]: str(option["value"]).lower() if isinstance(option["value"], bool) else option["value"]
            for option in json.loads(listed)}


def configure(build):
    """The commands that make the tree, or that give it options which it lacks."""
    tree = TOP / build.directory
    wanted = [*STRICT, *build.options]
    if not (tree / "build.ninja").exists():
        return [["meson", "setup", str(tree), str(TOP), *wanted]]
    present = list_options(tree)
    differ = [option for option in wanted
              if present[option.removeprefix("-D").partition("=")[0]] != option.partition("=")[2]]
    return [["meson", "configure", str(tree), *differ]] if differ else []


def prepare(build):
    """Configures and builds; a Run with the one result that it built."""
    environment = os.environ | {"CC": build.compiler}
    commands = [*configure(build), ["ninja", "-C", str(TOP / build.directory)]]
    run = Run(f"{build.directory}: build")
    began = time.monotonic()
    for command in commands:
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, cwd=TOP,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", check=False)
        run.output += done.stdout
        if done.returncode != 0:
            run.results = [tap.Result("builds without a warning", "failed", " ".join(command))]
            break
    else:
        run.results = [tap.Result("builds without a warning", "passed")]
    run.seconds = time.monotonic() - began
    return run


def find_tests(build, patterns):
    """What meson knows of this tree's tests, as far as they are wanted."""
    listed = subprocess.run(["meson", "introspect", "--tests", str(TOP / build.directory)],
                            stdout=subprocess.PIPE, text=True, check=True).stdout
    chosen = []
    for test in json.loads(listed):
        suites = {suite.rpartition(":")[2] for suite in test["suite"]}
        wanted = suites & build.suites if build.suites else suites - {"lint", "system"}
        if wanted and (not patterns or any(pattern in test["name"] for pattern in patterns)):
            chosen.append(test)
    # The longest first, so that none of them is left over at the end.
    return sorted(chosen, key=lambda test: -test["timeout"])


def end_group(process):
    """Ends the test's own process group: what it left running, or all of it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run_test(build, test):
    """Runs one test program in a session of its own, within its time."""
    environment = os.environ | SANITISER_OPTIONS | test["env"]
    began = time.monotonic()
    run = Run(f"{build.directory}: {test['name']}")
    process = subprocess.Popen(test["cmd"], cwd=test["workdir"] or TOP / build.directory,
                               env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True)
    late = False
    try:
        printed, _ = process.communicate(timeout=test["timeout"])
    except subprocess.TimeoutExpired:
        late = True
        end_group(process)
        printed, _ = process.communicate()
    end_group(process)
    run.output = printed.decode("utf-8", "replace")
    run.seconds = time.monotonic() - began
    run.results = judge(test, run.output, process.returncode)
    if late:
        run.results.append(tap.Result("in time", "failed", f"not done after {test['timeout']} s"))
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
    # One more than there are processors: many wait for time to pass, or for others' processes.
    with ThreadPoolExecutor((os.cpu_count() or 1) + 1) as pool:
        for run in pool.map(lambda test: run_test(build, test), together):
            tell(run)
            yield run
    for test in alone:
        run = run_test(build, test)
        tell(run)
        yield run


def count(runs, outcome):
    return sum(result.outcome == outcome for run in runs for result in run.results)


def tell(run):
    """One line as it goes along."""
    failed = count([run], "failed")
    print(f"{'FAILED' if failed else 'ok':6} {run.name}  "
          f"({count([run], 'passed')} passed, {failed} failed, {count([run], 'skipped')} skipped, "
          f"{run.seconds:.1f} s)", flush=True)


def tell_failures(runs):
    """Every failed case, with the end of what its program printed."""
    for run in runs:
        failures = [result for result in run.results if result.outcome == "failed"]
        if not failures:
            continue
        print(f"\n==== {run.name}")
        for line in run.output.splitlines()[-OUTPUT_LINES:]:
            print(f"  | {line}")
        for result in failures:
            print(f"  FAILED {result.name}{': ' + result.why if result.why else ''}")


def tell_skips(runs):
    """Every skipped case once, with its reason."""
    skips = {}
    for run in runs:
        for result in run.results:
            if result.outcome == "skipped":
                skips.setdefault((run.name, result.why), []).append(result.name)
    for (name, why), cases in skips.items():
        print(f"skipped {name}: {len(cases)} of its tests ({cases[0]}{', ...' if len(cases) > 1 else ''}): {why}")


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


def main():
    parser = argparse.ArgumentParser(prog="tests/run", description="Builds the project and runs its tests.")
    parser.add_argument("--quick", action="store_true", help="one plain build, no lint")
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help="only tests whose name contains it")
    arguments = parser.parse_args()
    builds = QUICK if arguments.quick else BUILDS
    began = time.monotonic()
    with sharing_copies():
        runs = [run for build in builds for run in run_build(build, arguments.patterns)]
    tell_failures(runs)
    tell_skips(runs)
    print(f"\nin {time.monotonic() - began:.0f} s")
    print(f"{count(runs, 'passed')} passed, {count(runs, 'failed')} failed, {count(runs, 'skipped')} skipped")
    return 1 if count(runs, "failed") else 0


if __name__ == "__main__":
    sys.exit(main())
