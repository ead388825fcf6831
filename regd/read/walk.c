/* SPDX-License-Identifier: MIT */
/* See walk.h. */
#include "regd/read/walk.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/history/record.h"
#include "regd/history/sight.h"

void walk_clear(Walk *walk) {
  g_clear_pointer(&walk->resume, g_strfreev);
  g_clear_pointer(&walk->past, past_tree_free);
}

const char *walk_key_get_link(const WalkKey *key) {
  return key->past != NULL ? key->past->link : key->row->link;
}

const char *walk_key_get_class(const WalkKey *key) {
  return key->past != NULL ? key->past->class_name : key->row->class_name;
}

gboolean walk_key_is_volatile(const WalkKey *key) {
  return key->past != NULL ? key->past->is_volatile : key->row->is_volatile;
}

/* ---- beginning ---- */

static gboolean check_reach(Store *store, const char *path, guint64 at, GError **error) {
  guint64 revision = 0;
  guint64 horizon = 0;
  if (!store_load_revision(store, &revision, error) ||
      !reader_get_horizon(store, path, &horizon, error))
    return FALSE;
  if (at > revision)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "%s: revision %" G_GUINT64_FORMAT " is still to come", path, at);
  return at >= horizon || error_set(error, REGISTRY_ERROR_HISTORY_GONE,
                                    "%s: history reaches back to revision %" G_GUINT64_FORMAT
                                    ", not to %" G_GUINT64_FORMAT,
                                    path, horizon, at);
}

static gboolean missing(const char *path, GError **error) {
  return error_set(error, REGISTRY_ERROR_KEY_NOT_FOUND, "%s: there is no such key", path);
}

/* The row of what @place names, live or dead, or of the nearest key above that there ever was, in
 * its place. */
static gboolean find_dead(Store *store, Place *place, GError **error) {
  while (place->missing->len > 0) {
    g_autofree char *fold = path_fold(g_ptr_array_index(place->missing, 0));
    KeyRow *dead = NULL;
    if (!store_find_dead_child(store, place->key->id, fold, &dead, error))
      return FALSE;
    if (dead == NULL)
      return TRUE;
    key_row_free(place->key);
    place->key = dead;
    g_ptr_array_remove_index(place->missing, 0);
  }
  return TRUE;
}

/* Sets KEY_NOT_FOUND; ACCESS_DENIED if the caller could not read what was around the key then. */
static gboolean refuse_missing_then(Walk *walk, const Place *place, GError **error) {
  Acl *then = NULL;
  if (!past_tree_get_acl_around(walk->past, place->key->id, &then, error))
    return FALSE;
  if (acl_get_level(then, place->path, walk->who) < ACCESS_READ)
    return access_refuse(place->asked, ACCESS_READ, error);
  return missing(place->path, error);
}

static gboolean begin_past(Walk *walk, Place *place, guint64 at, GError **error) {
  Store *store = walk->reader->store;
  if (!check_reach(store, place->path, at, error) || !find_dead(store, place, error))
    return FALSE;
  walk->past = past_tree_new(store, place->key->id, at, error);
  PastKey *root = walk->past != NULL ? past_tree_get_key(walk->past, place->key->id, error) : NULL;
  if (root == NULL)
    return FALSE;
  return (place_exists(place) && root->present) || refuse_missing_then(walk, place, error);
}

/* The reading itself has failed, or had to end. */
static gboolean is_of_reading(const GError *failure) {
  return failure->code == REGISTRY_ERROR_STORAGE_FAILURE ||
         failure->code == REGISTRY_ERROR_LIMIT_EXCEEDED || failure->code == REGISTRY_ERROR_FAILED;
}

/* If the caller may not read there, they are told nothing else of the key. */
static gboolean refuse_closed(const Place *place, GError *failure, GError **error) {
  if (is_of_reading(failure)) {
    g_propagate_error(error, failure);
    return FALSE;
  }
  g_error_free(failure);
  return access_refuse(place->asked, ACCESS_READ, error);
}

