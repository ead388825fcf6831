#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`Mechanisms`: what it leaves out is neither announced nor taken, by clients and by other servers."""

from harness.auth import AuthTalk, wait_for_socket
from harness.case import check, contains, equal, main, test
from harness.mail import PARAMETERS
from harness.registry import REG_MULTI_SZ, REG_SZ
from harness.scram import Scram, encode, pop3_answer
from harness.scram_server import BOUND, OFFERED, sasl_names, serving, wait_for_names

UNSUPPORTED = "Unsupported authentication mechanism."


def leave(mail, *mechanisms):
    mail.client.set(PARAMETERS, "Mechanisms", REG_MULTI_SZ, list(mechanisms))


def log_in(mail, tls=None, mechanism="SCRAM-SHA-256", **how):
    with mail.pop3_talk(tls) as client:
        client.expect("+OK")
        answer = pop3_answer(client, Scram("ann", "sesame", **how), mechanism)
        if answer.startswith("+OK"):
            client.ask("QUIT", "+OK")
        return answer


@test
def a_client_that_could_bind_logs_in_where_binding_is_left_out():
    with serving() as mail:
        context = mail.add_certificate()
        equal(sasl_names(mail, context), BOUND)
        leave(mail, "plain", "Login", "SCRAM-SHA-256")
        wait_for_names(mail, OFFERED, context)
        # "y": it takes the server for one without channel binding, and is right.
        equal(log_in(mail, context, flag="y"), "+OK Logged in.")
        equal(log_in(mail, context, flag="n"), "+OK Logged in.")
        with mail.pop3_talk(context) as client:
            client.expect("+OK")
            client.ask("AUTH SCRAM-SHA-256-PLUS", f"-ERR {UNSUPPORTED}")


@test
def without_plain_no_command_carries_a_password():
    with serving() as mail:
        context = mail.add_certificate()
        leave(mail, "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS")
        wait_for_names(mail, ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"], context)
        equal(log_in(mail, context), "+OK Logged in.")
        with mail.pop3_talk(context) as client:
            client.expect("+OK")
            client.say("CAPA")
            check("USER" not in client.until("."), "USER is announced")
            client.ask("USER ann", "-ERR USER and PASS are not offered here")
            client.ask("PASS sesame", "-ERR USER and PASS are not offered here")
            client.ask(f"AUTH PLAIN {encode(chr(0) + 'ann' + chr(0) + 'sesame')}", f"-ERR {UNSUPPORTED}")
        with mail.imap_talk(context) as client:
            client.expect("* OK")
            contains(client.ask("a CAPABILITY", "* CAPABILITY"), "LOGINDISABLED")
            client.expect("a OK")
            client.ask("b LOGIN ann sesame", "b NO [CANNOT] LOGIN is not offered here")
            client.ask("c AUTHENTICATE PLAIN", f"c NO [CANNOT] {UNSUPPORTED}")


@test
def other_servers_are_offered_the_same():
    with serving() as mail:
        folder = mail.directory / "sockets"
        folder.mkdir()
        mail.give(folder)
        path = folder / "auth"
        leave(mail, "LOGIN")
        wait_for_names(mail, ["LOGIN"])
        mail.client.set(PARAMETERS, "Auth Socket", REG_SZ, str(path))
        wait_for_socket(path)
        with AuthTalk(path) as client:
            equal([line for line in client.greeting if line.startswith("MECH")], ["MECH\tLOGIN\tplaintext"])
            equal(client.plain("ann", "sesame"), "FAIL\t1")
            client.say("AUTH\t7\tLOGIN\tservice=smtp", f"CONT\t7\t{encode('ann')}", f"CONT\t7\t{encode('sesame')}")
            equal([client.line()[:6] for _ in range(3)], ["CONT\t7", "CONT\t7", "OK\t7\tu"])
        with AuthTalk(path) as client:
            client.say("USER\t8\tann\tservice=lmtp")
            equal(client.line(), "")


@test
def an_empty_list_leaves_nothing_out():
    with serving() as mail:
        leave(mail, "LOGIN")
        wait_for_names(mail, ["LOGIN"])
        leave(mail)
        wait_for_names(mail, OFFERED)


main()
