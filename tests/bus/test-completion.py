# SPDX-License-Identifier: MIT
"""The completion of regctl in bash: verbs, options, keys, value names, revisions,
of the registry that the command line names. Lines are typed into a real shell."""

import os
import pty
import select
import shutil
import time

from harness.case import Failure, Skip, equal, main, rows, test
from harness.process import BUILD, PATIENCE, SOURCE
from harness.registry import REG_SZ, SOFTWARE, Registry

KEY = SOFTWARE + "\\Acme"
LINE_DONE = b"\x18p"  # Ctrl-X p
BASH = ["bash", "--norc", "--noprofile", "-i"]
ZSH = ["zsh", "-f", "-i"]
START = {"bash": """PS1= PS2=
source "{source}/data/completion/regctl.bash"
bind 'set enable-bracketed-paste off'
bind 'set page-completions off'
bind -x '"\\C-xp": printf "%s|" "$READLINE_LINE" >"{out}.new"; mv "{out}.new" "{out}"; READLINE_LINE='
printf '' >"{out}.ready"
""", "zsh": """PS1= PS2= PROMPT_EOL_MARK=
fpath=("{source}/data/completion" $fpath)
autoload -U compinit && compinit -D -u
show() {{ print -rn -- "$BUFFER|" >"{out}.new"; mv "{out}.new" "{out}"; BUFFER= }}
zle -N show && bindkey '^Xp' show
printf '' >"{out}.ready"
"""}


def wait_for_file(path, terminal):
    """The text of a file that appears; what the shell prints is read and dropped."""
    limit, said = time.monotonic() + PATIENCE, b""
    while not path.exists():
        if time.monotonic() > limit:
            raise Failure(f"the shell does not go on: {said!r}")
        if select.select([terminal], [], [], 0.01)[0]:
            said += os.read(terminal, 4096)
    return path.read_text(encoding="utf-8")


def type_into_shell(registry, typed, bus, shell):
    """What the line is after the tabulator."""
    out = registry.directory / "line"
    process, terminal = pty.fork()
    if process == 0:
        environment = {"PATH": f"{BUILD / 'client' / 'regctl'}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TERM": "dumb",
                       "HOME": str(registry.directory), "REGD_BUS": bus, "INPUTRC": "/dev/null",
                       "REGD_PROGRAM": str(BUILD / "regd" / "regd")}
        os.chdir(registry.directory)
        os.execve(shutil.which(shell[0]), shell, environment)
    try:
        os.write(terminal, START[shell[0]].format(source=SOURCE, out=out).encode())
        wait_for_file(out.with_name("line.ready"), terminal)
        os.write(terminal, typed.encode() + b"\t" + LINE_DONE)
        line = wait_for_file(out, terminal).removesuffix("|")
        os.write(terminal, b"exit\n")
        return line
    finally:
        os.close(terminal)
        os.waitpid(process, 0)
        for name in ("line", "line.ready"):
            (registry.directory / name).unlink(missing_ok=True)


def fill(registry):
    registry.client.set(KEY, "Port", REG_SZ, "x")
    registry.client.set(KEY, "Two words", REG_SZ, "x")


def completes(registry, typed, expected, bus=None, shell=BASH):
    equal(type_into_shell(registry, typed, bus or registry.bus.address, shell), expected, typed)


def zsh():
    if not shutil.which("zsh"):
        raise Skip("zsh is not installed")
    return ZSH


@rows([
    ("a verb", "regctl rollb", "regctl rollback "),
    ("verbs that begin alike", "regctl d", "regctl d"),
    ("an option of a verb", "regctl rollback --dry", "regctl rollback --dry-run "),
    ("an option with something behind it", "regctl export --form", "regctl export --format="),
    ("what stands behind an option", "regctl export --format=j", "regctl export --format=json "),
    ("the same as the next word", "regctl export --encoding utf-8", "regctl export --encoding utf-8 "),
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
