/* SPDX-License-Identifier: MIT */
/* regd: the command line, the signals, and what is said to whoever runs it. */
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "client/base/error.h"
#include "client/cli/command-line.h"
#include "client/cli/output.h"
#include "client/cli/usage.h"
#include "client/threads/thread-shortage.h"
#include "regd/base/memory.h"
#include "regd/bus/private-bus.h"
#include "regd/manager.h"
#include "regd/server.h"
#include "regd/upkeep/integrity.h"
#include "regd/upkeep/restore.h"

#define USAGE "regd [OPTION...]"
#define DEFAULT_DATABASE "/var/lib/regd/registry.db"

static const char *const default_schema_directories[] = {REGD_SCHEMA_DIRECTORY, "/etc/regd/schemas",
                                                         NULL};

enum {
  OPTION_BUS,
  OPTION_DATABASE,
  OPTION_SCHEMA_DIR,
  OPTION_RESTORE,
  OPTION_CHECK,
  OPTION_PRIVATE,
  OPTION_HELP,
  OPTION_VERSION,
  N_OPTIONS
};

static const OptionRow option_rows[N_OPTIONS] = {
    [OPTION_BUS] = {.name = "bus",
                    .argument = "BUS",
                    .help = "the bus to serve on: system (default), session or a D-Bus address"},
    [OPTION_DATABASE] = {.name = "database",
                         .argument = "FILE",
                         .help = "the database (" DEFAULT_DATABASE ")"},
    [OPTION_SCHEMA_DIR] = {.name = "schema-dir",
                           .argument = "DIR",
                           .help = "a directory of *.schema files, in place of the default ones; "
                                   "may be repeated"},
    [OPTION_RESTORE] = {.name = "restore",
                        .argument = "FILE",
                        .help = "put this backup in the database's place, and end; the old one is "
                                "kept beside it"},
    [OPTION_CHECK] = {.name = "check",
                      .help = "verify the whole database, say what was found, and end"},
    [OPTION_PRIVATE] = {.name = "private",
                        .help = "serve one client on a bus of its own, whose address is printed, "
                                "and end with it"},
    [OPTION_HELP] = {.name = "help", .letter = 'h', .help = "print help and exit"},
    [OPTION_VERSION] = {.name = "version", .help = "print the version and exit"},
};

static const OptionTable options_of_regd = {
    .program = "regd", .hint = "regd --help lists them", .rows = option_rows, .count = N_OPTIONS};

typedef struct {
  GMainLoop *loop;
  Server *server;
  int status;
} Daemon;

/* ---- what the server tells ---- */

static void say(const char *text, G_GNUC_UNUSED gpointer data) {
  g_printerr("regd: %s\n", text);
}

static void on_ready(G_GNUC_UNUSED gpointer data) {
  manager_tell_ready();
}

static void on_failed(gpointer data) {
  Daemon *daemon = data;
  daemon->status = EXIT_FAILURE;
  g_main_loop_quit(daemon->loop);
}

/* ---- signals ---- */

