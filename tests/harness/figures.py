# SPDX-License-Identifier: MIT
"""Figures that tests tell, and how tests/run adds them up: rounds, commits, copies.

    figure("kill-rounds", 500)          prints `# figure: kill-rounds 500`
    figure("longest-read", 87, "ms")    prints `# figure: longest-read 87 ms`

A figure without a unit is a count: counts of one name are added up over all tests and
builds. Of a figure with a unit the largest one is kept. amount() chooses between the
short form of a test and the long one of `tests/run --long`. Pure, but for print().
"""

import os
import re
from dataclasses import dataclass

LONG = "REGD_LONG"  # in the environment of tests that are to take their time
LINE = re.compile(r"^# figure: (\S+) (-?\d+(?:\.\d+)?)(?: (\S+))?$", re.MULTILINE)


@dataclass
class Figure:
    """What is known of one name. The unit is empty for a count; runs are those that told it."""

    name: str
    value: float
    unit: str
    runs: int


def is_long():
    return os.environ.get(LONG) == "1"


def amount(short, long):
    """How much a test does: rounds, seconds, copies."""
    return long if is_long() else short


def figure(name, value, unit=""):
    """Tells a figure. The name is one word, and so is the unit."""
    line = f"# figure: {name} {value:{'d' if isinstance(value, int) else '.1f'}} {unit}".rstrip()
    if not LINE.match(line):
        raise ValueError(f"no name or unit of a figure: {name!r}, {unit!r}")
    print(line, flush=True)


def collect(outputs):
    """The figures in what programs have printed, by name."""
    found = {}
    for output in outputs:
        for name, value, unit in LINE.findall(output):
            one = found.setdefault((name, unit), Figure(name, 0.0, unit, 0))
            one.value = max(one.value, float(value)) if unit and one.runs else one.value + float(value)
            one.runs += 1
    return [found[key] for key in sorted(found)]


def format_table(figures):
    """Lines of one table: name, value with its unit, how many runs told it."""
    rows = [(one.name, f"{one.value:,.{0 if one.value.is_integer() else 1}f} {one.unit}".rstrip(),
             f"{one.runs} {'run' if one.runs == 1 else 'runs'}") for one in figures]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    return [f"{name:{widths[0]}}  {value:>{widths[1]}}  ({runs})" for name, value, runs in rows]
