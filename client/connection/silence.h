/* SPDX-License-Identifier: MIT */
/* Whether a daemon answers, as one connection sees it: the state machine and its timer;
 * the caller sends the messages.
 *
 *   quiet --(a call waits)--> listening --(2/5 of the limit without a message)--> asking
 *   asking --(3/5 of the limit without one)--> silent --(any message)--> listening
 *
 * Asking is one Ping, which the daemon's main loop answers also while it is busy with
 * long calls: so a call may take long, and a daemon that hangs is told from one that
 * works. The Ping stays under way while the daemon is silent, and its answer ends the
 * silence. Time in which the loop itself was held up does not count: what came meanwhile is
 * read first. Not installed. */
#ifndef CLIENT_CONNECTION_SILENCE_H
#define CLIENT_CONNECTION_SILENCE_H

#include <glib.h>

/* How long the daemon may send nothing while calls wait before it counts as silent, in ms. */
#define SILENCE_LIMIT_MS 10000

typedef struct Silence Silence;

/* All are called from the loop, with silence_new()'s data. */
typedef struct {
  /* Whether a call to the daemon waits, other than the Ping. */
  gboolean (*is_waited_for)(gpointer data);
  /* Send a Ping, in place of one that may still be under way. */
  void (*ask)(gpointer data);
  /* silence_is_on() has become TRUE. */
  void (*begun)(gpointer data);
} SilenceEvents;

/* @context is borrowed. */
Silence *silence_new(GMainContext *context, const SilenceEvents *events, gpointer data);
void silence_free(Silence *silence);

/* In ms; for what is waited for from now on. */
void silence_set_limit(Silence *silence, guint limit_ms);
guint silence_get_limit(const Silence *silence);
/* Finds out from now on also while no call waits. */
void silence_probe(Silence *silence);
gboolean silence_is_on(const Silence *silence);

/* A daemon is there, which may be another one than before. Tells nobody. */
void silence_note_presence(Silence *silence);
/* There is none any more: it is not silent, but away. Tells nobody. */
void silence_note_absence(Silence *silence);
/* A call has been sent to the daemon. */
void silence_note_call(Silence *silence);
/* A message of the daemon's has come. TRUE: that ends a silence; tells nobody. */
gboolean silence_note_message(Silence *silence);

#endif
