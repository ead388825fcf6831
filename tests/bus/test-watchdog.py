# SPDX-License-Identifier: MIT
"""The beat that tells the service manager that regd is alive, and the status beside it."""

from concurrent.futures import ThreadPoolExecutor

from harness.bus import wait_for, wait_until
from harness.case import check, contains, equal, main, test
from harness.process import program
from harness.registry import REG_SZ, SOFTWARE, Registry, variant
from harness.service_manager import service_manager
from harness.threads import held_thread

KEY = SOFTWARE + "\\Acme"


def take_until(told, wanted):
    """What is told until `wanted`, which is left out."""
    messages = []
    while (message := told()) != wanted:
        messages.append(message)
    return messages


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
                told_of_it = take_until(told, "STATUS=the writer hangs; serving revision 1, 0 watches")
                wait_until(lambda: "the writer hangs" in registry.process.output(), "the message")
                check("WATCHDOG=1" in told_of_it or len(told_of_it) < 3, f"it beat until then: {told_of_it}")
                equal(registry.client.revision, 1, "the main loop answers")
                equal(answer, [])
            beaten = take_until(told, "WATCHDOG=1")
            equal(beaten, [], "nothing is told between the hang and the next beat")
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


def count_beats_of_import(registry, file):
    """How often a regd that is started for it beats while it imports the file."""
    registry.stop()
    messages = []
    with service_manager(registry, watchdog=1.2) as told, ThreadPoolExecutor(1) as pool:
        registry.start()
        importing = pool.submit(registry.run, program("client/regctl/regctl"), "import", str(file))
        while not importing.done():
            messages.append(told())
        equal(importing.result().returncode, 0, importing.result().stderr)
        registry.stop()
    registry.start()
    return messages.count("WATCHDOG=1")


@test
def a_long_import_is_no_hang():
    """It works for several intervals, and goes on to beat. The import grows until it takes as
    long as that, however fast the machine is."""
    with Registry() as registry:
        file = registry.directory / "large.reg"
        beats = 0
        for keys in (150, 300, 600, 1200, 2400):
            if beats < 5:
                write_large(file, keys)
                beats = count_beats_of_import(registry, file)
                equal("writer hangs" in registry.process.output(), False, registry.process.output())
        check(beats >= 5, f"the largest took several intervals: {beats} beats")


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
