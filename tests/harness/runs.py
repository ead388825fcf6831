# SPDX-License-Identifier: MIT
"""What tests/run has run, and how it tells of it: a line as it goes along, then
every failure with its output, every skip with its reason, and all figures."""

from dataclasses import dataclass, field

import figures

OUTPUT_LINES = 60  # of a failed test's output that are shown


@dataclass
class Run:
    """One program's run: its results (tap.Result), and what it printed."""

    name: str
    results: list = field(default_factory=list)
    output: str = ""
    seconds: float = 0.0


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


def tell_figures(runs):
    """One table of what all tests told in figures."""
    lines = figures.format_table(figures.collect(run.output for run in runs))
    if lines:
        print("\n" + "\n".join(lines))
