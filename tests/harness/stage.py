# SPDX-License-Identifier: MIT
"""regd, an authority that the test plays, and a user who may not write: what tests of polkit begin with."""

import dbus

from harness.authority import Authority
from harness.bus import ALICE, needs_root, wait_for
from harness.case import check, equal
from harness.registry import REG_SZ, SOFTWARE, Refused, Registry, variant

KEY = SOFTWARE + "\\Acme"
DENIED = "AccessDenied"


class Stage:
    """regd, an authority, and a user who may not write below HKLM."""

    def __init__(self, **given):
        needs_root()
        self.registry = Registry(**given)

    def __enter__(self):
        self.registry.__enter__()
        self.root = self.registry.client
        self.root.create(KEY)
        self.alice = self.registry.connect(ALICE)
        self.authority = Authority(self.registry.bus)
        return self

    def __exit__(self, *what):
        self.registry.__exit__(*what)

    def ask_to_set(self, client=None, name="v"):
        return (client or self.alice).ask("SetValue", "ssuv", KEY, name, dbus.UInt32(REG_SZ), variant("new"))

    def values(self):
        return [name for name, *_ in self.root.values(KEY)]


def finish(outcome):
    """What the call was answered with."""
    wait_for(lambda: outcome, "an answer")
    return outcome[0]


def finish_refused(outcome, name=DENIED):
    refusal = finish(outcome)
    check(isinstance(refusal, Refused), f"it was not refused: {refusal!r}")
    equal(refusal.name, name)
    return refusal
