#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Restarts and an upgrade while programs write, follow and log in: nothing that was
answered is lost, no follower misses a change, and no right password is called wrong."""

import threading
from contextlib import contextmanager

from harness.bus import wait_until
from harness.case import check, contains, equal, main, test
from harness.mailhost import MailHost
from harness.packages import INSTALL, earlier_packages, fresh_machine, installed_machine

KEY = r"HKLM\SOFTWARE\Load"
EARLIER = "/srv/earlier"

# One value after the other, each under a name of its own; what was answered is printed.
WRITE = (f"i=0; while i=$((i+1)); do said=$(regctl set '{KEY}' V$i $i 2>&1) && echo wrote V$i || echo failed $said; "
         "done")
FOLLOW = f"exec regctl watch --since=0 '{KEY}'"


class Logins(threading.Thread):
    """One user who logs in again and again."""

    def __init__(self, host):
        super().__init__()
        self.host, self.answers, self.is_over = host, [], threading.Event()

    def run(self):
        while not self.is_over.is_set():
            self.answers.append(self.host.pop3_answer("anna", "sesame"))

    def count(self):
        return sum("+OK" in answer for answer in self.answers)


class Load:
    """What goes on in the machine meanwhile."""

    def __init__(self, machine):
        self.machine = machine
        self.writer, self.follower, self.logins = machine.start(WRITE), machine.start(FOLLOW), Logins(MailHost(machine))
        self.logins.start()

    def written(self):
        return [line.split()[1] for line in self.writer.lines if line.startswith("wrote ")]

    def go_on(self):
        """Until some more was written and somebody has logged in again."""
        writes, logins = len(self.written()), self.logins.count()
        wait_until(lambda: len(self.written()) >= writes + 20, f"more writes: {self.writer.lines[-3:]}")
        wait_until(lambda: self.logins.count() > logins, f"another login: {self.logins.answers[-3:]}")

    def stop(self):
        self.logins.is_over.set()
        self.logins.join()
        self.writer.stop()


@contextmanager
def under_load(machine):
    """A Load that has begun, and is over when the block ends; then what was answered must be there."""
    load = Load(machine)
    try:
        load.go_on()
        yield load
        load.go_on()
    finally:
        load.stop()
    kept = {line.split("\t")[0] for line in machine.run(["regctl", "ls", KEY]).splitlines()}
    equal([name for name in load.written() if name not in kept], [], "answered and lost")
    last = load.written()[-1]
    wait_until(lambda: any(line.endswith(f"\t{last}") for line in load.follower.lines), "the follower to catch up")
    told = {line.split("\t")[3] for line in load.follower.stop() if line.count("\t") == 3}
    equal([name for name in load.written() if name not in told], [], "answered and not told of")
    equal([answer for answer in load.logins.answers if "[AUTH]" in answer], [], "right, and called wrong")


@test
def regd_is_restarted_and_killed_and_every_login_works():
    with installed_machine() as machine:
        MailHost(machine).add_account("anna", "sesame")
        with under_load(machine) as load:
            for _ in range(3):
                machine.run("systemctl restart regd")
                load.go_on()
            machine.run("systemctl kill --signal=KILL regd")
            load.go_on()
        equal([answer for answer in load.logins.answers if "+OK" not in answer], [])


@test
def mailauthd_is_restarted_and_no_right_password_is_called_wrong():
    with installed_machine() as machine:
        MailHost(machine).add_account("anna", "sesame")
        with under_load(machine) as load:
            for _ in range(3):
                machine.run("systemctl restart mailauthd")
                load.go_on()
            machine.run("systemctl kill --signal=KILL mailauthd")
            load.go_on()


@test
def an_upgrade_loses_nothing():
    with fresh_machine({EARLIER: earlier_packages()}) as machine:
        machine.run(f"apt-get install --yes --no-install-recommends {EARLIER}/*.deb")
        # That version did not start after its first installation without this.
        machine.run("busctl call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig && "
                    "systemctl reset-failed && systemctl restart regd && mailauthctl repair && "
                    "systemctl restart mailauthd")
        contains(machine.run("regctl --version"), "0.1.0")
        before = machine.main_pid("regd")
        MailHost(machine).add_account("anna", "sesame")
        machine.run("install -d -o mail -g mail /var/lib/mailauthd/mail/anna /var/lib/mailauthd/mail/anna/Maildir{,/cur,/new,/tmp}")
        MailHost(machine).set(r"HKLM\SYSTEM\CurrentControlSet\Services\MSExchangePOP3\Parameters", "Mail Directory",
                              "/var/lib/mailauthd/mail/%u/Maildir")
        with under_load(machine):
            machine.run(INSTALL)
            check(machine.main_pid("regd") not in (0, before), "the upgrade has not restarted regd")
        equal(machine.run("systemctl --failed --no-legend"), "")
        contains(machine.run("regctl status"), "version: 0.2.0\n")


main()
