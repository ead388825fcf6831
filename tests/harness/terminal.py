# SPDX-License-Identifier: MIT
"""Programs in a terminal's window, and what they draw there."""

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading

from harness.process import PATIENCE


def run_in_window(*command, env, rows=24, columns=80):
    """Runs it to its end, within its time: (status, all that the window was sent). A window has a size: newer curses
    draw in no other."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    drawn = b""
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True) as program:
        os.close(theirs)
        patience = threading.Timer(PATIENCE, program.kill)
        patience.start()
        try:
            with contextlib.suppress(OSError):  # EIO: the last of those who draw has gone
                while piece := os.read(ours, 65536):
                    drawn += piece
            status = program.wait(PATIENCE)
        finally:
            patience.cancel()
            program.kill()
            os.close(ours)
    return status, drawn.decode(errors="replace")
