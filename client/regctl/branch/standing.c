/* SPDX-License-Identifier: MIT */
/* See standing.h. */
#include "client/regctl/branch/standing.h"

#include "client/cli/data.h"
#include "client/cli/reply.h"

const char *const standing_roots[] = {"HKEY_LOCAL_MACHINE", "HKEY_USERS", NULL};

DBusMessage *standing_ask(Session *session, const char *member, const char *key, const char *owner,
                          DBusMessageIter *answer, GError **error) {
  Request request;
  request_begin(&request, member);
  request_add_string(&request, key);
  request_open_options(&request);
  if (owner != NULL)
    request_check(&request, wire_append_entry_string(&request.options, "owner", owner));
  request_check(&request, wire_append_entry_boolean(&request.options, "skip-unreadable",
                                                    g_strv_contains(standing_roots, key)));
  request_close_options(&request);
  return session_call(session, &request, answer, error);
}

GStrv standing_take_keys(const Session *session, GError **error) {
  const char *operand = session_get_operand(session, 0);
  g_autofree char *key = operand != NULL ? data_parse_key(operand, error) : NULL;
  if (operand != NULL && key == NULL)
    return NULL;
  g_autoptr(GStrvBuilder) keys = g_strv_builder_new();
  if (key != NULL)
    g_strv_builder_add(keys, key);
  for (const char *const *root = standing_roots; key == NULL && *root != NULL; root++)
    g_strv_builder_add(keys, *root);
  return g_strv_builder_end(keys);
}

/* ---- locks ---- */

static gboolean visit_lock(Session *session, DBusMessageIter *dictionary, LockVisit visit,
                           gpointer data, GError **error) {
  KnownLock lock = {.key = "", .name = "", .reason = ""};
  g_autoptr(WireOptions) given = wire_options_read(dictionary, error);
  if (given == NULL || !wire_options_get_string(given, "key", &lock.key, error) ||
      !wire_options_get_string(given, "name", &lock.name, error) ||
      !wire_options_get_boolean(given, "recursive", &lock.recursive, error) ||
      !wire_options_get_string(given, "reason", &lock.reason, error) ||
      !wire_options_get_uint32(given, "uid", &lock.uid, error) ||
      !wire_options_get_uint64(given, "time", &lock.time, error))
    return FALSE;
  visit(session, &lock, data);
  return TRUE;
}

gboolean standing_visit_locks(Session *session, const char *key, LockVisit visit, gpointer data,
                              GError **error) {
  DBusMessageIter answer, rows;
  g_autoptr(WireMessage) reply = standing_ask(session, "ListLocks", key, NULL, &answer, error);
  if (reply == NULL || !session_check_reply(reply, "aa{sv}", error))
    return FALSE;
  for (dbus_message_iter_recurse(&answer, &rows);
       dbus_message_iter_get_arg_type(&rows) == DBUS_TYPE_ARRAY; dbus_message_iter_next(&rows))
    if (!visit_lock(session, &rows, visit, data, error))
      return FALSE;
  return TRUE;
}

/* ---- what is declared ---- */

static Declaration take_declaration(DBusMessageIter *row) {
  DBusMessageIter fields;
  dbus_bool_t is_met = FALSE;
  dbus_message_iter_recurse(row, &fields);
  Declaration declaration = {.key = reply_take_string(&fields)};
  declaration.name = reply_take_string(&fields);
  declaration.owner = reply_take_string(&fields);
  dbus_message_iter_get_basic(&fields, &is_met);
  declaration.is_met = is_met != 0;
  declaration.of_key = g_str_has_suffix(declaration.key, "\\");
  return declaration;
}

gboolean standing_visit_declared(Session *session, const char *key, const char *owner,
                                 DeclarationVisit visit, gpointer data, GError **error) {
  DBusMessageIter answer, rows;
  g_autoptr(WireMessage) reply = standing_ask(session, "ListDeclared", key, owner, &answer, error);
  if (reply == NULL || !session_check_reply(reply, "a(sssb)", error))
    return FALSE;
  for (dbus_message_iter_recurse(&answer, &rows);
       dbus_message_iter_get_arg_type(&rows) == DBUS_TYPE_STRUCT; dbus_message_iter_next(&rows)) {
    const Declaration declaration = take_declaration(&rows);
    visit(session, &declaration, data);
  }
  return TRUE;
}

/* ---- trials ---- */

DBusMessage *standing_ask_trials(Session *session, DBusMessageIter *answer, GError **error) {
  Request request;
  request_begin(&request, "ListTrials");
  request_open_options(&request);
  request_close_options(&request);
  g_autoptr(WireMessage) reply = session_call(session, &request, answer, error);
  return reply != NULL && session_check_reply(reply, "aa{sv}", error) ? g_steal_pointer(&reply)
                                                                      : NULL;
}

/* ---- counting ---- */

static void count_lock(G_GNUC_UNUSED Session *session, G_GNUC_UNUSED const KnownLock *lock,
                       gpointer data) {
  ((Standing *)data)->locks++;
}

static void count_drift(G_GNUC_UNUSED Session *session, const Declaration *declaration,
                        gpointer data) {
  ((Standing *)data)->drifted += !declaration->is_met;
}

static gboolean count_trials(Session *session, Standing *standing) {
  DBusMessageIter answer, trials;
  g_autoptr(WireMessage) reply = standing_ask_trials(session, &answer, NULL);
  if (reply == NULL)
    return FALSE;
  for (dbus_message_iter_recurse(&answer, &trials);
       dbus_message_iter_get_arg_type(&trials) != DBUS_TYPE_INVALID;
       dbus_message_iter_next(&trials))
    standing->trials++;
  return TRUE;
}

gboolean standing_count(Session *session, Standing *standing) {
  *standing = (Standing){0};
  for (const char *const *root = standing_roots; *root != NULL; root++)
    if (!standing_visit_locks(session, *root, count_lock, standing, NULL) ||
        !standing_visit_declared(session, *root, NULL, count_drift, standing, NULL))
      return FALSE;
  return count_trials(session, standing);
}
