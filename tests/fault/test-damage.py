# SPDX-License-Identifier: MIT
"""Databases that are damaged at random: bits that flip, pages that are zeroed, exchanged or
older, files that are cut off, logs that lose their end. No wrong value is ever served, what is
lost is said, and `regd --check` finds each damage that changed what can be read."""

import contextlib
import errno
import itertools
import mmap
import os
import random
import shutil
import struct
import subprocess

import dbus

from harness.case import Failure, Skip, check, contains, equal, main, rows, test
from harness.database import PAGE, edit, unseal
from harness.figures import amount, figure
from harness.process import BUILD, is_sanitised, program
from harness.registry import REG_BINARY, REG_DWORD, REG_SZ, SOFTWARE, Refused, Registry, options

KEY = SOFTWARE + "\\Damage"
KEYS = 24
COPIES = amount(30, 1000)
FRAME, LOG_HEADER = 24 + PAGE, 32
ROOTS = ("HKEY_LOCAL_MACHINE", "HKEY_USERS")


# ---- what is damaged ----

def value_of(chance):
    return ((REG_SZ, "".join(chance.choices("abcdefgh", k=chance.randint(0, 200)))) if chance.random() < 0.6
            else (REG_BINARY, chance.randbytes(chance.choice((1, 300, 6000, 20_000)))))


def fill(client, chance):
    """Keys, values of all sizes, access lists, history."""
    for number in range(KEYS):
        key = f"{KEY}\\Key {number}"
        client.commit([("set-value", key, f"value {i}", *value_of(chance)) for i in range(chance.randint(1, 8))])
        if number % 5 == 0:
            client.call("SetAcl", "sa(ss)", key, [("everyone", "read"), (f"user:{1000 + number}", "write")])
    for _ in range(20):
        client.set(f"{KEY}\\Key {chance.randrange(KEYS)}", "changed", *value_of(chance))
    client.delete(f"{KEY}\\Key 3", recursive=True)
    client.create(f"{KEY}\\Link", link=f"{KEY}\\Key 4")


def read_answers(client):
    """What each question about the database is answered: {question: answer or Refused}."""
    keys, answers = [*ROOTS], {}

    def ask(member, signature, *arguments):
        try:
            answer = client.call(member, signature, *arguments)
        except Refused as refusal:
            answer = refusal
        answers[member, *map(str, arguments[:2] if signature == "ss" else arguments[:1])] = answer
        return answer

    for key in keys:
        names = ask("ListKeys", "s", key)
        keys += [f"{key}\\{name}" for name in names if name != "Link"] if isinstance(names, list) else []
        ask("ListValues", "s", key)
        ask("GetAcl", "s", key)
        ask("GetKeyInfo", "sa{sv}", key, options())
    ask("GetHistory", "sa{sv}", KEY, options(limit=1000))
    ask("GetValue", "ss", f"{KEY}\\Key 5", "value 0")
    return answers


class Original:
    """The files of one database: after a clean end, after a kill (with its log), and before the
    last changes, for pages that are older than the others."""

    def __init__(self, registry, chance):
        self.registry, self.folder = registry, registry.database.parent
        fill(registry.client, chance)
        registry.stop()
        self.older = (self.folder / "registry.db").read_bytes()
        registry.start()
        client = registry.connect()
        for number in range(KEYS):
            client.set(f"{KEY}\\Key {number}", "value 0", *value_of(chance))
        registry.stop()
        self.clean = self.read_files()
        registry.start()
        client = registry.connect()
        for _ in range(12):
            client.set(f"{KEY}\\Key {chance.randrange(KEYS)}", "late", *value_of(chance))
        self.answers_with_log = read_answers(client)
        registry.kill()
        self.with_log = self.read_files()
        self.put(self.clean)
        registry.start()
        self.answers = read_answers(registry.connect())
        registry.stop()
        check(len(self.with_log["registry.db-wal"]) > 4 * FRAME, "there is no log")

    def read_files(self):
        return {path.name: path.read_bytes() for path in self.folder.iterdir()
                if path.name in ("registry.db", "registry.db-wal", "registry.db-witness")}

    def put(self, files):
        for path in self.folder.iterdir():
            path.unlink()
        for name, content in files.items():
            (self.folder / name).write_bytes(content)
            (self.folder / name).chmod(0o600)


# ---- damage: each changes a bytearray ----

