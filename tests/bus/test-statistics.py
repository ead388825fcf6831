# SPDX-License-Identifier: MIT
"""regd's own numbers: GetStatistics, and regctl status --metrics, which prints them."""

import re
import subprocess
import time

from harness import openmetrics
from harness.bus import ALICE, needs_root, wait_until
from harness.case import check, contains, equal, main, test
from harness.process import BUILD, SOURCE, program
from harness.registry import REG_SZ, SOFTWARE, Refused, Registry, options

KEY = SOFTWARE + "\\Acme"
REGCTL = "client/regctl/regctl"


def statistics(client):
    return client.call("GetStatistics", "a{sv}", options())


@test
def they_count_what_happens():
    with Registry() as registry:
        client = registry.client
        before = statistics(client)
        revision = client.set(KEY, "a", REG_SZ, "1")
        client.set(KEY + "\\Sub", "b", REG_SZ, "1")
        client.set(KEY, "a", REG_SZ, "2")
        client.commit([("set-value", KEY, "t", REG_SZ, "x")], confirm_within=600)
        client.watch(KEY)
        client.refused("KeyNotFound", "ListKeys", "s", KEY + "\\None")
        client.refused("ValueNotFound", "DeleteValue", "ss", KEY, "none")
        after = statistics(client)
        grown = {name: after[name] - before[name] for name in after
                 if name not in ("commit-classes", "commit-time", "read-only", "started")}
        equal(grown.pop("database-bytes") >= 0, True)
        equal(grown.pop("history-rows") >= 4, True)
        equal(grown, {"revision": 4, "watches": 1, "files": 0, "calls": 8, "calls-waiting": 0, "calls-refused": 0,
                      "calls-failed": 2, "changes": 5, "changes-refused": 1, "keys": 2, "values": 3, "trials": 1})
        equal(after["revision"], revision + 3)
        equal(after["read-only"], False)
        equal(sum(after["commit-classes"]) - sum(before["commit-classes"]), 5)
        check(after["commit-time"] > before["commit-time"], "commits take time")
        check(abs(after["started"] / 1e6 - time.time()) < 600, "it was started a moment ago")


LARGE = 21000  # values; more than are counted at each call


def counts_around_a_change(client, number):
    """How many values are told before and after one more has been set."""
    before = statistics(client)
    client.set(KEY, f"more {number}", REG_SZ, "1")
    after = statistics(client)
    equal(after["changes"] - before["changes"], 1, "what costs nothing is always new")
    return before["values"], after["values"]


@test
def a_large_database_is_counted_once_in_some_seconds():
    with Registry() as registry:
        client = registry.client
        for first in range(0, LARGE, 1000):
            client.commit([("set-value", KEY, str(number), REG_SZ, "1") for number in range(first, first + 1000)])
        for number in range(20):
            before, after = counts_around_a_change(client, number)
            if before == after:
                break
        check(before == after, "it was counted at each call")
        wait_until(lambda: statistics(client)["values"] > after, "it to be counted again")


@test
def what_is_refused_is_counted():
    needs_root()
    with Registry() as registry:
        parameters = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\regd\\Parameters"
        registry.client.set(parameters, "Watches Per User", 4, 1)
        alice = registry.connect(uid=ALICE)
        alice.watch(SOFTWARE)
        alice.refused("LimitExceeded", "Watch", "sa{sv}", SOFTWARE, options())
        numbers = statistics(alice)
        equal((numbers["watches"], numbers["calls-failed"]), (1, 1))


@test
def options_that_are_not_known_do_no_harm():
    with Registry() as registry:
        check(registry.client.call("GetStatistics", "a{sv}", options(later=True))["keys"] > 0, "keys")


def metrics(registry):
    done = registry.run(program(REGCTL), "status", "--metrics")
    equal(done.returncode, 0, done.stderr)
    return openmetrics.parse(done.stdout.decode())


@test
def regctl_prints_them_as_openmetrics():
    with Registry() as registry:
        revision = registry.client.set(KEY, "a", REG_SZ, "1")
        families = metrics(registry)
        numbers = statistics(registry.client)
        equal(families["regd_revision"].samples["", ()], revision)
        equal(families["regd_values"].samples["", ()], numbers["values"])
        equal(families["regd_read_only"].samples["", ()], 0)
        equal(families["regd_database_bytes"].facts["UNIT"], "bytes")
        equal(families["regd_changes"].samples["_total", ()], numbers["changes"])
        commits = families["regd_commit_seconds"].samples
        equal(commits["_bucket", (("le", "+Inf"),)], commits["_count", ()])
        equal(len([suffix for suffix, _ in commits if suffix == "_bucket"]), 6)
        told = {name.replace("_", "-") for name in families}
        for name in numbers:
            known = {"started": "regd-start-time-seconds", "commit-classes": "regd-commit-seconds",
                     "commit-time": "regd-commit-seconds"}.get(name, f"regd-{name}")
            check(known in told, f"{name} is printed")


@test
def nothing_is_printed_without_regd():
    with Registry() as registry:
        registry.stop()
        done = registry.run(program(REGCTL), "status", "--metrics")
        equal((done.returncode, done.stdout), (7, b""))
        registry.start()


@test
def the_unit_for_node_exporter_replaces_its_file_as_a_whole():
    """Its command line, run with a folder of the test's own."""
    unit = (BUILD / "data" / "regd-metrics.service").read_text()
    command = next(line for line in unit.splitlines() if line.startswith("ExecStart="))
    script = command.split("-c ", 1)[1].strip().strip("'").replace("$$", "$")
    with Registry() as registry:
        script = re.sub(r"\S+/regctl ", program(REGCTL) + " ", script)
        folder = registry.directory / "collector"
        folder.mkdir()

        def collect():
            return subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=False,
                                  env={"FOLDER": str(folder), "REGD_BUS": registry.bus.address, "PATH": "/usr/bin:/bin"})
        equal(collect().returncode, 0, "the first time")
        before = (folder / "regd.prom").read_text()
        openmetrics.parse(before)
        registry.stop()
        done = collect()
        check(done.returncode != 0, "it fails without regd")
        equal((folder / "regd.prom").read_text(), before, "what was there stays")
        equal([path.name for path in folder.iterdir()], ["regd.prom"])
        registry.start()


@test
def the_timer_is_off_unless_somebody_wants_it():
    timer = (SOURCE / "data" / "regd-metrics.timer").read_text()
    contains(timer, "WantedBy=timers.target")
    equal("preset" in timer, False)


main()
