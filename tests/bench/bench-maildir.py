# SPDX-License-Identifier: MIT
"""The first login to a large Maildir, and the next one, of mailauthd beside a Dovecot, each in a copy of
its own that no server has seen. Prints seconds until PASS, STAT, LIST and UIDL are answered, and ratios
(wanted: the first login at most 2). Not a test: run it by hand, as
PYTHONPATH=tests REGD_BUILD_ROOT=build /usr/bin/python3 tests/bench/bench-maildir.py [--messages=100000] [--rounds=3]

The files are named with their sizes, as Dovecot's delivery names them, and without, as Postfix's does: then
each has to be read."""

import argparse
import os
import shutil
import socket
import statistics
import time
from pathlib import Path

from harness.hashes import crypt
from harness.mail import ACCOUNTS, MailServer
from harness.registry import REG_SZ, Registry
from peer import MODES, Dovecot

PASSWORD = "correct horse"
CHEAP = crypt(PASSWORD, "$5$rounds=1000$" + "benchmarksalt")
COMMANDS = ["PASS", "STAT", "LIST", "UIDL"]


def make_mailbox(server, name, messages, has_sizes):
    server.add_mailbox(name)
    folder = Path(server.maildir(name)) / "cur"
    for number in range(messages):
        text = f"From: a@example.org\nSubject: {number}\n\n" + "hello\n" * (number % 50)
        lines = text.count("\n")
        sizes = f",S={len(text)},W={len(text) + lines}" if has_sizes else ""
        (folder / f"{1700000000 + number}.M{number}P1.host{sizes}:2,S").write_text(text, encoding="ascii")


def give(server, name):
    os.system(f"chown -R {server.owner}:{server.owner} '{server.maildir(name)}'")


def read_answer(stream, is_list):
    line = stream.readline()
    if not line.startswith(b"+OK"):
        raise SystemExit(f"{line!r}")
    count = 0
    while is_list and stream.readline() != b".\r\n":
        count += 1
    return count


def log_in(port, user, messages):
    """Seconds from the connection to the end of each answer."""
    begin, times = time.monotonic(), []
    with socket.create_connection(("127.0.0.1", port), 600) as client:
        stream = client.makefile("rwb", buffering=0)
        reader = client.makefile("rb")
        read_answer(reader, False)
        stream.write(f"USER {user}\r\n".encode())
        read_answer(reader, False)
        for command in COMMANDS:
            stream.write((f"PASS {PASSWORD}" if command == "PASS" else command).encode() + b"\r\n")
            count = read_answer(reader, command in ("LIST", "UIDL"))
            if command in ("LIST", "UIDL") and count != messages:
                raise SystemExit(f"{command}: {count} messages")
            times.append(time.monotonic() - begin)
        stream.write(b"QUIT\r\n")
        read_answer(reader, False)
    return times


def show(name, rows):
    medians = [statistics.median(column) for column in zip(*rows)]
    print(f"  {name:22}" + "  ".join(f"{command} {seconds:.3f} s" for command, seconds in zip(COMMANDS, medians)),
          flush=True)
    return medians


def measure(server, dovecot, options, has_sizes):
    print(f"{options.messages} messages, names {'with' if has_sizes else 'without'} sizes", flush=True)
    found = {(who, when): [] for who in ("mailauthd", "Dovecot") for when in ("first", "next")}
    for number in range(options.rounds):
        # Whoever is first has the folder cold: they take turns.
        for who in (("mailauthd", "Dovecot"), ("Dovecot", "mailauthd"))[number % 2]:
            user = "user0" if who == "mailauthd" else "user1"
            shutil.rmtree(server.maildir(user), ignore_errors=True)
            make_mailbox(server, user, options.messages, has_sizes)
            give(server, user)
            port = server.pop3_port if who == "mailauthd" else dovecot.port
            for when in ("first", "next"):
                found[who, when].append(log_in(port, user, options.messages))
    for when in ("first", "next"):
        ours, theirs = (show(f"{who}, {when}", found[who, when]) for who in ("mailauthd", "Dovecot"))
        wanted = " (wanted: at most 2)" if when == "first" else ""
        print(f"  {when} login: {ours[-1] / theirs[-1]:.2f} of Dovecot's time{wanted}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with Registry() as registry, MailServer(registry, as_root=os.geteuid() == 0) as server:
        directory = Path(registry.directory)
        accounts = directory / "accounts"
        accounts.write_text("".join(f"user{user}:{{PLAIN}}{PASSWORD}:::::\n" for user in range(2)))
        for user in range(2):
            registry.client.set(f"{ACCOUNTS}\\user{user}", "Password", REG_SZ, CHEAP)
        certificate, key = directory / "certificate", directory / "key"
        os.system(f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost"
                  f" -keyout '{key}' -out '{certificate}' 2>/dev/null")
        with Dovecot(directory / "dovecot", accounts, server.mail, server.owner, (certificate, key),
                     MODES["re-used"]) as dovecot:
            for has_sizes in (True, False):
                measure(server, dovecot, options, has_sizes)


if __name__ == "__main__":
    main()
