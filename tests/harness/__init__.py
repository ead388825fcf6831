# SPDX-License-Identifier: MIT
"""What the integration tests are written with. See tests/harness/case.py for
how a test looks, registry.py for a registry of one's own."""
