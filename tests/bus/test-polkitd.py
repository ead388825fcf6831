# SPDX-License-Identifier: MIT
"""regd, regctl and a real polkitd with this project's action: rules, passwords, the owner of the action."""

import os
import subprocess

import dbus

from harness.bus import ALICE, BOB, CAROL, needs_root, wait_for
from harness.case import check, contains, equal, main, test
from harness.polkitd import Agent, Polkitd
from harness.process import PATIENCE, program
from harness.registry import REG_SZ, Registry, options, variant
from harness.regctl import DENIED, DONE, KEY

# Alice may, Bob may not, and others are as the action says.
RULES = """polkit.addRule(function(action, subject) {
  if (action.id == "org.regd.registry.administer" && subject.user == "games")
    return polkit.Result.YES;
  if (action.id == "org.regd.registry.administer" && subject.user == "news")
    return polkit.Result.NO;
});
polkit.addAdminRule(function() { return ["unix-user:root"]; });
"""


def ask_to_set(client, name="v"):
    outcome = client.ask("SetValue", "ssuv", KEY, name, dbus.UInt32(REG_SZ), variant("new"))
    wait_for(lambda: outcome, "an answer")
    return outcome[0]


@test
def rules_say_who_is_an_administrator():
    needs_root()
    with Registry() as registry, Polkitd(registry.bus, RULES):
        registry.client.create(KEY)
        revision = ask_to_set(registry.connect(ALICE))
        [entry] = registry.client.call("GetHistory", "sa{sv}", KEY, options(limit=1))
        equal((entry["revision"], entry["uid"]), (revision, ALICE))
        for uid in (BOB, CAROL):  # there is nobody to ask Carol for a password
            equal(ask_to_set(registry.connect(uid), "w").name, "AccessDenied")
        equal([name for name, *_ in registry.client.values(KEY)], ["v"])


@test
def a_regd_that_is_not_root_may_ask_as_the_owner_of_the_action():
    needs_root()
    for owner, is_granted in (("list", True), ("root", False)):
        with Registry(uid=CAROL) as registry, Polkitd(registry.bus, RULES, owner):
            registry.client.create(KEY)
            answer = ask_to_set(registry.connect(ALICE))
            equal((owner, isinstance(answer, int)), (owner, is_granted))


class Waiting:
    """A regctl of Carol's on a terminal, which runs when it is told to."""

    def __init__(self, registry, *arguments):
        self.ours, theirs = os.openpty()
        os.fchown(theirs, CAROL, -1)
        script = 'read -r line && exec "$@"'
        command = [program("client/regctl/regctl"), f"--bus={registry.bus.address}", *arguments]
        self.child = subprocess.Popen(["sh", "-c", script, "sh", *command], stdin=theirs, stdout=theirs, stderr=theirs,
                                      user=CAROL, group=CAROL, extra_groups=[], env=os.environ | {"LC_ALL": "C.UTF-8"})
        os.close(theirs)

    def run(self):
        os.write(self.ours, b"\n")

    def finish(self):
        try:
            return self.child.wait(PATIENCE)
        finally:
            os.close(self.ours)


@test
def a_password_makes_one_run_of_regctl_an_administrators():
    needs_root()
    with Registry() as registry, Polkitd(registry.bus, RULES):
        registry.client.create(KEY)
        for is_right in (True, False):
            regctl = Waiting(registry, "set", KEY, f"v{is_right}", "new")
            agent = Agent(registry.bus, regctl.child.pid)
            regctl.run()
            question = agent.wait()
            action, message = question.get_args_list()[:2]
            equal(str(action), "org.regd.registry.administer")
            contains(str(message), "registry")
            if is_right:
                agent.authenticate(question)
            else:
                agent.end(question)
            equal((is_right, regctl.finish()), (is_right, DONE if is_right else DENIED))
        equal([name for name, *_ in registry.client.values(KEY)], ["vTrue"])


@test
def the_dialog_closes_when_its_client_leaves():
    needs_root()
    with Registry() as registry, Polkitd(registry.bus, RULES):
        registry.client.create(KEY)
        regctl = Waiting(registry, "set", KEY, "v", "new")
        agent = Agent(registry.bus, regctl.child.pid)
        regctl.run()
        cookie = str(agent.wait().get_args_list()[4])
        regctl.child.kill()
        wait_for(lambda: agent.cancelled, "the question to be cancelled")
        equal(agent.cancelled, [cookie])
        regctl.finish()
        check(not registry.client.values(KEY), "it was written")


main()
