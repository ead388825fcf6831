/* SPDX-License-Identifier: MIT */
/* The follower's watch: events become groups, one for each revision of etcd, and groups become
 * commits of regd's, in order. See follower-private.h. */
#include <string.h>

#include "client/base/error.h"
#include "regd/fleet/agent/follower-private.h"
#include "regd/fleet/base/key.h"

/* So many commits may be on their way to regd at a time, which makes one flush of several. */
#define WINDOW 16U
/* What an item takes besides its bytes, and a group besides its items. */
#define ITEM_BYTES 256U
/* The parts of a commit must be read in this time. */
#define PARTS_TIMEOUT_MS 10000U
#define HEAD "head"

static void group_free(gpointer data) {
  FollowerGroup *group = data;
  g_ptr_array_unref(group->items);
  fleet_head_free(group->head);
  g_clear_pointer(&group->head_record, g_bytes_unref);
  g_free(group);
}

/* ---- groups ---- */

/* What is behind the layer's prefix; NULL: it does not lie in the layer. */
static const char *get_rest(const Follower *follower, const EtcdItem *item, gsize *size) {
  const char *layer = cluster_get_layer(follower->cluster);
  gsize prefix = strlen(layer), whole;
  const char *key = g_bytes_get_data(item->key, &whole);
  if (whole < prefix || memcmp(key, layer, prefix) != 0)
    return NULL;
  *size = whole - prefix;
  return key + prefix;
}

static void note_head(FollowerGroup *group, const EtcdItem *item) {
  group->deletes_head = item->deleted;
  if (item->deleted)
    return;
  g_clear_pointer(&group->head, fleet_head_free);
  g_clear_pointer(&group->head_record, g_bytes_unref);
  group->head = fleet_head_decode(item->record, NULL);
  group->bad_head = group->head == NULL;
  if (group->head != NULL)
    group->head_record = g_bytes_ref(item->record);
}

static gboolean is_key(const char *rest, gsize size, const char *key) {
  return size == strlen(key) && memcmp(rest, key, size) == 0;
}

/* @rest: the item's key without the layer's prefix. */
static void note_item(Follower *follower, FollowerGroup *group, const EtcdItem *item,
                      const char *rest, gsize size) {
  guint8 id[FLEET_ID_BYTES];
  gboolean is_owner = FALSE;
  if (is_key(rest, size, HEAD))
    note_head(group, item);
  else if (is_key(rest, size, FLEET_KEY_PENDING))
    upkeep_note_pending(follower->upkeep, !item->deleted);
  else if (item->deleted && fleet_key_parse_stage(rest, size, id, &is_owner) && is_owner)
    upkeep_note_leftovers(follower->upkeep);
}

/* Takes @item. What regd has no use for is dropped at once. */
static void take_item(Follower *follower, FollowerGroup *group, EtcdItem *item) {
  gsize size = 0;
  const char *rest = get_rest(follower, item, &size);
  if (rest != NULL && fleet_key_is_record(rest, size)) {
    group->bytes += ITEM_BYTES + g_bytes_get_size(item->key) + g_bytes_get_size(item->record);
    g_ptr_array_add(group->items, item);
    return;
  }
  if (rest != NULL)
    note_item(follower, group, item, rest, size);
  etcd_item_free(item);
}

/* Takes the items from @first on that are of one revision. */
static FollowerGroup *take_group(Follower *follower, EtcdWatch *watch, guint *first) {
  FollowerGroup *group = g_new0(FollowerGroup, 1);
  group->follower = follower;
  group->items = g_ptr_array_new_with_free_func(etcd_item_free);
  group->revision = ((const EtcdItem *)watch->items->pdata[*first])->modified;
  group->bytes = ITEM_BYTES;
  for (; *first < watch->items->len; (*first)++) {
    EtcdItem *item = watch->items->pdata[*first];
    if (item->modified != group->revision)
      break;
    take_item(follower, group, item);
    watch->items->pdata[*first] = NULL;
  }
  return group;
}

/* ---- to regd ---- */

static void hand_on(Follower *follower);
static void open_watch(Follower *follower, gint64 start);

static void on_applied(const GError *error, gpointer data) {
  FollowerGroup *group = data;
  Follower *follower = group->follower;
  (void)g_queue_remove(&follower->handed, group); /* the first, if regd answers in order */
  follower->handed_bytes -= group->bytes;
  gboolean reached =
      error == NULL && follow_note_applied(&follower->follow, group->revision, group->head);
  if (group->head != NULL)
    follower->cluster_number = MAX(follower->cluster_number, group->head->number);
  group_free(group);
  if (follower->cluster == NULL)
    return;
  if (error != NULL) {
    follower->distrust = TRUE;
    g_autofree char *why = g_strdup_printf("regd did not take a commit: %s", error->message);
    follower_fail(follower, FOLLOW_FAILED, why);
  }
  if (!follower_awaits_regd(follower) && follower->postponed != 0)
    follower_step(follower, N_FOLLOW_EVENTS);
  else if (reached)
    follower_step(follower, FOLLOW_REACHED);
  hand_on(follower);
}

