# SPDX-License-Identifier: MIT
"""clang-tidy over the product, by the checks of .clang-tidy. What was found
clean is remembered in the build tree by a hash of all that it depends on."""

import hashlib
import json
import os
import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.case import Failure, main, test
from sources import BUILD, TOP, complaints_of, find_llvm_tool

# How far the analyser follows each function: a tenth of the time that its own
# bound takes, which for the whole tree is most of what tests/run may take.
BOUND = [f"--extra-arg={word}" for word in ("-Xclang", "-analyzer-config", "-Xclang", "max-nodes=4000")]
CLEAN = BUILD / "tidy-clean"


def product_commands():
    """{file: compile command} of the product's own files, without those that the build makes."""
    commands = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        path = (Path(entry["directory"]) / entry["file"]).resolve()
        if path.is_relative_to(TOP) and path.relative_to(TOP).parts[0] != "tests" and not path.is_relative_to(BUILD):
            commands[path] = shlex.split(entry["command"])
    return commands


def fingerprint(command):
    """Of the preprocessed file, the command and the checks."""
    preprocess = [word for word in command if word not in ("-c", "-MD")]
    for option in ("-o", "-MQ", "-MF"):
        position = preprocess.index(option)
        del preprocess[position:position + 2]
    status, text = complaints_of(["env", "-C", str(BUILD), *preprocess, "-E"])
    checks = (TOP / ".clang-tidy").read_text()
    return hashlib.sha256("\0".join([str(status), text, checks, *command]).encode()).hexdigest()


def tidy(tool, path, command):
    """What clang-tidy says of a file; nothing where it is clean."""
    mark = CLEAN / fingerprint(command)
    if mark.exists():
        return ""
    status, said = complaints_of([tool, "--quiet", "-p", str(BUILD), str(path),
                                  "--extra-arg=-Wno-unknown-warning-option", *BOUND])
    if status != 0:
        return said
    mark.touch()
    return ""


@test
def clang_tidy_finds_nothing():
    tool = find_llvm_tool("clang-tidy")
    CLEAN.mkdir(exist_ok=True)
    commands = product_commands()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        said = [text for text in pool.map(lambda item: tidy(tool, *item), commands.items()) if text]
    if said:
        raise Failure("\n".join(said))


main()
