# SPDX-License-Identifier: MIT
"""Commits of a fleet that are larger than one transaction of etcd: what other hosts see of them, what
happens when the host that makes one dies half-way, and what is left over."""

from contextlib import contextmanager

import dbus

from harness.bus import run_pending, wait_for, wait_until
from harness.case import check, contains, equal, main, rows, test
from harness.fleet import MOUNT, FleetHost, Fleets
from harness.registry import REG_BINARY, REG_DWORD, REG_SZ, Refused, operation_list, options

KEY = MOUNT + "\\Acme"
FLEETS = Fleets()
# So few that a commit of some hundred values has many parts, and there is time to die between them.
FEW = [("Transaction Operations", REG_DWORD, 4), ("Resync Spread", REG_DWORD, 0)]


def exported(host):
    """All that the fleet shares, as this host has it."""
    tree, cursor = [], ""
    with suppress_missing():
        while True:
            _, page, cursor = host.client.tree(MOUNT, **({"cursor": cursor} if cursor else {}))
            tree += page
            if not cursor:
                break
    return tree


@contextmanager
def suppress_missing():
    """A host that has just joined has no mount yet."""
    try:
        yield
    except Refused as refusal:
        if refusal.name != "KeyNotFound":
            raise


def left_over(host):
    """What stands in etcd beside the fleet's records, by its first part."""
    prefix = f"/regd/1/{host.fleet_name}/t/all/"
    return {key[len(prefix):].decode() for key in host.etcd.keys(prefix) if key[len(prefix):][:2] not in (b"k/", b"v/")}


def is_settled(host):
    return left_over(host) == {"head"}


def many(count, text):
    """Operations that set so many values, the first and the last of which are A and Z."""
    names = ["A"] + [f"V{number}" for number in range(count - 2)] + ["Z"]
    return [("set-value", KEY, name, REG_SZ, text) for name in names]


def pair(host):
    """The two values that always change together, at one moment."""
    values = {name: value for path, values in exported(host) if path == KEY for name, _, value in values}
    return values.get("A"), values.get("Z")


@test
def five_thousand_values_are_one_commit_on_the_other_host():
    with FLEETS.made("one", "two") as (one, two):
        before = two.client.revision
        two.client.watch(MOUNT, recursive=True)
        one.client.commit(many(5000, "x"), comment="for the move")
        two.client.wait_for_signals(1)
        wait_until(lambda: is_settled(one), "the commit to be in its places")
        equal(exported(two), exported(one))
        wait_until(lambda: two.status()["applied"] >= one.status()["applied"], "the rest to be followed")
        equal((two.client.revision, len(two.client.signals)), (before + 1, 1))
        entry = two.client.call("GetHistory", "sa{sv}", KEY, options(limit=1))[0]
        equal((entry["host"], entry["comment"]), ("one", "for the move"))
        two.client.delete(KEY, recursive=True)
        one.has(KEY, "Z", None)
        equal(exported(one), exported(two))


@test
def values_that_change_together_are_never_seen_apart():
    with FLEETS.made("one", "two", settings=FEW) as (one, two), FleetHost(FLEETS.etcd, "three", one.fleet_name, settings=FEW) as three:
        seen = set()
        for number in range(8):
            answer = one.client.send("Commit", "a(sssuv)a{sv}", operation_list(many(120, str(number))), options())
            if number == 4:
                three.fleet("Join")
            if number == 6:
                two.agent.kill()
                two.start_agent()
            while not answer:
                seen |= {pair(host) for host in (two, three)}
                run_pending()
            check(not isinstance(answer[0], Refused), f"{answer}")
        equal([values for values in seen if values[0] != values[1]], [])
        for host in (two, three):
            host.has(KEY, "Z", "7")
        equal(exported(three), exported(one))
        equal(exported(two), exported(one))
        wait_until(lambda: is_settled(one), "the last commit to be in its places")
        equal(len({host.status()["digest"] for host in (one, two, three)}), 1, "digests")


@test
def another_host_ends_what_the_first_has_begun():
    with FLEETS.made("one", "two", settings=FEW) as (one, two):
        one.client.send("Commit", "a(sssuv)a{sv}", operation_list(many(400, "x")), options())
        wait_until(lambda: "pending" in left_over(one), "the commit to be made")
        one.agent.kill()
        two.has(KEY, "Z", "x")
        equal(pair(two), ("x", "x"))
        two.put(KEY, "A", "y")
        check(is_settled(two), f"it is settled: {left_over(two)}")
        one.start_agent()
        one.has(KEY, "A", "y")
        equal(exported(one), exported(two))


@test
def a_commit_whose_host_dies_before_it_is_made_is_not_made():
    with FLEETS.made("one", "two", settings=FEW) as (one, two):
        answer = one.client.send("Commit", "a(sssuv)a{sv}", operation_list(many(2000, "x")), options())
        wait_until(lambda: any(key.startswith("s/") for key in left_over(one)), "the first part")
        one.agent.kill()
        check("pending" not in left_over(one), "it has been made already")
        wait_for(lambda: answer, "its caller to be answered")
        equal(answer[0].name, "FleetUncertain")
        two.put(KEY, "B", "y")
        one.start_agent()
        one.has(KEY, "B", "y")
        equal(pair(one), (None, None))
        owner = next(key for key in left_over(one) if key.endswith("/owner"))
        one.etcd.ctl("del", f"/regd/1/{one.fleet_name}/t/all/{owner}")  # as its lease would
        wait_until(lambda: is_settled(one), "the parts to be swept away")


@test
def what_was_here_becomes_the_fleets_whatever_its_size():
    fleet = FLEETS.new_name()
    with FleetHost(FLEETS.etcd, "one", fleet) as one, FleetHost(FLEETS.etcd, "two", fleet) as two:
        one.client.commit(many(700, "x"))
        one.fleet("Init", from_local=True)
        two.fleet("Join")
        equal(exported(two), exported(one))
        two.put(KEY, "A", "y")
        one.has(KEY, "A", "y")


@rows([("values", [("set-value", KEY, f"V{number}", REG_DWORD, number) for number in range(50001)], "50002"),
       ("bytes", [("set-value", KEY, f"V{number}", REG_BINARY, bytes(1000000)) for number in range(17)], "bytes")])
def a_commit_has_a_limit(operations, said):
    with FLEETS.made("one") as (one,):
        one.client.refused("LimitExceeded", "Commit", "a(sssuv)a{sv}", operation_list(operations), options(), naming=said)


with FLEETS:
    main()
