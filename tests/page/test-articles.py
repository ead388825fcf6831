# SPDX-License-Identifier: MIT
"""Both articles in the page, from their start to their end: by the keyboard only, where each stop shows the focus
and no step loses it, and by the mouse only. Q197059 makes the membership decide, as the article tells (two values)
and by its button, on trial with Keep and with Undo now; Q255269 repairs the account database and fills it again."""

import poplib
from contextlib import suppress

from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from harness.bus import wait_until
from harness.case import check, equal, main, test
from harness.mail import ACCOUNTS, BROKERS, STORE, MailServer
from harness.page import Stage
from harness.registry import REG_SZ, Refused

stage = Stage()
servers = []
ROUTE = ("registry", *STORE.split("\\"))


def open_page(*route):
    """The mail server with native accounts that decide, and the page loaded anew: nothing has the focus."""
    if not servers:
        servers.append(stage.stack.enter_context(MailServer(stage.registry)))
        stage.client.set(BROKERS + "\\3", "Type", REG_SZ, "sqlite")
        stage.client.set(BROKERS + "\\3", "Database", REG_SZ, str(servers[0].directory / "members.db"))
        servers[0].add_account("anna", "sesame")
    for name in ("MBS Package", "MBS Broker", "MSB Broker"):
        with suppress(Refused):
            stage.client.unset(STORE, name)
    stage.page.driver.get("about:blank")
    stage.page.go(*route)
    stage.page.wait_for_text("Because" if route == ("mail",) else "Name")
    return stage.page


def log_in(name, password):
    """Whether the server let them in."""
    with servers[0].pop3() as client, suppress(poplib.error_proto):
        client.user(name)
        client.pass_(password)
        return True
    return False


def settings():
    return {name: data for name, _, data in stage.client.values(STORE)}


def decided_by(text):
    stage.page.wait_for_text(text, "region", "Decision")


# ---- by the keyboard ----

def press(*keys):
    stage.page.press(*keys)


def add_value(page, name, data):
    """From wherever the focus is: New value, its form, Save; the focus is back at the button."""
    page.tab_to("button", "New value")
    press(Keys.ENTER)
    page.find("dialog", "New value")
    page.wait_for_focus("textbox", "Name")
    press(name, Keys.TAB, data)  # into a field, or a choice if the schema is known by then
    page.tab_to("button", "Save")
    press(Keys.ENTER)
    page.wait_gone("dialog")
    page.wait_for_focus("button", "New value")
    page.wait_for_text(data, "row", name)


@test
def q197059_by_keyboard_as_the_article_tells_it():
    page = open_page("registry", "HKLM")
    page.tab_to("combobox", "Path")
    press("HKEY_LOCAL_MACHINE\\CurrentControlSet\\Services\\MSExchangeIS\\ParametersSystem", Keys.ENTER)
    page.wait(lambda: page.driver.current_url.endswith("ParametersSystem"), "the key to be open")
    page.check_focus("after the path")
    add_value(page, "MBS Package", "MBS_BASIC")
    add_value(page, "MSB Broker", "3")
    equal({name: data for name, data in settings().items() if name.startswith("M")}, {"MBS Package": "MBS_BASIC", "MSB Broker": "3"})
    check(not log_in("anna", "sesame"), "a native password is let in")
    page.tab_to("tab", "Registry")
    press(Keys.ARROW_LEFT)  # round to the last one
    page.wait_for_focus("tab", "Mail")
    decided_by("the membership, broker 3")


def end_trial_by_keyboard(page, button):
    """The button goes with the trial, and hands its focus on."""
    page.tab_to("button", button)
    press(Keys.ENTER)
    page.wait_gone("status", "On trial")
    page.wait(lambda: page.focused().tag_name != "body", "the focus to be handed on")
    page.check_focus(f"after {button}")


@test
def q197059_by_keyboard_on_trial_and_taken_back():
    page = open_page("mail")
    page.tab_to("button", "Membership decides")
    press(Keys.ENTER)
    page.find("dialog", "Membership decides")
    page.wait_for_focus("combobox", "Broker")
    press("3")
    page.tab_to("spinbutton", "Minutes")
    press("5")
    page.tab_to("button", "Save on trial")
    press(Keys.ENTER)
    page.find("status", "On trial")
    page.wait_for_focus("button", "Membership decides")
    decided_by("the membership, broker 3")
    end_trial_by_keyboard(page, "Undo now")
    decided_by("native accounts (SAM)")
    check(log_in("anna", "sesame"), "anna is refused")


@test
def q197059_by_keyboard_on_trial_and_kept_and_back():
    page = open_page("mail")
    page.tab_to("button", "Membership decides")
    press(Keys.ENTER)
    page.wait_for_focus("combobox", "Broker")
    page.tab_to("button", "Save on trial")
    press(Keys.SPACE)
    page.find("status", "On trial")
    end_trial_by_keyboard(page, "Keep")
    equal((settings()["MBS Package"], settings()["MBS Broker"]), ("MBS_BASIC", "3"))
    page.tab_to("button", "Native accounts decide")
    press(Keys.ENTER)
    page.wait_for_focus("button", "Native accounts decide", within=page.find("dialog"))
    press(Keys.ENTER)
    page.wait_gone("dialog")
    decided_by("native accounts (SAM)")
    page.wait_for_focus("button", "Repair")  # that of native accounts has gone


