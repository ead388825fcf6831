# SPDX-License-Identifier: MIT
"""What a daemon tells the service manager: the socket that systemd would have. It is read all
the time, as systemd does; the daemon would wait where nobody does."""

import os
import queue
import socket
import threading
from contextlib import contextmanager

from harness.process import PATIENCE

END = b"the test's own end"


def read_all(manager, messages):
    while (message := manager.recv(4096)) != END:
        messages.put(message.decode())


@contextmanager
def service_manager(registry, watchdog=None):
    """What a regd (or mailauthd, of a MailServer) that is started meanwhile says: a function that
    returns one message a call, or raises queue.Empty when none comes for so many seconds.
    watchdog: the interval in seconds after which the manager would miss its beat."""
    path = str(registry.directory / "notify")
    registry.environment = {"NOTIFY_SOCKET": path}
    if watchdog:
        registry.environment["WATCHDOG_USEC"] = str(int(watchdog * 1_000_000))
    messages = queue.Queue()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        os.chmod(path, 0o666)  # the daemon may be another user's
        reader = threading.Thread(target=read_all, args=(manager, messages))
        reader.start()
        try:
            yield lambda seconds=PATIENCE: messages.get(timeout=seconds)
        finally:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
                last.sendto(END, path)
            reader.join()
            os.unlink(path)
    registry.environment = None
