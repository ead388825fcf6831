# SPDX-License-Identifier: MIT
"""data/doc/fleet.md, typed as it stands there: two hosts, a real agent on each, and one etcd."""

import re

from harness.bus import wait_until
from harness.case import check, main, test
from harness.etcd import Etcd
from harness.process import SOURCE, Process, program
from harness.registry import NAME, PARAMETERS, REG_DWORD, REG_MULTI_SZ, REG_SZ, Refused, Registry
from harness.tour import steps, take

GREETING = "HKLM\\SOFTWARE\\Policies\\Acme", "Greeting"


def sessions():
    """[(host, commands)] of the guide, in order."""
    text = (SOURCE / "data/doc/fleet.md").read_text(encoding="utf-8")
    return [(host, steps(block)) for host, block in re.findall(r"^```console (one|two)\n(.*?)^```$", text,
                                                               re.MULTILINE | re.DOTALL)]


def start_agent(host):
    agent = Process(host.directory, "regd-fleet", [program("regd/fleet/agent/regd-fleet"), f"--bus={host.bus.address}"])
    host.bus.wait_for_name("org.regd.FleetAgent1", agent)
    wait_until(lambda: status(host)["state"] == "unjoined", "the agent to be attached")
    return agent


def status(host):
    return host.client.call("GetStatus", interface="org.regd.Fleet1", path="/org/regd/Fleet1")


def has_greeting(host):
    try:
        host.client.get(*GREETING)
    except Refused:
        return False
    return True


@test
def two_hosts_come_to_share_a_key_as_the_guide_says():
    with Etcd() as etcd, Registry() as one, Registry() as two:
        certificate, key = etcd.certificate("root")
        real = {"https://etcd1.example:2379": etcd.endpoints[0], "/etc/regd/fleet-ca.pem": str(etcd.ca),
                "/etc/regd/fleet.pem": str(certificate), "/etc/regd/fleet.key": str(key)}
        for name, kind, data in [("Fleet", REG_SZ, "prod"), ("Endpoints", REG_MULTI_SZ, etcd.endpoints),
                                 ("CA File", REG_SZ, str(etcd.ca)), ("Certificate", REG_SZ, str(certificate)),
                                 ("Private Key", REG_SZ, str(key)), ("Host Name", REG_SZ, "two"), ("Enabled", REG_DWORD, 1)]:
            two.client.set(PARAMETERS + "\\Fleet", name, kind, data)
        hosts, agents, count = {"one": one, "two": two}, {}, 0
        for host, tour in sessions():
            if host not in agents and "fleet" in tour[0][0] and "=" not in tour[0][0]:
                agents[host] = start_agent(hosts[host])
            if "blame" in tour[-1][0]:
                wait_until(lambda: has_greeting(two), "the greeting on the other host")
            for example, value in real.items():
                tour = [(command.replace(example, value), expected) for command, expected in tour]
            take(hosts[host], tour)
            count += len(tour)
        check(count >= 15, f"{count} commands")
        check(set(agents) == {"one", "two"}, str(agents))
        for agent in agents.values():
            agent.stop()


if __name__ == "__main__":
    main()
