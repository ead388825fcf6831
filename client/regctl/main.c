/* SPDX-License-Identifier: MIT */
/* regctl: the registry on the command line. Finds the verb, runs it, and turns
 * what came of it into an exit code. */
#include <locale.h>

#include "client/cli/output.h"
#include "client/cli/usage.h"
#include "client/regctl/help.h"
#include "client/regctl/session/fleet-wait.h"
#include "client/regctl/session/suggest.h"
#include "client/regctl/verb-table.h"
#include "client/threads/thread-shortage.h"

static gboolean no_such_verb(const char *name, GError **error) {
  g_autofree char *near = verb_suggest(name);
  return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "%s: no such verb; %s%s%s", name,
                   *near != '\0' ? "did you mean " : "regctl --help lists them", near,
                   *near != '\0' ? "?" : "");
}

static gboolean check_operands(const Verb *verb, guint count, GError **error) {
  g_autofree char *usage = help_get_usage(verb);
  return usage_check_operands(verb->name, usage, count, verb->fewest, verb->most, error);
}

static gboolean print_help(Session *session, const char *name, GError **error) {
  const Verb *verb = name != NULL ? verb_find(name) : NULL;
  if (name != NULL && verb == NULL)
    return no_such_verb(name, error);
  if (verb != NULL)
    help_print_verb(verb, session_out(session));
  else
    help_print(session_out(session));
  return TRUE;
}

static gboolean run_verb(Session *session, const char *name, GError **error) {
  const Verb *verb = verb_find(name);
  if (verb == NULL)
    return no_such_verb(name, error);
  if (session_has(session, OPTION_HELP))
    return print_help(session, name, error);
  if (!command_line_check_options(session->line, verb->name, verb_get_options(verb), error) ||
      !check_operands(verb, session->line->n_operands - 1, error))
    return FALSE;
  if (verb->writes && !fleet_wait_check(session, error))
    return FALSE;
  if (verb->pages && session->screen.is_terminal)
    pager_start(&session->pager);
  if (verb->run == NULL)
    return print_help(session, session_get_operand(session, 0), error);
  return verb->run(session, error) && (!verb->writes || fleet_wait_after_write(session, error));
}

static gboolean run(Session *session, GError **error) {
  const CommandLine *line = session->line;
  const char *name = g_ptr_array_index(line->operands, 0);
  if (session_has(session, OPTION_VERSION)) {
    g_string_append(session_out(session), "regctl " REGD_VERSION "\n");
    return TRUE;
  }
  if (name != NULL)
    return run_verb(session, name, error);
  if (session_has(session, OPTION_HELP))
    return print_help(session, NULL, error);
  if (session->screen.is_terminal)
    help_print(session_out(session));
  return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                   "a verb is missing; regctl --help lists them");
}

/* Runs the verb and prints what it printed, even if it failed half way; but nothing of a
 * list that was only begun. */
static gboolean run_and_print(Session *session, GError **error) {
  gboolean done = run(session, error);
  GString *out = session_out(session);
  if (!done && g_str_equal(out->str, "["))
    g_string_truncate(out, 0);
  done = session_flush(session, done ? error : NULL) && done;
  pager_finish(&session->pager);
  return done;
}

static ExitCode fail(const GError *error) {
  output_say("regctl", error->message);
  return error_get_exit_code(error);
}

int main(int argc, char **argv) {
  g_autoptr(GError) error = NULL;
  Session session;
  output_keep_numbers();
  (void)setlocale(LC_ALL, "");
  thread_shortage_expect();
  g_autoptr(CommandLine) line = command_line_parse(&regctl_options, argc, argv, &error);
  if (line == NULL)
    return (int)fail(error);
  session_init(&session, line);
  gboolean done = run_and_print(&session, &error);
  if (!done)
    suggest_append(&session, error);
  ExitCode code = done ? session.exit_code : fail(error);
  session_clear(&session);
  return (int)code;
}
