# SPDX-License-Identifier: MIT
"""A mail server of a test's own on a registry of a test's own: mailauthd with
Maildirs, native accounts and members, on ports that nobody else has.

    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        server.deliver("anna", "Subject: one\\n\\nhello\\n")
        with server.pop3() as client: ...
"""

import imaplib
import os
import poplib
import pwd
import socket
import subprocess
from contextlib import contextmanager, suppress

import dbus

from harness.bus import CAROL, is_root, wait_for
from harness.case import Failure, Skip
from harness.hashes import crypt_anew
from harness.ports import free_ports
from harness.process import PATIENCE, Process, program
from harness.registry import REG_DWORD, REG_MULTI_SZ, REG_SZ, plain

NAME = "org.regd.MailAuth1"
PATH = "/org/regd/MailAuth1"
SERVICES = "HKLM\\SYSTEM\\CurrentControlSet\\Services"
STORE = SERVICES + "\\MSExchangeIS\\ParametersSystem"
SERVICE = SERVICES + "\\MailAuth"
PARAMETERS = SERVICE + "\\Parameters"
POP3 = SERVICES + "\\MSExchangePOP3\\Parameters"
IMAP = SERVICES + "\\MSExchangeIMAP4\\Parameters"
BROKERS = SERVICES + "\\MBS\\Instances"
ACCOUNTS = "HKLM\\SAM\\Domains\\Account\\Users"

ROLE_USERS = ("mailauth", "mailauth-front", "mailauth-sql")


def needs_role_users():
    """Leaves the test out where mailauthd could not be started as root."""
    if not is_root():
        raise Skip("takes root, to be several users")
    for name in ROLE_USERS:
        try:
            pwd.getpwnam(name)
        except KeyError:
            subprocess.run(["useradd", "--system", "--user-group", "--no-create-home",
                            "--shell", "/usr/sbin/nologin", name], check=True)


def hash_password(password, rounds=1000):
    """A hash that is quick to prove: the tests wait for nothing else."""
    return crypt_anew(password, f"$5$rounds={rounds}$")


