# SPDX-License-Identifier: MIT
"""What a disk may hold after a power cut, from the log that disk-log.c has kept.

Kept for certain is only what was written before a flush of its file began that has
ended, and a name only if its directory was flushed. Of the rest anything may be there: nothing,
all, the first part of it, or any sectors of it in any mixture, which is what a cache that
writes in its own order leaves behind. Of names a first part is kept: file systems keep
their order. Pure.
"""

import struct

OPEN, CREATE, WRITE, TRUNCATE, SYNC, SYNC_NAMES, RENAME, LINK, UNLINK = range(1, 10)
HEAD = struct.Struct("=QQQQ")
SECTORS = (512, 4096)
WAYS = ("nothing", "all", "first", "any", "any")


def read_log(log):
    """(event, inode, at, data, where it ends) of each whole event in the log."""
    position = 0
    while position + HEAD.size <= len(log):
        event, inode, at, size = HEAD.unpack_from(log, position)
        position += HEAD.size + size
        if position > len(log):
            return
        yield event, inode, at, bytes(log[position - size:position]), position


def make_event(event, inode=0, at=0, data=b""):
    return HEAD.pack(event, inode, at, len(data)) + data


class File:
    """Contents that are on the disk, and what is on its way: (end, offset, bytes), or
    (end, size, None) for a new size."""

    def __init__(self, content=b""):
        self.content = bytearray(content)
        self.pending = []

    def settle(self, begin):
        """A flush has ended that began when so much was in the log."""
        done = [change for change in self.pending if change[0] <= begin]
        self.pending = [change for change in self.pending if change[0] > begin]
        for _, at, data in done:
            put(self.content, at, data)

    def cut(self, chance):
        """What may be in it."""
        content, way = bytearray(self.content), chance.choice(WAYS)
        if way == "nothing":
            return bytes(content)
        pending = self.pending[:chance.randint(0, len(self.pending))] if way == "first" else self.pending
        sector = chance.choice(SECTORS)
        for index, (_, at, data) in enumerate(pending):
            torn = way == "any" or (way == "first" and index == len(pending) - 1)
            if torn:
                put_some(content, at, data, sector, chance)
            else:
                put(content, at, data)
        return bytes(content)


def put(content, at, data):
    """A write, or a new size where data is None."""
    size = at if data is None else at + len(data)
    content.extend(bytes(max(0, size - len(content))))
    if data is None:
        del content[at:]
    else:
        content[at:size] = data


def put_some(content, at, data, sector, chance):
    """Those sectors of a write that chance lets through."""
    if data is None:
        if chance.random() < 0.5:
            put(content, at, data)
        return
    share, position = chance.random(), at
    while position < at + len(data):
        end = min(at + len(data), position - position % sector + sector)
        if chance.random() < share:
            put(content, position, data[position - at:end - at])
        position = end


class Disk:
    """The files of one directory: {name: contents} to begin with, all of it on the disk."""

    def __init__(self, files):
        self.kept = {name: File(content) for name, content in files.items()}  # names on the disk
        self.names = dict(self.kept)  # names as programs see them
        self.inodes = {}
        self.pending = []  # (end, names after it)

    def replay(self, log, honest=True):
        """Everything in the log. A disk that is not honest only says that it has flushed."""
        for event, inode, at, data, end in read_log(log):
            if event in (OPEN, CREATE):
                self.open(inode, base_name(data), end, event == CREATE)
            elif event == WRITE:
                self.inodes[inode].pending.append((end, at, data))
            elif event == TRUNCATE:
                self.inodes[inode].pending.append((end, at, None))
            elif event == SYNC and honest:
                self.inodes[inode].settle(at)
            elif event == SYNC_NAMES and honest:
                self.settle_names(at)
            elif event in (RENAME, LINK, UNLINK):
                self.change_names(event, *map(base_name, data.split(b"\0")), end)

    def open(self, inode, name, end, made):
        if made or name not in self.names:
            self.names = self.names | {name: File()}
            self.pending.append((end, self.names))
        self.inodes[inode] = self.names[name]

    def change_names(self, event, name, new, end):
        names = dict(self.names)
        file = names.get(name) if event == LINK else names.pop(name, None)
        if event != UNLINK and file is not None:
            names[new] = file
        self.names = names
        self.pending.append((end, names))

    def settle_names(self, begin):
        for end, names in self.pending:
            if end <= begin:
                self.kept = names
        self.pending = [each for each in self.pending if each[0] > begin]

    def cut(self, chance):
        """{name: contents} after a power cut now, as chance will have it."""
        names = chance.choice([self.kept, *(names for _, names in self.pending)])
        made = {id(file): file.cut(chance) for file in names.values()}  # a file of two names is one
        return {name: made[id(file)] for name, file in names.items()}


def base_name(path):
    return path.decode().rpartition("/")[2]
