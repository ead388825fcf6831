# SPDX-License-Identifier: MIT
"""The units as systemd judges them: nothing in them that it does not know, and no sandbox
weaker than it was."""

import os
import re
import shutil
import subprocess

from harness.case import Failure, Skip, check, equal, main, test
from harness.process import BUILD

# How exposed each unit is, in tenths; what can't be had stands in the unit.
EXPOSURE = {"regd.service": 5, "regd-fleet.service": 11, "mailauthd.service": 33}


def analyze(*arguments):
    if os.geteuid() != 0 and not os.path.isdir("/run/systemd"):
        raise Skip("takes root, to make /run/systemd")
    if not shutil.which("systemd-analyze"):
        raise Skip("takes systemd-analyze")
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False)


def units():
    return sorted(path for path in (BUILD / "data").iterdir() if path.suffix in (".service", ".timer")
                  and not path.name.startswith("org."))


@test
def the_sandbox_is_as_tight_as_it_was():
    for unit in units():
        if unit.name not in EXPOSURE:
            continue
        done = analyze("--offline=true", f"--threshold={EXPOSURE[unit.name]}", "security", str(unit))
        if "unrecognized option" in done.stderr or "Unknown" in done.stderr:
            raise Skip("takes a systemd-analyze that looks at files")
        equal(done.returncode, 0, f"{unit.name}: {done.stdout[-200:]}{done.stderr}")


@test
def systemd_knows_every_line():
    for unit in units():
        said = analyze("verify", "--man=no", str(unit)).stderr
        wrong = [line for line in said.splitlines() if str(unit.name) in line and
                 re.search(r"Unknown|Invalid|Failed to parse|ignoring", line)]
        if wrong:
            raise Failure("\n".join(wrong))
    check(len(units()) >= 1, "there are units")


main()
