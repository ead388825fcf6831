# SPDX-License-Identifier: MIT
"""A folder whose file system hangs, as one of a server that is gone does: whoever opens a file there waits."""

import ctypes
import os
from contextlib import contextmanager

from harness.bus import needs_root
from harness.case import Skip

NO_SUID_NO_DEVICES, DETACH = 2 | 4, 2


@contextmanager
def hung(folder):
    """The server of this file system never reads what it is asked. At the end all who wait are told that it is gone."""
    needs_root()
    try:
        server = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    except OSError as refused:
        raise Skip(f"takes /dev/fuse: {refused}") from refused
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={server},rootmode=40000,user_id=0,group_id=0,allow_other"
    try:
        if libc.mount(b"hung", os.fsencode(folder), b"fuse", NO_SUID_NO_DEVICES, options.encode()) != 0:
            raise Skip(f"takes the right to mount: {os.strerror(ctypes.get_errno())}")
        try:
            yield
        finally:
            libc.umount2(os.fsencode(folder), DETACH)
    finally:
        os.close(server)
