/* SPDX-License-Identifier: MIT */
/* See openmetrics.h. */
#include "client/cli/openmetrics.h"

#include <string.h>

#define MICROSECONDS 1000000

static const char *find_unit(const char *name) {
  static const char *const units[] = {"seconds", "bytes"};
  const char *last = strrchr(name, '_');
  for (guint i = 0; i < G_N_ELEMENTS(units); i++)
    if (last != NULL && g_str_equal(last + 1, units[i]))
      return units[i];
  return NULL;
}

void openmetrics_begin(GString *out, const char *name, const char *type, const char *help) {
  const char *unit = find_unit(name);
  g_string_append_printf(out, "# TYPE %s %s\n", name, type);
  if (unit != NULL)
    g_string_append_printf(out, "# UNIT %s %s\n", name, unit);
  g_string_append_printf(out, "# HELP %s %s\n", name, help);
}

void openmetrics_add_label(GString *out, const char *before, const char *name, const char *value) {
  g_string_append_printf(out, "%s%s=\"", before, name);
  for (; *value != '\0'; value++) {
    if (*value == '\\' || *value == '"')
      g_string_append_c(out, '\\');
    if (*value == '\n')
      g_string_append(out, "\\n");
    else
      g_string_append_c(out, *value);
  }
  g_string_append_c(out, '"');
}

void openmetrics_add_seconds(GString *out, guint64 microseconds) {
  g_string_append_printf(out, "%" G_GUINT64_FORMAT ".%06" G_GUINT64_FORMAT "\n",
                         microseconds / MICROSECONDS, microseconds % MICROSECONDS);
}

void openmetrics_end(GString *out) {
  g_string_append(out, "# EOF\n");
}
