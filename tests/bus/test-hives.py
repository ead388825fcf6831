# SPDX-License-Identifier: MIT
"""Hives: what goes out comes back, as hivex's own tools see it too; damaged ones; and what is said
where something can't be done."""

import os
import random
import shutil
import subprocess

from harness.bus import ALICE, needs_root
from harness.case import Skip, check, contains, equal, main, test
from harness.registry import (REG_BINARY, REG_DWORD, REG_EXPAND_SZ, REG_MULTI_SZ, REG_QWORD, REG_SZ, SOFTWARE, Registry)
from harness.regctl import DENIED, DONE, FAILED, INVALID, KEY, USAGE, done, refused, regctl

THERE = SOFTWARE + "\\There"


def furnish(client):
    client.set(KEY, "", REG_SZ, "the default value")
    client.set(KEY, "text", REG_SZ, "a\"b\\c\u00e4\u65e5\U0001f600\nnext line")
    client.set(KEY, "expand", REG_EXPAND_SZ, "%x%")
    client.set(KEY, "list", REG_MULTI_SZ, ["a", "b | c"])
    client.set(KEY, "number", REG_DWORD, 0x12345678)
    client.set(KEY, "long", REG_QWORD, 1 << 40)
    client.set(KEY, "empty", REG_BINARY, b"")
    client.set(KEY, "bytes", REG_BINARY, bytes(range(256)) * 200)
    client.set(KEY, "odd", REG_DWORD, b"abc")
    client.set(KEY, "other", 0x77, b"x")
    client.set(KEY + "\\Sub \u00e4]\\Deep", "x", REG_SZ, "y")
    client.create(KEY + "\\Sub \u00e4]\\Other")
    client.set(KEY + "\\\u65e5\u672c", "\u65e5", REG_SZ, "\u672c")
    client.commit([("set-value", KEY + "\\Many", f"v{number}", REG_DWORD, number) for number in range(3000)])


def supported(registry):
    if "without libhivex" in regctl(registry, "export", "--format=hive", "HKLM\\SAM", "/dev/null")[2]:
        raise Skip("regctl was built without libhivex")


@test
def what_goes_out_as_a_hive_comes_back():
    with Registry() as registry:
        supported(registry)
        furnish(registry.client)
        hive, link = registry.directory / "x.hive", registry.directory / "again.hive"
        equal(done(registry, "export", "--format=hive", KEY, str(hive)), "")
        equal(done(registry, "import", f"--at={THERE}", str(hive)), "")
        equal(regctl(registry, "diff", KEY, THERE), (DONE, "", ""))
        equal(done(registry, "import", "--hive", "--at", THERE + "\\Piped", "-", given=hive.read_bytes()), "")
        equal(regctl(registry, "diff", KEY, THERE + "\\Piped"), (DONE, "", ""))
        # As it was, not as it is.
        before = registry.client.revision
        registry.client.delete(KEY, recursive=True)
        done(registry, "export", "--format=hive", f"--at={before}", KEY, str(link))
        equal(link.read_bytes(), hive.read_bytes())
        report = done(registry, "--json", "import", "--dry-run", f"--at={KEY}", str(link))
        contains(report, '"values-set": 3012')


@test
def other_programs_read_and_write_the_same():
    if shutil.which("hivexregedit") is None:
        raise Skip("takes hivexregedit (libwin-hivex-perl)")
    with Registry() as registry:
        supported(registry)
        furnish(registry.client)
        registry.client.delete(KEY + "\\\u65e5\u672c")  # hivexregedit prints the names of 8-bit characters only
        hive, text = registry.directory / "x.hive", registry.directory / "x.reg"
        done(registry, "export", "--format=hive", KEY, str(hive))
        exported = subprocess.run(["hivexregedit", "--export", "--prefix", THERE, str(hive), "\\"], capture_output=True,
                                  check=True)
        text.write_bytes(exported.stdout)
        done(registry, "import", "--strict", "--encoding=windows-1252", str(text))
        equal(regctl(registry, "diff", KEY, THERE), (DONE, "", ""))
        text.write_text('Windows Registry Editor Version 5.00\n\n[\\Made]\n"n"=dword:00000007\n"s"="x"\n')
        subprocess.run(["hivexregedit", "--merge", str(hive), str(text)], check=True)
        done(registry, "import", f"--at={THERE}3", str(hive))
        equal(registry.client.values(THERE + "3\\Made"), [("n", REG_DWORD, 7), ("s", REG_SZ, "x")])


