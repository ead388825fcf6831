# SPDX-License-Identifier: MIT
"""Every #include against the declared graph: which layer may know of which,
and which layers may see which library."""

import re
from pathlib import Path

from harness.case import Failure, main, test
from sources import TOP, code_only, find, read

# A file belongs to the folder with the longest prefix that fits its path. Everything may
# include the public header and what is pure in client/base.
EVERYBODYS = {"client/registry.h", "client/base"}
# regd is a stack: a folder may include any that stands before it.
REGD = [f"regd/{name}" for name in ("base", "storage", "tree", "history", "declare", "read", "files", "upkeep", "edit", "write",
                                    "service", "polkit", "bus", "registry1")] + ["regd"]
MAIL = {f"mailauth/{name}" for name in ("base", "ipc", "process", "tls", "protocol", "origin", "settings", "connector", "pam",
                                        "packed", "mailbox", "backend", "hashes", "package", "query", "servant", "sql", "guesses", "poll", "front", "parent", "events", "sessions",
                                        "logins", "verifier")}
LAYERS = {
    "client/registry.h": set(),
    "client/base": set(),
    "client/regfile": set(),
    "client/hive": {"client/regfile"},
    "client/terminal": set(),
    "client/threads": set(),
    "client/confine": set(),
    "client/bus": set(),
    "client/connection": {"client/bus"},
    "client/view": {"client/bus", "client/connection"},
    "client/cli": {"client/bus"},
    "client/examples": set(),
    "client/regctl/session": {"client/cli", "client/connection", "client/terminal"},
    "client/regctl/branch": {"client/cli", "client/regctl/session", "client/regfile", "client/hive", "client/terminal"},
    "client/regctl/verbs": {"client/cli", "client/regctl/session", "client/regctl/branch", "client/regfile",
                            "client/terminal"},
    "client/regctl/declare": {"client/regctl/verbs", "client/cli", "client/regctl/session", "client/regctl/branch", "client/regfile",
                            "client/terminal"},
    "client/regctl/fleet": {"client/cli", "client/regctl/session"},
    "client/regctl": {"client/cli", "client/threads", "client/regctl/session", "client/regctl/verbs", "client/regctl/declare",
                      "client/regctl/fleet"},
    "schema": set(),
    "mailauth/base": {"client/confine"},
    "mailauth/ipc": {"mailauth/base"},
    "mailauth/process": {"client/confine", "mailauth/base", "mailauth/ipc"},
    "mailauth/tls": {"mailauth/base"},
    "mailauth/protocol": {"mailauth/base"},
    "mailauth/origin": {"mailauth/base"},
    "mailauth/query": {"mailauth/base"},
    "mailauth/settings": {"mailauth/base", "mailauth/query", "mailauth/tls"},
    "mailauth/connector": {"client/threads", "mailauth/base", "mailauth/ipc", "mailauth/process",
                           "mailauth/settings"},
    "mailauth/pam": {"client/threads", "mailauth/base", "mailauth/ipc", "mailauth/process", "mailauth/servant",
                     "mailauth/settings"},
    "mailauth/servant": {"mailauth/base", "mailauth/ipc"},
    "mailauth/packed": {"mailauth/base"},
    "mailauth/mailbox": {"mailauth/base", "mailauth/ipc", "mailauth/process", "mailauth/packed"},
    "mailauth/backend": {"mailauth/base", "mailauth/settings", "mailauth/connector"},
    "mailauth/hashes": {"mailauth/base"},
    "mailauth/package": {"client/threads", "mailauth/base", "mailauth/hashes", "mailauth/settings", "mailauth/protocol",
                         "mailauth/connector", "mailauth/pam"},
    "mailauth/sql": {"client/threads", "mailauth/base", "mailauth/hashes", "mailauth/ipc", "mailauth/package",
                     "mailauth/process", "mailauth/protocol", "mailauth/query", "mailauth/servant", "mailauth/settings"},
    "mailauth/sessions": {"mailauth/base", "mailauth/ipc", "mailauth/settings", "mailauth/events", "mailauth/package"},
    "mailauth/guesses": set(),
    "mailauth/poll": {"mailauth/base"},
    "mailauth/front": {"mailauth/base", "mailauth/ipc", "mailauth/process", "mailauth/tls", "mailauth/protocol",
                       "mailauth/origin", "mailauth/poll"},
    "mailauth/parent": {"mailauth/base", "mailauth/ipc", "mailauth/process"},
    "mailauth/events": {"mailauth/base"},
    "mailauth/logins": {"client/threads"} | {f"mailauth/{name}" for name in ("base", "settings", "protocol", "connector", "pam", "mailbox",
                                                                             "backend", "package", "guesses", "events", "sessions", "sql")},
    "mailauth/verifier": MAIL - {"mailauth/origin", "mailauth/poll", "mailauth/front", "mailauth/parent", "mailauth/verifier"} |
                         {"client/bus", "client/threads"},
    "mailauth/mailauthctl": {"client/bus", "client/cli", "client/connection", "client/threads", "mailauth/base", "mailauth/hashes",
                             "mailauth/package",
                             "mailauth/pam", "mailauth/protocol", "mailauth/settings"},
    "mailauth": MAIL | {"client/bus", "client/cli", "client/threads"},
}
LAYERS |= {folder: set(REGD[:place]) for place, folder in enumerate(REGD)}
for folder, besides in {"history": {"schema"}, "read": {"schema", "client/threads"}, "files": {"client/threads", "client/regfile"},
                        "edit": {"schema"}, "write": {"schema", "client/threads"}, "polkit": {"client/bus"}, "bus": {"client/bus", "client/threads"},
                        "registry1": {"client/bus", "client/threads"}}.items():
    LAYERS[f"regd/{folder}"] |= besides
