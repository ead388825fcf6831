# SPDX-License-Identifier: MIT
"""Rows of mailauthd: logins and idle sessions beside Dovecot (bench-mail.py has the measurements),
and what it relays beside a direct connection and haproxy."""

import base64
import importlib
import shutil
import socket
import statistics
import time
from contextlib import ExitStack

from harness.case import Skip
from harness.dovecot import MASTER, PASSWORD as MASTER_PASSWORD, Dovecot, identify
from harness.haproxy import Haproxy, Way
from harness.mail import IMAP, MailServer
from harness.process import PATIENCE, program
from harness.registry import REG_SZ, Registry
from table import Row, compared, group, rounds_of

bench_mail = importlib.import_module("bench-mail")
MESSAGES, MESSAGE_BYTES = 50, 1000000
FETCHES = 4  # of all messages, a round
PIECE = 1 << 18
TAIL = 4096  # no answer ends with a longer line


def needs_dovecot():
    if not shutil.which("dovecot"):
        raise Skip("takes the packages dovecot-imapd and dovecot-pop3d")


def measured(options, *names):
    needs_dovecot()
    words = ["--rounds=1", "--seconds=1"] if options.quick else []
    with bench_mail.started(bench_mail.read_arguments(words)) as bench:
        for name in names:
            yield from bench_mail.BENCHES[name](bench)


@group("POP3 logins, SHA512-CRYPT")
def mail_hashes(options):
    yield from measured(options, "hashes")


@group("POP3 logins, a cheap hash", "POP3 logins, Verified Seconds", "POP3 logins, 1,000 users in turn")
def mail_cheap(options):
    yield from measured(options, "cheap", "many")


@group("POP3 logins, TLS, full handshakes", "POP3 logins, TLS, resumed")
def mail_tls(options):
    yield from measured(options, "tls")


@group("idle before login", "a login among 10,000 idle")
def mail_idle(options):
    yield from measured(options, "idle")


# ---- the relay ----

class Fetcher:
    """An IMAP session that fetches everything again and again. It reads bytes only: no client is to be what is
    measured."""

    def __init__(self, port, login):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.piece = bytearray(PIECE)
        self.socket.recv(PIECE)  # the greeting
        self.say(login)
        self.say("SELECT INBOX")

    def say(self, command):
        """Bytes of the answer."""
        self.socket.sendall(f"a {command}\r\n".encode())
        total, last = 0, b""
        while not (last.endswith(b"\r\n") and b"\r\na " in b"\r\n" + last):
            size = self.socket.recv_into(self.piece)
            if not size:
                raise SystemExit(f"{command}: the connection has ended")
            total += size
            last = (last + bytes(self.piece[max(0, size - TAIL):size]))[-TAIL:]
        if b"\r\na OK" not in b"\r\n" + last:
            raise SystemExit(f"{command}: {last!r}")
        return total

    def rate(self):
        """Bytes a second."""
        begun = time.perf_counter()
        total = sum(self.say(f"FETCH 1:{MESSAGES} (BODY.PEEK[])") for _ in range(FETCHES))
        return total / (time.perf_counter() - begun)


class Relayed:
    """A way to the messages, and the processor time of what relays them."""

    def __init__(self, port, login, pid=None):
        self.fetcher, self.pid, self.costs = Fetcher(port, login), pid, []

    def rate(self):
        before = bench_mail.processor_seconds([self.pid]) if self.pid else 0
        rate = self.fetcher.rate()
        if self.pid:
            self.costs.append((bench_mail.processor_seconds([self.pid]) - before) * 1e6 / (FETCHES * MESSAGES))
        return rate


def hand_over(registry, dovecot):
    """IMAP goes on at this Dovecot."""
    registry.run(program("mailauth/mailauthctl/mailauthctl"), f"--bus={registry.bus.address}", "repair")
    for name, text in (("Store", "backend"), ("Backend", f"imap+unix:{dovecot.socket}"), ("Backend Master User", MASTER),
                       ("Backend Master Password", MASTER_PASSWORD)):
        registry.client.set(IMAP, name, REG_SZ, text)


@group("relayed IMAP, bytes a second", "relayed IMAP, processor time")
def mail_relay(options):
    needs_dovecot()
    if not shutil.which("haproxy"):
        raise Skip("takes the package haproxy")
    with ExitStack() as stack:
        registry = stack.enter_context(Registry())
        server = stack.enter_context(MailServer(registry))
        dovecot = stack.enter_context(Dovecot(server))
        server.add_account("anna", "sesame")
        for number in range(MESSAGES):
            server.deliver("anna", f"Subject: {number}\n\n" + ("x" * 79 + "\n") * (MESSAGE_BYTES // 80))
        hand_over(registry, dovecot)
        proxy = stack.enter_context(Haproxy(server, Way(dovecot.port, "")))
        master = f"AUTHENTICATE PLAIN {base64.b64encode(identify('anna')).decode()}"
        direct = Relayed(dovecot.port, master)
        ours = Relayed(server.imap_port, "LOGIN anna sesame", server.process.pid)
        theirs = Relayed(proxy.ports[0], master, proxy.process.pid)
        direct.rate()  # Dovecot has the messages in memory from now on
        rates = rounds_of(options, direct.rate, ours.rate, theirs.rate)
        for way in (direct, ours, theirs):
            way.fetcher.socket.close()
        megabytes = [[rate / 1e6 for rate in each] for each in rates]
        yield compared("relayed IMAP, bytes a second", megabytes[1], "directly", megabytes[0], 0.9, "MB/s")
        yield compared("relayed IMAP, bytes a second, beside haproxy", megabytes[1], "haproxy", megabytes[2], None, "MB/s")
        cost, their_cost = statistics.median(ours.costs), statistics.median(theirs.costs)
        yield Row("relayed IMAP, processor time of a MB", cost, "us", "haproxy", their_cost, cost / max(their_cost, 1), 1.5, True)
