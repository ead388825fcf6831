#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""data/install on a Debian that never had the project: everything serves at once, a
second run changes nothing, and --remove takes back all but data, with secrets closed."""

import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.case import check, contains, equal, main, test
from harness.mail import IMAP
from harness.mailhost import MailHost
from harness.process import SOURCE
from harness.source import INSTALL, REMOVE, source_machine

# Lists and logs of the system's, Meson's log of the installation, and the users, that stay.
CHANGED_BY_OTHERS = ("/srv", "/tmp", "/var/tmp", "/var/cache", "/var/log", "/var/lib/systemd", "/etc/passwd",
                     "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid", "/etc/ld.so.cache",
                     "/etc/.pwd.lock", "/root")
DATA = ("/var/lib/regd", "/var/lib/mailauthd")
SECRET = "hush"
DENIED = 4  # regctl's exit code


def contents(machine):
    """All that is there but data, as a set of lines: kinds, rights and owners, where links lead, and sums of files."""
    others = " ".join(f"-path '{path}*' -prune -o" for path in (*CHANGED_BY_OTHERS, *DATA))
    listed = machine.run(f"find / -xdev {others} -printf '%M %u:%g %l %p\\n'")
    summed = machine.run(f"find / -xdev {others} -type f -print0 | xargs -0 md5sum")
    return {*listed.splitlines(), *summed.splitlines()}


def serving_anna(machine):
    for unit in ("regd", "mailauthd"):
        equal((machine.show(unit, "ActiveState"), machine.show(unit, "UnitFileState")), ("active", "enabled"), unit)
    host = MailHost(machine)
    host.add_account("anna", "sesame")
    equal((host.status()["decision"], host.status()["problems"]), ("ok", []))
    return host


@test
def what_was_built_serves_with_no_step_but_adding_an_account():
    with source_machine() as machine:
        said = machine.run(INSTALL)
        contains(said, "starting mailauthd, now and at each boot")
        host = serving_anna(machine)
        contains(host.pop3_answer("anna", "sesame"), "+OK")
        contains(host.pop3_answer("anna", "wrong"), "-ERR [AUTH]")
        equal(machine.run("systemctl --failed --no-legend"), "")
        machine.reboot()
        host.wait_for_login("anna", "sesame")


@test
def a_second_run_changes_nothing():
    with source_machine() as machine:
        machine.run(INSTALL)
        host = serving_anna(machine)
        before, revision = contents(machine), revision_of(machine)
        check(any(line.endswith(" /usr/local/bin/regctl") for line in before), "regctl is not compared")
        machine.run(INSTALL)
        equal(sorted(contents(machine) ^ before), [])
        equal(revision_of(machine), revision)
        contains(host.pop3_answer("anna", "sesame"), "+OK")


def revision_of(machine):
    return re.search(r"^revision: (\d+)$", machine.run("regctl status"), re.MULTILINE)[1]


@test
def remove_takes_back_all_but_data_and_closes_secrets():
    with source_machine() as machine:
        machine.run("useradd --no-create-home nora")
        before = contents(machine)
        machine.run(INSTALL)
        serving_anna(machine)
        MailHost(machine).set(IMAP, "Backend Master Password", SECRET)
        # Python keeps what it has compiled beside the modules.
        machine.run("python3 -c 'import registry'")
        machine.run("python3 -m compileall -q $(find / -xdev -path '*/ansible_collections/regd' -prune)")
        machine.run(REMOVE)
        equal(sorted(contents(machine) ^ before), [])
        equal(machine.run("pgrep -c 'regd|mailauthd'", status=1), "0\n")
        machine.run("getent passwd regd mailauth mailauth-front mailauth-sql && test -s /var/lib/regd/registry.db")
        equal(machine.run("systemctl --failed --no-legend"), "")
        contains(machine.run(REMOVE, status=1), "nothing was installed")
        # regd by itself, as an installation without mailauthd has it.
        machine.run(INSTALL)
        machine.run("systemctl stop mailauthd && rm /usr/local/share/regd/schemas/[!r]*.schema && "
                    "systemctl restart regd")
        equal(machine.run(["regctl", "get", IMAP, "Backend Master Password"]), f"{SECRET}\n")
        contains(machine.run("regctl ls HKLM", user="nora"), "SYSTEM")
        machine.run(["regctl", "get", IMAP, "Backend Master Password"], user="nora", status=DENIED)


@test
def remove_finds_the_prefix_by_the_file_that_names_regd_to_the_bus():
    with TemporaryDirectory() as folder:
        services = Path("usr/share/dbus-1/system-services/org.regd.Registry1.service")
        installed = [Path("opt/mail/sbin/regd"), services]
        for each in (*installed, Path("opt/mail/share/regd/installed")):
            (folder / each).parent.mkdir(parents=True, exist_ok=True)
        (folder / installed[0]).touch()
        (folder / services).write_text("[D-BUS Service]\nName=org.regd.Registry1\nExec=/opt/mail/sbin/regd\nUser=regd\n")
        (folder / Path("opt/mail/share/regd/installed")).write_text("".join(f"/{each}\n" for each in installed))
        remove = [SOURCE / "data" / "install", "--remove", "--build=/nonexistent"]
        subprocess.run(remove, env={"DESTDIR": folder}, check=True, capture_output=True)
        equal([path for path in Path(folder).rglob("*") if not path.is_dir()], [])
        again = subprocess.run(remove, env={"DESTDIR": folder}, check=False, capture_output=True)
        contains(again.stderr.decode(), "nothing was installed")


main()
