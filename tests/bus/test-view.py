# SPDX-License-Identifier: MIT
"""The live view against the real daemon: what it shows after each answered
write, over the ends of the daemon and of the bus, and over changes of links
and access lists."""

import os
import subprocess
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

from harness.bus import ALICE, Bus, needs_root, wait_for, wait_until
from harness.case import Failure, check, equal, main, test
from harness.freeze import freeze, frozen
from harness.process import PATIENCE, program, sanitiser_options
from harness.registry import FREEDESKTOP, REG_SZ, SOFTWARE, Registry, variant
from harness.stand_in import StandIn

ACME = SOFTWARE + "\\Acme"
SERVICES = "HKLM\\SYSTEM\\CurrentControlSet\\Services"
MANY = 400  # keys; more than are read whole


class Viewer:
    """tests/bus/viewer.c, one line a command."""

    def __init__(self, registry, *keys, uid=None):
        environment = os.environ | sanitiser_options(registry.directory, "viewer")
        self.child = subprocess.Popen([program("tests/bus/viewer"), registry.bus.address, *keys],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                      env=environment, user=uid, group=uid,
                                      extra_groups=[] if uid is not None else None)

    def ask(self, *words):
        self.send(*words)
        return self.answer()

    def send(self, *words):
        self.child.stdin.write("\t".join(map(str, words)) + "\n")
        self.child.stdin.flush()

    def answer(self):
        timer = threading.Timer(PATIENCE, self.child.kill)
        timer.start()
        try:
            line = self.child.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            raise Failure("the viewer gave no answer")
        return line.rstrip("\n")

    def get(self, subkey, name, view=0):
        answer = self.ask("get", view, subkey, name)
        return None if answer == "-" else answer[2:]

    def synced(self, view=0):
        equal(self.ask("sync", view), "true", "sync")
        return self

    def stop(self):
        self.child.stdin.close()
        try:
            status = self.child.wait(PATIENCE)
        finally:
            self.child.kill()
            self.child.stdout.close()
        equal(status, 0, "the viewer's status")


@contextmanager
def viewing(registry, *keys, uid=None):
    viewer = Viewer(registry, *keys, uid=uid)
    try:
        for view in range(len(keys)):
            viewer.ask("sync", view)
        yield viewer
    except BaseException:
        viewer.child.kill()
        viewer.child.wait()
        raise
    viewer.stop()


def fill(client, count=MANY):
    client.commit([("set-value", f"{ACME}\\Many\\{number:03}", "v", REG_SZ, "0") for number in range(count)])


@test
def every_answered_write_is_seen():
    with Registry() as registry:
        registry.client.set(ACME, "v", REG_SZ, "-1")
        with viewing(registry, ACME) as viewer:
            stale = 0
            for flip in range(300):
                registry.client.set(ACME, "v", REG_SZ, str(flip))
                stale += viewer.synced().get("", "v") != str(flip)
            equal(stale, 0, "stale look-ups")


@test
def every_answered_write_is_seen_in_a_large_tree():
    with Registry() as registry:
        fill(registry.client)
        with viewing(registry, ACME) as viewer:
            stale = 0
            for flip in range(300):
                key = f"Many\\{flip:03}"
                registry.client.set(f"{ACME}\\{key}", "v", REG_SZ, str(flip))
                stale += viewer.synced().get(key, "v") != str(flip)
            equal(stale, 0, "stale look-ups")


@test
def one_sync_is_for_all_views():
    with Registry() as registry:
        keys = [f"{ACME}\\{number}" for number in range(6)]
        registry.client.commit([("create-key", key) for key in keys])
        with viewing(registry, *keys) as viewer:
            for flip in range(50):
                registry.client.commit([("set-value", key, "v", REG_SZ, str(flip)) for key in keys])
                equal(viewer.ask("sync"), "true")
                equal([viewer.get("", "v", view) for view in range(6)], [str(flip)] * 6)


@test
def keys_come_and_go():
    with Registry() as registry:
        fill(registry.client)
        with viewing(registry, ACME) as viewer:
            registry.client.commit([("set-value", ACME + "\\One\\Two", "v", REG_SZ, "1"),
                                    ("delete-tree", ACME + "\\Many\\000"),
                                    ("rename-key", ACME + "\\Many\\001", "renamed")])
            viewer.synced()
            equal(viewer.get("one\\two", "V"), "1")
            equal(viewer.get("Many\\000", "v"), None)
            equal(viewer.get("Many\\001", "v"), None)
            equal(viewer.get("Many\\renamed", "v"), "0")
            registry.client.call("RenameKey", "ss", ACME + "\\Many", "More")
            equal(viewer.synced().ask("keys", 0, ""), "More/One")
            equal(viewer.get("More\\399", "v"), "0")
            registry.client.delete(ACME + "\\More", recursive=True)
            equal(viewer.synced().ask("keys", 0, ""), "One")


