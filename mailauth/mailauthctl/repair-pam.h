/* SPDX-License-Identifier: MIT */
/* repair --pam: the right that pam_unix needs. */
#ifndef MAILAUTH_MAILAUTHCTL_REPAIR_PAM_H
#define MAILAUTH_MAILAUTHCTL_REPAIR_PAM_H

#include "mailauth/mailauthctl/ctl.h"

/* What keeps PAM from knowing right passwords, if PAM is the native source; owned, or NULL
 * also if the settings can't be read. */
char *repair_pam_find_problem(Ctl *ctl, const char *user);
/* Makes @user a member of the group that may read /etc/shadow, and adds what it did, and
 * how to undo it, to @done (of char *). ACCESS_DENIED: root only. */
gboolean repair_pam_grant(const char *user, GPtrArray *done, GError **error);

#endif
