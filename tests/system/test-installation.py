#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The Debian packages on a Debian that never had them: everything serves at once, on
either message bus, and removal and purge leave what Debian's policy asks for."""

import re
import shutil
from contextlib import contextmanager

from harness.case import Failure, Skip, check, contains, equal, main, test
from harness.etcd import Etcd
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
    for unit in ("regd", "regd-fleet", "mailauthd"):
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


@contextmanager
def etcd_to_run():
    """A folder with the program etcd, which needs nothing beside it, and certificates for it."""
    if not shutil.which("etcd"):
        raise Skip("takes etcd")
    etcd = Etcd()
    try:
        etcd.prepare()
        shutil.copy(shutil.which("etcd"), etcd.directory)
        yield etcd.directory
    finally:
        shutil.rmtree(etcd.directory)


ETCD = ("systemd-run --unit=etcd --property=Type=notify /srv/etcd/etcd --data-dir=/run/etcd --client-cert-auth "
        "--trusted-ca-file=/srv/etcd/ca.pem --cert-file=/srv/etcd/server.pem --key-file=/srv/etcd/server.key "
        "--listen-client-urls=https://127.0.0.1:2379 --advertise-client-urls=https://127.0.0.1:2379")


@test
def the_agent_makes_a_fleet_in_its_sandbox_as_the_guide_says():
    guide = (SOURCE / "data/doc/fleet.md").read_text().partition("## Two hosts in ten commands")[2].partition("\n## ")[0]
    tour = [step for block in re.findall(r"^```console one\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL) for step in steps(block)]
    with etcd_to_run() as folder, fresh_machine({"/srv/etcd": folder}) as machine:
        machine.run("echo 127.0.0.1 localhost etcd1.example >/etc/hosts")
        machine.run(INSTALL)
        machine.run("install -D -m 644 /srv/etcd/ca.pem /etc/regd/fleet-ca.pem && install -m 644 /srv/etcd/root.pem /etc/regd/fleet.pem "
                    "&& install -m 640 -g regd-fleet /srv/etcd/root.key /etc/regd/fleet.key")
        machine.run(ETCD)
        machine.write("/root/fleet.reg", blocks("data/doc/fleet.md", "reg fleet.reg")[0])
        for command, expected in tour:
            equal(machine.run(f"cd /root && {command}").splitlines(), expected, command)
        contains(machine.run("regctl fleet status"), "state: live\n")
        equal(machine.run("ps -o user= -C regd-fleet").strip(), "regd-fleet")
        machine.run("apt-get remove --yes regd-fleet")
        contains(machine.run("regctl fleet status"), "regd-fleet does not run")
        equal(machine.run(["regctl", "get", r"HKLM\SOFTWARE\Policies\Acme", "Greeting"]), "hello\n")
        machine.run(INSTALL)
        machine.wait_until("regctl fleet status | grep -q 'state: live'", "the host to be live again")
        equal(machine.show("regd-fleet", "NRestarts"), "0")


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
        for unit in ("regd", "regd-fleet", "mailauthd"):
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
        machine.run("getent passwd regd regd-fleet mailauth mailauth-front mailauth-sql")
        equal(machine.run("systemctl --failed --no-legend"), "")


main()
