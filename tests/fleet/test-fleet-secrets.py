# SPDX-License-Identifier: MIT
"""Secret values of a fleet, on a real etcd: what stands there, who opens it, and hosts that can't."""

import itertools
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dbus

from cluster import MOUNT, text, value_of, value_record
from harness.bus import ALICE, needs_root, wait_until
from harness.case import check, contains, equal, main, test
from harness.etcd import Etcd
from harness.fleet import SETTINGS, FleetHost
from harness.hung import hung
from harness.registry import REG_BINARY, REG_DWORD, REG_SZ, Refused, options

KEY, OTHER = MOUNT + "\\Acme", MOUNT + "\\Other"
SECRET = "correct horse"
SCHEMA = r"""[key HKLM\SOFTWARE\Policies\Acme]
summary = For tests
[value Password]
type = REG_SZ
secret
summary = One that is secret
[value Token]
type = REG_BINARY
secret
summary = One of bytes
[value Second]
type = REG_SZ
secret
summary = Another
[value Port]
type = REG_SZ
summary = One that is not
"""
STACK = ExitStack()
NUMBERS = itertools.count(1)
FOLDER = Path(STACK.enter_context(tempfile.TemporaryDirectory(prefix="regd-secrets-")))
ETCD = []


def etcd():
    """One for all tests; each has a fleet of its own there."""
    if not ETCD:
        ETCD.append(STACK.enter_context(Etcd()))
    return ETCD[0]


def schemas(content=SCHEMA):
    folder = FOLDER / f"schemas{next(NUMBERS)}"
    folder.mkdir()
    (folder / "acme.schema").write_text(content)
    return [folder]


def key_file(*keys, name=None):
    """A file of keys; each is a digit that fills it."""
    path = FOLDER / (name or f"keys{next(NUMBERS)}")
    path.write_text("".join(f"{key * 64}\n" for key in keys))
    path.chmod(0o600)
    return str(path)


@contextmanager
def hosts(*files, fleet=None, **given):
    """Hosts of a new fleet, each with this Key File (None: without)."""
    fleet = fleet or f"fleet{next(NUMBERS)}"
    with ExitStack() as stack:
        members = [stack.enter_context(FleetHost(etcd(), f"host{place}", fleet, schemas=given.get("schemas") or schemas(),
                                                 settings=[*([("Key File", REG_SZ, file)] if file else []),
                                                           ("Transaction Operations", REG_DWORD, given.get("parts_of", 100))]))
                   for place, file in enumerate(files)]
        for place, member in enumerate(members):
            member.fleet("Join" if place else "Init")
        yield members


def in_etcd(host):
    """All bytes of the fleet in etcd: keys and records."""
    return b"\0".join(key + b"\0" + record for key, record in host.etcd.keys(f"/regd/1/{host.fleet_name}/").items())


def record(host, name):
    return host.etcd.keys(where(host, name))[where(host, name).encode()]


def where(host, name, key=KEY):
    return f"/regd/1/{host.fleet_name}/t/all/" + value_of(key, name).decode()


def problems(host):
    return [(row[0], row[1]) for row in host.fleet("ListProblems")]


def has_problem(host, reason):
    wait_until(lambda: any(reason in why for _, why in problems(host)), f"a problem: {reason}: {problems(host)}")


@test
def a_secret_is_sealed_in_etcd_and_open_on_the_hosts():
    with hosts(key_file("a"), key_file("a")) as (one, two):
        one.put(KEY, "Password", SECRET)
        one.put(KEY, "Port", "25 in the clear")
        two.has(KEY, "Password", SECRET)
        stored = in_etcd(one)
        for spelled in (SECRET.encode(), text(SECRET), SECRET.encode("utf-16-be")):
            check(spelled not in stored, "the secret does not stand in etcd")
        check(text("25 in the clear") in stored, "what is no secret does")
        two.client.set(KEY, "Token", REG_BINARY, b"\0\1\2secret bytes")
        one.has(KEY, "Token", b"\0\1\2secret bytes")
        check(b"secret bytes" not in in_etcd(one), "nor do bytes")
        for host in (one, two):
            for process in (host.process, host.agent):
                check(SECRET not in process.output(), "no log tells it")
                check(SECRET.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes(), "nor does a list of processes")
            equal(problems(host), [])


