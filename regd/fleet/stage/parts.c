/* SPDX-License-Identifier: MIT */
/* See parts.h. */
#include "regd/fleet/stage/parts.h"

#include <string.h>

struct Parts {
  Cluster *cluster;
  FleetPending commit;
  PartsDone done;
  gpointer data;
  Attempt *attempt;
};

static void parts_free(Parts *parts) {
  attempt_cancel(parts->attempt);
  g_free(parts);
}

void parts_cancel(Parts *parts) {
  if (parts != NULL)
    parts_free(parts);
}

static void fail(Parts *parts, const char *why) {
  const TransportEnd end = {.code = GRPC_INTERNAL, .sent = TRUE, .text = why};
  parts->done(NULL, &end, parts->data);
  parts_free(parts);
}

/* The keys come in order, and nothing stands between those of the parts. */
static gboolean is_part(const Parts *parts, const EtcdRange *range, guint32 number) {
  if (number >= range->items->len)
    return FALSE;
  const EtcdItem *item = range->items->pdata[number];
  g_autofree char *name = fleet_key_of_part(parts->commit.id, number);
  g_autoptr(GBytes) key = cluster_new_layer_key(parts->cluster, name, strlen(name));
  return g_bytes_equal(key, item->key);
}

static gboolean read_parts(const Parts *parts, const EtcdRange *range, GPtrArray *steps,
                           GError **error) {
  gsize size = 0;
  for (guint32 i = 0; i < parts->commit.parts; i++) {
    if (!is_part(parts, range, i)) {
      g_set_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE,
                  "part %u of a commit is missing", i);
      return FALSE;
    }
    const EtcdItem *item = range->items->pdata[i];
    size += g_bytes_get_size(item->record);
    if (!fleet_part_decode(item->record, steps, error))
      return FALSE;
  }
  if (size <= 2U * FLEET_LIMIT_COMMIT_BYTES)
    return TRUE;
  g_set_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE, "a commit is too large");
  return FALSE;
}

static void on_range(GBytes *answer, const TransportEnd *end, gpointer data) {
  Parts *parts = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func(fleet_step_free);
  parts->attempt = NULL;
  if (answer == NULL) {
    parts->done(NULL, end, parts->data);
    parts_free(parts);
    return;
  }
  g_autoptr(EtcdRange) range = etcd_range_decode(answer, &error);
  if (range == NULL || !read_parts(parts, range, steps, &error)) {
    fail(parts, error->message);
    return;
  }
  parts->done(steps, end, parts->data);
  parts_free(parts);
}

Parts *parts_start(Cluster *cluster, const AttemptLimits *limits, const FleetPending *commit,
                   gint64 revision, PartsDone done, gpointer data) {
  Parts *parts = g_new0(Parts, 1);
  *parts = (Parts){.cluster = cluster, .commit = *commit, .done = done, .data = data};
  g_autofree char *stage = fleet_key_of_stage(commit->id);
  g_autofree char *prefix = g_strconcat(cluster_get_layer(cluster), stage, NULL);
  g_autoptr(GBytes) key = g_bytes_new(prefix, strlen(prefix));
  g_autoptr(GBytes) end = etcd_prefix_end(prefix);
  /* A watch tells of a revision a moment before its member has it, and others are behind. */
  const EtcdRangeQuery query = {.key = key, .end = end, .revision = revision};
  g_autoptr(GBytes) request = etcd_range_encode(&query);
  parts->attempt = attempt_start(cluster, limits, "KV/Range", request, on_range, parts);
  return parts;
}
