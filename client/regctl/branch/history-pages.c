/* SPDX-License-Identifier: MIT */
/* Asking for history, and showing it. */
#include "client/regctl/branch/history-pages.h"

#include <pwd.h>
#include <string.h>

#include "client/base/escape.h"
#include "client/cli/data.h"
#include "client/cli/reply.h"
#include "client/regctl/branch/listing.h"

#define PAGE_REVISIONS 100U

static void past_change_free(gpointer data) {
  PastChange *change = data;
  g_clear_pointer(&change->old_value, registry_value_unref);
  g_clear_pointer(&change->new_value, registry_value_unref);
  g_free(change);
}

/* ---- reading ---- */

/* The value that two entries of a dictionary hold; NULL without an error if they are
 * missing. */
static gboolean read_half(const WireOptions *given, const PastChange *change, const char *type_name,
                          const char *data_name, RegistryValue **value, GError **error) {
  guint32 type = 0;
  DBusMessageIter content;
  if (!wire_options_has(given, type_name) || !wire_options_has(given, data_name))
    return TRUE;
  if (!wire_options_get_uint32(given, type_name, &type, error) ||
      !wire_options_get_content(given, data_name, &content))
    return FALSE;
  *value = wire_read_content(&content, type, change->key, change->name, error);
  return *value != NULL;
}

static PastChange *read_change(DBusMessageIter *dictionary, GError **error) {
  g_autoptr(WireOptions) given = wire_options_read(dictionary, error);
  PastChange *change = g_new0(PastChange, 1);
  change->kind = change->key = change->name = "";
  if (given != NULL && wire_options_get_string(given, "kind", &change->kind, error) &&
      wire_options_get_string(given, "key", &change->key, error) &&
      wire_options_get_string(given, "name", &change->name, error) &&
      read_half(given, change, "old-type", "old-data", &change->old_value, error) &&
      read_half(given, change, "new-type", "new-data", &change->new_value, error) &&
      wire_options_get_boolean(given, "purged", &change->purged, error))
    return change;
  past_change_free(change);
  return NULL;
}

static gboolean read_changes(const WireOptions *given, GPtrArray *changes, GError **error) {
  DBusMessageIter content, dictionary;
  if (!wire_options_get_content(given, "changes", &content))
    return TRUE;
  g_autofree char *signature = dbus_message_iter_get_signature(&content);
  if (strcmp(signature, "aa{sv}") != 0)
    return error_set(error, REGISTRY_ERROR_FAILED,
                     "the daemon's history has changes of the signature \"%s\"", signature);
  for (dbus_message_iter_recurse(&content, &dictionary);
       dbus_message_iter_get_arg_type(&dictionary) == DBUS_TYPE_ARRAY;
       dbus_message_iter_next(&dictionary)) {
    PastChange *change = read_change(&dictionary, error);
    if (change == NULL)
      return FALSE;
    g_ptr_array_add(changes, change);
  }
  return TRUE;
}

static gboolean read_revision(DBusMessageIter *dictionary, PastRevision *revision, GError **error) {
  g_autoptr(WireOptions) given = wire_options_read(dictionary, error);
  revision->program = revision->comment = "";
  return given != NULL && wire_options_get_uint64(given, "revision", &revision->revision, error) &&
         wire_options_get_uint64(given, "time", &revision->time, error) &&
         wire_options_get_uint32(given, "uid", &revision->uid, error) &&
         wire_options_get_uint32(given, "pid", &revision->pid, error) &&
         wire_options_get_string(given, "program", &revision->program, error) &&
         wire_options_get_string(given, "comment", &revision->comment, error) &&
         wire_options_get_uint32(given, "changes-left", &revision->changes_left, error) &&
         wire_options_get_uint64(given, "deadline", &revision->deadline, error) &&
         wire_options_get_string(given, "user", &revision->user, error) &&
         wire_options_get_string(given, "host", &revision->host, error) &&
         wire_options_get_uint64(given, "fleet-revision", &revision->fleet_revision, error) &&
         wire_options_get_uint64(given, "fleet-time", &revision->fleet_time, error) &&
         read_changes(given, revision->changes, error);
}

