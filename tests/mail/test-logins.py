#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Who may log in, by what is decided, and what is recorded of it."""

import imaplib
import poplib
import threading

import dbus
import dbus.lowlevel

import harness.bus
from harness.bus import ALICE, wait_for
from harness.case import check, contains, equal, main, rows, test
from harness.mail import ACCOUNTS, BROKERS, NAME, PARAMETERS, PATH, POP3, SERVICE, STORE, MailServer, needs_role_users
from harness.process import SOURCE, Process, program
from harness.registry import REG_DWORD, REG_MULTI_SZ, REG_SZ, Registry

TEMPORARY = "-ERR [SYS/TEMP]"
WRONG = "-ERR [AUTH]"


def ctl(registry, *words, password=None, code=0, uid=None):
    """Runs mailauthctl; its standard output."""
    result = registry.run(program("mailauth/mailauthctl/mailauthctl"), f"--bus={registry.bus.address}", *words,
                          uid=uid, input=None if password is None else f"{password}\n".encode())
    equal(result.returncode, code, f"{words}: {result.stdout} {result.stderr}")
    return result.stdout.decode()


def add_member(registry, server, name, password, broker="3"):
    """A member of an embedded membership that the server's user owns."""
    path = server.mail / f"members-{broker}.db"
    registry.client.set(f"{BROKERS}\\{broker}", "Type", REG_SZ, "sqlite")
    registry.client.set(f"{BROKERS}\\{broker}", "Database", REG_SZ, str(path))
    ctl(registry, "member", f"--broker={broker}", "add", name, password=password, uid=server.uid)
    return path


def pop3(server, user, password):
    """What POP3 answers to a login: "+OK", or the whole refusal."""
    try:
        with server.pop3(user, password) as client:
            client.quit()
        return "+OK"
    except poplib.error_proto as problem:
        return problem.args[0].decode()


def imap(server, user, password):
    try:
        with server.imap(user, password):
            return "OK"
    except imaplib.IMAP4.error as problem:
        return str(problem)


def expect(server, answer, event, reason, user="anna", password="sesame"):
    """A POP3 login, its answer and the event that was recorded before it."""
    contains(pop3(server, user, password), answer)
    newest = server.events(1)[0]
    equal((newest["id"], newest["reason"], newest["source"]), (event, reason, "MSExchangePOP3"))
    return newest


@test
def native_accounts_log_in():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        newest = expect(server, "+OK", 11202, "ok")
        equal((newest["type"], newest["category"], newest["user"], newest["address"]),
              ("Success Audit", "Authentication", "anna", "127.0.0.1"))
        expect(server, "+OK", 11202, "ok", user="ANNA")
        newest = expect(server, WRONG, 11202, "bad-password", password="wrong")
        equal(newest["type"], "Failure Audit")
        expect(server, WRONG, 11202, "bad-password", password="sesame2")
        expect(server, WRONG, 11202, "no-such-user", user="nobody")
        registry.client.set(f"{ACCOUNTS}\\anna", "Disabled", REG_DWORD, 1)
        expect(server, WRONG, 11202, "disabled")
        registry.client.set(f"{ACCOUNTS}\\anna", "Disabled", REG_DWORD, 0)
        expect(server, "+OK", 11202, "ok")


@test
def strange_names_are_nobody():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        for name in ("../../etc/passwd", "anna\\..", "a\x01b", "a" * 300, ".", "\\anna", "..\\..\\x"):
            contains(pop3(server, name, "sesame"), "-ERR")
        expect(server, WRONG, 11202, "no-such-user", user="../../etc/passwd")
        expect(server, "+OK", 11202, "ok")


@test
def names_of_a_domain_are_accepted():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        expect(server, WRONG, 11202, "no-such-user", user="anna@example.org")
        registry.client.set(PARAMETERS, "Domain", REG_SZ, "Example.org")
        for name in ("anna@example.org", "EXAMPLE.ORG\\anna", "example.org\\Anna\\anna"):
            expect(server, "+OK", 11202, "ok", user=name)
        expect(server, WRONG, 11202, "no-such-user", user="other.org\\anna")
        server.add_account("dora", "dora's")
        for name in ("example.org\\anna\\dora", "EXAMPLE.ORG\\anna\\nobody", "example.org\\nobody\\anna"):
            expect(server, "-ERR [AUTH] Nobody may log in for another user.", 11202, "other-mailbox", user=name)


