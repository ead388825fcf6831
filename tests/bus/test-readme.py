# SPDX-License-Identifier: MIT
"""The README's tour and the examples of the manual, as they are written."""

import re

from harness.case import check, equal, main, rows, test
from harness.process import SOURCE
from harness.registry import Registry
from harness.tour import steps, take

CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LITERAL = re.compile(r"^\.Bd -literal\n(.*?)^\.Ed$", re.MULTILINE | re.DOTALL)


def examples(page):
    """The blocks of a man page's EXAMPLES, as they are read."""
    text = (SOURCE / "data" / "man" / page).read_text(encoding="utf-8")
    section = text.split("\n.Sh EXAMPLES\n")[1].split("\n.Sh ")[0]
    return [block.replace(r"\e", "\\").replace(r"\&", "") for block in LITERAL.findall(section)]


@test
def the_tour_prints_what_it_says():
    blocks = CONSOLE.findall((SOURCE / "README.md").read_text(encoding="utf-8"))
    tour = [step for block in blocks for step in steps(block)]
    check(len(tour) > 15, f"there is a tour: {len(tour)} commands")
    with Registry() as registry:
        take(registry, tour)


@rows([("org.regd.Registry1(5)", "org.regd.Registry1.5"), ("regd-reg(5)", "regd-reg.5")])
def the_examples_of_a_page_print_what_they_say(page):
    tour = [step for block in examples(page) if block.startswith("$ ") for step in steps(block)]
    check(tour, "there are examples")
    with Registry() as registry:
        take(registry, tour)


@test
def the_program_in_python_prints_what_it_says():
    program, expected = (block for block in examples("org.regd.Registry1.5") if not block.startswith("$ "))
    with Registry() as registry:
        done = registry.run("/usr/bin/python3", "-", input=program.encode())
        equal((done.stdout.decode(), done.stderr.decode()), (expected, ""))


main()
