/* SPDX-License-Identifier: MIT */
/* See follower.h. */
#include <string.h>
#include <unistd.h>

#include "client/base/error.h"
#include "regd/fleet/agent/follower-private.h"

#define COMPARE_TIMEOUT_MS 3000U
/* The first wait when no endpoint answers; it doubles up to the last. */
#define FIRST_WAIT_MS 500U
#define LAST_WAIT_MS 30000U
/* A blocked host looks again after so long. */
#define REST_MS 60000U
/* While live the head is read so often, at random around it: the watch may have lost something
 * that nothing came after. */
#define CHECK_MS 60000U
/* What a comparison found may still be on its way for so long. */
#define OWED_US (5 * G_USEC_PER_SEC)
/* Signs of life in the time after which a member counts as silent. */
#define SIGNS_OF_LIFE 3U

/* ---- reasons ---- */

void follower_set_reason(Follower *follower, const char *reason) {
  g_free(follower->reason);
  follower->reason = g_strdup(reason);
}

static guint get_place(const Follower *follower) {
  return follower->endpoint % cluster_count_endpoints(follower->cluster);
}

static void clear_problems(Follower *follower) {
  for (guint i = 0; i < cluster_count_endpoints(follower->cluster); i++)
    g_clear_pointer(&follower->problems[i], g_free);
  follower->failures = 0;
  follower->silent = FALSE;
  g_clear_pointer(&follower->reason, g_free);
}

void follower_fail(Follower *follower, FollowEvent event, const char *text) {
  guint place = get_place(follower);
  g_free(follower->problems[place]);
  follower->problems[place] = g_strdup(text);
  follower->failures++;
  follower->retries++;
  g_autofree char *all = follower_describe_problems(follower);
  follower_set_reason(follower, all);
  follower_step(follower, event);
}

/* ---- comparing ---- */

static void keep_record(GBytes **kept, const EtcdItem *item) {
  g_clear_pointer(kept, g_bytes_unref);
  if (item != NULL)
    *kept = g_bytes_ref(item->record);
}

static void read_found(const Follower *follower, const EtcdTransaction *answer,
                       FollowFound *found) {
  const EtcdItem *info = etcd_transaction_get_item(answer, 0),
                 *head = etcd_transaction_get_item(answer, 1);
  *found = (FollowFound){
      .revision = answer->revision, .has_info = info != NULL, .has_head = head != NULL};
  if (info != NULL) {
    g_autoptr(FleetInfo) fleet = fleet_info_decode(info->record, NULL);
    found->right_info =
        fleet != NULL && memcmp(fleet->uuid, follower->config->uuid, FLEET_ID_BYTES) == 0;
  }
  if (head == NULL)
    return;
  g_autoptr(FleetHead) decoded = fleet_head_decode(head->record, NULL);
  found->readable_head = decoded != NULL;
  found->modified = head->modified;
  if (decoded == NULL)
    return;
  memcpy(found->id, decoded->id, FLEET_ID_BYTES);
  found->number = decoded->number;
}

static void take_found(Follower *follower, const EtcdTransaction *answer) {
  FollowFound found;
  read_found(follower, answer, &found);
  keep_record(&follower->info, etcd_transaction_get_item(answer, 0));
  keep_record(&follower->head, etcd_transaction_get_item(answer, 1));
  follower->cluster_revision = found.revision;
  follower->cluster_number = found.number;
  follower->last_contact = g_get_monotonic_time();
  upkeep_note_pending(follower->upkeep, etcd_transaction_get_item(answer, 2) != NULL);
  FollowEvent event = follow_classify_found(&follower->follow, &found);
  if (event == FOLLOW_FOUND_UNFIT)
    follower_set_reason(follower, follow_explain_unfit(&found));
  if (event == FOLLOW_FOUND_NEWER && follower->follow.state == FOLLOW_LIVE &&
      follower->owed_since == 0)
    follower->owed_since = g_get_monotonic_time();
  follower_step(follower, event);
}

