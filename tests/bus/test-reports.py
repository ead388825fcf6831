# SPDX-License-Identifier: MIT
"""What a write says of itself: the report of CommitReport, and `changed` in the
JSON of every verb of regctl that writes."""

import json

from harness.case import contains, equal, main, test
from harness.registry import REG_DWORD, REG_SZ, Registry, operation_list, options
from harness.regctl import KEY, done

COUNTS = ("keys-created", "keys-deleted", "values-set", "values-deleted", "values-unchanged")


def commit_report(client, *operations, **given):
    """(revision, whether it changed something, the counts in order)."""
    revision, report = client.call("CommitReport", "a(sssuv)a{sv}", operation_list(operations), options(**given))
    return revision, report["changed"], tuple(report[count] for count in COUNTS)


@test
def a_commit_reports_what_it_did():
    with Registry() as registry:
        client = registry.client
        before = client.revision
        operations = [("set-value", KEY, "a", REG_DWORD, 1), ("set-value", KEY, "b", REG_SZ, "x")]
        equal(commit_report(client, *operations, dry_run=True), (before, True, (1, 0, 2, 0, 0)))
        equal(commit_report(client, *operations), (before + 1, True, (1, 0, 2, 0, 0)))
        equal(commit_report(client, *operations), (before + 1, False, (0, 0, 0, 0, 2)))
        equal(commit_report(client, *operations, dry_run=True), (before + 1, False, (0, 0, 0, 0, 2)))
        equal(commit_report(client, ("delete-value", KEY, "a"), ("set-value", KEY, "b", REG_SZ, "y"), comment="why"),
              (before + 2, True, (0, 0, 1, 1, 0)))
        equal(client.call("GetHistory", "sa{sv}", KEY, options(limit=1))[0]["comment"], "why")
        equal(commit_report(client, ("delete-tree", KEY)), (before + 3, True, (0, 1, 0, 1, 0)))
        equal(commit_report(client), (before + 3, False, (0, 0, 0, 0, 0)))


@test
def a_commit_that_ends_where_it_began_changes_nothing():
    with Registry() as registry:
        client = registry.client
        before = client.set(KEY, "n", REG_SZ, "x")
        there_and_back = ("set-value", KEY, "n", REG_SZ, "y"), ("set-value", KEY, "n", REG_SZ, "x")
        for dry_run in (True, False):
            equal(commit_report(client, *there_and_back, dry_run=dry_run)[:2], (before, False))


@test
def refusals_are_those_of_commit():
    with Registry() as registry:
        client = registry.client
        for member in ("Commit", "CommitReport"):
            client.refused("Conflict", member, "a(sssuv)a{sv}",
                           operation_list([("expect-value", KEY, "n", REG_SZ, "x")]), options(),
                           naming=("operation 0 (expect-value)", "n"))


def changed(registry, *words, **given):
    return json.loads(done(registry, "--json", *words, **given))["changed"]


@test
def every_verb_that_writes_says_whether_it_changed_something():
    with Registry() as registry:
        file = registry.directory / "a.reg"
        file.write_text(f"Windows Registry Editor Version 5.00\n\n[{KEY}\\File]\n\"x\"=\"y\"\n")
        registry.client.set(KEY, "gone", REG_SZ, "x")
        then = registry.client.set(KEY + "\\Other", "n", REG_SZ, "x")
        for words, again in (
                (("set", KEY, "n", "x"), False), (("set", "--comment=c", KEY, "n", "y"), False),
                (("create", KEY + "\\New"), False), (("create", "--volatile", KEY + "\\Vol"), False),
                (("acl", KEY, "everyone=read"), False), (("acl", KEY, "--inherit"), False),
                (("import", str(file)), False), (("mv", KEY + "\\File", "Moved"), None),
                (("cp", KEY + "\\Moved", KEY + "\\Copy"), None), (("unset", KEY, "gone"), None),
                (("rm", "-r", KEY + "\\Copy"), None), (("rm", KEY + "\\New"), None),
                (("rollback", KEY, str(then)), False)):
            equal(changed(registry, *words), True, words)
            if again is not None:
                equal(changed(registry, *words), again, f"{words} again")
        equal(changed(registry, "import", "--dry-run", str(file)), True)


@test
def others_commits_are_not_taken_for_ones_own():
    with Registry() as registry:
        registry.client.set(KEY, "n", REG_SZ, "x")
        done(registry, "acl", KEY, "everyone=read")
        registry.client.set(KEY, "n", REG_SZ, "y")
        equal(changed(registry, "acl", KEY, "everyone=read"), False)
        contains(done(registry, "acl", KEY), "everyone=read")


main()
