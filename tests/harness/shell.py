# SPDX-License-Identifier: MIT
"""Lines that are typed into a real shell, and what it completes them to."""

import os
import pty
import select
import shutil
import time

from harness.case import Failure, Skip, equal
from harness.process import BUILD, PATIENCE, SOURCE

LINE_DONE = b"\x18p"  # Ctrl-X p
BASH = ["bash", "--norc", "--noprofile", "-i"]
ZSH = ["zsh", "-f", "-i"]
START = {"bash": """PS1= PS2=
source "{source}/data/completion/regctl.bash"
source "{source}/data/completion/mailauthctl.bash"
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
        environment = {"PATH": f"{BUILD / 'client/regctl'}:{BUILD / 'mailauth/mailauthctl'}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TERM": "dumb",
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


def completes(registry, typed, expected, bus=None, shell=BASH):
    equal(type_into_shell(registry, typed, bus or registry.bus.address, shell), expected, typed)


def zsh():
    if not shutil.which("zsh"):
        raise Skip("zsh is not installed")
    return ZSH
