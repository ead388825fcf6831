# SPDX-License-Identifier: MIT
"""Changes of a fleet's keys on trial: on trial on every host, kept or undone for all, whoever decides and whoever
is away."""

import time
from contextlib import contextmanager
from pathlib import Path

import dbus

from harness.bus import needs_root, wait_until
from harness.case import check, contains, equal, main, test
from harness.etcd import Etcd
from harness.fleet import MOUNT, FleetHost, Fleets
from harness.process import program
from harness.registry import REG_BINARY, REG_DWORD, REG_SZ, operation_list, options

KEY = MOUNT + "\\Acme"
BRANCH = KEY + "\\Branch"
GAMES = 5
FLEETS = Fleets()
AT_ONCE = [("Resync Spread", REG_DWORD, 0)]


@contextmanager
def two_hosts(**given):
    """Two hosts of a new fleet, with a value that is not on trial."""
    with FLEETS.made("one", "two", **given) as (one, two):
        one.put(KEY, "Port", "25")
        two.has(KEY, "Port", "25")
        yield one, two


def tried(host, text, seconds=86400, name="Port"):
    """Sets a value on trial; the host's own revision of it."""
    return host.client.commit([("set-value", KEY, name, REG_SZ, text)], confirm_within=seconds)


def trials(host):
    return host.client.call("ListTrials", "a{sv}", options())


def is_on_trial(host, count=1):
    wait_until(lambda: len(trials(host)) == count, f"{count} on trial on {host.name}")
    return trials(host)


@test
def what_is_on_trial_on_one_host_is_so_on_all_and_counts_down():
    with two_hosts() as (one, two):
        revision = tried(one, "26", 600)
        two.has(KEY, "Port", "26")
        for host in (one, two):
            left = is_on_trial(host)[0]["deadline"] / 1e6 - time.time()
            check(590 < left < 610, f"{host.name}: {left} s are left")
        equal(trials(one)[0]["revision"], revision)
        two.client.call("Confirm", "t", dbus.UInt64(trials(two)[0]["revision"]))
        equal(trials(two), [])
        is_on_trial(one, 0)
        equal((one.look(KEY, "Port"), two.look(KEY, "Port")), ("26", "26"))


@test
def what_nobody_confirms_is_undone_for_all():
    with two_hosts() as (one, two):
        tried(one, "26", 1)
        one.has(KEY, "Port", "25")
        two.has(KEY, "Port", "25")
        is_on_trial(two, 0)
        equal(trials(one), [])
        entry = two.client.call("GetHistory", "sa{sv}", KEY, options(limit=1))[0]
        equal((entry["host"], entry["comment"]), ("one", "not confirmed"))


@test
def it_is_undone_when_the_host_that_made_it_is_gone():
    with two_hosts() as (one, two):
        tried(one, "26", 2)
        two.has(KEY, "Port", "26")
        one.agent.kill()
        one.kill()
        two.has(KEY, "Port", "25")
        equal(trials(two), [])
        one.start()
        one.start_agent()
        one.has(KEY, "Port", "25")
        is_on_trial(one, 0)


@test
def any_host_ends_it_early():
    with two_hosts() as (one, two):
        tried(one, "26")
        tried(one, "1", name="Other")
        is_on_trial(two, 2)
        two.client.call("EndTrial", "t", dbus.UInt64(trials(two)[0]["revision"]))
        equal(two.look(KEY, "Port"), "25")
        one.has(KEY, "Port", "25")
        equal([change["name"] for entry in is_on_trial(one) for change in entry["changes"]], ["Other"])
        done = one.run(program("client/regctl/regctl"), "undo", str(trials(one)[0]["revision"]))
        equal(done.returncode, 0, done.stderr.decode())
        two.has(KEY, "Other", None)
        is_on_trial(two, 0)


@test
def what_has_been_changed_since_stays():
    with two_hosts() as (one, two):
        one.client.commit([("set-value", KEY, "Port", REG_SZ, "26"), ("set-value", KEY, "Host", REG_SZ, "a")], confirm_within=4)
        two.has(KEY, "Port", "26")
        two.put(KEY, "Port", "27")
        one.has(KEY, "Host", None)
        two.has(KEY, "Host", None)
        equal((one.look(KEY, "Port"), two.look(KEY, "Port")), ("27", "27"))
        is_on_trial(two, 0)


@test
def a_large_commit_is_tried_like_a_small_one():
    with two_hosts(settings=[("Transaction Operations", REG_DWORD, 20)]) as (one, two):
        sets = [("set-value", KEY, f"V{number}", REG_SZ, "x") for number in range(200)]
        one.client.call("Commit", "a(sssuv)a{sv}", operation_list(sets), options(confirm_within=2))
        two.has(KEY, "V199", "x")
        two.has(KEY, "V199", None)
        one.has(KEY, "V0", None)
        equal(one.client.tree(MOUNT)[1], two.client.tree(MOUNT)[1])