static gboolean begin_past_at(Walk *walk, Place *place, guint64 at, GError **error) {
  GError *failure = NULL;
  if (begin_past(walk, place, at, &failure))
    return TRUE;
  if (place_get_level(place, walk->who) < ACCESS_READ)
    return refuse_closed(place, failure, error);
  g_propagate_error(error, failure);
  return FALSE;
}

Place *walk_begin(Walk *walk, const char *key, const guint64 *at, Snapshot **snapshot,
                  GError **error) {
  ResolveMode mode = walk->no_follow ? RESOLVE_NO_FOLLOW : RESOLVE_FOLLOW;
  *snapshot = reader_begin(walk->reader, error);
  g_autoptr(Place) place =
      *snapshot != NULL ? resolve(*snapshot, walk->who, key, mode, error) : NULL;
  if (place == NULL)
    return NULL;
  gboolean needs_read = !place_exists(place) || !walk->skip_unreadable;
  if (needs_read && !place_require(place, walk->who, ACCESS_READ, error))
    return NULL;
  if (at == NULL && !place_exists(place) && !missing(place->path, error))
    return NULL;
  if (at != NULL && !begin_past_at(walk, place, *at, error))
    return NULL;
  return g_steal_pointer(&place);
}

/* ---- on the way ---- */

static gboolean is_readable(const Walk *walk, const WalkKey *key) {
  const PastThing thing = {.today = key->today, .then = key->then, .path = key->path};
  return sight_judge(&thing, walk->who) > SIGHT_HIDDEN;
}

static gboolean visit(Walk *walk, const WalkKey *key, GError **error) {
  if (is_readable(walk, key)) {
    walk->found = TRUE;
    return walk->visit(walk, key, error);
  }
  if (!walk->skip_unreadable)
    return access_refuse(key->path, ACCESS_READ, error);
  /* It may be the one to begin at: the next one is told whole. */
  walk->skip = 0;
  /* How many there are below one that is left out is not told. */
  walk->left_out += key->is_told;
  return TRUE;
}

/* The key to begin at is gone: everything from here on is new. */
static void begin_here(Walk *walk) {
  if (walk->resume == NULL)
    return;
  g_clear_pointer(&walk->resume, g_strfreev);
  walk->skip = 0;
}

/* Rows of the sub-keys that there were, from @from on. */
static GPtrArray *list_past_children(Walk *walk, const WalkKey *key, const char *from,
                                     GError **error) {
  g_autoptr(GPtrArray) were = past_tree_list_children(walk->past, key->row->id, error);
  g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)key_row_free);
  for (guint i = 0; were != NULL && i < were->len; i++) {
    const PastKey *child = g_ptr_array_index(were, i);
    g_autofree char *fold = from != NULL ? path_fold(child->name) : NULL;
    KeyRow *row = NULL;
    if (fold != NULL && strcmp(fold, from) < 0)
      continue;
    if (!store_get_key(walk->reader->store, child->id, &row, error))
      return NULL;
    g_ptr_array_add(rows, row);
  }
  return were != NULL ? g_steal_pointer(&rows) : NULL;
}

/* Fills in what a sub-key has from the key above it. */
static gboolean make_child(Walk *walk, const WalkKey *above, const KeyRow *row, WalkKey *child,
                           GError **error) {
  child->row = row;
  child->is_told = is_readable(walk, above);
  child->today = above->today;
  if (row->live && row->acl != 0 &&
      !store_load_acl(walk->reader->store, row->acl, &child->today, error))
    return FALSE;
  child->then = child->today;
  if (walk->past == NULL)
    return TRUE;
  child->past = past_tree_get_key(walk->past, row->id, error);
  if (child->past == NULL)
    return FALSE;
  child->then = child->past->own != NULL ? child->past->own : above->then;
  return TRUE;
}

static gboolean walk_branch(Walk *walk, const WalkKey *key, guint level, GError **error);

