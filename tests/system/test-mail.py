#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""mailauthd beside the servers that a mail host has: Postfix that asks it, Dovecot
behind it, the system's own accounts by PAM, and certificates that are renewed."""

import ssl
import subprocess
from contextlib import closing

from harness.case import check, contains, equal, main, test
from harness.dovecot import MASTER, PASSWORD
from harness.mail import IMAP, PARAMETERS, POP3, STORE
from harness.mailhost import MAIL_FOLDER, MailHost
from harness.packages import installed_machine
from harness.process import SOURCE

SOCKET = "/var/spool/postfix/private/mailauth"
LINEAGE = "/etc/letsencrypt/live/mail.example.org"
HOOK = "#!/bin/sh\nexec mailauthctl reload-certificate\n"


def set_up_postfix(machine):
    """It lets only those send mail who have logged in, and delivers into the Maildirs that POP3 serves."""
    settings = {
        "smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "private/mailauth",
        "smtpd_relay_restrictions": "permit_sasl_authenticated, reject", "smtpd_tls_security_level": "none",
        "inet_protocols": "ipv4", "mydestination": "", "virtual_mailbox_domains": "example.org",
        "virtual_mailbox_maps": "texthash:/etc/postfix/mailboxes", "virtual_mailbox_base": MAIL_FOLDER,
        "virtual_uid_maps": "static:8", "virtual_gid_maps": "static:8", "virtual_minimum_uid": "8",
    }
    machine.run(["postconf", "-e", *(f"{name}={value}" for name, value in settings.items())])
    machine.write("/etc/postfix/mailboxes", "anna@example.org anna/Maildir/\n")
    machine.run("systemctl start postfix")


def name_auth_socket(host):
    host.set(PARAMETERS, "Auth Socket Mode", "0660")
    host.set(PARAMETERS, "Auth Socket Group", "postfix")
    host.set(PARAMETERS, "Auth Socket", SOCKET)


def wait_for_auth_socket(machine):
    machine.wait_until(["test", "-S", SOCKET])


@test
def postfix_logs_users_in_and_what_they_send_is_read_by_pop3():
    with installed_machine() as machine:
        host = MailHost(machine)
        host.add_account("anna", "sesame")
        set_up_postfix(machine)
        name_auth_socket(host)
        wait_for_auth_socket(machine)
        equal(host.smtp_code("anna", "sesame"), 235)
        equal(host.smtp_code("anna", "wrong"), 535)
        host.send_mail("anna", "sesame", "anna@example.org", "Subject: to myself\r\n\r\nhello\r\n")
        machine.wait_until(f"test -n \"$(ls {MAIL_FOLDER}/anna/Maildir/new)\"")
        with closing(host.pop3()) as client:
            client.user("anna")
            client.pass_("sesame")
            contains(b"\n".join(client.retr(1)[1]).decode(), "Subject: to myself")


@test
def postfix_tells_an_outage_from_a_wrong_password():
    with installed_machine() as machine:
        host = MailHost(machine)
        host.add_account("anna", "sesame")
        # Postfix makes the socket's folder when it starts for the first time.
        machine.run("rm -rf /var/spool/postfix/private")
        name_auth_socket(host)
        machine.wait_until(f"mailauthctl status | grep -F {SOCKET}")
        set_up_postfix(machine)
        wait_for_auth_socket(machine)
        host.set(STORE, "MBS Package", "MBS_BASIC")  # of a broker that nobody has named
        equal(host.smtp_code("anna", "sesame"), 454)
        machine.run(["regctl", "unset", STORE, "MBS Package"])
        equal(host.smtp_code("anna", "sesame"), 235)


# ---- Dovecot behind ----

def set_up_dovecot(machine, port):
    """Its configuration is made on the host, which has the same version."""
    machine.write("/etc/dovecot/masters", f"{MASTER}:{{PLAIN}}{PASSWORD}\n", "600", "dovecot:dovecot")
    machine.run("mkdir -p /var/lib/dovecot-trial")
    words = [SOURCE / "data" / "trial-dovecot", "--folder=/var/lib/dovecot-trial", "--log=/var/log/dovecot.log",
             f"--mail={MAIL_FOLDER}", "--masters=/etc/dovecot/masters", "--owner=8:8", f"--imap={port}", "--imap-socket=/run/imap-behind",
             "--internal=dovecot", "--login=dovenull"]
    text = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
    machine.write("/etc/dovecot/dovecot.conf", text)
    machine.run("systemctl start dovecot")


