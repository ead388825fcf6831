#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Clients that come by a real HAProxy, with each form of its header: their own address counts."""

import imaplib
import poplib
import socket
import ssl
import struct
from contextlib import contextmanager, suppress

from harness.bus import wait_until
from harness.case import contains, equal, main, rows, test
from harness.certificates import new_context
from harness.certified import Server
from harness.dovecot import MASTER, PASSWORD, Dovecot
from harness.haproxy import ADDRESS, Haproxy, Way
from harness.mail import IMAP, PARAMETERS, POP3
from harness.mailauthctl import done
from harness.ports import free_ports
from harness.process import PATIENCE, program
from harness.registry import REG_DWORD, REG_MULTI_SZ, REG_SZ

CLIENT, OTHER = "127.0.0.7", "127.0.0.8"
FORMS = [("version 1", "send-proxy"), ("version 2", "send-proxy-v2"), ("version 2 with TLS", "send-proxy-v2-ssl")]
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


@contextmanager
def server_behind(*proxies):
    """A mail server with an account, behind proxies at these addresses."""
    with Server() as mail:
        mail.add_account("ann", "sesame")
        set_proxies(mail, *(proxies or [ADDRESS]))
        mail.status()  # the front has been told when this is answered
        yield mail


def set_proxies(mail, *networks):
    mail.client.set(PARAMETERS, "Proxy Networks", REG_MULTI_SZ, list(networks))


def pop3_answer(port, name="ann", password="sesame", source=CLIENT):
    """What a login is answered; "" if the connection ends without a word."""
    try:
        client = poplib.POP3("127.0.0.1", port, timeout=PATIENCE) if source is None else Pop3(port, source)
        client.user(name)
        answer = client.pass_(password).decode()
        client.quit()
        return answer
    except (poplib.error_proto, OSError) as problem:
        return str(problem)


class Pop3(poplib.POP3):
    """A client that comes from an address of its own; context: it begins with TLS."""

    def __init__(self, port, source, context=None):
        self.source, self.context = source, context
        super().__init__("127.0.0.1", port, PATIENCE)

    def _create_socket(self, timeout):
        raw = socket.create_connection((self.host, self.port), timeout, (self.source, 0))
        return self.context.wrap_socket(raw) if self.context else raw

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with suppress(poplib.error_proto, OSError):
            self.quit()  # the mailbox is free for the next then
        self.close()


class Imap(imaplib.IMAP4):
    """The same, of IMAP."""

    def __init__(self, port, source):
        self.source = source
        super().__init__("127.0.0.1", port, PATIENCE)

    def _create_socket(self, timeout):
        return socket.create_connection((self.host, self.port), timeout, (self.source, 0))


def newest(mail, *facts):
    return tuple(mail.events(1)[0][fact] for fact in facts)


# ---- HAProxy ----


@rows(FORMS)
def the_clients_address_counts(form):
    with server_behind() as mail, Haproxy(mail, Way(mail.pop3_port, form), Way(mail.imap_port, form)) as proxy:
        contains(pop3_answer(proxy.ports[0]), "+OK")
        equal(newest(mail, "reason", "address", "tls"), ("ok", CLIENT, ""))
        with suppress(imaplib.IMAP4.error):  # there is no server behind
            Imap(proxy.ports[1], OTHER).login("ann", "wrong")
        equal(newest(mail, "reason", "address", "source"), ("bad-password", OTHER, "MSExchangeIMAP4"))


@rows(FORMS)
def the_header_comes_before_tls(form):
    with server_behind() as mail:
        mail.set_pair(mail.pair("default"))
        mail.taken()
        with Haproxy(mail, Way(mail.pop3s_port, form)) as proxy:
            client = Pop3(proxy.ports[0], CLIENT, new_context())
            client.user("ann")
            contains(client.pass_("sesame").decode(), "+OK")
            equal(newest(mail, "address", "tls"), (CLIENT, "TLSv1.3"))
            contains(done(mail.registry, "who"), CLIENT)
            client.quit()


