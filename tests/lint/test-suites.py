# SPDX-License-Identifier: MIT
"""Each test is in a suite that a build of tests/run runs. tests/run itself looks again, at what each of
its trees has."""

import json
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "harness"))  # as tests/run has it

from builds import NORMAL, Build, list_long
from harness.case import equal, main, rows, test
from runner import find_left_out
from sources import BUILD

ASAN, CLANG, RELEASE = Build("a", "gcc"), Build("b", "clang", suites={"unit", "lint"}), Build("c", "gcc", suites={"plain"})


@test
def every_suite_is_run_by_a_build():
    listed = subprocess.run(["meson", "introspect", "--tests", str(BUILD)], stdout=subprocess.PIPE, text=True, check=True).stdout
    for builds in (NORMAL, list_long()):
        equal(find_left_out([(build, json.loads(listed)) for build in builds]), [])


def known(**suites):
    return [{"name": name, "suite": [f"regd:{suite}" for suite in listed]} for name, listed in suites.items()]


@rows([
    ("all but four suites without a list", [(ASAN, known(a=["bus"], b=["new"]))], []),
    ("those four", [(ASAN, known(a=["lint"], b=["system"], c=["ansible"], d=["unit"], e=["page"]))], ["a", "b", "c", "e"]),
    ("what waits for --long", [(ASAN, known(a=["bus", "long"]))], []),
    ("what waits for --long, there", [(ASAN, known(a=["bus", "long"])), (Build("d", "gcc", suites={"long"}), [])], ["a"]),
    ("what --long runs", [(Build("d", "gcc", suites={"bus", "long"}), known(a=["bus", "long"]))], []),
    ("what another build runs", [(ASAN, known(a=["lint"])), (CLANG, known(a=["lint"]))], []),
    ("what only the plain build has, and does not run", [(ASAN, known(a=["mail"])), (RELEASE, known(a=["mail"], b=["mail"]))], ["b"]),
    ("what only the plain build has, and runs", [(RELEASE, known(b=["mail", "plain"]))], []),
])
def what_no_build_runs_is_found(trees, expected):
    equal(find_left_out(trees), expected)


main()
