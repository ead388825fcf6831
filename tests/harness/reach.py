# SPDX-License-Identifier: MIT
"""Files of the project where every user can reach them, since tests run its
programs as several users: in place if all users may, else as a copy.

A clone below /root (mode 0700) is reached by root alone. tests/run then makes
one folder for the copies of all its tests and names it in REGD_REACHABLE; a
test that runs by itself makes its own and removes it."""

import atexit
import functools
import os
import shutil
import stat
import tempfile
from pathlib import Path

VARIABLE = "REGD_REACHABLE"


def is_open(path):
    """Whether all users may read it (enter it, run it), and may enter each folder above it."""
    mode = path.stat().st_mode
    wanted = stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
    return mode & wanted == wanted and all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents)


def make_folder():
    """A new folder for copies, which all users may enter."""
    folder = Path(tempfile.mkdtemp(prefix="regd-reachable-"))
    folder.chmod(0o755)
    return folder


@functools.cache
def own_folder():
    folder = make_folder()
    atexit.register(remove_own_folder, folder, os.getpid())
    return folder


def remove_own_folder(folder, owner):
    """By the process that made it only: a forked child leaves it alone."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def copy(path, target):
    """Whole or not at all: other tests may want the same at the same time."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        new = Path(scratch) / path.name
        if path.is_dir():
            shutil.copytree(path, new)
        else:
            shutil.copy2(path, new)
        for each in [new, *new.rglob("*")]:
            each.chmod(0o755 if each.is_dir() or os.access(each, os.X_OK) else 0o644)
        try:
            new.rename(target)
        except OSError:  # another test's copy of the folder is there already
            if not target.is_dir():
                raise


@functools.cache
def reachable(path):
    """The path itself, or that of a copy which all users can reach. Only root
    plays several users: for anybody else it is the path."""
    path = Path(path)
    if os.geteuid() != 0 or is_open(path):
        return path
    folder = Path(os.environ[VARIABLE]) if VARIABLE in os.environ else own_folder()
    target = folder / path.relative_to("/")
    if not target.exists():
        copy(path, target)
    return target
