# SPDX-License-Identifier: MIT
"""The worst that a member of a fleet can be told: records that nobody can use, places that are not
the fleet's, streams that end anywhere, commits that do not follow. What can't be used is listed,
the rest is applied, and nothing outside of the mounts is ever touched."""

import os
import struct
from contextlib import contextmanager

import dbus

from cluster import (DELETE, MOUNT, PUT, SETTINGS, Agent, Cluster, Host, field, head, key_of, key_record, message, parse, text, value_of,
                     value_record)
from harness.bus import wait_for
from harness.case import check, contains, equal, main, test
from harness.registry import REG_LINK, REG_MULTI_SZ, REG_SZ, SOFTWARE, Refused, options

KEY = MOUNT + "\\Acme"
GOOD = value_record("n", REG_SZ, text("good"))


@contextmanager
def member():
    cluster = Cluster()
    with Host(cluster, "one") as one:
        one.fleet("Init")
        one.put(KEY, "n", "kept")
        one.write("CreateKey", "sa{sv}", MOUNT + "\\Link", options(link=SOFTWARE + "\\Elsewhere"))
        one.client.create(SOFTWARE + "\\Elsewhere")
        yield cluster, one


def problems(one):
    return one.fleet("ListProblems")


def answered(outcomes):
    wait_for(lambda: all(outcomes), "the answers")
    return [outcome[0] for outcome in outcomes]


@test
def a_revision_that_no_cluster_reaches_is_refused():
    with member() as (_, one):
        applied = one.fleet("GetStatus")["applied"]
        for revision in (2 ** 62 + 1, 2 ** 63 - 1, 2 ** 64 - 1):
            for outcome in (one.agent.apply(revision, b"", [(PUT, value_of(KEY, "n"), GOOD, 1)]), one.agent.resync(revision=revision)):
                equal(answered([outcome])[0].name, "InvalidValue")
        equal((one.fleet("GetStatus")["applied"], one.client.get(KEY, "n")[2]), (applied, "kept"))
        one.put(KEY, "n", "goes on")


@test
def another_agent_takes_over_while_somebody_waits():
    with member() as (cluster, one):
        outcome = []
        one.client.connection.call_async("org.regd.Registry1", "/org/regd/Fleet1", "org.regd.Fleet1", "Wait", "ta{sv}",
                                         (dbus.UInt64(10 ** 9), options(timeout=("u", 2))), outcome.append, outcome.append)
        one.client.connection.flush()
        Agent(one, cluster)
        wait_for(lambda: outcome, "the end of the wait")
        equal(one.client.get(KEY, "n")[2], "kept")


@test
def an_agent_that_compares_nothing_is_not_believed():
    with member() as (_, one):
        one.agent.task_answer = lambda ticket, *_: one.agent.outcome(ticket, "done")
        contains(one.fleet_refused("Failed", "Verify").text, "compared nothing")
        equal(one.client.get(KEY, "n")[2], "kept")


# ---- records ----

