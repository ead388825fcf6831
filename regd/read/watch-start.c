/* SPDX-License-Identifier: MIT */
/* See watch-start.h. */
#include "regd/read/watch-start.h"

#include "client/base/error.h"

#define SNAPSHOT_TRIES 8U

void watch_start_free(WatchStart *start) {
  if (start == NULL)
    return;
  g_free(start->path);
  route_links_free(start->links);
  g_clear_pointer(&start->replay, g_ptr_array_unref);
  g_free(start);
}

static GPtrArray *new_replay(void) {
  return g_ptr_array_new_with_free_func((GDestroyNotify)effective_free);
}

/* Where the path leads, and over which keys if a replay is to follow. */
static gboolean read_way(Reader *reader, const WatchOrder *order, WatchStart *start,
                         GError **error) {
  start->path =
      reader_resolve(reader, order->who, order->key, order->no_follow, &start->revision, error);
  if (start->path != NULL && order->has_since)
    start->links = route_links_find(reader, order->who, order->key, order->no_follow, error);
  return start->path != NULL && (start->links != NULL || !order->has_since);
}

/* A way has a bounded length, and what a thread has read of it does not make it any shorter. */
static gboolean read_whole_way(Reader *reader, const WatchOrder *order, WatchStart *start,
                               GError **error) {
  reader_keep_short(reader, FALSE);
  gboolean done = read_way(reader, order, start, error);
  reader_keep_short(reader, TRUE);
  return done;
}

/* FALSE without @error: a commit came in between. */
static gboolean read_once(Reader *reader, const WatchOrder *order, WatchStart *start,
                          GError **error) {
  if (!(order->whole_way ? read_whole_way : read_way)(reader, order, start, error))
    return FALSE;
  if (!order->has_since) {
    start->replay = new_replay();
    return TRUE;
  }
  const ReplayScope scope = {start->path, order->recursive, route_links_get_keys(start->links)};
  guint64 replayed = 0;
  start->replay = reader_replay(reader, order->who, &scope, order->since, &replayed, error);
  return start->replay != NULL && replayed == start->revision;
}

/* A commit in between may lead the path elsewhere. */
WatchStart *watch_start_read(Reader *reader, const WatchOrder *order, GError **error) {
  for (guint tries = 0; tries < SNAPSHOT_TRIES; tries++) {
    g_autoptr(WatchStart) start = g_new0(WatchStart, 1);
    GError *failure = NULL;
    if (read_once(reader, order, start, &failure))
      return g_steal_pointer(&start);
    if (failure == NULL)
      continue;
    g_propagate_error(error, failure);
    return NULL;
  }
  error_set(error, REGISTRY_ERROR_FAILED, "%s: the registry changes too fast; try again",
            order->key);
  return NULL;
}

gboolean watch_start_join(WatchStart *later, WatchStart *earlier) {
  if (!g_str_equal(later->path, earlier->path) ||
      (earlier->links != NULL && !route_links_equal(later->links, earlier->links)))
    return FALSE;
  GPtrArray *joined = g_steal_pointer(&earlier->replay);
  for (guint i = 0; i < later->replay->len; i++)
    g_ptr_array_add(joined, effective_ref(g_ptr_array_index(later->replay, i)));
  g_ptr_array_unref(later->replay);
  later->replay = joined;
  return TRUE;
}