@rows([("told", "send-proxy-v2-ssl", "+OK", ("ok", CLIENT, "TLSv1.2")),
       ("not told", "send-proxy-v2", "PRIVACY", ("clear-text", CLIENT, ""))])
def tls_that_ends_at_the_proxy(form, answer, event):
    with server_behind() as mail:
        pair = mail.pair("proxy")
        both = mail.directory / "both.pem"
        both.write_text(pair.file.read_text() + pair.key.read_text())
        mail.client.set(POP3, "Clear Text", REG_SZ, "never")
        mail.status()
        with Haproxy(mail, Way(mail.pop3_port, form, f"ssl crt {both}")) as proxy:
            client = Pop3(proxy.ports[0], CLIENT, new_context(ssl.TLSVersion.TLSv1_2))
            if answer == "+OK":
                client.user("ann")
                contains(client.pass_("sesame").decode(), answer)
            else:
                with suppress(poplib.error_proto):
                    client.user("ann")
            equal(newest(mail, "reason", "address", "tls"), event)
            client.close()


@rows(FORMS)
def health_checks_are_no_fault(form):
    with server_behind() as mail:
        mail.set_pair(mail.pair("default"))
        mail.taken()
        ways = [Way(port, f"{form} check inter 20ms") for port in (mail.pop3_port, mail.pop3s_port)]
        with Haproxy(mail, *ways) as proxy:
            wait_until(lambda: proxy.count_checks() == {"L4OK": 2}, "both ports to be checked")
            contains(pop3_answer(proxy.ports[0]), "+OK")
        reasons = {event["reason"] for event in mail.events(100)} - {"certificate-doubtful"}
        equal(reasons, {"ok"})


@test
def limits_and_holds_are_of_the_clients_address():
    with server_behind() as mail, Haproxy(mail, Way(mail.pop3_port, "send-proxy")) as proxy:
        port = proxy.ports[0]
        mail.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 3)
        mail.client.set(PARAMETERS, "Trusted Networks", REG_MULTI_SZ, [])  # nor are those of loopback
        for number in range(6):
            contains(pop3_answer(port, f"nobody{number}", f"guess {number}"), "[AUTH]")
        contains(pop3_answer(port), "[AUTH]")
        equal(newest(mail, "reason", "address"), ("held-back", CLIENT))
        contains(done(mail.registry, "held"), CLIENT)
        contains(pop3_answer(port, source=OTHER), "+OK")
        mail.client.set(POP3, "Max Connections Per Address", REG_DWORD, 1)
        mail.status()
        one = Pop3(port, OTHER)
        contains(pop3_answer(port, source=OTHER), "Too many connections")
        equal(newest(mail, "reason", "address"), ("too-many-connections", OTHER))
        one.quit()


# ---- clients that tell where their own clients are ----


TOLD = "203.0.113.9"
TELLS = [("POP3", "pop3_port", [b"XCLIENT ADDR=203.0.113.9 PORT=4711", b"AUTH PLAIN AGFubgBubw=="]),
         ("IMAP", "imap_port", [b'a ID ("x-originating-ip" "203.0.113.9" "x-originating-port" "4711")',
                                b"b AUTHENTICATE PLAIN AGFubgBubw=="])]


def tell(mail, port, lines):
    """The event of a login by these lines."""
    before = len(mail.events(1000))
    with socket.create_connection(("127.0.0.1", getattr(mail, port)), PATIENCE) as client:
        client.sendall(b"\r\n".join(lines) + b"\r\n")
        wait_until(lambda: len(mail.events(1000)) > before, "the event")
        return mail.events(1)[0]


