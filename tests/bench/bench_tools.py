# SPDX-License-Identifier: MIT
"""What the programs that measure share."""

import os
import re
import tempfile
import time

import dbus

from harness.mail import read_process
from harness.registry import options


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


def private_bytes_of(pid):
    """Memory that would be free without it: its proportional set size."""
    found = re.search(r"^Pss: +(\d+) kB", read_process(pid, "smaps_rollup"), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def peak_bytes(pid):
    """The most that was resident at one time."""
    return int(re.search(r"^VmHWM:\s+(\d+) kB", read_process(pid, "status"), re.MULTILINE)[1]) * 1024


def with_file(client, member, signature, before, content=b""):
    """Calls Import, Export or Backup with a temporary file."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        return client.call(member, signature, *before, dbus.types.UnixFd(file.fileno()), options())


def import_values(client, key, number, values_a_key):
    with_file(client, "Import", "ha{sv}", (), reg_file(key, number, values_a_key))


def reg_file(key, number, values_a_key):
    """A .reg file of so many values below the key."""
    lines = ["REGEDIT4", ""]
    for first in range(0, number, values_a_key):
        lines.append(f"[{key}\\K{first // values_a_key}]")
        lines += [f'"value {index}"="text of value {index}"'
                  for index in range(first, min(first + values_a_key, number))]
    return "\n".join(lines).encode() + b"\n"
