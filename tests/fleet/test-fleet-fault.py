# SPDX-License-Identifier: MIT
"""Five hosts of a fleet write at the same time, and in each round something fails: a host or a part of one, a member
of etcd or most of them, a connection, a right, or the agent of a host between any two steps of its commit. One of the
hosts may try its change, and somebody keeps it, ends it, or nobody does. Afterwards every host has every write that was
acknowledged and none that was refused, what was tried is as it was decided, all have the same, and nobody has ever seen
a half of a commit, or a secret in etcd."""

import random
import signal
import tempfile
from contextlib import ExitStack
from pathlib import Path

import dbus

from harness.bus import run_pending, wait_until
from harness.case import Failure, check, equal, main, test
from harness.etcd import Etcd
from harness.figures import amount, figure, is_long
from harness.fleet import MOUNT, FleetHost
from harness.registry import REG_DWORD, REG_SZ, Refused, operation_list, options
from harness.relay import Relay

KEY = MOUNT + "\\Fault"
ROUNDS = amount(5, 1000)
HOSTS = 5
# So few operations in a transaction that most commits have parts. The long form is run beside other work.
SETTINGS = [("Transaction Operations", REG_DWORD, 8), ("Resync Spread", REG_DWORD, 0), ("Stale After", REG_DWORD, 3),
            ("Request Timeout", REG_DWORD, amount(400, 1000)), ("Commit Timeout", REG_DWORD, amount(4000, 10000))]
# What surely was not made, and what may have been.
REFUSED = {"FleetUnavailable", "Conflict", "AccessDenied"}
UNCERTAIN = {"FleetUncertain", "NoReply", "ServiceUnknown", "Disconnected", "NameHasNoOwner"}
SEALED = "sealed "
SCHEMA = r"""[key HKLM\SOFTWARE\Policies\Fault\Pair]
summary = What always changes together
[value A]
type = REG_SZ
summary = The first
[value Secret]
type = REG_SZ
secret
summary = The same, sealed
[value Z]
type = REG_SZ
summary = The last
"""
# Records of writes stay for so many rounds.
KEPT_ROUNDS = 20


def sets(*values):
    return [("set-value", key, name, REG_SZ, text) for key, name, text in values]


def operations(host, text, large):
    """One commit: values that everybody writes, a record of its own, and values of the host's own, all of one text."""
    pair = f"{KEY}\\Pair"
    return sets((pair, "A", text), (f"{KEY}\\Log", text, text),
                *((f"{KEY}\\Own\\{host.name}", f"V{number}", text) for number in range(60 if large else 2)),
                (pair, "Secret", SEALED + text), (pair, "Z", text))


def tried_operations(text, large):
    return sets(*((f"{KEY}\\{get_tried_key(large)}", f"T{number}", text) for number in range(20 if large else 2)))


def get_tried_key(large):
    return "Tried\\Large" if large else "Tried\\Small"


class Trial:
    """The change of one host in one round, that somebody decides about or nobody does."""

    def __init__(self, fleet, large):
        self.fleet, self.key = fleet, get_tried_key(large)
        self.way = fleet.chance.choice(["Confirm", "EndTrial", None])
        self.possible = {fleet.tried[self.key]}
        self.seconds = 8 if self.way else 1

    def decide(self, text):
        """On any host where it is."""
        hosts = [host for host in self.fleet.hosts if host.process.is_running()]
        host = self.fleet.chance.choice(hosts)
        rows = host.client.call("ListTrials", "a{sv}", options()) if self.way else ()
        if not rows:
            return
        answer = self.fleet.answers([host.client.send(self.way, "t", dbus.UInt64(rows[0]["revision"]))])[0]
        outcome = answer.name if isinstance(answer, Refused) else ""
        if outcome not in REFUSED | UNCERTAIN | {"", "InvalidValue"}:  # InvalidValue: it is undone already
            raise answer
        self.fleet.count(f"{self.way} {'done' if outcome == '' else 'uncertain' if outcome in UNCERTAIN else 'refused'}")
        if self.way == "Confirm" and outcome == "":
            self.possible = {text}
        elif self.way == "Confirm" and outcome in UNCERTAIN:
            self.possible.add(text)


