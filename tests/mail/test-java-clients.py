#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Java's mail against mailauthd, POP3 on a Maildir and IMAP with a real Dovecot behind: in the clear, with TLS on
request and from the start, by each mechanism that it knows."""

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness.case import Skip, contains, main, rows
from harness.dovecot import Dovecot
from harness.process import PATIENCE
from harness.talk import Mail

PROGRAM = Path(__file__).with_name("JavaClient.java")
LIBRARIES = [Path(f"/usr/share/java/jakarta-{name}.jar") for name in ("mail", "activation")]
FOLDER = tempfile.TemporaryDirectory(prefix="regd-java-")
WORDS = ("-cp", ":".join(map(str, (*LIBRARIES, FOLDER.name))))


@functools.cache
def compile_program():
    if not shutil.which("javac") or not all(library.exists() for library in LIBRARIES):
        raise Skip("takes default-jdk-headless and libjakarta-mail-java")
    subprocess.run(["javac", *WORDS, "-d", FOLDER.name, PROGRAM], check=True, timeout=PATIENCE)


def ask(mail, protocol, security, password, mechanism):
    port = getattr(mail, f"{protocol}{'s' if security == 'tls' else ''}_port")
    done = subprocess.run(["java", *WORDS, "JavaClient", protocol, str(port), security, password,
                           mail.directory / "localhost.pem", mechanism],
                          capture_output=True, text=True, timeout=PATIENCE, check=False)
    return f"{protocol}, {security}, {mechanism}: {done.stdout}{done.stderr}"


@rows([("IMAP", "imap", "[AUTHENTICATIONFAILED] Authentication failed"), ("POP3", "pop3", "[AUTH] Authentication failed")])
def it_logs_in_and_is_told_why_not(protocol, refusal):
    compile_program()
    with Mail() as mail, Dovecot(mail) as dovecot:
        mail.add_account("ann", "sesame")
        mail.deliver("ann", "From: a@example.org\nSubject: one\n\nHello\n")
        dovecot.take_over()
        mail.add_certificate()
        for security, mechanism in (("none", "PLAIN"), ("none", "LOGIN"), ("starttls", "PLAIN LOGIN"), ("tls", "LOGIN"),
                                    ("tls", "PLAIN"), ("tls", "XOAUTH2 NTLM PLAIN")):
            contains(ask(mail, protocol, security, "sesame", mechanism), "let in, 1 messages: one")
        contains(ask(mail, protocol, "tls", "wrong", "PLAIN LOGIN"), f"refused: {refusal}")


main()
