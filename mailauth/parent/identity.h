/* SPDX-License-Identifier: MIT */
/* The identity role: asks regd which user the verifier shall be, tells the parent, and
 * ends. It is there so that the parent, which is root, neither speaks to the bus nor
 * reads the registry; and it runs before there is a verifier, so that the process that
 * chooses the user has never had a client's password.
 *
 * It runs as the default user (`mailauth`). It can only bring about that the verifier
 * runs as some user other than root. */
#ifndef MAILAUTH_PARENT_IDENTITY_H
#define MAILAUTH_PARENT_IDENTITY_H

#include "mailauth/process/role.h"

#define IDENTITY_KEY "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\MailAuth"
#define IDENTITY_VALUE "ObjectName"
/* If nothing is set. */
#define IDENTITY_DEFAULT_USER "mailauth"

/* The user that `ObjectName` names: "" if nothing is set, or what is set can't be read;
 * NULL if regd does not answer. The caller's. */
char *identity_ask(const char *bus);

int identity_run(const RoleStart *start);

#endif
