# SPDX-License-Identifier: MIT
"""A HAProxy of a test's own on loopback, in front of ports of a mail server.

    with Haproxy(mail, Way(mail.pop3_port, "send-proxy")) as proxy:
        poplib.POP3("127.0.0.1", proxy.ports[0], source_address=("127.0.0.7", 0))
"""

import shutil
import signal
import socket
from dataclasses import dataclass

from harness.bus import wait_until
from harness.case import Failure, Skip
from harness.ports import free_ports
from harness.process import Process

# From where it connects to the server; its clients come from other addresses.
ADDRESS = "127.0.0.1"


@dataclass
class Way:
    """port: the server's. options: of HAProxy's `server` line. bind: of its `bind` line."""
    port: int
    options: str
    bind: str = ""


class Haproxy:
    """A `listen` section for each way, in their order; it listens when the block begins."""

    def __init__(self, mail, *ways):
        self.directory, self.ways = mail.directory, ways
        self.ports = free_ports(len(ways))
        self.statistics = self.directory / "haproxy.sock"
        self.process = None

    def __enter__(self):
        if not shutil.which("haproxy"):
            raise Skip("takes haproxy")
        file = self.directory / "haproxy.cfg"
        file.write_text(self.describe())
        self.process = Process(self.directory, "haproxy", ["haproxy", "-db", "-f", str(file)])
        wait_until(self.is_listening, "HAProxy to listen")
        return self

    def __exit__(self, kind, _error, _trace):
        self.process.signal(signal.SIGTERM)
        self.process.wait()
        if kind is not None:
            for line in self.process.output().splitlines():
                print(f"# haproxy: {line}", flush=True)

    def describe(self):
        """Its configuration."""
        lines = ["global", f"  stats socket {self.statistics} mode 666", "defaults", "  mode tcp",
                 "  timeout connect 60s", "  timeout client 60s", "  timeout server 60s"]
        for number, (way, port) in enumerate(zip(self.ways, self.ports)):
            lines += [f"listen way{number}", f"  bind 127.0.0.1:{port} {way.bind}",
                      f"  server mail 127.0.0.1:{way.port} source {ADDRESS} {way.options}"]
        return "\n".join(lines) + "\n"

    def is_listening(self):
        if not self.process.is_running():
            raise Failure(f"no HAProxy: {self.process.output()}")
        return self.statistics.exists() and bool(self.ask("show info"))

    def ask(self, command):
        """The answer of its socket; "" before it is there."""
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(self.statistics))
            except OSError:
                return ""
            client.sendall(f"{command}\n".encode())
            return client.makefile().read()

    def count_checks(self):
        """{status of a health check: how many servers were found so}"""
        rows = [line.split(",") for line in self.ask("show stat").lstrip("# ").splitlines() if line]
        place = rows[0].index("check_status")
        found = [row[place] for row in rows[1:] if row[1] == "mail"]
        return {status: found.count(status) for status in found}