POISON = [
    ("garbage", value_of(KEY, "n"), b"\xff\xff\xff\xff"),
    ("nothing", value_of(KEY, "n"), b""),
    ("cut", value_of(KEY, "n"), GOOD[:-3]),
    ("another name's spelling", value_of(KEY, "n"), value_record("m", REG_SZ, text("x"))),
    ("a spelling that is no text", value_of(KEY, "n"), value_record(b"\xc3\x28", REG_SZ, text("x"))),
    ("sealed", value_of(KEY, "n"), b"\x0a\x01n\x10\x01\x22\x04abcd"),
    ("a link as a value", value_of(KEY, "SymbolicLinkValue"),
     value_record("SymbolicLinkValue", REG_LINK, text("HKEY_LOCAL_MACHINE\\SAM"))),
    ("outside of the mounts", value_of(SOFTWARE + "\\Other", "n"), GOOD),
    ("above the mounts", key_of(SOFTWARE), key_record("Software")),
    ("beside a mount", key_of(MOUNT + "2"), key_record("Policies2")),
    ("regd's own settings", value_of("HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\regd\\Parameters", "n"), GOOD),
    ("no root", key_of("NOWHERE\\POLICIES"), key_record("Policies")),
    ("a short root", key_of("HKLM\\SOFTWARE\\POLICIES"), key_record("Policies")),
    ("not folded", b"v/" + KEY.encode() + b"\\\\n", GOOD),
    ("an empty component", b"k/" + MOUNT.upper().encode() + b"\\\\\\X", key_record("X")),
    ("no border", b"v/" + MOUNT.upper().encode(), GOOD),
    ("bytes that are no text", b"v/" + KEY.upper().encode() + b"\\\\\xff\xfe", GOOD),
    ("a nul in the key", b"v/" + KEY.upper().encode() + b"\\\\A\0B", value_record("A", REG_SZ, text("x"))),
    ("an empty key", b"", GOOD),
    ("another kind", b"z/" + KEY.upper().encode(), GOOD),
    ("very deep", key_of(MOUNT + "\\A" * 600), key_record("A")),
    ("a long name", value_of(KEY, "N" * 20000), value_record("N" * 20000, REG_SZ, text("x"))),
    ("a long component", key_of(KEY + "\\" + "K" * 300), key_record("K" * 300)),
    ("a class too long", key_of(KEY + "\\C"), key_record("C", _2="c" * 70000)),
    ("a link to nowhere", key_of(KEY + "\\L"), key_record("L", _3="NOWHERE\\X")),
    ("a link in place of a full key", key_of(KEY), key_record("Acme", _3=SOFTWARE)),
    ("below a link", value_of(MOUNT + "\\LINK\\DEEP", "n"), GOOD),
    ("at a link", value_of(MOUNT + "\\LINK", "n"), GOOD),
    ("a list of nobody", key_of(KEY), key_record("Acme", _4=b"\x0a\x07nobody:\x12\x04read", _5=1)),
    ("a list of no level", key_of(KEY), key_record("Acme", _4=b"\x0a\x08everyone\x12\x03own", _5=1)),
]


def apply_poison(cluster, one, what, key, record):
    """The record comes between two good ones, in one commit, and goes again."""
    cluster.commit([(PUT, value_of(KEY, "before"), value_record("before", REG_SZ, text(what), 0)), (PUT, key, record),
                    (PUT, value_of(KEY, "after"), value_record("after", REG_SZ, text(what), 2))])
    equal([answer for answer in answered(one.agent.applied) if isinstance(answer, Refused)], [], what)
    equal(one.client.values(KEY), [("n", REG_SZ, "kept"), ("before", REG_SZ, what), ("after", REG_SZ, what)], what)
    listed = problems(one)
    equal([revision for _, _, revision in listed], [cluster.revision], what)
    good = {value_of(KEY, "n"): value_record("n", REG_SZ, text("kept")), key_of(KEY): key_record("Acme")}
    cluster.write([(PUT, key, good[key]) if key in good else (DELETE, key, b"")])
    return listed[0][1]


@test
def a_record_that_cannot_be_used_is_listed_and_the_rest_applied():
    with member() as (cluster, one):
        one.put(MOUNT + "\\Second", "keeps", "the mount")
        outside = one.client.tree(SOFTWARE + "\\Elsewhere")[1], one.client.keys(SOFTWARE)
        whys = {}
        for what, key, record in POISON:
            whys[what] = apply_poison(cluster, one, what, key, record)
            equal((one.client.tree(SOFTWARE + "\\Elsewhere")[1], one.client.keys(SOFTWARE)), outside, what)
        answered(one.agent.applied)
        for what, part in [("outside of the mounts", "outside"), ("sealed", "no schema of this host"), ("below a link", "below a link"),
                           ("a link in place of a full key", "holds values"), ("a list of nobody", "access list")]:
            contains(whys[what], part)
        status, shown, _ = one.regctl("fleet", "problems")
        equal((status, shown), (0, ""), "every record was deleted again")
        cluster.commit([(PUT, value_of(KEY, "n"), b"\xff")])
        answered(one.agent.applied)
        equal(one.regctl("fleet", "problems")[0], 1)


