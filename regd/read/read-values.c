/* SPDX-License-Identifier: MIT */
/* ReadValues (see reader.h): the values of one key by pages, with all that is known about each, and
 * the revisions that set them. */
#include <string.h>

#include "client/base/error.h"
#include "client/base/number.h"
#include "client/base/protocol.h"
#include "client/base/text.h"
#include "regd/declare/declared.h"
#include "regd/declare/lock-set.h"
#include "regd/history/retention.h"
#include "regd/history/sight.h"
#include "regd/read/reader-private.h"

/* What a value counts for in a page, beside its data and its texts. */
#define VALUE_BYTES 128U

void listed_value_free(ListedValue *value) {
  if (value == NULL)
    return;
  g_free(value->name);
  g_clear_pointer(&value->value, registry_value_unref);
  g_free(value->locked);
  g_strfreev(value->owners);
  g_free(value->problem);
  g_free(value);
}

void value_page_free(ValuePage *page) {
  if (page == NULL)
    return;
  g_clear_pointer(&page->values, g_ptr_array_unref);
  g_clear_pointer(&page->heads, g_ptr_array_unref);
  g_free(page->cursor);
  g_free(page);
}

/* A page under way. */
typedef struct {
  const Reader *reader;
  Store *store;
  const Identity *who;
  const ValueOptions *options;
  const Place *place;
  char *fold; /* the folded path */
  LockSet *locks;
  GHashTable *owners; /* thing (see declared.h) -> GPtrArray of owners */
  ValuePage *page;
  gint64 after; /* the position of the last value of the page before */
  gsize bytes;
} Listing;

static void listing_clear(Listing *listing) {
  g_clear_pointer(&listing->fold, g_free);
  g_clear_pointer(&listing->locks, lock_set_free);
  g_clear_pointer(&listing->owners, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Listing, listing_clear)

/* ---- what is known about a value ---- */

static void free_names(gpointer names) {
  g_ptr_array_unref(names);
}

static gboolean note_owner(const DeclaredRow *row, gpointer data, G_GNUC_UNUSED GError **error) {
  GHashTable *owners = data;
  GPtrArray *names = g_hash_table_lookup(owners, row->thing);
  if (names == NULL) {
    names = g_ptr_array_new_with_free_func(g_free);
    g_hash_table_insert(owners, g_strdup(row->thing), names);
  }
  g_ptr_array_add(names, g_strdup(row->owner));
  return TRUE;
}

/* Locks and declarations are looked up for the whole key at once. */
static gboolean load_rest(Listing *listing, GError **error) {
  listing->fold = path_fold(listing->place->path);
  listing->locks = lock_set_new();
  listing->owners = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_names);
  return lock_set_refresh(listing->locks, listing->store, error) &&
         declared_visit_key(listing->store, listing->fold, note_owner, listing->owners, error);
}

static char **dup_owners(const Listing *listing, const char *name) {
  g_autofree char *thing = declared_make_thing(listing->fold, name);
  const GPtrArray *names = g_hash_table_lookup(listing->owners, thing);
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  for (guint i = 0; names != NULL && i < names->len; i++)
    g_strv_builder_add(builder, names->pdata[i]);
  return g_strv_builder_end(builder);
}

static char *dup_problem(const Listing *listing, const ListedValue *value) {
  g_autoptr(GError) violation = NULL;
  const SchemaSet *schemas = listing->reader->schemas;
  if (value->value == NULL || schemas == NULL ||
      schema_set_check(schemas, listing->place->path, value->name, value->value, &violation))
    return NULL;
  return g_strdup(violation->message);
}

static gboolean is_secret(const Listing *listing, const ValueRow *row) {
  const SchemaSet *schemas = listing->reader->schemas;
  return (listing->options->hide_secrets && row->secrecy == SECRECY_SECRET) ||
         (schemas != NULL && schema_set_is_secret(schemas, listing->place->path, row->name));
}

/* Of a secret that the caller may not see its name is told, who set it, and nothing else. */
static ListedValue *make_listed(const Listing *listing, const ValueRow *row) {
  ListedValue *value = g_new0(ListedValue, 1);
  const Place *place = listing->place;
  const Lock *lock = lock_set_find_value(listing->locks, place->path, row->name);
  value->name = g_strdup(row->name);
  value->revision = row->revision;
  value->is_secret = is_secret(listing, row);
  if (!reader_may_see_value(listing->reader, listing->who, place->acl, place->path, row->name))
    return value;
  if (!value->is_secret || !listing->options->hide_secrets)
    value->value = registry_value_ref(row->value);
  value->locked = lock != NULL ? g_strdup(lock->reason) : NULL;
  value->owners = dup_owners(listing, row->name);
  value->problem = dup_problem(listing, value);
  return value;
}

static gsize get_size(const ListedValue *value) {
  gsize size = 0;
  if (value->value != NULL)
    registry_value_get_bytes(value->value, &size);
  return size + strlen(value->name) + VALUE_BYTES;
}

/* ---- pages ---- */

/* FALSE: the page is full. It takes its first value whatever the size, or it would never get on. */
static gboolean add_value(Listing *listing, const ValueRow *row) {
  ValuePage *page = listing->page;
  guint limit = listing->options->limit != 0 ? listing->options->limit : LIMIT_TREE_PAGE_VALUES;
  ListedValue *value = make_listed(listing, row);
  gsize size = get_size(value);
  if (page->values->len > 0 &&
      (page->values->len >= limit || listing->bytes + size > LIMIT_TREE_PAGE_BYTES)) {
    listed_value_free(value);
    return FALSE;
  }
  listing->bytes += size;
  g_ptr_array_add(page->values, value);
  listing->after = row->position;
  return TRUE;
}

