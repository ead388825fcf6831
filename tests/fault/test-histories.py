# SPDX-License-Identifier: MIT
"""The checker of histories tells good ones from bad ones: by hand, and those of a
simulated registry that is made to lose, repeat, tear, delay or swap one thing."""

import copy
import random

from harness.case import check, equal, main, rows
from histories import Operation, Record, Records, Watch, check_history

X, Y = "k/x", "k/y"


def write(start, end, revision, *steps, **more):
    return Operation("write", start, end, revision=revision, steps=list(steps), **more)


def put(register, value):
    return ("set", register, value)


def read(start, end, reads, **more):
    return Operation("read", start, end, reads=reads, **more)


def refused(start, end, *expects, **more):
    return Operation("refused", start, end, expects=list(expects), **more)


def record(revision, changes, tag=""):
    return Record(revision, tag, changes)


ONE, TWO = write(1, 2, 1, put(X, 1)), write(3, 4, 2, put(X, 2))
NEW = {"k/": (None, True), X: (None, 1)}
LOST = write(1, None, None, put(X, 1), tag="a")
BOTH = [ONE, TWO, write(5, 6, 3, put(Y, 3))]


def told(*records, first=1, last=9):
    return [Records(first, last, list(records))]


def heard(*signals, since=0, key="k", live=0):
    return [Watch("w", key, since, list(signals), live)]


@rows([
    ("one after the other", [ONE, TWO, read(5, 6, {X: 2})], [], []),
    ("a read beside a write sees it", [ONE, write(3, 9, 2, put(X, 2)), read(4, 5, {X: 2})], [], []),
    ("or does not", [ONE, write(3, 9, 2, put(X, 2)), read(4, 5, {X: 1})], [], []),
    ("the same value again", [ONE, TWO, write(5, 9, 3, put(X, 1)), read(6, 7, {X: 1})], [], []),
    ("what is missing", [read(1, 2, {X: None, "k/": None}), write(3, 4, 1, put(X, 1)), read(5, 6, {X: 1, "k/": True})], [], []),
    ("two at once", [write(1, 9, 1, put(X, 1), put(Y, 1)), read(2, 3, {X: None, Y: None}), read(4, 5, {X: 1, Y: 1})], [], []),
    ("unanswered, and seen", [LOST, read(3, 4, {X: 1})], told(record(1, NEW, "a")), []),
    ("unanswered, seen late", [LOST, read(3, 4, {X: None}), read(5, 6, {X: 1})], told(record(1, NEW, "a")), []),
    ("unanswered, and not done", [LOST, read(3, 4, {X: None})], told(), []),
    ("unanswered without a tag", [write(1, None, None, put(X, 1))], told(record(1, NEW)), []),
    ("an expectation", [ONE, write(3, 4, 2, put(X, 2), expects=[("value", X, 1)])], [], []),
    ("one that fails", [ONE, TWO, refused(5, 6, ("value", X, 1))], [], []),
    ("one that fails beside a write", [ONE, write(3, 9, 2, put(X, 2)), refused(4, 5, ("value", X, 1))], [], []),
    ("nothing has changed", [ONE, write(3, 4, 2, put(X, 2), expects=[("unchanged", "k", 1)])], [], []),
    ("something has", [ONE, TWO, refused(5, 6, ("unchanged", "k", 1))], [], []),
    ("deleted", [ONE, write(3, 4, 2, ("unset", X)), read(5, 6, {X: None, "k/": True})], [], []),
    ("what is missing can't be deleted", [Operation("refused", 1, 2, steps=[("unset", X)])], [], []),
    ("a tree deleted", [ONE, write(3, 4, 2, ("clear", "k")), read(5, 6, {X: None, "k/": None})], [], []),
    ("rolled back", [ONE, TWO, write(5, 6, 3, ("rollback", "k", 1)), read(7, 8, {X: 1})], [], []),
    ("nothing to change", [ONE, Operation("unchanged", 3, 4, revision=1, steps=[put(X, 1)])], [], []),
    ("the past", [ONE, TWO, Operation("past", 5, 6, revision=1, reads={X: 1})], [], []),
    ("a tree at its revision", [ONE, TWO, read(5, 6, {X: 2}, revision=2)], [], []),
    ("the newest that watchers know of",
     [ONE, write(3, 9, 2, put(X, 2)), read(4, 5, {X: 2}), Operation("newest", 6, 7, revision=1)], [], []),
    ("restored", [ONE, TWO, Operation("restore", 5, 6, revision=4, source=1), read(7, 8, {X: 1}, revision=4)],
     told(record(1, NEW), last=4), []),
    ("history", [ONE, TWO], told(record(1, NEW), record(2, {X: (1, 2)})), []),
    ("a part of history", [ONE, TWO], told(record(2, {X: (1, 2)}), first=2), []),
    ("a watch", [ONE, TWO, read(5, 6, {X: 2}, client="w", heard=2)], [],
     heard((1, 1, {X: True}), (2, 2, {X: True}))),
    ("a watch from later on", [ONE, write(3, 4, 2, ("unset", X))], [], heard((1, 2, {X: False}), since=1)),
    ("a watch whose replay takes its time", [ONE, TWO, read(5, 6, {X: 2}, client="w", heard=1)], [],
     heard((1, 1, {X: True}), (2, 2, {X: True}), live=2)),
    ("a watch of another key", [ONE, read(3, 4, {X: 1}, client="w", heard=0)], [], heard(key="other")),
])
def good_ones_pass(operations, records, watches):
    equal(check_history(operations, records, watches), [])


