# SPDX-License-Identifier: MIT
"""A host of a fleet: a registry with regd-fleet beside it, which follows a real etcd.

    with Etcd() as etcd, FleetHost(etcd, "one") as one, FleetHost(etcd, "two") as two:
        one.fleet("Init")
        two.fleet("Join")
        one.client.set(KEY, "Port", REG_SZ, "25")
        two.has(KEY, "Port", "25")
"""

import functools
import itertools
from contextlib import ExitStack, contextmanager

import dbus

from harness.bus import wait_for, wait_until
from harness.case import Failure
from harness.etcd import Etcd
from harness.process import PATIENCE, Process, program
from harness.registry import NAME, PARAMETERS, REG_DWORD, REG_MULTI_SZ, REG_SZ, Refused, Registry, options, plain_answer

FLEET, FLEET_PATH = "org.regd.Fleet1", "/org/regd/Fleet1"
AGENT_NAME = "org.regd.FleetAgent1"
SETTINGS = PARAMETERS + "\\Fleet"
MOUNT = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies"


class FleetHost(Registry):
    """A host with the settings of a fleet, not yet in it."""

    def __init__(self, etcd, name, fleet="prod", user="root", endpoints=None, settings=(), **given):
        super().__init__(**given)
        self.etcd, self.name, self.fleet_name, self.user = etcd, name, fleet, user
        self.endpoints = endpoints or etcd.endpoints
        self.settings = settings  # (name, type, data)
        self.agent = None

    def __enter__(self):
        super().__enter__()
        certificate, key = self.etcd.certificate(self.user)
        for name, kind, data in [("Fleet", REG_SZ, self.fleet_name), ("Endpoints", REG_MULTI_SZ, self.endpoints),
                                 ("CA File", REG_SZ, self.etcd.ca), ("Certificate", REG_SZ, certificate),
                                 ("Private Key", REG_SZ, key), ("Host Name", REG_SZ, self.name), *self.settings,
                                 ("Enabled", REG_DWORD, 1)]:
            self.client.set(SETTINGS, name, kind, data)
        self.start_agent()
        return self

    def __exit__(self, kind, *rest):
        if self.agent and self.agent.is_running():
            self.agent.stop() if kind is None else self.agent.kill()
        if kind is not None and self.agent:
            print("\n".join(f"# {self.name}: {line}" for line in self.agent.output().splitlines()), flush=True)
        super().__exit__(kind, *rest)

    def start_agent(self):
        self.agent = Process(self.directory, "regd-fleet",
                             [program("regd/fleet/agent/regd-fleet"), f"--bus={self.bus.address}"])
        self.bus.wait_for_name(AGENT_NAME, self.agent)
        wait_until(lambda: self.status()["state"] not in ("off", "connecting"), f"{self.name}'s agent to be attached")

    def fleet(self, member, *words, **given):
        """A call of org.regd.Fleet1."""
        arguments = () if member in ("GetStatus", "ListProblems") else (*words, options(**given))
        try:
            return plain_answer(self.client.connection.call_blocking(
                NAME, FLEET_PATH, FLEET, member, "s" * len(words) + "a{sv}" if arguments else "", arguments,
                timeout=PATIENCE, byte_arrays=True))
        except dbus.DBusException as error:
            raise Refused(error) from None

    def status(self):
        return self.fleet("GetStatus")

    def waits_for_state(self, state):
        """Until it is in this state; its status then."""
        wait_until(lambda: self.status()["state"] == state, f"{self.name} to be {state} ({self.status()})")
        return self.status()

    def put(self, key, name, text):
        return self.client.set(key, name, REG_SZ, text)

    def look(self, key, name):
        """A value's data, or None."""
        try:
            return self.client.get(key, name)[2]
        except Refused as refusal:
            if refusal.name not in ("KeyNotFound", "ValueNotFound"):
                raise
            return None

    def has(self, key, name, value):
        """Waits until a value has this data (None: is not there), woken by the signal that tells so."""
        watch = self.client.watch(MOUNT, recursive=True)[0]
        try:
            wait_for(lambda: self.look(key, name) == value, f"{self.name}: {key} {name} = {value!r}")
        finally:
            self.client.call("Unwatch", "u", dbus.UInt32(watch))

    def refuses(self, error, key, name, text):
        """Checks that a set is refused by this name; the text of the refusal."""
        try:
            self.put(key, name, text)
        except Refused as refusal:
            if refusal.name != error:
                raise
            return refusal.text
        raise Failure(f"{self.name}: {key} {name} was set")


class Fleets:
    """Fleets that share an etcd, which is started for the first of them and stopped at the end.

        with Fleets() as fleets, fleets.made("one", "two") as (one, two):
            one.put(KEY, "Port", "25")
    """

    def __init__(self):
        self._stack = ExitStack()
        self._numbers = itertools.count(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    @functools.cached_property
    def etcd(self):
        return self._stack.enter_context(Etcd())

    def new_name(self):
        return f"fleet{next(self._numbers)}"

    @contextmanager
    def made(self, *names, **given):
        """Hosts of a new fleet, the first of which makes it."""
        fleet = self.new_name()
        with ExitStack() as stack:
            hosts = [stack.enter_context(FleetHost(self.etcd, name, fleet, **given)) for name in names]
            hosts[0].fleet("Init")
            for host in hosts[1:]:
                host.fleet("Join")
            yield hosts
