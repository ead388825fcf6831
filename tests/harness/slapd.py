# SPDX-License-Identifier: MIT
"""An OpenLDAP server of a test's own: a tree of users on a loopback port, with
TLS on another and on a Unix socket, and servers that only look like one.

    with Mail() as mail, Slapd(mail) as slapd:
        slapd.add("ann", "sesame")
        slapd.become_broker("3")
"""

import base64
import hashlib
import os
import shutil
import socket
import subprocess
import threading
import urllib.parse
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.case import Failure, Skip
from harness.hashes import crypt_anew
from harness.mail import BROKERS
from harness.ports import free_ports
from harness.process import PATIENCE, Process
from harness.registry import REG_DWORD, REG_SZ

MODULES = "/usr/lib/ldap"
READER, READER_PASSWORD = "cn=reader", "reader-sesame"

CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath {modules}
moduleload back_mdb
moduleload ppolicy
{optional}
pidfile {directory}/pid
{tls}
{extra}
database mdb
suffix "{suffix}"
rootdn "cn=admin,{suffix}"
rootpw admin-sesame
directory {directory}/data
maxsize 10485760
dbnosync
overlay ppolicy
access to attrs=userPassword by anonymous auth by * none
access to * by dn.base="cn=reader,{suffix}" read {anonymous}
"""

TLS = """
TLSCACertificateFile {directory}/ca.pem
TLSCertificateFile {directory}/server.pem
TLSCertificateKeyFile {directory}/server.key
"""

ENTRY = """dn: uid={name},{where}
objectClass: inetOrgPerson
uid: {name}
cn: {name}
sn: {name}
{password}
"""


def ssha(password, method="sha1", scheme="SSHA"):
    salt = os.urandom(8)
    digest = hashlib.new(method, password.encode() + salt).digest()
    return f"{{{scheme}}}{base64.b64encode(digest + salt).decode()}"


def argon2(password):
    result = subprocess.run(["slappasswd", "-o", f"module-path={MODULES}", "-o", "module-load=argon2.so",
                             "-h", "{ARGON2}", "-s", password], check=True, capture_output=True)
    return result.stdout.decode().strip()


SCHEMES = {
    "SSHA": ssha,
    "SSHA512": lambda password: ssha(password, "sha512", "SSHA512"),
    "ARGON2": argon2,
    "CRYPT": lambda password: "{CRYPT}" + crypt_anew(password, "$6$rounds=5000$"),
}


class Slapd:
    """with Slapd(mail): it serves when the block begins. anonymous: who is not bound may search."""

    def __init__(self, mail, name="slapd", anonymous=False, tls=True, extra=""):
        self.mail, self.name, self.anonymous, self.with_tls, self.extra = mail, name, anonymous, tls, extra
        self.directory = mail.directory / name
        self.suffix = f"dc={name},dc=test"
        self.port, self.tls_port = free_ports(2)
        self.process = None

    def __enter__(self):
        if not shutil.which("slapd"):
            raise Skip("takes slapd")
        self.directory.mkdir(mode=0o755)
        (self.directory / "data").mkdir()
        if self.with_tls:
            self.make_certificates()
        modules = [name for name in ("pw-sha2", "argon2") if os.path.exists(f"{MODULES}/{name}.so")]
        self.configuration = self.directory / "slapd.conf"
        self.configuration.write_text(CONFIGURATION.format(
            modules=MODULES, optional="\n".join(f"moduleload {name}" for name in modules),
            directory=self.directory, suffix=self.suffix, extra=self.extra,
            tls=TLS.format(directory=self.directory) if self.with_tls else "",
            anonymous="by anonymous read" if self.anonymous else ""))
        self.load(f"dn: {self.suffix}\nobjectClass: dcObject\nobjectClass: organization\n"
                  f"dc: {self.name}\no: {self.name}\n\n"
                  f"dn: cn=reader,{self.suffix}\nobjectClass: organizationalRole\n"
                  f"objectClass: simpleSecurityObject\ncn: reader\nuserPassword: {ssha(READER_PASSWORD)}\n\n"
                  f"dn: ou=people,{self.suffix}\nobjectClass: organizationalUnit\nou: people\n\n"
                  f"dn: ou=others,{self.suffix}\nobjectClass: organizationalUnit\nou: others\n")
        self.start()
        return self

    def __exit__(self, kind, _error, _trace):
        if self.process:
            self.stop()
        if kind is not None:
            for line in self.output().splitlines():
                print(f"# {self.name}: {line}", flush=True)

    def output(self):
        log = self.directory / f"{self.name}.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def make_certificates(self):
        """A certificate authority and a certificate of its own making."""
        self.make_authority("ca")
        self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
        (self.directory / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self.openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                     "-days", "2", "-extfile", "names", "-out", "server.pem")

    def make_authority(self, name):
        """A certificate authority; the path of its certificate."""
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                     "-subj", f"/CN=Test {name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
        return str(self.directory / f"{name}.pem")

    def openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=self.directory)

    def load(self, entries):
        """LDIF, before it runs."""
        subprocess.run(["slapadd", "-q", "-f", str(self.configuration)], input=entries.encode(), check=True,
                       capture_output=True)

    @property
    def uri(self):
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def tls_uri(self):
        return f"ldaps://127.0.0.1:{self.tls_port}"

    @property
    def local_uri(self):
        return "ldapi://" + urllib.parse.quote(str(self.directory / "socket"), safe="")

    def start(self):
        uris = [self.uri, self.local_uri] + ([self.tls_uri] if self.with_tls else [])
        self.process = Process(self.directory, self.name, ["slapd", "-d", "0", "-f", str(self.configuration),
                                                           "-h", " ".join(uris)])
        while self.process.is_running():
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                (self.directory / "socket").chmod(0o777)
                if self.has_begun():
                    return
            except (ConnectionRefusedError, FileNotFoundError, ProcessLookupError):
                pass
            os.sched_yield()
        raise Failure(f"no slapd: {self.process.output()}")

    def has_begun(self):
        """Whether it may be asked to end. Its first thread looks once whether the one that listens has begun,
        and takes an end that comes before for a failure (status 1, or a crash). From then on it waits for that
        thread to end: the fourth field of its system call, the value of a futex, is the thread's id."""
        call = Path(f"/proc/{self.process.pid}/syscall").read_text(encoding="ascii").split()
        return len(call) > 3 and Path(f"/proc/{self.process.pid}/task/{int(call[3], 16)}").exists()

    def stop(self):
        self.process.stop()
        self.process = None

    def kill(self):
        self.process.kill()
        self.process = None

    def restart(self):
        self.stop()
        self.start()

    def modify(self, entries, tool="ldapmodify"):
        result = subprocess.run([tool, "-x", "-H", self.uri, "-D", f"cn=admin,{self.suffix}", "-w", "admin-sesame"],
                                input=entries.encode(), capture_output=True, timeout=PATIENCE, check=False)
        if result.returncode != 0:
            raise Failure(f"{tool}: {result.stderr}")

    def dn(self, name, where="people"):
        return f"uid={name},ou={where},{self.suffix}"

    def add(self, name, password, scheme="SSHA", where="people"):
        hashed = f"userPassword: {SCHEMES[scheme](password)}" if password else "description: none"
        self.modify(ENTRY.format(name=name, where=f"ou={where},{self.suffix}", password=hashed), "ldapadd")

    def become_broker(self, identity="3", **changes):
        """The instance's settings are these from now on; changes: NAME=data, "_" for a space."""
        settings = {"URI": self.uri, "Base_DN": self.suffix, "Type": "ldap"}
        if not self.anonymous:
            settings |= {"Bind_DN": f"{READER},{self.suffix}", "Bind_Password": READER_PASSWORD}
        write_broker(self.mail, identity, **(settings | changes))