class Round:
    """What the hosts write, and what became of it."""

    def __init__(self, fleet, number):
        self.fleet, self.texts = fleet, [f"{number}.{host.name}" for host in fleet.hosts]
        self.large = [fleet.chance.random() < 0.5 for _ in fleet.hosts]
        self.trial, self.tries = None, None
        if fleet.chance.random() < 0.5:
            self.tries = fleet.chance.randrange(HOSTS)
            self.trial = Trial(fleet, self.large[self.tries])

    def send(self, place):
        host, text, large = self.fleet.hosts[place], self.texts[place], self.large[place]
        if place != self.tries:
            return host.client.send("Commit", "a(sssuv)a{sv}", operation_list(operations(host, text, large)), options())
        return host.client.send("Commit", "a(sssuv)a{sv}", operation_list(tried_operations(text, large)),
                                options(confirm_within=self.trial.seconds))

    def run(self):
        kind, fault = self.fleet.choose_fault(self)
        next(fault)
        sent = [self.send(place) for place in range(HOSTS)]
        next(fault)
        answers = self.fleet.answers(sent)
        if self.trial:
            self.trial.decide(self.texts[self.tries])
        next(fault, None)
        for place, answer in enumerate(answers):
            outcome = self.fleet.classify(answer)
            self.fleet.count(outcome)
            if place != self.tries:
                self.fleet.written[outcome].add(self.texts[place])
        return kind


class Faults:
    """Each is a generator: what comes before the commits are sent, while they are made, and when all are answered."""

    def __init__(self, fleet):
        self.fleet, self.chance = fleet, fleet.chance

    def a_regd(self, _round):
        yield
        host = self.chance.choice(self.fleet.hosts)
        self.fleet.wait_a_moment()
        host.kill()
        yield
        host.start()

    def an_agent(self, _round):
        yield
        host = self.chance.choice(self.fleet.hosts)
        self.fleet.wait_a_moment()
        host.agent.kill()
        yield
        host.start_agent()

    def a_host(self, _round):
        yield
        host = self.chance.choice(self.fleet.hosts)
        self.fleet.wait_a_moment()
        host.kill()
        host.agent.kill()
        yield
        host.start()
        host.start_agent()

    def a_member(self, _round):
        yield
        member = self.chance.randrange(self.fleet.etcd.members)
        self.fleet.wait_a_moment()
        self.fleet.etcd.stop(member)
        yield
        self.fleet.etcd.start(member)

    def a_frozen_member(self, _round):
        yield
        member = self.chance.randrange(self.fleet.etcd.members)
        self.fleet.wait_a_moment()
        self.fleet.etcd.freeze(member)
        yield
        self.fleet.etcd.start(member)

    def most_members(self, _round):
        yield
        members = self.chance.sample(range(self.fleet.etcd.members), 2)
        self.fleet.wait_a_moment()
        for member in members:
            self.fleet.etcd.stop(member)
        yield
        for member in members:
            self.fleet.etcd.start(member)

    def the_connections_of_a_host(self, _round):
        yield
        host = self.chance.choice(self.fleet.hosts)
        self.fleet.wait_a_moment()
        host.relay.cut()
        yield
        host.relay.mend()

    def a_right_to_write(self, _round):
        host, while_it_writes = self.chance.choice(self.fleet.hosts), self.chance.random() < 0.5
        if not while_it_writes:
            self.fleet.etcd.ctl("user", "revoke-role", host.name, "writer")
        yield
        if while_it_writes:
            self.fleet.wait_a_moment()
            self.fleet.etcd.ctl("user", "revoke-role", host.name, "writer")
        yield
        self.fleet.etcd.ctl("user", "grant-role", host.name, "writer")

    def a_host_reads_all_again(self, _round):
        yield
        host = self.chance.choice(self.fleet.hosts)
        self.fleet.wait_a_moment()
        try:
            host.fleet("Resync")
        except Refused as refusal:
            check(refusal.name in {"FleetUnavailable", "Conflict", "Failed"}, refusal)
        yield

    def an_agent_between_two_steps(self, round_):
        """At one of the requests that its commit takes: before it, or when it is on its way."""
        large = [place for place in range(HOSTS) if round_.large[place]] or [0]
        place = self.chance.choice(large)
        host, step = self.fleet.hosts[place], self.chance.randint(1, self.fleet.steps if round_.large[place] else 8)
        agent = host.agent
        host.relay.set_trap(step, self.chance.random() < 0.5, lambda: agent.signal(signal.SIGKILL))
        yield
        yield
        if host.relay.trap is None:
            agent.wait()
            host.start_agent()
            self.fleet.stopped_at.add(step)
        host.relay.trap = None

    def list(self):
        kinds = [self.a_regd, self.an_agent, self.a_host, self.a_member, self.a_frozen_member, self.most_members,
                 self.the_connections_of_a_host, self.a_right_to_write, self.a_host_reads_all_again]
        return kinds + [self.an_agent_between_two_steps] * 4


