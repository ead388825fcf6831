# SPDX-License-Identifier: MIT
"""The options that modules of this collection share."""

from __future__ import annotations


class ModuleDocFragment:
    """connection: of all; comment: of those that write."""

    DOCUMENTATION = r"""
options:
  bus:
    description:
      - The bus that regd is on, V(system), V(session) or a D-Bus address.
      - Without it, the environment variable E(REGD_BUS) names the bus, else it is the system's.
    type: str
requirements:
  - python3-registry on the host
"""

    COMMENT = r"""
options:
  comment:
    description:
      - What history keeps with the revision.
      - "Without it, the names of the play and the task, as C(ansible: PLAY: TASK)."
    type: str
"""
