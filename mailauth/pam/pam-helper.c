/* SPDX-License-Identifier: MIT */
/* The pam role: see pam-helper.h. A second thread waits for the verifier to close the
 * channel: it does not wait for a module that never returns. */
#include "mailauth/pam/pam-helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mailauth/base/secret.h"
#include "mailauth/pam/pam-transaction.h"

/* What the kernel says of children: their ids, with blanks. */
#define MAX_CHILDREN_TEXT 4096

/* ---- the watching thread ---- */

/* A program that a module runs may lead a session of its own (pam_exec's do). */
static void end_child(pid_t child) {
  kill(-child, SIGKILL);
  kill(child, SIGKILL);
}

/* The modules run on the process's first thread. */
static void end_children(void) {
  char text[MAX_CHILDREN_TEXT] = "";
  g_autofree char *path = g_strdup_printf("/proc/self/task/%d/children", getpid());
  int file = open(path, O_RDONLY | O_CLOEXEC);
  gssize size = file >= 0 ? TEMP_FAILURE_RETRY(read(file, text, sizeof text - 1)) : -1;
  char *end = text;
  for (const char *next = text; size > 0; next = end) {
    gint64 child = g_ascii_strtoll(next, &end, 10);
    if (end == next)
      break;
    if (child > 1)
      end_child((pid_t)child);
  }
}

static gpointer watch(gpointer data) {
  struct pollfd channel = {.fd = GPOINTER_TO_INT(data), .events = POLLRDHUP};
  while (poll(&channel, 1, -1) <= 0)
    continue;
  end_children();
  _exit(EXIT_SUCCESS);
}

/* ---- the answering thread ---- */

static gboolean answer(Channel *channel, const Message *message, const char *directory) {
  guint64 number = 0;
  gboolean exists = FALSE;
  PamQuestion question = {.directory = directory};
  const char *account = NULL;
  gsize size = 0;
  g_autofree char *detail = NULL;
  g_autoptr(GVariant) bytes = NULL;
  g_auto(Secret) password = {0};
  g_variant_get(message->body, "(t&sb&s&s@ay)", &number, &question.service, &exists, &account,
                &question.address, &bytes);
  gconstpointer secret = g_variant_get_fixed_array(bytes, &size, 1);
  secret_append(&password, secret, size);
  question.account = exists ? account : NULL;
  question.password = (const char *)password.bytes;
  Outcome outcome = pam_transaction_run(&question, &detail);
  return channel_send(channel, MESSAGE_PAM_ANSWER,
                      g_variant_new("(tus)", number, (guint32)outcome, detail), NULL, 0, NULL);
}

/* FALSE when there is nothing more to come. */
static gboolean serve_one(Channel *channel, const char *directory) {
  struct pollfd waiting = {.fd = channel_get_descriptor(channel), .events = POLLIN};
  g_auto(Message) message = MESSAGE_INIT;
  if (poll(&waiting, 1, -1) < 0)
    return errno == EINTR;
  ChannelResult result = channel_receive(channel, &message, NULL);
  if (result == CHANNEL_MESSAGE)
    return answer(channel, &message, directory);
  return result == CHANNEL_EMPTY;
}

int pam_helper_serve(int descriptor, const char *directory) {
  g_autoptr(Channel) channel = channel_new(descriptor, ROLE_PAM, ROLE_VERIFIER);
  g_autoptr(GError) error = NULL;
  GThread *watcher = g_thread_try_new("watch", watch, GINT_TO_POINTER(descriptor), &error);
  if (watcher == NULL)
    return EXIT_FAILURE;
  g_thread_unref(watcher);
  while (serve_one(channel, directory))
    continue;
  end_children();
  _exit(EXIT_SUCCESS);
}

int pam_helper_run(const RoleStart *start) {
  return pam_helper_serve(start->descriptor, NULL);
}