/* A refusal counts once every endpoint has had its turn. */
static void on_no_answer(Follower *follower, const TransportEnd *end) {
  gboolean refused =
      end->code == GRPC_PERMISSION_DENIED || end->code == GRPC_UNAUTHENTICATED || end->rejected;
  gboolean last = follower->failures + 1 >= cluster_count_endpoints(follower->cluster);
  follower_fail(follower, refused && last ? FOLLOW_REFUSED : FOLLOW_FAILED, end->text);
}

static void on_compared(GBytes *answer, const TransportEnd *end, gpointer data) {
  Follower *follower = data;
  g_autoptr(GError) error = NULL;
  follower->comparison = NULL;
  if (answer == NULL) {
    on_no_answer(follower, end);
    return;
  }
  g_autoptr(EtcdTransaction) found = etcd_transaction_decode(answer, &error);
  if (found != NULL && found->ranges->len == 3)
    take_found(follower, found);
  else
    follower_fail(follower, FOLLOW_FAILED, found != NULL ? "half an answer" : error->message);
}

static void compare(Follower *follower) {
  cluster_call_cancel(follower->comparison);
  follower->comparison = cluster_read_place(follower->cluster, follower->endpoint,
                                            COMPARE_TIMEOUT_MS, on_compared, follower);
}

/* ---- reading everything ---- */

static void on_resynced(const GError *error, const char *refused, G_GNUC_UNUSED const char *text,
                        gpointer data) {
  Follower *follower = data;
  follower->resyncs--;
  if (follower->cluster == NULL)
    return;
  if (follower->postponed != 0) {
    if (!follower_awaits_regd(follower))
      follower_step(follower, N_FOLLOW_EVENTS);
    return;
  }
  if (error != NULL) {
    follower->distrust = TRUE;
    follower_fail(follower, FOLLOW_DOUBT, error->message);
  } else if (refused != NULL) {
    follower_set_reason(follower, refused);
    follower_step(follower, FOLLOW_HELD_BACK);
  } else {
    follow_note_resynced(&follower->follow);
    follower_step(follower, FOLLOW_RESYNCED);
  }
}

static void on_snapshot(int records, gboolean compacted, const TransportEnd *end, gpointer data) {
  Follower *follower = data;
  follower->snapshot = NULL;
  if (records < 0) {
    follower_fail(follower, compacted ? FOLLOW_COMPACTED : FOLLOW_FAILED, end->text);
    return;
  }
  const LinkSnapshot snapshot = {
      .revision = follower->follow.found.revision, .head = follower->head, .records = records};
  follower->resyncs++;
  link_resync(follower->link, &snapshot, on_resynced, follower);
}

static gboolean on_resync_due(gpointer data) {
  Follower *follower = data;
  follower->timer = 0;
  follower->snapshot = snapshot_start(follower->cluster, follower->endpoint,
                                      follower->follow.found.revision, on_snapshot, follower);
  return G_SOURCE_REMOVE;
}

/* Hosts that must read everything at the same time spread themselves; one that holds nothing yet
 * does not wait. */
static void resync(Follower *follower) {
  guint32 spread_ms = MIN(follower->config->resync_spread_s, G_MAXINT32 / 1000U) * 1000U;
  gboolean at_once = spread_ms == 0 || follower->follow.applied == 0;
  guint delay = at_once ? 0 : (guint)g_random_int_range(0, (gint32)spread_ms);
  follower->timer = g_timeout_add(delay, on_resync_due, follower);
}

/* ---- timers ---- */

static gboolean on_due(gpointer data) {
  Follower *follower = data;
  follower->timer = 0;
  if (follower->distrust)
    link_attach(follower->link);
  else
    follower_step(follower, FOLLOW_DUE);
  return G_SOURCE_REMOVE;
}

