/* SPDX-License-Identifier: MIT */
/* mailauthctl: the mail-authentication server on the command line. Finds the
 * verb, runs it, and turns what came of it into an exit code. */
#include <locale.h>

#include "client/cli/command-line.h"
#include "client/cli/near.h"
#include "client/cli/output.h"
#include "client/cli/usage.h"
#include "client/threads/thread-shortage.h"
#include "mailauth/mailauthctl/ctl.h"

#define DEFAULT_EVENTS 20

enum {
  /* go with every verb */
  OPTION_BUS,
  OPTION_JSON,
  OPTION_HELP,
  OPTION_VERSION,
  /* go with the verbs that list them */
  OPTION_BROKER,
  OPTION_COMMENT,
  OPTION_PROTOCOL,
  OPTION_COUNT,
  OPTION_FOLLOW,
  OPTION_METRICS,
  OPTION_ALL,
  OPTION_FIRST,
  OPTION_PAM,
  OPTION_PROTOCOLS,
  OPTION_EXPIRES,
  OPTION_BACKEND,
  OPTION_MAIL_DIRECTORY,
  OPTION_SESSION,
  N_OPTIONS
};
#define OPTIONS_OF_ALL                                                                             \
  (OPTION_BIT(OPTION_BUS) | OPTION_BIT(OPTION_JSON) | OPTION_BIT(OPTION_HELP) |                    \
   OPTION_BIT(OPTION_VERSION))

static const OptionRow option_rows[N_OPTIONS] = {
    [OPTION_BUS] = {.name = "bus",
                    .argument = "BUS",
                    .help = "the bus: system (default), session or a D-Bus address"},
    [OPTION_JSON] = {.name = "json", .help = "print JSON"},
    [OPTION_HELP] = {.name = "help", .letter = 'h', .help = "print help and exit"},
    [OPTION_VERSION] = {.name = "version", .help = "print the version and exit"},
    [OPTION_BROKER] = {.name = "broker", .argument = "ID", .help = "the broker's instance ID"},
    [OPTION_COMMENT] = {.name = "comment",
                        .argument = "TEXT",
                        .help = "keep TEXT with the revision in history"},
    [OPTION_PROTOCOL] = {.name = "protocol", .argument = "PROTOCOL", .help = "pop3 or imap"},
    [OPTION_COUNT] = {.name = "count",
                      .letter = 'n',
                      .argument = "N",
                      .highest = G_MAXINT,
                      .help = "how many events (20)"},
    [OPTION_FOLLOW] = {.name = "follow", .letter = 'f', .help = "go on with what happens"},
    [OPTION_METRICS] = {.name = "metrics", .help = "print OpenMetrics text"},
    [OPTION_ALL] = {.name = "all", .help = "let everybody go"},
    [OPTION_SESSION] = {.name = "session",
                        .argument = "ID",
                        .lowest = 1,
                        .highest = G_MAXINT64,
                        .help = "only this session, as who numbers it"},
    [OPTION_PAM] = {.name = "pam", .help = "let PAM's pam_unix read the system's password hashes"},
    [OPTION_PROTOCOLS] = {.name = "protocols",
                          .argument = "LIST",
                          .help = "what an app password is for: imap,pop3,smtp (all)"},
    [OPTION_EXPIRES] = {.name = "expires",
                        .argument = "WHEN",
                        .help = "until when it goes: 90d, 12h, 2027-01-31 (for ever)"},
    [OPTION_BACKEND] = {.name = "backend",
                        .argument = "ADDRESS",
                        .help =
                            "the account's own mail server, or one of each protocol (empty: none)"},
    [OPTION_MAIL_DIRECTORY] = {.name = "mail-directory",
                               .argument = "PATH",
                               .help = "the account's own Maildir (empty: none)"},
    [OPTION_FIRST] = {.name = "first", .help = "only in a registry that never had accounts"},
};

static const OptionTable options_of_mailauthctl = {
    .program = "mailauthctl",
    .hint = "a name that begins with - stands after --",
    .rows = option_rows,
    .count = N_OPTIONS,
};

typedef struct {
  const char *name;
  const char *operands; /* as the usage line shows them, with the options of this verb */
  guint fewest, most;   /* operands */
  guint32 options;      /* bits, beside those of every verb */
  gboolean (*run)(Ctl *ctl, GError **error);
  const char *summary;
} Verb;

