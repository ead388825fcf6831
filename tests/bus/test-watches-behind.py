# SPDX-License-Identifier: MIT
"""Watches that are told in slices: what waits for them meanwhile, and what becomes of it."""


import dbus

from harness.bus import run_pending, wait_for
from harness.case import check, equal, main, test
from harness.freeze import freeze, thaw
from harness.registry import ERROR, NAME, PATH, SOFTWARE, Registry, Refused, operation_list, options

LINK = SOFTWARE + r"\Link"
# Each of them is looked up when the link leads elsewhere, which takes many slices.
WATCHES = 10000
BARRIERS = 256
AT_ONCE = 100  # calls, of which the bus holds 128 a connection


def fall_behind(registry, writer, watcher):
    """Leads a link that many watches go through elsewhere, and stops regd amid telling it. The outcome of the change."""
    for target in "AB":
        writer.create(SOFTWARE + "\\" + target)
    writer.create(LINK, link=SOFTWARE + r"\A")
    for _ in range(0, WATCHES, AT_ONCE):
        begun = [watcher.send("Watch", "sa{sv}", LINK, options()) for _ in range(AT_ONCE)]
        wait_for(lambda begun=begun: all(begun), "the watches")
        equal([outcome for outcome in begun if isinstance(outcome[0], Refused)], [])
    operations = operation_list([("delete-key", LINK), ("create-link", LINK, "", 0, SOFTWARE + r"\B")])
    outcome = writer.send("Commit", "a(sssuv)a{sv}", operations, options())
    wait_for(lambda: watcher.signals, "the first signal")
    freeze(registry.process.pid)
    run_pending()
    check(len(watcher.signals) < WATCHES and not outcome, "not all of them have been told")
    return outcome


def get_revision():
    """A call that waits for the watches of its connection. The bus counts no replies for it."""
    message = dbus.lowlevel.MethodCallMessage(NAME, PATH, dbus.PROPERTIES_IFACE, "Get")
    message.append(NAME, "Revision", signature="ss")
    message.set_no_reply(True)
    return message


@test
def calls_that_wait_for_watches_are_counted():
    with Registry() as registry:
        watcher = registry.connect()
        outcome = fall_behind(registry, registry.client, watcher)
        for _ in range(BARRIERS - 1):
            watcher.connection.send_message(get_revision())
        answers, errors = [], []
        for _ in range(10):
            watcher.connection.call_async(NAME, PATH, dbus.PROPERTIES_IFACE, "Get", "ss", (NAME, "Revision"),
                                          answers.append, errors.append)
        thaw(registry.process.pid)
        wait_for(lambda: outcome and len(answers) + len(errors) == 10, "the answers")
        equal([error.get_dbus_name() for error in errors], [ERROR + "LimitExceeded"] * 9)
        equal(len(watcher.received()), WATCHES)


main()
