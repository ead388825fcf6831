#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The connector: connects the verifier to the servers that settings name, and to no
others. It is run by itself here, asked as the verifier asks it; and killed beneath
a mail server."""

import os
import re
import select
import signal
import socket
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gi.repository import GLib

from harness.bus import wait_until
from harness.case import check, contains, equal, main, test
from harness.freeze import freeze
from harness.mail import ACCOUNTS, BROKERS, POP3
from harness.process import PATIENCE, SOURCE, Process, program
from harness.registry import REG_DWORD, REG_SZ, Registry
from harness.slapd import Slapd
from harness.talk import Mail

NOT_NAMED = "no setting names this server"


def message_kind(name):
    """A message's number, by its place in the enumeration."""
    text = (SOURCE / "mailauth/ipc/messages.h").read_text()
    return re.findall(r"^  (MESSAGE_[A-Z_]+),", text, re.MULTILINE).index(f"MESSAGE_{name}")


class Connector:
    """The role's process, and this end of its channel."""

    def __init__(self, registry):
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.settimeout(PATIENCE)
        self.number = 0
        # Nothing but descriptor 3 is its channel.
        start = ("import os, sys; os.dup2(int(sys.argv[1]), 3); os.execv(sys.argv[2], "
                 "['mailauthd: connector', '--bus=' + sys.argv[3]])")
        with theirs:
            self.process = Process(registry.bus.directory, "connector",
                                   ["/usr/bin/python3", "-c", start, str(theirs.fileno()),
                                    program("mailauth/mailauthd"), registry.bus.address],
                                   uid=ORDINARY, pass_fds=(theirs.fileno(),))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()
        self.process.wait()
        self.process.check_reports()

    def send(self, server, timeout=20000, number=None, account=""):
        self.number = number or self.number + 1
        body = GLib.Variant("(tssu)", (self.number, account, server, timeout)).get_data_as_bytes().get_data()
        self.channel.send(bytes((message_kind("CONNECT"),)) + body)
        return self.number

    def receive(self):
        """(number, problem, socket or None)"""
        message, descriptors, _, _ = socket.recv_fds(self.channel, 65536, 2)
        equal(message[0], message_kind("CONNECTED"))
        body = GLib.Variant.new_from_bytes(GLib.VariantType("(ts)"), GLib.Bytes(message[1:]), False)
        number, problem = body.unpack()
        equal(len(descriptors), 0 if problem else 1)
        return number, problem, socket.socket(fileno=descriptors[0]) if descriptors else None

    def ask(self, server, timeout=20000, account=""):
        number = self.send(server, timeout, account=account)
        answered, problem, connection = self.receive()
        equal(answered, number)
        return problem, connection

    def refused(self, server, problem, timeout=20000, account=""):
        said, connection = self.ask(server, timeout, account)
        equal(connection, None)
        contains(said, problem)

    def has_ended(self):
        return bool(select.select([self.channel], [], [], PATIENCE)[0]) and self.channel.recv(1) == b""


ORDINARY = 65534 if os.geteuid() == 0 else None


@contextmanager
def listening(path=None):
    """A server, and the address that it has in a setting but for the scheme."""
    if path is not None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        os.chmod(path, 0o777)
        listener.listen()
        address = path.replace("/", "%2F")
    else:
        listener = socket.create_server(("127.0.0.1", 0))
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    listener.settimeout(PATIENCE)
    with listener:
        yield listener, address


def is_untouched(listener):
    return not select.select([listener], [], [], 0)[0]


def reached(connector, listener, server, account=""):
    """Asks for it, and says something through what comes."""
    problem, connection = connector.ask(server, account=account)
    equal(problem, "")
    accepted, _ = listener.accept()
    accepted.settimeout(PATIENCE)
    with connection, accepted:
        connection.send(b"hello")
        equal(accepted.recv(16), b"hello")


def set_uri(registry, uri, instance="3"):
    registry.client.set(f"{BROKERS}\\{instance}", "URI", REG_SZ, uri)


@test
def who_is_set_is_reached():
    with ExitStack() as stack:
        registry = stack.enter_context(Registry())
        listener, address = stack.enter_context(listening())
        local, path = stack.enter_context(listening(str(registry.bus.directory / "ldapi")))
        os.chmod(registry.bus.directory, 0o755)
        port = address.rpartition(":")[2]
        set_uri(registry, f"ldap://{address} ldaps://{address}", "12")
        set_uri(registry, f"ldapi://{path}")
        registry.client.set(POP3, "Backend", REG_SZ, f"pop3://localhost:{port}")
        connector = stack.enter_context(Connector(registry))
        for server in (f"ldap://{address}", f"ldaps://{address}", f"pop3://localhost:{port}"):
            reached(connector, listener, server)
        reached(connector, local, f"ldapi://{path}")


