# SPDX-License-Identifier: MIT
"""History, Access, and Import and export of the page in a browser."""

from pathlib import Path

from harness.bus import ALICE, wait_until
from harness.case import check, contains, equal, main, test
from harness.page import Stage
from harness.registry import REG_DWORD, REG_SZ, SOFTWARE

KEY = SOFTWARE + "\\Acme"
ROUTE = ("HKLM", "SOFTWARE", "Acme")
FILE = """Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme]
"Port"=dword:00000088
"Name"=-
"List"=hex(7):61,00,\\
  00,00,62,00,00,00,00,00

[HKEY_LOCAL_MACHINE\\SOFTWARE\\Imported]
@="new \\"key\\""
"""

stage = Stage()


def fresh():
    client = stage.client
    client.create(KEY)
    client.delete(KEY, recursive=True)
    for port in (25, 26, 27):
        client.set(KEY, "Port", REG_DWORD, port)
    client.set(KEY, "Name", REG_SZ, "old")
    return client


def port():
    return stage.client.get(KEY, "Port")[2]


def item_of(page, text):
    """The newest revision in the list that tells this, once the list is up to date."""
    page.wait_for_text(f"Revision {stage.client.revision}", "list", "Revisions")
    return page.wait(lambda: next((item for item in page.look("listitem", within=page.find("list", "Revisions")) if text in page.text_of(item)), None), text)


# ---- History ----

@test
def history_tells_what_changed():
    fresh()
    page = stage.page
    page.go("history", *ROUTE)
    told = page.text_of(item_of(page, "+Port = REG_DWORD 27"))
    for part in ("Revision", "HKLM\\SOFTWARE\\Acme", "- Port = REG_DWORD 26".replace("- ", ""), "Port = REG_DWORD 27"):
        contains(told, part)
    page.find("img", "Changes over time")
    stage.client.set(KEY, "Port", REG_DWORD, 4711)
    item_of(page, "4711")


@test
def go_back_to_here_shows_first_what_it_would_do():
    fresh()
    page = stage.page
    page.go("history", *ROUTE)
    page.click("button", "Go back to here", within=item_of(page, "+Port = REG_DWORD 26"))
    dialog = page.find("dialog", "Go back to here")
    contains(page.text_of(dialog), "Port is set")
    contains(page.text_of(dialog), "Name is deleted")
    equal(port(), 27)
    page.click("button", "Go back to here", within=dialog)
    page.wait_gone("dialog")
    equal([(name, data) for name, _, data in stage.client.values(KEY)], [("Port", 26)])


@test
def undo_this_leaves_what_came_later():
    fresh()
    page = stage.page
    page.go("history", *ROUTE)
    page.click("button", "Undo this", within=item_of(page, "Port = REG_DWORD 27"))
    page.click("button", "Undo this", within=page.find("dialog", "Undo this"))
    page.wait_gone("dialog")
    equal([(name, data) for name, _, data in stage.client.values(KEY)], [("Port", 26), ("Name", "old")])


@test
def a_revision_is_compared_with_now():
    fresh()
    page = stage.page
    page.go("history", *ROUTE)
    page.click("button", "Compare with now", within=item_of(page, "+Port = REG_DWORD 26"))
    page.wait_for_text("27", "dialog")
    page.click("button", "Close")


@test
def a_value_is_set_back_from_its_form():
    fresh()
    page = stage.page
    page.go("registry", *ROUTE)
    page.click("row", "Port")
    page.click("button", "Edit")
    page.find("button", "Set back to this")
    page.look("button", "Set back to this")[0].click()
    wait_until(lambda: port() == 26, "the value to be set back")


@test
def history_that_was_away_for_long_has_no_gap():
    client = fresh()
    page = stage.page
    page.go("history", *ROUTE)
    item_of(page, "+Port = REG_DWORD 27")
    page.go("registry", *ROUTE)
    page.find("row", "Port")
    for number in range(150):
        client.set(KEY, "Port", REG_DWORD, number)
    page.go("history", *ROUTE)
    item_of(page, "+Port = REG_DWORD 149")
    check("REG_DWORD 27" not in page.text_of(page.find("list", "Revisions")), "what comes between is missing")
    page.click("button", "Older")
    page.wait_for_text("+Port = REG_DWORD 27", "list", "Revisions")
    numbers = page.run("return [...document.querySelectorAll('.revision-head strong')].slice(0, 150).map(each => Number(each.textContent.split(' ').at(-1)))")
    equal(numbers, list(range(client.revision, client.revision - 150, -1)))


# ---- Access ----

