# SPDX-License-Identifier: MIT
"""The module regd.registry.facts: what the registry of a host holds."""

from __future__ import annotations

DOCUMENTATION = r"""
module: facts
short_description: Read keys and values in the registry of regd
version_added: 0.2.0
description:
  - Reads keys, with their values, what is below them, and what owners declare there.
  - It is the fact C(ansible_facts.regd) afterwards. A further task replaces it.
author:
  - The regd authors (@regd)
options:
  keys:
    description:
      - The paths to read, with backslashes or as V(/HKLM/SOFTWARE/Acme). One that is not there is no failure, and is not in RV(tree).
    type: list
    elements: str
    default: []
  recursive:
    description:
      - Read everything below them too.
    type: bool
    default: false
  declared:
    description:
      - Tell who declares what at and below the keys.
    type: bool
    default: false
  show_secrets:
    description:
      - Return data that a schema calls secret too. Give such a task C(no_log), or the data is shown and kept.
    type: bool
    default: false
extends_documentation_fragment:
  - regd.registry.connection
attributes:
  check_mode:
    description: It only reads.
    support: full
  diff_mode:
    description: There is no difference.
    support: none
  facts:
    description: It returns C(ansible_facts).
    support: full
"""

EXAMPLES = r"""
- name: What is set for the shop
  regd.registry.facts:
    keys: [HKLM\SOFTWARE\Acme]
    recursive: true

- name: Use it
  ansible.builtin.debug:
    msg: "It listens on {{ ansible_facts.regd.tree[shop].Port.data }}."
  vars:
    shop: HKLM\SOFTWARE\Acme
"""

RETURN = r"""
ansible_facts:
  description: The fact C(regd).
  type: dict
  returned: always
  contains:
    regd:
      description: What was read.
      type: dict
      returned: always
      contains:
        version:
          description: regd's version.
          type: str
          returned: always
        revision:
          description: The revision of the registry.
          type: int
          returned: always
        read_only:
          description: Whether its database is damaged and takes no writes.
          type: bool
          returned: always
        tree:
          description:
            - The keys by their paths, which begin as O(keys) has them; each is a dictionary of values by their names.
            - A value has RV(ignore:type) and RV(ignore:data), bytes as hexadecimal digits, V((secret)) if a schema calls it secret.
          type: dict
          returned: always
        declared:
          description: Declarations, each with C(key), C(name), C(owner) and C(drifted); a key itself has no C(name).
          type: list
          elements: dict
          returned: if O(declared=true)
"""

from ansible_collections.regd.registry.plugins.module_utils import data as datas  # noqa: E402
from ansible_collections.regd.registry.plugins.module_utils.branch import name_secrets  # noqa: E402
from ansible_collections.regd.registry.plugins.module_utils.host import BUS, HostModule, read_properties, registry  # noqa: E402

ARGUMENTS = BUS | {
    "keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "recursive": {"type": "bool", "default": False},
    "declared": {"type": "bool", "default": False},
    "show_secrets": {"type": "bool", "default": False, "no_log": False},
}


def show_values(settings, path, values, show_secrets):
    """{name: {type, data}}."""
    secrets = set() if show_secrets or not values else name_secrets(settings, path)
    return {name: {"type": datas.name_type(datas.type_of(value)),
                   "data": datas.SECRET if registry.values.fold(name) in secrets else datas.plain(value)}
            for name, value in values.items()}


def read_tree(settings, key, params):
    """Keys by paths that begin with the one that was asked for."""
    depth = {} if params["recursive"] else {"depth": 0}
    found, top = {}, None
    try:
        for path, values in settings.tree(key, skip_unreadable=True, **depth):
            top = path if top is None else top
            found[key.rstrip("\\") + path[len(top):]] = show_values(settings, path, values, params["show_secrets"])
    except registry.KeyNotFound:
        pass
    return found


def read_declared(settings, key):
    """What is declared at and below a key."""
    listed = settings.call("ListDeclared", "sa{sv}", key, registry.client.options({"skip_unreadable": True}))
    for path, name, owner, as_declared in listed:
        is_key = str(path).endswith("\\")
        yield {"key": str(path).rstrip("\\"), "owner": str(owner), "drifted": not as_declared} | (
            {} if is_key else {"name": str(name)})


def main():
    """Runs the module."""
    module = HostModule(ARGUMENTS)
    settings, facts = module.connect(), {"tree": {}}
    with module.failing():
        told = read_properties(settings)
        facts |= {"version": str(told["Version"]), "revision": int(told["Revision"]), "read_only": bool(told["ReadOnly"])}
        for key in module.params["keys"]:
            facts["tree"] |= read_tree(settings, key, module.params)
        if module.params["declared"]:
            facts["declared"] = [each for key in module.params["keys"] for each in read_declared(settings, key)]
    module.exit_json(changed=False, ansible_facts={"regd": facts})


if __name__ == "__main__":
    main()