@test
def who_is_not_set_is_not_reached():
    with Registry() as registry, listening() as (listener, address), Connector(registry) as connector:
        connector.refused(f"ldap://{address}", NOT_NAMED)
        set_uri(registry, f"ldap://{address}1")
        registry.client.set(f"{BROKERS}\\3", "Base DN", REG_SZ, f"ldap://{address}")
        registry.client.set(BROKERS, "URI", REG_SZ, f"ldap://{address}")
        registry.client.set(POP3, "Backend", REG_SZ, f"pop3://{address}")
        for server in (f"ldap://{address}", f"ldap://{address}1 ", "", " ", f"imap://{address}", "ldap://",
                       f"pop3://{address}/"):
            connector.refused(server, NOT_NAMED)
        check(is_untouched(listener), "it was reached")


@test
def what_was_just_set_is_known():
    with Registry() as registry, Connector(registry) as connector, ExitStack() as stack:
        for number in range(20):
            listener, address = stack.enter_context(listening())
            set_uri(registry, f"ldap://{address}", str(number % 3))
            reached(connector, listener, f"ldap://{address}")


@test
def who_was_set_a_moment_ago_is_reached():
    """Logins that have begun before want it still."""
    with Registry() as registry, listening() as (listener, address), Connector(registry) as connector:
        set_uri(registry, f"ldap://{address}")
        registry.client.set(POP3, "Backend", REG_SZ, f"pop3://{address}")
        reached(connector, listener, f"ldap://{address}")
        set_uri(registry, "ldap://127.0.0.1:1")
        registry.client.set(POP3, "Backend", REG_SZ, "")
        # A round trip brings the changes in, and this one is made for who is not known.
        connector.refused("ldap://192.0.2.1", NOT_NAMED)
        reached(connector, listener, f"ldap://{address}")
        reached(connector, listener, f"pop3://{address}")


def set_own(registry, account, text):
    registry.client.create(ACCOUNTS)
    registry.client.set_acl(ACCOUNTS, ("everyone", "read"))
    registry.client.set(f"{ACCOUNTS}\\{account}", "Backend", REG_SZ, text)


@test
def what_an_account_names_is_reached_for_that_account():
    with Registry() as registry, listening() as (listener, address), Connector(registry) as connector:
        server = f"imaps://{address}"
        set_own(registry, "anna", server)
        set_own(registry, "bob", f"pop3s://127.0.0.1:1 {server}")
        set_own(registry, "anna\\Passwords\\phone", server)
        reached(connector, listener, server, "anna")
        reached(connector, listener, server, "BOB")
        for account in ("", "carl", "anna\\Passwords\\phone", "anna\\", "..", "\\"):
            connector.refused(server, "name", account=account)
        for other in (f"imaps://{address}1", f"imap://{address}", f"pop3s://127.0.0.1:1 {server}", "", " "):
            connector.refused(other, "does not name this server", account="bob")
        check(is_untouched(listener), "it was reached")
        # What is named elsewhere does not count for an account.
        set_uri(registry, "ldap://127.0.0.1:1")
        connector.refused("ldap://127.0.0.1:1", "does not name this server", account="anna")


@test
def what_was_just_set_for_an_account_is_known():
    with Registry() as registry, Connector(registry) as connector, ExitStack() as stack:
        for number in range(20):
            listener, address = stack.enter_context(listening())
            set_own(registry, "anna", f"imaps://{address}")
            reached(connector, listener, f"imaps://{address}", "anna")


@test
def without_regd_what_an_account_last_named_holds():
    with Registry() as registry, listening() as (listener, address), Connector(registry) as connector:
        set_own(registry, "anna", f"imaps://{address}")
        reached(connector, listener, f"imaps://{address}", "anna")
        registry.stop()
        reached(connector, listener, f"imaps://{address}", "anna")
        connector.refused(f"imaps://{address}", "regd is away", account="bob")
        registry.start()
        set_own(registry, "bob", f"imaps://{address}")
        wait_until(lambda: connector.ask(f"imaps://{address}", account="bob")[0] == "", "regd to be heard")


@test
def without_regd_what_was_last_set_holds():
    with Registry() as registry, listening() as (listener, address), Connector(registry) as connector:
        set_uri(registry, f"ldap://{address}")
        reached(connector, listener, f"ldap://{address}")
        registry.stop()
        reached(connector, listener, f"ldap://{address}")
        connector.refused("ldap://127.0.0.1:1", NOT_NAMED)
        registry.start()


@test
def started_without_regd_it_knows_of_nobody():
    with Registry() as registry, listening() as (listener, address):
        set_uri(registry, f"ldap://{address}")
        registry.stop()
        with Connector(registry) as connector:
            connector.refused(f"ldap://{address}", "could not be read in time", timeout=100)
            waiting = connector.send(f"ldap://{address}")
            registry.start()
            number, problem, connection = connector.receive()
            equal((number, problem), (waiting, ""))
            connection.close()


