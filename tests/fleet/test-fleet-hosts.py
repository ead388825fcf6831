# SPDX-License-Identifier: MIT
"""What hosts tell the fleet of themselves, on a real etcd: `fleet hosts` lists them, `fleet wait`
waits until they have a commit."""

import json
import threading
from contextlib import contextmanager

import dbus

from cluster import Cluster, Host, field, parse, text, value_of, value_record
from harness.bus import ALICE, needs_root, wait_until
from harness.case import check, contains, equal, main, rows, test
from harness.fleet import FLEET, FLEET_PATH, MOUNT, SETTINGS, Fleets
from harness.regctl import regctl
from harness.registry import NAME, REG_DWORD, REG_SZ, Refused, options
from harness.shell import completes

KEY = MOUNT + "\\Acme"
FLEETS = Fleets()
OFTEN = [("Report Interval", REG_DWORD, 1)]


def hosts(*names, settings=OFTEN):
    return FLEETS.made(*names, settings=settings)


def listed(host, *options_):
    """{name: what `fleet hosts --json` says of it}."""
    status, printed, said = regctl(host, "fleet", "hosts", "--json", *options_)
    equal((status, said), (0, ""))
    return {each["host"]: each for each in json.loads(printed)}


def wait(host, commit=0, client=None, **given):
    return (client or host.client).call("Wait", "ta{sv}", dbus.UInt64(commit), options(**given), interface=FLEET,
                                        path=FLEET_PATH)


def record_key(host, kind, name=None):
    return f"/regd/1/{host.fleet_name}/{kind}/{name or host.name}"


@test
def each_host_tells_what_it_has():
    with hosts("one", "two", "three") as (one, two, _):
        one.put(KEY, "Port", "25")
        commit = one.status()["commit"]
        equal(regctl(two, "fleet", "wait", str(commit), "--hosts=3", "--timeout=30"), (0, "", f"regctl: 3 of 3 hosts have the commit {commit}\n"))
        found = listed(two)
        equal(sorted(found), ["one", "three", "two"])
        for name, each in found.items():
            equal((each["commit"], each["behind"], each["state"], each["alive"], each["problems"]),
                  (commit, 0, "live", True, 0), name)
        check(all(each["version"] and each["since"] > 0 and each["applied"] > 0 for each in found.values()), str(found))
        equal(listed(two, "--behind"), {})
        printed = regctl(one, "fleet", "hosts")[1].splitlines()
        equal([line.split()[:4] for line in printed],
              [["HOST", "COMMIT", "BEHIND", "STATE"], *([name, str(commit), "0", "live"] for name in ("one", "three", "two"))])


@test
def a_host_that_is_late_is_named():
    with hosts("one", "two", "three") as (one, two, three):
        equal(regctl(one, "fleet", "wait", "--hosts=3", "--timeout=30")[0], 0)
        two.agent.stop()
        one.put(KEY, "Port", "25")
        commit = one.status()["commit"]
        status, printed, said = regctl(three, "fleet", "wait", str(commit), "--timeout=4")
        equal((status, printed), (1, ""))
        equal(said, f"regctl: only 2 of 3 hosts have the commit {commit}; missing: two\n")
        equal(regctl(three, "fleet", "wait", str(commit), "--hosts=2", "--timeout=4")[0], 0)
        equal(sorted(listed(one, "--behind")), ["two"])
        equal(listed(one)["two"]["behind"], 1)
        # Somebody waits meanwhile.
        ended = []
        thread = threading.Thread(target=lambda: ended.append(regctl(one, "fleet", "wait", "--timeout=60")))
        thread.start()
        two.start_agent()
        thread.join()
        equal(ended[0][0], 0, str(ended))


@test
def a_host_without_a_sign_of_life_is_gone():
    with hosts("one", "two") as (one, two):
        wait_until(lambda: listed(one).get("two", {}).get("alive"), "a sign of life")
        end_life(two)
        equal((listed(one)["two"]["alive"], listed(one)["one"]["alive"]), (False, True))
        contains(regctl(one, "fleet", "hosts")[1], "gone")
        two.start_agent()
        wait_until(lambda: listed(one)["two"]["alive"], "it to be back")


