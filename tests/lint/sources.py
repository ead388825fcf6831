# SPDX-License-Identifier: MIT
"""Which files the lint tests look at, and how they are cut into code and comments."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from harness.case import Skip

TOP = Path(os.environ.get("REGD_SOURCE_ROOT") or Path(__file__).resolve().parents[2])
BUILD = Path(os.environ.get("REGD_BUILD_ROOT") or TOP / "build")
ROOMS = ["client", "schema", "regd", "mailauth", "tests"]


# Another version of LLVM's tools formats and warns otherwise.
LLVM = "14"


def find_llvm_tool(name):
    """The tool's path in the version that the rules are written for."""
    seen = []
    for path in filter(None, map(shutil.which, (f"{name}-{LLVM}", name))):
        said = subprocess.run([path, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
        version = re.search(r"version (\d+)", said)[1]
        if version == LLVM:
            return path
        seen.append(version)
    has = f"is version {', '.join(seen)} here" if seen else "is not installed"
    raise Skip(f"{name} {has}; the rules are those of version {LLVM}")


def find(*suffixes):
    """Paths below the rooms with one of these suffixes, relative to the top, in order."""
    found = [path.relative_to(TOP) for room in ROOMS for path in (TOP / room).rglob("*")
             if path.suffix in suffixes and path.is_file()]
    return sorted(found)


def read(path):
    return (TOP / path).read_text(encoding="utf-8")


def code_only(text):
    """C text with comments and literals blanked out, its lines kept."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)


def functions(text):
    """(first line, number of lines) of each function body of a C file."""
    start = 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}"):
            if start:
                yield start, number - start + 1
            start = 0
        elif line.endswith("{") and line[:1].isalpha() and "(" in line and "=" not in line:
            start = number


def complaints_of(command):
    """What a checking program prints, and its status."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", cwd=TOP, check=False)
    return done.returncode, done.stdout
