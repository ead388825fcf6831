/* SPDX-License-Identifier: MIT */
/* ReadValues (see reader.h): the values of one key by pages, with all that is known about each, and
 * the revisions that set them. */
#include <string.h>

#include "client/base/error.h"
#include "client/base/number.h"
#include "client/base/protocol.h"
#include "client/base/text.h"
#include "regd/declare/declared-sight.h"
#include "regd/declare/lock-set.h"
#include "regd/history/retention.h"
#include "regd/history/sight.h"
#include "regd/read/reader-private.h"

/* What a value, and a revision, count for in a page beside their data and their texts. */
#define VALUE_BYTES 128U
#define HEAD_BYTES 256U

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
  GHashTable *owners; /* thing (see declared.h) -> GPtrArray of Declared: owner, closed */
  ValuePage *page;
  guint64 past;    /* revisions up to this one are told to nobody */
  GHashTable *met; /* the revisions of the page's values */
  gint64 after;    /* the position of the last value of the page before */
  gsize bytes;
} Listing;

static void listing_clear(Listing *listing) {
  g_clear_pointer(&listing->fold, g_free);
  g_clear_pointer(&listing->locks, lock_set_free);
  g_clear_pointer(&listing->owners, g_hash_table_unref);
  g_clear_pointer(&listing->met, g_hash_table_unref);
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
    names = g_ptr_array_new_with_free_func((GDestroyNotify)declared_free);
    g_hash_table_insert(owners, g_strdup(row->thing), names);
  }
  Declared *declared = g_new0(Declared, 1);
  declared->owner = g_strdup(row->owner);
  declared->closed = row->closed;
  g_ptr_array_add(names, declared);
  return TRUE;
}

/* Locks and declarations are looked up for the whole key at once. */
static gboolean load_rest(Listing *listing, GError **error) {
  LiveSettings settings = {0};
  listing->met = g_hash_table_new(g_int64_hash, g_int64_equal);
  listing->fold = path_fold(listing->place->path);
  listing->locks = lock_set_new();
  listing->owners = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_names);
  return lock_set_refresh(listing->locks, listing->store, error) &&
         declared_visit_key(listing->store, listing->fold, note_owner, listing->owners, error) &&
         settings_load(listing->store, &settings, error) &&
         retention_get_limit(&(Retention){listing->store, &settings, g_get_real_time()},
                             listing->place->path, &listing->past, error);
}

static char **dup_owners(const Listing *listing, const char *name, GError **error) {
  g_autofree char *thing = declared_make_thing(listing->fold, name);
  const GPtrArray *rows = g_hash_table_lookup(listing->owners, thing);
  const PastThing here = {.schemas = listing->reader->schemas,
                          .today = listing->place->acl,
                          .path = listing->place->path,
                          .name = name};
  return declared_dup_owners(listing->store, listing->who, &here, rows, error);
}

static char *dup_problem(const Listing *listing, const ListedValue *value) {
  g_autoptr(GError) violation = NULL;
  const SchemaSet *schemas = listing->reader->schemas;
  if (value->value == NULL || schemas == NULL ||
      schema_set_check(schemas, listing->place->path, value->name, value->value, &violation))
    return NULL;
  return g_strdup(violation->message);
}

static gboolean find_secret(const Listing *listing, const ValueRow *row, gboolean *secret,
                            GError **error) {
  const SchemaSet *schemas = listing->reader->schemas;
  *secret = schemas != NULL && schema_set_is_secret(schemas, listing->place->path, row->name);
  return *secret || !listing->options->hide_secrets ||
         history_was_secret(listing->store, listing->place->key->id, row, secret, error);
}

