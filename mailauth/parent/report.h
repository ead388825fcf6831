/* SPDX-License-Identifier: MIT */
/* What the parent tells the administrator, on standard error: one line at a time,
 * with the program's name. */
#ifndef MAILAUTH_PARENT_REPORT_H
#define MAILAUTH_PARENT_REPORT_H

#include <glib.h>

void parent_report(const char *format, ...) G_GNUC_PRINTF(1, 2);

#endif
