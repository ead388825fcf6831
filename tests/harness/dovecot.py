# SPDX-License-Identifier: MIT
"""A Dovecot of a test's own as the mail server behind: IMAP on a loopback port,
with TLS on another and on a Unix socket, and POP3, with a master user, over the Maildirs of a MailServer.

    with Mail() as mail, Dovecot(mail) as dovecot:
        dovecot.take_over()
"""

import base64
import imaplib
import os
import poplib
import shutil
import signal
import socket
import subprocess
from contextlib import contextmanager

from harness.bus import is_root
from harness.case import Failure, Skip
from harness.mail import IMAP
from harness.ports import free_ports
from harness.process import PATIENCE, SOURCE, Process
from harness.registry import REG_SZ

# The master user, and one who is never let in, with the same password.
MASTER, CLOSED, PASSWORD = "mailauthd", "closed", "master-sesame"


def identify(user):
    """SASL PLAIN: the master user, in that user's name."""
    return f"{user}\0{MASTER}\0{PASSWORD}".encode()


class Dovecot:
    """with Dovecot(mail): it serves when the block begins. more: further words for data/trial-dovecot;
    also: further lines of its configuration, or a pair of them: for a Dovecot before 2.4, and since."""

    def __init__(self, mail, *more, also=""):
        self.mail, self.more, self.also = mail, more, also
        self.directory = mail.directory / "dovecot"
        self.port, self.tls_port, self.pop3_port = free_ports(3)
        self.socket = self.directory / "imap"
        self.process = None

    def __enter__(self):
        if not shutil.which("dovecot"):
            raise Skip("takes dovecot-imapd and dovecot-pop3d")
        self.directory.mkdir(mode=0o755)
        masters = self.directory / "masters"
        masters.write_text(f"{MASTER}:{{PLAIN}}{PASSWORD}\n{CLOSED}:{{PLAIN}}{PASSWORD}::::::nologin=y\n")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "1", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.directory / "key",
                        "-out", self.directory / "certificate"], check=True, capture_output=True)
        self.configuration = self.directory / "dovecot.conf"
        self.configuration.write_bytes(self.describe(masters))
        self.start()
        return self

    def __exit__(self, kind, _error, _trace):
        if self.process:
            self.stop()
        if kind is not None:
            for line in (self.directory / "messages").read_text(errors="replace").splitlines():
                print(f"# dovecot: {line}", flush=True)

    def describe(self, masters):
        """Its dovecot.conf, as the installed version writes it."""
        words = [SOURCE / "data" / "trial-dovecot", f"--folder={self.directory}",
                 f"--log={self.directory / 'messages'}", f"--mail={self.mail.mail}", f"--masters={masters}",
                 f"--owner={self.mail.owner}:{self.mail.owner}", f"--imap={self.port}", f"--imaps={self.tls_port}",
                 f"--certificate={self.directory / 'certificate'}", f"--key={self.directory / 'key'}",
                 f"--pop3={self.pop3_port}", f"--imap-socket={self.socket}", *self.more]
        if is_root():
            words += ["--internal=dovecot", "--login=dovenull"]
        text = subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout
        also = self.also[text.startswith(b"dovecot_config_version")] if isinstance(self.also, tuple) else self.also
        return text + also.encode()

    def start(self):
        self.process = Process(self.directory, "dovecot", ["dovecot", "-F", "-c", str(self.configuration)])
        while self.process.is_running():
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                os.sched_yield()
        raise Failure(f"no Dovecot: {self.process.output()}")

    def stop(self):
        self.process.signal(signal.SIGTERM)
        self.process.wait()
        self.process = None

    @contextmanager
    def imap(self, user):
        """An imaplib client, logged in as that user by the master user."""
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            client.authenticate("PLAIN", lambda _: identify(user))
            yield client
        finally:
            client.logout()

    @contextmanager
    def pop3(self, user):
        """The same, of POP3."""
        client = poplib.POP3("127.0.0.1", self.pop3_port, timeout=PATIENCE)
        try:
            client._shortcmd(f"AUTH PLAIN {base64.b64encode(identify(user)).decode()}")
            yield client
        finally:
            client.quit()

    def take_over(self, password=PASSWORD):
        """IMAP users of the MailServer are handed to it from now on."""
        user = os.geteuid() if self.mail.uid is None else self.mail.uid
        self.mail.client.create(IMAP)
        self.mail.client.set_acl(IMAP, ("everyone", "read"), (f"user:{user}", "read"))
        self.mail.client.set(IMAP, "Backend Master User", REG_SZ, MASTER)
        self.mail.client.set(IMAP, "Backend Master Password", REG_SZ, password)
        self.mail.client.set(IMAP, "Backend", REG_SZ, f"imap+unix:{self.socket}")