@test
def a_lost_sign_of_life_comes_back():
    with hosts("one", settings=[*OFTEN, ("Stale After", REG_DWORD, 3)]) as (one,):
        wait_until(lambda: listed(one).get("one", {}).get("alive"), "a sign of life")
        lease = json.loads(FLEETS.etcd.ctl("get", record_key(one, "a"), "-w", "json"))["kvs"][0]["lease"]
        FLEETS.etcd.ctl("lease", "revoke", f"{lease:x}")
        wait_until(lambda: listed(one)["one"]["alive"], "another one")


@test
def a_host_that_leaves_is_not_listed_any_more():
    with hosts("one", "two") as (one, two):
        wait_until(lambda: set(listed(one)) == {"one", "two"}, "both")
        two.fleet("Leave")
        wait_until(lambda: set(listed(one)) == {"one"}, "one to be left")
        equal(regctl(one, "fleet", "wait", "--timeout=30")[0], 0)


@test
def a_host_that_leaves_a_silent_cluster_ends_as_ever():
    with hosts("one") as (one,):
        wait_until(lambda: set(listed(one)) == {"one"}, "the report")
        FLEETS.etcd.freeze(0)
        try:
            one.fleet("Leave")
            one.waits_for_state("unjoined")
            one.agent.stop()
        finally:
            FLEETS.etcd.start(0)


def end_life(host):
    """Its agent dies, and the time of its sign of life is over."""
    host.agent.kill()
    lease = json.loads(FLEETS.etcd.ctl("get", record_key(host, "a"), "-w", "json"))["kvs"][0]["lease"]
    FLEETS.etcd.ctl("lease", "revoke", f"{lease:x}")


@test
def a_host_that_is_gone_is_forgotten():
    with hosts("one", "two", "three") as (one, two, _):
        equal(regctl(one, "fleet", "wait", "--hosts=3", "--timeout=30")[0], 0)
        status, printed, said = regctl(one, "fleet", "forget", "two")
        equal((status, printed), (6, ""))
        for part in ("'two'", "sign of life", "--force"):
            contains(said, part)
        equal(sorted(listed(one)), ["one", "three", "two"])
        end_life(two)
        one.put(KEY, "Port", "25")
        equal(regctl(one, "fleet", "wait", "--timeout=1")[0], 1)
        completes(one, "regctl fleet forget tw", "regctl fleet forget two ")
        equal(regctl(one, "fleet", "forget", "two"), (0, "", "regctl: forgot the host 'two'\n"))
        equal(sorted(listed(one)), ["one", "three"])
        equal([kind for kind in "ha" if FLEETS.etcd.keys(record_key(two, kind))], [])
        equal(regctl(one, "fleet", "wait", "--timeout=30")[0], 0)
        status, _, said = regctl(one, "fleet", "forget", "two")
        equal(status, 3)
        contains(said, "regctl fleet hosts")
        two.start_agent()
        wait_until(lambda: listed(one).get("two", {}).get("alive"), "it to be there again")


@test
def a_host_that_is_forgotten_though_it_lives_comes_back_with_its_next_report():
    with hosts("one", "two") as (one, two):
        equal(regctl(one, "fleet", "wait", "--hosts=2", "--timeout=30")[0], 0)
        equal(regctl(one, "fleet", "forget", "two", "--force")[0], 0)
        equal(sorted(listed(one)), ["one"])
        one.put(KEY, "Port", "25")
        wait_until(lambda: listed(one).get("two", {}).get("alive"), "it to report")
        equal(listed(one)["two"]["commit"], two.status()["commit"])


@test
def a_host_to_forget_has_a_name():
    with hosts("one") as (one,):
        for words, why in [([], "the name of a host"), ([""], "1 to 255 bytes"), (["x" * 256], "1 to 255 bytes"),
                           (["two", "three"], "operands"), (["two", "--dry-run"], "--dry-run")]:
            status, _, said = regctl(one, "fleet", "forget", *words)
            equal(status, 2, said)
            contains(said, why)


@test
def a_host_of_another_name_is_another():
    with hosts("one", "two") as (one, two):
        wait_until(lambda: set(listed(one)) == {"one", "two"}, "both")
        two.client.set(SETTINGS, "Host Name", 1, "other")
        wait_until(lambda: set(listed(one)) == {"one", "other"}, "the other name")


