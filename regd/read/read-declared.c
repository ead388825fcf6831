/* SPDX-License-Identifier: MIT */
/* What is declared, beside what is there, and what is locked (see reader.h). */
#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "regd/declare/declared-sight.h"
#include "regd/declare/lock.h"
#include "regd/read/reader-private.h"
#include "regd/tree/place.h"

void declared_item_free(DeclaredItem *item) {
  if (item == NULL)
    return;
  g_free(item->key);
  g_free(item->name);
  g_free(item->owner);
  registry_value_unref(item->declared);
  registry_value_unref(item->present);
  g_free(item);
}

typedef struct {
  Reader *reader;
  const Identity *who;
  const char *owner;
  const char *branch; /* the key that is listed, with all below it */
  gboolean skip_unreadable;
  char *key;      /* that `place` is of */
  Place *place;   /* of the declared key; NULL: the caller may not read it */
  gboolean there; /* it is that key, and not what a link leads to now */
  GPtrArray *items;
  gsize bytes;
} Listing;

static void listing_clear(Listing *listing) {
  g_free(listing->key);
  place_free(listing->place);
  g_clear_pointer(&listing->items, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Listing, listing_clear)

/* Names the first key on the way from the branch to @key that the caller may not read: what is in
 * that one is told to nobody who may not. */
static gboolean refuse_closed(const Listing *listing, const char *key, GError **error) {
  guint known = path_count_depth(listing->branch);
  g_auto(GStrv) names = g_strsplit(key, "\\", -1);
  g_autoptr(GString) at = g_string_new(names[0]);
  for (guint i = 1; names[i] != NULL; i++) {
    g_string_append_printf(at, "\\%s", names[i]);
    if (i <= known)
      continue;
    g_autoptr(Place) place =
        resolve(listing->reader->store, listing->who, at->str, RESOLVE_CANONICAL, error);
    if (place == NULL)
      return FALSE;
    if (place_get_level(place, listing->who) < ACCESS_READ)
      return access_refuse(place->path, ACCESS_READ, error);
  }
  return access_refuse(key, ACCESS_READ, error);
}

/* Declarations of one key follow each other. */
static gboolean enter(Listing *listing, const char *key, GError **error) {
  if (g_strcmp0(listing->key, key) == 0)
    return TRUE;
  g_clear_pointer(&listing->place, place_free);
  g_free(listing->key);
  listing->key = g_strdup(key);
  g_autoptr(Place) place =
      resolve(listing->reader->store, listing->who, key, RESOLVE_CANONICAL, error);
  if (place == NULL)
    return FALSE;
  if (place_get_level(place, listing->who) < ACCESS_READ)
    return listing->skip_unreadable || refuse_closed(listing, key, error);
  listing->there = place_exists(place);
  listing->place = g_steal_pointer(&place);
  return TRUE;
}

static gboolean read_present(Listing *listing, const Declared *declared, DeclaredItem *item,
                             GError **error) {
  const KeyRow *key = listing->place->key;
  if (!listing->there)
    return TRUE;
  g_free(item->key);
  item->key = g_strdup(listing->place->path);
  item->has_key = TRUE;
  if (declared->name == NULL) {
    item->present =
        key->link != NULL ? registry_value_new_string(REGISTRY_LINK, key->link, error) : NULL;
    return key->link == NULL || item->present != NULL;
  }
  g_autofree char *fold = path_fold(declared->name);
  g_autoptr(ValueRow) row = NULL;
  if (key->link != NULL)
    return TRUE;
  if (!store_find_value(listing->reader->store, key->id, fold, &row, error))
    return FALSE;
  if (row == NULL)
    return TRUE;
  g_free(item->name);
  item->name = g_steal_pointer(&row->name);
  item->present = g_steal_pointer(&row->value);
  return TRUE;
}

static gsize get_size(const DeclaredItem *item) {
  gsize size = 0, both = strlen(item->key) + strlen(item->owner) + 64;
  if (item->declared != NULL && registry_value_get_bytes(item->declared, &size) != NULL)
    both += size;
  if (item->present != NULL && registry_value_get_bytes(item->present, &size) != NULL)
    both += size;
  return both;
}

/* As it is today. */
static PastThing make_thing(const Reader *reader, const Place *place, const char *name) {
  return (PastThing){
      .schemas = reader->schemas, .today = place->acl, .path = place->path, .name = name};
}

static gboolean is_shown(const Listing *listing, const Declared *declared, gboolean *shown,
                         GError **error) {
  const Place *place = listing->place;
  *shown = place != NULL;
  if (place == NULL)
    return TRUE;
  const PastThing thing = make_thing(listing->reader, place, declared->name);
  return declared_is_shown(listing->reader->store, listing->who, &thing, declared->closed, shown,
                           error);
}

static gboolean add(Listing *listing, const Declared *declared, GError **error) {
  gboolean shown = FALSE;
  if (!enter(listing, declared->key, error) || !is_shown(listing, declared, &shown, error))
    return FALSE;
  if (!shown)
    return TRUE;
  g_autoptr(DeclaredItem) item = g_new0(DeclaredItem, 1);
  item->key = g_strdup(declared->key);
  item->name = g_strdup(declared->name);
  item->owner = g_strdup(declared->owner);
  item->declared = declared->value != NULL ? registry_value_ref(declared->value) : NULL;
  if (!read_present(listing, declared, item, error))
    return FALSE;
  item->is_met =
      (declared->name != NULL || item->has_key) && declared_is_met(declared, item->present);
  listing->bytes += get_size(item);
  g_ptr_array_add(listing->items, g_steal_pointer(&item));
  return listing->bytes <= LIMIT_LIST_BYTES ||
         error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "%s: what is declared there and below is too much for one answer: ask for a key "
                   "below",
                   listing->branch);
}

