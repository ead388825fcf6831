# SPDX-License-Identifier: MIT
"""regd as a member of a fleet, with a stand-in for its agent: what goes out, what comes in, who
waits for what, and what happens while the fleet can't be reached."""

import os
import pwd
from contextlib import contextmanager

import dbus

from cluster import MOUNT, SETTINGS, Agent, Cluster, Host
from harness.bus import ALICE, needs_root, run_pending, wait_for, wait_until
from harness.case import check, contains, equal, main, rows, test
from harness.registry import REG_BINARY, REG_DWORD, REG_MULTI_SZ, REG_QWORD, REG_SZ, SOFTWARE, operation_list, options, variant

KEY = MOUNT + "\\Acme"
LOCAL = SOFTWARE + "\\Acme"
USER = pwd.getpwuid(os.getuid()).pw_name


@contextmanager
def fleet_of_two():
    cluster = Cluster()
    with Host(cluster, "one") as one, Host(cluster, "two") as two:
        one.fleet("Init")
        two.fleet("Join")
        yield cluster, one, two


@contextmanager
def fleet_of_one():
    cluster = Cluster()
    with Host(cluster, "one") as one:
        one.fleet("Init")
        yield cluster, one


def state(host):
    return host.fleet("GetStatus")["state"]


# ---- the promise ----

@test
def a_change_on_one_host_is_live_on_the_other():
    with fleet_of_two() as (_, one, two):
        one.put(KEY, "Port", "25")
        equal(one.client.get(KEY, "Port"), (1, "s", "25"))
        two.has(KEY, "Port", "25")
        two.put(KEY, "Port", "26")
        one.has(KEY, "Port", "26")


@test
def a_commit_is_one_revision_and_one_signal_on_every_host():
    with fleet_of_two() as (_, one, two):
        _, before, _ = two.client.watch(MOUNT, recursive=True)
        one.write("Commit", "a(sssuv)a{sv}", operation_list(
            [("create-key", KEY), ("set-value", KEY, "b", REG_SZ, "1"), ("set-value", KEY, "a", REG_DWORD, 2),
             ("set-value", KEY, "", REG_BINARY, b"\0\xff"), ("set-value", KEY, "q", REG_QWORD, 1 << 40),
             ("set-value", KEY, "m", REG_MULTI_SZ, ["x", "y"])]), options(comment="all at once"))
        two.has(KEY, "m", ["x", "y"])
        equal(two.client.values(KEY), one.client.values(KEY))
        equal([name for name, _, _ in two.client.values(KEY)], ["b", "a", "", "q", "m"])
        signals = two.client.wait_for_signals(1)
        equal((len(signals), signals[0][2]), (1, before + 1))
        entry = two.client.call("GetHistory", "sa{sv}", KEY, options(limit=1))[0]
        equal((entry["comment"], entry["user"], entry["host"], entry["revision"]), ("all at once", USER, "one", before + 1))
        for words in (("history", KEY, "--limit=1"), ("blame", KEY, "a")):
            status, shown, _ = two.regctl(*words)
            equal(status, 0)
            contains(shown, f"\t{USER}@one\t")


@test
def keys_links_lists_and_deletions_arrive_as_they_are():
    with fleet_of_two() as (_, one, two):
        one.write("CreateKey", "sa{sv}", KEY, options(**{"class": "Shop"}))
        one.write("CreateKey", "sa{sv}", MOUNT + "\\Link", options(link=LOCAL))
        one.put(KEY + "\\Deep\\Deeper", "v", "1")
        one.write("SetAcl", "sa(ss)", KEY, dbus.Array([("user:games", "write"), ("everyone", "read")], signature="(ss)"))
        one.put(KEY, "last", "x")
        two.has(KEY, "last", "x")
        equal(two.client.info(KEY)["class"], "Shop")
        equal(two.client.info(MOUNT + "\\Link", no_follow=True)["link"], LOCAL)
        equal(two.client.acl(KEY)[1], [("user:games", "write"), ("everyone", "read")])
        one.write("RenameKey", "ss", KEY + "\\Deep", "DEEP")
        one.write("DeleteKey", "sa{sv}", MOUNT + "\\Link", options())
        one.write("SetAcl", "sa(ss)", KEY, dbus.Array([], signature="(ss)"))
        one.put(KEY, "last", "y")
        two.has(KEY, "last", "y")
        equal(two.client.keys(MOUNT), ["Acme"])
        equal(two.client.keys(KEY), ["DEEP"])
        equal(two.client.values(KEY + "\\Deep\\Deeper"), [("v", REG_SZ, "1")])
        check(two.client.acl(KEY)[0] != KEY, "the list is inherited again")
        one.write("DeleteKey", "sa{sv}", KEY, options(recursive=True))
        wait_for(lambda: two.client.keys(MOUNT) == [], "the deletion on the other host")


