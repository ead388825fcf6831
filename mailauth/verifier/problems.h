/* SPDX-License-Identifier: MIT */
/* Everything that does not work, for administrators: each line names what, and why. It
 * is gathered from what the verifier knows; nothing is asked or tried here. */
#ifndef MAILAUTH_VERIFIER_PROBLEMS_H
#define MAILAUTH_VERIFIER_PROBLEMS_H

#include "mailauth/settings/live-settings.h"
#include "mailauth/verifier/publisher.h"

/* Owned strings. @publisher may be NULL: what others open is not known then. @of_pam and
 * @of_members: what problems_find_of_pam() and problems_find_of_members() found, or NULL. */
GPtrArray *problems_list(Views *views, const Publisher *publisher, const char *of_pam,
                         const char *of_members);

/* The service that decides, if it is PAM that does; borrowed, else NULL. */
const char *problems_get_pam_service(const Settings *settings);
/* Why PAM's modules can't know a right password, if it is PAM that decides; owned, or NULL.
 * *@all: nobody can log in at all. @user: as pam_stack_find_problem(). Reads PAM's files, and
 * may wait for the user database. */
char *problems_find_of_pam(const Settings *settings, const char *user, gboolean *all);

/* Which members have a hash that no password can open, if an embedded membership decides; owned,
 * or NULL. Reads its file, whose disk may hang; for any thread. */
char *problems_find_of_members(const Settings *settings);

#endif
