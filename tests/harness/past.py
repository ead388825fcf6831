# SPDX-License-Identifier: MIT
"""What tests of the past ask regd: its history, branches as they were, and going back."""

import dbus

from harness.registry import options


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