static gboolean on_terminate(gpointer data) {
  Daemon *daemon = data;
  manager_tell_stopping();
  g_main_loop_quit(daemon->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean on_hang_up(gpointer data) {
  Daemon *daemon = data;
  server_reload_schemas(daemon->server);
  return G_SOURCE_CONTINUE;
}

/* ---- the command line ---- */

static CommandLine *parse_arguments(int argc, char **argv, GError **error) {
  g_autoptr(CommandLine) line = command_line_parse(&options_of_regd, argc, argv, error);
  if (line == NULL || !usage_check_no_operands(line, USAGE, error))
    return NULL;
  return g_steal_pointer(&line);
}

static void print_help(void) {
  g_autoptr(GString) text = g_string_new("Usage: " USAGE "\n\nServes the registry on D-Bus as "
                                         "org.regd.Registry1.\n\nOptions:\n");
  usage_print_options(&options_of_regd, G_MAXUINT32, text);
  g_print("%s", text->str);
}

/* The client has left the private bus. */
static void on_left(gpointer data) {
  Daemon *daemon = data;
  g_main_loop_quit(daemon->loop);
}

static gboolean start_private_bus(Daemon *daemon, PrivateBus **bus, ServerOptions *options,
                                  GError **error) {
  *bus = private_bus_start(on_left, daemon, error);
  if (*bus != NULL)
    options->bus = private_bus_get_address(*bus);
  return *bus != NULL;
}

static const char *get_database(const CommandLine *line) {
  return line->given[OPTION_DATABASE] ? line->texts[OPTION_DATABASE] : DEFAULT_DATABASE;
}

static ServerOptions server_options(const CommandLine *line) {
  const char *const *directories = command_line_get_texts(line, OPTION_SCHEMA_DIR);
  ServerOptions options = {
      .bus = line->given[OPTION_BUS] ? line->texts[OPTION_BUS] : "system",
      .database = get_database(line),
      .schema_directories = directories != NULL ? directories : default_schema_directories,
  };
  return options;
}

/* Before the name is taken: a process that waits for it may signal at once. */
static void prepare_process(Daemon *daemon) {
  const struct sigaction ignore = {.sa_handler = SIG_IGN};
  (void)g_unix_signal_add(SIGTERM, on_terminate, daemon);
  (void)g_unix_signal_add(SIGINT, on_terminate, daemon);
  (void)g_unix_signal_add(SIGHUP, on_hang_up, daemon);
  /* A reader of an export that has gone is an error, not the end. */
  (void)sigaction(SIGPIPE, &ignore, NULL);
  /* Before the writer's thread starts: files that it makes are for this user only. */
  (void)umask(0077);
  memory_use_one_heap();
}

static int serve(const CommandLine *line) {
  g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
  g_autoptr(PrivateBus) bus = NULL;
  g_autoptr(GError) error = NULL;
  Daemon daemon = {.loop = loop, .status = EXIT_SUCCESS};
  ServerOptions options = server_options(line);
  ServerEvents events = {.ready = on_ready, .say = say, .failed = on_failed, .data = &daemon};
  prepare_process(&daemon);
  if (!line->given[OPTION_PRIVATE] || start_private_bus(&daemon, &bus, &options, &error))
    daemon.server = server_start(&options, &events, &error);
  if (daemon.server == NULL) {
    say(error->message, NULL);
    return EXIT_FAILURE;
  }
  if (bus != NULL)
    g_print("%s\n", private_bus_get_address(bus));
  g_autoptr(Manager) manager = manager_new(daemon.server);
  g_main_loop_run(loop);
  g_clear_pointer(&manager, manager_free);
  server_stop(daemon.server);
  return daemon.status;
}

/* ---- without serving ---- */

static void say_problems(const char *file, const GPtrArray *problems) {
  for (guint i = 0; i < problems->len; i++)
    g_printerr("regd: %s: %s\n", file, (const char *)problems->pdata[i]);
}

static int check(const CommandLine *line) {
  const char *database = get_database(line);
  g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GError) error = NULL;
  gboolean done = check_file(database, problems, &error);
  say_problems(database, problems);
  if (!done)
    say(error->message, NULL);
  else if (problems->len == 0)
    g_print("%s: nothing is wrong with it\n", database);
  else
    g_printerr("regd: %s: %u problems; regd --database=%s --restore=BACKUP puts a backup back\n",
               database, problems->len, database);
  return done && problems->len == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int restore(const CommandLine *line) {
  const char *backup = line->texts[OPTION_RESTORE];
  const char *database = get_database(line);
  g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GError) error = NULL;
  g_auto(Restored) restored = {0};
  (void)umask(0077);
  if (!restore_run(database, backup, problems, &restored, &error)) {
    say_problems(backup, problems);
    g_printerr("regd: %s is not restored: %s\n", backup, error->message);
    return EXIT_FAILURE;
  }
  g_print("%s: restored from %s; revisions go on from %" G_GUINT64_FORMAT "\n", database, backup,
          restored.revision);
  if (restored.kept != NULL)
    g_print("the old database is %s\n", restored.kept);
  return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
  g_autoptr(GError) error = NULL;
  output_keep_numbers();
  (void)setlocale(LC_ALL, "");
  thread_shortage_expect();
  output_escape_errors();
  g_autoptr(CommandLine) line = parse_arguments(argc, argv, &error);
  if (line == NULL) {
    say(error->message, NULL);
    return EXIT_CODE_USAGE;
  }
  if (line->given[OPTION_HELP]) {
    print_help();
    return EXIT_SUCCESS;
  }
  if (line->given[OPTION_VERSION]) {
    g_print("regd %s\n", REGD_VERSION);
    return EXIT_SUCCESS;
  }
  if (line->given[OPTION_RESTORE])
    return restore(line);
  return line->given[OPTION_CHECK] ? check(line) : serve(line);
}
