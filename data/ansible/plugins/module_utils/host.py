# SPDX-License-Identifier: MIT
"""What the modules have in common: the call of regd, errors as failures with their cure, and what of
the arguments may be shown."""

from __future__ import annotations

import traceback
from contextlib import contextmanager

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    import dbus
    import registry
    MISSING = None
except ImportError:
    dbus = registry = None
    MISSING = traceback.format_exc()

BUS = {"bus": {"type": "str"}}
COMMENT = BUS | {"comment": {"type": "str"}}
NOT_SHOWN = "(not shown)"

# By the name of the error, the most special first.
CURES = {
    "Locked": "Unlock it (regctl unlock), or declare it by the owner that has locked it.",
    "InvalidPath": "Names have backslashes between them, or slashes if one stands before the root (/HKLM/SOFTWARE/Acme).",
    "Conflict": "Look at what is there and who has set it (regctl blame, regctl declared), and correct either.",
    "SchemaViolation": "`regctl describe` shows what the schema allows.",
    "AccessDenied": "Run the task as a user with that right, e. g. with become: true.",
    "ServiceUnknown": "Start regd on the host (systemctl start regd), or name its bus with `bus`.",
}


def to_path(text):
    """The path that is meant; as with regctl, one that begins with a slash has slashes between its names."""
    if isinstance(text, list):
        return [to_path(each) for each in text]
    return text[1:].replace("/", "\\") if text and text.startswith("/") and "\\" not in text else text


class HostModule(AnsibleModule):
    """A module that calls regd. `secrets`: arguments that are neither logged nor returned, unless
    the module finds that they hold none (show())."""

    def __init__(self, arguments, secrets=(), **rest):
        self._not_shown = set(secrets)
        super().__init__(argument_spec=arguments, supports_check_mode=True, **rest)
        self.params.update({name: to_path(self.params[name]) for name in ("key", "keys", "link") if name in arguments})
        if registry is None:
            self.fail_json(msg=missing_required_lib("python3-registry (Debian's package of that name)"), exception=MISSING)

    # ---- what is shown ----

    def show(self, *names):
        """These arguments hold no secret."""
        self._not_shown -= set(names)

    def _shown(self):
        return {name: NOT_SHOWN if name in self._not_shown and value is not None else value
                for name, value in self.params.items()}

    def _log_invocation(self):
        whole, self.params = self.params, self._shown()
        try:
            super()._log_invocation()
        finally:
            self.params = whole

    def exit_json(self, **result):
        """Ends well."""
        super().exit_json(**{"invocation": {"module_args": self._shown()}} | result)

    def fail_json(self, msg, **result):
        """Ends with a failure."""
        super().fail_json(msg, **{"invocation": {"module_args": self._shown()}} | result)

    # ---- regd ----

    def connect(self):
        """regd on the bus that was asked for."""
        with self.failing():
            return registry.Registry(self.params["bus"])

    def write_options(self):
        """The options of every call that writes."""
        return {"comment": self.params["comment"] or None, "dry_run": self.check_mode}

    @contextmanager
    def failing(self, what=""):
        """Lets the module fail with what regd says, and what to do about it."""
        try:
            yield
        except registry.Error as problem:
            self.refuse(problem, what)
        except (TypeError, ValueError) as problem:
            self.fail_json(msg=f"{what}{problem}", error="InvalidValue")

    def refuse(self, problem, what=""):
        """Fails with an error of regd's."""
        name = problem.name.rpartition(".")[2]
        told = f"{what}{problem}".rstrip(".")
        cure = CURES.get("ServiceUnknown" if isinstance(problem, registry.Unreachable) else name)
        self.fail_json(msg=f"{told}. {cure}" if cure else told, error=name)

    def is_secret(self, settings, key, name):
        """Whether a schema calls the value secret."""
        with self.failing():
            return bool(settings.call("Describe", "ss", key, name).get("secret", False))


def has_key(settings, key):
    """Whether the key is there; a link counts by itself."""
    try:
        settings.call("GetKeyInfo", "sa{sv}", key, registry.client.options({"no_follow": True}))
    except registry.KeyNotFound:
        return False
    return True


def read_properties(settings):
    """Version, Revision and ReadOnly of regd."""
    try:
        return settings.bus.call_blocking(registry.client.NAME, registry.client.PATH, dbus.PROPERTIES_IFACE, "GetAll", "s",
                                          (registry.client.INTERFACE,))
    except dbus.DBusException as problem:
        raise registry.errors.from_bus(problem) from problem