static void past_revision_free(gpointer data) {
  PastRevision *revision = data;
  g_ptr_array_unref(revision->changes);
  g_free(revision);
}

GPtrArray *history_read_list(DBusMessageIter *answer, GError **error) {
  DBusMessageIter dictionary;
  g_autoptr(GPtrArray) revisions = g_ptr_array_new_with_free_func(past_revision_free);
  for (dbus_message_iter_recurse(answer, &dictionary);
       dbus_message_iter_get_arg_type(&dictionary) == DBUS_TYPE_ARRAY;
       dbus_message_iter_next(&dictionary)) {
    PastRevision *revision = g_new0(PastRevision, 1);
    revision->changes = g_ptr_array_new_with_free_func(past_change_free);
    g_ptr_array_add(revisions, revision);
    if (!read_revision(&dictionary, revision, error))
      return NULL;
  }
  return g_steal_pointer(&revisions);
}

/* One of the keys whose histories are told as one: a page of it. */
typedef struct {
  const char *key;
  DBusMessage *reply;   /* what the revisions borrow from */
  GPtrArray *revisions; /* of PastRevision, newest first */
  guint next;           /* the first that was not visited */
} Source;

static void source_clear(gpointer data) {
  Source *source = data;
  g_clear_pointer(&source->reply, dbus_message_unref);
  g_clear_pointer(&source->revisions, g_ptr_array_unref);
}

typedef struct {
  Session *session;
  GArray *sources;
  guint64 left;   /* revisions to visit */
  guint64 before; /* the oldest one visited; 0: none yet */
  PastVisit visit;
  gpointer data;
} Walk;

static DBusMessage *ask(const Walk *walk, const char *key, DBusMessageIter *answer,
                        GError **error) {
  Request request;
  request_begin(&request, "GetHistory");
  request_add_string(&request, key);
  request_open_options(&request);
  request_check(&request, wire_append_entry_uint32(&request.options, "limit",
                                                   (guint32)MIN(walk->left, PAGE_REVISIONS)));
  if (walk->before > 0)
    request_check(&request, wire_append_entry_uint64(&request.options, "before", walk->before));
  request_close_options(&request);
  g_autoptr(WireMessage) reply = session_call(walk->session, &request, answer, error);
  return reply != NULL && session_check_reply(reply, "aa{sv}", error) ? g_steal_pointer(&reply)
                                                                      : NULL;
}

static gboolean read_page(const Walk *walk, Source *source, GError **error) {
  DBusMessageIter answer;
  source_clear(source);
  source->next = 0;
  source->reply = ask(walk, source->key, &answer, error);
  if (source->reply == NULL)
    return FALSE;
  source->revisions = history_read_list(&answer, error);
  return source->revisions != NULL;
}

static PastRevision *get_next(const Source *source) {
  return source->next < source->revisions->len ? source->revisions->pdata[source->next] : NULL;
}

/* The newest revision that was not visited, with what all sources tell of it; NULL: none is left
 * in the pages. */
static PastRevision *take_newest(const Walk *walk) {
  PastRevision *newest = NULL;
  for (guint i = 0; i < walk->sources->len; i++) {
    PastRevision *next = get_next(&g_array_index(walk->sources, Source, i));
    if (next != NULL && (newest == NULL || next->revision > newest->revision))
      newest = next;
  }
  for (guint i = 0; newest != NULL && i < walk->sources->len; i++) {
    Source *source = &g_array_index(walk->sources, Source, i);
    PastRevision *same = get_next(source);
    if (same == NULL || same->revision != newest->revision)
      continue;
    source->next++;
    if (same == newest)
      continue;
    newest->changes_left += same->changes_left;
    g_ptr_array_extend_and_steal(newest->changes, g_steal_pointer(&same->changes));
    same->changes = g_ptr_array_new_with_free_func(past_change_free);
  }
  return newest;
}

