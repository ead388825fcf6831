/* SPDX-License-Identifier: MIT */
/* See retry.h. */
#include "client/bus/retry.h"

#define FIRST_MS 50U
#define LAST_MS 2000U

struct Retry {
  GMainContext *context;
  void (*attempt)(gpointer data);
  gpointer data;
  GSource *timer; /* NULL: none is to come */
  guint delay_ms; /* the next */
};

Retry *retry_new(GMainContext *context, void (*attempt)(gpointer data), gpointer data) {
  Retry *retry = g_new0(Retry, 1);
  retry->context = g_main_context_ref(context != NULL ? context : g_main_context_default());
  retry->attempt = attempt;
  retry->data = data;
  return retry;
}

static void stop(Retry *retry) {
  if (retry->timer == NULL)
    return;
  g_source_destroy(retry->timer);
  g_clear_pointer(&retry->timer, g_source_unref);
}

void retry_free(Retry *retry) {
  if (retry == NULL)
    return;
  stop(retry);
  g_main_context_unref(retry->context);
  g_free(retry);
}

static gboolean on_time(gpointer data) {
  Retry *retry = data;
  stop(retry);
  retry->attempt(retry->data);
  return G_SOURCE_REMOVE;
}

void retry_later(Retry *retry) {
  if (retry->timer != NULL)
    return;
  retry->timer = g_timeout_source_new(retry->delay_ms);
  retry->delay_ms = retry->delay_ms == 0 ? FIRST_MS : MIN(retry->delay_ms * 2, LAST_MS);
  g_source_set_callback(retry->timer, on_time, retry, NULL);
  g_source_attach(retry->timer, retry->context);
}

void retry_reset(Retry *retry) {
  retry->delay_ms = 0;
}
