# SPDX-License-Identifier: MIT
"""Databases of a test's own: a PostgreSQL and a MariaDB server on a loopback port and a private
socket, as an ordinary user, started at most once for a file of tests.

    database = postgresql()
    database.run("CREATE TABLE users (name text, password text)")
    with Mail() as mail:
        database.become_broker(mail, "3", "SELECT password FROM users WHERE name = %u")
"""

import atexit
import functools
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from harness.bus import BOB, is_root, wait_until
from harness.case import Failure, Skip
from harness.freeze import freeze, frozen
from harness.mail import children_of, hash_password
from harness.ports import free_ports
from harness.process import PATIENCE, Process, program
from harness.slapd import write_broker

USER, PASSWORD, DATABASE = "mailauth", "d'b se\\same", "mail users"
QUERY = "SELECT password, disabled FROM users WHERE name = %u"


def quote(text):
    """As a value in a `Connection`."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


class Database:
    """A server; `kind` is the broker's `Type`."""

    kind = text = library = None

    def __init__(self):
        built = subprocess.run(["ldd", program("mailauth/mailauthd")], capture_output=True, check=True).stdout.decode()
        if self.library not in built:
            raise Skip(f"this mailauthd was built without {self.library}")
        self.uid = BOB if is_root() else None
        self.directory = Path(tempfile.mkdtemp(prefix=f"regd-{self.kind}-"))
        self.directory.chmod(0o755)
        if self.uid is not None:
            os.chown(self.directory, self.uid, self.uid)
        [self.port] = free_ports(1)
        self.process = None
        atexit.register(self.remove, os.getpid())
        self.make_certificates()
        self.make()
        self.start()
        self.prepare()

    def remove(self, owner):
        if os.getpid() != owner:
            return
        if self.process is not None:
            self.process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def as_user(self, *command, **options):
        ids = {"user": self.uid, "group": self.uid, "extra_groups": []} if self.uid is not None else {}
        done = subprocess.run(command, capture_output=True, cwd=self.directory, check=False, timeout=PATIENCE, **ids, **options)
        if done.returncode != 0:
            raise Failure(f"{command[0]}: {done.stdout.decode()} {done.stderr.decode()}")
        return done.stdout.decode()

    def openssl(self, *words):
        self.as_user("openssl", *words)

    def make_certificates(self):
        """An authority, and another one."""
        new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        for name in ("ca", "other"):
            self.openssl("req", "-x509", *new, "-days", "2", "-subj", f"/CN=Test {name}",
                         "-keyout", f"{name}.key", "-out", f"{name}.pem")
        self.openssl("req", *new, "-subj", "/CN=Test server", "-keyout", "server.key", "-out", "server.csr")
        self.certify("DNS:localhost")

    def certify(self, names):
        """Makes the server's certificate anew, in these names: for new connections after reload()."""
        (self.directory / "names").write_text(f"subjectAltName={names}\n")
        self.openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                     "-days", "2", "-extfile", "names", "-out", "server.pem")

    def await_port(self):
        def listens():
            if not self.process.is_running():
                raise Failure(f"no {self.kind}: {self.process.output()}")
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", self.port)) == 0

        wait_until(listens, f"{self.kind} to listen")

    def frozen(self):
        """The server, and the processes that it has for its connections."""
        freeze(self.process.pid)  # it begins none any more
        return frozen(self.process.pid, *children_of(self.process.pid))

    def count_unread(self):
        """How many bytes have been sent to it that it has not read."""
        sockets = map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])
        return sum(int(fields[4].partition(":")[2], 16) for fields in sockets if fields[1].endswith(f":{self.port:04X}"))

    def kill(self):
        self.process.kill()
        self.process = None

    def connection(self, **words):
        words = {"host": "127.0.0.1", "port": self.port, "dbname": DATABASE, "user": USER} | words
        return " ".join(f"{word}={quote(str(value))}" for word, value in words.items() if value is not None)

    def become_broker(self, mail, identity, query=QUERY, **settings):
        """settings: further values, with "_" for a space."""
        values = {"Connection": self.connection(), "Connection Password": PASSWORD, "Query": query, "Type": self.kind}
        values |= {name.replace("_", " "): value for name, value in settings.items()}
        write_broker(mail, identity, **values)

    def table(self, people):
        """The table `users`, of {name: (password, disabled)} and nobody else."""
        self.run("DROP TABLE IF EXISTS users")
        self.run(f"CREATE TABLE users (name {self.text} NOT NULL, password {self.text}, disabled smallint)")
        for name, (password, disabled) in people.items():
            self.add(name, hash_password(password), disabled)

    def add(self, name, password_hash, disabled=0):
        self.run("INSERT INTO users VALUES ({}, {}, {})".format(
            self.literal(name), "NULL" if password_hash is None else self.literal(password_hash), disabled))