@rows(TELLS)
def a_trusted_clients_word_counts(port, lines):
    with Server() as mail:
        mail.add_account("ann", "sesame")
        # By the address that was told a password may not travel without TLS.
        event = tell(mail, port, lines)
        equal((event["reason"], event["address"]), ("clear-text", TOLD))
        for key in (POP3, IMAP):
            mail.client.set(key, "Clear Text", REG_SZ, "always")
        mail.status()
        event = tell(mail, port, lines)
        equal((event["method"], event["address"]), ("PLAIN", TOLD))
        # Each change counts at once, in both ways.
        for _ in range(5):
            mail.client.set(PARAMETERS, "Trusted Networks", REG_MULTI_SZ, ["192.0.2.1"])
            mail.status()
            equal(tell(mail, port, lines)["address"], "127.0.0.1")
            mail.client.set(PARAMETERS, "Trusted Networks", REG_MULTI_SZ, ["192.0.2.0/24", "127.0.0.1"])
            equal(tell(mail, port, lines)["address"], TOLD)


@test
def nobody_else_is_held_for_a_webmails_user():
    with Server() as mail:
        mail.add_account("ann", "sesame")
        for name, number in (("Lockout Threshold", 2), ("Failures Per Account", 0)):
            mail.client.set(PARAMETERS, name, REG_DWORD, number)
        mail.client.set(POP3, "Clear Text", REG_SZ, "always")
        mail.status()
        answers = {}
        for number, address in enumerate((TOLD, TOLD, TOLD, "203.0.113.10")):
            password = "sesame" if number > 1 else f"guess{number}"
            with Pop3(mail.pop3_port, ADDRESS) as client:
                client._shortcmd(f"XCLIENT ADDR={address}")
                client.user("ann")
                with suppress(poplib.error_proto):
                    client.pass_(password)
            answers[address] = newest(mail, "reason", "address")
        equal(answers, {TOLD: ("held-back", TOLD), "203.0.113.10": ("ok", "203.0.113.10")})
        contains(pop3_answer(mail.pop3_port, source=ADDRESS), "+OK")


@rows([("POP3", POP3, "pop3s"), ("IMAP", IMAP, "imaps")])
def the_server_behind_logs_the_clients_address(key, scheme):
    with server_behind() as mail:
        (pop3s_port,) = free_ports(1)
        with Dovecot(mail, "--trusted=127.0.0.1", f"--pop3s={pop3s_port}") as dovecot:
            done(mail.registry, "repair")
            ports = {"pop3s": (pop3s_port, mail.pop3_port), "imaps": (dovecot.tls_port, mail.imap_port)}
            mail.client.set(PARAMETERS, "Backend CA File", REG_SZ, str(dovecot.directory / "certificate"))
            for name, text in (("Store", "backend"), ("Backend Master User", MASTER),
                               ("Backend Master Password", PASSWORD), ("Backend", f"{scheme}://127.0.0.1:{ports[scheme][0]}")):
                mail.client.set(key, name, REG_SZ, text)
            with Haproxy(mail, Way(ports[scheme][1], "send-proxy-v2")) as proxy:
                if key == POP3:
                    contains(pop3_answer(proxy.ports[0]), "+OK")
                else:
                    client = Imap(proxy.ports[0], CLIENT)
                    equal(client.login("ann", "sesame")[0], "OK")
                    client.logout()
                equal(newest(mail, "reason", "address"), ("ok", CLIENT))
                log = dovecot.directory / "messages"
                # "Login:" of Dovecot 2.3, "Logged in:" of 2.4
                wait_until(lambda: f": user=<ann>, method=PLAIN, rip={CLIENT}," in log.read_text(), "Dovecot's line")


# ---- without HAProxy ----


@test
def without_a_header_the_connection_is_closed():
    with server_behind() as mail:
        for words in (b"USER ann\r\n", SIGNATURE + b"\x21\x11\xff\xff" + b"x" * 65535, b"PROXY TCP4 a b c d\r\n"):
            with socket.create_connection(("127.0.0.1", mail.pop3_port), PATIENCE) as client:
                client.sendall(words)
                equal(client.recv(100), b"")
            equal(newest(mail, "id", "type", "reason", "address"), (14016, "Warning", "proxy-header", ADDRESS))
        # Elsewhere nothing has changed.
        with socket.create_connection(("127.0.0.1", mail.pop3_port), PATIENCE, (OTHER, 0)) as client:
            contains(client.recv(100).decode(), "+OK")


