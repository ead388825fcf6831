# SPDX-License-Identifier: MIT
"""The project's Debian packages, built by data/build-deb from the source as it lies
there, and what harness.machine boots with and without them. All is kept by digests
of what it is made of, so that it is made only when that has changed.

    with fresh_machine() as machine:        # a Debian that never had the packages
    with installed_machine() as machine:    # the same after `apt install`, booted again
"""

import functools
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from harness.case import Failure, Skip
from harness.image import CACHE, debian_image, digest, new_folder, only_one, release, remember_use
from harness.machine import Machine, needs_machine
from harness.process import SOURCE

INSIDE = "/srv/packages"  # where a machine has them
NOT_PACKAGED = ["tests", ".ci"]  # what differs only in these needs no new packages
# Each build is in another folder. Only with these does ccache know what it has compiled before.
FOR_CCACHE = ["CCACHE_NOHASHDIR=1", "DEB_BUILD_OPTIONS=reproducible=-fixfilepath"]
INSTALL = f"apt-get install --yes --no-install-recommends {INSIDE}/*.deb"


def run_git(*arguments, **variables):
    return subprocess.run(["git", "-c", "safe.directory=*", "-C", str(SOURCE), *arguments], capture_output=True,
                          text=True, check=False, env=os.environ | variables)