@test
def an_encoding_that_is_named_is_for_other_files():
    with Registry() as registry:
        supported(registry)
        registry.client.set(KEY + "\\\u00e4", "\u65e5", REG_SZ, "\u00f6")
        hive, text = registry.directory / "x.hive", registry.directory / "x.reg"
        done(registry, "export", "--format=hive", KEY, str(hive))
        text.write_bytes(b"REGEDIT4\r\n[" + KEY.encode() + b"]\r\n\"c\"=\"\xc0\"\r\n")
        done(registry, "import", "--encoding=cp1251", f"--at={THERE}", str(hive))
        equal(regctl(registry, "diff", KEY, THERE), (DONE, "", ""))


@test
def what_may_not_be_read_is_not_quietly_left_out():
    needs_root()
    with Registry() as registry:
        supported(registry)
        registry.client.set(KEY, "a", REG_SZ, "b")
        registry.client.set(KEY + "\\Closed", "n", REG_SZ, "x")
        registry.client.set_acl(KEY + "\\Closed", ("everyone", "none"))
        folder = registry.directory / "alice"
        folder.mkdir()
        os.chown(folder, ALICE, ALICE)
        hive = folder / "x.hive"
        refused(registry, DENIED, "export", "-q", "--format=hive", KEY, str(hive), uid=ALICE, naming=("Closed",))
        equal(hive.exists(), False)
        equal(regctl(registry, "export", "--skip-unreadable", "--json", "--format=hive", KEY, str(hive), uid=ALICE)[:2],
              (DONE, '{"keys": 1, "values": 1}\n'))


@test
def a_hive_says_what_it_takes():
    with Registry() as registry:
        supported(registry)
        registry.client.set(KEY, "a", REG_SZ, "b")
        hive = registry.directory / "x.hive"
        done(registry, "export", "--format=hive", KEY, str(hive))
        refused(registry, USAGE, "import", str(hive), naming=("--at=KEY",))
        refused(registry, USAGE, "export", "--format=hive", KEY, naming=("FILE",))
        refused(registry, INVALID, "import", "--at=HKXX", str(hive), naming=("HKXX",))
        refused(registry, USAGE, "export", "--format=hive", "--encoding=utf-8", KEY, str(hive), naming=("--encoding",))
        for above in ("", "/"):
            refused(registry, INVALID, "import", f"--at={above}", str(hive), naming=("above the roots",))
        for option in (f"--at={THERE}", "--salvage"):
            refused(registry, USAGE, "import", option, "-", given=b"REGEDIT4\n", naming=("--at and --salvage",))
        (registry.directory / "no.hive").write_bytes(b"regf" + bytes(100))
        refused(registry, INVALID, "import", f"--at={THERE}", str(registry.directory / "no.hive"), naming=("hive",))
        for content in (b"REGEDIT4\n", b"", b"reg", b"fger" + bytes(5000)):
            refused(registry, INVALID, "import", "--hive", f"--at={THERE}", "-", given=content, naming=("it is no hive",))
        refused(registry, INVALID, "import", "--hive", f"--at={THERE}", str(registry.directory), naming=("it is no hive",))


@test
def damage_is_refused_or_left_out_and_counted():
    with Registry() as registry:
        supported(registry)
        furnish(registry.client)
        hive, bad = registry.directory / "x.hive", registry.directory / "bad.hive"
        done(registry, "export", "--format=hive", KEY, str(hive))
        whole, before = hive.read_bytes(), registry.client.revision
        seed = random.randrange(1 << 32)
        print(f"# seed {seed}")
        chance = random.Random(seed)
        outcomes = {DONE: 0, INVALID: 0, FAILED: 0}
        for _ in range(60):
            content = bytearray(whole)
            for _ in range(chance.randrange(1, 4)):
                content[chance.randrange(0x1000, len(content))] ^= 1 << chance.randrange(8)
            if chance.random() < 0.2:
                del content[chance.randrange(len(content)):]
            bad.write_bytes(content)
            for more in ((), ("--salvage",)):
                status, _, said = regctl(registry, "--quiet", "import", "--dry-run", f"--at={THERE}", *more, str(bad))
                check(status in outcomes, f"exit code {status}: {said}")
                outcomes[status] += 1
        check(outcomes[INVALID] > 0 and outcomes[DONE] > 0, str(outcomes))
        equal(registry.client.revision, before)


main()
