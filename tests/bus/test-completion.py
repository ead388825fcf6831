# SPDX-License-Identifier: MIT
"""The completion of regctl in bash: verbs, options, keys, value names, revisions,
of the registry that the command line names. Lines are typed into a real shell."""

import shutil

from harness.case import equal, main, rows, test
from harness.registry import REG_SZ, SOFTWARE, Registry
from harness.shell import BASH, completes, zsh

KEY = SOFTWARE + "\\Acme"


def fill(registry):
    registry.client.set(KEY, "Port", REG_SZ, "x")
    registry.client.set(KEY, "Two words", REG_SZ, "x")


@rows([
    ("a verb", "regctl rollb", "regctl rollback "),
    ("verbs that begin alike", "regctl d", "regctl d"),
    ("an option of a verb", "regctl rollback --dry", "regctl rollback --dry-run "),
    ("an option of every verb", "regctl --no-a", "regctl --no-ask "),
    ("an option with something behind it", "regctl export --form", "regctl export --format="),
    ("what stands behind an option", "regctl export --format=j", "regctl export --format=json "),
    ("the same as the next word", "regctl export --encoding utf-8", "regctl export --encoding utf-8 "),
    ("a hive", "regctl export --format=h", "regctl export --format=hive "),
    ("when to paint", "regctl ls --color=n", "regctl ls --color=never "),
    ("the key that a hive becomes", "regctl import --at=/HKLM/SOFTWARE/Ac", "regctl import --at=/HKLM/SOFTWARE/Acme"),
    ("a verb to explain", "regctl help rollb", "regctl help rollback "),
    ("a type", "regctl set -t dword-", "regctl set -t dword-be "),
    ("a root", "regctl get 'HKEY_L", "regctl get 'HKEY_LOCAL_MACHINE'"),
    ("a key with backslashes", "regctl history 'hklm\\software\\ac", "regctl history 'hklm\\software\\Acme'"),
    ("a key with slashes", "regctl ls /HKLM/SOFTWARE/Ac", "regctl ls /HKLM/SOFTWARE/Acme"),
    ("a value", f"regctl blame '{KEY}' po", f"regctl blame '{KEY}' Port "),
    ("a value to forget", f"regctl purge '{KEY}' po", f"regctl purge '{KEY}' Port "),
    ("a value with a blank", f"regctl get '{KEY}' 'Two", f"regctl get '{KEY}' 'Two words' "),
    ("behind options", "regctl --comment x --json rm -r /HKLM/SOFTWARE/Ac",
     "regctl --comment x --json rm -r /HKLM/SOFTWARE/Acme"),
    ("behind an option with =", "regctl --comment='a b' get /HKLM/SOFTWARE/Ac",
     "regctl --comment='a b' get /HKLM/SOFTWARE/Acme"),
    ("a revision", f"regctl rollback '{KEY}' 2", f"regctl rollback '{KEY}' 2 "),
    ("nothing", "regctl confirm ", "regctl confirm "),
])
def in_bash(typed, expected):
    with Registry() as registry:
        fill(registry)
        completes(registry, typed, expected)


@test
def the_bus_of_the_line_is_asked():
    with Registry() as registry:
        fill(registry)
        for option in (f"--bus={registry.bus.address}", f"--bus {registry.bus.address}"):
            completes(registry, f"regctl {option} ls /HKLM/SOFTWARE/Ac", f"regctl {option} ls /HKLM/SOFTWARE/Acme",
                      bus="unix:path=/nonexistent")


@test
def the_database_of_the_line_is_asked():
    with Registry() as registry:
        fill(registry)
        registry.stop()
        shutil.copy(registry.database, registry.directory / "a copy.db")
        for option in ("--database='a copy.db'", "--database=a\\ copy.db", "--database '~/a copy.db'"):
            completes(registry, f"regctl {option} get /HKLM/SOFTWARE/Acme po",
                      f"regctl {option} get /HKLM/SOFTWARE/Acme Port ", bus="unix:path=/nonexistent")
        completes(registry, "regctl --database=none.db ls /HKLM/SO", "regctl --database=none.db ls /HKLM/SO",
                  bus="unix:path=/nonexistent")
        equal((registry.directory / "none.db").exists(), False, "completion makes no database")
        registry.start()


# In place of regctl: a fleet with a host that would run a command.
HOSTILE_FLEET = """regctl() { printf '%s\\n' 'HOST  COMMIT' 'node$(touch${IFS}ran)  7' 'other  7'; }
"""


@rows([("bash", lambda: BASH), ("zsh", zsh)])
def a_hosts_name_is_only_text(shell):
    with Registry() as registry:
        completes(registry, HOSTILE_FLEET + "regctl fleet forget no", r"regctl fleet forget node\$\(touch\$\{IFS\}ran\) ",
                  shell=shell())
        equal((registry.directory / "ran").exists(), False, "its name was run")


@rows([
    ("a verb", "regctl rollb", "regctl rollback "),
    ("what stands behind an option", "regctl export --format=j", "regctl export --format=json "),
    ("a key with backslashes", "regctl history 'hklm\\software\\ac", "regctl history 'hklm\\software\\Acme"),
    ("a key with slashes", "regctl ls /HKLM/SOFTWARE/Ac", "regctl ls /HKLM/SOFTWARE/Acme"),
    ("a value", f"regctl blame '{KEY}' po", f"regctl blame '{KEY}' Port "),
    ("behind options", "regctl --comment x --json rm -r /HKLM/SOFTWARE/Ac",
     "regctl --comment x --json rm -r /HKLM/SOFTWARE/Acme"),
    ("a revision", f"regctl rollback '{KEY}' 2", f"regctl rollback '{KEY}' 2 "),
])
def in_zsh(typed, expected):
    shell = zsh()
    with Registry() as registry:
        fill(registry)
        completes(registry, typed, expected, shell=shell)


@test
def the_database_of_the_line_is_asked_in_zsh():
    shell = zsh()
    with Registry() as registry:
        fill(registry)
        registry.stop()
        shutil.copy(registry.database, registry.directory / "a copy.db")
        for option in ("--database='a copy.db'", "--database '~/a copy.db'"):
            completes(registry, f"regctl {option} get /HKLM/SOFTWARE/Acme po",
                      f"regctl {option} get /HKLM/SOFTWARE/Acme Port ", bus="unix:path=/nonexistent", shell=shell)
        registry.start()


main()
