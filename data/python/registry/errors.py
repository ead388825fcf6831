# SPDX-License-Identifier: MIT
"""What regd refuses, as exceptions: one for each name in org.regd.Registry1(5)."""

from __future__ import annotations

import dbus

PREFIX = "org.regd.Registry1.Error."


class Error(Exception):
    """Any refusal; `name` is D-Bus's name of it, and the text says what, why and the cure."""

    name = ""


class KeyNotFound(Error, LookupError):
    """There is no such key."""


class ValueNotFound(Error, LookupError):
    """The key has no such value."""


class AccessDenied(Error, PermissionError):
    """The caller has not the right that it takes."""


class Locked(AccessDenied):
    """The value or key is locked."""


class Conflict(Error):
    """A precondition does not hold, or another owner declares it otherwise."""


class InvalidValue(Error, ValueError):
    """The data, a name or an option is not one that is taken."""


class SchemaViolation(InvalidValue):
    """A schema does not allow it."""


class InvalidPath(Error, ValueError):
    """It is no path of a key."""


class HistoryGone(Error):
    """History does not reach back so far."""


class Unreachable(Error, ConnectionError):
    """regd, or the bus, can't be reached."""


_CLASSES = {PREFIX + kind.__name__: kind for kind in (KeyNotFound, ValueNotFound, Locked, Conflict, InvalidValue,
                                                      SchemaViolation, InvalidPath, HistoryGone)}
_CLASSES |= {"org.freedesktop.DBus.Error." + name: Unreachable
             for name in ("ServiceUnknown", "NameHasNoOwner", "NoReply", "Disconnected", "NoServer", "FileNotFound",
                          "Spawn.ServiceNotFound")}
_CLASSES["org.freedesktop.DBus.Error.AccessDenied"] = AccessDenied


def from_bus(problem: dbus.DBusException) -> Error:
    """The exception for what D-Bus says."""
    name = problem.get_dbus_name() or ""
    error = _CLASSES.get(name, Error)(problem.get_dbus_message() or name)
    error.name = name
    return error