static void end_by(Follower *follower, FollowEvent event, const char *reason) {
  follower_set_reason(follower, reason);
  follower_step(follower, event);
}

/* Takes @group. FALSE: the watch has ended by it. */
static gboolean send(Follower *follower, FollowerGroup *group, const FollowGroup *judged) {
  const LinkGroup sent = {.revision = group->revision,
                          .head = group->head_record,
                          .items = group->items,
                          .prefix_bytes = strlen(cluster_get_layer(follower->cluster))};
  if (link_apply(follower->link, &sent, on_applied, group)) {
    follow_note_handed(&follower->follow, judged);
    g_queue_push_tail(&follower->handed, group);
    follower->handed_bytes += group->bytes;
    return TRUE;
  }
  group_free(group);
  end_by(follower, FOLLOW_GAP, "a commit is too large: everything is being read");
  return FALSE;
}

/* ---- a commit that is larger than a transaction ---- */

static void add_step(Follower *follower, FollowerGroup *group, const FleetStep *step) {
  gsize size;
  const void *name = g_bytes_get_data(step->key, &size);
  EtcdItem *item = g_new0(EtcdItem, 1);
  item->key = cluster_new_layer_key(follower->cluster, name, size);
  item->record = step->record != NULL ? g_bytes_ref(step->record) : g_bytes_new(NULL, 0);
  item->deleted = step->record == NULL;
  item->created = item->modified = group->revision;
  group->bytes += ITEM_BYTES + size + g_bytes_get_size(item->record);
  g_ptr_array_add(group->items, item);
}

static void on_parts(const GPtrArray *steps, const TransportEnd *end, gpointer data) {
  Follower *follower = data;
  FollowerGroup *group = g_steal_pointer(&follower->assembled);
  const FollowGroup judged = {
      .revision = group->revision, .has_records = TRUE, .head = group->head};
  follower->parts = NULL;
  if (steps == NULL) {
    group_free(group);
    gboolean lacking = end->code == GRPC_OUT_OF_RANGE || end->code == GRPC_INTERNAL;
    follower_fail(follower, lacking ? FOLLOW_GAP : FOLLOW_FAILED, end->text);
    return;
  }
  for (guint i = 0; i < steps->len; i++)
    add_step(follower, group, steps->pdata[i]);
  if (send(follower, group, &judged))
    hand_on(follower);
}

/* Takes @group. What follows it waits until its parts have been read. */
static void assemble(Follower *follower, FollowerGroup *group) {
  FleetPending commit = {.parts = MIN(group->head->staged, FLEET_LIMIT_PARTS)};
  const AttemptLimits limits = {.endpoint = follower->endpoint,
                                .request_timeout_ms = PARTS_TIMEOUT_MS,
                                .deadline = g_get_monotonic_time() + PARTS_TIMEOUT_MS * 1000};
  memcpy(commit.id, group->head->id, FLEET_ID_BYTES);
  follower->assembled = group;
  follower->parts =
      parts_start(follower->cluster, &limits, &commit, group->revision, on_parts, follower);
}

/* Takes @group. FALSE: nothing more can be handed over now. */
static gboolean hand(Follower *follower, FollowerGroup *group) {
  const FollowGroup judged = {.revision = group->revision,
                              .has_records = group->items->len > 0,
                              .deletes_head = group->deletes_head || group->bad_head,
                              .head = group->head};
  FollowVerdict verdict = follow_judge(&follower->follow, &judged);
  if (verdict == FOLLOW_GROUP_APPLY && group->head != NULL && group->head->staged > 0) {
    assemble(follower, group);
    return FALSE;
  }
  if (verdict == FOLLOW_GROUP_APPLY)
    return send(follower, group, &judged);
  group_free(group);
  if (verdict == FOLLOW_GROUP_DOUBT)
    end_by(follower, FOLLOW_DOUBT, "the fleet's head is gone, or can't be read");
  else if (verdict == FOLLOW_GROUP_GAP)
    end_by(follower, FOLLOW_GAP, "commits are missing: everything is being read");
  return verdict == FOLLOW_GROUP_IGNORE;
}

/* The next group that regd may be handed now; NULL: none. */
static FollowerGroup *take_next(Follower *follower) {
  FollowerGroup *group = g_queue_peek_head(&follower->groups);
  if (group == NULL || follower->parts != NULL || (follower->watch == NULL && !follower->held_up))
    return NULL;
  if (follower->handed.length > 0 &&
      (follower->handed.length >= WINDOW ||
       follower->handed_bytes + group->bytes > FLEET_LIMIT_HANDED_BYTES))
    return NULL;
  follower->waiting_bytes -= group->bytes;
  follower->passed = group->revision;
  return g_queue_pop_head(&follower->groups);
}

