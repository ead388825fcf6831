/* SPDX-License-Identifier: MIT */
/* See leave.h. An answer of any kind says that the mailbox is closed. */
#include "mailauth/mailbox/leave.h"

#include <glib-unix.h>
#include <sys/socket.h>
#include <unistd.h>

struct MailboxLeaving {
  int descriptor;
  guint answered, late; /* sources; 0 once they have fired */
  MailboxLeft left;
  gpointer data;
};

static gboolean on_answer(int descriptor, G_GNUC_UNUSED GIOCondition condition, gpointer data) {
  MailboxLeaving *leaving = data;
  char first = 0;
  leaving->answered = 0;
  leaving->left(recv(descriptor, &first, sizeof first, MSG_DONTWAIT) > 0
                    ? "opened, and closed again"
                    : "opened; its process ended before it closed it",
                leaving->data);
  return G_SOURCE_REMOVE;
}

static gboolean on_late(gpointer data) {
  MailboxLeaving *leaving = data;
  leaving->late = 0;
  leaving->left("opened, but its process does not answer, and may hold it still", leaving->data);
  return G_SOURCE_REMOVE;
}

MailboxLeaving *mailbox_leave(int descriptor, MailboxLeft left, gpointer data) {
  static const char quit[] = "QUIT\r\n";
  MailboxLeaving *leaving = g_new(MailboxLeaving, 1);
  *leaving = (MailboxLeaving){.descriptor = descriptor, .left = left, .data = data};
  /* If it can't be sent the store has gone, and the end of the connection says so. */
  (void)!send(descriptor, quit, sizeof quit - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
  leaving->answered = g_unix_fd_add(descriptor, G_IO_IN | G_IO_HUP | G_IO_ERR, on_answer, leaving);
  leaving->late = g_timeout_add(LEAVE_WAIT_MS, on_late, leaving);
  return leaving;
}

void mailbox_leaving_free(MailboxLeaving *leaving) {
  if (leaving == NULL)
    return;
  if (leaving->answered != 0)
    g_source_remove(leaving->answered);
  if (leaving->late != 0)
    g_source_remove(leaving->late);
  close(leaving->descriptor);
  g_free(leaving);
}
