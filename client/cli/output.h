/* SPDX-License-Identifier: MIT */
/* What a command-line program says: to standard output what it was asked for, to
 * standard error all else. */
#ifndef CLIENT_CLI_OUTPUT_H
#define CLIENT_CLI_OUTPUT_H

#include <glib.h>

/* Writes @text to standard output and empties it. FAILED: it can't be written. */
gboolean output_flush(GString *text, GError **error);
/* A line "program: text" on standard error, with control characters escaped. */
void output_say(const char *program, const char *text);

#endif
