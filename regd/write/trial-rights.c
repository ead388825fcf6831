/* SPDX-License-Identifier: MIT */
/* See trial-rights.h. */
#include "regd/write/trial-rights.h"

#include "regd/history/sight.h"
#include "regd/history/trials.h"

/* A fleet's trial may be of somebody whom this host does not know: nor does it know what they may
 * read or do. */
static gboolean is_unknown(const Identity *maker) {
  return maker->uid == ACCESS_NOBODY;
}

static gboolean could_read(const TrialRights *rights, const PastThing *thing) {
  PastThing now = *thing;
  now.then = thing->today;
  now.was_secret = FALSE;
  return sight_judge(&now, rights->maker) == SIGHT_SHOWN;
}

typedef struct {
  const TrialRights *rights;
  gboolean changed;
} ListSearch;

static gboolean find_list_change(const Difference *difference, guint64 revision, gpointer data,
                                 GError **error) {
  ListSearch *search = data;
  gboolean ended = FALSE;
  if (difference->name != NULL || difference->kind == CHANGE_LOCK_CHANGED)
    return TRUE;
  if (!trials_is_ended(search->rights->edit->store, revision, &ended, error))
    return FALSE;
  search->changed = !ended;
  return !search->changed;
}

/* Whether any list at or above @key has changed since the trial. */
static gboolean have_lists_changed(const TrialRights *rights, gint64 key, gboolean *changed,
                                   GError **error) {
  ListSearch search = {.rights = rights};
  const HistoryVisitor visitor = {find_list_change, &search};
  while (key != 0 && !search.changed) {
    g_autoptr(KeyRow) row = NULL;
    if (!history_visit_key(rights->edit->store, key, rights->undone, &visitor, error) ||
        !store_get_key(rights->edit->store, key, &row, error))
      return FALSE;
    key = row->parent;
  }
  *changed = search.changed;
  return TRUE;
}

gboolean trial_withholds(const TrialRights *rights, const Difference *difference, const KeyAt *at,
                         gboolean *withheld, GError **error) {
  Store *store = rights->edit->store;
  PastThing thing = {.schemas = rights->edit->schemas, .path = at->path, .name = difference->name};
  DifferenceSight sight = {SIGHT_HIDDEN, SIGHT_HIDDEN};
  Acl *today = NULL;
  *withheld = FALSE;
  if (rights->maker->administrator || (difference->name != NULL && difference->old_value == NULL))
    return TRUE;
  if (!store_load_acl(store, at->acl, &today, error))
    return FALSE;
  thing.today = today;
  if (!sight_judge_difference(store, rights->maker, difference, &thing, &sight, error))
    return FALSE;
  if (sight.of_old == SIGHT_SHOWN)
    return TRUE;
  if (is_unknown(rights->maker))
    return have_lists_changed(rights, at->id, withheld, error);
  *withheld = could_read(rights, &thing);
  return TRUE;
}

/* Whether the maker could set the list by hand now, or is allowed no more by @back than by @now. */
static gboolean is_harmless(const Acl *back, const Acl *now, const char *path,
                            const Identity *maker) {
  if (is_unknown(maker))
    return FALSE;
  AccessLevel level = acl_get_level(now, path, maker);
  return level >= ACCESS_CONTROL ||
         (acl_get_level(back, path, maker) <= level &&
          acl_get_secret_level(back, path, maker) <= acl_get_secret_level(now, path, maker));
}

/* Whether @back may decide again at @key, where @key->acl does now. As long as nobody has changed a
 * list there or above, the rights that the trial gives back are those that it took. */
static gboolean may_decide(const TrialRights *rights, const KeyAt *key, gint64 back, gboolean *may,
                           GError **error) {
  Store *store = rights->edit->store;
  Acl *now = NULL;
  Acl *then = NULL;
  gboolean changed = FALSE;
  *may = rights->maker->administrator || back == key->acl;
  if (*may)
    return TRUE;
  if (!store_load_acl(store, key->acl, &now, error) || !store_load_acl(store, back, &then, error))
    return FALSE;
  *may = is_harmless(then, now, key->path, rights->maker);
  if (!*may && !have_lists_changed(rights, key->id, &changed, error))
    return FALSE;
  *may |= !changed;
  return TRUE;
}

gboolean trial_may_regain(const TrialRights *rights, const KeyAt *key, gint64 back, gboolean *may,
                          GError **error) {
  GRefString *path = store_get_path(rights->edit->store, key->id, error);
  const KeyAt at = {key->id, key->acl, path};
  gboolean done = path != NULL && may_decide(rights, &at, back, may, error);
  g_clear_pointer(&path, g_ref_string_release);
  return done;
}

gboolean trial_withholds_key(const TrialRights *rights, const Difference *difference, gint64 list,
                             gboolean *withheld, GError **error) {
  GRefString *path = store_get_path(rights->edit->store, difference->key, error);
  const KeyAt at = {difference->key, list, path};
  gboolean done = path != NULL && trial_withholds(rights, difference, &at, withheld, error);
  g_clear_pointer(&path, g_ref_string_release);
  return done;
}

gboolean trial_has_room(const TrialRights *rights, const Difference *difference, const char *path,
                        gboolean *fits, GError **error) {
  gsize size = 0;
  if (rights->maker->administrator || difference->old_value == NULL)
    return TRUE;
  registry_value_get_bytes(difference->old_value, &size);
  return edit_has_room(rights->edit, path, (gint64)size, fits, error);
}