@test
def hashes_of_other_methods_do_not_log_in():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        registry.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 4)
        for value, answer, reason, detail in (
                ("$1$abcdefgh$irWbblnpmw.5z7wgBnprh0", "-ERR [SYS/PERM]", "unusable-hash", "user passwd"),
                ("plain", "-ERR [SYS/PERM]", "unusable-hash", "user passwd"),
                ("$5$rounds=999999999$abcdefgh$x", "-ERR [SYS/PERM]", "unusable-hash", "its cost is higher"),
                ("!$5$abcdefgh$x", WRONG, "disabled", "locked"), ("{CRYPT}!$5$abcdefgh$x", WRONG, "disabled", "locked"),
                ("{sha512-crypt}*", WRONG, "disabled", "locked"), ("", WRONG, "bad-password", "no password hash")):
            registry.client.set(f"{ACCOUNTS}\\anna", "Password", REG_SZ, value)
            contains(expect(server, answer, 11202, reason)["description"], detail)


@test
def membership_decides_after_one_write():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "native")
        add_member(registry, server, "anna", "member")
        expect(server, "+OK", 11202, "ok", password="native")
        expect(server, WRONG, 11202, "bad-password", password="member")
        registry.client.set(STORE, "MSB Broker", REG_SZ, "3")
        registry.client.set(STORE, "MBS Package", REG_SZ, "MBS_BASIC")
        expect(server, "+OK", 11202, "ok", password="member")
        expect(server, WRONG, 11202, "bad-password", password="native")
        equal((server.get_property("Package"), server.get_property("Broker")), ("membership", "3"))
        changed = [event for event in server.events(20) if event["reason"] == "changed"]
        equal(changed[0]["id"], 14001)
        contains(changed[0]["description"], "old: native")
        contains(changed[0]["description"], "new: membership, broker 3")


