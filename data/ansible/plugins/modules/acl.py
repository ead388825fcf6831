# SPDX-License-Identifier: MIT
"""The module regd.registry.acl: the access list of a key."""

from __future__ import annotations

DOCUMENTATION = r"""
module: acl
short_description: Set the access list of a key in the registry of regd
version_added: 0.2.0
description:
  - Gives a key an access list of its own, or takes it away, so that the next list above decides again.
author:
  - The regd authors (@regd)
options:
  key:
    description:
      - The path of the key, as V(HKLM\\SOFTWARE\\Acme) or V(/HKLM/SOFTWARE/Acme).
    type: str
    required: true
  entries:
    description:
      - The whole list, as a dictionary. A name is C(everyone), C(user:NAME) or C(group:NAME), each with a number too.
        A level is V(none), V(read), V(write) or V(control).
      - A list without an entry for everyone lets only those in who are named, and administrators.
      - It is needed if O(state=present).
    type: dict
  state:
    description:
      - V(absent) takes the key's own list away.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - regd.registry.connection
  - regd.registry.connection.comment
attributes:
  check_mode:
    description:
      - Says what would be done, after all of regd's checks, and writes nothing.
      - A key that is not there is taken for one that an earlier task would have made.
    support: full
  diff_mode:
    description: Shows the key's own list before and after.
    support: full
"""

EXAMPLES = r"""
- name: The shop's group may change its settings, nobody else may read them
  regd.registry.acl:
    key: HKLM\SOFTWARE\Acme\Shop
    entries:
      everyone: none
      group:shop: write

- name: As the key above says
  regd.registry.acl:
    key: HKLM\SOFTWARE\Acme\Shop
    state: absent
"""

RETURN = r"""
key:
  description: The path as it was given, with backslashes.
  type: str
  returned: always
entries:
  description: The key's own list afterwards; empty, if it has none.
  type: dict
  returned: always
revision:
  description: The revision of the change, or of the registry when nothing was to be changed.
  type: int
  returned: always
error:
  description: What regd calls the error.
  type: str
  returned: failure
  sample: InvalidValue
"""

import grp  # noqa: E402
import pwd  # noqa: E402

from ansible_collections.regd.registry.plugins.module_utils import data as datas  # noqa: E402
from ansible_collections.regd.registry.plugins.module_utils.host import COMMENT, HostModule, dbus, registry  # noqa: E402

ARGUMENTS = COMMENT | {
    "key": {"type": "str", "required": True, "no_log": False},
    "entries": {"type": "dict"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def number(principal):
    """A principal by its number, so that a name and a number can be compared."""
    kind, _, name = principal.partition(":")
    try:
        if kind == "user" and not name.isdigit():
            return f"user:{pwd.getpwnam(name).pw_uid}"
        if kind == "group" and not name.isdigit():
            return f"group:{grp.getgrnam(name).gr_gid}"
    except KeyError:
        pass  # regd says what it thinks of it
    return principal


def normal(entries):
    """A list that is equal to every other one that means the same."""
    return {number(principal): level for principal, level in entries.items()}


def read_list(module, settings, key):
    """The key's own list, empty if it has none; None if there is no such key."""
    try:
        origin, entries = settings.call("GetAcl", "s", key)
        path = settings.call("GetKeyInfo", "sa{sv}", key, registry.client.options({}))["path"]
    except registry.KeyNotFound as problem:
        if not module.check_mode:
            module.refuse(problem)
        module.warn(f"{key} is not there; an earlier task is taken to make it")
        return None
    return {str(principal): str(level) for principal, level in entries} if origin == path else {}


def write_list(module, settings, key, wanted):
    """The revision."""
    entries = dbus.Array([(principal, level) for principal, level in wanted.items()], signature="(ss)")
    return int(settings.call("SetAclWithOptions", "sa(ss)a{sv}", key, entries,
                             registry.client.options(module.write_options())))


def main():
    """Runs the module."""
    module = HostModule(ARGUMENTS, required_if=[("state", "present", ("entries",))])
    settings, key = module.connect(), module.params["key"]
    wanted = {str(name): str(level) for name, level in module.params["entries"].items()} if module.params["state"] == "present" else {}
    if not wanted and module.params["state"] == "present":
        module.fail_json(msg=f"{key}: a list without entries is no list: name whom it lets in, or use state: absent", error="InvalidValue")
    with module.failing():
        before = read_list(module, settings, key)
        changed = normal(before or {}) != normal(wanted)
        revision = write_list(module, settings, key, wanted) if changed and before is not None else settings.revision
    result = {"changed": changed, "revision": revision, "key": key, "entries": wanted if changed else before or {}}
    if module._diff:  # pylint: disable=protected-access
        result["diff"] = datas.difference(key, before or {}, result["entries"])
    module.exit_json(**result)


if __name__ == "__main__":
    main()
