# SPDX-License-Identifier: MIT
"""Certificates: the pair that each client gets, and pairs that can't be used."""

import os
import signal
import ssl

import dbus

from harness import openmetrics
from harness.bus import is_root, wait_until
from harness.case import check, contains, equal, main, rows, test
from harness.certificates import RSA, Client, Pair, new_context, openssl, shown
from harness.mail import PARAMETERS
from harness.process import program
from harness.registry import REG_SZ
from harness.certified import HOSTS, Server
from harness.freeze import freeze

TLS2, TLS3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@test
def the_name_that_is_asked_for_chooses():
    with Server() as mail:
        default, exact, wild = mail.pair("default"), mail.pair("mail.example.org"), mail.pair("wild")
        mail.set_pair(default)
        mail.set_pair(exact, "Mail.Example.ORG")
        mail.set_pair(wild, "*.example.org")
        mail.taken()
        for host, pair in ((None, default), ("", default), ("mail.example.org", exact), ("MAIL.example.ORG", exact),
                           ("imap.example.org", wild), ("a.mail.example.org", default), ("example.org", default),
                           ("mail.example.com", default), ("xn--bcher-kva.example.org", wild)):
            mail.shows(pair, host or None)
        # By STLS as well, and with a dot at the end, which Python does not send.
        with mail.pop3_talk() as client:
            client.expect("+OK")
            client.ask("STLS", "+OK")
            client.socket = new_context().wrap_socket(client.socket, server_hostname="mail.example.org")
            equal(client.socket.getpeercert(binary_form=True), exact.der)
        contains(mail.begin_tls("-servername", "mail.example.org."), "CN=mail.example.org")


@test
def a_host_comes_and_goes_while_others_stay():
    with Server() as mail:
        default, host = mail.pair("default"), mail.pair("mail.example.org")
        mail.set_pair(default)
        mail.taken()
        mail.shows(default, "mail.example.org")
        with Client(mail.pop3s_port, "mail.example.org") as before:
            mail.set_pair(host, "mail.example.org")
            mail.taken()
            mail.shows(host, "mail.example.org")
            mail.client.delete(f"{HOSTS}\\mail.example.org")
            mail.taken()
            mail.shows(default, "mail.example.org")
            equal(list(mail.certificates()), [("", "Certificate")])
            contains(before.ask("CAPA"), "+OK")


@rows([
    ("a dot at its end", "mail.example.org.", "without a dot"),
    ("two stars", "*.*.example.org", "the whole of the first label"),
    ("half a label", "mail*.example.org", "the whole of the first label"),
    ("letters outside ASCII", "bücher.example.org", "'xn--bcher-kva.example.org'"),
    ("an address", "192.0.2.1", "addresses"),
    ("an underscore and a blank", "a b.example.org", "letters, digits and hyphens"),
])
def a_name_that_is_none_is_told(name, problem):
    with Server() as mail:
        default, good, pair = mail.pair("default"), mail.pair("good"), mail.pair("bad")
        mail.set_pair(default)
        mail.set_pair(good, "good.example.org")
        mail.set_pair(pair, name)
        mail.taken()
        event = next(event for event in mail.events(10) if event["id"] == 14004)
        contains(event["description"], problem)
        contains(event["description"], f"Certificates\\{name}")
        mail.shows(good, "good.example.org")
        mail.shows(default, "mail.example.org")


@test
def each_client_gets_the_algorithm_that_it_knows():
    with Server() as mail:
        ec, rsa = mail.pair("ec"), mail.pair("rsa", algorithm=RSA)
        mail.set_pair(rsa)
        mail.set_pair(ec, kind="Alternative ")
        mail.taken()
        mail.shows(ec)
        mail.shows(ec, context=new_context(TLS2))
        mail.shows(ec, context=new_context(TLS2, "ECDHE+ECDSA"))
        mail.shows(rsa, context=new_context(TLS2, "ECDHE+aRSA"))
        contains(mail.begin_tls("-tls1_3", "-sigalgs", "RSA-PSS+SHA256"), "CN=rsa")
        contains(mail.begin_tls("-tls1_3", "-sigalgs", "ECDSA+SHA256"), "CN=ec")
        # The other way round, and by a host's own.
        mail.set_pair(ec, "mail.example.org")
        mail.set_pair(rsa, "mail.example.org", "Alternative ")
        mail.taken()
        mail.shows(rsa, "mail.example.org", new_context(TLS2, "ECDHE+aRSA"))
        mail.shows(ec, "mail.example.org")
        # One that goes leaves the other.
        mail.client.unset(PARAMETERS, "Alternative Certificate")
        mail.taken()
        mail.shows(rsa)


