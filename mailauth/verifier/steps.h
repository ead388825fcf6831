/* SPDX-License-Identifier: MIT */
/* What is told of an administrator's test of a login, step by step. */
#ifndef MAILAUTH_VERIFIER_STEPS_H
#define MAILAUTH_VERIFIER_STEPS_H

#include <glib.h>

/* Adds a step to @steps (of owned strings). NULL: nobody reads them. What is quoted in it is
 * escaped. */
void steps_add(GPtrArray *steps, const char *format, ...) G_GNUC_PRINTF(2, 3);

#endif
