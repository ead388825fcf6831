# SPDX-License-Identifier: MIT
"""The Ansible collection against a real regd: files, what is declared, secrets, and accounts."""

import json

from harness.ansible import KEY, PATH, Play, USERS, absent, run_each_way, value
from harness.bus import needs_root
from harness.case import check, contains, equal, main, test
from harness.registry import REG_DWORD, REG_QWORD, REG_SZ, Registry, options

# ---- files ----

FILE = r"""Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\SOFTWARE\Acme]
@="shop"
"Port"=dword:00001f90
"Hosts"=hex(7):61,00,00,00,\
  62,00,00,00,00,00
"Gone"=-
"Lines"="one
two"

[HKEY_LOCAL_MACHINE\SOFTWARE\Acme\Sub key]
"Wide"=hex(b):01,00,00,00,00,00,20,00

[-HKEY_LOCAL_MACHINE\SOFTWARE\Old]
"""


def imported(**given):
    return {"import": given}


@test
def a_file_is_applied_once():
    with Registry() as registry:
        play = Play(registry)
        registry.client.set(KEY, "gone", REG_SZ, "x")
        registry.client.set(KEY, "Port", REG_DWORD, 25)
        registry.client.set(KEY, "Kept", REG_DWORD, 1)
        registry.client.set(r"HKLM\SOFTWARE\Old\Sub", "a", REG_SZ, "b")
        done, = run_each_way(play, registry, imported(content=FILE))
        equal((done["changed"], done["report"]["values_set"], done["report"]["keys_deleted"]), (True, 5, 2))
        equal(done["diff"]["before"],
              f'[{PATH}]\n"gone" = sz: "x"\n"Port" = dword: 25\n'
              '[HKEY_LOCAL_MACHINE\\SOFTWARE\\Old]\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Old\\Sub]\n"a" = sz: "b"\n')
        equal(done["diff"]["after"],
              f'[{PATH}]\n"Port" = dword: 8080\n@ = sz: "shop"\n"Hosts" = multi: ["a", "b"]\n"Lines" = sz: "one\\ntwo"\n'
              f'[{PATH}\\Sub key]\n"Wide" = qword: {2 ** 53 + 1}\n')
        equal(registry.client.get(KEY + r"\Sub key", "Wide"), (REG_QWORD, "t", 2 ** 53 + 1))
        contains(registry.client.call("GetHistory", "sa{sv}", KEY, options())[0]["comment"], "ansible: the play")


@test
def files_are_of_the_controller_or_of_the_host():
    with Registry() as registry:
        play = Play(registry)
        (registry.directory / "files").mkdir()
        (registry.directory / "files" / "acme.reg").write_bytes(b"\xff\xfe" + FILE.encode("utf-16-le"))
        (registry.directory / "host.reg").write_text(FILE.replace("00001f90", "2"), encoding="utf-8")
        done, = run_each_way(play, registry, imported(src="acme.reg"))
        contains(done["diff"]["after"], '"Port" = dword: 8080\n')
        equal(registry.client.get(KEY, "Port"), (REG_DWORD, "u", 8080))
        run_each_way(play, registry, imported(src=str(registry.directory / "host.reg"), remote_src=True))
        equal(registry.client.get(KEY, "Port"), (REG_DWORD, "u", 2))
        for given in ({"src": "none.reg"}, {"src": "/none.reg", "remote_src": True}):
            failed, = play.run(imported(**given), failing=True)
            contains(failed["msg"], "none.reg")
        failed, = play.run(imported(content="no registry file"), failing=True)
        contains(failed["msg"], "not a registry file")
        bad = f"REGEDIT4\n[{KEY}]\n\"Port\"=dword:3\n\"Port\"=nonsense\n"
        failed, = play.run(imported(content=bad), failing=True)
        contains(failed["msg"], "line 4")
        loose, = play.run(imported(content=bad, strict=False))
        contains(loose["warnings"][0], "line 4")


def declare(*lines, **more):
    return imported(content="\n".join(["REGEDIT4", f"[{KEY}]", *lines, ""]), owner="role acme", prune=True, **more)


