# SPDX-License-Identifier: MIT
"""One thread of a program held in place, as by a lock that is never given back."""

import ctypes
import os
from contextlib import contextmanager
from pathlib import Path

from harness.bus import wait_for
from harness.case import Skip

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long


def find_thread(pid, name):
    """A thread names itself once it runs: its maker may be ahead of it."""
    found = []

    def look():
        found[:] = [int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()
                    if (task / "comm").read_text().strip() == name]
        return found

    wait_for(look, f"a thread {name} of process {pid}")
    return found[0]


@contextmanager
def held_thread(pid, name):
    """Skips the test where the system lets nobody do that."""
    thread = find_thread(pid, name)
    if LIBC.ptrace(PTRACE_SEIZE, thread, None, None) != 0:
        raise Skip(f"takes ptrace: {os.strerror(ctypes.get_errno())}")
    LIBC.ptrace(PTRACE_INTERRUPT, thread, None, None)
    os.waitpid(thread, WALL)
    try:
        yield
    finally:
        LIBC.ptrace(PTRACE_DETACH, thread, None, None)