def type_entries(page, text):
    """Into the form of the list, which is saved by the test."""
    page.click("button", "Edit")
    page.type("textbox", "Entries", text)


def open_inherited():
    """A key without a list of its own, and the page with it."""
    client = fresh()
    stage.page.go("access", *ROUTE)
    stage.page.wait_for_text("Inherited from HKLM")
    return client, stage.page


@test
def the_list_that_decides_is_told_and_changed():
    client, page = open_inherited()
    type_entries(page, "everyone=write")
    page.click("button", "Save")
    page.wait_for_text("a list of its own")
    equal(client.acl(KEY), ("HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme", [("everyone", "write")]))
    type_entries(page, "everyone=all")
    page.click("button", "Save")
    page.wait_for_text("is no entry", "alert")


@test
def who_is_second_to_save_a_list_is_told_what_it_is_now():
    client, page = open_inherited()
    type_entries(page, "everyone=write")
    client.set_acl(KEY, ("everyone", "read"), (f"user:{ALICE}", "control"))
    page.click("button", "Save")
    page.wait_for_text("everyone=read, user", "alert")
    equal(len(client.acl(KEY)[1]), 2)
    page.click("button", "Save")
    page.wait_gone("dialog")
    equal(client.acl(KEY)[1], [("everyone", "write")])


@test
def the_list_of_a_key_that_is_made_anew_is_told():
    client = fresh()
    page = stage.page
    page.go("access", *ROUTE)
    client.set_acl(KEY, ("everyone", "write"))
    page.wait_for_text("a list of its own")
    fresh()
    page.wait_for_text("Inherited from HKLM")


@test
def the_rights_of_a_named_user_are_told():
    client = fresh()
    client.set_acl(KEY, (f"user:{ALICE}", "write"), ("everyone", "read"))
    page = stage.page
    page.go("access", *ROUTE)
    page.type("textbox", "User", str(ALICE))
    page.click("button", "Show rights")
    page.wait_for_text(f"user:{ALICE} has the level write here.", "status")
    page.type("textbox", "User", "nobody-of-that-name")
    page.click("button", "Show rights")
    page.wait_for_text("nobody-of-that-name", "alert")


# ---- Import and export ----

def choose_file(text):
    page = stage.page
    page.go("import", *ROUTE)
    path = Path(stage.registry.directory) / "given.reg"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    page.find("region", "Difference")
    page.run("document.querySelector('input[type=file]').value = ''")
    page.driver.find_element("css selector", "input[type=file]").send_keys(str(path))
    return page


@test
def a_file_is_shown_as_a_difference_and_then_applied():
    fresh()
    page = choose_file(FILE)
    page.wait_for_text("Port = REG_DWORD 136", "region", "Difference")
    told = page.text_of(page.find("region", "Difference"))
    for part in ("Port = REG_DWORD 27", "Name = REG_SZ old", 'List = REG_MULTI_SZ "a", "b"', "key created", '(Default) = REG_SZ new "key"'):
        contains(told, part)
    equal(port(), 27)
    page.click("button", "Apply")
    page.click("button", "Apply", within=page.find("dialog", "Apply"))
    page.wait_for_text("applied", "status")
    equal([name for name, *_ in stage.client.values(KEY)], ["Port", "List"])
    equal(stage.client.get(SOFTWARE + "\\Imported", "")[2], 'new "key"')


@test
def a_file_is_applied_on_trial():
    fresh()
    page = choose_file(FILE.encode("utf-16"))
    page.wait_for_text("Port = REG_DWORD 136", "region", "Difference")
    page.click("button", "Apply on trial")
    page.click("button", "Apply on trial", within=page.find("dialog", "Apply on trial"))
    page.find("status", "On trial")
    equal(port(), 136)
    page.click("button", "Undo now")
    page.wait_gone("status", "On trial")
    equal(port(), 27)


@test
def what_is_no_registry_file_is_refused_in_words():
    page = choose_file("garbage\n")
    page.wait_for_text("not a registry file", "alert")
    check(not page.find("button", "Apply").is_enabled(), "it may be applied")


@test
def what_is_open_is_exported():
    fresh()
    page = stage.page
    page.cdp("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(stage.cockpit.home))
    page.go("import", *ROUTE)
    page.click("button", "Export")
    path = stage.cockpit.home / "Acme.reg"
    wait_until(path.exists, "the file")
    contains(path.read_bytes().decode("utf-16"), '"Port"=dword:0000001b')


@test
def the_page_has_told_its_console_nothing():
    equal([line for line in stage.page.messages() if "po.js" not in line], [])


main()
