/* SPDX-License-Identifier: MIT */
/* See snapshot.h. */
#include "regd/fleet/agent/snapshot.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "regd/fleet/base/key.h"
#include "regd/fleet/stage/parts.h"

/* A page that is too large is asked for again, with so many times fewer keys. */
#define SHRINK 8
/* etcd walks over all that is left of the range for each page, so pages are large: about so many
 * bytes. */
#define FIRST_PAGE_KEYS 5000
#define PAGE_BYTES (4U * 1024U * 1024U)
#define LEAST_PAGE_KEYS 16
#define MOST_PAGE_KEYS 100000
#define PAGE_TIMEOUT_MS 30000U
#define TRAILER_MARK G_MAXUINT32

struct Snapshot {
  Cluster *cluster;
  Parts *parts;        /* being read, or NULL */
  GHashTable *overlay; /* keys below the layer -> FleetStep: what is to stand there */
  GPtrArray *steps;    /* that `overlay` borrows; or NULL */
  guint endpoint;
  gint64 revision;
  SnapshotDone done;
  gpointer data;
  ClusterCall *call;
  GBytes *next; /* the first key of the next page */
  GBytes *end;
  gint64 page_keys;
  guint64 count; /* of records in the file */
  guint64 size;  /* of the file */
  int file;
};

static void snapshot_free(Snapshot *snapshot) {
  g_hash_table_unref(snapshot->overlay);
  g_clear_pointer(&snapshot->steps, g_ptr_array_unref);
  g_bytes_unref(snapshot->next);
  g_bytes_unref(snapshot->end);
  if (snapshot->file >= 0)
    close(snapshot->file);
  g_free(snapshot);
}

void snapshot_cancel(Snapshot *snapshot) {
  if (snapshot == NULL)
    return;
  cluster_call_cancel(snapshot->call);
  parts_cancel(snapshot->parts);
  snapshot_free(snapshot);
}

/* ---- the file ---- */

static gboolean write_all(int file, const void *bytes, gsize size) {
  const guint8 *at = bytes;
  while (size > 0) {
    ssize_t written = write(file, at, size);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return FALSE;
    at += written;
    size -= (gsize)written;
  }
  return TRUE;
}

static void append_header(GByteArray *out, guint32 first, guint32 second, guint64 third) {
  guint32 lengths[2] = {GUINT32_TO_LE(first), GUINT32_TO_LE(second)};
  guint64 number = GUINT64_TO_LE(third);
  g_byte_array_append(out, (const guint8 *)lengths, sizeof lengths);
  g_byte_array_append(out, (const guint8 *)&number, sizeof number);
}

static void append_bytes(GByteArray *out, const guint8 *bytes, gsize size) {
  g_byte_array_append(out, bytes, (guint)size);
}

static void append_record(Snapshot *snapshot, GByteArray *out, GBytes *name, GBytes *data,
                          gint64 created) {
  gsize name_size, size;
  const guint8 *key = g_bytes_get_data(name, &name_size);
  const guint8 *record = g_bytes_get_data(data, &size);
  append_header(out, (guint32)name_size, (guint32)size, (guint64)created);
  append_bytes(out, key, name_size);
  append_bytes(out, record, size);
  snapshot->count++;
}

/* What is not a record of a key or value stays out. What a commit that is not in its places yet
 * puts there keeps the place that its key has. */
static void append_item(Snapshot *snapshot, GByteArray *out, const EtcdItem *item) {
  gsize size, prefix = strlen(cluster_get_layer(snapshot->cluster));
  const guint8 *key = g_bytes_get_data(item->key, &size);
  if (size < prefix || !fleet_key_is_record(key + prefix, size - prefix))
    return;
  g_autoptr(GBytes) name = g_bytes_new_from_bytes(item->key, prefix, size - prefix);
  const FleetStep *step = g_hash_table_lookup(snapshot->overlay, name);
  GBytes *record = step != NULL ? step->record : item->record;
  if (record != NULL)
    append_record(snapshot, out, name, record, item->created);
  if (step != NULL)
    g_hash_table_remove(snapshot->overlay, name);
}