@test
def while_the_cluster_is_away_nothing_is_undone():
    with Etcd() as etcd, FleetHost(etcd, "one", "prod", settings=[("Commit Timeout", REG_DWORD, 1500)]) as one:
        one.fleet("Init")
        one.put(KEY, "Port", "25")
        tried(one, "26", 1)
        etcd.stop(0)
        one.waits_for_state("disconnected")
        equal(one.look(KEY, "Port"), "26")
        etcd.start(0)
        one.has(KEY, "Port", "25")


@test
def a_lock_of_the_host_that_undoes_it_keeps_nothing():
    with two_hosts() as (one, two):
        two.client.call("Lock", "sssa{sv}", KEY, "Port", "of this host", options())
        tried(one, "26")
        two.client.call("EndTrial", "t", dbus.UInt64(is_on_trial(two)[0]["revision"]))
        for host in (one, two):
            host.has(KEY, "Port", "25")
            is_on_trial(host, 0)


@test
def a_re_sync_that_finds_the_same_commit_keeps_it_on_trial():
    with FLEETS.made("one") as (one,):
        one.put(KEY, "Port", "25")
        tried(one, "26", 3)
        one.fleet("Resync")
        equal(len(trials(one)), 1)
        one.has(KEY, "Port", "25")


@contextmanager
def away(host):
    """What is done meanwhile it only sees as a whole."""
    host.agent.stop()
    yield
    host.etcd.ctl("put", "/later", "")  # the newest revision is not compacted
    host.etcd.ctl("compact", str(host.etcd.revision()))
    host.start_agent()
    host.waits_for_state("live")


def decide(host, member, name):
    """Calls Confirm or EndTrial for the trial that has changed this value."""
    found, = [row["revision"] for row in trials(host) if row["changes"][0]["name"] == name]
    host.client.call(member, "t", dbus.UInt64(found))


@test
def a_re_sync_over_other_commits_keeps_it_on_trial():
    with two_hosts(settings=AT_ONCE) as (one, two):
        tried(one, "26")
        is_on_trial(two)
        with away(one):
            two.put(KEY, "Other", "1")
        decide(one, "EndTrial", "Port")
        for host in (one, two):
            host.has(KEY, "Port", "25")
            is_on_trial(host, 0)


@test
def what_was_decided_meanwhile_is_not_on_trial_after_a_re_sync():
    with two_hosts(settings=AT_ONCE) as (one, two):
        for name in ("Kept", "Undone", "Open"):
            tried(one, "1", name=name)
        is_on_trial(two, 3)
        with away(one):
            decide(two, "Confirm", "Kept")
            decide(two, "EndTrial", "Undone")
        equal([row["changes"][0]["name"] for row in trials(one)], ["Open"])
        equal([one.look(KEY, name) for name in ("Kept", "Undone", "Open")], ["1", None, "1"])


@test
def who_has_not_seen_it_begin_does_not_end_it():
    with two_hosts(settings=AT_ONCE) as (one, two):
        with away(two):
            tried(one, "26")
        equal(trials(two), [])
        with away(one):
            two.put(KEY, "Other", "1")
        decide(one, "EndTrial", "Port")
        two.has(KEY, "Port", "25")


@test
def it_is_undone_after_regd_was_killed():
    with FLEETS.made("one") as (one,):
        one.put(KEY, "Port", "25")
        tried(one, "26", 1)
        one.kill()
        one.start()
        one.has(KEY, "Port", "25")


@test
def one_that_another_one_has_changed_again_ends_on_every_host():
    with two_hosts() as (one, two):
        tried(one, "26")
        tried(one, "27")
        first = is_on_trial(two, 2)[0]["revision"]
        two.client.call("EndTrial", "t", dbus.UInt64(first))
        is_on_trial(one)
        equal((one.look(KEY, "Port"), two.look(KEY, "Port")), ("27", "27"))
        decide(one, "EndTrial", "Port")
        two.has(KEY, "Port", "25")
        is_on_trial(two, 0)


@test
def what_could_not_be_undone_by_one_commit_is_not_tried():
    with FLEETS.made("one") as (one,):
        for number in range(17):
            one.client.set(KEY, f"V{number}", REG_BINARY, bytes(1000000))
        deletion = operation_list([("delete-tree", KEY)])
        one.client.refused("LimitExceeded", "Commit", "a(sssuv)a{sv}", deletion, options(confirm_within=600), naming="in several")
        one.client.call("Commit", "a(sssuv)a{sv}", deletion, options())


