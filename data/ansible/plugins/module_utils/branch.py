# SPDX-License-Identifier: MIT
"""A branch of the registry as text for differences: a line for each key and value."""

from __future__ import annotations

import json

from ansible_collections.regd.registry.plugins.module_utils import data as datas

try:
    import registry
except ImportError:  # the module says so, see host.py
    registry = None


def name_secrets(settings, key):
    """The names of the key's values that a schema calls secret, folded."""
    return {registry.values.fold(str(name)) for name in settings.call("Describe", "ss", key, "").get("secrets", [])}


def hide(settings, key, values):
    """The values of a key, with datas.SECRET in place of what is secret."""
    secrets = name_secrets(settings, key) if values else set()
    return {name: datas.SECRET if registry.values.fold(name) in secrets else value for name, value in values.items()}


def read_branch(settings, key):
    """[(path, values)] at and below a key, without secrets. A link is one key."""
    return [(path, hide(settings, path, values)) for path, values in settings.tree(key, no_follow=True, skip_unreadable=True)]


def draw_value(name, value):
    """A line that is like no other value's."""
    shown = json.dumps(name, ensure_ascii=False) if name else "@"
    if value == datas.SECRET or isinstance(value, Hidden):
        return f"{shown} = {value}"
    kind, malformed = datas.name_type(datas.type_of(value)), ""
    if isinstance(value, registry.Raw) and value.type in set(datas.LONG_NAMES.values()) - {0}:
        malformed = " (malformed)"
    return f"{shown} = {kind}{malformed}: {json.dumps(datas.plain(value), ensure_ascii=False)}"


class Hidden(str):
    """What stands in place of data that is secret, where two of them differ."""


def draw(branch):
    """The text of [(path, values)]."""
    lines = []
    for path, values in branch:
        lines += [f"[{path}]", *(draw_value(name, value) for name, value in values.items())]
    return "".join(line + "\n" for line in lines)
