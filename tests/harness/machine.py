# SPDX-License-Identifier: MIT
"""A real Debian with systemd as its process 1, in namespaces of its own: booted in
about a second, rebooted, and gone without a trace. It takes root on the host.

    with Machine([image]) as machine:
        machine.run("systemctl is-active dbus")
        equal(machine.run("id -un", user="anna"), "anna\\n")
        machine.reboot()

The file system is an overlay: the layers that are named below, never written to,
and a tmpfs above. The mounts are in a mount namespace that ends with the machine,
and its network has only a loopback, so that its ports meet nobody's. All its processes
are in one cgroup, which a guard kills as soon as the test ends, in whatever way.
"""

import ctypes
import os
import queue
import select
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from harness.bus import is_root, wait_until
from harness.case import Failure, Skip
from harness.mail import read_process
from harness.process import PATIENCE

CLONE_NEWNET = 0x40000000
REBOOTED = 133  # systemd-nspawn's exit status if what it ran asked for a reboot

# What process 1 takes as `systemctl poweroff` and `systemctl reboot` (systemd(1), Signals), without a bus.
POWER_OFF, REBOOT = signal.SIGRTMIN + 4, signal.SIGRTMIN + 5

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
               "TERM": "dumb", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "SYSTEMD_PAGER": "cat"}

# Runs in the new mount namespace; arguments: the layers below, the run's
# folder, where its layer is to be kept or "", then systemd-nspawn's arguments. systemd-nspawn wants a tmpfs at /run, and
# cgroup2 and nothing else at /sys/fs/cgroup, which many hosts have otherwise.
INSIDE = f"""set -e
layers=$1 folder=$2 keep=$3
shift 3
mount -t tmpfs -o mode=755 tmpfs "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/root"
mount -t overlay -o "lowerdir=$layers,upperdir=$folder/upper,workdir=$folder/work" overlay "$folder/root"
mount -t tmpfs -o mode=755 tmpfs /run
umount -R /sys/fs/cgroup 2>/dev/null || umount -R -l /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
while status=0; systemd-nspawn -D "$folder/root" "$@" || status=$?
  [ "$status" -eq {REBOOTED} ]; do :; done
[ -z "$keep" ] || cp -a "$folder/upper/." "$keep/"
exit "$status"
"""
# Reads from a pipe that the test holds open, so that it goes on when the test has ended.
GUARD = """read _; echo 1 >"$1/cgroup.kill\""""
# systemd-nspawn puts the machine below the cgroup that it is in itself.
OUTSIDE = f"""echo $$ >"$1/cgroup.procs"
shift
exec unshare --mount --propagation private sh -c {shlex.quote(INSIDE)} machine "$@"
"""

# --keep-unit, --register=no: hosts without systemd have nobody to ask for a scope.
# The filter of system calls that systemd-nspawn sets up would keep Landlock away,
# and mlock() from all but root: both are let through. --notify-ready: it tells
# when the machine has finished its boot, not only that process 1 was started.
NSPAWN = ["--machine=regd-test", "--boot", "--quiet", "--console=pipe", "--register=no", "--keep-unit",
          "--private-network", "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--notify-ready=yes",
          "--capability=all",
          "--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self @memlock"]
# For process 1: the boot waits for this unit, which gets the processor only when nobody else wants it.
BOOT_WORDS = ["systemd.mask=e2scrub_reap.service"]


