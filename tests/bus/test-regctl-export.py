# SPDX-License-Identifier: MIT
"""regctl export and backup: files that are replaced as a whole or not at all."""

import json
import os
import stat

from harness.bus import ALICE, needs_root
from harness.case import check, contains, equal, main, test
from harness.process import program
from harness.registry import REG_DWORD, REG_SZ, SOFTWARE, Registry
from harness.regctl import DENIED, DONE, FAILED, INVALID, NOT_FOUND, USAGE

KEY = SOFTWARE + "\\Acme"
REG5 = f'Windows Registry Editor Version 5.00\r\n\r\n[{KEY}]\r\n"Port"=dword:00000019\r\n\r\n'


def regctl(registry, *arguments, uid=None, **options):
    """(exit code, standard output in bytes, standard error)."""
    result = registry.run(program("client/regctl/regctl"), *arguments, uid=uid, **options)
    return result.returncode, result.stdout, result.stderr.decode()


@test
def standard_output_takes_what_is_exported():
    with Registry() as registry:
        registry.client.set(KEY, "Port", REG_DWORD, 25)
        then = registry.client.revision
        for arguments in ([KEY], [KEY, "-"], ["--format=reg5", "/HKLM/SOFTWARE/ACME"]):
            equal(regctl(registry, "export", *arguments), (DONE, b"\xff\xfe" + REG5.encode("utf-16-le"), ""))
        equal(regctl(registry, "export", "--encoding=utf-8", KEY), (DONE, REG5.encode(), ""))
        contains(regctl(registry, "export", "--format=reg4", KEY)[1].decode(), "REGEDIT4\r\n")
        for arguments in (["--format=json", KEY], ["--json", KEY]):
            contains(json.dumps(json.loads(regctl(registry, "export", *arguments)[1])), "Port")
        registry.client.set(KEY, "Port", REG_DWORD, 26)
        equal(regctl(registry, "export", "--encoding=utf-8", f"--at={then}", KEY), (DONE, REG5.encode(), ""))


@test
def a_file_is_replaced_as_a_whole_or_not_at_all():
    with Registry() as registry:
        registry.client.set(KEY, "Port", REG_DWORD, 25)
        file, link = registry.directory / "x" / "acme.reg", registry.directory / "link.reg"
        file.parent.mkdir()
        file.write_text("the old one")
        file.chmod(0o640)
        link.symlink_to(file)
        before = os.stat(file).st_ino
        status, printed, said = regctl(registry, "export", KEY + "\\Never", str(file))
        equal((status, printed), (NOT_FOUND, b""), said)
        equal((file.read_text(), os.stat(file).st_ino), ("the old one", before))
        equal(regctl(registry, "export", "--encoding=utf-8", KEY, str(link)), (DONE, b"", ""))
        equal(file.read_bytes(), REG5.encode())
        check(link.is_symlink(), "the link stays")
        equal(stat.S_IMODE(file.stat().st_mode), 0o640)
        equal([entry.name for entry in file.parent.iterdir()], ["acme.reg"])
        report = json.loads(regctl(registry, "export", "--json", KEY, str(file))[1])
        equal((report["keys"], report["values"], report["left-out"]), (1, 1, 0))
        equal(regctl(registry, "export", "--encoding=utf-8", KEY, "/dev/stdout"), (DONE, REG5.encode(), ""))
        for target in ("/no/such/directory/acme.reg", str(registry.directory)):
            status, _, said = regctl(registry, "export", KEY, target)
            equal(status, FAILED)
            contains(said, target)


@test
def what_may_not_be_read_is_refused_or_left_out():
    needs_root()
    with Registry() as registry:
        registry.client.set(KEY, "Port", REG_DWORD, 25)
        registry.client.set(KEY + "\\Closed", "n", REG_SZ, "x")
        registry.client.set_acl(KEY + "\\Closed", ("everyone", "none"))
        equal(regctl(registry, "export", KEY, uid=ALICE)[:2], (DENIED, b""))
        status, printed, said = regctl(registry, "export", "--encoding=utf-8", "--skip-unreadable", KEY, uid=ALICE)
        equal((status, printed), (DONE, REG5.encode()))
        contains(said, "1 keys and values that may not be read are left out")
        equal(regctl(registry, "backup", str(registry.directory / "b"), uid=ALICE)[0] != DONE, True)


@test
def options_that_are_wrong_say_so():
    with Registry() as registry:
        registry.client.create(KEY)
        for option in ("--format=xml", "--encoding=ebcdic"):
            status, printed, said = regctl(registry, "export", option, KEY)
            equal((status, printed), (USAGE, b""))
            contains(said, option.split("=")[1])
        equal(regctl(registry, "export", "--at=99999", KEY)[0], INVALID)
        equal(regctl(registry, "export", "--at=x", KEY)[0], USAGE)


@test
def a_backup_is_its_owners_whatever_it_replaces():
    with Registry() as registry:
        file, link = registry.directory / "b.db", registry.directory / "link"
        file.write_bytes(b"")
        file.chmod(0o644)
        link.symlink_to(file)
        for target in (file, link):
            file.chmod(0o644)
            equal(regctl(registry, "backup", str(target))[0], DONE)
            equal((stat.S_IMODE(file.stat().st_mode), link.is_symlink()), (0o600, True))


@test
def an_export_leaves_the_owner_of_the_file_it_replaces():
    needs_root()
    with Registry() as registry:
        registry.client.set(KEY, "Port", REG_DWORD, 25)
        file = registry.directory / "x.reg"
        file.write_bytes(b"")
        os.chown(file, ALICE, 12345)
        file.chmod(0o640)
        equal(regctl(registry, "export", KEY, str(file))[0], DONE)
        status = file.stat()
        equal((status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)), (ALICE, 12345, 0o640))


@test
def what_a_group_might_is_not_for_another_one():
    needs_root()
    with Registry() as registry:
        registry.client.set(KEY, "Port", REG_DWORD, 25)
        folder = registry.directory / "alice"
        folder.mkdir()
        os.chown(folder, ALICE, ALICE)
        file = folder / "x.reg"
        file.write_bytes(b"")
        os.chown(file, ALICE, 12345)
        file.chmod(0o664)
        equal(regctl(registry, "export", KEY, str(file), uid=ALICE)[0], DONE)
        status = file.stat()
        equal((status.st_uid, status.st_gid, oct(stat.S_IMODE(status.st_mode))), (ALICE, ALICE, oct(0o604)))


@test
def an_export_whose_reader_has_gone_ends_silently():
    with Registry() as registry:
        for number in range(4):
            registry.client.set(KEY, f"v{number}", REG_SZ, "x" * 500000)
        ended = registry.run("/bin/sh", "-c", f"{program('client/regctl/regctl')} export '{KEY}' | head -c 10")
        equal((ended.returncode, ended.stderr), (0, b""))


@test
def descriptors_that_are_closed_are_nobody_elses():
    with Registry() as registry:
        registry.client.set(KEY, "a", REG_SZ, "b")
        for arguments in ("get '{KEY}' a >&-", "export '{KEY}' >&-", "import - <&-", "set --from=- '{KEY}' a <&-",
                          "get '{KEY}' none 2>&-", "get '{KEY}' a <&- >&- 2>&-"):
            command = arguments.replace("{KEY}", KEY)
            ended = registry.run("/bin/sh", "-c", f"{program('client/regctl/regctl')} {command}")
            check(ended.returncode != DONE, f"{arguments}: {ended.returncode}")
            equal(ended.stdout, b"", arguments)
        equal(registry.client.get(KEY, "a")[2], "b")


main()
