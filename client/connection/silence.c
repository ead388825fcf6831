/* SPDX-License-Identifier: MIT */
/* The state machine of silence.h. */
#include "client/connection/silence.h"

/* The answer is waited for in so many parts of equal length. */
#define PARTS 2
/* If its timer comes later than this share of its length, the loop was held up in a part. */
#define LATE_SHARE 10
/* How often that is allowed for: on a machine that is always late, a hang is noticed, too. */
#define MAX_HELD_UP 3

struct Silence {
  GMainContext *context;
  const SilenceEvents *events;
  gpointer data;
  guint limit_ms;
  gboolean probing;
  gboolean present;
  gboolean asking; /* a Ping is under way since `asked_at` */
  guint parts;     /* of the wait for its answer that have passed */
  guint held_up;   /* parts that did not count */
  gboolean on;
  gint64 heard_at; /* monotonic µs of the last message, or of what it is waited for since */
  gint64 asked_at;
  gint64 part_at; /* when the part that runs began */
  GSource *timer; /* while it listens or asks */
};

static gboolean on_timer(gpointer data);

Silence *silence_new(GMainContext *context, const SilenceEvents *events, gpointer data) {
  Silence *silence = g_new0(Silence, 1);
  silence->context = context;
  silence->events = events;
  silence->data = data;
  silence->limit_ms = SILENCE_LIMIT_MS;
  return silence;
}

static void stop_timer(Silence *silence) {
  if (silence->timer == NULL)
    return;
  g_source_destroy(silence->timer);
  g_clear_pointer(&silence->timer, g_source_unref);
}

void silence_free(Silence *silence) {
  stop_timer(silence);
  g_free(silence);
}

void silence_set_limit(Silence *silence, guint limit_ms) {
  silence->limit_ms = limit_ms;
}

guint silence_get_limit(const Silence *silence) {
  return silence->limit_ms;
}

gboolean silence_is_on(const Silence *silence) {
  return silence->on;
}

/* ---- the timer ---- */

static guint get_listening_ms(const Silence *silence) {
  return silence->limit_ms / 5 * 2;
}

static void start_timer(Silence *silence, guint delay_ms) {
  stop_timer(silence);
  silence->timer = g_timeout_source_new(delay_ms);
  g_source_set_callback(silence->timer, on_timer, silence, NULL);
  g_source_attach(silence->timer, silence->context);
}

/* Until nothing has been heard for long enough to ask. */
static void listen_on(Silence *silence) {
  gint64 passed_ms = (g_get_monotonic_time() - silence->heard_at) / 1000;
  guint listening_ms = get_listening_ms(silence);
  silence->asking = FALSE;
  start_timer(silence, passed_ms < listening_ms ? listening_ms - (guint)passed_ms : 0);
}

static guint get_part_ms(const Silence *silence) {
  return (silence->limit_ms - get_listening_ms(silence)) / PARTS;
}

static void begin_part(Silence *silence) {
  silence->part_at = g_get_monotonic_time();
  start_timer(silence, get_part_ms(silence));
}

static void ask(Silence *silence) {
  silence->asking = TRUE;
  silence->asked_at = g_get_monotonic_time();
  silence->parts = 0;
  silence->held_up = 0;
  begin_part(silence);
  silence->events->ask(silence->data);
}

static gboolean was_held_up(const Silence *silence) {
  gint64 part_us = (gint64)get_part_ms(silence) * 1000;
  return g_get_monotonic_time() - silence->part_at > part_us + part_us / LATE_SHARE;
}

/* A part in which the loop was held up does not count: the answer may be there, unread. */
static void end_part(Silence *silence) {
  if (silence->held_up < MAX_HELD_UP && was_held_up(silence))
    silence->held_up++;
  else
    silence->parts++;
}

static void begin(Silence *silence) {
  silence->asking = FALSE;
  silence->on = TRUE;
  silence->events->begun(silence->data);
}

static gboolean has_been_quiet(const Silence *silence) {
  gint64 passed_us = g_get_monotonic_time() - silence->heard_at;
  return passed_us >= (gint64)get_listening_ms(silence) * 1000;
}

static gboolean on_timer(gpointer data) {
  Silence *silence = data;
  stop_timer(silence);
  gboolean unanswered = silence->asking && silence->heard_at <= silence->asked_at;
  if (unanswered)
    end_part(silence);
  if (unanswered && silence->parts < PARTS) {
    begin_part(silence);
  } else if (unanswered) {
    begin(silence);
  } else if (!silence->probing && !silence->events->is_waited_for(silence->data)) {
    silence->asking = FALSE;
  } else if (!silence->asking && has_been_quiet(silence)) {
    ask(silence);
  } else {
    listen_on(silence);
  }
  return G_SOURCE_REMOVE;
}

/* ---- what happens ---- */

static void begin_to_listen(Silence *silence) {
  if (!silence->present || silence->on || silence->timer != NULL)
    return;
  silence->heard_at = g_get_monotonic_time();
  listen_on(silence);
}

void silence_note_call(Silence *silence) {
  begin_to_listen(silence);
}

gboolean silence_note_message(Silence *silence) {
  gboolean ends = silence->on;
  silence->heard_at = g_get_monotonic_time();
  silence->on = FALSE;
  if (ends)
    begin_to_listen(silence);
  return ends;
}

void silence_note_absence(Silence *silence) {
  stop_timer(silence);
  silence->present = FALSE;
  silence->asking = FALSE;
  silence->on = FALSE;
}

void silence_note_presence(Silence *silence) {
  silence_note_absence(silence);
  silence->present = TRUE;
  begin_to_listen(silence);
}

void silence_probe(Silence *silence) {
  silence->probing = TRUE;
  begin_to_listen(silence);
}
