# SPDX-License-Identifier: MIT
"""A mail server, and the certificates that it is set to."""

import json
import subprocess

from harness.case import check, equal
from harness.certificates import EC, Pair, shown
from harness.mail import PARAMETERS
from harness.process import PATIENCE, program
from harness.registry import REG_SZ
from harness.talk import Mail

HOSTS = PARAMETERS + "\\Certificates"


class Server(Mail):
    """A mail server, and the certificates that it is set to."""

    def pair(self, name, hosts=(), algorithm=EC, days=2):
        return Pair(self.directory, name, hosts, algorithm, days)

    def set_pair(self, pair, host=None, kind="", key=None):
        at = PARAMETERS if host is None else f"{HOSTS}\\{host}"
        self.client.set(at, f"{kind}Private Key", REG_SZ, str(key or pair.key))
        self.client.set(at, f"{kind}Certificate", REG_SZ, str(pair.file))

    def control(self, *words):
        """(exit code, standard output, standard error) of mailauthctl."""
        result = self.registry.run(program("mailauth/mailauthctl/mailauthctl"),
                                   f"--bus={self.registry.bus.address}", *words)
        return result.returncode, result.stdout.decode(), result.stderr.decode()

    def reload(self):
        """Everything that was set is read when this returns; what was wrong."""
        code, _, problem = self.control("reload-certificate")
        equal(code != 0, bool(problem))
        return problem

    def taken(self):
        equal(self.reload(), "")

    def certificates(self):
        """{(host, setting): row} of the status."""
        code, output, problem = self.control("status", "--json")
        equal((code, problem), (0, ""))
        return {(row["host"], row["setting"]): row for row in json.loads(output)["certificates"]}

    def shows(self, pair, host=None, context=None):
        check(shown(self.pop3s_port, host, context) == pair.der, f"{host} is not shown {pair.file.name}")

    def begin_tls(self, *options, succeeds=True):
        """What openssl's client says."""
        result = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.pop3s_port}", "-ign_eof",
                                 "-nameopt", "RFC2253", *options],
                                input=b"QUIT\r\n", capture_output=True, timeout=PATIENCE, check=False)
        equal(result.returncode == 0, succeeds, result.stderr.decode())
        return result.stdout.decode() + result.stderr.decode()
