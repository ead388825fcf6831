/* SPDX-License-Identifier: MIT */
/* See watching.h. */
#include "regd/service/watching.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"

/* A commit that is being told. */
typedef struct {
  guint waits; /* of watches that have heard of it and are behind; and one while it is matched */
  gint64 begun;
  WatchingTold told;
  gpointer data;
  GList link; /* in `tellings` */
} Telling;

/* One thing that a watch is to be told of. */
typedef struct {
  Effective *effective;
  Telling *telling; /* NULL: it is replayed */
} Held;

/* What a watch has to be told still. */
typedef struct {
  Watch *watch;
  gboolean reroutes; /* its path is to be looked up first */
  RouteLinks *links; /* of a replay that touches them, or NULL */
  GQueue held;       /* of Held */
  guint live;        /* of them, not replayed */
  GList link;        /* in `behind` */
} Behind;

struct Watching {
  Reader *reader;
  Shares *shares;
  const guint64 *revision;
  WatchingEvents events;
  gpointer data;
  Watchers *watchers;
  GQueue behind;      /* of Behind, in turns */
  GQueue tellings;    /* of Telling, the oldest first */
  GSource *slices;    /* while a watch is behind; or NULL */
  Effective *matched; /* while watching_tell() matches it */
  Telling *telling;   /* the same one's */
};

Watching *watching_new(Reader *reader, Shares *shares, const guint64 *revision,
                       const WatchingEvents *events, gpointer data) {
  Watching *watching = g_new0(Watching, 1);
  watching->reader = reader;
  watching->shares = shares;
  watching->revision = revision;
  watching->events = *events;
  watching->data = data;
  watching->watchers = watchers_new();
  return watching;
}

/* ---- commits that are being told ---- */

static Telling *telling_begin(Watching *watching, WatchingTold told, gpointer data) {
  Telling *telling = g_new0(Telling, 1);
  *telling = (Telling){.waits = 1,
                       .begun = g_get_monotonic_time(),
                       .told = told,
                       .data = data,
                       .link.data = telling};
  g_queue_push_tail_link(&watching->tellings, &telling->link);
  return telling;
}

static void telling_release(Watching *watching, Telling *telling) {
  if (--telling->waits > 0)
    return;
  g_queue_unlink(&watching->tellings, &telling->link);
  telling->told(telling->data);
  g_free(telling);
}

/* ---- watches that are behind ---- */

static void release(Watching *watching, Behind *behind, Held *held) {
  effective_free(held->effective);
  if (held->telling != NULL) {
    behind->live--;
    telling_release(watching, held->telling);
  }
  g_free(held);
}

static void drop_held(Watching *watching, Behind *behind) {
  for (Held *held; (held = g_queue_pop_head(&behind->held)) != NULL;)
    release(watching, behind, held);
}

static void hold(Behind *behind, Effective *effective, Telling *telling) {
  const Held *last = g_queue_peek_tail(&behind->held);
  if (last != NULL && last->effective == effective)
    return;
  Held *held = g_new0(Held, 1);
  held->effective = effective_ref(effective);
  held->telling = telling;
  if (telling != NULL) {
    telling->waits++;
    behind->live++;
  }
  g_queue_push_tail(&behind->held, held);
}

static gboolean run_slice(gpointer data);

static gboolean dispatch_slice(G_GNUC_UNUSED GSource *source, GSourceFunc callback, gpointer data) {
  return callback(data);
}

/* Ready at once, until run_slice() says when. */
static void start_slices(Watching *watching) {
  static GSourceFuncs functions = {.dispatch = dispatch_slice};
  if (watching->slices != NULL)
    return;
  watching->slices = g_source_new(&functions, sizeof(GSource));
  g_source_set_static_name(watching->slices, "watches that are behind");
  g_source_set_callback(watching->slices, run_slice, watching, NULL);
  g_source_set_ready_time(watching->slices, 0);
  g_source_attach(watching->slices, NULL);
}

static Behind *fall_behind(Watching *watching, Watch *watch) {
  if (watch->behind != NULL)
    return watch->behind;
  Behind *behind = g_new0(Behind, 1);
  behind->watch = watch;
  behind->link.data = behind;
  g_queue_init(&behind->held);
  watch->behind = behind;
  g_queue_push_tail_link(&watching->behind, &behind->link);
  start_slices(watching);
  return behind;
}

gboolean watching_is_behind(const Watching *watching, const char *owner) {
  for (const GList *link = watching->behind.head; link != NULL; link = link->next)
    if (g_str_equal(((const Behind *)link->data)->watch->owner, owner))
      return TRUE;
  return FALSE;
}

