# SPDX-License-Identifier: MIT
"""The beat that tells the service manager that regd is alive, and the status beside it."""

import queue
import time
from concurrent.futures import ThreadPoolExecutor

from harness.bus import wait_for, wait_until
from harness.case import check, contains, equal, main, test
from harness.process import program
from harness.registry import REG_SZ, SOFTWARE, Registry, variant
from harness.service_manager import service_manager
from harness.threads import held_thread

KEY = SOFTWARE + "\\Acme"
INTERVAL = 1.2  # seconds; a busy machine lets the writer work a little in half of it


def take_until(told, wanted):
    """What is told until `wanted`, which is left out."""
    messages = []
    while (message := told()) != wanted:
        messages.append(message)
    return messages


def take_within(told, seconds):
    """What is told in that time, if anything."""
    try:
        return [told(seconds)]
    except queue.Empty:
        return []


@test
def it_beats_while_it_has_nothing_to_do():
    with Registry() as registry:
        registry.stop()
        with service_manager(registry, watchdog=0.4) as told:
            registry.start()
            for _ in range(10):
                take_until(told, "WATCHDOG=1")
            registry.stop()
        equal("writer" in registry.process.output(), False, registry.process.output())
        registry.start()


@test
def without_a_watchdog_it_does_not_beat():
    with Registry() as registry:
        registry.stop()
        with service_manager(registry) as told:
            registry.start()
            registry.stop()
            equal([message for message in take_until(told, "STOPPING=1") if message.startswith("WATCHDOG")], [])
        registry.start()


@test
def it_does_not_beat_while_its_writer_hangs():
    """The main loop lives and answers; a write is not answered, and the beat stops."""
    with Registry() as registry:
        registry.stop()
        with service_manager(registry, watchdog=0.4) as told:
            registry.start()
            take_until(told, "WATCHDOG=1")
            with held_thread(registry.process.pid, "writer"):
                answer = registry.client.send("SetValue", "ssuv", KEY, "v", REG_SZ, variant("1"))
                take_until(told, "STATUS=the writer hangs; serving revision 1, 0 watches")
                wait_until(lambda: "the writer hangs" in registry.process.output(), "the message")
                equal(registry.client.revision, 1, "the main loop answers")
                equal(take_within(told, 1.2), [], "nothing is told for three intervals")
                equal(answer, [])
            take_until(told, "WATCHDOG=1")
            wait_for(lambda: answer, "the answer")
            contains(registry.process.output(), "the writer goes on")
            registry.stop()
        registry.start()


def write_large(file, keys):
    """A .reg file of a thousand values in each of so many keys."""
    with file.open("w", encoding="utf-8") as text:
        text.write("Windows Registry Editor Version 5.00\n\n")
        for key in range(keys):
            text.write(f"[HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme\\{key}]\n")
            text.writelines(f'"value {number}"="{keys}"\n' for number in range(1000))


def import_watched(registry, file):
    """How many seconds a regd that is started for it imports the file, and how often it beats then."""
    registry.stop()
    messages = []
    with service_manager(registry, watchdog=INTERVAL) as told, ThreadPoolExecutor(1) as pool:
        registry.start()
        begun = time.monotonic()
        importing = pool.submit(registry.run, program("client/regctl/regctl"), "import", str(file))
        while not importing.done():
            messages.append(told())
        seconds = time.monotonic() - begun
        equal(importing.result().returncode, 0, importing.result().stderr)
        registry.stop()
    registry.start()
    return seconds, messages.count("WATCHDOG=1")


@test
def a_long_import_is_no_hang():
    """It works for several intervals, and beats in each. The import grows until it takes as long
    as that, however fast the machine is. regd beats twice in an interval; on a busy machine half
    of the beats may come too late to be counted."""
    with Registry() as registry:
        file = registry.directory / "large.reg"
        keys, seconds = 75, 0
        while seconds < 3 * INTERVAL:
            keys *= 2
            write_large(file, keys)
            seconds, beats = import_watched(registry, file)
            check(beats >= int(seconds / INTERVAL) - 1, f"{beats} beats in {seconds} s")
            equal("writer hangs" in registry.process.output(), False, registry.process.output())


@test
def the_status_tells_revision_and_watches():
    with Registry() as registry:
        registry.stop()
        with service_manager(registry, watchdog=0.2) as told:
            registry.start()
            revision = registry.client.set(KEY, "v", REG_SZ, "1")
            registry.client.watch(KEY)
            registry.client.watch(SOFTWARE)
            take_until(told, f"STATUS=serving revision {revision}, 2 watches")
            take_until(told, "WATCHDOG=1")
            take_until(told, "WATCHDOG=1")
            registry.stop()
            rest = take_until(told, "STOPPING=1")
            equal([message for message in rest if message.startswith("STATUS")], [], "told again without a change")
        registry.start()


main()
