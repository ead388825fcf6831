# SPDX-License-Identifier: MIT
"""Five hosts of a fleet write at the same time, and in each round something is killed: a regd, an agent, a member of
etcd, or the agent of a host whose commit is being made in parts. Afterwards every host has every write that was
acknowledged and none that was refused, all have the same, and nobody has ever seen a half of a commit."""

import random
from contextlib import ExitStack

from harness.bus import run_pending, wait_until
from harness.case import Failure, check, equal, main, test
from harness.etcd import Etcd
from harness.figures import amount, figure
from harness.fleet import MOUNT, FleetHost
from harness.registry import REG_DWORD, REG_SZ, Refused, operation_list, options

KEY = MOUNT + "\\Fault"
ROUNDS = amount(5, 1000)
HOSTS = 5
# So few operations in a transaction that most commits have parts.
SETTINGS = [("Transaction Operations", REG_DWORD, 8), ("Resync Spread", REG_DWORD, 0), ("Stale After", REG_DWORD, 3),
            ("Request Timeout", REG_DWORD, 400), ("Commit Timeout", REG_DWORD, 4000)]
# What surely was not made, and what may have been.
REFUSED, UNCERTAIN = {"FleetUnavailable", "Conflict"}, {"FleetUncertain", "NoReply", "ServiceUnknown", "Disconnected", "NameHasNoOwner"}


def operations(host, text, large):
    """One commit: a pair that everybody writes, a record of its own, and values of the host's own, all of one text."""
    sets = [(f"{KEY}\\Pair", "A"), (f"{KEY}\\Log", text)]
    sets += [(f"{KEY}\\Own\\{host.name}", f"V{number}") for number in range(60 if large else 2)]
    sets += [(f"{KEY}\\Pair", "Z")]
    return operation_list([("set-value", key, name, REG_SZ, text) for key, name in sets])


class Round:
    """What the hosts write, and what became of it."""

    def __init__(self, fleet, number):
        self.fleet, self.texts = fleet, [f"{number}.{host.name}" for host in fleet.hosts]
        self.large = [fleet.chance.random() < 0.5 for _ in fleet.hosts]

    def run(self):
        answers = [host.client.send("Commit", "a(sssuv)a{sv}", operations(host, text, large), options())
                   for host, text, large in zip(self.fleet.hosts, self.texts, self.large)]
        mend = self.fleet.kill_something(self.large)
        wait_until(lambda: self.fleet.look() or all(answers), "all to be answered")
        mend()
        for text, answer in zip(self.texts, answers):
            self.fleet.note(text, answer[0])


