# SPDX-License-Identifier: MIT
"""The module regd.registry.mail_user: a native account of mailauthd."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_user
short_description: Add, change or remove a mail account of mailauthd
version_added: 0.2.0
description:
  - Looks after one native account of mailauthd, a key of C(HKLM\SAM\Domains\Account\Users).
  - A change counts for the next login.
  - Passwords and hashes are in no argument list, result, difference or log.
author:
  - The regd authors (@regd)
options:
  name:
    description:
      - The name that the user logs in with.
    type: str
    required: true
    aliases: [user]
  password:
    description:
      - The password. mailauthctl(1) makes the hash, and the keys for SCRAM-SHA-256, on the host.
      - A password that the account has already is no change. A hash that crypt(3) does not know is replaced by one of it.
    type: str
  password_hash:
    description:
      - In its place the password's hash, by crypt(3) or another method that mailauthd knows. SCRAM-SHA-256 is not offered to the account then.
    type: str
  update_password:
    description:
      - V(always) sets the password if it is another. V(on_create) leaves the one that the account has.
    type: str
    choices: [always, on_create]
    default: always
  disabled:
    description:
      - Whether the account is refused. Without it, that stays as it is; a new account is let in.
    type: bool
  state:
    description:
      - Whether the account shall be there.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - regd.registry.connection
  - regd.registry.connection.comment
attributes:
  check_mode:
    description: Says what would be done, and writes nothing.
    support: full
  diff_mode:
    description: Shows the account before and after, without the password.
    support: full
requirements:
  - mailauthctl on the host, for O(password)
"""

EXAMPLES = r"""
- name: An account for anna
  regd.registry.mail_user:
    name: anna
    password: "{{ vault_anna }}"

- name: Bert is away
  regd.registry.mail_user:
    name: bert
    disabled: true

- name: No account for carl
  regd.registry.mail_user:
    name: carl
    state: absent
"""

RETURN = r"""
name:
  description: The account.
  type: str
  returned: always
disabled:
  description: Whether it is refused afterwards.
  type: bool
  returned: when O(state=present)
revision:
  description: The newest revision afterwards.
  type: int
  returned: success
error:
  description: What regd calls the error.
  type: str
  returned: failure
  sample: AccessDenied
"""

import ctypes  # noqa: E402
import hmac  # noqa: E402
import os  # noqa: E402
import re  # noqa: E402

from ansible_collections.regd.registry.plugins.module_utils import data as datas  # noqa: E402
from ansible_collections.regd.registry.plugins.module_utils.host import COMMENT, HostModule, has_key  # noqa: E402

