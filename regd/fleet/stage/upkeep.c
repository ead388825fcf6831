/* SPDX-License-Identifier: MIT */
/* See upkeep.h. Hosts that notice the same thing wait for a random time each, so that the first has
 * mostly done it when the others look. */
#include "regd/fleet/stage/upkeep.h"

#include "regd/fleet/stage/settling.h"
#include "regd/fleet/stage/sweep.h"

/* So long the host that made a commit may take to settle it, and others wait besides at random. */
#define PATIENCE_MS 5000
#define SPREAD_MS 5000
/* All of it must be done by then; otherwise it is tried again. */
#define WORK_S 30

struct Upkeep {
  Cluster *cluster;
  guint request_timeout_ms;
  gboolean read_only, is_pending;
  Settling *settling; /* under way, or NULL */
  Sweep *sweep;       /* under way, or NULL */
  guint settle_timer, sweep_timer;
};

Upkeep *upkeep_new(Cluster *cluster, const AgentConfig *config) {
  Upkeep *upkeep = g_new0(Upkeep, 1);
  upkeep->cluster = cluster;
  upkeep->request_timeout_ms = config->request_timeout_ms;
  upkeep->read_only = config->read_only;
  return upkeep;
}

void upkeep_free(Upkeep *upkeep) {
  if (upkeep == NULL)
    return;
  upkeep_yield(upkeep);
  g_clear_handle_id(&upkeep->sweep_timer, g_source_remove);
  sweep_cancel(upkeep->sweep);
  g_free(upkeep);
}

static AttemptLimits get_limits(const Upkeep *upkeep) {
  return (AttemptLimits){.endpoint = g_random_int_range(0, G_MAXINT16),
                         .request_timeout_ms = upkeep->request_timeout_ms,
                         .deadline = g_get_monotonic_time() + WORK_S * G_USEC_PER_SEC};
}

/* ---- settling ---- */

static void wait_to_settle(Upkeep *upkeep);

/* A host whose user may not write fails each time, until another host has settled it. */
static void on_settled(gboolean settled, G_GNUC_UNUSED const TransportEnd *end, gpointer data) {
  Upkeep *upkeep = data;
  upkeep->settling = NULL;
  if (!settled && upkeep->is_pending)
    wait_to_settle(upkeep);
}

void upkeep_settle(Upkeep *upkeep) {
  const AttemptLimits limits = get_limits(upkeep);
  g_clear_handle_id(&upkeep->settle_timer, g_source_remove);
  if (upkeep->settling == NULL)
    upkeep->settling = settling_start(upkeep->cluster, &limits, on_settled, upkeep);
}

static gboolean on_settle_due(gpointer data) {
  Upkeep *upkeep = data;
  upkeep->settle_timer = 0;
  upkeep_settle(upkeep);
  return G_SOURCE_REMOVE;
}

static void wait_to_settle(Upkeep *upkeep) {
  if (upkeep->read_only || upkeep->settling != NULL || upkeep->settle_timer != 0)
    return;
  guint delay = PATIENCE_MS + (guint)g_random_int_range(0, SPREAD_MS);
  upkeep->settle_timer = g_timeout_add(delay, on_settle_due, upkeep);
}

void upkeep_note_pending(Upkeep *upkeep, gboolean is_pending) {
  upkeep->is_pending = is_pending;
  if (is_pending)
    wait_to_settle(upkeep);
  else
    g_clear_handle_id(&upkeep->settle_timer, g_source_remove);
}

gboolean upkeep_has_pending(const Upkeep *upkeep) {
  return upkeep->is_pending;
}

void upkeep_yield(Upkeep *upkeep) {
  g_clear_handle_id(&upkeep->settle_timer, g_source_remove);
  g_clear_pointer(&upkeep->settling, settling_cancel);
}

/* ---- sweeping ---- */

static void on_swept(gpointer data) {
  Upkeep *upkeep = data;
  upkeep->sweep = NULL;
}

static gboolean on_sweep_due(gpointer data) {
  Upkeep *upkeep = data;
  const AttemptLimits limits = get_limits(upkeep);
  upkeep->sweep_timer = 0;
  if (upkeep->sweep == NULL)
    upkeep->sweep = sweep_start(upkeep->cluster, &limits, on_swept, upkeep);
  return G_SOURCE_REMOVE;
}

void upkeep_note_leftovers(Upkeep *upkeep) {
  if (upkeep->read_only || upkeep->sweep_timer != 0)
    return;
  guint delay = (guint)g_random_int_range(0, SPREAD_MS);
  upkeep->sweep_timer = g_timeout_add(delay, on_sweep_due, upkeep);
}