@test
def what_is_declared_no_more_goes():
    with Registry() as registry:
        play = Play(registry)
        first, = run_each_way(play, registry, declare('"a"="1"', '"b"="2"', f"[{KEY}\\Sub]", '"c"="3"'))
        equal(first["report"]["values_set"], 3)
        registry.client.set(KEY, "by hand", REG_SZ, "x")
        done, = run_each_way(play, registry, declare('"a"="1"'))
        equal((done["report"]["values_pruned"], done["report"]["keys_pruned"]), (2, 1))
        equal((done["diff"]["before"], done["diff"]["after"]),
              (f'[{PATH}]\n"b" = sz: "2"\n[{PATH}\\Sub]\n"c" = sz: "3"\n', f"[{PATH}]\n"))
        equal(registry.client.values(KEY), [("a", REG_SZ, "1"), ("by hand", REG_SZ, "x")])
        registry.client.set(KEY, "a", REG_SZ, "drifted")
        done, = run_each_way(play, registry, declare('"a"="1"'))
        equal((done["changed"], done["report"]["values_drifted"]), (True, 1))
        facts, = play.run({"facts": {"keys": [KEY], "declared": True}})
        equal(facts["ansible_facts"]["regd"]["declared"],
              [{"key": PATH, "owner": "role acme", "drifted": False}, {"key": PATH, "name": "a", "owner": "role acme", "drifted": False}])
        other = imported(content=f'REGEDIT4\n[{KEY}]\n"a"="other"\n', owner="role other")
        failed, = play.run(other, failing=True)
        equal(failed["error"], "Conflict")
        contains(failed["msg"], "role acme")
        failed, = play.run(imported(content=FILE, prune=True), failing=True)
        contains(failed["msg"], "owner")


@test
def a_lock_tells_its_reason():
    with Registry() as registry:
        play = Play(registry)
        run_each_way(play, registry, declare('"a"="1"', lock="Ansible sets this"))
        for task in (value("a", "2"), absent("a"), imported(content=f'REGEDIT4\n[{KEY}]\n"a"="2"\n')):
            for checking in (True, False):
                failed, = play.run(task, failing=True, check=checking)
                equal(failed["error"], "Locked")
                contains(failed["msg"], "Ansible sets this")
        equal(run_each_way(play, registry, declare('"a"="2"', lock="Ansible sets this"))[0]["changed"], True)
        equal(registry.client.get(KEY, "a"), (REG_SZ, "s", "2"))


@test
def conditions_of_an_import_are_met_or_said():
    with Registry() as registry:
        play = Play(registry)
        registry.client.set(KEY, "Version", REG_SZ, "1")
        conditions = f'REGEDIT4\n[{KEY}]\n"Version"="1"\n"No"=-\n[-{KEY}\\No]\n'
        task = imported(content=f'REGEDIT4\n[{KEY}]\n"Version"="2"\n', precheck=conditions)
        equal(run_each_way(play, registry, task)[0]["changed"], True)
        registry.client.set(KEY, "Version", REG_SZ, "3")
        before = registry.client.revision
        for checking in (True, False):
            failed, = play.run(task, failing=True, check=checking)
            equal(failed["error"], "Conflict")
            for part in ("nothing was changed", "Acme: Version", "expected", "regctl blame"):
                contains(failed["msg"], part)
        for name, made in (("No", lambda: registry.client.set(KEY, "No", REG_SZ, "")), ("No]", lambda: registry.client.create(KEY + r"\No"))):
            registry.client.set(KEY, "Version", REG_SZ, "1")
            made()
            equal((name, play.run(task, failing=True)[0]["error"]), (name, "Conflict"))
            if name == "No":
                registry.client.unset(KEY, "No")
        check(registry.client.revision > before, "only this test has written")
        failed, = play.run(imported(content=FILE, precheck="Version=1"), failing=True)
        contains(failed["msg"], "precheck: line 1 can't be read")


# ---- secrets, accounts, facts ----

