# SPDX-License-Identifier: MIT
"""mailauthctl on the server: usage, status, numbers, problems, holds, events and certificates."""

import json
import poplib
import pwd
import signal
import socket
import subprocess
import time
from contextlib import suppress

from harness import openmetrics
from harness.bus import wait_until
from harness.case import check, contains, equal, main, rows, test
from harness.mail import ACCOUNTS, IMAP, NAME, PARAMETERS, PATH, POP3, STORE, MailServer
from harness.process import PATIENCE, program
from harness.registry import REG_DWORD, REG_MULTI_SZ, REG_SZ, Registry
from harness.mailauthctl import FAILED, INVALID, NOT_FOUND, UNREACHABLE, USAGE, done, failed, set_broker


@rows([
    ("no verb", []),
    ("an unknown verb", ["reboot"]),
    ("an unknown option", ["--colour", "status"]),
    ("too many operands", ["status", "now"]),
    ("an unknown change", ["user", "rename", "anna"]),
    ("no name", ["user", "add"]),
    ("a name too many", ["user", "list", "anna"]),
    ("no broker", ["member", "list"]),
    ("a broker that is none", ["member", "--broker=3\\x", "list"]),
    ("a count below nothing", ["events", "-n", "-1"]),
    ("another verb's option", ["status", "--all"]),
    ("an option without what follows it", ["events", "--count"]),
    ("an option that is a flag", ["held", "--json=yes"]),
])
def wrong_usage_exits_with_2(words):
    with Registry() as registry:
        failed(registry, USAGE, *words)


@test
def who_is_not_there_is_unreachable():
    with Registry() as registry:
        for verb in ("status", "events", "reload-certificate"):
            failed(registry, UNREACHABLE, verb, naming="mailauthd can't be reached")
        registry.stop()
        failed(registry, UNREACHABLE, "user", "list", naming="regd")
        registry.start()
    failed_without_bus()


def failed_without_bus():
    result = subprocess.run([program("mailauth/mailauthctl/mailauthctl"), "--bus=unix:path=/nonexistent", "repair"],
                            capture_output=True, timeout=PATIENCE, check=False)
    equal(result.returncode, UNREACHABLE)


