# SPDX-License-Identifier: MIT
"""The module regd.registry.value: one value."""

from __future__ import annotations

DOCUMENTATION = r"""
module: value
short_description: Set or delete a value in the registry of regd
version_added: 0.2.0
description:
  - Sets one value of a key, or deletes it. Missing keys are made.
  - Data that a schema calls secret is in no result, difference or log.
author:
  - The regd authors (@regd)
options:
  key:
    description:
      - The path of the key, as V(HKLM\\SOFTWARE\\Acme) or V(/HKLM/SOFTWARE/Acme).
      - In YAML a path needs no quotes, or single ones; in double quotes each backslash is doubled.
    type: str
    required: true
  name:
    description:
      - The name of the value. The empty name is the key's default value.
    type: str
    default: ""
  type:
    description:
      - V(sz), V(expand), V(multi), V(dword), V(qword), V(binary), V(none), V(dword-be), V(link), a C(REG_) name
        or a number.
      - Without it, the type that a schema demands, else the one that the value has now, else the one that
        O(data) suggests, C(multi) for a list, C(dword) or C(qword) for a number, C(sz) for text.
    type: str
  data:
    description:
      - Text, a number (in decimal or with C(0x), as YAML's number or text), a list of strings for C(multi),
        or pairs of hexadecimal digits for bytes.
      - It is needed if O(state=present).
    type: raw
  expect:
    description:
      - A precondition for a change, the data that is there before, of the same type as O(data).
        If it is not, the task fails and nothing is changed.
      - It does not count when the value is already as it should be.
    type: raw
  expect_absent:
    description:
      - A precondition for a change, that there is no such value.
    type: bool
    default: false
  owner:
    description:
      - Who declares this (see regctl(1), C(declared)).
    type: str
  state:
    description:
      - Whether the value shall be there.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - regd.registry.connection
  - regd.registry.connection.comment
attributes:
  check_mode:
    description: Says what would be done, after all of regd's checks, and writes nothing.
    support: full
  diff_mode:
    description: Shows the value before and after.
    support: full
seealso:
  - module: regd.registry.import
"""

EXAMPLES = r"""
- name: The port of the shop
  regd.registry.value:
    key: HKLM\SOFTWARE\Acme
    name: Port
    type: dword
    data: 8080

- name: Its hosts
  regd.registry.value:
    key: HKLM\SOFTWARE\Acme
    name: Hosts
    data: [a.example, b.example]

- name: Move it only if nobody else has
  regd.registry.value:
    key: HKLM\SOFTWARE\Acme
    name: Port
    data: 8081
    expect: 8080

- name: No old setting
  regd.registry.value:
    key: HKLM\SOFTWARE\Acme
    name: Timeout
    state: absent
"""

RETURN = r"""
key:
  description: The path as it was given, with backslashes.
  type: str
  returned: always
name:
  description: The name as it was given.
  type: str
  returned: always
type:
  description: The type that the value has afterwards.
  type: str
  returned: when O(state=present)
  sample: dword
data:
  description: The data that it has afterwards, bytes as hexadecimal digits, V((secret)) if a schema calls it secret.
  type: raw
  returned: when O(state=present)
  sample: 8080
revision:
  description: The revision of the change, or of the registry when nothing was to be changed.
  type: int
  returned: always
error:
  description: What regd calls the error.
  type: str
  returned: failure
  sample: Conflict
"""

from ansible_collections.regd.registry.plugins.module_utils import data as datas  # noqa: E402
from ansible_collections.regd.registry.plugins.module_utils.host import COMMENT, HostModule, registry  # noqa: E402

