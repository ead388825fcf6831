# SPDX-License-Identifier: MIT
"""kill -9 of regd at any moment, under writers that never pause: what was
acknowledged is there afterwards, as a whole, and revisions go on."""

import multiprocessing
import random
import signal
import sys

import dbus
import dbus.bus

from harness.case import check, equal, main, test
from harness.figures import amount, figure
from harness.registry import REG_BINARY, REG_DWORD, SOFTWARE, Client, Refused, Registry, operation_list, options

KEY = SOFTWARE + "\\Kill"
ROUNDS = amount(20, 500)
WRITERS = 3


def write_until_it_fails(address, number, start, pipe):
    """A writer of its own process: pairs of values by one commit, each pair
    reported to the test when it was acknowledged."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    client = Client(dbus.bus.BusConnection(address))
    index = start
    try:
        while True:
            filler = bytes([index & 0xFF]) * (index * 7 % 5000)
            revision = client.commit([("set-value", f"{KEY}\\w{number}", "count", REG_DWORD, index),
                                      ("set-value", f"{KEY}\\w{number}\\{index % 50}", "twin", REG_DWORD, index),
                                      ("set-value", f"{KEY}\\w{number}\\{index % 50}", "filler", REG_BINARY, filler)])
            pipe.send((index, revision))
            index += 1
    except (Refused, dbus.DBusException):
        pipe.send(None)


def gather(pipe, enough, kill):
    """What one writer says was acknowledged until it ends; kills after `enough`."""
    acknowledged = []
    while (said := pipe.recv()) is not None:
        acknowledged.append(said)
        if len(acknowledged) == enough:
            kill()
    return acknowledged


def one_round(registry, context, starts, chance):
    """Lets the writers write, kills regd meanwhile: the last acknowledged of each."""
    pipes = []
    for number, start in enumerate(starts):
        ours, theirs = context.Pipe(duplex=False)
        writer = context.Process(target=write_until_it_fails, args=(registry.bus.address, number, start, theirs))
        writer.start()
        theirs.close()
        pipes.append((ours, writer))
    enough = chance.randint(1, 120)
    said = [gather(pipe, enough, registry.kill if number == 0 else lambda: None)
            for number, (pipe, _) in enumerate(pipes)]
    for _, writer in pipes:
        writer.join()
    return said


def check_writer(client, number, start, said):
    """What is stored for one writer against what it was told: where it goes on."""
    acknowledged = said[-1][0] if said else start - 1
    try:
        stored = client.get(f"{KEY}\\w{number}", "count")[2]
    except Refused:
        stored = start - 1
    check(stored in (acknowledged, acknowledged + 1), f"{acknowledged} was acknowledged, {stored} is stored")
    if stored >= 0:
        key = f"{KEY}\\w{number}\\{stored % 50}"
        equal(client.get(key, "twin")[2], stored, "a commit is there as a whole")
        equal(len(client.get(key, "filler")[2]), stored * 7 % 5000)
    return stored + 1


@test
def nothing_acknowledged_is_lost():
    seed = random.SystemRandom().randint(0, 1 << 32)
    print(f"# seed {seed}")
    chance = random.Random(seed)
    context = multiprocessing.get_context("fork")
    starts = [0] * WRITERS
    newest = commits = 0
    with Registry() as registry:
        for _ in range(ROUNDS):
            said = one_round(registry, context, starts, chance)
            registry.process.check_reports()
            registry.start()
            registry.bus.close_connections()
            client = registry.connect()
            newest = max([newest, *(revision for pairs in said for _, revision in pairs)])
            check(client.revision >= newest, f"revision {client.revision} after {newest} was handed out")
            commits += sum(len(pairs) for pairs in said)
            starts = [check_writer(client, number, start, pairs)
                      for number, (start, pairs) in enumerate(zip(starts, said))]
    figure("kill-rounds", ROUNDS)
    figure("kill-acknowledged-commits", commits)


@test
def a_kill_in_a_large_commit_leaves_all_or_nothing():
    chance = random.Random(7)
    with Registry() as registry:
        for attempt in range(6):
            key = f"{KEY}\\big{attempt}"
            answer = registry.client.send("Commit", "a(sssuv)a{sv}", *large_commit(key))
            registry.client.connection.flush()
            probe = registry.connect()
            for _ in range(chance.randint(0, 40)):
                probe.keys("HKLM")
            registry.kill()
            registry.start()
            try:
                stored = len(registry.connect().values(key))
            except Refused as refusal:
                equal(refusal.name, "KeyNotFound")
                stored = 0
            check(stored in (0, 5000), f"{stored} of 5000 values are there")
            check(not answer or isinstance(answer[0], Refused) or stored == 5000, "it was acknowledged and is lost")


def large_commit(key):
    return operation_list([("set-value", key, f"v{index}", REG_DWORD, index) for index in range(5000)]), options()


@test
def a_kill_after_the_answer_loses_nothing():
    with Registry() as registry:
        for index in range(8):
            revision = registry.client.set(KEY, "n", REG_DWORD, index)
            registry.kill()
            registry.start()
            client = registry.connect()
            equal(client.get(KEY, "n")[2], index)
            equal(client.revision, revision)


main()