def needs_machine():
    """Raises Skip if no machine can be booted on this host, with the reason."""
    if not is_root():
        raise Skip("takes root, to boot a Debian")
    for program in ("systemd-nspawn", "unshare", "nsenter"):
        if not shutil.which(program):
            raise Skip(f"takes {program}, to boot a Debian (packages systemd-container and util-linux)")
    tried = subprocess.run(["unshare", "--mount", "--propagation", "private",
                            "mount", "-t", "tmpfs", "tmpfs", "/run"],
                           capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        raise Skip(f"takes CAP_SYS_ADMIN, to boot a Debian: {tried.stderr.strip()}")
    remove_old_cgroups()


class Background:
    """A command that goes on in a machine: the lines that it has printed, and its end."""

    def __init__(self, machine, command, user):
        self.machine, self.lines = machine, []
        self.process = subprocess.Popen(machine.command(f"echo $$; {command}", user), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        self.pid = int(self.process.stdout.readline())
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def stop(self):
        """All lines; those of a command that has ended by itself too."""
        self.machine.ask(["kill", self.pid])
        self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        self.process.stdout.close()
        return self.lines


# ---- its cgroup on the host ----

def cgroup_root():
    """Where the host has cgroup2, which may be beside the older kind."""
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, path, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(path)
    raise Skip("takes a host with cgroup2 mounted, to boot a Debian")


def make_cgroup(name):
    path = cgroup_root() / name
    try:
        path.mkdir()
    except OSError as refused:
        raise Skip(f"takes a cgroup of its own, to boot a Debian: {refused}") from refused
    return path


def remove_cgroup(path):
    """Removes it with all below it, as far as no process is left in them."""
    for each in sorted(path.rglob("*/"), reverse=True):
        each.rmdir()
    path.rmdir()


def remove_old_cgroups():
    """Those of tests that were killed before they could do so: their names hold the test's pid."""
    for path in cgroup_root().glob("regd-machine-*"):
        if not Path(f"/proc/{path.name.split('-')[2]}").exists():
            with suppress(OSError):  # its processes are just ending, or another test was faster
                remove_cgroup(path)


def describe_process(pid):
    """A line: its pid, its command, its state, and where in the kernel it waits."""
    state = read_process(pid, "stat").rpartition(")")[2][1:2]
    command = read_process(pid, "cmdline").replace("\0", " ")
    return f"{pid} {command} {state} {read_process(pid, 'wchan')}\n"


# ---- the machine ----

class Machine:
    """layers: folders, the upmost first; shared: {path inside: folder of the host, read-only};
    keep: a folder that gets what was written, once the machine has shut down in good order."""

    def __init__(self, layers, shared=None, keep=None):
        self.layers, self.keep = layers, keep
        self.shared = shared or {}
        self.folder = self.cgroup = self.guard = self.process = self.leader = self.notices = self.reader = None
        self.told = queue.SimpleQueue()

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="regd-machine-"))
        try:
            self.cgroup = make_cgroup(f"regd-machine-{os.getpid()}-{self.folder.name.rpartition('-')[2]}")
            # In a session of its own, as a test that takes too long is killed with its process group.
            self.guard = subprocess.Popen(["sh", "-c", GUARD, "guard", str(self.cgroup)], stdin=subprocess.PIPE,
                                          start_new_session=True)
            self.boot()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, kind, _error, _trace):
        try:
            if kind is not None and self.leader:
                self.tell_state()
            if self.keep and kind is None:
                self.power_off()
        finally:
            self.end()

    def boot(self):
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notices.bind(b"\0" + self.cgroup.name.encode())
        shared = [f"--bind-ro={folder}:{inside}" for inside, folder in self.shared.items()]
        with open(self.folder.with_suffix(".console"), "wb") as console:
            self.process = subprocess.Popen(
                ["sh", "-c", OUTSIDE, "machine", str(self.cgroup), ":".join(map(str, self.layers)), str(self.folder),
                 str(self.keep or ""), *NSPAWN, *shared, *BOOT_WORDS],
                stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT,
                env=ENVIRONMENT | {"NOTIFY_SOCKET": f"@{self.cgroup.name}"})
        self.reader = threading.Thread(target=self.read_notices)
        self.reader.start()
        self.wait_for_boot()

    def console(self):
        return self.folder.with_suffix(".console").read_text(errors="replace")

    def read_notices(self):
        """As long as the machine lives: since systemd 257 its process 1 tells of every change, and stands still if nobody reads it."""
        ended = os.pidfd_open(self.process.pid)
        try:
            poll = select.poll()
            poll.register(self.notices, select.POLLIN)
            poll.register(ended, select.POLLIN)
            while ended not in [descriptor for descriptor, _ in poll.poll()]:
                self.told.put(self.notices.recv(4096).decode().splitlines())
        finally:
            os.close(ended)
            self.told.put(None)

    def wait_for_boot(self):
        """Until process 1, a new one, says that all that is started at boot has been started."""
        self.leader = None
        while not self.take_notice():
            pass

    def take_notice(self):
        """Whether this was the notice that the machine is up."""
        try:
            lines = self.told.get(timeout=PATIENCE)
        except queue.Empty:
            raise Failure(f"the machine is not up after {PATIENCE} s: {self.console()}") from None
        if lines is None:
            raise Failure(f"the machine ended: {self.console()}")
        for line in lines:
            if line.startswith("X_NSPAWN_LEADER_PID="):
                self.leader = int(line.partition("=")[2])
        return self.leader is not None and "READY=1" in lines

    def reboot(self):
        """Shuts it down in good order and boots it again; the files stay."""
        os.kill(self.leader, REBOOT)
        self.wait_for_boot()

    def power_off(self):
        os.kill(self.leader, POWER_OFF)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired as late:
            raise Failure(f"the machine does not shut down: {self.console()}") from late

    def end(self):
        """Whatever its state is, it is gone afterwards."""
        if self.guard:
            self.guard.stdin.close()
            self.guard.wait(PATIENCE)
        if self.process:
            self.process.wait(PATIENCE)
        if self.reader:
            self.reader.join(PATIENCE)
        if self.notices:
            self.notices.close()
        if self.cgroup:
            wait_until(self.is_cgroup_empty, "the machine's processes to end")
            remove_cgroup(self.cgroup)
        self.folder.with_suffix(".console").unlink(missing_ok=True)
        self.folder.rmdir()

    def is_cgroup_empty(self):
        return "populated 0" in (self.cgroup / "cgroup.events").read_text()

    def tell_state(self):
        """What happened in it, as comments of a failed test. It may answer nothing any more: then the host knows what it waits for."""
        try:
            shown = self.ask("journalctl --no-pager --no-hostname -n 60; systemctl --failed --no-legend").stdout
        except Failure as failure:
            shown = f"{failure}\n" + "".join(map(describe_process, sorted(self.all_processes())))
        for line in (self.console() + shown).splitlines():
            print(f"# machine: {line}", flush=True)

    def all_processes(self):
        """The pid of each, as the host counts."""
        return {int(pid) for listed in self.cgroup.rglob("cgroup.procs") for pid in listed.read_text().split()}

    # ---- commands in it ----

    def command(self, command, user):
        """The host's command for a command in the machine: text for a shell, or a list."""
        words = ["bash", "-c", command] if isinstance(command, str) else [str(word) for word in command]
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
        variables = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
        return ["nsenter", f"--target={self.leader}", "--mount", "--uts", "--ipc",
                "--pid", "--cgroup", "--net", "--root", "--wd", "env", "--ignore-environment", *variables,
                *become, *words]

    def ask(self, command, user=None, given=None):
        """Runs a command to its end; its CompletedProcess, whatever its status. given: its standard input."""
        settings = {"input": given} if given is not None else {"stdin": subprocess.DEVNULL}
        try:
            return subprocess.run(self.command(command, user), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, errors="replace", timeout=PATIENCE, check=False, **settings)
        except subprocess.TimeoutExpired as late:
            raise Failure(f"{command!r} is not done after {PATIENCE} s: {late.output}") from late

    def run(self, command, user=None, given=None, status=0):
        """What a command prints, which must end with this status."""
        done = self.ask(command, user, given)
        if done.returncode != status:
            raise Failure(f"{command!r} ended with status {done.returncode}, expected {status}: {done.stdout}")
        return done.stdout

    def start(self, command, user=None):
        """A shell command in the background; a Background."""
        return Background(self, command, user)

    def write(self, path, text, mode="644", owner="root:root"):
        """A file in it, with the folders that it is in."""
        user, group = owner.split(":")
        self.run(["install", "-D", "-m", mode, "-o", user, "-g", group, "/dev/stdin", path], given=text)

    def wait_until(self, command, what=None):
        """Until a command succeeds. It is for what no event tells of: services and their processes."""
        wait_until(lambda: self.ask(command).returncode == 0, what or repr(command))

    # ---- units ----

    def show(self, unit, name):
        """One property of a unit."""
        return self.run(["systemctl", "show", "--value", f"--property={name}", unit]).strip()

    def main_pid(self, unit):
        """The pid of its main process, as the machine counts; 0 if there is none."""
        return int(self.show(unit, "MainPID"))

    def wait_for_unit(self, unit, other_than=0):
        """Until it is active, with another main process than that; the new one's pid."""
        wait_until(lambda: self.show(unit, "ActiveState") == "active" and self.main_pid(unit) != other_than,
                   f"{unit} to be active")
        return self.main_pid(unit)

    def processes(self, unit):
        """{what each process of a unit calls itself: [pid]}, as the host counts."""
        try:
            listed = (self.cgroup / f"payload/system.slice/{unit}.service/cgroup.procs").read_text().split()
        except OSError:  # the unit has none
            return {}
        found = {}
        for pid in listed:
            name = read_process(pid, "cmdline").partition("\0")[0].rpartition("/")[2]
            if name:
                found.setdefault(name, []).append(int(pid))
        return found

    # ---- clients from the host ----

    def connect(self, port, timeout=PATIENCE):
        """A socket that is connected to a port of its loopback."""
        with ThreadPoolExecutor(1) as pool:  # only that thread changes its network, and ends
            return pool.submit(self.connect_inside, port, timeout).result()

    def connect_inside(self, port, timeout):
        libc = ctypes.CDLL(None, use_errno=True)
        with open(f"/proc/{self.leader}/ns/net", "rb") as network:
            if libc.setns(network.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        return socket.create_connection(("127.0.0.1", port), timeout)
