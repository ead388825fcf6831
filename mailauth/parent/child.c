/* SPDX-License-Identifier: MIT */
/* See child.h. */
#include "mailauth/parent/child.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mailauth/parent/report.h"

/* A role that has served this long has not failed at once. */
#define STEADY_US (10 * G_USEC_PER_SEC)
#define FIRST_DELAY_MS 100
#define LONGEST_DELAY_MS 5000
/* How often in a row it may leave a ping unanswered before it is replaced. */
#define MAX_UNANSWERED 5

GPid launcher_start(const Launcher *launcher, Role role, const RoleUser *user, int channel,
                    GError **error) {
  g_auto(GStrv) arguments =
      role_make_arguments(role, launcher->bus, launcher->is_root, launcher->is_root ? user : NULL);
  return role_launch(role == ROLE_STORE ? launcher->store : ROLE_OWN_PROGRAM, arguments, channel,
                     error);
}

void child_init(Child *child, Role role, const ChildEvents *events, gpointer data) {
  *child = (Child){.role = role, .events = events, .data = data};
}

void child_clear(Child *child) {
  g_clear_pointer(&child->channel, channel_free);
  g_clear_handle_id(&child->timer, g_source_remove);
}

/* ---- ending ---- */

void child_signal(const Child *child, int number) {
  if (child->pid > 0)
    kill(child->pid, number);
}

void child_stop(const Child *child) {
  if (child->channel == NULL || shutdown(channel_get_descriptor(child->channel), SHUT_WR) < 0)
    child_signal(child, SIGTERM);
}

/* ---- messages ---- */

void child_tell(Child *child, MessageKind kind, GVariant *body, const int *descriptors,
                guint n_descriptors) {
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) owned = body != NULL ? g_variant_ref_sink(body) : NULL;
  if (child->channel == NULL ||
      channel_send(child->channel, kind, owned, descriptors, n_descriptors, &error))
    return;
  parent_report("%s", error->message);
  child_signal(child, SIGKILL);
}

void child_tell_with(Child *child, MessageKind kind, GVariant *body, int descriptor) {
  child_tell(child, kind, body, &descriptor, 1);
}

/* The end of a process is learnt from its exit; one that sends what it may not is ended. */
static void on_message(Channel *channel, Message *message, const GError *error, gpointer data) {
  Child *child = data;
  if (message != NULL) {
    child->events->message(message, child->data);
    return;
  }
  if (error != NULL) {
    parent_report("%s; it is replaced", error->message);
    child_signal(child, SIGKILL);
  }
  channel_free(channel);
  child->channel = NULL;
}

void child_hear_out(Child *child) {
  g_auto(Message) message = MESSAGE_INIT;
  if (child->channel != NULL && channel_receive(child->channel, &message, NULL) == CHANNEL_MESSAGE)
    child->events->message(&message, child->data);
}

/* ---- whether it answers ---- */

/* Pings are counted, and not time: after this process, or the whole system, has been
 * stopped for a while the answers are there before the next ping. */
gboolean child_ping(Child *child, MessageKind kind) {
  if (child->channel == NULL || child->pid == 0)
    return TRUE;
  if (child->unanswered == MAX_UNANSWERED) {
    parent_report("The %s has not answered for %d s; it is replaced", role_get_name(child->role),
                  MAX_UNANSWERED * CHILD_PING_MS / 1000);
    child_signal(child, SIGKILL);
  }
  if (child->unanswered++ < MAX_UNANSWERED)
    child_tell(child, kind, g_variant_new("()"), NULL, 0);
  return child->unanswered < 2 * MAX_UNANSWERED;
}

void child_note_answer(Child *child) {
  child->unanswered = 0;
}

/* ---- starting ---- */

static void on_exit_seen(GPid pid, int status, gpointer data) {
  Child *child = data;
  g_spawn_close_pid(pid);
  child->pid = 0;
  if (g_get_monotonic_time() - child->started >= STEADY_US)
    child->failures = 0;
  child->events->exited(child, status, child->data);
}

gboolean child_start(Child *child, const Launcher *launcher, const RoleUser *user, GError **error) {
  int ends[2];
  if (!channel_pair(ends, error))
    return FALSE;
  GPid pid = launcher_start(launcher, child->role, user, ends[1], error);
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return FALSE;
  }
  child->pid = pid;
  child->started = g_get_monotonic_time();
  child->unanswered = 0;
  child->channel = channel_new(ends[0], ROLE_PARENT, child->role);
  channel_attach(child->channel, NULL, on_message, child);
  g_child_watch_add(pid, on_exit_seen, child);
  return TRUE;
}

static gboolean on_start_again(gpointer data) {
  Child *child = data;
  child->timer = 0;
  child->events->start_again(child, child->data);
  return G_SOURCE_REMOVE;
}

void child_start_later(Child *child) {
  guint shift = MIN(child->failures, 6);
  guint delay = MIN((guint)FIRST_DELAY_MS << shift, LONGEST_DELAY_MS);
  if (child->timer == 0)
    child->timer = g_timeout_add(child->failures == 0 ? 0 : delay, on_start_again, child);
  child->failures++;
}
