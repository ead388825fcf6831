/* SPDX-License-Identifier: MIT */
/* GetHistory and ListTrials (see reader.h): the differences that sight.h lets the caller see. */
#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/history/record.h"
#include "regd/history/retention.h"
#include "regd/history/sight.h"
#include "regd/history/trials.h"
#include "regd/read/reader-private.h"
#include "regd/tree/place.h"
#include "regd/tree/settings.h"

void history_change_free(HistoryChange *change) {
  g_free(change->key);
  g_free(change->name);
  g_clear_pointer(&change->old_value, registry_value_unref);
  g_clear_pointer(&change->new_value, registry_value_unref);
  g_free(change);
}

void history_entry_free(HistoryEntry *entry) {
  if (entry == NULL)
    return;
  g_free(entry->program);
  g_free(entry->comment);
  g_free(entry->origin);
  g_clear_pointer(&entry->changes, g_ptr_array_unref);
  g_free(entry);
}

typedef struct {
  Reader *reader;
  const Identity *who;
  gboolean hide_secrets;
  HistoryBranch *branch; /* NULL: the whole registry */
  SightPaths *paths;
  HistoryEntry *entry;
  gsize bytes;      /* of the entry so far */
  gsize total;      /* of all entries so far */
  gint64 today_key; /* the key that `today` is of */
  Acl *today;       /* borrowed */
} Telling;

static gboolean find_today(Telling *telling, gint64 key, GError **error) {
  if (telling->today_key == key)
    return TRUE;
  telling->today_key = key;
  return sight_find_today(telling->reader->store, key, &telling->today, error);
}

typedef struct {
  gboolean key;                /* that there is such an entry */
  gboolean old_data, new_data; /* what it held */
} Visibility;

static gboolean find_visibility(Telling *telling, const Difference *difference, const char *path,
                                Visibility *visibility, GError **error) {
  DifferenceSight sight = {SIGHT_HIDDEN, SIGHT_HIDDEN};
  if (!find_today(telling, difference->key, error))
    return FALSE;
  const PastThing today = {.schemas = telling->reader->schemas,
                           .today = telling->today,
                           .path = path,
                           .hides_secrets = telling->hide_secrets};
  if (!sight_judge_difference(telling->reader->store, telling->who, difference, &today, &sight,
                              error))
    return FALSE;
  *visibility = (Visibility){.key = MAX(sight.of_old, sight.of_new) > SIGHT_HIDDEN,
                             .old_data = sight.of_old == SIGHT_SHOWN,
                             .new_data = sight.of_new == SIGHT_SHOWN};
  return TRUE;
}

static gsize get_size(const RegistryValue *value) {
  gsize size = 0;
  if (value != NULL)
    registry_value_get_bytes(value, &size);
  return size;
}

static void add_change(Telling *telling, const Difference *difference, const char *path,
                       const Visibility *visibility) {
  gsize bytes =
      strlen(path) + get_size(difference->old_value) + get_size(difference->new_value) + 64;
  if (telling->bytes + bytes > LIMIT_HISTORY_ENTRY_BYTES ||
      telling->entry->changes->len >= LIMIT_HISTORY_ENTRY_CHANGES) {
    telling->entry->changes_left++;
    return;
  }
  telling->bytes += bytes;
  HistoryChange *change = g_new0(HistoryChange, 1);
  change->kind = difference->kind;
  change->key = g_strdup(path);
  change->name = g_strdup(difference->name != NULL ? difference->name : "");
  change->purged = difference->purged;
  if (visibility->old_data && difference->old_value != NULL)
    change->old_value = registry_value_ref(difference->old_value);
  if (visibility->new_data && difference->new_value != NULL)
    change->new_value = registry_value_ref(difference->new_value);
  g_ptr_array_add(telling->entry->changes, change);
}

static gboolean tell(const Difference *difference, G_GNUC_UNUSED guint64 revision, gpointer data,
                     GError **error) {
  Telling *telling = data;
  gboolean holds = telling->branch == NULL;
  if (!holds && !history_branch_holds(telling->branch, difference->key, &holds, error))
    return FALSE;
  if (!holds)
    return TRUE;
  GRefString *path = sight_paths_get(telling->paths, difference->key, error);
  Visibility visibility = {0};
  gboolean found = path != NULL && find_visibility(telling, difference, path, &visibility, error);
  if (found && visibility.key)
    add_change(telling, difference, path, &visibility);
  g_clear_pointer(&path, g_ref_string_release);
  return found;
}

HistoryEntry *reader_new_entry(guint64 revision, const RevisionRow *row) {
  HistoryEntry *entry = g_new0(HistoryEntry, 1);
  entry->revision = revision;
  entry->changes = g_ptr_array_new_with_free_func((GDestroyNotify)history_change_free);
  entry->program = g_strdup(row != NULL ? row->program : "");
  if (row == NULL)
    return entry;
  entry->comment = g_strdup(row->comment);
  entry->origin = g_strdup(row->origin);
  entry->fleet_revision = row->fleet_revision;
  entry->fleet_time = row->fleet_time;
  entry->time = row->time;
  entry->uid = row->uid;
  entry->pid = row->pid;
  return entry;
}