@test
def a_poisoned_record_is_forgotten_when_a_good_one_takes_its_place():
    with member() as (cluster, one):
        cluster.commit([(PUT, value_of(KEY, "n"), b"\xff")])
        answered(one.agent.applied)
        equal(len(problems(one)), 1)
        cluster.commit([(PUT, value_of(KEY, "n"), GOOD)])
        one.has(KEY, "n", "good")
        equal(problems(one), [])


@test
def what_is_kept_of_a_long_key_is_short():
    with member() as (cluster, one):
        keys = [b"k/" + MOUNT.upper().encode() + b"\\" + b"X" * size for size in (300000, 300001)]
        cluster.commit([(PUT, key, key_record("X")) for key in keys])
        answered(one.agent.applied)
        listed = problems(one)
        equal([len(name) < 1500 and len(why) < 1500 for name, why, _ in listed], [True, True])
        cluster.commit([(DELETE, keys[0], b"")])
        answered(one.agent.applied)
        equal([name for name, _, _ in problems(one)], [name for name, _, _ in listed if f"({len(keys[1])} bytes" in name])


@test
def a_list_may_name_those_whom_this_host_does_not_know():
    with member() as (cluster, one):
        names = [("user:nobody-here", "write"), ("user:nor-here", "read"), ("group:nor-here", "read"), ("everyone", "none")]
        entries = b"".join(field(4, message(_1=name, _2=level)) for name, level in names)
        cluster.commit([(PUT, key_of(KEY), key_record("Acme", _5=1) + entries)])
        answered(one.agent.applied)
        equal((problems(one), one.client.acl(KEY)), ([], (KEY, names)))
        one.stop()
        one.start()
        equal(one.client.acl(KEY), (KEY, names))


@test
def what_was_written_past_regd_is_applied_and_told_so():
    with member() as (cluster, one):
        cluster.write([(PUT, value_of(KEY, "n"), GOOD)])
        one.has(KEY, "n", "good")
        entry = one.client.call("GetHistory", "sa{sv}", KEY, options(limit=1))[0]
        equal(entry["user"], "not by regd")
        one.put(KEY, "n", "again")


# ---- commits ----

@test
def a_commit_that_does_not_follow_is_refused_and_changes_nothing():
    with member() as (cluster, one):
        newest = parse(cluster.head)
        events = [(PUT, value_of(KEY, "n"), GOOD, 1)]
        wrong = [(cluster.revision, head(newest[3] + 1, newest[1]), "there already"),
                 (0, head(newest[3] + 1, newest[1]), "there already"),
                 (cluster.revision + 1, head(newest[3] + 1, os.urandom(16)), "does not follow"),
                 (cluster.revision + 1, head(1), "does not follow")]
        for revision, new_head, why in wrong:
            answer = answered([one.agent.apply(revision, new_head, events)])[0]
            equal(answer.name, "Conflict")
            contains(answer.text, why)
        for bad in (b"\xff", b"\x0a\x03abc", os.urandom(40)):
            equal(answered([one.agent.apply(cluster.revision + 1, bad, events)])[0].name, "InvalidValue")
        equal(answered([one.agent.send("Apply", "staya(uayayt)", "group:x", dbus.UInt64(999), b"",
                                       dbus.Array([], signature="(uayayt)"))])[0].name, "InvalidArgs")
        equal(one.client.get(KEY, "n")[2], "kept")
        one.put(KEY, "n", "goes on")


# ---- a re-sync ----

def resync(one, **given):
    return answered([one.agent.resync(**given)])[0]


