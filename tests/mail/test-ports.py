# SPDX-License-Identifier: MIT
"""The ports that the tests take, which no two tests may have at the same time."""

import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager

from harness import ports
from harness.case import check, equal, main, test
from harness.process import PATIENCE

EACH, PROCESSES = 100, 4  # so many that two would choose the same one
TAKE = f"""
import sys
from harness.ports import free_ports
print(*free_ports({EACH}), flush=True)
sys.stdin.read()
"""


@contextmanager
def another_test():
    """The ports of a process, which has them until the block ends."""
    child = subprocess.Popen([sys.executable, "-c", TAKE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield [int(port) for port in child.stdout.readline().split()]
    finally:
        child.communicate(timeout=PATIENCE)


@test
def no_two_processes_have_a_port_at_the_same_time():
    with ExitStack() as stack:
        taken = [port for _ in range(PROCESSES) for port in stack.enter_context(another_test())]
        taken += ports.free_ports(EACH)
    equal(len(taken), EACH * (PROCESSES + 1))
    equal(len(set(taken)), len(taken), "each once")


@test
def one_that_ends_gives_its_ports_back():
    with another_test() as taken:
        equal([port for port in taken if ports.reserve(port)], [])
    check(any(ports.reserve(port) for port in taken), "all of them are still taken")


@test
def a_port_that_is_listened_on_is_left_out():
    port, = ports.free_ports(1)
    equal(ports.is_listened_on(port), False)
    with socket.create_server(("127.0.0.1", port)):
        equal(ports.is_listened_on(port), True)


@test
def they_lie_below_those_of_outgoing_connections():
    port, = ports.free_ports(1)
    with socket.create_server(("127.0.0.1", port)) as listener:
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                check(connection.getsockname()[1] not in ports.candidates(), "an outgoing one has it")
            listener.accept()[0].close()


main()
