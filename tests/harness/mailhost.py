# SPDX-License-Identifier: MIT
"""mailauthd as it serves on a machine: its settings and accounts by the commands that
an administrator has, and clients of its ports.

    with installed_machine() as machine:
        host = MailHost(machine)
        host.add_account("anna", "sesame")
        contains(host.pop3_answer("anna", "sesame"), "+OK")
"""

import imaplib
import json
import poplib
import smtplib
from contextlib import suppress

from harness.auth import encode
from harness.bus import wait_until
from harness.case import Failure
from harness.process import PATIENCE

# Where Maildirs are, and whose, if no setting says otherwise.
MAIL_FOLDER = "/var/lib/mailauthd/mail"
MAIL_USER = "mail"


class MailHost:
    def __init__(self, machine):
        self.machine = machine

    # ---- what an administrator does ----

    def set(self, key, name, *data, kind=None):
        self.machine.run(["regctl", "set", *(["-t", kind] if kind else []), key, name, *data])

    def add_account(self, name, password):
        self.machine.run(["mailauthctl", "user", "add", name], given=f"{password}\n")

    def deliver(self, name, text):
        """One message into a mailbox."""
        folder = f"{MAIL_FOLDER}/{name}/Maildir"
        self.machine.run(f"for each in cur new tmp; do install -d -o {MAIL_USER} -g {MAIL_USER} "
                         f"{MAIL_FOLDER}/{name} {folder} {folder}/$each; done")
        self.machine.write(f"{folder}/new/1000000000.M1P1.test", text, "600", f"{MAIL_USER}:{MAIL_USER}")

    def status(self):
        return json.loads(self.machine.run("mailauthctl --json status"))

    def newest_event(self):
        return json.loads(self.machine.run("mailauthctl --json events -n 1"))[0]

    # ---- clients ----

    def pop3(self, port=110):
        return Pop3(self.machine, port)

    def imap(self, port=143):
        return Imap(self.machine, port)

    def pop3_answer(self, name, password, port=110):
        """What a password is answered with; the text of the error if the connection fails."""
        try:
            client = self.pop3(port)
        except (OSError, poplib.error_proto, EOFError) as problem:
            return f"no greeting: {problem}"
        try:
            client.user(name)
            answer = client.pass_(password).decode()
            client.quit()  # the mailbox is free for the next then
            return answer
        except (OSError, poplib.error_proto, EOFError) as problem:
            return str(problem)
        finally:
            client.close()

    def imap_answer(self, name, password, port=143):
        try:
            client = self.imap(port)
        except (OSError, imaplib.IMAP4.error, EOFError) as problem:
            return f"no greeting: {problem}"
        try:
            return f"OK {client.login(name, password)[1][0].decode()}"
        except (OSError, imaplib.IMAP4.error, EOFError) as problem:
            return str(problem)
        finally:
            with suppress(OSError):
                client.shutdown()

    def smtp_code(self, name, password, port=25):
        """The code that an SMTP server answers a login with."""
        with Smtp(self.machine, port) as client:
            client.ehlo("client.example")
            return client.docmd("AUTH", "PLAIN " + encode(f"\0{name}\0{password}"))[0]

    def send_mail(self, name, password, receiver, text, port=25):
        """One message, by a user who has logged in."""
        with Smtp(self.machine, port) as client:
            client.ehlo("client.example")
            client.login(name, password, initial_response_ok=True)
            client.sendmail(receiver, receiver, text)

    def wait_for_login(self, name, password):
        """Until POP3 lets the user in. A password that is right must not be called wrong meanwhile."""
        answers = []

        def is_in():
            answers.append(self.pop3_answer(name, password))
            return answers[-1].startswith("+OK") or "[AUTH]" in answers[-1]

        wait_until(is_in, f"{name} to be let in")
        if "[AUTH]" in answers[-1]:
            raise Failure(f"a right password was called wrong: {answers}")


class Pop3(poplib.POP3):
    def __init__(self, machine, port):
        self.machine = machine
        super().__init__("localhost", port, PATIENCE)

    def _create_socket(self, timeout):
        return self.machine.connect(self.port, timeout)


class Imap(imaplib.IMAP4):
    def __init__(self, machine, port):
        self.machine = machine
        super().__init__("localhost", port, PATIENCE)

    def _create_socket(self, timeout):
        return self.machine.connect(self.port, timeout)


class Smtp(smtplib.SMTP):
    def __init__(self, machine, port):
        self.machine = machine
        super().__init__("localhost", port, timeout=PATIENCE)

    def _get_socket(self, host, port, timeout):
        return self.machine.connect(port, timeout)
