# SPDX-License-Identifier: MIT
"""Keys, names and paths: roots and their spellings, what is a path and what is
not, limits, case, order, what a new database holds."""

from harness.bus import ALICE, needs_root
from harness.case import check, each, equal, main, test
from harness.registry import NO_TYPE, REG_DWORD, REG_SZ, SOFTWARE, Registry, operation_list, options, variant

ROOTS = {"HKLM": "HKEY_LOCAL_MACHINE", "HKU": "HKEY_USERS", "HKCU": "HKEY_CURRENT_USER",
         "HKCR": "HKEY_CLASSES_ROOT", "HKCC": "HKEY_CURRENT_CONFIG"}
TEXT = variant("x")


def calls_with(key):
    """(member, signature, arguments) of every call that takes a key, with this one."""
    return [
        ("GetValue", "ss", key, "n"),
        ("ListValues", "s", key),
        ("GetKeyInfo", "sa{sv}", key, options()),
        ("ReadTree", "sa{sv}", key, options()),
        ("ReadValues", "sa{sv}", key, options()),
        ("SetValue", "ssuv", key, "n", REG_SZ, TEXT),
        ("DeleteValue", "ss", key, "n"),
        ("CreateKey", "sa{sv}", key, options()),
        ("DeleteKey", "sa{sv}", key, options()),
        ("RenameKey", "ss", key, "New"),
        ("CopyKey", "ss", key, SOFTWARE + "\\Copy"),
        ("CopyKey", "ss", SOFTWARE, key),
        ("Watch", "sa{sv}", key, options()),
        ("GetAcl", "s", key),
        ("Describe", "ss", key, "n"),
        ("Validate", "s", key),
        *[("Commit", "a(sssuv)a{sv}", operation_list([operation]), options()) for operation in [
            ("set-value", key, "n", REG_SZ, "x"), ("delete-value", key, "n"), ("create-key", key),
            ("delete-key", key), ("delete-tree", key), ("rename-key", key, "New"),
            ("create-link", key, "", 0, SOFTWARE), ("expect-value", key, "n", REG_SZ, "x"),
            ("expect-absent", key, "n"), ("expect-absent", key, "", NO_TYPE),
            ("expect-revision", key, "", 0, ("t", 1))]],
    ]


@test
def the_empty_path_stands_above_the_roots():
    with Registry() as registry:
        equal(sorted(registry.client.keys("")), sorted(ROOTS.values()))
        each(calls_with(""), lambda *call: registry.client.refused("InvalidPath", *call))


@test
def roots_are_known_by_both_names_in_any_case():
    with Registry() as registry:
        registry.client.set(r"HKCU\Software", "n", REG_SZ, "x")
        for short, long in ROOTS.items():
            expected = registry.client.keys(long)
            for spelling in [short, short.lower(), short.title(), long.lower(), long.title(), long + "\\"]:
                equal(registry.client.keys(spelling), expected, spelling)


@test
def what_is_no_path_is_refused_by_every_call():
    wrong = ["\\HKLM", "\\", "HKLM\\\\SOFTWARE", "HKLM\\SOFTWARE\\\\", "HKLM\\\\", "HKLM\\SOFTWARE\\A\\\\B",
             "HKEY_NOWHERE", "HKEY_NOWHERE\\X", "SOFTWARE\\X", "HKLM/SOFTWARE", " HKLM", "HKLM \\X",
             "HKLM\\SOFTWARE\\a\x01b", "HKLM\\SOFTWARE\\\x1f", "HKLM\\SOFTWARE\\a\nb", "HKLM\\a\tb\\c"]
    with Registry() as registry:
        before = registry.client.revision
        for path in wrong:
            each(calls_with(path), lambda *call: registry.client.refused("InvalidPath", *call))
            registry.client.refused("InvalidPath", "ListKeys", "s", path)
        equal(registry.client.revision, before)


@test
def one_trailing_backslash_is_ignored():
    with Registry() as registry:
        registry.client.set(SOFTWARE + "\\Acme\\", "n", REG_SZ, "x")
        equal(registry.client.get(SOFTWARE + "\\Acme", "n"), (REG_SZ, "s", "x"))
        equal(registry.client.info("HKLM\\SOFTWARE\\Acme\\")["path"], SOFTWARE + "\\Acme")


@test
def ordinary_characters_in_names():
    names = ["a/b", "a b", " lead", "trail ", "a.b", "*", "%PATH%", "[x]", "\"q\"", "\x7f", "@", "é", "日本", "😀",
             "a\u0301", "\u00a0", ";", "-", "ı"]
    with Registry() as registry:
        for name in names:
            registry.client.create(f"{SOFTWARE}\\Names\\{name}")
            registry.client.set(f"{SOFTWARE}\\Names\\{name}", name, REG_SZ, name)
        registry.client.set(SOFTWARE + "\\Names", "line\nfeed\t\x01", REG_SZ, "only key names hold no control character")
        equal(registry.client.get(SOFTWARE + "\\Names", "LINE\nfeed\t\x01")[0], REG_SZ)
        for name in names:
            equal(registry.client.get(f"{SOFTWARE}\\Names\\{name}", name), (REG_SZ, "s", name), name)
        equal(sorted(registry.client.keys(SOFTWARE + "\\Names")), sorted(names))


