#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The Debian packages on a Debian that never had them: everything serves at once, on
either message bus, and removal and purge leave what Debian's policy asks for."""

import re

from harness.case import Failure, check, contains, equal, main, test
from harness.mailhost import MailHost
from harness.packages import INSIDE, INSTALL, fresh_machine
from harness.process import SOURCE
from harness.tour import as_pattern, blocks, steps

OWN = "regd regd-fleet regctl libregistry0 libregistry-dev python3-registry ansible-collection-regd cockpit-registry mailauthd"
KEY = r"HKLM\SOFTWARE\Acme"
# What is in packages' or the system's own hands: lists, caches, logs, and the users, that stay.
CHANGED_BY_OTHERS = ("/var/lib/dpkg", "/var/lib/apt", "/var/cache", "/var/log", "/var/lib/systemd", "/etc/passwd",
                     "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid", "/etc/ld.so.cache",
                     "/etc/.pwd.lock", "/var/lib/private", "/root")

# autopkgtest, and all that its tests depend on: a machine has no network.
FOR_AUTOPKGTEST = ["autopkgtest", "curl", "dpkg-dev", "gcc", "libc6-dev", "pkgconf"]
# The machine is for this only, and a container, which the runner null can't promise.
AUTOPKGTEST = ("autopkgtest --no-built-binaries --ignore-restrictions=breaks-testbed,isolation-container "
               f"--summary-file=/tmp/summary {INSIDE}/*.deb /tmp/tree/ -- null >/tmp/autopkgtest.log 2>&1")


def files_of(machine):
    listed = machine.run("find / -xdev -path /srv -prune -o -path /tmp -prune -o -path /var/tmp -prune -o -print")
    return {path for path in listed.splitlines() if not path.startswith(CHANGED_BY_OTHERS)}


def everything_serves(machine):
    """What an administrator sees after the installation, and what a user does."""
    for unit in ("regd", "mailauthd"):
        equal((unit, machine.show(unit, "ActiveState"), machine.show(unit, "NRestarts")), (unit, "active", "0"))
        equal((unit, machine.show(unit, "UnitFileState")), (unit, "enabled"))
    equal(machine.run("systemctl --failed --no-legend"), "")
    contains(machine.run("regctl status"), "read-only: no\n")
    host = MailHost(machine)
    host.add_account("anna", "sesame")
    equal((host.status()["decision"], host.status()["problems"]), ("ok", []))
    return host


@test
def a_first_installation_serves_with_no_step_but_adding_an_account():
    with fresh_machine() as machine:
        machine.run(INSTALL)
        host = everything_serves(machine)
        contains(host.pop3_answer("anna", "sesame"), "+OK")
        contains(host.pop3_answer("anna", "wrong"), "-ERR [AUTH]")


@test
def the_first_steps_of_the_manual_print_what_they_say():
    tour = [step for block in blocks("data/doc/operation.md", "console") for step in steps(block)]
    check(len(tour) > 2, f"there are first steps: {len(tour)} commands")
    with fresh_machine() as machine:
        machine.run(INSTALL)
        for command, expected in tour:
            printed = machine.run(command)
            if not re.fullmatch(as_pattern(expected), printed):
                raise Failure(f"$ {command}\nprinted:\n{printed}\nexpected:\n" + "\n".join(expected))


@test
def autopkgtest_passes():
    named = re.findall(r"^Tests: (.*)$", (SOURCE / "data/debian/tests/control").read_text(), re.MULTILINE)
    with fresh_machine({"/srv/debian": SOURCE / "data/debian"}, FOR_AUTOPKGTEST) as machine:
        machine.run("mkdir /tmp/tree && cp -a /srv/debian /tmp/tree/debian")
        machine.run(f"{AUTOPKGTEST} || {{ cat /tmp/autopkgtest.log; false; }}")
        equal([line.split() for line in machine.run("cat /tmp/summary").splitlines()], [[name, "PASS"] for name in named])


@test
def programs_in_python_find_the_module():
    with fresh_machine() as machine:
        machine.run(INSTALL)
        printed = machine.run(["/usr/bin/python3", "-c", f"""import registry
settings = registry.Registry()
with settings.transaction(comment="by hand") as change:
    change.set(r"{KEY}", "Owner", "anna")
print(settings.get(r"{KEY}", "Owner"))"""])
        equal(printed, "anna\n")


@test
def a_play_of_ansible_looks_after_the_machine():
    tasks = blocks("data/doc/operation.md", "yaml")[0]
    with fresh_machine() as machine:
        machine.run(INSTALL)
        contains(machine.run("ansible-doc regd.registry.value"), "Sets one value of a key")
        machine.write("/srv/play/play.yml", tasks)
        machine.write("/srv/play/files/acme.reg", f'REGEDIT4\n[{KEY}]\n"Owner"="anna"\n')
        play = "cd /srv/play && ansible-playbook --connection=local --inventory=localhost, --extra-vars=vault_anna=sesame play.yml"
        machine.run(f"{play} --check")
        machine.run(f"regctl get '{KEY}' Owner", status=3)
        contains(machine.run(play), "changed=3")
        equal(machine.run(["regctl", "get", KEY, "Owner"]), "anna\n")
        contains(machine.run(["regctl", "history", KEY]), "ansible: Shops: ")
        contains(machine.run(play), "changed=0")
        contains(MailHost(machine).pop3_answer("anna", "sesame"), "+OK")
        machine.run("apt-get purge --yes ansible-collection-regd && ! test -e /usr/share/ansible/collections/ansible_collections/regd")


@test
def dbus_broker_will_do():
    with fresh_machine() as machine:
        machine.run("systemctl enable dbus-broker")
        machine.reboot()
        equal(machine.show("dbus.service", "Id"), "dbus-broker.service")
        machine.run(INSTALL)
        everything_serves(machine)
        machine.reboot()
        contains(machine.run("regctl status"), "read-only: no\n")
        equal(machine.run("systemctl --failed --no-legend"), "")


@test
def what_was_removed_comes_back_with_its_data():
    with fresh_machine() as machine:
        machine.run(INSTALL)
        machine.run(["regctl", "set", KEY, "Owner", "anna"])
        machine.run(f"apt-get remove --yes {OWN}")
        for unit in ("regd", "mailauthd"):
            check(machine.show(unit, "ActiveState") != "active", f"{unit} goes on after its removal")
        equal(machine.run("pgrep -c 'regd|mailauthd'", status=1), "0\n")
        machine.run("test -f /var/lib/regd/registry.db && test -f /etc/pam.d/mailauth")
        machine.run(INSTALL)
        equal(machine.run(["regctl", "get", KEY, "Owner"]), "anna\n")


@test
def a_purge_leaves_nothing_but_the_users():
    with fresh_machine() as machine:
        before = files_of(machine)
        machine.run(INSTALL)
        machine.run(["regctl", "set", KEY, "Owner", "anna"])
        machine.run(f"apt-get purge --yes {OWN}")
        equal(sorted(files_of(machine) - before), [])
        equal(machine.run(f"dpkg-query --show --showformat='${{db:Status-Abbrev}}' {OWN} 2>/dev/null; true").strip(), "")
        machine.run("getent passwd regd mailauth mailauth-front mailauth-sql")
        equal(machine.run("systemctl --failed --no-legend"), "")


main()
