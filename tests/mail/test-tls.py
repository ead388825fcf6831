# SPDX-License-Identifier: MIT
"""TLS itself: sessions that are resumed, versions and ciphers, renegotiation."""

import ssl
import subprocess

from harness.bus import wait_until
from harness.case import check, contains, equal, main, rows, test
from harness.certificates import RSA, Client, new_context, resume
from harness.certified import Server
from harness.mail import PARAMETERS
from harness.process import PATIENCE
from harness.registry import REG_SZ

TLS2, TLS3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


# ---- resumption ----


@rows([("TLS 1.2", TLS2), ("TLS 1.3", TLS3)])
def sessions_are_resumed(version):
    with Server() as mail:
        default, host = mail.pair("default"), mail.pair("mail.example.org", ["mail.example.org"])
        mail.set_pair(default)
        mail.set_pair(host, "mail.example.org")
        mail.taken()
        context, port = new_context(version), mail.pop3s_port
        check(resume(port, None, None, context), "not resumed")
        check(resume(port, "mail.example.org", "mail.example.org", context), "not resumed by name")
        check(not resume(port, None, "mail.example.org", context), "a session of all is one of a host")
        check(not resume(port, "mail.example.org", None, context), "a session of a host is one of all")
        # By the same certificate as before, and by another.
        with Client(port, "mail.example.org", context) as client:
            session = client.socket.session
        mail.taken()
        with Client(port, "mail.example.org", context, session) as client:
            check(client.socket.session_reused, "forgotten although nothing has changed")
            session = client.socket.session
        host.take(mail.pair("renewed"))
        mail.taken()
        with Client(port, "mail.example.org", context, session) as client:
            check(not client.socket.session_reused, "resumed although the certificate has changed")
            equal(client.certificate, host.der)


@rows([("TLS 1.2", "-tls1_2"), ("TLS 1.3", "-tls1_3")])
def openssls_client_resumes(version):
    with Server() as mail:
        mail.set_pair(mail.pair("default"))
        mail.taken()
        session = mail.directory / "session"
        contains(mail.begin_tls(version, "-sess_out", session), "New, ")
        contains(mail.begin_tls(version, "-sess_in", session), "Reused, ")


@test
def a_session_that_is_resumed_still_logs_in():
    with Server() as mail:
        mail.add_account("ann", "sesame")
        mail.set_pair(mail.pair("default"))
        mail.taken()
        context = new_context()
        with Client(mail.pop3s_port, None, context) as client:
            session = client.socket.session
        with Client(mail.pop3s_port, None, context, session) as client:
            check(client.socket.session_reused, "not resumed")
            contains(client.ask("USER ann"), "+OK")
            contains(client.ask("PASS sesame"), "+OK Logged in.")


# ---- versions and ciphers ----


@rows([
    ("TLS 1.1", ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], False),
    ("CBC", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"], False),
    ("RSA key exchange", ["-tls1_2", "-cipher", "AES128-GCM-SHA256"], False),
    ("DHE", ["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"], False),
    ("SHA-1", ["-tls1_2", "-sigalgs", "ECDSA+SHA1", "-cipher", "ALL:@SECLEVEL=0"], False),
    ("TLS 1.2", ["-tls1_2"], True),
    ("TLS 1.3", ["-tls1_3"], True),
    ("ChaCha20", ["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"], True),
    ("P-256", ["-groups", "P-256"], True),
    ("another key share first", ["-groups", "P-521:X25519"], True),
    ("P-224", ["-groups", "P-224"], False),
])
def of_versions_and_ciphers_the_sound_ones_are_spoken(options, succeeds):
    with Server() as mail:
        mail.set_pair(mail.pair("default"))
        mail.set_pair(mail.pair("rsa", algorithm=RSA), kind="Alternative ")
        mail.taken()
        mail.begin_tls(*options, succeeds=succeeds)


OLD = "ECDHE-ECDSA-AES128-SHA256"


def wait_for_handshake(mail, succeeds, *options):
    """The front hears of a change a moment after it has been written."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{mail.pop3s_port}", "-tls1_2", *options]

    def done():
        client = subprocess.run(command, input=b"QUIT\r\n", capture_output=True, timeout=PATIENCE, check=False)
        return (client.returncode == 0) == succeeds
    wait_until(done, f"{options} to {'succeed' if succeeds else 'fail'}")


@test
def older_ciphers_are_let_in_by_a_setting_and_a_bad_list_changes_nothing():
    with Server() as mail:
        mail.set_pair(mail.pair("default"))
        mail.set_pair(mail.pair("rsa", algorithm=RSA), kind="Alternative ")
        mail.taken()
        mail.begin_tls("-tls1_2", "-cipher", OLD, succeeds=False)
        mail.client.set(PARAMETERS, "Ciphers", REG_SZ, f"ECDHE+AESGCM:{OLD}:DHE-RSA-AES128-GCM-SHA256:!MD5")
        wait_for_handshake(mail, True, "-cipher", OLD)
        mail.begin_tls("-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256")
        for bad in ("ECDHE+AESGCM:ECDHE-ECDSA-AES128-SHA265", "nothing", "TLS_AES_128_GCM_SHA256", "HIGH:@SECLEVEL=0"):
            mail.client.set(PARAMETERS, "Ciphers", REG_SZ, bad)
            wait_until(lambda: any("Ciphers" in each for each in mail.status()["problems"]), f"{bad} to be named")
            equal((mail.events()[0]["id"], mail.events()[0]["reason"]), (14004, "bad-setting"))
            contains(mail.events()[0]["description"], "Ciphers")
            mail.begin_tls("-tls1_2", "-cipher", OLD)
        mail.client.unset(PARAMETERS, "Ciphers")
        wait_for_handshake(mail, False, "-cipher", OLD)
        equal(mail.status()["problems"], [])
        mail.begin_tls("-tls1_2")


@test
def nobody_renegotiates():
    with Server() as mail:
        mail.set_pair(mail.pair("default"))
        mail.taken()
        client = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{mail.pop3_port}", "-tls1_2",
                                 "-starttls", "pop3"],
                                input=b"R\n", capture_output=True, timeout=PATIENCE, check=False)
        contains(client.stderr.decode(), "no renegotiation")


main()
