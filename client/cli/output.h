/* SPDX-License-Identifier: MIT */
/* The output of a command-line program: results on standard output, everything else on
 * standard error. */
#ifndef CLIENT_CLI_OUTPUT_H
#define CLIENT_CLI_OUTPUT_H

#include <glib.h>

/* Call it first of all. A program that is started without one of the descriptors 0 to 2 would
 * get that number for a socket or a database, and then write its messages into it. Puts something
 * in its place that can't be used: reading and writing fail with EBADF. Ends the program if it
 * can't. */
void output_keep_numbers(void);
/* Writes @text to standard output and empties it. FAILED: it can't be written. */
gboolean output_flush(GString *text, GError **error);
/* Whether standard output is a pipe that nobody reads any more: `... | head` is no failure. */
gboolean output_is_abandoned(void);
/* A line "program: text" on standard error, with control characters escaped. */
void output_say(const char *program, const char *text);
/* From now on g_printerr() escapes what it is given, but for the end of its line. For a
 * daemon whose messages quote strangers. */
void output_escape_errors(void);

#endif
