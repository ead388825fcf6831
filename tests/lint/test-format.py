# SPDX-License-Identifier: MIT
"""Every C file as clang-format would write it."""

import shutil

from harness.case import Failure, Skip, main, test
from sources import complaints_of, find


@test
def c_files_are_formatted():
    if not shutil.which("clang-format"):
        raise Skip("clang-format is not installed")
    paths = [str(path) for path in find(".c", ".h")]
    status, output = complaints_of(["clang-format", "--dry-run", "--Werror", "--style=file", *paths])
    if status != 0:
        raise Failure(output)


main()
