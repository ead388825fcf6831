# SPDX-License-Identifier: MIT
"""regctl import: files, standard input, pipes that break, and progress on a terminal."""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import termios

from harness.bus import wait_until
from harness.case import check, contains, equal, main, test
from harness.freeze import frozen
from harness.process import PATIENCE, program
from harness.registry import (REG_DWORD, REG_SZ, Registry)
from harness.regctl import DONE, FAILED, INVALID, KEY, done, refused, regctl


@test
def an_import_that_takes_long_is_told_of_on_a_terminal():
    with Registry() as registry, tempfile.NamedTemporaryFile(suffix=".reg") as file:
        # Enough for regd to be at it when the next progress is told.
        many = "".join(f'"{number}"="b"\n' for number in range(400_000))
        file.write(f'REGEDIT4\n[{KEY}]\n"a"="b"\n{many}'.encode())
        file.flush()
        ours, theirs = os.openpty()
        with frozen(registry.process.pid):
            importing = subprocess.Popen(
                [program("client/regctl/regctl"), f"--bus={registry.bus.address}", "import", file.name], stderr=theirs)
            os.close(theirs)
            shown = b""
            while b"0 % read" not in shown:
                shown += os.read(ours, 4096)
        while True:
            try:
                more = os.read(ours, 4096)
            except OSError:  # the last of those who write has gone
                break
            if not more:
                break
            shown += more
        os.close(ours)
        equal(importing.wait(PATIENCE), DONE)
        check(re.search(rb"[1-9]\d* % read|read, now written", shown), repr(shown))
        check(shown.endswith(b"\r\x1b[K"), repr(shown))
        equal(registry.client.get(KEY, "a")[2], "b")


REG_FILE = "REGEDIT4\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme]\r\n\"a\"=\"b\"\r\nnonsense\r\n\"n\"=dword:5\r\n"


@test
def text_whose_encoding_is_guessed_is_said():
    with Registry() as registry:
        file = registry.directory / "cyrillic.reg"
        file.write_bytes(b"REGEDIT4\r\n[" + KEY.encode() + b"]\r\n; \xc0\r\n\"a\"=\"\xc0\"\r\n\"\xc1\"=\"x\"\r\n")
        status, printed, said = regctl(registry, "import", str(file))
        equal((status, printed, said.count("\n")), (DONE, "", 1), said)
        for part in ("line 4", "2 lines were read as Windows-1252", "--encoding"):
            contains(said, part)
        equal(registry.client.values(KEY), [("a", REG_SZ, "\u00c0"), ("\u00c1", REG_SZ, "x")])
        refused(registry, INVALID, "import", "--strict", str(file), naming=("line 4", "not UTF-8"))
        equal(done(registry, "rm", "-r", KEY), "")
        equal(done(registry, "import", "--strict", "--encoding=cp1251", str(file)), "")
        equal(registry.client.values(KEY), [("a", REG_SZ, "\u0410"), ("\u0411", REG_SZ, "x")])
        equal(done(registry, "diff", "--encoding=cp1251", KEY, str(file)), "")
        refused(registry, INVALID, "import", "--encoding=cp12510", str(file), naming=("cp12510", "iconv -l"))
        refused(registry, INVALID, "import", "--encoding=utf-8", str(file), naming=("line 3", "utf-8"))


@test
def of_several_files_it_is_said_what_became_of_each():
    with Registry() as registry:
        files = [registry.directory / f"{number}.reg" for number in range(4)]
        for number, file in enumerate(files):
            file.write_text(f"REGEDIT4\n[{KEY}]\n\"v{number}\"=\"x\"\n")
        files[2].write_text("no header\n")
        refused(registry, FAILED, "import", *map(str, files),
                naming=(f"{files[2]}: line 1", f"imported before it: {files[0]}, {files[1]};", f"not tried: {files[3]}"))
        equal([name for name, *_ in registry.client.values(KEY)], ["v0", "v1"])


@test
def a_file_that_is_something_else_is_called_what_it_is():
    with Registry() as registry:
        for content, naming in ((b"WINE REGISTRY Version 2\n", "Wine"),
                                (done(registry, "export", "--format=json", "HKLM\\SOFTWARE").encode(), "JSON"),
                                (b"Windows Registry Editor Version 5.00 \r\n", "blank")):
            refused(registry, FAILED, "import", "-", given=content, naming=(naming,))


@test
def import_reads_files_and_standard_input():
    with Registry() as registry:
        good, bad = registry.directory / "good.reg", registry.directory / "bad.reg"
        good.write_text(REG_FILE.replace("nonsense\r\n", ""))
        bad.write_text(REG_FILE)
        equal(done(registry, "import", str(good)), "")
        equal(registry.client.values(KEY), [("a", REG_SZ, "b"), ("n", REG_DWORD, 5)])
        status, printed, said = regctl(registry, "import", str(bad))
        equal((status, printed), (DONE, ""))
        contains(said, f"regctl: {bad}: line 5: ")
        refused(registry, INVALID, "import", "--strict", str(bad), naming=[f"{bad}: line 5: "])
        equal(done(registry, "import", "-", given=good.read_bytes().replace(b"dword:5", b"dword:6")), "")
        equal(registry.client.get(KEY, "n")[2], 6)
        before = registry.client.revision
        printed = done(registry, "import", "--dry-run", str(good))
        contains(printed, "values-set: 1\n")
        report = json.loads(done(registry, "import", "--dry-run", "--json", str(good)))
        equal((report["file"], report["report"]["values-set"]), (str(good), 1))
        equal(registry.client.revision, before)
        for given in [b"not one of these", b"", b"windows registry editor version 5.00\n", b"\xfe\xff\0R"]:
            refused(registry, FAILED, "import", "-", given=given, naming=["standard input"])
        good.write_bytes(b"regedit4\r\n" * 1000)
        refused(registry, FAILED, "import", str(good), naming=[str(good), "not a registry file"])
        refused(registry, FAILED, "import", str(registry.directory), naming=[str(registry.directory)])


@test
def a_pipe_that_is_broken_off_imports_nothing():
    with Registry() as registry:
        environment = os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": registry.bus.address}
        with subprocess.Popen([program("client/regctl/regctl"), "import", "-"], env=environment,
                              stdin=subprocess.PIPE, preexec_fn=heed_interrupts) as process:
            process.stdin.write(f'REGEDIT4\n[{KEY}]\n"first"="half"\n'.encode())
            process.stdin.flush()
            wait_until(lambda: is_empty(process.stdin), "regctl to have read")
            process.send_signal(signal.SIGINT)
            equal(process.wait(PATIENCE), -signal.SIGINT)
        for number in range(5):  # meanwhile a half would long have been committed
            equal(done(registry, "import", "-", given=f'REGEDIT4\n[{KEY}]\n"{number}"="whole"\n'.encode()), "")
        equal(registry.client.values(KEY), [(str(number), REG_SZ, "whole") for number in range(5)])


def heed_interrupts():
    """What is started by a shell in the background ignores them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def is_empty(pipe):
    """Whether all that was written into a pipe has been read."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder) == 0


main()
