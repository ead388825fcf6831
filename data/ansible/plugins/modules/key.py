# SPDX-License-Identifier: MIT
"""The module regd.registry.key: one key."""

from __future__ import annotations

DOCUMENTATION = r"""
module: key
short_description: Create or delete a key in the registry of regd
version_added: 0.2.0
description:
  - Creates a key with the missing ones above it, or deletes it.
author:
  - The regd authors (@regd)
options:
  key:
    description:
      - The path of the key, as V(HKLM\\SOFTWARE\\Acme) or V(/HKLM/SOFTWARE/Acme).
    type: str
    required: true
  link:
    description:
      - The key is a link that leads to this path.
    type: str
  volatile:
    description:
      - The key, and what is made below it, is gone when regd restarts.
    type: bool
    default: false
  recursive:
    description:
      - With O(state=absent), delete everything below it too. Without it a key that has sub-keys is not deleted.
    type: bool
    default: false
  state:
    description:
      - Whether the key shall be there. A link is deleted itself, not what it leads to.
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
    description: Shows the keys and values that go, or the key that comes.
    support: full
"""

EXAMPLES = r"""
- name: A place for the shop
  regd.registry.key:
    key: HKLM\SOFTWARE\Acme\Shop

- name: The old name goes on working
  regd.registry.key:
    key: HKLM\SOFTWARE\Store
    link: HKLM\SOFTWARE\Acme\Shop

- name: Nothing is left of the old version
  regd.registry.key:
    key: HKLM\SOFTWARE\Acme\1.0
    state: absent
    recursive: true
"""

RETURN = r"""
key:
  description: The path as it was given, with backslashes.
  type: str
  returned: always
revision:
  description: The revision of the change, or of the registry when nothing was to be changed.
  type: int
  returned: always
error:
  description: What regd calls the error.
  type: str
  returned: failure
  sample: KeyNotEmpty
"""

from ansible_collections.regd.registry.plugins.module_utils import data as datas  # noqa: E402
from ansible_collections.regd.registry.plugins.module_utils.branch import draw, read_branch  # noqa: E402
from ansible_collections.regd.registry.plugins.module_utils.host import COMMENT, HostModule, has_key, registry  # noqa: E402

ARGUMENTS = COMMENT | {
    "key": {"type": "str", "required": True, "no_log": False},
    "link": {"type": "str"},
    "volatile": {"type": "bool", "default": False},
    "recursive": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def create(module, settings):
    """Makes the key. (changed, revision)."""
    options = {"link": module.params["link"], "volatile": module.params["volatile"] or None} | module.write_options()
    with module.failing():
        revision, created = settings.call("CreateKey", "sa{sv}", module.params["key"], registry.client.options(options))
    return bool(created), int(revision)


def delete(module, settings):
    """Deletes it. (changed, revision)."""
    options = {"recursive": module.params["recursive"]} | module.write_options()
    with module.failing():
        try:
            revision = settings.call("DeleteKey", "sa{sv}", module.params["key"], registry.client.options(options))
        except registry.KeyNotFound:
            return False, settings.revision
    return True, int(revision)


def main():
    """Runs the module."""
    module = HostModule(ARGUMENTS, mutually_exclusive=[("link", "volatile")])
    settings, key = module.connect(), module.params["key"]
    with module.failing():
        before = draw(read_branch(settings, key)) if module._diff and has_key(settings, key) else ""  # pylint: disable=protected-access
    changed, revision = (create if module.params["state"] == "present" else delete)(module, settings)
    result = {"changed": changed, "revision": revision, "key": key}
    if module._diff:  # pylint: disable=protected-access
        after = (before or f"[{key}]\n") if module.params["state"] == "present" else ""
        result["diff"] = datas.difference(key, before, after)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