# The fleet's rooms stand beside the stack, each on a part of it.
LAYERS |= {"regd/fleet/seal": {"client/threads", "regd/base"},
           "regd/fleet/local": set(REGD[:REGD.index("regd/service")]) | {"schema", "regd/fleet/base", "regd/fleet/seal"},
           "regd/fleet/desk": set(REGD[:REGD.index("regd/polkit")]) | {"regd/fleet/base", "regd/fleet/local"},
           "regd/fleet/faces": set(REGD[:-1]) | {"client/bus", "client/threads", "regd/fleet/base", "regd/fleet/local",
                                                 "regd/fleet/desk"}}
# Both sides of the bus know the records; the agent knows regd by the bus alone.
LAYERS |= {"regd/fleet/base": set(), "regd/fleet/etcd": {"regd/fleet/base", "client/bus"},
           "regd/fleet/stage": {"regd/fleet/base", "regd/fleet/etcd"}, "regd/fleet/report": {"regd/fleet/base", "regd/fleet/etcd"},
           "regd/fleet/agent": {"client/confine", "regd/fleet/base", "regd/fleet/etcd", "regd/fleet/stage", "regd/fleet/report", "client/bus",
                                "client/cli"}}
LAYERS["regd"].add("regd/fleet/faces")
# Each program reads its command line with client/cli.
LAYERS["regd"] |= {"schema", "client/bus", "client/cli", "client/threads"}
# Libraries that only these paths (files or folders) may include.
LIBRARIES = {
    r"sqlite3\.h": {"regd/storage", "mailauth/package/sqlite.c", "mailauth/mailauthctl"},
    r"dbus/.*": {"client/bus", "client/connection", "client/cli", "regd/polkit", "regd/bus", "regd/fleet/etcd", "regd/fleet/agent", "regd/fleet/faces", "regd", "mailauth/verifier",
                 "mailauth/mailauthctl"},
    r"openssl/.*": {"mailauth/tls", "mailauth/poll", "mailauth/front", "mailauth/backend", "mailauth/protocol", "mailauth/package",
                    "mailauth/hashes",
                    "mailauth/base/secret.c", "mailauth/base/secret-mac.c", "mailauth/process/sandbox.c", "mailauth/logins/scram-exchange.c", "mailauth/sql/mysql-proof.c", "regd/fleet/etcd/certificate.c"},
    r"(argon2|crypt)\.h": {"mailauth/hashes"},
    r"(zlib|zstd)\.h": {"mailauth/packed"},
    r"(ldap|lber)\.h": {"mailauth/package", "mailauth/settings/server-address.c"},
    r"libpq-fe\.h": {"mailauth/sql/postgresql.c"},
    r"(mysql|mysqld_error|errmsg|ma_pvio)\.h": {"mailauth/sql/mysql.c", "mailauth/sql/mysql-proof.c", "mailauth/sql/mysql-proof.h"},
    r"security/.*": {"mailauth/pam"},
    r"seccomp\.h": {"client/confine"},
    r"systemd/.*": {"regd", "mailauth/parent", "mailauth/events"},
    r"curl/.*": {"regd/fleet/etcd/transport.c"},
    r"protobuf-c/.*": set(),
    r"nettle/.*": {"regd/fleet/seal"},
    r"gio/.*": set(),
}
# Logic that does no I/O: none of the system's doors may be included there.
PURE = ["client/base", "client/regfile", "schema/rules", "schema/parse", "regd/base/access", "regd/base/watchers", "regd/base/effective",
        "regd/history/encoding", "regd/fleet/base", "regd/fleet/etcd/messages", "regd/fleet/etcd/account", "mailauth/base/base64", "mailauth/base/line", "mailauth/base/networks", "mailauth/base/unique-id-format", "mailauth/protocol", "mailauth/query",
        "mailauth/sql/sql-answer", "mailauth/origin/origin", "mailauth/origin/proxy-header",
        "mailauth/settings/settings", "mailauth/settings/settings-read", "mailauth/settings/settings-names",
        "mailauth/settings/settings-tables", "mailauth/settings/decision", "mailauth/logins/throttle", "mailauth/guesses",
        "mailauth/events/events", "mailauth/mailbox/maildir-name", "mailauth/mailbox/maildir-ids",
        "mailauth/mailbox/dovecot-uidlist", "mailauth/mailbox/pop3-body", "mailauth/mailbox/pop3-maildrop"]
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


