/* SPDX-License-Identifier: MIT */
/* See maildir-ids.h. An ID that was told once must stay, and belong to one message only:
 * each new one is checked against all that are there. */
#include "mailauth/mailbox/maildir-ids.h"

#include <string.h>

#include "client/base/error.h"
#include "mailauth/base/limits.h"
#include "mailauth/base/unique-id-format.h"
#include "mailauth/mailbox/dovecot-uidlist.h"
#include "mailauth/mailbox/maildir-name.h"

#define HEADER "mailauthd-unique-ids 1 "

typedef struct {
  char *key, *id;
} Entry;

struct MaildirIds {
  char *text;            /* that was parsed: entries lie in it */
  GStringChunk *strings; /* of entries that were added */
  GArray *entries;       /* of Entry */
  GHashTable *taken;     /* of ID */
};

static MaildirIds *ids_new(char *text) {
  MaildirIds *ids = g_new0(MaildirIds, 1);
  ids->text = text;
  ids->strings = g_string_chunk_new(4096);
  ids->entries = g_array_new(FALSE, FALSE, sizeof(Entry));
  ids->taken = g_hash_table_new(g_str_hash, g_str_equal);
  return ids;
}

void maildir_ids_free(MaildirIds *ids) {
  if (ids == NULL)
    return;
  g_hash_table_unref(ids->taken);
  g_array_unref(ids->entries);
  g_string_chunk_free(ids->strings);
  g_free(ids->text);
  g_free(ids);
}

static const Entry *get_entry(const MaildirIds *ids, guint place) {
  return &g_array_index(ids->entries, Entry, place);
}

/* FALSE: the ID is another's. Its strings have to last. */
static gboolean add_entry(MaildirIds *ids, const Entry *entry) {
  g_array_append_vals(ids->entries, entry, 1);
  return g_hash_table_add(ids->taken, entry->id);
}

static const char *add_copy(MaildirIds *ids, const char *key, const char *id) {
  const Entry entry = {g_string_chunk_insert(ids->strings, key),
                       g_string_chunk_insert(ids->strings, id)};
  add_entry(ids, &entry);
  return entry.id;
}

/* ---- what is kept ---- */

GString *maildir_ids_print(const MaildirIds *ids) {
  GString *text = g_string_new(NULL);
  g_string_append_printf(text, HEADER "%u\n", ids->entries->len);
  for (guint i = 0; i < ids->entries->len; i++) {
    const Entry *entry = get_entry(ids, i);
    g_string_append(text, entry->key);
    g_string_append_c(text, ' ');
    g_string_append(text, entry->id);
    g_string_append_c(text, '\n');
  }
  return text;
}

/* "<key> <ID>\n" at *@at. */
static gboolean parse_entry(MaildirIds *ids, char **at) {
  char *end = strchr(*at, '\n');
  char *space = end != NULL ? memchr(*at, ' ', (gsize)(end - *at)) : NULL;
  if (space == NULL || !maildir_name_is_uid(*at, (gsize)(space - *at)) ||
      !maildir_name_is_uid(space + 1, (gsize)(end - space - 1)))
    return FALSE;
  *space = *end = '\0';
  const Entry entry = {*at, space + 1};
  *at = end + 1;
  return add_entry(ids, &entry);
}

static gboolean parse_header(char **at, guint64 *count) {
  char *end = strchr(*at, '\n');
  if (end == NULL || !g_str_has_prefix(*at, HEADER))
    return FALSE;
  *end = '\0';
  const char *number = *at + strlen(HEADER);
  *at = end + 1;
  return g_ascii_string_to_unsigned(number, 10, 0, MAX_MESSAGES, count, NULL);
}

MaildirIds *maildir_ids_parse(char *text, gsize size, GError **error) {
  g_autoptr(MaildirIds) ids = ids_new(text);
  char *at = text;
  guint64 count = 0;
  gboolean valid = strlen(text) == size && parse_header(&at, &count);
  for (guint64 i = 0; valid && i < count; i++)
    valid = parse_entry(ids, &at);
  if (valid && *at == '\0')
    return g_steal_pointer(&ids);
  error_set(error, REGISTRY_ERROR_FAILED, "the unique IDs that are kept in it are damaged");
  return NULL;
}

/* ---- taking over ---- */

/* What is known of the messages of a list, in the list's order. */
typedef struct {
  guint32 validity;
  GArray *uids;       /* of DovecotUid */
  GPtrArray *keys;    /* of each */
  GHashTable *places; /* key -> place of both */
} Listed;

static void listed_init(Listed *listed) {
  listed->validity = 0;
  listed->uids = g_array_new(FALSE, FALSE, sizeof(DovecotUid));
  listed->keys = g_ptr_array_new_with_free_func(g_free);
  listed->places = g_hash_table_new(g_str_hash, g_str_equal);
}

static void listed_clear(Listed *listed) {
  g_hash_table_unref(listed->places);
  g_ptr_array_unref(listed->keys);
  g_array_unref(listed->uids);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Listed, listed_clear)

