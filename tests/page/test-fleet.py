# SPDX-License-Identifier: MIT
"""The section Fleet of the page in a browser, with two hosts and a real etcd."""

from contextlib import nullcontext

from harness.case import contains, equal, main, test
from harness.etcd import Etcd
from harness.fleet import MOUNT, FleetHost
from harness.look import check_axe, check_look, take_picture
from harness.page import Stage
from harness.registry import REG_SZ


def make_host():
    """The first host of a fleet; the second one is stage's too."""
    etcd = stage.stack.enter_context(Etcd())
    one, two = (stage.stack.enter_context(FleetHost(etcd, name, "page")) for name in ("one", "two"))
    one.fleet("Init")
    two.fleet("Join")
    hosts.extend([one, two])
    return nullcontext(one)  # it is in the stack already


hosts = []
stage = Stage(registry=make_host)


@test
def the_state_and_the_hosts_are_shown():
    page = stage.page
    page.go("registry", "HKLM")
    page.click("tab", "Fleet")
    page.wait_for_text("live", "region", "State")
    contains(page.text_of(page.find("region", "State")), "Policies")
    for name in ("one", "two"):
        page.wait(lambda name=name: page.look("row", name) or page.click("button", "Read again"), f"the host {name}")
    page.wait_for_text("up to date", "row", "two")
    try:
        for is_dark in (False, True):
            page.set_dark(is_dark)
            check_look(page, "dark" if is_dark else "light")
            take_picture(page, "fleet-dark" if is_dark else "fleet")
        page.set_dark(False)
        page.resize(360, 720)
        check_look(page, "narrow")
        take_picture(page, "fleet-narrow")
    finally:
        page.set_dark(False)
        page.resize(*page.size)


@test
def axe_finds_nothing():
    page = stage.page
    page.go("fleet")
    page.wait_for_text("up to date", "row", "two")
    check_axe(page, "fleet")


@test
def what_another_host_sets_shows_here():
    page = stage.page
    page.go("registry", "HKLM", "SOFTWARE", "Policies", "Acme")
    page.wait_for_text("no such key yet")
    hosts[1].client.set(MOUNT + "\\Acme", "Port", REG_SZ, "from two")
    page.wait_for_text("from two", "row", "Port")
    equal(page.look("alert"), [])


main()
