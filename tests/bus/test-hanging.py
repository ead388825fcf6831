# SPDX-License-Identifier: MIT
"""regctl where regd hangs, is busy for long, or can't be started."""

import os
import subprocess
import threading
import time

import dbus

from harness.bus import CONFIGURATION, Bus, run_pending, wait_for, wait_until
from harness.case import Failure, check, contains, equal, main, test
from harness.freeze import frozen
from harness.process import PATIENCE, program, sanitiser_options
from harness.registry import ERROR, NAME, REG_SZ, SOFTWARE, Registry
from harness.stand_in import StandIn
from harness.threads import held_thread

KEY = SOFTWARE + "\\Acme"
REGCTL = "client/regctl/regctl"
UNREACHABLE = 7


def begin(bus, *arguments):
    environment = os.environ | sanitiser_options(bus.directory, "regctl") | {"LC_ALL": "C.UTF-8"}
    return subprocess.Popen([program(REGCTL), f"--bus={bus.address}", *arguments], env=environment,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_line(process, words):
    """Reads its standard error until a line holds these words."""
    timer = threading.Timer(PATIENCE, process.kill)
    timer.start()
    try:
        while words not in (line := process.stderr.readline()):
            if not line:
                raise Failure(f"it does not say {words!r}")
    finally:
        timer.cancel()


def end(process):
    """(exit code, what it said)."""
    try:
        _, said = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    return process.returncode, said


@test
def a_hanging_regd_is_said_after_30_s_by_every_verb():
    with Registry() as registry:
        registry.client.set(KEY, "v", REG_SZ, "1")
        file = registry.directory / "small.reg"
        file.write_text("Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme]\n\"v\"=\"2\"\n")
        verbs = [("get", KEY, "v"), ("set", KEY, "v", "3"), ("set", "--comment=c", KEY, "v", "3"), ("tree", KEY),
                 ("history", KEY), ("status",), ("watch", KEY), ("import", str(file)),
                 ("export", KEY, str(registry.directory / "out.reg"))]
        watcher = begin(registry.bus, "watch", "--count=1", KEY)
        wait_for_line(watcher, "watching")
        with frozen(registry.process.pid):
            begun = time.monotonic()
            for verb, process in [(verb, begin(registry.bus, *verb)) for verb in verbs]:
                code, said = end(process)
                equal(code, UNREACHABLE, f"{verb}: {said}")
                contains(said, "does not answer within 30 s")
                contains(said, "systemctl restart regd")
            check(time.monotonic() - begun >= 25, "nothing is given up before its time")
        wait_for_line(watcher, "regd does not answer; waiting for it")
        wait_for_line(watcher, "regd answers again")
        registry.client.set(KEY, "v", REG_SZ, "4")
        equal(end(watcher)[0], 0, "the watch that was begun before goes on")
        equal(list(registry.directory.glob("out.reg*")), [], "nothing is left of the export")


@test
def a_call_is_not_cut_off_while_regd_answers_others():
    """Longer than the 30 s that silence is borne."""
    with Registry() as registry:
        registry.client.set(KEY, "v", REG_SZ, "1")
        with held_thread(registry.process.pid, "writer"):
            process = begin(registry.bus, "set", KEY, "v", "2")
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                pass
            equal(process.returncode, None, "it waits")
        code, said = end(process)
        equal((code, said), (0, ""))
        equal(registry.client.get(KEY, "v"), (REG_SZ, "s", "2"))


@test
def a_watch_waits_for_its_first_answer_while_regd_answers_others():
    """Longer than the 30 s that silence is borne; and the change behind the answer is printed."""
    with Bus() as bus:
        regd = StandIn(bus)
        watcher = begin(bus, "watch", "--count=1", KEY)
        wait_for(lambda: regd.watches, "its Watch")
        begun = time.monotonic()
        wait_until(lambda: watcher.poll() is not None or time.monotonic() - begun > 35, "the time to pass")
        equal(watcher.poll(), None, "it waits")
        regd.begin_watch(7)
        printed, said = watcher.communicate(timeout=PATIENCE)
        equal((watcher.returncode, printed), (0, f"8\tvalue-set\t{KEY}\tv\n"), said)
        contains(said, f"watching {KEY} after revision 7")


@test
def a_first_watch_that_is_refused_ends_the_verb():
    with Bus() as bus:
        regd = StandIn(bus)
        watcher = begin(bus, "watch", "--since=1", KEY)
        wait_for(lambda: regd.watches, "its Watch")
        regd.refuse_watch(ERROR + "HistoryGone")
        code, said = end(watcher)
        check(code not in (0, UNREACHABLE), code)
        contains(said, "refused")


class Systemd:
    """What a bus asks to start services, which answers that it can't."""

    def __init__(self, bus, error, message):
        self.bus = bus
        self.failure = error, message
        self.connection = bus.connect()
        self.connection.request_name("org.freedesktop.systemd1")
        self.connection.add_message_filter(self._on_message)

    def _on_message(self, _connection, message):
        if message.get_member() == "ActivationRequest":
            failure = dbus.lowlevel.SignalMessage("/org/freedesktop/systemd1", "org.freedesktop.systemd1.Activator",
                                                  "ActivationFailure")
            failure.set_destination("org.freedesktop.DBus")
            failure.append(str(message.get_args_list()[0]), *self.failure, signature="sss")
            self.connection.send_message(failure)
        return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED


def start_fails(error, message):
    """What regctl says when systemd refuses to start regd so."""
    configuration = CONFIGURATION.replace("<auth>", "<servicedir>{socket}.services</servicedir>\n  <auth>")
    with Bus(["--systemd-activation"], configuration) as bus:
        services = bus.directory / "bus.services"
        services.mkdir()
        (services / f"{NAME}.service").write_text(
            f"[D-BUS Service]\nName={NAME}\nExec=/bin/false\nSystemdService=regd.service\n")
        bus.connect().call_blocking("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "ReloadConfig", "", ())
        Systemd(bus, error, message)
        process = begin(bus, "get", KEY, "v")
        while process.poll() is None:
            run_pending()
        return end(process)


@test
def a_masked_regd_is_named():
    code, said = start_fails("org.freedesktop.systemd1.UnitMasked", "Unit regd.service is masked.")
    equal(code, UNREACHABLE, said)
    contains(said, "Unit regd.service is masked.")
    contains(said, "systemctl unmask regd")


@test
def a_regd_that_is_not_installed_is_named():
    code, said = start_fails("org.freedesktop.systemd1.NoSuchUnit", "Unit regd.service not found.")
    equal(code, UNREACHABLE, said)
    contains(said, "installed")


main()