/* If a name comes twice the last entry counts. */
static void list_message(Listed *listed, const DovecotUid *uid) {
  gpointer place;
  g_autofree char *key = maildir_name_make_uid(uid->name);
  if (g_hash_table_lookup_extended(listed->places, key, NULL, &place)) {
    g_array_index(listed->uids, DovecotUid, GPOINTER_TO_UINT(place)) = *uid;
    return;
  }
  g_hash_table_insert(listed->places, key, GUINT_TO_POINTER(listed->keys->len));
  g_ptr_array_add(listed->keys, g_steal_pointer(&key));
  g_array_append_vals(listed->uids, uid, 1);
}

static gboolean read_list(Listed *listed, char *uidlist, gsize size, GError **error) {
  DovecotUid uid;
  DovecotUidlist list;
  GError *problem = NULL;
  if (!dovecot_uidlist_begin(&list, uidlist, size, error))
    return FALSE;
  listed->validity = list.validity;
  while (listed->keys->len <= MAX_MESSAGES && dovecot_uidlist_next(&list, &uid, &problem))
    list_message(listed, &uid);
  if (listed->keys->len > MAX_MESSAGES)
    return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                     DOVECOT_UIDLIST_FILE " has more than %d messages", MAX_MESSAGES);
  if (problem != NULL)
    g_propagate_error(error, problem);
  return problem == NULL;
}

static void make_id(const DovecotUid *uid, guint32 validity, const UniqueIdFormat *format,
                    GString *id) {
  const UniqueIdFacts facts = {uid->uid, validity, uid->name, uid->guid};
  g_string_truncate(id, 0);
  if (uid->pop3_id == NULL)
    unique_id_format_expand(format, &facts, id);
  else
    g_string_append(id, *uid->pop3_id != '\0' ? uid->pop3_id : uid->name);
}

static void add_ids(MaildirIds *ids, const Listed *listed, const UniqueIdFormat *format) {
  g_autoptr(GString) id = g_string_new(NULL);
  for (guint i = 0; i < listed->keys->len; i++) {
    make_id(&g_array_index(listed->uids, DovecotUid, i), listed->validity, format, id);
    if (maildir_name_is_uid(id->str, id->len) && !g_hash_table_contains(ids->taken, id->str))
      add_copy(ids, listed->keys->pdata[i], id->str);
  }
}

MaildirIds *maildir_ids_take_over(const char *format, char *uidlist, gsize size, GError **error) {
  g_auto(Listed) listed;
  g_autoptr(MaildirIds) ids = ids_new(NULL);
  g_autoptr(UniqueIdFormat) parsed = unique_id_format_new(format, error);
  listed_init(&listed);
  if (parsed == NULL || (uidlist != NULL && !read_list(&listed, uidlist, size, error)))
    return NULL;
  add_ids(ids, &listed, parsed);
  return g_steal_pointer(&ids);
}

/* ---- telling ---- */

static GHashTable *make_set(const GPtrArray *keys) {
  GHashTable *set = g_hash_table_new(g_str_hash, g_str_equal);
  for (guint i = 0; i < keys->len; i++)
    g_hash_table_add(set, keys->pdata[i]);
  return set;
}

/* An ID that is neither among those taken nor any message's key. */
static const char *add_other(MaildirIds *ids, const char *key, GHashTable *keys) {
  g_autofree char *id = g_strdup(key);
  do {
    char *next = g_compute_checksum_for_string(G_CHECKSUM_SHA256, id, -1);
    g_free(id);
    id = next;
  } while (g_hash_table_contains(ids->taken, id) || g_hash_table_contains(keys, id));
  return add_copy(ids, key, id);
}

static GHashTable *index_entries(const MaildirIds *ids) {
  GHashTable *places = g_hash_table_new(g_str_hash, g_str_equal); /* key -> place */
  for (guint i = 0; i < ids->entries->len; i++)
    g_hash_table_insert(places, get_entry(ids, i)->key, GUINT_TO_POINTER(i));
  return places;
}

/* The entry of @key, looked for at *@next first, where it is most often, and then
 * in *@places, which is made when it is needed. NULL: there is none. */
static const Entry *find_entry(const MaildirIds *ids, const char *key, guint *next,
                               GHashTable **places) {
  gpointer place = GUINT_TO_POINTER(*next);
  if (*next >= ids->entries->len || !g_str_equal(get_entry(ids, *next)->key, key)) {
    if (*places == NULL)
      *places = index_entries(ids);
    if (!g_hash_table_lookup_extended(*places, key, NULL, &place))
      return NULL;
  }
  *next = GPOINTER_TO_UINT(place) + 1;
  return get_entry(ids, GPOINTER_TO_UINT(place));
}

gboolean maildir_ids_settle(MaildirIds *ids, const GPtrArray *keys, const char **told) {
  guint next = 0;
  g_autoptr(GHashTable) entries = NULL;
  g_autoptr(GHashTable) all = NULL;
  for (guint i = 0; i < keys->len; i++) {
    const Entry *entry = find_entry(ids, keys->pdata[i], &next, &entries);
    told[i] = entry != NULL ? entry->id : keys->pdata[i];
    if (entry != NULL || !g_hash_table_contains(ids->taken, told[i]))
      continue;
    if (all == NULL)
      all = make_set(keys);
    told[i] = add_other(ids, keys->pdata[i], all);
  }
  return all != NULL;
}