class Fleet:
    """The hosts, and all that they have been told."""

    def __init__(self, etcd, hosts, seed):
        self.etcd, self.hosts, self.chance = etcd, hosts, random.Random(seed)
        self.done, self.refused, self.uncertain, self.killed = set(), set(), set(), {}

    # ---- what is killed ----

    def kill_something(self, large):
        """At a moment of the next half second; what mends it."""
        kinds = {"regd": self.kill_regd, "agent": self.kill_agent, "member": self.kill_member}
        if any(large):
            kinds["parts"] = lambda: self.kill_between_parts(self.hosts[large.index(True)])
        kind = self.chance.choice(sorted(kinds))
        self.killed[kind] = self.killed.get(kind, 0) + 1
        return kinds[kind]()

    def wait_a_moment(self):
        left = [self.chance.randint(0, 50)]
        wait_until(lambda: self.look() or left.append(left.pop() - 1) or left[0] < 0, "the moment")

    def kill_regd(self):
        host = self.chance.choice(self.hosts)
        self.wait_a_moment()
        host.kill()
        return host.start

    def kill_agent(self):
        host = self.chance.choice(self.hosts)
        self.wait_a_moment()
        host.agent.kill()
        return host.start_agent

    def kill_member(self):
        member = self.chance.randrange(self.etcd.members)
        self.wait_a_moment()
        self.etcd.stop(member)
        return lambda: self.etcd.start(member)

    def kill_between_parts(self, host):
        """While its parts are being put, or brought to their places."""
        at_its_places = self.chance.random() < 0.5
        prefix = f"/regd/1/{host.fleet_name}/t/all/{'pending' if at_its_places else 's/'}"
        seen = [0]

        def is_there():
            self.look()
            seen[0] += 1
            return seen[0] > 30 or self.etcd.keys(prefix)

        wait_until(is_there, "parts")
        host.agent.kill()
        return host.start_agent

    # ---- what is seen ----

    def look(self):
        """Reads on some host what changes together; None."""
        host = self.chance.choice(self.hosts)
        run_pending()
        if not host.process.is_running():
            return
        try:
            tree = host.client.tree(f"{KEY}\\{self.chance.choice(('Pair', 'Own'))}")[1]
        except Refused as refusal:
            if refusal.name not in UNCERTAIN | {"KeyNotFound"}:
                raise
            return
        for path, values in tree:
            texts = {text for _, _, text in values}
            if path.endswith("Pair") and len(texts) > 1:
                raise Failure(f"{host.name}: half a commit is there: {texts}")

    def note(self, text, answer):
        if not isinstance(answer, Refused):
            self.done.add(text)
        elif answer.name in REFUSED:
            self.refused.add(text)
        elif answer.name in UNCERTAIN:
            self.uncertain.add(text)
        else:
            raise answer

    # ---- what is there in the end ----

    def settle(self):
        """Until every host is live and all have the same."""
        for host in self.hosts:
            host.waits_for_state("live")
        number = max(host.status()["commit"] for host in self.hosts)
        wait_until(lambda: all(host.status()["commit"] >= number for host in self.hosts), "all to have the newest commit")

    def check_all(self):
        trees = [dict(host.client.tree(KEY)[1]) for host in self.hosts]
        for host, tree in zip(self.hosts, trees):
            equal(tree == trees[0], True, f"{host.name} has what {self.hosts[0].name} has")
        equal(len({host.status()["digest"] for host in self.hosts}), 1, "digests")
        found = {name for name, _, _ in trees[0][f"{KEY}\\Log"]}
        equal(self.done - found, set(), "acknowledged and not there")
        equal(self.refused & found, set(), "refused and there")
        equal(found - self.done - self.uncertain, set(), "there, and nobody wrote it")
        return found


def check_owns(fleet, found):
    """A host's own values are all of its newest commit that was made, as far as that had them."""
    for path, values in fleet.hosts[0].client.tree(f"{KEY}\\Own")[1]:
        few = {text for name, _, text in values if name in ("V0", "V1")}
        many = {text for name, _, text in values if name not in ("V0", "V1")}
        check(len(few) <= 1 and len(many) <= 1 and few | many <= found, f"{path}: {few} and {many}")


@test
def whatever_is_killed_nothing_acknowledged_is_lost_and_all_agree():
    seed = random.randrange(1 << 32)
    print(f"# seed {seed}", flush=True)
    with ExitStack() as stack:
        etcd = stack.enter_context(Etcd(members=3))
        hosts = [stack.enter_context(FleetHost(etcd, f"h{number}", settings=SETTINGS)) for number in range(HOSTS)]
        hosts[0].fleet("Init")
        for host in hosts[1:]:
            host.fleet("Join")
        fleet = Fleet(etcd, hosts, seed)
        for number in range(ROUNDS):
            Round(fleet, number).run()
            fleet.settle()
            if fleet.done:
                check_owns(fleet, fleet.check_all())
        check(fleet.done, "nothing was acknowledged")
        figure("rounds", ROUNDS)
        print(f"# {len(fleet.done)} acknowledged, {len(fleet.refused)} refused, {len(fleet.uncertain)} uncertain; killed: "
              f"{fleet.killed}", flush=True)


main()