@test
def lengths_of_names_count_utf16_units():
    key = SOFTWARE + "\\"
    grin = "\U0001F600"  # two units
    allowed = ["k" * 255, grin * 127 + "k", "é" * 255]
    too_long = ["k" * 256, grin * 128, "é" * 256]
    with Registry() as registry:
        client = registry.client
        each(allowed, lambda name: client.create(key + name))
        each(too_long, lambda name: client.refused("LimitExceeded", "CreateKey", "sa{sv}", key + name, options()))
        each(too_long, lambda name: client.refused("LimitExceeded", "GetKeyInfo", "sa{sv}", key + name, options()))
        each(too_long, lambda name: client.refused("LimitExceeded", "RenameKey", "ss", key + "é" * 255, name,
                                                 naming=key))
        each([("v" * 16383,), (grin * 8191 + "v",)], lambda name: client.set(key + "Values", name, REG_SZ, "x"))
        equal(client.get(key + "Values", "V" * 16383), (REG_SZ, "s", "x"))
        each([("v" * 16384,), (grin * 8192,)],
             lambda name: client.refused("LimitExceeded", "SetValue", "ssuv", key + "Values", name, REG_SZ, TEXT,
                                         naming=key + "Values"))
        client.refused("LimitExceeded", "GetValue", "ss", key + "Values", "v" * 16384, naming=key + "Values")


@test
def depth_ends_at_512():
    with Registry() as registry:
        deep = "HKLM" + "\\SOFTWARE" + "\\d" * 510  # 511 components below the root
        registry.client.set(deep, "n", REG_SZ, "x")
        equal(registry.client.get(deep, "n"), (REG_SZ, "s", "x"))
        too_deep = "HKLM" + "\\SOFTWARE" + "\\d" * 512
        registry.client.refused("LimitExceeded", "CreateKey", "sa{sv}", too_deep, options())
        registry.client.refused("LimitExceeded", "GetValue", "ss", too_deep, "n")


@test
def a_rename_or_copy_can_not_lead_past_the_depth():
    with Registry() as registry:
        client = registry.client
        client.create(SOFTWARE + "\\Source" + "\\s" * 300)
        client.create(SOFTWARE + "\\Target" + "\\t" * 300)
        before = client.revision
        client.refused("LimitExceeded", "CopyKey", "ss", SOFTWARE + "\\Source",
                       SOFTWARE + "\\Target" + "\\t" * 300 + "\\Copy")
        equal(client.revision, before)


SAME = [("abc", "ABC"), ("é", "É"), ("ÿ", "Ÿ"), ("σ", "Σ"), ("ς", "Σ"), ("ǆ", "ǅ"), ("я", "Я"), ("ω", "Ω"),
        ("ſ", "S"), ("𐐨", "𐐀")]
DIFFERENT = [("ß", "SS"), ("é", "e\u0301"), ("ﬁ", "FI"), ("a", "á"), ("İ", "i"), ("a", "ａ")]


@test
def names_compare_without_regard_to_case():
    def same(one, other):
        equal(client.create(f"{key}\\{one}")[1], True)
        equal(client.create(f"{key}\\{other}")[1], False)
        equal(client.info(f"{key}\\{other}")["path"], f"{key}\\{one}")
        client.set(key, one, REG_SZ, "first")
        client.set(key, other, REG_SZ, "second")
        equal(client.values(key), [(one, REG_SZ, "second")])
        client.unset(key, other)
        client.delete(f"{key}\\{other}")

    def different(one, other):
        equal(client.create(f"{key}\\{one}")[1], True)
        equal(client.create(f"{key}\\{other}")[1], True)
        client.set(key, one, REG_SZ, "first")
        client.set(key, other, REG_SZ, "second")
        equal(client.values(key), [(one, REG_SZ, "first"), (other, REG_SZ, "second")])
        client.delete(key, recursive=True)

    with Registry() as registry:
        client, key = registry.client, SOFTWARE + "\\Case"
        client.create(key)
        each(SAME, same)
        each(DIFFERENT, different)


@test
def names_keep_the_spelling_they_were_created_with():
    with Registry() as registry:
        client = registry.client
        client.set(r"hklm\software\MiXed\Sub", "NaMe", REG_SZ, "1")
        client.set(r"HKLM\SOFTWARE\mixed\SUB", "NAME", REG_DWORD, 2)
        equal(client.tree(r"HKLM\Software\MIXED")[1],
              [(SOFTWARE + r"\MiXed", []), (SOFTWARE + r"\MiXed\Sub", [("NaMe", REG_DWORD, 2)])])


