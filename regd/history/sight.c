/* SPDX-License-Identifier: MIT */
/* See sight.h. */
#include "regd/history/sight.h"

#include "regd/tree/place.h"

static gboolean may_read(const PastThing *thing, const Identity *who) {
  return acl_get_level(thing->today, who) >= ACCESS_READ &&
         acl_get_level(thing->then, who) >= ACCESS_READ;
}

static gboolean may_read_secrets(const PastThing *thing, const Identity *who) {
  return acl_get_secret_level(thing->today, who) >= ACCESS_READ &&
         acl_get_secret_level(thing->then, who) >= ACCESS_READ;
}

static gboolean is_secret(const PastThing *thing) {
  if (thing->name == NULL)
    return FALSE;
  return thing->was_secret ||
         (thing->schemas != NULL && schema_set_is_secret(thing->schemas, thing->path, thing->name));
}

Sight sight_judge(const PastThing *thing, const Identity *who) {
  if (who->administrator)
    return SIGHT_SHOWN;
  if (!may_read(thing, who))
    return SIGHT_HIDDEN;
  /* Most callers need no look at the schemas. */
  return may_read_secrets(thing, who) || !is_secret(thing) ? SIGHT_SHOWN : SIGHT_NAMED;
}

gboolean sight_find_today(Store *store, const Identity *who, gint64 key, Acl **today,
                          GError **error) {
  gint64 acl = 0;
  gint64 at = key;
  while (at != 0 && acl == 0) {
    g_autoptr(KeyRow) row = NULL;
    if (!store_get_key(store, at, &row, error))
      return FALSE;
    if (resolve_is_gone_branch(row, who)) {
      *today = who->own;
      return TRUE;
    }
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
