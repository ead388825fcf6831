/* SPDX-License-Identifier: MIT */
/* mailauthctl: the mail-authentication server on the command line. Finds the
 * verb, runs it, and turns what came of it into an exit code. */
#include <locale.h>
#include <stdio.h>

#include "mailauth/mailauthctl/ctl.h"

#define DEFAULT_EVENTS 20

typedef struct {
  const char *name;
  const char *operands; /* as the usage line shows them */
  guint fewest, most;   /* operands */
  gboolean (*run)(Ctl *ctl, GError **error);
  const char *summary;
} Verb;

static const Verb verbs[] = {
    {"status", "[--metrics]", 0, 0, verb_status, "what is decided now, and why"},
    {"events", "[-n N] [--follow]", 0, 0, verb_events, "what has happened, the newest last"},
    {"test", "[--protocol=pop3|imap] USER", 1, 1, verb_test,
     "prove a password and explain every step"},
    {"held", "", 0, 0, verb_held, "who is held back after failed logins, and until when"},
    {"release", "[NAME|ADDRESS] [--all]", 0, 1, verb_release, "let go who is held back"},
    {"user", "add|passwd|enable|disable|remove|list [NAME]", 1, 2, verb_user,
     "the native accounts"},
    {"member", "--broker=ID add|passwd|enable|disable|remove|list [NAME]", 1, 2, verb_member,
     "the embedded membership"},
    {"reload-certificate", "", 0, 0, verb_reload_certificate, "read the certificate's files again"},
    {"repair", "[--first]", 0, 0, verb_repair,
     "make the accounts' key, and give the service its right to it (Q255269)"},
};

static const char *get_help(void) {
  return "Passwords are asked for on the terminal, or are one line of standard input.\n"
         "Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 access denied, 5 invalid value,\n"
         "6 conflict, 7 unreachable. See mailauthctl(1).";
}

static char *list_verbs(void) {
  GString *list = g_string_new("Verbs:\n");
  for (guint i = 0; i < G_N_ELEMENTS(verbs); i++)
    g_string_append_printf(list, "  %s %s\n      %s\n", verbs[i].name, verbs[i].operands,
                           verbs[i].summary);
  return g_string_free(list, FALSE);
}

/* GLib leaves a "--" where what follows begins with a hyphen, as a name may. */
static void drop_separator(Ctl *ctl) {
  guint at = 0;
  while (at < ctl->n_operands && !g_str_equal(ctl->operands[at], "--"))
    at++;
  if (at == ctl->n_operands)
    return;
  for (; at < ctl->n_operands; at++)
    ctl->operands[at] = ctl->operands[at + 1];
  ctl->n_operands--;
}

static gboolean parse(Ctl *ctl, int *argc, char ***argv, GError **error) {
  const GOptionEntry entries[] = {
      {"bus", 0, 0, G_OPTION_ARG_STRING, &ctl->bus,
       "The bus: system (the default), session, or an address", "BUS"},
      {"json", 0, 0, G_OPTION_ARG_NONE, &ctl->json, "Print JSON", NULL},
      {"broker", 0, 0, G_OPTION_ARG_STRING, &ctl->broker, "The broker's instance ID (member)",
       "ID"},
      {"protocol", 0, 0, G_OPTION_ARG_STRING, &ctl->protocol, "pop3 or imap (test)", "PROTOCOL"},
      {"count", 'n', 0, G_OPTION_ARG_INT, &ctl->count, "How many events", "N"},
      {"follow", 'f', 0, G_OPTION_ARG_NONE, &ctl->follow, "Go on with what happens (events)", NULL},
      {"metrics", 0, 0, G_OPTION_ARG_NONE, &ctl->metrics, "Print OpenMetrics text (status)", NULL},
      {"all", 0, 0, G_OPTION_ARG_NONE, &ctl->all, "Let everybody go (release)", NULL},
      {"first", 0, 0, G_OPTION_ARG_NONE, &ctl->first,
       "Only in a registry that never had accounts (repair)", NULL},
      {"version", 0, 0, G_OPTION_ARG_NONE, &ctl->version, "Print the version", NULL},
      {NULL, 0, 0, 0, NULL, NULL, NULL}};
  g_autoptr(GOptionContext) context = g_option_context_new("VERB");
  g_autofree char *summary = list_verbs();
  g_autoptr(GError) problem = NULL;
  g_option_context_set_summary(context, summary);
  g_option_context_set_description(context, get_help());
  g_option_context_add_main_entries(context, entries, NULL);
  if (!g_option_context_parse(context, argc, argv, &problem))
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "%s; see mailauthctl --help",
                     problem->message);
  ctl->operands = *argv + 1;
  ctl->n_operands = (guint)*argc - 1;
  drop_separator(ctl);
  return TRUE;
}

static gboolean run(Ctl *ctl, GError **error) {
  if (ctl->version) {
    g_string_append(ctl_out(ctl), "mailauthctl " REGD_VERSION "\n");
    return TRUE;
  }
  if (ctl->n_operands == 0)
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "a verb is missing; mailauthctl --help lists them");
  for (guint i = 0; i < G_N_ELEMENTS(verbs); i++) {
    if (!g_str_equal(verbs[i].name, ctl->operands[0]))
      continue;
    guint count = ctl->n_operands - 1;
    if (count >= verbs[i].fewest && count <= verbs[i].most)
      return verbs[i].run(ctl, error);
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "%s: too %s operands; usage: mailauthctl %s %s", verbs[i].name,
                     count < verbs[i].fewest ? "few" : "many", verbs[i].name, verbs[i].operands);
  }
  return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                   "%s: no such verb; mailauthctl --help lists them", ctl->operands[0]);
}

int main(int argc, char **argv) {
  g_autoptr(GError) error = NULL;
  Ctl ctl = {.count = DEFAULT_EVENTS, .output = {.text = g_string_new(NULL)}};
  (void)setlocale(LC_ALL, "");
  gboolean done = parse(&ctl, &argc, &argv, &error) && run(&ctl, &error);
  done = ctl_flush(&ctl, done ? &error : NULL) && done;
  if (!done)
    (void)fprintf(stderr, "mailauthctl: %s\n", error->message);
  ExitCode code = done ? ctl.exit_code : error_get_exit_code(error);
  registry_connection_unref(ctl.connection);
  g_string_free(ctl.output.text, TRUE);
  g_free(ctl.bus);
  g_free(ctl.broker);
  g_free(ctl.protocol);
  return (int)code;
}
