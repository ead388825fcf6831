"""Every #include against the declared graph: which layer may know of which,
and which layers may see which library."""

import re
from pathlib import Path

from harness.case import Failure, main, test
from sources import TOP, code_only, find, read

# A file belongs to the layer with the longest prefix that fits its path.
BASE = {"client/registry.h", "client/base"}
CLIENT = BASE | {"client/bus", "client"}
LAYERS = {
    "client/registry.h": set(),
    "client/base": {"client/registry.h"},
    "client/bus": BASE,
    "client": BASE | {"client/bus"},
    "client/regctl": CLIENT,
    "schema": BASE,
    "regd": BASE | {"client/bus", "schema"},
    "mailauth": CLIENT | {"mailauth/package", "mailauth/mailauthctl"},
    "mailauth/package": CLIENT | {"mailauth"},
    "mailauth/mailauthctl": CLIENT | {"client/regctl", "mailauth", "mailauth/package"},
}
# Libraries that only these paths (files or layers) may include.
LIBRARIES = {
    r"sqlite3\.h": {"regd/db.c", "regd/db.h", "mailauth/package/sqlite.c", "mailauth/mailauthctl"},
    r"dbus/.*": {"client/bus", "client", "client/regctl", "regd", "mailauth", "mailauth/package",
                 "mailauth/mailauthctl"},
    r"openssl/.*": {"mailauth", "mailauth/package"},
    r"crypt\.h": {"mailauth", "mailauth/package", "mailauth/mailauthctl"},
    r"systemd/.*": {"regd", "mailauth"},
    r"gio/.*": set(),
}
# Logic that does no I/O: none of the system's doors may be included there.
PURE = ["client/base", "schema/rules", "schema/parse", "regd/access", "regd/watchers", "regd/effective",
        "mailauth/line", "mailauth/sasl", "mailauth/pop3", "mailauth/imap", "mailauth/throttle",
        "mailauth/settings", "mailauth/decision", "mailauth/maildir-name", "mailauth/pop3-body",
        "mailauth/pop3-maildrop", "mailauth/unique-id-format", "mailauth/dovecot-uidlist", "mailauth/maildir-ids"]
DOORS = re.compile(r"(unistd|fcntl|stdio|sys/(socket|stat|file|mman|wait)|netdb|"
                   r"dbus/.*|sqlite3|gio/.*|glib/gstdio)\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.MULTILINE)


def layer_of(path):
    """The layer of a path, or None for what is outside the graph (tests)."""
    fitting = [layer for layer in LAYERS if path == layer or path.startswith(layer + "/")]
    return max(fitting, key=len, default=None)


def includes():
    """(path, layer, quote, included) of every include of the product."""
    for path in find(".c", ".h"):
        layer = layer_of(path.as_posix())
        if layer:
            for quote, included in INCLUDE.findall(read(path)):
                yield path.as_posix(), layer, quote, included


def fail_with(problems):
    if problems:
        raise Failure("\n".join(problems))


@test
def own_headers_are_rooted_and_there():
    fail_with([f"{path} includes {included!r}: no such file from the top"
               for path, _, quote, included in includes()
               if quote == '"' and not (TOP / included).is_file()])


@test
def layers_know_only_those_below():
    problems = []
    for path, layer, quote, included in includes():
        target = layer_of(included) if quote == '"' else layer
        if target != layer and target not in LAYERS[layer]:
            problems.append(f"{path} ({layer}) includes {included} ({target})")
    fail_with(problems)


@test
def libraries_are_seen_where_they_belong():
    problems = []
    for path, layer, quote, included in includes():
        for pattern, allowed in LIBRARIES.items():
            if quote == "<" and re.fullmatch(pattern, included) and not {path, layer} & allowed:
                problems.append(f"{path} includes <{included}>")
    fail_with(problems)


@test
def pure_logic_does_no_input_or_output():
    def is_pure(path):
        stem = Path(path).with_suffix("").as_posix()
        return any(stem == pure or path.startswith(pure + "/") for pure in PURE)

    fail_with([f"{path} includes <{included}>" for path, _, quote, included in includes()
               if quote == "<" and is_pure(path) and DOORS.fullmatch(included)])


@test
def headers_are_guarded():
    fail_with([f"{path} has no include guard" for path in find(".h")
               if not re.search(r"^#ifndef (\w+_H)\n#define \1\n", code_only(read(path)), re.MULTILINE)])


main()
