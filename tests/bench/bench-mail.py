# SPDX-License-Identifier: MIT
"""Logins a second and memory of mailauthd beside a Dovecot in the same run, over the
same accounts, Maildirs and certificate, in rounds that alternate. Prints rates, the
processor time of each login over all processes of a server (for mailauthd regd and the
bus are counted too), and ratios of medians. Not a test: run it by hand, as
PYTHONPATH=tests REGD_BUILD_ROOT=build /usr/bin/python3 tests/bench/bench-mail.py [hashes] [cheap] [many] [tls] [idle] [sql]

--rounds=N, --seconds=N: of each measurement; --mail=N: messages in each mailbox. What mailboxes' processes have
used that have ended is counted where control groups may be made, as by root, and else left out: it tells with many
users in turn."""

import argparse
import atexit
import os
import statistics
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path

from harness import sql
from harness.hashes import crypt
from harness.mail import ACCOUNTS, NAME, PARAMETERS, POP3, STORE, MailServer, children_of, read_process
from harness.process import Process, program
from harness.registry import REG_DWORD, REG_MULTI_SZ, REG_SZ, Registry
from peer import MODES, Dovecot
from table import Row, compared

CLIENTS = 50
MANY_USERS = 1000
PASSWORD = "correct horse"
SHA512 = crypt(PASSWORD, "$6$" + "benchmarksalt")
CHEAP = crypt(PASSWORD, "$5$rounds=1000$" + "benchmarksalt")
TICK = os.sysconf("SC_CLK_TCK")


def tree(pid):
    """A process and all below it."""
    return [pid] + [each for child in children_of(pid) for each in tree(child)]


def processor_seconds(pids):
    """What these processes, all below them and those that have ended there have used."""
    total = 0
    for pid in [each for root in pids for each in tree(root)]:
        fields = read_process(pid, "stat").rsplit(")", 1)[-1].split()
        total += sum(int(field) for field in fields[11:15])
    return total / TICK


class Group:
    """A control group of a server's processes (cgroups(7), version 2), which counts those that have ended, too."""

    number = 0

    def __init__(self):
        self.path = None
        mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
        for _, where, kind, *_ in mounts:
            if kind == "cgroup2" and os.access(where, os.W_OK):
                Group.number += 1
                self.path = Path(where) / f"bench-mail-{os.getpid()}-{Group.number}"
                self.path.mkdir()
                atexit.register(self.remove)
                return

    def remove(self):
        with suppress(OSError):  # a process that has yet to end keeps it
            self.path.rmdir()

    def take(self, pids):
        procs = self.path / "cgroup.procs"
        there = set(procs.read_text().split())
        for pid in {str(each) for root in pids for each in tree(root)} - there:
            with suppress(ProcessLookupError):
                procs.write_text(pid)

    def processor_seconds(self, pids):
        if self.path is None:
            return processor_seconds(pids)
        self.take(pids)
        facts = dict(line.split() for line in (self.path / "cpu.stat").read_text().splitlines())
        return int(facts["usage_usec"]) / 1e6


def private_bytes(pids):
    """Memory that would be free without them: proportional set sizes, summed."""
    total = 0
    for pid in [each for root in pids for each in tree(root)]:
        for line in read_process(pid, "smaps_rollup").splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


class DeployedServer(MailServer):
    """mailauthd as on a system bus, where events are sent once, and the bus has the
    policy of who receives them."""

    def start(self):
        self.process = Process(self.directory, "mailauthd", [self.program, "--bus=system"],
                               {"DBUS_SYSTEM_BUS_ADDRESS": self.system_bus()}, self.uid)
        self.registry.bus.wait_for_name(NAME, self.process)
        self.wait_until_ready()

    def system_bus(self):
        """The bus by the name that the machine's own has: of others it is not believed that they have the policy."""
        socket = self.directory / "run/dbus/system_bus_socket"
        if not socket.is_symlink():
            socket.parent.mkdir(mode=0o755, parents=True)
            socket.symlink_to(self.registry.bus.address.removeprefix("unix:path="))
        return f"unix:path={socket}"