/* The watch is told of everything. */
static void catch_up(Watching *watching, Behind *behind) {
  behind->watch->behind = NULL;
  g_queue_unlink(&watching->behind, &behind->link);
  drop_held(watching, behind);
  route_links_free(behind->links);
  g_free(behind);
}

static void stop_slices(Watching *watching) {
  if (watching->slices == NULL)
    return;
  g_source_destroy(watching->slices);
  g_clear_pointer(&watching->slices, g_source_unref);
}

void watching_free(Watching *watching) {
  if (watching == NULL)
    return;
  stop_slices(watching);
  watchers_free(watching->watchers);
  g_free(watching);
}

/* ---- telling ---- */

static void emit(Watch *watch, guint64 revision, const WatchChange *changes, guint n_changes,
                 gpointer data) {
  Watching *watching = data;
  if (changes == NULL)
    hold(watch->behind, watching->matched, watching->telling);
  else if (!watching->events.changed(watch, revision, changes, n_changes, watching->data))
    watch->lost = TRUE;
}

static gboolean is_as_visible(const EffectiveEntry *a, const EffectiveEntry *b) {
  return a->kind == b->kind && a->before == b->before && a->after == b->after;
}

/* Of the entries by which a link came, went, or leads elsewhere: one for each way of being
 * visible, because there may be many. Borrowed. */
static GPtrArray *list_reroutes(const Effective *effective) {
  GPtrArray *reroutes = g_ptr_array_new();
  for (guint i = 0; i < effective->entries->len; i++) {
    EffectiveEntry *entry = effective->entries->pdata[i];
    gboolean known = !entry->reroutes;
    for (guint known_at = 0; !known && known_at < reroutes->len; known_at++)
      known = is_as_visible(entry, reroutes->pdata[known_at]);
    if (!known)
      g_ptr_array_add(reroutes, entry);
  }
  return reroutes;
}

static gboolean has_changed_access(const Effective *effective) {
  for (guint i = 0; i < effective->entries->len; i++)
    if (((const EffectiveEntry *)effective->entries->pdata[i])->kind == CHANGE_ACL_CHANGED)
      return TRUE;
  return FALSE;
}

/* A link that the owner may not read is on no way of theirs, so they are not told that it has
 * changed. */
static gboolean is_visible_to(const GPtrArray *reroutes, const Identity *who) {
  for (guint i = 0; i < reroutes->len; i++)
    if (effective_entry_is_visible(reroutes->pdata[i], who))
      return TRUE;
  return FALSE;
}

/* If the owner may not see where a watch leads, it stays at the path that was asked for, which
 * reveals nothing to them, until it leads somewhere visible again. */
static void follow_route(Watching *watching, Watch *watch) {
  g_autoptr(GError) error = NULL;
  guint64 revision = 0;
  g_autofree char *path = reader_resolve(watching->reader, watch->who, watch->asked,
                                         watch->no_follow, &revision, &error);
  if (path != NULL) {
    watchers_move(watching->watchers, watch, path, FALSE);
    return;
  }
  if (error->code == REGISTRY_ERROR_ACCESS_DENIED || error->code == REGISTRY_ERROR_LINK_LOOP ||
      error->code == REGISTRY_ERROR_LIMIT_EXCEEDED)
    watchers_move(watching->watchers, watch, watch->asked, TRUE);
  else /* the watcher meets the same error when it reads again */
    watchers_reroute(watching->watchers, watch);
}

/* The paths of watches through which a link may lead are looked up in slices. */
static void note_routes(Watching *watching, Effective *effective) {
  g_autoptr(GPtrArray) reroutes = list_reroutes(effective);
  gboolean access = has_changed_access(effective);
  if (reroutes->len == 0 && !access)
    return;
  g_autoptr(GPtrArray) all = watchers_list(watching->watchers);
  for (guint i = 0; i < all->len; i++) {
    Watch *watch = all->pdata[i];
    if (watch->from >= effective->revision) /* its path was looked up later */
      continue;
    if (!(access && watch->astray) && !is_visible_to(reroutes, watch->who))
      continue;
    Behind *behind = fall_behind(watching, watch);
    behind->reroutes = TRUE;
    hold(behind, effective, watching->telling);
  }
}

/* Where they lead is not known yet, so it may concern them. */
static void hold_for_reroutes(Watching *watching, Effective *effective) {
  for (GList *link = watching->behind.head; link != NULL; link = link->next) {
    Behind *behind = link->data;
    if (behind->reroutes && behind->watch->from < effective->revision)
      hold(behind, effective, watching->telling);
  }
}

