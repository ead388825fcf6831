# SPDX-License-Identifier: MIT
"""Ansible's results for tests: each a line of JSON on standard output."""

import json

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: lines
type: stdout
short_description: A line of JSON for each result
description: [For tests.]
"""


class CallbackModule(CallbackBase):
    """See above."""

    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "stdout", "lines"

    def v2_runner_on_ok(self, result):
        print(json.dumps(result._result), flush=True)  # pylint: disable=protected-access

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.v2_runner_on_ok(result)

    def v2_runner_on_unreachable(self, result):
        self.v2_runner_on_ok(result)
