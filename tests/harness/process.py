# SPDX-License-Identifier: MIT
"""Programs that a test starts: found in the build tree, watched over, and
ended by their own process id. A sanitiser's report fails the test."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from harness.case import Failure, Skip
from harness.reach import reachable

SOURCE = Path(os.environ.get("REGD_SOURCE_ROOT") or Path(__file__).resolve().parents[2])
BUILD = Path(os.environ.get("REGD_BUILD_ROOT") or SOURCE / "build")
# In a build for ThreadSanitizer: what tells it of GLib's locks.
GLIB_ORDER = BUILD / "tests" / "fault" / "libglib-order.so"
VALGRIND = ["--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"]
RUNS = {"mailauth/mailauthd": "mailauth/mailauthd-store"}
PATIENCE = 60  # seconds that anything is waited for; a sanitised build on a busy machine is slow


def program(path):
    """A program of this project by its path in the build tree ("regd/regd"), where all users can run it, with what
    it runs itself."""
    found = BUILD / path
    if path in RUNS:
        program(RUNS[path])
    if not found.exists():
        raise Failure(f"{found} is not built")
    return str(reachable(found))


def is_sanitised():
    """Whether regd was built with AddressSanitizer."""
    return b"libasan" in subprocess.run(["ldd", program("regd/regd")], capture_output=True, check=True).stdout


def sanitiser_options(directory, name):
    """An environment in which sanitisers write what they find to files of this name."""
    log = f"log_path={directory}/sanitiser-{name}:exitcode=99"
    return {
        "ASAN_OPTIONS": f"{log}:detect_leaks=1:detect_stack_use_after_return=1:quarantine_size_mb=32",
        "UBSAN_OPTIONS": f"{log}:print_stacktrace=1:halt_on_error=1",
        "LSAN_OPTIONS": "exitcode=99",
        "TSAN_OPTIONS": f"{log}:ignore_noninstrumented_modules=1:die_after_fork=0",
    } | ({"LD_PRELOAD": str(GLIB_ORDER)} if GLIB_ORDER.exists() else {})


def wrap(command, directory, name):
    """The command as it is run: regd by valgrind where the test asks for that. Its log is like a sanitiser's."""
    if os.environ.get("REGD_VALGRIND") != "1" or Path(command[0]).name != "regd":
        return command
    if shutil.which("valgrind") is None:
        raise Skip("valgrind is not installed")
    return ["valgrind", "--quiet", f"--log-file={directory}/sanitiser-{name}.%p", *VALGRIND, *command]


class Process:
    """One running program. Its output goes to DIRECTORY/NAME.log."""

    def __init__(self, directory, name, command, environment=None, uid=None, **options):
        self.directory, self.name = Path(directory), name
        self.log = self.directory / f"{name}.log"
        settings = os.environ | sanitiser_options(directory, name) | (environment or {})
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(wrap(command, self.directory, name), env=settings, stdin=subprocess.DEVNULL, stderr=log,
                                          user=uid, extra_groups=[] if uid is not None else None,
                                          group=uid, **{"stdout": log} | options)
        self.pid = self.child.pid

    def is_running(self):
        return self.child.poll() is None

    def output(self):
        return self.log.read_text(errors="replace")

    def signal(self, number):
        self.child.send_signal(number)

    def wait(self):
        """Its exit status, once it has ended."""
        try:
            return self.child.wait(PATIENCE)
        except subprocess.TimeoutExpired as late:
            raise Failure(f"{self.name} does not end\n{self.output()}") from late

    def kill(self):
        """Ends it as a power cut would."""
        self.child.kill()
        self.wait()

    def stop(self, expected=0):
        """Asks it to end and checks how it did."""
        if self.is_running():
            self.signal(signal.SIGTERM)
        try:
            status = self.wait()
        finally:
            self.child.kill()
        self.check_reports()
        if status != expected:
            raise Failure(f"{self.name} ended with status {status}\n{self.output()}")

    def check_reports(self):
        """Fails where a sanitiser wrote something."""
        reports = [path for path in sorted(self.directory.glob(f"sanitiser-{self.name}.*")) if path.stat().st_size]
        if reports:
            raise Failure("\n".join(report.read_text(errors="replace") for report in reports))
