# SPDX-License-Identifier: MIT
"""Calls to regd: read, write, commit."""

from __future__ import annotations

import os
from typing import Any, BinaryIO, Callable, Iterator

import dbus
import dbus.bus
import dbus.types

from . import errors
from .values import Value, from_bus, to_bus
from .view import View

NAME, PATH, INTERFACE = "org.regd.Registry1", "/org/regd/Registry1", "org.regd.Registry1"
TIMEOUT_SECONDS = 600.0  # of a call; regd answers in its turn
NO_TYPE = 0xFFFFFFFF
_MISSING = object()
_UNSIGNED_64 = {"since", "at", "before"}


def open_bus(address: str | None = None) -> dbus.bus.BusConnection:
    """The bus that `address` names ("system", "session" or an address), or $REGD_BUS, or the system's."""
    address = address or os.environ.get("REGD_BUS") or "system"
    try:
        if address == "system":
            return dbus.SystemBus()
        return dbus.SessionBus() if address == "session" else dbus.bus.BusConnection(address)
    except dbus.DBusException as problem:
        raise errors.from_bus(problem) from problem


def options(given: dict[str, Any]) -> dbus.Dictionary:
    """A call's options, by their names with `_` for `-`; None: left out. What has D-Bus's own type
    is passed as it is."""
    table = dbus.Dictionary(signature="sv")
    for keyword, value in given.items():
        name = keyword.replace("_", "-")
        if value is None:
            continue
        if isinstance(value, bool):
            table[name] = dbus.Boolean(value, variant_level=1)
        elif isinstance(value, dbus.Array):
            table[name] = value
        elif isinstance(value, int):
            table[name] = (dbus.UInt64 if name in _UNSIGNED_64 else dbus.UInt32)(value, variant_level=1)
        else:
            table[name] = dbus.String(value, variant_level=1)
    return table


def plain_report(report: dbus.Dictionary) -> dict[str, Any]:
    """What a call reports, in Python's types."""
    return {str(name): bool(told) if isinstance(told, dbus.Boolean) else
            int(told) if isinstance(told, int) else str(told) for name, told in report.items()}


class Transaction:
    """Changes that are made together when the `with` block ends, or not at all. An exception in
    the block drops them. `revision` is that of the commit; `report` has `changed` and the counts of
    what was done, or with `dry_run=True` would be."""

    def __init__(self, registry: Registry, given: dict[str, Any]) -> None:
        self._registry, self._options = registry, given
        self._operations: list[tuple[object, ...]] = []
        self.revision: int | None = None
        self.report: dict[str, Any] = {"changed": False}

    def _add(self, operation: str, key: str, name: str = "", kind: int = 0, data: object = "") -> None:
        if isinstance(data, str) and not isinstance(data, dbus.String):
            data = dbus.String(data, variant_level=1)
        self._operations.append((operation, key, name, dbus.UInt32(kind), data))

    def set(self, key: str, name: str, value: Value) -> None:
        """Sets a value; missing keys are made."""
        self._add("set-value", key, name, *to_bus(value))

    def delete(self, key: str, name: str) -> None:
        """Deletes a value."""
        self._add("delete-value", key, name)

    def create(self, key: str) -> None:
        """Makes a key."""
        self._add("create-key", key)

    def delete_key(self, key: str, recursive: bool = False) -> None:
        """Deletes a key."""
        self._add("delete-tree" if recursive else "delete-key", key)

    def rename(self, key: str, name: str) -> None:
        """Gives a key another name."""
        self._add("rename-key", key, name)

    def expect(self, key: str, name: str, value: Value) -> None:
        """Conflict, unless the value is this."""
        self._add("expect-value", key, name, *to_bus(value))

    def expect_absent(self, key: str, name: str) -> None:
        """Conflict, if there is such a value."""
        self._add("expect-absent", key, name)

    def expect_no_key(self, key: str) -> None:
        """Conflict, if there is such a key."""
        self._add("expect-absent", key, "", NO_TYPE)

    def expect_revision(self, key: str, revision: int) -> None:
        """Conflict, if anything at or below the key has changed since."""
        self._add("expect-revision", key, "", 0, dbus.UInt64(revision, variant_level=1))

    @property
    def operations(self) -> dbus.Array:
        """What Commit takes. As the option `expect` of import_file() it may only be expectations."""
        return dbus.Array(self._operations, signature="(sssuv)", variant_level=1)

    def __enter__(self) -> Transaction:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is not None or not self._operations:
            return
        revision, report = self._registry.call("CommitReport", "a(sssuv)a{sv}",
                                               dbus.Array(self._operations, signature="(sssuv)"), options(self._options))
        self.revision, self.report = int(revision), plain_report(report)