static gboolean leads_through(const RouteLinks *links, const Effective *effective) {
  for (guint i = 0; i < effective->entries->len; i++) {
    const EffectiveEntry *entry = effective->entries->pdata[i];
    if (entry->reroutes && route_links_contain(links, entry->key))
      return TRUE;
  }
  return FALSE;
}

static void tell_one(Watching *watching, const Behind *behind, const Effective *effective) {
  if (behind->links != NULL && leads_through(behind->links, effective))
    watchers_reroute(watching->watchers, behind->watch);
  watchers_match_one(watching->watchers, behind->watch, effective, emit, watching);
}

/* A path that leads elsewhere now: that is all that the watcher is told, once. Nothing is held
 * when all of it was lost. */
static void look_up(Watching *watching, Behind *behind) {
  behind->reroutes = FALSE;
  reader_keep_short(watching->reader, FALSE);
  follow_route(watching, behind->watch);
  reader_keep_short(watching->reader, TRUE);
  if (!watchers_is_moved(behind->watch))
    return;
  const Held *last = g_queue_peek_tail(&behind->held);
  g_autoptr(Effective) now =
      last != NULL ? effective_ref(last->effective) : effective_new(*watching->revision);
  tell_one(watching, behind, now);
  drop_held(watching, behind);
}

static void tell_next(Watching *watching, Behind *behind) {
  Held *held = g_queue_pop_head(&behind->held);
  if (held == NULL)
    return;
  tell_one(watching, behind, held->effective);
  release(watching, behind, held);
}

/* Somebody waits for what is behind too much: the watcher is to read again. */
static void give_up(Watching *watching, Behind *behind) {
  const Held *last = g_queue_peek_tail(&behind->held);
  if (behind->live == 0)
    return;
  watchers_tell_all_changed(behind->watch, last->effective->revision, emit, watching);
  drop_held(watching, behind);
}

/* ---- slices ---- */

static gboolean is_overdue(Watching *watching, gint64 now) {
  const Telling *oldest = g_queue_peek_head(&watching->tellings);
  return oldest != NULL && now - oldest->begun > (gint64)LIMIT_TELLING_US;
}

static void finish_turn(Watching *watching, Behind *behind) {
  Watch *watch = behind->watch;
  if (!g_queue_is_empty(&behind->held) || behind->reroutes) {
    watch->behind = behind;
    g_queue_unlink(&watching->behind, &behind->link);
    g_queue_push_tail_link(&watching->behind, &behind->link);
    return;
  }
  g_autofree char *owner = g_strdup(watch->owner);
  catch_up(watching, behind);
  if (!watching_is_behind(watching, owner))
    watching->events.caught_up(owner, watching->data);
}

/* One watch's: its path, and some of what it has to be told, until @end at most. */
static void take_turn(Watching *watching, gboolean overdue, gint64 end) {
  Behind *behind = g_queue_peek_head(&watching->behind);
  behind->watch->behind = NULL; /* signals go out */
  if (behind->reroutes)
    look_up(watching, behind);
  if (overdue)
    give_up(watching, behind);
  for (guint i = 0; i < LIMIT_TELLING_TURN && !g_queue_is_empty(&behind->held); i++) {
    tell_next(watching, behind);
    if (g_get_monotonic_time() >= end)
      break;
  }
  finish_turn(watching, behind);
}

/* What the bus has not taken yet would delay everybody's replies. */
static gboolean run_slice(gpointer data) {
  Watching *watching = data;
  gint64 begun = g_get_monotonic_time();
  gint64 now = begun;
  gint64 end = begun + LIMIT_TELLING_SLICE_US;
  gboolean overdue = is_overdue(watching, begun);
  gboolean has_room = TRUE;
  while (!g_queue_is_empty(&watching->behind) && now < end && has_room) {
    take_turn(watching, overdue, end);
    now = g_get_monotonic_time();
    has_room = watching->events.has_room(watching->data);
  }
  if (!g_queue_is_empty(&watching->behind)) {
    g_source_set_ready_time(watching->slices, has_room ? 0 : now + LIMIT_TELLING_SLICE_US);
    return G_SOURCE_CONTINUE;
  }
  stop_slices(watching);
  return G_SOURCE_REMOVE;
}

void watching_tell(Watching *watching, Effective *effective, WatchingTold told, gpointer data) {
  Telling *telling = telling_begin(watching, told, data);
  watching->telling = telling;
  watching->matched = effective;
  note_routes(watching, effective);
  hold_for_reroutes(watching, effective);
  watchers_match(watching->watchers, effective, emit, watching);
  watching->telling = NULL;
  watching->matched = NULL;
  telling_release(watching, telling);
}