@test
def secrets_are_nowhere_to_be_seen():
    with Registry() as registry:
        play = Play(registry)
        registry.client.set(USERS + r"\anna", "Password", REG_SZ, "$y$very-old-secret")
        task = {"value": {"key": USERS + r"\anna", "name": "Password", "data": "$y$very-new-secret"}}
        text = f'REGEDIT4\n[{USERS}\\anna]\n"Password"="$y$third-very-secret"\n'
        for given in (task, imported(content=text)):
            for checking in (True, False):
                result, = play.run(given, diff=True, check=checking)
                contains(json.dumps(result["diff"]["before"]), "(secret)")
                contains(json.dumps(result["diff"]["after"]), "(secret) changed")
                equal("very" in play.printed, False, play.printed)
        facts, = play.run({"facts": {"keys": [USERS], "recursive": True}})
        equal(facts["ansible_facts"]["regd"]["tree"][USERS + r"\anna"]["Password"], {"type": "sz", "data": "(secret)"})
        facts, = play.run({"facts": {"keys": [USERS + r"\anna"], "show_secrets": True}})
        equal(facts["ansible_facts"]["regd"]["tree"][USERS + r"\anna"]["Password"]["data"], "$y$third-very-secret")
        gone, = play.run({"key": {"key": USERS + r"\anna", "state": "absent"}}, diff=True)
        contains(gone["diff"]["before"], '"Password" = (secret)\n')
        refused = {"value": {"key": USERS + r"\anna", "name": "Password", "data": "very" * 300}}
        equal(play.run(refused, failing=True)[0]["error"], "SchemaViolation")
        equal("veryvery" in play.printed, False, play.printed)


def account(name, **given):
    return {"mail_user": {"name": name} | given}


@test
def accounts_are_added_changed_and_removed():
    needs_root()
    with Registry() as registry:
        play = Play(registry)
        added, = run_each_way(play, registry, account("anna", password="very sesame"))
        equal((added["changed"], added["disabled"], added["diff"]["before"]), (True, False, {"state": "absent"}))
        kind, _, first = registry.client.get(USERS + r"\anna", "Password")
        equal((kind, first[:3]), (REG_SZ, "$y$"))
        contains(registry.client.get(USERS + r"\anna", "SCRAM-SHA-256")[2], "SCRAM-SHA-256$")
        changed, = run_each_way(play, registry, account("anna", password="very open", disabled=True))
        equal((changed["diff"]["before"], changed["diff"]["after"]),
              ({"state": "present", "disabled": False, "password": "(secret)"},
               {"state": "present", "disabled": True, "password": "(secret) changed"}))
        equal([each["comment"] for each in registry.client.call("GetHistory", "sa{sv}", USERS, options())][:2],
              ["ansible: the play: regd.registry.mail_user"] * 2)
        check(registry.client.get(USERS + r"\anna", "Password")[2] != first, "the password is another")
        equal(registry.client.get(USERS + r"\anna", "Disabled"), (REG_DWORD, "u", 1))
        kept, = play.run(account("anna", password="very third", update_password="on_create"))
        equal((kept["changed"], kept["disabled"]), (False, True))
        equal(run_each_way(play, registry, account("anna", disabled=False))[0]["changed"], True)
        given, = run_each_way(play, registry, account("bert", password_hash="$6$very$hash", disabled=True))
        equal((given["changed"], registry.client.get(USERS + r"\bert", "Password")[2]), (True, "$6$very$hash"))
        run_each_way(play, registry, account("anna", password_hash="$6$very$hash"))
        registry.client.refused("ValueNotFound", "GetValue", "ss", USERS + r"\anna", "SCRAM-SHA-256")
        for name in ("anna", "nobody"):
            equal(run_each_way(play, registry, account(name, state="absent"))[0]["changed"], name == "anna")
        equal(registry.client.keys(USERS), ["bert"])
        for name, more in (("carl", {}), ("a/b", {"password": "x"}), ("carl", {"password": ""}), ("carl", {"password": "x" * 512})):
            for checking in (True, False):
                equal(play.run(account(name, **more), failing=True, check=checking)[0]["error"], "InvalidValue")
        equal("very" in play.printed, False)


main()
