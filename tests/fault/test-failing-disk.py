# SPDX-License-Identifier: MIT
"""The first, second, third ... write or flush of the database fails, until the
operation succeeds: what was acknowledged is never lost, what was refused has
not half happened, and regd goes on."""

import errno
import mmap
import struct
import subprocess

from harness.case import Skip, check, equal, main, rows
from harness.process import BUILD, is_sanitised, program
from harness.registry import REG_BINARY, REG_DWORD, SOFTWARE, Refused, Registry, options

KEY = SOFTWARE + "\\Fault"
MOST = 1000  # calls that an operation makes at most


class FailingDisk:
    """What the preloaded library shares with the test."""

    def __init__(self, path):
        path.write_bytes(bytes(8))
        with open(path, "r+b") as file:
            self.shared = mmap.mmap(file.fileno(), 8)

    def fail_at(self, call, reason):
        self.shared[:] = struct.pack("=ii", call, reason)

    def has_failed(self):
        return struct.unpack("=ii", self.shared[:])[0] == 0


# Each operation: what it makes of the values, and how it is done.

def set_one(number):
    return {"one": number}, lambda client: client.set(KEY, "one", REG_DWORD, number)


def set_many(number):
    values = {f"many{i}": number for i in range(200)} | {"large": bytes([number % 256]) * 300_000}
    operations = [("set-value", KEY, name, REG_DWORD if isinstance(data, int) else REG_BINARY, data)
                  for name, data in values.items()]
    return values, lambda client: client.commit(operations)


def purge(_number):
    return {}, lambda client: client.call("PurgeHistory", "ssa{sv}", KEY, "one", options())


def do(client, step):
    values, run = step
    run(client)
    return values


def check_state(client, expected, attempted):
    """Everything acknowledged, or as a whole what was tried last."""
    found = {name: data for name, _, data in client.values(KEY)}
    check(found in (expected, expected | attempted), "a part of a change, or an acknowledged one is lost")
    return found


@rows([(f"{operation.__name__}, {errno.errorcode[reason]}", operation, reason)
       for operation in (set_one, set_many, purge) for reason in (errno.EIO, errno.ENOSPC)])
def each_call_fails_once(operation, reason):
    library = BUILD / "tests" / "fault" / "libfailing-disk.so"
    if is_sanitised():
        raise Skip("a sanitised regd takes no preloaded library before its own")
    registry = Registry()
    control = registry.directory / "failing-disk"
    disk = FailingDisk(control)
    registry.environment = {"LD_PRELOAD": str(library), "FAILING_DISK": str(control)}
    with registry:
        client, expected = registry.client, {}
        client.create(KEY)
        expected |= do(client, set_one(0))
        expected |= do(client, set_many(0))
        failures = 0
        for call in range(1, MOST):
            attempted, run = operation(call)
            disk.fail_at(call, reason)
            try:
                run(client)
                expected |= attempted
            except Refused as refusal:
                check(refusal.name in ("StorageFailure", "StorageFull"), str(refusal))
            failed = disk.has_failed()
            disk.fail_at(0, 0)
            expected = check_state(client, expected, attempted)
            expected |= do(client, set_one(1000 + call))
            if not failed:
                break
            failures += 1
            if call % 5 == 1:
                registry.kill()
                registry.start()
                client = registry.connect()
                check_state(client, expected, {})
        else:
            raise AssertionError("it never succeeds")
        check(failures > 0, "nothing was made to fail")
        equal(subprocess.run([program("regd/regd"), f"--database={registry.database}", "--check"], capture_output=True,
                             check=False).returncode, 0)


main()
