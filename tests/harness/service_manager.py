# SPDX-License-Identifier: MIT
"""What regd tells the service manager: the socket that systemd would have."""

import socket
from contextlib import contextmanager

from harness.process import PATIENCE


@contextmanager
def service_manager(registry, watchdog=None):
    """What a regd that is started meanwhile says, one message a call; an interval in seconds
    after which the manager would miss its beat."""
    path = str(registry.directory / "notify")
    registry.environment = {"NOTIFY_SOCKET": path}
    if watchdog:
        registry.environment["WATCHDOG_USEC"] = str(int(watchdog * 1_000_000))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(PATIENCE)
        yield lambda: manager.recv(4096).decode()
    registry.environment = None
