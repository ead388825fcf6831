# SPDX-License-Identifier: MIT
"""Each section as people see it: names for screen readers, contrast in both colour schemes, a window of
360 pixels, and a picture of each, kept in the build tree (page-NAME.png; those of data/doc are made by
REGD_PICTURES=data/doc)."""

import os
import poplib
from contextlib import suppress
from pathlib import Path

from harness.case import Failure, equal, main, rows, test
from harness.mail import BROKERS, PARAMETERS, MailServer
from harness.page import Stage
from harness.process import BUILD, SOURCE
from harness.registry import REG_DWORD, REG_MULTI_SZ, REG_QWORD, REG_SZ, SOFTWARE

CHECKS = (SOURCE / "tests" / "page" / "checks.js").read_text()
PICTURES = Path(os.environ.get("REGD_PICTURES") or BUILD / "pictures")
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
    for name, password in (("anna", "sesame"), ("berta", "wrong"), ("berta", "worse"), ("anna", "sesame"), ("nobody", "x")):
        with suppress(poplib.error_proto), server.pop3() as mailbox:
            mailbox.user(name)
            mailbox.pass_(password)
    client.commit([("set-value", ACME, "Port", REG_DWORD, 995)], confirm_within=("u", 600), comment="try TLS")
    made.append(server)
    return stage.page


def check_look(page, what):
    if problems := page.run(CHECKS):
        raise Failure("\n".join(f"{what}: {problem}" for problem in problems))


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
    PICTURES.mkdir(exist_ok=True)
    try:
        for is_dark in (False, True):
            page.set_dark(is_dark)
            check_look(page, "dark" if is_dark else "light")
            page.picture(PICTURES / f"page-{name}{'-dark' if is_dark else ''}.png")
        page.set_dark(False)
        page.resize(*NARROW)
        check_look(page, "narrow")
        page.picture(PICTURES / f"page-{name}-narrow.png")
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
    page.picture(PICTURES / "page-form.png")


@test
def everything_that_can_be_used_has_a_name():
    page = prepare()
    for _, route, text in SECTIONS:
        page.go(*route)
        page.wait_for_text("995" if text == "993" else text)
        for role in ("button", "textbox", "searchbox", "combobox", "spinbutton", "tab", "link", "grid", "tree", "treeitem", "row", "img", "region", "dialog"):
            equal([name for name in page.names(role) if not name.strip() and role != "row"], [], f"{route}: {role}")


main()