/* Ends with a row without a name. */
static const Verb verbs[] = {
    {.name = "status",
     .operands = "[--metrics]",
     .options = OPTION_BIT(OPTION_METRICS),
     .run = verb_status,
     .summary = "what is decided now, and why"},
    {.name = "events",
     .operands = "[-n N] [--follow]",
     .options = OPTION_BIT(OPTION_COUNT) | OPTION_BIT(OPTION_FOLLOW),
     .run = verb_events,
     .summary = "what has happened, the newest last"},
    {.name = "test",
     .operands = "[--protocol=pop3|imap] USER",
     .fewest = 1,
     .most = 1,
     .options = OPTION_BIT(OPTION_PROTOCOL),
     .run = verb_test,
     .summary = "prove a password and explain every step"},
    {.name = "who",
     .operands = "[NAME]",
     .most = 1,
     .run = verb_who,
     .summary = "who is logged in, from where and since when"},
    {.name = "kick",
     .operands = "NAME [--session=ID]",
     .fewest = 1,
     .most = 1,
     .options = OPTION_BIT(OPTION_SESSION),
     .run = verb_kick,
     .summary = "end the sessions of a user, or one of them"},
    {.name = "held",
     .operands = "",
     .run = verb_held,
     .summary = "who is held back after failed logins, and until when"},
    {.name = "release",
     .operands = "[NAME|ADDRESS] [--all]",
     .most = 1,
     .options = OPTION_BIT(OPTION_ALL),
     .run = verb_release,
     .summary = "let go who is held back"},
    {.name = "user",
     .operands = "add|passwd|enable|disable|remove|show|set|list [NAME] | app-password NAME "
                 "add|list|remove [LABEL]",
     .fewest = 1,
     .most = 4,
     .options = OPTION_BIT(OPTION_COMMENT) | OPTION_BIT(OPTION_PROTOCOLS) |
                OPTION_BIT(OPTION_EXPIRES) | OPTION_BIT(OPTION_BACKEND) |
                OPTION_BIT(OPTION_MAIL_DIRECTORY),
     .run = verb_user,
     .summary = "the native accounts"},
    {.name = "member",
     .operands = "--broker=ID add|passwd|enable|disable|remove|list [NAME]",
     .fewest = 1,
     .most = 2,
     .options = OPTION_BIT(OPTION_BROKER),
     .run = verb_member,
     .summary = "the embedded membership"},
    {.name = "reload-certificate",
     .operands = "",
     .run = verb_reload_certificate,
     .summary = "read the certificate's files again"},
    {.name = "repair",
     .operands = "[--first | --pam]",
     .options = OPTION_BIT(OPTION_FIRST) | OPTION_BIT(OPTION_PAM),
     .run = verb_repair,
     .summary = "make the accounts' key, and give the service its right to it (Q255269)"},
    {.name = NULL},
};

/* ---- help ---- */

static char *get_usage(const Verb *verb) {
  return g_strdup_printf("mailauthctl %s%s%s", verb->name, *verb->operands != '\0' ? " " : "",
                         verb->operands);
}

static void print_help(GString *out) {
  g_string_append(out, "Usage: mailauthctl [OPTION...] VERB ...\n\nVerbs:\n");
  for (const Verb *verb = verbs; verb->name != NULL; verb++)
    usage_print_line(verb->name, verb->summary, out);
  g_string_append(out, "\nOptions of every verb:\n");
  usage_print_options(&options_of_mailauthctl, OPTIONS_OF_ALL, out);
  g_string_append(
      out, "\nOptions stand anywhere; what comes after -- is none. Passwords are asked for on the\n"
           "terminal, or are one line of standard input.\n"
           "\nExit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 access denied, 5 invalid "
           "value,\n6 conflict, 7 unreachable. See mailauthctl(1).\n"
           "\nmailauthctl VERB --help tells more about a verb.\n");
}

static void print_verb_help(const Verb *verb, GString *out) {
  g_autofree char *usage = get_usage(verb);
  g_string_append_printf(out, "Usage: %s\n\n%s: %s.\n\nOptions:\n", usage, verb->name,
                         verb->summary);
  usage_print_options(&options_of_mailauthctl, verb->options | OPTIONS_OF_ALL, out);
}