@test
def a_large_tree_comes_in_pages():
    with Registry() as registry:
        for part in range(3):
            registry.client.commit([("set-value", f"{ACME}\\{part}", str(number), REG_SZ, "x")
                                    for number in range(9000)])
        with viewing(registry, ACME) as viewer:
            equal(viewer.get("2", "8999"), "x")
            equal(viewer.get("0", "0"), "x")
            registry.client.set(ACME + "\\1", "8999", REG_SZ, "y")
            equal(viewer.synced().get("1", "8999"), "y")


@test
def a_missing_key_comes_and_goes():
    with Registry() as registry:
        with viewing(registry, ACME + "\\Later") as viewer:
            equal(viewer.ask("state", 0), "missing live")
            registry.client.set(ACME + "\\Later\\Below", "v", REG_SZ, "1")
            equal(viewer.synced().get("Below", "v"), "1")
            registry.client.delete(ACME, recursive=True)
            equal(viewer.synced().ask("state", 0), "missing live")


@test
def a_change_is_told_without_asking():
    with Registry() as registry:
        registry.client.create(ACME)
        with viewing(registry, ACME) as viewer:
            viewer.ask("follow", 0)
            viewer.send("follow", 0)
            registry.client.set(ACME, "v", REG_SZ, "1")
            equal(viewer.answer(), "1")
            equal(viewer.get("", "v"), "1")


def catches_up(count, change):
    """A daemon that is killed and comes back with something new."""
    with Registry() as registry:
        fill(registry.client, count)
        with viewing(registry, ACME) as viewer:
            for round_ in range(5):
                registry.client.set(ACME + "\\Many\\000", "v", REG_SZ, f"before {round_}")
                registry.kill()
                equal(viewer.ask("sync", 0) in ("true", "false"), True)
                registry.start()
                if change:
                    registry.client.set(ACME + "\\Many\\001", "v", REG_SZ, f"after {round_}")
                viewer.ask("wait", 0, "ready")
                wait_for_sync(viewer)
                equal(viewer.get("Many\\000", "v"), f"before {round_}")
                equal(viewer.get("Many\\001", "v"), f"after {round_}" if change else "0")


def wait_for_sync(viewer):
    """Until the daemon is there again: every answer comes from the loop."""
    while viewer.ask("sync", 0) != "true":
        pass


@test
def catches_up_after_kill():
    catches_up(10, True)


@test
def catches_up_after_kill_in_a_large_tree():
    catches_up(MANY, True)
    catches_up(MANY, False)


@test
def serves_the_last_known_without_the_daemon():
    with Registry() as registry:
        registry.client.set(ACME, "v", REG_SZ, "1")
        with viewing(registry, ACME) as viewer:
            registry.stop()
            while viewer.ask("state", 0) != "ready away":
                pass
            equal(viewer.ask("sync", 0), "false")
            equal(viewer.get("", "v"), "1")
            registry.start()
            wait_for_sync(viewer)
            equal(viewer.ask("state", 0), "ready live")


@test
def survives_the_bus():
    with Registry() as registry:
        registry.client.set(ACME, "v", REG_SZ, "1")
        with viewing(registry, ACME) as viewer:
            registry.kill()
            registry.bus.close_connections()
            registry._client = None
            registry.bus.stop()
            equal(viewer.ask("sync", 0), "false")
            registry.bus.start()
            registry.start()
            registry.client.set(ACME, "v", REG_SZ, "2")
            wait_for_sync(viewer)
            equal(viewer.get("", "v"), "2")


@test
def a_hanging_daemon_is_waited_for_once():
    """The first sync waits 10 s; the next ones end at once, as does one that came meanwhile."""
    with Registry() as registry:
        registry.client.set(ACME, "v", REG_SZ, "1")
        with viewing(registry, ACME) as viewer:
            with frozen(registry.process.pid):
                begun = time.monotonic()
                equal(viewer.ask("sync", 0), "false")
                check(8 <= time.monotonic() - begun <= 30, "the first sync waits 10 s")
                equal(viewer.ask("state", 0), "ready away")
                begun = time.monotonic()
                for _ in range(100):
                    equal(viewer.ask("sync", 0), "false")
                    equal(viewer.ask("sync"), "false")
                check(time.monotonic() - begun < 5, "the next 200 do not wait")
                equal(viewer.get("", "v"), "1")
            wait_for_sync(viewer)
            equal(viewer.ask("state", 0), "ready live")
            registry.client.set(ACME, "v", REG_SZ, "2")
            equal(viewer.synced().get("", "v"), "2")


@test
def a_hang_is_noticed_while_nobody_asks():
    with Registry() as registry:
        registry.client.set(ACME, "v", REG_SZ, "1")
        with viewing(registry, ACME) as viewer:
            viewer.ask("answering")
            with frozen(registry.process.pid):
                begun = time.monotonic()
                equal(viewer.answer(), "false")
                check(time.monotonic() - begun <= 30, "within 10 s")
                begun = time.monotonic()
                equal(viewer.ask("sync"), "false")
                check(time.monotonic() - begun < 5, "and no sync waits then")
            equal(viewer.answer(), "true")
            equal(viewer.synced().ask("state", 0), "ready live")


