#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""mailauthd's processes: who they are, what they hold, and how they end."""

import os
import pwd
import re
import select
import shutil
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from gi.repository import GLib

from harness.bus import ALICE, BOB, wait_for, wait_until
from harness.case import Failure, Skip, check, contains, equal, main, rows, test
from harness.mail import IMAP, POP3, SERVICE, MailServer, children_of, needs_role_users, read_process
from harness.ports import accepts, free_ports
from harness.process import PATIENCE, program
from harness.registry import REG_MULTI_SZ, REG_SZ, Registry


def status_of(pid):
    """/proc/PID/status as a table."""
    return dict(line.split(":\t", 1) for line in read_process(pid, "status").splitlines() if ":\t" in line)


def uids_of(pid):
    return {int(uid) for uid in status_of(pid)["Uid"].split()}


def uid_of(name):
    return pwd.getpwnam(name).pw_uid


@test
def each_role_is_its_own_user_where_root_started_it():
    needs_role_users()
    with Registry() as registry, MailServer(registry, as_root=True, imap=False) as server:
        server.add_account("anna", "sesame")
        server.deliver("anna", "Subject: one\n\nhello\n")
        with server.pop3("anna", "sesame") as client:
            equal(client.stat()[0], 1)
            roles = server.roles()
            equal(sorted(roles), ["front", "store", "verifier"])
            equal(uids_of(server.process.pid), {0})
            equal(uids_of(roles["verifier"][0]), {uid_of("mailauth")})
            equal(uids_of(roles["front"][0]), {uid_of("mailauth-front")})
            equal(uids_of(roles["store"][0]), {server.owner})
            for pids in roles.values():
                status = status_of(pids[0])
                equal((status["CapEff"], status["CapPrm"], status["NoNewPrivs"]),
                      ("0000000000000000", "0000000000000000", "1"))
                check("0" not in status["Groups"].split(), f"{pids[0]} is in root's group")
            client.quit()


@test
def each_mailbox_is_served_as_its_owner():
    needs_role_users()
    with Registry() as registry, MailServer(registry, as_root=True) as server:
        for name, owner in (("anna", ALICE), ("bert", BOB)):
            server.owner = owner
            server.add_account(name, "sesame")
            with server.pop3(name, "sesame") as client:
                client.stat()
                check(owner in {uid for pid in server.roles()["store"] for uid in uids_of(pid)},
                      f"no store runs as {owner}")
                client.quit()


def makers_of(server):
    """The processes that the parent started and mailboxes' processes are split off."""
    return [pid for pid in children_of(server.process.pid)
            if read_process(pid, "cmdline").startswith("mailauthd: store")]


@test
def all_mailboxes_of_a_user_come_of_one_process():
    needs_role_users()
    with Registry() as registry, MailServer(registry, as_root=True) as server:
        server.owner = ALICE
        names = [f"user{number}" for number in range(5)]
        for name in names:
            server.add_account(name, "sesame")
        with ExitStack() as sessions:
            for name in names:
                sessions.enter_context(server.pop3(name, "sesame")).stat()
            makers = makers_of(server)
            equal(len(makers), 1)
            equal(len(children_of(makers[0])), len(names))
        # One that is gone is replaced when a mailbox without a process asks for it.
        for name in ("another", "one-more"):
            end_at_once(makers_of(server)[0])
            server.add_account(name, "sesame")
            with server.pop3(name, "sesame") as client:
                client.stat()
            equal(len(makers_of(server)), 1)


@test
def sessions_outlive_the_process_that_theirs_was_split_off():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        server.add_account("bert", "sesame")
        server.deliver("anna", "Subject: one\n\nhello\n")
        with server.pop3("anna", "sesame") as client:
            equal(client.stat()[0], 1)
            mailbox = os.pidfd_open(server.roles()["store"][0])
            old = makers_of(server)
            end_at_once(old[0])
            contains(b"\n".join(client.retr(1)[1]), b"hello")
            with server.pop3("bert", "sesame") as other:
                equal(other.stat()[0], 0)
            check(makers_of(server) != old, "there is no new process to split others off")
            client.dele(1)
            client.quit()
        equal(server.files("anna"), [])
        # The next session has the process still, which ends with the server.
        with server.pop3("anna", "sesame") as client:
            equal(client.stat()[0], 0)
            check(not has_ended(mailbox), "the mailbox's process did not stay")
            server.process.kill()
            wait_for_end(mailbox)
        os.close(mailbox)
        server.process = None


@test
def a_mailbox_of_roots_is_refused():
    needs_role_users()
    with Registry() as registry, MailServer(registry, as_root=True) as server:
        server.owner = 0
        server.add_account("anna", "sesame")
        connection, stream = server.raw()
        with connection, stream:
            connection.sendall(b"USER anna\r\nPASS sesame\r\n")
            stream.readline()
            contains(stream.readline().decode(), "[SYS/TEMP]")
        contains(server.events()[0]["description"], "root")