class Measured:
    """Rounds of one server: its name, its port and its processes."""

    def __init__(self, name, port, pids, tls="plain", users=CLIENTS):
        self.name, self.port, self.pids, self.tls, self.users = name, port, pids, tls, users
        self.rates, self.costs, self.medians, self.slowest, self.client_costs = [], [], [], [], []
        self.resumed = 0
        self.group = Group()

    def measure(self, seconds):
        before = self.group.processor_seconds(self.pids)
        line = subprocess.run([program("tests/bench/logins"), "load", str(self.port), self.tls, str(CLIENTS),
                               str(seconds), str(self.users), PASSWORD], check=True, capture_output=True, text=True).stdout
        cost = self.group.processor_seconds(self.pids) - before
        logins, took, failures, median, slowest, own, resumed = line.split()
        logins, failures, self.resumed = int(logins), int(failures), int(resumed)
        if failures or not logins:
            raise SystemExit(f"{self.name}: {failures} logins failed, {logins} did not")
        self.rates.append(logins / float(took))
        self.costs.append(cost / logins * 1e6)
        self.client_costs.append(int(own) / logins)
        self.medians.append(int(median))
        self.slowest.append(int(slowest))

    @property
    def rate(self):
        return statistics.median(self.rates)

    @property
    def client_cost(self):
        return statistics.median(self.client_costs)

    @property
    def cost(self):
        return statistics.median(self.costs)

    def print(self):
        print(f"  {self.name:34} {self.rate:8.0f} logins/s   {self.cost:6.0f} us processor time a login"
              f" (client {self.client_cost:4.0f})   p50 {statistics.median(self.medians) / 1000:7.1f} ms"
              f"   p99 {statistics.median(self.slowest) / 1000:7.1f} ms", flush=True)


def alternate(contenders, options, between=None):
    """Rounds of each in turn; a first round is for warming up, and forgotten."""
    for number in range(options.rounds + 1):
        for each in contenders:
            each.measure(options.seconds)
        if between and number:
            between()
        if not number:
            for each in contenders:
                each.rates, each.costs, each.medians, each.slowest, each.client_costs = [], [], [], [], []
    for each in contenders:
        each.print()


def compare(ours, theirs, wanted=None, what=""):
    """Tells how they stand to each other: a row of the table."""
    with_clients = (theirs.cost + theirs.client_cost) / (ours.cost + ours.client_cost)
    text = (f"  ratio to {theirs.name}: rate {ours.rate / theirs.rate:.2f}, processor time"
            f" {theirs.cost / ours.cost:.2f} times less, {with_clients:.2f} with the clients'")
    print(text + (f" (wanted: rate {wanted})" if wanted else ""), flush=True)
    return compared(what, ours.rates, theirs.name, theirs.rates, wanted)


class Bench:
    """The accounts, the mail and the two servers."""

    def __init__(self, registry, server, options):
        self.registry, self.server, self.options = registry, server, options
        self.directory = Path(registry.directory)
        self.pids = [server.process.pid, registry.process.pid, registry.bus.daemon.pid]
        self.keys = self.make_keys()
        self.number = self.users = 0
        self.add_users(CLIENTS)

    def add_users(self, users):
        for user in range(self.users, users):
            self.server.add_mailbox(f"user{user}")
            for message in range(self.options.mail):
                self.server.deliver(f"user{user}", f"Subject: {message}\n\nhello\n")
        self.server.give(self.server.mail)
        self.users = users

    def make_keys(self):
        """ECDSA, P-256: what a certificate authority gives out today."""
        certificate, key = self.directory / "certificate", self.directory / "key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "1", "-subj", "/CN=localhost", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True)
        return certificate, key

    def set_tls(self):
        client = self.registry.client
        client.set(PARAMETERS, "Private Key", REG_SZ, str(self.keys[1]))
        client.set(PARAMETERS, "Certificate", REG_SZ, str(self.keys[0]))
        client.set(POP3, "Listen TLS", REG_MULTI_SZ, [f"127.0.0.1:{self.server.pop3s_port}"])
        self.server.wait_until_ready()

    def set_accounts(self, scheme):
        for user in range(self.users):
            self.registry.client.set(f"{ACCOUNTS}\\user{user}", "Password", REG_SZ, scheme)

    def dovecot(self, mode, scheme):
        self.number += 1
        accounts = self.directory / f"accounts-{self.number}"
        accounts.write_text("".join(f"user{user}:{scheme}:::::\n" for user in range(self.users)))
        return Dovecot(self.directory / f"dovecot-{self.number}", accounts, self.server.mail, self.server.owner,
                       self.keys, MODES[mode])

    def ours(self, name, tls="plain"):
        port = self.server.pop3_port if tls == "plain" else self.server.pop3s_port
        return Measured(name, port, self.pids, tls)


def theirs(name, dovecot, tls="plain"):
    return Measured(name, dovecot.port if tls == "plain" else dovecot.tls_port, [dovecot.process.pid], tls)


def hash_alone(seconds):
    """What the processors can hash: (hashes a second, processor time of each in us)."""
    line = subprocess.run([program("tests/bench/hashes"), PASSWORD, SHA512, str(seconds)], check=True,
                          capture_output=True, text=True).stdout
    made, took, used = line.split()
    return int(made) / float(took), int(used) / int(made)