@test
def a_hanging_daemon_that_is_replaced_is_forgotten():
    with Registry() as registry:
        registry.client.set(ACME, "v", REG_SZ, "1")
        with viewing(registry, ACME) as viewer:
            viewer.ask("answering")
            freeze(registry.process.pid)
            equal(viewer.answer(), "false")
            registry.kill()
            equal(viewer.answer(), "true")
            registry.start()
            wait_for_sync(viewer)
            equal(viewer.ask("state", 0), "ready live")


@test
def a_watch_is_asked_for_once_however_late_its_answer():
    """A second one would leave the first one's answer, and its watch at regd, to nobody."""
    with Bus() as bus:
        regd = StandIn(bus)
        viewer = Viewer(SimpleNamespace(bus=bus, directory=bus.directory), ACME)
        wait_for(lambda: regd.watches, "its Watch")
        begun = time.monotonic()
        wait_until(lambda: len(regd.watches) > 1 or time.monotonic() - begun > 35, "the time to pass")
        equal(len(regd.watches), 1)
        equal(viewer.ask("state", 0), "waiting away")
        regd.refuse_watch(FREEDESKTOP + "AccessDenied")
        equal(viewer.ask("wait", 0, "denied"), "denied")
        viewer.stop()


@test
def links_are_followed_where_they_lead():
    with Registry() as registry:
        client = registry.client
        client.set("HKLM\\SYSTEM\\ControlSet001\\Services\\Acme", "v", REG_SZ, "1")
        client.set("HKLM\\SYSTEM\\ControlSet002\\Services\\Acme", "v", REG_SZ, "2")
        with viewing(registry, SERVICES + "\\Acme", SERVICES + "\\Other") as viewer:
            equal(viewer.get("", "v"), "1")
            for target in (2, 1, 2, 1):
                retarget(client, f"ControlSet00{target}")
                equal(viewer.synced().get("", "v"), str(target))
            retarget(client, "ControlSet002")
            client.set(SERVICES + "\\Acme", "v", REG_SZ, "3")
            client.set(SERVICES + "\\Other", "v", REG_SZ, "4")
            equal(viewer.ask("sync"), "true")
            equal(viewer.get("", "v", 0), "3")
            equal(viewer.get("", "v", 1), "4")
            client.set("HKLM\\SYSTEM\\ControlSet001\\Services\\Acme", "v", REG_SZ, "5")
            equal(viewer.synced().get("", "v"), "3")


def retarget(client, target):
    link = "HKLM\\SYSTEM\\CurrentControlSet"
    client.commit([("delete-key", link), ("create-link", link, "", 0, "HKLM\\SYSTEM\\" + target)])


@test
def access_is_given_and_taken():
    needs_root()
    with Registry() as registry:
        client = registry.client
        client.set(ACME + "\\A", "v", REG_SZ, "1")
        with viewing(registry, ACME, ACME + "\\A", uid=ALICE) as viewer:
            for level, state, text in [("none", "denied", None), ("read", "ready", "1")] * 3:
                client.set_acl(ACME, ("everyone", level))
                equal(viewer.ask("sync"), "true")
                equal(viewer.ask("state", 0).split()[0], state, level)
                equal(viewer.ask("state", 1).split()[0], state, level)
                equal(viewer.get("A", "v"), text)
                equal(viewer.get("", "v", 1), text)


@test
def a_refused_view_sees_the_repair_at_once():
    needs_root()
    users = "HKLM\\SAM\\Domains\\Account\\Users"
    with Registry() as registry:
        client = registry.client
        client.set(users + "\\bob", "Password", REG_SZ, "x")
        with viewing(registry, users, uid=ALICE) as viewer:
            equal(viewer.ask("state", 0).split()[0], "denied")
            client.set_acl("HKLM\\SAM", ("user:games", "read"))
            equal(viewer.synced().ask("state", 0), "ready live")
            equal(viewer.get("bob", "Password"), "x")
            client.delete("HKLM\\SAM\\Domains", recursive=True)
            equal(viewer.synced().ask("state", 0), "missing live")
            client.set(users + "\\bob", "Password", REG_SZ, "y")
            equal(viewer.synced().get("bob", "Password"), "y")


@test
def a_view_turns_ready_by_itself_after_the_repair():
    needs_root()
    with Registry() as registry:
        registry.client.set("HKLM\\SAM\\Acme", "v", REG_SZ, "x")
        with viewing(registry, "HKLM\\SAM\\Acme", uid=ALICE) as viewer:
            equal(viewer.ask("state", 0).split()[0], "denied")
            viewer.send("wait", 0, "ready")
            registry.client.set_acl("HKLM\\SAM\\Acme", ("user:games", "read"))
            equal(viewer.answer(), "ready")


@test
def a_busy_writer_holds_up_no_sync():
    with Registry() as registry:
        fill(registry.client)
        writer = registry.connect()
        with viewing(registry, ACME) as viewer:
            for _ in range(20):
                answers = [writer.send("SetValue", "ssuv", f"{ACME}\\Many\\{number:03}", "v",
                                       REG_SZ, variant(str(number))) for number in range(50)]
                viewer.synced()
                registry.client.set(ACME, "v", REG_SZ, "x")
                equal(viewer.synced().get("", "v"), "x")
                equal(len(answers), 50)


main()
