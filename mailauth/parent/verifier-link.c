/* SPDX-License-Identifier: MIT */
/* See verifier-link.h. */
#include "mailauth/parent/verifier-link.h"

#include <signal.h>
#include <unistd.h>

#include "mailauth/parent/report.h"

/* A channel that ends is replaced after this delay, which doubles, and the front is
 * replaced instead once so many have ended in a row, none of which lasted as long as a
 * steady one. */
#define DELAY_MS 100
#define MAX_LOST 4
#define STEADY_US (60 * G_USEC_PER_SEC)

void verifier_link_init(VerifierLink *link, Child *front, Child *verifier) {
  *link = (VerifierLink){.front = front, .verifier = verifier};
}

void verifier_link_clear(VerifierLink *link) {
  g_clear_handle_id(&link->timer, g_source_remove);
  g_clear_pointer(&link->why, g_free);
}

gboolean verifier_link_make(VerifierLink *link, GError **error) {
  int ends[2];
  g_clear_handle_id(&link->timer, g_source_remove);
  if (link->front->channel == NULL || link->verifier->channel == NULL)
    return TRUE;
  if (!channel_pair(ends, error))
    return FALSE;
  link->number++;
  link->made = g_get_monotonic_time();
  child_tell_with(link->front, MESSAGE_VERIFIER_STARTED, NULL, ends[0]);
  child_tell_with(link->verifier, MESSAGE_FRONT_STARTED, g_variant_new_uint64(link->number),
                  ends[1]);
  close(ends[0]);
  close(ends[1]);
  return TRUE;
}

/* By now the end of either process would have been heard of, which has brought,
 * or will bring, another link by itself. */
static gboolean on_timer(gpointer data) {
  VerifierLink *link = data;
  g_autoptr(GError) error = NULL;
  link->timer = 0;
  if (link->front->pid == 0 || link->verifier->pid == 0)
    return G_SOURCE_REMOVE;
  link->lost++;
  gboolean again = link->lost <= MAX_LOST;
  parent_report("The channel between verifier and front has ended: %s; %s",
                *link->why != '\0' ? link->why : "the front has ended it",
                again ? "they get another" : "the front is replaced");
  if (again && verifier_link_make(link, &error))
    return G_SOURCE_REMOVE;
  if (error != NULL)
    parent_report("%s; the front is replaced", error->message);
  link->lost = 0;
  child_signal(link->front, SIGKILL);
  return G_SOURCE_REMOVE;
}

void verifier_link_take_lost(VerifierLink *link, const Message *message) {
  guint64 number;
  const char *why;
  g_variant_get(message->body, "(t&s)", &number, &why);
  if (number != link->number || link->timer != 0)
    return; /* there is another already, or soon */
  if (g_get_monotonic_time() - link->made >= STEADY_US)
    link->lost = 0;
  g_free(link->why);
  link->why = g_strdup(why);
  link->timer = g_timeout_add((guint)DELAY_MS << MIN(link->lost, MAX_LOST), on_timer, link);
}
