# SPDX-License-Identifier: MIT
"""The section Mail of the page in a browser, with a real mailauthd: what decides, what is wrong, who logs in."""

import poplib
from contextlib import suppress

from selenium.webdriver.common.keys import Keys

from harness.bus import wait_until
from harness.case import check, contains, equal, main, test
from harness.mail import ACCOUNTS, BROKERS, PARAMETERS, STORE, MailServer, hash_password
from harness.page import Stage
from harness.registry import REG_DWORD, REG_SZ, Refused

# Notes a tab that is offered before it is known whether there is a mail server.
OFFERED = """new MutationObserver(() => {
    const tab = [...document.querySelectorAll("[role=tab]")].find(({ textContent }) => textContent === "Mail");
    window.wasOffered ||= tab !== undefined && !tab.hidden;
}).observe(document, { subtree: true, childList: true });"""

stage = Stage()
servers = []


def server():
    """The mail server, started for the first test."""
    if not servers:
        servers.append(stage.stack.enter_context(MailServer(stage.registry)))
        servers[0].add_account("anna", "sesame")
        stage.client.set(BROKERS + "\\3", "Type", REG_SZ, "sqlite")
        stage.client.set(BROKERS + "\\3", "Database", REG_SZ, str(servers[0].directory / "members.db"))
    return servers[0]


def open_mail():
    server()
    stage.page.go("mail")
    stage.page.wait_for_text("Because", "region", "Decision")
    return stage.page


def log_in(name, password):
    """Whether the server let them in."""
    with server().pop3() as client, suppress(poplib.error_proto):
        client.user(name)
        client.pass_(password)
        return True
    return False


def settings():
    found = {}
    for name in ("MBS Package", "MBS Broker"):
        with suppress(Refused):
            found[name] = stage.client.get(STORE, name)[2]
    return found


@test
def the_tab_is_there_while_the_service_is():
    page = stage.page
    page.cdp("Page.addScriptToEvaluateOnNewDocument", source=OFFERED)
    page.go("registry", "HKLM")
    page.find("treeitem", "HKEY_LOCAL_MACHINE")
    equal(page.look("tab", "Mail"), [])
    equal(page.run("return window.wasOffered"), False)
    server()
    page.click("tab", "Mail")
    page.wait_for_text("native accounts (SAM)", "region", "Decision")
    contains(page.text_of(page.find("region", "Decision")), f"POP3 127.0.0.1:{server().pop3_port}")
    contains(page.text_of(page.find("region", "Problems")), "Nothing is wrong")
    for name in ("Logins per minute", "Events", "Accounts", "Sessions", "Held back", "Test a login"):
        page.find("region", name)


@test
def logins_show_as_they_come():
    page = open_mail()
    check(log_in("anna", "sesame"), "anna is refused")
    check(not log_in("anna", "wrong"), "a wrong password is let in")
    page.wait_for_text("bad-password", "grid", "Events")
    page.find("img", "Logins per minute")
    page.find("combobox", "Reason").send_keys("bad-password")
    page.wait(lambda: "has logged in" not in page.text_of(page.find("grid", "Events")), "the filter to hold")
    page.type("textbox", "Address", "192.", within=page.find("region", "Events"))
    page.wait(lambda: "bad-password" not in page.text_of(page.find("grid", "Events")), "the filter to hold")
    page.type("textbox", "Address", "", within=page.find("region", "Events"))
    page.find("combobox", "Reason").send_keys("all")
    page.wait_for_text("has logged in", "grid", "Events")
    page.driver.find_element("css selector", "summary").click()
    page.wait(lambda: page.run("return document.querySelector('.chart-table tbody').innerText").split()[-3:] == ["1", "1", "0"], "the table")


@test
def an_account_is_added_changed_and_removed():
    page = open_mail()
    region = page.find("region", "Accounts")
    page.click("button", "Add account")
    page.type("textbox", "Name", "berta", within=page.find("dialog", "Add account"))
    page.press(Keys.TAB, "open it")
    page.click("button", "Save")
    page.find("row", "berta", within=region)
    page.wait_gone("dialog")
    check(log_in("berta", "open it"), "the new account is refused")
    page.click("row", "berta", within=region)
    page.click("button", "Disable")
    page.wait_for_text("disabled", "row", "berta")
    check(not log_in("berta", "open it"), "a disabled account is let in")
    page.click("button", "Enable")
    page.wait_for_text("enabled", "row", "berta")
    page.click("button", "Remove")
    page.click("button", "Remove", within=page.find("dialog", "Remove berta"))
    page.wait(lambda: "berta" not in page.text_of(page.find("grid", "Accounts")), "the account to go")
    equal(stage.client.keys(ACCOUNTS), ["anna"])


