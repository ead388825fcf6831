# SPDX-License-Identifier: MIT
"""regctl on a terminal: trees, windows, colours, secrets, the pager; and none of it in a pipe."""

import contextlib
import os
import re
import unicodedata

from harness.bus import own_name
from harness.case import check, contains, equal, main, test
from harness.process import program
from harness.registry import REG_DWORD, REG_SZ, Registry, operation_list, options
from harness.regctl import DONE, FAILED, KEY, NOT_FOUND, USAGE, done, refused, regctl
from harness.terminal import run_in_window

SCHEMA = r"""[key HKLM\SOFTWARE\Acme]
summary = Settings of the test

[value Password]
type = REG_SZ
secret
alias = Passphrase
"""
PAINT = re.compile("\x1b\\[[0-9;]*m")


def on_terminal(registry, columns, *arguments, **environment):
    """(exit code, what the terminal was sent) of regctl in a window."""
    given = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "PAGER", "LESS")}
    given |= {"TERM": "xterm", "LC_ALL": "C.UTF-8", "PAGER": "cat"} | environment
    given = {name: value for name, value in given.items() if value is not None}
    status, shown = run_in_window(program("client/regctl/regctl"), f"--bus={registry.bus.address}", *arguments,
                                  env=given, rows=40, columns=columns)
    return status, shown.replace("\r\n", "\n")


@contextlib.contextmanager
def described():
    """A registry with a schema that has a secret."""
    with Registry() as registry:
        folder = registry.directory / "schemas"
        folder.mkdir()
        (folder / "acme.schema").write_text(SCHEMA)
        folder.chmod(0o755)
        registry.stop()
        registry.schemas.append(folder)
        registry.start()
        yield registry


def plain(registry, columns, *arguments, **environment):
    status, shown = on_terminal(registry, columns, *arguments, **environment)
    equal(status, FAILED if arguments[0] == "diff" else DONE, shown)
    return PAINT.sub("", shown)


def furnish(registry):
    client = registry.client
    client.set(KEY, "Port", REG_DWORD, 25)
    client.set(KEY, "Password", REG_SZ, "hunter2")
    client.set(KEY, "A longer name", REG_SZ, "word " * 60)
    client.set(KEY + "\\Sub\\Deep", "x", REG_SZ, "y")
    client.create(KEY + "\\Sub\\Other")
    client.set(KEY + "\\Zed", "", REG_SZ, "d")


@test
def a_tree_is_drawn():
    with described() as registry:
        furnish(registry)
        for columns in (80, 200):
            shown = plain(registry, columns, "tree", KEY).splitlines()
            cut = "word " * 60
            room = columns - len("\u2502   A longer name  REG_SZ     ")
            equal(shown, [
                KEY,
                "\u2502   Port           REG_DWORD  25",
                "\u2502   Password       REG_SZ     (secret)",
                "\u2502   A longer name  REG_SZ     " + cut[:room - 1] + "\u2026",
                "\u251c\u2500\u2500 Sub",
                "\u2502   \u251c\u2500\u2500 Deep",
                "\u2502   \u2502       x  REG_SZ  y",
                "\u2502   \u2514\u2500\u2500 Other",
                "\u2514\u2500\u2500 Zed",
                "        @  REG_SZ  d"])
            check(all(len(line) <= columns for line in shown), "no line is wider than the window")


@test
def locks_and_trials_are_shown():
    with described() as registry:
        furnish(registry)
        client = registry.client
        for key, name, given in ((KEY, "Port", {}), (KEY, "A longer name", {}), (KEY + "\\Sub", "", {"recursive": True})):
            client.call("Lock", "sssa{sv}", key, name, "because " * 20, options(**given))
        client.commit([("set-value", KEY, "Password", REG_SZ, "tried")], confirm_within=600)
        for columns in (80, 200):
            shown = plain(registry, columns, "locks", KEY).splitlines()
            equal([line.split(own_name())[0] for line in shown],
                  [KEY, "    A longer name  ", "    Port           ", KEY + "\\Sub", "    all at and below  "])
            check(all(len(line) <= columns for line in shown), "no line is wider than the window")
            shown = plain(registry, columns, "trials")
            contains(shown, "\tuntil 20")
            contains(shown, "Password\tREG_SZ (secret) -> REG_SZ (secret)")
            check("tried" not in shown and "hunter2" not in shown, "secrets are not shown")


