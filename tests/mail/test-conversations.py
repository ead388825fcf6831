#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""POP3 and IMAP as strangers speak them, against the whole of mailauthd: what a
client is told, what is recorded, and that bad input is refused and hurts nobody."""

import base64

from harness.bus import wait_until
from harness.case import check, contains, equal, main, rows, test
from harness.mail import IMAP, PARAMETERS, POP3
from harness.ports import accepts
from harness.registry import REG_DWORD, REG_SZ
from harness.talk import Mail


def plain_response(user, password, identity=""):
    return base64.b64encode(f"{identity}\0{user}\0{password}".encode()).decode()


@test
def a_native_user_logs_in_and_reads_mail():
    with Mail() as mail:
        mail.add_account("ann", "sesame")
        mail.deliver("ann", "Subject: one\n\nHello\n")
        with mail.pop3_talk() as client:
            client.expect("+OK")
            client.say("USER ann", "PASS sesame", "STAT", "QUIT")
            client.expect("+OK", "+OK Logged in.", "+OK 1 ", "+OK")
            client.expect_end()
        equal(mail.last_event(), (11202, "ok", "ann"))


@rows([
    ("wrong password", "ann", "wrong", "bad-password"),
    ("unknown user", "nobody", "sesame", "no-such-user"),
    ("a path for a name", "../../etc/passwd", "x", "no-such-user"),
    ("a name that is no key", "a\\b", "x", "no-such-user"),
])
def a_refusal_tells_nobody_why(user, password, reason):
    with Mail() as mail:
        mail.add_account("ann", "sesame")
        equal(mail.pop3_answer(user, password), "-ERR [AUTH] Authentication failed.")
        quoted = user.replace("\\", "\\\\")
        equal(mail.imap_answer(quoted, password), "a NO [AUTHENTICATIONFAILED] Authentication failed.")
        equal([event["reason"] for event in mail.events(2)], [reason, reason])


@test
def every_way_to_authenticate_leads_to_the_mailbox():
    with Mail() as mail:
        mail.add_account("ann", "sesame")
        user, password = (base64.b64encode(text).decode() for text in (b"ann", b"sesame"))
        for lines in ([f"AUTH PLAIN {plain_response('ann', 'sesame')}"],
                      ["AUTH PLAIN", plain_response("ann", "sesame", "ann")],
                      ["AUTH LOGIN", user, password], [f"AUTH LOGIN {user}", password]):
            with mail.pop3_talk() as client:
                client.expect("+OK")
                for line in lines[:-1]:
                    client.ask(line, "+ ")
                client.ask(lines[-1], "+OK Logged in.")
                client.ask("STAT", "+OK 0 0")
                client.ask("QUIT", "+OK")  # the mailbox is free before this is answered


@test
def imap_without_a_backends_master_user_is_unavailable_and_says_so_to_the_administrator():
    with Mail() as mail:
        mail.add_account("ann", "sesame")
        contains(mail.imap_answer("ann", "sesame"), "a NO [UNAVAILABLE]")
        equal(mail.events(1)[0]["id"], 14005)


@test
def clear_text_is_barred_where_it_is_set_so():
    settings = [(POP3, "Clear Text", REG_SZ, "never"), (IMAP, "Clear Text", REG_SZ, "never")]
    with Mail(settings) as mail:
        mail.add_account("ann", "sesame")
        with mail.pop3_talk() as client:
            client.expect("+OK")
            client.say("CAPA")
            capabilities = client.until(".")
            check(not [line for line in capabilities if line.startswith(("USER", "SASL", "STLS"))], capabilities)
            client.ask("USER ann", "-ERR ")
            equal(mail.last_event(), (14003, "clear-text", "ann"))
            client.ask("AUTH PLAIN", "-ERR ")
        with mail.imap_talk() as client:
            contains(client.expect("* OK [CAPABILITY "), "LOGINDISABLED")
            client.ask("a LOGIN {3}", "a NO [PRIVACYREQUIRED]")
            equal(mail.events(1)[0]["id"], 14003)
            client.say("b LOGIN {3+}", "ann {8+}", "c NOOP\r\n", "d NOOP")
            client.expect("b NO [PRIVACYREQUIRED]", "d OK")


@test
def clear_text_is_live_in_an_open_session():
    with Mail() as mail:
        mail.add_account("ann", "sesame")
        with mail.pop3_talk() as client:
            client.expect("+OK")
            mail.client.set(POP3, "Clear Text", REG_SZ, "never")
            # The setting reaches the front after the write is answered.
            for _ in range(1000):
                client.say("CAPA")
                if "USER" not in client.until("."):
                    break
            client.ask("USER ann", "-ERR ")


@test
def tls_on_request_forgets_what_was_said_before():
    with Mail([(POP3, "Clear Text", REG_SZ, "never"), (IMAP, "Clear Text", REG_SZ, "never")]) as mail:
        mail.add_account("ann", "sesame")
        context = mail.add_certificate()
        with mail.pop3_talk() as client:
            client.expect("+OK")
            client.say("STLS", "USER evil", "QUIT")
            client.expect("+OK Begin TLS")
            client.begin_tls(context)
            client.ask("PASS sesame", "-ERR USER comes first.")
            client.say("USER ann", "PASS sesame", "STAT")
            client.expect("+OK", "+OK Logged in.", "+OK 0 0")
        with mail.imap_talk() as client:
            client.expect("* OK")
            client.say("a STARTTLS", "b LOGIN evil evil")
            client.expect("a OK")
            client.begin_tls(context)
            client.say("c CAPABILITY")
            contains(client.expect("* CAPABILITY"), "AUTH=PLAIN")
            client.expect("c OK")
            client.ask("d LOGIN ann wrong", "d NO [AUTHENTICATIONFAILED]")



@test
def tls_from_the_start():
    with Mail() as mail:
        mail.add_account("ann", "sesame")
        context = mail.add_certificate()
        with mail.pop3_talk(context) as client:
            client.expect("+OK")
            client.say("STLS")
            client.expect("-ERR TLS is active already.")
            client.say("USER ann", "PASS sesame", "QUIT")
            client.expect("+OK", "+OK Logged in.", "+OK")
            client.expect_end()
        with mail.imap_talk(context) as client:
            check("STARTTLS" not in client.expect("* OK"), "STARTTLS in TLS")


@test
def without_a_certificate_tls_is_refused_and_recorded():
    with Mail() as mail, mail.pop3_talk() as pop3, mail.imap_talk() as imap:
        pop3.expect("+OK")
        pop3.ask("STLS", "-ERR ")
        equal(mail.events(1)[0]["id"], 13002)
        imap.expect("* OK")
        imap.ask("a STARTTLS", "a NO ")
        equal(mail.events(1)[0]["id"], 13002)


@test
def a_bad_certificate_leaves_the_old_one_in_use():
    with Mail() as mail:
        context = mail.add_certificate()
        mail.client.set(PARAMETERS, "Certificate", REG_SZ, "/nonexistent.pem")
        with mail.pop3_talk(context) as client:
            client.expect("+OK")


BAD_POP3 = [
    ("unknown", b"FOO\r\n", "-ERR Unknown command."),
    ("empty", b"\r\n", "-ERR Unknown command."),
    ("too early", b"STAT\r\n", "-ERR Log in first."),
    ("no argument", b"USER\r\n", "-ERR USER needs a name."),
    ("a NUL", b"USER a\0b\r\n", "-ERR A NUL byte is not allowed."),
    ("too long a command", b"USER " + b"x" * 300 + b"\r\n", "-ERR The command is too long."),
    ("too long a line", b"AUTH PLAIN " + b"A" * 20000 + b"\r\n", "-ERR The line is too long."),
    ("no base64", b"AUTH PLAIN !!!!\r\n", "-ERR The authentication response cannot be read."),
    ("unknown mechanism", b"AUTH CRAM-MD5\r\n", "-ERR Unsupported authentication mechanism."),
    ("a CR alone", b"USER ann\rPASS sesame\r\n", "-ERR The name cannot be one."),
    ("for another user", f"AUTH PLAIN {plain_response('ann', 'sesame', 'bob')}\r\n".encode(), "-ERR [AUTH] Nobody"),
]

BAD_IMAP = [
    ("unknown", b"a FOO\r\n", "a BAD Unknown command."),
    ("no tag", b"\r\n", "* BAD A command begins with a tag."),
    ("too early", b"a SELECT INBOX\r\n", "a BAD Log in first."),
    ("half a LOGIN", b"a LOGIN ann\r\n", "a BAD LOGIN takes"),
    ("an open quote", b'a LOGIN ann "ses\r\n', "a BAD LOGIN takes"),
    ("a NUL", b"a LOGIN ann ses\0ame\r\n", "a BAD LOGIN takes"),
    ("a NUL in a literal", b"a LOGIN ann {3+}\r\na\0b\r\n", "a BAD LOGIN takes"),
    ("too large a literal", b"a LOGIN {5000}\r\n", "a BAD A literal is too large."),
    ("too large a literal, unasked", b"a LOGIN {5000+}\r\n" + b"x" * 5000 + b" y\r\n", "a BAD A literal is too large."),
    ("unknown mechanism", b"a AUTHENTICATE FOO\r\n", "a NO [CANNOT] Unsupported"),
    ("no base64", b"a AUTHENTICATE PLAIN !!!!\r\n", "a BAD The authentication response"),
    ("for another user", f"a AUTHENTICATE PLAIN {plain_response('ann', 'x', 'bob')}\r\n".encode(), "a NO [AUTHORIZATIONFAILED]"),
]


@test
def bad_input_is_refused_and_named():
    with Mail() as mail:
        mail.add_account("ann", "sesame")
        for name, data, answer in BAD_POP3:
            with mail.pop3_talk() as client:
                client.expect("+OK")
                client.send(data)
                contains((name, client.expect("-ERR"))[1], answer)
                client.say("USER ann", "PASS sesame")
                client.expect("+OK", "+OK Logged in.")
                client.ask("QUIT", "+OK")
        for name, data, answer in BAD_IMAP:
            with mail.imap_talk() as client:
                client.expect("* OK")
                client.send(data)
                contains((name, client.line())[1], answer)
                client.ask("z NOOP", "z OK")


@test
def three_bad_commands_end_a_session():
    with Mail() as mail:
        with mail.pop3_talk() as client:
            client.expect("+OK")
            client.say("A", "B", "C", "CAPA")
            client.expect("-ERR", "-ERR", "-ERR", "-ERR Too many bad commands.")
            client.expect_end()
        with mail.imap_talk() as client:
            client.expect("* OK")
            client.say("a A", "b B", "c C", "d NOOP")
            client.expect("a BAD", "b BAD", "c BAD", "* BYE")
            client.expect_end()


@test
def a_huge_line_or_literal_ends_with_a_word():
    with Mail() as mail:
        with mail.imap_talk() as client:
            client.expect("* OK")
            client.send(b"a LOGIN " + b"x" * 200000)
            client.expect("a BAD The line is too long.", "* BYE [TOOBIG]")
            client.expect_end()
        with mail.imap_talk() as client:
            client.expect("* OK")
            client.send(b"a LOGIN {4000000000+}\r\n")
            client.expect("a BAD", "* BYE [TOOBIG]")
            client.expect_end()


@test
def a_hundred_silent_connections_stop_nobody():
    with Mail([(POP3, "Max Connections Per Address", REG_DWORD, 200)]) as mail:
        mail.add_account("ann", "sesame")
        silent = [mail.pop3_talk() for _ in range(100)]
        with mail.pop3_talk() as client:
            client.expect("+OK")
            client.say("USER ann", "PASS sesame", "QUIT")
            client.expect("+OK", "+OK Logged in.", "+OK")
        for client in silent:
            client.socket.close()


@test
def connections_are_limited_by_address_and_in_all():
    settings = [(POP3, "Max Connections Per Address", REG_DWORD, 3), (IMAP, "Max Connections", REG_DWORD, 2)]
    with Mail(settings) as mail:
        pop3 = [mail.pop3_talk() for _ in range(3)]
        for client in pop3:
            client.expect("+OK")
        with mail.pop3_talk() as client:
            client.expect("-ERR Too many connections from your address.")
            client.expect_end()
        for client in pop3:
            client.ask("QUIT", "+OK")
            client.expect_end()
            client.socket.close()
        imap = [mail.imap_talk() for _ in range(3)]
        imap[0].expect("* OK", "* BYE Too many connections.")
        imap[0].expect_end()
        imap[1].expect("* OK")
        imap[2].expect("* OK")
        for client in imap:
            client.socket.close()


@test
def a_login_takes_no_longer_than_is_set():
    with Mail([(POP3, "Login Timeout", REG_DWORD, 1)]) as mail, mail.pop3_talk() as client:
        client.expect("+OK", "-ERR Login takes too long.")
        client.expect_end()


@test
def a_protocol_goes_and_comes_and_open_sessions_stay():
    with Mail() as mail:
        mail.add_account("ann", "sesame")
        with mail.pop3_talk() as client:
            client.expect("+OK")
            mail.client.set(POP3, "Enabled", REG_DWORD, 0)
            wait_until(lambda: not accepts(mail.pop3_port), "POP3 to listen no longer")
            client.say("USER ann", "PASS sesame", "STAT")
            client.expect("+OK", "+OK Logged in.", "+OK 0 0")
            mail.client.set(POP3, "Enabled", REG_DWORD, 1)
            mail.wait_until_ready()
            client.ask("NOOP", "+OK")


main()
