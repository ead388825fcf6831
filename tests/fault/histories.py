# SPDX-License-Identifier: MIT
"""Is what clients saw of a registry explained by one order of all commits?

The registry gives every commit a revision, so the order is known, and a history of n
operations is checked in about n log n steps: the commits are replayed by revision, then
every operation is given the earliest position in that order which explains its answer and is not
before what had been seen when the operation began. If there is none, the history is not
linearizable. Positions only grow with time, so the earliest choice is never a wrong one.

A register is "KEY/NAME", and "KEY/" says whether the key is there (True). What is not there is
None. Times are integers of one clock; `end` None is an operation that was never answered: it
may have happened, once, at any time after its start, or not at all. Which of the two, and
at what revision, is told by the records of the registry's own history. Pure.
"""

from bisect import bisect_right
from dataclasses import dataclass, field

MOST_PROBLEMS = 20


@dataclass
class Operation:
    """What one client did. By kind:

    write      steps were applied at `revision` (None: not answered), every expectation held
    unchanged  steps were answered with `revision`, and changed nothing there
    refused    an expectation did not hold, or what was to be deleted was not there
    read       `reads` was the state, all at once; at `revision` exactly if it is given
    newest     `revision` was said to be the newest that watchers have been told of: reads may have
               seen later ones, but it is not before any answered write
    past       `reads` was the state of `revision`, which may be an old one
    restore    the state of revision `source` was put back as `revision`

    steps: ("set", register, value), ("unset", register), ("clear", key),
    ("rollback", key, revision). expects: ("value", register, value), ("present", register),
    ("unchanged", key, revision). tag: what the registry's history calls the write."""

    kind: str
    start: int
    end: int = None
    client: str = ""
    tag: str = ""
    revision: int = None
    steps: list = field(default_factory=list)
    expects: list = field(default_factory=list)
    reads: dict = field(default_factory=dict)
    source: int = 0
    heard: int = None  # how many signals this client's watch had brought at the end


@dataclass
class Record:
    """A revision by the registry's own history: {register: (old, new)}."""

    revision: int
    tag: str
    changes: dict


@dataclass
class Records:
    """A whole answer of the registry's history: every commit from revision `first` to `last`."""

    first: int
    last: int
    records: list


@dataclass
class Watch:
    """What one watch brought: [(sequence, revision, {register: whether it was set})]. Up to the revision
    `live`, which Watch answered, it was replayed from history."""

    client: str
    key: str
    since: int
    signals: list
    live: int = 0


def is_below(register, key):
    """Whether the register belongs to the key; all do to the key ""."""
    return not key or register.startswith(key + "/")


class Order:
    """The commits by revision, and the state at each."""

    def __init__(self):
        self.revisions = {}  # register -> revisions of its changes, growing
        self.values = {}  # register -> what it became at each
        self.differences = {}  # revision -> {register: (old, new)}
        self.touched = {}  # key -> revisions that changed something in it; "": in any

    def get(self, register, position):
        index = bisect_right(self.revisions.get(register, ()), position) - 1
        return self.values[register][index] if index >= 0 else None

    def registers_below(self, key):
        return [register for register in self.revisions if is_below(register, key)]

    def append(self, revision, difference):
        self.differences[revision] = difference
        for register, (_, new) in difference.items():
            self.revisions.setdefault(register, []).append(revision)
            self.values.setdefault(register, []).append(new)
        for key in {"", *(register.partition("/")[0] for register in difference)}:
            self.touched.setdefault(key, []).append(revision)

    def find_equal(self, register, value, position):
        """The first position from this one on at which the register has the value; None: never."""
        if self.get(register, position) == value:
            return position
        revisions, values = self.revisions.get(register, ()), self.values.get(register, ())
        for index in range(bisect_right(revisions, position), len(revisions)):
            if values[index] == value:
                return revisions[index]
        return None

    def find_other(self, register, value, position):
        """The first position from this one on at which it has another value; None: never."""
        if self.get(register, position) != value:
            return position
        revisions = self.revisions.get(register, ())
        index = bisect_right(revisions, position)
        return revisions[index] if index < len(revisions) else None

    def find_all(self, reads, position):
        """The first position from this one on at which all of it is so."""
        again = True
        while again:
            again = False
            for register, value in reads.items():
                found = self.find_equal(register, value, position)
                if found is None:
                    return None
                again, position = again or found > position, found
        return position

    def find_broken(self, expectation, position):
        """The first position from this one on at which the expectation does not hold."""
        if expectation[0] == "value":
            return self.find_other(expectation[1], expectation[2], position)
        if expectation[0] == "present":
            return self.find_equal(expectation[1], None, position)
        touching = self.touched.get(expectation[1], [])
        index = bisect_right(touching, expectation[2])
        return max(position, touching[index]) if index < len(touching) else None

    def apply(self, steps, position):
        """What the steps change in the state of this position: {register: (old, new)}."""
        new = {}
        for step in steps:
            if step[0] == "set":
                new[step[1]] = step[2]
                new[step[1].partition("/")[0] + "/"] = True
            elif step[0] == "unset":
                new[step[1]] = None
            elif step[0] == "clear":
                new |= {register: None for register in [*self.registers_below(step[1]), *new]
                        if is_below(register, step[1])}
            else:
                new |= {register: self.get(register, step[2]) for register in self.registers_below(step[1])}
        return {register: (self.get(register, position), value) for register, value in new.items()
                if self.get(register, position) != value}