/* What such a commit puts where nothing stands yet. */
static void append_rest(Snapshot *snapshot, GByteArray *out) {
  for (guint i = 0; snapshot->steps != NULL && i < snapshot->steps->len; i++) {
    const FleetStep *step = snapshot->steps->pdata[i];
    if (step->record != NULL && g_hash_table_remove(snapshot->overlay, step->key))
      append_record(snapshot, out, step->key, step->record, snapshot->revision);
  }
}

static gboolean write_page(Snapshot *snapshot, const EtcdRange *range) {
  g_autoptr(GByteArray) out = g_byte_array_new();
  for (guint i = 0; i < range->items->len; i++)
    append_item(snapshot, out, range->items->pdata[i]);
  if (!range->more) {
    append_rest(snapshot, out);
    append_header(out, TRAILER_MARK, 0, snapshot->count);
  }
  snapshot->size += out->len;
  if (snapshot->size > FLEET_LIMIT_STREAM_BYTES) {
    errno = EFBIG;
    return FALSE;
  }
  return write_all(snapshot->file, out->data, out->len) &&
         (range->more || lseek(snapshot->file, 0, SEEK_SET) == 0);
}

/* ---- pages ---- */

static void finish(Snapshot *snapshot, const TransportEnd *end) {
  gboolean whole = end->code == GRPC_OK;
  snapshot->done(whole ? snapshot->file : -1, end->code == GRPC_OUT_OF_RANGE, end, snapshot->data);
  snapshot_free(snapshot);
}

static void fail(Snapshot *snapshot, const char *why) {
  const TransportEnd end = {.code = GRPC_INTERNAL, .sent = TRUE, .text = why};
  finish(snapshot, &end);
}

static void ask(Snapshot *snapshot);

/* Or pages would never end. */
static gboolean leads_on(const Snapshot *snapshot, const EtcdRange *range) {
  if (range->items->len == 0)
    return FALSE;
  const EtcdItem *last = range->items->pdata[range->items->len - 1];
  return g_bytes_compare(last->key, snapshot->next) >= 0;
}

/* The next page begins behind the last key of this one, and is about as large as it should be. */
static void turn_page(Snapshot *snapshot, const EtcdRange *range, gsize size) {
  gsize length;
  const EtcdItem *last = range->items->pdata[range->items->len - 1];
  const guint8 *key = g_bytes_get_data(last->key, &length);
  guint8 *next = g_malloc0(length + 1);
  memcpy(next, key, length);
  g_bytes_unref(snapshot->next);
  snapshot->next = g_bytes_new_take(next, length + 1);
  gint64 fitting = (gint64)(range->items->len * (guint64)PAGE_BYTES / MAX(size, 1U));
  snapshot->page_keys = CLAMP(fitting, LEAST_PAGE_KEYS, MOST_PAGE_KEYS);
}

static void on_page(GBytes *answer, const TransportEnd *end, gpointer data) {
  Snapshot *snapshot = data;
  g_autoptr(GError) error = NULL;
  snapshot->call = NULL;
  if (answer == NULL && end->too_large && snapshot->page_keys > 1) {
    snapshot->page_keys = MAX(snapshot->page_keys / SHRINK, 1);
    ask(snapshot);
    return;
  }
  if (answer == NULL) {
    finish(snapshot, end);
    return;
  }
  g_autoptr(EtcdRange) range = etcd_range_decode(answer, &error);
  if (range == NULL || (range->more && !leads_on(snapshot, range)))
    fail(snapshot, range == NULL ? error->message : "a page of the fleet leads to no next one");
  else if (!write_page(snapshot, range))
    fail(snapshot, g_strerror(errno));
  else if (!range->more)
    finish(snapshot, end);
  else {
    turn_page(snapshot, range, g_bytes_get_size(answer));
    ask(snapshot);
  }
}