ARGUMENTS = COMMENT | {
    "key": {"type": "str", "required": True, "no_log": False},
    "name": {"type": "str", "default": ""},
    "type": {"type": "str"},
    "data": {"type": "raw"},
    "expect": {"type": "raw"},
    "expect_absent": {"type": "bool", "default": False},
    "owner": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


class Task:
    """One value, what it is and what it shall be."""

    def __init__(self, module):
        self.module, self.params = module, module.params
        self.key, self.name = self.params["key"], self.params["name"]
        self.settings = module.connect()
        self.described = self._describe()
        self.secret = bool(self.described.get("secret", False))
        if not self.secret:
            module.show("data", "expect")
        with module.failing():
            self.present = self.settings.get(self.key, self.name, None)
        self.wanted = self._make("data")

    def _describe(self):
        try:
            return self.settings.call("Describe", "ss", self.key, self.name)
        except registry.Error as problem:
            return self.module.refuse(problem)

    def _choose_type(self, data):
        if self.params["type"]:
            return datas.find_type(self.params["type"])
        if "type" in self.described:
            return datas.find_type(str(self.described["type"]))
        return datas.guess_type(data) if self.present is None else datas.type_of(self.present)

    def _make(self, argument):
        """The value that an argument stands for; None: it is to be absent."""
        if self.params["state"] == "absent" and argument == "data" or self.params[argument] is None:
            return None
        with self.module.failing(f"{self.key}: {self.name or '@'}: "):
            return datas.make(self._choose_type(self.params[argument]), self.params[argument])

    def is_done(self):
        """Whether nothing is to be changed."""
        if self.wanted is None or self.present is None:
            return self.wanted is self.present
        return datas.is_same(self.wanted, self.present)

    def write(self):
        """Makes the change, or tries it. Whether something is changed."""
        if self.is_done() and not self.params["owner"]:
            return False, self.settings.revision
        with self.module.failing():
            try:
                with self.settings.transaction(owner=self.params["owner"], **self.module.write_options()) as change:
                    self._fill(change)
            except registry.Conflict as problem:
                self._fail_condition(problem)
            return change.report["changed"], change.revision if change.revision is not None else self.settings.revision

    def _fill(self, change):
        if not self.is_done() and self.params["expect_absent"]:
            change.expect_absent(self.key, self.name)
        if not self.is_done() and self.params["expect"] is not None:
            change.expect(self.key, self.name, self._make("expect"))
        if self.wanted is not None:
            change.set(self.key, self.name, self.wanted)
        elif self.present is not None:
            change.delete(self.key, self.name)

    def _fail_condition(self, problem):
        if not self.params["expect_absent"] and self.params["expect"] is None:
            self.module.refuse(problem)
        wanted = "to be absent" if self.params["expect_absent"] else f"to be {self.show(self._make('expect'))['data']!r}"
        found = "it is absent" if self.present is None else f"it is {self.show(self.present)['data']!r} ({self.show(self.present)['type']})"
        self.module.fail_json(
            msg=f"{self.key}: {self.name or '@'}: nothing was changed, because the task expects the value {wanted}, and {found}. "
                f"`regctl blame '{self.key}' '{self.name or '@'}'` shows who has set it; correct the value or the expectation.",
            error="Conflict")

    def show(self, value, other=None):
        """A state, for results and differences; `other` is the one that it replaces."""
        if value is None:
            return {"state": "absent"}
        shown = {"state": "present", "type": datas.name_type(datas.type_of(value)), "data": datas.plain(value)}
        if self.secret:
            shown["data"] = datas.SECRET if other is None or datas.is_same(value, other) else datas.SECRET + " changed"
        return shown


def main():
    """Runs the module."""
    module = HostModule(ARGUMENTS, secrets=("data", "expect"), required_if=[("state", "present", ("data",))],
                        mutually_exclusive=[("expect", "expect_absent")])
    task = Task(module)
    changed, revision = task.write()
    result = {"changed": changed, "revision": revision, "key": task.key, "name": task.name}
    if task.wanted is not None:
        result |= {name: told for name, told in task.show(task.wanted).items() if name != "state"}
    if module._diff:  # pylint: disable=protected-access
        header = f"{task.key}: {task.name or '@'}"
        result["diff"] = datas.difference(header, task.show(task.present), task.show(task.wanted, task.present))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