def git(*arguments, **variables):
    """What git prints; the clone may be another user's than root's."""
    if not shutil.which("git") or run_git("rev-parse", "HEAD").returncode != 0:
        raise Skip("takes a git clone with a commit, to build packages of")
    done = run_git(*arguments, **variables)
    if done.returncode != 0:
        raise Failure(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def current_tree():
    """The hash of a git tree of everything that lies there, committed or not."""
    with tempfile.TemporaryDirectory(prefix="regd-index-") as folder:
        index = {"GIT_INDEX_FILE": f"{folder}/index"}
        git("read-tree", "HEAD", **index)
        git("add", "--all", **index)
        return git("write-tree", **index)


def digest_of_tree(tree):
    listed = git("ls-tree", tree).splitlines()
    return digest(release(), *(line for line in listed if line.split("\t")[1] not in NOT_PACKAGED))


def built_packages():
    """The folder with the packages of the source as it is. A build that failed is not tried again."""
    folder, problem = try_to_build()
    if problem:
        raise problem
    return folder


@functools.cache
def try_to_build():
    try:
        return find_or_build(), None
    except (Failure, Skip) as problem:
        return None, problem


def find_or_build():
    tree = current_tree()
    packages = CACHE / f"packages-{digest_of_tree(tree)}"
    with only_one("packages"):
        if not packages.exists():
            with new_folder(packages) as folder:
                build(tree, folder)
        remember_use("packages", packages)
    return packages


def build(tree, folder):
    """Has data/build-deb make packages of that tree in a clone of its own, as it takes what is committed."""
    with tempfile.TemporaryDirectory(prefix="regd-packages-") as clone:
        as_author = "-c user.name=tests -c user.email=tests@localhost"
        run_all(f"git -c safe.directory='*' -C '{SOURCE}' archive {tree} | tar -x -C '{clone}'",
                f"cd '{clone}' && git init --quiet && git add --all --force",
                f"cd '{clone}' && git {as_author} commit --quiet --message='As it lies there'",
                f"{' '.join(FOR_CCACHE)} '{clone}/data/build-deb' '{folder}'")


# ---- the version before ----

# 0.1.0: the last before there were packages. Its programs, units, schemas and bus files
# are put into today's packages, so that what an upgrade meets is a database, daemons
# and units of that version, and today's maintainer scripts.
EARLIER, EARLIER_VERSION = "2f04db2ce1f2d905e5e012a323a1e429b25f1b71", "0.1.0-1"
EARLIER_TARGETS = ["regd/regd", "client/regctl/regctl", "mailauth/mailauthd", "mailauth/mailauthctl/mailauthctl",
                   "client/libregistry.so.0.1.0"]
# Its call of g_string_append() with a compound literal does not compile where that is a macro, as in newer GLibs.
EARLIER_MENDED = "s/^    g_string_append(out, /    (g_string_append)(out, /"
REPLACED = ["usr/sbin", "usr/bin", "lib/systemd", "usr/lib/systemd", "usr/share/dbus-1", "usr/share/regd"]


def earlier_packages():
    """The folder with packages of the version before."""
    needs_machine()
    packages = built_packages()
    earlier = CACHE / f"earlier-{digest(packages.name, EARLIER)}"
    with only_one("earlier"):
        if not earlier.exists():
            with new_folder(earlier) as folder:
                for package in packages.glob("*.deb"):
                    repack(package, installed_earlier(), folder)
        remember_use("earlier", earlier)
    return earlier


def installed_earlier():
    """A folder as `meson install` of that version fills it."""
    installed = CACHE / f"version-{digest(EARLIER, EARLIER_MENDED, release())}"
    if not installed.exists():
        git("cat-file", "-e", f"{EARLIER}^{{commit}}")
        with new_folder(installed) as folder, tempfile.TemporaryDirectory(prefix="regd-earlier-") as source:
            run_all(f"git -c safe.directory='*' -C '{SOURCE}' archive {EARLIER} | tar -x -C '{source}'",
                    f"sed -i '{EARLIER_MENDED}' '{source}/mailauth/mailauthctl/metrics.c'",
                    f"meson setup '{source}/build' '{source}' --prefix=/usr -Dwerror=false",
                    f"ninja -C '{source}/build' {' '.join(EARLIER_TARGETS)}",
                    f"DESTDIR='{folder}' meson install -C '{source}/build' --no-rebuild")
    return installed


def run_all(*commands):
    for command in commands:
        done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace", check=False)
        if done.returncode != 0:
            raise Failure(f"{command}: {done.stdout[-4000:]}")


def repack(package, installed, folder):
    """The package with the earlier version of those of its files that had one."""
    with tempfile.TemporaryDirectory(prefix="regd-repack-") as scratch:
        tree = Path(scratch) / "tree"
        run_all(f"dpkg-deb --raw-extract '{package}' '{tree}'")
        old = {path.name: path for top in REPLACED for path in (installed / top).rglob("*") if path.is_file()}
        for path in [path for top in REPLACED for path in (tree / top).rglob("*") if path.is_file()]:
            if path.name in old:
                shutil.copy(old[path.name], path)
        control = tree / "DEBIAN" / "control"
        control.write_text(control.read_text().replace(field(package, "Version"), EARLIER_VERSION))
        run_all(f"dpkg-deb --root-owner-group --build '{tree}' '{folder}'")


# ---- what they depend on ----

def field(package, name):
    return subprocess.run(["dpkg-deb", "--field", str(package), name], capture_output=True, text=True,
                          check=True).stdout.strip()


def dependencies(packages):
    """Names of the packages that they depend on, and are not among them: the image has these."""
    files = list(packages.glob("*.deb"))
    own = {field(file, "Package") for file in files}
    found = set()
    for file in files:
        wanted = f"{field(file, 'Depends')}, {field(file, 'Pre-Depends')}"
        found |= {re.split(r"[\s(|:]", each.strip())[0] for each in wanted.split(",") if each.strip()}
    return found - own


# ---- machines ----

@contextmanager
def fresh_machine(shared=None, more=()):
    """A machine that never had the packages; they lie in INSIDE. shared: further folders for it; more: Debian's packages."""
    needs_machine()
    packages = built_packages()
    with Machine([debian_image({*dependencies(packages), *more})], {INSIDE: packages, **(shared or {})}) as machine:
        yield machine


@contextmanager
def installed_machine():
    """A machine that the packages were installed on before it was booted."""
    needs_machine()
    packages = built_packages()
    image = debian_image(dependencies(packages))
    layer = CACHE / f"installed-{digest(packages.name, image.name)}"
    with only_one("installed"):
        if not layer.exists():
            with new_folder(layer) as folder:
                install_into(folder, image, packages)
        remember_use("installed", layer)
    with Machine([layer, image], {INSIDE: packages}) as machine:
        yield machine


def install_into(folder, image, packages):
    with Machine([image], {INSIDE: packages}, keep=folder) as machine:
        machine.run(INSTALL)
