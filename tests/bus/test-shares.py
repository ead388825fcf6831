# SPDX-License-Identifier: MIT
"""What one user may take: calls that wait, watches, files at once; and that a
watcher who does not read holds up nobody."""

import os
import signal
import socket
import subprocess
import tempfile
from contextlib import contextmanager

import dbus

from harness.bus import ALICE, BOB, needs_root, wait_for
from harness.case import check, equal, main, test
from harness.process import PATIENCE
from harness.registry import (PARAMETERS, REG_DWORD, REG_SZ, SOFTWARE, Refused, Registry, options,
                              variant)

KEY = SOFTWARE + r"\Acme"
FILE = b"REGEDIT4\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme]\r\n\"v\"=\"x\"\r\n"


def send_import(client, descriptor, **given):
    return client.send("Import", "ha{sv}", dbus.types.UnixFd(descriptor), options(**given))


@test
def calls_that_wait_are_limited_for_each_user():
    needs_root()
    with Registry() as registry:
        registry.client.set(PARAMETERS, "Calls Per User", REG_DWORD, 4)
        alice, bob = registry.connect(ALICE), registry.connect(BOB)
        alice.set("HKCU", "v", REG_SZ, "x")
        # All of them are there before the first can be answered: it waits for a disk.
        outcomes = [alice.send("SetValue", "ssuv", "HKCU", f"v{number}", dbus.UInt32(REG_SZ), variant("x" * 1000))
                    for number in range(100)]
        bob.set("HKCU", "v", REG_SZ, "x")
        wait_for(lambda: all(outcomes), "the answers")
        refused = [outcome[0] for outcome in outcomes if isinstance(outcome[0], Refused)]
        check(0 < len(refused) < 100, f"{len(refused)} of 100 calls were refused")
        check(all(refusal.name == "LimitExceeded" and "Calls Per User" in refusal.text for refusal in refused),
              f"and said why: {refused[0]}")
        alice.set("HKCU", "v", REG_SZ, "y")
        outcomes = [registry.client.send("SetValue", "ssuv", KEY, f"v{number}", dbus.UInt32(REG_SZ), variant("x"))
                    for number in range(100)]
        wait_for(lambda: all(outcomes), "the administrator's answers")
        check(not any(isinstance(outcome[0], Refused) for outcome in outcomes), "he has no limit")


@test
def two_files_at_once_for_a_user():
    with Registry() as registry:
        client = registry.client
        pipes = [os.pipe() for _ in range(3)]
        outcomes = [send_import(client, reader) for reader, _ in pipes]
        os.write(pipes[2][1], FILE)
        os.close(pipes[2][1])
        client.set(KEY, "meanwhile", REG_SZ, "x")
        equal(outcomes, [[], [], []], "two are under way, and the third waits its turn")
        for _, writer in pipes[:2]:
            os.write(writer, FILE)
            os.close(writer)
        wait_for(lambda: all(outcomes), "the answers")
        equal([outcome[0][1]["lines-ignored"] for outcome in outcomes], [0, 0, 0])
        equal(client.get(KEY, "v"), (REG_SZ, "s", "x"))


@test
def files_that_wait_are_done_in_order_each_users_by_themselves():
    needs_root()
    with Registry() as registry:
        client, alice = registry.client, registry.connect(ALICE)
        held = [os.pipe() for _ in range(2)]
        first = [send_import(client, reader) for reader, _ in held]
        waiting = []
        for number in range(20):
            with tempfile.TemporaryFile() as file:
                file.write(FILE + f"\"order\"=\"{number}\"\n".encode())
                file.seek(0)
                waiting.append(send_import(client, os.dup(file.fileno())))
        alice.set("HKCU", "v", REG_SZ, "x")
        exported = tempfile.TemporaryFile()
        alice.call("Export", "sha{sv}", "HKCU", exported.fileno(), options())
        equal([outcome for outcome in first + waiting if outcome], [], "nobody has had a turn")
        for _, writer in held:
            os.write(writer, FILE)
            os.close(writer)
        wait_for(lambda: all(first + waiting), "the answers")
        equal([outcome[0] for outcome in waiting if isinstance(outcome[0], Refused)], [])
        equal(len({outcome[0][0] for outcome in waiting}), 20, "a revision each")


@test
def files_that_wait_are_answered_at_the_stop():
    # What the threads that read for the first two have is left to the kernel: they may be stuck for ever.
    with Registry(environment={"LSAN_OPTIONS": "exitcode=0:print_suppressions=0", "ASAN_OPTIONS": "detect_leaks=0"}) as registry:
        held = [os.pipe() for _ in range(3)]
        outcomes = [send_import(registry.client, reader) for reader, _ in held]
        registry.client.set(KEY, "meanwhile", REG_SZ, "x")
        equal(outcomes[2], [])
        registry.process.signal(signal.SIGTERM)
        wait_for(lambda: outcomes[2], "the answer")
        check(isinstance(outcomes[2][0], Refused), "it was refused")
        for _, writer in held:
            os.close(writer)


