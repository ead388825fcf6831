/* SPDX-License-Identifier: MIT */
/* See place-cache.h. Where a path leads depends on the caller only by their uid: through
 * HKEY_CURRENT_USER, and through links in their own branch. What the caller may do there is
 * asked each time. */
#include "regd/tree/place-cache.h"

#include <string.h>

/* Emptied when full. With these, some megabytes at most. */
#define MOST_PLACES 1024U
#define LONGEST_PATH_BYTES 1024U
#define MOST_VALUES 4096U
#define LONGEST_NAME_BYTES 256U
#define LARGEST_VALUE_BYTES 1024U

struct PlaceCache {
  GHashTable *entries; /* Entry -> itself */
  GHashTable *values;  /* Known -> itself */
};

typedef struct {
  guint32 uid;
  ResolveMode mode;
  const char *path; /* owned if the entry is in the table */
  Place *place;
} Entry;

typedef struct {
  Place *place;
  const char *name; /* owned if it is in the table */
  RegistryValue *value;
} Known;

static guint entry_hash(gconstpointer item) {
  const Entry *entry = item;
  return g_str_hash(entry->path) ^ entry->uid ^ (guint)entry->mode << 31;
}

static gboolean entry_equal(gconstpointer a, gconstpointer b) {
  const Entry *first = a;
  const Entry *second = b;
  return first->uid == second->uid && first->mode == second->mode &&
         strcmp(first->path, second->path) == 0;
}

static void entry_free(gpointer item) {
  Entry *entry = item;
  g_free((char *)(guintptr)entry->path);
  place_free(entry->place);
  g_free(entry);
}

static guint known_hash(gconstpointer item) {
  const Known *known = item;
  return g_str_hash(known->name) ^ g_direct_hash(known->place);
}

static gboolean known_equal(gconstpointer a, gconstpointer b) {
  const Known *first = a;
  const Known *second = b;
  return first->place == second->place && strcmp(first->name, second->name) == 0;
}

static void known_free(gpointer item) {
  Known *known = item;
  g_free((char *)(guintptr)known->name);
  registry_value_unref(known->value);
  place_free(known->place);
  g_free(known);
}

PlaceCache *place_cache_new(void) {
  PlaceCache *places = g_new0(PlaceCache, 1);
  places->entries = g_hash_table_new_full(entry_hash, entry_equal, NULL, entry_free);
  places->values = g_hash_table_new_full(known_hash, known_equal, NULL, known_free);
  return places;
}

void place_cache_free(PlaceCache *places) {
  if (places == NULL)
    return;
  g_hash_table_unref(places->values);
  g_hash_table_unref(places->entries);
  g_free(places);
}

static gboolean is_longer(const char *text, gsize bytes) {
  return strnlen(text, bytes + 1) > bytes;
}

Place *place_cache_find(const PlaceCache *places, guint32 uid, const char *path, ResolveMode mode) {
  if (is_longer(path, LONGEST_PATH_BYTES))
    return NULL;
  const Entry wanted = {.uid = uid, .mode = mode, .path = path};
  const Entry *found = g_hash_table_lookup(places->entries, &wanted);
  return found != NULL ? place_ref(found->place) : NULL;
}

/* A place that does not exist may borrow its list from the caller's identity. */
static gboolean may_keep(const char *path, const Place *place) {
  return place_exists(place) && !is_longer(path, LONGEST_PATH_BYTES) &&
         !is_longer(place->path, LONGEST_PATH_BYTES);
}

void place_cache_add(PlaceCache *places, const Identity *who, const char *path, ResolveMode mode,
                     Place *place) {
  if (!may_keep(path, place) || place_get_level(place, who) < ACCESS_READ)
    return;
  if (g_hash_table_size(places->entries) >= MOST_PLACES)
    place_cache_clear(places);
  Entry *entry = g_new0(Entry, 1);
  entry->uid = who->uid;
  entry->mode = mode;
  entry->path = g_strdup(path);
  entry->place = place_ref(place);
  g_hash_table_replace(places->entries, entry, entry);
}

RegistryValue *place_cache_find_value(const PlaceCache *places, const Place *place,
                                      const char *name) {
  if (is_longer(name, LONGEST_NAME_BYTES))
    return NULL;
  const Known wanted = {.place = (Place *)(guintptr)place, .name = name};
  const Known *found = g_hash_table_lookup(places->values, &wanted);
  return found != NULL ? found->value : NULL;
}

void place_cache_add_value(PlaceCache *places, Place *place, const char *name,
                           RegistryValue *value) {
  gsize size = 0;
  (void)registry_value_get_bytes(value, &size);
  if (size > LARGEST_VALUE_BYTES || is_longer(name, LONGEST_NAME_BYTES))
    return;
  if (g_hash_table_size(places->values) >= MOST_VALUES)
    g_hash_table_remove_all(places->values);
  Known *known = g_new0(Known, 1);
  known->place = place_ref(place);
  known->name = g_strdup(name);
  known->value = registry_value_ref(value);
  g_hash_table_replace(places->values, known, known);
}

void place_cache_clear(PlaceCache *places) {
  g_hash_table_remove_all(places->values);
  g_hash_table_remove_all(places->entries);
}
