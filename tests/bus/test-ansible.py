# SPDX-License-Identifier: MIT
"""The Ansible collection against a real regd, its modules value, key, acl and facts: what a second run
and check mode do, differences, failures, history."""

from harness.ansible import KEY, PATH, Play, absent, run_each_way, value
from harness.case import check, contains, equal, main, test
from harness.registry import (REG_BINARY, REG_DWORD, REG_DWORD_BIG_ENDIAN, REG_EXPAND_SZ, REG_LINK, REG_MULTI_SZ,
                              REG_NONE, REG_QWORD, REG_SZ, Registry, options)

# ---- values ----

VALUES = [
    ("text", {"data": "a\u00e4 \U0001f600"}, (REG_SZ, "s", "a\u00e4 \U0001f600")),
    ("number as text", {"type": "sz", "data": 25}, (REG_SZ, "s", "25")),
    ("empty", {"data": ""}, (REG_SZ, "s", "")),
    ("expand", {"type": "expand", "data": "%x%"}, (REG_EXPAND_SZ, "s", "%x%")),
    ("list", {"data": ["a", "b | c"]}, (REG_MULTI_SZ, "as", ["a", "b | c"])),
    ("no list", {"type": "multi", "data": []}, (REG_MULTI_SZ, "as", [])),
    ("number", {"data": 7}, (REG_DWORD, "u", 7)),
    ("number in text", {"type": "dword", "data": "0xFFFFFFFF"}, (REG_DWORD, "u", 0xFFFFFFFF)),
    ("wide", {"data": 2 ** 53 + 1}, (REG_QWORD, "t", 2 ** 53 + 1)),
    ("widest", {"type": "qword", "data": str(2 ** 64 - 1)}, (REG_QWORD, "t", 2 ** 64 - 1)),
    ("long", {"type": "REG_QWORD", "data": 7}, (REG_QWORD, "t", 7)),
    ("big", {"type": "dword-be", "data": 7}, (REG_DWORD_BIG_ENDIAN, "u", 7)),
    ("bytes", {"type": "binary", "data": "00,ff 10"}, (REG_BINARY, "ay", b"\0\xff\x10")),
    ("no bytes", {"type": "binary", "data": ""}, (REG_BINARY, "ay", b"")),
    ("none", {"type": "none", "data": "78"}, (REG_NONE, "ay", b"x")),
    ("link", {"type": "link", "data": r"HKLM\SOFTWARE"}, (REG_LINK, "s", r"HKLM\SOFTWARE")),
    ("other", {"type": "0x4d", "data": "01"}, (0x4d, "ay", b"\1")),
    ("", {"data": "the default value"}, (REG_SZ, "s", "the default value")),
    ("@", {"data": "of that name"}, (REG_SZ, "s", "of that name")),
]


@test
def every_type_is_set_once():
    with Registry() as registry:
        play = Play(registry)
        results = run_each_way(play, registry, *(value(name, **given) for name, given, _ in VALUES))
        for (name, _, expected), result in zip(VALUES, results):
            equal((name, registry.client.get(KEY, name)), (name, expected))
            check(result["changed"], f"{name}: it is new")
        equal([each["data"] for each in results[8:10]], [2 ** 53 + 1, 2 ** 64 - 1])
        comments = [each["comment"] for each in registry.client.call("GetHistory", "sa{sv}", KEY, options())]
        equal(set(comments), {"ansible: the play: regd.registry.value"})


@test
def a_change_is_shown_before_it_is_made():
    with Registry() as registry:
        play = Play(registry)
        registry.client.set(KEY, "Port", REG_DWORD, 25)
        changed, = run_each_way(play, registry, value("Port", "26"))
        equal(changed["diff"], {"before_header": f"{KEY}: Port", "after_header": f"{KEY}: Port",
                                "before": {"state": "present", "type": "dword", "data": 25},
                                "after": {"state": "present", "type": "dword", "data": 26}})
        equal(registry.client.get(KEY, "Port"), (REG_DWORD, "u", 26))
        changed, = run_each_way(play, registry, value("Port", "26", type="sz"))
        equal((changed["changed"], registry.client.get(KEY, "Port")), (True, (REG_SZ, "s", "26")))
        gone, = run_each_way(play, registry, absent("Port"))
        equal((gone["changed"], gone["diff"]["after"]), (True, {"state": "absent"}))
        registry.client.refused("ValueNotFound", "GetValue", "ss", KEY, "Port")
        equal([each["changed"] for each in run_each_way(play, registry, absent("Port"))], [False])
        deeper = {"value": {"key": KEY + r"\A key with blanks", "name": "a name", "data": "x"}}
        equal(run_each_way(play, registry, deeper)[0]["changed"], True)
        equal(registry.client.get(KEY + r"\A key with blanks", "A Name"), (REG_SZ, "s", "x"))


