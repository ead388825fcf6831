#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Logins by the tables of a PostgreSQL and of a MariaDB server."""

import pwd
import re
import subprocess
import time
from contextlib import contextmanager

from harness.bus import wait_until
from harness.case import check, contains, each, equal, main, rows, test
from harness.figures import amount
from harness.freeze import freeze
from harness.hashes import crypt_anew
from harness.mail import BROKERS, PARAMETERS, STORE, MailServer, hash_password, needs_role_users, read_process
from harness.process import SOURCE, program
from harness.registry import REG_DWORD, REG_MULTI_SZ, REG_SZ, Registry
from harness.slapd import Slapd, ssha
from harness.sql import PASSWORD, QUERY, mariadb, postgresql
from harness.talk import Mail

WRONG, TEMPORARY, RIGHT, UNUSABLE = "-ERR [AUTH]", "-ERR [SYS/TEMP]", "+OK", "-ERR [SYS/PERM]"
KINDS = [("postgresql", postgresql), ("mysql", mariadb)]
PEOPLE = {"ann": ("sesame", 0), "bob": ("b0b", 1), "o'neil \"x\" ; --": ("quoted", 0), "åsa ☃ 𝄞": ("utf-8", 0)}


@contextmanager
def broker(started, **settings):
    """A mail server whose broker is the database, with the people above."""
    database = started()
    database.table(PEOPLE)
    with Mail() as mail:
        database.become_broker(mail, "3", **settings)
        mail.choose("MBS_BASIC", "3")
        yield mail, database


def change(mail, name, value):
    mail.client.set(f"{BROKERS}\\3", name, REG_DWORD if isinstance(value, int) else REG_SZ, value)


def login(mail, user, password="sesame"):
    """The answer to PASS, and the event's reason."""
    answer = mail.pop3_answer(user, password)
    return answer, mail.events()[0]["reason"]


def expect(mail, user, password, answer, reason):
    found, why = login(mail, user, password)
    check(found.startswith(answer) and why == reason, f"{user!r}: {found!r}, {why}: {mail.events()[0]['description']}")


def run(mail, *command, text=""):
    return subprocess.run([program(command[0]), f"--bus={mail.registry.bus.address}", *command[1:]], input=text.encode(),
                          capture_output=True, check=False)


@rows(KINDS)
def a_row_lets_its_user_in(started):
    with broker(started) as (mail, database):
        database.add("null", None)
        for name, password_hash in {"empty": "", "locked": "!" + hash_password("sesame"), "plain": "sesame",
                                    "cut": hash_password("sesame")[:-3], "padded": hash_password("sesame") + "   "}.items():
            database.add(name, password_hash)
        each([
            ("ann", "sesame", RIGHT, "ok"), ("ANN", "sesame", RIGHT, "ok"), ("ann", "other", WRONG, "bad-password"),
            ("bob", "b0b", WRONG, "disabled"), ("nobody", "sesame", WRONG, "no-such-user"),
            ("o'neil \"x\" ; --", "quoted", RIGHT, "ok"), ("åsa ☃ 𝄞", "utf-8", RIGHT, "ok"), ("padded", "sesame", RIGHT, "ok"),
            ("null", "sesame", WRONG, "bad-password"), ("null", "", WRONG, "bad-password"), ("empty", "", WRONG, "bad-password"),
            ("locked", "sesame", WRONG, "disabled"), ("plain", "sesame", UNUSABLE, "unusable-hash"),
            ("cut", "sesame", UNUSABLE, "unusable-hash"),
            # Nobody's, whatever they would be in a text of SQL or a pattern of LIKE.
            ("%", "sesame", WRONG, "no-such-user"), ("a%", "sesame", WRONG, "no-such-user"),
            ("_nn", "sesame", WRONG, "no-such-user"), ("ann' OR '1'='1", "sesame", WRONG, "no-such-user"),
            ("ann'; DROP TABLE users; --", "x", WRONG, "no-such-user"), ("%u", "sesame", WRONG, "no-such-user"),
            ("ann/**/", "sesame", WRONG, "no-such-user"), ("$1", "x", WRONG, "no-such-user"), ("?", "x", WRONG, "no-such-user"),
            ("A" * 200, "x", WRONG, "no-such-user"), ("\\", "x", WRONG, "no-such-user"),
            ("ann", "sesame", RIGHT, "ok"),
        ], lambda *row: expect(mail, *row))
        before = len(mail.events(1000))
        with mail.pop3_talk() as client:
            client.expect("+OK")
            client.ask(f"USER {'a' * 10000}", "-ERR")
        with mail.imap_talk() as client:
            client.expect("* OK")
            check(not client.ask('a LOGIN {%d+}\r\n%s sesame' % (5, "a\0nn "), "a ").startswith("a OK"), "a NUL lets in")
        check(len(mail.events(1000)) - before <= 1, "a name that can't be was asked about")


