# SPDX-License-Identifier: MIT
"""What a live view costs. Not a test: run it by hand, as
PYTHONPATH=tests REGD_BUILD_ROOT=build /usr/bin/python3 tests/bench/bench-view.py"""

import subprocess

from harness.process import program
from harness.registry import REG_SZ, SOFTWARE, Registry

KEY = SOFTWARE + "\\Bench"

with Registry() as registry:
    registry.client.commit([("set-value", key, "v", REG_SZ, "a short text")
                            for key in [KEY, *(f"{KEY}\\K{number}" for number in range(10))]])
    subprocess.run([program("tests/bench/view"), registry.bus.address, KEY], check=True)
