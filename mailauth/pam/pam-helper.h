/* SPDX-License-Identifier: MIT */
/* The pam role: runs PAM's modules, whose code is not ours and which may block for ever,
 * for one login at a time, as the verifier's user. It holds no bus, no account and no
 * client's connection; it sees only the passwords that it is asked about. */
#ifndef MAILAUTH_PAM_PAM_HELPER_H
#define MAILAUTH_PAM_PAM_HELPER_H

#include "mailauth/process/role.h"

/* Answers each MESSAGE_PAM_QUESTION until the verifier closes the channel. Then the
 * process ends at once, whatever a module is at, and programs that modules have
 * started end with it. Returns the exit code, if it does. */
int pam_helper_run(const RoleStart *start);

/* The same on @descriptor, which it takes, with the services of @directory (NULL:
 * the system's). */
int pam_helper_serve(int descriptor, const char *directory);

#endif
