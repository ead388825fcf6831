#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The services under systemd: who starts them, who starts them again when a process
of theirs is killed or hangs, what a reboot keeps, and what they may not do."""

import json
import os
import select
import signal
from contextlib import closing

from harness.case import check, contains, equal, main, rows, test
from harness.freeze import freeze
from harness.mail import read_process
from harness.mailhost import MailHost
from harness.packages import installed_machine
from harness.process import PATIENCE

KEY = r"HKLM\SOFTWARE\Acme"

# Shorter than it is by default, so that a test need not wait for it for so long.
WATCHDOG = "[Service]\nWatchdogSec=3\n"


def stop(machine):
    """Both services; regd last, as mailauthd would start it again."""
    machine.run("systemctl stop mailauthd && systemctl stop regd")


def serving_anna(machine):
    host = MailHost(machine)
    host.add_account("anna", "sesame")
    return host


# ---- who starts it ----

@rows([("root", None), ("an ordinary user", "anna")])
def regd_is_started_for(user):
    with installed_machine() as machine:
        machine.run("useradd anna")
        stop(machine)
        equal(machine.show("regd", "ActiveState"), "inactive")
        contains(machine.run("regctl ls", user=user), "HKEY_LOCAL_MACHINE\n")
        equal(machine.show("regd", "ActiveState"), "active")


@test
def regctl_says_that_a_masked_regd_cannot_be_reached():
    with installed_machine() as machine:
        stop(machine)
        machine.run("systemctl mask regd")
        contains(machine.run("regctl ls", status=7), "masked")


# ---- processes that are killed, or hang ----

@test
def a_regd_that_is_killed_is_started_again_and_keeps_what_it_answered():
    with installed_machine() as machine:
        machine.run(["regctl", "set", KEY, "Owner", "anna"])
        pid = machine.main_pid("regd")
        machine.run(f"kill -9 {pid}")
        machine.wait_for_unit("regd", other_than=pid)
        equal(machine.run(["regctl", "get", KEY, "Owner"]), "anna\n")


# Those that hang are ended and replaced; a store that hangs is only replaced.
WATCHED = ["mailauthd", "mailauthd: front", "mailauthd: verifier"]
ROLES = [*WATCHED, "mailauthd: store"]


def disturb(machine, host, role, number):
    """Sends a signal to each process of one role while a session is open; then the next login must work."""
    with closing(host.pop3()) as session:
        session.user("anna")
        session.pass_("sesame")
        for process in machine.processes("mailauthd")[role]:
            ended = os.pidfd_open(process)
            os.kill(process, number)
            wait_for_end(ended, role)
    host.wait_for_login("anna", "sesame")


def wait_for_end(process, name):
    """Until it has ended, by its descriptor."""
    ready, _, _ = select.select([process], [], [], PATIENCE)
    os.close(process)
    check(ready, f"{name} goes on")


@rows([(role, role) for role in ROLES])
def the_next_login_works_after_kill_of(role):
    with installed_machine() as machine:
        host = serving_anna(machine)
        disturb(machine, host, role, signal.SIGKILL)
        equal(machine.show("mailauthd", "NRestarts"), "1" if role == "mailauthd" else "0")


@test
def a_regd_that_hangs_is_started_again_by_its_watchdog():
    with installed_machine() as machine:
        machine.write("/etc/systemd/system/regd.service.d/watchdog.conf", WATCHDOG)
        machine.run("systemctl daemon-reload && systemctl restart regd")
        pid = machine.main_pid("regd")
        machine.run(f"kill -STOP {pid}")
        machine.wait_for_unit("regd", other_than=pid)
        contains(machine.run("regctl status"), "read-only: no\n")
        contains(machine.run("journalctl -u regd -o cat"), "Watchdog timeout")


@test
def both_services_have_a_watchdog():
    with installed_machine() as machine:
        for unit in ("regd", "mailauthd"):
            check(machine.show(unit, "WatchdogUSec") not in ("0", "infinity"), f"{unit} has none")


@rows([(role, role) for role in WATCHED])
def the_next_login_works_after_a_hang_of(role):
    with installed_machine() as machine:
        machine.write("/etc/systemd/system/mailauthd.service.d/watchdog.conf", WATCHDOG)
        machine.run("systemctl daemon-reload && systemctl restart mailauthd")
        disturb(machine, serving_anna(machine), role, signal.SIGSTOP)


@test
def logins_work_again_after_a_hang_of_all_stores():
    with installed_machine() as machine:
        host = serving_anna(machine)
        contains(host.pop3_answer("anna", "sesame"), "+OK")
        for process in machine.processes("mailauthd")["mailauthd: store"]:
            freeze(process)
        host.wait_for_login("anna", "sesame")


@test
def logins_go_on_while_regd_hangs():
    with installed_machine() as machine:
        host = serving_anna(machine)
        contains(host.pop3_answer("anna", "sesame"), "+OK")
        machine.run(f"kill -STOP {machine.main_pid('regd')}")
        for _ in range(3):
            contains(host.pop3_answer("anna", "sesame"), "+OK")
        contains(json.dumps(host.status()["problems"]), "regd does not answer")


# ---- over a reboot ----

@test
def a_reboot_keeps_settings_and_accounts():
    with installed_machine() as machine:
        host = serving_anna(machine)
        machine.run(["regctl", "set", KEY, "Owner", "anna"])
        revision = machine.run("regctl --json status")
        machine.reboot()
        for unit in ("regd", "mailauthd"):
            equal((unit, machine.show(unit, "ActiveState"), machine.show(unit, "NRestarts")), (unit, "active", "0"))
        equal(json.loads(machine.run("regctl --json status"))["revision"], json.loads(revision)["revision"])
        equal(machine.run(["regctl", "get", KEY, "Owner"]), "anna\n")
        host.wait_for_login("anna", "sesame")


@test
def a_backup_is_put_back_by_the_commands_of_the_manual():
    with installed_machine() as machine:
        machine.run(["regctl", "set", KEY, "Owner", "anna"])
        machine.run("mkdir -p /var/backups && regctl backup /var/backups/registry.db")
        machine.run(["regctl", "set", KEY, "Owner", "bert"])
        machine.run("systemctl stop regd && regd --restore=/var/backups/registry.db && systemctl start regd")
        equal(machine.run(["regctl", "get", KEY, "Owner"]), "anna\n")
        equal(machine.run("stat -c %U:%a /var/lib/regd/registry.db"), "regd:600\n")
        machine.run("regd --check")


# ---- what they tell, and what they may not do ----

@test
def an_event_is_in_the_journal_with_its_fields():
    with installed_machine() as machine:
        host = serving_anna(machine)
        contains(host.pop3_answer("anna", "mistaken"), "-ERR [AUTH]")
        (line,) = machine.run("journalctl -o json MAILAUTH_ID=11202").splitlines()
        entry = json.loads(line)
        fields = ("SYSLOG_IDENTIFIER", "MAILAUTH_SOURCE", "MAILAUTH_TYPE", "MAILAUTH_REASON", "MAILAUTH_USER",
                  "MAILAUTH_ADDRESS", "_SYSTEMD_UNIT")
        equal([entry[name] for name in fields],
              ["mailauthd", "MSExchangePOP3", "Failure Audit", "bad-password", "anna", "127.0.0.1",
               "mailauthd.service"])
        check("mistaken" not in line, "the journal has the password")


@test
def the_sandbox_is_complete():
    with installed_machine() as machine:
        host = serving_anna(machine)
        contains(host.pop3_answer("anna", "sesame"), "+OK")
        status = host.status()
        equal((status["sandbox"], status["sandbox-lacks"]), ("complete", []))


@test
def ports_below_1024_are_served_without_the_rights_of_root():
    with installed_machine() as machine:
        host = serving_anna(machine)
        contains(host.pop3_answer("anna", "sesame", port=110), "+OK")
        processes = machine.processes("mailauthd")
        for role in ("mailauthd: front", "mailauthd: verifier"):
            (pid,) = processes[role]
            status = read_process(pid, "status")
            contains(status, "CapEff:\t0000000000000000\n")
            check("Uid:\t0\t" not in status, f"{role} is root")


main()