class Fleet:
    """The hosts, and all that they have been told."""

    def __init__(self, etcd, hosts, seed):
        self.etcd, self.hosts, self.chance = etcd, hosts, random.Random(seed)
        self.written = {"acknowledged": set(), "refused": set(), "uncertain": set()}
        self.tried = {get_tried_key(large): None for large in (False, True)}
        self.counts, self.stopped_at, self.steps = {}, set(), 0
        self.faults = Faults(self).list()

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    def choose_fault(self, round_):
        fault = self.chance.choice(self.faults)
        return fault.__name__, fault(round_)

    def measure_steps(self):
        """How many requests a large commit takes, about."""
        host = self.hosts[-1]
        before = host.relay.pieces
        host.client.commit(operations(host, "0.first", True))
        self.written["acknowledged"].add("0.first")
        wait_until(lambda: not self.parts(), "its parts to come to their places")
        self.steps = host.relay.pieces - before
        check(self.steps >= 20, f"{self.steps} requests")

    def parts(self):
        prefix = f"/regd/1/{self.hosts[0].fleet_name}/t/all/"
        return [key for key in self.etcd.keys(prefix) if key.startswith((f"{prefix}s/".encode(), f"{prefix}pending".encode()))]

    # ---- what is seen ----

    def wait_a_moment(self):
        left = [self.chance.randint(0, 50)]
        wait_until(lambda: self.look() or left.append(left.pop() - 1) or left[0] < 0, "the moment")

    def answers(self, sent):
        wait_until(lambda: self.look() or all(sent), "all to be answered")
        return [answer for answer, in sent]

    def look(self):
        """Reads on some host what changes together; None."""
        host = self.chance.choice(self.hosts)
        run_pending()
        if not host.process.is_running():
            return
        try:
            tree = self.read(host, self.chance.choice(("Pair", "Own", "Tried")))
        except Refused as refusal:
            if refusal.name not in UNCERTAIN | {"KeyNotFound"}:
                raise
            return
        for path, values in tree.items():
            self.check_whole(host, path, values)

    @staticmethod
    def read(host, below=""):
        """Keys and their values: name -> text."""
        _, keys, cursor = host.client.tree(f"{KEY}\\{below}" if below else KEY)
        equal(cursor, "", "one page")
        return {path.removeprefix(KEY): {name: text for name, _, text in values} for path, values in keys}

    @staticmethod
    def check_whole(host, path, values):
        """That no half of a commit is there."""
        groups = [values]
        if "\\Own\\" in path:  # a small commit has two of them
            groups = [{name: text for name, text in values.items() if (name in ("V0", "V1")) == few} for few in (True, False)]
        for group in groups if path.endswith("Pair") or "\\Own\\" in path or "\\Tried\\" in path else ():
            if len({text.removeprefix(SEALED) for text in group.values()}) > 1:
                raise Failure(f"{host.name}: half a commit is there: {path}: {values}")

    @staticmethod
    def classify(answer):
        """The name of the set that it is of."""
        if not isinstance(answer, Refused):
            return "acknowledged"
        if answer.name in REFUSED:
            return "refused"
        if answer.name in UNCERTAIN:
            return "uncertain"
        raise answer

    # ---- what is there in the end ----

    def settle(self):
        """Until every host is live, nothing is on trial, and all have the same."""
        for host in self.hosts:
            host.waits_for_state("live")
        wait_until(lambda: not any(host.client.call("ListTrials", "a{sv}", options()) for host in self.hosts), "no trial")
        wait_until(lambda: len({host.status()["commit"] for host in self.hosts}) == 1, "all to have the newest commit")

    def read_all(self):
        """All trees, and what the hosts say of themselves, of one commit: one that is uncertain may come meanwhile."""
        while True:
            self.settle()
            number = self.hosts[0].status()["commit"]
            trees = [self.read(host) for host in self.hosts]
            states = [host.status() for host in self.hosts]
            if {state["commit"] for state in states} == {number}:
                return trees, states

    def check_all(self):
        trees, states = self.read_all()
        for host, tree in zip(self.hosts, trees):
            equal(tree == trees[0], True, f"{host.name} has what {self.hosts[0].name} has")
            for path, values in tree.items():
                self.check_whole(host, path, values)
        check(len({state["digest"] for state in states}) == 1, f"digests: {states}")
        equal([host.fleet("ListProblems") for host in self.hosts], [[]] * HOSTS, "problems")
        found = set(trees[0]["\\Log"])
        equal(self.written["acknowledged"] - found, set(), "acknowledged and not there")
        equal(self.written["refused"] & found, set(), "refused and there")
        equal(found - self.written["acknowledged"] - self.written["uncertain"], set(), "there, and nobody wrote it")
        return trees[0]

    def check_trial(self, trial, tree):
        """What was tried is there if it was kept, and else what was there before."""
        for key, before in self.tried.items():
            now = tree.get(f"\\{key}", {}).get("T0")
            possible = trial.possible if trial and trial.key == key else {before}
            check(now in possible, f"{key} is {now}, not one of {possible}")
            self.tried[key] = now

    def check_etcd(self):
        """No secret stands there in the clear, in the parts of commits neither."""
        stored = b"\0".join(self.etcd.keys("/regd/").values())
        for spelled in (SEALED.encode(), SEALED.encode("utf-16-le"), SEALED.encode("utf-16-be")):
            check(spelled not in stored, "a secret stands in etcd")

    def forget(self, number):
        """The records of writes of long ago, so that there are not more and more of them."""
        old = [text for text in self.read(self.hosts[0], "Log")["\\Log"] if int(text.partition(".")[0]) < number - KEPT_ROUNDS]
        if old:
            self.hosts[0].client.commit([("delete-value", f"{KEY}\\Log", text) for text in old])
        for texts in self.written.values():
            texts.difference_update(old)