@test
def no_login_is_decided_by_what_was_set_before():
    """Package and broker are flipped, each flip followed at once by a login."""
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "native")
        add_member(registry, server, "anna", "three", "3")
        add_member(registry, server, "anna", "four", "4")
        worlds = {"native": ("", "3"), "three": ("MBS_BASIC", "3"), "four": ("MBS_BASIC", "4")}
        stale = 0
        for round_number in range(300):
            password = list(worlds)[(round_number * 7 + round_number // 3) % 3]
            package, broker = worlds[password]
            registry.client.set(STORE, "MBS Broker", REG_SZ, broker)
            registry.client.set(STORE, "MBS Package", REG_SZ, package)
            stale += pop3(server, "anna", password) != "+OK"
        equal(stale, 0, "logins that were decided by an old setting")


@test
def sessions_stay_over_a_change():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "native")
        with server.pop3("anna", "native") as client:
            registry.client.set(STORE, "MBS Package", REG_SZ, "MBS_BASIC")
            equal(client.noop(), b"+OK")
            client.quit()


@rows([
    ("no broker", None, None, 13005, "no-broker"),
    ("unknown broker", "9", None, 13005, "unknown-broker"),
    ("file missing", "3", "/nonexistent/members.db", 13005, "broker-unreachable"),
    ("folder", "3", "/", 13005, "broker-unreachable"),
    ("no database", "3", "/etc/passwd", 13005, "broker-failed"),
])
def broken_memberships_let_nobody_in(broker, path, event, reason):
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        add_member(registry, server, "anna", "sesame")
        if path:
            registry.client.set(f"{BROKERS}\\3", "Database", REG_SZ, path)
        if broker:
            registry.client.set(STORE, "MBS Broker", REG_SZ, broker)
        registry.client.set(STORE, "MBS Package", REG_SZ, "MBS_BASIC")
        newest = expect(server, TEMPORARY, event, reason)
        equal(newest["type"], "Error")
        check(any((path or "MBS Broker") in problem for problem in server.status()["problems"]), server.status()["problems"])
        contains(imap(server, "anna", "sesame"), "[UNAVAILABLE]")
        equal(server.events(1)[0]["source"], "MSExchangeIMAP4")


@test
def settings_that_cannot_be_used_are_named():
    with Registry(schemas=["/nonexistent"]) as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        for key, name, kind, data in ((STORE, "MBS Package", REG_SZ, "MBS_NTLM"),
                                      (STORE, "MBS Package", REG_DWORD, 1),
                                      (PARAMETERS, "Native Source", REG_SZ, "NIS"),
                                      (PARAMETERS, "Lockout Threshold", REG_SZ, "ten"),
                                      (POP3, "Store", REG_SZ, "tape")):
            registry.client.set(key, name, kind, data)
            newest = expect(server, TEMPORARY, 14004, "bad-setting")
            contains(newest["description"], name)
            registry.client.call("DeleteValue", "ss", key, name)
        expect(server, "+OK", 11202, "ok")


@test
def accounts_that_are_gone_are_said_to_be_gone():
    """Article Q255269."""
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        expect(server, "+OK", 11202, "ok")
        registry.client.call("DeleteKey", "sa{sv}", ACCOUNTS, {"recursive": True})
        newest = expect(server, "-ERR [SYS/PERM]", 13003, "accounts-missing")
        equal((newest["type"], newest["category"]), ("Error", "Authentication"))
        contains(newest["description"], "A required privilege is not held by the client")
        contains(imap(server, "anna", "sesame"), "[CONTACTADMIN]")
        contains(ctl(registry, "repair"), "made the key")
        contains(ctl(registry, "status"), "accounts: readable")
        equal(ctl(registry, "repair"), "nothing had to be put right\n")
        expect(server, WRONG, 11202, "no-such-user")
        ctl(registry, "user", "add", "anna", password="sesame")
        expect(server, "+OK", 11202, "ok")


@test
def accounts_that_may_not_be_read_are_said_to_be_denied():
    needs_role_users()
    with Registry() as registry, MailServer(registry, as_root=True) as server:
        server.add_account("anna", "sesame")
        expect(server, "+OK", 11202, "ok")
        registry.client.set_acl("HKLM\\SAM", ("user:nobody", "read"))
        expect(server, "-ERR [SYS/PERM]", 13003, "accounts-denied")
        said = ctl(registry, "repair")
        contains(said, "gave user:mailauth the right to read HKEY_LOCAL_MACHINE\\SAM")
        equal(ctl(registry, "repair"), "nothing had to be put right\n")
        expect(server, "+OK", 11202, "ok")
        entries = registry.client.call("GetAcl", "s", "HKLM\\SAM")[1]
        check(("user:nobody", "read") in [tuple(entry) for entry in entries], "the list that was there is kept")
        registry.client.call("DeleteKey", "sa{sv}", ACCOUNTS, {"recursive": True})
        expect(server, "-ERR [SYS/PERM]", 13003, "accounts-missing")


@test
def a_right_that_shows_no_password_is_said_to_be_none():
    """What everyone may read is everything but the hashes: no password is wrong for that."""
    needs_role_users()
    with Registry() as registry, MailServer(registry, as_root=True) as server:
        server.add_account("anna", "sesame")
        registry.client.set_acl("HKLM\\SAM", ("everyone", "read"))
        for user in ("anna", "nobody"):
            contains(imap(server, user, "sesame"), "[CONTACTADMIN]")
            equal(server.events()[0]["reason"], "accounts-denied")
        contains(ctl(registry, "status"), "accounts: accounts-denied")
        result = registry.run(program("mailauth/mailauthd"), f"--bus={registry.bus.address}", "--check")
        equal(result.returncode, 1, result.stdout)
        contains(ctl(registry, "repair"), "gave user:mailauth the right to read HKEY_LOCAL_MACHINE\\SAM")
        expect(server, "+OK", 11202, "ok")
        contains(ctl(registry, "status"), "accounts: readable")


@test
def settings_that_may_not_be_read_any_more_close_nothing():
    needs_role_users()
    with Registry() as registry, MailServer(registry, as_root=True) as server:
        server.add_account("anna", "sesame")
        ctl(registry, "repair")
        for key, protocols in ((POP3, 1), (SERVICE, 2)):
            registry.client.set_acl(key, ("user:nobody", "read"))
            expect(server, TEMPORARY, 14004, "bad-setting")
            contains(imap(server, "anna", "sesame"), "[UNAVAILABLE]")
            equal(server.events()[0]["id"], 14004 if protocols == 2 else 14005)
            contains(ctl(registry, "repair"), "gave user:mailauth the right to read " + key.replace("HKLM", "HKEY_LOCAL_MACHINE"))
            expect(server, "+OK", 11202, "ok")


@test
def an_account_without_a_password_lets_nobody_in():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        registry.client.call("CreateKey", "sa{sv}", f"{ACCOUNTS}\\bert", {})
        contains(imap(server, "bert", "sesame"), "[AUTHENTICATIONFAILED]")
        equal(server.events()[0]["reason"], "bad-password")
        # Nor do many of them keep the others out.
        registry.client.call("Commit", "a(sssuv)a{sv}", [
            ("create-key", f"{ACCOUNTS}\\aaa-{number}", "", dbus.UInt32(0), "") for number in range(100)], {})
        expect(server, "+OK", 11202, "ok")


@test
def only_those_named_log_on_in_maintenance():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        server.add_account("bert", "sesame")
        registry.client.set(STORE, "Logon Only As", REG_MULTI_SZ, ["Bert"])
        newest = expect(server, TEMPORARY, 14006, "maintenance")
        equal(newest["type"], "Warning")
        expect(server, TEMPORARY, 14006, "maintenance", password="wrong")
        expect(server, "+OK", 11202, "ok", user="bert")
        registry.client.set(STORE, "Logon Only As", REG_MULTI_SZ, [])
        expect(server, "+OK", 11202, "ok")


@test
def too_many_failures_hold_back():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        server.add_account("bert", "sesame")
        registry.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 3)
        for number in range(3):
            expect(server, WRONG, 11202, "bad-password", password=f"wrong{number}")
        newest = expect(server, WRONG, 14002, "held-back")
        equal(newest["type"], "Warning")
        expect(server, "+OK", 11202, "ok", user="bert")
        registry.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 0)
        expect(server, "+OK", 11202, "ok")


