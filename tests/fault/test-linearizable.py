# SPDX-License-Identifier: MIT
"""Writers, readers and a watcher at once, regd killed under them again and again, and a
backup put back in between: one order of all commits explains everything that any of
them was answered."""

import itertools
import random
import shutil

from harness.case import check, main, test
from harness.figures import amount, figure
from harness.registry import Registry
from histories import check_history, count_commits
from history_load import History

ROUNDS = 14  # of one history; a backup is put back after half of them
HISTORIES = amount(1, 40)


def live(history, turns):
    for index in range(ROUNDS):
        backs_up = index == ROUNDS // 2 - 1
        history.run_round(next(turns), history.back_up if backs_up else history.registry.kill)
        history.begin_again()
        if index == ROUNDS // 2:
            history.restore()
    return check_history(history.operations, history.records, history.watches)


@test
def one_order_explains_every_answer():
    seed = random.SystemRandom().randint(0, 1 << 32)
    print(f"# seed {seed}")
    turns = itertools.count(1)
    operations = commits = unanswered = signals = 0
    for _ in range(HISTORIES):
        with Registry() as registry:
            history = History(registry, random.Random(seed))
            problems = live(history, turns)
            check(not problems, "\n".join(problems))
            operations += len(history.operations)
            commits += count_commits(history.operations)
            unanswered += sum(each.end is None for each in history.operations)
            signals += sum(len(watch.signals) for watch in history.watches)
        seed += 1
    check(commits > 1000 * HISTORIES and signals > 500 * HISTORIES, f"{commits} commits, {signals} signals")
    figure("history-operations", operations)
    figure("history-acknowledged-commits", commits)
    figure("history-unanswered-writes", unanswered)
    figure("history-signals", signals)
    figure("history-kill-rounds", (ROUNDS - 1) * HISTORIES)


@test
def a_database_that_goes_back_is_found_out():
    """The same load, and a copy of the database from before it in the place of what was written."""
    with Registry() as registry:
        history = History(registry, random.Random(1))
        registry.stop()
        copied = registry.directory / "state of before"
        shutil.copytree(registry.database.parent, copied)
        registry.start()
        history.run_round(1, registry.kill)
        shutil.rmtree(registry.database.parent)
        shutil.copytree(copied, registry.database.parent)
        history.begin_again()
        problems = check_history(history.operations, history.records, history.watches)
        check(any("explains" in problem for problem in problems), f"{problems}")
        history.run_round(2, registry.kill)
        history.begin_again()
        problems = check_history(history.operations, history.records, history.watches)
        check(any("was given to two writes" in problem for problem in problems), f"{problems}")


main()
