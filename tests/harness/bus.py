# SPDX-License-Identifier: MIT
"""A private message bus, set up like the system's: everybody may connect and
call, and the connections that tests make to it, as any user where they run as root."""

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import dbus
import dbus.bus
import dbus.mainloop.glib
from gi.repository import GLib

from harness.case import Failure, Skip
from harness.process import PATIENCE, Process

CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>regd-test</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="*"/>
    <allow send_destination="*" eavesdrop="false"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""

# Ordinary users. The bus turns away a uid that nobody has, so these are users
# that every Debian system has and that run nothing here.
ALICE, BOB, CAROL = (pwd.getpwnam(name).pw_uid for name in ("games", "news", "list"))

LOOP = dbus.mainloop.glib.DBusGMainLoop()


def is_root():
    return os.geteuid() == 0


def own_name():
    """The name of the user who runs the tests, as histories and locks tell it."""
    return pwd.getpwuid(os.geteuid()).pw_name


def needs_root():
    """Leaves the test out where it can't be several users."""
    if not is_root():
        raise Skip("takes root, to be several users")


def wait_for(condition, what="the condition", seconds=PATIENCE):
    """Runs the loop until condition() is true. What it waits for must be an
    event on the loop: a message, a process that ends, a descriptor."""
    late = []
    timer = GLib.timeout_add(int(seconds * 1000), lambda: late.append(True) or True)
    context = GLib.MainContext.default()
    try:
        while not (result := condition()):
            if late:
                raise Failure(f"{what} did not come about in {seconds} s")
            context.iteration(True)
        return result
    finally:
        GLib.source_remove(timer)


def wait_until(condition, what):
    """For what no event tells of (files, other processes): it is looked at now and then."""
    tick = GLib.timeout_add(10, lambda: True)
    try:
        wait_for(condition, what)
    finally:
        GLib.source_remove(tick)


def run_pending():
    """Handles what has arrived, without waiting for more."""
    context = GLib.MainContext.default()
    while context.iteration(False):
        pass


@contextmanager
def acting_as(uid, groups):
    """The effective user and groups of this process, which are what the kernel
    tells the other end of a socket that is connected meanwhile."""
    if uid is None or (uid == os.geteuid() and not groups):
        yield
        return
    needs_root()
    before = os.getgroups()
    os.setgroups(groups or [])
    os.setegid(uid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(before)


class Bus:
    """with Bus() as bus: its address, its directory, connections to it."""

    def __init__(self, arguments=(), configuration=None):
        self.arguments, self.configuration = arguments, configuration or CONFIGURATION
        self.directory = Path(tempfile.mkdtemp(prefix="regd-test-"))
        self.directory.chmod(0o711)
        self.address = None
        self.daemon = None
        self.connections = []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close_connections()
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self):
        """Starts it, also again after stop(), with the same address."""
        socket = self.directory / "bus"
        configuration = self.directory / "bus.conf"
        configuration.write_text(self.configuration.format(socket=socket))
        self.daemon = Process(self.directory, "dbus-daemon",
                              ["dbus-daemon", f"--config-file={configuration}", "--nofork",
                               "--nopidfile", "--print-address=1", *self.arguments], stdout=subprocess.PIPE)
        line = self.daemon.child.stdout.readline().decode().strip()
        if not line:
            raise Failure(f"no bus: {self.daemon.output()}")
        self.address = f"unix:path={socket}"

    def set_rule(self, rule):
        """Adds this rule to the policy in place of one that was added before, and has it read."""
        configuration = CONFIGURATION.format(socket=self.directory / "bus")
        configuration = configuration.replace("  </policy>", f"    {rule}\n  </policy>")
        (self.directory / "bus.conf").write_text(configuration)
        self.connect().call_blocking("org.freedesktop.DBus", "/", "org.freedesktop.DBus",
                                     "ReloadConfig", "", ())

    def stop(self):
        if self.daemon:
            self.daemon.kill()
            self.daemon.child.stdout.close()
            self.daemon = None

    def connect(self, uid=None, groups=None):
        """A connection of its own, as another user and in these groups if asked."""
        with acting_as(uid, groups):
            connection = dbus.bus.BusConnection(self.address, mainloop=LOOP)
        connection.set_exit_on_disconnect(False)
        self.connections.append(connection)
        return connection

    def close_connections(self):
        for connection in self.connections:
            connection.close()
        self.connections.clear()
        run_pending()

    def wait_for_name(self, name, process):
        """Waits until somebody owns the name; fails at once where the process ends."""
        connection = self.connect()
        owners, ended = [], []
        connection.watch_name_owner(name, lambda owner: owner and owners.append(owner))
        process_descriptor = os.pidfd_open(process.pid)
        source = GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, process_descriptor, GLib.IOCondition.IN,
                                       lambda *_: ended.append(True))  # None: it is removed
        try:
            wait_for(lambda: owners or ended, f"{process.name} to take its name")
        finally:
            if not ended:
                GLib.source_remove(source)
            os.close(process_descriptor)
            connection.close()
            self.connections.remove(connection)
        if not owners:
            raise Failure(f"{process.name} ended with status {process.wait()}\n{process.output()}")
