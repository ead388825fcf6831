# SPDX-License-Identifier: MIT
"""What a process has in its memory, as root or the process's own user may read it:

    find(pid, b"sesame")  ->  [(address, "[heap]", False), ...]
"""

import os
import re

HEAD = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \d+ *(.*)")
# What can't be read through /proc, and is nobody's to write to.
UNREADABLE = {"[vvar]", "[vvar_vclock]", "[vsyscall]"}


def regions(pid):
    """(first, end, name, whether it is locked) of all that can be read."""
    found = []
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as file:
        for line in file:
            head = HEAD.match(line)
            if head:
                found.append([int(head[1], 16), int(head[2], 16), head[4], False, head[3]])
            elif line.startswith("VmFlags:"):
                found[-1][3] = "lo" in line.split()
    return [(first, end, name, locked) for first, end, name, locked, rights in found
            if rights[0] == "r" and name not in UNREADABLE]


def find(pid, wanted):
    """(address, name of its region, whether that is locked) of each place with these bytes."""
    found = []
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    try:
        for first, end, name, locked in regions(pid):
            content = os.pread(memory, end - first, first)
            found += [(first + match.start(), name, locked)
                      for match in re.finditer(re.escape(wanted), content)]
    finally:
        os.close(memory)
    return found
