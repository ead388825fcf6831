#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The IMAP libraries of programs in Node against mailauthd with a real Dovecot behind: in the clear, with STARTTLS
and with TLS from the start. Debian has no packages of them: npm fetches them for the test."""

import os
import subprocess
from pathlib import Path

from harness.case import contains, main, rows
from harness.dovecot import Dovecot
from harness.npm import node_modules
from harness.process import PATIENCE
from harness.talk import Mail

PACKAGES = ["imapflow@2.10.2", "node-imap@0.9.6"]
PROGRAM = Path(__file__).with_name("node-clients.js")


def ask(library, mail, security, password):
    port = mail.imaps_port if security == "tls" else mail.imap_port
    done = subprocess.run(["node", PROGRAM, library, str(port), security, password, mail.directory / "localhost.pem"],
                          env=os.environ | {"NODE_PATH": str(node_modules(*PACKAGES))}, capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    return done.stdout + done.stderr


@rows([("imapflow", "imapflow"), ("node-imap", "node-imap")])
def it_logs_in_and_is_told_why_not(library):
    node_modules(*PACKAGES)
    with Mail() as mail, Dovecot(mail) as dovecot:
        mail.add_account("ann", "sesame")
        mail.deliver("ann", "From: a@example.org\nSubject: one\n\nHello\n")
        dovecot.take_over()
        mail.add_certificate()
        for security in ("none", "starttls", "tls"):
            contains(f"{security}: " + ask(library, mail, security, "sesame"), "let in, 1 messages")
            contains(f"{security}: " + ask(library, mail, security, "wrong"), "refused: AUTHENTICATIONFAILED")


main()