@test
def what_goes_wrong_is_said():
    with Registry() as registry, Connector(registry) as connector:
        with listening() as (_, address):
            pass
        for server, problem in ((f"ldap://{address}", "refused"),
                                ("ldap://no-such-host.invalid", ""),
                                ("ldap://127.0.0.1:70000", "port"),
                                ("ldapi://%2Fnonexistent%2Fsocket", "No such file"),
                                ("ldapi://" + "%2Flong" * 30, "too long"),
                                ("ldap://[::1", "is not")):
            set_uri(registry, server)
            connector.refused(server, problem)


@test
def a_server_that_does_not_take_connections_is_given_up_in_time():
    with Registry() as registry, ExitStack() as stack, Connector(registry) as connector:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = f"127.0.0.1:{full.getsockname()[1]}"
        # The queue of those who wait is filled: no further one is answered.
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        listener, other = stack.enter_context(listening())
        set_uri(registry, f"ldap://{address} ldap://{other}")
        slow = connector.send(f"ldap://{address}", timeout=300)
        quick = connector.send(f"ldap://{other}")
        number, problem, connection = connector.receive()
        equal((number, problem), (quick, ""))
        connection.close()
        number, problem, _ = connector.receive()
        equal(number, slow)
        contains(problem, "timed out")


@test
def it_may_hold_as_many_sockets_as_are_asked_for():
    with Registry() as registry, Connector(registry) as connector:
        connector.refused("ldap://127.0.0.1:1", NOT_NAMED)
        limits = Path(f"/proc/{connector.process.pid}/limits").read_text()
        soft, hard = map(int, re.search(r"Max open files +(\d+) +(\d+)", limits).groups())
        equal(soft, min(65536, hard))


@test
def a_number_is_used_once_at_a_time():
    with Registry() as registry, ExitStack() as stack:
        registry.stop()
        connector = stack.enter_context(Connector(registry))
        connector.send("ldap://127.0.0.1:1", timeout=500, number=7)
        connector.send("ldap://127.0.0.1:2", timeout=500, number=7)
        equal(connector.receive()[:2], (7, "too many connections are being made"))
        equal(connector.receive()[0], 7)
        registry.start()


@test
def whoever_sends_anything_else_is_left():
    bad = [b"", bytes((message_kind("CONNECT"),)), bytes((message_kind("CONNECT"),)) + b"x" * 30,
           bytes((message_kind("LISTEN"),)), b"\xff"]
    with Registry() as registry:
        for message in bad[1:]:
            with Connector(registry) as connector:
                connector.channel.send(message)
                check(connector.has_ended(), f"{message} was taken")


def connectors_of(mail):
    return mail.roles().get("connector", [])


@test
def one_that_ends_is_replaced_for_the_next_login():
    with Mail(imap=False) as mail:
        mail.add_account("anna", "sesame")
        contains(mail.pop3_answer("anna", "sesame"), "+OK")
        equal(connectors_of(mail), [])
        with Slapd(mail) as slapd:
            slapd.add("ann", "sesame")
            slapd.become_broker("3")
            mail.choose("MBS_BASIC", "3")
            # It is there before anybody asks: regd may have gone by then.
            wait_until(lambda: len(connectors_of(mail)) == 1, "no connector is started")
            for _ in range(2):
                old = connectors_of(mail)[0]
                contains(mail.pop3_answer("ann", "wrong"), "[AUTH]")
                equal(connectors_of(mail), [old])
                slapd.restart()  # the connections are made anew
                ended = os.pidfd_open(old)
                signal.pidfd_send_signal(ended, signal.SIGKILL)
                select.select([ended], [], [], PATIENCE)
                os.close(ended)
                contains(mail.pop3_answer("ann", "wrong"), "[AUTH]")


@test
def one_that_hangs_is_replaced():
    with Mail(imap=False) as mail, Slapd(mail) as slapd:
        slapd.add("ann", "sesame")
        slapd.become_broker("3")
        mail.client.set(BROKERS + "\\3", "Timeout", REG_DWORD, 1000)
        mail.choose("MBS_BASIC", "3")
        contains(mail.pop3_answer("ann", "wrong"), "[AUTH]")
        (old,) = connectors_of(mail)
        freeze(old)
        slapd.restart()  # the connections are made anew
        contains(mail.pop3_answer("ann", "wrong"), "[SYS/TEMP]")
        wait_until(lambda: "[AUTH]" in mail.pop3_answer("ann", "wrong"), "another connector")
        contains(mail.process.output(), "the process that makes connections does not answer")
        # Nothing continues it: it is killed.
        wait_until(lambda: old not in connectors_of(mail), "the old one to end")


main()
