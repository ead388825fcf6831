# SPDX-License-Identifier: MIT
"""What happens to a fleet with its cluster: members that die under writers, backups that are put back, another
cluster at the same address, roles and certificates that change while hosts are connected."""

import shutil
from contextlib import contextmanager

import dbus

from harness.bus import wait_for, wait_until
from harness.case import check, contains, equal, main, test
from harness.etcd import Etcd
from harness.fleet import MOUNT, SETTINGS, FleetHost
from harness.registry import REG_DWORD, REG_MULTI_SZ, REG_SZ, Refused, options, variant

KEY = MOUNT + "\\Acme"
QUICK = [("Resync Spread", REG_DWORD, 0), ("Stale After", REG_DWORD, 3), ("Request Timeout", REG_DWORD, 400)]
UNSURE = {"FleetUnavailable", "FleetUncertain"}


@contextmanager
def two_hosts(etcd, **given):
    with FleetHost(etcd, "one", settings=QUICK, **given) as one, FleetHost(etcd, "two", settings=QUICK, **given) as two:
        one.fleet("Init")
        two.fleet("Join")
        yield one, two


def exported(host):
    return host.client.tree(MOUNT)[1]


def names(host):
    return {name for path, values in exported(host) if path == KEY for name, _, _ in values}


def send(host, name):
    return host.client.send("SetValue", "ssuv", KEY, name, dbus.UInt32(REG_SZ), variant("x"))


@test
def the_leader_dies_under_writers_and_nothing_acknowledged_is_lost():
    with Etcd(members=3) as etcd, two_hosts(etcd) as (one, two):
        answers = {f"{host.name}{number}": send(host, f"{host.name}{number}") for number in range(60) for host in (one, two)}
        wait_until(lambda: sum(map(bool, answers.values())) >= 10, "the first answers")
        leader = etcd.leader()
        etcd.stop(leader)
        wait_for(lambda: all(answers.values()), "all answers")
        refusals = {name: answer[0] for name, answer in answers.items() if isinstance(answer[0], Refused)}
        equal({refusal.name for refusal in refusals.values()} - UNSURE, set())
        done = set(answers) - set(refusals)
        check(len(done) >= 10, f"{len(done)} were made")
        etcd.start(leader)
        for host in (one, two):
            host.waits_for_state("live")
            wait_until(lambda: done <= names(host), f"all of them on {host.name}")
        sure = {name for name, refusal in refusals.items() if refusal.name == "FleetUnavailable"}
        equal(sure & names(one), set())
        equal(names(one), names(two))


@test
def a_backup_that_is_put_back_is_followed():
    with Etcd() as etcd, two_hosts(etcd) as (one, two):
        one.put(KEY, "Old", "1")
        two.has(KEY, "Old", "1")
        backup = etcd.save()
        for number in range(3):
            one.put(KEY, f"New{number}", "1")
        two.has(KEY, "New2", "1")
        two.agent.stop()
        etcd.restore(backup)
        one.has(KEY, "New0", None)
        one.waits_for_state("live")
        equal(names(one), {"Old"})
        # Now etcd's revision grows past what the other has, who would be told of nothing that is missing.
        for number in range(8):
            one.put(KEY, f"Later{number}", "1")
        two.start_agent()
        two.has(KEY, "Later7", "1")
        two.waits_for_state("live")
        equal(exported(two), exported(one))
        equal(two.status()["digest"], one.status()["digest"])
        history = two.client.call("GetHistory", "sa{sv}", KEY, dbus.Dictionary({}, signature="sv"))
        check(any(change.get("name") == "New2" for entry in history for change in entry["changes"]), "history keeps what is gone")