@test
def what_is_declared_and_found_stands_below_its_key():
    with described() as registry:
        furnish(registry)
        client = registry.client
        wide, odd = "\u65e5\u672c" * 40, "x\x7f\u202e"
        values = [("set-value", KEY, name, REG_SZ, "data " * 60) for name in ("Port", wide, "e\u0301" * 70, odd)]
        client.call("Commit", "a(sssuv)a{sv}", operation_list([*values, ("create-key", KEY + "\\Sub")]), options(owner="me"))
        client.set(KEY, "Port", REG_SZ, "drifted data")
        for columns in (80, 200):
            shown = plain(registry, columns, "declared", KEY).splitlines()
            equal([line.split()[0] for line in shown if line[0] != " "], [KEY, KEY + "\\Sub"])
            equal([line for line in shown if line.rstrip().endswith("drifted")], [line for line in shown if "Port" in line])
            contains(shown[-1], "    the key itself  me")
            found = plain(registry, columns, "find", "--values", "--keys", "*", KEY).splitlines()
            equal([line for line in found if line[0] != " "][:3], [KEY, KEY + "\\Sub", KEY + "\\Sub\\Deep"])
            for line in shown + found:
                check(width(line) <= columns, f"{width(line)} columns: {line}")
                check("\u202e" not in line and "\x7f" not in line and "\t" not in line, repr(line))


def width(line):
    """Columns of a terminal."""
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)


@test
def secrets_are_shown_when_they_are_asked_for():
    with described() as registry:
        furnish(registry)
        registry.client.set(KEY, "passphrase", REG_SZ, "opensesame")
        before = registry.client.revision
        registry.client.set(KEY, "Password", REG_SZ, "hunter3")
        for arguments in (("tree", KEY), ("ls", KEY), ("find", "--values", "pass", KEY), ("history", KEY),
                          ("blame", KEY, "Password"), ("diff", f"{KEY}@{before}", KEY)):
            shown = plain(registry, 80, *arguments)
            contains(shown, "(secret)")
            check("hunter" not in shown and "opensesame" not in shown, f"{arguments}: {shown}")
            contains(plain(registry, 80, *arguments, "--show-secrets"), "hunter3")
            contains(done(registry, *arguments) if arguments[0] != "diff" else regctl(registry, *arguments)[1],
                     "hunter3")
        contains(plain(registry, 80, "get", KEY, "Password"), "hunter3")


@test
def a_difference_hides_them_in_a_pipe_if_told_to():
    with described() as registry:
        furnish(registry)
        before = registry.client.revision
        registry.client.commit([("set-value", KEY, "Password", REG_SZ, "hunter3"), ("set-value", KEY, "Port", REG_DWORD, 26)])
        status, shown, _ = regctl(registry, "diff", "--hide-secrets", "--", f"{KEY}@{before}", KEY)
        equal(status, FAILED)
        contains(shown, "+  Port\tREG_DWORD\t26")
        contains(shown, "+  Password\tREG_SZ\t(secret)")
        check("hunter" not in shown, shown)
        refused(registry, USAGE, "--json", "diff", "--hide-secrets", f"{KEY}@{before}", KEY, naming=["--hide-secrets"])


@test
def colours_are_a_terminals():
    with Registry() as registry:
        furnish(registry)
        contains(on_terminal(registry, 80, "ls", KEY)[1], "\x1b[1;34mSub\x1b[0m")
        contains(on_terminal(registry, 80, "diff", KEY + "\\Sub", KEY + "\\Zed")[1], "\x1b[32m+  @")
        for arguments, environment in ((("ls", KEY, "--color=never"), {}), (("ls", KEY), {"NO_COLOR": "1"}),
                                       (("ls", KEY), {"TERM": "dumb"})):
            check("\x1b" not in on_terminal(registry, 80, *arguments, **environment)[1], str(arguments))
        contains(on_terminal(registry, 80, "ls", KEY, "--color=always", NO_COLOR="1")[1], "\x1b[")
        contains(done(registry, "ls", "--color=always", KEY), "\x1b[1;34mSub\x1b[0m\n")
        equal(PAINT.sub("", done(registry, "tree", "--color=always", KEY)), done(registry, "tree", KEY))
        equal(regctl(registry, "ls", "--color=sometimes", KEY)[0], USAGE)


@test
def long_output_goes_through_the_pager():
    with described() as registry:
        furnish(registry)
        for arguments in (("history", KEY), ("blame", KEY, "Port"), ("describe", KEY), ("diff", KEY, KEY + "\\Zed")):
            status, shown = on_terminal(registry, 80, *arguments, PAGER="sed s/^/paged:/; echo end of $LESS")
            check(shown.count("paged:") == shown.count("\n") - 1 and shown.endswith("end of FRX\n"), shown)
            equal(status, FAILED if arguments[0] == "diff" else DONE)
        for pager in ("", "cat"):
            status, shown = on_terminal(registry, 80, "history", KEY, PAGER=pager)
            equal((status, "value-set" in shown), (DONE, True))
        check("paged:" not in on_terminal(registry, 80, "ls", KEY, PAGER="sed s/^/paged:/")[1], "a list is not paged")


