# SPDX-License-Identifier: MIT
"""Rows beside other stores of settings: xfconf, dconf and etcd, each as its package has it and on the
same disk. xfconf is not measured in writes: it answers before they are on the disk."""

import os
import re
import shutil
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

from bench_tools import private_bytes_of
from harness.bus import wait_until
from harness.case import Skip
from harness.ports import free_ports
from harness.process import Process, program
from harness.registry import REG_DWORD, SOFTWARE, Registry
from rows_calls import written
from table import Row, compared, group, rounds_of

CALLS = 300  # a round
VALUES = 1000
XFCONFD = "/usr/lib/*/xfce4/xfconf/xfconfd"
DCONF_SERVICES = ("/usr/libexec/dconf-service", "/usr/lib/*/dconf-service", "/usr/lib/dconf/dconf-service")


def peer(registry, *words):
    """A function that gives the rate of what `peers` does with these words."""
    environment = os.environ | home_of(registry)
    return lambda: float(subprocess.run([program("tests/bench/peers"), *words], stdout=subprocess.PIPE, check=True,
                                        env=environment).stdout)


def home_of(registry):
    return {"DBUS_SESSION_BUS_ADDRESS": registry.bus.address, "XDG_CONFIG_HOME": f"{registry.directory}/config",
            "XDG_RUNTIME_DIR": f"{registry.directory}/runtime", "HOME": str(registry.directory)}


def find_program(name, *patterns):
    for pattern in patterns:
        for path in Path("/").glob(pattern.lstrip("/")):
            return str(path)
    raise Skip(f"takes the package {name}")


@contextmanager
def service(registry, name, command, bus_name=None):
    """One on the registry's own bus; it serves when the block begins."""
    (registry.directory / "runtime").mkdir(mode=0o700, exist_ok=True)
    process = Process(registry.directory, name, command, home_of(registry))
    try:
        if bus_name:
            registry.bus.wait_for_name(bus_name, process)
        yield process
    finally:
        process.kill()


def get_rate(registry):
    """A function that gives the rate of GetValue, one client."""
    rate = re.compile(r"^get\t([\d.]+)", re.MULTILINE)

    def measure():
        said = subprocess.run([program("tests/bench/calls"), registry.bus.address, registry.directory, "1", "get"],
                              stdout=subprocess.PIPE, text=True, check=True).stdout
        return float(rate.search(said)[1])

    return measure


@group("GetValue beside xfconf", "memory beside xfconf")
def xfconf(options):
    command = [find_program("xfconf", XFCONFD)]
    with Registry() as registry, service(registry, "xfconfd", command, "org.xfce.Xfconf") as daemon:
        properties = registry.bus.connect().get_object("org.xfce.Xfconf", "/org/xfce/Xfconf")
        for number in range(VALUES):
            properties.SetProperty("bench", f"/a/key{number // 100}/v{number}", number, dbus_interface="org.xfce.Xfconf")
            registry.client.set(f"{SOFTWARE}\\Bench\\K{number // 100}", f"v{number}", REG_DWORD, number)
        peer(registry, "xfconf", "set", "1")()
        registry.client.set(SOFTWARE + "\\Bench\\Ten\\K0", "value 0", REG_DWORD, 1)
        ours, theirs = rounds_of(options, get_rate(registry), peer(registry, "xfconf", "get", str(CALLS)))
        yield compared("GetValue beside xfconf", ours, "xfconf's GetProperty", theirs, 1)
        ours, theirs = private_bytes_of(registry.process.pid) / 1e6, private_bytes_of(daemon.pid) / 1e6
        yield Row("memory beside xfconf, 1,000 values", ours, "MB", "xfconfd", theirs, ours / theirs)


@group("SetValue beside dconf", "look-up beside dconf")
def dconf(options):
    command = [find_program("dconf-service", *DCONF_SERVICES)]
    with Registry() as registry, service(registry, "dconf-service", command, "ca.desrt.dconf"):
        for number in range(VALUES):
            registry.client.set(f"{SOFTWARE}\\Bench\\K{number // 100}", f"v{number}", REG_DWORD, number)
        registry.client.set(SOFTWARE + "\\Bench", "v", REG_DWORD, 1)
        ours, theirs = rounds_of(options, written(registry, CALLS, 1), peer(registry, "dconf", "set", str(CALLS)))
        yield compared("SetValue beside dconf, durable", ours, "dconf_client_write_sync()", theirs, 1)
        ours, theirs = rounds_of(options, look_up_rate(registry), peer(registry, "dconf", "get", "1000000"))
        yield compared("view: look-up beside dconf", ours, "dconf_client_read()", theirs, 1)


def look_up_rate(registry):
    """Of a view: the counterpart of dconf's, which reads in the client's own process, too."""
    def measure():
        said = subprocess.run([program("tests/bench/view"), registry.bus.address, SOFTWARE + "\\Bench"],
                              stdout=subprocess.PIPE, text=True, check=True).stdout
        return float(re.search(r"registry_view_get +(\d+) /s", said)[1])

    key = SOFTWARE + "\\Bench"
    for number in range(10):
        registry.client.set(f"{key}\\K{number}", "v", REG_DWORD, number)
    return measure


def answers(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@group("GetValue beside etcd", "SetValue beside etcd")
def etcd(options):
    if not shutil.which("etcd"):
        raise Skip("takes the package etcd-server")
    port, own = free_ports(2)
    with Registry() as registry:
        command = ["etcd", "--data-dir", str(registry.directory / "etcd"), "--log-level", "error",
                   "--listen-client-urls", f"http://127.0.0.1:{port}", "--advertise-client-urls", f"http://127.0.0.1:{port}",
                   "--listen-peer-urls", f"http://127.0.0.1:{own}", "--initial-advertise-peer-urls", f"http://127.0.0.1:{own}",
                   "--initial-cluster", f"default=http://127.0.0.1:{own}"]
        with service(registry, "etcd", command) as daemon:
            wait_for_etcd(registry, port)
            registry.client.set(SOFTWARE + "\\Bench\\Ten\\K0", "value 0", REG_DWORD, 1)
            ours, theirs = rounds_of(options, get_rate(registry), peer(registry, "etcd", "get", str(CALLS), str(port), "1"))
            yield compared("GetValue beside etcd", ours, "etcd's range", theirs, 1)
            for number, calls in ((1, CALLS), (32, 10 * CALLS)):
                ours, theirs = rounds_of(options, written(registry, calls, number),
                                         peer(registry, "etcd", "set", str(calls), str(port), str(number)))
                yield compared(f"SetValue beside etcd, {number} in flight", ours, "etcd's put", theirs, 1)
            ours, theirs = private_bytes_of(registry.process.pid) / 1e6, private_bytes_of(daemon.pid) / 1e6
            yield Row("memory beside etcd", ours, "MB", "etcd", theirs, ours / theirs)


def wait_for_etcd(registry, port):
    """Until it has a leader and takes a write."""
    put = peer(registry, "etcd", "set", "1", str(port), "1")

    def takes_a_write():
        try:
            return answers(port) and put() > 0
        except subprocess.CalledProcessError:
            return False

    wait_until(takes_a_write, "etcd to take a write")