static gboolean walk_child(Walk *walk, const WalkKey *above, const KeyRow *row, guint level,
                           GError **error) {
  WalkKey child = {0};
  if (!make_child(walk, above, row, &child, error))
    return FALSE;
  const char *name = child.past != NULL ? child.past->name : row->name;
  g_autofree char *path = g_strconcat(above->path, "\\", name, NULL);
  child.path = path;
  return walk_branch(walk, &child, level, error);
}

/* Sub-keys are listed so many at a time: a page needs few of a key that has very many. */
#define CHILDREN_AT_ONCE 256U

/* How far a key's sub-keys have been listed. */
typedef struct {
  char *from;      /* the folded name to go on at; NULL: from the start */
  gboolean passed; /* the one of that name has been listed */
  gboolean ended;
} Listing;

static void listing_clear(Listing *listing) {
  g_free(listing->from);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Listing, listing_clear)

static GPtrArray *list_some(Walk *walk, const WalkKey *key, Listing *listing, GError **error) {
  listing->ended = walk->past != NULL;
  if (listing->ended)
    return list_past_children(walk, key, listing->from, error);
  g_autoptr(GPtrArray) rows = store_page_children(walk->reader->store, key->row->id, listing->from,
                                                  CHILDREN_AT_ONCE, error);
  if (rows == NULL)
    return NULL;
  listing->ended = rows->len < CHILDREN_AT_ONCE;
  if (rows->len > 0) {
    const KeyRow *last = g_ptr_array_index(rows, rows->len - 1);
    g_free(listing->from);
    listing->from = path_fold(last->name);
  }
  if (listing->passed && rows->len > 0)
    g_ptr_array_remove_index(rows, 0);
  listing->passed = TRUE;
  return g_steal_pointer(&rows);
}

