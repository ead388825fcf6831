# SPDX-License-Identifier: MIT
"""Changes on trial in the page: the countdown in every browser, Keep, Undo now, and a change that comes
back by itself when nobody is there to keep it."""

from harness.bus import wait_until
from harness.case import check, equal, main, test
from harness.figures import is_long
from harness.page import Browser, Stage
from harness.registry import REG_DWORD, REG_SZ, SOFTWARE, options

KEY = SOFTWARE + "\\Acme"
ROUTE = ("registry", "HKLM", "SOFTWARE", "Acme")

stage = Stage()


def fresh():
    for trial in trials():
        stage.client.call("EndTrial", "t", trial["revision"])
    stage.client.set(KEY, "Port", REG_DWORD, 25)


def trials():
    return stage.client.call("ListTrials", "a{sv}", options())


def port():
    return stage.client.get(KEY, "Port")[2]


def save_on_trial(page, data="143", minutes="10"):
    page.go(*ROUTE)
    page.click("row", "Port")
    page.click("button", "Edit")
    page.type("textbox", "Data", data)
    page.type("spinbutton", "Minutes", minutes)
    page.click("button", "Save on trial")
    page.wait_gone("dialog")
    return page.find("status", "On trial")


@test
def the_countdown_is_the_same_after_a_reload_and_in_another_browser():
    page = stage.page
    fresh()
    save_on_trial(page)
    equal(port(), 143)
    page.reload()
    page.wait_for_text("s left", "status", "On trial")
    with Browser(stage.cockpit) as other:
        other.go("history", "HKLM")
        other.wait_for_text("s left", "status", "On trial")
        other.click("button", "Keep")
        other.wait_gone("status", "On trial")
    page.wait_gone("status", "On trial")
    equal((port(), trials()), (143, []))


@test
def undo_now_takes_it_back():
    fresh()
    save_on_trial(stage.page)
    stage.page.click("button", "Undo now")
    stage.page.wait_gone("status", "On trial")
    stage.page.wait_for_text("25", "row", "Port")
    equal(port(), 25)


@test
def minutes_are_whole_and_from_1_to_1440():
    fresh()
    page = stage.page
    page.go(*ROUTE)
    page.click("row", "Port")
    page.click("button", "Edit")
    for minutes in ("0", "1441", "1.5", ""):
        page.type("spinbutton", "Minutes", minutes)
        page.click("button", "Save on trial")
        page.wait_for_text("1440", "alert")
    equal((port(), trials()), (25, []))


@test
def what_anybody_puts_on_trial_is_shown_until_it_undoes_itself():
    fresh()
    stage.page.go(*ROUTE)
    stage.client.commit([("set-value", KEY, "Port", REG_DWORD, 99)], confirm_within=("u", 6))
    stage.page.wait_for_text("99", "row", "Port")
    stage.page.find("status", "On trial")
    stage.page.wait_gone("status", "On trial")
    stage.page.wait_for_text("25", "row", "Port")


@test
def a_browser_that_is_cut_off_leaves_the_change_on_trial():
    fresh()
    with Browser(stage.cockpit) as page:
        save_on_trial(page, minutes="1")
    found = trials()
    equal([trial["keys"] for trial in found], [["HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme"]])
    check(found[0]["deadline"] - found[0]["time"] <= 60_000_000, "it has more than a minute")
    if is_long():
        wait_until(lambda: port() == 25, "the change to undo itself")


@test
def what_a_trial_made_of_the_registry_is_another_revision():
    fresh()
    stage.client.set(KEY, "Name", REG_SZ, "a")
    stage.page.go("history", "HKLM", "SOFTWARE", "Acme")
    stage.client.commit([("set-value", KEY, "Name", REG_SZ, "b")], confirm_within=("u", 1))
    stage.page.wait_for_text("not confirmed", "list", "Revisions")


main()
