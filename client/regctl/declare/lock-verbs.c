/* SPDX-License-Identifier: MIT */
/* The verbs lock, unlock and locks. */
#include "client/base/escape.h"
#include "client/cli/data.h"
#include "client/regctl/branch/history-pages.h"
#include "client/regctl/branch/listing.h"
#include "client/regctl/branch/standing.h"
#include "client/regctl/declare/declare-verbs.h"
#include "client/regctl/verbs/place.h"

static gboolean check_place(const Session *session, const Place *place, GError **error) {
  gboolean recursive = session_has(session, OPTION_RECURSIVE);
  if (recursive && place->named)
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "%s: -r is for the key and all below it, so no NAME can be given", place->key);
  return recursive || place->named ||
         error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                   "%s: NAME is missing (@ is the default value); -r takes the key and all below "
                   "it",
                   place->key);
}

static gboolean change_lock(Session *session, const char *member, const char *reason,
                            GError **error) {
  Request request;
  g_auto(Place) place = {0};
  Sought sought = {.kind = "lock-changed"};
  if (!place_take(session, PLACE_NAME_OR_NOT, &place, error) ||
      !check_place(session, &place, error) ||
      (session_has(session, OPTION_JSON) && !session_read_revision(session, &sought.before, error)))
    return FALSE;
  request_begin(&request, member);
  request_add_string(&request, place.key);
  request_add_string(&request, place.name);
  if (reason != NULL)
    request_add_string(&request, reason);
  request_open_options(&request);
  request_check(&request, wire_append_entry_boolean(&request.options, "recursive",
                                                    session_has(session, OPTION_RECURSIVE)));
  session_add_write_options(session, &request);
  request_close_options(&request);
  return session_write(session, &request, &sought.revision, error) &&
         history_report(session, place.key, &sought, error);
}

gboolean verb_lock(Session *session, GError **error) {
  const char *reason = session->line->texts[OPTION_REASON];
  if (reason == NULL)
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "lock: --reason=TEXT is missing: those who meet the lock have to know why");
  return change_lock(session, "Lock", reason, error);
}

gboolean verb_unlock(Session *session, GError **error) {
  return change_lock(session, "Unlock", NULL, error);
}

/* ---- locks ---- */

static void add_lock(Session *session, const KnownLock *lock, gpointer data) {
  Table *table = group_enter(data, session, lock->key);
  g_autoptr(GString) name = g_string_new(lock->recursive ? "all at and below" : NULL);
  g_autoptr(GString) made = g_string_new(NULL);
  g_autoptr(GString) reason = g_string_new(NULL);
  if (!lock->recursive)
    data_print_name(lock->name, name);
  history_print_user(lock->uid, made);
  g_string_append(made, ", ");
  history_print_time(lock->time, made);
  escape_append(reason, lock->reason);
  table_add(table, name->str, made->str, reason->str, FALSE);
}

static void print_lock(Session *session, const KnownLock *lock, G_GNUC_UNUSED gpointer data) {
  GString *out = session_out(session);
  escape_append(out, lock->key);
  g_string_append(out, lock->recursive ? "\\\t" : "\t");
  if (!lock->recursive)
    data_print_name(lock->name, out);
  g_string_append_c(out, '\t');
  history_print_user(lock->uid, out);
  g_string_append_c(out, '\t');
  history_print_time(lock->time, out);
  g_string_append_c(out, '\t');
  escape_append(out, lock->reason);
  g_string_append_c(out, '\n');
}

static void write_lock(Session *session, const KnownLock *lock, G_GNUC_UNUSED gpointer data) {
  Json *json = &session->json;
  json_begin(json, '{');
  json_member_string(json, "key", lock->key);
  json_member_string(json, "name", lock->name);
  json_member_boolean(json, "recursive", lock->recursive);
  json_member_string(json, "reason", lock->reason);
  json_member_number(json, "uid", lock->uid);
  json_member_number(json, "time", lock->time);
  json_end(json, '}');
}

static LockVisit choose_visit(const Session *session) {
  if (session_has(session, OPTION_JSON))
    return write_lock;
  return session->screen.is_terminal ? add_lock : print_lock;
}

static gboolean show_locks(Session *session, Group *group, GError **error) {
  g_auto(GStrv) keys = standing_take_keys(session, error);
  for (char **key = keys; keys != NULL && *key != NULL; key++)
    if (!standing_visit_locks(session, *key, choose_visit(session), group, error))
      return FALSE;
  return keys != NULL;
}

gboolean verb_locks(Session *session, GError **error) {
  gboolean as_json = session_has(session, OPTION_JSON);
  Group group = {0};
  if (as_json)
    json_begin(&session->json, '[');
  gboolean shown = show_locks(session, &group, error);
  group_print(&group, session);
  if (!shown || !as_json)
    return shown;
  json_end(&session->json, ']');
  g_string_append_c(session_out(session), '\n');
  return TRUE;
}