@rows(KINDS)
def a_name_of_characters_that_the_database_does_not_have_is_nobody(started):
    with broker(started) as (mail, database):
        database.latin_table("åsa", hash_password("sesame"))
        change(mail, "Connection", database.connection(dbname="latin"))
        quote = "`" if database.kind == "mysql" else '"'
        change(mail, "Query", f"SELECT password, name AS {quote}user{quote} FROM people WHERE name = %u")
        for name, answer, reason in [("åsa", RIGHT, "ok"), ("☃", WRONG, "no-such-user"), ("åsa", RIGHT, "ok")]:
            expect(mail, name, "sesame", answer, reason)


@rows(KINDS)
def a_row_that_is_found_by_another_name_makes_no_other_account(started):
    with broker(started) as (mail, database):
        is_exact = database.kind == "postgresql"
        quote = '"' if is_exact else "`"
        database.add("josé", hash_password("sesame"))
        for name in ("ann", "Ann", "josé", "JOSÉ"):
            expect(mail, name, "sesame", RIGHT, "ok")
        for name in ("ánn", "josè"):
            expect(mail, name, "sesame", *((WRONG, "no-such-user") if is_exact else (TEMPORARY, "broker-failed")))
        for name in ("ann ", " ann", "ann @example.org"):
            expect(mail, name, "sesame", WRONG, "no-such-user")
        change(mail, "Query", f"SELECT password, name AS {quote}user{quote} FROM users WHERE name = %u")
        expect(mail, "ánn", "sesame", *((WRONG, "no-such-user") if is_exact else (RIGHT, "ok")))
        equal(mail.events()[0]["user"], "ánn" if is_exact else "ann")


HUGE = {"postgresql": "repeat('x', 100000000)", "mysql": "repeat('x', 10000000)"}
SLOW = {"postgresql": "pg_sleep", "mysql": "sleep"}


