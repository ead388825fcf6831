# SPDX-License-Identifier: MIT
"""data/doc/fleet.md, typed as it stands there: two hosts, a real agent on each, and one etcd."""

import os
import re
import shutil
from unittest import mock

from harness.bus import wait_until
from harness.case import check, equal, main, test
from harness.etcd import Etcd
from harness.process import SOURCE, Process, program
from harness.registry import Refused, Registry
from harness.tour import blocks, steps, take

GUIDE = "data/doc/fleet.md"
KEY, NAME = "HKLM\\SOFTWARE\\Policies\\Acme", "Greeting"
ENDPOINT = "https://etcd1.example:2379"
# One for each run of this test: the port is the one that the guide names.
ADDRESS = f"127.79.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}"
# Other names of hosts are for the agent only.
START = 'mount --bind "$1" /etc/hosts && exec "$2" --bus="$3"'


def sessions():
    """[(host, commands)] of the guide, in order."""
    text = (SOURCE / GUIDE).read_text(encoding="utf-8")
    return [(host, steps(block)) for host, block in re.findall(r"^```console (one|two|etcd|restore)\n(.*?)^```$", text,
                                                               re.MULTILINE | re.DOTALL)]


class Member:
    """A host of the guide, with the file of settings beside it: its paths are real."""

    def __init__(self, registry, etcd, name):
        self.registry, self.etcd, self.agent = registry, etcd, None
        certificate, key = etcd.certificate("root")
        settings = blocks(GUIDE, "reg fleet.reg")[0]
        for example, value in (("/etc/regd/fleet-ca.pem", etcd.ca), ("/etc/regd/fleet.pem", certificate), ("/etc/regd/fleet.key", key)):
            check(example in settings, example)
            settings = settings.replace(example, value)
        settings += f'"Host Name"="{name}"\n"Resync Spread"=dword:00000000\n'
        (registry.directory / "fleet.reg").write_text(settings, encoding="utf-8")

    def type(self, tour):
        for command, expected in tour:
            if command == "systemctl enable --now regd-fleet":
                self.start_agent()
            else:
                take(self.registry, [(self.fit(command), expected)])

    def fit(self, command):
        """Only root can give the agent other names of hosts."""
        return command if os.geteuid() == 0 else command.replace(ENDPOINT, self.etcd.endpoints[0])

    def start_agent(self):
        registry, agent = self.registry, [program("regd/fleet/agent/regd-fleet"), f"--bus={self.registry.bus.address}"]
        if os.geteuid() == 0:
            names = registry.directory / "hosts"
            names.write_text(f"127.0.0.1 localhost\n{ADDRESS} etcd1.example\n", encoding="utf-8")
            agent = ["unshare", "--mount", "sh", "-c", START, "sh", str(names), str(agent[0]), registry.bus.address]
        self.agent = Process(registry.directory, "regd-fleet", agent)
        registry.bus.wait_for_name("org.regd.FleetAgent1", self.agent)
        wait_until(lambda: self.status()["state"] == "unjoined", f"the agent to be attached: {self.status()}")

    def status(self):
        return self.registry.client.call("GetStatus", interface="org.regd.Fleet1", path="/org/regd/Fleet1")

    def greeting(self):
        try:
            return self.registry.client.get(KEY, NAME)[2]
        except Refused:
            return None


def type_at_etcd(etcd, one, tour):
    """What etcdctl takes from its environment is there only for it: it refuses options beside that."""
    certificate, key = etcd.certificate("root")
    with mock.patch.dict(os.environ, ETCDCTL_API="3", ETCDCTL_ENDPOINTS=etcd.endpoints[0], ETCDCTL_CACERT=etcd.ca,
                         ETCDCTL_CERT=certificate, ETCDCTL_KEY=key):
        one.type(tour)


def restore(etcd, one, tour):
    """Something is changed after the backup; the cluster is stopped, and its data is what the guide makes."""
    one.type([(f"regctl set '{KEY}' {NAME} lost", [])])
    etcd.stop(0)
    type_at_etcd(etcd, one, tour)
    data = etcd.directory / "data-0"
    shutil.rmtree(data)
    shutil.move(one.registry.directory / "restored", data)
    etcd.start(0)


@test
def two_hosts_come_to_share_a_key_as_the_guide_says():
    etcd = Etcd()
    etcd.options = ("--listen-client-urls", f"{etcd.endpoint(0)},https://{ADDRESS}:2379")
    with etcd, Registry() as first, Registry() as second:
        one, two, count = Member(first, etcd, "one"), Member(second, etcd, "two"), 0
        for host, tour in sessions():
            count += len(tour)
            if host == "etcd":
                type_at_etcd(etcd, one, tour)
            elif host == "restore":
                restore(etcd, one, tour)
                for member in (one, two):
                    wait_until(lambda member=member: member.greeting() == "hello", "what the backup has")
            elif host == "two":
                if NAME in tour[0][0] and "get" in tour[0][0]:
                    wait_until(lambda: two.greeting() is not None, "the greeting on the other host")
                two.type(tour)
            else:
                one.type(tour)
        check(count >= 18, f"{count} commands")
        for member in (one, two):
            member.agent.stop()


@test
def it_takes_ten_commands():
    text = (SOURCE / GUIDE).read_text(encoding="utf-8")
    section = re.search(r"^## Two hosts in ten commands\n(.*?)^## ", text, re.MULTILINE | re.DOTALL).group(1)
    equal(len(re.findall(r"^\$ ", section, re.MULTILINE)), 10)


if __name__ == "__main__":
    main()
