/* SPDX-License-Identifier: MIT */
/* What is told of an administrator's test of a login, step by step. */
#ifndef MAILAUTH_LOGINS_STEPS_H
#define MAILAUTH_LOGINS_STEPS_H

#include "mailauth/package/package.h"
#include "mailauth/package/sam-scram.h"
#include "mailauth/settings/decision.h"

/* Adds a step to @steps (of owned strings). NULL: nobody reads them. What is quoted in it is
 * escaped. */
void steps_add(GPtrArray *steps, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Whether the settings are current, what decides, and whose login it is (@account NULL:
 * nobody's). */
void steps_add_decision(GPtrArray *steps, gboolean current, const Decision *decision,
                        const char *account);
/* Whether a right password is known again for @seconds. */
void steps_add_memory(GPtrArray *steps, guint32 seconds, const Package *package);
/* Whether SCRAM is offered, and whether @account (@user as it was given) has keys for it. */
void steps_add_scram(GPtrArray *steps, SamScram *scram, const char *account, const char *user);

#endif