/* ---- beginning ---- */

/* How the path was asked for, in the long spelling that signals carry. */
static char *spell_asked(const char *key, GError **error) {
  g_autoptr(Path) path = path_parse(key, error);
  return path != NULL ? path_to_string(path) : NULL;
}

static WatchStart *read_start(Watching *watching, const WatchOrder *order, WatchStart *earlier,
                              GError **error) {
  WatchOrder bounded = *order;
  bounded.whole_way = earlier != NULL;
  g_autoptr(WatchStart) start = watch_start_read(watching->reader, &bounded, error);
  if (start == NULL)
    return NULL;
  if (earlier != NULL && !watch_start_join(start, earlier)) {
    error_set(error, REGISTRY_ERROR_FAILED, "%s: the registry changes too fast; try again",
              order->key);
    return NULL;
  }
  return g_steal_pointer(&start);
}

Watch *watching_add(Watching *watching, const WatchOrder *order, const char *owner,
                    WatchStart *earlier, WatchStart **start, GError **error) {
  g_autofree char *asked = spell_asked(order->key, error);
  *start = asked != NULL ? read_start(watching, order, earlier, error) : NULL;
  if (*start == NULL)
    return NULL;
  if (!shares_take(watching->shares, order->who, SHARE_WATCHES, 1, error)) {
    g_clear_pointer(start, watch_start_free);
    return NULL;
  }
  Watch *watch = watchers_add(watching->watchers, owner, order->who, asked, (*start)->path,
                              order->recursive, (*start)->revision);
  watch->no_follow = order->no_follow;
  return watch;
}

static gboolean any_reroutes(const GPtrArray *replay) {
  for (guint i = 0; i < replay->len; i++) {
    g_autoptr(GPtrArray) reroutes = list_reroutes(replay->pdata[i]);
    if (reroutes->len > 0)
      return TRUE;
  }
  return FALSE;
}

void watching_replay(Watching *watching, Watch *watch, WatchStart *start) {
  g_autoptr(WatchStart) owned = start;
  const GPtrArray *replay = start->replay;
  if (replay->len == 0)
    return;
  Behind *behind = fall_behind(watching, watch);
  if (any_reroutes(replay))
    behind->links = g_steal_pointer(&start->links);
  for (guint i = 0; i < replay->len; i++)
    hold(behind, replay->pdata[i], NULL);
  if (replay->len > LIMIT_TELLING_TURN)
    return;
  /* Few go out at once. */
  g_queue_unlink(&watching->behind, &behind->link);
  g_queue_push_head_link(&watching->behind, &behind->link);
  take_turn(watching, FALSE, g_get_monotonic_time() + LIMIT_TELLING_SLICE_US);
}

/* ---- ending, and what was lost ---- */

static void end_watch(Watching *watching, Watch *watch) {
  if (watch->behind != NULL)
    catch_up(watching, watch->behind);
  shares_give_back(watching->shares, watch->who->uid, SHARE_WATCHES, 1);
  watchers_remove(watching->watchers, watch);
}

gboolean watching_remove(Watching *watching, const char *owner, guint32 id, GError **error) {
  Watch *watch = watchers_find(watching->watchers, id);
  if (watch == NULL || strcmp(watch->owner, owner) != 0)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "%u is no watch of this connection; it takes an id that Watch returned", id);
  gboolean was_behind = watch->behind != NULL;
  end_watch(watching, watch);
  if (was_behind && !watching_is_behind(watching, owner))
    watching->events.caught_up(owner, watching->data);
  return TRUE;
}

void watching_forget_owner(Watching *watching, const char *owner) {
  g_autoptr(GPtrArray) owned = owner != NULL ? watchers_list_owner(watching->watchers, owner)
                                             : watchers_list(watching->watchers);
  for (guint i = 0; i < owned->len; i++)
    end_watch(watching, owned->pdata[i]);
}

gboolean watching_resume_owner(Watching *watching, const char *owner) {
  g_autoptr(GPtrArray) owned = watchers_list_owner(watching->watchers, owner);
  gboolean complete = TRUE;
  for (guint i = 0; i < owned->len; i++) {
    Watch *watch = owned->pdata[i];
    if (!watch->lost)
      continue;
    watch->lost = FALSE;
    watchers_tell_all_changed(watch, *watching->revision, emit, watching);
    if (watch->behind != NULL) /* the replies to writers that wait for it come after that */
      drop_held(watching, watch->behind);
    complete &= !watch->lost;
  }
  return complete;
}
