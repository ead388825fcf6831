# SPDX-License-Identifier: MIT
"""Which files the lint tests look at, and how they are cut into code and comments."""

import os
import re
import subprocess
from pathlib import Path

TOP = Path(os.environ.get("REGD_SOURCE_ROOT") or Path(__file__).resolve().parents[2])
BUILD = Path(os.environ.get("REGD_BUILD_ROOT") or TOP / "build")
ROOMS = ["client", "schema", "regd", "mailauth", "tests"]


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