/* ---- from the command line to the verb ---- */

static void take_line(Ctl *ctl, const CommandLine *line) {
  ctl->bus = line->texts[OPTION_BUS];
  ctl->json = line->given[OPTION_JSON];
  ctl->broker = line->texts[OPTION_BROKER];
  ctl->comment = line->texts[OPTION_COMMENT];
  ctl->protocol = line->texts[OPTION_PROTOCOL];
  ctl->protocols = line->texts[OPTION_PROTOCOLS];
  ctl->expires = line->texts[OPTION_EXPIRES];
  ctl->backend = line->texts[OPTION_BACKEND];
  ctl->mail_directory = line->texts[OPTION_MAIL_DIRECTORY];
  ctl->count = line->given[OPTION_COUNT] ? (guint)line->numbers[OPTION_COUNT] : DEFAULT_EVENTS;
  ctl->session = line->given[OPTION_SESSION] ? line->numbers[OPTION_SESSION] : 0;
  ctl->follow = line->given[OPTION_FOLLOW];
  ctl->metrics = line->given[OPTION_METRICS];
  ctl->all = line->given[OPTION_ALL];
  ctl->first = line->given[OPTION_FIRST];
  ctl->pam = line->given[OPTION_PAM];
  ctl->operands = (char **)line->operands->pdata;
  ctl->n_operands = line->n_operands;
}

static gboolean fail_unknown(const char *name, GError **error) {
  g_autoptr(GString) near = g_string_new(NULL);
  for (const Verb *verb = verbs; verb->name != NULL; verb++)
    near_note(name, "", verb->name, near);
  return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                   "%s: no such verb%s%s%s; "
                   "mailauthctl --help lists them",
                   name, near->len > 0 ? " (did you mean " : "", near->str,
                   near->len > 0 ? "?)" : "");
}

static const Verb *find_verb(const char *name) {
  for (const Verb *verb = verbs; verb->name != NULL; verb++)
    if (g_str_equal(verb->name, name))
      return verb;
  return NULL;
}

static gboolean run_verb(Ctl *ctl, const CommandLine *line, GError **error) {
  const Verb *verb = find_verb(ctl->operands[0]);
  if (verb == NULL)
    return fail_unknown(ctl->operands[0], error);
  if (line->given[OPTION_HELP]) {
    print_verb_help(verb, ctl_out(ctl));
    return TRUE;
  }
  g_autofree char *usage = get_usage(verb);
  return command_line_check_options(line, verb->name, verb->options | OPTIONS_OF_ALL, error) &&
         usage_check_operands(verb->name, usage, line->n_operands - 1, verb->fewest, verb->most,
                              error) &&
         verb->run(ctl, error);
}

static gboolean run(Ctl *ctl, const CommandLine *line, GError **error) {
  if (line->given[OPTION_VERSION]) {
    g_string_append(ctl_out(ctl), "mailauthctl " REGD_VERSION "\n");
    return TRUE;
  }
  if (line->n_operands > 0)
    return run_verb(ctl, line, error);
  if (line->given[OPTION_HELP]) {
    print_help(ctl_out(ctl));
    return TRUE;
  }
  return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                   "a verb is missing; mailauthctl --help lists them");
}

static ExitCode fail(const GError *error) {
  output_say("mailauthctl", error->message);
  return error_get_exit_code(error);
}

int main(int argc, char **argv) {
  g_autoptr(GError) error = NULL;
  Ctl ctl = {.output = {.text = g_string_new(NULL)}};
  output_keep_numbers();
  (void)setlocale(LC_ALL, "");
  thread_shortage_expect();
  g_autoptr(CommandLine) line = command_line_parse(&options_of_mailauthctl, argc, argv, &error);
  if (line != NULL)
    take_line(&ctl, line);
  gboolean done = line != NULL && run(&ctl, line, &error);
  done = ctl_flush(&ctl, done ? &error : NULL) && done;
  ExitCode code = done ? ctl.exit_code : fail(error);
  registry_connection_unref(ctl.connection);
  g_string_free(ctl.output.text, TRUE);
  return (int)code;
}