@test
def long_data_of_the_past_is_cut():
    with Registry() as registry:
        furnish(registry)
        registry.client.set(KEY, "A longer name", REG_SZ, "other " * 60)
        for arguments in (("history", KEY), ("blame", KEY, "A longer name")):
            for columns in (80, 200):
                shown = plain(registry, columns, *arguments)
                contains(shown, ("word " * 60)[:columns - 1] + "\u2026 -> REG_SZ " + ("other " * 60)[:columns - 1] + "\u2026\n")
            contains(done(registry, *arguments), "word " * 60 + " -> REG_SZ " + "other " * 60)


@test
def long_data_that_differs_is_shown_where_it_does():
    with Registry() as registry:
        furnish(registry)
        columns, long = 80, "\u00e9x" * 200
        for old, new, shown_old, shown_new in (
                (long + "old" + long, long + "new" + long, "\u2026" + ("\u00e9x" * 10) + "old" + long[:55] + "\u2026",
                 "\u2026" + ("\u00e9x" * 10) + "new" + long[:55] + "\u2026"),
                ("a" + long, "b" + long, ("a" + long)[:79] + "\u2026", ("b" + long)[:79] + "\u2026"),
                (long + "\u00e9", long + "\u00e8", "\u2026" + "\u00e9x" * 10 + "\u00e9", "\u2026" + "\u00e9x" * 10 + "\u00e8"),
                ("a", "b", "a", "b")):
            registry.client.set(KEY, "V", REG_SZ, old)
            before = registry.client.revision
            registry.client.set(KEY, "V", REG_SZ, new)
            lines = plain(registry, columns, "diff", f"{KEY}@{before}", KEY).splitlines()
            equal(lines[-2:], [f"-  V\tREG_SZ\t{shown_old}", f"+  V\tREG_SZ\t{shown_new}"])
            equal(regctl(registry, "diff", f"{KEY}@{before}", KEY)[1].splitlines()[-1], f"+  V\tREG_SZ\t{new}")


@test
def without_a_pager_the_terminal_is_written_to():
    with Registry() as registry:
        furnish(registry)
        for environment in ({"PAGER": "no-such-pager"}, {"PATH": "/nowhere"}):
            given = {"PAGER": None} | environment
            status, shown = on_terminal(registry, 80, "history", KEY, **given)
            equal((status, "value-set" in shown, "not found" in shown), (DONE, True, False), str(environment))


@test
def blanks_of_the_data_stay():
    with Registry() as registry:
        for name, data in (("empty", ""), ("none", "a"), ("two", "a  ")):
            registry.client.set(KEY, name, REG_SZ, data)
        equal(plain(registry, 80, "ls", KEY), "empty  REG_SZ\nnone   REG_SZ  a\ntwo    REG_SZ  a  \n")


@test
def what_was_meant_is_asked():
    with Registry() as registry:
        registry.client.set(KEY, "MBS Package", REG_SZ, "x")
        registry.client.create(KEY + "\\Parameters System\\Deep")
        for arguments, meant in ((("get", KEY, "MBS Pakage"), '"MBS Package"'),
                                 (("unset", KEY, "--name=MBSPackage"), '"MBS Package"'),
                                 (("ls", KEY + "\\ParametersSystem\\Deep"), f'"{KEY}\\Parameters System"'),
                                 (("get", "HKLM\\SOFTWAER\\Acme", "x"), '"HKLM\\SOFTWARE"')):
            status, _, said = regctl(registry, *arguments)
            equal(status, NOT_FOUND)
            check(said.endswith(f"; did you mean {meant}?\n"), said)
        check("did you mean" not in regctl(registry, "get", KEY, "Quite another")[2], "nothing is near")
        for verb, meant in (("tre", '"tree"'), ("delete", '"rm", "unset"'), ("query", '"get", "ls"'), ("mkdir", '"create"'), ("log", '"history"'),
                            ("hlep", '"help"'), ("exprot", '"export"')):
            contains(regctl(registry, verb, KEY)[2], f"{verb}: no such verb; did you mean {meant}?")
        contains(regctl(registry, "frobnicate")[2], "regctl --help lists them")
        check("did you mean" not in regctl(registry, "diff", f"{KEY}@1", KEY + "\\Nope")[2], "it may be of the other")


@test
def regctl_by_itself_shows_its_help():
    with Registry() as registry:
        status, shown = on_terminal(registry, 80)
        equal(status, USAGE)
        contains(shown, "Verbs:")
        equal(regctl(registry)[:2], (USAGE, ""))


main()
