# SPDX-License-Identifier: MIT
"""Hosts of one fleet on a real etcd: what is set on one is live on the other, what they share and
what they do not, and what happens while etcd, the agent or a right is away."""

import functools
import itertools
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import dbus
import dbus.lowlevel

from cluster import value_of, value_record
from harness.bus import run_pending, wait_for, wait_until
from harness.case import Failure, check, contains, equal, main, rows, test
from harness.etcd import Etcd
from harness.fleet import AGENT_NAME, MOUNT, FleetHost
from harness.freeze import freeze, thaw
from harness.process import PATIENCE, program
from harness.registry import NAME, REG_BINARY, REG_DWORD, REG_SZ, SOFTWARE, Refused, operation_list, options, variant

KEY = MOUNT + "\\Acme"
STACK = ExitStack()
NUMBERS = itertools.count(1)


@functools.cache
def common_etcd():
    """For all tests that leave it as it is; each has a fleet of its own there."""
    return STACK.enter_context(Etcd())


@contextmanager
def two_hosts(etcd=None, **given):
    """Two hosts of a new fleet."""
    etcd, fleet = etcd or common_etcd(), f"fleet{next(NUMBERS)}"
    with FleetHost(etcd, "one", fleet, **given) as one, FleetHost(etcd, "two", fleet, **given) as two:
        one.fleet("Init")
        two.fleet("Join")
        yield one, two


def exported(host):
    """All that the fleet shares, as this host has it."""
    return host.client.tree(MOUNT)[1]


def records(host):
    """All that stands in etcd of the host's fleet: keys behind its name, and records."""
    prefix = f"/regd/1/{host.fleet_name}/"
    return {key[len(prefix):]: record for key, record in host.etcd.keys(prefix).items()}


@test
def a_change_on_one_host_is_live_on_the_other():
    with two_hosts() as (one, two):
        one.put(KEY, "Port", "25")
        equal(one.look(KEY, "Port"), "25")
        two.has(KEY, "Port", "25")
        two.put(KEY, "Port", "26")
        one.has(KEY, "Port", "26")
        two.client.delete(KEY, recursive=True)
        one.has(KEY, "Port", None)
        equal(exported(two), exported(one))


@test
def what_is_outside_is_a_hosts_own():
    with two_hosts() as (one, two):
        one.put(SOFTWARE + "\\Acme", "Port", "its own")
        one.put(KEY, "Port", "25")
        two.has(KEY, "Port", "25")
        equal(two.look(SOFTWARE + "\\Acme", "Port"), None)
        check(not [key for key in records(one) if b"SOFTWARE\\ACME" in key], "it does not stand in etcd")


@test
def a_commit_is_one_commit_on_the_other_host():
    with two_hosts() as (one, two):
        two.client.watch(MOUNT, recursive=True)
        one.client.commit([("set-value", KEY, f"V{number}", REG_SZ, "x") for number in range(60)], comment="for the move")
        signal = two.client.wait_for_signals(1)[0]
        equal(sorted(name for _, _, name in signal[3] if name), sorted(f"V{number}" for number in range(60)))
        entry = two.client.call("GetHistory", "sa{sv}", KEY, options(limit=1))[0]
        equal((entry["host"], entry["comment"]), ("one", "for the move"))


@test
def two_hosts_that_write_at_the_same_time_both_succeed():
    with two_hosts() as (one, two):
        answers = [host.client.send("SetValue", "ssuv", KEY, f"{host.name}{number}", dbus.UInt32(REG_SZ), variant("x"))
                   for number in range(20) for host in (one, two)]
        wait_for(lambda: all(answers), "all answers")
        equal([answer for answer in answers if isinstance(answer[0], Refused)], [])
        one.has(KEY, "two19", "x")
        two.has(KEY, "one19", "x")
        equal(exported(two), exported(one))


@test
def what_was_missed_comes_later():
    with two_hosts() as (one, two):
        two.agent.stop()
        for number in range(40):
            one.put(f"{KEY}\\{number % 7}", f"V{number}", str(number))
        one.client.delete(f"{KEY}\\3", recursive=True)
        contains(two.refuses("FleetUnavailable", KEY, "Port", "26"), "regd-fleet")
        two.start_agent()
        two.waits_for_state("live")
        equal(exported(two), exported(one))


@test
def regd_comes_back_and_goes_on():
    with two_hosts() as (one, two):
        two.kill()
        one.put(KEY, "Port", "25")
        two.start()
        two.waits_for_state("live")
        equal(two.look(KEY, "Port"), "25")
        two.put(KEY, "Port", "26")
        one.has(KEY, "Port", "26")


