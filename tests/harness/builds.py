# SPDX-License-Identifier: MIT
"""The builds of tests/run: which there are, how each is configured and made."""

import json
import os
import subprocess
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import figures
import roots
import tap
from runs import Run

TOP = Path(__file__).resolve().parents[2]
# A user's build goes on where a compiler warns; none of ours does.
STRICT = ["-Dwerror=true"]


@dataclass
class Build:
    """A build tree, and the suites that are run in it (None: all that run what was built)."""

    directory: str
    compiler: str
    options: list = field(default_factory=list)
    suites: set = None
    wrapper: list = field(default_factory=list)  # what runs its programs, where this machine can't
    targets: list = field(default_factory=list)  # what is built; empty: everything
    environment: dict = field(default_factory=dict)  # of its tests
    reports: tuple = None  # what is looked for: a figure's name, and the pattern that each report has once


NORMAL = [
    Build("build-asan", "gcc", ["-Db_sanitize=address,undefined"]),
    # With what a sanitised program can't have: a library that makes its disk fail, and memory that can be searched.
    # The suite "plain" is that of tests which the sanitised build leaves out, or of which it leaves something out.
    Build("build-release", "gcc", ["-Dbuildtype=release"], {"unit", "plain", "ansible", "page", "system"}),
    Build("build-clang", "clang", [], {"unit", "lint"}),
]
QUICK = [Build("build-gcc", "gcc", [], {"unit", "bus", "fleet", "ansible", "mail", "page", "fault", "fuzz"})]

# With --long. The suite is that of tests in which much happens at once, in its short form: these
# builds take ten to fifty times as long.
SHORT = {figures.LONG: "0"}
LOAD = [
    Build("build-tsan", "gcc", ["-Db_sanitize=thread"], {"load"}, environment=SHORT,
          reports=("thread-sanitizer-reports", "WARNING: ThreadSanitizer")),
    Build("build-gcc", "gcc", [], {"load"}, environment=SHORT | {"REGD_VALGRIND": "1"}, reports=("valgrind-reports", r"==\d+== \S")),
]


def list_long():
    """The builds of --long: the release build runs all suites of daemons too, and what takes long."""
    return [replace(build, suites=build.suites | {"bus", "fleet", "mail", "fault", "long"}) if build.directory == "build-release" else build
            for build in NORMAL] + LOAD


KINDS = {
    "debug": ["-Dbuildtype=debug"],
    "release": ["-Dbuildtype=release"],
    "minsize": ["-Dbuildtype=minsize"],
    "lto": ["-Dbuildtype=release", "-Db_lto=true"],
}


def list_all():
    """Each compiler's builds of each kind. Release with gcc is the normal run's."""
    return [Build("build-release" if (compiler, kind) == ("gcc", "release") else f"build-{compiler}-{kind}",
                  compiler, options, {"unit"})
            for compiler in ("gcc", "clang") for kind, options in KINDS.items()]


# ---- for another machine ----

BIG_ENDIAN = roots.Root("s390x", "bookworm", ("libc6-dev", "libgcc-12-dev", "libpam-modules", "systemd", *roots.list_libraries()), "s390x",
                        variant="extract")
CROSS_COMPILER = "s390x-linux-gnu-gcc"
CROSS_FILE = """\
[binaries]
c = ['ccache', '{compiler}']
ar = 's390x-linux-gnu-ar'
strip = 's390x-linux-gnu-strip'
pkgconfig = 'pkg-config'
exe_wrapper = {wrapper}

[built-in options]
c_args = ['--sysroot={root}']
c_link_args = ['--sysroot={root}']

[properties]
sys_root = '{root}'
pkg_config_libdir = '{root}/usr/lib/s390x-linux-gnu/pkgconfig:{root}/usr/share/pkgconfig'

[host_machine]
system = 'linux'
cpu_family = 's390x'
cpu = 's390x'
endian = 'big'
"""


# qemu leads each path that is there into the root ($0), / itself too: what walks
# from there must find what it made below /tmp.
RUN_FOREIGN = 'mount --bind /tmp "$0/tmp" && exec qemu-s390x-static -L "$0" "$@"'


def make_big_endian():
    """The Build for s390x, whose unit tests qemu runs. Made here: its root and the file that tells meson of it."""
    root = roots.make(BIG_ENDIAN)
    wrapper = ["unshare", "--mount", "--propagation=private", "bash", "-c", RUN_FOREIGN, str(root)]
    directory = TOP / "build-s390x"
    cross = TOP / "build-systems" / "s390x.cross"
    cross.parent.mkdir(exist_ok=True)
    text = CROSS_FILE.format(root=root, wrapper=wrapper, compiler=CROSS_COMPILER)
    if not cross.exists() or cross.read_text() != text:
        cross.write_text(text)
    return Build(directory.name, CROSS_COMPILER, [f"--cross-file={cross}"], {"unit"}, wrapper)


# ---- making one ----

def list_options(tree):
    """How the tree is configured: {name: value}, as -Dname=value is written."""
    listed = subprocess.run(["meson", "introspect", "--buildoptions", str(tree)],
                            stdout=subprocess.PIPE, text=True, check=True).stdout
    return {option["name"]: str(option["value"]).lower() if isinstance(option["value"], bool) else option["value"]
            for option in json.loads(listed)}


def configure(build):
    """The commands that make the tree, or that give it options which it lacks."""
    tree = TOP / build.directory
    wanted = [*STRICT, *build.options]
    if not (tree / "build.ninja").exists():
        return [["meson", "setup", str(tree), str(TOP), *wanted]]
    present = list_options(tree)
    differ = [option for option in wanted if option.startswith("-D")
              and present[option.removeprefix("-D").partition("=")[0]] != option.partition("=")[2]]
    return [["meson", "configure", str(tree), *differ]] if differ else []


def prepare(build):
    """Configures and builds; a Run with the one result that it built."""
    # A cross build's compiler is in its cross file; CC is for this machine's.
    environment = os.environ | ({} if build.wrapper else {"CC": build.compiler})
    commands = [*configure(build), ["ninja", "-C", str(TOP / build.directory), *build.targets]]
    run = Run(f"{build.directory}: build")
    began = time.monotonic()
    for command in commands:
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, cwd=TOP,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", check=False)
        run.output += done.stdout
        if done.returncode != 0:
            run.results = [tap.Result("builds without a warning", "failed", " ".join(command))]
            break
    else:
        run.results = [tap.Result("builds without a warning", "passed")]
    run.seconds = time.monotonic() - began
    return run