@test
def history_keeps_it_as_a_secret_on_both_hosts():
    needs_root()
    with hosts(key_file("a"), key_file("a")) as (one, two):
        one.put(KEY, "Password", SECRET)
        one.put(KEY, "Password", "the next")
        two.has(KEY, "Password", "the next")
        for host in (one, two):
            host.client.set_acl(SETTINGS, ("everyone", "none"))
            alice = host.connect(uid=ALICE)
            alice.refused("AccessDenied", "GetValue", "ss", KEY, "Password")
            told = repr(alice.call("GetHistory", "sa{sv}", KEY, options()))
            check(SECRET not in told and "the next" not in told, "a reader of the key is told no secret by its history")
            contains(repr(host.client.call("GetHistory", "sa{sv}", KEY, options())), SECRET)


@test
def without_a_key_file_no_secret_leaves_the_host():
    with hosts(None) as (one,):
        contains(one.refuses("AccessDenied", KEY, "Password", SECRET), "Key File")
        check(SECRET not in one.refuses("AccessDenied", KEY, "Password", SECRET), "the refusal does not tell it")
        one.put(KEY, "Port", "25")
        for words, reason in ((["x" * 64], "line 1"), (["ab" * 31], "line 1"), ([], "holds no key")):
            path = FOLDER / "bad"
            path.write_text("".join(f"{word}\n" for word in words))
            path.chmod(0o600)
            one.client.set(SETTINGS, "Key File", REG_SZ, str(path))
            contains(one.refuses("AccessDenied", KEY, "Password", SECRET), reason)
        path.write_text("ab" * 32)
        path.chmod(0o644)
        contains(one.refuses("AccessDenied", KEY, "Password", SECRET), "everybody may read")
        one.client.set(SETTINGS, "Key File", REG_SZ, "/nonexistent")
        contains(one.refuses("AccessDenied", KEY, "Password", SECRET), "No such file")
        equal(one.look(KEY, "Password"), None)
        path.chmod(0o640)
        one.client.set(SETTINGS, "Key File", REG_SZ, str(path))
        one.put(KEY, "Password", SECRET)


@test
def a_key_file_that_hangs_holds_nobody_up():
    folder = FOLDER / "hung"
    folder.mkdir()
    with hosts(key_file("a"), key_file("a")) as (one, two), hung(folder):
        one.client.set(SETTINGS, "Key File", REG_SZ, str(folder / "keys"))
        contains(one.refuses("AccessDenied", KEY, "Password", SECRET), "gives no answer")
        began = time.monotonic()
        for _ in range(10):
            one.refuses("AccessDenied", KEY, "Password", SECRET)
        check(time.monotonic() - began < 5, "only the first waits for it")
        one.put(KEY, "Port", "25")
        two.put(KEY, "Password", SECRET)
        has_problem(one, "gives no answer")
        one.client.set(SETTINGS, "Key File", REG_SZ, key_file("a"))
        one.fleet("Resync")
        equal((one.look(KEY, "Password"), problems(one)), (SECRET, []))


@test
def a_host_that_can_not_open_it_says_so_and_keeps_what_it_had():
    with hosts(key_file("a"), key_file("a"), None) as (one, two, bare):
        one.put(KEY, "Password", SECRET)
        one.put(KEY, "Port", "25")
        bare.has(KEY, "Port", "25")
        equal(bare.look(KEY, "Password"), None)
        equal([(name, "Key File" in why) for name, why in problems(bare)], [("v/" + where(bare, "Password").partition("/v/")[2], True)])
        two.has(KEY, "Password", SECRET)
        two.client.set(SETTINGS, "Key File", REG_SZ, key_file("b"))
        one.put(KEY, "Password", "the next")
        has_problem(two, "does not hold")
        equal(two.look(KEY, "Password"), SECRET)
        for host in (two, bare):
            host.client.set(SETTINGS, "Key File", REG_SZ, key_file("b", "a"))
            host.fleet("Resync")
            equal((host.look(KEY, "Password"), problems(host)), ("the next", []))


