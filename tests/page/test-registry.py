# SPDX-License-Identifier: MIT
"""The section Registry of the page in a browser: keys and values shown, changed, refused, and what others change."""

from selenium.webdriver.common.keys import Keys

from harness.bus import own_name
from harness.case import check, contains, equal, main, test
from harness.page import Stage
from harness.registry import REG_BINARY, REG_DWORD, REG_LINK, REG_MULTI_SZ, REG_QWORD, REG_SZ, SOFTWARE, Refused

KEY = SOFTWARE + "\\Acme"
ROUTE = ("registry", "HKLM", "SOFTWARE", "Acme")
LINKED = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\Acme"
STRANGE = '<img src=x onerror=alert(1)> "quoted" \u202eback/slash'
# The pages of a search wait for window.letGo().
HOLD_SEARCH = """const done = arguments[0];
import(new URL("bus/registry.js", location.href)).then(({ Registry }) => {
    const { readTree } = Registry.prototype;
    const isFree = new Promise(resolve => { window.letGo = resolve; });
    window.heldPages = 0;
    Registry.prototype.readTree = async function (...words) {
        window.heldPages++;
        await isFree;
        return readTree.apply(this, words);
    };
    done();
});"""

stage = Stage()


def open_key(*route):
    """The page at a key that the test has just filled."""
    stage.page.go(*(route or ROUTE))
    stage.page.find("grid", "Values")
    return stage.page


def fresh(**values):
    """The key with these values only."""
    client = stage.client
    client.create(KEY)
    client.delete(KEY, recursive=True)
    client.create(KEY)
    for name, (kind, data) in values.items():
        client.set(KEY, name, kind, data)


def choose(name):
    stage.page.click("row", name)


def is_there(name):
    try:
        return stage.client.get(KEY, name)
    except Refused:
        return None


@test
def keys_and_values_are_shown():
    fresh(Port=(REG_DWORD, 25), List=(REG_MULTI_SZ, ["a", "b"]), Bytes=(REG_BINARY, b"\1\xff"))
    stage.client.set(KEY, "", REG_SZ, "of the key")
    page = open_key()
    page.wait_for_text("of the key", "row", "(Default)")
    page.wait_for_text(f"{own_name()}\njust now", "row", "(Default)")
    equal(page.names("columnheader"), ["Name", "Type", "Data", "Set by", "When"])
    equal([name for name in page.names("row") if name in ("Port", "List", "Bytes", "(Default)")], ["Port", "List", "Bytes", "(Default)"])
    contains(page.text_of(page.find("row", "List")), '"a", "b"')
    contains(page.text_of(page.find("row", "Bytes")), "01 ff")
    page.find("treeitem", "Acme", within=page.find("tree", "Keys"))
    equal(page.driver.find_element("css selector", "[role=combobox]").get_attribute("value"), "HKLM\\SOFTWARE\\Acme")


@test
def a_value_is_made_changed_and_deleted_by_mouse():
    fresh()
    page = open_key()
    page.click("button", "New value")
    page.find("dialog", "New value")
    page.type("textbox", "Name", "Port")
    page.find("combobox", "Type").send_keys("REG_DWORD")
    page.type("textbox", "Data", "25")
    page.click("button", "Save")
    page.wait_gone("dialog")
    page.wait_for_text("25", "row", "Port")
    equal(stage.client.get(KEY, "Port"), (REG_DWORD, "u", 25))
    choose("Port")
    page.click("button", "Edit")
    page.find("dialog", "Edit Port")
    page.type("textbox", "Data", "26")
    page.click("button", "Save")
    page.wait_for_text("26", "row", "Port")
    page.wait_gone("dialog")
    choose("Port")
    page.click("button", "Delete")
    page.click("button", "Delete", within=page.find("dialog", "Delete Port"))
    page.wait_gone("row", "Port")
    equal(is_there("Port"), None)


@test
def a_key_is_made_and_deleted():
    fresh()
    page = open_key()
    page.click("button", "New key")
    page.type("textbox", "Name", "Sub")
    page.click("button", "Save")
    page.find("treeitem", "Sub")
    equal(stage.client.keys(KEY), ["Sub"])
    page.wait(lambda: page.driver.current_url.endswith("/Acme/Sub"), "the new key to be open")
    page.click("button", "Delete key")
    page.click("button", "Delete", within=page.find("dialog", "Delete Sub"))
    page.wait_gone("treeitem", "Sub")
    equal(stage.client.keys(KEY), [])


