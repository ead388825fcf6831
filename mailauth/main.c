/* SPDX-License-Identifier: MIT */
/* mailauthd: started by a person or a service manager it is the parent; started by the
 * parent it is the role that its command line names. Only the store is another program. */
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "client/base/error.h"
#include "client/bus/loop.h"
#include "client/cli/command-line.h"
#include "client/cli/output.h"
#include "client/cli/usage.h"
#include "client/threads/thread-shortage.h"
#include "mailauth/connector/connector.h"
#include "mailauth/front/front.h"
#include "mailauth/pam/pam-helper.h"
#include "mailauth/parent/identity.h"
#include "mailauth/parent/parent.h"
#include "mailauth/process/role.h"
#include "mailauth/sql/sql-role.h"
#include "mailauth/verifier/verifier.h"

#define USAGE "mailauthd [OPTION...]"

static const RolePart role_parts[N_ROLES] = {
    [ROLE_IDENTITY] = {.run = identity_run},
    [ROLE_VERIFIER] = {.run = verifier_run},
    [ROLE_FRONT] = {.prepare = front_prepare, .run = front_run},
    [ROLE_PAM] = {.run = pam_helper_run},
    [ROLE_CONNECTOR] = {.run = connector_run},
    [ROLE_SQL] = {.run = sql_role_run},
};

enum { OPTION_BUS, OPTION_CHECK, OPTION_HELP, OPTION_VERSION, N_OPTIONS };

static const OptionRow option_rows[N_OPTIONS] = {
    [OPTION_BUS] = {.name = "bus",
                    .argument = "BUS",
                    .help = "the bus that regd is on: system (default), session or a D-Bus "
                            "address"},
    [OPTION_CHECK] = {.name = "check",
                      .help = "say what would be done with the settings as they are; exit 1 if a "
                              "login could not be decided"},
    [OPTION_HELP] = {.name = "help", .letter = 'h', .help = "print help and exit"},
    [OPTION_VERSION] = {.name = "version", .help = "print the version and exit"},
};

static const OptionTable options_of_mailauthd = {.program = "mailauthd",
                                                 .hint = "mailauthd --help lists them",
                                                 .rows = option_rows,
                                                 .count = N_OPTIONS};

/* NULL after a message about what is wrong. */
static CommandLine *parse_options(int argc, char **argv) {
  g_autoptr(GError) error = NULL;
  g_autoptr(CommandLine) line = command_line_parse(&options_of_mailauthd, argc, argv, &error);
  if (line != NULL && usage_check_no_operands(line, USAGE, &error))
    return g_steal_pointer(&line);
  g_printerr("mailauthd: %s\n", error->message);
  return NULL;
}

static void print_help(void) {
  g_autoptr(GString) text = g_string_new(
      "Usage: " USAGE "\n\nLogs POP3 and IMAP users in by the settings in the registry, which it "
      "takes live.\n\nOptions:\n");
  usage_print_options(&options_of_mailauthd, G_MAXUINT32, text);
  g_print("%s", text->str);
}

/* A bus that is not there yet is waited for; one that can't be is not. */
static int serve(const char *bus) {
  g_autoptr(GError) error = NULL;
  if (loop_check_bus(bus, &error))
    return parent_run(bus);
  g_printerr("mailauthd: %s (mailauthd --help tells more)\n", error->message);
  return EXIT_CODE_USAGE;
}

int main(int argc, char **argv) {
  RoleStart start;
  output_keep_numbers();
  thread_shortage_expect();
  output_escape_errors();
  if (role_parse_arguments(argv, &start))
    return role_run(&start, &role_parts[start.role]);
  (void)setlocale(LC_ALL, "");
  g_autoptr(CommandLine) line = parse_options(argc, argv);
  if (line == NULL)
    return EXIT_CODE_USAGE;
  const char *bus = line->texts[OPTION_BUS];
  if (line->given[OPTION_HELP]) {
    print_help();
    return EXIT_CODE_DONE;
  }
  if (line->given[OPTION_VERSION]) {
    g_print("mailauthd %s\n", REGD_VERSION);
    return EXIT_CODE_DONE;
  }
  return line->given[OPTION_CHECK] ? verifier_check(bus) : serve(bus);
}
