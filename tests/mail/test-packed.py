#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Mail that another server has packed or encrypted: unpacked where that is possible, and never handed out as it lies."""

import bz2
import gzip
import lzma
import poplib
import shutil
import subprocess
from pathlib import Path

from harness.case import Failure, Skip, contains, equal, main, rows, test
from harness.process import program
from harness.talk import Mail

TEXT = b"From: ann@example.org\nSubject: packed\n\n.a dot\nhello\n"
LINES = [b"From: ann@example.org", b"Subject: packed", b"", b".a dot", b"hello"]
OCTETS = len(TEXT) + TEXT.count(b"\n")
BOMB = 257 * 1024 * 1024


def pack_zstd(text):
    if not shutil.which("zstd") or b"libzstd.so" not in Path(program("mailauth/mailauthd-store")).read_bytes():
        raise Skip("takes zstd, and mailauthd built with its library")
    return subprocess.run(["zstd", "-c", "-19"], input=text, capture_output=True, check=True).stdout


def serve(mail, *messages):
    mail.add_account("ann", "sesame")
    for number, message in enumerate(messages):
        mail.deliver("ann", message, f"{1700000000 + number}.M{number}.host,S={len(TEXT)}:2,S")


def refusal(call):
    try:
        answer = call()
    except poplib.error_proto as error:
        return error.args[0].decode()
    raise Failure(f"it was handed out: {answer!r}")


@rows([
    ("gzip", gzip.compress),
    ("gzip in two members", lambda text: gzip.compress(text[:20]) + gzip.compress(text[20:])),
    ("zstd", pack_zstd),
])
def what_can_be_unpacked_is_served_plain(pack):
    with Mail() as mail:
        serve(mail, TEXT, pack(TEXT), pack(TEXT * 10000))
        with mail.pop3("ann", "sesame") as client:
            equal(client.retr(2)[1], LINES)
            contains(client.retr(2)[0].decode(), f"+OK {OCTETS} octets")
            equal(client.top(2, 1)[1], LINES[:4])
            equal(client.list()[1], [f"{n} {size}".encode() for n, size in ((1, OCTETS), (2, OCTETS), (3, OCTETS * 10000))])
            equal(client.stat(), (3, OCTETS * 10002))
            equal(len(client.retr(3)[1]), 50000)
            equal(client.retr(1)[1], LINES)
            client.quit()
        equal(mail.events()[0]["reason"], "ok")


@rows([
    ("bzip2", bz2.compress(TEXT), "bzip2"),
    ("xz", lzma.compress(TEXT), "xz"),
    ("LZ4", b"\x04\x22\x4d\x18" + b"x" * 40, "LZ4"),
    ("Dovecot's LZ4", b"Dovecot-LZ4\x0d\x2a\x9b\xc5" + b"x" * 40, "LZ4"),
    ("mail_crypt", b"CRYPTED\x03\x07" + b"x" * 40, "mail_crypt"),
    ("bzip2 of nothing", bz2.compress(b""), "bzip2"),
    ("LZMA", lzma.compress(TEXT, lzma.FORMAT_ALONE), "LZMA"),
    ("mail_crypt in gzip", gzip.compress(b"CRYPTED\x03\x07" + b"x" * 40), "mail_crypt, which encrypts inside of gzip"),
    ("gzip, cut", gzip.compress(TEXT)[:-3], "damaged"),
    ("gzip, damaged", gzip.compress(TEXT)[:-8] + b"\0" * 8, "damaged"),
    ("gzip, a bomb", gzip.compress(b"\n" * BOMB, 9), "more than 256 MiB"),
    ("many gzips, a bomb", gzip.compress(b"\n" * (BOMB // 64), 9) * 64, "more than 256 MiB"),
])
def what_cannot_be_read_is_refused_with_an_event(packed, why):
    with Mail() as mail:
        serve(mail, packed, TEXT)
        with mail.pop3("ann", "sesame") as client:
            sizes = client.list()[1]
            for call in (lambda: client.retr(1), lambda: client.top(1, 0)):
                contains(refusal(call), "-ERR [SYS/PERM] The message is stored in a way that cannot be read here")
            event = mail.events()[0]
            equal((event["id"], event["reason"], event["user"], event["address"]),
                  (14005, "unreadable-message", "ann", "127.0.0.1"))
            contains(event["description"], why)
            contains(event["description"], "message 1, file 1700000000.M0.host")
            contains(refusal(lambda: client.dele(1)), "-ERR [SYS/PERM] The message could not be read here, and stays")
            equal(client.retr(2)[1], LINES)
            equal(client.list()[1], sizes)
            client.quit()
        equal(len(mail.files("ann")), 2)


@test
def an_event_comes_before_its_answer_however_many_sessions_there_are():
    with Mail() as mail:
        for user in ("ann", "bob", "eve"):
            mail.add_account(user, "sesame")
            mail.deliver(user, bz2.compress(user.encode()), "1700000000.M0.host:2,S")
        with mail.pop3("ann", "sesame") as ann, mail.pop3("bob", "sesame") as bob, mail.pop3("eve", "sesame") as eve:
            for name, client in (("eve", eve), ("ann", ann), ("bob", bob)):
                contains(refusal(lambda one=client: one.retr(1)), "[SYS/PERM]")
                equal(mail.events()[0]["user"], name)


main()
