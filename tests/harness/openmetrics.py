# SPDX-License-Identifier: MIT
"""A strict reader of the OpenMetrics text format, as far as our programs write it:

    families = openmetrics.parse(text)
    families["mailauth_logins"].samples[("_total", (("reason", "ok"),))]
"""

import re

from harness.case import Failure

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (-?[0-9]+(?:\.[0-9]+)?|NaN)")
FACT = re.compile(rf"# (TYPE|UNIT|HELP) ({NAME}) (.+)")
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "summary": ("", "_sum", "_count"),
            "histogram": ("_bucket", "_sum", "_count")}


class Family:
    """A metric family: its facts, and its samples by (suffix, sorted labels)."""

    def __init__(self, name):
        self.name, self.facts, self.samples = name, {}, {}


def parse(text):
    """{name: Family}; a Failure for whatever the format does not allow."""
    if not text.endswith("# EOF\n") or text.count("# EOF") != 1:
        raise Failure("it does not end with '# EOF' and a line feed")
    families, family = {}, None
    for line in text.splitlines()[:-1]:
        fact = FACT.fullmatch(line)
        if fact:
            family = take_fact(families, family, *fact.groups())
        else:
            take_sample(family, line)
    return families


def take_fact(families, family, kind, name, value):
    if family is None or family.name != name:
        if name in families:
            raise Failure(f"{name}: the family's lines are not together")
        family = families[name] = Family(name)
    if kind in family.facts or family.samples:
        raise Failure(f"{name}: {kind} twice, or after a sample")
    if kind == "TYPE" and value not in SUFFIXES:
        raise Failure(f"{name}: type {value}")
    if kind == "UNIT" and not name.endswith(f"_{value}"):
        raise Failure(f"{name}: a name ends with its unit, {value}")
    family.facts[kind] = value
    return family


def take_sample(family, line):
    found = SAMPLE.fullmatch(line)
    if not found or family is None:
        raise Failure(f"no sample: {line!r}")
    name, labels, value = found.groups()
    suffix = name.removeprefix(family.name) if name.startswith(family.name) else None
    kind = family.facts.get("TYPE")
    if suffix not in SUFFIXES.get(kind, ()):
        raise Failure(f"{name} is no sample of the {kind} {family.name}")
    pairs = tuple(sorted(read_labels(labels)))
    if len({label for label, _ in pairs}) != len(pairs) or (suffix, pairs) in family.samples:
        raise Failure(f"twice: {line!r}")
    if kind == "summary" and (suffix == "") != any(label == "quantile" for label, _ in pairs):
        raise Failure(f"a quantile where none may be, or none: {line!r}")
    if kind == "histogram" and (suffix == "_bucket") != any(label == "le" for label, _ in pairs):
        raise Failure(f"a bound where none may be, or none: {line!r}")
    if suffix == "_bucket":
        below = [count for (other, _), count in family.samples.items() if other == "_bucket"]
        if below and float(value) < below[-1]:
            raise Failure(f"a bucket holds less than the one below: {line!r}")
    family.samples[suffix, pairs] = float(value)


def read_labels(text):
    """(name, value) of each."""
    at, text = 0, text or ""
    while at < len(text):
        found = LABEL.match(text, at)
        if not found:
            raise Failure(f"no label: {text[at:]!r}")
        yield found.group(1), re.sub(r"\\(.)", lambda each: "\n" if each[1] == "n" else each[1], found.group(2))
        at = found.end()
        if at < len(text):
            if text[at] != "," or at + 1 == len(text):
                raise Failure(f"no comma and label: {text[at:]!r}")
            at += 1
