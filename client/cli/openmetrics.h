/* SPDX-License-Identifier: MIT */
/* OpenMetrics text, piece by piece: a family's facts, then its samples. */
#ifndef CLIENT_CLI_OPENMETRICS_H
#define CLIENT_CLI_OPENMETRICS_H

#include <glib.h>

/* The facts of the family @name; @type is counter, gauge, histogram or summary. A name
 * that ends with _seconds or _bytes has that unit. */
void openmetrics_begin(GString *out, const char *name, const char *type, const char *help);
/* `BEFORE NAME="VALUE"`, with what must be escaped in the value; @before is the sample's name
 * and a brace, or a comma. */
void openmetrics_add_label(GString *out, const char *before, const char *name, const char *value);
/* A number of seconds, and the line's end. */
void openmetrics_add_seconds(GString *out, guint64 microseconds);
/* The end of the whole text. */
void openmetrics_end(GString *out);

#endif