@test
def q255269_by_keyboard():
    page = open_page("mail")
    stage.client.delete("HKLM\\SAM", recursive=True)
    check(not log_in("anna", "sesame"), "nobody's account is let in")
    page.wait_for_text("accounts-missing", "grid", "Events")
    page.tab_to("button", "Repair")
    press(Keys.ENTER)
    page.find("dialog", "Repair")
    press(Keys.ESCAPE)  # first not, then all the same
    page.wait_gone("dialog")
    page.wait_for_focus("button", "Repair")
    press(Keys.ENTER)
    page.find("dialog", "Repair")
    press(Keys.ENTER)
    page.wait_gone("dialog")
    page.wait_for_focus("button", "Repair")
    page.wait(lambda: page.find("button", "Add account").is_enabled(), "the accounts to be there")
    page.tab_to("button", "Add account")
    press(Keys.ENTER)
    page.wait_for_focus("textbox", "Name")
    press("anna", Keys.TAB, "sesame", Keys.ENTER)
    page.wait_gone("dialog")
    page.wait_for_focus("button", "Add account")
    wait_until(lambda: log_in("anna", "sesame"), "anna to be let in")
    remove_account_by_keyboard(page)


def remove_account_by_keyboard(page):
    """What the row was is handed on when it is gone."""
    page.tab_to("button", "Add account")
    press(Keys.ENTER)
    page.wait_for_focus("textbox", "Name")
    press("berta", Keys.TAB, "open", Keys.ENTER)
    page.wait_gone("dialog")
    page.tab_to("grid", "Accounts")
    page.wait(lambda: page.run("return document.querySelector('[aria-label=Accounts] [aria-selected=true]')?.ariaLabel") == "berta"
              or press(Keys.ARROW_DOWN), "berta to be chosen")
    page.tab_to("button", "Test")  # and round: the buttons stand before the grid
    page.tab_to("button", "Remove")
    press(Keys.ENTER)
    page.find("dialog", "Remove berta")
    press(Keys.ENTER)
    page.wait_gone("dialog")
    wait_until(lambda: stage.client.keys(ACCOUNTS) == ["anna"], "berta to be gone")
    page.wait(lambda: page.focused().tag_name != "body", "the focus to be handed on")
    page.check_focus("after Remove")


@test
def what_is_drawn_anew_keeps_the_focus():
    page = open_page("mail")
    page.tab_to("DisclosureTriangle")
    before = page.text_of(page.find("grid", "Events")).count("logged in")
    for _ in range(2):
        check(log_in("anna", "sesame"), "anna is refused")
    page.wait(lambda: page.text_of(page.find("grid", "Events")).count("logged in") == before + 2, "the logins to be shown")
    page.wait(lambda: page.focused().tag_name != "body", "the focus to be back")
    equal(page.focused().tag_name, "summary")


# ---- by the mouse ----

def open_in_tree(page, *names):
    """By the signs before the names, level by level."""
    def open_level(name):
        item = page.find("treeitem", name)
        if item.get_attribute("aria-expanded") != "true":
            item.find_element("css selector", ".twist").click()
        return True

    def is_open(name):
        return page.find("treeitem", name).get_attribute("aria-expanded") == "true"

    for name in names[:-1]:
        page.wait(lambda name=name: open_level(name), name)
        page.wait(lambda name=name: is_open(name), f"{name} to be open")
    page.click("treeitem", names[-1])


@test
def q197059_by_mouse():
    page = open_page("registry", "HKLM")
    page.click("tab", "Mail")
    page.click("button", "Membership decides")
    dialog = page.find("dialog", "Membership decides")
    Select(page.find("combobox", "Broker", within=dialog)).select_by_value("3")
    page.click("button", "Save on trial", dialog)
    page.find("status", "On trial")
    decided_by("the membership, broker 3")
    page.click("button", "Undo now")
    decided_by("native accounts (SAM)")
    page.click("button", "Membership decides")
    page.click("button", "Save", page.find("dialog", "Membership decides"))
    decided_by("the membership, broker 3")
    page.click("tab", "Registry")
    open_in_tree(page, "HKEY_LOCAL_MACHINE", "SYSTEM", "CurrentControlSet", "Services", "MSExchangeIS", "ParametersSystem")
    for name in ("MBS Package", "MBS Broker"):
        page.wait(lambda name=name: page.find("row", name).get_attribute("aria-selected") == "true" or page.click("row", name), f"{name} to be chosen")
        page.click("button", "Delete")
        page.click("button", "Delete", page.find("dialog", f"Delete {name}"))
        page.wait_gone("dialog")
    equal(settings(), {})
    check(log_in("anna", "sesame"), "anna is refused")


@test
def q255269_by_mouse():
    page = open_page("mail")
    stage.client.delete("HKLM\\SAM", recursive=True)
    check(not log_in("anna", "sesame"), "nobody's account is let in")
    page.click("button", "Repair")
    page.click("button", "Repair", page.find("dialog", "Repair"))
    page.wait_gone("dialog")
    equal(stage.client.keys(ACCOUNTS), [])
    page.wait_for_text("Nothing is wrong", "region", "Problems")


@test
def the_page_has_told_its_console_nothing():
    equal([line for line in stage.page.messages() if "po.js" not in line], [])


main()