static void hand_on(Follower *follower) {
  for (FollowerGroup *group; (group = take_next(follower)) != NULL;)
    if (!hand(follower, group))
      return;
  if (!follower->held_up || follower->groups.length > 0 || follower->parts != NULL)
    return;
  follower->held_up = FALSE;
  follower->owed_since = 0;
  open_watch(follower, follower->passed + 1);
}

/* ---- the stream ---- */

static void on_cancelled(Follower *follower, const EtcdWatch *answer) {
  const char *reason = answer->reason != NULL ? answer->reason : "the watch was cancelled";
  if (answer->compacted > 0)
    follower_step(follower, FOLLOW_COMPACTED);
  else
    follower_fail(follower,
                  strstr(reason, "permission denied") != NULL ? FOLLOW_REFUSED : FOLLOW_FAILED,
                  reason);
}

static void take_events(Follower *follower, EtcdWatch *answer) {
  for (guint first = 0; first < answer->items->len;) {
    FollowerGroup *group = take_group(follower, answer, &first);
    follower->waiting_bytes += group->bytes;
    g_queue_push_tail(&follower->groups, group);
  }
  g_ptr_array_set_size(answer->items, 0);
  if (follower->waiting_bytes > FLEET_LIMIT_WAITING_BYTES) {
    g_clear_pointer(&follower->watch, stream_cancel);
    follower->held_up = TRUE;
  }
  hand_on(follower);
}

static void on_message(GBytes *message, gpointer data) {
  Follower *follower = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(EtcdWatch) answer = etcd_watch_decode(message, &error);
  if (answer == NULL) {
    follower_fail(follower, FOLLOW_FAILED, error->message);
    return;
  }
  follower->last_contact = g_get_monotonic_time();
  follower->cluster_revision = MAX(follower->cluster_revision, answer->revision);
  if (answer->cancelled)
    on_cancelled(follower, answer);
  else if (answer->created && follower->follow.found_kind == FOLLOW_FOUND_SAME)
    follower_step(follower, FOLLOW_REACHED);
  else if (answer->items->len > 0)
    take_events(follower, answer);
}

static void on_end(const TransportEnd *end, gpointer data) {
  Follower *follower = data;
  follower->watch = NULL;
  if (end->too_large) {
    follower_set_reason(follower, "too much was missed: everything is being read");
    follower_step(follower, FOLLOW_GAP);
    return;
  }
  gboolean refused = end->code == GRPC_PERMISSION_DENIED || end->code == GRPC_UNAUTHENTICATED;
  follower_fail(follower, refused ? FOLLOW_REFUSED : FOLLOW_FAILED, end->text);
}

static void open_watch(Follower *follower, gint64 start) {
  const StreamEvents events = {.message = on_message, .end = on_end, .data = follower};
  const char *layer = cluster_get_layer(follower->cluster);
  g_autoptr(GBytes) key = g_bytes_new(layer, strlen(layer));
  g_autoptr(GBytes) end = etcd_prefix_end(layer);
  g_autoptr(GBytes) request = etcd_watch_encode(key, end, start);
  follower->watch = cluster_watch(follower->cluster, follower->endpoint, &events);
  follower->last_contact = g_get_monotonic_time();
  stream_send(follower->watch, request);
}

void follower_open_watch(Follower *follower) {
  open_watch(follower, follow_get_watch_start(&follower->follow));
}

gboolean follower_reopen_watch(Follower *follower) {
  if (follower->watch == NULL || follower_awaits_regd(follower) || follower->groups.length > 0 ||
      follower->assembled != NULL)
    return FALSE;
  follower_close_watch(follower);
  open_watch(follower, follower->follow.applied + 1);
  return TRUE;
}

void follower_close_watch(Follower *follower) {
  g_clear_pointer(&follower->watch, stream_cancel);
  g_clear_pointer(&follower->parts, parts_cancel);
  g_clear_pointer(&follower->assembled, group_free);
  g_queue_clear_full(&follower->groups, group_free);
  follower->waiting_bytes = 0;
  follower->held_up = FALSE;
}

gboolean follower_awaits_regd(const Follower *follower) {
  return follower->handed.length > 0 || follower->resyncs > 0;
}

void follower_forget_handed(Follower *follower) {
  g_queue_clear_full(&follower->handed, group_free);
  follower->handed_bytes = 0;
  follower->resyncs = 0;
}

void follower_ask_for_life(Follower *follower) {
  if (follower->watch == NULL)
    return;
  g_autoptr(GBytes) request = etcd_progress_encode();
  stream_send(follower->watch, request);
}