@test
def a_path_may_have_slashes_between_its_names():
    with Registry() as registry:
        slashes = "/" + KEY.replace("\\", "/")
        odd = {"key": KEY + r"\a/b", "name": "/n", "data": "x"}
        results = run_each_way(Play(registry), registry, {"value": {"key": slashes, "name": "a/b", "data": 1}}, {"value": odd},
                               {"key": {"key": slashes + "/Link", "link": slashes}}, {"acl": {"key": slashes, "entries": {"everyone": "read"}}})
        equal([each["key"] for each in results], [KEY, odd["key"], KEY + r"\Link", KEY])
        equal((registry.client.get(KEY, "a/b")[2], registry.client.get(odd["key"], "/n")[2], registry.client.acl(KEY)[1]),
              (1, "x", [("everyone", "read")]))
        equal(registry.client.info(KEY + r"\Link", no_follow=True)["link"], KEY.replace("HKLM", "HKEY_LOCAL_MACHINE"))
        told, = Play(registry).run({"facts": {"keys": [slashes]}})
        equal(list(told["ansible_facts"]["regd"]["tree"]), [KEY])


@test
def history_has_the_task_or_a_comment():
    with Registry() as registry:
        play = Play(registry)
        play.run(value("a", "1") | {"name": "The {{ 'first' }}"}, value("b", "2", comment="by hand"), name="A play")
        comments = [each["comment"] for each in registry.client.call("GetHistory", "sa{sv}", KEY, options())]
        equal(comments, ["by hand", "ansible: A play: The first"])


WRONG = [
    ("type", {"type": "word", "data": "x"}, "word: no type. Types are none, sz"),
    ("truth", {"data": True}, "put text into quotes, write 0 or 1"),
    ("fraction", {"data": 1.5}, "neither a truth value nor a fraction"),
    ("no number", {"type": "dword", "data": "ten"}, "is a number, in decimal or with 0x"),
    ("negative", {"type": "dword", "data": -1}, "is a number, in decimal or with 0x"),
    ("too wide", {"type": "dword", "data": 2 ** 32}, "at most 32 bits: use qword"),
    ("far too wide", {"type": "qword", "data": 2 ** 64}, "no type holds such a number"),
    ("list", {"type": "sz", "data": ["a"]}, "for several strings use multi"),
    ("half a byte", {"type": "binary", "data": "abc"}, "pairs of hexadecimal digits"),
    ("number of bytes", {"type": "binary", "data": 10}, "pairs of hexadecimal digits"),
    ("empty string", {"type": "multi", "data": ["a", ""]}, "Acme"),
    ("no data", {}, "state is present but all of the following are missing: data"),
    ("no key", {"data": "x", "key": "Software"}, "Software"),
    ("slashes without the first", {"data": "x", "key": "HKLM/SOFTWARE/Acme"}, "(/HKLM/SOFTWARE/Acme)"),
]


@test
def what_is_no_value_is_refused():
    with Registry() as registry:
        play = Play(registry)
        tasks = [value("x", **{"data": None} | given) | {"ignore_errors": True} for _, given, _ in WRONG]
        for task in tasks:
            task["value"] = {name: told for name, told in task["value"].items() if told is not None}
        for checking in (True, False):
            for (name, _, expected), result in zip(WRONG, play.run(*tasks, check=checking), strict=True):
                contains(result.get("msg", f"{name}: not refused"), expected)
        registry.client.refused("KeyNotFound", "ListKeys", "s", KEY)


@test
def a_precondition_that_does_not_hold_is_a_clear_failure():
    with Registry() as registry:
        play = Play(registry)
        registry.client.set(KEY, "Port", REG_DWORD, 25)
        equal([each["changed"] for each in run_each_way(play, registry, value("Port", 26, expect=25))], [True])
        before = registry.client.revision
        for checking in (True, False):
            failed, = play.run(value("Port", 27, expect=25), failing=True, check=checking)
            equal((failed["error"], failed["msg"]),
                  ("Conflict", f"{KEY}: Port: nothing was changed, because the task expects the value to be 25, and it is 26 (dword). "
                               f"`regctl blame '{KEY}' 'Port'` shows who has set it; correct the value or the expectation."))
            failed, = play.run(value("Port", 27, expect_absent=True), failing=True, check=checking)
            contains(failed["msg"], "to be absent, and it is 26 (dword)")
        equal((registry.client.revision, registry.client.get(KEY, "Port")), (before, (REG_DWORD, "u", 26)))


