/* SPDX-License-Identifier: MIT */
/* See leftover.h. */
#include "regd/fleet/local/leftover.h"

#include <string.h>

#include "regd/fleet/base/key.h"
#include "regd/tree/place.h"

typedef struct {
  Leftovers *left;
  Store *store;
  GHashTable *known;
} Search;

void leftovers_clear(Leftovers *left) {
  g_clear_pointer(&left->records, g_ptr_array_unref);
}

/* Takes @key. Returns whether there is no record of it. */
static gboolean check(Search *search, char *key) {
  g_autofree char *owned = key;
  if (g_hash_table_contains(search->known, key))
    return FALSE;
  FleetRecord *record = g_new0(FleetRecord, 1);
  record->key_size = strlen(key);
  record->key = g_steal_pointer(&owned);
  g_ptr_array_add(search->left->records, record);
  return TRUE;
}

static gboolean search_branch(Search *search, const KeyRow *row, GError **error);

static gboolean search_values(Search *search, const KeyRow *row, const char *path, GError **error) {
  g_autoptr(GPtrArray) values = store_list_values(search->store, row->id, error);
  if (values == NULL)
    return FALSE;
  for (guint i = 0; i < values->len; i++) {
    const ValueRow *value = g_ptr_array_index(values, i);
    search->left->values++;
    search->left->gone += check(search, fleet_key_of_value(path, value->name));
  }
  return TRUE;
}

static gboolean search_children(Search *search, const KeyRow *row, GError **error) {
  g_autoptr(GPtrArray) children = store_list_children(search->store, row->id, NULL, error);
  if (children == NULL)
    return FALSE;
  for (guint i = 0; i < children->len; i++)
    if (!search_branch(search, g_ptr_array_index(children, i), error))
      return FALSE;
  return TRUE;
}

static gboolean search_branch(Search *search, const KeyRow *row, GError **error) {
  GRefString *path = store_get_path(search->store, row->id, error);
  if (path == NULL)
    return FALSE;
  (void)check(search, fleet_key_of_key(path));
  gboolean done = row->link != NULL ||
                  (search_values(search, row, path, error) && search_children(search, row, error));
  g_ref_string_release(path);
  return done;
}

gboolean leftovers_find(Leftovers *left, Edit *edit, const char *mount, GHashTable *known,
                        GError **error) {
  g_autoptr(Place) place = resolve(edit->store, edit->who, mount, RESOLVE_CANONICAL, error);
  if (place == NULL)
    return FALSE;
  Search search = {left, edit->store, known};
  return !place_exists(place) || search_branch(&search, place->key, error);
}
