/* SPDX-License-Identifier: MIT */
/* What --help prints. */
#include "client/regctl/help.h"

#include "client/cli/usage.h"

char *help_get_usage(const Verb *verb) {
  return g_strdup_printf("regctl %s%s%s%s", verb->name,
                         verb->options != 0 || verb->writes ? " [OPTION...]" : "",
                         *verb->operands != '\0' ? " " : "", verb->operands);
}

static void print_options(guint64 options, GString *out) {
  usage_print_options(&regctl_options, options, out);
}

void help_print(GString *out) {
  g_string_append(out, "Usage: regctl [OPTION...] VERB ...\n\nVerbs:\n");
  for (const Verb *verb = verbs; verb->name != NULL; verb++)
    usage_print_line(verb->name, verb->summary, out);
  g_string_append(out, "\nOptions of every verb:\n");
  print_options(OPTIONS_OF_ALL, out);
  g_string_append(out, "\nOptions of verbs that write:\n");
  print_options(OPTIONS_OF_WRITES, out);
  g_string_append(
      out,
      "\nA KEY is a path like HKLM\\SOFTWARE\\Acme, or /HKLM/SOFTWARE/Acme. NAME @ is a key's\n"
      "default value. Options may stand anywhere before --. The variable REGD_BUS names the\n"
      "bus if --bus does not.\n"
      "\nExit codes: 0 done, 1 failed, 2 usage, 3 key or value not found, 4 access denied,\n"
      "5 invalid value or schema violation, 6 conflict, 7 regd can't be reached.\n"
      "\nregctl VERB --help tells more about a verb.\n");
}

void help_print_verb(const Verb *verb, GString *out) {
  g_autofree char *usage = help_get_usage(verb);
  g_string_append_printf(out, "Usage: %s\n\n%s: %s.\n", usage, verb->name, verb->summary);
  if (verb->help != NULL) {
    g_string_append_c(out, '\n');
    usage_print_paragraph(verb->help, out);
  }
  g_string_append(out, "\nOptions:\n");
  print_options(verb_get_options(verb), out);
}
