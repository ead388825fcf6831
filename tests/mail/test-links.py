#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The channel between verifier and front ends, and neither does: they get another,
and the sessions that are open notice nothing. The test speaks on the channel
itself, by a copy of a role's descriptor."""

import ctypes
import errno
import os
import socket
import stat

from harness.bus import wait_until
from harness.case import Skip, check, contains, equal, main, test
from harness.mail import IMAP, POP3
from harness.registry import REG_SZ
from harness.talk import Mail

PIDFD_GETFD = 438
PARENTS = 3  # a role's channel to the parent
GARBAGE = b"\xff?"
LOGGED_IN = "a NO [UNAVAILABLE] The mailbox cannot be opened now."  # there is no backend
OFTEN = 5  # channels that end in a row, until the front is replaced


def copy_descriptor(pid, number):
    """A descriptor of @pid's own, as ours; None where it has gone."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    try:
        copy = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, process, number, 0)
    finally:
        os.close(process)
    if copy < 0 and ctypes.get_errno() in (errno.EPERM, errno.ENOSYS):
        raise Skip(f"takes the right to copy descriptors: {os.strerror(ctypes.get_errno())}")
    return copy if copy >= 0 else None


def copy_channel(pid, number):
    """A role's channel, as a socket of ours; None where it is something else."""
    copy = copy_descriptor(pid, number)
    if copy is None:
        return None
    if not stat.S_ISSOCK(os.fstat(copy).st_mode):
        os.close(copy)
        return None
    connection = socket.socket(fileno=copy)
    if connection.type == socket.SOCK_SEQPACKET:
        return connection
    connection.close()
    return None


def find_channel(pid):
    """A copy of a role's only channel but the parent's; None for none."""
    try:
        numbers = sorted(int(number) for number in os.listdir(f"/proc/{pid}/fd"))
    except FileNotFoundError:  # the process has gone
        return None
    except PermissionError as error:
        raise Skip("takes the right to see the roles' descriptors") from error
    found = [copy for number in numbers if number != PARENTS and (copy := copy_channel(pid, number))]
    check(len(found) <= 1, f"{found} are channels")
    return found[0] if found else None


def identify(mail):
    """What tells the front's channel to the verifier from another; None for none."""
    front = mail.roles().get("front", [None])[0]
    channel = find_channel(front) if front else None
    if channel is None:
        return None
    with channel:
        return front, os.fstat(channel.fileno()).st_ino


def end_channel(mail, role, act):
    """Has the channel ended by @act, on a copy of @role's end, and waits for another."""
    wait_until(lambda: identify(mail), "the front to have taken its channel")
    before = identify(mail)
    with find_channel(mail.roles()[role][0]) as channel:
        act(channel)
    wait_until(lambda: identify(mail) not in (None, before), "another channel")
    mail.wait_until_ready()


def send_garbage(channel):
    channel.send(GARBAGE)


def shut_down(channel):
    channel.shutdown(socket.SHUT_RDWR)


def processes(mail):
    return {role: mail.roles()[role] for role in ("front", "verifier")}


@test
def roles_that_lost_their_channel_get_another():
    with Mail(imap=False) as mail:
        # No connector, and no mailbox: those would have channels, too.
        mail.client.set(POP3, "Mail Directory", REG_SZ, "")
        mail.add_account("ann", "sesame", mailbox=False)
        before = processes(mail)
        # What the front sends comes to the verifier, and the other way round.
        end_channel(mail, "front", send_garbage)
        equal(mail.pop3_answer("ann", "sesame"), "-ERR [SYS/TEMP] The mailbox cannot be opened now.")
        end_channel(mail, "verifier", send_garbage)
        equal(mail.pop3_answer("ann", "sesame"), "-ERR [SYS/TEMP] The mailbox cannot be opened now.")
        end_channel(mail, "front", shut_down)
        equal(mail.pop3_answer("ann", "sesame"), "-ERR [SYS/TEMP] The mailbox cannot be opened now.")
        contains(mail.pop3_answer("ann", "wrong"), "-ERR [AUTH]")
        equal(processes(mail), before)


@test
def settings_are_live_on_the_other_channel():
    with Mail() as mail:
        end_channel(mail, "front", send_garbage)
        mail.client.set(IMAP, "Clear Text", REG_SZ, "never")
        contains(mail.imap_answer("ann", "sesame"), "a NO [PRIVACYREQUIRED]")


@test
def sessions_outlive_it_and_logins_wait_for_another():
    with Mail() as mail:
        mail.add_account("ann", "sesame")
        mail.add_account("bob", "sesame")
        with mail.pop3_talk() as opened:
            opened.expect("+OK")
            opened.say("USER ann", "PASS sesame")
            opened.expect("+OK", "+OK Logged in.")
            before = identify(mail)
            with find_channel(before[0]) as channel:
                send_garbage(channel)
            wait_until(lambda: identify(mail) != before, "the channel to end")
            equal(mail.pop3_answer("bob", "sesame"), "+OK Logged in.")
            opened.ask("NOOP", "+OK")


@test
def a_front_that_loses_it_again_and_again_is_replaced():
    with Mail() as mail:
        mail.add_account("ann", "sesame")
        before = processes(mail)
        for _ in range(OFTEN):
            equal(processes(mail), before)
            end_channel(mail, "front", send_garbage)
        now = processes(mail)
        check(now["front"] != before["front"], "the front is the same")
        equal(now["verifier"], before["verifier"])
        equal(mail.imap_answer("ann", "sesame"), LOGGED_IN)


main()