def bench_hashes(bench):
    print(f"SHA512-CRYPT, {CLIENTS} clients", flush=True)
    bench.set_accounts(SHA512)
    scheme = "{SHA512-CRYPT}" + SHA512
    alone = []
    with bench.dovecot("re-used", scheme) as plain, bench.dovecot("re-used, cache, workers", scheme) as workers:
        ours, single, many = (bench.ours("mailauthd"), theirs("Dovecot, re-used", plain),
                              theirs("Dovecot, re-used, auth workers", workers))
        alternate([ours, single, many], bench.options, lambda: alone.append(hash_alone(bench.options.seconds)))
    rate, cost = (statistics.median(column) for column in zip(*alone))
    print(f"  bare crypt() on {os.cpu_count()} processors: {rate:.0f}/s, {cost:.0f} us each;"
          f" mailauthd {100 * ours.rate / rate:.0f} % of that rate (wanted: 85 %)")
    yield Row("POP3 logins, SHA512-CRYPT, of what the cores can hash", ours.rate, "/s", "bare crypt()", rate, ours.rate / rate, 0.85)
    for each in (ours, single, many):
        print(f"  of the processor time of {each.name} and its clients {100 * cost / (each.cost + each.client_cost):.0f} %"
              f" were hashing; without the clients' {100 * cost / each.cost:.0f} %")
    rows = [compare(ours, peer, 2, "POP3 logins, SHA512-CRYPT, of Dovecot's best") for peer in (single, many)]
    yield min(rows, key=lambda row: row.ratio)


def bench_cheap(bench):
    print(f"Cheap passwords, {CLIENTS} clients", flush=True)
    with bench.dovecot("re-used", "{PLAIN}" + PASSWORD) as plain:
        bench.set_accounts(CHEAP)
        hashed, single = bench.ours("mailauthd, $5$rounds=1000"), theirs("Dovecot, re-used, PLAIN", plain)
        alternate([hashed, single], bench.options)
        yield compare(hashed, single, 2, "POP3 logins, a cheap hash")
        with verified(bench):
            known, single = bench.ours("mailauthd, Verified Seconds"), theirs("Dovecot, re-used, PLAIN", plain)
            alternate([known, single], bench.options)
            yield compare(known, single, 3, "POP3 logins, Verified Seconds")


def bench_many(bench):
    """Each login is another user's than the last ones': nothing is at hand for him."""
    print(f"Cheap passwords, {CLIENTS} clients, {MANY_USERS} users in turn", flush=True)
    bench.add_users(MANY_USERS)
    with bench.dovecot("re-used", "{PLAIN}" + PASSWORD) as plain, verified(bench):
        ours, single = bench.ours("mailauthd, Verified Seconds"), theirs("Dovecot, re-used, PLAIN", plain)
        ours.users = single.users = MANY_USERS
        alternate([ours, single], bench.options)
        yield compare(ours, single, what=f"POP3 logins, {MANY_USERS:,} users in turn")


class verified:
    """Logins with passwords that were right a moment ago, of accounts with good hashes."""

    def __init__(self, bench):
        self.bench = bench

    def __enter__(self):
        self.bench.set_accounts(SHA512)
        self.bench.registry.client.set(PARAMETERS, "Verified Seconds", REG_DWORD, 3600)

    def __exit__(self, *_):
        self.bench.registry.client.set(PARAMETERS, "Verified Seconds", REG_DWORD, 0)


def bench_tls(bench):
    bench.set_tls()
    for tls, title, wanted in (("tls", "full handshakes", 1.6), ("resume", "resumed", 1.8)):
        print(f"TLS, {title}, {CLIENTS} clients", flush=True)
        with bench.dovecot("re-used", "{PLAIN}" + PASSWORD) as plain, verified(bench):
            ours, single = bench.ours("mailauthd, Verified Seconds", tls), theirs("Dovecot, re-used, PLAIN", plain, tls)
            alternate([ours, single], bench.options)
            print(f"  resumed in the last round: mailauthd {ours.resumed}, Dovecot {single.resumed}")
            yield compare(ours, single, wanted, f"POP3 logins, TLS, {title}")


def warm_up(port, tls):
    """One login each after the other, so that all parts are there; more would leave room that is used again."""
    subprocess.run([program("tests/bench/logins"), "load", str(port), tls, "1", "1", "1", PASSWORD], check=True,
                   capture_output=True)


