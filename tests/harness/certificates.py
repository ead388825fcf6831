# SPDX-License-Identifier: MIT
"""Certificates of a test's own, made by openssl(1), and what a TLS server shows."""

import hashlib
import socket
import ssl
import subprocess

from harness.case import Failure
from harness.process import PATIENCE

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
RSA = ("-newkey", "rsa:2048")


def openssl(*words, **options):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, **options).stdout


def knows_dates():
    """Whether x509 has -not_after: its help is on either stream."""
    said = subprocess.run(["openssl", "x509", "-help"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return b"-not_after" in said.stdout


def validity(days):
    """Words for openssl: valid from now on for so many days, or expired. Before 3.4 it
    knows no dates, since then no days below 0."""
    if days < 0 and knows_dates():
        return ("-not_before", "20200101000000Z", "-not_after", "20200102000000Z")
    return ("-days", days)


class Pair:
    """A certificate and its key in files NAME.pem and NAME.key, readable for all."""

    def __init__(self, directory, name, hosts=(), algorithm=EC, days=2):
        self.file, self.key = directory / f"{name}.pem", directory / f"{name}.key"
        request = directory / f"{name}.csr"
        names = ",".join(f"DNS:{host}" for host in hosts)
        openssl("req", "-new", *algorithm, "-nodes", "-subj", f"/CN={name}", "-keyout", self.key, "-out", request,
                *(("-addext", f"subjectAltName={names}") if names else ()))
        openssl("x509", "-req", "-in", request, "-signkey", self.key, *validity(days), "-copy_extensions", "copy",
                "-out", self.file)
        self.key.chmod(0o644)

    @property
    def der(self):
        return ssl.PEM_cert_to_DER_cert(self.file.read_text())

    @property
    def fingerprint(self):
        digest = hashlib.sha256(self.der).hexdigest().upper()
        return ":".join(digest[at:at + 2] for at in range(0, len(digest), 2))

    def take(self, other):
        """The files become copies of another's."""
        self.key.write_bytes(other.key.read_bytes())
        self.file.write_bytes(other.file.read_bytes())


def new_context(version=None, ciphers=None):
    """A client that trusts anybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if version:
        context.minimum_version = context.maximum_version = version
    if ciphers:
        context.set_ciphers(ciphers)
    return context


class Client:
    """One connection that has read the greeting, which comes after the tickets."""

    def __init__(self, port, host=None, context=None, session=None):
        raw = socket.create_connection(("127.0.0.1", port), PATIENCE)
        try:
            self.socket = (context or new_context()).wrap_socket(raw, server_hostname=host, session=session)
        except BaseException:
            raw.close()
            raise
        self.greeting = self.socket.recv(4096)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    @property
    def certificate(self):
        return self.socket.getpeercert(binary_form=True)

    def ask(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.socket.recv(4096).decode()


def shown(port, host=None, context=None):
    """The certificate that a new connection is shown."""
    with Client(port, host, context) as client:
        return client.certificate


def resume(port, first, second, context):
    """Whether a session begun as the host @first goes on as @second."""
    with Client(port, first, context) as client:
        if client.socket.session_reused:
            raise Failure("a new client resumes a session")
        session = client.socket.session
    with Client(port, second, context, session) as client:
        return client.socket.session_reused