@test
def an_unreachable_regd_is_a_clear_failure():
    with Registry() as registry:
        play = Play(registry)
        registry.stop()
        failed, = play.run(value("a", "b"), failing=True)
        contains(failed["msg"], "systemctl start regd")
        failed, = play.run(value("a", "b", bus="unix:path=/nowhere"), failing=True)
        contains(failed["msg"], "/nowhere")
        registry.start()


# ---- keys and access lists ----

@test
def keys_come_and_go():
    with Registry() as registry:
        play = Play(registry)
        made, = run_each_way(play, registry, {"key": {"key": KEY + r"\With blanks"}})
        equal((made["changed"], made["diff"]["after"]), (True, f"[{KEY}\\With blanks]\n"))
        linked, = run_each_way(play, registry, {"key": {"key": r"HKLM\SOFTWARE\Link", "link": KEY}})
        equal((linked["changed"], registry.client.info(r"HKLM\SOFTWARE\Link", no_follow=True)["link"]), (True, PATH))
        failed, = play.run({"key": {"key": r"HKLM\SOFTWARE\Link", "link": KEY + "2"}}, failing=True)
        contains(failed["msg"], "leads elsewhere")
        run_each_way(play, registry, {"key": {"key": KEY + r"\Run", "volatile": True}})
        equal(registry.client.info(KEY + r"\Run")["volatile"], True)
        for checking in (True, False):
            failed, = play.run({"key": {"key": KEY, "state": "absent"}}, failing=True, check=checking)
            equal(failed["error"], "KeyNotEmpty")
        equal(run_each_way(play, registry, {"key": {"key": r"HKLM\SOFTWARE\Link", "state": "absent"}})[0]["changed"], True)
        registry.client.set(KEY, "Port", REG_DWORD, 25)
        gone, = run_each_way(play, registry, {"key": {"key": KEY, "state": "absent", "recursive": True}})
        equal(gone["diff"]["before"], f'[{PATH}]\n"Port" = dword: 25\n[{PATH}\\Run]\n[{PATH}\\With blanks]\n')
        registry.client.refused("KeyNotFound", "ListKeys", "s", KEY)


@test
def access_lists_are_compared_by_what_they_mean():
    with Registry() as registry:
        play = Play(registry)
        task = {"acl": {"key": KEY, "entries": {"everyone": "none", "user:games": "write", "group:0": "control"}}}
        tried, = play.run(task, check=True)
        equal((tried["changed"], "is not there" in tried["warnings"][0]), (True, True))
        failed, = play.run(task, failing=True)
        equal(failed["error"], "KeyNotFound")
        registry.client.create(KEY)
        done, = run_each_way(play, registry, task)
        equal((done["changed"], done["diff"]["before"], done["entries"]), (True, {}, task["acl"]["entries"]))
        equal(registry.client.acl(KEY)[0], PATH)
        same = {"acl": {"key": KEY, "entries": {"group:root": "control", "user:5": "write", "everyone": "none"}}}
        equal(play.run(same)[0]["changed"], False)
        other, = run_each_way(play, registry, {"acl": {"key": KEY, "entries": {"everyone": "read"}}})
        equal((other["changed"], registry.client.acl(KEY)), (True, (PATH, [("everyone", "read")])))
        for wrong in ({"everyone": "all"}, {"nobody:x": "read"}, {"user:no such user": "read"}, {}):
            failed, = play.run({"acl": {"key": KEY, "entries": wrong}}, failing=True)
            equal(failed["error"], "InvalidValue")
        equal(run_each_way(play, registry, {"acl": {"key": KEY, "state": "absent"}})[0]["entries"], {})
        equal(registry.client.acl(KEY)[0], "HKEY_LOCAL_MACHINE")


# ---- facts ----

@test
def facts_are_what_is_there():
    with Registry() as registry:
        play = Play(registry)
        registry.client.set(KEY, "Port", REG_DWORD, 25)
        registry.client.set(KEY + r"\Sub", "Bytes", REG_BINARY, b"\1\2")
        single, = play.run({"facts": {"keys": [KEY, KEY + r"\None"]}})
        equal(single["ansible_facts"]["regd"],
              {"version": registry.client.get_property("Version"), "revision": 3, "read_only": False,
               "tree": {KEY: {"Port": {"type": "dword", "data": 25}}}})
        whole, = play.run({"facts": {"keys": [KEY], "recursive": True}}, check=True)
        equal(whole["ansible_facts"]["regd"]["tree"][KEY + r"\Sub"], {"Bytes": {"type": "binary", "data": "0102"}})
        used = play.run({"facts": {"keys": [KEY]}},
                        value("Copy", "{{ ansible_facts.regd.tree[place].Port.data }}", type="dword") | {"vars": {"place": KEY}})
        equal((used[1]["changed"], registry.client.get(KEY, "Copy")), (True, (REG_DWORD, "u", 25)))


main()