@test
def a_stream_that_ends_anywhere_changes_nothing():
    with member() as (cluster, one):
        whole = one.agent.stream()
        before = one.client.revision
        for end in [*range(0, len(whole), 7), len(whole) - 1]:
            answer = resync(one, stream=whole[:end])
            equal(answer.name, "InvalidValue")
        for stream in (struct.pack("<IIQ", 0xFFFFFFFF, 0, 1), struct.pack("<IIQ", 0xFFFFFFF0, 5, 1) + b"x" * 100,
                       struct.pack("<IIQ", 5, 0xFFFFFFFF, 1) + b"x" * 100, os.urandom(1000),
                       whole[:-16] + struct.pack("<IIQ", 0xFFFFFFFF, 1, len(cluster.records))):
            equal(resync(one, stream=stream).name, "InvalidValue")
        equal(resync(one, new_head=b"").name, "InvalidValue")
        equal(resync(one, new_head=b"\xff").name, "InvalidValue")
        equal((one.client.revision, one.client.get(KEY, "n")[2]), (before, "kept"))
        equal(resync(one)["changed"], False)


def hold_stream(cluster, one):
    """A re-sync whose records do not come: its answer, and the end that they would come from."""
    reading, writing = os.pipe()
    outcome = one.agent.send("Resync", "stayhbb", "all", dbus.UInt64(cluster.revision), dbus.ByteArray(cluster.head),
                             dbus.types.UnixFd(reading), False, False)
    one.agent.connection.flush()
    os.close(reading)
    return outcome, writing


@test
def streams_that_do_not_come_take_few_threads():
    with member() as (cluster, one):
        tasks = f"/proc/{one.process.pid}/task"
        before = len(os.listdir(tasks))
        held = [hold_stream(cluster, one) for _ in range(20)]
        one.put(KEY, "n", "1")  # answered behind them
        check(len(os.listdir(tasks)) <= before + 4, f"threads: {os.listdir(tasks)}, before: {before}")
        for _, writing in held:
            os.close(writing)
        equal({answer.name for answer in answered([outcome for outcome, _ in held])}, {"InvalidValue"})
        equal(resync(one)["changed"], False)


@test
def an_empty_answer_empties_no_host_that_holds_much():
    with member() as (cluster, one):
        for part in range(2):
            cluster.commit([(PUT, value_of(KEY, f"v{part}-{i}"), value_record(f"v{part}-{i}", REG_SZ, text("x"), i))
                            for i in range(60)])
        answered(one.agent.applied)
        kept, cluster.records = dict(cluster.records), {}
        told = resync(one)
        contains(told["refused"], "would delete 121 of 121 values: regctl fleet resync --force")
        equal((told["values-deleted"], len(one.client.values(KEY))), (0, 121))
        cluster.records = kept
        equal(resync(one)["changed"], False)
        cluster.records = {}
        told = resync(one, force=True, dry_run=True)
        equal((told["values-deleted"], len(one.client.values(KEY))), (121, 121))
        told = resync(one, force=True)
        check("refused" not in told, str(told))
        equal(one.client.keys(SOFTWARE).count("Policies"), 0)


@test
def each_mount_counts_by_itself():
    cluster, other = Cluster(), SOFTWARE + "\\Fleet"
    with Host(cluster, "one") as one:
        one.client.set(SETTINGS, "Mount", REG_MULTI_SZ, [MOUNT, other])
        one.fleet("Init")
        for mount, many in ((KEY, 200), (other, 120)):
            cluster.commit([(PUT, value_of(mount, f"v{i}"), value_record(f"v{i}", REG_SZ, text("x"), i)) for i in range(many)])
        answered(one.agent.applied)
        for i in range(61):
            del cluster.records[value_of(other, f"v{i}")]
        told = resync(one)
        contains(told["refused"], "would delete 61 of 120 values")
        equal((len(one.client.values(other)), one.client.revision), (120, told["local"]))


