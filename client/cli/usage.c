/* SPDX-License-Identifier: MIT */
/* What programs say about their own use. */
#include "client/cli/usage.h"

#include <string.h>

#include "client/base/error.h"

#define WIDTH 78U
#define COLUMN 30

/* ---- help ---- */

void usage_print_line(const char *name, const char *summary, GString *out) {
  g_string_append_printf(out, "  %-*s %s\n", COLUMN - 3, name, summary);
}

void usage_print_options(const OptionTable *table, guint64 options, GString *out) {
  for (guint i = 0; i < table->count; i++) {
    if ((options & OPTION_BIT(i)) == 0)
      continue;
    g_autofree char *described = option_describe(table, i);
    usage_print_line(described, table->rows[i].help, out);
  }
}

void usage_print_paragraph(const char *text, GString *out) {
  g_auto(GStrv) words = g_strsplit(text, " ", -1);
  gsize column = 0;
  for (char **word = words; *word != NULL; word++) {
    gboolean fits = column + 1 + strlen(*word) <= WIDTH;
    g_string_append_printf(out, "%s%s", column == 0 ? "" : fits ? " " : "\n", *word);
    column = (fits && column > 0 ? column + 1 : 0) + strlen(*word);
  }
  g_string_append_c(out, '\n');
}

/* ---- operands ---- */

gboolean usage_check_operands(const char *what, const char *usage, guint count, guint fewest,
                              guint most, GError **error) {
  if (count >= fewest && count <= most)
    return TRUE;
  return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "%s: too %s operands; usage: %s", what,
                   count < fewest ? "few" : "many", usage);
}

gboolean usage_check_no_operands(const CommandLine *line, const char *usage, GError **error) {
  if (line->n_operands == 0)
    return TRUE;
  return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                   "%s: an unexpected word, only options are taken; usage: %s",
                   (const char *)line->operands->pdata[0], usage);
}
