# SPDX-License-Identifier: MIT
"""The completion of mailauthctl in bash and zsh: verbs, options, users, members and
brokers, of the registry that the command line names."""

from harness.case import main, rows
from harness.mail import BROKERS
from harness.process import program
from harness.registry import REG_SZ, Registry
from harness.shell import BASH, completes, zsh

ROWS = [
    ("a verb", "mailauthctl {bus} rep", "mailauthctl {bus} repair "),
    ("a verb with a hyphen", "mailauthctl {bus} relo", "mailauthctl {bus} reload-certificate "),
    ("an option of a verb", "mailauthctl {bus} status --met", "mailauthctl {bus} status --metrics "),
    ("an option with something behind it", "mailauthctl {bus} test --prot", "mailauthctl {bus} test --protocol="),
    ("what stands behind an option", "mailauthctl {bus} test --protocol=i", "mailauthctl {bus} test --protocol=imap "),
    ("the same as the next word", "mailauthctl {bus} test --protocol i", "mailauthctl {bus} test --protocol imap "),
    ("what is done with users", "mailauthctl {bus} user pass", "mailauthctl {bus} user passwd "),
    ("a user", "mailauthctl {bus} user remove an", "mailauthctl {bus} user remove anna "),
    ("a user that is disabled", "mailauthctl {bus} user enable be", "mailauthctl {bus} user enable bert "),
    ("a user to test", "mailauthctl {bus} test an", "mailauthctl {bus} test anna "),
    ("no user that is new", "mailauthctl {bus} user add an", "mailauthctl {bus} user add an"),
    ("what is done with app passwords", "mailauthctl {bus} user app-password anna rem",
     "mailauthctl {bus} user app-password anna remove "),
    ("an app password", "mailauthctl {bus} user app-password anna remove ph",
     "mailauthctl {bus} user app-password anna remove phone "),
    ("what is shown of a user", "mailauthctl {bus} user sh", "mailauthctl {bus} user show "),
    ("a user to set", "mailauthctl {bus} user set an", "mailauthctl {bus} user set anna "),
    ("where a user's mail is", "mailauthctl {bus} user --mail", "mailauthctl {bus} user --mail-directory="),
    ("an option of app passwords", "mailauthctl {bus} user --exp", "mailauthctl {bus} user --expires="),
    ("a broker", "mailauthctl {bus} member --broker=1", "mailauthctl {bus} member --broker=17 "),
    ("a member", "mailauthctl {bus} --broker=17 member remove cl", "mailauthctl {bus} --broker=17 member remove clara "),
]


def fill(registry):
    registry.client.set(f"{BROKERS}\\17", "Type", REG_SZ, "sqlite")
    registry.client.set(f"{BROKERS}\\17", "Database", REG_SZ, str(registry.directory / "members.db"))
    for words in (["user", "add", "anna"], ["user", "add", "bert"], ["user", "disable", "bert"],
                  ["user", "app-password", "anna", "add", "phone"],
                  ["--broker=17", "member", "add", "clara"]):
        registry.run(program("mailauth/mailauthctl/mailauthctl"), f"--bus={registry.bus.address}", *words,
                     input=b"sesame\n")


def types(shell, typed, expected):
    with Registry() as registry:
        fill(registry)
        bus = f"--bus={registry.bus.address}"
        completes(registry, typed.format(bus=bus), expected.format(bus=bus), bus="unix:path=/nonexistent", shell=shell)


@rows(ROWS)
def in_bash(typed, expected):
    types(BASH, typed, expected)


@rows(ROWS)
def in_zsh(typed, expected):
    types(zsh(), typed, expected)


main()
