# SPDX-License-Identifier: MIT
"""What the programs that measure share."""

import os
import time


def timed(function):
    """(seconds, what the function returned)."""
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def processor_seconds(pid):
    """What a process has used so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def reg_file(key, number, values_a_key):
    """A .reg file of so many values below the key."""
    lines = ["REGEDIT4", ""]
    for first in range(0, number, values_a_key):
        lines.append(f"[{key}\\K{first // values_a_key}]")
        lines += [f'"value {index}"="text of value {index}"'
                  for index in range(first, min(first + values_a_key, number))]
    return "\n".join(lines).encode() + b"\n"
