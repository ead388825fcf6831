# SPDX-License-Identifier: MIT
"""mailauthd --check, mailauthctl test and repair: what would come of a login, and putting it right."""

import json
import pwd

from harness.bus import ALICE, wait_until
from harness.case import check, contains, equal, main, test
from harness.mail import ACCOUNTS, BROKERS, IMAP, PARAMETERS, POP3, SERVICE, STORE, MailServer, needs_role_users
from harness.process import program
from harness.registry import REG_SZ, Registry
from harness.mailauthctl import DONE, FAILED, INVALID, UNREACHABLE, done, failed, run, set_broker


@test
def a_test_explains_every_step():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        text = done(registry, "test", "anna", password="sesame")
        for step in ("registry: ", "package: native", "account: anna", "password: right", f"mailbox: {server.mail}",
                     "result: ok"):
            contains(text, step)
        code, output, _ = run(registry, "--json", "test", "anna", password="wrong")
        equal((code, json.loads(output)["reason"]), (FAILED, "bad-password"))
        contains(run(registry, "test", "--protocol=imap", "anna", password="sesame")[1], "Backend")
        equal(server.events(10), [])


@test
def a_test_goes_on_to_the_mailbox():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        server.deliver("anna", "Subject: one\n\nhello\n")
        contains(done(registry, "test", "anna", password="sesame"), "mailbox: opened, and closed again\n")
        with server.pop3("anna", "sesame") as client:
            equal(client.stat()[0], 1)
            code, output, _ = run(registry, "--json", "test", "anna", password="sesame")
            equal((code, json.loads(output)["reason"]), (FAILED, "no-mailbox"))
            contains(output, "Another session has the mailbox open")
            client.quit()
        server.add_account("bert", "sesame", mailbox=False)
        (server.mail / "bert").write_text("no folder")
        code, output, _ = run(registry, "test", "bert", password="sesame")
        equal(code, FAILED)
        contains(output, "result: no-mailbox\n")
        done(registry, "repair")
        registry.client.set(IMAP, "Backend Master User", REG_SZ, "master")
        registry.client.set(IMAP, "Backend Master Password", REG_SZ, "secret")
        code, output, _ = run(registry, "test", "--protocol=imap", "anna", password="sesame")
        equal(code, FAILED)
        contains(output, "result: backend-unreachable\n")
        wait_until(lambda: json.loads(done(registry, "--json", "status"))["counts"]["stores-in-use"] == 0,
                   "no mailbox to stay open")


def check_settings(registry, server):
    result = registry.run(program("mailauth/mailauthd"), f"--bus={registry.bus.address}", "--check", uid=server.uid)
    return result.returncode, result.stdout.decode() + result.stderr.decode()


@test
def mailauthd_says_beforehand_what_it_would_do():
    with Registry() as registry, MailServer(registry) as server:
        server.add_account("anna", "sesame")
        code, text = check_settings(registry, server)
        equal(code, DONE, text)
        contains(text, "package: native")
        registry.client.set(STORE, "MBS Package", REG_SZ, "MBS_BASIC")
        code, text = check_settings(registry, server)
        equal(code, FAILED)
        contains(text, "no-broker")
        path = set_broker(registry, server)
        registry.client.set(STORE, "MBS Broker", REG_SZ, "3")
        code, text = check_settings(registry, server)
        equal(code, FAILED)
        contains(text, str(path))
        done(registry, "member", "--broker=3", "add", "anna", password="sesame", uid=server.uid)
        equal(check_settings(registry, server)[0], DONE)
        registry.stop()
        equal(check_settings(registry, server)[0], UNREACHABLE)
        registry.start()


@test
def root_is_told_what_the_service_may_do():
    needs_role_users()
    with Registry() as registry, MailServer(registry, as_root=True) as server:
        equal(check_settings(registry, server)[0], DONE)
        registry.client.set_acl("HKLM\\SAM", ("user:nobody", "read"))
        code, text = check_settings(registry, server)
        equal(code, FAILED)
        contains(text, "may not read")


@test
def repair_first_is_for_a_registry_that_never_had_accounts():
    with Registry() as registry:
        registry.client.set(SERVICE, "ObjectName", REG_SZ, str(ALICE))
        check(json.loads(done(registry, "--json", "repair", "--first"))["done"], "it never had accounts")
        check((f"user:{ALICE}", "read") in who(registry, "HKLM\\SAM"), "the right is given")
        equal(done(registry, "repair", "--first"), "")
        equal(json.loads(done(registry, "--json", "repair", "--first")), {"done": []})
        # The key is lost: the article's fault.
        registry.client.delete(ACCOUNTS, recursive=True)
        equal(done(registry, "repair", "--first"), "")
        check("Users" not in registry.client.keys(ACCOUNTS.rpartition("\\")[0]), "it is not made again")
        # The right was taken away.
        done(registry, "repair")
        registry.client.set_acl("HKLM\\SAM", ("everyone", "none"))
        equal(done(registry, "repair", "--first"), "")
        check((f"user:{ALICE}", "read") not in who(registry, "HKLM\\SAM"), "an administrator took it away")


@test
def repair_works_without_mailauthd():
    with Registry() as registry:
        registry.client.set(SERVICE, "ObjectName", REG_SZ, str(ALICE))
        said = json.loads(done(registry, "--json", "repair"))["done"]
        check(any("made the key" in line and "Users" in line for line in said), f"{said}")
        for key in ("HKLM\\SAM", BROKERS, POP3, IMAP):
            check((f"user:{ALICE}", "read") in who(registry, key), key)
        check(("everyone", "read") in who(registry, POP3), "what was in force stays")
        # So that false answers are the same after the next start, whoever the accounts are.
        decoy = registry.client.get(ACCOUNTS, "Decoy Key")
        equal(len(decoy[2]), 32)
        equal(json.loads(done(registry, "--json", "repair")), {"done": []})
        # Settings that everyone may read need no entry of his, others do.
        registry.client.set(STORE, "MBS Package", REG_SZ, "")
        registry.client.set(PARAMETERS, "Domain", REG_SZ, "example.org")
        equal(json.loads(done(registry, "--json", "repair")), {"done": []})
        closed = {STORE: [("user:nobody", "read")], SERVICE: [("everyone", "none")],
                  PARAMETERS: [("everyone", "read"), ("group:nogroup", "none")]}
        for key, entries in closed.items():
            registry.client.set_acl(key, *entries)
        equal(len(json.loads(done(registry, "--json", "repair"))["done"]), len(closed))
        for key in closed:
            check((f"user:{ALICE}", "read") in who(registry, key), key)
        equal(registry.client.get(ACCOUNTS, "Decoy Key"), decoy)
        registry.client.set(SERVICE, "ObjectName", REG_SZ, "nobody-of-that-name")
        failed(registry, INVALID, "repair", naming="ObjectName")


def who(registry, key):
    """Entries in force, users by number."""
    entries = registry.client.call("GetAcl", "s", key)[1]
    found = set()
    for principal, level in entries:
        kind, _, name = principal.partition(":")
        if kind == "user" and not name.isdigit():
            name = str(pwd.getpwnam(name).pw_uid)
        found.add((f"{kind}:{name}" if name else kind, level))
    return found


main()
