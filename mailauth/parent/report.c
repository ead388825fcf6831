/* SPDX-License-Identifier: MIT */
/* See report.h. */
#include "mailauth/parent/report.h"

void parent_report(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_printerr("mailauthd: %s\n", text);
}