@test
def a_refusal_is_told_in_the_dialog_and_what_was_typed_stays():
    fresh(Port=(REG_DWORD, 25))
    page = open_key()
    page.click("button", "New value")
    page.type("textbox", "Name", "Port")
    page.type("textbox", "Data", "x")
    page.click("button", "Save")
    page.wait_for_text("There is a value Port already: it is 25", "alert")
    equal(page.find("textbox", "Data").get_attribute("value"), "x")
    page.find("combobox", "Type").send_keys("REG_DWORD")
    page.type("textbox", "Data", "4294967296")
    page.click("button", "Save")
    page.wait_for_text("4294967295", "alert")
    page.press(Keys.ESCAPE)
    page.wait_gone("dialog")
    equal(stage.client.get(KEY, "Port"), (REG_DWORD, "u", 25))


@test
def what_others_change_shows_and_flashes():
    fresh(Port=(REG_DWORD, 25))
    page = open_key()
    page.wait_for_text("25", "row", "Port")
    stage.client.set(KEY, "Port", REG_DWORD, 143)
    page.wait_for_text("143", "row", "Port")
    check("flash" in page.find("row", "Port").get_attribute("class"), "it does not flash")
    stage.client.create(KEY + "\\Another")
    stage.client.set(KEY, "New", REG_SZ, "x")
    page.find("row", "New")
    stage.client.unset(KEY, "New")
    page.wait_gone("row", "New")


@test
def what_changes_behind_a_link_shows_too():
    stage.client.set(LINKED, "Port", REG_DWORD, 1)
    page = open_key("registry", "HKLM", "SYSTEM", "CurrentControlSet", "Services", "Acme")
    page.wait_for_text("1", "row", "Port")
    stage.client.set("HKLM\\SYSTEM\\ControlSet001\\Services\\Acme", "Port", REG_DWORD, 99)
    page.wait_for_text("99", "row", "Port")
    stage.client.create("HKLM\\SYSTEM\\ControlSet001\\Services\\Beta")
    page.find("treeitem", "Beta")


@test
def strange_names_and_data_are_text():
    fresh()
    stage.client.set(KEY + "\\" + STRANGE, STRANGE, REG_SZ, STRANGE)
    page = open_key(*ROUTE, STRANGE)
    page.find("row", STRANGE)
    page.find("treeitem", STRANGE)
    equal(page.run("return document.querySelectorAll('img').length"), 0)
    choose(STRANGE)
    page.press(Keys.F2)
    equal(page.find("textbox", "Data").get_attribute("value"), STRANGE)
    page.press(Keys.ESCAPE)
    page.wait_gone("dialog")


@test
def malformed_data_are_shown_and_kept_as_bytes():
    fresh(Port=(REG_DWORD, ("ay", b"\1\2\3")))
    page = open_key()
    page.wait_for_text("malformed: 01 02 03", "row", "Port")
    choose("Port")
    page.press(Keys.ENTER)
    page.wait_for_text("malformed", "dialog")
    page.type("textbox", "Data", "01 02 03 04")
    page.click("button", "Save")
    page.wait_gone("dialog")
    equal(stage.client.get(KEY, "Port"), (REG_DWORD, "u", 0x04030201))


@test
def a_number_of_64_bits_is_exact():
    fresh(Big=(REG_QWORD, 2**64 - 1))
    page = open_key()
    page.wait_for_text("18446744073709551615", "row", "Big")
    choose("Big")
    page.press(Keys.ENTER)
    page.type("textbox", "Data", "18446744073709551613")
    page.click("button", "Save")
    page.wait_gone("dialog")
    equal(stage.client.get(KEY, "Big"), (REG_QWORD, "t", 2**64 - 3))


@test
def who_is_second_to_save_is_told_what_changed():
    fresh(Port=(REG_DWORD, 25))
    page = open_key()
    choose("Port")
    page.press(Keys.ENTER)
    page.find("dialog", "Edit Port")
    stage.client.set(KEY, "Port", REG_DWORD, 77)
    page.wait_for_text("77", "alert")
    page.type("textbox", "Data", "26")
    page.click("button", "Save")
    page.wait_gone("dialog")
    equal(stage.client.get(KEY, "Port"), (REG_DWORD, "u", 26))


@test
def what_changes_of_the_key_is_no_change_of_its_default_value():
    fresh(**{"": (REG_SZ, "old")})
    page = open_key()
    page.click("row", "(Default)")
    page.click("button", "Edit")
    page.find("dialog", "Edit (Default)")
    stage.client.set_acl(KEY, ("everyone", "control"))
    stage.client.set(KEY, "Later", REG_SZ, "x")
    page.wait_for_text("Later")
    equal(page.look("alert", within=page.find("dialog")), [])
    stage.client.set(KEY, "", REG_SZ, "new")
    page.wait_for_text("it is new now", "alert")
    stage.client.set_acl(KEY)


@test
def whoever_edits_a_value_is_told_that_its_key_is_gone():
    fresh(Port=(REG_DWORD, 25))
    page = open_key()
    choose("Port")
    page.click("button", "Edit")
    page.find("dialog", "Edit Port")
    stage.client.delete(KEY, recursive=True)
    page.wait_for_text("it is deleted now", "alert")


