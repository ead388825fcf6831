/* SPDX-License-Identifier: MIT */
/* See round-trips.h. */
#include "mailauth/logins/round-trips.h"

/* Up to so many logins under way, each asks at once. */
#define FEW_LOGINS 8U
/* A delay that lets several logins share one round trip, in ms, while passwords wait for a
 * processor. When none does, it would only leave the processors idle. */
#define BATCH_DELAY_MS 5U
/* The delay while many wait: more than so many for each thread, of which the last had waited
 * for so long, in us. */
#define BATCH_DELAY_BEHIND_PROOFS_MS 25U
#define FEW_PROOFS 4U
#define LONG_PROOF_WAIT_US 10000

struct RoundTrips {
  Views *views;
  const Workers *provers;
  gboolean is_behind; /* a round trip may have been delayed behind proofs */
};

RoundTrips *round_trips_new(Views *views, const Workers *provers) {
  RoundTrips *trips = g_new0(RoundTrips, 1);
  trips->views = views;
  trips->provers = provers;
  return trips;
}

void round_trips_free(RoundTrips *trips) {
  g_free(trips);
}

static gboolean has_many_proofs(const RoundTrips *trips) {
  return workers_get_waiting(trips->provers) > FEW_PROOFS * workers_get_threads(trips->provers);
}

static guint get_delay(RoundTrips *trips, guint logins) {
  if (logins <= FEW_LOGINS || workers_get_waiting(trips->provers) == 0)
    return 0;
  if (workers_get_wait(trips->provers) < LONG_PROOF_WAIT_US || !has_many_proofs(trips))
    return BATCH_DELAY_MS;
  trips->is_behind = TRUE;
  return BATCH_DELAY_BEHIND_PROOFS_MS;
}

void round_trips_ask(RoundTrips *trips, guint logins, ViewsSynced synced, gpointer data) {
  views_sync(trips->views, get_delay(trips, logins), synced, data);
}

void round_trips_note_proof(RoundTrips *trips) {
  if (!trips->is_behind || has_many_proofs(trips))
    return;
  trips->is_behind = FALSE;
  views_sync_now(trips->views);
}