@test
def a_link_to_anothers_mailbox_is_refused():
    needs_role_users()
    with Registry() as registry, MailServer(registry, as_root=True) as server:
        server.owner = ALICE
        server.add_account("anna", "sesame")
        server.owner = BOB
        server.add_account("bert", "sesame", mailbox=False)
        (server.mail / "bert").mkdir()
        os.symlink(server.maildir("anna"), server.maildir("bert"))
        server.give(server.mail / "bert")
        connection, stream = server.raw()
        with connection, stream:
            connection.sendall(b"USER bert\r\nPASS sesame\r\n")
            stream.readline()
            contains(stream.readline().decode(), "[SYS/TEMP]")


@test
def the_verifier_is_the_user_that_object_name_names():
    needs_role_users()
    with Registry() as registry, MailServer(registry, as_root=True) as server:
        ended = os.pidfd_open(server.roles()["verifier"][0])
        registry.client.set_acl("HKLM\\SAM", (f"user:{BOB}", "read"))
        registry.client.set(SERVICE, "ObjectName", REG_SZ, str(BOB))
        wait_for_end(ended)
        os.close(ended)
        server.add_account("anna", "sesame")
        with server.pop3("anna", "sesame") as client:
            client.quit()
        equal(uids_of(server.roles()["verifier"][0]), {BOB})


def wait_for_end(descriptor):
    """Until the process of this descriptor has ended."""
    ended = []
    GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, descriptor, GLib.IOCondition.IN, lambda *_: ended.append(True))
    wait_for(lambda: ended, "the process to end")


def has_ended(descriptor):
    """Whether the process of this descriptor has."""
    return bool(select.select([descriptor], [], [], 0)[0])


def end_at_once(pid):
    """As a fault would; returns once the process has ended."""
    descriptor = os.pidfd_open(pid)
    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    wait_for_end(descriptor)
    os.close(descriptor)


def login(server, refused):
    """Whether anna may log in; where not, by this code."""
    connection, stream = server.raw()
    with connection, stream:
        connection.sendall(b"USER anna\r\nPASS sesame\r\nQUIT\r\n")
        answers = stream.read().decode().splitlines()
    if not answers[1].startswith("+OK"):
        contains(answers[1], refused)
    return answers[1].startswith("+OK")


@test
def a_name_that_cannot_be_used_is_asked_for_again():
    needs_role_users()
    with Registry() as registry, MailServer(registry, as_root=True) as server:
        server.add_account("anna", "sesame")
        registry.client.set(SERVICE, "ObjectName", REG_SZ, "no-such-user-here")
        os.kill(server.roles()["verifier"][0], signal.SIGKILL)
        while "useradd --system" not in server.process.output():
            login(server, refused="[SYS/TEMP]")
        registry.client.unset(SERVICE, "ObjectName")
        while not login(server, refused="[SYS/TEMP]"):
            pass  # each try waits for the verifier for some seconds
        equal(uids_of(server.roles()["verifier"][0]), {uid_of("mailauth")})


@test
def a_user_that_is_missing_is_fatal_and_says_how_to_make_it():
    needs_role_users()
    with Registry() as registry:
        registry.client.set(SERVICE, "ObjectName", REG_SZ, "no-such-user-here")
        run = registry.run(program("mailauth/mailauthd"), f"--bus={registry.bus.address}")
        equal(run.returncode, 1)
        contains(run.stderr.decode(), "useradd --system")
        contains(run.stderr.decode(), "no-such-user-here")


@test
def a_bus_that_can_be_none_is_not_waited_for():
    for bus in ("systm", "", "unix:path"):
        run = subprocess.run([program("mailauth/mailauthd"), f"--bus={bus}"], capture_output=True, timeout=PATIENCE,
                             check=False)
        equal(run.returncode, 2)
        contains(run.stderr.decode(), f"mailauthd: --bus={bus} is neither system nor session nor an address")


@test
def a_role_holds_its_channel_and_little_else():
    with Registry() as registry, MailServer(registry, imap=False) as server, server.pop3():
        for name, pids in server.roles().items():
            check(len(pids) == 1, f"there are several: {name} {pids}\n{server.process.output()}")
            command = read_process(pids[0], "cmdline").split("\0")
            equal(command[0], f"mailauthd: {name}")
            equal(status_of(pids[0])["NoNewPrivs"], "1")
            text = read_process(pids[0], "limits")
            limits = [line.split() for line in text.splitlines()]
            check(["Max", "core", "file", "size", "0", "0", "bytes"] in limits,
                  f"the {name} may write core files, or has gone:\n{text}{server.process.output()}")


@test
def all_end_with_the_parent():
    for number in (signal.SIGTERM, signal.SIGKILL):
        with Registry() as registry, MailServer(registry, imap=False) as server:
            server.add_account("anna", "sesame")
            with server.pop3("anna", "sesame") as client:
                client.stat()
                descriptors = [os.pidfd_open(pid) for pids in server.roles().values() for pid in pids]
                equal(len(descriptors), 3)
                server.process.signal(number)
                equal(server.process.wait(), 0 if number == signal.SIGTERM else -signal.SIGKILL)
                for descriptor in descriptors:
                    wait_for_end(descriptor)
                    os.close(descriptor)
            server.process = None


