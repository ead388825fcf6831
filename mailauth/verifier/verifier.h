/* SPDX-License-Identifier: MIT */
/* The verifier: the role that reads the settings and accounts, proves passwords and
 * serves the bus. It never touches a client's connection. */
#ifndef MAILAUTH_VERIFIER_VERIFIER_H
#define MAILAUTH_VERIFIER_VERIFIER_H

#include "mailauth/process/role.h"

/* Runs until its channel to the parent ends. Returns the process's exit code:
 * 0, 1, or ROLE_EXIT_OTHER_USER. */
int verifier_run(const RoleStart *start);

/* `mailauthd --check`: says on standard output what would be done with the settings as
 * they are. Returns an exit code: 0; 1 if a login could not be decided; 7 if regd can't
 * be reached. */
int verifier_check(const char *bus);

#endif
