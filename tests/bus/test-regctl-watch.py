# SPDX-License-Identifier: MIT
"""regctl watch: a line an event, replays, and a regd that comes back."""

import json
import subprocess

from harness.case import contains, equal, main, test
from harness.process import PATIENCE, program
from harness.registry import (REG_SZ, Registry)
from harness.regctl import DONE, INVALID, KEY, refused, regctl


# ---- watching ----

class Watching:
    """A regctl watch under way."""

    def __init__(self, registry, *arguments):
        self.child = subprocess.Popen([program("client/regctl/regctl"), f"--bus={registry.bus.address}", "watch",
                                       *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.beginning = self.child.stderr.readline()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.communicate(timeout=PATIENCE)

    def read(self):
        return self.child.stdout.readline()


@test
def watch_prints_a_line_an_event_at_once():
    with Registry() as registry, Watching(registry, KEY) as watching:
        contains(watching.beginning, f"watching {KEY} after revision")
        revision = registry.client.set(KEY, "V", REG_SZ, "x")
        equal(watching.read(), f"{revision}\tkey-created\t{KEY}\n")
        equal(watching.read(), f"{revision}\tvalue-set\t{KEY}\tV\n")
        revision = registry.client.set(KEY, "", REG_SZ, "x")
        equal(watching.read(), f"{revision}\tvalue-set\t{KEY}\t@\n")


@test
def watch_ends_after_a_count_and_keeps_revisions_whole():
    with Registry() as registry, Watching(registry, "--count=1", "--json", KEY) as watching:
        revision = registry.client.set(KEY, "V", REG_SZ, "x")
        printed, _ = watching.child.communicate(timeout=PATIENCE)
        equal([json.loads(line) for line in printed.splitlines()],
              [{"revision": revision, "kind": "key-created", "key": KEY, "name": ""},
               {"revision": revision, "kind": "value-set", "key": KEY, "name": "V"}])
        equal(watching.child.returncode, DONE)


@test
def watch_replays_since_a_revision():
    with Registry() as registry:
        first = registry.client.set(KEY, "V", REG_SZ, "1")
        second = registry.client.set(KEY, "V", REG_SZ, "2")
        printed = regctl(registry, "-q", "watch", f"--since={first}", "--count=1", KEY)
        equal(printed, (DONE, f"{second}\tvalue-set\t{KEY}\tV\n", ""))
        refused(registry, INVALID, "watch", "--since=999999", KEY)


@test
def watch_goes_on_when_regd_is_back():
    with Registry() as registry:
        registry.client.create(KEY)
        with Watching(registry, KEY) as watching:
            revision = registry.client.set(KEY, "V", REG_SZ, "1")
            equal(watching.read(), f"{revision}\tvalue-set\t{KEY}\tV\n")
            for text in "23":
                registry.restart()
                revision = registry.client.set(KEY, "V", REG_SZ, text)
                equal(watching.read(), f"{revision}\tvalue-set\t{KEY}\tV\n")
            registry.kill()
            registry.start()
            revision = registry.client.set(KEY, "V", REG_SZ, "4")
            equal(watching.read(), f"{revision}\tvalue-set\t{KEY}\tV\n")


main()
