#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What hangs: a role of mailauthd, or regd. It is noticed, said and got over; and what the
service manager is told meanwhile."""

import json
import os
import select
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

from gi.repository import GLib
from harness.bus import wait_until
from harness.case import check, contains, equal, main, test
from harness.freeze import freeze, frozen
from harness.mail import STORE, MailServer
from harness.process import program
from harness.registry import REG_MULTI_SZ, Registry
from harness.service_manager import service_manager

# What hangs must be found out within 10 s. mailauthd's own beat, one each 2 s, is the clock: on
# a busy machine it is late as well. 6 beats are 10 s and the time to the first one; 2 may have
# waited to be read before.
BEATS = 8


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


def count_beats(told, is_over):
    """How often mailauthd beats until is_over(). A beat is only counted if it was not over
    before, so it does no harm if this test is held up."""
    beats = 0
    while not is_over():
        beats += told() == "WATCHDOG=1"
    return beats


def is_readable(descriptor):
    return bool(select.select([descriptor], [], [], 0)[0])


def replaces(role):
    with Registry() as registry:
        server = MailServer(registry)
        with service_manager(server) as told, server:
            server.add_account("anna", "sesame")
            wait_until(lambda: told() == "WATCHDOG=1", "a beat")
            old = server.roles()[role][0]
            ended = os.pidfd_open(old)
            freeze(old)
            beats = count_beats(told, lambda: is_readable(ended))
            os.close(ended)
            check(beats <= BEATS, f"the {role} was ended after {beats} beats")
            contains(server.process.output(), f"The {role} has not answered for 10 s; it is replaced")
            wait_until(lambda: server.roles().get(role, [old]) != [old], "another to be started")
            wait_until(lambda: can_log_in(server), "a login to be decided")
            server.wait_until_ready()


@test
def a_verifier_that_hangs_is_replaced():
    replaces("verifier")


@test
def a_front_that_hangs_is_replaced():
    replaces("front")


@test
def no_login_waits_for_a_regd_that_hangs():
    with Registry() as registry, ExitStack() as stack:
        server = MailServer(registry)
        told = stack.enter_context(service_manager(server))
        stack.enter_context(server)
        threads = stack.enter_context(ThreadPoolExecutor(1))
        server.add_account("anna", "sesame")
        equal(log_in(server)[0], "+OK Logged in.")
        wait_until(lambda: told() == "WATCHDOG=1", "a beat")
        with frozen(registry.process.pid):
            login = threads.submit(log_in, server)
            beats = count_beats(told, login.done)
            check(beats <= BEATS, f"the first login took {beats} beats")
            equal(login.result()[0], "+OK Logged in.")
            wait_until(lambda: "registry-silent" in [event["reason"] for event in server.events(5)], "an event")
            for _ in range(3):
                answer, taken = log_in(server)
                equal(answer, "+OK Logged in.")
                check(taken < 3, f"a later login took {taken} s")
            shown = status(registry)
            contains(shown["registry"], "silent")
            contains("\n".join(shown["problems"]), "regd does not answer")
        wait_until(lambda: status(registry)["registry"] == "live", "regd to be heard of")
        wait_until(lambda: "registry-back" in [event["reason"] for event in server.events(5)], "an event")
        equal(status(registry)["problems"], [])
        registry.client.set(STORE, "Logon Only As", REG_MULTI_SZ, ["bert"])
        contains(log_in(server)[0], "[SYS/TEMP]")


@test
def a_regd_that_was_ended_is_back_when_another_is_there():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        freeze(registry.process.pid)
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