static gboolean add_values(Listing *listing, GError **error) {
  g_autoptr(GPtrArray) rows = store_list_values(listing->store, listing->place->key->id, error);
  for (guint i = 0; rows != NULL && i < rows->len; i++) {
    const ValueRow *row = g_ptr_array_index(rows, i);
    if (row->position > listing->after && !add_value(listing, row)) {
      listing->page->cursor = g_strdup_printf("%" G_GINT64_FORMAT, listing->after);
      return TRUE;
    }
  }
  return rows != NULL;
}

static gboolean add_link(Listing *listing, GError **error) {
  const KeyRow *key = listing->place->key;
  g_autoptr(RegistryValue) target = registry_value_new_string(REGISTRY_LINK, key->link, error);
  if (target == NULL)
    return FALSE;
  ValueRow row = {.name = g_strdup(LINK_VALUE_NAME),
                  .value = target,
                  .revision = key->revision,
                  .secrecy = SECRECY_NONE};
  (void)add_value(listing, &row);
  g_free(row.name);
  return TRUE;
}

/* ---- who set them ---- */

typedef struct {
  Store *store;
  const Identity *who;
  PastThing today;
  gboolean is_seen;
} HeadSearch;

static gboolean look(const Difference *difference, G_GNUC_UNUSED guint64 revision, gpointer data,
                     GError **error) {
  HeadSearch *search = data;
  DifferenceSight sight = {SIGHT_HIDDEN, SIGHT_HIDDEN};
  if (!sight_judge_difference(search->store, search->who, difference, &search->today, &sight,
                              error))
    return FALSE;
  search->is_seen = MAX(sight.of_old, sight.of_new) > SIGHT_HIDDEN;
  return !search->is_seen;
}

/* Of a revision that changed the key, as GetHistory would tell it. */
static gboolean may_know(const Listing *listing, guint64 revision, gboolean *may, GError **error) {
  const Place *place = listing->place;
  HeadSearch search = {
      .store = listing->store,
      .who = listing->who,
      .today = {.schemas = listing->reader->schemas, .today = place->acl, .path = place->path},
      .is_seen = listing->who->administrator};
  if (!search.is_seen && !history_visit_key_at(listing->store, place->key->id, revision,
                                               &(HistoryVisitor){look, &search}, error))
    return FALSE;
  *may = search.is_seen;
  return TRUE;
}

static gboolean add_head(const Listing *listing, guint64 revision, GError **error) {
  gboolean may = FALSE;
  g_autoptr(RevisionRow) row = NULL;
  if (!may_know(listing, revision, &may, error) ||
      (may && !history_get_revision(listing->store, revision, &row, error)))
    return FALSE;
  if (row != NULL)
    g_ptr_array_add(listing->page->heads, reader_new_entry(revision, row));
  return TRUE;
}

/* Each revision once; those that are older than the settings keep are told to nobody. */
static gboolean add_heads(const Listing *listing, GError **error) {
  LiveSettings settings = {0};
  guint64 past = 0;
  if (!settings_load(listing->store, &settings, error) ||
      !retention_get_limit(&(Retention){listing->store, &settings, g_get_real_time()},
                           listing->place->path, &past, error))
    return FALSE;
  g_autoptr(GHashTable) met = g_hash_table_new(g_int64_hash, g_int64_equal);
  for (guint i = 0; i < listing->page->values->len; i++) {
    ListedValue *value = g_ptr_array_index(listing->page->values, i);
    if (value->revision > past && g_hash_table_add(met, &value->revision) &&
        !add_head(listing, value->revision, error))
      return FALSE;
  }
  return TRUE;
}

/* ---- the whole ---- */

static gboolean parse_cursor(const char *key, const char *cursor, gint64 *after, GError **error) {
  guint64 position = 0;
  if (cursor == NULL || *cursor == '\0')
    return TRUE;
  if (!number_parse(cursor, G_MAXINT64, &position)) {
    g_autofree char *path = text_for_message(key, -1);
    g_autofree char *shown = text_for_message(cursor, -1);
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "%s: the cursor \"%s\" is none that a page of these values ended with", path,
                     shown);
  }
  *after = (gint64)position;
  return TRUE;
}

ValuePage *reader_read_values(Reader *reader, const Identity *who, const char *key,
                              const ValueOptions *options, GError **error) {
  ResolveMode mode = options->no_follow ? RESOLVE_NO_FOLLOW : RESOLVE_FOLLOW;
  g_autoptr(Snapshot) snapshot = reader_begin(reader, error);
  g_autoptr(Place) place =
      snapshot != NULL ? reader_find_readable(reader, who, key, mode, error) : NULL;
  g_autoptr(ValuePage) page = g_new0(ValuePage, 1);
  page->values = g_ptr_array_new_with_free_func((GDestroyNotify)listed_value_free);
  page->heads = g_ptr_array_new_with_free_func((GDestroyNotify)history_entry_free);
  g_auto(Listing) listing = {.reader = reader,
                             .store = snapshot,
                             .who = who,
                             .options = options,
                             .place = place,
                             .page = page,
                             .after = -1};
  if (place == NULL || !parse_cursor(key, options->cursor, &listing.after, error) ||
      !store_load_revision(snapshot, &page->revision, error) || !load_rest(&listing, error) ||
      !(place->key->link != NULL ? add_link(&listing, error) : add_values(&listing, error)) ||
      !add_heads(&listing, error))
    return NULL;
  if (page->cursor == NULL)
    page->cursor = g_strdup("");
  return g_steal_pointer(&page);
}