@test
def a_host_without_the_schema_takes_no_secret():
    with hosts(key_file("a"), schemas=schemas()) as (one,):
        one.put(KEY, "Password", SECRET)
        with FleetHost(etcd(), "plain", one.fleet_name, schemas=schemas(""),
                       settings=[("Key File", REG_SZ, key_file("a"))]) as plain:
            plain.fleet("Join")
            has_problem(plain, "no schema of this host")
            equal(plain.look(KEY, "Password"), None)
            plain.put(KEY, "Second", "for all to read")
            one.has(KEY, "Second", "for all to read")
            has_problem(one, "for all to read")
            contains(one.fleet("Reseal"), "sealed 2 values")
            wait_until(lambda: problems(one) == [], "it to be sealed")
            check(text("for all to read") not in in_etcd(one), "it is sealed")


@test
def what_is_moved_or_changed_in_etcd_is_poison():
    with hosts(key_file("a"), key_file("a")) as (one, two):
        one.put(KEY, "Password", SECRET)
        one.put(KEY, "Second", "another")
        two.has(KEY, "Second", "another")
        moved = record(one, "Password").replace(b"Password", b"Second", 1)
        moved = b"\x0a\x06Second" + moved[moved.index(b"Second") + 6:]
        etcd().ctl("put", where(one, "Second"), data=moved)
        has_problem(two, "not sealed for this place")
        has_problem(one, "not sealed for this place")
        equal((one.look(KEY, "Second"), two.look(KEY, "Second")), ("another", "another"))
        good = record(one, "Password")
        etcd().ctl("put", where(one, "Password"), data=good[:-6] + bytes([good[-6] ^ 1]) + good[-5:])
        wait_until(lambda: len(problems(two)) == 2, f"the second to be listed: {problems(two)}")
        equal(two.look(KEY, "Password"), SECRET)
        one.put(KEY, "Second", "set anew")
        two.has(KEY, "Second", "set anew")
        equal(len(problems(two)), 1)
        one.client.unset(KEY, "Password")
        two.has(KEY, "Password", None)
        equal((problems(one), problems(two)), ([], []))


@test
def keys_are_exchanged_without_a_gap():
    with hosts(key_file("a"), key_file("a")) as (one, two):
        one.put(KEY, "Password", SECRET)
        one.put(KEY, "Second", "another")
        two.has(KEY, "Second", "another")
        before = [record(one, name) for name in ("Password", "Second")]
        for keys in ("ab", "ba"):
            for host in (one, two):
                host.client.set(SETTINGS, "Key File", REG_SZ, key_file(*keys))
        equal(one.fleet("Reseal"), "sealed 2 values anew")
        for name, old in zip(("Password", "Second"), before):
            check(record(one, name) != old, "it is sealed anew")
        for host in (one, two):
            host.client.set(SETTINGS, "Key File", REG_SZ, key_file("b"))
            host.fleet("Resync")
            equal((host.look(KEY, "Password"), problems(host)), (SECRET, []))
        newest = one.client.call("GetHistory", "sa{sv}", KEY, options())[0]
        contains(repr(newest), "fleet reseal")


@test
def a_fleet_begins_with_secrets_that_are_there():
    with FleetHost(etcd(), "one", f"fleet{next(NUMBERS)}", schemas=schemas()) as one:
        one.put(KEY, "Password", SECRET)
        try:
            one.fleet("Init", from_local=True)
        except Refused as refusal:
            contains(refusal.text, "Key File")
        one.client.set(SETTINGS, "Key File", REG_SZ, key_file("a"))
        one.fleet("Init", from_local=True)
        check(text(SECRET) not in in_etcd(one), "it is sealed from the first commit on")
        one.fleet("Resync")
        equal((one.look(KEY, "Password"), problems(one)), (SECRET, []))


