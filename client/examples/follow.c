/* SPDX-License-Identifier: MIT */
/* Prints a setting, and again whenever it changes:
 *
 *   cc follow.c -o follow $(pkg-config --cflags --libs registry)
 *   ./follow system 'HKLM\SOFTWARE\Acme' Greeting
 *
 * It starts before regd does, carries on while regd is away, and ends with its
 * standard input.
 */
#include <registry.h>

#include <glib-unix.h>
#include <stdio.h>

static void print_setting(RegistryView *view, gpointer name) {
  const char *const names[] = {name, NULL};
  g_autoptr(GError) error = NULL;
  g_autofree char *text = registry_view_get_string(view, "", names, &error);
  printf("%s\n", text != NULL ? text : error->message);
  fflush(stdout);
}

static gboolean quit(G_GNUC_UNUSED gint input, G_GNUC_UNUSED GIOCondition condition,
                     gpointer loop) {
  g_main_loop_quit(loop);
  return G_SOURCE_REMOVE;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: follow BUS KEY NAME\n");
    return 2;
  }
  GMainLoop *loop = g_main_loop_new(NULL, FALSE);
  RegistryConnection *connection = registry_connection_new_patient(argv[1], NULL);
  RegistryView *view = registry_view_new(connection, argv[2], print_setting, argv[3]);
  g_unix_fd_add(0, G_IO_IN | G_IO_HUP, quit, loop);
  g_main_loop_run(loop);
  registry_view_free(view);
  registry_connection_unref(connection);
  g_main_loop_unref(loop);
  return 0;
}