@test
def the_path_completes_and_leads_there():
    fresh()
    page = open_key("registry", "HKLM")
    page.type("combobox", "Path", "hklm\\soft")
    page.find("option", "SOFTWARE")
    page.press(Keys.TAB)
    page.find("option", "Acme")
    page.press(Keys.ARROW_DOWN, Keys.ENTER)
    page.wait(lambda: page.driver.current_url.endswith("/HKLM/SOFTWARE/Acme"), "the key to be open")
    page.click("link", "SOFTWARE")
    page.wait(lambda: page.driver.current_url.endswith("/HKLM/SOFTWARE"), "the key above to be open")


@test
def find_sifts_the_values():
    fresh(Port=(REG_DWORD, 25), Host=(REG_SZ, "mail.example.org"))
    page = open_key()
    page.find("row", "Port")
    page.type("searchbox", "Find", "EXAMPLE")
    page.wait_gone("row", "Port")
    page.find("row", "Host")
    page.type("searchbox", "Find", "")
    page.find("row", "Port")


@test
def find_looks_through_all_below_the_open_key():
    fresh(Port=(REG_DWORD, 25))
    for name, data in (("One", "mail.example.org"), ("Two", "other"), ("Mailbox", "none")):
        stage.client.set(f"{KEY}\\{name}", "Host", REG_SZ, data)
    page = open_key()
    page.type("searchbox", "Find", "MAIL")
    page.press(Keys.ENTER)
    page.wait_for_text("2 places, 4 keys", "status")
    grid = page.find("grid", "Found")
    equal(page.names("row", within=grid)[1:], ["HKLM\\SOFTWARE\\Acme\\Mailbox", "HKLM\\SOFTWARE\\Acme\\One: Host"])
    contains(page.text_of(grid), "One\nHost\nmail.example.org")
    page.click("row", "HKLM\\SOFTWARE\\Acme\\One: Host")
    page.press(Keys.ENTER)
    page.wait(lambda: page.driver.current_url.endswith("/Acme/One"), "the key to be open")
    page.wait(lambda: page.find("row", "Host").get_attribute("aria-selected") == "true", "the value to be chosen")
    page.click("button", "Close", within=page.find("region", "Found"))
    page.wait_gone("region", "Found")


@test
def find_below_takes_the_place_of_a_search_under_way():
    fresh(Host=(REG_SZ, "mail.example.org"), Port=(REG_DWORD, 25))
    page = open_key()
    page.driver.execute_async_script(HOLD_SEARCH)
    page.type("searchbox", "Find", "MAIL")
    page.click("button", "Find below")
    page.wait(lambda: page.run("return window.heldPages === 1"), "the first search")
    page.type("searchbox", "Find", "25")
    page.click("button", "Find below")
    page.wait_for_text("Found below HKLM\\SOFTWARE\\Acme: 25", "region", "Found")
    page.run("window.letGo()")
    page.wait_for_text("1 place,", "region", "Found")
    page.find("row", "HKLM\\SOFTWARE\\Acme: Port")
    page.type("searchbox", "Find", "")
    page.click("button", "Close", within=page.find("region", "Found"))


@test
def the_keyboard_does_it_all():
    fresh(Port=(REG_DWORD, 25))
    page = open_key()
    page.find("row", "Port")
    page.wait(lambda: page.run("return document.querySelector('.tree [aria-selected=true]')?.ariaLabel") == "Acme", "the key to be marked")
    page.run("arguments[0].focus()", page.find("tree", "Keys"))
    page.press(Keys.ARROW_LEFT)
    page.wait(lambda: page.driver.current_url.endswith("/SOFTWARE"), "the key above to be open")
    page.press(Keys.ARROW_RIGHT)
    page.find("row", "Port")
    page.wait(lambda: page.focused().get_attribute("role") == "grid" or page.press(Keys.TAB), "the grid to have the focus")
    page.press(Keys.HOME, Keys.ENTER)
    page.find("dialog", "Edit Port")
    page.press("143", Keys.ENTER)
    page.wait_gone("dialog")
    equal(stage.client.get(KEY, "Port"), (REG_DWORD, "u", 143))
    equal(page.focused().get_attribute("role"), "grid")


@test
def a_link_is_shown_as_what_it_leads_to():
    fresh(Port=(REG_DWORD, 25))
    link = SOFTWARE + "\\Link"
    if "Link" not in stage.client.keys(SOFTWARE):
        stage.client.create(link, link=KEY)
    page = open_key("registry", "HKLM", "SOFTWARE", "Link")
    page.wait_for_text("25", "row", "Port")
    check(REG_LINK not in [kind for _, kind, _ in stage.client.values(link)], "the link is not followed")


@test
def the_page_has_told_its_console_nothing():
    equal([line for line in stage.page.messages() if "po.js" not in line], [])


main()
