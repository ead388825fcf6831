# SPDX-License-Identifier: MIT
"""A member of the cluster that is cut off from the others and goes on answering: who hears only it takes nothing old for
new and says so, who hears others moves to them, and the fleet goes on."""

import re
from contextlib import ExitStack, contextmanager

from harness.bus import wait_until
from harness.case import Failure, check, contains, equal, main, rows
from harness.etcd import Etcd
from harness.fleet import MOUNT, FleetHost
from harness.registry import REG_DWORD, REG_SZ, Refused
from harness.relay import Relay

KEY = MOUNT + "\\Acme"
QUICK = [("Resync Spread", REG_DWORD, 0), ("Stale After", REG_DWORD, 3), ("Request Timeout", REG_DWORD, 400),
         ("Commit Timeout", REG_DWORD, 3000)]
FROM = re.compile(rb"X-Server-From: ([0-9a-f]+)", re.IGNORECASE)


class Network:
    """What members of etcd say to each other: each is reached by the others through a relay, and says who it is."""

    def __init__(self, etcd, relay):
        self.etcd, self.relay = etcd, relay
        self.names = {int(row.split(b", ")[0], 16): int(row.split(b", ")[2][1:]) for row in etcd.ctl("member", "list").splitlines()}

    def cut(self, member):
        """This member from all others."""
        self.relay.is_cut = lambda connection: member in (connection.place, self._get_origin(connection))

    def mend(self):
        self.relay.mend()

    def _get_origin(self, connection):
        found = FROM.search(connection.said)
        if found:
            connection.origin = self.names[int(found[1], 16)]
        return connection.origin


@contextmanager
def cluster():
    with ExitStack() as stack:
        etcd = Etcd(members=3)
        relay = stack.enter_context(Relay(etcd.peer_addresses))
        etcd.peer_urls = [f"http://127.0.0.1:{port}" for port in relay.ports]
        stack.enter_context(etcd)
        yield etcd, Network(etcd, relay)


def lead(etcd, member):
    """Makes it the leader."""
    identity, = [row.split(b", ")[0].decode() for row in etcd.ctl("member", "list").splitlines() if row.split(b", ")[2] == b"n%d" % member]
    leader = etcd.leader()
    if leader != member:
        etcd.ctl("move-leader", identity, endpoints=[etcd.endpoint(leader)])
    wait_until(lambda: etcd.leader() == member, f"member {member} to lead")


def refuses_all_writes(host):
    """One that was on its way when the member was cut off may be uncertain."""
    names = []

    def is_refused():
        try:
            host.put(KEY, "Lost", "1")
        except Refused as refusal:
            names.append(refusal.name)
            return refusal.name == "FleetUnavailable"
        raise Failure("it was taken")

    wait_until(is_refused, "the fleet to be unavailable")
    equal(set(names) - {"FleetUnavailable", "FleetUncertain"}, set())


@rows([("a follower", False), ("the leader", True)])
def the_fleet_goes_on_without(leads):
    with cluster() as (etcd, network), ExitStack() as stack:
        victim = 0
        minority = stack.enter_context(FleetHost(etcd, "minority", endpoints=[etcd.endpoint(victim)], settings=QUICK))
        both = stack.enter_context(FleetHost(etcd, "both", settings=QUICK))
        minority.fleet("Init")
        both.fleet("Join")
        lead(etcd, victim if leads else victim + 1)
        for host in (minority, both):
            host.waits_for_state("live")
        minority.put(KEY, "Port", "25")
        both.has(KEY, "Port", "25")
        settle_at(both, etcd.endpoint(victim))
        before = minority.status()["commit"]
        network.cut(victim)
        refuses_all_writes(minority)
        wait_until(lambda: both.status()["state"] == "live" and both.status()["member"] not in etcd.endpoint(victim), "the other to move")
        both.put(KEY, "Port", "26")
        equal((minority.look(KEY, "Port"), minority.status()["commit"]), ("25", before))
        check(minority.status()["state"] != "live", "it knows that it is cut off")
        contains(minority.refuses("FleetUnavailable", KEY, "Port", "27"), "prod")
        network.mend()
        minority.has(KEY, "Port", "26")
        minority.waits_for_state("live")
        wait_until(lambda: minority.status()["commit"] == both.status()["commit"], "both to have the same commit")
        equal(minority.client.tree(MOUNT)[1], both.client.tree(MOUNT)[1])
        equal(minority.status()["digest"], both.status()["digest"])


def settle_at(host, endpoint):
    """Its agent is started until it has come to this member."""
    while host.waits_for_state("live")["member"] not in endpoint:
        host.agent.stop()
        host.start_agent()


main()
