# SPDX-License-Identifier: MIT
"""regctl --database: the same verbs without a bus and without a daemon."""

import fcntl
import os
import subprocess
import tempfile
from pathlib import Path

from harness.case import contains, equal, main, test
from harness.process import program
from harness.registry import REG_SZ, SOFTWARE, Registry

KEY = SOFTWARE + "\\Acme"
REG = 'REGEDIT4\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme]\r\n"a"="x"\r\n"n"=dword:00000007\r\n'


def regctl(database, *arguments, given=None, environment=()):
    """Runs regctl offline with no bus to be found: (exit status, output, errors)."""
    surroundings = {name: text for name, text in os.environ.items() if not name.startswith("DBUS_")}
    surroundings |= {"REGD_PROGRAM": program("regd/regd"), "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere",
                     "LC_ALL": "C.UTF-8", **dict(environment)}
    done = subprocess.run([program("client/regctl/regctl"), f"--database={database}", *arguments], env=surroundings,
                          input=given, capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def works(database, *arguments, **more):
    status, output, errors = regctl(database, *arguments, **more)
    equal((status, errors), (0, ""), str(arguments))
    return output


@test
def a_database_is_made_filled_and_read():
    with tempfile.TemporaryDirectory() as directory:
        database, scratch = Path(directory) / "new.db", Path(directory) / "tmp"
        scratch.mkdir()
        environment = {"TMPDIR": str(scratch)}
        works(database, "import", "-", given=REG.encode(), environment=environment)
        equal(works(database, "get", KEY, "n", environment=environment), "7\n")
        works(database, "set", KEY, "a", "y")
        contains(works(database, "history", KEY), "a")
        contains(works(database, "export", "--encoding=utf-8", KEY), '"a"="y"')
        contains(works(database, "--json", "status"), '"revision"')
        works(database, "backup", f"{directory}/copy.db")
        equal(works(f"{directory}/copy.db", "get", KEY, "a"), "y\n")
        equal(regctl(database, "get", KEY, "nothing")[0], 3)
        equal(os.listdir(scratch), [], "what was made for the bus is gone")
        equal(sorted(os.listdir(directory)), ["copy.db", "copy.db-lock", "copy.db-witness", "new.db", "new.db-lock",
                                            "new.db-witness", "tmp"])


@test
def the_same_checks_hold():
    with tempfile.TemporaryDirectory() as directory:
        database = Path(directory) / "new.db"
        equal(regctl(database, "set", "HKXX\\A", "n", "x")[0], 5)
        status, _, errors = regctl(database, "import", "--strict", "-", given=REG.encode() + b"nonsense\r\n")
        equal(status, 5, errors)
        contains(errors, "6")


@test
def a_database_in_use_is_left_alone():
    with Registry() as registry:
        registry.client.set(KEY, "a", REG_SZ, "served")
        status, output, errors = regctl(registry.database, "set", KEY, "a", "meddled")
        equal((status, output), (1, ""))
        contains(errors, "in use by a running regd")
        equal(registry.client.get(KEY, "a")[2], "served")
        registry.stop()
        equal(works(registry.database, "get", KEY, "a"), "served\n")
        registry.start()


@test
def a_bus_and_a_database_exclude_each_other():
    with tempfile.TemporaryDirectory() as directory:
        status, _, errors = regctl(f"{directory}/new.db", "--bus=session", "get", KEY, "a")
        equal(status, 2)
        contains(errors, "--bus")
        equal(os.listdir(directory), [])


@test
def what_cannot_be_opened_is_said():
    with tempfile.TemporaryDirectory() as directory:
        for database, words in [(f"{directory}/no/such.db", "No such file"), (directory, "directory")]:
            status, _, errors = regctl(database, "status")
            equal(status, 1, errors)
            contains(errors, words)
        text = Path(directory) / "text"
        text.write_text("no database at all, but text\n" * 50)
        status, _, errors = regctl(text, "status")
        equal(status, 1)
        contains(errors, "--restore=")
        status, _, errors = regctl(text, "status", environment={"REGD_PROGRAM": "/no/regd"})
        equal(status, 1)
        contains(errors, "/no/regd")


@test
def a_client_that_is_killed_leaves_nothing_running():
    with tempfile.TemporaryDirectory() as directory:
        database = f"{directory}/new.db"
        works(database, "create", KEY)
        environment = os.environ | {"REGD_PROGRAM": program("regd/regd")}
        watching = subprocess.Popen([program("client/regctl/regctl"), f"--database={database}", "watch", "--since=1", KEY],
                                    env=environment, stdout=subprocess.PIPE)
        contains(watching.stdout.readline(), b"created")
        equal(regctl(database, "status")[0], 1)
        watching.kill()
        # The pipe is regctl's alone; regd's end is told by its lock being free.
        watching.communicate()
        wait_until_free(database)
        equal(works(database, "ls", KEY), "")


def wait_until_free(database):
    with open(f"{database}-lock", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)


main()
