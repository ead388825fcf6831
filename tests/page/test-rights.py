# SPDX-License-Identifier: MIT
"""The page as an ordinary user sees it: limited, with the reason at each button; refused in regd's words;
and as an administrator for those whom polkit lets."""

from harness.bus import ALICE, needs_root
from harness.case import check, contains, equal, main, test
from harness.page import Stage
from harness.polkitd import Polkitd
from harness.registry import REG_DWORD, REG_SZ, SOFTWARE

KEY = SOFTWARE + "\\Acme"
SECRETS = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\MBS\\Instances\\7"
LET_ALICE = """polkit.addRule(function(action, subject) {
  return subject.user == "games" ? polkit.Result.YES : polkit.Result.NO;
});"""

stage = Stage(uid=ALICE)


def open_page(*route):
    needs_root()
    stage.client.set(KEY, "Port", REG_DWORD, 25)
    stage.page.go(*route)
    return stage.page


def description_of(page, name):
    """What a screen reader says of a button besides its name."""
    return next(node["description"]["value"] for node in page.nodes("button", name))


@test
def buttons_that_would_be_refused_say_why():
    page = open_page("registry", "HKLM", "SOFTWARE", "Acme")
    page.wait_for_text("Limited access")
    page.wait_for_text("25", "row", "Port")
    page.click("row", "Port")
    for name in ("New value", "Edit", "Delete", "New key"):
        check(not page.find("button", name).is_enabled(), f"{name} is enabled")
        contains(description_of(page, name), "you have the right read")


@test
def one_s_own_keys_are_one_s_own():
    page = open_page("registry", "HKCU")
    page.wait(lambda: page.find("button", "New value").is_enabled(), "New value to be enabled")
    page.click("button", "New value")
    page.type("textbox", "Name", "Mine")
    page.type("textbox", "Data", "yes")
    page.click("button", "Save")
    page.wait_for_text("yes", "row", "Mine")
    equal(stage.client.get(f"HKU\\{ALICE}", "Mine")[2], "yes")
    stage.client.set(f"HKU\\{ALICE}", "Mine", REG_SZ, "changed")
    page.wait_for_text("changed", "row", "Mine")


@test
def a_refusal_is_told_in_regd_s_words():
    page = open_page("registry", "HKLM", "SAM")
    page.wait_for_text("HKEY_LOCAL_MACHINE\\SAM", "alert")
    page.click("button", "Ask for more")
    page.wait(lambda: any("everyone" in page.text_of(alert) or "control" in page.text_of(alert) for alert in page.look("alert")), "the refusal")
    page.find("button", "Ask for more")


@test
def a_secret_is_never_in_the_page():
    needs_root()
    stage.client.set(SECRETS, "Type", REG_SZ, "ldap")
    stage.client.set(SECRETS, "Bind Password", REG_SZ, "hunter2hunter2")
    stage.client.set_acl(SECRETS, (f"user:{ALICE}", "control"))
    page = open_page("registry", "HKLM", "SYSTEM", "CurrentControlSet", "Services", "MBS", "Instances", "7")
    page.wait_for_text("(secret)", "row", "Bind Password")
    page.wait_for_text("secret", "row", "Bind Password")
    page.click("row", "Bind Password")
    page.click("button", "Edit")
    page.find("dialog", "Edit Bind Password")
    equal(page.run("return document.querySelector('dialog input[type=password]').value"), "")
    page.wait_for_text("never shown", "dialog")
    check("hunter2" not in page.run("return document.documentElement.outerHTML"), "the secret is in the page")
    page.go("history", "HKLM", "SYSTEM", "CurrentControlSet", "Services", "MBS", "Instances", "7")
    page.wait_for_text("Bind Password", "list", "Revisions")
    check("hunter2" not in page.run("return document.documentElement.outerHTML"), "the secret is in the history")


@test
def whom_polkit_lets_is_an_administrator():
    page = open_page("registry", "HKLM", "SOFTWARE", "Acme")
    page.wait_for_text("Limited access")
    with Polkitd(stage.registry.bus, LET_ALICE):
        page.click("button", "Ask for more")
        page.wait(lambda: page.find("button", "New value").is_enabled(), "New value to be enabled")
        check("Limited access" not in page.text(), "it is still limited")
        page.change_value("Port", "143")
        page.wait_for_text("games", "row", "Port")
    equal(stage.client.get(KEY, "Port")[2], 143)


main()