class Registry:
    """regd on a bus."""

    def __init__(self, bus: str | dbus.bus.BusConnection | None = None) -> None:
        self.bus = open_bus(bus) if bus is None or isinstance(bus, str) else bus

    def call(self, member: str, signature: str, *arguments: object) -> Any:
        """Any method of org.regd.Registry1(5), with D-Bus types. errors.Error."""
        try:
            return self.bus.call_blocking(NAME, PATH, INTERFACE, member, signature, arguments,
                                          timeout=TIMEOUT_SECONDS, byte_arrays=True)
        except dbus.DBusException as problem:
            raise errors.from_bus(problem) from problem

    @property
    def revision(self) -> int:
        """The newest one."""
        try:
            return int(self.bus.call_blocking(NAME, PATH, dbus.PROPERTIES_IFACE, "Get", "ss", (INTERFACE, "Revision")))
        except dbus.DBusException as problem:
            raise errors.from_bus(problem) from problem

    def get(self, key: str, name: str, default: Any = _MISSING) -> Any:
        """A value; `default`, if it is given and the value or its key is not there."""
        try:
            return from_bus(*self.call("GetValue", "ss", key, name))
        except (errors.KeyNotFound, errors.ValueNotFound):
            if default is _MISSING:
                raise
            return default

    def set(self, key: str, name: str, value: Value) -> int:
        """Sets a value; missing keys are made. Returns the revision."""
        return int(self.call("SetValue", "ssuv", key, name, *to_bus(value)))

    def delete(self, key: str, name: str) -> int:
        """Deletes a value."""
        return int(self.call("DeleteValue", "ss", key, name))

    def create(self, key: str, **given: Any) -> bool:
        """Makes a key; False: it was there."""
        return bool(self.call("CreateKey", "sa{sv}", key, options(given))[1])

    def delete_key(self, key: str, recursive: bool = False) -> int:
        """Deletes a key."""
        return int(self.call("DeleteKey", "sa{sv}", key, options({"recursive": recursive})))

    def keys(self, key: str = "") -> list[str]:
        """The names of a key's sub-keys; without a key the roots."""
        return [str(name) for name in self.call("ListKeys", "s", key)]

    def values(self, key: str) -> dict[str, Value]:
        """A key's values by name; the default one's name is empty. Secrets that may not be read are left out."""
        return {str(name): from_bus(kind, data) for name, kind, data in self.call("ListValues", "s", key)}

    def tree(self, key: str, **given: Any) -> Iterator[tuple[str, dict[str, Value]]]:
        """A key and all below it, depth first: path and values."""
        cursor, path, values = "", None, {}
        while True:
            _, page, cursor = self.call("ReadTree", "sa{sv}", key, options(given | {"cursor": cursor or None}))
            for at, entries in page:
                if path is not None and path != str(at):
                    yield path, values
                    values = {}
                path = str(at)
                values |= {str(name): from_bus(kind, data) for name, kind, data in entries}
            if not cursor:
                break
        if path is not None:
            yield path, values

    def transaction(self, **given: Any) -> Transaction:
        """`with registry.transaction(comment="why") as change: change.set(...)`. Options are those of
        Commit, with `_` for `-`."""
        return Transaction(self, given)

    def import_file(self, file: BinaryIO, **given: Any) -> tuple[int, dict[str, Any]]:
        """Applies a .reg file, which is open, as one commit. Options are those of Import. Returns the
        revision and the report."""
        revision, report = self.call("Import", "ha{sv}", dbus.types.UnixFd(file.fileno()), options(given))
        return int(revision), plain_report(report)

    def confirm(self, revision: int) -> None:
        """Keeps a change that was made with `confirm_within`."""
        self.call("Confirm", "t", dbus.UInt64(revision))

    def view(self, key: str, changed: Callable[[View, list[tuple[str, str]]], None] | None = None) -> View:
        """A live view of a key and all below it; see View."""
        return View(self, key, changed)
