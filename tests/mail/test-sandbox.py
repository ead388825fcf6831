#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""mailauthd's roles as the kernel sees them while they serve: filtered, without
rights, the front without files; and what `mailauthctl status` says of it. What
they can't do is tried in the unit test of the sandbox."""

import json
import os
import resource
import select

from harness.case import Skip, check, contains, equal, main, test
from harness.mail import NAME, MailServer, needs_role_users, read_process
from harness.process import PATIENCE, Process, program
from harness.registry import Registry


def facts_of(pid):
    """/proc/PID/status as a table."""
    return dict(line.split(":\t", 1) for line in read_process(pid, "status").splitlines() if ":\t" in line)


def status_of(registry, *arguments):
    return registry.run(program("mailauth/mailauthctl/mailauthctl"), f"--bus={registry.bus.address}",
                        *arguments, "status").stdout.decode()


def lacks_of(registry):
    """What the kernel lacks, by what mailauthctl says; said aloud in the test's output."""
    status = json.loads(status_of(registry, "--json"))
    equal(status["sandbox"], "incomplete" if status["sandbox-lacks"] else "complete")
    for text in status["sandbox-lacks"]:
        print(f"# THE SANDBOX LACKS A PIECE HERE: {text}", flush=True)
    return status["sandbox-lacks"]


def lacks(registry, words):
    return any(words in text for text in lacks_of(registry))


@test
def each_role_is_filtered_and_holds_no_rights():
    with Registry() as registry, MailServer(registry, imap=False) as server:
        server.add_account("anna", "sesame")
        unfiltered = lacks(registry, "system calls are not filtered")
        with server.pop3("anna", "sesame") as client:
            client.stat()
            roles = server.roles()
            equal(sorted(roles), ["front", "store", "verifier"])
            for name, pids in roles.items():
                facts = facts_of(pids[0])
                equal((name, facts["NoNewPrivs"]), (name, "1"))
                equal((name, int(facts["CapEff"], 16) | int(facts["CapPrm"], 16)), (name, 0))
                equal((name, facts["Seccomp"]), (name, "0" if unfiltered else "2"))
            check(is_sanitized() or may_start_nothing(roles["store"][0]), "a mailbox's process may start others")
            client.quit()


def may_start_nothing(pid):
    """No process and no thread more: none of its user's are allowed to it."""
    return any(line.split()[:4] == ["Max", "processes", "0", "0"] for line in read_process(pid, "limits").splitlines())


# The numbers of the kernel's capabilities that the parent has a use for.
CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, KILL, SETGID, SETUID, NET_BIND_SERVICE, SYS_CHROOT, SYS_RESOURCE = \
    0, 1, 2, 5, 6, 7, 10, 18, 24
PARENTS = sum(1 << number for number in (CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, KILL, SETGID, SETUID,
                                         NET_BIND_SERVICE, SYS_CHROOT, SYS_RESOURCE))


@test
def the_parent_keeps_no_right_that_it_has_no_use_for():
    needs_role_users()
    with Registry() as registry, MailServer(registry, as_root=True) as server:
        facts = facts_of(server.process.pid)
        for name in ("CapEff", "CapPrm", "CapBnd"):
            equal((name, int(facts[name], 16) & ~PARENTS), (name, 0))
        equal(facts["NoNewPrivs"], "1")


def locked_kilobytes(pid):
    return int(facts_of(pid)["VmLck"].split()[0])


@test
def memory_for_passwords_is_locked():
    if is_sanitized():
        raise Skip("A SANITISER LOOKS AFTER ITS OWN MEMORY ALONE: nothing is locked in this build")
    with Registry() as registry, MailServer(registry) as server, server.pop3():
        if lacks(registry, "swapped out"):
            raise Skip("THE LIMIT ON LOCKED MEMORY IS TOO LOW HERE")
        for name in ("front", "verifier"):
            check(locked_kilobytes(server.roles()[name][0]) >= 4096, f"the {name}'s is not")


@test
def the_front_is_in_an_empty_folder_where_root_started_it():
    needs_role_users()
    with Registry() as registry, MailServer(registry, as_root=True) as server, server.pop3():
        front = server.roles()["front"][0]
        root = os.readlink(f"/proc/{front}/root")
        if root == "/" and is_sanitized():
            raise Skip("A SANITISER READS /proc: the front keeps its files in this build")
        equal(list_as_far_as_can_be(f"/proc/{front}/root"), [])
        equal(list_as_far_as_can_be(f"/proc/{front}/cwd"), [])
        equal(os.readlink(f"/proc/{front}/cwd"), root)
        check(not lacks(registry, "empty folder"), "status tells otherwise")