@test
def who_is_not_logged_in_is_told_of_the_end():
    with Registry() as registry, MailServer(registry) as server:
        clients = {b"-ERR The server is stopping.\r\n": server.raw(),
                   b"* BYE The server is stopping.\r\n": server.raw(server.imap_port)}
        for connection, stream in clients.values():
            connection.sendall(b"a NOOP\r\n")
            stream.readline()
        server.process.signal(signal.SIGTERM)
        for goodbye, (connection, stream) in clients.items():
            equal(stream.read(), goodbye)
            connection.close()
        equal(server.process.wait(), 0)
        server.process = None


@test
def listeners_follow_the_settings():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        with server.pop3("anna", "sesame") as client:
            old, (new,) = server.pop3_port, free_ports(1)
            registry.client.set(POP3, "Listen", REG_MULTI_SZ, [f"127.0.0.1:{new}"])
            server.pop3_port = new
            wait_for_listener(server)
            client.stat()  # a session that came by the old port stays
            check(not accepts(old), "the old port is not listened on")


@test
def imap_does_not_listen_before_it_has_a_backend():
    with Registry() as registry, MailServer(registry, imap=False) as server:
        check(not accepts(server.imap_port), "IMAP listens without a backend")
        registry.client.set(IMAP, "Backend", REG_SZ, "imap://127.0.0.1:1")
        wait_for_listener(server, server.imap_port)
        registry.client.set(IMAP, "Backend", REG_SZ, "")
        wait_until(lambda: not accepts(server.imap_port), "IMAP to listen no longer")
        check(accepts(server.pop3_port), "POP3 does not listen")


def wait_for_listener(server, port=None):
    """The verifier and the parent have yet to hear of it: each call gives them time."""
    for _ in range(1000):
        if accepts(port or server.pop3_port):
            return
        server.get_property("Ready")
    raise Failure("the new port is not listened on")


@test
def the_command_line_says_what_is_wrong():
    for arguments, status in ((["--version"], 0), (["--help"], 0), (["--nonsense"], 2), (["word"], 2)):
        run = subprocess.run([program("mailauth/mailauthd"), *arguments], capture_output=True, check=False)
        equal(run.returncode, status, str(arguments))


@rows([
    ("mailauthd", "mailauth/mailauthd", ["mailauthd: front"], 78, "not by hand"),
    ("mailauthd, as a role of another program", "mailauth/mailauthd", ["mailauthd: store"], 78, "another program"),
    ("mailauthd-store", "mailauth/mailauthd-store", ["mailauthd: store"], 78, "not by hand"),
    ("mailauthd-store, as a role of another program", "mailauth/mailauthd-store", ["mailauthd: front"], 2, "not run by hand"),
    ("mailauthd-store, by its name", "mailauth/mailauthd-store", ["mailauthd-store"], 2, "not run by hand"),
])
def a_role_is_not_started_by_hand_as(path, arguments, status, words):
    run = subprocess.run(arguments, executable=program(path), capture_output=True, stdin=subprocess.DEVNULL, check=False)
    equal(run.returncode, status)
    contains(run.stderr.decode(), words)


class CopiedServer(MailServer):
    """By a program elsewhere than in the build tree."""

    def __init__(self, registry, path):
        super().__init__(registry)
        self.program = path


@test
def it_does_not_start_without_the_program_of_the_store():
    installed = re.search(rb"/[^\0]+/libexec/mailauthd\0", Path(program("mailauth/mailauthd")).read_bytes())
    if os.path.exists(os.path.join(installed[0][:-1], b"mailauthd-store")):
        raise Skip("takes a machine without an installed mailauthd-store")
    with TemporaryDirectory() as folder:
        shutil.copy(program("mailauth/mailauthd"), folder)
        run = subprocess.run([f"{folder}/mailauthd", "--bus=unix:path=/nonexistent"], timeout=PATIENCE,
                             capture_output=True, stdin=subprocess.DEVNULL, check=False)
        equal(run.returncode, 1)
        contains(run.stderr.decode(), "The program that serves mailboxes can't be opened: ")
        contains(run.stderr.decode(), "/mailauthd-store: No such file or directory; install it")


@test
def mailboxes_are_opened_by_the_version_that_was_started():
    """Another program has taken the place of the store's since, as when a package is upgraded."""
    with TemporaryDirectory() as folder:
        for name in ("mailauthd", "mailauthd-store"):
            shutil.copy(program(f"mailauth/{name}"), folder)
        os.chmod(folder, 0o755)
        with Registry() as registry, CopiedServer(registry, f"{folder}/mailauthd") as server:
            server.add_account("anna", "sesame")
            server.deliver("anna", "Subject: one\n\nhello\n")
            os.unlink(f"{folder}/mailauthd-store")
            shutil.copy("/bin/false", f"{folder}/mailauthd-store")
            with server.pop3("anna", "sesame") as client:
                equal(client.stat()[0], 1)
                client.quit()


main()
