/* SPDX-License-Identifier: MIT */
/* fleet hosts: what the hosts of the fleet tell of themselves. fleet wait: until they have a
 * commit. */
#include <string.h>

#include "client/base/escape.h"
#include "client/cli/reply.h"
#include "client/regctl/fleet/fleet-verb-private.h"
#include "client/regctl/session/fleet-wait.h"

/* ---- hosts ---- */

typedef enum {
  COLUMN_HOST,
  COLUMN_COMMIT,
  COLUMN_BEHIND,
  COLUMN_STATE,
  COLUMN_SINCE,
  COLUMN_VERSION,
  COLUMN_PROBLEMS,
  N_COLUMNS
} Column;
static const char *const titles[N_COLUMNS] = {"HOST",  "COMMIT",  "BEHIND",  "STATE",
                                              "SINCE", "VERSION", "PROBLEMS"};

typedef struct {
  const char *host, *state, *version;
  gboolean alive, told; /* told: it has reported */
  guint64 commit, behind, since;
  guint32 problems;
} Host;

static gboolean read_host(const WireOptions *entries, Host *host, GError **error) {
  *host = (Host){.host = "", .state = "", .version = ""};
  DBusMessageIter content;
  host->told = wire_options_get_content(entries, "commit", &content);
  return wire_options_get_string(entries, "host", &host->host, error) &&
         wire_options_get_string(entries, "state", &host->state, error) &&
         wire_options_get_string(entries, "version", &host->version, error) &&
         wire_options_get_boolean(entries, "alive", &host->alive, error) &&
         wire_options_get_uint64(entries, "commit", &host->commit, error) &&
         wire_options_get_uint64(entries, "behind", &host->behind, error) &&
         wire_options_get_uint64(entries, "since", &host->since, error) &&
         wire_options_get_uint32(entries, "problems", &host->problems, error);
}

/* Words of strangers are made fit for a terminal. */
static char *dup_word(const char *word) {
  GString *shown = g_string_new(NULL);
  escape_append(shown, *word != '\0' ? word : "-");
  return g_string_free(shown, FALSE);
}

static char *dup_number(guint64 number, gboolean there) {
  return there ? g_strdup_printf("%" G_GUINT64_FORMAT, number) : g_strdup("-");
}

/* In local time, as history has it. */
static char *dup_time(guint64 microseconds) {
  g_autoptr(GDateTime) time =
      g_date_time_new_from_unix_local((gint64)(microseconds / G_USEC_PER_SEC));
  return time != NULL && microseconds > 0 ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S")
                                          : g_strdup("-");
}

/* A host without a sign of life is gone, whatever it told last. */
static char **make_row(const Host *host) {
  char **row = g_new0(char *, N_COLUMNS + 1);
  row[COLUMN_HOST] = dup_word(host->host);
  row[COLUMN_COMMIT] = dup_number(host->commit, host->told);
  row[COLUMN_BEHIND] = dup_number(host->behind, host->told);
  row[COLUMN_STATE] = dup_word(host->alive ? host->state : "gone");
  row[COLUMN_SINCE] = dup_time(host->since);
  row[COLUMN_VERSION] = dup_word(host->version);
  row[COLUMN_PROBLEMS] = dup_number(host->problems, host->told);
  return row;
}

static void free_row(gpointer row) {
  g_strfreev(row);
}

static void print_row(const char *const *row, const guint *widths, GString *out) {
  for (guint i = 0; i < N_COLUMNS; i++) {
    guint padding = i + 1 < N_COLUMNS ? widths[i] + 2 - screen_measure(row[i]) : 0;
    g_string_append_printf(out, "%s%*s", row[i], (int)padding, "");
  }
  g_string_append_c(out, '\n');
}

static void print_table(Session *session, const GPtrArray *rows) {
  guint widths[N_COLUMNS];
  for (guint i = 0; i < N_COLUMNS; i++)
    widths[i] = (guint)strlen(titles[i]);
  for (guint i = 0; i < rows->len * N_COLUMNS; i++) {
    const char *const *row = rows->pdata[i / N_COLUMNS];
    widths[i % N_COLUMNS] = MAX(widths[i % N_COLUMNS], screen_measure(row[i % N_COLUMNS]));
  }
  print_row(titles, widths, session_out(session));
  for (guint i = 0; i < rows->len; i++)
    print_row(rows->pdata[i], widths, session_out(session));
}

static gboolean is_wanted(const Session *session, const Host *host) {
  return !session_has(session, OPTION_BEHIND) || !host->alive || !host->told || host->behind > 0;
}