@test
def a_secret_is_not_carried_to_where_it_is_none():
    with hosts(key_file("a"), key_file("a")) as (one, two):
        one.put(KEY, "Password", SECRET)
        for member, arguments in (("CopyKey", (KEY, OTHER)), ("RenameKey", (KEY, "Other"))):
            refusal = one.client.refused("AccessDenied", member, "ss", *arguments)
            contains(refusal.text, "no schema")
        check(text(SECRET) not in in_etcd(one), "nothing was sent")
        equal(two.look(OTHER, "Password"), None)


@test
def in_a_large_commit_it_is_written_once():
    with hosts(key_file("a"), key_file("a"), parts_of=8) as (one, two):
        one.put(KEY, "Password", SECRET)
        many = [("set-value", OTHER, f"V{number}", REG_SZ, "x") for number in range(40)]
        one.client.commit([*many, ("set-value", KEY, "Password", REG_SZ, "tried")], confirm_within=86400)
        wait_until(lambda: not etcd().keys(f"/regd/1/{one.fleet_name}/t/all/pending"), "it to come to its places")
        two.put(KEY, "Port", "1")
        one.has(KEY, "Port", "1")
        for host in (one, two):
            equal(problems(host), [])
            equal(len(host.client.call("GetHistory", "sa{sv}", KEY, options())), 3)
        trial, = two.client.call("ListTrials", "a{sv}", options())
        two.client.call("EndTrial", "t", dbus.UInt64(trial["revision"]))
        one.has(KEY, "Password", SECRET)


@test
def a_host_that_can_not_open_it_leaves_the_undoing_to_the_others():
    with hosts(key_file("a"), None) as (one, bare):
        one.client.commit([("set-value", KEY, "Password", REG_SZ, SECRET), ("set-value", KEY, "Port", REG_SZ, "25")])
        bare.has(KEY, "Port", "25")
        one.client.commit([("set-value", KEY, "Password", REG_SZ, "tried"), ("set-value", KEY, "Port", REG_SZ, "26")],
                          confirm_within=2)
        bare.has(KEY, "Port", "26")
        one.kill()
        trial, = bare.client.call("ListTrials", "a{sv}", options())
        check(trial["deadline"] / 1e6 - time.time() > 200, "it waits until one that has it whole is back")
        one.start()
        bare.has(KEY, "Port", "25")
        one.has(KEY, "Password", SECRET)


@test
def a_trial_that_can_not_be_undone_keeps_no_other_from_it():
    with hosts(key_file("a")) as (one,):
        one.put(KEY, "Password", SECRET)
        one.put(KEY, "Port", "25")
        one.client.commit([("set-value", KEY, "Password", REG_SZ, "tried")], confirm_within=2)
        one.client.commit([("set-value", KEY, "Port", REG_SZ, "26")], confirm_within=3)
        file = one.client.get(SETTINGS, "Key File")[2]
        one.client.set(SETTINGS, "Key File", REG_SZ, "/nonexistent")
        one.has(KEY, "Port", "25")
        equal(one.look(KEY, "Password"), "tried")
        one.client.set(SETTINGS, "Key File", REG_SZ, file)
        one.has(KEY, "Password", SECRET)


@test
def a_blind_writer_learns_nothing_by_a_guess():
    needs_root()
    with hosts(key_file("a")) as (one,):
        one.put(KEY, "Password", SECRET)
        one.client.set_acl(KEY, ("everyone", "write"))
        alice = one.connect(uid=ALICE)
        alice.refused("AccessDenied", "GetValue", "ss", KEY, "Password")
        before = one.client.revision
        steps = [alice.set(KEY, "Password", REG_SZ, guess) - before for guess in ("wrong", SECRET, SECRET, SECRET)]
        equal(steps, [1, 2, 3, 4])


with STACK:
    main()
