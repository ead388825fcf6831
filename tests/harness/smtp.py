# SPDX-License-Identifier: MIT
"""A Postfix and an Exim of a test's own, on loopback ports: they take mail from
whoever has logged in, and ask mailauthd's sockets who may.

    with Postfix(mail, smtpd_sasl_type="dovecot", smtpd_sasl_path=auth) as postfix:
        equal(postfix.log_in("ann", "sesame"), 235)
"""

import os
import pwd
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
from pathlib import Path

from harness.auth import encode
from harness.bus import needs_root
from harness.case import Failure, Skip
from harness.ports import free_ports
from harness.process import PATIENCE, Process

# Where tests/setup-packages unpacks Exim, whose package can't be installed beside Postfix's.
UNPACKED_EXIM = Path("/var/cache/regd-tests/exim4/usr/sbin/exim4")

POSTFIX_SERVICES = """
127.0.0.1:{port} inet n - n - - smtpd
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""

EXIM_CONFIGURATION = """
exim_user = mail
exim_group = {group}
spool_directory = {directory}/spool
log_file_path = {directory}/%slog
pid_file_path = {directory}/pid
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
tls_advertise_hosts =
keep_environment =
begin authenticators
plain:
  driver = dovecot
  public_name = PLAIN
  server_socket = {socket}
  server_set_id = $auth1
login:
  driver = dovecot
  public_name = LOGIN
  server_socket = {socket}
  server_set_id = $auth1
scram:
  driver = dovecot
  public_name = SCRAM-SHA-256
  server_socket = {socket}
  server_set_id = $auth1
"""


class SmtpServer:
    """What both have in common: a directory, a process, clients."""

    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="regd-smtp-"))
        self.directory.chmod(0o755)
        self.port, = free_ports(1)
        self.process = None

    def run(self, name, command):
        """Starts it in a session of its own, as it ends all of its process group."""
        self.process = Process(self.directory, name, command, start_new_session=True)
        while self.process.is_running():
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                os.sched_yield()
        raise Failure(f"no {name}: {self.process.output()}")

    def __exit__(self, kind, _error, _trace):
        if self.process:
            self.process.signal(signal.SIGTERM)
            self.process.wait()
        for log in self.directory.glob("*log") if kind is not None else ():
            for line in log.read_text(errors="replace").splitlines():
                print(f"# {log.name}: {line}", flush=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def log_in(self, user, password, mechanism="PLAIN"):
        """The code that a client is answered with at last."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=PATIENCE) as client:
            client.ehlo("localhost")
            if mechanism == "PLAIN":
                return client.docmd("AUTH", "PLAIN " + encode(f"\0{user}\0{password}"))[0]
            client.docmd("AUTH", "LOGIN")
            client.docmd(encode(user))
            return client.docmd(encode(password))[0]


class Postfix(SmtpServer):
    """cyrus: the text of Cyrus SASL's smtpd.conf; settings: of main.cf."""

    def __init__(self, cyrus="", **settings):
        super().__init__()
        self.cyrus, self.settings = cyrus, settings

    def __enter__(self):
        needs_root()
        if not shutil.which("postfix"):
            raise Skip("takes postfix")
        for name in ("spool", "data", "sasl"):
            (self.directory / name).mkdir()
        (self.directory / "sasl" / "smtpd.conf").write_text(self.cyrus)
        shutil.chown(self.directory / "data", "postfix")
        settings = {
            "compatibility_level": "3.6", "queue_directory": self.directory / "spool",
            "data_directory": self.directory / "data", "command_directory": "/usr/sbin",
            "daemon_directory": "/usr/lib/postfix/sbin", "mail_owner": "postfix", "setgid_group": "postdrop",
            "maillog_file_prefixes": tempfile.gettempdir(), "maillog_file": self.directory / "maillog",
            "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4", "myhostname": "localhost",
            "mydestination": "", "alias_maps": "", "alias_database": "", "smtpd_sasl_auth_enable": "yes",
            "cyrus_sasl_config_path": self.directory / "sasl",
            "smtpd_error_sleep_time": "0", "smtpd_relay_restrictions": "permit_sasl_authenticated, reject",
        } | self.settings
        lines = [f"{name} = {value}\n" for name, value in settings.items()]
        (self.directory / "main.cf").write_text("".join(lines))
        (self.directory / "master.cf").write_text(POSTFIX_SERVICES.format(port=self.port))
        # "postfix start-fg" would leave its master to itself when it is ended.
        subprocess.run(["postfix", "-c", self.directory, "check"], check=True, capture_output=True)
        self.run("postfix", ["/usr/lib/postfix/sbin/master", "-c", str(self.directory), "-d"])
        return self


class Exim(SmtpServer):
    """@path: the `Auth Socket`; @group: whose processes may connect to it."""

    def __init__(self, path, group):
        super().__init__()
        self.path, self.group = path, group

    def __enter__(self):
        needs_root()
        program = shutil.which("exim4") or UNPACKED_EXIM
        if not Path(program).exists():
            raise Skip("takes exim4-daemon-heavy, as tests/setup-packages unpacks it")
        try:
            pwd.getpwnam("Debian-exim")  # which is built into the program
        except KeyError:
            subprocess.run(["useradd", "--system", "--user-group", "--no-create-home", "--shell",
                            "/usr/sbin/nologin", "Debian-exim"], check=True)
        shutil.chown(self.directory, "mail", self.group)
        configuration = self.directory / "exim.conf"
        configuration.write_text(EXIM_CONFIGURATION.format(
            directory=self.directory, group=self.group, port=self.port, socket=self.path))
        self.run("exim", [str(program), "-C", str(configuration), "-bdf"])
        return self