def list_as_far_as_can_be(folder):
    """The folder of a process that has ended can't even be listed."""
    try:
        return os.listdir(folder)
    except (FileNotFoundError, ProcessLookupError):
        return []


def is_sanitized():
    with open(program("mailauth/mailauthd"), "rb") as file:
        return b"__asan_init" in file.read()


@test
def status_tells_what_the_kernel_lacks():
    with Registry() as registry, MailServer(registry):
        lacking = lacks_of(registry)
        text = status_of(registry)
        contains(text, f"sandbox: {'incomplete' if lacking else 'complete'}\n")
        for each in lacking:
            contains(text, f"  {each}\n")


# Runs what comes after the first argument as on a kernel that lacks the calls which
# that names.
OLDER_KERNEL = """
import ctypes, errno, os, sys
library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
library.seccomp_init.restype = ctypes.c_void_p
allow, refuse = 0x7fff0000, 0x00050000 | errno.ENOSYS
filter = ctypes.c_void_p(library.seccomp_init(allow))
for call in sys.argv[1].split():
    number = library.seccomp_syscall_resolve_name(call.encode())
    assert library.seccomp_rule_add(filter, refuse, number, 0) == 0
assert library.seccomp_load(filter) == 0
os.execv(sys.argv[2], sys.argv[2:])
"""


class OlderMailServer(MailServer):
    """On a kernel that lacks these calls."""

    def __init__(self, registry, calls, **options):
        super().__init__(registry, **options)
        self.calls = calls

    def start(self):
        self.process = Process(self.directory, "mailauthd",
                               ["/usr/bin/python3", "-c", OLDER_KERNEL, self.calls, program("mailauth/mailauthd"),
                                f"--bus={self.registry.bus.address}"], uid=self.uid)
        self.registry.bus.wait_for_name(NAME, self.process)
        self.wait_until_ready()


@test
def an_older_kernel_is_served_on_and_told_of():
    landlock = "landlock_create_ruleset landlock_add_rule landlock_restrict_self"
    for calls, words in ((landlock, ["no Landlock", "Landlock 2", "Landlock 4", "Landlock 6"]),
                         ("seccomp", ["system calls are not filtered"])):
        with Registry() as registry, OlderMailServer(registry, calls) as server:
            server.add_account("anna", "sesame")
            server.deliver("anna", "Subject: one\n\nhello\n")
            with server.pop3("anna", "sesame") as client:
                equal(client.stat()[0], 1)
                client.quit()
            told = lacks_of(registry)
            for each in words:
                check(any(each in text for text in told), f"without {calls}: {told}")


@test
def a_front_that_can_not_leave_files_is_told_of():
    needs_role_users()
    if is_sanitized():
        raise Skip("A SANITISER READS /proc: the front keeps its files in this build")
    with Registry() as registry, OlderMailServer(registry, "chroot", as_root=True) as server, server.pop3():
        equal(os.readlink(f"/proc/{server.roles()['front'][0]}/root"), "/")
        check(lacks(registry, "the front is not in an empty folder"), "status does not tell")


@test
def a_role_that_breaks_out_is_ended_and_replaced():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        for name in ("front", "verifier"):
            old = server.roles()[name][0]
            ended = os.pidfd_open(old)
            os.kill(old, 31)  # SIGSYS: as the filter ends it
            select.select([ended], [], [], PATIENCE)
            os.close(ended)
            with server.pop3("anna", "sesame") as client:
                equal(client.stat()[0], 0)
                client.quit()
            contains(server.process.output(), f"The {name} was ended by signal 31")


@test
def a_limit_that_is_too_low_is_told():
    if is_sanitized():
        raise Skip("A SANITISER LOOKS AFTER ITS OWN MEMORY ALONE: nothing is locked in this build")
    # The last test: an ordinary user can't have the limit back.
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        equal(locked_kilobytes(server.roles()["front"][0]), 0)
        check(lacks(registry, "swapped out"), "mailauthctl status does not tell")
        with server.pop3("anna", "sesame") as client:
            equal(client.stat()[0], 0)
            client.quit()


main()
