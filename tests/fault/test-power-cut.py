# SPDX-License-Identifier: MIT
"""The power fails under load, and the disk holds one of the states that it then may hold (power.py):
regd starts on it, nothing acknowledged is lost, no commit is torn, and --check finds
nothing. The same while the database is made for the first time, and while a backup is put back."""

import contextlib
import itertools
import os
import random
import shutil
import subprocess
import tempfile

import dbus

from harness.case import Failure, Skip, check, equal, main, rows, test
from harness.figures import amount, figure
from harness.process import BUILD, is_sanitised, program
from harness.registry import REG_BINARY, REG_SZ, SOFTWARE, Registry, options
from histories import check_history, count_commits
from history_load import History
from power import Disk, read_log

KEY = SOFTWARE + "\\Acme"
LIBRARY = BUILD / "tests" / "fault" / "libfailing-disk.so"
ROUNDS = 10  # of one history
HISTORIES = amount(1, 50)
LYING_ROUNDS = 10  # until it must have been noticed
STATES = amount(1, 10)  # that are tried of each moment
MOMENTS = amount(25, 10_000)  # of a first start or a restore that are tried


def needs_preload():
    if is_sanitised():
        raise Skip("a sanitised regd takes no preloaded library before its own")


def read_files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def write_files(folder, files, chance):
    """In the place of what is there. Shared memory is never flushed: it is noise."""
    for path in folder.iterdir():
        path.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(chance.randbytes(len(content)) if name.endswith("-shm") else content)
        (folder / name).chmod(0o600)


def check_database(folder):
    """regd --check of a copy: it takes the log in, which must not happen here."""
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(folder, f"{copy}/state")
        done = subprocess.run([program("regd/regd"), f"--database={copy}/state/registry.db", "--check"],
                              capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"--check: {done.stdout}{done.stderr}")


class Machine:
    """A registry on a disk of which everything that is done to it is known."""

    def __init__(self, seed, honest=True):
        self.registry = Registry()
        self.chance, self.honest = random.Random(seed), honest
        self.folder, self.log = self.registry.database.parent, self.registry.directory / "disk.log"
        self.files = {}  # when the log began
        self.registry.environment = {"LD_PRELOAD": str(LIBRARY), "DISK_LOG": str(self.log)}

    def cut(self):
        """The power goes, and comes again."""
        self.registry.kill()
        disk = Disk(self.files)
        disk.replay(self.log.read_bytes(), self.honest)
        self.files = disk.cut(self.chance)
        write_files(self.folder, self.files, self.chance)
        self.files = read_files(self.folder)
        self.log.unlink()


def run_rounds(machine, history, turns, rounds):
    for _ in range(rounds):
        history.run_round(next(turns), machine.cut)
        check_database(machine.folder)
        history.begin_again()


@test
def nothing_acknowledged_is_lost():
    needs_preload()
    seed = random.SystemRandom().randint(0, 1 << 32)
    print(f"# seed {seed}")
    turns, operations, commits = itertools.count(1), 0, 0
    for _ in range(HISTORIES):
        machine = Machine(seed)
        with machine.registry as registry:
            history = History(registry, random.Random(seed))
            run_rounds(machine, history, turns, ROUNDS)
            problems = check_history(history.operations, history.records, history.watches)
            check(not problems, f"seed {seed}: " + "\n".join(problems))
            operations += len(history.operations)
            commits += count_commits(history.operations)
        seed += 1
    check(commits > 300 * HISTORIES, f"{commits} commits")
    figure("power-cut-rounds", ROUNDS * HISTORIES)
    figure("power-cut-operations", operations)
    figure("power-cut-acknowledged-commits", commits)


@test
def a_disk_that_lies_about_flushes_is_found_out():
    needs_preload()
    with contextlib.suppress(Failure):  # --check, or regd at its start
        run_lying()
        raise AssertionError(f"nothing is lost in {LYING_ROUNDS} rounds")


def run_lying():
    """Fails when it has been noticed."""
    turns, machine = itertools.count(1), Machine(1, honest=False)
    with machine.registry as registry:
        history = History(registry, random.Random(1))
        for _ in range(LYING_ROUNDS):
            run_rounds(machine, history, turns, 1)
            check(not check_history(history.operations, history.records, history.watches), "lost")


def list_moments(log, most):
    """Prefixes of the log that end with an event: all of them, or so many."""
    ends = [0, *(end for *_, end in read_log(log))]
    step = max(1, len(ends) // most)
    return [log[:end] for end in {*ends[::step], ends[-1]}]


def try_states(registry, before, log, look):
    """Starts regd on what may be there at each moment, and looks: look(client, whether it is the end)."""
    chance = random.Random(len(log))
    tried = 0
    registry.environment = None
    folder = registry.database.parent
    for moment in list_moments(log, MOMENTS):
        disk = Disk(before)
        disk.replay(moment)
        for _ in range(STATES):
            write_files(folder, disk.cut(chance), chance)
            registry.start()
            client = registry.connect()
            look(client, len(moment) == len(log))
            registry.bus.close_connections()
            registry.kill()
            check_database(folder)
            tried += 1
    return tried


@test
def a_first_start_is_made_up_for():
    """What was to be made is made by the next start."""
    needs_preload()
    machine = Machine(1)
    with machine.registry as registry:
        registry.kill()
        figure("power-cut-states-of-a-first-start", try_states(registry, {}, machine.log.read_bytes(), look_at_new))
        registry.start()


def look_at_new(client, _ended):
    check(client.revision >= 1, "there is no revision")
    equal(client.keys("HKLM"), ["CurrentControlSet", "SAM", "SECURITY", "SOFTWARE", "SYSTEM"])
    client.set(KEY, "state", REG_SZ, "new")


def make_backup(registry):
    """A backup, and what was written after it: its newest revision."""
    client = registry.client
    client.set(KEY, "state", REG_SZ, "then")
    client.set(KEY, "filler", REG_BINARY, bytes(20_000))
    with open(registry.directory / "backup.db", "wb") as target:
        client.call("Backup", "ha{sv}", dbus.types.UnixFd(target.fileno()), options())
    client.set(KEY, "state", REG_SZ, "now")
    return client.revision


@rows([("after a clean end", Registry.stop), ("with a log", Registry.kill)])
def a_restore_is_there_or_is_not(end):
    needs_preload()
    with Registry() as registry:
        newest = make_backup(registry)
        end(registry)
        registry.bus.close_connections()
        before, log = read_files(registry.database.parent), registry.directory / "disk.log"
        done = subprocess.run([program("regd/regd"), f"--database={registry.database}",
                               f"--restore={registry.directory / 'backup.db'}"], capture_output=True, text=True, check=False,
                              env=os.environ | {"LD_PRELOAD": str(LIBRARY), "DISK_LOG": str(log)})
        equal(done.returncode, 0, done.stderr)
        seen = set()

        def look(client, ended):
            state, revision = client.get(KEY, "state")[2], client.revision
            check((state, revision) == ("now", newest) or (state == "then" and revision > newest),
                  f"{state} at revision {revision} after {newest}")
            check(state == "then" or not ended, "it said that it had restored")
            seen.add(state)

        figure("power-cut-states-of-a-restore", try_states(registry, before, log.read_bytes(), look))
        equal(seen, {"then", "now"})
        registry.start()


main()
