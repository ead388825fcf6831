# SPDX-License-Identifier: MIT
"""What a .reg file changes, as two texts: before and after. Only what differs is in them."""

from __future__ import annotations

from ansible_collections.regd.registry.plugins.module_utils import data as datas
from ansible_collections.regd.registry.plugins.module_utils.branch import Hidden, draw, name_secrets

try:
    import registry
    from registry.values import fold
except ImportError:  # the module says so, see host.py
    registry = None


class Branch:
    """Keys by their folded paths, each None (not there) or {folded name: (name, value)}."""

    def __init__(self, settings, only_missing):
        self.settings, self.only_missing = settings, only_missing
        self.paths, self.before, self.after, self.named = {}, {}, {}, set()

    def load(self, path):
        """Reads a key that was not met before."""
        at = fold(path)
        if at not in self.paths:
            try:
                values = {fold(name): (name, value) for name, value in self.settings.values(path).items()}
            except registry.KeyNotFound:
                values = None
            self.paths[at], self.before[at], self.after[at] = path, values, None if values is None else dict(values)
        return at

    def apply(self, what, path, name, value):
        """One operation of a file."""
        if what == "delete":
            if not self.only_missing:
                self.delete(path)
            return
        at = self.load(path)
        self.named.add((at, None if what == "key" else fold(name)))
        if what == "unset":
            if self.after[at] is not None and not self.only_missing:
                self.after[at].pop(fold(name), None)
            return
        self.after[at] = {} if self.after[at] is None else self.after[at]
        if what == "set" and not (self.only_missing and fold(name) in self.after[at]):
            self.after[at][fold(name)] = (self.after[at].get(fold(name), (name,))[0], value)

    def delete(self, path):
        """A key and all below it."""
        try:
            for below, _values in self.settings.tree(path, no_follow=True, skip_unreadable=True):
                self.load(below)
        except registry.KeyNotFound:
            self.load(path)
        for at in self.after:
            if (at + "\\").startswith(fold(path) + "\\"):
                self.after[at] = None

    def prune(self, owner):
        """What the owner declares and the file does not."""
        listed = [(str(key), str(name), str(by)) for root in ("HKLM", "HKU") for key, name, by, _ in
                  self.settings.call("ListDeclared", "sa{sv}", root, registry.client.options({"skip_unreadable": True}))]
        others = {(fold(key), fold(name)) for key, name, by in listed if by != owner}
        keys = []
        for key, name, by in listed:
            path, is_key = key.rstrip("\\"), key.endswith("\\")
            if by != owner or (fold(path), None if is_key else fold(name)) in self.named or (fold(key), fold(name)) in others:
                continue
            at = self.load(path)
            if is_key:
                keys.append(at)
            elif self.after[at] is not None:
                self.after[at].pop(fold(name), None)
        for at in sorted(keys, reverse=True):
            if self.after[at] == {} and not self._has_keys(at):
                self.after[at] = None

    def _has_keys(self, at):
        names = self.settings.keys(self.paths[at])
        return any(self.after.get(at + "\\" + fold(name), {}) is not None for name in names)

    def draw(self):
        """The two texts."""
        before, after = [], []
        for at in sorted(self.paths):
            old, new = self.before[at], self.after[at]
            if old == new and old is not None or old is new:
                continue
            secrets = name_secrets(self.settings, self.paths[at])
            differing = [each for each in {**(old or {}), **(new or {})} if not is_alike(old, new, each)]
            if old is not None:
                before.append((self.paths[at], show(old, differing, secrets, datas.SECRET)))
            if new is not None:
                after.append((self.paths[at], show(new, differing, secrets, datas.SECRET + (" changed" if old else ""))))
        return draw(before), draw(after)


def is_alike(old, new, name):
    """Whether a value is the same in both."""
    return bool(old and new and name in old and name in new and datas.is_same(old[name][1], new[name][1]))


def show(values, differing, secrets, hidden):
    """{name: value} of those that differ, without secrets."""
    return {values[each][0]: Hidden(hidden) if each in secrets else values[each][1] for each in differing if each in values}
