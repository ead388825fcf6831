# SPDX-License-Identifier: MIT
"""POP3 and IMAP as bytes, and a mail server to say them to: a Registry and a
MailServer in one, with members, listeners for TLS and a certificate.

    with Mail() as mail:
        mail.add_account("ann", "sesame")
        with mail.pop3_talk() as client:
            client.expect("+OK")
            client.say("USER ann", "PASS sesame")
            client.expect("+OK", "+OK")
"""

import shutil
import socket
import sqlite3
import ssl
import subprocess

from harness.case import Failure
from harness.mail import BROKERS, IMAP, PARAMETERS, POP3, STORE, MailServer, hash_password
from harness.process import PATIENCE
from harness.registry import REG_MULTI_SZ, REG_SZ, Registry


class Talk:
    """One client's connection, by lines."""

    def __init__(self, port, tls=None):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.buffer = b""
        if tls:
            self.begin_tls(tls)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def begin_tls(self, context):
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def say(self, *lines):
        """All in one piece."""
        self.send("".join(line + "\r\n" for line in lines))

    def line(self):
        """The next line without its end; "" at the end of the connection."""
        while b"\n" not in self.buffer:
            more = self.socket.recv(65536)
            if not more:
                if self.buffer:
                    raise Failure(f"the connection ended in {self.buffer!r}")
                return ""
            self.buffer += more
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.rstrip(b"\r").decode(errors="surrogateescape")

    def expect(self, *beginnings):
        """The next lines begin so; the last of them is returned."""
        line = ""
        for beginning in beginnings:
            line = self.line()
            if not line or not line.startswith(beginning):
                raise Failure(f"found {line!r}, expected {beginning!r}...")
        return line

    def until(self, beginning):
        """All lines up to the one that begins so, which is the last."""
        lines = [self.line()]
        while not lines[-1].startswith(beginning):
            if not lines[-1] and not self.buffer:
                raise Failure(f"no {beginning!r} in {lines!r}")
            lines.append(self.line())
        return lines

    def expect_end(self):
        line = self.line()
        if line or self.buffer:
            raise Failure(f"found {line!r}, expected the end")

    def ask(self, line, beginning):
        self.say(line)
        return self.expect(beginning)


class Mail(MailServer):
    """Starts and ends the registry too. @settings: of (key, name, type, data), before it starts."""

    def __init__(self, settings=(), imap=True):
        super().__init__(Registry(), imap=imap)
        self.settings = list(settings)

    def __enter__(self):
        self.registry.__enter__()
        try:
            return super().__enter__()
        except BaseException:
            super().__exit__(RuntimeError, None, None)
            self.registry.__exit__(RuntimeError, None, None)
            raise

    def __exit__(self, kind, error, trace):
        try:
            super().__exit__(kind, error, trace)
        finally:
            self.registry.__exit__(kind, error, trace)

    def configure(self):
        super().configure()
        self.client.set(POP3, "Listen TLS", REG_MULTI_SZ, [f"127.0.0.1:{self.pop3s_port}"])
        self.client.set(IMAP, "Listen TLS", REG_MULTI_SZ, [f"127.0.0.1:{self.imaps_port}"])
        for setting in self.settings:
            self.client.set(*setting)

    @property
    def client(self):
        return self.registry.client

    def last_event(self):
        """(id, reason, user) of the newest."""
        event = self.events()[0]
        return event["id"], event["reason"], event.get("user", "")

    # ---- members ----

    def add_broker(self, identity="3"):
        """An embedded membership, empty; its file."""
        file = self.directory / f"members-{identity}.db"
        with sqlite3.connect(file) as database:
            database.executescript("""
                CREATE TABLE members (
                  name TEXT NOT NULL PRIMARY KEY, password TEXT NOT NULL,
                  disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1))) WITHOUT ROWID, STRICT;
                PRAGMA user_version = 1;""")
        if self.uid is not None:
            shutil.chown(file, self.uid, self.uid)
        self.client.set(f"{BROKERS}\\{identity}", "Database", REG_SZ, str(file))
        self.client.set(f"{BROKERS}\\{identity}", "Type", REG_SZ, "sqlite")
        return file

    def add_member(self, file, user, password):
        with sqlite3.connect(file) as database:
            database.execute("INSERT OR REPLACE INTO members (name, password) VALUES (?, ?)",
                             (user, hash_password(password)))

    def choose(self, package, broker=None):
        """What decides: "" for the native accounts, or MBS_BASIC and a broker."""
        if broker is not None:
            self.client.set(STORE, "MBS Broker", REG_SZ, broker)
        self.client.set(STORE, "MBS Package", REG_SZ, package)

    # ---- TLS ----

    def add_certificate(self, name="localhost"):
        """Makes a key and a certificate and sets them; a context that trusts it alone.
        They are in use when this returns."""
        certificate, key = (self.directory / f"{name}.{end}" for end in ("pem", "key"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext",
                        "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True)
        if self.uid is not None:
            shutil.chown(key, self.uid)
        self.client.set(PARAMETERS, "Private Key", REG_SZ, str(key))
        self.client.set(PARAMETERS, "Certificate", REG_SZ, str(certificate))
        self.wait_for_tls()
        return ssl.create_default_context(cafile=certificate)

    def wait_for_tls(self):
        """A certificate is taken a moment after its setting is written: until then STLS is not listed."""
        with self.pop3_talk() as client:
            client.expect("+OK")
            for _ in range(100000):
                client.say("CAPA")
                if "STLS" in client.until("."):
                    return
        raise Failure("STLS does not appear")

    # ---- clients ----

    def pop3_talk(self, tls=None):
        return Talk(self.pop3s_port if tls else self.pop3_port, tls)

    def imap_talk(self, tls=None):
        return Talk(self.imaps_port if tls else self.imap_port, tls)

    def pop3_answer(self, user, password):
        """What a client is told at last: the line after PASS, or after USER where that is refused.
        It quits, so that the mailbox is free again for the next."""
        with self.pop3_talk() as client:
            client.expect("+OK")
            answer = client.ask(f"USER {user}", "")
            answer = client.ask(f"PASS {password}", "") if answer.startswith("+OK") else answer
            if answer.startswith("+OK"):
                client.ask("QUIT", "")
            return answer

    def imap_answer(self, user, password):
        with self.imap_talk() as client:
            client.expect("* OK")
            return client.ask(f'a LOGIN "{user}" "{password}"', "a ")