@test
def an_address_that_tries_many_accounts_is_held_as_a_whole():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        registry.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 2)
        registry.client.set(PARAMETERS, "Trusted Networks", REG_MULTI_SZ, ["192.0.2.1"])
        for number in range(4):
            expect(server, WRONG, 11202, "no-such-user", user=f"guess{number}")
        expect(server, WRONG, 14002, "held-back")
        # What is set later goes for the failures before.
        registry.client.unset(PARAMETERS, "Trusted Networks")
        expect(server, "+OK", 11202, "ok")


@test
def a_trusted_address_is_never_held_as_a_whole():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        server.add_account("bert", "sesame")
        registry.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 2)
        for number in range(20):
            expect(server, WRONG, 11202, "no-such-user", user=f"guess{number}")
        expect(server, "+OK", 11202, "ok")
        # One account is held for it, as for every other address.
        for number in range(2):
            expect(server, WRONG, 11202, "bad-password", user="bert", password=f"guess{number}")
        expect(server, WRONG, 14002, "held-back", user="bert")


@test
def the_same_wrong_password_counts_once():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        registry.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 3)
        registry.client.set(PARAMETERS, "Failures Per Account", REG_DWORD, 3)
        for number in range(20):
            expect(server, WRONG, 11202, "bad-password", password=("old", "older")[number % 2])
        expect(server, "+OK", 11202, "ok")
        # They counted, each once: the third one is another.
        for password in ("old", "older", "old", "guess"):
            expect(server, WRONG, 11202, "bad-password", password=password)
        expect(server, WRONG, 14002, "held-back")