@test
def what_was_compacted_is_read_as_a_whole():
    with two_hosts(settings=[("Resync Spread", REG_DWORD, 0)]) as (one, two):
        one.put(KEY, "Old", "1")
        two.has(KEY, "Old", "1")
        two.agent.stop()
        for number in range(10):
            one.put(KEY, "New", str(number))
        one.client.unset(KEY, "Old")
        one.etcd.ctl("compact", str(one.etcd.revision()))
        two.start_agent()
        two.waits_for_state("live")
        equal(exported(two), exported(one))
        two.put(KEY, "New", "11")
        one.has(KEY, "New", "11")


@test
def reading_everything_anew_under_a_writer_never_goes_back():
    with two_hosts(settings=[("Transaction Operations", REG_DWORD, 8)]) as (one, two):
        commits = [operation_list([("set-value", KEY, f"V{place}", REG_SZ, str(number)) for place in range(20)]) for number in range(40)]
        sent = [one.client.send("Commit", "a(sssuv)a{sv}", commit, options()) for commit in commits]
        while not all(sent):
            two.fleet("Resync")
            run_pending()
        equal([answer for answer, in sent if isinstance(answer, Refused)], [])
        two.has(KEY, "V19", "39")
        told = [int(change["new-data"]) for entry in reversed(two.client.call("GetHistory", "sa{sv}", KEY, options(limit=500)))
                for change in entry["changes"] if change.get("name") == "V0"]
        equal(told, sorted(set(told)))
        equal(two.fleet("ListProblems"), [])


@test
def a_quiet_fleet_outlives_compaction():
    with two_hosts() as (one, two):
        two.agent.stop()
        for number in range(5):
            one.etcd.ctl("put", "/elsewhere", str(number))
        one.etcd.ctl("compact", str(one.etcd.revision()))
        before = two.client.revision
        two.start_agent()
        two.waits_for_state("live")
        equal(two.client.revision, before)
        one.put(KEY, "Port", "25")
        two.has(KEY, "Port", "25")


@test
def what_was_missed_may_be_more_than_one_answer_holds():
    with FleetHost(common_etcd(), "one", f"fleet{next(NUMBERS)}", settings=[("Resync Spread", REG_DWORD, 0)]) as one:
        one.fleet("Init")
        one.put(KEY, "Port", "25")
        one.agent.stop()
        newest = put_large_values(one, 70)
        one.start_agent()
        wait_until(lambda: one.status()["applied"] >= newest, "all of it")
        equal(len(one.client.get(KEY, "V69")[2]), 1000000)


def put_large_values(host, count):
    """Values of 1 MB, each a revision of etcd, the newest of which is returned."""
    layer = f"/regd/1/{host.fleet_name}/t/all/"
    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(lambda name: host.etcd.ctl("put", layer + value_of(KEY, name).decode(),
                                                     data=value_record(name, REG_BINARY, bytes(1000000))),
                          [f"V{number}" for number in range(count)]):
            pass
    return host.etcd.revision()


@test
def what_regd_does_not_take_yet_waits_at_etcd():
    with FleetHost(common_etcd(), "one", f"fleet{next(NUMBERS)}") as one:
        one.fleet("Init")
        one.put(KEY, "Port", "25")
        before = one.client.revision
        freeze(one.process.pid)
        newest = put_large_values(one, 36)
        wait_until(lambda: one.etcd.count("etcd_debugging_mvcc_watcher_total") == 0, "the agent to end its watch")
        thaw(one.process.pid)
        wait_until(lambda: one.status()["applied"] >= newest, "all of it")
        equal(one.client.revision, before + 36)


@test
def the_digest_tells_what_a_host_holds_however_it_came_there():
    with two_hosts(settings=[("Resync Spread", REG_DWORD, 0)]) as (one, two):
        one.put(KEY, "Port", "25")
        two.has(KEY, "Port", "25")
        before = one.status()["digest"]
        equal(two.status()["digest"], before)
        one.put(KEY, "Port", "26")
        check(one.status()["digest"] != before, "another value is another digest")
        one.put(KEY, "Port", "25")
        two.fleet("Resync", force=True)
        wait_until(lambda: two.status()["digest"] == one.status()["digest"], "the same digest")
        # What one host can't take shows there.
        two.waits_for_state("live")
        two.client.create(KEY + "\\Link", link=SOFTWARE)
        key = f"/regd/1/{one.fleet_name}/t/all/" + value_of(KEY + "\\Link", "Odd").decode()
        one.etcd.ctl("put", key, data=value_record("Odd", REG_SZ, "x\0".encode("utf-16-le")))
        revision = one.etcd.revision()
        wait_until(lambda: all(host.status()["applied"] >= revision for host in (one, two)), "it to be followed")
        equal(len(one.fleet("ListProblems")), 1)
        equal(one.status()["digest"], two.status()["digest"])


