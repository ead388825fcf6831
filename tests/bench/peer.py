# SPDX-License-Identifier: MIT
"""A Dovecot to measure beside: POP3 on two loopback ports, plain and TLS, over the
accounts, the Maildirs and the certificate of a bench, in the modes that its
documentation tells of. It runs in a private directory and is ended by its pid.

    with Dovecot(directory, accounts, mail, owner, keys, MODES["re-used"]) as dovecot:
        dovecot.port, dovecot.tls_port, dovecot.process.pid
"""

import grp
import os
import pwd
import signal
import socket

from harness.bus import is_root
from harness.case import Failure
from harness.mail import free_ports
from harness.process import Process

CONFIGURATION = """
base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/messages
protocols = pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = no
auth_mechanisms = plain login
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
default_process_limit = 2000
default_client_limit = 20000
default_vsz_limit = 4G
mail_max_userip_connections = 20000
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{mail}/%u/Maildir
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {port}
  }}
  inet_listener pop3s {{
    port = {tls_port}
    ssl = yes
  }}
{login_mode}
}}
service pop3 {{
{mail_mode}
}}
service anvil {{
  chroot =
}}
passdb {{
  driver = passwd-file
  args = {accounts}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={mail}/%u allow_all_users=yes
}}
{more}
"""

LOGIN_REUSED = f"  service_count = 0\n  process_min_avail = {os.cpu_count()}\n  client_limit = 20000"
MAIL_REUSED = "  service_count = 0\n  process_min_avail = 50\n  process_limit = 1024"

# (login processes, mail processes, other settings)
MODES = {
    "defaults": ("", "", ""),
    "high-performance": (LOGIN_REUSED, "", ""),
    "re-used": (LOGIN_REUSED, MAIL_REUSED, ""),
    "re-used, cache": (LOGIN_REUSED, MAIL_REUSED, "auth_cache_size = 10M"),
    "re-used, cache, workers": (LOGIN_REUSED, MAIL_REUSED,
                                "auth_cache_size = 10M\nauth_cache_verify_password_with_worker = yes"),
}


class Dovecot:
    """It serves when the block begins. accounts: a passwd-file; keys: (certificate, key)."""

    def __init__(self, directory, accounts, mail, owner, keys, mode):
        self.directory = directory
        self.port, self.tls_port = free_ports(2)
        directory.mkdir(mode=0o755)
        myself = pwd.getpwuid(os.geteuid()).pw_name
        internal = "dovecot" if is_root() else myself
        login_mode, mail_mode, more = mode
        self.configuration = directory / "dovecot.conf"
        self.configuration.write_text(CONFIGURATION.format(
            directory=directory, certificate=keys[0], key=keys[1], internal=internal,
            internal_group=grp.getgrgid(pwd.getpwnam(internal).pw_gid).gr_name,
            login="dovenull" if is_root() else myself, mail=mail, port=self.port, tls_port=self.tls_port,
            accounts=accounts, uid=owner, gid=owner, login_mode=login_mode, mail_mode=mail_mode, more=more))
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