@test
def readings_are_answered_at_the_stop():
    with Registry() as registry:
        client = registry.client
        for first in range(0, 20000, 5000):
            client.commit([("set-value", f"{KEY}\\{index}", "v", REG_DWORD, index) for index in range(first, first + 5000)])
        outcomes = []
        for _ in range(12):
            outcomes.append(client.send("Validate", "s", KEY))
            outcomes.append(client.send("GetHistory", "sa{sv}", KEY, options(limit=10_000)))
            outcomes.append(client.send("Rollback", "sta{sv}", KEY, dbus.UInt64(1), options(dry_run=True)))
        client.connection.flush()
        registry.connect().keys("HKLM")  # they are under way
        registry.stop()
        wait_for(lambda: all(outcomes), "the answers")
        lost = [outcome[0] for outcome in outcomes
                if isinstance(outcome[0], Refused) and outcome[0].full_name == "org.freedesktop.DBus.Error.NoReply"]
        equal(lost, [])


@test
def a_socket_is_a_file_too():
    with Registry() as registry:
        ours, theirs = socket.socketpair()
        outcome = send_import(registry.client, theirs.fileno())
        ours.sendall(FILE)
        ours.close()
        wait_for(lambda: outcome, "the answer")
        equal(outcome[0][1]["values-set"], 1)


@test
def what_is_no_file_to_read_is_refused():
    with Registry() as registry:
        client = registry.client
        for path, flags in (("/", os.O_RDONLY), ("/dev/null", os.O_WRONLY), ("/", os.O_PATH), ("/dev/zero", os.O_RDONLY)):
            outcome = send_import(client, os.open(path, flags))
            wait_for(lambda: outcome, "the answer")
            check(isinstance(outcome[0], Refused), f"{path} with {flags} was taken")
        client.set(KEY, "v", REG_SZ, "x")


@test
def a_file_that_stops_half_way_leaves_the_registry_to_others():
    with Registry() as registry:
        client = registry.client
        reader, writer = os.pipe()
        os.write(writer, FILE[:40])
        outcome = send_import(client, reader)
        for number in range(20):
            client.set(KEY, "v", REG_DWORD, number)
        equal(outcome, [])
        os.write(writer, FILE[40:])
        os.close(writer)
        wait_for(lambda: outcome, "the answer")
        equal(client.get(KEY, "v"), (REG_SZ, "s", "x"))


# Watches, sleeps until it is written to, then reads until it hears tree-changed.
SLEEPER = """
import sys
import dbus, dbus.bus, dbus.lowlevel, dbus.mainloop.glib
from gi.repository import GLib
loop = GLib.MainLoop()
connection = dbus.bus.BusConnection(sys.argv[1], mainloop=dbus.mainloop.glib.DBusGMainLoop())
def hear(_, message):
    if message.get_member() == "Changed" and message.get_args_list()[3][0][0] == "tree-changed":
        loop.quit()
    return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
connection.add_message_filter(hear)
for _ in range(20):
    connection.call_blocking("org.regd.Registry1", "/org/regd/Registry1", "org.regd.Registry1", "Watch",
                             "sa{sv}", (sys.argv[2], {}))
print("asleep", flush=True)
sys.stdin.readline()
loop.run()
print("told", flush=True)
"""

# The same, but asks before it reads, and tells which comes first.
ASKING_SLEEPER = SLEEPER.replace("loop.run()", """
connection.call_async("org.regd.Registry1", "/org/regd/Registry1", "org.freedesktop.DBus.Properties", "Get", "ss",
                      ("org.regd.Registry1", "Revision"),
                      lambda revision: (print("answered"), loop.quit()), lambda error: (print(error), loop.quit()))
loop.run()""")


@contextmanager
def sleeping(registry, program=SLEEPER):
    sleeper = subprocess.Popen(["/usr/bin/python3", "-c", program, registry.bus.address, KEY], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        equal(sleeper.stdout.readline(), "asleep\n")
        yield sleeper
    finally:
        sleeper.kill()
        sleeper.communicate()


def resident_kilobytes(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


@test
def a_watcher_who_does_not_read_holds_up_nobody():
    with Registry() as registry, sleeping(registry) as sleeper:
        client = registry.client
        client.create(KEY)
        watcher = registry.connect()
        watcher.watch(KEY, recursive=False)
        # 20 watches, 400 kB each time: far past what is kept for one who sleeps.
        batch = [f"{number:0>1000}" for number in range(400)]
        for turn in range(20):
            client.commit([("set-value", KEY, name, REG_DWORD, turn) for name in batch])
        equal(client.get(KEY, batch[0])[2], 19)
        watcher.revision
        equal([signal[1] for signal in watcher.received()], list(range(1, 21)))
        # 160 MB were for the sleeper; the bus keeps the window that he is given.
        check(resident_kilobytes(registry.bus.daemon) < 100 * 1024, "the bus has grown")
        # A sanitised regd keeps some of what it has freed.
        check(resident_kilobytes(registry.process) < 450 * 1024, "regd has grown")
        # Awake again it is told that it has missed something.
        answer, _ = sleeper.communicate("wake\n", timeout=PATIENCE)
        equal(answer, "told\n")


@test
def a_watcher_who_lost_signals_is_told_before_he_is_answered():
    with Registry() as registry, sleeping(registry, ASKING_SLEEPER) as sleeper:
        batch = [f"{number:0>1000}" for number in range(400)]
        for turn in range(4):
            registry.client.commit([("set-value", KEY, name, REG_DWORD, turn) for name in batch])
        answer, _ = sleeper.communicate("wake\n", timeout=PATIENCE)
        equal(answer, "told\n", "not: answered")


main()
