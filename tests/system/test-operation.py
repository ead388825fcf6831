#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What data/doc/operation.md tells administrators to do, and no other test of a
machine does: numbers for node_exporter, schemas of their own, keeping regd off,
polkit's rules, and removing packages without leaving a secret readable."""

import re

from harness.case import contains, equal, main, rows, test
from harness.mail import BROKERS, IMAP
from harness.mailhost import MAIL_FOLDER, MailHost
from harness.packages import INSTALL, fresh_machine, installed_machine
from harness.process import SOURCE

KEY = r"HKLM\SOFTWARE\Acme"
SCHEMA = "[key HKLM\\SOFTWARE\\Acme]\n[value Port]\ntype = REG_DWORD\nrange = 1..65535\n"
NUMBERS = "/var/lib/prometheus/node-exporter"
SECRET = "hush"
DENIED = 4  # regctl's exit code


@test
def numbers_are_written_for_node_exporter():
    with installed_machine() as machine:
        machine.run(f"install -d -o nobody {NUMBERS}")
        machine.run("systemctl enable --now regd-metrics.timer && systemctl start regd-metrics.service")
        equal(machine.show("regd-metrics.timer", "ActiveState"), "active")
        contains(machine.run(f"cat {NUMBERS}/regd.prom"), "# EOF\n")
        equal(machine.run(f"stat -c %U:%a {NUMBERS}/*"), "root:644\n")


@test
def own_schemas_hold_after_a_reload():
    with installed_machine() as machine:
        pid = machine.main_pid("regd")
        machine.write("/etc/regd/schemas/acme.schema", SCHEMA)
        machine.run("systemctl reload regd")
        machine.wait_until(f"! regctl set -t dword '{KEY}' Port 0", "the schema to be read")
        machine.run(f"regctl set -t dword '{KEY}' Port 8080")
        equal(machine.main_pid("regd"), pid)


@test
def a_masked_regd_stays_off():
    with installed_machine() as machine:
        machine.run("systemctl mask --now regd")
        contains(machine.run("regctl status", status=7), "masked")
        equal(machine.show("regd", "ActiveState"), "inactive")
        machine.run("systemctl unmask regd")
        contains(machine.run("regctl status"), "read-only: no\n")


def rule_of_the_manual():
    """regd(8)'s example for polkit: the group registry may."""
    manual = (SOURCE / "data" / "man" / "regd.8").read_text(encoding="utf-8")
    return re.search(r"^(polkit\.addRule.*?)^\.Ed$", manual, re.MULTILINE | re.DOTALL).group(1)


def on_terminal(machine, user, *command, status=0):
    return machine.run(["script", "--quiet", "--return", "--command", " ".join(command), "/dev/null"], user=user, status=status)


@test
def a_group_administers_by_a_rule_of_polkit():
    with fresh_machine(more=["polkitd"]) as machine:
        machine.run(INSTALL)
        machine.run("useradd anna && groupadd registry && useradd --groups registry nora")
        machine.write("/etc/polkit-1/rules.d/50-registry.rules", rule_of_the_manual())
        command = ["regctl", "set", f"'{KEY}'", "Port", "25"]
        machine.run(["regctl", "create", KEY])
        contains(on_terminal(machine, "anna", *command, status=DENIED), "right")
        machine.run(["regctl", "set", KEY, "Port", "25"], user="nora", status=DENIED)
        on_terminal(machine, "nora", *command)
        uid = machine.run("id --user nora").strip()
        contains(machine.run(["regctl", "history", "--json", "--limit=1", KEY]), f'"uid": {uid},')


def with_secrets(machine):
    """Two secrets of mailauthd's in the registry, in the keys of a mail server behind and of a directory."""
    machine.run("useradd anna && useradd nora")
    host = MailHost(machine)
    host.set(IMAP, "Backend Master Password", SECRET)
    host.set(BROKERS + r"\9", "Bind Password", SECRET)
    # A right that somebody was given by name stays.
    machine.run(["regctl", "acl", IMAP, "everyone=read", "user:anna=none"])


@rows([("regd that serves", "true"), ("regd that is off", "systemctl stop mailauthd && systemctl mask --now regd")])
def no_secret_is_readable_after_the_removal_of_mailauthd_with(before):
    with installed_machine() as machine:
        with_secrets(machine)
        machine.run(before)
        machine.run("apt-get remove --yes mailauthd")
        machine.run("systemctl unmask regd && systemctl start regd && ! test -e /usr/share/regd/schemas/sam.schema")
        contains(machine.run("regctl ls HKLM", user="nora"), "SYSTEM")
        for key, name in ((IMAP, "Backend Master Password"), (BROKERS + r"\9", "Bind Password")):
            equal(machine.run(["regctl", "get", key, name]), f"{SECRET}\n")
            contains(machine.run(["regctl", "get", key, name], user="nora", status=DENIED), "right")
        contains(machine.run(["regctl", "acl", IMAP]), "user:anna=none\n")


@test
def purges_delete_the_registry_with_regd_and_never_mail():
    with installed_machine() as machine:
        host = MailHost(machine)
        host.add_account("anna", "sesame")
        host.deliver("anna", "Subject: kept\n\nhello\n")
        machine.run("apt-get purge --yes mailauthd")
        contains(machine.run(["regctl", "ls", r"HKLM\SAM\Domains\Account\Users"]), "anna")
        machine.run("apt-get purge --yes regd && ! test -e /var/lib/regd")
        contains(machine.run(f"cat {MAIL_FOLDER}/anna/Maildir/new/*"), "Subject: kept")


main()