@test
def imap_is_handed_to_a_dovecot_behind():
    with installed_machine() as machine:
        host = MailHost(machine)
        host.add_account("anna", "sesame")
        host.deliver("anna", "Subject: welcome\n\nhello\n")
        set_up_dovecot(machine, 10143)
        machine.run(["regctl", "import", "-"], given=(
            f"Windows Registry Editor Version 5.00\n\n[{IMAP}]\n\"Backend\"=\"imap+unix:/run/imap-behind\"\n"
            f"\"Backend Master User\"=\"{MASTER}\"\n\"Backend Master Password\"=\"{PASSWORD}\"\n"))
        machine.run("mailauthctl repair")
        machine.wait_until("ss -ltn 'sport = :143' | grep -q :143")
        contains(host.imap_answer("anna", "wrong"), "AUTHENTICATIONFAILED")
        client = host.imap()
        client.login("anna", "sesame")
        equal(client.select("INBOX")[1], [b"1"])
        client.logout()
        machine.run("systemctl stop dovecot")
        contains(host.imap_answer("anna", "sesame"), "UNAVAILABLE")


# ---- the system's accounts ----

@test
def pam_never_calls_a_right_password_wrong():
    with installed_machine() as machine:
        host = MailHost(machine)
        machine.run("useradd --create-home anna && chpasswd", given="anna:sesame\n")
        host.set(PARAMETERS, "Native Source", "PAM")
        contains(host.pop3_answer("anna", "sesame"), "-ERR [SYS/")
        problems = "\n".join(host.status()["problems"])
        contains(problems, "mailauthctl repair --pam")
        contains(machine.ask("mailauthd --check").stdout, "mailauthctl repair --pam")
        check(host.newest_event()["reason"] != "bad-password", "the outage is recorded as a wrong password")
        machine.run("mailauthctl repair --pam")
        host.wait_for_login("anna", "sesame")
        contains(host.pop3_answer("anna", "wrong"), "-ERR [AUTH]")
        equal(host.status()["problems"], [])


# ---- certificates ----

def renew(machine, name):
    """What certbot does: new files in archive, the links in live turned to them."""
    number = machine.run(f"mkdir -p {LINEAGE} {LINEAGE.replace('live', 'archive')}; "
                         f"ls {LINEAGE.replace('live', 'archive')} | wc -l").strip()
    key, chain = (f"{LINEAGE.replace('live', 'archive')}/{kind}{number}.pem" for kind in ("privkey", "fullchain"))
    machine.run(f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
                f"-subj '/CN={name}' -addext 'subjectAltName=DNS:mail.example.org' -keyout {key} -out {chain} && "
                f"ln -sf {key} {LINEAGE}/privkey.pem && ln -sf {chain} {LINEAGE}/fullchain.pem")


def run_deploy_hooks(machine):
    machine.run(f"RENEWED_LINEAGE={LINEAGE} run-parts --exit-on-error /etc/letsencrypt/renewal-hooks/deploy")


def served_name(machine, port):
    """The common name of the certificate that a client is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(machine.connect(port), server_hostname="mail.example.org") as client:
        shown = ssl.DER_cert_to_PEM_cert(client.getpeercert(binary_form=True))
    subject = subprocess.run(["openssl", "x509", "-noout", "-subject", "-nameopt", "multiline"], input=shown,
                             stdout=subprocess.PIPE, text=True, check=True).stdout
    return subject.rpartition("= ")[2].strip()


@test
def a_renewed_certificate_is_served_after_the_deploy_hook():
    with installed_machine() as machine:
        host = MailHost(machine)
        host.add_account("anna", "sesame")
        renew(machine, "first")
        machine.write("/etc/letsencrypt/renewal-hooks/deploy/mailauthd", HOOK, "755")
        host.set(PARAMETERS, "Certificate", f"{LINEAGE}/fullchain.pem")
        host.set(PARAMETERS, "Private Key", f"{LINEAGE}/privkey.pem")
        host.set(POP3, "Listen TLS", "127.0.0.1:995", kind="multi")
        machine.wait_until("ss -ltn 'sport = :995' | grep -q :995")
        equal(served_name(machine, 995), "first")
        renew(machine, "second")
        equal(served_name(machine, 995), "first")
        run_deploy_hooks(machine)
        equal(served_name(machine, 995), "second")
        renew(machine, "third")
        machine.run("systemctl reload mailauthd")
        machine.wait_until("mailauthctl status | grep -q third")
        equal(served_name(machine, 995), "third")


main()
