/* SPDX-License-Identifier: MIT */
/* regd-fleet: the command line and the signals. */
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>

#include "client/base/error.h"
#include "client/bus/loop.h"
#include "client/cli/command-line.h"
#include "client/cli/output.h"
#include "client/cli/usage.h"
#include "regd/fleet/agent/agent.h"
#include "regd/fleet/agent/sandbox.h"
#include "regd/fleet/etcd/transport.h"

#define USAGE "regd-fleet [OPTION...]"

enum { OPTION_BUS, OPTION_HELP, OPTION_VERSION, N_OPTIONS };

static const OptionRow option_rows[N_OPTIONS] = {
    [OPTION_BUS] = {.name = "bus",
                    .argument = "BUS",
                    .help = "the bus that regd is on: system (default), session or a D-Bus "
                            "address"},
    [OPTION_HELP] = {.name = "help", .letter = 'h', .help = "print help and exit"},
    [OPTION_VERSION] = {.name = "version", .help = "print the version and exit"},
};

static const OptionTable options_of_agent = {.program = "regd-fleet",
                                             .hint = "regd-fleet --help lists them",
                                             .rows = option_rows,
                                             .count = N_OPTIONS};

static CommandLine *parse_arguments(int argc, char **argv, GError **error) {
  g_autoptr(CommandLine) line = command_line_parse(&options_of_agent, argc, argv, error);
  if (line == NULL || !usage_check_no_operands(line, USAGE, error))
    return NULL;
  return g_steal_pointer(&line);
}

static void print_help(void) {
  g_autoptr(GString) text = g_string_new(
      "Usage: " USAGE "\n\nKeeps the registry's part that belongs to a fleet in step with the "
      "other hosts, by etcd.\n\nOptions:\n");
  usage_print_options(&options_of_agent, G_MAXUINT32, text);
  g_print("%s", text->str);
}

static gboolean on_terminate(gpointer data) {
  g_main_loop_quit(data);
  return G_SOURCE_CONTINUE;
}

static int serve(const char *bus) {
  const struct sigaction ignore = {.sa_handler = SIG_IGN};
  g_autoptr(GError) error = NULL;
  if (!loop_check_bus(bus, &error)) {
    g_printerr("regd-fleet: %s (regd-fleet --help tells more)\n", error->message);
    return EXIT_CODE_USAGE;
  }
  (void)sigaction(SIGPIPE, &ignore, NULL);
  if (!transport_set_up()) {
    g_printerr("regd-fleet: libcurl can't be used\n");
    return EXIT_FAILURE;
  }
  if (!agent_sandbox_enter(&error)) {
    g_printerr("regd-fleet: %s\n", error->message);
    return EXIT_FAILURE;
  }
  g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
  (void)g_unix_signal_add(SIGTERM, on_terminate, loop);
  (void)g_unix_signal_add(SIGINT, on_terminate, loop);
  g_autoptr(Agent) agent = agent_new(bus);
  g_main_loop_run(loop);
  g_clear_pointer(&agent, agent_free);
  transport_tear_down();
  return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
  g_autoptr(GError) error = NULL;
  output_keep_numbers();
  (void)setlocale(LC_ALL, "");
  output_escape_errors();
  g_autoptr(CommandLine) line = parse_arguments(argc, argv, &error);
  if (line == NULL) {
    g_printerr("regd-fleet: %s\n", error->message);
    return EXIT_CODE_USAGE;
  }
  if (line->given[OPTION_HELP]) {
    print_help();
    return EXIT_SUCCESS;
  }
  if (line->given[OPTION_VERSION]) {
    g_print("regd-fleet %s\n", REGD_VERSION);
    return EXIT_SUCCESS;
  }
  return serve(line->given[OPTION_BUS] ? line->texts[OPTION_BUS] : "system");
}
