"""The completion of regctl in bash: verbs, options, keys, value names, revisions."""

import subprocess

from harness.case import equal, main, rows
from harness.process import BUILD, PATIENCE, SOURCE
from harness.registry import REG_SZ, SOFTWARE, Registry

KEY = SOFTWARE + "\\Acme"
SCRIPT = """
source "$1/data/completion/regctl.bash"
compopt() { :; }
shift
COMP_WORDS=("$@")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_regctl
printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(registry, *words):
    """What the shell would offer for the last word."""
    environment = {"PATH": f"{BUILD / 'client' / 'regctl'}:/usr/bin:/bin", "LC_ALL": "C.UTF-8",
                   "REGD_BUS": registry.bus.address}
    result = subprocess.run(["bash", "-c", SCRIPT, "bash", str(SOURCE), "regctl", *words], env=environment,
                            capture_output=True, timeout=PATIENCE, check=True, text=True)
    equal(result.stderr, "")
    return list(dict.fromkeys(line for line in result.stdout.splitlines() if line))


@rows([
    ("a verb", ["rollb"], ["rollback"]),
    ("verbs", ["d"], ["describe", "diff"]),
    ("an option of a verb", ["rollback", "--dry"], ["--dry-run"]),
    ("an option with something behind it", ["export", "--form"], ["--format="]),
    ("a root", ["get", "'HKEY_L"], ["HKEY_LOCAL_MACHINE"]),
    ("a key with backslashes", ["history", "'hklm\\software\\ac"], ["hklm\\software\\Acme"]),
    ("a key with slashes", ["ls", "/HKLM/SOFTWARE/Ac"], ["/HKLM/SOFTWARE/Acme"]),
    ("a value", ["blame", f"'{KEY}'", "po"], ["Port"]),
    ("a value with a blank", ["get", f"'{KEY}'", "'Two"], ["Two words"]),
    ("a revision", ["rollback", f"'{KEY}'", ""], ["3", "2"]),
    ("nothing", ["confirm", ""], []),
])
def completes(words, expected):
    with Registry() as registry:
        registry.client.set(KEY, "Port", REG_SZ, "x")
        registry.client.set(KEY, "Two words", REG_SZ, "x")
        equal(complete(registry, *words), expected)


main()