@test
def a_head_that_is_written_again_holds_nobody_up():
    with two_hosts(settings=[("Resync Spread", REG_DWORD, 0)]) as (one, two):
        one.put(KEY, "Port", "25")
        two.has(KEY, "Port", "25")
        one.etcd.ctl("put", f"/regd/1/{one.fleet_name}/t/all/head", data=records(one)[b"t/all/head"])
        newest = one.etcd.revision()
        wait_until(lambda: two.status()["applied"] >= newest, "it to be passed")
        one_writes(two, 26)
        one.has(KEY, "Port", "26")


@test
def a_stranger_on_the_bus_cannot_tell_the_agent_that_regd_is_gone():
    with two_hosts() as (one, _):
        lie = dbus.lowlevel.SignalMessage("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged")
        lie.set_destination(AGENT_NAME)
        lie.append(NAME, ":1.0", "", signature="sss")
        one.client.connection.send_message(lie)
        one.put(KEY, "Port", "25")


@test
def no_answer_is_lost_when_several_are_asked_for_at_once():
    etcd = common_etcd()
    result = subprocess.run([program("tests/bench/etcd-raw"), etcd.endpoints[0], etcd.ca, *etcd.certificate("root"),
                             "ranges", "8", "1000"], capture_output=True, text=True, timeout=PATIENCE, check=False)
    equal((result.stdout.split()[:2], result.returncode), (["1000", "0"], 0), result.stderr)


@test
def the_authorities_are_read_again_for_each_connection():
    etcd = common_etcd()
    authorities = etcd.directory / "copy.pem"
    shutil.copy(etcd.certificate("root")[0], authorities)
    with FleetHost(etcd, "one", f"fleet{next(NUMBERS)}", settings=[("CA File", REG_SZ, str(authorities))]) as one:
        contains(refusal_of(one, "Join"), "certificate")
        shutil.copy(etcd.ca, authorities)
        contains(refusal_of(one, "Join"), "no such fleet")


def refusal_of(host, member):
    try:
        host.fleet(member)
    except Refused as refusal:
        return refusal.text
    raise Failure(f"{host.name}: {member} is not refused")


@rows([("the fleet", "fleet", "no such fleet"), ("the head", "t/all/head", "empty")])
def what_is_deleted_past_regd_empties_no_host(key, said):
    with two_hosts() as (one, two):
        one.put(KEY, "Port", "25")
        two.has(KEY, "Port", "25")
        one.etcd.ctl("del", f"/regd/1/{one.fleet_name}/{key}")
        two.agent.stop()
        two.start_agent()
        contains(two.waits_for_state("blocked")["reason"], said)
        equal(two.look(KEY, "Port"), "25")


@test
def a_fleet_is_begun_once_and_joined_where_it_is():
    fleet = f"fleet{next(NUMBERS)}"
    with FleetHost(common_etcd(), "one", fleet) as one, FleetHost(common_etcd(), "two", fleet) as two:
        for host, member, said in [(one, "Join", "no such fleet"), (one, "Init", None), (two, "Init", "already")]:
            try:
                host.fleet(member)
                equal(said, None, f"{host.name}: {member}")
            except Refused as refusal:
                contains(refusal.text, said or f"not refused, but {refusal.text}")


@test
def without_the_cluster_reading_goes_on_and_writing_is_refused():
    with Etcd() as etcd, two_hosts(etcd, settings=[("Commit Timeout", REG_DWORD, 1500)]) as (one, two):
        one.put(KEY, "Port", "25")
        two.has(KEY, "Port", "25")
        etcd.stop(0)
        two.waits_for_state("disconnected")
        equal(two.look(KEY, "Port"), "25")
        said = two.refuses("FleetUnavailable", KEY, "Port", "26")
        for part in (two.fleet_name, f"{etcd.endpoint(0).removeprefix('https://')}: ", "nothing was changed"):
            contains(said, part)
        two.put(SOFTWARE + "\\Acme", "Port", "its own")
        etcd.start(0)
        for host in (one, two):
            host.waits_for_state("live")
        two.put(KEY, "Port", "27")
        one.has(KEY, "Port", "27")
        etcd.freeze(0)
        two.refuses("FleetUncertain", KEY, "Port", "28")
        etcd.start(0)


@test
def a_member_that_is_frozen_or_dead_is_left_for_another():
    with Etcd(members=3) as etcd, two_hosts(etcd, settings=[("Stale After", REG_DWORD, 3)]) as (one, two):
        for number, take in enumerate((etcd.freeze, etcd.stop)):
            used = etcd.endpoints.index("https://" + two.status()["member"])
            take(used)
            one_writes(one, number)
            two.has(KEY, "Port", str(number))
            etcd.start(used)


def one_writes(host, number):
    """Its own member may be the one that is away: it is told so until it has found another."""
    for _ in range(100):
        try:
            return host.put(KEY, "Port", str(number))
        except Refused as refusal:
            if refusal.name not in ("FleetUnavailable", "FleetUncertain"):
                raise
        host.waits_for_state("live")
    raise Failure("it could not write")


with STACK:
    main()
