/* SPDX-License-Identifier: MIT */
/* mailauthd: one program. Started by a person or a service manager it is the
 * parent; started by the parent it is the role that its command line names. */
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "client/base/error.h"
#include "client/bus/loop.h"
#include "mailauth/connector/connector.h"
#include "mailauth/front/front.h"
#include "mailauth/mailbox/store.h"
#include "mailauth/pam/pam-helper.h"
#include "mailauth/parent/identity.h"
#include "mailauth/parent/parent.h"
#include "mailauth/process/role.h"
#include "mailauth/verifier/verifier.h"

typedef int (*RoleMain)(const RoleStart *start);

static const RoleMain role_mains[N_ROLES] = {
    [ROLE_IDENTITY] = identity_run, [ROLE_VERIFIER] = verifier_run,
    [ROLE_FRONT] = front_run,       [ROLE_STORE] = store_run,
    [ROLE_PAM] = pam_helper_run,    [ROLE_CONNECTOR] = connector_run,
};

static int run_role(RoleStart *start) {
  g_autoptr(GError) error = NULL;
  if (role_settle(start, &error))
    return role_mains[start->role](start);
  g_printerr("mailauthd: The %s does not serve: %s\n", role_get_name(start->role), error->message);
  return ROLE_EXIT_UNSETTLED;
}

typedef struct {
  char *bus;
  gboolean check, version;
} Options;

/* NULL-terminated; FALSE after a message about what is wrong. */
static gboolean parse_options(int *argc, char ***argv, Options *options) {
  const GOptionEntry entries[] = {
      {"bus", 0, 0, G_OPTION_ARG_STRING, &options->bus,
       "The bus that regd is on: system (the default), session, or an address", "BUS"},
      {"check", 0, 0, G_OPTION_ARG_NONE, &options->check,
       "Say what would be done with the settings as they are; exit 1 where a login could not be "
       "decided",
       NULL},
      {"version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version", NULL},
      {NULL, 0, 0, 0, NULL, NULL, NULL}};
  g_autoptr(GError) error = NULL;
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);
  g_option_context_set_summary(
      context, "Logs POP3 and IMAP users in by the settings in the registry, which it takes live.");
  g_option_context_add_main_entries(context, entries, NULL);
  if (g_option_context_parse(context, argc, argv, &error) && *argc == 1)
    return TRUE;
  g_printerr("mailauthd: %s (mailauthd --help tells more)\n",
             error != NULL ? error->message : "It takes options only");
  return FALSE;
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
  g_autofree char *bus = NULL;
  Options options = {0};
  if (role_parse_arguments(argv, &start))
    return run_role(&start);
  (void)setlocale(LC_ALL, "");
  if (!parse_options(&argc, &argv, &options))
    return EXIT_CODE_USAGE;
  bus = options.bus;
  if (options.version) {
    g_print("mailauthd %s\n", REGD_VERSION);
    return EXIT_CODE_DONE;
  }
  return options.check ? verifier_check(bus) : serve(bus);
}