def list_conditions(operation):
    """What must hold for the operation to be accepted."""
    implied = [("present", step[1] if step[0] == "unset" else step[1] + "/")
               for step in operation.steps if step[0] in ("unset", "clear")]
    return operation.expects + implied


class Check:
    """One history's check; problems is what was found wrong."""

    def __init__(self, operations, records=(), watches=()):
        self.operations, self.records, self.watches = operations, records, watches
        self.order, self.problems = Order(), []
        self.writes = {}  # revision -> Operation
        self.floors = {}  # id of an operation -> (position, answered revision) known at its start

    def fail(self, text, operation=None):
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(f"{text}: {operation}" if operation else text)

    def run(self):
        self.collect_writes()
        self.replay()
        self.sweep()
        for records in self.records:
            self.check_records(records)
        for watch in self.watches:
            self.check_watch(watch)
        return self.problems

    # ---- the commits ----

    def collect_writes(self):
        for operation in self.operations:
            if operation.kind not in ("write", "restore") or operation.revision is None:
                continue
            other = self.writes.setdefault(operation.revision, operation)
            if other is not operation:
                self.fail(f"revision {operation.revision} was given to two writes: {other}", operation)

    def list_recorded(self):
        """Records of revisions that no answered write has, by revision."""
        found = {}
        for records in self.records:
            for record in records.records:
                if record.revision not in self.writes:
                    found[record.revision] = record
        return found

    def replay(self):
        recorded = self.list_recorded()
        waiting = sorted((each for each in self.operations if each.kind == "write" and each.revision is None),
                         key=lambda each: each.start)
        for revision in sorted({*self.writes, *recorded}):
            write = self.writes.get(revision) or self.find_author(recorded[revision], waiting)
            if write is None:
                self.fail(f"revision {revision} is no client's write, or one that was made twice: "
                          f"{recorded[revision]}")
                self.order.append(revision, recorded[revision].changes)
                continue
            self.writes[revision] = write
            self.replay_one(revision, write)

    def find_author(self, record, waiting):
        """Takes the write that was never answered, and made this revision, out of those that wait."""
        for index, write in enumerate(waiting):
            if write.tag == record.tag and (
                    write.tag or self.order.apply(write.steps, record.revision - 1) == record.changes):
                return waiting.pop(index)
        return None

    def replay_one(self, revision, write):
        if write.kind == "restore":
            difference = self.order.apply([("rollback", "", write.source)], revision - 1)
            self.order.append(revision, difference)
            return
        for condition in list_conditions(write):
            if self.order.find_broken(condition, revision - 1) == revision - 1:
                self.fail(f"revision {revision} was accepted against {condition}", write)
        difference = self.order.apply(write.steps, revision - 1)
        if not difference:
            self.fail(f"revision {revision} changed nothing", write)
        self.order.append(revision, difference)

    # ---- real time ----

    def sweep(self):
        """Goes through starts and ends as they happened. Of the same instant starts come first: such
        operations count as concurrent."""
        events = [(each.start, 0, each) for each in self.operations]
        events += [(each.end, 1, each) for each in self.operations if each.end is not None]
        events.sort(key=lambda event: event[:2])
        revision_of = {id(write): revision for revision, write in self.writes.items()}
        seen = answered = 0
        for _, ends, operation in events:
            if not ends:
                self.floors[id(operation)] = (seen, answered)
                self.check_start(revision_of.get(id(operation)), seen, operation)
                continue
            position = self.place(operation, *self.floors[id(operation)])
            if position is None:
                self.fail(f"nothing from revision {self.floors[id(operation)][0]} on explains", operation)
                continue
            seen = max(seen, position)
            if operation.kind in ("write", "restore", "newest"):
                answered = max(answered, operation.revision)

    def check_start(self, revision, seen, operation):
        if revision is not None and revision <= seen:
            self.fail(f"the write of revision {revision} began after revision {seen} had been seen", operation)

    def place(self, operation, floor, answered):
        """The earliest position that explains the answer, or None."""
        if operation.kind == "newest":
            return operation.revision if operation.revision >= answered else None
        if operation.kind in ("write", "restore"):
            return operation.revision
        if operation.kind == "past":
            return operation.revision if self.is_so(operation.reads, operation.revision) else None
        if operation.kind == "refused":
            found = [self.order.find_broken(condition, floor) for condition in list_conditions(operation)]
            return min((position for position in found if position is not None), default=None)
        if operation.kind == "unchanged":
            there = operation.revision >= floor and not self.order.apply(operation.steps, operation.revision)
            return operation.revision if there else None
        if operation.revision is None:
            return self.order.find_all(operation.reads, floor)
        there = operation.revision >= floor and self.is_so(operation.reads, operation.revision)
        return operation.revision if there else None

    def is_so(self, reads, position):
        return all(self.order.get(register, position) == value for register, value in reads.items())

    # ---- the registry's own history, and what it tells watchers ----

    def check_records(self, records):
        told = {}
        for record in records.records:
            if record.revision in told:
                self.fail(f"history tells revision {record.revision} twice")
            told[record.revision] = record
        replaced = [(write.source, revision) for revision, write in self.writes.items()
                    if write.kind == "restore" and revision <= records.last]
        for revision, write in sorted(self.writes.items()):
            lost = any(source < revision <= restored for source, restored in replaced)
            if lost or not records.first <= revision <= records.last:
                continue
            if revision not in told:
                self.fail(f"revision {revision} is not in history", write)
            elif told[revision].changes != self.order.differences[revision]:
                self.fail(f"history says of revision {revision}: {told[revision].changes}, which was "
                          f"{self.order.differences[revision]}", write)

    def check_watch(self, watch):
        touching = [revision for revision in self.order.touched.get(watch.key, []) if revision > watch.since]
        for index, (sequence, revision, changes) in enumerate(watch.signals):
            expected = touching[index] if index < len(touching) else None
            if sequence != index + 1 or revision != expected:
                self.fail(f"{watch.client}: signal {sequence} of revision {revision} came, "
                          f"{index + 1} of revision {expected} was due")
                return
            due = {register: new is not None for register, (_, new) in self.order.differences[revision].items()
                   if is_below(register, watch.key) and not register.endswith("/")}
            if changes != due:
                self.fail(f"{watch.client}: the signal of revision {revision} said {changes}, {due} was done")
        self.check_heard(watch, touching)

    def check_heard(self, watch, touching):
        """Signals of a commit come before its writer's answer, so before that of any later call. What is
        replayed comes in its own time, but before them."""
        for operation in self.operations:
            if operation.client != watch.client or operation.end is None or operation.heard is None:
                continue
            answered = self.floors[id(operation)][1]
            due = bisect_right(touching, answered) if answered > watch.live else 0
            if operation.heard < due:
                self.fail(f"{watch.client}: {operation.heard} signals had come of {due} that were due", operation)
                return


def check_history(operations, records=(), watches=()):
    """What is wrong with it: texts, at most MOST_PROBLEMS; empty if it is linearizable."""
    return Check(operations, records, watches).run()


def count_commits(operations):
    return sum(each.kind == "write" and each.revision is not None for each in operations)
