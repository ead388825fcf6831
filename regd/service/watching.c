/* SPDX-License-Identifier: MIT */
/* See watching.h. */
#include "regd/service/watching.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "regd/read/route.h"

#define SNAPSHOT_TRIES 8U

struct Watching {
  Reader *reader;
  Shares *shares;
  const guint64 *revision;
  WatchSend send;
  gpointer data;
  Watchers *watchers;
};

Watching *watching_new(Reader *reader, Shares *shares, const guint64 *revision, WatchSend send,
                       gpointer data) {
  Watching *watching = g_new0(Watching, 1);
  watching->reader = reader;
  watching->shares = shares;
  watching->revision = revision;
  watching->send = send;
  watching->data = data;
  watching->watchers = watchers_new();
  return watching;
}

void watching_free(Watching *watching) {
  if (watching == NULL)
    return;
  watchers_free(watching->watchers);
  g_free(watching);
}

/* ---- telling ---- */

static void emit(Watch *watch, guint64 revision, const WatchChange *changes, guint n_changes,
                 gpointer data) {
  Watching *watching = data;
  if (!watching->send(watch, revision, changes, n_changes, watching->data))
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
}

static void follow_routes(Watching *watching, const GPtrArray *reroutes, gboolean access) {
  if (reroutes->len == 0 && !access)
    return;
  g_autoptr(GPtrArray) all = watchers_list(watching->watchers);
  reader_keep_short(watching->reader, FALSE);
  for (guint i = 0; i < all->len; i++) {
    Watch *watch = all->pdata[i];
    if ((access && watch->astray) || is_visible_to(reroutes, watch->who))
      follow_route(watching, watch);
  }
  reader_keep_short(watching->reader, TRUE);
}

void watching_tell(Watching *watching, const Effective *effective) {
  g_autoptr(GPtrArray) reroutes = list_reroutes(effective);
  follow_routes(watching, reroutes, has_changed_access(effective));
  watchers_match(watching->watchers, effective, emit, watching);
}

/* ---- beginning ---- */

/* The path, the links on its way, and what to replay, all of one revision: a commit in between
 * may lead the path elsewhere. */
static char *read_start(Watching *watching, Identity *who, const char *key,
                        const WatchOptions *options, guint64 *revision, GPtrArray **replay,
                        GError **error) {
  for (guint tries = 0; tries < SNAPSHOT_TRIES; tries++) {
    g_autofree char *path =
        reader_resolve(watching->reader, who, key, options->no_follow, revision, error);
    if (path == NULL || options->since == NULL)
      return g_steal_pointer(&path);
    guint64 replayed = 0;
    g_autoptr(RouteLinks) links = route_links_find(watching->reader, who, key, options->no_follow);
    const ReplayScope scope = {path, options->recursive, route_links_get_keys(links)};
    g_autoptr(GPtrArray) found =
        reader_replay(watching->reader, who, &scope, *options->since, &replayed, error);
    if (found == NULL)
      return NULL;
    if (replayed != *revision)
      continue;
    *replay = g_steal_pointer(&found);
    return g_steal_pointer(&path);
  }
  error_set(error, REGISTRY_ERROR_FAILED, "%s: the registry changes too fast; try again", key);
  return NULL;
}

/* How the path was asked for, in the long spelling that signals carry. */
static char *spell_asked(const char *key, GError **error) {
  g_autoptr(Path) path = path_parse(key, error);
  return path != NULL ? path_to_string(path) : NULL;
}

Watch *watching_add(Watching *watching, Identity *who, const char *owner, const char *key,
                    const WatchOptions *options, GPtrArray **replay, GError **error) {
  guint64 revision = 0;
  *replay = NULL;
  g_autofree char *asked = spell_asked(key, error);
  if (asked == NULL)
    return NULL;
  reader_keep_short(watching->reader, FALSE);
  g_autofree char *path = read_start(watching, who, key, options, &revision, replay, error);
  reader_keep_short(watching->reader, TRUE);
  if (path == NULL)
    return NULL;
  if (!shares_take(watching->shares, who, SHARE_WATCHES, error)) {
    g_clear_pointer(replay, g_ptr_array_unref);
    return NULL;
  }
  Watch *watch =
      watchers_add(watching->watchers, owner, who, asked, path, options->recursive, revision);
  watch->no_follow = options->no_follow;
  return watch;
}

static gboolean leads_through(const RouteLinks *links, const Effective *effective) {
  for (guint i = 0; i < effective->entries->len; i++) {
    const EffectiveEntry *entry = effective->entries->pdata[i];
    if (entry->reroutes && route_links_contain(links, entry->key))
      return TRUE;
  }
  return FALSE;
}

static gboolean any_reroutes(const GPtrArray *replay) {
  for (guint i = 0; i < replay->len; i++) {
    g_autoptr(GPtrArray) reroutes = list_reroutes(replay->pdata[i]);
    if (reroutes->len > 0)
      return TRUE;
  }
  return FALSE;
}

void watching_replay(Watching *watching, Watch *watch, GPtrArray *replay) {
  g_autoptr(GPtrArray) owned = replay;
  g_autoptr(RouteLinks) links =
      any_reroutes(replay)
          ? route_links_find(watching->reader, watch->who, watch->asked, watch->no_follow)
          : NULL;
  for (guint i = 0; i < replay->len; i++) {
    const Effective *effective = replay->pdata[i];
    if (links != NULL && leads_through(links, effective))
      watchers_reroute(watching->watchers, watch);
    watchers_match_one(watching->watchers, watch, effective, emit, watching);
  }
}

/* ---- ending, and what was lost ---- */

static void end_watch(Watching *watching, Watch *watch) {
  shares_give_back(watching->shares, watch->who->uid, SHARE_WATCHES);
  watchers_remove(watching->watchers, watch);
}

gboolean watching_remove(Watching *watching, const char *owner, guint32 id, GError **error) {
  Watch *watch = watchers_find(watching->watchers, id);
  if (watch == NULL || strcmp(watch->owner, owner) != 0)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "%u is no watch of this connection; it takes an id that Watch returned", id);
  end_watch(watching, watch);
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
    complete &= !watch->lost;
  }
  return complete;
}