/* @rows: for the table; with --json each host is written at once. */
static gboolean take_hosts(Session *session, DBusMessageIter *array, GPtrArray *rows,
                           GError **error) {
  for (; dbus_message_iter_get_arg_type(array) == DBUS_TYPE_ARRAY; dbus_message_iter_next(array)) {
    DBusMessageIter entry = *array;
    g_autoptr(WireOptions) entries = wire_options_read(&entry, error);
    Host host;
    if (entries == NULL || !read_host(entries, &host, error))
      return FALSE;
    if (!is_wanted(session, &host))
      continue;
    if (session_has(session, OPTION_JSON))
      reply_write_json(array, &session->json);
    else
      g_ptr_array_add(rows, make_row(&host));
  }
  return TRUE;
}

static DBusMessage *list_hosts(Session *session, DBusMessageIter *answer, GError **error) {
  Request request;
  fleet_request_begin(&request, "ListHosts");
  request_open_options(&request);
  request_close_options(&request);
  g_autoptr(WireMessage) reply = session_call(session, &request, answer, error);
  if (reply == NULL || !session_check_reply(reply, "aa{sv}", error))
    return NULL;
  return g_steal_pointer(&reply);
}

gboolean fleet_show_hosts(Session *session, GError **error) {
  DBusMessageIter answer, array;
  gboolean as_json = session_has(session, OPTION_JSON);
  g_autoptr(WireMessage) reply = list_hosts(session, &answer, error);
  if (reply == NULL)
    return FALSE;
  g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(free_row);
  if (as_json)
    json_begin(&session->json, '[');
  dbus_message_iter_recurse(&answer, &array);
  if (!take_hosts(session, &array, rows, error))
    return FALSE;
  if (!as_json) {
    print_table(session, rows);
    return TRUE;
  }
  json_end(&session->json, ']');
  g_string_append_c(session_out(session), '\n');
  return TRUE;
}

/* ---- digests ---- */

static void add_split(GPtrArray *splits, const char *host, const char *other) {
  char **pair = g_new0(char *, 3);
  pair[0] = g_strdup(host);
  pair[1] = g_strdup(other);
  g_ptr_array_add(splits, pair);
}

/* @seen: commit and digest of the first host that tells of that commit. */
static gboolean note_digest(GHashTable *seen, const WireOptions *entries, GPtrArray *splits,
                            GError **error) {
  const char *host = "", *digest = "";
  guint64 commit = 0;
  if (!wire_options_get_string(entries, "host", &host, error) ||
      !wire_options_get_string(entries, "digest", &digest, error) ||
      !wire_options_get_uint64(entries, "commit", &commit, error))
    return FALSE;
  if (*digest == '\0')
    return TRUE;
  g_autofree char *key = g_strdup_printf("%" G_GUINT64_FORMAT, commit);
  const char *const *first = g_hash_table_lookup(seen, key);
  if (first == NULL) {
    char **told = g_new0(char *, 3);
    told[0] = g_strdup(host);
    told[1] = g_strdup(digest);
    g_hash_table_insert(seen, g_steal_pointer(&key), told);
  } else if (strcmp(first[1], digest) != 0) {
    add_split(splits, host, first[0]);
  }
  return TRUE;
}

GPtrArray *fleet_find_splits(Session *session, GError **error) {
  DBusMessageIter answer, array;
  g_autoptr(WireMessage) reply = list_hosts(session, &answer, error);
  if (reply == NULL)
    return NULL;
  g_autoptr(GPtrArray) splits = g_ptr_array_new_with_free_func(free_row);
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_row);
  dbus_message_iter_recurse(&answer, &array);
  for (; dbus_message_iter_get_arg_type(&array) == DBUS_TYPE_ARRAY;
       dbus_message_iter_next(&array)) {
    DBusMessageIter entry = array;
    g_autoptr(WireOptions) entries = wire_options_read(&entry, error);
    if (entries == NULL || !note_digest(seen, entries, splits, error))
      return NULL;
  }
  return g_steal_pointer(&splits);
}

/* ---- wait ---- */

static gboolean read_commit(Session *session, guint64 *commit, GError **error) {
  const char *text = session_get_operand(session, 1);
  return text == NULL || (g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT64, commit, NULL)) ||
         error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                   "fleet wait takes the number of a commit, not '%s'", text);
}

gboolean fleet_wait(Session *session, GError **error) {
  FleetWaitAsk ask = {.timeout = FLEET_WAIT_SECONDS};
  if (session_has(session, OPTION_TIMEOUT))
    ask.timeout = (guint32)session->line->numbers[OPTION_TIMEOUT];
  return read_commit(session, &ask.commit, error) &&
         fleet_share_parse("--hosts", session->line->texts[OPTION_HOSTS], &ask.share, error) &&
         fleet_wait_for_hosts(session, &ask, error);
}