@test
def an_app_password_is_shown_once():
    page = open_mail()
    page.click("row", "anna", within=page.find("region", "Accounts"))
    page.click("button", "App passwords")
    page.type("textbox", "Label", "phone")
    page.click("button", "Add")
    page.wait_for_text("shown only now", "dialog")
    password = page.run("return document.querySelector('output').textContent").split(": ")[1]
    check(log_in("anna", password), "the app password is refused")
    page.press(Keys.ESCAPE)
    page.wait_gone("dialog")
    check(password not in page.run("return document.documentElement.outerHTML"), "it is still in the page")
    stage.client.delete(ACCOUNTS + "\\anna\\Passwords", recursive=True)


@test
def a_login_is_tested_step_by_step():
    page = open_mail()
    region = page.find("region", "Test a login")
    page.type("textbox", "User", "anna", within=region)
    page.press(Keys.TAB, "sesame")
    page.click("button", "Test")
    page.wait_for_text("The login works.", "region", "Test a login")
    contains(page.text_of(region), "password: right")
    page.type("textbox", "User", "anna", within=region)
    page.press(Keys.TAB, "wrong", Keys.ENTER)
    page.wait_for_text("The login is refused: bad-password.", "region", "Test a login")
    check("sesame" not in page.run("return document.documentElement.outerHTML"), "the password is still in the page")


@test
def a_session_is_ended():
    with server().pop3() as client:
        client.user("anna")
        client.pass_("sesame")
        page = open_mail()
        region = page.find("region", "Sessions")
        page.click("row", "anna", within=region)
        page.click("button", "End", within=region)
        page.wait(lambda: not page.look("row", "anna", within=region), "the session to end")
        with suppress(poplib.error_proto, OSError):
            client.noop()
            check(False, "the session goes on")


@test
def who_is_held_back_is_released():
    client = stage.client
    client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 2)
    try:
        for attempt in range(3):
            log_in("anna", f"wrong {attempt}")
        check(not log_in("anna", "sesame"), "anna is not held back")
        page = open_mail()
        region = page.find("region", "Held back")
        page.click("row", "anna", within=region)
        page.click("button", "Release")
        page.click("button", "Release", within=page.find("dialog", "Release anna"))
        page.wait(lambda: not page.look("row", "anna", within=region), "the hold to end")
        check(log_in("anna", "sesame"), "anna is still held back")
    finally:
        client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 0)


@test
def membership_decides_by_mouse():
    """Q197059 with two clicks."""
    page = open_mail()
    page.click("button", "Membership decides")
    dialog = page.find("dialog", "Membership decides")
    page.find("combobox", "Broker", within=dialog).send_keys("3")
    page.click("button", "Save", within=dialog)
    page.wait_for_text("the membership, broker 3", "region", "Decision")
    equal(settings(), {"MBS Package": "MBS_BASIC", "MBS Broker": "3"})
    check(not log_in("anna", "sesame"), "a native password is let in")
    page.click("button", "Native accounts decide")
    page.click("button", "Native accounts decide", within=page.find("dialog"))
    page.wait_for_text("native accounts (SAM)", "region", "Decision")
    check(log_in("anna", "sesame"), "anna is refused")


@test
def membership_decides_by_keyboard_on_trial():
    page = open_mail()
    page.run("arguments[0].focus()", page.find("tab", "Mail"))
    page.wait(lambda: page.focused().text == "Membership decides" or page.press(Keys.TAB), "the button to have the focus")
    page.press(Keys.ENTER)
    page.find("dialog", "Membership decides")
    page.press("3", Keys.TAB, Keys.TAB, Keys.TAB, Keys.ENTER)  # Broker, Minutes, Save, Save on trial
    page.find("status", "On trial")
    page.wait_for_text("the membership, broker 3", "region", "Decision")
    page.click("button", "Undo now")
    page.wait_for_text("native accounts (SAM)", "region", "Decision")


@test
def repair_puts_the_account_database_back():
    """Q255269: the key of the accounts is gone."""
    client = stage.client
    page = open_mail()
    client.delete("HKLM\\SAM", recursive=True)
    check(not log_in("anna", "sesame"), "nobody's account is let in")
    page.wait_for_text("accounts-missing", "grid", "Events")
    page.click("button", "Repair")
    page.click("button", "Repair", within=page.find("dialog", "Repair"))
    page.wait_gone("dialog")
    equal(client.keys(ACCOUNTS), [])
    client.set(ACCOUNTS + "\\anna", "Password", REG_SZ, hash_password("sesame"))
    wait_until(lambda: log_in("anna", "sesame"), "anna to be let in")


@test
def a_server_that_comes_back_is_shown_without_a_reload():
    page = open_mail()
    server().stop()
    page.wait_for_text("does not run at the moment", "alert")
    server().start()
    page.wait(lambda: "does not run" not in page.text(), "the server to be back")
    page.wait_for_text("native accounts (SAM)", "region", "Decision")


@test
def the_page_has_told_its_console_nothing():
    equal([line for line in stage.page.messages() if "po.js" not in line], [])


main()
