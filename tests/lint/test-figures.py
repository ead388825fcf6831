# SPDX-License-Identifier: MIT
"""What tests tell in figures is found in their output and added up."""

import contextlib
import io
import re
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "harness"))  # as tests/run has it

from builds import LOAD, TOP
from fuzzing import judge
from harness.case import equal, main, rows, test
from harness.figures import collect, figure, format_table


@rows([
    ("a count", ["# figure: rounds 500\n"], [("rounds", 500.0, "", 1)]),
    ("counts are added up", ["# figure: rounds 500\nok 1 - x\n# figure: rounds 2\n", "# figure: rounds 40\n"],
     [("rounds", 542.0, "", 3)]),
    ("the largest with a unit", ["# figure: read 3.5 ms\n# figure: read 87 ms\n# figure: read 2 ms\n"],
     [("read", 87.0, "ms", 3)]),
    ("the largest may be below nothing", ["# figure: t -3 C\n# figure: t -7 C\n"], [("t", -3.0, "C", 2)]),
    ("one name, two units", ["# figure: x 1 s\n# figure: x 1\n"], [("x", 1.0, "", 1), ("x", 1.0, "s", 1)]),
    ("other comments", ["# seed 17\n#figure: x 1\n# figure: x\n# figure: x y\n# figure: x 1 s or so\n"], []),
])
def figures_are_found(outputs, expected):
    equal([(one.name, one.value, one.unit, one.runs) for one in collect(outputs)], expected)


@test
def what_is_told_is_found():
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        figure("rounds", 12)
        figure("longest-read", 87.25, "ms")
    equal([(one.name, one.value, one.unit) for one in collect([said.getvalue()])],
          [("longest-read", 87.2, "ms"), ("rounds", 12.0, "")])


SANITISER_OUTPUT = """\
# ==12== Invalid write of size 4
# ==12==    at 0x109193: main (bad.c:2)
# ==12==  Address 0x4a43040 is 0 bytes inside a block of size 4 free'd
# ==12==
# ==12== 77 bytes in 1 blocks are definitely lost in loss record 1 of 1
# WARNING: ThreadSanitizer: data race (pid=12)
#   Write of size 4 at 0x7b by thread T2:
"""


@rows([("valgrind's", "valgrind-reports", 2), ("ThreadSanitizer's", "thread-sanitizer-reports", 1)])
def reports_are_counted(name, expected):
    pattern = {build.reports[0]: build.reports[1] for build in LOAD}[name]
    equal(len(re.findall(pattern, SANITISER_OUTPUT)), expected)


@rows([
    ("nothing found", 0, [], 7, "passed"),
    ("an input that breaks it", 77, [TOP / "build-fuzz/findings/path/crash-1"], 7, "failed"),
    ("found, and said to be well", 0, [TOP / "build-fuzz/findings/path/slow-unit-1"], 7, "failed"),
    ("ended early", 1, [], 7, "failed"),
    ("never run", 0, [], 0, "failed"),
])
def a_fuzz_target_is_judged(status, found, executions, outcome):
    equal([result.outcome for result in judge("path", status, found, executions)], [outcome])


@test
def the_table_is_aligned():
    equal(format_table(collect(["# figure: rounds 1200\n# figure: read 3.5 ms\n# figure: rounds 1\n"])),
          ["read    3.5 ms  (1 run)", "rounds   1,201  (2 runs)"])


main()
