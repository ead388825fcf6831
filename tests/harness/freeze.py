# SPDX-License-Identifier: MIT
"""Processes that hang, as one does that is stopped."""

import os
import signal
from contextlib import contextmanager
from pathlib import Path

from harness.bus import wait_until


def _is_frozen(pid):
    try:
        states = [(thread / "stat").read_text().rpartition(")")[2].split()[0] for thread in Path(f"/proc/{pid}/task").iterdir()]
    except (FileNotFoundError, ProcessLookupError):  # it has ended, or a thread of it
        return not Path(f"/proc/{pid}").exists()
    return set(states) <= set("TtZX")


def freeze(*pids):
    """Returns when no thread of them runs any more, which is some time after the signal was sent."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    for pid in pids:
        wait_until(lambda pid=pid: _is_frozen(pid), f"process {pid} to stop")


def thaw(*pids):
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def frozen(*pids):
    freeze(*pids)
    try:
        yield
    finally:
        thaw(*pids)
