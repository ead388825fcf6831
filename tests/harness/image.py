# SPDX-License-Identifier: MIT
"""The Debian root that harness.machine boots: made once by mmdebstrap with every
package that the tests need, and kept, so that a run needs no network. It is never
written to afterwards; each machine works on a layer above it.

An image's name holds a digest of what is in it. A changed list makes a new image.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from harness.case import Failure, Skip

CACHE = Path("/var/cache/regd-tests/system")
KEPT = 4  # images, and sets of packages, that are kept: two branches can be worked on in turn
IN_USE = 3600  # s: what was asked for since then may be below a machine that another run has booted

# What a small server has, and what the tests take: mail servers, clients, both message buses.
PACKAGES = """systemd systemd-sysv dbus libpam-systemd iproute2 procps curl openssl ca-certificates
    dbus-broker postfix dovecot-imapd dovecot-pop3d python3-dbus""".split()

# mmdebstrap copies the host's name and resolver. The servers are installed but not
# started; a test that wants one starts it. The bus that Debian has by default is the
# one that an image boots with. A container has no kernel modules to load; Debian 13's
# service for them fails there, as it takes libkmod2, which nothing else asks for.
CUSTOMISE = """echo regd-test >"$1/etc/hostname"
echo "127.0.0.1 localhost regd-test" >"$1/etc/hosts"
rm -f "$1/etc/resolv.conf"
chroot "$1" systemctl disable postfix dovecot dbus-broker
chroot "$1" systemctl mask systemd-modules-load"""


def release():
    """The host's Debian by its code name. The image has the same, as the packages are built on the host."""
    for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.partition("=")[2].strip('"')
    raise Skip("takes a Debian that has a code name in /etc/os-release")


@contextmanager
def only_one(name):
    """Lets one process at a time do what NAME stands for, of all that test on this host."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def new_folder(final):
    """A folder to be filled, which gets its final name only once it is complete."""
    for old in CACHE.glob("unfinished-*"):
        if not Path(f"/proc/{old.name.split('-')[1]}").exists():  # its test was killed
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(dir=CACHE, prefix=f"unfinished-{os.getpid()}-"))
    folder.chmod(0o755)
    try:
        yield folder
        folder.rename(final)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remember_use(kind, used):
    """Removes all of this kind in the cache but those that were used last, or not long ago."""
    os.utime(used)
    by_use = sorted(CACHE.glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in by_use[KEPT:]:
        if old.stat().st_mtime < time.time() - IN_USE:
            shutil.rmtree(old, ignore_errors=True)


def digest(*texts):
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def debian_image(more=()):
    """The root with all of PACKAGES and the packages MORE. Raises Skip if it is not
    there and can't be made, with the reason."""
    suite = release()
    packages = sorted({*PACKAGES, *more})
    image = CACHE / f"image-{suite}-{digest(CUSTOMISE, *packages)}"
    with only_one("image"):
        if not image.exists():
            make(image, suite, packages)
        remember_use("image", image)
    return image


def make(image, suite, packages):
    if not shutil.which("mmdebstrap"):
        raise Skip("takes mmdebstrap, to make a Debian that can be booted")
    command = ["mmdebstrap", "--variant=minbase", f"--include={','.join(packages)}",
               f"--customize-hook={CUSTOMISE}", suite]
    with new_folder(image) as folder:
        done = subprocess.run([*command, str(folder)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                              env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"})
        if done.returncode != 0:
            for line in done.stdout.splitlines()[-20:]:
                print(f"# mmdebstrap: {line}", flush=True)
            raise no_image(done.stdout)


def no_image(printed):
    """Whether it is this host that has no network, or the list of packages that is wrong."""
    if "Could not resolve" in printed or "Unable to connect" in printed or "Temporary failure" in printed:
        return Skip("takes the network once, to make a Debian that can be booted")
    return Failure("mmdebstrap makes no Debian that can be booted; its last lines are above")