@test
def a_link_from_elsewhere_into_the_mount_writes_to_the_fleet():
    with fleet_of_two() as (_, one, two):
        one.client.create(LOCAL, link=KEY)
        one.put(LOCAL, "Port", "25")
        two.has(KEY, "Port", "25")


@test
def a_rollback_and_the_rights_are_as_on_one_machine():
    with fleet_of_two() as (_, one, two):
        one.put(KEY, "n", "1")
        then = one.client.revision
        one.put(KEY, "n", "2")
        one.write("Rollback", "sta{sv}", KEY, dbus.UInt64(then), options())
        two.has(KEY, "n", "1")
        needs_root()
        one.put_refused("AccessDenied", KEY, "n", client=one.connect(uid=ALICE))


@test
def what_is_outside_of_the_mounts_stays_each_hosts_own():
    with fleet_of_two() as (cluster, one, two):
        before = cluster.revision
        one.client.set(LOCAL, "n", REG_SZ, "1")
        equal((cluster.revision, two.client.keys(SOFTWARE).count("Acme")), (before, 0))


# ---- what a fleet does not take ----

REFUSED = [
    ("both sides", "InvalidValue", ("Commit", "a(sssuv)a{sv}", operation_list(
        [("set-value", KEY, "n", REG_SZ, "1"), ("set-value", LOCAL, "n", REG_SZ, "1")]), options()),
     ("not both", "operation 1 (set-value)", LOCAL)),
    ("declared", "NotSupported", ("Commit", "a(sssuv)a{sv}", operation_list([("set-value", KEY, "n", REG_SZ, "1")]),
                                  options(owner="puppet")), "declared"),
    ("volatile", "InvalidValue", ("CreateKey", "sa{sv}", KEY, options(volatile=True)), "volatile"),
    ("a mount deleted", "InvalidValue", ("DeleteKey", "sa{sv}", MOUNT, options(recursive=True)), "fleet leave"),
    ("a mount renamed", "InvalidValue", ("RenameKey", "ss", MOUNT, "Other"), MOUNT),
    ("a number in a list", "InvalidValue", ("SetAcl", "sa(ss)", MOUNT, dbus.Array([("user:5", "read")], signature="(ss)")),
     "user:5"),
    ("a condition", "Conflict", ("Commit", "a(sssuv)a{sv}", operation_list(
        [("expect-value", KEY, "n", REG_SZ, "0"), ("set-value", KEY, "n", REG_SZ, "1")]), options()), ""),
]


@rows(REFUSED)
def a_fleet_refuses(error, call, naming):
    with fleet_of_one() as (cluster, one):
        before = cluster.revision
        if error == "Conflict":
            one.put(KEY, "n", "2")
            before += 1
        one.refused(error, *call, naming=naming)
        equal(cluster.revision, before)


@test
def what_cannot_be_a_mount_is_refused_when_it_is_set():
    with Host(Cluster(), "one", attach=False) as one:
        for mounts, reason in ((["HKLM\\SYSTEM\\CurrentControlSet\\Services\\regd"], "each host's"), (["HKLM"], "root"),
                               (["HKLM\\SAM\\Domains"], "each host's"), (["HKCU\\Software"], "below HKEY_LOCAL_MACHINE"),
                               ([MOUNT, KEY], "another mount"), (["nonsense"], "nonsense")):
            one.refused("InvalidValue", "SetValue", "ssuv", SETTINGS, "mount", dbus.UInt32(REG_MULTI_SZ), variant(mounts), naming=reason)
            one.client.set(LOCAL + "\\Fleet", "Mount", REG_MULTI_SZ, mounts)  # a key of that name, and not the settings
        one.client.set(SETTINGS, "Mount", REG_MULTI_SZ, [MOUNT])


# ---- races ----

@test
def a_change_that_comes_second_is_judged_again():
    with fleet_of_two() as (cluster, one, two):
        two.put(KEY, "n", "0")
        one.has(KEY, "n", "0")
        asked = one.client.send("Commit", "a(sssuv)a{sv}", operation_list(
            [("expect-value", KEY, "n", REG_SZ, "0"), ("set-value", KEY, "n", REG_SZ, "one")]), options())
        held = []
        one.agent.answer = lambda *proposal: held.append(proposal)
        wait_for(lambda: held, "the proposal")
        two.put(KEY, "n", "two")
        one.agent.answer = None
        one.agent.outcome(held[0][0], "behind")
        wait_for(lambda: asked, "the answer")
        equal(asked[0].name, "Conflict")
        one.put(KEY, "m", "one")
        two.has(KEY, "m", "one")
        equal(two.client.get(KEY, "n")[2], "two")


