/* SPDX-License-Identifier: MIT */
/* What --help prints. */
#include "client/regctl/help.h"

#include <string.h>

#define WIDTH 78U
#define COLUMN 30

char *help_get_usage(const Verb *verb) {
  return g_strdup_printf("regctl %s%s%s%s", verb->name,
                         verb->options || verb->writes ? " [OPTION...]" : "",
                         *verb->operands ? " " : "", verb->operands);
}

/* A paragraph broken into lines. */
static void print_wrapped(const char *text, GString *out) {
  g_auto(GStrv) words = g_strsplit(text, " ", -1);
  gsize column = 0;
  for (char **word = words; *word; word++) {
    gboolean fits = column + 1 + strlen(*word) <= WIDTH;
    g_string_append_printf(out, "%s%s", column == 0 ? "" : fits ? " " : "\n", *word);
    column = (fits && column > 0 ? column + 1 : 0) + strlen(*word);
  }
  g_string_append_c(out, '\n');
}

static void print_options(guint32 options, GString *out) {
  for (guint i = 0; i < N_OPTIONS; i++) {
    if (!(options & OPTION_BIT(i)))
      continue;
    g_autofree char *described = option_describe((OptionName)i);
    g_string_append_printf(out, "  %-*s %s\n", COLUMN - 3, described,
                           option_get_help((OptionName)i));
  }
}

void help_print(GString *out) {
  g_string_append(out, "Usage: regctl [OPTION...] VERB ...\n\nVerbs:\n");
  for (const Verb *verb = verbs; verb->name; verb++)
    g_string_append_printf(out, "  %-*s %s\n", COLUMN - 3, verb->name, verb->summary);
  g_string_append(out, "\nOptions of every verb:\n");
  print_options(OPTIONS_OF_ALL, out);
  g_string_append(out, "\nOptions of verbs that write:\n");
  print_options(OPTIONS_OF_WRITES, out);
  g_string_append(
      out, "\nA KEY is a path like HKLM\\SOFTWARE\\Acme, or /HKLM/SOFTWARE/Acme. NAME @ is "
           "a key's\ndefault value. Options stand anywhere; what comes after -- is none. The "
           "variable\nREGD_BUS names the bus where --bus does not.\n"
           "\nExit codes: 0 done, 1 failed, 2 usage, 3 key or value not found, 4 access "
           "denied,\n5 invalid value or schema violation, 6 conflict, 7 regd can't be "
           "reached.\n\nregctl VERB --help tells more about a verb.\n");
}

void help_print_verb(const Verb *verb, GString *out) {
  g_autofree char *usage = help_get_usage(verb);
  g_string_append_printf(out, "Usage: %s\n\n%s: %s.\n", usage, verb->name, verb->summary);
  if (verb->help) {
    g_string_append_c(out, '\n');
    print_wrapped(verb->help, out);
  }
  g_string_append(out, "\nOptions:\n");
  print_options(verb_get_options(verb), out);
}