@contextmanager
def delegated_hosts():
    """Two hosts that share a key whose rights a user has, and a sub-key with a list of its own."""
    with two_hosts() as (one, two):
        one.client.set_acl(KEY, ("user:games", "control"))
        one.client.create(BRANCH)
        one.client.set_acl(BRANCH, ("user:games", "control"))
        one.client.set(BRANCH, "Value", REG_SZ, "x")
        two.has(BRANCH, "Value", "x")
        yield one, two


@test
def another_host_gives_back_what_its_maker_may_have():
    needs_root()
    with delegated_hosts() as (one, two):
        one.connect(uid=GAMES).commit([("delete-tree", BRANCH), ("set-value", KEY, "Port", REG_SZ, "26")], confirm_within=600)
        two.client.call("EndTrial", "t", dbus.UInt64(is_on_trial(two)[0]["revision"]))
        equal((two.look(BRANCH, "Value"), two.look(KEY, "Port")), ("x", "25"))
        equal(two.client.acl(BRANCH)[1], [("user:games", "control")])


@test
def its_maker_does_not_get_back_rights_that_were_taken_from_them():
    needs_root()
    with delegated_hosts() as (one, two):
        games = one.connect(uid=GAMES)
        revision = games.commit([("delete-tree", BRANCH), ("set-value", KEY, "Port", REG_SZ, "26")], confirm_within=600)
        one.client.set_acl(KEY, ("user:root", "control"))
        games.call("EndTrial", "t", dbus.UInt64(revision))
        two.has(KEY, "Port", "25")
        for host in (one, two):
            host.client.refused("KeyNotFound", "GetAcl", "s", BRANCH)
            is_on_trial(host, 0)
        contains(two.client.call("GetHistory", "sa{sv}", KEY, options(limit=1))[0]["comment"], "changes stay")


class Elsewhere(FleetHost):
    """A host that does not know the user `games`."""

    def command(self):
        users = self.directory / "passwd"
        users.write_text("".join(line for line in Path("/etc/passwd").open(encoding="utf-8") if not line.startswith("games:")),
                         encoding="utf-8")
        users.chmod(0o644)
        return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/passwd && exec "$@"', str(users), *super().command()]


@contextmanager
def tried_by_a_stranger():
    """A host where a user has deleted a branch on trial, and one that does not know them; the host's own revision of
    the trial."""
    with FLEETS.made("one") as (one,), Elsewhere(FLEETS.etcd, "two", one.fleet_name) as two:
        two.fleet("Join")
        one.put(KEY, "Port", "25")
        one.client.create(BRANCH)
        for key in (KEY, BRANCH):
            one.client.set_acl(key, ("user:games", "control"))
        one.put(BRANCH, "Value", "x")
        two.has(BRANCH, "Value", "x")
        one.connect(uid=GAMES).commit([("delete-tree", BRANCH), ("set-value", KEY, "Port", REG_SZ, "26")], confirm_within=600)
        yield one, two, is_on_trial(two)[0]


@test
def a_host_that_does_not_know_the_maker_gives_back_what_nobody_took_from_them():
    needs_root()
    with tried_by_a_stranger() as (one, two, trial):
        check(trial["deadline"] - is_on_trial(one)[0]["deadline"] > 300 * 1000000, "it leaves it to the others first")
        two.client.call("EndTrial", "t", dbus.UInt64(trial["revision"]))
        one.has(BRANCH, "Value", "x")
        one.has(KEY, "Port", "25")
        equal(one.client.acl(BRANCH)[1], [("user:games", "control")])


@test
def a_host_that_does_not_know_the_maker_gives_back_no_rights_that_were_taken():
    needs_root()
    with tried_by_a_stranger() as (one, two, trial):
        one.client.set_acl(KEY, ("user:root", "control"))
        wait_until(lambda: two.client.acl(KEY)[1] == [("user:root", "control")], "the list on the other host")
        two.client.call("EndTrial", "t", dbus.UInt64(trial["revision"]))
        for host in (one, two):
            is_on_trial(host, 0)
            host.client.refused("KeyNotFound", "GetAcl", "s", BRANCH)
        equal(one.look(KEY, "Port"), "26")  # which everyone could not read either


@test
def one_user_has_not_all_trials_of_the_fleet():
    needs_root()
    with two_hosts() as (one, _two):
        one.client.set_acl(KEY, ("user:games", "write"))
        games = one.connect(uid=GAMES)
        for number in range(16):
            games.commit([("set-value", KEY, f"V{number}", REG_SZ, "x")], confirm_within=600)
        games.refused("LimitExceeded", "Commit", "a(sssuv)a{sv}", operation_list([("set-value", KEY, "More", REG_SZ, "x")]),
                      options(confirm_within=600), naming=["16", "yours"])
        tried(one, "26", 600)


with FLEETS:
    main()