/* Where the shortest page ends: what is older, another page may have more of. 0: no page has
 * anything. */
static guint64 find_end(const Walk *walk) {
  guint64 end = 0;
  for (guint i = 0; i < walk->sources->len; i++) {
    const GPtrArray *revisions = g_array_index(walk->sources, Source, i).revisions;
    if (revisions->len > 0)
      end = MAX(end, ((PastRevision *)revisions->pdata[revisions->len - 1])->revision);
  }
  return end;
}

static gboolean read_pages(const Walk *walk, GError **error) {
  for (guint i = 0; i < walk->sources->len; i++)
    if (!read_page(walk, &g_array_index(walk->sources, Source, i), error))
      return FALSE;
  return TRUE;
}

static gboolean visit_pages(Walk *walk, guint64 end, GError **error) {
  PastRevision *revision;
  while (walk->left > 0 && (revision = take_newest(walk)) != NULL && revision->revision >= end) {
    if (!walk->visit(walk->session, revision, walk->data, error))
      return FALSE;
    walk->left--;
  }
  walk->before = end;
  return TRUE;
}

gboolean history_walk(Session *session, const char *const *keys, guint64 count, PastVisit visit,
                      gpointer data, GError **error) {
  g_autoptr(GArray) sources = g_array_new(FALSE, TRUE, sizeof(Source));
  g_array_set_clear_func(sources, source_clear);
  for (; *keys != NULL; keys++)
    g_array_append_val(sources, ((Source){.key = *keys}));
  Walk walk = {.session = session, .sources = sources, .left = count, .visit = visit, .data = data};
  while (walk.left > 0) {
    if (!read_pages(&walk, error))
      return FALSE;
    guint64 end = find_end(&walk);
    if (end == 0)
      return TRUE;
    if (!visit_pages(&walk, end, error))
      return FALSE;
  }
  return TRUE;
}

typedef struct {
  const Sought *sought;
  gboolean found;
} Search;

static gboolean search_revision(G_GNUC_UNUSED Session *session, const PastRevision *revision,
                                gpointer data, G_GNUC_UNUSED GError **error) {
  Search *search = data;
  const Sought *sought = search->sought;
  for (guint i = 0; revision->revision == sought->revision && i < revision->changes->len; i++) {
    const PastChange *past = g_ptr_array_index(revision->changes, i);
    search->found |= strcmp(past->kind, sought->kind) == 0;
  }
  return revision->revision > sought->revision;
}

gboolean history_report(Session *session, const char *key, const Sought *sought, GError **error) {
  GError *problem = NULL;
  Search search = {.sought = sought};
  const char *const keys[] = {key, NULL};
  if (!session_has(session, OPTION_JSON))
    return TRUE;
  if (sought->revision > sought->before &&
      !history_walk(session, keys, G_MAXUINT64, search_revision, &search, &problem) &&
      problem != NULL) {
    g_propagate_error(error, problem);
    return FALSE;
  }
  session_report(session, &(Written){sought->revision, search.found});
  return TRUE;
}

/* ---- printing ---- */

void history_print_time(guint64 microseconds, GString *out) {
  g_autoptr(GDateTime) moment = g_date_time_new_from_unix_local((gint64)(microseconds / 1000000));
  g_autofree char *text =
      moment != NULL ? g_date_time_format(moment, "%Y-%m-%d %H:%M:%S %z") : NULL;
  if (text != NULL)
    g_string_append(out, text);
  else
    g_string_append_printf(out, "%" G_GUINT64_FORMAT, microseconds);
}

void history_print_user(guint32 uid, GString *out) {
  const struct passwd *user = getpwuid(uid);
  if (user != NULL)
    escape_append(out, user->pw_name);
  else
    g_string_append_printf(out, "%u", uid);
}

