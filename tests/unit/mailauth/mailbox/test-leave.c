/* SPDX-License-Identifier: MIT */
/* leave.c: what is said of a mailbox that was only tried, by how its process takes QUIT. */
#include "mailauth/mailbox/leave.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
  const char *name;
  const char *answer; /* NULL: none */
  gboolean ends;      /* the process, and with it the connection */
  const char *how;
} Row;

static const Row rows[] = {
    {"answers", "+OK\r\n", FALSE, "opened, and closed again"},
    {"answers and ends", "+OK\r\n", TRUE, "opened, and closed again"},
    {"ends", NULL, TRUE, "opened; its process ended before it closed it"},
    {"hangs", NULL, FALSE, "opened, but its process does not answer, and may hold it still"},
};

static void on_left(const char *how, gpointer data) {
  const char **said = data;
  g_assert_null(*said);
  *said = how;
}

static void test_leave(gconstpointer data) {
  const Row *row = data;
  const char *said = NULL;
  char quit[16] = "";
  int ends[2];
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  MailboxLeaving *leaving = mailbox_leave(ends[0], on_left, &said);
  g_assert_cmpint(read(ends[1], quit, sizeof quit - 1), ==, 6);
  g_assert_cmpstr(quit, ==, "QUIT\r\n");
  if (row->answer != NULL)
    g_assert_cmpint(write(ends[1], row->answer, strlen(row->answer)), >, 0);
  if (row->ends)
    close(ends[1]);
  while (said == NULL)
    g_main_context_iteration(NULL, TRUE);
  g_assert_cmpstr(said, ==, row->how);
  mailbox_leaving_free(leaving);
  if (!row->ends)
    close(ends[1]);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *path = g_strdup_printf("/leave/%s", rows[i].name);
    g_test_add_data_func(path, &rows[i], test_leave);
  }
  return g_test_run();
}
