/* SPDX-License-Identifier: MIT */
/* The lines of --help, and the messages about wrong operands. Pure. */
#ifndef CLIENT_CLI_USAGE_H
#define CLIENT_CLI_USAGE_H

#include "client/cli/command-line.h"

/* A line of a list: @name, and what it is about in the second column. */
void usage_print_line(const char *name, const char *summary, GString *out);
/* A line for each of @options (bits) of the table. */
void usage_print_options(const OptionTable *table, guint64 options, GString *out);
/* A paragraph, broken into lines. */
void usage_print_paragraph(const char *text, GString *out);

/* INVALID_ARGUMENTS: @count operands are fewer than @fewest or more than @most. The
 * message begins with @what (a verb, or the program) and tells @usage. */
gboolean usage_check_operands(const char *what, const char *usage, guint count, guint fewest,
                              guint most, GError **error);
/* The same for a program that takes none. The message names the first. */
gboolean usage_check_no_operands(const CommandLine *line, const char *usage, GError **error);

#endif
