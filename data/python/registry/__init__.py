# SPDX-License-Identifier: MIT
"""The registry that regd serves on D-Bus, for Python.

    import registry

    settings = registry.Registry()
    settings.set(r"HKLM\\SOFTWARE\\Acme", "Port", 8080)
    print(settings.get(r"HKLM\\SOFTWARE\\Acme", "Port"))
    with settings.transaction(comment="moved") as change:
        change.expect(r"HKLM\\SOFTWARE\\Acme", "Port", 8080)
        change.set(r"HKLM\\SOFTWARE\\Acme", "Port", 8081)
"""

from .client import Registry, Transaction
from .errors import (AccessDenied, Conflict, Error, HistoryGone, InvalidPath, InvalidValue, KeyNotFound, Locked,
                     SchemaViolation, Unreachable, ValueNotFound)
from .values import BigEndian, Expand, Link, Qword, Raw, Value
from .view import View

__all__ = ["AccessDenied", "BigEndian", "Conflict", "Error", "Expand", "HistoryGone", "InvalidPath", "InvalidValue",
           "KeyNotFound", "Link", "Locked", "Qword", "Raw", "Registry", "SchemaViolation", "Transaction",
           "Unreachable", "Value", "ValueNotFound", "View"]
