# SPDX-License-Identifier: MIT
"""A Dovecot to measure beside: POP3 on two loopback ports, plain and TLS, over the
accounts, the Maildirs and the certificate of a bench, in the modes that its
documentation tells of. It runs in a private directory and is ended by its pid.

    with Dovecot(directory, accounts, mail, owner, keys, MODES["re-used"]) as dovecot:
        dovecot.port, dovecot.tls_port, dovecot.process.pid
"""

import os
import signal
import socket
import subprocess

from harness.bus import is_root
from harness.case import Failure
from harness.ports import free_ports
from harness.process import SOURCE, Process

# What a measurement needs beside data/trial-dovecot; each format takes it.
LIMITS = """
ssl_min_protocol = TLSv1.2
auth_mechanisms = plain login
default_process_limit = 2000
default_client_limit = 20000
default_vsz_limit = 4G
mail_max_userip_connections = 20000
"""

CACHE = "auth_cache_size = 10M\n"

# (words for data/trial-dovecot, other settings)
MODES = {
    "defaults": ([], ""),
    "high-performance": (["--reuse=logins"], ""),
    "re-used": (["--reuse=all"], ""),
    "re-used, cache": (["--reuse=all"], CACHE),
    "re-used, cache, workers": (["--reuse=all"], CACHE + "auth_cache_verify_password_with_worker = yes\n"),
}


class Dovecot:
    """It serves when the block begins. accounts: a passwd-file; keys: (certificate, key)."""

    def __init__(self, directory, accounts, mail, owner, keys, mode):
        self.directory = directory
        self.port, self.tls_port = free_ports(2)
        directory.mkdir(mode=0o755)
        words, settings = mode
        if is_root():
            words = [*words, "--internal=dovecot", "--login=dovenull"]
        described = subprocess.run(
            [SOURCE / "data" / "trial-dovecot", f"--folder={directory}", f"--log={directory / 'messages'}",
             f"--mail={mail}", "--masters=/dev/null", f"--users={accounts}", f"--owner={owner}:{owner}",
             f"--certificate={keys[0]}", f"--key={keys[1]}", f"--pop3={self.port}", f"--pop3s={self.tls_port}", *words],
            stdout=subprocess.PIPE, text=True, check=True).stdout
        self.configuration = directory / "dovecot.conf"
        self.configuration.write_text(described + LIMITS + settings)
        self.process = None

    def __enter__(self):
        self.process = Process(self.directory, "dovecot", ["dovecot", "-F", "-c", str(self.configuration)])
        while not self._answers():
            os.sched_yield()
        return self

    def _answers(self):
        if not self.process.is_running():
            raise Failure(f"no Dovecot: {self.process.output()}")
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=10) as client:
                return client.recv(100).startswith(b"+OK")
        except OSError:
            return False

    def __exit__(self, kind, _error, _trace):
        self.process.signal(signal.SIGTERM)
        self.process.wait()
        if kind is not None:
            print("\n".join((self.directory / "messages").read_text(errors="replace").splitlines()[-20:]))
