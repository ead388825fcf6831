/* SPDX-License-Identifier: MIT */
/* The user that the service is set to run as, as it was looked up last: whether it is still this
 * process's, whose uid is entitled with it, and whether PAM's modules can work as that user. */
#ifndef MAILAUTH_VERIFIER_USER_CHECK_H
#define MAILAUTH_VERIFIER_USER_CHECK_H

#include "client/threads/workers.h"
#include "mailauth/events/reporter.h"
#include "mailauth/settings/settings.h"

typedef struct UserCheck UserCheck;

/* All borrowed. */
typedef struct {
  Workers *workers;
  Reporter *reporter;
  gboolean user_is_chosen; /* by the parent, and not by who has started it */
} UserCheckTools;

/* A look-up has ended. @is_other: the service is to run as another user from now on. */
typedef void (*UserChecked)(gboolean is_other, gpointer data);

UserCheck *user_check_new(const UserCheckTools *tools, UserChecked checked, gpointer data);
/* Before its workers. NULL is fine, here and below: nothing is known then. */
void user_check_free(UserCheck *check);

/* Looks again, by @settings; what was found last holds meanwhile, unless PAM does not decide any
 * more. */
void user_check_look(UserCheck *check, const Settings *settings);
/* Whether a look-up runs. */
gboolean user_check_is_looking(const UserCheck *check);
/* Whether @uid is that user's. */
gboolean user_check_is(const UserCheck *check, guint32 uid);
/* What is wrong with PAM; NULL: nothing is known. Borrowed until the loop runs. */
const char *user_check_get_pam_problem(const UserCheck *check);
/* Whether nobody can log in at all because of it. */
gboolean user_check_is_pam_stopped(const UserCheck *check);

#endif
