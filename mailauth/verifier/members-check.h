/* SPDX-License-Identifier: MIT */
/* Which members of an embedded membership have a hash that can't be used, as it was looked up
 * last. Their file is read on a worker: its disk may hang. */
#ifndef MAILAUTH_VERIFIER_MEMBERS_CHECK_H
#define MAILAUTH_VERIFIER_MEMBERS_CHECK_H

#include "client/threads/workers.h"
#include "mailauth/settings/settings.h"

typedef struct MembersCheck MembersCheck;

/* @checked is called from the loop when a look-up has ended. Borrows @workers. */
MembersCheck *members_check_new(Workers *workers, void (*checked)(gpointer data), gpointer data);
/* Before its workers are freed: nothing is looked up any more. */
void members_check_close(MembersCheck *check);
/* After them, and after what remains of them on the loop. NULL is fine. */
void members_check_free(MembersCheck *check);

/* Looks again, by @settings; one look-up at a time, and the newest question waits for its end. */
void members_check_look(MembersCheck *check, Settings *settings);
gboolean members_check_is_looking(const MembersCheck *check);
/* As problems_find_of_members() found it. Borrowed until the loop runs. */
const char *members_check_get_problem(const MembersCheck *check);

#endif
