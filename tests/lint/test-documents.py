# SPDX-License-Identifier: MIT
"""The README and the guides: short enough, with links and paths that lead somewhere."""

import re

from harness.case import Failure, check, main, test
from sources import TOP, find, read

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
def every_room_is_on_the_map():
    """The map in hacking.md has each folder of the product, and none that is not there."""
    text = read("data/doc/hacking.md").split("```text\n")[1].split("```")[0]
    stack, shown = [], set()
    for depth, name in re.findall(r"^( *)([\w-]+)/", text, re.MULTILINE):
        stack[len(depth) // 2:] = [name]
        shown.add("/".join(stack))
    there = {path.parent.as_posix() for path in find(".c", ".h") if path.parts[0] != "tests"}
    fail_with([f"{folder} is not on the map" for folder in sorted(there - shown)]
              + [f"{folder} is on the map, and not there" for folder in sorted(shown) if not (TOP / folder).is_dir()])


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
