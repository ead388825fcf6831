# SPDX-License-Identifier: MIT
"""What tests of the past ask regd: its history, branches as they were, and going back; and registries
with a schema of secrets."""

import contextlib
import signal

import dbus

from harness.bus import wait_for
from harness.case import equal
from harness.process import SOURCE
from harness.reach import reachable
from harness.registry import Refused, Registry, options


def history(client, key, **given):
    return client.call("GetHistory", "sa{sv}", key, options(**given))


def roll_back(client, key, revision, **given):
    """(the revision after it, its changes)."""
    return client.call("Rollback", "sta{sv}", key, dbus.UInt64(revision), options(**given))


def told(entries):
    """The changes of history as (kind, name, old data, new data), newest first."""
    return [(change["kind"], change["name"], change.get("old-data"), change.get("new-data"))
            for entry in entries for change in entry["changes"]]


def everything(client, key, **given):
    """All of a branch, page by page: [(path, [(name, type, data)])]."""
    keys, cursor = [], ""
    while True:
        _, page, cursor = client.tree(key, cursor=cursor, **given)
        for path, values in page:
            if keys and keys[-1][0] == path:
                keys[-1][1].extend(values)
            else:
                keys.append((path, list(values)))
        if not cursor:
            return keys


def state(client, key):
    """What a rollback has to bring back: values, their order, links, classes, access lists."""
    keys = everything(client, key)
    details = [(path, client.info(path, no_follow=True)["class"], client.info(path, no_follow=True).get("link"))
               for path, _ in keys]
    lists = [client.acl(path) for path, _ in keys
             if "link" not in client.info(path, no_follow=True)]
    return keys, details, lists


def describe(keys):
    """A schema that calls V secret in these keys."""
    return "".join(f"[key {key}]\n\n[value V]\ntype = REG_SZ\n{'secret' if secret else ''}\n\n" for key, secret in keys)


@contextlib.contextmanager
def described(keys):
    with Registry() as registry:
        directory = registry.directory / "schemas"
        directory.mkdir()
        (directory / "test.schema").write_text(describe(keys))
        registry.schemas = [reachable(SOURCE / "data" / "schemas"), directory]
        registry.restart()
        yield registry


def describe_anew(registry, keys):
    """The same registry with other schemas."""
    (registry.directory / "schemas" / "test.schema").write_text(describe(keys))
    registry.process.signal(signal.SIGHUP)
    for key, secret in keys:
        wait_for(lambda key=key, secret=secret: registry.client.call("Describe", "ss", key, "V").get("secret") == secret,
                 "the schemas to be read again")


def attempt(function, *arguments, **given):
    """What it answers, or None if it is refused."""
    try:
        return function(*arguments, **given)
    except Refused as refusal:
        equal(refusal.name, "AccessDenied")
        return None
