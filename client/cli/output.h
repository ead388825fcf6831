/* SPDX-License-Identifier: MIT */
/* The output of a command-line program: results on standard output, everything else on
 * standard error. */
#ifndef CLIENT_CLI_OUTPUT_H
#define CLIENT_CLI_OUTPUT_H

#include <glib.h>

/* Writes @text to standard output and empties it. FAILED: it can't be written. */
gboolean output_flush(GString *text, GError **error);
/* A line "program: text" on standard error, with control characters escaped. */
void output_say(const char *program, const char *text);
/* From now on g_printerr() escapes what it is given, but for the end of its line. For a
 * daemon whose messages quote strangers. */
void output_escape_errors(void);

#endif
