# SPDX-License-Identifier: MIT
"""Fuzzing with libFuzzer: each target (tests/fuzz) for so many seconds, beginning with its corpus and
with what earlier runs have found out. Inputs that break one stay in FINDINGS, and are kept."""

import os
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import tap
from builds import TOP, Build, prepare
from runs import Run, count, tell

BUILD = Build("build-fuzz", "clang", ["-Db_sanitize=address,undefined", "-Db_lundef=false",
                                      "-Dc_args=-fsanitize=fuzzer-no-link"], set())
FUZZERS = TOP / BUILD.directory / "tests" / "fuzz"
LEARNED = TOP / BUILD.directory / "learned"  # inputs of earlier runs that reached something new
FINDINGS = TOP / BUILD.directory / "findings"
EXECUTIONS = re.compile(r"^stat::number_of_executed_units:\s*(\d+)", re.MULTILINE)
# The slowest input, and the most memory, that are no finding.
INPUT_SECONDS, MEGABYTES = 25, 2560


def list_targets(patterns):
    names = sorted(path.stem.removeprefix("fuzz-") for path in (TOP / "tests" / "fuzz").glob("fuzz-*.c"))
    return [name for name in names if not patterns or any(pattern in "fuzz-" + name for pattern in patterns)]


def run_target(name, seconds, environment):
    """One target's Run, whose output ends with libFuzzer's figures and ours."""
    run, began = Run(f"{BUILD.directory}: {name}"), time.monotonic()
    learned, findings = LEARNED / name, FINDINGS / name
    for folder in (learned, findings):
        folder.mkdir(parents=True, exist_ok=True)
    known = set(findings.iterdir())
    done = subprocess.run([str(FUZZERS / f"libfuzzer-{name}"), f"-max_total_time={seconds}", "-print_final_stats=1",
                           f"-timeout={INPUT_SECONDS}", f"-rss_limit_mb={MEGABYTES}", f"-artifact_prefix={findings}/",
                           str(learned), str(TOP / "tests" / "fuzz" / "corpus" / name)],
                          env=environment, cwd=findings, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    found = sorted(set(findings.iterdir()) - known)
    executions = sum(map(int, EXECUTIONS.findall(done.stdout)))
    run.output = f"{done.stdout}\n# figure: fuzz-executions-{name} {executions}\n# figure: fuzz-executions {executions}\n" \
                 f"# figure: fuzz-findings {len(found)}\n"
    run.seconds = time.monotonic() - began
    run.results = judge(name, done.returncode, found, executions)
    return run


def judge(name, status, found, executions):
    if status != 0 or found:
        inputs = ", ".join(str(path.relative_to(TOP)) for path in found) or "no input was kept"
        return [tap.Result(name, "failed", f"status {status}: {inputs}")]
    return [tap.Result(name, "passed" if executions else "failed", f"{executions} executions")]


def run_all(seconds, patterns, environment):
    """The build's Run, then one of each target: as many at once as there are processors."""
    names = list_targets(patterns)
    if not names:
        return
    built = prepare(replace(BUILD, targets=[f"tests/fuzz/libfuzzer-{name}" for name in names]))
    tell(built)
    yield built
    if count([built], "failed"):
        return
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for run in pool.map(lambda name: run_target(name, seconds, environment), names):
            tell(run)
            yield run