def random_page(content, chance):
    return chance.randrange(len(content) // PAGE) * PAGE


def flip_bits(content, chance, _original):
    for _ in range(chance.choice((1, 1, 2, 8))):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def zero_page(content, chance, _original):
    start = random_page(content, chance)
    content[start:start + PAGE] = bytes(PAGE)


def zero_sector(content, chance, _original):
    start = chance.randrange(len(content) // 512) * 512
    content[start:start + 512] = bytes(512)


def swap_pages(content, chance, _original):
    one, other = random_page(content, chance), random_page(content, chance)
    content[one:one + PAGE], content[other:other + PAGE] = content[other:other + PAGE], content[one:one + PAGE]


def write_noise(content, chance, _original):
    start = chance.randrange(len(content))
    noise = chance.randbytes(chance.randint(1, 9000))[:len(content) - start]
    content[start:start + len(noise)] = noise


def cut_off(content, chance, _original):
    del content[chance.choice((0, chance.randrange(len(content)), random_page(content, chance))):]


def put_older_pages(content, chance, original):
    """The disk lost what it was given to write."""
    differing = [start for start in range(0, min(len(content), len(original.older)), PAGE)
                 if content[start:start + PAGE] != original.older[start:start + PAGE]]
    for start in chance.sample(differing, chance.randint(1, min(3, len(differing)))):
        content[start:start + PAGE] = original.older[start:start + PAGE]


def swap_frames(content, chance, _original):
    one, other = (LOG_HEADER + chance.randrange(len(content) // FRAME) * FRAME for _ in range(2))
    content[one:one + FRAME], content[other:other + FRAME] = content[other:other + FRAME], content[one:one + FRAME]


OF_DATABASE = [flip_bits, zero_page, zero_sector, swap_pages, write_noise, cut_off, put_older_pages]
OF_LOG = [flip_bits, zero_sector, write_noise, cut_off, swap_frames]
OF_WITNESS = [flip_bits, zero_sector, write_noise, cut_off]
KINDS = ([("registry.db", kind, False) for kind in OF_DATABASE] + [("registry.db-wal", kind, True) for kind in OF_LOG]
         + [("registry.db", kind, True) for kind in OF_DATABASE[:4]]
         + [("registry.db-witness", kind, True) for kind in OF_WITNESS])


# ---- what is said of it ----

def check_file(database):
    """regd --check of a copy: it takes a log in, which must not happen here."""
    copy = database.parent.parent / "checked"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(database.parent, copy)
    done = subprocess.run([program("regd/regd"), f"--database={copy / 'registry.db'}", "--check"],
                          capture_output=True, text=True, timeout=60, check=False)
    check(done.returncode in (0, 1), f"--check ended with {done.returncode}: {done.stderr}")
    return done.returncode == 0, done.stdout + done.stderr


def start(registry):
    """Whether it serves, and what it said where it does not."""
    try:
        registry.start()
    except Failure as failure:
        check(registry.process.wait() == 1, f"regd ended otherwise than by a refusal: {failure}")
        return False, str(failure)
    return True, ""


def is_said(client, registry):
    """Read-only, with a problem in the statistics and in the journal."""
    problems = client.call("GetStatistics", "a{sv}", options())["problems"]
    said = registry.process.output()
    return client.get_property("ReadOnly") and problems and all(problem in said for problem in problems)


def compare(client, registry, expected):
    """Whether all answers are as before. A wrong one is allowed only where an older revision is
    served whose loss is said."""
    found = read_answers(client)
    wrong = {question: answer for question, answer in found.items()
             if not isinstance(answer, Refused) and answer != expected.get(question)}
    refused = [answer for answer in found.values() if isinstance(answer, Refused)]
    for refusal in refused:
        if refusal.name in ("KeyNotFound", "ValueNotFound"):
            wrong[str(refusal)] = refusal
            continue
        equal(refusal.name, "StorageFailure", refusal.text)
        for part in ("HKEY_", "damaged", "--restore"):
            contains(refusal.text, part)
    if wrong:
        check(is_said(client, registry) and "acknowledged" in registry.process.output(),
              f"served wrong and said nothing: {str(wrong)[:600]}")
    elif refused:
        check(is_said(client, registry), f"nothing is said of {refused[0].text}")
    return not wrong and not refused and found.keys() == expected.keys()


def try_one(registry, original, seed):
    """One damaged copy: (what was damaged, what came of it)."""
    chance = random.Random(seed)
    name, kind, with_log = chance.choice(KINDS)
    files = dict(original.with_log if with_log else original.clean)
    content = bytearray(files[name])
    kind(content, chance, original)
    original.put(files | {name: bytes(content)})
    sound, told = check_file(registry.database)
    served, said = start(registry)
    if not served:
        check("damaged" in said and "--restore" in said, f"the refusal names no cure: {said}")
        outcome = "refused"
    else:
        client = registry.connect()
        whole = compare(client, registry, original.answers_with_log if with_log else original.answers)
        client.connection.close()
        registry.stop()
        outcome = "whole" if whole else "said"
    check(outcome == "whole" or not sound, f"--check found nothing, and what came of it: {outcome}: {said}")
    check(sound or name != "registry.db-witness", f"damage of the witness is taken for the database's: {told}")
    return f"{kind.__name__} {name}", outcome


@test
def nothing_wrong_is_served():
    seed = int(os.environ.get("SEED") or random.SystemRandom().randint(0, 1 << 32))
    print(f"# seed {seed}")
    outcomes = {}
    with Registry() as registry:
        original = Original(registry, random.Random(1))
        for number in range(COPIES):
            try:
                done = try_one(registry, original, seed + number)
            except Failure as failure:
                with contextlib.suppress(Failure, ProcessLookupError):
                    registry.kill()
                raise Failure(f"SEED={seed + number}: {failure}") from failure
            outcomes[done] = outcomes.get(done, 0) + 1
        original.put(original.clean)
        registry.start()
    for (what, outcome), count in sorted(outcomes.items()):
        print(f"# {what}: {outcome} {count}")
    for outcome in ("refused", "whole", "said"):
        figure(f"damaged-databases-{outcome}", sum(count for (_, came), count in outcomes.items() if came == outcome))


# ---- one by one ----

@rows([("after a kill", lambda registry: registry.kill()), ("after a clean end", lambda registry: registry.stop())])
def an_end_is_no_damage(end):
    with Registry() as registry:
        for number in range(6):
            client = registry.connect()
            for i in range(30):
                client.set(KEY, f"v{i}", REG_DWORD, number)
            end(registry)
            sound, said = check_file(registry.database)
            check(sound, said)
            registry.start()
            check(not registry.connect().get_property("ReadOnly"), "it is read-only")


@rows([("cut off", lambda log: log[:len(log) // 2]), ("flipped", lambda log: log[:9000] + b"x" + log[9001:]),
       ("gone", lambda _log: None)])
def a_log_that_lost_its_end_is_noticed(damage):
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "a", REG_SZ, "old")
        registry.restart()
        client = registry.connect()
        for number in range(20):
            newest = client.set(KEY, "a", REG_SZ, f"new {number}")
        registry.kill()
        log = registry.database.with_name("registry.db-wal")
        content = damage(log.read_bytes())
        log.unlink() if content is None else log.write_bytes(content)
        sound, said = check_file(registry.database)
        check(not sound, "--check found nothing")
        contains(said, f"{newest} was acknowledged")
        registry.start()
        client = registry.connect()
        check(is_said(client, registry), registry.process.output())
        contains(registry.process.output(), f"{newest} was acknowledged")
        client.refused("ReadOnly", "SetValue", "ssuv", KEY, "a", dbus.UInt32(REG_SZ), dbus.String("x", variant_level=1),
                       naming="--restore")
        status = registry.run(program("client/regctl/regctl"), "status").stdout.decode()
        contains(status, "was acknowledged")
        registry.stop()
        # The cure for those who have no backup.
        done = registry.run(program("regd/regd"), f"--database={registry.database}", f"--restore={registry.database}")
        equal(done.returncode, 0, done.stderr.decode())
        registry.start()
        client = registry.connect()
        check(client.set(KEY, "a", REG_SZ, "again") > newest, "a revision was given out twice")
        check(not client.get_property("ReadOnly"), "it is read-only")


@test
def a_page_of_the_log_is_checked_each_time_it_is_read():
    with Registry() as registry:
        client = registry.client
        client.set(KEY, "a", REG_BINARY, b"mark" * 500)
        client.set(KEY, "b", REG_SZ, "whole")
        log = registry.database.with_name("registry.db-wal")
        content = log.read_bytes()
        with open(log, "r+b") as opened:
            place = content.find(b"mark" * 100)
            while place >= 0:
                opened.seek(place + 8)
                opened.write(b"M")
                place = content.find(b"mark" * 100, place + PAGE)
        client.refused("StorageFailure", "GetValue", "ss", KEY, "a",
                       naming=[f'{KEY}: value "a"', "log", "--restore"])
        check(is_said(client, registry), registry.process.output())


@rows([("revision", "UPDATE meta SET number = 9223372036854775807 WHERE name = 'revision'"),
       ("nearly", "UPDATE meta SET number = 9223372036854775000 WHERE name = 'revision'"),
       ("horizon", "UPDATE meta SET number = -1 WHERE name = 'horizon'"),
       ("position", "UPDATE meta SET number = 'x' WHERE name = 'position'"),
       ("none", "DELETE FROM meta WHERE name = 'horizon'")])
def a_counter_that_makes_no_sense_is_refused(sql):
    with Registry() as registry:
        client, backup = registry.client, registry.directory / "backup.db"
        client.set(KEY, "a", REG_SZ, "x")
        with open(backup, "wb") as target:
            client.call("Backup", "ha{sv}", dbus.types.UnixFd(target.fileno()), options())
        newest = client.revision
        registry.stop()
        edit(registry.database, sql)
        served, said = start(registry)
        check(not served, "it is served")
        for part in ("damaged", "counter", "--restore"):
            contains(said, part)
        sound, said = check_file(registry.database)
        check(not sound and "counter" in said, said)
        done = registry.run(program("regd/regd"), f"--database={registry.database}", f"--restore={backup}")
        equal(done.returncode, 0, done.stderr.decode())
        registry.start()
        client = registry.connect()
        check(newest < client.set(KEY, "a", REG_SZ, "y") < 1 << 40, "the counter wrapped")


@rows([("with checksums", False), ("of before", True)])
def a_damaged_application_id_is_not_called_another_programs(before):
    with Registry() as registry:
        registry.client.set(KEY, "a", REG_SZ, "x")
        registry.stop()
        if before:
            unseal(registry.database)
        with open(registry.database, "r+b") as opened:
            opened.seek(68)
            opened.write(struct.pack(">I", 0x72656765))
        served, said = start(registry)
        check(not served, "it is served")
        contains(said, "damaged")
        contains(said, "--restore")
        check("other program" not in said, said)
        registry.database.unlink()
        registry.start()


@test
def a_database_that_is_cut_to_nothing_is_not_begun_anew():
    with Registry() as registry:
        registry.client.set(KEY, "a", REG_SZ, "x")
        registry.stop()
        os.truncate(registry.database, 0)
        served, said = start(registry)
        check(not served, "it is served")
        for part in ("empty", "--restore", "registry.db-witness"):
            contains(said, part)
        registry.database.with_name("registry.db-witness").unlink()
        registry.start()


@test
def a_backup_is_checked_and_an_old_one_is_taken():
    with Registry() as registry:
        client, backup = registry.client, registry.directory / "backup.db"
        client.set(KEY, "a", REG_BINARY, b"mark" * 2000)
        with open(backup, "wb") as target:
            client.call("Backup", "ha{sv}", dbus.types.UnixFd(target.fileno()), options())
        registry.stop()
        content = backup.read_bytes()
        backup.write_bytes(content.replace(b"markmark", b"markMark", 1))
        done = registry.run(program("regd/regd"), f"--database={registry.database}", f"--restore={backup}")
        equal(done.returncode, 1)
        contains(done.stderr.decode(), "checksum")
        backup.write_bytes(content)
        unseal(backup)
        done = registry.run(program("regd/regd"), f"--database={registry.database}", f"--restore={backup}")
        equal(done.returncode, 0, done.stderr.decode())
        registry.start()
        equal(registry.connect().get(KEY, "a")[2], b"mark" * 2000)
        sound, said = check_file(registry.database)
        check(sound, said)


# ---- databases of before ----

LIBRARY = BUILD / "tests" / "fault" / "libfailing-disk.so"


def start_until_call(registry, shared, call, reason):
    """A start whose `call`th write or flush fails, or kills it (0): whether it made fewer calls."""
    shared[:8] = struct.pack("=ii", call, reason)
    with contextlib.suppress(Failure):
        registry.start()
    with contextlib.suppress(ProcessLookupError):
        registry.kill()
    return struct.unpack_from("=i", shared)[0] > 0


@rows([("killed", 0), ("EIO", errno.EIO), ("ENOSPC", errno.ENOSPC)])
def a_database_of_before_is_copied_whole_or_not_at_all(reason):
    if is_sanitised():
        raise Skip("a sanitised regd takes no preloaded library before its own")
    registry = Registry()
    control = registry.directory / "failing-disk"
    control.write_bytes(bytes(64))
    with open(control, "r+b") as file:
        shared = mmap.mmap(file.fileno(), 64)
    registry.environment = {"LD_PRELOAD": str(LIBRARY), "FAILING_DISK": str(control)}
    with registry:
        registry.client.set(KEY, "a", REG_BINARY, b"mark" * 2000)
        registry.stop()
        unseal(registry.database)
        old = registry.database.read_bytes()
        for call in itertools.count(1, amount(23, 1)):
            for path in registry.database.parent.iterdir():
                path.unlink()
            registry.database.write_bytes(old)
            done = start_until_call(registry, shared, call, reason)
            shared[:8] = bytes(8)
            registry.start()
            client = registry.connect()
            equal(client.get(KEY, "a")[2], b"mark" * 2000)
            client.connection.close()
            registry.stop()
            sound, said = check_file(registry.database)
            check(sound, f"call {call}: {said}")
            equal([name for name in os.listdir(registry.database.parent) if "upgrade" in name], [], f"call {call}")
            if done:
                break
        check(call > 23, "nothing was made to fail")


main()
