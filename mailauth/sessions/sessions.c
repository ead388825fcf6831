/* SPDX-License-Identifier: MIT */
/* See sessions.h. */
#include "mailauth/sessions/sessions.h"

#include "client/base/path.h"
#include "mailauth/base/limits.h"
#include "mailauth/package/sam.h"

struct Sessions {
  Views *views; /* NULL: freed, but a round trip is under way */
  Channel *front;
  GHashTable *all; /* number -> Session */
  gboolean syncing;
  gboolean again;     /* an account was written to meanwhile */
  gboolean unchecked; /* an account could not be read, or not as it stands */
};

typedef struct {
  guint64 number;
  SessionFacts facts;
  EventClient *client; /* what the facts point to */
} Entry;

static void entry_free(gpointer data) {
  Entry *entry = data;
  event_client_free(entry->client);
  g_free(entry);
}

Sessions *sessions_new(Views *views) {
  Sessions *sessions = g_new0(Sessions, 1);
  sessions->views = views;
  sessions->all = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, entry_free);
  return sessions;
}

void sessions_free(Sessions *sessions) {
  if (sessions == NULL)
    return;
  g_clear_pointer(&sessions->all, g_hash_table_unref);
  sessions->views = NULL;
  if (!sessions->syncing)
    g_free(sessions);
}

void sessions_set_front(Sessions *sessions, Channel *front) {
  if (sessions == NULL)
    return;
  sessions->front = front;
  g_hash_table_remove_all(sessions->all);
}

/* A channel that fails ends, and all of it is forgotten. */
static void end_entry(const Sessions *sessions, const Entry *entry) {
  (void)channel_send(sessions->front, MESSAGE_END_SESSION, g_variant_new_uint64(entry->number),
                     NULL, 0, NULL);
}

/* ---- accounts ---- */

/* A `Disabled` that can't be read keeps people out at their next login. */
static gboolean is_usable(const RegistryView *accounts, const char *account) {
  static const char *const names[] = {"Disabled", NULL};
  guint32 disabled = 0;
  return registry_view_has_key(accounts, account) &&
         (!registry_view_get_uint32(accounts, account, names, &disabled, NULL) || disabled == 0);
}

/* While the accounts can't be read nobody is sent away. */
static void check(Sessions *sessions, const Entry *entry) {
  const RegistryView *accounts = views_get_accounts(sessions->views);
  g_autofree char *detail = NULL;
  if (!entry->facts.is_native)
    return;
  if (sam_get_state(accounts, &detail) != OUTCOME_OK)
    sessions->unchecked = TRUE;
  else if (!is_usable(accounts, entry->facts.client.user))
    end_entry(sessions, entry);
}

static void on_synced(gboolean current, gpointer data);

/* What is written during a round trip may be missing after it. */
static void begin_check(Sessions *sessions) {
  sessions->again = sessions->syncing;
  if (sessions->syncing)
    return;
  sessions->syncing = TRUE;
  sessions->unchecked = FALSE;
  views_sync(sessions->views, 0, on_synced, sessions);
}

static void on_synced(gboolean current, gpointer data) {
  Sessions *sessions = data;
  GHashTableIter each;
  gpointer entry = NULL;
  sessions->syncing = FALSE;
  if (sessions->views == NULL) {
    g_free(sessions);
    return;
  }
  g_hash_table_iter_init(&each, sessions->all);
  while (g_hash_table_iter_next(&each, NULL, &entry))
    check(sessions, entry);
  sessions->unchecked |= !current;
  if (sessions->again)
    begin_check(sessions);
}

static gboolean concerns(const Sessions *sessions, const char *account) {
  GHashTableIter each;
  gpointer value = NULL;
  g_hash_table_iter_init(&each, sessions->all);
  while (g_hash_table_iter_next(&each, NULL, &value)) {
    const SessionFacts *facts = &((const Entry *)value)->facts;
    if (facts->is_native &&
        (account == NULL || path_compare_names(account, facts->client.user) == 0))
      return TRUE;
  }
  return FALSE;
}

void sessions_take_account(Sessions *sessions, const char *account) {
  if (sessions != NULL && concerns(sessions, account))
    begin_check(sessions);
}

void sessions_take_views(Sessions *sessions) {
  if (sessions != NULL && sessions->unchecked)
    begin_check(sessions);
}

/* ---- coming and going ---- */

void sessions_add(Sessions *sessions, guint64 number, const SessionFacts *facts) {
  if (sessions == NULL || sessions->front == NULL ||
      g_hash_table_size(sessions->all) >= MAX_SESSIONS)
    return;
  Entry *entry = g_new0(Entry, 1);
  entry->number = number;
  entry->facts = *facts;
  entry->client = event_client_dup(&facts->client);
  entry->facts.client = *entry->client;
  if (entry->facts.since == 0)
    entry->facts.since = g_get_real_time();
  g_hash_table_replace(sessions->all, &entry->number, entry);
  check(sessions, entry);
}

void sessions_remove(Sessions *sessions, guint64 number) {
  if (sessions != NULL)
    g_hash_table_remove(sessions->all, &number);
}

static int compare(gconstpointer a, gconstpointer b) {
  const SessionFacts *one = &(*(Entry *const *)a)->facts;
  const SessionFacts *other = &(*(Entry *const *)b)->facts;
  return (one->since > other->since) - (one->since < other->since);
}

/* Borrowed Entries, the oldest first; NULL sessions have none. */
static GPtrArray *find(const Sessions *sessions, const char *user) {
  GPtrArray *found = g_ptr_array_new();
  GHashTableIter each;
  gpointer entry = NULL;
  if (sessions == NULL)
    return found;
  g_autoptr(Settings) settings = views_get_settings(sessions->views);
  g_autofree char *account = settings_get_account(settings, user);
  g_hash_table_iter_init(&each, sessions->all);
  while (g_hash_table_iter_next(&each, NULL, &entry))
    if (*user == '\0' || g_strcmp0(((Entry *)entry)->facts.client.user, account) == 0)
      g_ptr_array_add(found, entry);
  g_ptr_array_sort(found, compare);
  return found;
}

void sessions_visit(const Sessions *sessions, const char *user, SessionsVisit visit,
                    gpointer data) {
  g_autoptr(GPtrArray) found = find(sessions, user);
  for (guint i = 0; i < found->len; i++)
    visit(&((const Entry *)found->pdata[i])->facts, data);
}

guint sessions_end(Sessions *sessions, const char *user, guint64 session) {
  g_autoptr(GPtrArray) found = find(sessions, user);
  guint ended = 0;
  for (guint i = 0; i < found->len; i++) {
    const Entry *entry = found->pdata[i];
    if (session != 0 && entry->facts.client.session != session)
      continue;
    end_entry(sessions, entry);
    ended++;
  }
  return ended;
}
