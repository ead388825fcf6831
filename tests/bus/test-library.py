# SPDX-License-Identifier: MIT
"""The client library as programs use it: its blocking calls (library.c), and
the shared library with its one header, as they are installed."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness.case import Skip, contains, equal, main, test
from harness.freeze import frozen
from harness.process import BUILD, PATIENCE, SOURCE, program, sanitiser_options
from harness.registry import REG_SZ, SOFTWARE, Registry

ACME = SOFTWARE + "\\Acme"


def run_library(registry, *arguments, **given):
    environment = os.environ | sanitiser_options(registry.directory, "library") | given
    done = subprocess.run([program("tests/bus/library"), *arguments], capture_output=True, text=True,
                          env=environment | {"REGD_TEST_BUS": registry.bus.address}, timeout=PATIENCE,
                          check=False)
    equal(done.returncode, 0, done.stdout + done.stderr)


@test
def blocking_calls():
    with Registry() as registry:
        run_library(registry)


@test
def no_daemon_is_unreachable():
    with Registry() as registry:
        registry.stop()
        run_library(registry, REGD_TEST_ABSENT="1")
        registry.start()


@test
def a_hanging_daemon_is_given_up():
    with Registry() as registry:
        with frozen(registry.process.pid):
            run_library(registry, REGD_TEST_HANGING="1")


@test
def only_public_symbols_are_exported():
    library = program("client/libregistry.so.0")
    listing = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True,
                             check=True).stdout
    exported = set(re.findall(r" T (\w+)", listing))
    header = (SOURCE / "client/registry.h").read_text()
    declared = set(re.findall(r"REGISTRY_PUBLIC [\w\s*]*?\b(registry_\w+)\(", header))
    equal(sorted(exported), sorted(declared))
    # Debian's list, from which packages learn since when the library has what they take.
    listed = re.findall(r"^ (\w+)@Base ", (SOURCE / "data/debian/libregistry0.symbols").read_text(), re.MULTILINE)
    equal(sorted(exported), sorted(listed))


def install(into):
    """The library and its header, as `meson install` puts them."""
    if not shutil.which("meson") or not shutil.which("pkg-config"):
        raise Skip("takes meson and pkg-config")
    subprocess.run(["meson", "install", "-C", str(BUILD), "--no-rebuild", "--destdir", into],
                   capture_output=True, check=True, timeout=PATIENCE)
    found = list(Path(into).rglob("registry.pc"))
    equal(len(found), 1, "registry.pc")
    return found[0].parent


def compile_example(directory, pkgconfig):
    """client/examples/follow.c with nothing but what is installed."""
    description = pkgconfig / "registry.pc"
    description.write_text(re.sub("^prefix=", f"prefix={directory}", description.read_text(), flags=re.MULTILINE))
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "registry"], capture_output=True, text=True,
                           env=os.environ | {"PKG_CONFIG_PATH": str(pkgconfig)}, check=True).stdout.split()
    example = Path(directory) / "follow"
    done = subprocess.run(["cc", "-Wall", "-Werror", str(SOURCE / "client/examples/follow.c"), "-o", str(example),
                           *flags], capture_output=True, text=True, check=False)
    equal(done.returncode, 0, done.stderr)
    return example


@test
def the_example_builds_against_what_is_installed():
    if "-fsanitize" in (BUILD / "build.ninja").read_text():
        raise Skip("a sanitised library takes a sanitised program")
    with tempfile.TemporaryDirectory() as directory, Registry() as registry:
        pkgconfig = install(directory)
        example = compile_example(directory, pkgconfig)
        registry.client.set(ACME, "Greeting", REG_SZ, "hello")
        environment = os.environ | {"LD_LIBRARY_PATH": str(pkgconfig.parent)}
        child = subprocess.Popen([example, registry.bus.address, ACME, "Greeting"], text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        with child:
            equal(child.stdout.readline(), "hello\n")
            registry.client.set(ACME, "Greeting", REG_SZ, "good day")
            equal(child.stdout.readline(), "good day\n")
            registry.client.unset(ACME, "Greeting")
            contains(child.stdout.readline(), "Greeting")
            child.stdin.close()
            equal(child.wait(PATIENCE), 0)


main()