@rows(KINDS)
def an_answer_that_can_not_be_used_is_a_temporary_failure(started):
    with broker(started) as (mail, database):
        def ask(query, reason, word):
            change(mail, "Timeout", 300 if reason == "broker-unreachable" else 60000)
            change(mail, "Query", query)
            expect(mail, "ann", "sesame", TEMPORARY, reason)
            contains(mail.events()[0]["description"], word)
            check(hash_start not in mail.events()[0]["description"], "a hash is in an event")

        hash_start = "$5$rounds"
        everybody = "SELECT password FROM users WHERE name <> %u"
        each([
            (everybody, "broker-failed", "more than one row"),
            ("SELECT name, disabled FROM users WHERE name = %u", "broker-failed", "no column 'password'"),
            ("SELECT name FROM users WHERE name = %u AND 1 = 2", "broker-failed", "no column 'password'"),
            ("SELECT password, name AS password FROM users WHERE name = %u", "broker-failed", "two columns called 'password'"),
            ("SELECT password, " + ", ".join("1" for _ in range(300)) + " FROM users WHERE name = %u", "broker-failed",
             "more than 256 columns"),
            ("SELECT repeat('x', 1025) AS password FROM users WHERE name = %u", "broker-failed", "longer than 1024 bytes"),
            (f"SELECT {HUGE[database.kind]} AS password FROM users WHERE name = %u", "", ""),
            ("SELECT password, 'a\\b' AS \"user\" FROM users WHERE name = %u".replace('"', "`" if database.kind == "mysql" else '"'),
             "broker-failed", "'user'"),
            ("SELECT password FROM nowhere WHERE name = %u", "broker-failed", "nowhere"),
            ("SELECT password FROM users WHERE WHERE name = %u", "broker-failed", "syntax"),
            ("DELETE FROM users WHERE name = %u", "broker-failed", "denied"),
            # PostgreSQL quotes the value, which is a hash; MariaDB makes a number of it.
            *([("SELECT password, password::int AS n FROM users WHERE name = %u", "broker-failed", "SQLSTATE 22P02")]
              if database.kind == "postgresql" else []),
            (f"SELECT password, {SLOW[database.kind]}(3) AS z FROM users WHERE name = %u", "broker-unreachable", ""),
            ("SELECT password FROM users WHERE name = '%u'", "bad-setting", "stands in quotes"),
            ("SELECT password FROM users WHERE name = %s", "bad-setting", "none of %u, %n and %d"),
            ("SELECT password FROM users", "bad-setting", "neither %u nor %n"),
        ], lambda query, reason, word: ask(query, reason, word) if reason else check_huge(mail, query))
        change(mail, "Timeout", 60000)
        change(mail, "Query", QUERY)
        expect(mail, "ann", "sesame", RIGHT, "ok")


def check_huge(mail, query):
    """Whether it is the packet or the memory that is too much, the process is another one then."""
    change(mail, "Timeout", 60000)
    change(mail, "Query", query)
    expect(mail, "ann", "sesame", TEMPORARY, mail.events()[0]["reason"] if mail.pop3_answer("ann", "x") else "")
    check(mail.events()[0]["reason"] in ("broker-failed", "broker-unreachable"), mail.events()[0])


PERSONS = "SELECT password, account AS {0}user{0}, home AS mail_directory FROM persons WHERE %u IN (account, alias)"


@rows(KINDS)
def a_person_is_one_account_by_all_names(started):
    with broker(started) as (mail, database):
        quote = "`" if database.kind == "mysql" else '"'
        database.run("DROP TABLE IF EXISTS persons")
        database.run(f"CREATE TABLE persons (account {database.text}, alias {database.text}, password {database.text}, "
                     f"home {database.text})")
        for account, home in (("carl", "NULL"), ("dora", f"'{mail.mail}/own/%n'")):
            database.run(f"INSERT INTO persons VALUES ('{account}', '{account}@example.org', "
                         f"'{hash_password('sesame')}', {home})")
        change(mail, "Query", PERSONS.format(quote))
        mail.add_mailbox("carl")
        mail.deliver("carl", "Subject: one\r\n\r\nhello\r\n")
        for name in ("carl", "carl@example.org", "CARL@Example.Org"):
            with mail.pop3(name, "sesame") as client:
                equal(client.stat()[0], 1)
                client.quit()
            equal((mail.events()[0]["user"], mail.events()[0]["reason"]), ("carl", "ok"))
        expect(mail, "dora@example.org", "sesame", RIGHT, "ok")
        check((mail.mail / "own" / "dora" / "cur").is_dir(), "the row's own folder is not used")
        mail.client.set(STORE, "Logon Only As", REG_MULTI_SZ, ["carl"])
        expect(mail, "carl@example.org", "sesame", RIGHT, "ok")
        expect(mail, "dora@example.org", "sesame", TEMPORARY, "maintenance")
        mail.client.set(STORE, "Logon Only As", REG_MULTI_SZ, [])
        mail.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 2)
        for name in ("carl", "carl@example.org"):
            expect(mail, name, f"not {name}", WRONG, "bad-password")
        expect(mail, "carl@example.org", "sesame", WRONG, "held-back")
        equal(mail.events()[0]["user"], "carl")


