# SPDX-License-Identifier: MIT
"""The first, second, third ... allocation of a library finds no memory, until the call goes
through: what was acknowledged is never lost, what was refused has not half happened,
no answer is wrong, and regd goes on. Excluded is GLib's own memory: GLib ends the process
when there is none, by design, and so does regd when libdbus has none for an answer."""

import collections
import contextlib
import mmap
import os
import signal
import struct
import subprocess

import dbus

from harness.bus import ALICE, is_root, wait_for
from harness.case import Failure, Skip, check, equal, main, rows
from harness.figures import amount, figure
from harness.process import BUILD, program
from harness.registry import REG_BINARY, REG_DWORD, SOFTWARE, Refused, Registry, operation_list, options, variant

KEY = SOFTWARE + "\\Memory"
MOST = 2000  # allocations of one call
STEP = amount(3, 1)
PAUSE_SECONDS, ANSWER_SECONDS = 1, 4  # for an answer, and for one once there is memory again
LIBRARIES = ("libsqlite3.so", "libdbus-1.so")
LOOKS_UP = "libc.so"  # a caller's groups
ENDED = (-signal.SIGABRT, -signal.SIGTRAP)  # how g_error() ends a process


class Memory:
    """What the preloaded library shares with the test."""

    def __init__(self, path):
        path.write_bytes(bytes(12))
        with open(path, "r+b") as file:
            self.shared = mmap.mmap(file.fileno(), 12)

    def fail_at(self, call, lasting=False):
        self.shared[:] = struct.pack("=iii", call, lasting, 0)

    def give_back(self):
        """From now on none fails."""
        self.shared[:8] = bytes(8)

    def count_failed(self):
        return struct.unpack("=iii", self.shared[:])[2]


# Each call: its arguments for SetValue and the like, and what it makes of the values.

def set_one(number):
    return ("SetValue", "ssuv", KEY, "one", dbus.UInt32(REG_DWORD), variant(number)), {"one": number}


def set_many(number):
    values = {f"many{i}": number for i in range(40)} | {"large": bytes([number % 256]) * 60_000}
    operations = [("set-value", KEY, name, REG_DWORD if isinstance(data, int) else REG_BINARY, data)
                  for name, data in values.items()]
    return ("Commit", "a(sssuv)a{sv}", operation_list(operations), options()), values


def change_keys(number):
    operations = [("set-value", f"{KEY}\\k{number}\\deep", "x", REG_DWORD, 1), ("delete-tree", f"{KEY}\\k{number}")]
    return ("Commit", "a(sssuv)a{sv}", operation_list([*operations, ("set-value", KEY, "keys", REG_DWORD, number)]),
            options()), {"keys": number}


def read_one(_number):
    return ("GetValue", "ss", KEY, "one"), None


def read_tree(_number):
    return ("ReadTree", "sa{sv}", KEY, options()), None


def read_values(_number):
    return ("ReadValues", "sa{sv}", KEY, options()), None


def read_past(_number):
    return ("ReadTree", "sa{sv}", KEY, options(at=3)), None


def read_history(_number):
    return ("GetHistory", "sa{sv}", KEY, options(limit=5)), None


def is_gone(answer):
    return isinstance(answer, Refused) and answer.name.rpartition(".")[2] in ("NoReply", "ServiceUnknown", "NameHasNoOwner")