ACCOUNTS = r"HKLM\SAM\Domains\Account\Users"
PASSWORD = "Password"
KEYS = "SCRAM-SHA-256"
SCHEME = re.compile(r"\{(?:|SHA512-|SHA256-|BLF-)CRYPT\}", re.IGNORECASE)  # what other servers write before a hash
DISABLED = "Disabled"
PASSWORD_BYTES = 511  # crypt(3) takes no more
ARGUMENTS = COMMENT | {
    "name": {"type": "str", "required": True, "aliases": ["user"]},
    "password": {"type": "str", "no_log": True},
    "password_hash": {"type": "str", "no_log": True},
    "update_password": {"type": "str", "choices": ["always", "on_create"], "default": "always", "no_log": False},
    "disabled": {"type": "bool"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def is_password(password, stored):
    """Whether a crypt(3) hash is that of the password. Newer Pythons have no module for it."""
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype, crypt.argtypes = ctypes.c_char_p, [ctypes.c_char_p, ctypes.c_char_p]
    stored = SCHEME.sub("", stored)
    made = crypt(password.encode(), stored.encode())
    return made is not None and hmac.compare_digest(made, stored.encode())


class Task:
    """One account, what it is and what it shall be."""

    def __init__(self, module):
        self.module, self.params, self.name = module, module.params, module.params["name"].lower()
        self.key = ACCOUNTS + "\\" + self.name
        if not re.fullmatch(r"[^.\\/\x00-\x1f\x7f][^\\/\x00-\x1f\x7f]*", self.name) or len(self.name.encode()) > 255:
            module.fail_json(msg=f"{self.name!r} can't be a user's name: 1 to 255 bytes without control characters, '\\' and '/', "
                                 "not beginning with '.'", error="InvalidValue")
        self.settings = module.connect()
        with module.failing():
            self.there = has_key(self.settings, self.key)
            values = self.settings.values(self.key) if self.there else {}
        self.hash, self.has_keys = str(values.get(PASSWORD, "")), KEYS in values
        self.was_disabled = values.get(DISABLED, 0) != 0

    @property
    def disabled(self):
        """Whether it is refused afterwards."""
        return self.was_disabled if self.params["disabled"] is None else self.params["disabled"]

    def needs_password(self):
        """Whether the password is to be set."""
        password, given = self.params["password"], self.params["password_hash"]
        if not self.there and password is None and given is None:
            self.module.fail_json(msg=f"{self.name}: there is no such account, and a new one takes password or password_hash",
                                  error="InvalidValue")
        if self.there and self.params["update_password"] == "on_create":
            return False
        if given is not None:
            return given != self.hash
        return password is not None and not (self.hash and self.has_keys and is_password(password, self.hash))

    def run(self):
        """Does it. Whether something is changed, and the password is."""
        if self.params["state"] == "absent":
            return self._remove(), False
        new_password = self.needs_password()
        if new_password and self.params["password"] is not None:
            self._ask_mailauthctl()
        return self._write(new_password) or new_password, new_password

    def _remove(self):
        with self.module.failing():
            if self.there:
                with self.settings.transaction(**self.module.write_options()) as change:
                    change.delete_key(self.key, recursive=True)
        return self.there

    def _write(self, new_password):
        """What takes no mailauthctl. Whether something is changed."""
        with self.module.failing(), self.settings.transaction(**self.module.write_options()) as change:
            if new_password and self.params["password_hash"] is not None:
                change.set(self.key, PASSWORD, self.params["password_hash"])
                if self.has_keys:
                    change.delete(self.key, KEYS)
            if self.disabled != self.was_disabled:
                change.set(self.key, DISABLED, int(self.disabled))
        return change.report["changed"]

    def _ask_mailauthctl(self):
        """A new account or password. It is told on standard input, which no process list shows."""
        program = self.module.get_bin_path("mailauthctl", required=True)
        password = self.params["password"]
        if not password or "\n" in password or "\0" in password or len(password.encode()) > PASSWORD_BYTES:
            self.module.fail_json(msg=f"{self.name}: a password is one line of text, not empty, of at most {PASSWORD_BYTES} bytes",
                                  error="InvalidValue")
        if self.module.check_mode:
            return
        bus, comment = self.params["bus"] or os.environ.get("REGD_BUS"), self.params["comment"]
        options = ([f"--bus={bus}"] if bus else []) + ([f"--comment={comment}"] if comment else [])
        status, _, told = self.module.run_command([program, *options, "user", "passwd" if self.there else "add", "--", self.name], data=password + "\n", binary_data=True)
        if status:
            self.module.fail_json(msg=told.strip() or f"mailauthctl ended with status {status}", rc=status)

    def show(self, there, disabled, password):
        """A state, for differences."""
        return {"state": "present", "disabled": disabled, "password": password} if there else {"state": "absent"}


def main():
    """Runs the module."""
    module = HostModule(ARGUMENTS, mutually_exclusive=[("password", "password_hash")])
    task = Task(module)
    changed, new_password = task.run()
    present = module.params["state"] == "present"
    with module.failing():
        result = {"changed": changed, "name": task.name, "revision": task.settings.revision}
    if present:
        result["disabled"] = task.disabled
    if module._diff:  # pylint: disable=protected-access
        result["diff"] = datas.difference(f"{ACCOUNTS}\\{task.name}", task.show(task.there, task.was_disabled, datas.SECRET),
                                          task.show(present, task.disabled, datas.SECRET + (" changed" if new_password else "")))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
