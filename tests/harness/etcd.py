# SPDX-License-Identifier: MIT
"""An etcd cluster of a test's own: real members on loopback addresses, with TLS and client
certificates, whose CommonName is the user.

    with Etcd() as etcd:                      # or Etcd(members=3)
        etcd.ctl("put", "/a", "b")
        certificate, key = etcd.certificate("web1")
        etcd.stop(0)
        etcd.start(0)
"""

import base64
import itertools
import json
import os
import re
import shutil
import ssl
import subprocess
import tempfile
import urllib.request
from pathlib import Path

from harness.bus import wait_until
from harness.case import Failure, Skip
from harness.certificates import EC, openssl
from harness.freeze import freeze, thaw
from harness.ports import free_ports
from harness.process import PATIENCE, Process

# Of the members. One of its own for each, so that a member can be told by its address.
ADDRESSES = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
NAMES = "subjectAltName=DNS:localhost,DNS:etcd1.example," + ",".join(f"IP:{address}" for address in ADDRESSES)


class Etcd:
    """with Etcd(): all members serve when the block begins."""

    def __init__(self, members=1, options=()):
        self.members, self.options = members, options
        self.directory = Path(tempfile.mkdtemp(prefix="regd-etcd-"))
        self.directory.chmod(0o711)
        ports = free_ports(2 * members)
        self.client_ports, self.peer_ports = ports[:members], ports[members:]
        self.peer_urls = [f"http://{address}:{port}" for address, port in self.peer_addresses]
        self.processes = [None] * members

    def __enter__(self):
        if not shutil.which("etcd") or not shutil.which("etcdctl"):
            raise Skip("takes etcd and etcdctl")
        self.prepare()
        for member in range(self.members):
            self._launch(member)
        for member in range(self.members):
            self._await(member)
        return self

    def __exit__(self, kind, _error, _trace):
        for process in self.processes:
            if process and process.is_running():
                thaw(process.pid)
                process.kill()
        if kind is not None:
            for process in filter(None, self.processes):
                for line in process.output().splitlines()[-10:]:
                    print(f"# {process.name}: {line:.400}", flush=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    # ---- certificates ----

    @property
    def ca(self):
        return str(self.directory / "ca.pem")

    def prepare(self):
        """What a member and its administrator need, in `directory`: server.pem, root.pem, their .key, and ca.pem."""
        self._make_authority()
        self._sign("server", "/O=etcd", NAMES)
        self.certificate("root")

    def _make_authority(self):
        # Python 3.13 wants to be told what an authority's key is for.
        openssl("req", "-x509", *EC, "-nodes", "-days", "2", "-subj", "/O=Test etcd", "-addext",
                "keyUsage=critical,keyCertSign,cRLSign", "-keyout", "ca.key", "-out", "ca.pem", cwd=self.directory)

    def _sign(self, name, subject, names=None):
        openssl("req", "-new", *EC, "-nodes", "-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.csr",
                *(("-addext", names) if names else ()), cwd=self.directory)
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                "2", "-copy_extensions", "copy", "-out", f"{name}.pem", cwd=self.directory)
        (self.directory / f"{name}.key").chmod(0o644)

    def certificate(self, name):
        """The files of a client's certificate, whose user is that name, and of its key."""
        if not (self.directory / f"{name}.pem").exists():
            self._sign(name, f"/CN={name}")
        return str(self.directory / f"{name}.pem"), str(self.directory / f"{name}.key")

    # ---- members ----

    @property
    def addresses(self):
        """Of the members, each with its port for clients."""
        return list(zip(ADDRESSES, self.client_ports))

    @property
    def peer_addresses(self):
        """Where members listen to each other. `peer_urls` are what they are told of that."""
        return list(zip(ADDRESSES, self.peer_ports))

    @property
    def endpoints(self):
        return [self.endpoint(member) for member in range(self.members)]

    def endpoint(self, member):
        return f"https://{ADDRESSES[member]}:{self.client_ports[member]}"

    def _cluster(self):
        return ",".join(f"n{each}={url}" for each, url in enumerate(self.peer_urls))

    def _launch(self, member):
        self.processes[member] = Process(self.directory, f"etcd-{member}", [
            "etcd", "--name", f"n{member}", "--data-dir", str(self.directory / f"data-{member}"),
            "--listen-client-urls", self.endpoint(member), "--advertise-client-urls", self.endpoint(member),
            "--listen-peer-urls", "http://{}:{}".format(*self.peer_addresses[member]),
            "--initial-advertise-peer-urls", self.peer_urls[member],
            "--initial-cluster", self._cluster(), "--initial-cluster-token", "regd-test", "--client-cert-auth",
            "--cert-file", str(self.directory / "server.pem"), "--key-file", str(self.directory / "server.key"),
            "--trusted-ca-file", self.ca, "--logger", "zap", "--log-level", "warn", *self.options])

    def _await(self, member):
        """Until it answers, which takes a leader."""
        seconds = itertools.count(1)  # more and more, for a machine that is busy

        def answers():
            if not self.processes[member].is_running():
                raise Failure(f"etcd ended\n{self.processes[member].output()[-2000:]}")
            return self._run(["get", "/"], [self.endpoint(member)], next(seconds)).returncode == 0

        wait_until(answers, "etcd to answer")

    def start(self, member):
        """Starts a member again that was stopped or killed, or lets one go on that was frozen."""
        if self.processes[member].is_running():
            thaw(self.processes[member].pid)
        else:
            self._launch(member)
        self._await(member)

    def stop(self, member):
        """As a power cut would."""
        self.processes[member].kill()

    def freeze(self, member):
        """It keeps its connections and says nothing."""
        freeze(self.processes[member].pid)

    def leader(self):
        """The number of the member that leads now; None: there is none."""
        for member in range(self.members):
            if self.processes[member].is_running():
                answer = self._run(["endpoint", "status", "-w", "json"], [self.endpoint(member)], 1)
                status = json.loads(answer.stdout or "[]")
                if status and status[0]["Status"]["header"]["member_id"] == status[0]["Status"].get("leader"):
                    return member
        return None

    def save(self):
        """A backup of all that is in it: a file."""
        file = str(self.directory / "backup.db")
        result = self._run(["snapshot", "save", file], [self.endpoint(0)], PATIENCE)
        if result.returncode != 0:
            raise Failure(f"etcdctl snapshot save: {result.stderr.decode(errors='replace')}")
        return file

    def restore(self, file):
        """Puts a backup back, as an administrator would: all members begin anew with it."""
        for member in range(self.members):
            self.stop(member)
        for member in range(self.members):
            data = self.directory / f"data-{member}"
            shutil.rmtree(data)
            subprocess.run(["etcdctl", "snapshot", "restore", file, "--name", f"n{member}", "--data-dir", str(data),
                            "--initial-cluster", self._cluster(), "--initial-cluster-token", "regd-test",
                            "--initial-advertise-peer-urls", self.peer_urls[member]],
                           env=os.environ | {"ETCDCTL_API": "3"}, capture_output=True, check=True)
        for member in range(self.members):
            self._launch(member)
        for member in range(self.members):
            self._await(member)

    # ---- what is in it ----

    def _run(self, words, endpoints, seconds, data=None):
        certificate, key = self.certificate("root")
        return subprocess.run(["etcdctl", f"--endpoints={','.join(endpoints)}", f"--cacert={self.ca}",
                               f"--cert={certificate}", f"--key={key}", f"--command-timeout={seconds}s", *words],
                              env=os.environ | {"ETCDCTL_API": "3"}, input=data, capture_output=True, check=False)

    def ctl(self, *words, data=None, endpoints=None):
        """What etcdctl prints, as the user root: bytes."""
        result = self._run(words, endpoints or self.endpoints, PATIENCE, data)
        if result.returncode != 0:
            raise Failure(f"etcdctl {words}: {result.stderr.decode(errors='replace')}")
        return result.stdout

    def keys(self, prefix="/"):
        """All that is there: key and record as bytes."""
        answer = json.loads(self.ctl("get", "--prefix", prefix, "-w", "json"))
        decode = base64.b64decode
        return {decode(each["key"]): decode(each.get("value", "")) for each in answer.get("kvs", ())}

    def count(self, name, member=0):
        """One of a member's own metrics."""
        context = ssl.create_default_context(cafile=self.ca)
        context.load_cert_chain(*self.certificate("root"))
        with urllib.request.urlopen(f"{self.endpoint(member)}/metrics", context=context, timeout=PATIENCE) as answer:
            return float(re.search(rf"^{name} (\S+)$", answer.read().decode(), re.MULTILINE).group(1))

    def revision(self):
        return json.loads(self.ctl("get", "/", "-w", "json"))["header"]["revision"]
