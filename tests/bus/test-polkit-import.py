# SPDX-License-Identifier: MIT
"""Imports that polkit grants: just what a person was asked about is applied, from files and from pipes."""

import contextlib
import mmap
import os
import tempfile

import dbus

from harness.case import equal, main, rows, test
from harness.registry import options
from harness.stage import KEY, Stage, finish, finish_refused

KEPT_IN_MEMORY_KB = 16 * 1024
REGFILE = b"Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme]\n\"v\"=\"new\"\n"


@contextlib.contextmanager
def changing(file, how, text):
    """What makes @file hold @text."""
    if how == "memory":
        with mmap.mmap(file.fileno(), 0) as shared:
            shared[0] = shared[0]
            yield lambda: shared.__setitem__(slice(0, len(text)), text)
    elif how == "shorter":
        yield lambda: file.truncate(len(text) // 2)
    else:
        yield lambda: os.pwrite(file.fileno(), text, 0)


@rows([(how, how) for how in ("written over", "memory", "shorter")])
def what_a_person_was_asked_about_is_imported(how):
    with Stage() as stage, tempfile.TemporaryFile() as file:
        begin = b"not the beginning"
        file.write(begin + REGFILE)
        file.flush()
        with changing(file, how, begin + REGFILE.replace(b"new", b"not")) as change:
            file.seek(len(begin))
            outcome = stage.alice.ask("Import", "ha{sv}", dbus.types.UnixFd(file.fileno()), options())
            question = stage.authority.wait()
            change()
            stage.authority.answer(question, True)
            equal(finish(outcome)[1]["values-set"], 1)
        equal((stage.values(), stage.root.get(KEY, "v")[2]), (["v"], "new"))


def left_beside(stage):
    return [name for name in os.listdir(stage.registry.database.parent) if "export" in name]


@rows([("small", b""), ("larger than is kept in memory", b";" * 1023 + b"\n")])
def an_import_from_a_pipe_is_granted_as_from_a_file(line):
    with Stage() as stage:
        reading, writing = os.pipe()
        outcome = stage.alice.ask("Import", "ha{sv}", dbus.types.UnixFd(reading), options())
        os.close(reading)
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(REGFILE + line * KEPT_IN_MEMORY_KB + b"\"w\"=\"new\"\n")
        stage.authority.answer(stage.authority.wait(), True)
        equal(finish(outcome)[1]["values-set"], 2)
        equal((stage.values(), left_beside(stage)), (["v", "w"], []))


@test
def an_import_that_is_not_granted_changes_nothing():
    with Stage() as stage:
        reading, writing = os.pipe()
        outcome = stage.alice.ask("Import", "ha{sv}", dbus.types.UnixFd(reading), options())
        os.close(reading)
        os.write(writing, REGFILE)
        os.close(writing)
        stage.authority.answer(stage.authority.wait(), False)
        finish_refused(outcome)
        equal((stage.values(), stage.authority.count()), ([], 0))


main()