@rows([
    ("lost", [ONE, read(3, 4, {X: None})], [], [], "explains"),
    ("stale", [ONE, TWO, read(5, 6, {X: 1})], [], [], "explains"),
    ("back in time", [ONE, write(3, 9, 2, put(X, 2)), read(4, 5, {X: 2}), read(6, 7, {X: 1})], [], [], "explains"),
    ("seen before it was written", [ONE, read(2, 3, {X: 2}), write(4, 5, 2, put(X, 2))], [], [], "had been seen"),
    ("from nowhere", [ONE, read(3, 4, {X: 7})], [], [], "explains"),
    ("half of a commit", [write(1, 2, 1, put(X, 1), put(Y, 1)), read(3, 4, {X: 1, Y: None})], [], [], "explains"),
    ("half of a commit beside it", [write(1, 9, 1, put(X, 1), put(Y, 1)), read(3, 4, {X: 1, Y: None})], [], [], "explains"),
    ("two that read two writes in two orders",
     [write(1, 9, 1, put(X, 1)), write(1, 9, 2, put(Y, 1)), read(2, 3, {X: None, Y: 1})], [], [], "explains"),
    ("revisions against time", [write(3, 4, 1, put(X, 1)), write(1, 2, 2, put(X, 2))], [], [], "began after"),
    ("one revision twice", [ONE, write(3, 4, 1, put(Y, 2))], [], [], "two writes"),
    ("a revision for nothing", [ONE, write(3, 4, 2, put(X, 1))], [], [], "changed nothing"),
    ("accepted against what it expected", [ONE, TWO, write(5, 6, 3, put(X, 3), expects=[("value", X, 1)])], [], [], "against"),
    ("accepted though something had changed", [ONE, TWO, write(5, 6, 3, put(X, 3), expects=[("unchanged", "k", 1)])],
     [], [], "against"),
    ("refused without a reason", [ONE, refused(3, 4, ("value", X, 1))], [], [], "explains"),
    ("refused though nothing had changed", [ONE, refused(3, 4, ("unchanged", "k", 1))], [], [], "explains"),
    ("refused, and done", [ONE, Operation("refused", 3, 4, expects=[("value", X, 7)], steps=[put(X, 2)]), read(5, 6, {X: 2})],
     [], [], "explains"),
    ("deleted what was not there", [write(1, 2, 1, ("unset", X))], [], [], "against"),
    ("not deleted what was there", [ONE, Operation("refused", 3, 4, steps=[("unset", X)])], [], [], "explains"),
    ("a tree half deleted", [*BOTH, write(7, 8, 4, ("clear", "k")), read(9, 10, {Y: 3})], [], [], "explains"),
    ("rolled back to something else", [ONE, TWO, write(5, 6, 3, ("rollback", "k", 1)), read(7, 8, {X: 2})], [], [], "explains"),
    ("said to have changed nothing", [ONE, Operation("unchanged", 3, 4, revision=1, steps=[put(X, 2)])], [], [], "explains"),
    ("another past", [ONE, TWO, Operation("past", 5, 6, revision=1, reads={X: 2})], [], [], "explains"),
    ("a tree of another revision", [ONE, TWO, read(5, 6, {X: 1}, revision=2)], [], [], "explains"),
    ("an old revision", [ONE, TWO, read(5, 6, {}, revision=1)], [], [], "explains"),
    ("an older newest than was answered", [ONE, TWO, Operation("newest", 5, 6, revision=1)], [], [], "explains"),
    ("a newest that goes back", [ONE, write(3, 9, 2, put(X, 2)), Operation("newest", 4, 5, revision=2),
                                 Operation("newest", 6, 7, revision=1)], [], [], "explains"),
    ("a newest from the future", [ONE, Operation("newest", 3, 4, revision=2), write(5, 6, 2, put(X, 2))], [], [], "began after"),
    ("a revision from the future", [ONE, read(3, 4, {}, revision=2), write(5, 6, 2, put(X, 2))], [], [], "began after"),
    ("restored, and what came after stayed", [ONE, TWO, Operation("restore", 5, 6, revision=4, source=1), read(7, 8, {X: 2})],
     [], [], "explains"),
    ("a restore that lost what it should keep",
     [ONE, TWO, Operation("restore", 5, 6, revision=4, source=1), read(7, 8, {X: None})], [], [], "explains"),
    ("a restore that hands out a revision again",
     [ONE, TWO, Operation("restore", 5, 6, revision=4, source=1), write(7, 8, 2, put(Y, 3))], [], [], "two writes"),
    ("unanswered, and done twice", [LOST], told(record(1, NEW, "a"), record(3, {X: (1, 2)}, "a")), [], "made twice"),
    ("unanswered, seen, and gone", [LOST, read(3, 4, {X: 1})], told(), [], "explains"),
    ("unanswered, and done before it began", [read(1, 2, {}, revision=3), write(3, None, None, put(X, 1), tag="a")],
     told(record(1, NEW, "a")), [], "began after"),
    ("nobody's", [ONE], told(record(1, NEW), record(2, {X: (1, 5)})), [], "no client's"),
    ("not in history", [ONE, TWO], told(record(2, {X: (1, 2)})), [], "not in history"),
    ("another in history", [ONE], told(record(1, NEW | {X: (None, 2)})), [], "history says"),
    ("half of it in history", [write(1, 2, 1, put(X, 1), put(Y, 1))], told(record(1, NEW)), [], "history says"),
    ("twice in history", [ONE], told(record(1, NEW), record(1, NEW)), [], "twice"),
    ("a signal too many", [ONE], [], heard((1, 1, {X: True}), (2, 2, {X: True})), "was due"),
    ("a signal twice", [ONE, TWO], [], heard((1, 1, {X: True}), (2, 1, {X: True})), "was due"),
    ("signals swapped", [ONE, TWO], [], heard((1, 2, {X: True}), (2, 1, {X: True})), "was due"),
    ("a gap", [ONE, TWO], [], heard((1, 1, {X: True}), (3, 2, {X: True})), "was due"),
    ("a signal of something else", [ONE], [], heard((1, 1, {Y: True})), "signal of revision 1 said"),
    ("a signal that is late, after a replay", [ONE, TWO, read(5, 6, {X: 2}, client="w", heard=1)], [],
     heard((1, 1, {X: True}), live=1), "that were due"),
    ("a signal that is late", [ONE, TWO, read(5, 6, {X: 2}, client="w", heard=1)], [], heard((1, 1, {X: True})), "that were due"),
])
def bad_ones_are_told(operations, records, watches, problem):
    found = check_history(operations, records, watches)
    check(any(problem in text for text in found), f"found: {found}")