GPtrArray *reader_list_declared(Reader *reader, const Identity *who, const char *key,
                                const char *owner, gboolean skip_unreadable, GError **error) {
  g_autoptr(Snapshot) snapshot = reader_begin(reader, error);
  g_autoptr(Place) place =
      snapshot != NULL ? resolve(snapshot, who, key, RESOLVE_FOLLOW, error) : NULL;
  if (place == NULL || (!skip_unreadable && !place_require(place, who, ACCESS_READ, error)))
    return NULL;
  g_autoptr(GPtrArray) rows = declared_list_branch(snapshot, place->path, error);
  g_auto(Listing)
      listing = {.reader = reader, .who = who, .owner = owner, .skip_unreadable = skip_unreadable};
  listing.branch = place->path;
  listing.items = g_ptr_array_new_with_free_func((GDestroyNotify)declared_item_free);
  for (guint i = 0; rows != NULL && i < rows->len; i++) {
    const Declared *declared = g_ptr_array_index(rows, i);
    if ((owner == NULL || g_str_equal(owner, declared->owner)) && !add(&listing, declared, error))
      return NULL;
  }
  return rows != NULL ? g_steal_pointer(&listing.items) : NULL;
}

/* ---- locks ---- */

/* Takes @lock if it may be told. */
static gboolean add_lock(Listing *listing, Lock **lock, GError **error) {
  const char *name = (*lock)->name;
  if (!enter(listing, (*lock)->key, error))
    return FALSE;
  const Place *place = listing->place;
  if (place == NULL || (name != NULL && !reader_may_see_value(listing->reader, listing->who,
                                                              place->acl, place->path, name)))
    return TRUE;
  listing->bytes += strlen((*lock)->key) + strlen((*lock)->reason) + 64;
  listing->bytes += name != NULL ? strlen(name) : 0;
  g_ptr_array_add(listing->items, g_steal_pointer(lock));
  return listing->bytes <= LIMIT_LIST_BYTES ||
         error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "%s: the locks there and below are too many for one answer: ask for a key below",
                   place->path);
}

GPtrArray *reader_list_locks(Reader *reader, const Identity *who, const char *key,
                             gboolean skip_unreadable, GError **error) {
  g_autoptr(Snapshot) snapshot = reader_begin(reader, error);
  g_autoptr(Place) place =
      snapshot != NULL ? resolve(snapshot, who, key, RESOLVE_FOLLOW, error) : NULL;
  if (place == NULL || (!skip_unreadable && !place_require(place, who, ACCESS_READ, error)))
    return NULL;
  g_autoptr(GPtrArray) locks = lock_list_branch(snapshot, place->path, error);
  g_auto(Listing) listing = {.reader = reader, .who = who, .skip_unreadable = skip_unreadable};
  listing.branch = place->path;
  listing.items = g_ptr_array_new_with_free_func((GDestroyNotify)lock_free);
  for (guint i = 0; locks != NULL && i < locks->len; i++)
    if (!add_lock(&listing, (Lock **)&locks->pdata[i], error))
      return NULL;
  return locks != NULL ? g_steal_pointer(&listing.items) : NULL;
}

char **reader_list_owners(Reader *reader, const Identity *who, const char *path, const char *name,
                          GError **error) {
  g_autofree char *at = path_fold(path);
  g_autofree char *fold = name != NULL ? path_fold(name) : NULL;
  g_autoptr(Snapshot) snapshot = reader_begin(reader, error);
  g_autoptr(GPtrArray) rows =
      snapshot != NULL ? declared_list_thing(snapshot, at, fold, error) : NULL;
  g_autoptr(Place) place =
      rows != NULL ? resolve(snapshot, who, path, RESOLVE_CANONICAL, error) : NULL;
  if (place == NULL)
    return NULL;
  const PastThing thing = make_thing(reader, place, name);
  return declared_dup_owners(snapshot, who, &thing, rows, error);
}
