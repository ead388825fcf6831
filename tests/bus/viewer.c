/* SPDX-License-Identifier: MIT */
/* Live views for the tests in Python: viewer BUS KEY... holds a view of each
 * key, does what each line of standard input says, and answers with one line:
 *
 *   get N SUBKEY NAME   "= TEXT", or "-" where there is none
 *   keys N SUBKEY       the names, separated by slashes
 *   state N             waiting, ready, missing, denied or failed; "live" or "away"
 *   sync N              "true" or "false", when the view N is current
 *   sync                the same for all views
 *   wait N STATE        the state, when it is that
 *   answering           at first "true"; then "true" or "false" when that changes
 *   follow N            the number of call-backs since the last one, when there is one
 *
 * Words are separated by tabs. It ends with its input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib-unix.h>

#include "client/registry.h"

typedef struct Viewer Viewer;

typedef struct {
  Viewer *viewer;
  RegistryView *view;
  guint changes;
} Watched;

struct Viewer {
  RegistryConnection *connection;
  GMainLoop *loop;
  GPtrArray *watched;
  Watched *awaited; /* whose state the reader of our output waits for */
  char *state;      /* which, or NULL: any change */
  gboolean follows_answering;
};

static const char *const states[] = {
    [REGISTRY_VIEW_WAITING] = "waiting", [REGISTRY_VIEW_READY] = "ready",
    [REGISTRY_VIEW_MISSING] = "missing", [REGISTRY_VIEW_DENIED] = "denied",
    [REGISTRY_VIEW_FAILED] = "failed",
};

static void say(const char *text) {
  printf("%s\n", text);
  fflush(stdout);
}

/* ---- what is waited for ---- */

static const char *get_state(const Watched *watched) {
  return states[registry_view_get_state(watched->view)];
}

static void answer_awaited(Viewer *viewer) {
  Watched *watched = viewer->awaited;
  if (watched == NULL)
    return;
  g_autofree char *count = g_strdup_printf("%u", watched->changes);
  gboolean come =
      viewer->state != NULL ? g_str_equal(viewer->state, get_state(watched)) : watched->changes > 0;
  if (!come)
    return;
  say(viewer->state != NULL ? viewer->state : count);
  watched->changes = 0;
  viewer->awaited = NULL;
  g_clear_pointer(&viewer->state, g_free);
}

static void on_changed(RegistryView *view, gpointer data) {
  (void)view;
  Watched *watched = data;
  watched->changes++;
  answer_awaited(watched->viewer);
}

/* ---- commands ---- */

static Watched *find(Viewer *viewer, char **words) {
  guint index = (guint)g_ascii_strtoull(words[1], NULL, 10);
  g_assert_cmpuint(index, <, viewer->watched->len);
  return viewer->watched->pdata[index];
}

static void do_get(Viewer *viewer, char **words) {
  const char *names[] = {words[3], NULL};
  g_autofree char *text =
      registry_view_get_string(find(viewer, words)->view, words[2], names, NULL);
  g_autofree char *line = g_strconcat("= ", text, NULL);
  say(text != NULL ? line : "-");
}

static void do_keys(Viewer *viewer, char **words) {
  g_auto(GStrv) names = registry_view_list_keys(find(viewer, words)->view, words[2]);
  g_autofree char *line = g_strjoinv("/", names);
  say(line);
}

static void do_state(Viewer *viewer, char **words) {
  const Watched *watched = find(viewer, words);
  g_autofree char *line = g_strconcat(
      get_state(watched), registry_view_is_live(watched->view) ? " live" : " away", NULL);
  say(line);
}

static void on_view_synced(RegistryView *view, gboolean current, gpointer data) {
  (void)view;
  (void)data;
  say(current ? "true" : "false");
}

static void on_synced(RegistryConnection *connection, gboolean current, gpointer data) {
  (void)connection;
  on_view_synced(NULL, current, data);
}

static void do_sync(Viewer *viewer, char **words) {
  if (words[1] != NULL)
    registry_view_sync(find(viewer, words)->view, on_view_synced, viewer);
  else
    registry_connection_sync(viewer->connection, on_synced, viewer);
}

static void do_wait(Viewer *viewer, char **words) {
  viewer->awaited = find(viewer, words);
  viewer->state = g_strdup(words[2]);
  answer_awaited(viewer);
}

static void on_answering(RegistryConnection *connection, gboolean answering, gpointer data) {
  (void)connection;
  (void)data;
  say(answering ? "true" : "false");
}

static void do_answering(Viewer *viewer, char **words) {
  (void)words;
  if (viewer->follows_answering)
    return;
  viewer->follows_answering = TRUE;
  registry_connection_follow_answering(viewer->connection, on_answering, viewer);
  on_answering(viewer->connection, registry_connection_is_answering(viewer->connection), NULL);
}

static const struct {
  const char *word;
  guint words;
  void (*run)(Viewer *viewer, char **words);
} commands[] = {{"get", 4, do_get},
                {"keys", 3, do_keys},
                {"state", 2, do_state},
                {"sync", 1, do_sync},
                {"wait", 3, do_wait},
                {"follow", 2, do_wait},
                {"answering", 1, do_answering}};

static void run(Viewer *viewer, const char *line) {
  g_auto(GStrv) words = g_strsplit(line, "\t", -1);
  for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
    if (!g_str_equal(commands[i].word, words[0]))
      continue;
    g_assert_cmpuint(g_strv_length(words), >=, commands[i].words);
    commands[i].run(viewer, words);
    return;
  }
  g_error("no such command: %s", line);
}

/* One line is asked for at a time, so none is left in the buffer of stdin. */
static gboolean on_input(gint descriptor, GIOCondition condition, gpointer data) {
  (void)descriptor;
  (void)condition;
  Viewer *viewer = data;
  char line[4096];
  if (fgets(line, sizeof line, stdin) == NULL) {
    g_main_loop_quit(viewer->loop);
    return G_SOURCE_REMOVE;
  }
  line[strcspn(line, "\n")] = '\0';
  run(viewer, line);
  return G_SOURCE_CONTINUE;
}

static void free_watched(gpointer data) {
  Watched *watched = data;
  registry_view_free(watched->view);
  g_free(watched);
}

int main(int argc, char **argv) {
  g_assert_cmpint(argc, >=, 3);
  Viewer viewer = {.loop = g_main_loop_new(NULL, FALSE)};
  viewer.connection = registry_connection_new_patient(argv[1], NULL);
  viewer.watched = g_ptr_array_new_with_free_func(free_watched);
  for (int i = 2; i < argc; i++) {
    Watched *watched = g_new0(Watched, 1);
    watched->viewer = &viewer;
    watched->view = registry_view_new(viewer.connection, argv[i], on_changed, watched);
    g_ptr_array_add(viewer.watched, watched);
  }
  g_unix_fd_add(0, G_IO_IN | G_IO_HUP, on_input, &viewer);
  g_main_loop_run(viewer.loop);
  g_ptr_array_unref(viewer.watched);
  registry_connection_unref(viewer.connection);
  g_main_loop_unref(viewer.loop);
  return EXIT_SUCCESS;
}
