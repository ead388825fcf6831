/* SPDX-License-Identifier: MIT */
/* Finds the names that may have been meant by a mistyped name. Pure. */
#ifndef CLIENT_CLI_NEAR_H
#define CLIENT_CLI_NEAR_H

#include <glib.h>

/* Appends @candidate, in quotes and after @prefix, to the list @near if it may have been
 * meant by @name: one begins with the other, or they are a letter or two apart. */
void near_note(const char *name, const char *prefix, const char *candidate, GString *near);

#endif
