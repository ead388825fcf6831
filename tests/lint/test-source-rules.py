# SPDX-License-Identifier: MIT
"""The rules that every source file keeps: a head comment, sizes, calls with a
safer twin, words that mark unfinished work, no waiting by the clock in tests."""

import re
from pathlib import Path

from harness.case import Failure, main, test
from sources import TOP, code_only, find, functions, read

LONGEST_FUNCTION = 80
# Lines, for each kind of file; what is a table may be longer.
LONGEST_FILES = {".c": 600, ".h": 600, ".py": 500, ".js": 500}
TABLES = {"tests/unit/mailauth/process/test-sandbox.c"}
MOST_FILES = 15  # .c files in a folder
BANNED_CALLS = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atoll|system|popen|"
                          r"alloca|sleep|usleep|g_usleep|nanosleep|clock_nanosleep)\s*\(")
LICENCE_LINE = re.compile(r"^(/\* SPDX-License-Identifier: MIT \*/|(#|//) SPDX-License-Identifier: MIT)\n", re.MULTILINE)
# What makes markup or code of text. The page in Cockpit shows whatever anybody has written into the registry.
MARKUP = re.compile(r"\b(innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|DOMParser|document\.write|eval|Function)\b")
GOTO = re.compile(r"\bgoto\b")
# Spelled in pieces, so that this file does not hold them.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b|not impl" r"emented|unimpl" r"emented|"
                        r"\bst" r"ub\b|place" r"holder|\bfor n" r"ow\b", re.IGNORECASE)
SLEEP = re.compile(r"\b(time\.sle" r"ep|g_usle" r"ep|usle" r"ep|sle" r"ep)\s*\(")


def lines_with(pattern, paths, view=lambda text: text):
    return [f"{path}:{number}: {line.strip()}" for path in paths
            for number, line in enumerate(view(read(path)).splitlines(), 1) if pattern.search(line)]


def fail_with(problems):
    if problems:
        raise Failure("\n".join(problems))


def scripts():
    """JavaScript: the page's own and its tests'."""
    return find(".js") + [path.relative_to(TOP) for path in sorted((TOP / "data" / "cockpit").rglob("*.js"))]


def product():
    return [path for path in find(".c", ".h") if path.parts[0] != "tests"]


@test
def every_file_says_what_it_answers_for():
    heads = {".c": "/*", ".h": "/*", ".py": '"""', ".build": "#", ".sh": "#!", ".js": "//"}
    problems = []
    for path in find(".c", ".h", ".py", ".sh") + scripts():
        text = re.sub(LICENCE_LINE, "", read(path).removeprefix("#!/usr/bin/python3\n"), count=1).lstrip()
        if text and not text.startswith(heads[path.suffix]):
            problems.append(str(path))
    fail_with(problems)


@test
def every_file_names_its_licence():
    paths = find(".c", ".h", ".py", ".sh", ".build") + scripts() + [
        Path(name) for name in ("meson.build", "tests/run", "tests/setup-packages", "data/quickstart", "data/trial-fleet", "data/build-deb", "data/install",
                                 "data/close-secrets", "data/cockpit/po/make-translations")]
    fail_with([f"{path}: no SPDX line at its head" for path in paths
               if not any(LICENCE_LINE.fullmatch(line) for line in read(path).splitlines(True)[:2])])


@test
def no_function_is_longer_than_a_page():
    fail_with([f"{path}:{start}: {length} lines" for path in find(".c")
               for start, length in functions(read(path)) if length > LONGEST_FUNCTION])


@test
def no_file_is_too_long():
    fail_with([f"{path}: {length} lines" for path in find(".c", ".h", ".py") + scripts()
               if (length := len(read(path).splitlines())) > LONGEST_FILES[path.suffix] and path.as_posix() not in TABLES])


@test
def no_folder_is_crowded():
    found = {}
    for path in product():
        if path.suffix == ".c":
            found.setdefault(path.parent, []).append(path)
    fail_with([f"{folder}: {len(files)} files; more than one room?" for folder, files in found.items()
               if len(files) > MOST_FILES])


@test
def no_call_with_a_safer_twin():
    fail_with(lines_with(BANNED_CALLS, product(), code_only))


@test
def no_goto():
    fail_with(lines_with(GOTO, find(".c", ".h"), code_only))


@test
def the_page_makes_no_markup_of_text():
    fail_with(lines_with(MARKUP, scripts()))


@test
def no_word_marks_unfinished_work():
    paths = find(".c", ".h", ".py", ".sh", ".build") + scripts() + [
        path.relative_to(TOP) for path in [TOP / "README.md", TOP / "meson.build"] if path.exists()]
    fail_with(lines_with(UNFINISHED, paths))


@test
def no_test_waits_by_the_clock():
    paths = [path for path in find(".c", ".py", ".sh") if path.parts[0] == "tests"]
    fail_with(lines_with(SLEEP, paths))


def is_named(path, builds):
    """Whether a meson.build of the folder, or of one above it, has the test's name."""
    name = path.stem.removeprefix("test-")
    above = [builds[folder] for folder in path.parents if folder in builds]
    return any(f"'{name}'" in text or f"{path.name}'" in text for text in above)


@test
def every_test_is_in_a_build():
    builds = {path.parent: read(path) for path in find(".build")}
    fail_with([f"{path}: no meson.build runs it" for path in find(".py", ".c")
               if path.parts[0] == "tests" and path.name.startswith("test-") and not is_named(path, builds)])


@test
def no_mutable_state_is_global():
    """File-scope variables that are neither constant nor a function."""
    pattern = re.compile(r"^static (?!const\b|inline\b|G_|_Thread_local\b|volatile sig_atomic_t\b)"
                         r"[\w ]+[\w*]\s*\**\w+(\[[^\]]*\])?\s*(=[^(]*|);$")
    allowed = re.compile(r"\b(GSourceFuncs|GOnce|GRegex|const)\b")
    fail_with([line for line in lines_with(pattern, product(), code_only) if not allowed.search(line)])


@test
def the_rules_find_what_they_are_for():
    found = [(BANNED_CALLS, "x = str" + "cpy(a, b);"), (GOTO, "go" + "to end;"), (UNFINISHED, "/* TO" + "DO: more */"),
             (UNFINISHED, "not imple" + "mented"), (SLEEP, "time.sle" + "ep(1)")]
    passed = [(BANNED_CALLS, "g_strlcpy(a, b, n);"), (GOTO, "static int going_to;"), (UNFINISHED, "stubborn, method"),
              (SLEEP, "asleep(1)")]
    fail_with([line for pattern, line in found if not pattern.search(line)]
              + [line for pattern, line in passed if pattern.search(line)])
    long_function = "int f(void) {\n" + "  x++;\n" * 90 + "}\n"
    if [length for _, length in functions(long_function + "int g(void) {\n}\n")] != [92, 2]:
        raise Failure("functions are not measured")


main()
