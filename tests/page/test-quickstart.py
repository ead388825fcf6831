# SPDX-License-Identifier: MIT
"""`data/quickstart --page`, as the user who runs the tests and as an ordinary one: the address that it tells shows the
page, with the mail server's section; Ctrl-C ends all of it and leaves nothing behind. Its tree has the programs of
this build in the place of those that it would compile."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from harness.bus import ALICE, is_root, wait_until
from harness.case import Failure, Skip, check, equal, main, rows
from harness.page import Browser, needs_cockpit
from harness.process import BUILD, PATIENCE, SOURCE

PROGRAM = re.compile(r"\bbuild/((?:regd|client|mailauth)/\S+)")  # as the quick start names what it takes of its build
ADDRESS = re.compile(r"^ *page +(http://127\.0\.0\.1:(\d+)/\S+)$", re.MULTILINE)


class Address:
    """What a browser asks of Cockpit."""

    def __init__(self, address):
        self.address = address

    def url(self, *route):
        return f"{self.address}#/" + "/".join(route)


def make_tree(folder):
    """The sources that the quick start reads, and a build tree in which all is up to date."""
    shutil.copytree(SOURCE / "data", folder / "data", symlinks=True)
    (folder / "tests").mkdir()
    shutil.copy2(SOURCE / "tests" / "setup-packages", folder / "tests")
    for path in PROGRAM.findall((SOURCE / "data" / "quickstart").read_text()):
        (folder / "build" / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(BUILD / path, folder / "build" / path)
    (folder / "build" / "build.ninja").write_text("build all: phony\ndefault all\n")


def running(text):
    """The processes that have this in their command line or their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if text in (path / "cmdline").read_bytes() + (path / "environ").read_bytes():
                found.append((path.name, (path / "cmdline").read_bytes()))
    return found


class QuickStart:
    """One that serves; it and its children have a session of their own, as in a terminal."""

    def __init__(self, tree, scratch, uid):
        self.tree, self.scratch, self.uid = tree, scratch, uid
        self.log = scratch / "output"

    def __enter__(self):
        identity = {} if self.uid is None else {"user": self.uid, "group": pwd.getpwuid(self.uid).pw_gid, "extra_groups": []}
        with open(self.log, "wb") as log:
            self.child = subprocess.Popen([self.tree / "data" / "quickstart", "--page"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          env=os.environ | {"TMPDIR": str(self.scratch), "HOME": str(self.scratch)}, start_new_session=True, **identity)
        wait_until(lambda: "To stop it" in self.output() or self.child.poll() is not None, "the quick start to serve")
        if self.child.poll() is not None:
            raise Failure(f"it ended with {self.child.returncode}: {self.output()[-2000:]}")
        return self

    def output(self):
        return self.log.read_text(errors="replace")

    def interrupt(self):
        """Ctrl-C; its exit status."""
        os.killpg(self.child.pid, signal.SIGINT)
        return self.child.wait(PATIENCE)

    def __exit__(self, *_):
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGTERM)
            self.child.wait(PATIENCE)


@rows([("as the user of the tests", None), ("as an ordinary user", ALICE)])
def the_page_is_served_until_it_is_interrupted(uid):
    needs_cockpit()
    if uid is not None and not is_root():
        raise Skip("takes root, to be another user")
    with tempfile.TemporaryDirectory(prefix="regd-test-quickstart-") as name:
        tree, scratch = Path(name) / "tree", Path(name) / "scratch"
        make_tree(tree)
        scratch.mkdir()
        Path(name).chmod(0o755)
        if uid is not None:
            for path in [scratch, *tree.rglob("*")]:
                os.chown(path, uid, uid, follow_symlinks=False)
        with QuickStart(tree, scratch, uid) as served:
            address, port = ADDRESS.search(served.output()).groups()
            with Browser(Address(address)) as page, Browser(Address(address)) as other:
                page.go("mail")
                page.wait_for_text("native accounts (SAM)", "region", "Decision")
                page.find("row", "nora", within=page.find("grid", "Accounts"))
                other.go("registry", "HKLM", "SYSTEM")
                other.find("treeitem", "CurrentControlSet")
            check(running(str(scratch).encode()), "nothing runs, or it is not found")
            equal(served.interrupt(), 0)
        wait_until(lambda: not running(str(scratch).encode()), f"all to end ({running(str(scratch).encode())})")
        equal([path.name for path in scratch.iterdir()], ["output"])
        with socket.socket() as client:
            check(client.connect_ex(("127.0.0.1", int(port))) != 0, "the port is still served")


main()