static void ask(Snapshot *snapshot) {
  const EtcdRangeQuery query = {.key = snapshot->next,
                                .end = snapshot->end,
                                .revision = snapshot->revision,
                                .limit = snapshot->page_keys,
                                .relaxed = TRUE};
  g_autoptr(GBytes) request = etcd_range_encode(&query);
  const ClusterQuestion question = {.endpoint = snapshot->endpoint,
                                    .method = "KV/Range",
                                    .request = request,
                                    .timeout_ms = PAGE_TIMEOUT_MS};
  snapshot->call = cluster_call(snapshot->cluster, &question, on_page, snapshot);
}

/* ---- a commit that is not in its places yet ---- */

static AttemptLimits get_limits(const Snapshot *snapshot) {
  return (AttemptLimits){.endpoint = snapshot->endpoint,
                         .request_timeout_ms = PAGE_TIMEOUT_MS,
                         .deadline = g_get_monotonic_time()};
}

static void on_parts(const GPtrArray *steps, const TransportEnd *end, gpointer data) {
  Snapshot *snapshot = data;
  snapshot->parts = NULL;
  if (steps == NULL) {
    finish(snapshot, end);
    return;
  }
  snapshot->steps = g_ptr_array_new_with_free_func(fleet_step_free);
  for (guint i = 0; i < steps->len; i++) {
    const FleetStep *step = steps->pdata[i];
    FleetStep *copy = fleet_step_new(step->key, step->record);
    g_ptr_array_add(snapshot->steps, copy);
    g_hash_table_insert(snapshot->overlay, copy->key, copy);
  }
  ask(snapshot);
}

static void read_parts(Snapshot *snapshot, const EtcdItem *item) {
  const AttemptLimits limits = get_limits(snapshot);
  FleetPending commit;
  g_autoptr(GError) error = NULL;
  if (!fleet_pending_decode(item->record, &commit, &error)) {
    fail(snapshot, error->message);
    return;
  }
  snapshot->parts =
      parts_start(snapshot->cluster, &limits, &commit, snapshot->revision, on_parts, snapshot);
}

static void on_pending(GBytes *answer, const TransportEnd *end, gpointer data) {
  Snapshot *snapshot = data;
  g_autoptr(GError) error = NULL;
  snapshot->call = NULL;
  g_autoptr(EtcdRange) range = answer != NULL ? etcd_range_decode(answer, &error) : NULL;
  if (answer == NULL)
    finish(snapshot, end);
  else if (range == NULL)
    fail(snapshot, error->message);
  else if (range->items->len > 0)
    read_parts(snapshot, range->items->pdata[0]);
  else
    ask(snapshot);
}

static void ask_pending(Snapshot *snapshot) {
  g_autoptr(GBytes) key =
      cluster_new_layer_key(snapshot->cluster, FLEET_KEY_PENDING, strlen(FLEET_KEY_PENDING));
  const EtcdRangeQuery query = {.key = key, .revision = snapshot->revision, .relaxed = TRUE};
  g_autoptr(GBytes) request = etcd_range_encode(&query);
  const ClusterQuestion question = {.endpoint = snapshot->endpoint,
                                    .method = "KV/Range",
                                    .request = request,
                                    .timeout_ms = PAGE_TIMEOUT_MS};
  snapshot->call = cluster_call(snapshot->cluster, &question, on_pending, snapshot);
}

Snapshot *snapshot_start(Cluster *cluster, guint endpoint, gint64 revision, SnapshotDone done,
                         gpointer data) {
  const char *layer = cluster_get_layer(cluster);
  Snapshot *snapshot = g_new0(Snapshot, 1);
  snapshot->cluster = cluster;
  snapshot->endpoint = endpoint;
  snapshot->revision = revision;
  snapshot->done = done;
  snapshot->data = data;
  snapshot->next = g_bytes_new(layer, strlen(layer));
  snapshot->end = etcd_prefix_end(layer);
  snapshot->page_keys = FIRST_PAGE_KEYS;
  snapshot->overlay = g_hash_table_new(g_bytes_hash, g_bytes_equal);
  snapshot->file = memfd_create("regd-fleet", MFD_CLOEXEC);
  ask_pending(snapshot);
  return snapshot;
}