/* An endpoint that was not asked yet is asked at once. */
static guint get_wait_ms(const Follower *follower) {
  guint endpoints = cluster_count_endpoints(follower->cluster);
  if (follower->failures < endpoints && !follower->distrust)
    return 0;
  guint rounds = MIN(follower->failures / endpoints, 8U);
  guint wait = MIN(FIRST_WAIT_MS << (rounds > 0 ? rounds - 1 : 0), LAST_WAIT_MS);
  return (guint)(wait * g_random_double_range(0.5, 1.5));
}

static gboolean on_check(gpointer data) {
  Follower *follower = data;
  follower->check =
      g_timeout_add((guint)(CHECK_MS * g_random_double_range(0.5, 1.5)), on_check, follower);
  if (follower->follow.state == FOLLOW_LIVE && follower->comparison == NULL)
    compare(follower);
  return G_SOURCE_REMOVE;
}

static gboolean is_owed(Follower *follower) {
  if (follower->owed_since == 0)
    return FALSE;
  if (follow_is_behind(&follower->follow))
    return g_get_monotonic_time() - follower->owed_since > OWED_US;
  follower->owed_since = 0;
  return FALSE;
}

/* Those who wait try again, and the watch goes over to a new connection once nothing of it is on
 * its way to regd. Elsewhere the next state does it. */
static void renew(Follower *follower) {
  FollowState state = follower->follow.state;
  follower->renewed |= cluster_renew(follower->cluster);
  if (!follower->renewed)
    return;
  if (state == FOLLOW_WAITING || state == FOLLOW_BLOCKED)
    follower_step(follower, FOLLOW_START);
  else if (state != FOLLOW_LIVE || !follower_reopen_watch(follower))
    return;
  follower->renewed = FALSE;
}

static gboolean on_pulse(gpointer data) {
  Follower *follower = data;
  renew(follower);
  if (follower->watch == NULL)
    return G_SOURCE_CONTINUE;
  gint64 silence = g_get_monotonic_time() - follower->last_contact;
  gint64 patience = (gint64)follower->config->stale_after_s * G_USEC_PER_SEC;
  if (silence >= patience) {
    follower->silent = TRUE;
    g_autofree char *text =
        g_strdup_printf("it has said nothing for %" G_GINT64_FORMAT " s", silence / G_USEC_PER_SEC);
    follower_fail(follower, FOLLOW_FAILED, text);
  } else if (is_owed(follower)) {
    follower->owed_since = 0;
    follower_set_reason(follower, "the watch has lost a commit");
    follower_step(follower, FOLLOW_DOUBT);
  } else {
    follower_ask_for_life(follower);
    follower_tell(follower);
  }
  return G_SOURCE_CONTINUE;
}

/* ---- actions ---- */

static void close_all(Follower *follower) {
  g_clear_pointer(&follower->comparison, cluster_call_cancel);
  g_clear_pointer(&follower->snapshot, snapshot_cancel);
  g_clear_handle_id(&follower->timer, g_source_remove);
  follower->owed_since = 0;
  follower_close_watch(follower);
}

static void do_actions(Follower *follower, guint actions) {
  if ((actions & FOLLOW_DO_CLOSE) != 0)
    follow_forget_handed(&follower->follow);
  if ((actions & FOLLOW_DO_NEXT) != 0)
    follower->endpoint++;
  if ((actions & FOLLOW_DO_COMPARE) != 0)
    compare(follower);
  if ((actions & FOLLOW_DO_WATCH) != 0)
    follower_open_watch(follower);
  if ((actions & FOLLOW_DO_RESYNC) != 0)
    resync(follower);
  if ((actions & FOLLOW_DO_WAIT) != 0)
    follower->timer = g_timeout_add(get_wait_ms(follower), on_due, follower);
  if ((actions & FOLLOW_DO_REST) != 0)
    follower->timer = g_timeout_add(REST_MS, on_due, follower);
}