@test
def nothing_is_told_when_nothing_is_new():
    with hosts("one") as (one,):
        equal(regctl(one, "fleet", "wait", "--timeout=30")[0], 0)
        wait_until(lambda: listed(one)["one"]["state"] == "live", "the state")
        before = FLEETS.etcd.ctl("get", record_key(one, "h"), "-w", "json")
        one.client.set("HKEY_LOCAL_MACHINE\\SOFTWARE\\Own", "Port", 1, "25")
        one.put(KEY, "Port", "25")
        commit = one.status()["commit"]
        wait_until(lambda: listed(one)["one"]["commit"] == commit, "the report")
        version = [json.loads(each)["kvs"][0]["version"] for each in (before, FLEETS.etcd.ctl("get", record_key(one, "h"), "-w", "json"))]
        equal(version[1] - version[0], 1, "one report for one change")


@test
def strange_records_harm_nobody():
    with hosts("one") as (one,):
        equal(regctl(one, "fleet", "wait", "--timeout=30")[0], 0)
        for name, record in [("junk", b"\xff\xff"), ("large", bytes(10000)), ("\x1b[2J", field(5, "live")),
                             ("future", field(2, 10) + field(99, "unknown"))]:
            FLEETS.etcd.ctl("put", record_key(one, "h", name), data=record)
        found = listed(one)
        equal(sorted(found), sorted(["one", "junk", "large", "\x1b[2J", "future"]))
        equal([name for name, each in found.items() if "commit" in each], ["\x1b[2J", "future", "one"])
        check("\x1b" not in regctl(one, "fleet", "hosts")[1], "a name that is fit for a terminal")
        contains(regctl(one, "fleet", "wait", "5", "--timeout=0")[2], "only 1 of 5 hosts")


@test
def names_that_no_host_can_have_are_left_out():
    """They would not fit into one message of the bus, which would end the agent's connection."""
    with hosts("one") as (one,):
        equal(regctl(one, "fleet", "wait", "--timeout=30")[0], 0)
        for number in range(27):
            names = (f"{number:02}{each:02}".ljust(120000, "x") for each in range(11))
            FLEETS.etcd.ctl("txn", data=("\n" + "".join(f"put {record_key(one, 'h', name)} x\n" for name in names) + "\n\n").encode())
        equal(sorted(listed(one)), ["one"])


@test
def who_may_ask():
    needs_root()
    with hosts("one", "two") as (one, two):
        equal(regctl(one, "fleet", "wait", "--hosts=2", "--timeout=30")[0], 0)
        two.agent.stop()
        one.put(KEY, "Port", "25")
        stranger = one.connect(uid=ALICE)
        for member, signature, arguments in [("ListHosts", "a{sv}", [options()]), ("Forget", "sa{sv}", ["two", options(force=True)])]:
            try:
                stranger.call(member, signature, *arguments, interface=FLEET, path=FLEET_PATH)
                check(False, f"{member} is for administrators")
            except Refused as refusal:
                equal(refusal.name, "AccessDenied")
        answer = wait(one, client=stranger, timeout=("u", 0))
        equal(("missing" in answer, answer["reached"]), (False, False))
        equal(wait(one, timeout=("u", 0))["missing"], ["two"])
        for client in (one.client, stranger):  # a digest would confirm guesses of what is closed
            status = client.call("GetStatus", "", interface=FLEET, path=FLEET_PATH)
            equal("digest" in status, client is one.client)


@test
def those_who_have_left_wait_no_more():
    with hosts("one") as (one,):
        other = one.connect()
        for _ in range(20):  # for a commit that is still to come
            other.connection.call_async(NAME, FLEET_PATH, FLEET, "Wait", "ta{sv}",
                                        (dbus.UInt64(1 << 40), options(timeout=("u", 86400))), None, None)
        other.connection.flush()

        def count_waiting():
            return one.client.call("GetStatistics", "a{sv}", options())["calls-waiting"]

        wait_until(lambda: count_waiting() > 20, "all to wait")
        other.connection.close()
        wait_until(lambda: count_waiting() == 1, "none to wait but the one who asks")


@test
def without_a_cluster_it_says_so():
    with hosts("one") as (one,):
        one.agent.stop()
        for words in (["hosts"], ["wait", "--timeout=0"], ["forget", "two"]):
            status, _, said = regctl(one, "fleet", *words)
            equal(status, 1)
            contains(said, "regd-fleet does not run")


