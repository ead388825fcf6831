# SPDX-License-Identifier: MIT
"""Each section and each dialog as people see it: names for screen readers, contrast in both colour schemes, axe-core's
rules, a window of 360 pixels, and a picture of each section, kept in the build tree (page-NAME.png; those of data/doc
are made by REGD_PICTURES=data/doc)."""

import poplib
from contextlib import suppress
from pathlib import Path

from harness.case import equal, main, rows, test
from harness.look import check_axe, check_look, take_picture
from harness.mail import BROKERS, PARAMETERS, MailServer
from harness.page import Stage
from harness.registry import REG_DWORD, REG_MULTI_SZ, REG_QWORD, REG_SZ, SOFTWARE

WIDE, NARROW = (1200, 800), (360, 720)
ACME = SOFTWARE + "\\Acme"
FILE = 'Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme]\n"Port"=dword:0000008f\n"Host"="imap.example.org"\n'

stage = Stage()
made = []


def prepare():
    """Something to look at, once."""
    if made:
        return stage.page
    client = stage.client
    for port in (25, 110, 143, 993):
        client.commit([("set-value", ACME, "Port", REG_DWORD, port)], comment=f"port {port} for the move")
    client.commit([("set-value", ACME, "Host", REG_SZ, "mail.example.org"), ("set-value", ACME, "Aliases", REG_MULTI_SZ, ["smtp", "imap"]),
                   ("set-value", ACME, "Quota", REG_QWORD, 2**40), ("set-value", ACME, "", REG_SZ, "the default value")])
    server = stage.stack.enter_context(MailServer(stage.registry))
    client.set(BROKERS + "\\3", "Type", REG_SZ, "sqlite")
    for name in ("anna", "berta"):
        server.add_account(name, "sesame")
    client.set(PARAMETERS, "Lockout Threshold", REG_DWORD, 3)
    for name, password in (("anna", "sesame"), ("berta", "wrong"), ("berta", "worse"), ("berta", "worst"), ("anna", "sesame"), ("nobody", "x")):
        with suppress(poplib.error_proto), server.pop3() as mailbox:
            mailbox.user(name)
            mailbox.pass_(password)
    client.commit([("set-value", ACME, "Port", REG_DWORD, 995)], confirm_within=("u", 600), comment="try TLS")
    made.append(server)
    return stage.page


SECTIONS = [
    ("registry", ("registry", "HKLM", "SOFTWARE", "Acme"), "993"),
    ("settings", ("registry", "HKLM", "SYSTEM", "CurrentControlSet", "Services", "MailAuth", "Parameters"), "Lockout Threshold"),
    ("history", ("history", "HKLM", "SOFTWARE", "Acme"), "port 993 for the move"),
    ("access", ("access", "HKLM", "SOFTWARE", "Acme"), "Inherited from"),
    ("import", ("import", "HKLM", "SOFTWARE", "Acme"), "as a .reg file"),
    ("mail", ("mail",), "bad-password"),
]


@rows([(name, name, route, text) for name, route, text in SECTIONS])
def each_section_can_be_read(name, route, text):
    page = prepare()
    page.resize(*WIDE)
    page.go(*route)
    page.wait_for_text("995" if text == "993" else text)
    if name == "import":
        path = Path(stage.registry.directory) / "acme.reg"
        path.write_text(FILE)
        page.driver.find_element("css selector", "input[type=file]").send_keys(str(path))
        page.wait_for_text("imap.example.org", "region", "Difference")
    try:
        for is_dark in (False, True):
            page.set_dark(is_dark)
            check_look(page, "dark" if is_dark else "light")
            take_picture(page, f"{name}-dark" if is_dark else name)
        page.set_dark(False)
        page.resize(*NARROW)
        check_look(page, "narrow")
        take_picture(page, f"{name}-narrow")
    finally:
        page.set_dark(False)
        page.resize(*WIDE)


