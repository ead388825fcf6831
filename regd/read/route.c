/* SPDX-License-Identifier: MIT */
/* Walks a path component by component and notes every key on the way. It looks
 * with the daemon's own rights: what it finds decides only whether the watcher
 * is told to read again. */
#include "regd/read/route.h"

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"

struct RouteLinks {
  GHashTable *keys; /* folded paths */
  Identity *looker;
  guint followed;
  GError *failure; /* by which a key could not be looked at */
};

static void note(RouteLinks *links, const char *path) {
  g_hash_table_add(links->keys, path_fold(path));
}

/* The start of the walk: the caller's own root stands below HKEY_USERS. */
static char *root_of(const Path *path, guint32 uid) {
  if (path->root == PATH_ROOT_CURRENT_USER)
    return g_strdup_printf("%s\\%u", path_root_get_name(PATH_ROOT_USERS), uid);
  return g_strdup(path_root_get_name(path->root));
}

/* The target of the link at *@path, or NULL if it is no link: then *@path becomes its
 * canonical path (a root may stand for another key). *@missing is set if there is no such key. */
static char *read_target(RouteLinks *links, Reader *reader, char **path, gboolean *missing) {
  g_autoptr(GError) error = NULL;
  g_autoptr(KeyInfo) info = reader_get_key_head(reader, links->looker, *path, TRUE, &error);
  if (info == NULL &&
      (error->code == REGISTRY_ERROR_STORAGE_FAILURE || reader_was_too_long(reader)))
    links->failure = g_steal_pointer(&error);
  *missing = info == NULL;
  if (info == NULL || info->link != NULL)
    return info != NULL ? g_strdup(info->link) : NULL;
  g_free(*path);
  *path = g_strdup(info->path);
  return NULL;
}

static char *join(const char *start, char **components) {
  g_autofree char *rest = g_strjoinv("\\", components);
  return g_strdup_printf("%s%s%s", start, *rest != '\0' ? "\\" : "", rest);
}

/* One stretch, up to the first link: the path that goes on from there, or NULL
 * at the end of the way. */
static char *walk(RouteLinks *links, Reader *reader, guint32 uid, gboolean no_follow,
                  const char *text) {
  g_autoptr(Path) path = path_parse(text, NULL);
  if (path == NULL || path->root == PATH_ROOT_ABOVE)
    return NULL;
  g_autofree char *here = root_of(path, uid);
  gboolean missing = FALSE;
  for (guint i = 0; links->failure == NULL; i++) {
    if (no_follow && path->components[i] == NULL)
      return NULL;
    note(links, here);
    g_autofree char *target = missing ? NULL : read_target(links, reader, &here, &missing);
    if (target != NULL)
      return join(target, path->components + i);
    if (path->components[i] == NULL)
      return NULL;
    g_autofree char *above = g_steal_pointer(&here);
    here = g_strdup_printf("%s\\%s", above, path->components[i]);
  }
  return NULL;
}

RouteLinks *route_links_find(Reader *reader, const Identity *who, const char *path,
                             gboolean no_follow, GError **error) {
  g_autoptr(RouteLinks) links = g_new0(RouteLinks, 1);
  links->keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  links->looker = identity_new(0, TRUE, NULL, 0, 0, NULL);
  g_autofree char *stretch = g_strdup(path);
  while (stretch != NULL && links->failure == NULL && links->followed++ <= LIMIT_LINKS) {
    g_autofree char *before = g_steal_pointer(&stretch);
    stretch = walk(links, reader, who->uid, no_follow, before);
  }
  if (links->failure != NULL)
    g_propagate_error(error, g_steal_pointer(&links->failure));
  else if (reader_may_go_on(reader, error))
    return g_steal_pointer(&links);
  g_prefix_error(error, "%s: ", path);
  return NULL;
}

void route_links_free(RouteLinks *links) {
  if (links == NULL)
    return;
  g_hash_table_unref(links->keys);
  identity_unref(links->looker);
  g_clear_error(&links->failure);
  g_free(links);
}

GHashTable *route_links_get_keys(const RouteLinks *links) {
  return links->keys;
}

gboolean route_links_equal(const RouteLinks *links, const RouteLinks *others) {
  if (g_hash_table_size(links->keys) != g_hash_table_size(others->keys))
    return FALSE;
  GHashTableIter iter;
  gpointer key = NULL;
  g_hash_table_iter_init(&iter, links->keys);
  while (g_hash_table_iter_next(&iter, &key, NULL))
    if (!g_hash_table_contains(others->keys, key))
      return FALSE;
  return TRUE;
}

gboolean route_links_contain(const RouteLinks *links, const char *key) {
  g_autofree char *fold = path_fold(key);
  return g_hash_table_contains(links->keys, fold);
}