@test
def a_header_from_elsewhere_ends_the_session():
    with server_behind("192.0.2.0/24") as mail, Haproxy(mail, *(Way(mail.pop3_port, form) for _, form in FORMS)) as proxy:
        for port in proxy.ports:
            contains(pop3_answer(port), "No proxy is expected")
            equal(newest(mail, "reason", "address"), ("proxy-header", ADDRESS))


@rows(FORMS)
def a_proxy_that_was_set_counts_at_once(form):
    with server_behind("192.0.2.0/24") as mail:
        mail.set_pair(mail.pair("default"))
        mail.taken()
        with Haproxy(mail, Way(mail.pop3_port, form), Way(mail.pop3s_port, form)) as proxy:
            for port, context in list(zip(proxy.ports, (None, new_context()))) * 3:
                set_proxies(mail, "192.0.2.0/24")
                mail.status()
                set_proxies(mail, ADDRESS)
                client = Pop3(port, CLIENT, context)
                client.user("ann")
                contains(client.pass_("sesame").decode(), "+OK")
                equal(newest(mail, "reason", "address"), ("ok", CLIENT))
                client.quit()


@test
def a_header_may_come_in_pieces_and_with_what_nobody_knows():
    additions = b"".join(struct.pack(">BH", kind, 7) + b"unknown" for kind in (0x01, 0x05, 0xe0, 0xee, 0xff))
    addresses = socket.inet_aton("203.0.113.9") + socket.inet_aton("192.0.2.1") + struct.pack(">HH", 40000, 110)
    binary = SIGNATURE + b"\x21\x11" + struct.pack(">H", len(addresses + additions)) + addresses + additions
    with server_behind() as mail:
        for header in (binary, b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 110\r\n"):
            with socket.create_connection(("127.0.0.1", mail.pop3_port), PATIENCE) as client:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for at in range(len(header)):
                    client.sendall(header[at:at + 1])
                contains(client.recv(100).decode(), "+OK")
                client.sendall(b"AUTH PLAIN AGFubgBubw==\r\n")
                client.recv(100)
            wait_until(lambda: newest(mail, "address") == ("203.0.113.9",), "the event")


# ---- the setting ----


@test
def what_is_no_network_is_trusted_by_nobody():
    with Server() as mail:
        mail.add_account("ann", "sesame")
        mail.client.set(POP3, "Clear Text", REG_SZ, "always")
        mail.client.set(PARAMETERS, "Trusted Networks", REG_MULTI_SZ, ["127.0.0.0/33"])
        mail.status()
        contains(str(mail.status()["problems"]), "Trusted Networks: '127.0.0.0/33'")
        equal(tell(mail, *TELLS[0][1:])["address"], "127.0.0.1")


@test
def what_is_no_network_is_a_problem_and_believed_nowhere():
    with server_behind("127.0.0.0/33", "192.0.2.1") as mail, Haproxy(mail, Way(mail.pop3_port, "send-proxy")) as proxy:
        contains(str(mail.status()["problems"]), "Proxy Networks: '127.0.0.0/33'")
        result = mail.registry.run(program("mailauth/mailauthd"), f"--bus={mail.registry.bus.address}", "--check",
                                   uid=mail.uid)
        contains(result.stdout.decode(), "Proxy Networks: '127.0.0.0/33'")
        contains(pop3_answer(proxy.ports[0]), "No proxy is expected")
        set_proxies(mail, "127.0.0.0/24", "2001:db8::/32")
        equal([problem for problem in mail.status()["problems"] if "Networks" in problem], [])
        contains(pop3_answer(proxy.ports[0]), "+OK")


main()
