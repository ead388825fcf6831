#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Text from clients: no control, no mark of direction, no line separator and no invalid
UTF-8 of theirs gets into events, signals, lists, explanations, logs or metrics."""

import base64
import unicodedata

from harness.bus import wait_for
from harness.case import check, contains, each, equal, main, test
from harness.mail import NAME, PARAMETERS, PATH, STORE
from harness.mailauthctl import done, run
from harness.registry import REG_DWORD, REG_SZ, plain
from harness.talk import Mail

# name, what a client sends, what is shown.
HOSTILE = [
    ("escape", b"\x1b[2J", "\\x1b[2J"),
    ("tab", b"\t", "\\x09"),
    ("delete", b"\x7f", "\\x7f"),
    ("next line", "\x85".encode(), "\\u{85}"),
    ("control sequence introducer", "\x9b".encode(), "\\u{9b}"),
    ("line separator", "\u2028".encode(), "\\u{2028}"),
    ("paragraph separator", "\u2029".encode(), "\\u{2029}"),
    ("right-to-left override", "\u202e".encode(), "\\u{202e}"),
    ("left-to-right mark", "\u200e".encode(), "\\u{200e}"),
    ("Arabic letter mark", "\u061c".encode(), "\\u{61c}"),
    ("isolate", "\u2066".encode(), "\\u{2066}"),
    ("zero width joiner", "\u200d".encode(), "\\u{200d}"),
    ("byte order mark", "\ufeff".encode(), "\\u{feff}"),
    ("tag", "\U000e0041".encode(), "\\u{e0041}"),
    ("not UTF-8", b"\xff\xfe", "\ufffd\ufffd"),
    ("cut off", b"\xe2\x80", "\ufffd\ufffd"),
]
FORBIDDEN = {"Cc", "Cf", "Zl", "Zp", "Cs", "Cn"}


def check_clean(where, text):
    bad = [f"U+{ord(each):04X}" for each in text if unicodedata.category(each) in FORBIDDEN and each != "\n"]
    check(not bad, f"{where} holds {bad}: {text[:400]!r}")


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for pair in value.items():
            yield from strings(pair)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from strings(one)


def by_pop3(mail, name):
    connection, stream = mail.raw()
    connection.sendall(b"USER " + name + b"\r\nPASS wrong\r\n")
    stream.readline(), stream.readline()
    connection.close()


def by_sasl(mail, name):
    connection, stream = mail.raw()
    connection.sendall(b"AUTH PLAIN " + base64.b64encode(b"\0" + name + b"\0wrong") + b"\r\n")
    stream.readline()
    connection.close()


def by_imap(mail, name):
    connection, stream = mail.raw(mail.imap_port)
    connection.sendall(b"a LOGIN {%d+}\r\n%b wrong\r\n" % (len(name), name))
    stream.readline()
    connection.close()


@test
def clients_text_is_shown_harmless():
    with Mail() as mail:
        signals = []
        mail.add_account("anna", "sesame")
        for level in ("POP3 Protocol Logging Level", "IMAP4 Protocol Logging Level"):
            mail.client.set(STORE, level, REG_DWORD, 5)
        mail.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 1)
        mail.client.set(PARAMETERS, "Lockout Seconds", REG_DWORD, 3600)
        mail.client.connection.add_signal_receiver(lambda event: signals.append(plain(event)), "Event", NAME, path=PATH)

        def try_row(_name, sent, shown):
            for number, way in enumerate((by_pop3, by_sasl, by_imap)):
                way(mail, b"u%d" % number + sent + b"z")
                user = (mail.events() or [{"user": ""}])[0]["user"]
                # SASLprep and POP3's words take some of them away before.
                check(user in (f"u{number}{shown}z", f"u{number}z", f"u{number}", ""), f"{way.__name__}: {user!r}")

        each(HOSTILE, try_row)
        events = mail.events(10000)
        for text in strings(events):
            check_clean("an event", text)
        check(any("\\u{202e}" in event["user"] for event in events), "no event shows what was escaped")
        wait_for(lambda: len(signals) >= len(HOSTILE), "the signals")
        for text in strings(signals):
            check_clean("a signal", text)
        for member in ("Status", "GetHeld"):
            answer = plain(mail.client.connection.call_blocking(NAME, PATH, NAME, member, "", ()))
            for text in strings(answer):
                check_clean(member, text)
        _, explained, _ = run(mail.registry, "--json", "test", "anna\u202e\u2028z", password="wrong")
        contains(explained, "no account can have that name")
        check_clean("an explanation", explained)
        check_clean("the numbers", done(mail.registry, "status", "--metrics"))
        check_clean("the log", mail.process.output())
        contains(mail.process.output(), "\\u{202e}")


@test
def who_is_held_under_an_escaped_name_is_released_by_it():
    with Mail() as mail:
        mail.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 1)
        mail.client.set(PARAMETERS, "Lockout Seconds", REG_DWORD, 3600)
        by_imap(mail, "x\u202ey".encode())
        held = plain(mail.client.connection.call_blocking(NAME, PATH, NAME, "GetHeld", "", ()))
        equal([row["account"] for row in held], ["x\\u{202e}y"])
        equal(plain(mail.client.connection.call_blocking(NAME, PATH, NAME, "Release", "s", (held[0]["account"],))), 1)


@test
def settings_are_quoted_harmless():
    with Mail() as mail:
        mail.client.set(PARAMETERS, "Certificate", REG_SZ, "/nowhere/a\u202eb\u200f")
        status = plain(mail.client.connection.call_blocking(NAME, PATH, NAME, "Status", "", ()))
        check(any("\\u{202e}" in text for text in strings(status)), f"the problem is not told: {status}")
        for text in strings(status):
            check_clean("Status", text)


main()
