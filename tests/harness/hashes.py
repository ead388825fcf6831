# SPDX-License-Identifier: MIT
"""crypt(3), as the system's library has it: Python's own module is gone since 3.13. What mailauthd hashes."""

import ctypes
import re
import secrets

from harness.case import Skip
from harness.process import is_sanitised, program

_library = ctypes.CDLL("libcrypt.so.1", use_errno=True)
_library.crypt.restype = ctypes.c_char_p
SALT_BYTES = 8


def crypt(password, setting):
    """The hash of a password by a method, its cost and a salt: "$6$salt"."""
    found = _library.crypt(password.encode(), setting.encode())
    # What the library does not know it answers with a text that no hash is.
    if found is None or found.startswith(b"*"):
        raise ValueError(f"no hash by {setting!r}")
    return found.decode()


def crypt_anew(password, method):
    """The same with a salt of its own: method is "$5$" or "$6$rounds=5000$"."""
    return crypt(password, method + secrets.token_hex(SALT_BYTES))


def telling():
    """The environment of a mailauthd that tells each hash it makes."""
    if is_sanitised():
        raise Skip("a sanitised mailauthd takes no preloaded library before its own")
    return {"LD_PRELOAD": program("tests/mail/libcounted-hashes.so")}


def hashed(mail):
    return re.findall("hashed by <(.*)>", mail.process.output())


def work(mail, user, password="wrong"):
    """The kinds of all hashes that one login takes."""
    before = len(hashed(mail))
    mail.pop3_answer(user, password)
    return hashed(mail)[before:]
