# SPDX-License-Identifier: MIT
"""What calls of regd cost, beside what bounds them. Not a test: run it by hand, as
PYTHONPATH=tests REGD_BUILD_ROOT=build tests/bench/bench-calls.py"""

import subprocess
import tempfile

from harness.process import program
from harness.registry import Registry

with Registry() as registry, tempfile.TemporaryDirectory() as directory:
    subprocess.run([program("tests/bench/calls"), registry.bus.address, directory], check=True)
