#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The mail clients that people have, against mailauthd: POP3 on a Maildir, and
IMAP with a real Dovecot behind, plain, with TLS on request and from the start."""

import imaplib
import poplib
import shutil
import subprocess
from contextlib import contextmanager

from harness.case import Skip, check, contains, equal, main, rows, test
from harness.dovecot import Dovecot
from harness.mail import PARAMETERS
from harness.mailauthctl import done
from harness.process import PATIENCE
from harness.registry import REG_MULTI_SZ
from harness.talk import Mail
from harness.terminal import run_in_window

MESSAGE = "From: a@example.org\nTo: ann@example.org\nSubject: {}\n\nHello {}\n"


@contextmanager
def served(messages=2):
    with Mail() as mail, Dovecot(mail) as dovecot:
        mail.add_account("ann", "sesame")
        for number in range(1, messages + 1):
            mail.deliver("ann", MESSAGE.format(number, number))
        dovecot.take_over()
        mail.dovecot = dovecot
        yield mail


def run(*command, code=0, **options):
    """A client's output."""
    if not shutil.which(command[0]):
        raise Skip(f"takes {command[0]}")
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, **options)
    equal(ended.returncode, code, f"{command[0]}: {ended.stdout}{ended.stderr}")
    return ended.stdout + ended.stderr


@test
def curl_reads_mail_over_pop3_and_imap():
    with served() as mail:
        mail.add_certificate()
        authority = str(mail.directory / "localhost.pem")
        pop3, imap = f"pop3://localhost:{mail.pop3_port}", f"imap://localhost:{mail.imap_port}"
        for options in ([], ["--ssl-reqd", "--cacert", authority], ["--login-options", "AUTH=PLAIN"],
                        ["--login-options", "AUTH=LOGIN"]):
            curl = ["curl", "-sS", "--ipv4", "--user", "ann:sesame", *options]
            contains(run(*curl, pop3 + "/1"), "Subject: ")
            contains(run(*curl, imap + "/INBOX;MAILINDEX=1"), "Subject: ")
        curl = ["curl", "-sS", "--ipv4", "--user", "ann:sesame", "--cacert", authority]
        contains(run(*curl, f"pop3s://localhost:{mail.pop3s_port}/1"), "Subject: ")
        contains(run(*curl, f"imaps://localhost:{mail.imaps_port}/INBOX;MAILINDEX=1"), "Subject: ")
        contains(run("curl", "-sS", "--ipv4", "--user", "ann:wrong", pop3, code=67), "denied")
        contains(run("curl", "-sS", "--ipv4", "--user", "ann:wrong", imap, code=67), "denied")


@test
def poplib_and_imaplib():
    with served() as mail:
        context = mail.add_certificate()
        client = poplib.POP3("localhost", mail.pop3_port, timeout=PATIENCE)
        check("STLS" in client.capa(), "STLS is not listed")
        client.stls(context)
        client.user("ann")
        client.pass_("sesame")
        equal(client.stat()[0], 2)
        client.quit()
        client = imaplib.IMAP4("localhost", mail.imap_port, timeout=PATIENCE)
        client.starttls(context)
        client.login("ann", "sesame")
        equal(client.select("INBOX"), ("OK", [b"2"]))
        contains(str(client.capability()), "IDLE")
        client.logout()
        client = imaplib.IMAP4_SSL("localhost", mail.imaps_port, ssl_context=context, timeout=PATIENCE)
        client.authenticate("PLAIN", lambda _: b"\0ann\0sesame")
        equal(client.select("INBOX"), ("OK", [b"2"]))
        client.logout()


@test
def fetchmail_takes_the_mail_away():
    with served(messages=3) as mail:
        home = mail.directory / "home"
        home.mkdir()
        control = home / "fetchmailrc"
        control.write_text(f'poll 127.0.0.1 protocol pop3 port {mail.pop3_port} user ann password sesame '
                           f'sslproto "" fetchall mda "cat >>{home}/mbox"\n')
        control.chmod(0o600)
        run("fetchmail", "--fetchmailrc", str(control), "--pidfile", str(home / "pid"),
            env={"HOME": str(home), "PATH": "/usr/bin:/bin"})
        equal((home / "mbox").read_text().count("Hello"), 3)
        equal(mail.files("ann"), [])


@test
def mbsync_copies_the_mailbox():
    with served() as mail:
        home = mail.directory / "home"
        home.mkdir()
        control = home / "mbsyncrc"
        control.write_text(
            f"IMAPStore far\nHost 127.0.0.1\nPort {mail.imap_port}\nUser ann\nPass sesame\nSSLType None\n"
            f"AuthMechs LOGIN\n\nMaildirStore near\nInbox {home}/inbox\n\n"
            f"Channel all\nFar :far:\nNear :near:\nSync Pull\nSyncState {home}/state\n")
        run("mbsync", "-c", str(control), "all", env={"HOME": str(home), "PATH": "/usr/bin:/bin"})
        equal(len(list((home / "inbox" / "new").iterdir())), 2)


@rows([(f"{name}, {protocol}, {tls}", name, protocol, tls)
       for name, protocol, tls in (("mutt", "imap", "plain"), ("mutt", "pop", "TLS"),
                                   ("neomutt", "imap", "TLS"), ("neomutt", "pop", "plain"))])