/* It was away, and may have missed that a host died. */
static void enter_live(Follower *follower) {
  clear_problems(follower);
  upkeep_note_leftovers(follower->upkeep);
}

/* N_FOLLOW_EVENTS: no event, regd has answered all that it was handed. */
void follower_step(Follower *follower, FollowEvent event) {
  guint actions = follower->postponed;
  if (event != N_FOLLOW_EVENTS) {
    actions = follow_step(&follower->follow, event);
    if (actions == 0)
      return;
    if (follower->follow.state == FOLLOW_LIVE)
      enter_live(follower);
    if ((actions & FOLLOW_DO_CLOSE) != 0)
      close_all(follower);
    if ((actions & FOLLOW_DO_TELL) != 0)
      follower_tell(follower);
  }
  follower->postponed = 0;
  if (follower_awaits_regd(follower) && (actions & (FOLLOW_DO_CLOSE | FOLLOW_DO_COMPARE)) != 0)
    follower->postponed = actions;
  else
    do_actions(follower, actions);
}

/* ---- its life ---- */

Follower *follower_new(Link *link) {
  Follower *follower = g_new0(Follower, 1);
  follower->link = link;
  g_queue_init(&follower->groups);
  g_queue_init(&follower->handed);
  return follower;
}

void follower_stop(Follower *follower, gboolean regd_is_gone) {
  if (follower->cluster == NULL)
    return;
  close_all(follower);
  (void)follow_step(&follower->follow, FOLLOW_STOP);
  g_clear_handle_id(&follower->pulse, g_source_remove);
  g_clear_handle_id(&follower->check, g_source_remove);
  clear_problems(follower);
  g_clear_pointer(&follower->upkeep, upkeep_free);
  g_clear_pointer(&follower->problems, g_free);
  g_clear_pointer(&follower->info, g_bytes_unref);
  g_clear_pointer(&follower->head, g_bytes_unref);
  follower->postponed = 0;
  follower->cluster = NULL;
  if (regd_is_gone)
    follower_forget_handed(follower);
}

void follower_free(Follower *follower) {
  if (follower == NULL)
    return;
  follower_stop(follower, TRUE);
  g_free(follower);
}

void follower_start(Follower *follower, Cluster *cluster, const AgentConfig *config) {
  follower_stop(follower, FALSE);
  follower->cluster = cluster;
  follower->config = config;
  follower->problems = g_new0(char *, cluster_count_endpoints(cluster));
  follower->upkeep = upkeep_new(cluster, config);
  follower->distrust = FALSE;
  follow_set_held(&follower->follow, (gint64)config->applied,
                  config->has_head ? config->head : NULL, config->number);
  if (follower->endpoint == 0)
    follower->endpoint = g_random_int_range(0, (gint32)cluster_count_endpoints(cluster));
  guint pulse_ms = MAX(config->stale_after_s * 1000U / SIGNS_OF_LIFE, 100U);
  follower->pulse = g_timeout_add(pulse_ms, on_pulse, follower);
  follower->check = g_timeout_add(CHECK_MS, on_check, follower);
  follower_step(follower, FOLLOW_START);
}

const Follow *follower_get_place(const Follower *follower, const char **why) {
  if (follower->cluster != NULL && follower->follow.state == FOLLOW_LIVE)
    return &follower->follow;
  *why = follower->reason != NULL ? follower->reason : "the fleet is not connected yet";
  return NULL;
}

GBytes *follower_get_info(const Follower *follower) {
  return follower->info;
}

guint follower_get_endpoint(const Follower *follower) {
  return follower->endpoint;
}

void follower_settle(Follower *follower) {
  if (follower->upkeep != NULL)
    upkeep_settle(follower->upkeep);
}

gboolean follower_take_over_pending(Follower *follower) {
  if (!upkeep_has_pending(follower->upkeep))
    return FALSE;
  upkeep_yield(follower->upkeep);
  return TRUE;
}
