# SPDX-License-Identifier: MIT
"""What a restart keeps and what it drops, and the database as a file."""

import os
import stat

from harness.bus import BOB, needs_root, wait_until
from harness.case import check, contains, equal, main, test
from harness.process import Process
from harness.registry import REG_BINARY, REG_DWORD, REG_SZ, SOFTWARE, Registry, options
from harness.service_manager import service_manager

KEY = SOFTWARE + "\\Acme"


@test
def volatile_keys_are_gone_after_a_restart():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "stays", REG_SZ, "x")
        client.create(KEY + r"\Vol", volatile=True)
        client.set(KEY + r"\Vol\Sub", "n", REG_SZ, "x")
        before = client.revision
        registry.restart()
        equal(client.keys(KEY), [])
        equal(client.get(KEY, "stays"), (REG_SZ, "s", "x"))
        equal(client.revision, before + 1)
        registry.restart()
        equal(client.revision, before + 1)


@test
def volatile_keys_are_gone_after_a_kill():
    with Registry() as registry:
        client = registry.client
        client.create(KEY + r"\Vol", volatile=True)
        revision = client.set(KEY + r"\Vol", "n", REG_SZ, "x")
        registry.kill()
        registry.start()
        client.refused("KeyNotFound", "ListKeys", "s", KEY + r"\Vol")
        check(client.revision > revision, "their going is a revision")


@test
def everything_else_stays_as_it_was():
    with Registry() as registry:
        client = registry.client
        client.create(KEY, **{"class": "Kind"})
        client.commit([("set-value", KEY, f"v{index}", REG_DWORD, index) for index in range(100)])
        client.set(KEY + r"\Sub", "big", REG_BINARY, os.urandom(1 << 20))
        client.create(KEY + r"\Link", link=SOFTWARE)
        client.set_acl(KEY + r"\Sub", ("everyone", "write"))
        before = (client.tree(KEY), client.info(KEY), client.acl(KEY + r"\Sub"))
        registry.restart()
        equal((client.tree(KEY), client.info(KEY), client.acl(KEY + r"\Sub")), before)


@test
def the_service_manager_is_told_when_it_serves_and_when_it_stops():
    with Registry() as registry:
        registry.stop()
        with service_manager(registry) as told:
            registry.start()
            equal(told(), "READY=1")
            revision = registry.connect().revision
            check(revision > 0, "it serves by then")
            equal(told(), f"STATUS=serving revision {revision}, 0 watches")
            registry.stop()
            equal(told(), "STOPPING=1")
        registry.start()


REFUSED = '<deny own="org.regd.Registry1"/>'


@test
def a_name_that_is_refused_is_tried_again():
    """As after a first installation: the bus reads the policy that allows it a moment later."""
    with Registry() as registry:
        registry.client.set(KEY, "n", REG_SZ, "x")
        registry.stop()
        registry.bus.set_rule(REFUSED)
        with service_manager(registry) as told:
            registry.process = Process(registry.directory, "regd", registry.command(), registry.environment)
            wait_until(lambda: "trying again for 15 s" in registry.process.output(), "the refusal")
            registry.bus.set_rule("")
            registry.bus.wait_for_name("org.regd.Registry1", registry.process)
            contains(told(), "STATUS=the bus refuses the name; ")
            equal(told(), "READY=1")
            registry.stop()
        registry.start()
        equal(registry.client.get(KEY, "n"), (REG_SZ, "s", "x"))


@test
def a_name_that_stays_refused_ends_it_with_the_cure():
    with Registry() as registry:
        registry.stop()
        registry.bus.set_rule(REFUSED)
        said = refuses_to_serve(registry)
        for part in ("trying again for 15 s", "org.regd.Registry1.conf", f"user {os.geteuid()}", "ReloadConfig"):
            contains(said, part)
        registry.bus.set_rule("")
        registry.start()


@test
def the_database_is_readable_by_its_user_alone():
    with Registry() as registry:
        registry.client.set(KEY, "n", REG_SZ, "x")
        for path in registry.database.parent.iterdir():
            equal(stat.S_IMODE(path.stat().st_mode) & 0o077, 0, str(path))


@test
def it_runs_as_an_ordinary_user():
    needs_root()
    with Registry(uid=BOB) as registry:
        registry.client.set(KEY, "n", REG_SZ, "x")
        equal(registry.database.stat().st_uid, BOB)
        registry.restart()
        equal(registry.client.get(KEY, "n"), (REG_SZ, "s", "x"))


def refuses_to_serve(registry):
    """Starts regd on what is there, which must end with status 1: what it says."""
    process = Process(registry.directory, "regd-again", registry.command())
    equal(process.wait(), 1, process.output())
    process.check_reports()
    return process.output()


@test
def a_database_that_can_not_be_trusted_is_not_served():
    with Registry() as registry:
        registry.client.commit([("set-value", KEY, f"v{index}", REG_SZ, "x" * 500) for index in range(500)])
        registry.stop()
        whole = registry.database.read_bytes()
        for damaged in [b"this is no database" * 1000, whole[:3000], b"\0" * 4096 + whole[4096:]]:
            registry.database.write_bytes(damaged)
            for leftover in registry.database.parent.glob("registry.db-*"):
                leftover.unlink()
            said = refuses_to_serve(registry)
            contains(said, str(registry.database))
        registry.database.write_bytes(whole)
        registry.start()
        equal(len(registry.client.values(KEY)), 500)


@test
def two_daemons_do_not_share_a_database():
    with Registry() as registry:
        registry.client.set(KEY, "n", REG_SZ, "x")
        process = Process(registry.directory, "regd-second", registry.command())
        check(process.wait() != 0, "the second one ends with an error")
        registry.client.set(KEY, "n", REG_SZ, "y")


@test
def the_bus_may_go_away():
    """Without its bus the daemon ends, or comes back on it; what was written stays."""
    with Registry() as registry:
        registry.client.set(KEY, "n", REG_SZ, "x")
        registry.bus.close_connections()
        registry._client = None
        registry.bus.stop()
        registry.bus.start()
        if not registry.process.is_running():
            registry.start()
        else:
            registry.bus.wait_for_name("org.regd.Registry1", registry.process)
        equal(registry.client.get(KEY, "n"), (REG_SZ, "s", "x"))


main()
