# SPDX-License-Identifier: MIT
"""What the README, the guides and the manual tell a reader to type, typed as it stands there."""

import re
import subprocess

from harness.case import check, equal, main, rows, test
from harness.process import SOURCE, Process, program
from harness.registry import REG_DWORD, Registry
from harness.tour import blocks, steps, take

LITERAL = re.compile(r"^\.Bd -literal\n(.*?)^\.Ed$", re.MULTILINE | re.DOTALL)
SHOP = "HKLM\\SOFTWARE\\Acme\\Shop"
CHANGED = "value-set HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme\\Shop Port\n"


def examples(page):
    """The blocks of a man page's EXAMPLES, as they are read."""
    text = (SOURCE / "data" / "man" / page).read_text(encoding="utf-8")
    section = text.split("\n.Sh EXAMPLES\n")[1].split("\n.Sh ")[0]
    return [block.replace(r"\e", "\\").replace(r"\&", "") for block in LITERAL.findall(section)]


@rows([("README", "README.md", 15), ("programs.md", "data/doc/programs.md", 4)])
def the_sessions_of_a_guide_print_what_they_say(document, at_least):
    tour = [step for block in blocks(document, "console") for step in steps(block)]
    check(len(tour) >= at_least, f"there is a session: {len(tour)} commands")
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
    code, expected = (block for block in examples("org.regd.Registry1.5") if not block.startswith("$ "))
    with Registry() as registry:
        done = registry.run("/usr/bin/python3", "-", input=code.encode())
        equal((done.stdout.decode(), done.stderr.decode()), (expected, ""))


@test
def the_watcher_in_python_misses_nothing_while_regd_is_away():
    watcher = blocks("data/doc/programs.md", "python")[2]
    with Registry() as registry:
        path = registry.directory / "watcher.py"
        path.write_text(watcher, encoding="utf-8")
        registry.client.set(SHOP, "Port", REG_DWORD, 1)
        process = Process(registry.directory, "watcher", ["/usr/bin/python3", str(path)],
                          {"DBUS_SYSTEM_BUS_ADDRESS": registry.bus.address}, stdout=subprocess.PIPE, text=True)
        try:
            equal(process.child.stdout.readline(), "watching\n")
            registry.client.set(SHOP, "Port", REG_DWORD, 2)
            equal(process.child.stdout.readline(), CHANGED)
            registry.stop()
            changed = registry.run(program("client/regctl/regctl"), f"--database={registry.database}", "set", SHOP,
                                   "Port", "3")
            equal(changed.returncode, 0, changed.stderr.decode())
            registry.start()
            equal({process.child.stdout.readline(), process.child.stdout.readline()}, {"watching\n", CHANGED})
        finally:
            process.kill()


main()