class Postgresql(Database):
    kind, text, library = "postgresql", "text", "libpq"

    @staticmethod
    def programs():
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        if not found:
            raise Skip("takes postgresql")
        return found[-1]

    def make(self):
        self.as_user(str(self.programs() / "initdb"), "-D", "data", "-U", "admin", "-A", "trust", "-N", "--no-locale",
                     "-E", "UTF8")
        (self.directory / "data/pg_hba.conf").write_text(
            f'local all all trust\nhost all {USER} 127.0.0.1/32 scram-sha-256\nhostssl all {USER} ::1/128 scram-sha-256\n')
        (self.directory / "server.key").chmod(0o600)

    def start(self):
        settings = {"fsync": "off", "shared_buffers": "4MB", "autovacuum": "off",
                    # Not in /dev/shm, where a system removes what users leave at their logout.
                    "dynamic_shared_memory_type": "mmap", "listen_addresses": "127.0.0.1", "port": self.port, "ssl": "on",
                    "unix_socket_directories": self.directory, "max_connections": 50,
                    "ssl_cert_file": self.directory / "server.pem", "ssl_key_file": self.directory / "server.key"}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self.process = Process(self.directory, self.kind, [str(self.programs() / "postgres"), "-D",
                                                           str(self.directory / "data"), *words], uid=self.uid)
        self.await_port()
        wait_until(self.is_ready, "postgresql to answer")

    def prepare(self):
        self.psql("postgres", f"CREATE ROLE {USER} LOGIN PASSWORD {self.literal(PASSWORD)}")
        self.psql("postgres", f'CREATE DATABASE "{DATABASE}"')
        self.run(f"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {USER}")

    def stop(self):
        self.process.signal(2)
        self.process.wait()

    def reload(self):
        self.psql("postgres", "SELECT pg_reload_conf()")

    def psql(self, database, statement):
        return self.as_user(str(self.programs() / "psql"), "-h", str(self.directory), "-p", str(self.port), "-U", "admin", "-X",
                            "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", database, input=statement.encode())

    def is_ready(self):
        """It listens before it answers."""
        try:
            return bool(self.psql("postgres", "SELECT 1"))
        except Failure as failure:
            if "starting up" not in str(failure) and "not yet accepting" not in str(failure):
                raise
            return False

    def run(self, statement):
        return self.psql(DATABASE, statement)

    def latin_table(self, name, password_hash):
        """The database `latin`, of ISO 8859-1, with the table `people` of one user."""
        self.psql("postgres", "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
        self.psql("latin", f"SET client_encoding = 'UTF8'; CREATE TABLE people (name text, password text); "
                           f"INSERT INTO people VALUES ({self.literal(name)}, {self.literal(password_hash)}); "
                           f"GRANT SELECT ON people TO {USER}")

    @staticmethod
    def literal(text):
        return "'" + text.replace("'", "''") + "'"

    def count_connections(self):
        return int(self.run(f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{USER}'"))

    def drop_connections(self):
        self.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{USER}'")


class Mariadb(Database):
    kind, text, library = "mysql", "varchar(255)", "libmariadb"

    def make(self):
        if not shutil.which("mariadb-install-db") or not shutil.which("mariadb"):
            raise Skip("takes mariadb-server-core and mariadb-client-core")
        self.as_user("mariadb-install-db", "--no-defaults", f"--datadir={self.directory}/data", f"--tmpdir={self.directory}", "--skip-test-db",
                     "--auth-root-authentication-method=normal", "--skip-name-resolve")

    def start(self):
        settings = {"datadir": self.directory / "data", "tmpdir": self.directory, "port": self.port, "bind-address": "127.0.0.1",
                    "socket": self.directory / "mysqld.sock", "pid-file": self.directory / "pid",
                    "innodb-buffer-pool-size": "8M", "innodb-flush-log-at-trx-commit": 0, "performance-schema": "off",
                    "character-set-server": "utf8mb4", "max-connections": 50, "skip-name-resolve": 1,
                    "ssl-cert": self.directory / "server.pem", "ssl-key": self.directory / "server.key"}
        words = [f"--{name}={value}" for name, value in settings.items()]
        self.process = Process(self.directory, self.kind, [shutil.which("mariadbd"), "--no-defaults", *words], uid=self.uid)
        self.await_port()

    def prepare(self):
        self.ask(f"CREATE USER '{USER}'@'%' IDENTIFIED BY {self.literal(PASSWORD)};"
                 f"CREATE DATABASE `{DATABASE}`; GRANT SELECT ON `{DATABASE}`.* TO '{USER}'@'%'")

    def stop(self):
        self.process.stop()

    def reload(self):
        self.ask("FLUSH SSL")

    def log_clients(self):
        """The file that tells from now on who connects, and what they ask."""
        log = self.directory / "clients.log"
        self.ask(f"SET GLOBAL general_log_file = {self.literal(str(log))}; SET GLOBAL general_log = ON")
        return log

    def ask(self, statement, database=None):
        return self.as_user("mariadb", "--no-defaults", "--skip-ssl", f"--socket={self.directory}/mysqld.sock", "--user=root",
                            "--default-character-set=utf8mb4", "--batch", "--skip-column-names",
                            *([database] if database else []), input=statement.encode())

    def run(self, statement):
        return self.ask(statement, DATABASE)

    def latin_table(self, name, password_hash):
        """The database `latin`, of ISO 8859-1, with the table `people` of one user."""
        self.ask("CREATE DATABASE latin CHARACTER SET latin1; CREATE TABLE latin.people (name varchar(255), password varchar(255)); "
                 f"INSERT INTO latin.people VALUES ({self.literal(name)}, {self.literal(password_hash)}); "
                 f"GRANT SELECT ON latin.* TO '{USER}'@'%'")

    @staticmethod
    def literal(text):
        return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"

    def count_connections(self):
        return int(self.ask(f"SELECT count(*) FROM information_schema.processlist WHERE user = '{USER}'"))

    def drop_connections(self):
        for number in self.ask(f"SELECT id FROM information_schema.processlist WHERE user = '{USER}'").split():
            self.ask(f"KILL {number}")


@functools.cache
def postgresql():
    """The one of this file of tests."""
    return Postgresql()


@functools.cache
def mariadb():
    return Mariadb()