@test
def a_form_can_be_read():
    page = prepare()
    page.go("registry", "HKLM", "SOFTWARE", "Acme")
    page.click("row", "Port")
    page.click("button", "Edit")
    page.wait_for_text("port 993 for the move", "dialog")
    check_look(page, "form")
    take_picture(page, "form")


# ---- axe-core ----

def check_schemes(page, what):
    try:
        for is_dark in (False, True):
            page.set_dark(is_dark)
            check_axe(page, f"{what}, dark" if is_dark else what)
    finally:
        page.set_dark(False)


@rows([(name, name, route, text) for name, route, text in SECTIONS])
def axe_finds_nothing_in_a_section(name, route, text):
    page = prepare()
    page.go(*route)
    page.wait_for_text("995" if text == "993" else text)
    check_schemes(page, name)


REGISTRY, HISTORY, ACCESS, MAIL = (dict((name, route) for name, route, _ in SECTIONS)[name] for name in ("registry", "history", "access", "mail"))
DIALOGS = [
    ("New value", REGISTRY, None, None),
    ("New key", REGISTRY, None, None),
    ("Edit", REGISTRY, ("row", "Port"), None),
    ("Edit", REGISTRY, ("row", "Quota"), None),
    ("Edit", REGISTRY, ("row", "Aliases"), None),
    ("Delete", REGISTRY, ("row", "Host"), None),
    ("Delete key", REGISTRY, None, None),
    ("Undo this", HISTORY, None, None),
    ("Go back to here", HISTORY, None, None),
    ("Compare with now", HISTORY, None, None),
    ("Edit", ACCESS, None, None),
    ("Membership decides", MAIL, None, None),
    ("Repair", MAIL, None, None),
    ("Add account", MAIL, None, None),
    ("Password", MAIL, ("row", "anna"), "Accounts"),
    ("App passwords", MAIL, ("row", "anna"), "Accounts"),
    ("Remove", MAIL, ("row", "anna"), "Accounts"),
    ("Release", MAIL, ("row", "berta"), "Held back"),
]


def open_dialog(page, name, choice, region):
    """The one of that button, after the choice of what it is about."""
    within = page.find("region", region) if region else None
    if choice:
        page.click(*choice, within=within)
    page.wait(lambda: page.find("button", name, within).is_enabled(), f"{name} to be enabled")
    page.click("button", name, within)
    return page.find("dialog")


@rows([(f"{route[0]} {name} {choice[1] if choice else ''}".strip(), name, route, choice, region) for name, route, choice, region in DIALOGS])
def axe_finds_nothing_in_a_dialog(name, route, choice, region):
    page = prepare()
    page.go(*route)
    open_dialog(page, name, choice, region)
    check_look(page, name)
    check_schemes(page, name)


@test
def axe_finds_nothing_in_what_was_found_and_offered_and_refused():
    page = prepare()
    page.go("registry", "HKLM", "SOFTWARE")
    page.type("searchbox", "Find", "mail")
    page.click("button", "Find below")
    page.wait_for_text("mail.example.org", "grid", "Found")
    page.type("combobox", "Path", "HKLM\\S")
    page.find("option", "SOFTWARE")
    check_schemes(page, "found")
    page.click("button", "Close", within=page.find("region", "Found"))
    page.go("registry", *ACME.split("\\"))
    page.click("button", "New value")
    page.find("combobox", "Type").send_keys("REG_DWORD")
    page.type("textbox", "Data", "x")
    page.click("button", "Save")
    page.find("alert")
    check_schemes(page, "refused")


@test
def everything_that_can_be_used_has_a_name():
    page = prepare()
    for _, route, text in SECTIONS:
        page.go(*route)
        page.wait_for_text("995" if text == "993" else text)
        for role in ("button", "textbox", "searchbox", "combobox", "spinbutton", "tab", "link", "grid", "tree", "treeitem", "row", "img", "region", "dialog"):
            equal([name for name in page.names(role) if not name.strip() and role != "row"], [], f"{route}: {role}")


main()
