/* SPDX-License-Identifier: MIT */
/* See sight.h. */
#include "regd/history/sight.h"

#include "client/base/path.h"

static gboolean may_read(const PastThing *thing, const Identity *who) {
  return acl_get_level(thing->today, thing->path, who) >= ACCESS_READ &&
         acl_get_level(thing->then, thing->path, who) >= ACCESS_READ;
}

static gboolean may_read_secrets(const PastThing *thing, const Identity *who) {
  return acl_get_secret_level(thing->today, thing->path, who) >= ACCESS_READ &&
         acl_get_secret_level(thing->then, thing->path, who) >= ACCESS_READ;
}

static gboolean is_secret(const PastThing *thing) {
  if (thing->name == NULL)
    return FALSE;
  return thing->was_secret ||
         (thing->schemas != NULL && schema_set_is_secret(thing->schemas, thing->path, thing->name));
}

Sight sight_judge(const PastThing *thing, const Identity *who) {
  if (!who->administrator && !may_read(thing, who))
    return SIGHT_HIDDEN;
  if (thing->hides_secrets && is_secret(thing))
    return SIGHT_NAMED;
  if (who->administrator)
    return SIGHT_SHOWN;
  /* Most callers need no look at the schemas. */
  return may_read_secrets(thing, who) || !is_secret(thing) ? SIGHT_SHOWN : SIGHT_NAMED;
}

gboolean sight_find_today(Store *store, gint64 key, Acl **today, GError **error) {
  gint64 acl = 0;
  gint64 at = key;
  while (at != 0 && acl == 0) {
    g_autoptr(KeyRow) row = NULL;
    if (!store_get_key(store, at, &row, error))
      return FALSE;
    acl = row->live ? row->acl : 0;
    at = row->parent;
  }
  return store_load_acl(store, acl, today, error);
}

gboolean sight_judge_difference(Store *store, const Identity *who, const Difference *difference,
                                const PastThing *today, DifferenceSight *sight, GError **error) {
  Acl *before = NULL;
  Acl *after = NULL;
  if (!store_load_acl(store, difference->before_acl, &before, error) ||
      !store_load_acl(store, difference->after_acl, &after, error))
    return FALSE;
  PastThing thing = *today;
  thing.name = difference->name;
  thing.then = before;
  thing.was_secret = difference->secret || difference->old_secret;
  sight->of_old = sight_judge(&thing, who);
  thing.then = after;
  thing.was_secret = difference->secret;
  sight->of_new = sight_judge(&thing, who);
  return TRUE;
}

typedef struct {
  Store *store;
  const Identity *who;
  const PastThing *today;
  gboolean known;
} Search;

static gboolean look(const Difference *difference, G_GNUC_UNUSED guint64 revision, gpointer data,
                     GError **error) {
  Search *search = data;
  DifferenceSight sight = {SIGHT_HIDDEN, SIGHT_HIDDEN};
  if (!sight_judge_difference(search->store, search->who, difference, search->today, &sight, error))
    return FALSE;
  search->known = MAX(sight.of_old, sight.of_new) > SIGHT_HIDDEN;
  return !search->known;
}

gboolean sight_is_known(Store *store, const Identity *who, gint64 id, const PastThing *today,
                        gboolean *known, GError **error) {
  Search search = {.store = store, .who = who, .today = today};
  gboolean done = history_visit_key(store, id, 0, &(HistoryVisitor){look, &search}, error);
  *known = search.known;
  return done;
}

/* ---- spelling ---- */

/* Emptied when full. */
#define MOST_PATHS 65536U

struct SightPaths {
  Store *store;
  const Identity *who;
  GHashTable *known; /* id -> GRefString */
};

SightPaths *sight_paths_new(Store *store, const Identity *who) {
  SightPaths *paths = g_new0(SightPaths, 1);
  paths->store = store;
  paths->who = who;
  paths->known = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free,
                                       (GDestroyNotify)g_ref_string_release);
  return paths;
}

void sight_paths_free(SightPaths *paths) {
  if (paths == NULL)
    return;
  g_hash_table_unref(paths->known);
  g_free(paths);
}

typedef struct {
  SightPaths *paths;
  PastThing today;
  guint64 revision; /* of the newest deletion that may be seen */
  char *name;       /* what was deleted then */
} Spelling;

static gboolean note_spelling(const Difference *difference, guint64 revision, gpointer data,
                              GError **error) {
  Spelling *spelling = data;
  if (difference->kind != CHANGE_KEY_DELETED || revision < spelling->revision)
    return TRUE;
  DifferenceSight sight = {SIGHT_HIDDEN, SIGHT_HIDDEN};
  g_autoptr(KeyRow) row = g_new0(KeyRow, 1);
  g_autoptr(Acl) own = NULL;
  if (!sight_judge_difference(spelling->paths->store, spelling->paths->who, difference,
                              &spelling->today, &sight, error) ||
      !history_decode_key(difference->old_state, row, &own, error))
    return FALSE;
  if (sight.of_old == SIGHT_HIDDEN)
    return TRUE;
  spelling->revision = revision;
  g_free(spelling->name);
  spelling->name = g_steal_pointer(&row->name);
  return TRUE;
}

/* The name of a key below @above that is gone; folded if the caller may see none of its lives. */
static char *spell_gone(SightPaths *paths, const KeyRow *row, const char *above, GError **error) {
  Acl *today = NULL;
  g_autofree char *fold = path_fold(row->name);
  g_autofree char *path = g_strconcat(above, "\\", fold, NULL);
  Spelling spelling = {.paths = paths};
  if (!sight_find_today(paths->store, row->id, &today, error))
    return NULL;
  spelling.today.today = today;
  spelling.today.path = path;
  if (!history_visit_key(paths->store, row->id, 0, &(HistoryVisitor){note_spelling, &spelling},
                         error)) {
    g_free(spelling.name);
    return NULL;
  }
  return spelling.name != NULL ? spelling.name : g_steal_pointer(&fold);
}

static GRefString *make_path(SightPaths *paths, gint64 key, GError **error) {
  g_autoptr(KeyRow) row = NULL;
  if (!store_get_key(paths->store, key, &row, error))
    return NULL;
  if (row->live || row->parent == 0)
    return store_get_path(paths->store, key, error);
  /* Recursion is as deep as the tree. */
  GRefString *above = sight_paths_get(paths, row->parent, error);
  g_autofree char *name = above != NULL ? spell_gone(paths, row, above, error) : NULL;
  g_autofree char *path = name != NULL ? g_strconcat(above, "\\", name, NULL) : NULL;
  g_clear_pointer(&above, g_ref_string_release);
  return path != NULL ? g_ref_string_new(path) : NULL;
}

GRefString *sight_paths_get(SightPaths *paths, gint64 key, GError **error) {
  if (paths->who->administrator)
    return store_get_path(paths->store, key, error);
  GRefString *known = g_hash_table_lookup(paths->known, &key);
  if (known != NULL)
    return g_ref_string_acquire(known);
  GRefString *made = make_path(paths, key, error);
  if (made == NULL)
    return NULL;
  if (g_hash_table_size(paths->known) >= MOST_PATHS)
    g_hash_table_remove_all(paths->known);
  g_hash_table_insert(paths->known, g_memdup2(&key, sizeof key), g_ref_string_acquire(made));
  return made;
}
