# SPDX-License-Identifier: MIT
"""What a large change takes is given back to the system."""

import re
import tempfile

import dbus

from harness.bus import wait_until
from harness.case import Skip, check, main, test
from harness.process import is_sanitised
from harness.registry import SOFTWARE, Registry, options

KEYS, VALUES_A_KEY = 10000, 10  # many paths: each one that stays in a cache would keep a page
REG_FILE = "\n".join(["REGEDIT4"] + [
    line for key in range(KEYS)
    for line in (f"[{SOFTWARE}\\Many\\K{key}]", *(f'"value {index}"="text"' for index in range(VALUES_A_KEY)))]) + "\n"
KEPT = 4  # MB more than before


def megabytes(process, field):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return int(re.search(rf"^{field}:\s+(\d+) kB", status.read(), re.MULTILINE)[1]) / 1024


@test
def an_import_leaves_little_memory_behind():
    if is_sanitised():
        raise Skip("a sanitiser keeps what is freed")
    with Registry() as registry, tempfile.TemporaryFile() as file:
        file.write(REG_FILE.encode())
        file.seek(0)
        before = megabytes(registry.process, "RssAnon")
        registry.client.call("Import", "ha{sv}", dbus.types.UnixFd(file.fileno()), options())
        check(megabytes(registry.process, "VmHWM") > before + 5 * KEPT, "the import was too small")
        wait_until(lambda: megabytes(registry.process, "RssAnon") < before + KEPT, "memory to be given back")


main()
