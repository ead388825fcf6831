# SPDX-License-Identifier: MIT
"""The table of all that is measured: `run` tells how it is called.

A group of rows is a function that takes Options and yields Rows. It measures in rounds in which
both sides of a ratio take turns, and gives the median of the rounds' ratios: what else the machine
does falls on both."""

import argparse
import contextlib
import importlib
import json
import os
import statistics
import sys
import time
from dataclasses import asdict, dataclass, field

from harness.case import Skip

GROUPS = ("rows_calls", "rows_bulk", "rows_peers", "rows_fleet", "rows_mail")


@dataclass
class Options:
    quick: bool = False
    rounds: int = field(init=False)

    def __post_init__(self):
        self.rounds = 1 if self.quick else 5


@dataclass
class Row:
    """What was measured, in `unit`; `of`: the same of what it is compared with, `of_what`. `wanted` is for the
    ratio where there is one, else for what was measured; at_most: it is to be no more than that. `why`: it
    could not be measured."""
    what: str
    measured: float = None
    unit: str = "/s"
    of_what: str = ""
    of: float = None
    ratio: float = None
    wanted: float = None
    at_most: bool = False
    why: str = ""

    def judged(self):
        return self.measured if self.ratio is None else self.ratio

    def is_reached(self):
        """None: nothing is wanted, or nothing was measured."""
        if self.wanted is None or self.judged() is None:
            return None
        return self.judged() <= self.wanted if self.at_most else self.judged() >= self.wanted


def group(*names):
    """Marks a function as measuring rows whose names begin with these."""
    def mark(function):
        function.rows = names
        return function
    return mark


def median_ratio(ours, theirs):
    """Of the rounds' ratios: both measured side by side in each."""
    return statistics.median(our / their for our, their in zip(ours, theirs))


def compared(what, ours, of_what, theirs, wanted=None, unit="/s", at_most=False):
    """A row of two lists, a figure for each round."""
    return Row(what, statistics.median(ours), unit, of_what, statistics.median(theirs), median_ratio(ours, theirs),
               wanted, at_most)


def rounds_of(options, *sides):
    """Runs each of the functions once a round, in turn from either end: a list of figures for each."""
    figures = [[] for _ in sides]
    for number in range(options.rounds):
        order = range(len(sides)) if number % 2 == 0 else reversed(range(len(sides)))
        for index in order:
            figures[index].append(sides[index]())
    return figures


# ---- what is printed ----

def shown(number, unit=""):
    if number is None:
        return ""
    text = f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
    return f"{text} {unit}".replace(" /s", "/s").strip()


HEAD = ("what", "measured", "of what", "ratio", "to reach", "reached")
WIDTHS = (58, 14, 44, 7, 9, 7)


def cells(row):
    if row.why:
        return row.what, "left out", row.why, "", shown(row.wanted), ""
    beside = f"{row.of_what}: {shown(row.of, row.unit)}" if row.of is not None else row.of_what
    bound = f"{'<' if row.at_most else ''}{shown(row.wanted, row.unit if row.ratio is None else '')}"
    reached = {None: "", True: "yes", False: "no"}[row.is_reached()]
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    return row.what, shown(row.measured, row.unit), beside, ratio, bound if row.wanted is not None else "", reached


def print_line(texts):
    print("  ".join(text.ljust(width) for text, width in zip(texts, WIDTHS)).rstrip(), flush=True)


def print_row(row, as_json):
    if as_json:
        print(json.dumps(asdict(row) | {"reached": row.is_reached()}), flush=True)
    else:
        print_line(cells(row))


def find_groups():
    for module in GROUPS:
        for function in vars(importlib.import_module(module)).values():
            if hasattr(function, "rows"):
                yield function


def is_wanted(name, patterns):
    return not patterns or any(pattern.lower() in name.lower() for pattern in patterns)


def measure(function, options):
    """Its rows. What it tells by the way goes to standard error."""
    with contextlib.redirect_stdout(sys.stderr):
        try:
            return list(function(options))
        except Skip as reason:
            return [Row(name, why=str(reason)) for name in function.rows]


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/run")
    parser.add_argument("patterns", nargs="*", metavar="PATTERN")
    parser.add_argument("--quick", action="store_true", help="one round of each")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each row")
    parser.add_argument("--list", action="store_true", help="only name the rows")
    given = parser.parse_args()
    begun, load, count = time.monotonic(), os.getloadavg()[0], [0, 0]
    wanted = [function for function in find_groups()
              if is_wanted(function.__name__, given.patterns) or any(is_wanted(name, given.patterns) for name in function.rows)]
    if given.list:
        print("\n".join(f"{function.__name__}: {name}" for function in wanted for name in function.rows))
        return
    if not given.json:
        print_line(HEAD)
    for function in wanted:
        for row in measure(function, Options(given.quick)):
            if is_wanted(function.__name__, given.patterns) or is_wanted(row.what, given.patterns):
                print_row(row, given.json)
                count[0] += row.is_reached() is True
                count[1] += row.is_reached() is not None
    print(f"{count[0]} of {count[1]} reached; {time.monotonic() - begun:.0f} s; load {load:.1f} before, "
          f"{os.getloadavg()[0]:.1f} after", file=sys.stderr)


if __name__ == "__main__":
    main()
