# SPDX-License-Identifier: MIT
"""What the page looks like to people and to screen readers: contrast, names, labels, roles and width by our own
checks (tests/page/checks.js), the rules of axe-core, and pictures that are kept in the build tree."""

import os
from pathlib import Path

from harness.case import Failure
from harness.npm import node_modules
from harness.process import BUILD, SOURCE

CHECKS = (SOURCE / "tests" / "page" / "checks.js").read_text()
PICTURES = Path(os.environ.get("REGD_PICTURES") or BUILD / "pictures")  # those of data/doc: REGD_PICTURES=data/doc
AXE = "axe-core@4.14.1"
RUN_AXE = """const [done] = arguments;
axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => done(violations.flatMap(({ id, impact, help, nodes }) =>
    nodes.map(({ html, target, failureSummary }) => `${id} (${impact}): ${help}: ${target} ${html.slice(0, 200)} ${failureSummary}`))),
    error => done([String(error)]));"""


def check_look(page, what):
    if problems := page.run(CHECKS):
        raise Failure("\n".join(f"{what}: {problem}" for problem in problems))


def check_axe(page, what):
    """No finding of axe-core's, not even a minor one."""
    source = (node_modules(AXE) / "axe-core" / "axe.min.js").read_text()
    if not page.run("return window.axe !== undefined"):
        page.run(source)
    if findings := page.driver.execute_async_script(RUN_AXE):
        raise Failure("\n".join(f"{what}: {finding}" for finding in findings))


def take_picture(page, name):
    PICTURES.mkdir(exist_ok=True)
    page.picture(PICTURES / f"page-{name}.png")
