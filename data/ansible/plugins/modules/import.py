# SPDX-License-Identifier: MIT
"""The module regd.registry.import: a .reg file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: import
short_description: Apply a .reg file to the registry of regd
version_added: 0.2.0
description:
  - Applies a .reg file, or text in its place, as one commit, as a whole or not at all.
  - With O(owner), what it says is declared by that owner. With O(prune), what the owner has declared before and does
    not declare any more is taken away.
  - Text and files are in no result or log, and what a schema calls secret is in no difference.
author:
  - The regd authors (@regd)
options:
  src:
    description:
      - The file, on the controller (below C(files/), as for M(ansible.builtin.copy)), or on the host if O(remote_src=true).
    type: path
  remote_src:
    description:
      - O(src) is a path on the host.
    type: bool
    default: false
  content:
    description:
      - The text of the file, with its header (C(Windows Registry Editor Version 5.00)).
    type: str
  owner:
    description:
      - Who declares what the file says, for example the name of the role.
    type: str
  prune:
    description:
      - Take away what O(owner) has declared before and this file does not declare.
      - One owner's declarations have to be in one file, then.
    type: bool
    default: false
  lock:
    description:
      - Lock the values that the file declares, for this reason. The owner can go on changing them.
    type: str
  strict:
    description:
      - Fail if a line can't be read. Without it such lines are left out, with a warning.
    type: bool
    default: true
  only_missing:
    description:
      - Only add what is missing.
    type: bool
    default: false
  encoding:
    description:
      - What 8-bit text in the file is, by a name that iconv(1) knows.
    type: str
  precheck:
    description:
      - Preconditions for a change, the text of a .reg file. The values that it sets are there already, and the values and
        keys that it deletes are not. If one does not hold, the task fails and nothing is changed.
      - They do not count when everything is already as the file says.
    type: str
extends_documentation_fragment:
  - regd.registry.connection
  - regd.registry.connection.comment
attributes:
  check_mode:
    description: Says what would be done, after all of regd's checks, and writes nothing.
    support: full
  diff_mode:
    description: Shows what differs, as the file says it.
    support: full
seealso:
  - module: regd.registry.value
"""

EXAMPLES = r"""
- name: The settings of the shop, and no others of this role
  regd.registry.import:
    src: acme.reg
    owner: role acme
    prune: true
    lock: Ansible sets this

- name: A few lines
  regd.registry.import:
    content: |
      Windows Registry Editor Version 5.00

      [HKEY_LOCAL_MACHINE\SOFTWARE\Acme]
      "Port"=dword:00001f90
      "Old Port"=-

- name: Move on from version 1 only
  regd.registry.import:
    src: acme-2.reg
    precheck: |
      REGEDIT4
      [HKEY_LOCAL_MACHINE\SOFTWARE\Acme]
      "Version"="1"
"""

RETURN = r"""
revision:
  description: The revision of the change, or of the registry when nothing was to be changed.
  type: int
  returned: success
report:
  description: What regd has counted, with C(_) for C(-), for example C(values_set), C(values_pruned), C(values_drifted).
  type: dict
  returned: success
  sample: {"values_set": 2, "keys_created": 1}
error:
  description: What regd calls the error.
  type: str
  returned: failure
  sample: Conflict
"""

import tempfile  # noqa: E402

from ansible_collections.regd.registry.plugins.module_utils import data as datas  # noqa: E402
from ansible_collections.regd.registry.plugins.module_utils.host import COMMENT, HostModule, registry  # noqa: E402
from ansible_collections.regd.registry.plugins.module_utils.preview import Branch  # noqa: E402
from ansible_collections.regd.registry.plugins.module_utils.regfile import Reading  # noqa: E402

ARGUMENTS = COMMENT | {
    "src": {"type": "path"},
    "remote_src": {"type": "bool", "default": False},
    "content": {"type": "str"},
    "owner": {"type": "str"},
    "prune": {"type": "bool", "default": False},
    "lock": {"type": "str"},
    "strict": {"type": "bool", "default": True},
    "only_missing": {"type": "bool", "default": False},
    "encoding": {"type": "str"},
    "precheck": {"type": "str"},
}


class Task:
    """One file, and what it is applied to."""

    def __init__(self, module):
        self.module, self.params = module, module.params
        self.what = f"{self.params['src']}: " if self.params["src"] else ""
        self.text = self._read()
        self.settings = module.connect()

    def _read(self):
        if self.params["content"] is not None:
            return self.params["content"].encode()
        try:
            with open(self.params["src"], "rb") as file:
                return file.read()
        except OSError as problem:
            return self.module.fail_json(msg=f"{self.what}{problem.strerror}. `src` is a file of the controller, "
                                             "or with remote_src: true one of the host")

    def run(self, **more):
        """Has regd apply it. (revision, report)."""
        options = {name: self.params[name] or None for name in ("owner", "lock", "encoding")}
        options |= {name: self.params[name] for name in ("prune", "strict", "only_missing")}
        with tempfile.TemporaryFile() as file:
            file.write(self.text)
            file.flush()
            file.seek(0)
            return self.settings.import_file(file, **options | self.module.write_options() | more)

    def apply(self):
        """The same, on the conditions of the task."""
        with self.module.failing(self.what):
            if self.params["precheck"] is None:
                return self.run()
            tried = self.run(dry_run=True)
            if not tried[1]["changed"]:
                return self.run() if self.params["owner"] else tried
            expectations = self._expect()
            try:
                return self.run(expect=expectations)
            except registry.Conflict as problem:
                return self.module.fail_json(
                    msg=f"{self.what}nothing was changed, because a condition of precheck does not hold: {problem}. "
                        "`regctl blame` shows who has set the value; correct it or the condition.", error="Conflict")

    def _expect(self):
        conditions, reading = self.settings.transaction(), Reading(self.params["precheck"].encode())
        if reading.bad:
            self.module.fail_json(msg=f"precheck: line {reading.bad[0]} can't be read: conditions are the text of a .reg file, "
                                      "with its header", error="InvalidValue")
        for what, key, name, value in reading.operations:
            if what == "set":
                conditions.expect(key, name, value)
            elif what == "unset":
                conditions.expect_absent(key, name)
            elif what == "delete":
                conditions.expect_no_key(key)
        return conditions.operations

    def preview(self):
        """The difference that it makes. To be asked for before it is applied."""
        with self.module.failing(self.what):
            branch = Branch(self.settings, self.params["only_missing"])
            for operation in Reading(self.text, self.params["encoding"]).operations:
                branch.apply(*operation)
            if self.params["prune"]:
                branch.prune(self.params["owner"])
            return datas.difference(self.params["src"] or "content", *branch.draw())


def main():
    """Runs the module."""
    module = HostModule(ARGUMENTS, secrets=("content", "precheck"), required_one_of=[("src", "content")],
                        mutually_exclusive=[("src", "content")],
                        required_by={"lock": "owner"}, required_if=[("prune", True, ("owner",))])
    task = Task(module)
    shown = {"diff": task.preview()} if module._diff else {}  # pylint: disable=protected-access
    revision, report = task.apply()
    if report.get("lines-ignored"):
        module.warn(f"{task.what}{report['lines-ignored']} lines were left out; line {report.get('first-ignored-line')}: "
                    f"{report.get('first-ignored-reason')}")
    module.exit_json(changed=report["changed"], revision=revision,
                     report={name.replace("-", "_"): told for name, told in report.items()}, **shown)


if __name__ == "__main__":
    main()
