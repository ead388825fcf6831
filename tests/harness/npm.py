# SPDX-License-Identifier: MIT
"""Libraries in JavaScript that Debian has no packages of: npm fetches them for a test, and installs none of their
scripts. A test is left out where they can't be had.

    folder = node_modules("axe-core@4.14.1")
"""

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness.case import Skip
from harness.process import PATIENCE


@functools.cache
def _fetch(packages):
    """The folder that holds them (which ends with the process), and why it does not."""
    if not shutil.which("npm"):
        return None, "takes npm"
    folder = tempfile.TemporaryDirectory(prefix="regd-npm-")
    done = subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", f"--prefix={folder.name}", *packages],
                          capture_output=True, text=True, timeout=PATIENCE, check=False)
    return folder, "" if done.returncode == 0 else f"takes npm's registry: {done.stderr[-200:]!r}"


def node_modules(*packages):
    folder, reason = _fetch(packages)
    if reason:
        raise Skip(reason)
    return Path(folder.name) / "node_modules"