def read_minutes(registry):
    """How many logins ended so in the last hour, by GetCounts."""
    now, minutes = registry.client.connection.call_blocking(NAME, PATH, NAME, "GetCounts", "", (), timeout=PATIENCE)
    begins = [int(begin) for begin, _ in minutes]
    minute = 60_000_000
    equal(begins, [int(now) // minute * minute - ago * minute for ago in range(59, -1, -1)])
    total = {}
    for _, counts in minutes:
        for reason, number in counts.items():
            check(number > 0, "those that are none are left out")
            total[str(reason)] = total.get(reason, 0) + int(number)
    return total


@test
def status_says_what_is_decided_and_why():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        with server.pop3("anna", "sesame") as client:
            client.quit()
        status = json.loads(done(registry, "--json", "status"))
        equal((status["package"], status["broker"], status["source"], status["decision"], status["registry"]),
              ("native", "", "SAM", "ok", "live"))
        contains(status["why"], "MBS Package")
        contains(done(registry, "status", "--metrics"), "mailauth_decidable 1\n")
        equal(status["revision"], registry.client.revision)
        equal(status["counts"]["pop3.native.ok"], 1)
        check(f"POP3 127.0.0.1:{server.pop3_port}" in status["listeners"], f"{status['listeners']}")
        registry.client.set(STORE, "MBS Package", REG_SZ, "MBS_BASIC")
        text = done(registry, "status")
        contains(text, "package: membership\n")
        contains(text, "decision: no-broker\n")
        contains(done(registry, "status", "--metrics"), "mailauth_decidable 0\n")
        registry.client.unset(STORE, "MBS Package")
        registry.client.call("DeleteKey", "sa{sv}", ACCOUNTS, {"recursive": True})
        status = json.loads(done(registry, "--json", "status"))
        equal((status["package"], status["decision"], status["accounts"]),
              ("native", "accounts-missing", "accounts-missing"))
        contains(status["why"], "mailauthctl repair")
        contains(done(registry, "status", "--metrics"), "mailauth_decidable 0\n")


@test
def problems_name_everything_that_does_not_work():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        equal(json.loads(done(registry, "--json", "status"))["problems"], [])
        client, taken = registry.client, socket.create_server(("127.0.0.1", 0))
        busy = f"127.0.0.1:{taken.getsockname()[1]}"
        client.set(POP3, "Listen", REG_MULTI_SZ, [f"127.0.0.1:{server.pop3_port}", busy])
        client.set(POP3, "ListenTLS", REG_MULTI_SZ, [])
        client.set(POP3, "Mail Dirctory", REG_SZ, "")
        client.set(PARAMETERS, "Certificate", REG_SZ, "/nonexistent/mail.pem")
        client.set(PARAMETERS, "Auth Socket", REG_SZ, "/nonexistent/auth")
        client.set(f"{ACCOUNTS}\\pia", "Password", REG_SZ, "$9x$" + "A" * 43)
        client.set(f"{ACCOUNTS}\\locked", "Password", REG_SZ, "!")
        client.set(f"{ACCOUNTS}\\locked", "Bakend", REG_SZ, "")
        client.set(f"{ACCOUNTS}\\locked\\Passwords\\phone", "Zebra", REG_SZ, "")
        expected = ["ListenTLS: there is no such setting; did you mean 'Listen TLS'?",
                    "Mail Dirctory: there is no such setting; did you mean 'Mail Directory'?",
                    "no password can open the hash of pia ",
                    "\\locked, Bakend: no schema knows this value; did you mean 'Backend'?",
                    "\\locked\\Passwords\\phone, Zebra: no schema knows this value"]
        opened = [f"Listen: {busy}: Address already in use", "/nonexistent/mail.pem", "Auth Socket: /nonexistent/auth: "]
        problems = []

        def all_are_told():
            problems[:] = json.loads(done(registry, "--json", "status"))["problems"]
            return all(any(text in problem for problem in problems) for text in expected + opened)

        wait_until(all_are_told, f"the problems to be told: {problems}")
        equal(len(problems), len(expected + opened), f"{problems}")
        checked = registry.run(program("mailauth/mailauthd"), f"--bus={registry.bus.address}", "--check", uid=server.uid)
        equal(checked.returncode, 0, checked.stdout.decode())
        said = [line for line in checked.stdout.decode().splitlines() if line.startswith("problem: ")]
        for text in expected + opened:
            equal(sum(text in line for line in said), 1, text)
        taken.close()


def log_in(server, *words):
    """The event that came of it."""
    with suppress(poplib.error_proto), server.pop3(*words) as client:
        client.quit()
    return server.events(1)[0]["reason"]


@test
def numbers_are_told_by_protocol_package_and_reason():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        server.add_account("bert", "sesame", mailbox=False)
        (server.mail / "bert").touch()
        set_broker(registry, server, "7")
        done(registry, "member", "--broker=7", "add", "anna", password="other", uid=server.uid)
        for words, reason in ((("anna", "sesame"), "ok"), (("anna", "wrong"), "bad-password"),
                              (("bert", "sesame"), "no-mailbox"), (("anna", "sesame"), "ok")):
            equal(log_in(server, *words), reason)
        registry.client.set(STORE, "MBS Broker", REG_SZ, "7")
        registry.client.set(STORE, "MBS Package", REG_SZ, "MBS_BASIC")
        equal(log_in(server, "anna", "other"), "ok")
        done(registry, "test", "anna", password="other")

        status = json.loads(done(registry, "--json", "status"))
        equal(sorted((row["protocol"], row["package"], row["reason"], row["count"]) for row in status["logins"]),
              [("pop3", "membership", "ok", 1), ("pop3", "native", "bad-password", 1),
               ("pop3", "native", "no-mailbox", 1), ("pop3", "native", "ok", 2)])
        equal(read_minutes(registry), {"ok": 3, "bad-password": 1, "no-mailbox": 1})
        equal([(row["package"], row["broker"], row["count"]) for row in status["times"]],
              [("native", "SAM", 4), ("membership", "7", 1)])
        for row in status["times"]:
            check(0 < row["p50"] <= row["p99"] and row["sum"] >= row["p50"] * 7 // 8, f"{row}")
        contains(done(registry, "status"), "times:\n  {")
        check_metrics(openmetrics.parse(done(registry, "status", "--metrics")), status)


@test
def a_password_that_may_not_travel_is_counted_as_a_refused_login():
    with Registry() as registry, MailServer(registry) as server:
        registry.client.set(IMAP, "Clear Text", REG_SZ, "never")
        connection, stream = server.raw(server.imap_port)
        connection.sendall(b"a LOGIN anna sesame\r\nb LOGOUT\r\n")
        contains(stream.read().decode(), "a NO [PRIVACYREQUIRED]")
        connection.close()
        equal(json.loads(done(registry, "--json", "status"))["logins"],
              [{"protocol": "imap", "package": "native", "reason": "clear-text", "count": 1}])


def check_metrics(families, status):
    """The same numbers."""
    logins = families["mailauth_logins"]
    equal((logins.facts["TYPE"], logins.samples),
          ("counter", {("_total", tuple((name, row[name]) for name in ("package", "protocol", "reason"))): row["count"]
                       for row in status["logins"]}))
    times = families["mailauth_proof_seconds"]
    equal((times.facts["TYPE"], times.facts["UNIT"], len(times.samples)), ("summary", "seconds", 8))
    for row in status["times"]:
        who = ("broker", row["broker"]), ("package", row["package"])
        equal(times.samples["_count", who], row["count"])
        equal(times.samples["_sum", who], row["sum"] / 1e6)
        equal(times.samples["", (*who, ("quantile", "0.5"))], row["p50"] / 1e6)
        equal(times.samples["", (*who, ("quantile", "0.99"))], row["p99"] / 1e6)
    connections = families["mailauth_connections"].samples
    equal(len(connections), 4)
    equal(families["mailauth_decidable"].samples, {("", ()): 1})
    equal(families["mailauth_registry_live"].samples, {("", ()): 1})
    equal(families["mailauth_settings_revision"].samples, {("", ()): status["revision"]})
    equal(families["mailauth_events"].samples["_total", ()], status["counts"]["events"])


def hold_back(registry, server, threshold=2):
    """anna is locked from 127.0.0.1."""
    server.add_account("anna", "sesame")
    registry.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, threshold)
    for number in range(threshold):
        equal(log_in(server, "anna", f"wrong{number}"), "bad-password")
    equal(log_in(server, "anna", "sesame"), "held-back")


@rows([
    ("an account", "anna", "anna"),
    ("an account in another spelling", "ANNA", "ANNA"),
    ("an address", "127.0.0.1", "127.0.0.1"),
    ("an address in its IPv6 form", "::ffff:127.0.0.1", "::ffff:127.0.0.1"),
    ("everybody", "--all", ""),
])
def who_is_held_back_is_listed_and_let_go(operand, named):
    with Registry() as registry, MailServer(registry) as server:
        before = time.time()
        hold_back(registry, server)
        (held,) = json.loads(done(registry, "--json", "held"))
        equal((held["account"], held["address"], held["failures"]), ("anna", "127.0.0.1", 2))
        check(before + 299 < held["until"] / 1e6 < time.time() + 301, f"{held}")
        contains(done(registry, "held"), "anna from 127.0.0.1: 2 failures, until 20")
        failed(registry, NOT_FOUND, "release", "bert", naming="bert")
        equal(log_in(server, "anna", "sesame"), "held-back")
        equal(json.loads(done(registry, "--json", "release", operand)), {"released": 1})
        event = server.events(1)[0]
        equal((event["id"], event["reason"], event["user"]), (14007, "released", named))
        equal(done(registry, "held"), "")
        equal(log_in(server, "anna", "sesame"), "ok")
        failed(registry, USAGE, "release", naming="--all")
        failed(registry, USAGE, "release", "anna", "--all", naming="--all")
        failed(registry, INVALID, "release", "", naming="neither")


@test
def an_address_held_as_a_whole_is_listed_and_let_go():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        registry.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 2)
        registry.client.set(PARAMETERS, "Trusted Networks", REG_MULTI_SZ, [])
        for number in range(4):
            log_in(server, f"nobody{number}", "x")
        equal(log_in(server, "anna", "sesame"), "held-back")
        equal([(held["account"], held["address"], held["failures"])
               for held in json.loads(done(registry, "--json", "held"))], [("", "127.0.0.1", 4)])
        contains(done(registry, "held"), "everybody from 127.0.0.1: 4 failures")
        done(registry, "release", "127.0.0.1")
        equal(log_in(server, "anna", "sesame"), "ok")


@test
def a_failure_is_recorded_before_the_client_is_answered_and_while_it_stays():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        connection, stream = server.raw()
        for number in range(1, 4):
            connection.sendall(b"USER anna\r\nPASS wrong\r\n")
            equal((stream.readline()[:3], stream.readline()[:4]), (b"+OK", b"-ERR"))
            equal(json.loads(done(registry, "--json", "status"))["counts"]["pop3.native.bad-password"], number)
            equal([event["reason"] for event in server.events(10)], ["bad-password"] * number)
        connection.close()


@test
def events_are_listed_the_newest_last():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        with server.pop3("anna", "sesame") as client:
            client.quit()
        try:
            with server.pop3("anna", "wrong"):
                pass
        except Exception:  # poplib's own
            pass
        lines = done(registry, "events").splitlines()
        contains(lines[0], "MSExchangePOP3 11202 Success Audit reason=ok address=127.0.0.1 user=\"anna\" "
                           "method=PASS session=1: ")
        contains(lines[1], "11202 Failure Audit reason=bad-password")
        equal([event["reason"] for event in json.loads(done(registry, "--json", "events", "-n", "1"))],
              ["bad-password"])


@test
def events_are_followed():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        with server.pop3("anna", "sesame") as client:
            client.quit()
        child = subprocess.Popen([program("mailauth/mailauthctl/mailauthctl"), f"--bus={registry.bus.address}",
                                  "--json", "events", "--follow"], stdout=subprocess.PIPE)
        equal(json.loads(child.stdout.readline())["reason"], "ok")
        registry.client.set(STORE, "MBS Package", REG_SZ, "MBS_BASIC")
        equal(json.loads(child.stdout.readline())["reason"], "changed")
        child.terminate()
        child.stdout.close()
        child.wait(PATIENCE)


@test
def a_certificate_is_read_again():
    with Registry() as registry, MailServer(registry) as server:
        failed(registry, FAILED, "reload-certificate", naming="Certificate: it is not set")
        file = server.mail / "both.pem"
        make_certificate(file)
        registry.client.set(PARAMETERS, "Certificate", REG_SZ, str(file))
        done(registry, "reload-certificate")
        file.write_text("nonsense")
        failed(registry, FAILED, "reload-certificate", naming="Certificate")
        equal(server.events(1)[0]["id"], 13002)
        make_certificate(file)
        equal(json.loads(done(registry, "--json", "reload-certificate")), {"reloaded": True})


@test
def a_hangup_reads_certificates_again():
    with Registry() as registry, MailServer(registry) as server:
        file = server.mail / "both.pem"
        make_certificate(file)
        registry.client.set(PARAMETERS, "Certificate", REG_SZ, str(file))
        done(registry, "reload-certificate")

        def fingerprint():
            (pair,) = json.loads(done(registry, "--json", "status"))["certificates"]
            return pair["fingerprint"]

        old = fingerprint()
        make_certificate(file)
        equal(fingerprint(), old)
        server.process.signal(signal.SIGHUP)
        wait_until(lambda: fingerprint() != old, "the new certificate to be used")


def make_certificate(file):
    """Certificate and key in one file."""
    key = file.with_suffix(".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "1", "-subj", "/CN=localhost", "-keyout", key, "-out", file],
                   check=True, capture_output=True)
    file.write_text(file.read_text() + key.read_text())
    file.chmod(0o644)


def who(registry, key):
    """Entries in force, users by number."""
    entries = registry.client.call("GetAcl", "s", key)[1]
    found = set()
    for principal, level in entries:
        kind, _, name = principal.partition(":")
        if kind == "user" and not name.isdigit():
            name = str(pwd.getpwnam(name).pw_uid)
        found.add((f"{kind}:{name}" if name else kind, level))
    return found


main()