@test
def a_resync_is_one_revision_and_keeps_the_last_good_value_of_poison():
    with member() as (cluster, one):
        cluster.records[value_of(KEY, "n")] = (b"\xff", 1)
        cluster.records[value_of(KEY, "z")] = (value_record("z", REG_SZ, text("3")), 7)
        cluster.records[value_of(KEY, "y")] = (value_record("y", REG_SZ, text("2")), 6)
        cluster.records[key_of(MOUNT + "\\New")] = (key_record("New"), 5)
        del cluster.records[key_of(MOUNT + "\\Link")]
        before = one.client.revision
        told = resync(one)
        equal((told["local"], told["problems"]), (before + 1, 1))
        equal(one.client.values(KEY), [("n", REG_SZ, "kept"), ("y", REG_SZ, "2"), ("z", REG_SZ, "3")])
        equal(one.client.keys(MOUNT), ["Acme", "New"])
        equal(len(problems(one)), 1)
        cluster.records[value_of(KEY, "n")] = (GOOD, 1)
        resync(one)
        equal((one.client.get(KEY, "n")[2], problems(one)), ("good", []))


@test
def a_key_may_become_a_link_and_a_link_a_key():
    with member() as (cluster, one):
        cluster.commit([(PUT, key_of(MOUNT + "\\Link"), key_record("LINK")),
                        (PUT, value_of(MOUNT + "\\Link", "v"), value_record("v", REG_SZ, text("1")))])
        one.has(MOUNT + "\\Link", "v", "1")
        equal(one.client.keys(MOUNT), ["Acme", "LINK"])
        cluster.commit([(DELETE, value_of(MOUNT + "\\Link", "v"), b""),
                        (PUT, key_of(MOUNT + "\\Link"), key_record("Link", _3=SOFTWARE + "\\Elsewhere"))])
        wait_for(lambda: "link" in one.client.info(MOUNT + "\\Link", no_follow=True), "the link")
        equal(one.client.keys(MOUNT), ["Acme", "Link"])
        cluster.commit([(PUT, key_of(KEY), key_record("Acme", _2="Shop"))])
        wait_for(lambda: one.client.info(KEY).get("class") == "Shop", "the class")
        equal(one.client.get(KEY, "n")[2], "kept")
        then = one.client.revision
        one.client.call("Validate", "s", MOUNT)
        equal(one.client.tree(MOUNT, at=then)[1], one.client.tree(MOUNT)[1])
        equal(problems(one), [])


# ---- an agent gone mad ----

@test
def outcomes_that_nobody_asked_for_do_nothing():
    with member() as (cluster, one):
        for ticket in (0, 1, 2, 3, 0xFFFFFFFF):
            for what in ("done", "behind", "uncertain", ""):
                answered([one.agent.outcome(ticket, what, 1 << 62)])
        one.put(KEY, "n", "1")
        lies = iter([("behind", 0), ("done", cluster.revision)])

        def lie(ticket, guard, new_head, operations):
            what, revision = next(lies)
            one.agent.outcome(ticket, what, revision)
            if what == "behind":
                one.agent.answer = None
                cluster.commit([(PUT, value_of(KEY, "m"), value_record("m", REG_SZ, text("x")))])

        one.agent.answer = lie
        one.put(KEY, "n", "2")
        equal(one.client.get(KEY, "n")[2], "2")


@test
def a_member_survives_an_agent_that_comes_and_goes():
    with member() as (cluster, one):
        for i in range(20):
            one.agent.state(["live", "blocked", "", "nonsense", "resync"][i % 5], "x" * 1000)
        one.agent.take(one.agent.call("Attach", "a{sv}", options()))
        one.agent.state("live")
        wait_for(lambda: one.fleet("GetStatus")["state"] == "live", "the state")
        one.put(KEY, "n", "1")


if __name__ == "__main__":
    main()