/* "user@host" of a commit of the fleet: its uid is regd's. */
static void print_author(const PastRevision *revision, GString *out) {
  if (revision->host == NULL) {
    history_print_user(revision->uid, out);
    return;
  }
  escape_append(out, revision->user != NULL ? revision->user : "");
  g_string_append_c(out, '@');
  escape_append(out, revision->host);
}

void history_print_head(Session *session, const PastRevision *revision) {
  GString *out = session_out(session);
  screen_begin(&session->screen, PAINT_HEAD, out);
  g_string_append_printf(out, "%" G_GUINT64_FORMAT, revision->revision);
  screen_end(&session->screen, out);
  g_string_append_c(out, '\t');
  history_print_time(revision->time, out);
  g_string_append_c(out, '\t');
  print_author(revision, out);
  g_string_append_c(out, '\t');
  escape_append(out, revision->program);
  if (revision->host == NULL)
    g_string_append_printf(out, "[%u]", revision->pid);
}

void history_print_data(Session *session, const PastChange *change) {
  GString *out = session_out(session);
  if (change->purged)
    g_string_append(out, "(purged)");
  if (change->old_value != NULL) {
    listing_print_typed(session, change->key, change->name, change->old_value, ' ');
    g_string_append(out, " ->");
  }
  if (change->new_value == NULL)
    return;
  if (change->old_value != NULL)
    g_string_append_c(out, ' ');
  listing_print_typed(session, change->key, change->name, change->new_value, ' ');
}

void history_write_head(const PastRevision *revision, Json *json) {
  json_member_number(json, "revision", revision->revision);
  json_member_number(json, "time", revision->time);
  json_member_number(json, "uid", revision->uid);
  json_member_number(json, "pid", revision->pid);
  json_member_string(json, "program", revision->program);
  json_member_string(json, "comment", revision->comment);
  if (revision->host == NULL)
    return;
  json_member_string(json, "user", revision->user != NULL ? revision->user : "");
  json_member_string(json, "host", revision->host);
  json_member_number(json, "fleet-revision", revision->fleet_revision);
  json_member_number(json, "fleet-time", revision->fleet_time);
}

void history_write_data(const PastChange *change, Json *json) {
  data_write_member("old", change->name, change->old_value, json);
  data_write_member("new", change->name, change->new_value, json);
  if (change->purged)
    json_member_boolean(json, "purged", TRUE);
}

/* ---- what was changed ---- */

gboolean past_change_is_of_value(const PastChange *change) {
  return g_str_has_prefix(change->kind, "value-") || strcmp(change->kind, "lock-changed") == 0;
}

static void print_change(Session *session, const PastChange *change) {
  GString *out = session_out(session);
  g_string_append_printf(out, "\t%s\t", change->kind);
  listing_print_key(session, change->key);
  if (past_change_is_of_value(change)) {
    g_string_append_c(out, '\t');
    data_print_name(change->name, out);
    g_string_append_c(out, '\t');
    history_print_data(session, change);
  }
  g_string_append_c(out, '\n');
}

void history_print_changes(Session *session, const PastRevision *revision) {
  for (guint i = 0; i < revision->changes->len; i++)
    print_change(session, g_ptr_array_index(revision->changes, i));
  if (revision->changes_left > 0)
    g_string_append_printf(session_out(session), "\tand %u more\n", revision->changes_left);
}

void history_write_change(const PastChange *change, Json *json) {
  json_begin(json, '{');
  json_member_string(json, "kind", change->kind);
  json_member_string(json, "key", change->key);
  json_member_string(json, "name", change->name);
  history_write_data(change, json);
  json_end(json, '}');
}

void history_write_changes(const PastRevision *revision, Json *json) {
  json_name(json, "changes");
  json_begin(json, '[');
  for (guint i = 0; i < revision->changes->len; i++)
    history_write_change(g_ptr_array_index(revision->changes, i), json);
  json_end(json, ']');
  if (revision->changes_left > 0)
    json_member_number(json, "changes-left", revision->changes_left);
}