@test
def a_backup_that_was_made_during_a_trial_goes_on_with_it():
    with Etcd() as etcd, two_hosts(etcd) as (one, two):
        one.put(KEY, "Port", "25")
        one.client.commit([("set-value", KEY, "Port", REG_SZ, "26")], confirm_within=86400)
        two.has(KEY, "Port", "26")
        backup = etcd.save()
        two.put(KEY, "Other", "1")
        one.has(KEY, "Other", "1")
        etcd.restore(backup)
        for host in (one, two):
            host.has(KEY, "Other", None)
            host.waits_for_state("live")
        trial, = two.client.call("ListTrials", "a{sv}", options())
        two.client.call("EndTrial", "t", dbus.UInt64(trial["revision"]))
        one.has(KEY, "Port", "25")


@test
def another_cluster_at_the_address_changes_nothing():
    with Etcd() as etcd, Etcd() as other, two_hosts(etcd) as (one, two):
        one.put(KEY, "Port", "25")
        two.has(KEY, "Port", "25")
        with FleetHost(other, "three", settings=QUICK) as three:
            three.fleet("Init")
            three.put(KEY, "Port", "26")
            certificate, key = other.certificate("root")
            for name, kind, data in [("Enabled", REG_DWORD, 0), ("CA File", REG_SZ, other.ca), ("Certificate", REG_SZ, certificate),
                                     ("Private Key", REG_SZ, key), ("Endpoints", REG_MULTI_SZ, other.endpoints), ("Enabled", REG_DWORD, 1)]:
                two.client.set(SETTINGS, name, kind, data)
            contains(two.waits_for_state("blocked")["reason"], "another fleet")
            equal(two.look(KEY, "Port"), "25")
            two.refuses("FleetUnavailable", KEY, "Port", "27")


@test
def a_certificate_is_changed_while_the_host_is_connected():
    with Etcd() as etcd:
        files = [shutil.copy(file, etcd.directory / f"live{number}") for number, file in enumerate(etcd.certificate("one"))]
        with FleetHost(etcd, "one", settings=QUICK) as one, FleetHost(etcd, "two", settings=QUICK) as two:
            for name, file in zip(("Certificate", "Private Key"), files):
                two.client.set(SETTINGS, name, REG_SZ, str(file))
            one.fleet("Init")
            two.fleet("Join")
            for source, file in zip(etcd.certificate("renewed"), files):
                shutil.copy(source, file)
            two.put(KEY, "Port", "25")
            one.has(KEY, "Port", "25")
            two.agent.stop()
            two.start_agent()
            two.waits_for_state("live")
            two.put(KEY, "Port", "26")
            for name, file in zip(("Certificate", "Private Key"), etcd.certificate("third")):
                two.client.set(SETTINGS, name, REG_SZ, file)
            two.waits_for_state("live")
            one.put(KEY, "Port", "27")
            two.has(KEY, "Port", "27")


@test
def a_role_that_is_revoked_ends_the_right_to_write_and_then_to_read():
    with Etcd() as etcd, FleetHost(etcd, "one", settings=QUICK) as one, FleetHost(etcd, "two", user="web17", settings=QUICK) as two:
        for words in [("role", "add", "writer"), ("role", "grant-permission", "writer", "--prefix=true", "readwrite", "/regd/1/prod/"),
                      ("role", "add", "reader"), ("role", "grant-permission", "reader", "--prefix=true", "read", "/regd/1/prod/"),
                      ("user", "add", "web17", "--no-password"), ("user", "grant-role", "web17", "reader"),
                      ("user", "grant-role", "web17", "writer"),
                      ("user", "add", "root", "--no-password"), ("user", "grant-role", "root", "root"), ("auth", "enable")]:
            etcd.ctl(*words)
        one.fleet("Init")
        two.fleet("Join")
        two.put(KEY, "Port", "25")
        one.has(KEY, "Port", "25")
        etcd.ctl("user", "revoke-role", "web17", "writer")
        two.refuses("AccessDenied", KEY, "Port", "26")
        one.put(KEY, "Port", "27")
        two.has(KEY, "Port", "27")
        etcd.ctl("user", "revoke-role", "web17", "reader")
        two.agent.stop()
        two.start_agent()
        contains(two.waits_for_state("blocked")["reason"], "permission denied")
        equal(two.look(KEY, "Port"), "27")


main()