@test
def the_time_limit_counts_both_questions_about_an_alias():
    with broker(postgresql, Timeout=1500) as (mail, database):
        change(mail, "Query", "SELECT password, name AS \"user\", pg_sleep(0.9) FROM users WHERE name = replace(%u, 'alias', 'ann')")
        expect(mail, "ann", "sesame", RIGHT, "ok")
        began = time.monotonic()
        expect(mail, "alias", "sesame", TEMPORARY, "broker-unreachable")
        check(time.monotonic() - began > 0.9, "the alias was not found")


@rows(KINDS)
def what_is_wrong_with_a_database_is_said(started):
    """By an event, status, --check and a test, in plain words and without the password."""
    with broker(started) as (mail, database):
        def tell(word, **words):
            password = words.pop("password", PASSWORD)
            change(mail, "Connection Password", password)
            change(mail, "Connection", database.connection(**words))
            expect(mail, "ann", "sesame", TEMPORARY, "broker-unreachable")
            tested = run(mail, "mailauth/mailauthctl/mailauthctl", "test", "ann", text="sesame\n")
            checked = run(mail, "mailauth/mailauthd", "--check")
            equal((tested.returncode, checked.returncode), (1, 1))
            told = [mail.events()[0]["description"], "\n".join(mail.status()["problems"]), tested.stdout.decode(),
                    checked.stdout.decode()]
            for text in told:
                contains(text, word)
                check(PASSWORD not in text and "wr0ng" not in text, "the password is told")

        each([("denied" if database.kind == "mysql" else "authentication failed", {"password": "wr0ng"}),
              ("Connection Password", {"password": ""}),
              ("nowhere", {"dbname": "nowhere"}) if database.kind == "postgresql" else ("denied", {"dbname": "nowhere"}),
              ("refused" if database.kind == "postgresql" else "Can't connect", {"port": 1})],
             lambda word, words: tell(word, **words))
        change(mail, "Connection Password", PASSWORD)
        change(mail, "Connection", database.connection())
        expect(mail, "ann", "sesame", RIGHT, "ok")
        check(database.kind not in "\n".join(mail.status()["problems"]), mail.status()["problems"])


@rows(KINDS)
def tls_is_proved_by_issuer_and_name(started):
    with broker(started) as (mail, database):
        ca, other = (str(database.directory / f"{name}.pem") for name in ("ca", "other"))

        def prove(answer, host, mode, authorities=None):
            change(mail, "Connection", database.connection(host=host, sslmode=mode, sslrootcert=authorities))
            expect(mail, "ann", "sesame", answer, "ok" if answer == RIGHT else "broker-unreachable")
            if answer != RIGHT:
                contains(mail.events()[0]["description"], "certificate")

        each([(RIGHT, "127.0.0.1", "disable"), (RIGHT, "127.0.0.1", "require"), (RIGHT, "localhost", "verify-full", ca),
              (TEMPORARY, "localhost", "verify-full", other), (TEMPORARY, "127.0.0.1", "verify-full", ca),
              (TEMPORARY, "localhost", "verify-full")], prove)
        database.certify("IP:127.0.0.1")
        database.reload()
        each([(RIGHT, "127.0.0.1", "verify-full", ca), (TEMPORARY, "127.0.0.1", "verify-full", other),
              (TEMPORARY, "localhost", "verify-full", ca)], prove)
        database.certify("DNS:localhost")
        database.reload()
        change(mail, "Connection", database.connection(host=database.directory, user="mailauth" if database.kind == "mysql"
                                                       else "admin"))
        expect(mail, "ann", "sesame", RIGHT, "ok")