def mutt_copies_what_it_finds(name, protocol, tls):
    """Debian's mutts fail at SCRAM-SHA-256-PLUS over POP3, and take no other mechanism after it."""
    if not shutil.which(name):
        raise Skip(f"takes {name}")
    with served(messages=1) as mail:
        authority = mail.add_certificate() and mail.directory / "localhost.pem"
        mail.client.set(PARAMETERS, "Mechanisms", REG_MULTI_SZ, ["PLAIN", "LOGIN"])
        home = mail.directory / "home"
        home.mkdir()
        port = mail.imap_port if protocol == "imap" else mail.pop3_port
        (home / "rc").write_text(
            f"set folder={home} {protocol}_user=ann {protocol}_pass=sesame ssl_starttls={'yes' if tls == 'TLS' else 'no'}"
            f" ssl_force_tls={'yes' if tls == 'TLS' else 'no'} certificate_file={authority}"
            " copy=no confirmappend=no confirmcreate=no quit=yes delete=no save_empty=no wait_key=no\n"
            f"folder-hook . \"push '<copy-message>{home}/mbox<enter><quit>'\"\n")
        status, drawn = run_in_window(name, "-n", "-F", str(home / "rc"), "-f", f"{protocol}://localhost:{port}/",
                                      env={"HOME": str(home), "PATH": "/usr/bin:/bin", "TERM": "xterm", "LC_ALL": "C.UTF-8"})
        equal(status, 0, drawn)
        equal((home / "mbox").read_text().count("Hello"), 1)


@rows([("STLS", "on"), ("SCRAM-SHA-256", "scram-sha-256")])
def mpop_takes_the_mail_away(how):
    with served(messages=3) as mail:
        mail.add_certificate()
        home = mail.directory / "home"
        (home / "mail").mkdir(parents=True)
        scram = how.startswith("scram")
        if scram:
            done(mail.registry, "user", "passwd", "ann", password="sesame")
        control = home / "mpoprc"
        control.write_text(
            f"account default\nhost localhost\nport {mail.pop3_port}\nuser ann\npassword sesame\nkeep off\n"
            f"auth {how if scram else 'plain'}\ntls {'on' if how == 'on' else 'off'}\ntls_starttls on\n"
            f"tls_trust_file {mail.directory / 'localhost.pem'}\ndelivery mbox {home}/mbox\n"
            f"uidls_file {home}/uidls\n")
        control.chmod(0o600)
        run("mpop", "-C", str(control), env={"HOME": str(home), "PATH": "/usr/bin:/bin"})
        equal((home / "mbox").read_text().count("Hello"), 3)
        equal(mail.files("ann"), [])


@test
def much_goes_both_ways():
    """Through TLS and the relay, with clients that are slow to read."""
    with served(messages=0) as mail:
        context = mail.add_certificate()
        body = b"Subject: much\r\n\r\n" + b"0123456789abcdef" * 4 * 65536  # 4 MiB
        client = imaplib.IMAP4_SSL("localhost", mail.imaps_port, ssl_context=context, timeout=PATIENCE)
        client.login("ann", "sesame")
        equal(client.append("INBOX", None, None, body)[0], "OK")
        client.select("INBOX")
        equal(client.fetch("1", "(BODY.PEEK[])")[1][0][1], body)
        client.logout()


@test
def what_is_pipelined_after_login_reaches_the_server():
    with served() as mail, mail.imap_talk() as client:
        client.expect("* OK")
        client.say("a LOGIN ann sesame", "b SELECT INBOX", "c LOGOUT")
        client.expect("a OK [CAPABILITY")
        contains("\n".join(client.until("b ")), "* 2 EXISTS")
        client.until("c OK")
        client.expect_end()


@test
def open_sessions_stay_while_the_package_changes():
    with served() as mail, mail.imap("ann", "sesame") as client:
        mail.add_broker()
        mail.choose("MBS_BASIC", "3")
        contains(mail.imap_answer("ann", "sesame"), "[AUTHENTICATIONFAILED]")
        equal(client.select("INBOX"), ("OK", [b"2"]))


@test
def a_server_behind_that_fails_is_not_the_users_fault():
    with served() as mail:
        mail.dovecot.take_over(password="wrong")
        contains(mail.imap_answer("ann", "sesame"), "a NO [UNAVAILABLE]")
        equal(mail.last_event(), (14005, "backend-refused", "ann"))
        contains(mail.imap_answer("ann", "wrong"), "a NO [AUTHENTICATIONFAILED]")
        mail.dovecot.take_over()
        contains(mail.imap_answer("ann", "sesame"), "a OK ")
        mail.dovecot.stop()
        contains(mail.imap_answer("ann", "sesame"), "a NO [UNAVAILABLE]")
        equal(mail.last_event(), (14005, "backend-unreachable", "ann"))
        away = lambda: [problem for problem in mail.status()["problems"] if "IMAP4\\Parameters, Backend: " in problem]
        contains(away()[0], str(mail.dovecot.socket))
        mail.dovecot.start()
        contains(mail.imap_answer("ann", "sesame"), "a OK ")
        equal(away(), [])


main()
