# SPDX-License-Identifier: MIT
"""The project's Debian packages, built by data/build-deb from the source as it lies
there, and what harness.machine boots with and without them. All is kept by digests
of what it is made of, so that it is made only when that has changed.

    with fresh_machine() as machine:        # a Debian that never had the packages
    with installed_machine() as machine:    # the same after `apt install`, booted again
"""

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
INSTALL = f"apt-get install --yes --no-install-recommends {INSIDE}/*.deb"


def git(*arguments, **variables):
    """What git prints; the clone may be another user's than root's."""
    done = subprocess.run(["git", "-c", "safe.directory=*", "-C", str(SOURCE), *arguments], capture_output=True,
                          text=True, check=False, env=os.environ | variables)
    if done.returncode != 0:
        raise Skip(f"takes a git clone, to build packages of: {done.stderr.strip()}")
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
    """The folder with the packages of the source as it is."""
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
        as_author = ["-c", "user.name=tests", "-c", "user.email=tests@localhost"]
        subprocess.run(f"git -c safe.directory='*' -C '{SOURCE}' archive {tree} | tar -x -C '{clone}'",
                       shell=True, check=True)
        subprocess.run(["git", "init", "--quiet"], cwd=clone, check=True)
        subprocess.run(["git", "add", "--all", "--force"], cwd=clone, check=True)
        subprocess.run(["git", *as_author, "commit", "--quiet", "--message=As it lies there"], cwd=clone, check=True)
        done = subprocess.run([f"{clone}/data/build-deb", str(folder)], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace", check=False)
    if done.returncode != 0:
        raise Failure(f"data/build-deb ended with status {done.returncode}: {done.stdout}")


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
def fresh_machine(packages=None):
    """A machine that never had the packages; they lie in INSIDE."""
    needs_machine()
    packages = packages or built_packages()
    with Machine([debian_image(dependencies(packages))], {INSIDE: packages}) as machine:
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
