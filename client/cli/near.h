/* SPDX-License-Identifier: MIT */
/* The names that a mistyped name may have been meant for. Pure. */
#ifndef CLIENT_CLI_NEAR_H
#define CLIENT_CLI_NEAR_H

#include <glib.h>

/* Appends @candidate, in quotes and after @prefix, to the list @near if @name may have
 * been meant for it: one begins with the other, or they are a letter or two apart. */
void near_note(const char *name, const char *prefix, const char *candidate, GString *near);

#endif
