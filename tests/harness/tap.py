# SPDX-License-Identifier: MIT
"""The Test Anything Protocol: a test program's output into results. Pure."""

import re
from dataclasses import dataclass

RESULT = re.compile(r"^(ok|not ok)\b(?:\s+(\d+))?(?:\s*-?\s*(.*))?$")
PLAN = re.compile(r"^1\.\.(\d+)(?:\s*#\s*skip\b\S*\s*(.*))?$", re.IGNORECASE)
SKIP = re.compile(r"^(.*?)\s*#\s*skip\b\S*\s*(.*)$", re.IGNORECASE)


@dataclass
class Result:
    """One test case: outcome is passed, failed or skipped; why explains the last two."""

    name: str
    outcome: str
    why: str = ""


def parse_result(line):
    """A Result for a result line, else None."""
    match = RESULT.match(line)
    if not match:
        return None
    name = match.group(3) or match.group(2) or "unnamed"
    skip = SKIP.match(name)
    if match.group(1) == "not ok":
        return Result(name, "failed")
    if skip:
        return Result(skip.group(1) or "unnamed", "skipped", skip.group(2) or "no reason given")
    return Result(name, "passed")


def parse(text, status):
    """The results of a program that printed text and ended with status (negative:
    the signal). Whatever is odd about it is a failed result of its own."""
    results = []
    planned = None
    for line in text.splitlines():
        result = parse_result(line)
        plan = PLAN.match(line)
        if result:
            results.append(result)
        elif plan:
            planned = int(plan.group(1))
            if planned == 0:
                results.append(Result("all of it", "skipped", plan.group(2) or "nothing planned"))
                planned = 1
        elif line.startswith("Bail out!"):
            results.append(Result("bail out", "failed", line))
    return results + oddities(results, planned, status)


def oddities(results, planned, status):
    """What is wrong with the run as a whole."""
    if planned is None:
        return [Result("plan", "failed", "no plan was printed; it ended early")]
    if planned != len(results):
        return [Result("plan", "failed", f"{planned} planned, {len(results)} seen")]
    if status != 0 and not any(result.outcome == "failed" for result in results):
        return [Result("exit status", "failed", f"ended with status {status}")]
    return []