static gboolean tell_revision(Telling *telling, guint64 revision, GPtrArray *entries,
                              GError **error) {
  g_autoptr(RevisionRow) row = NULL;
  Store *store = telling->reader->store;
  if (!history_get_revision(store, revision, &row, error))
    return FALSE;
  g_autoptr(HistoryEntry) entry = reader_new_entry(revision, row);
  telling->entry = entry;
  telling->bytes = telling->total < LIMIT_HISTORY_BYTES ? 0 : LIMIT_HISTORY_ENTRY_BYTES;
  if (!history_visit_revision(store, revision, &(HistoryVisitor){tell, telling}, error))
    return FALSE;
  if (entry->changes->len > 0 || entry->changes_left > 0)
    g_ptr_array_add(entries, g_steal_pointer(&entry));
  return TRUE;
}

static gboolean tell_revisions(Telling *telling, const GArray *revisions, GPtrArray *entries,
                               GError **error) {
  for (guint i = 0; i < revisions->len && telling->total < LIMIT_HISTORY_BYTES; i++) {
    if (!tell_revision(telling, (guint64)g_array_index(revisions, gint64, i), entries, error))
      return FALSE;
    telling->total += telling->bytes;
  }
  return TRUE;
}

static gboolean require_known(Telling *telling, const Place *place, gint64 id, GError **error) {
  gboolean known = place_exists(place) || telling->who->administrator;
  if (known)
    return TRUE;
  if (!find_today(telling, id, error))
    return FALSE;
  const PastThing today = {
      .schemas = telling->reader->schemas, .today = telling->today, .path = place->path};
  if (!sight_is_known(telling->reader->store, telling->who, id, &today, &known, error))
    return FALSE;
  return known || place_refuse_unknown(place, error);
}

/* Revisions that are not for the caller's eyes are passed over. That a key was there once is told
 * only to those who may see something of it. */
GPtrArray *reader_get_history(Reader *reader, const Identity *who, const char *key,
                              const HistoryOptions *options, GError **error) {
  ResolveMode mode = options->no_follow ? RESOLVE_NO_FOLLOW : RESOLVE_FOLLOW;
  g_autoptr(Snapshot) snapshot = reader_begin(reader, error);
  g_autoptr(Place) place = snapshot != NULL ? resolve(snapshot, who, key, mode, error) : NULL;
  gint64 id = 0;
  guint64 past = 0;
  guint64 before = options->before;
  LiveSettings settings = {0};
  if (place == NULL || !place_require(place, who, ACCESS_READ, error) ||
      !place_require_row(snapshot, place, &id, error) ||
      !settings_load(snapshot, &settings, error) ||
      !retention_get_limit(&(Retention){snapshot, &settings, g_get_real_time()}, place->path, &past,
                           error))
    return NULL;
  g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func((GDestroyNotify)history_entry_free);
  g_autoptr(HistoryBranch) branch = history_branch_new(snapshot, id);
  g_autoptr(SightPaths) paths = sight_paths_new(snapshot, who);
  Telling telling = {.reader = reader,
                     .who = who,
                     .hide_secrets = options->hide_secrets,
                     .branch = branch,
                     .paths = paths};
  while (entries->len < options->limit) {
    guint asked = options->limit - entries->len;
    g_autoptr(GArray) revisions =
        history_list_revisions(snapshot, id, &(HistoryRange){before, past, asked}, error);
    if (revisions == NULL || !tell_revisions(&telling, revisions, entries, error))
      return NULL;
    if (revisions->len < asked || telling.total >= LIMIT_HISTORY_BYTES)
      break;
    before = (guint64)g_array_index(revisions, gint64, revisions->len - 1);
  }
  if (entries->len == 0 && !require_known(&telling, place, id, error))
    return NULL;
  return g_steal_pointer(&entries);
}

/* When the answer is full, the rest of the trials are told without what they change. */
static gboolean tell_trial(Telling *telling, const Trial *trial, GPtrArray *entries,
                           GError **error) {
  guint told = entries->len;
  if (!tell_revision(telling, trial->revision, entries, error))
    return FALSE;
  telling->total += telling->bytes;
  if (entries->len > told)
    ((HistoryEntry *)g_ptr_array_index(entries, told))->deadline = trial->deadline;
  return TRUE;
}

GPtrArray *reader_list_trials(Reader *reader, const Identity *who, gboolean hide_secrets,
                              GError **error) {
  g_autoptr(Snapshot) snapshot = reader_begin(reader, error);
  g_autoptr(GArray) trials = snapshot != NULL ? trials_list(snapshot, error) : NULL;
  if (trials == NULL)
    return NULL;
  g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func((GDestroyNotify)history_entry_free);
  g_autoptr(SightPaths) paths = sight_paths_new(snapshot, who);
  Telling telling = {.reader = reader, .who = who, .hide_secrets = hide_secrets, .paths = paths};
  for (guint i = 0; i < trials->len; i++)
    if (!tell_trial(&telling, &g_array_index(trials, Trial, i), entries, error))
      return NULL;
  return g_steal_pointer(&entries);
}
