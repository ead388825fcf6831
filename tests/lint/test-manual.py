# SPDX-License-Identifier: MIT
"""The man pages: they are installed, render without a warning, and hold every
verb and option that the programs' help tells of, and all that the D-Bus
interface has."""

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

from harness.case import Failure, Skip, check, equal, main, rows, test
from sources import BUILD, TOP, complaints_of, read

PAGES = sorted((TOP / "data" / "man").glob("*.[0-9]"))
# mandoc looks for the pages of SEE ALSO on this machine.
ELSEWHERE = re.compile(r"referenced manual not found|mandoc\.db")
PROGRAMS = [("regctl", "client/regctl/regctl", "regctl.1"),
            ("regd", "regd/regd", "regd.8"),
            ("regd-fleet", "regd/fleet/agent/regd-fleet", "regd-fleet.8"),
            ("mailauthctl", "mailauth/mailauthctl/mailauthctl", "mailauthctl.1"),
            ("mailauthd", "mailauth/mailauthd", "mailauthd.8")]
VERBS = re.compile(r"^Verbs:\n(.*?)^$", re.MULTILINE | re.DOTALL)
INTERFACE = "org.regd.Registry1"


def help_of(program, *verb):
    done = subprocess.run([BUILD / program, *verb, "--help"], stdout=subprocess.PIPE, text=True, check=False,
                          env=os.environ | {"LC_ALL": "C.UTF-8"})
    equal(done.returncode, 0, f"{program} {' '.join(verb)} --help")
    return done.stdout


def verbs_of(text):
    section = VERBS.search(text)
    return re.findall(r"^  ([a-z][a-z-]*)", section.group(1), re.MULTILINE) if section else []


def page(name):
    """A page's source, where `\\-` is a plain hyphen."""
    return read(f"data/man/{name}").replace(r"\-", "-")


def missing(kind, names, pattern, text):
    absent = [name for name in names if not re.search(pattern.format(re.escape(name)), text, re.MULTILINE)]
    if absent:
        raise Failure(f"the page has no {kind} {', '.join(absent)}")


def interface():
    return ElementTree.fromstring(read(f"data/{INTERFACE}.xml")).find("interface")


def arguments(member, direction):
    return [(argument.get("type"), argument.get("name")) for argument in member.findall("arg")
            if argument.get("direction", "in") == direction]


def heading(member):
    """The line that a method or signal stands under."""
    taken = "".join(f' "{kind} {name}"' for kind, name in arguments(member, "in"))
    given = " , ".join(f"{kind} {name}" for kind, name in arguments(member, "out"))
    return f".It Fn {member.get('name')}{taken}" + (rf" No \-> Li {given}" if given else "")


@test
def every_page_is_installed():
    listed = re.findall(r"'man/([^']+)'", read("data/meson.build"))
    equal(sorted(listed), [path.name for path in PAGES])


@rows([(path.name, path) for path in PAGES])
def mandoc_has_nothing_to_say_of(path):
    if not shutil.which("mandoc"):
        raise Skip("mandoc is not installed")
    _, output = complaints_of(["mandoc", "-T", "lint", "-W", "style", str(path)])
    told = [line for line in output.splitlines() if not ELSEWHERE.search(line)]
    if told:
        raise Failure("\n".join(told))


@rows([(path.name, path) for path in PAGES])
def groff_has_nothing_to_say_of(path):
    if not shutil.which("groff"):
        raise Skip("groff is not installed")
    status, output = complaints_of(["groff", "-mdoc", "-Tutf8", "-ww", "-z", str(path)])
    equal((status, output), (0, ""))


@rows(PROGRAMS)
def every_verb_and_option_of_the_help_is_in_the_page(program, name):
    text, told = page(name), help_of(program)
    verbs = verbs_of(told)
    told += "".join(help_of(program, verb) for verb in verbs)
    spelled = set(re.findall(r"^  (?:-\w, )?--([a-z-]+)", told, re.MULTILINE))
    check(spelled, "the help tells of options")
    missing("verb", verbs, r"^\.It Ic {}(\s|$)", text)
    missing("option", sorted(spelled), r"Fl -{}(\s|$)", text)


@test
def every_member_of_the_interface_is_in_its_page():
    lines = set(read(f"data/man/{INTERFACE}.5").splitlines())
    members = interface().findall("method") + interface().findall("signal")
    check(len(members) > 20, f"{len(members)} members")
    absent = [line for line in map(heading, members) if line not in lines]
    absent += [line for line in (f".It Va {member.get('name')} Pq Li {member.get('type')}"
                                 for member in interface().findall("property")) if line not in lines]
    if absent:
        raise Failure("\n".join(["the page has no line", *absent]))


@test
def the_page_of_settings_is_made_from_the_schemas():
    made = subprocess.run([TOP / "data/man/make-mailauth-settings"], stdout=subprocess.PIPE, text=True, check=True).stdout
    equal(made == read("data/man/mailauth-settings.5"), True,
          "run data/man/make-mailauth-settings >data/man/mailauth-settings.5")


@test
def every_option_of_the_interface_is_in_its_page():
    read_options = re.compile(r'wire_options_get_(boolean|uint32|uint64|string)\(\w+, "([a-z-]+)"')
    kinds = {"boolean": "b", "uint32": "u", "uint64": "t", "string": "s"}
    text = read(f"data/man/{INTERFACE}.5")
    found = {(name, kinds[kind]) for path in (TOP / "regd").glob("*/*.c")
             for kind, name in read_options.findall(path.read_text(encoding="utf-8"))}
    check(len(found) > 10, f"{len(found)} options")
    absent = [f"{name} ({kind})" for name, kind in sorted(found) if f"Li {name} Pq Li {kind}" not in text]
    if absent:
        raise Failure(f"the page has no option {', '.join(absent)}")


@test
def every_error_is_in_the_page():
    names = re.findall(r'REGISTRY_ERROR_PREFIX "(\w+)"', read("client/base/error.c"))
    check(len(names) > 10, f"{len(names)} errors")
    missing("error", names, r"^\.It Li {}$", page(f"{INTERFACE}.5"))


main()
