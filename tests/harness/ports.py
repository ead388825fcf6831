# SPDX-License-Identifier: MIT
"""TCP ports that no other test takes while this process lives.

A port is reserved by a Unix socket with an abstract name. Such a name belongs to the same
network namespace as the port, is free again when its process ends, and leaves no file. The
ports lie below those that the kernel gives to outgoing connections, which would take them too.
"""

import errno
import random
import socket
from pathlib import Path

from harness.case import Failure

LOWEST, NUMBER = 1024, 12000
reservations = {}  # port: the socket that reserves it


def candidates():
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    return range(max(LOWEST, first - NUMBER), first)


def reserve(port):
    """Whether nobody had it."""
    reservation = socket.socket(socket.AF_UNIX)
    try:
        reservation.bind(f"\0regd-test-port-{port}")
    except OSError as problem:
        reservation.close()
        if problem.errno != errno.EADDRINUSE:
            raise
        return False
    reservations[port] = reservation
    return True


def is_listened_on(port):
    """Also by what is no test, or was left by one that was killed."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as problem:
        if problem.errno != errno.EADDRINUSE:
            raise
        return True
    return False


def accepts(port):
    """Whether a connection is taken there. One that still stands in the queue of a listener that
    goes away is reset: that listener was there."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    except ConnectionResetError:
        return True
    return True


def free_ports(number):
    """That many ports on which nobody listens, reserved until this process ends."""
    ports = []
    range_of_ports = candidates()
    for port in random.sample(range_of_ports, len(range_of_ports)):
        if len(ports) == number:
            break
        if reserve(port) and not is_listened_on(port):
            ports.append(port)
    if len(ports) < number:
        raise Failure(f"of the ports in {range_of_ports} only {len(ports)} are free; {number} are needed")
    return ports