class Trial:
    """One registry with memory that fails, and what must be in it."""

    def __init__(self, registry, memory, library):
        self.registry, self.memory, self.library = registry, memory, library
        self.client, self.expected = registry.client, {}
        self.counts = collections.Counter()

    def ask(self, arguments, client=None):
        """The answer, a Refused, or None: there was none, not even with memory again."""
        outcome = (client or self.client).send(*arguments)
        for seconds in (PAUSE_SECONDS, ANSWER_SECONDS):
            try:
                wait_for(lambda: outcome, "an answer", seconds)
            except Failure:
                self.memory.give_back()
        return outcome[0] if outcome else None

    def ask_again(self, arguments):
        """With memory; regd may be about to end because it had none."""
        answer = self.ask(arguments)
        if is_gone(answer):
            self.look_after_silence()
            answer = self.ask(arguments)
        check(answer is not None and not isinstance(answer, Refused), f"{answer}")
        return answer

    def attempt(self, call, number, lasting):
        """One call that meets a lack of memory: whether it met any."""
        arguments, values = call(number)
        right = None if values else self.ask_again(arguments)
        client = self.registry.connect(ALICE if is_root() else None) if self.library == LOOKS_UP else self.client
        self.memory.fail_at(number, lasting)
        answer = self.ask(arguments, client)
        failed = self.memory.count_failed()
        self.memory.give_back()
        self.judge(answer, values, right)
        self.check_state(values or {})
        self.do(set_one, 100_000 + number)
        return failed > 0

    def judge(self, answer, values, right):
        if answer is None or is_gone(answer):
            self.look_after_silence()
        elif isinstance(answer, Refused):
            self.counts["refused"] += 1
            check(answer.name in ("StorageFailure", "Failed") or answer.name.endswith("NoMemory"), str(answer))
        elif values:
            self.expected |= values
        else:
            equal(answer, right, "a wrong answer")

    def look_after_silence(self):
        """regd may have ended by itself, and in no other way."""
        process = self.registry.process
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.child.wait(1)
        check(not process.is_running(), "it goes on, and has not answered")
        self.counts["ended"] += 1
        check(process.wait() in ENDED, f"ended with {process.wait()}: {process.output()}")
        check("memory" in process.output(), process.output())
        self.start()

    def start(self):
        self.registry.bus.close_connections()
        self.registry.start()
        self.client = self.registry.connect()

    def check_state(self, attempted):
        """Everything acknowledged, or as a whole what was tried last."""
        found = {name: data for name, _, data in self.ask_again(("ListValues", "s", KEY))}
        check(found in (self.expected, self.expected | attempted), "a part of a change, or an acknowledged one is lost")
        self.expected = found

    def do(self, call, number):
        """Without a failure."""
        arguments, values = call(number)
        self.ask_again(arguments)
        self.expected |= values

    def run(self, call, lasting):
        for number in range(1, MOST, STEP):
            self.counts["failures"] += 1
            if not self.attempt(call, number, lasting):
                return
        raise AssertionError("it never goes through")


@rows([(f"{library}, {call.__name__}{', and all after it' if lasting else ''}", library, call, lasting)
       for library in LIBRARIES for call in (set_one, set_many, change_keys, read_one, read_tree, read_values, read_past, read_history)
       for lasting in (False, True)] + [(f"{LOOKS_UP}, a caller's first {read_one.__name__}", LOOKS_UP, read_one, False)])
def each_allocation_fails(library, call, lasting):
    registry, memory = make(library)
    with registry:
        trial = Trial(registry, memory, library)
        for prepared in (set_one, set_many, change_keys):
            trial.do(prepared, 0)
        trial.run(call, lasting)
        registry.kill()
        trial.start()
        trial.check_state({})
        equal(subprocess.run([program("regd/regd"), f"--database={registry.database}", "--check"], capture_output=True,
                             check=False).returncode, 0)
        print(f"# {dict(trial.counts)}")
        for name, count in trial.counts.items():
            figure(f"memory-{name}", count)


def make(library):
    """A registry with memory that fails."""
    if b"san.so" in subprocess.run(["ldd", program("regd/regd")], capture_output=True, check=True).stdout:
        raise Skip("a sanitised regd has an allocator of its own")
    registry = Registry()
    control = registry.directory / "failing-memory"
    memory = Memory(control)
    registry.environment = {"LD_PRELOAD": str(BUILD / "tests" / "fault" / "libfailing-memory.so"),
                            "FAILING_LIBRARY": library, "FAILING_MEMORY": str(control)}
    return registry, memory


def run_to_the_end(registry, *arguments):
    """(exit status, what it said) of a regd that does not stay, or that can't start."""
    done = subprocess.run([program("regd/regd"), f"--database={registry.database}", *arguments], capture_output=True, text=True,
                          env=os.environ | registry.environment, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


@rows([(f"{library}, {title}", library, arguments) for library in LIBRARIES[:1]
       for title, arguments in (("--check", ["--check"]), ("a start without a bus", ["--bus=unix:path=/nonexistent"]))])
def no_memory_is_not_damage(library, arguments):
    registry, memory = make(library)
    with registry:
        client = registry.client
        client.call(*set_many(7)[0])
        registry.stop()
        registry.bus.close_connections()
        right = run_to_the_end(registry, *arguments)
        for number in range(1, MOST, 3 * STEP):
            memory.fail_at(number)
            status, said = run_to_the_end(registry, *arguments)
            if not memory.count_failed():
                break
            check("damaged" not in said and "broken" not in said, f"{number}: {status}: {said}")
            check(status in (right[0], 1, *ENDED) and (status == 0 or said), f"{number}: {status}: {said}")
        memory.give_back()
        equal(run_to_the_end(registry, *arguments), right)
        check(number > 30, f"{number} allocations")
        figure("memory-failures", number // (3 * STEP))
        registry.start()
        equal({name: data for name, _, data in registry.connect().values(KEY)}, set_many(7)[1])


main()