# ---- a simulated registry, and what it may do wrong ----

REGISTERS = [f"k{key}/{name}" for key in range(3) for name in "abc"]


class Simulation:
    """A registry that does each operation at one instant between its start and end."""

    def __init__(self, seed, operations=300, clients=4):
        self.chance = random.Random(seed)
        self.state, self.revision, self.next_value = {}, 0, 0
        self.operations, self.records = [], []
        waiting = {f"c{client}": self.chance.randint(0, 20) for client in range(clients)}
        for _ in range(operations):
            client = min(waiting, key=waiting.get)
            now = waiting[client]
            # All take so long that several are under way, and each is done at its start's place in the order.
            self.operations.append(self.do(client, 10 * now + self.chance.randint(-9, 0), 10 * now + self.chance.randint(1, 30)))
            waiting[client] = self.operations[-1].end // 10 + self.chance.randint(1, 5)

    def do(self, client, start, end):
        register = self.chance.choice(REGISTERS)
        choice = self.chance.random()
        if choice < 0.4:
            return Operation("read", start, end, client, reads={each: self.state.get(each)
                                                                for each in self.chance.sample(REGISTERS, 3)})
        if choice < 0.5:
            return Operation("refused", start, end, client, expects=[("value", register, -1)])
        expects = [("value", register, self.state.get(register))] if choice < 0.7 else []
        self.next_value += 1
        steps = [("set", each, self.next_value) for each in {register, self.chance.choice(REGISTERS)}]
        return Operation("write", start, end, client, revision=self.commit(steps), expects=expects, steps=steps)

    def commit(self, steps):
        self.revision += 1
        changes = {}
        for _, register, value in steps:
            for each, new in ((register, value), (register[:3], True)):
                if self.state.get(each) != new:
                    changes[each] = (self.state.get(each), new)
                    self.state[each] = new
        self.records.append(Record(self.revision, "", changes))
        return self.revision


