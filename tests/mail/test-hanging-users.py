#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A user database that hangs while the service's own user is looked up: logins go on, and
the verifier is not taken for one that hangs."""

from harness.bus import wait_until
from harness.case import equal, main, test
from harness.mail import SERVICE, MailServer
from harness.process import program
from harness.registry import REG_SZ, Registry
from harness.service_manager import service_manager

USER = "a-user-to-wait-for"
# mailauthd beats every 2 s, and replaces a role that has not answered for 10 s.
BEATS = 8


@test
def a_user_database_that_hangs_ends_no_verifier():
    with Registry() as registry:
        server = MailServer(registry)
        with service_manager(server) as told:
            server.environment |= {"LD_PRELOAD": program("tests/mail/libhanging-users.so"), "HANGING_USER": USER}
            with server:
                server.add_account("anna", "sesame")
                old = server.roles()["verifier"]
                registry.client.set(SERVICE, "ObjectName", REG_SZ, USER)
                wait_until(lambda: "The user database hangs" in server.process.output(), "the look-up")
                for _ in range(BEATS):
                    wait_until(lambda: told() == "WATCHDOG=1", "a beat")
                    with server.pop3("anna", "sesame"):
                        pass
                equal(server.roles()["verifier"], old)
                # Asked once, and not again while it hangs.
                equal(server.process.output().count("The user database hangs"), 1)


main()