@contextmanager
def running(host, *words, given=b""):
    """regctl beside the block; what came of it, when the block has ended."""
    ended = []
    thread = threading.Thread(target=lambda: ended.extend(regctl(host, *words, given=given)))
    thread.start()
    try:
        yield ended
    finally:
        thread.join()


@rows([("a value", ["set", KEY, "Port", "26"], b""), ("a comment", ["set", KEY, "Port", "26", "--comment=why"], b""),
       ("an import", ["import", "-"], f'Windows Registry Editor Version 5.00\n\n[{KEY}]\n"Port"="26"\n'.encode())])
def a_change_waits_for_the_fleet(words, given):
    with hosts("one", "two") as (one, two):
        equal(regctl(one, "fleet", "wait", "--hosts=2", "--timeout=30")[0], 0)
        one.agent.stop()
        failed = regctl(one, *words, "--wait-fleet", "--timeout=1", given=given)
        equal(failed[:2], (1, ""))
        contains(failed[2], "given up after")
        equal(one.look(KEY, "Port"), None)
        with running(one, *words, "--wait-fleet", "--timeout=50", given=given) as ended:
            one.start_agent()
        equal(ended[0], 0, ended[2:])
        contains(ended[2], "2 of 2 hosts have the commit")
        equal((one.look(KEY, "Port"), two.look(KEY, "Port")), ("26", "26"))


@test
def a_change_that_not_all_have_in_time_is_made():
    with hosts("one", "two") as (one, two):
        equal(regctl(one, "fleet", "wait", "--hosts=2", "--timeout=30")[0], 0)
        two.agent.stop()
        status, _, said = regctl(one, "set", KEY, "Port", "25", "--wait-fleet", "--timeout=2")
        equal(status, 1)
        contains(said, "the change is made, but only 1 of 2 hosts")
        contains(said, "missing: two")
        equal(one.look(KEY, "Port"), "25")
        equal(regctl(one, "set", KEY, "Port", "25", "--timeout=2")[0], 2)


@test
def a_part_of_the_hosts_is_enough_if_that_was_said():
    with hosts("one", "two", "three") as (one, two, _):
        equal(regctl(one, "fleet", "wait", "--hosts=100%", "--timeout=30")[0], 0)
        equal(regctl(one, "fleet", "wait", "--hosts=3", "--timeout=30")[0], 0)
        two.agent.stop()
        for number, share, status in [(25, "2", 0), (26, "66%", 0), (27, "67%", 1), (28, "3", 1)]:
            ended = regctl(one, "set", KEY, "Port", str(number), f"--wait-fleet={share}", f"--timeout={30 if status == 0 else 2}")
            equal((share, ended[0]), (share, status), ended[2])
            contains(ended[2], "2 of 3 hosts have the commit")
            equal(regctl(one, "fleet", "wait", f"--hosts={share}", "--timeout=0")[0], status, share)
        contains(ended[2], "the change is made, but only")


@test
def a_share_that_is_none_changes_nothing():
    with hosts("one") as (one,):
        for share in ("0", "101%", "most", ""):
            ended = regctl(one, "set", KEY, "Port", "25", f"--wait-fleet={share}")
            equal((ended[0], one.look(KEY, "Port")), (2, None), share)
            contains(ended[2], f"--wait-fleet: {share}")
            equal(regctl(one, "fleet", "wait", f"--hosts={share}")[0], 2, share)


@test
def what_was_written_past_regd_is_listed_until_it_is_acknowledged():
    with hosts("one", "two") as (one, two):
        one.put(KEY, "Port", "25")
        FLEETS.etcd.ctl("put", f"/regd/1/{one.fleet_name}/t/all/" + value_of(KEY, "Port").decode(),
                 data=value_record("Port", REG_SZ, text("26")))
        two.has(KEY, "Port", "26")
        wait_until(lambda: one.look(KEY, "Port") == "26", "it on the other host")
        one.put(KEY, "Port", "27")
        two.has(KEY, "Port", "27")
        status, printed, _ = regctl(two, "fleet", "problems")
        equal((status, printed.count("\n")), (1, 1), printed)
        contains(printed, "not written by regd")
        equal(regctl(two, "fleet", "resync")[0], 0)
        equal(regctl(two, "fleet", "problems")[0], 1)
        equal(regctl(two, "fleet", "problems", "--clear"), (0, "", "regctl: 1 acknowledged\n"))
        equal(regctl(two, "fleet", "problems"), (0, "", ""))
        equal(regctl(one, "fleet", "problems")[0], 1)


