# SPDX-License-Identifier: MIT
"""Every C file as clang-format would write it."""

from harness.case import Failure, main, test
from sources import complaints_of, find, find_llvm_tool


@test
def c_files_are_formatted():
    paths = [str(path) for path in find(".c", ".h")]
    status, output = complaints_of([find_llvm_tool("clang-format"), "--dry-run", "--Werror", "--style=file", *paths])
    if status != 0:
        raise Failure(output)


main()
