# SPDX-License-Identifier: MIT
"""Roots of other Debian systems: made by mmdebstrap once, kept below
/var/cache/regd-tests, and entered through an overlay, so that each trial begins
with one that was never touched. Takes root. To have a root made anew, remove it."""

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
CACHE = Path("/var/cache/regd-tests")
MIRROR = "http://deb.debian.org/debian"

# In a mount and process namespace of its own, with the machine's network for apt.
# $1: the folder that becomes /; $2: where apt keeps packages; then the command.
# pivot_root and not chroot: what is in a chroot may make no user namespaces.
ENTER = r"""
set -e
root=$1 packages=$2
shift 2
mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$root/../upper,workdir=$root/../work" "$root"
cd "$root"
mount -t proc proc proc
mount --rbind /dev dev
mount --rbind /sys sys
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs run
mkdir -p outside var/cache/apt/archives
mount --bind "$packages" var/cache/apt/archives
pivot_root . outside
umount -l /outside
cd /root
exec env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LC_ALL=C.UTF-8 "$@"
"""

# Packages start no servers: there is no init, and the ports are the machine's.
POLICY = "#!/bin/sh\nexit 101\n"


@dataclass(frozen=True)
class Root:
    """A Debian system: its folder's name, release, packages, architecture, and mmdebstrap's
    variant (extract: only unpacked, for a machine whose programs can't run here)."""

    name: str
    suite: str
    packages: tuple = ("ca-certificates", "git", "sudo")
    architecture: str = "amd64"
    variant: str = "minbase"


def why_not():
    """Why no root can be made and entered here; None: they can."""
    if os.geteuid() != 0:
        return "takes root, to make and enter roots of other systems"
    if not shutil.which("mmdebstrap"):
        return "takes mmdebstrap"
    if subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], check=False, capture_output=True).returncode:
        return "takes the right to make mount and process namespaces (CAP_SYS_ADMIN)"
    return None


def lead_links_inside(folder):
    """Absolute symbolic links, relative: a linker follows them from outside."""
    for path in folder.rglob("*"):
        if path.is_symlink() and path.readlink().is_absolute():
            target = folder / path.readlink().relative_to("/")
            path.unlink()
            path.symlink_to(os.path.relpath(target, path.parent))


def list_libraries():
    """The libraries that the project is compiled with, by data/debian/control."""
    control = (TOP / "data/debian/control").read_text()
    depends = re.search(r"^Build-Depends:(.*?)^\S", control, re.MULTILINE | re.DOTALL)[1]
    return tuple(re.findall(r"\b(?:lib|nettle)[\w.+-]*-dev\b", depends))


def make(root):
    """The folder of the root; made if it is not there."""
    folder = CACHE / "roots" / root.name
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{root.name}-") as scratch:
        new = Path(scratch) / "root"
        # The lists of a mirror that is seldom fetched are old, and no less signed.
        subprocess.run(["mmdebstrap", "--quiet", f"--variant={root.variant}", f"--architectures={root.architecture}",
                        f"--include={','.join(root.packages)}", '--aptopt=Acquire::Check-Valid-Until "false"',
                        root.suite, str(new), MIRROR], stdin=subprocess.DEVNULL, check=True)
        if root.variant == "extract":
            lead_links_inside(new)
        new.rename(folder)
    return folder


class Entered:
    """A root that is being tried in: what is written there is in an overlay."""

    def __init__(self, root, lower, folder):
        self.root, self.lower, self.folder = root, lower, folder
        self.packages = CACHE / "apt" / root.name
        for path in (folder / "upper", folder / "work", folder / "root", self.packages / "partial"):
            path.mkdir(parents=True, exist_ok=True)
        self.write("usr/sbin/policy-rc.d", POLICY, 0o755)
        self.write("etc/resolv.conf", Path("/etc/resolv.conf").read_text(), 0o644)

    def place(self, path):
        """A path of the overlay to write to from outside; folders above it are as they are below it."""
        target = self.folder / "upper"
        for part in Path(path).parent.parts:
            below = self.lower / target.relative_to(self.folder / "upper") / part
            target /= part
            if not target.exists():
                target.mkdir()
                target.chmod(below.stat().st_mode & 0o7777)
        return target / Path(path).name

    def write(self, path, text, mode):
        """A file of the overlay."""
        target = self.place(path)
        target.write_text(text)
        target.chmod(mode)

    def run(self, script):
        """Runs a bash script in it, as root: its status, and all that it printed."""
        words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "setarch",
                 "linux32" if self.root.architecture == "i386" else "linux64",
                 "bash", "-c", ENTER, "enter", str(self.folder / "root"), str(self.packages), "bash", "-c",
                 script + "\nexit $?"]  # its end keeps the shell there as process 1, which reaps what is left
        done = subprocess.run(words, env=os.environ | {"LOWER": str(self.lower)}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def clone(self, top, path):
        """A clone of the project's commit, as root made it there."""
        subprocess.run(["git", "clone", "--quiet", "--no-local", str(top), str(self.place(path))], check=True)


@contextmanager
def entered(root):
    """with entered(root) as system: a fresh one, gone after the block."""
    lower = make(root)
    trials = CACHE / "trials"
    trials.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=trials, prefix=f"{root.name}-"))
    folder.chmod(0o755)
    try:
        yield Entered(root, lower, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