static gboolean walk_some(Walk *walk, const WalkKey *key, GPtrArray *children, guint level,
                          GError **error) {
  for (guint i = 0; i < children->len; i++) {
    const KeyRow *row = g_ptr_array_index(children, i);
    g_autofree char *fold = walk->resume != NULL ? path_fold(row->name) : NULL;
    /* The key to begin at may be gone meanwhile: then at what comes after it. */
    if (fold != NULL && !g_str_equal(fold, walk->resume[level]))
      begin_here(walk);
    if (!walk_child(walk, key, row, level + 1, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean walk_children(Walk *walk, const WalkKey *key, guint level, GError **error) {
  g_auto(Listing) listing = {.from = walk->resume != NULL ? g_strdup(walk->resume[level]) : NULL};
  while (!listing.ended) {
    g_autoptr(GPtrArray) children = list_some(walk, key, &listing, error);
    if (children == NULL || !walk_some(walk, key, children, level, error))
      return FALSE;
  }
  /* Nothing here at or behind the key to begin at: what follows is new. */
  if (walk->resume != NULL)
    begin_here(walk);
  return TRUE;
}

static gboolean walk_branch(Walk *walk, const WalkKey *key, guint level, GError **error) {
  gboolean on_the_way = walk->resume != NULL && walk->resume[level] != NULL;
  if (!on_the_way) {
    g_clear_pointer(&walk->resume, g_strfreev);
    if (!visit(walk, key, error))
      return FALSE;
  }
  if (level >= walk->depth || walk_key_get_link(key) != NULL) {
    begin_here(walk);
    return TRUE;
  }
  return walk_children(walk, key, level, error);
}

static gboolean stop(G_GNUC_UNUSED Walk *walk, G_GNUC_UNUSED const WalkKey *key,
                     G_GNUC_UNUSED GError **error) {
  return FALSE;
}

/* Whether there is anything that the caller may read, also before the key to begin at. */
static gboolean finds_any(const Walk *walk, const WalkKey *first, gboolean *found, GError **error) {
  Walk probe = *walk;
  GError *failure = NULL;
  probe.resume = NULL;
  probe.skip = 0;
  probe.visit = stop;
  walk_branch(&probe, first, 0, &failure);
  if (failure != NULL)
    g_propagate_error(error, failure);
  *found = probe.found;
  return failure == NULL;
}

static gboolean run_closed(Walk *walk, const Place *place, const WalkKey *first, GError **error) {
  gboolean resumes = walk->resume != NULL;
  gboolean found = FALSE;
  if (!walk_branch(walk, first, 0, error))
    return FALSE;
  if (!walk->found && resumes && !finds_any(walk, first, &found, error))
    return FALSE;
  return walk->found || found || access_refuse(place->asked, ACCESS_READ, error);
}

gboolean walk_run(Walk *walk, const Place *place, GError **error) {
  WalkKey first = {.row = place->key,
                   .path = place->path,
                   .is_told = TRUE,
                   .today = place->acl,
                   .then = place->acl};
  if (walk->past != NULL) {
    first.past = past_tree_get_key(walk->past, place->key->id, error);
    if (first.past == NULL || !past_tree_get_acl(walk->past, place->key->id, &first.then, error))
      return FALSE;
  }
  if (is_readable(walk, &first) && place_get_level(place, walk->who) >= ACCESS_READ)
    return walk_branch(walk, &first, 0, error);
  return walk->skip_unreadable ? run_closed(walk, place, &first, error)
                               : access_refuse(place->asked, ACCESS_READ, error);
}

/* ---- values ---- */

static Sight judge(const Walk *walk, const WalkKey *key, const char *name, gboolean was_secret) {
  const PastThing thing = {.schemas = walk->reader->schemas,
                           .today = key->today,
                           .then = key->then,
                           .path = key->path,
                           .name = name,
                           .was_secret = was_secret,
                           .hides_secrets = walk->hide_secrets};
  return sight_judge(&thing, walk->who);
}

static gboolean may_see(Walk *walk, const WalkKey *key, const char *name, gboolean was_secret) {
  gboolean seen = judge(walk, key, name, was_secret) == SIGHT_SHOWN;
  if (!seen)
    walk->left_out++;
  return seen;
}

gboolean walk_may_see(const Walk *walk, const WalkKey *key, const char *name) {
  return judge(walk, key, name, FALSE) == SIGHT_SHOWN;
}

static gboolean add_past_values(Walk *walk, const WalkKey *key, GPtrArray *values, GError **error) {
  g_autoptr(GPtrArray) were = past_tree_list_values(walk->past, key->past, error);
  for (guint i = 0; were != NULL && i < were->len; i++) {
    const PastValue *value = g_ptr_array_index(were, i);
    if (value->value == NULL)
      walk->left_out++; /* forgotten on purpose */
    else if (may_see(walk, key, value->name, value->secret))
      g_ptr_array_add(values, reader_new_value(value->name, value->value));
  }
  return were != NULL;
}

static gboolean add_values(Walk *walk, const WalkKey *key, GPtrArray *values, GError **error) {
  g_autoptr(GPtrArray) rows = store_list_values(walk->reader->store, key->row->id, error);
  for (guint i = 0; rows != NULL && i < rows->len; i++) {
    const ValueRow *row = g_ptr_array_index(rows, i);
    gboolean was_secret = FALSE;
    if (walk->hide_secrets &&
        !history_was_secret(walk->reader->store, key->row->id, row, &was_secret, error))
      return FALSE;
    if (may_see(walk, key, row->name, was_secret))
      g_ptr_array_add(values, reader_new_value(row->name, row->value));
  }
  return rows != NULL;
}

GPtrArray *walk_load_values(Walk *walk, const WalkKey *key, GError **error) {
  g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func((GDestroyNotify)named_value_free);
  const char *link = walk_key_get_link(key);
  gboolean done = TRUE;
  if (link != NULL) {
    g_autoptr(RegistryValue) target = registry_value_new_string(REGISTRY_LINK, link, error);
    if (target == NULL)
      return NULL;
    g_ptr_array_add(values, reader_new_value(LINK_VALUE_NAME, target));
  } else if (key->past != NULL) {
    done = add_past_values(walk, key, values, error);
  } else {
    done = add_values(walk, key, values, error);
  }
  return done ? g_steal_pointer(&values) : NULL;
}