class MailServer:
    """mailauthd and what it serves. as_root: its roles are users of their own and
    mail is ALICE's; else all of it is one ordinary user's (CAROL's, where the tests are root's).
    imap: it listens for IMAP, too, whose `Backend` is one where nobody is there."""

    def __init__(self, registry, as_root=False, mail_user=None, imap=True):
        self.registry, self.as_root, self.listens_for_imap = registry, as_root, imap
        self.directory = registry.directory
        self.uid = None if as_root or not is_root() else CAROL
        self.owner = mail_user if mail_user is not None else CAROL if is_root() else os.geteuid()
        self.mail = self.directory / "mail"
        self.process = None
        self.program = program("mailauth/mailauthd")
        self.environment = None
        self.pop3_port, self.imap_port, self.pop3s_port, self.imaps_port = free_ports(4)

    def __enter__(self):
        if self.as_root:
            needs_role_users()
        self.mail.mkdir(mode=0o755)
        os.chown(self.mail, self.owner, -1)
        self.configure()
        self.start()
        return self

    def __exit__(self, kind, _error, _trace):
        if self.process and kind is None:
            self.stop()
        elif self.process:
            self.process.kill()
            for line in self.process.output().splitlines():
                print(f"# mailauthd: {line}", flush=True)

    def configure(self):
        """The settings that every test wants; the accounts' key and the right to it."""
        client = self.registry.client
        client.set(POP3, "Listen", REG_MULTI_SZ, [f"127.0.0.1:{self.pop3_port}"])
        self.show_mailboxes()
        client.set(IMAP, "Listen", REG_MULTI_SZ, [f"127.0.0.1:{self.imap_port}"])
        if self.listens_for_imap:
            client.set(IMAP, "Backend", REG_SZ, "imap://127.0.0.1:1")
        client.set(PARAMETERS, "Failure Delay", REG_DWORD, 0)
        client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 0)
        user = "mailauth" if self.as_root else str(self.uid if self.uid is not None else os.geteuid())
        if not self.as_root:
            client.set(SERVICE, "ObjectName", REG_SZ, user)
        client.create(ACCOUNTS)
        client.set_acl("HKLM\\SAM", (f"user:{user}", "read"))

    def start(self):
        """Starts it and waits until it listens."""
        self.process = Process(self.directory, "mailauthd",
                               [self.program, f"--bus={self.registry.bus.address}"],
                               self.environment, uid=self.uid)
        self.registry.bus.wait_for_name(NAME, self.process)
        self.wait_until_ready()

    def wait_until_ready(self):
        connection = self.registry.bus.connect()
        changes = []
        match = connection.add_signal_receiver(lambda *arguments: changes.append(arguments),
                                               "PropertiesChanged", dbus.PROPERTIES_IFACE, NAME, PATH)
        try:
            while not self.get_property("Ready"):
                wait_for(lambda: changes, "mailauthd to be ready")
                changes.clear()
        finally:
            match.remove()

    def stop(self):
        self.process.stop()
        self.process = None

    def get_property(self, name):
        return plain(self.registry.client.connection.call_blocking(
            NAME, PATH, dbus.PROPERTIES_IFACE, "Get", "ss", (NAME, name), timeout=PATIENCE))

    def events(self, limit=1):
        """The newest first."""
        return plain(self.registry.client.connection.call_blocking(
            NAME, PATH, NAME, "GetEvents", "u", (dbus.UInt32(limit),), timeout=PATIENCE))

    def status(self):
        return plain(self.registry.client.connection.call_blocking(NAME, PATH, NAME, "Status", "", (), timeout=PATIENCE))

    # ---- the roles ----

    def roles(self):
        """{name of a role: [pid]} of the processes that mailauthd has started; of the
        stores those that serve a Maildir, each split off another."""
        found = {}
        for pid in children_of(self.process.pid):
            role = read_process(pid, "cmdline").split("\0")[0].removeprefix("mailauthd: ")
            found.setdefault(role, []).extend(children_of(pid) if role == "store" else [pid])
        return {role: pids for role, pids in found.items() if pids}

    # ---- users and their mail ----

    def add_account(self, name, password, mailbox=True):
        self.registry.client.set(f"{ACCOUNTS}\\{name}", "Password", REG_SZ, hash_password(password))
        if mailbox:
            self.add_mailbox(name)

    def add_mailbox(self, name):
        for folder in ("cur", "new", "tmp"):
            (self.mail / name / "Maildir" / folder).mkdir(mode=0o700, parents=True)
        self.give(self.mail / name)

    def hide_mailboxes(self):
        """From now on no mailbox can be had: a file is in the way of making one."""
        (self.mail / "file").touch()
        self.registry.client.set(POP3, "Mail Directory", REG_SZ, f"{self.mail}/file/%u/Maildir")

    def show_mailboxes(self):
        self.registry.client.set(POP3, "Mail Directory", REG_SZ, f"{self.mail}/%u/Maildir")

    def give(self, path):
        """To the mail's user, with everything below."""
        for each in (path, *path.rglob("*")):
            os.chown(each, self.owner, self.group(), follow_symlinks=False)

    def group(self):
        """Of the mail: an ordinary user's own stays."""
        return self.owner if is_root() else -1

    def maildir(self, name):
        return self.mail / name / "Maildir"

    def deliver(self, name, text, file=None):
        """One message into new/; the path of its file."""
        folder = self.maildir(name) / "new"
        path = folder / (file or f"{1000000000 + len(self.files(name))}.M1P1.test")
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        os.chown(path, self.owner, self.group())
        return path

    def files(self, name):
        """The names of all messages' files."""
        return sorted(path.name for folder in ("cur", "new") for path in (self.maildir(name) / folder).iterdir())

    # ---- clients ----

    @contextmanager
    def pop3(self, user=None, password=None):
        """A poplib client, logged in where a user is named."""
        client = poplib.POP3("127.0.0.1", self.pop3_port, timeout=PATIENCE)
        try:
            if user is not None:
                client.user(user)
                client.pass_(password)
            yield client
        finally:
            client.close()

    @contextmanager
    def imap(self, user=None, password=None):
        client = imaplib.IMAP4("127.0.0.1", self.imap_port, timeout=PATIENCE)
        try:
            if user is not None:
                client.login(user, password)
            yield client
        finally:
            with suppress(OSError):  # it has logged out itself
                client.shutdown()

    def raw(self, port=None):
        """A socket, after the greeting."""
        connection = socket.create_connection(("127.0.0.1", port or self.pop3_port), timeout=PATIENCE)
        stream = connection.makefile("rb")
        greeting = stream.readline()
        if not greeting.startswith((b"+OK", b"* OK")):
            raise Failure(f"no greeting: {greeting!r}")
        return connection, stream


def children_of(pid):
    """In the order of their ids. Not by /proc/PID/task/PID/children: that leaves some out
    while another child ends (proc(5))."""
    return sorted(int(each) for each in os.listdir("/proc") if each.isdecimal() and parent_of(each) == pid)


def parent_of(pid):
    """0 where the process has gone. Its name, in parentheses, may hold anything."""
    fields = read_process(pid, "stat").rpartition(")")[2].split()
    return int(fields[1]) if fields else 0


def read_process(pid, name):
    """A file of /proc/PID; empty where the process has gone."""
    try:
        with open(f"/proc/{pid}/{name}", encoding="utf-8", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


