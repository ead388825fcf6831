#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What hangs: a role of mailauthd, or regd. It is noticed, said and got over; and what the
service manager is told meanwhile."""

import json
import os
import signal
import time
from contextlib import suppress

from gi.repository import GLib
from harness.bus import wait_for, wait_until
from harness.case import check, contains, equal, main, test
from harness.mail import STORE, MailServer
from harness.process import program
from harness.registry import REG_MULTI_SZ, Registry
from harness.service_manager import service_manager

# A role or regd must be found out within this time, in seconds; the machine may be busy.
BOUND = 30


def status(registry):
    result = registry.run(program("mailauth/mailauthctl/mailauthctl"), f"--bus={registry.bus.address}", "--json",
                          "status")
    return json.loads(result.stdout)


def log_in(server):
    """The last answer, and how long it took."""
    began = time.monotonic()
    connection, stream = server.raw()
    with connection, stream:
        connection.sendall(b"USER anna\r\nPASS sesame\r\nQUIT\r\n")
        answers = stream.read().decode().splitlines()
    return answers[1], time.monotonic() - began


def can_log_in(server):
    """False also while nobody answers, or the connection is closed."""
    with suppress(OSError, IndexError):
        return log_in(server)[0] == "+OK Logged in."
    return False


def wait_for_end(descriptor):
    ended = []
    GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, descriptor, GLib.IOCondition.IN, lambda *_: ended.append(True))
    wait_for(lambda: ended, "the process to end")
    os.close(descriptor)


@test
def a_role_that_hangs_is_replaced():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        for role in ("verifier", "front"):
            old = server.roles()[role][0]
            ended = os.pidfd_open(old)
            signal.pidfd_send_signal(ended, signal.SIGSTOP)
            began = time.monotonic()
            wait_for_end(ended)
            check(time.monotonic() - began < BOUND, f"it took {time.monotonic() - began} s")
            contains(server.process.output(), f"The {role} has not answered for 10 s; it is replaced")
            wait_until(lambda role=role, old=old: server.roles().get(role, [old]) != [old], "another to be started")
            wait_until(lambda: can_log_in(server), "a login to be decided")
        server.wait_until_ready()


@test
def no_login_waits_for_a_regd_that_hangs():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        equal(log_in(server)[0], "+OK Logged in.")
        registry.process.signal(signal.SIGSTOP)
        try:
            answer, taken = log_in(server)
            equal(answer, "+OK Logged in.")
            check(taken < BOUND, f"the first login took {taken} s")
            wait_until(lambda: "registry-silent" in [event["reason"] for event in server.events(5)], "an event")
            for _ in range(3):
                answer, taken = log_in(server)
                equal(answer, "+OK Logged in.")
                check(taken < 3, f"a later login took {taken} s")
            shown = status(registry)
            contains(shown["registry"], "silent")
            contains("\n".join(shown["problems"]), "regd does not answer")
        finally:
            registry.process.signal(signal.SIGCONT)
        wait_until(lambda: status(registry)["registry"] == "live", "regd to be heard of")
        wait_until(lambda: "registry-back" in [event["reason"] for event in server.events(5)], "an event")
        equal(status(registry)["problems"], [])
        registry.client.set(STORE, "Logon Only As", REG_MULTI_SZ, ["bert"])
        contains(log_in(server)[0], "[SYS/TEMP]")


@test
def a_regd_that_was_ended_is_back_when_another_is_there():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        registry.process.signal(signal.SIGSTOP)
        wait_until(lambda: "registry-silent" in [event["reason"] for event in server.events(5)], "an event")
        registry.kill()
        wait_until(lambda: status(registry)["registry"].startswith("away"), "its end to be seen")
        equal("registry-back" in [event["reason"] for event in server.events(5)], False)
        registry.start()
        wait_until(lambda: "registry-back" in [event["reason"] for event in server.events(5)], "an event")


@test
def the_service_manager_hears_of_the_state_and_a_beat():
    with Registry() as registry:
        server = MailServer(registry)
        with service_manager(server, watchdog=1) as told, server:
            heard = []

            def hear(text):
                while not any(text in message for message in heard):
                    heard.append(told())

            hear("READY=1")
            hear("WATCHDOG=1")
            hear("STATUS=native SAM, 0 sessions")
            server.add_account("anna", "sesame")
            with server.pop3("anna", "sesame"):
                hear("STATUS=native SAM, 1 session")
            registry.client.call("DeleteKey", "sa{sv}", "HKLM\\SAM\\Domains\\Account\\Users", {"recursive": True})
            hear("STATUS=No login can be decided: accounts-missing")


main()