@test
def behind_may_be_told_before_the_winner_comes():
    with fleet_of_two() as (cluster, one, two):
        one.put(KEY, "m", "0")
        held = []
        one.agent.answer = lambda *proposal: held.append(proposal)
        asked = one.client.send("SetValue", "ssuv", KEY, "n", dbus.UInt32(REG_SZ), variant("one"))
        wait_for(lambda: held, "the proposal")
        cluster.agents.remove(one.agent)
        two.put(KEY, "n", "two")
        one.agent.outcome(held[0][0], "behind")
        one.agent.answer = None
        run_pending()
        equal(asked, [])
        one.agent.bring(cluster.log[-1])
        cluster.agents.append(one.agent)
        wait_for(lambda: asked, "the answer")
        equal((one.client.get(KEY, "n")[2], len(one.agent.proposals)), ("one", 3))
        two.has(KEY, "n", "one")


@test
def callers_wait_their_turn_and_all_are_answered():
    with fleet_of_two() as (_, one, two):
        asked = [host.client.send("SetValue", "ssuv", KEY, f"n{i}", dbus.UInt32(REG_SZ), variant(host.name))
                 for i in range(10) for host in (one, two)]
        wait_for(lambda: all(asked), "the answers")
        check(all(isinstance(answer[0], int) for answer in asked), str(asked))
        wait_until(lambda: one.client.values(KEY) == two.client.values(KEY), "the same values in the same order on both")
        equal(len(one.client.values(KEY)), 10)


# ---- cut off ----

@test
def reads_go_on_and_writes_are_refused_by_name():
    with fleet_of_two() as (_, one, two):
        one.put(KEY, "n", "1")
        one.agent.disconnect(reason="no leader at etcd1:2379")
        wait_for(lambda: state(one) == "disconnected", "the state")
        one.put_refused("FleetUnavailable", KEY, "n", naming=(KEY, "'prod'", "no leader at etcd1:2379", "nothing was changed"))
        equal(one.client.get(KEY, "n")[2], "1")
        one.client.set(LOCAL, "n", REG_SZ, "1")
        status, _, said = one.regctl("set", KEY, "n", "2")
        equal(status, 1)
        contains(said, "the fleet 'prod' can't be reached")
        two.put(KEY, "n", "3")
        equal(one.client.get(KEY, "n")[2], "1")
        one.agent.take(one.agent.call("Attach", "a{sv}", options(version="1")))
        one.has(KEY, "n", "3")
        wait_for(lambda: state(one) == "live", "the state")
        one.put(KEY, "n", "4")
        two.has(KEY, "n", "4")


@test
def without_an_agent_the_state_is_off():
    with fleet_of_one() as (_, one):
        one.put(KEY, "n", "1")
        one.agent.leave()
        wait_for(lambda: state(one) == "off", "the state")
        one.put_refused("FleetUnavailable", KEY, "n", naming="regd-fleet does not run")
        one.refused("FleetUnavailable", "DeleteKey", "sa{sv}", KEY, options(recursive=True))
        equal(one.client.get(KEY, "n")[2], "1")


OUTCOMES = [("unavailable", "FleetUnavailable"), ("uncertain", "FleetUncertain"), ("access-denied", "AccessDenied"),
            ("full", "StorageFull"), ("too-large", "LimitExceeded"), ("failed", "Failed"), ("never heard of", "Failed")]


@rows([(what, what, error) for what, error in OUTCOMES])
def what_the_agent_says_is_what_the_caller_hears(what, error):
    with fleet_of_one() as (_, one):
        one.agent.answer = lambda ticket, *_: one.agent.outcome(ticket, what, text_="because of the test")
        one.put_refused(error, KEY, "n", naming=(KEY, "because of the test"))
        one.agent.answer = None
        one.put(KEY, "n", "1")


@test
def an_agent_that_dies_leaves_the_outcome_uncertain():
    with fleet_of_one() as (_, one):
        one.agent.answer = lambda *_: one.agent.leave()
        one.put_refused("FleetUncertain", KEY, "n", naming=(KEY, "may still be made"))
        status, _, _ = one.regctl("set", KEY, "n", "2")
        equal(status, 1)