def source_of(included):
    """protobuf-c makes X.pb-c.h of X.proto."""
    return included.replace(".pb-c.h", ".proto")


def fail_with(problems):
    if problems:
        raise Failure("\n".join(problems))


@test
def own_headers_are_rooted_and_there():
    fail_with([f"{path} includes {included!r}: no such file from the top"
               for path, _, quote, included in includes()
               if quote == '"' and not (TOP / source_of(included)).is_file()])


@test
def layers_know_only_those_below():
    problems = []
    for path, layer, quote, included in includes():
        target = layer_of(included) if quote == '"' else layer
        if target != layer and target not in LAYERS[layer] | EVERYBODYS:
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
def headers_are_guarded_by_their_path():
    problems = []
    for path in find(".h"):
        guard = re.sub(r"\W", "_", path.as_posix()).upper()
        if f"\n#ifndef {guard}\n#define {guard}\n" not in code_only(read(path)):
            problems.append(f"{path} is not guarded by {guard}")
    fail_with(problems)


@test
def each_folder_has_a_row():
    folders = {path.parent.as_posix() for path in find(".c", ".h") if path.parts[0] != "tests"}
    fail_with([f"{folder} is not in the table" for folder in sorted(folders - LAYERS.keys() - {"client"})]
              + [f"{folder} is in the table, and not there" for folder in LAYERS if not (TOP / folder).exists()])


@test
def no_private_header_leaves_its_folder():
    fail_with([f"{path} includes {included}" for path, _, quote, included in includes()
               if included.endswith("-private.h") and Path(path).parent != Path(included).parent])


def module_of(path):
    """A source, its header and its private header are one module."""
    return Path(path).with_suffix("").as_posix().removesuffix("-private")


def module_graph():
    graph = {}
    for path, _, quote, included in includes():
        if quote == '"':
            graph.setdefault(module_of(path), set()).add(module_of(included))
    return {module: known - {module} for module, known in graph.items()}


def circles_of(graph):
    """The sets of modules that reach each other: a module is left when all that it knows is left."""
    def reach(start):
        found, waiting = set(), [start]
        while waiting:
            for module in graph.get(waiting.pop(), ()):
                if module not in found:
                    found.add(module)
                    waiting.append(module)
        return found

    reached = {module: reach(module) for module in graph}
    return {frozenset(other for other in reached[module] if module in reached.get(other, ()))
            for module in graph if module in reached[module]}


@test
def no_circle_of_files():
    fail_with([f"a circle: {', '.join(sorted(circle))}" for circle in circles_of(module_graph())])


@test
def a_circle_is_found():
    fail_with([] if circles_of({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == {frozenset("bc")}
              else ["the circle of b and c is not found"])


main()