def make_users(etcd):
    """Two roles, and a user of both for each host."""
    for role, right in (("reader", "read"), ("writer", "readwrite")):
        etcd.ctl("role", "add", role)
        etcd.ctl("role", "grant-permission", role, "--prefix=true", right, "/regd/1/")
    for user, roles in [("root", ["root"]), *((f"h{number}", ["reader", "writer"]) for number in range(HOSTS))]:
        etcd.ctl("user", "add", user, "--no-password")
        for role in roles:
            etcd.ctl("user", "grant-role", user, role)
    etcd.ctl("auth", "enable")


def make_host(stack, etcd, name, folder):
    """Behind a relay."""
    relay = stack.enter_context(Relay(etcd.addresses))
    host = FleetHost(etcd, name, user=name, endpoints=[f"https://127.0.0.1:{port}" for port in relay.ports],
                     settings=[*SETTINGS, ("Key File", REG_SZ, str(folder / "keys"))], schemas=[folder])
    host.relay = relay
    return stack.enter_context(host)


def make_fleet(stack):
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="regd-fault-")))
    (folder / "fault.schema").write_text(SCHEMA)
    (folder / "keys").write_text("a" * 64)
    (folder / "keys").chmod(0o600)
    etcd = stack.enter_context(Etcd(members=3))
    make_users(etcd)
    hosts = [make_host(stack, etcd, f"h{number}", folder) for number in range(HOSTS)]
    for number, host in enumerate(hosts):
        host.fleet("Join" if number else "Init")
    return etcd, hosts


@test
def whatever_fails_nothing_acknowledged_is_lost_and_all_agree():
    seed = random.randrange(1 << 32)
    print(f"# seed {seed}", flush=True)
    with ExitStack() as stack:
        fleet = Fleet(*make_fleet(stack), seed)
        fleet.measure_steps()
        for number in range(1, ROUNDS + 1):
            round_ = Round(fleet, number)
            kind = round_.run()
            fleet.count(kind)
            if is_long():
                print(f"# round {number}: {kind}", flush=True)
            fleet.check_trial(round_.trial, fleet.check_all())
            fleet.forget(number)
        if is_long():
            wait_until(lambda: not fleet.parts(), "the parts that were left to be swept")
        fleet.check_etcd()
        figure("rounds", ROUNDS)
        print(f"# {fleet.counts}; agents were killed at {len(fleet.stopped_at)} of {fleet.steps} steps", flush=True)


main()