@test
def an_agent_that_says_nothing_is_given_up():
    with fleet_of_one() as (_, one):
        one.client.set(SETTINGS, "Commit Timeout", REG_DWORD, 100)
        one.agent.answer = lambda *_: None
        one.put_refused("FleetUncertain", KEY, "n")


@test
def a_change_is_done_when_its_commit_is_back_whatever_the_agent_says():
    with fleet_of_one() as (cluster, one):
        one.agent.answer = lambda _ticket, _guard, head, operations: cluster.write(operations, head)
        one.put(KEY, "n", "1")
        equal(one.client.get(KEY, "n")[2], "1")


@test
def a_host_that_may_only_read_refuses():
    with fleet_of_one() as (_, one):
        one.client.set(SETTINGS, "Read Only", REG_DWORD, 1)
        one.put_refused("AccessDenied", KEY, "n", naming="only read")


# ---- beginnings and ends ----

@test
def a_fleet_begins_empty_or_with_what_is_there():
    cluster = Cluster()
    with Host(cluster, "one") as one, Host(cluster, "two") as two:
        equal(state(one), "unjoined")
        one.client.set(KEY, "n", REG_SZ, "1")
        two.client.set(MOUNT + "\\Other", "n", REG_SZ, "2")
        one.fleet_refused("Conflict", "Init", naming="--from-local")
        two.fleet_refused("KeyNotFound", "Join", replace=True)
        one.fleet("Init", from_local=True)
        one.fleet_refused("Conflict", "Init", naming="already")
        two.fleet_refused("Conflict", "Init", from_local=True, naming="such a fleet")
        two.fleet_refused("Conflict", "Join", naming="--replace")
        two.fleet("Join", replace=True)
        two.has(KEY, "n", "1")
        equal(two.client.keys(MOUNT), ["Acme"])
        equal(two.client.call("GetHistory", "sa{sv}", MOUNT + "\\Other", options(limit=1))[0]["host"], "one")


@test
def what_no_fleet_takes_is_replaced_too():
    cluster = Cluster()
    with Host(cluster, "one") as one, Host(cluster, "two") as two:
        one.fleet("Init")
        one.put(KEY, "n", "1")
        two.client.create(MOUNT + "\\Other")
        two.client.call("SetAcl", "sa(ss)", MOUNT + "\\Other", dbus.Array([("user:5", "read")], signature="(ss)"))
        two.client.create(KEY, volatile=True)
        two.client.set(KEY, "m", REG_SZ, "2")
        two.fleet("Join", replace=True)
        two.has(KEY, "n", "1")
        equal((two.client.keys(MOUNT), two.client.values(KEY)), (["Acme"], [("n", REG_SZ, "1")]))
        equal(two.client.info(KEY)["volatile"], False)


@test
def a_mount_is_not_volatile():
    cluster = Cluster()
    with Host(cluster, "one") as one:
        one.client.create(MOUNT, volatile=True)
        one.fleet_refused("InvalidValue", "Init", naming=(MOUNT, "volatile"))
        one.client.set(SETTINGS, "Mount", REG_MULTI_SZ, [KEY])
        one.fleet_refused("InvalidValue", "Join", naming=(KEY, "volatile"))


@test
def leaving_leaves_the_values_or_drops_them():
    with fleet_of_two() as (_, one, two):
        one.put(KEY, "n", "1")
        two.has(KEY, "n", "1")
        status, _, said = two.regctl("fleet", "leave")
        equal((status, said), (0, "regctl: left the fleet\n"))
        two.client.set(KEY, "n", REG_SZ, "2")
        equal(one.client.get(KEY, "n")[2], "1")
        one.fleet("Leave", drop=True)
        equal("Policies" in one.client.keys(SOFTWARE), False)
        equal(state(one), "unjoined")


@test
def a_member_goes_on_after_a_restart_and_a_kill():
    with fleet_of_two() as (_, one, two):
        for end in (one.stop, one.kill):
            one.agent.leave()
            end()
            two.put(KEY, "n", end.__name__)
            one.start()
            equal(state(one), "off")
            one.agent = Agent(one, one.cluster)
            one.has(KEY, "n", end.__name__)
            check(one.agent.configs[0]["layers"][0]["applied"] > 100, "it knows how far it was")
            one.put(KEY, "m", end.__name__)
            two.has(KEY, "m", end.__name__)


@test
def without_regd_a_member_takes_no_change_of_the_fleets_keys():
    with fleet_of_one() as (_, one):
        one.put(KEY, "n", "1")
        one.stop()
        offline = ("--database", str(one.database))
        equal(one.regctl("get", KEY, "n", *offline)[:2], (0, "1\n"))
        status, _, said = one.regctl("set", KEY, "n", "2", *offline)
        equal(status, 1)
        contains(said, "the fleet 'prod' can't be reached")
        equal(one.regctl("set", LOCAL, "n", "2", *offline)[0], 0)
        one.start()


