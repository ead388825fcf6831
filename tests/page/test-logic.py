# SPDX-License-Identifier: MIT
"""The logic of the page, in Node's own test runner: it prints the TAP. Node takes a file for a module
only beside a package.json that says so, so the page is copied to where there is one."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.process import SOURCE

if shutil.which("node") is None:
    print("1..0 # SKIP takes node (package nodejs)")
    sys.exit(0)

with tempfile.TemporaryDirectory(prefix="regd-test-logic-") as folder:
    shutil.copytree(SOURCE / "data" / "cockpit", Path(folder) / "page")
    shutil.copytree(SOURCE / "tests" / "page" / "logic", Path(folder) / "tests")
    (Path(folder) / "package.json").write_text('{"type": "module"}')
    status = subprocess.run(["node", "--test-reporter=tap", str(Path(folder) / "tests" / "all.js")], check=False).returncode
sys.exit(status)