def pick(operations, chance, accept):
    return chance.choice([each for each in operations if accept(each)])


def is_write(operation):
    return operation.kind == "write"


def lose(operations, records, chance):
    """An answered write is nowhere."""
    gone = pick(operations, chance, is_write)
    records[:] = [each for each in records if each.revision != gone.revision]


def repeat(operations, _records, chance):
    copied = copy.copy(pick(operations, chance, is_write))
    copied.start, copied.end = copied.start + 1, copied.end + 1
    operations.append(copied)


def invent(operations, _records, chance):
    changed = pick(operations, chance, lambda each: each.kind == "read")
    changed.reads[next(iter(changed.reads))] = 10 ** 9


def delay(operations, _records, chance):
    """A write that began when later revisions had long been answered."""
    changed = pick(operations[:len(operations) // 2], chance, is_write)
    last = max(each.end for each in operations)
    changed.start, changed.end = last + 1, last + 2


def tear(_operations, records, chance):
    torn = chance.choice([each for each in records if len(each.changes) > 1])
    torn.changes.pop(chance.choice(list(torn.changes)))


def accept_wrongly(operations, _records, chance):
    pick(operations, chance, is_write).expects.append(("value", "k0/a", -1))


def refuse_wrongly(operations, _records, chance):
    pick(operations, chance, lambda each: each.kind == "refused").expects[:] = [("value", "k9/a", None)]


@rows([(f"{title} {seed}", spoil, seed) for seed in range(5) for title, spoil in (
    ("nothing wrong", None), ("lost", lose), ("repeated", repeat), ("invented", invent), ("delayed", delay),
    ("torn", tear), ("accepted wrongly", accept_wrongly), ("refused wrongly", refuse_wrongly))])
def of_a_simulation(spoil, seed):
    simulation = Simulation(seed)
    operations, records = simulation.operations, simulation.records
    if spoil:
        spoil(operations, records, simulation.chance)
    found = check_history(operations, [Records(1, simulation.revision, records)])
    check(bool(found) == bool(spoil), f"found: {found}")


main()