@test
def two_of_one_algorithm_are_told():
    with Server() as mail:
        first, second = mail.pair("first"), mail.pair("second")
        mail.set_pair(first)
        mail.set_pair(second, kind="Alternative ")
        mail.taken()
        mail.shows(first)
        event = mail.events()[0]
        equal((event["id"], event["type"], event["reason"]), (14008, "Warning", "certificate-doubtful"))
        contains(event["description"], "Alternative Certificate: it is of the same algorithm as 'Certificate'")


def is_unreadable(pair):
    pair.file.unlink()
    pair.file.mkdir()


def is_encrypted(pair):
    text = openssl("pkey", "-in", pair.key, "-aes256", "-passout", "pass:secret")
    pair.key.write_bytes(text)


def is_anothers(pair):
    other = Pair(pair.file.parent, "another")
    pair.key.write_bytes(other.key.read_bytes())


def is_weak(pair):
    openssl("req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=weak", "-days", 2, "-keyout", pair.key,
            "-out", pair.file)


def chain_is_cut(pair):
    text = pair.file.read_text()
    pair.file.write_text(text + text[:len(text) // 2])


def is_shut(pair):
    """Also for an ordinary user, who runs the server and owns the file."""
    pair.key.chmod(0o600 if is_root() else 0)


BAD = [
    ("the key of another", is_anothers, "belongs to another certificate"),
    ("garbage for a certificate", lambda pair: pair.file.write_text("garbage"), "there is none in the file"),
    ("garbage for a key", lambda pair: pair.key.write_bytes(os.urandom(5000)), "the private key: "),
    ("an empty certificate", lambda pair: pair.file.write_text(""), "there is none in the file"),
    ("a missing certificate", lambda pair: pair.file.unlink(), "No such file"),
    ("a missing key", lambda pair: pair.key.unlink(), "Private Key: "),
    ("a folder", is_unreadable, "no regular file"),
    ("no right to read", is_shut, "Permission denied"),
    ("an encrypted key", is_encrypted, "it is encrypted"),
    ("a weak key", is_weak, "key too small"),
    ("half a chain", chain_is_cut, "the certificate's chain: "),
    ("too large a file", lambda pair: pair.file.write_bytes(b"x" * 300_000), "too large"),
    ("base64 that is no key", lambda pair: pair.key.write_text(
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "the private key: "),
]


@rows(BAD)
def a_bad_pair_touches_nobody_else(spoil, problem):
    with Server() as mail:
        default, host, other = mail.pair("default"), mail.pair("host"), mail.pair("other")
        mail.set_pair(default)
        mail.set_pair(host, "host.example.org")
        mail.set_pair(other, "other.example.org")
        mail.taken()
        old, fingerprint = host.der, host.fingerprint
        spoil(host)
        told = mail.reload()
        contains(told, problem)
        contains(told, "Certificates\\host.example.org, ")
        event = mail.events()[0]
        equal((event["id"], event["reason"]), (13002, "no-certificate"))
        contains(event["description"], problem)
        equal(shown(mail.pop3s_port, "host.example.org"), old)
        mail.shows(default)
        mail.shows(other, "other.example.org")
        row = mail.certificates()["host.example.org", "Certificate"]
        equal(row["fingerprint"], fingerprint)
        contains(row["problem"], problem)
        # Another one is taken at once, and nothing is wrong any more.
        mail.set_pair(mail.pair("new"), "host.example.org")
        mail.taken()
        check("problem" not in mail.certificates()["host.example.org", "Certificate"], "a problem that is none")


def certificate_events(mail):
    return [event for event in mail.events(100) if event["id"] == 13002]


@rows([("the certificate first", ("Certificate", "Private Key")), ("the key first", ("Private Key", "Certificate"))])
def a_pair_is_exchanged_one_by_one(names):
    with Server() as mail:
        old, new = mail.pair("old"), mail.pair("new")
        files = {"Certificate": str(new.file), "Private Key": str(new.key)}
        mail.set_pair(old)
        mail.taken()
        for name in names:
            mail.shows(old)
            mail.client.set(PARAMETERS, name, REG_SZ, files[name])
            if name == names[0]:
                wait_until(lambda: "problem" in mail.certificates()["", "Certificate"], "the status to tell of it")
        wait_until(lambda: shown(mail.pop3s_port) == new.der, "the new one to be shown")
        check("problem" not in mail.certificates()["", "Certificate"], "a problem that is none")
        # What is asked for again is reported at once.
        mail.taken()
        equal(certificate_events(mail), [])


@test
def a_pair_that_goes_on_not_to_fit_is_an_event():
    with Server() as mail:
        old, new = mail.pair("old"), mail.pair("new")
        mail.set_pair(old)
        mail.taken()
        for name, file in (("Certificate", new.file), ("Private Key", old.file)):
            before = len(certificate_events(mail))
            mail.client.set(PARAMETERS, name, REG_SZ, str(file))
            wait_until(lambda: len(certificate_events(mail)) > before, "the event")
            equal(certificate_events(mail)[0]["reason"], "no-certificate")
            mail.shows(old)


@test
def a_bad_default_leaves_the_hosts():
    with Server() as mail:
        host = mail.pair("mail.example.org")
        mail.client.set(PARAMETERS, "Certificate", REG_SZ, "/nonexistent.pem")
        mail.set_pair(host, "mail.example.org")
        contains(mail.reload(), "Certificate: /nonexistent.pem: No such file")
        mail.shows(host, "mail.example.org")
        try:
            shown(mail.pop3s_port, "mail.example.com")
        except ssl.SSLError as problem:
            contains(str(problem).lower().replace("_", " "), "unrecognized name")
        else:
            raise AssertionError("there is a certificate for all")
        wait_until(lambda: mail.events()[0]["reason"] == "no-certificate" and mail.events()[0]["source"] == "MSExchangePOP3",
                 "the event of a client that could not be served")


@rows([
    ("expired", {"days": -1}, None, "expired on "),
    ("for another host", {"hosts": ["www.example.org"]}, "mail.example.org", "is not for 'mail.example.org'"),
    ("for one label of many", {"hosts": ["mail.example.org"]}, "*.example.org", "is not for '*.example.org'"),
    ("fit", {"hosts": ["mail.example.org"]}, "mail.example.org", ""),
    ("fit for all", {"hosts": ["*.example.org"]}, "*.example.org", ""),
])
def what_clients_may_refuse_is_used_and_told(options, host, doubt):
    with Server() as mail:
        pair = mail.pair("doubtful", **options)
        mail.set_pair(pair, host)
        mail.taken()
        mail.shows(pair, host.replace("*", "mail") if host else None)
        row = mail.certificates()[host or "", "Certificate"]
        contains(row.get("doubt", ""), doubt)
        equal([event["id"] for event in mail.events(10) if event["id"] == 14008], [14008] if doubt else [])


# ---- the server's own life ----


@test
def a_new_front_has_them_before_it_serves():
    with Server() as mail:
        default, host = mail.pair("default"), mail.pair("mail.example.org")
        mail.set_pair(default)
        mail.set_pair(host, "mail.example.org")
        mail.taken()
        front = mail.roles()["front"][0]
        os.kill(front, signal.SIGKILL)
        wait_until(lambda: mail.roles().get("front", [front]) != [front], "a new front")
        mail.shows(host, "mail.example.org")
        mail.shows(default)


@test
def a_new_verifier_takes_away_what_is_not_set():
    with Server() as mail:
        default, host = mail.pair("default"), mail.pair("mail.example.org")
        mail.set_pair(default)
        mail.set_pair(host, "mail.example.org")
        mail.taken()
        verifier = mail.roles()["verifier"][0]
        freeze(verifier)
        mail.client.delete(f"{HOSTS}\\mail.example.org")
        os.kill(verifier, signal.SIGKILL)
        wait_until(lambda: mail.roles().get("verifier", [verifier]) != [verifier], "a new verifier")
        wait_until(lambda: shown(mail.pop3s_port, "mail.example.org") == default.der, "the host to be forgotten")
        mail.taken()
        equal(list(mail.certificates()), [("", "Certificate")])


def says_that_regd_is_away(mail):
    """FALSE while there is no verifier, too."""
    try:
        return any("regd has not answered yet" in event["description"] for event in mail.events(10))
    except dbus.DBusException:
        return False


@test
def without_regd_all_stay():
    with Server() as mail:
        mail.add_account("ann", "sesame")
        host = mail.pair("mail.example.org")
        mail.set_pair(mail.pair("default"))
        mail.set_pair(host, "mail.example.org")
        mail.taken()
        mail.registry.stop()
        front = mail.roles()["front"][0]
        os.kill(front, signal.SIGKILL)
        wait_until(lambda: mail.roles().get("front", [front]) != [front], "a new front")
        mail.shows(host, "mail.example.org")
        # Nor does a verifier that knows nothing yet take anything away.
        verifier = mail.roles()["verifier"][0]
        os.kill(verifier, signal.SIGKILL)
        wait_until(lambda: says_that_regd_is_away(mail), "a new verifier")
        mail.shows(host, "mail.example.org")
        equal(mail.pop3_answer("ann", "sesame"), "-ERR [SYS/TEMP] Temporary authentication failure.")
        mail.registry.start()
        wait_until(lambda: mail.pop3_answer("ann", "sesame") == "+OK Logged in.", "regd's return")


@test
def many_hosts_are_served():
    with Server() as mail:
        default, host, last = mail.pair("default"), mail.pair("host"), mail.pair("last")
        mail.set_pair(default)
        for start in range(0, 999, 111):
            keys = [f"{HOSTS}\\h{number:04}.example.org" for number in range(start, start + 111)]
            mail.client.commit([("set-value", key, name, REG_SZ, str(file)) for key in keys
                                for name, file in (("Private Key", host.key), ("Certificate", host.file))])
        mail.set_pair(last, "zz.example.org")
        mail.taken()
        for name, pair in (("h0000", host), ("h0998", host), ("zz", last), ("h0999", default)):
            mail.shows(pair, f"{name}.example.org")
        equal(len(mail.certificates()), 1001)
        mail.set_pair(last, "zzz.example.org")
        wait_until(lambda: "there are 1001 hosts" in mail.events()[0]["description"], "the event")
        mail.shows(default, "zzz.example.org")


# ---- numbers ----


@test
def operators_see_them_all():
    with Server() as mail:
        rsa, host = mail.pair("rsa", algorithm=RSA), mail.pair("mail.example.org", ["mail.example.org"])
        mail.set_pair(rsa)
        mail.set_pair(host, "mail.example.org")
        mail.client.set(f"{HOSTS}\\bad.example.org", "Certificate", REG_SZ, "/nonexistent.pem")
        contains(mail.reload(), "/nonexistent.pem")
        table = mail.certificates()
        row = table["mail.example.org", "Certificate"]
        end = int(ssl.cert_time_to_seconds(openssl("x509", "-in", host.file, "-noout", "-enddate")
                                           .decode().strip().removeprefix("notAfter=")))
        equal((row["file"], row["subject"], row["algorithm"], row["fingerprint"], row["not_after"]),
              (str(host.file), "CN=mail.example.org", "EC P-256", host.fingerprint, end))
        equal(table["", "Certificate"]["algorithm"], "RSA 2048")
        equal(sorted(table["bad.example.org", "Certificate"]), ["file", "host", "problem", "setting"])
        families = openmetrics.parse(mail.control("status", "--metrics")[1])

        def labels(name):
            return "", (("host", name), ("setting", "Certificate"))

        expiry = families["mailauth_certificate_not_after_timestamp_seconds"].samples
        equal((len(expiry), expiry[labels("mail.example.org")]), (2, end))
        equal(families["mailauth_certificate_usable"].samples,
              {labels(""): 1, labels("bad.example.org"): 0, labels("mail.example.org"): 1})
        said = mail.registry.run(program("mailauth/mailauthd"), f"--bus={mail.registry.bus.address}", "--check",
                                 uid=mail.uid).stdout.decode()
        contains(said, f"Certificate: {rsa.file}\n")
        contains(said, f"Certificate of mail.example.org: {host.file}\n")
        text = mail.control("status")[1]
        contains(text, f"certificate: {rsa.file}\n")
        contains(text, "CN=mail.example.org")


main()
