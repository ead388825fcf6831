# SPDX-License-Identifier: MIT
"""Machines for data/install: source and build tree lie there where they lie here, as
the build tree knows of both. The machine has Meson but no compiler.

    with source_machine() as machine:
        machine.run(INSTALL)
"""

from contextlib import contextmanager

from harness.image import debian_image
from harness.machine import Machine, needs_machine
from harness.packages import built_packages, dependencies
from harness.process import BUILD, SOURCE

# Meson writes its log of an installation into the build tree, which is read-only in the machine.
PLACE_FOR_LOG = f"mountpoint --quiet {BUILD}/meson-logs || mount -t tmpfs tmpfs {BUILD}/meson-logs"
INSTALL = f"({PLACE_FOR_LOG}) && {SOURCE}/data/install --build={BUILD}"
REMOVE = f"{SOURCE}/data/install --remove"


@contextmanager
def source_machine():
    """A machine that never had the project; what data/install needs is there."""
    needs_machine()
    image = debian_image({*dependencies(built_packages()), "meson"})
    with Machine([image], {str(folder): folder for folder in {SOURCE, BUILD}}) as machine:
        yield machine