def write_broker(mail, identity, **settings):
    """An instance's settings; its secret may be read by mailauthd's user."""
    user = "mailauth" if mail.as_root else os.geteuid() if mail.uid is None else mail.uid
    client = mail.registry.client
    client.create(BROKERS)
    client.set_acl(BROKERS, ("everyone", "read"), (f"user:{user}", "read"))
    for name, data in settings.items():
        client.set(f"{BROKERS}\\{identity}", name.replace("_", " "),
                        REG_DWORD if isinstance(data, int) else REG_SZ, data)


def ber(tag, *parts):
    """One element of an LDAP message; short ones alone."""
    content = b"".join(parts)
    return bytes((tag, len(content))) + content


class Pretender:
    """Speaks just enough LDAP: every search finds `names`, and binds are answered with
    the code that `codes` has for the name, or that it has for None."""

    def __init__(self, names, codes):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.names, self.codes, self.threads = names, codes, []

    def run(self):
        while True:
            try:
                accepted, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.serve, args=(accepted,))
            thread.start()
            self.threads.append(thread)

    def serve(self, connection):
        with connection, suppress(ConnectionResetError):  # whoever has heard enough leaves
            while head := connection.recv(2, socket.MSG_WAITALL):
                message = connection.recv(head[1], socket.MSG_WAITALL)
                number, kind, content = message[:3], message[3], message[5:]
                for answer in self.answers(kind, content):
                    connection.sendall(ber(0x30, number, answer))

    def answers(self, kind, content):
        result = lambda code: (ber(10, bytes((code,))), ber(4), ber(4, b"\xffno\n"))
        if kind == 0x60:
            name = content[5:5 + content[4]]
            return [ber(0x61, *result(self.codes.get(name, self.codes[None])))]
        if kind == 0x63:
            return [*(ber(0x64, ber(4, name), ber(0x30)) for name in self.names), ber(0x65, *result(0))]
        return []


@contextmanager
def pretender(names, codes):
    server = Pretender(names, codes)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        thread.join()


class BlackHole:
    """Accepts and never answers. `taken`: how many connections it has had."""

    def __init__(self, says=b""):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.says, self.sockets = says, []

    @property
    def taken(self):
        return len(self.sockets)

    def run(self):
        while True:
            try:
                accepted, _ = self.listener.accept()
            except OSError:
                return
            self.sockets.append(accepted)
            if self.says:
                accepted.sendall(self.says)


@contextmanager
def black_hole(says=b""):
    """says: the first bytes of an answer that never ends."""
    hole = BlackHole(says)
    thread = threading.Thread(target=hole.run)
    thread.start()
    try:
        yield hole
    finally:
        hole.listener.shutdown(socket.SHUT_RDWR)
        hole.listener.close()
        thread.join()
        for each in hole.sockets:
            each.close()
