# SPDX-License-Identifier: MIT
"""The description of org.regd.MailAuth1 that is installed is what mailauthd serves,
and its man page has every member."""

import xml.etree.ElementTree as ElementTree

import dbus
from harness.case import check, contains, equal, main, test
from harness.mail import NAME, PATH, MailServer
from harness.process import PATIENCE, SOURCE
from harness.registry import Registry


def members_of(xml):
    """{name: (kind, arguments or type and access)} of the interface's members."""
    found = {}
    for member in ElementTree.fromstring(xml).find(f"interface[@name='{NAME}']"):
        arguments = [(argument.get("name"), argument.get("type"), argument.get("direction"))
                     for argument in member.findall("arg")]
        found[member.get("name")] = (member.tag, arguments or (member.get("type"), member.get("access")))
    return found


def installed():
    return (SOURCE / "data" / f"{NAME}.xml").read_text(encoding="utf-8")


@test
def what_is_installed_is_what_is_served():
    with Registry() as registry, MailServer(registry):
        served = registry.client.connection.call_blocking(
            NAME, PATH, dbus.INTROSPECTABLE_IFACE, "Introspect", "", (), timeout=PATIENCE)
    equal(members_of(installed()), members_of(str(served)))


@test
def the_man_page_has_every_member():
    page = (SOURCE / "data/man/mailauthd.8").read_text(encoding="utf-8")
    section = page[page.index(".Sh D-BUS"):]
    members = members_of(installed())
    check(len(members) > 8, f"{len(members)} members")
    for name, (kind, _) in members.items():
        contains(section, f".Li {name}" if kind == "property" else f".It Fn {name}")


main()