def idle(name, pids, port, tls, number, logins=20):
    """So many connections before login: what each costs, and how long a login beside them takes."""
    before = private_bytes(pids)
    clients = subprocess.Popen([program("tests/bench/logins"), "idle", str(port), tls, str(number), PASSWORD],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    standing, failed = clients.stdout.readline().split()
    each = (private_bytes(pids) - before) / number
    times = []
    for _ in range(logins):
        print("login", file=clients.stdin, flush=True)
        times.append(int(clients.stdout.readline()) / 1000)
    clients.stdin.close()
    left = clients.stdout.read().strip()
    clients.wait()
    print(f"  {name:20} {number:6} idle, {tls:5}: {each / 1000:7.2f} kB each; a login among them:"
          f" median {statistics.median(times):.1f} ms, worst {max(times):.1f} ms"
          f" ({standing} stood, {failed} failed, {left} stood at the end)", flush=True)
    return each, statistics.median(times)


def bench_idle(bench):
    client = bench.registry.client
    print("Idle connections before login: memory (PSS) of all processes", flush=True)
    bench.set_tls()
    bench.set_accounts(CHEAP)
    client.set(POP3, "Max Connections", REG_DWORD, 11000)
    client.set(POP3, "Login Timeout", REG_DWORD, 3600)
    for tls, wanted in (("plain", 0.4), ("tls", 15)):
        for number in (1000, 10000):
            bench.server.stop()  # afresh: what was used before is no growth
            bench.server.start()
            bench.pids[0] = bench.server.process.pid
            ours = bench.ours("mailauthd", tls)
            warm_up(ours.port, tls)
            size, took = idle("mailauthd", bench.pids, ours.port, tls, number)
            with bench.dovecot("re-used", "{PLAIN}" + PASSWORD) as plain:
                peer = theirs("Dovecot, re-used", plain, tls)
                warm_up(peer.port, tls)
                their_size, their_time = idle("Dovecot, re-used", peer.pids, peer.port, tls, number)
        yield Row(f"idle before login, {tls}, each of {number:,}", size / 1000, "kB", f"Dovecot: {their_size / 1000:.3g} kB",
                  wanted=wanted, at_most=True)
        yield Row(f"a login among {number:,} idle, {tls}", took, "ms", f"Dovecot: {their_time:.3g} ms", wanted=5, at_most=True)


PASSDB = """
passdb {{
  driver = sql
  args = {file}
}}
"""
DRIVERS = {"postgresql": "pgsql", "mysql": "mysql"}


def dovecot_with(bench, database, query):
    """One that asks the same table: its passwd-file has nobody."""
    file = bench.directory / f"dovecot-{database.kind}.conf"
    file.write_text(f"driver = {DRIVERS[database.kind]}\nconnect = host=127.0.0.1 port={database.port} dbname={sql.DATABASE} "
                    f"user={sql.USER} password={sql.PASSWORD}\ndefault_pass_scheme = CRYPT\npassword_query = {query}\n")
    words, settings = MODES["re-used"]
    bench.number += 1
    nobody = bench.directory / "nobody"
    nobody.write_text("")
    return Dovecot(bench.directory / f"dovecot-{bench.number}", nobody, bench.server.mail, bench.server.owner, bench.keys,
                   (words, settings + PASSDB.format(file=file)))


def bench_sql(bench):
    """The same table with the same hashes, by each kind of database."""
    client = bench.registry.client
    sql.PASSWORD = sql.DATABASE = "bench"  # Dovecot's words for MySQL take no quotes
    for started in (sql.postgresql, sql.mariadb):
        database = started()
        print(f"A table of {database.kind}, cheap passwords, {CLIENTS} clients", flush=True)
        database.table({})
        for user in range(bench.users):
            database.add(f"user{user}", CHEAP)
        database.become_broker(bench.server, "3")
        client.set(STORE, "MBS Broker", REG_SZ, "3")
        client.set(STORE, "MBS Package", REG_SZ, "MBS_BASIC")
        with dovecot_with(bench, database, "SELECT password FROM users WHERE name = '%u'") as dovecot:
            ours, single = bench.ours("mailauthd"), theirs("Dovecot, re-used, passdb sql", dovecot)
            alternate([ours, single], bench.options)
            yield compare(ours, single, 1, f"POP3 logins by {database.kind}")
        client.set(STORE, "MBS Package", REG_SZ, "")


BENCHES = {"hashes": bench_hashes, "cheap": bench_cheap, "many": bench_many, "tls": bench_tls, "idle": bench_idle,
           "sql": bench_sql}


@contextmanager
def started(options):
    """A Bench whose server serves."""
    with Registry() as registry, DeployedServer(registry, as_root=os.geteuid() == 0) as server:
        yield Bench(registry, server, options)


def read_arguments(words=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("benches", nargs="*")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--mail", type=int, default=10)
    return parser.parse_args(words)


def main():
    options = read_arguments()
    with started(options) as bench:
        for name in options.benches or BENCHES:
            for _ in BENCHES[name](bench):
                continue


if __name__ == "__main__":
    main()
