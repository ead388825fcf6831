# SPDX-License-Identifier: MIT
"""The README and the guides: short enough, with links and paths that lead somewhere."""

import re

from harness.case import Failure, check, main, test
from sources import TOP, read

GUIDES = [TOP / "README.md", *sorted((TOP / "data" / "doc").glob("*.md"))]
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
PATH = re.compile(r"`((?:client|schema|regd|mailauth|data|tests)/[\w./*-]*)`")
PAGE = re.compile(r"`([\w.-]+)\((\d)\)`")
OURS = re.compile(r"^(regd|regctl|mailauth|org\.regd)")
README_BYTES, README_COLUMNS = 8192, 100


def fail_with(problems):
    if problems:
        raise Failure("\n".join(problems))


@test
def links_lead_somewhere():
    fail_with([f"{guide.name}: {link}" for guide in GUIDES for link in LINK.findall(read(guide))
               if "://" not in link and not (guide.parent / link).exists()])


@test
def paths_are_there():
    """A path in backquotes is one of the tree's; `*` stands for any files."""
    found = [(guide, path) for guide in GUIDES for path in PATH.findall(read(guide))]
    check(len(found) > 20, f"{len(found)} paths")
    fail_with([f"{guide.name}: {path}" for guide, path in found if not list(TOP.glob(path.rstrip("/")))])


@test
def man_pages_are_there():
    fail_with([f"{guide.name}: {name}({section})" for guide in GUIDES for name, section in PAGE.findall(read(guide))
               if OURS.match(name) and not (TOP / "data" / "man" / f"{name}.{section}").exists()])


@test
def the_readme_is_for_the_first_five_minutes():
    text = read("README.md")
    fail_with([f"README.md has {len(text.encode())} bytes"] * (len(text.encode()) > README_BYTES)
              + [f"README.md:{number}: over {README_COLUMNS} columns" for number, line in enumerate(text.splitlines(), 1)
                 if len(line) > README_COLUMNS])


main()