/* Of a secret that the caller may not see its name is told, who set it, and nothing else. */
static ListedValue *make_listed(const Listing *listing, const ValueRow *row, GError **error) {
  g_autoptr(ListedValue) value = g_new0(ListedValue, 1);
  const Place *place = listing->place;
  const Lock *lock = lock_set_find_value(listing->locks, place->path, row->name);
  value->name = g_strdup(row->name);
  value->revision = row->revision;
  if (!find_secret(listing, row, &value->is_secret, error))
    return NULL;
  if (!reader_may_see_value(listing->reader, listing->who, place->acl, place->path, row->name))
    return g_steal_pointer(&value);
  if (!value->is_secret || !listing->options->hide_secrets)
    value->value = registry_value_ref(row->value);
  value->locked = lock != NULL ? g_strdup(lock->reason) : NULL;
  value->owners = dup_owners(listing, row->name, error);
  value->problem = dup_problem(listing, value);
  return value->owners != NULL ? g_steal_pointer(&value) : NULL;
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

/* *@head: of a revision that no value of the page has yet; NULL: it is not told. */
static gboolean find_head(const Listing *listing, guint64 revision, HistoryEntry **head,
                          GError **error) {
  gboolean may = FALSE;
  g_autoptr(RevisionRow) row = NULL;
  if (revision <= listing->past || g_hash_table_contains(listing->met, &revision))
    return TRUE;
  if (!may_know(listing, revision, &may, error) ||
      (may && !history_get_revision(listing->store, revision, &row, error)))
    return FALSE;
  *head = row != NULL ? reader_new_entry(revision, row) : NULL;
  return TRUE;
}

/* ---- pages ---- */

static gsize get_length(const char *text) {
  return text != NULL ? strlen(text) : 0;
}

/* With all texts: an answer has a limit, and each of them may be long. */
static gsize get_size(const ListedValue *value, const HistoryEntry *head) {
  gsize size = 0;
  if (value->value != NULL)
    registry_value_get_bytes(value->value, &size);
  for (guint i = 0; value->owners != NULL && value->owners[i] != NULL; i++)
    size += strlen(value->owners[i]);
  if (head != NULL)
    size += get_length(head->program) + get_length(head->comment) + get_length(head->origin) +
            HEAD_BYTES;
  return size + strlen(value->name) + get_length(value->locked) + get_length(value->problem) +
         VALUE_BYTES;
}

/* *@full: there is no room for it. A page takes its first value whatever the size, or it would
 * never get on. */
static gboolean add_value(Listing *listing, const ValueRow *row, gboolean *full, GError **error) {
  ValuePage *page = listing->page;
  guint limit = listing->options->limit != 0 ? listing->options->limit : LIMIT_TREE_PAGE_VALUES;
  g_autoptr(ListedValue) value = make_listed(listing, row, error);
  g_autoptr(HistoryEntry) head = NULL;
  if (value == NULL || !find_head(listing, value->revision, &head, error))
    return FALSE;
  gsize size = get_size(value, head);
  *full = page->values->len > 0 &&
          (page->values->len >= limit || listing->bytes + size > LIMIT_TREE_PAGE_BYTES);
  if (*full)
    return TRUE;
  listing->bytes += size;
  listing->after = row->position;
  g_hash_table_add(listing->met, &value->revision);
  g_ptr_array_add(page->values, g_steal_pointer(&value));
  if (head != NULL)
    g_ptr_array_add(page->heads, g_steal_pointer(&head));
  return TRUE;
}

static gboolean add_values(Listing *listing, GError **error) {
  g_autoptr(GPtrArray) rows = store_list_values(listing->store, listing->place->key->id, error);
  gboolean full = FALSE;
  for (guint i = 0; rows != NULL && i < rows->len && !full; i++) {
    const ValueRow *row = g_ptr_array_index(rows, i);
    if (row->position > listing->after && !add_value(listing, row, &full, error))
      return FALSE;
  }
  if (full)
    listing->page->cursor = g_strdup_printf("%" G_GINT64_FORMAT, listing->after);
  return rows != NULL;
}

static gboolean add_link(Listing *listing, GError **error) {
  const KeyRow *key = listing->place->key;
  g_autoptr(RegistryValue) target = registry_value_new_string(REGISTRY_LINK, key->link, error);
  if (target == NULL)
    return FALSE;
  g_autofree char *name = g_strdup(LINK_VALUE_NAME);
  gboolean full = FALSE;
  const ValueRow row = {
      .name = name, .value = target, .revision = key->revision, .secrecy = SECRECY_NONE};
  return add_value(listing, &row, &full, error);
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
      !(place->key->link != NULL ? add_link : add_values)(&listing, error))
    return NULL;
  if (page->cursor == NULL)
    page->cursor = g_strdup("");
  return g_steal_pointer(&page);
}
