# SPDX-License-Identifier: MIT
"""A live view: a part of the tree in memory, which follows every change and survives restarts of
regd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

import dbus

from . import errors
from .values import Value, fold

if TYPE_CHECKING:
    from .client import Registry

NAME, PATH, INTERFACE = "org.regd.Registry1", "/org/regd/Registry1", "org.regd.Registry1"

# Kinds of changes that do not say what is there now, and those that change nothing of it.
_READ_AGAIN = {"tree-changed", "link-changed", "acl-changed"}
_NOTHING_TO_SEE = {"lock-changed"}


class View:
    """What is at and below a key. While regd is away the last state holds; when it is back, the
    view catches up. It needs a D-Bus main loop (dbus.mainloop.glib.DBusGMainLoop) that the bus
    connection was made with, and is followed while that runs.

    `changed(view, changes)` is called after each change, with the (key, name) of what is new; a key
    that was made or deleted has the name None. After everything was read again, `changes` is empty."""

    def __init__(self, registry: Registry, key: str,
                 changed: Callable[[View, list[tuple[str, str | None]]], None] | None = None) -> None:
        self._registry, self.key, self._changed = registry, key, changed
        self._state: dict[str, dict[str, Value]] = {}
        self._names: dict[str, str] = {}  # folded path -> path
        self.path = key
        self.revision = 0
        self._watch: int | None = None
        self._sequence = 0
        self._owner = ""
        self._closed = False
        bus = registry.bus
        self._match = bus.add_signal_receiver(self._on_signal, "Changed", INTERFACE, NAME, PATH)
        self._owner_watch = bus.watch_name_owner(NAME, self._on_owner)
        self._begin()
        self._owner = bus.get_name_owner(NAME)  # whom the first report of an owner is about

    # ---- reading ----

    def get(self, name: str, default: Any = None, key: str = "") -> Any:
        """A value of the key, or of the one `key` below it."""
        path = self.path + ("\\" + key if key else "")
        values = self._state.get(self._names.get(fold(path), path), {})
        return next((value for each, value in values.items() if fold(each) == fold(name)), default)

    def keys(self) -> list[str]:
        """The paths of all keys in it."""
        return list(self._state)

    def values(self, key: str = "") -> dict[str, Value]:
        """All values of the key, or of the one `key` below it."""
        path = self.path + ("\\" + key if key else "")
        return dict(self._state.get(self._names.get(fold(path), path), {}))

    def close(self) -> None:
        """Follows no longer; the state stays as it is."""
        self._closed = True
        self._match.remove()
        self._owner_watch.cancel()
        if self._watch is not None:
            try:
                self._registry.call("Unwatch", "u", dbus.UInt32(self._watch))
            except errors.Error:
                pass  # it has ended with its regd

    def __enter__(self) -> View:
        return self

    def __exit__(self, *_rest: object) -> None:
        self.close()

    # ---- following ----

    def _begin(self) -> None:
        """Watches first and reads then, so that nothing is missed in between."""
        watch, _, path = self._registry.call("Watch", "sa{sv}", self.key, dbus.Dictionary(signature="sv"))
        self._watch, self._sequence, self.path = int(watch), 0, str(path)
        self._read()

    def _resume(self) -> bool:
        """Goes on after the last revision; False: history does not reach back so far."""
        options = dbus.Dictionary({"since": dbus.UInt64(self.revision, variant_level=1)}, signature="sv")
        try:
            watch, _, path = self._registry.call("Watch", "sa{sv}", self.key, options)
        except (errors.HistoryGone, errors.InvalidValue):
            return False
        self._watch, self._sequence, self.path = int(watch), 0, str(path)
        return True

    def _read(self) -> None:
        """Reads everything anew. What it tells may be newer than the revision, never older."""
        revision = self._registry.revision
        try:
            self._state = dict(self._registry.tree(self.key, skip_unreadable=True))
        except (errors.KeyNotFound, errors.AccessDenied):
            self._state = {}
        self._names = {fold(path): path for path in self._state}
        self.revision = revision

    def _tell(self, changes: list[tuple[str, str | None]]) -> None:
        if self._changed is not None:
            self._changed(self, changes)

    def _on_owner(self, owner: str) -> None:
        if self._closed or owner == self._owner:
            return
        self._owner, self._watch = owner, None
        if not owner:
            return
        try:
            if self._resume():
                return
            self._begin()
        except errors.Unreachable:
            self._owner = ""  # it is gone again, and will come back
            return
        self._tell([])

    def _on_signal(self, watch: int, sequence: int, revision: int, changes: list[tuple[str, str, str]]) -> None:
        if self._closed or watch != self._watch:
            return
        lost = sequence != self._sequence + 1
        self._sequence = int(sequence)
        try:
            if lost or any(kind in _READ_AGAIN for kind, _, _ in changes):
                self._read()
                told = []
            else:
                told = self._apply_all([(str(kind), str(key), str(name)) for kind, key, name in changes])
                self.revision = int(revision)
        except errors.Error:
            self._sequence = -1  # the next signal reads everything, and a regd that comes back begins where it was
            return
        self._tell(told)

    def _apply_all(self, changes: list[tuple[str, str, str]]) -> list[tuple[str, str | None]]:
        """All values are asked for before anything changes here: the state is old or new."""
        asked = [(kind, key, name, self._registry_value(key, name) if kind == "value-set" else None)
                 for kind, key, name in changes if kind not in _NOTHING_TO_SEE]
        for change in asked:
            self._apply(*change)
        return [(key, None if kind.startswith("key-") else name) for kind, key, name, _ in asked]

    def _registry_value(self, key: str, name: str) -> Value | None:
        """None: it is gone again, or may not be read."""
        try:
            return self._registry.get(key, name, None)
        except errors.AccessDenied:
            return None

    def _apply(self, kind: str, key: str, name: str, value: Value | None) -> None:
        path = self._names.get(fold(key), key)
        if kind == "key-deleted":
            for gone in [each for each in self._state if fold(each + "\\").startswith(fold(path + "\\"))]:
                del self._state[gone], self._names[fold(gone)]
            return
        values = self._state.setdefault(path, {})
        self._names[fold(path)] = path
        if kind == "key-created":
            return
        present = next((each for each in values if fold(each) == fold(name)), name)
        if kind == "value-set" and value is not None:
            values[present] = value
        else:
            values.pop(present, None)