@test
def sub_keys_come_in_the_order_of_their_upper_cased_names():
    expected = ["1", "a", "B", "b1", "Z", "_", "É", "ß", "日"]  # É is U+00C9, ß keeps U+00DF
    with Registry() as registry:
        for name in ["_", "ß", "Z", "b1", "日", "B", "É", "a", "1"]:
            registry.client.create(f"{SOFTWARE}\\Order\\{name}")
        equal(registry.client.keys(SOFTWARE + "\\Order"), expected)
        equal([path.rpartition("\\")[2] for path, _ in registry.client.tree(SOFTWARE + "\\Order")[1][1:]], expected)
        registry.client.call("RenameKey", "ss", SOFTWARE + "\\Order\\a", "zz")
        equal(registry.client.keys(SOFTWARE + "\\Order"), ["1", "B", "b1", "Z", "zz", "_", "É", "ß", "日"])


@test
def values_come_in_the_order_of_creation():
    with Registry() as registry:
        client, key = registry.client, SOFTWARE + "\\Order"
        for name in ["z", "", "a", "M"]:
            client.set(key, name, REG_SZ, name)
        client.set(key, "Z", REG_SZ, "again")
        equal([name for name, _, _ in client.values(key)], ["z", "", "a", "M"])
        client.unset(key, "z")
        client.set(key, "z", REG_SZ, "anew")
        equal([name for name, _, _ in client.values(key)], ["", "a", "M", "z"])
        registry.restart()
        equal([name for name, _, _ in client.values(key)], ["", "a", "M", "z"])


@test
def the_empty_name_is_the_default_value():
    with Registry() as registry:
        registry.client.set(SOFTWARE + "\\Acme", "", REG_SZ, "default")
        equal(registry.client.get(SOFTWARE + "\\Acme", ""), (REG_SZ, "s", "default"))
        equal(registry.client.values(SOFTWARE + "\\Acme"), [("", REG_SZ, "default")])


@test
def a_new_database_holds_what_it_should():
    local = "HKEY_LOCAL_MACHINE\\"
    there = [local + path for path in [r"SYSTEM\ControlSet001\Hardware Profiles\Current", r"SYSTEM\ControlSet001\Services",
                                       r"SOFTWARE\Classes", "SAM", "SECURITY"]] + [r"HKEY_USERS\.DEFAULT"]
    links = {local + r"SYSTEM\CurrentControlSet": local + r"SYSTEM\ControlSet001",
             local + "CurrentControlSet": local + r"SYSTEM\CurrentControlSet"}
    with Registry() as registry:
        each(there, lambda key: equal(registry.client.info(key)["path"], key))
        each(list(links.items()), lambda key, target: equal(registry.client.info(key, no_follow=True)["link"], target))
        equal(registry.client.info(local + r"CurrentControlSet\Services")["path"],
              local + r"SYSTEM\ControlSet001\Services")
        equal(registry.client.keys("HKU"), [".DEFAULT"])


@test
def class_root_and_current_config_lead_elsewhere():
    profile = r"HKEY_LOCAL_MACHINE\SYSTEM\ControlSet001\Hardware Profiles\Current"
    with Registry() as registry:
        registry.client.set(r"HKCR\.txt", "", REG_SZ, "txtfile")
        equal(registry.client.get(SOFTWARE + r"\Classes\.txt", ""), (REG_SZ, "s", "txtfile"))
        registry.client.set(r"HKCC\Display", "dpi", REG_DWORD, 96)
        equal(registry.client.get(profile + r"\Display", "dpi"), (REG_DWORD, "u", 96))
        equal(registry.client.info("HKCR")["path"], SOFTWARE + r"\Classes")
        equal(registry.client.info("HKCC")["path"], profile)


@test
def current_user_is_each_callers_own():
    needs_root()
    with Registry() as registry:
        alice = registry.connect(uid=ALICE)
        alice.refused("KeyNotFound", "ListKeys", "s", "HKCU")
        equal(registry.client.keys("HKU"), [".DEFAULT"])
        alice.set(r"HKCU\Software\Acme", "who", REG_SZ, "alice")
        registry.client.set(r"HKCU\Software\Acme", "who", REG_SZ, "root")
        equal(alice.get(r"HKCU\Software\Acme", "who"), (REG_SZ, "s", "alice"))
        equal(alice.info("HKCU")["path"], f"HKEY_USERS\\{ALICE}")
        equal(registry.client.get(f"HKU\\{ALICE}\\Software\\Acme", "who"), (REG_SZ, "s", "alice"))
        equal(registry.client.keys("HKU"), [".DEFAULT", "0", str(ALICE)])


@test
def the_slash_is_an_ordinary_character():
    with Registry() as registry:
        registry.client.create(SOFTWARE + "\\text/plain\\a/b")
        equal(registry.client.keys(SOFTWARE + "\\text/plain"), ["a/b"])
        check("text/plain" in registry.client.keys(SOFTWARE), "the key is listed by its name")


main()
