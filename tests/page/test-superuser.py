# SPDX-License-Identifier: MIT
"""Cockpit's switch from "Limited access" to "Administrative access" and back: the page takes over the new rights by
itself. A real machine begins a second bridge by sudo or pkexec; here the test, which is root, begins it for a package
of the user's."""

import json
import os
import socket
import subprocess
import threading

from harness.bus import ALICE, needs_root
from harness.case import check, equal, main, test
from harness.page import BRIDGE, Cockpit, Stage
from harness.registry import REG_DWORD, SOFTWARE

KEY = SOFTWARE + "\\Acme"
ROUTE = ("registry", "HKLM", "SOFTWARE", "Acme")
# Hands its own input and output to root's side, which begins the bridge on them, and ends with it.
HAND_ON = """import socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
socket.send_fds(peer, [b"x"], [0, 1])
peer.recv(1)
"""
SWITCH = """const [isOn, done] = arguments;
const call = (face, method, words) => cockpit.dbus(null, { bus: "internal" }).call("/superuser", face, method, words);
call("org.freedesktop.DBus.Properties", "Get", ["cockpit.Superuser", "Bridges"])
    .then(([{ v: [bridge] }]) => call("cockpit.Superuser", isOn ? "Start" : "Stop", isOn ? [bridge] : []))
    .then(() => done(""), error => done(error.message));"""


class RootBridge:
    """A bridge of root's for each who connects to the socket."""

    def __init__(self, path, environment):
        self.path, self.environment, self.bridges = path, environment, []
        self.listener = socket.socket(socket.AF_UNIX)

    def __enter__(self):
        self.listener.bind(str(self.path))
        self.path.chmod(0o777)
        self.listener.listen()
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.run_bridge, args=(peer,), daemon=True).start()

    def run_bridge(self, peer):
        with peer:
            _, (stdin, stdout), *_ = socket.recv_fds(peer, 1, 2)
            bridge = subprocess.Popen([BRIDGE, "--privileged"], stdin=stdin, stdout=stdout, env=os.environ | self.environment)
            self.bridges.append(bridge)
            os.close(stdin)
            os.close(stdout)
            bridge.wait()

    def __exit__(self, *_):
        self.listener.close()
        for bridge in self.bridges:
            bridge.kill()
            bridge.wait()


def add_privileged_bridge(cockpit):
    """As Cockpit's own package `shell` has them for sudo and pkexec."""
    package = cockpit.home / ".local" / "share" / "cockpit" / "privileged"
    package.mkdir()
    path = cockpit.home / "root-bridge"
    (package / "manifest.json").write_text(json.dumps({"version": 0, "bridges": [
        {"privileged": True, "spawn": ["/usr/bin/python3", "-c", HAND_ON, str(path)]}]}))
    environment = cockpit.environment() | {"HOME": "/root", "USER": "root", "LOGNAME": "root"}
    stage.stack.enter_context(RootBridge(path, environment))


class CockpitWithSwitch(Cockpit):
    """Cockpit that has a way to administrative access."""

    def start(self):
        add_privileged_bridge(self)
        super().start()


stage = Stage(uid=ALICE, cockpit=CockpitWithSwitch)


def is_allowed():
    return stage.page.find("button", "New value").is_enabled()


@test
def administrative_access_is_taken_over_and_given_back():
    needs_root()
    stage.client.set(KEY, "Port", REG_DWORD, 25)
    page = stage.page
    page.go(*ROUTE)
    page.wait_for_text("Limited access")
    page.wait(lambda: not is_allowed(), "New value to be disabled")
    page.run("window.wasNotReloaded = true")
    equal(page.driver.execute_async_script(SWITCH, True), "")
    page.wait(is_allowed, "New value to be enabled")
    check("Limited access" not in page.text(), "it is still limited")
    page.change_value("Port", "143")
    page.wait_for_text("root", "row", "Port")
    stage.client.set(KEY, "Port", REG_DWORD, 993)
    page.wait_for_text("993", "row", "Port")
    equal(page.driver.execute_async_script(SWITCH, False), "")
    page.wait_for_text("Limited access")
    page.wait(lambda: not is_allowed(), "New value to be disabled")
    page.wait_for_text("993", "row", "Port")
    stage.client.set(KEY, "Port", REG_DWORD, 110)
    page.wait_for_text("110", "row", "Port")


main()
