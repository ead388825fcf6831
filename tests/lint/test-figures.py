# SPDX-License-Identifier: MIT
"""What tests tell in figures is found in their output and added up."""

import contextlib
import io

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


@test
def the_table_is_aligned():
    equal(format_table(collect(["# figure: rounds 1200\n# figure: read 3.5 ms\n# figure: rounds 1\n"])),
          ["read    3.5 ms  (1 run)", "rounds   1,201  (2 runs)"])


main()