@test
def a_server_that_is_not_proved_is_not_told_who_asks():
    with broker(mariadb) as (mail, database):
        log = database.log_clients()
        ca, other = (database.directory / f"{name}.pem" for name in ("ca", "other"))
        for host, mode, authorities in [("127.0.0.1", "verify-full", ca), ("127.0.0.1", "verify-full", other),
                                        ("localhost", "verify-full", other), ("127.0.0.1", "require", None)]:
            check("stranger" not in log.read_text(), log.read_text())
            change(mail, "Connection", database.connection(user="stranger", host=host, sslmode=mode, sslrootcert=authorities))
            expect(mail, "ann", "sesame", TEMPORARY, "broker-unreachable")
        contains(log.read_text(), "stranger@")


@rows(KINDS)
def a_connection_that_breaks_is_made_anew(started):
    with broker(started) as (mail, database):
        expect(mail, "ann", "sesame", RIGHT, "ok")
        database.drop_connections()
        expect(mail, "ann", "sesame", RIGHT, "ok")
        database.stop()
        expect(mail, "ann", "sesame", TEMPORARY, "broker-unreachable")
        database.start()
        expect(mail, "ann", "sesame", RIGHT, "ok")


@rows(KINDS)
def connections_to_a_database_that_is_not_set_any_more_are_closed(started):
    with broker(started) as (mail, database):
        expect(mail, "ann", "sesame", RIGHT, "ok")
        check(database.count_connections() > 0, "no connection")
        change(mail, "Connection", database.connection(port=1))
        wait_until(lambda: database.count_connections() == 0, "the connections to end")
        expect(mail, "ann", "sesame", TEMPORARY, "broker-unreachable")


@rows(KINDS)
def what_hangs_holds_nobody_else(started):
    """A server that is stopped, and then a process of ours."""
    with broker(started, Timeout=1000, Pool_Size=2) as (mail, database):
        file = mail.add_broker("4")
        mail.add_member(file, "ann", "sesame")
        expect(mail, "ann", "sesame", RIGHT, "ok")
        with database.frozen():
            began, unread = time.monotonic(), database.count_unread()
            with mail.pop3_talk() as client:
                client.expect("+OK")
                client.ask("USER ann", "+OK")
                client.say("PASS sesame")
                wait_until(lambda: database.count_unread() > unread, "the question to the database")
                mail.choose("MBS_BASIC", "4")
                expect(mail, "ann", "sesame", RIGHT, "ok")
                check(time.monotonic() - began < 1, "another broker's login has waited")
                client.expect(TEMPORARY)
            check(0.9 < time.monotonic() - began < 4, "`Timeout` does not hold")
            equal(mail.events()[0]["reason"], "broker-unreachable")
        mail.choose("MBS_BASIC", "3")
        expect(mail, "ann", "sesame", RIGHT, "ok")
        before = mail.roles()["sql"]
        freeze(*before)
        expect(mail, "ann", "sesame", TEMPORARY, "broker-unreachable")
        wait_until(lambda: not set(before) <= set(mail.roles().get("sql", ())), "the process that hangs to end")
        wait_until(lambda: login(mail, "ann")[1] == "ok", "another process")


TABLES = """
CREATE TABLE mailbox (username {0}, local_part {0}, domain {0}, maildir {0}, password {0}, active {1});
CREATE TABLE plain (username {0}, password {0});
CREATE TABLE alias (address {0}, goto {0});
INSERT INTO mailbox VALUES ('ann@example.org', 'ann', 'example.org', 'example.org/ann/', '{{SHA512-CRYPT}}{2}', true),
  ('bob@example.org', 'bob', 'example.org', 'example.org/bob/', '{2}', false);
INSERT INTO plain VALUES ('ann@example.org', '{3}');
INSERT INTO alias VALUES ('info@example.org', 'ann@example.org');
"""