@test
def a_host_that_holds_what_the_cluster_holds_is_told_so():
    with hosts("one", "two") as (one, two):
        one.put(KEY, "Port", "25")
        two.has(KEY, "Port", "25")
        before = two.client.revision
        equal(regctl(two, "fleet", "verify"), (0, "", "regctl: this host holds what the cluster holds\n"))
        equal((two.client.revision, json.loads(regctl(two, "fleet", "verify", "--json")[1])), (before, []))


@test
def hosts_of_one_commit_that_hold_something_else_are_named():
    with hosts("one") as (one,):
        for name, commit, digest in [("a", 70, b"1" * 16), ("b", 71, b"1" * 16), ("c", 70, b"2" * 16), ("d", 70, b"1" * 16)]:
            FLEETS.etcd.ctl("put", record_key(one, "h", name), data=field(2, commit) + field(4, digest))
        status, printed, _ = regctl(one, "fleet", "verify")
        equal((status, printed), (1, "other-digest\tc\ta\n"))


@test
def a_fleet_is_made_by_whoever_asks_for_it():
    needs_root()
    with FLEETS.made("one", uid=ALICE) as (one,):
        made = parse(FLEETS.etcd.keys(f"/regd/1/{one.fleet_name}/t/all/head").popitem()[1])
        equal((made[4], made[5]), (b"one", b"root"))


@test
def a_cluster_that_lost_everything_is_filled_again_from_a_host():
    with hosts("one", "two") as (one, two):
        one.put(KEY, "Port", "25")
        two.has(KEY, "Port", "25")
        FLEETS.etcd.ctl("del", "--prefix", f"/regd/1/{one.fleet_name}/")
        one.waits_for_state("blocked")
        for host, words in [(one, ["leave"]), (one, ["init", "--from-local"]), (two, ["leave"]), (two, ["join", "--replace"])]:
            equal(regctl(host, "fleet", *words)[0], 0, " ".join(words))
        two.has(KEY, "Port", "25")
        two.put(KEY, "Port", "26")
        one.has(KEY, "Port", "26")


@test
def nobody_has_the_cluster_read_for_a_commit_that_it_does_not_know():
    with Host(Cluster(), "one") as one:
        one.fleet("Init")
        for words, is_right in [([], lambda looks: looks > 1), (["1000000000"], lambda looks: looks == 1)]:
            before = one.agent.looks
            equal(one.regctl("fleet", "wait", *words, "--timeout=3")[0], 1)
            check(is_right(one.agent.looks - before), f"{words}: {one.agent.looks - before} looks")


@test
def each_difference_from_the_cluster_is_named():
    cluster = Cluster()
    with Host(cluster, "one") as one:
        one.fleet("Init")
        for name in ("Same", "Other", "Gone"):
            one.put(KEY, name, "25")
        # What no agent tells of.
        del cluster.records[value_of(KEY, "Gone")]
        cluster.records[value_of(KEY, "Other")] = (value_record("Other", REG_SZ, text("26")), cluster.revision)
        cluster.records[value_of(KEY, "New")] = (value_record("New", REG_SZ, text("27")), cluster.revision)
        one.agent.task_answer = lambda ticket, _word, asked: one.agent.resync(
            asked["dry-run"], asked["force"], then=lambda: one.agent.outcome(ticket, "done"))
        equal(sorted(one.fleet("Verify")), [("value-deleted", KEY, "Gone"), ("value-set", KEY, "New"), ("value-set", KEY, "Other")])
        status, printed, said = one.regctl("fleet", "verify")
        equal((status, sorted(printed.splitlines())),
              (1, [f"value-deleted\t{KEY}\tGone", f"value-set\t{KEY}\tNew", f"value-set\t{KEY}\tOther"]))
        contains(said, "regctl fleet resync")
        equal(one.client.get(KEY, "Other")[2], "25")


with FLEETS:
    main()
