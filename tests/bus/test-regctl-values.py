# SPDX-License-Identifier: MIT
"""regctl on values: names that look like others, data from files, keys too large for an answer."""

import json

from harness.case import contains, equal, main, test
from harness.registry import REG_SZ, Registry
from harness.regctl import FAILED, KEY, USAGE, done, refused


@test
def a_value_that_is_called_like_the_default_one_is_reached():
    with Registry() as registry:
        done(registry, "set", KEY, "@", "default")
        done(registry, "set", "--name=@", KEY, "named")
        done(registry, "set", KEY, "--name=", "default again")
        equal(registry.client.values(KEY), [("", REG_SZ, "default again"), ("@", REG_SZ, "named")])
        equal(done(registry, "get", KEY, "@"), "default again\n")
        equal(done(registry, "get", KEY, "--name=@"), "named\n")
        equal(done(registry, "ls", KEY), "@\tREG_SZ\tdefault again\n\\@\tREG_SZ\tnamed\n")
        contains(done(registry, "blame", KEY, "--name=@"), "named")
        refused(registry, USAGE, "get", "--name=@", KEY, "@", naming=("--name",))
        refused(registry, USAGE, "get", KEY, naming=("NAME is missing",))
        done(registry, "unset", "--name=@", KEY)
        equal(registry.client.values(KEY), [("", REG_SZ, "default again")])


@test
def data_comes_from_files_and_standard_input():
    with Registry() as registry:
        file = registry.directory / "data"
        file.write_bytes(b"one\ntwo\n")
        done(registry, "set", f"--from={file}", KEY, "text")
        done(registry, "set", f"--from={file}", "-t", "multi", KEY, "lines")
        done(registry, "set", "--from=-", "-t", "BINARY", KEY, "bytes", given=b"\0\xff\n")
        done(registry, "set", "--from", "-", "-t", "sz", "--bytes", KEY, "odd", given=b"a")
        done(registry, "set", "--bytes", "-t", "Dword", KEY, "short", "0102")
        equal([done(registry, "get", KEY, name) for name in ("text", "lines", "bytes", "odd", "short")],
              ["one\ntwo\n", "one\ntwo\n", "00ff0a\n", "61\n", "0102\n"])
        equal([line.split("\t")[1] for line in done(registry, "ls", KEY).splitlines()],
              ["REG_SZ", "REG_MULTI_SZ", "REG_BINARY", "REG_SZ (malformed)", "REG_DWORD (malformed)"])
        refused(registry, USAGE, "set", f"--from={file}", KEY, "text", "word", naming=("--from",))
        refused(registry, FAILED, "set", "--from=/nowhere/at/all", KEY, "text", naming=("/nowhere/at/all",))
        file.write_bytes(b"x" * (16 * 1024 * 1024 + 1))
        refused(registry, FAILED, "set", f"--from={file}", KEY, "text", naming=("more than 16777216 bytes",))


@test
def a_key_that_is_larger_than_an_answer_is_listed():
    with Registry() as registry:
        for number in range(17):
            registry.client.set(KEY, f"v{number}", REG_SZ, "x" * 520000)
        equal([line.split("\t")[0] for line in done(registry, "ls", KEY).splitlines()],
              [f"v{number}" for number in range(17)])
        equal(len(json.loads(done(registry, "--json", "ls", KEY))["values"]), 17)


@test
def a_long_number_has_its_digits_beside_it():
    with Registry() as registry:
        done(registry, "set", "-t", "qword", KEY, "q", "133444555666777889")
        for printed in (done(registry, "--json", "get", KEY, "q"), done(registry, "--json", "tree", KEY),
                        done(registry, "--json", "history", KEY)):
            contains(printed, '"digits": "133444555666777889"')


@test
def help_explains_a_verb():
    with Registry() as registry:
        equal(done(registry, "help", "set"), done(registry, "set", "--help"))
        equal(done(registry, "help"), done(registry, "--help"))
        refused(registry, USAGE, "help", "sett", naming=("set",))


main()