@test
def the_settings_are_live_however_their_key_is_spelled():
    with fleet_of_one() as (_, one):
        one.client.set(SETTINGS.upper(), "READ ONLY", REG_DWORD, 1)
        one.put_refused("AccessDenied", KEY, "n")
        one.client.call("RenameKey", "ss", SETTINGS, "FLEET")
        one.client.set(SETTINGS, "Read Only", REG_DWORD, 0)
        one.put(KEY, "n", "1")


@test
def a_comment_is_kept_as_it_was_given():
    comment = "two\r\nlines, \x1b[1mbold"
    with fleet_of_two() as (_, one, two):
        one.write("Commit", "a(sssuv)a{sv}", operation_list([("set-value", KEY, "n", REG_SZ, "1")]), options(comment=comment))
        two.has(KEY, "n", "1")
        for host in (one, two):
            equal(host.client.call("GetHistory", "sa{sv}", KEY, options())[0]["comment"], comment)


@test
def a_host_needs_a_name_that_records_can_have():
    with fleet_of_one() as (_, one):
        for name in ("o\nne", "\u00e9" * 200):
            one.client.set(SETTINGS, "Host Name", REG_SZ, name)
            wait_until(lambda: "Host Name" in one.fleet("GetStatus")["reason"], "the name to be refused")
            one.put_refused("FleetUnavailable", KEY, "n", naming="Host Name")
        one.client.set(SETTINGS, "Host Name", REG_SZ, "one")
        wait_until(lambda: one.fleet("GetStatus")["state"] == "live", "the fleet to be live again")
        one.put(KEY, "n", "1")


@test
def what_looks_like_a_setting_tells_the_agent_nothing():
    needs_root()
    with fleet_of_one() as (_, one):
        before = len(one.agent.configs)
        one.connect(uid=ALICE).set("HKEY_CURRENT_USER\\Fleet", "Enabled", REG_DWORD, 0)
        one.put(KEY, "n", "1")
        equal(len(one.agent.configs), before)
        one.client.set(SETTINGS, "Stale After", REG_DWORD, 31)
        wait_for(lambda: len(one.agent.configs) == before + 1, "the new setting")


@test
def the_mounts_of_the_fleet_are_those_of_every_host():
    with fleet_of_two() as (_, one, two):
        two.fleet("Leave")
        two.client.set(SETTINGS, "Mount", REG_MULTI_SZ, [SOFTWARE + "\\Fleet"])
        two.fleet_refused("InvalidValue", "Join", naming=MOUNT)


@test
def regctl_shows_how_it_stands():
    with fleet_of_one() as (_, one):
        status, shown, _ = one.regctl("fleet", "status")
        equal(status, 0)
        for part in ("state: live", "fleet: prod", "host: one", "commit: 1"):
            contains(shown, part)
        equal(one.regctl("fleet", "problems"), (0, "", ""))
        equal(one.regctl("fleet", "frobnicate")[0], 2)
        equal(one.regctl("fleet", "init", "--replace")[0], 2)


@test
def only_administrators_and_the_agents_user_come_near():
    needs_root()
    with fleet_of_one() as (_, one):
        alice = one.connect(uid=ALICE)
        equal(alice.call("GetStatus", interface="org.regd.Fleet1", path="/org/regd/Fleet1")["state"], "live")
        engine = {"interface": "org.regd.FleetEngine1", "path": "/org/regd/FleetEngine1"}
        calls = [("Attach", "a{sv}", options()), ("State", "a{sv}", options(state="live")),
                 ("Outcome", "ustsa{sv}", dbus.UInt32(1), "done", dbus.UInt64(1), "", options()),
                 ("Apply", "staya(uayayt)", "all", dbus.UInt64(1), b"", dbus.Array([], signature="(uayayt)"))]
        open_ = {"interface": "org.regd.Fleet1", "path": "/org/regd/Fleet1"}
        calls = [(call, engine) for call in calls] + [((name, "a{sv}", options()), open_)
                                                      for name in ("Init", "Join", "Leave", "Resync")]
        for call, where in [*calls, (("ListProblems", ""), open_)]:
            try:
                alice.call(*call, **where)
            except Exception as refusal:  # pylint: disable=broad-except
                equal(refusal.name, "AccessDenied", call[0])
            else:
                check(False, f"{call[0]} was allowed")


if __name__ == "__main__":
    main()