@test
def many_tries_at_once_get_no_further():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        registry.client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 5)
        threads = [threading.Thread(target=pop3, args=(server, "anna", f"wrong{number}")) for number in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        reasons = [event["reason"] for event in server.events(100)]
        equal(reasons.count("bad-password"), 5)
        equal(reasons.count("held-back"), 25)


@test
def logins_go_on_without_regd():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        expect(server, "+OK", 11202, "ok")
        registry.kill()
        for _ in range(3):
            equal(pop3(server, "anna", "sesame"), "+OK")
            contains(pop3(server, "anna", "wrong"), WRONG)
        registry.start()
        registry.client.set(f"{ACCOUNTS}\\anna", "Disabled", REG_DWORD, 1)
        expect(server, WRONG, 11202, "disabled")


@test
def without_a_backends_master_user_imap_says_unavailable():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        contains(imap(server, "anna", "wrong"), "[AUTHENTICATIONFAILED]")
        contains(imap(server, "anna", "sesame"), "[UNAVAILABLE]")
        newest = server.events(1)[0]
        equal((newest["id"], newest["reason"], newest["source"]), (14005, "no-mailbox", "MSExchangeIMAP4"))
        contains(newest["description"], "Backend")


@test
def faults_that_repeat_are_counted():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        registry.client.set(STORE, "MBS Package", REG_SZ, "MBS_BASIC")
        for _ in range(30):
            contains(pop3(server, "anna", "sesame"), TEMPORARY)
        events = [event for event in server.events(100) if event["reason"] == "no-broker"]
        equal([event["count"] for event in events], ["30"])


@test
def an_event_is_text_but_for_its_number_and_time():
    with Registry() as registry, MailServer(registry) as server:
        pop3(server, "anna", "sesame")
        [event] = registry.client.connection.call_blocking(NAME, PATH, NAME, "GetEvents", "u", (1,))
        kinds = {"id": dbus.UInt32, "time": dbus.UInt64}
        equal({name: type(data) for name, data in event.items()},
              {name: kinds.get(name, dbus.String) for name in event})
        check({"source", "id", "type", "category", "reason", "description", "time", "user", "address"} <= set(event),
              f"{set(event)}")


@test
def events_are_signalled_to_those_entitled_alone():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        heard = {}
        for who in (None, ALICE):
            connection = registry.connect(uid=who).connection
            connection.add_signal_receiver(lambda event, who=who: heard.setdefault(who, []).append(event),
                                           "Event", NAME, None, PATH)
        stranger = registry.connect(uid=ALICE)
        try:
            stranger.connection.call_blocking(NAME, PATH, NAME, "GetEvents", "u", (10,))
            check(False, "a stranger was given events")
        except Exception as problem:  # whatever the bindings make of it
            contains(str(problem), "AccessDenied")
        equal(pop3(server, "anna", "sesame"), "+OK")
        wait_for(lambda: heard.get(None), "an event")
        equal(str(heard[None][0]["reason"]), "ok")
        equal(heard.get(ALICE), None)


class SystemBusServer(MailServer):
    """mailauthd as root on a bus that is in the system bus's place."""

    def start(self):
        environment = {"DBUS_SYSTEM_BUS_ADDRESS": self.registry.bus.address}
        self.process = Process(self.directory, "mailauthd", [program("mailauth/mailauthd"), "--bus=system"],
                               environment)
        self.registry.bus.wait_for_name(NAME, self.process)
        self.wait_until_ready()


def listen(registry, heard, member, interface):
    """Has root and a stranger hear of a signal: heard[(who, member)] is then true."""
    for who in (None, ALICE):
        connection = registry.connect(uid=who).connection
        connection.add_signal_receiver(lambda *_, who=who: heard.add((who, member)), member, interface, None, PATH)


@test
def a_bus_in_the_systems_place_is_not_trusted_with_events():
    """It has the policy of whoever started it."""
    needs_role_users()
    with Registry() as registry, SystemBusServer(registry, as_root=True) as server:
        server.add_account("anna", "sesame")
        heard = set()
        listen(registry, heard, "Event", NAME)
        listen(registry, heard, "PropertiesChanged", dbus.PROPERTIES_IFACE)
        equal(pop3(server, "anna", "sesame"), "+OK")
        registry.client.set(STORE, "MBS Package", REG_SZ, "MBS_BASIC")
        wait_for(lambda: {(None, "Event"), (ALICE, "PropertiesChanged")} <= heard, "an event, and a property")
        check((ALICE, "Event") not in heard, "a stranger has heard of an event")


@test
def the_policy_keeps_events_from_strangers_on_the_system_bus():
    own = harness.bus.CONFIGURATION
    policy = SOURCE / "data" / "org.regd.MailAuth1.conf"
    harness.bus.CONFIGURATION = own.replace("</busconfig>", f"<include>{policy}</include></busconfig>")
    try:
        with Registry() as registry:
            heard = set()
            sender = registry.connect().connection
            sender.request_name(NAME)
            for member, interface in (("Event", NAME), ("PropertiesChanged", dbus.PROPERTIES_IFACE)):
                listen(registry, heard, member, interface)
                sender.send_message(dbus.lowlevel.SignalMessage(PATH, interface, member))
            wait_for(lambda: {(None, "Event"), (ALICE, "PropertiesChanged")} <= heard, "an event, and a property")
            check((ALICE, "Event") not in heard, "a stranger has heard of an event")
    finally:
        harness.bus.CONFIGURATION = own


main()
