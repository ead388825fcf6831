/* SPDX-License-Identifier: MIT */
/* regd: the command line, the signals, and what is said to whoever runs it. */
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "client/base/error.h"
#include "regd/bus/private-bus.h"
#include "regd/manager.h"
#include "regd/server.h"
#include "regd/upkeep/integrity.h"
#include "regd/upkeep/restore.h"

#define DEFAULT_DATABASE "/var/lib/regd/registry.db"

static const char *const default_schema_directories[] = {REGD_SCHEMA_DIRECTORY, "/etc/regd/schemas",
                                                         NULL};

typedef struct {
  char *bus;
  char *database;
  char **schema_directories;
  char *restore;
  gboolean check;
  gboolean private;
  gboolean version;
} Arguments;

static void arguments_clear(Arguments *arguments) {
  g_free(arguments->bus);
  g_free(arguments->database);
  g_strfreev(arguments->schema_directories);
  g_free(arguments->restore);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Arguments, arguments_clear)

typedef struct {
  GMainLoop *loop;
  Server *server;
  int status;
} Daemon;

/* ---- what the server tells ---- */

static void say(const char *text, gpointer data) {
  (void)data;
  g_printerr("regd: %s\n", text);
}

static void on_ready(gpointer data) {
  (void)data;
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

static gboolean parse_arguments(Arguments *arguments, int *argc, char ***argv, GError **error) {
  const GOptionEntry entries[] = {
      {"bus", 0, 0, G_OPTION_ARG_STRING, &arguments->bus,
       "The bus to serve on: system (the default), session or a D-Bus address",
       "system|session|ADDRESS"},
      {"database", 0, 0, G_OPTION_ARG_FILENAME, &arguments->database,
       "The database (" DEFAULT_DATABASE ")", "FILE"},
      {"schema-dir", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments->schema_directories,
       "A directory of *.schema files, in place of the default ones; may be repeated", "DIR"},
      {"restore", 0, 0, G_OPTION_ARG_FILENAME, &arguments->restore,
       "Put this backup in the database's place, and end; the old one is kept beside it", "FILE"},
      {"check", 0, 0, G_OPTION_ARG_NONE, &arguments->check,
       "Verify the whole database, say what was found, and end", NULL},
      {"private", 0, 0, G_OPTION_ARG_NONE, &arguments->private,
       "Serve one client on a bus of its own, whose address is printed, and end with it", NULL},
      {"version", 0, 0, G_OPTION_ARG_NONE, &arguments->version, "Print the version and end", NULL},
      {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
  };
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);
  g_option_context_set_summary(context, "Serves the registry on D-Bus as org.regd.Registry1.");
  g_option_context_add_main_entries(context, entries, NULL);
  if (!g_option_context_parse(context, argc, argv, error))
    return FALSE;
  if (*argc > 1)
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "unexpected argument '%s'",
                     (*argv)[1]);
  return TRUE;
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

static const char *get_database(const Arguments *arguments) {
  return arguments->database != NULL ? arguments->database : DEFAULT_DATABASE;
}

static ServerOptions server_options(const Arguments *arguments) {
  ServerOptions options = {
      .bus = arguments->bus != NULL ? arguments->bus : "system",
      .database = get_database(arguments),
      .schema_directories = arguments->schema_directories != NULL
                                ? (const char *const *)arguments->schema_directories
                                : default_schema_directories,
  };
  return options;
}

/* Before the name is taken: whoever waits for it may signal at once. */
static void prepare_process(Daemon *daemon) {
  const struct sigaction ignore = {.sa_handler = SIG_IGN};
  (void)g_unix_signal_add(SIGTERM, on_terminate, daemon);
  (void)g_unix_signal_add(SIGINT, on_terminate, daemon);
  (void)g_unix_signal_add(SIGHUP, on_hang_up, daemon);
  /* A reader of an export that has gone is an error, not the end. */
  (void)sigaction(SIGPIPE, &ignore, NULL);
  /* Before the writer's thread: what it makes is for this user alone. */
  (void)umask(0077);
}

static int serve(const Arguments *arguments) {
  g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
  g_autoptr(PrivateBus) bus = NULL;
  g_autoptr(GError) error = NULL;
  Daemon daemon = {.loop = loop, .status = EXIT_SUCCESS};
  ServerOptions options = server_options(arguments);
  ServerEvents events = {.ready = on_ready, .say = say, .failed = on_failed, .data = &daemon};
  prepare_process(&daemon);
  if (!arguments->private || start_private_bus(&daemon, &bus, &options, &error))
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

static int check(const Arguments *arguments) {
  const char *database = get_database(arguments);
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

static int restore(const Arguments *arguments) {
  const char *database = get_database(arguments);
  g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GError) error = NULL;
  g_auto(Restored) restored = {0};
  (void)umask(0077);
  if (!restore_run(database, arguments->restore, problems, &restored, &error)) {
    say_problems(arguments->restore, problems);
    g_printerr("regd: %s is not restored: %s\n", arguments->restore, error->message);
    return EXIT_FAILURE;
  }
  g_print("%s: restored from %s; revisions go on from %" G_GUINT64_FORMAT "\n", database,
          arguments->restore, restored.revision);
  if (restored.kept != NULL)
    g_print("the old database is %s\n", restored.kept);
  return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
  g_auto(Arguments) arguments = {0};
  g_autoptr(GError) error = NULL;
  (void)setlocale(LC_ALL, "");
  if (!parse_arguments(&arguments, &argc, &argv, &error)) {
    g_printerr("regd: %s\nregd: try --help\n", error->message);
    return EXIT_CODE_USAGE;
  }
  if (arguments.version) {
    g_print("regd %s\n", REGD_VERSION);
    return EXIT_SUCCESS;
  }
  if (arguments.restore != NULL)
    return restore(&arguments);
  return arguments.check ? check(&arguments) : serve(&arguments);
}