def queries(place):
    """The column of the guide's table of queries, from 1."""
    text = (SOURCE / "data/doc/from-dovecot.md").read_text().split("## Queries for tables of Dovecot")[1].split("\n## ")[0]
    rows_of_table = [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in text.splitlines() if line.startswith("| ")]
    return [row[place].strip("`").replace("\\|", "|") for row in rows_of_table[1:]]


@rows([("postgresql", postgresql, 1), ("mysql", mariadb, 2)])
def the_queries_for_tables_of_dovecot_do_what_they_say(started, place):
    with broker(started) as (mail, database):
        for table in ("mailbox", "plain", "alias"):
            database.run(f"DROP TABLE IF EXISTS {table}")
        database.run(TABLES.format(database.text, "boolean", crypt_anew("sesame", "$6$rounds=5000$"),
                                   ssha("sesame", "sha256", "").removeprefix("{}")))
        answers = []
        for query in queries(place):
            change(mail, "Query", query.replace("/var/vmail", str(mail.mail / "vmail")))
            expect(mail, "ann@example.org", "sesame", RIGHT, "ok")
            answers.append([login(mail, name)[1] for name in ("bob@example.org", "info@example.org", "eve@example.org")])
        check((mail.mail / "vmail" / "example.org" / "ann" / "cur").is_dir(), "the folder in the row is not used")
        nobody = "no-such-user"
        equal(answers, [[nobody] * 3, ["ok", nobody, nobody], ["ok", nobody, nobody], ["disabled", nobody, nobody],
                        [nobody] * 3, ["ok", "ok", nobody]])


@contextmanager
def worlds():
    """A mail server that may be decided by four brokers, each with its own password of ann's."""
    databases = {"5": postgresql(), "6": mariadb()}
    with Mail() as mail, Slapd(mail, tls=False) as slapd:
        mail.add_member(mail.add_broker("3"), "ann", "by-3")
        slapd.add("ann", "by-4")
        slapd.become_broker("4")
        for identity, database in databases.items():
            database.table({"ann": (f"by-{identity}", 0)})
            database.become_broker(mail, identity)
        mail.choose("MBS_BASIC", "3")
        yield mail


@test
def no_login_is_decided_by_the_broker_of_before():
    """Flips among sqlite, ldap, postgresql and mysql, each followed at once by a login."""
    with worlds() as mail:
        stale = 0
        for number in range(amount(20, 1000)):
            broker = "3456"[(number * 7 + number // 4) % 4]
            mail.client.set(STORE, "MBS Broker", REG_SZ, broker)
            stale += not mail.pop3_answer("ann", f"by-{broker}").startswith(RIGHT)
            stale += not mail.pop3_answer("ann", f"by-{'4563'[int(broker) - 3]}").startswith(WRONG)
        equal(stale, 0, "logins that were decided by another broker")


@test
def the_sql_role_is_its_own_user_where_root_started_it():
    database = postgresql()
    database.table(PEOPLE)
    needs_role_users()
    with Registry() as registry, MailServer(registry, as_root=True, imap=False) as server:
        database.become_broker(server, "3")
        registry.client.set(STORE, "MBS Broker", REG_SZ, "3")
        registry.client.set(STORE, "MBS Package", REG_SZ, "MBS_BASIC")
        with server.pop3("ann", "sesame") as client:
            client.quit()
        for pid in server.roles()["sql"]:
            status = dict(line.split(":\t", 1) for line in read_process(pid, "status").splitlines() if ":\t" in line)
            equal({int(uid) for uid in status["Uid"].split()}, {pwd.getpwnam("mailauth-sql").pw_uid})
            equal((status["CapEff"], status["NoNewPrivs"], status["Seccomp"], status["Groups"].split()),
                  ("0000000000000000", "1", "2", []))
            equal(read_process(pid, "cmdline").count("same"), 0, "the password is in a process list")
            environment = read_process(pid, "environ")
            check("d'b" not in environment, "the password is in the environment")


main()
