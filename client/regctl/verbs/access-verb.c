/* SPDX-License-Identifier: MIT */
/* The verb acl: shows and replaces access lists. */
#include <string.h>

#include "client/base/escape.h"
#include "client/cli/data.h"
#include "client/cli/reply.h"
#include "client/regctl/branch/history-pages.h"
#include "client/regctl/verbs/verbs.h"

/* ---- showing ---- */

static void write_entries(DBusMessageIter *entries, Json *json) {
  DBusMessageIter rows, row;
  json_begin(json, '[');
  for (dbus_message_iter_recurse(entries, &rows);
       dbus_message_iter_get_arg_type(&rows) == DBUS_TYPE_STRUCT; dbus_message_iter_next(&rows)) {
    dbus_message_iter_recurse(&rows, &row);
    json_begin(json, '{');
    json_member_string(json, "principal", reply_take_string(&row));
    json_member_string(json, "level", reply_take_string(&row));
    json_end(json, '}');
  }
  json_end(json, ']');
}

static void print_entries(DBusMessageIter *entries, GString *out) {
  DBusMessageIter rows, row;
  for (dbus_message_iter_recurse(entries, &rows);
       dbus_message_iter_get_arg_type(&rows) == DBUS_TYPE_STRUCT; dbus_message_iter_next(&rows)) {
    dbus_message_iter_recurse(&rows, &row);
    escape_append(out, reply_take_string(&row));
    g_string_append_c(out, '=');
    escape_append(out, reply_take_string(&row));
    g_string_append_c(out, '\n');
  }
}

static void show(Session *session, const char *key, DBusMessageIter *answer) {
  const char *origin = reply_take_string(answer);
  if (!session_has(session, OPTION_JSON)) {
    g_string_append(session_out(session), "# ");
    escape_append(session_out(session), origin);
    g_string_append_c(session_out(session), '\n');
    print_entries(answer, session_out(session));
    return;
  }
  json_begin(&session->json, '{');
  json_member_string(&session->json, "key", key);
  json_member_string(&session->json, "origin", origin);
  json_name(&session->json, "entries");
  write_entries(answer, &session->json);
  json_end(&session->json, '}');
  g_string_append_c(session_out(session), '\n');
}

static gboolean get_acl(Session *session, const char *key, GError **error) {
  Request request;
  DBusMessageIter answer;
  request_begin(&request, "GetAcl");
  request_add_string(&request, key);
  g_autoptr(WireMessage) reply = session_call(session, &request, &answer, error);
  if (reply == NULL || !session_check_reply(reply, "sa(ss)", error))
    return FALSE;
  show(session, key, &answer);
  return TRUE;
}

/* ---- setting ---- */

static gboolean check_entry(const char *key, const char *entry, GError **error) {
  static const char *const levels[] = {"none", "read", "write", "control", NULL};
  const char *equals = strrchr(entry, '=');
  if (equals != NULL && equals > entry && g_strv_contains(levels, equals + 1) &&
      g_utf8_validate(entry, -1, NULL))
    return TRUE;
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "%s: %s is not PRINCIPAL=LEVEL; a principal is user:NAME, group:NAME or "
                   "everyone, a level none, read, write or control",
                   key, entry);
}

static void add_entry(Request *request, DBusMessageIter *entries, const char *entry) {
  DBusMessageIter row;
  const char *equals = strrchr(entry, '=');
  g_autofree char *principal = g_strndup(entry, (gsize)(equals - entry));
  request_check(request, dbus_message_iter_open_container(entries, DBUS_TYPE_STRUCT, NULL, &row));
  request_check(request, wire_append_string(&row, principal));
  request_check(request, wire_append_string(&row, equals + 1));
  request_check(request, dbus_message_iter_close_container(entries, &row));
}

static gboolean set_acl(Session *session, const char *key, GStrv entries, GError **error) {
  Request request;
  DBusMessageIter array;
  guint64 before = 0;
  guint64 revision = 0;
  gboolean reports = session_has(session, OPTION_JSON);
  for (char **entry = entries; *entry != NULL; entry++)
    if (!check_entry(key, *entry, error))
      return FALSE;
  if (reports && !session_read_revision(session, &before, error))
    return FALSE;
  request_begin(&request, "SetAclWithOptions");
  request_add_string(&request, key);
  request_check(&request, dbus_message_iter_open_container(&request.arguments, DBUS_TYPE_ARRAY,
                                                           "(ss)", &array));
  for (char **entry = entries; *entry != NULL; entry++)
    add_entry(&request, &array, *entry);
  request_check(&request, dbus_message_iter_close_container(&request.arguments, &array));
  request_open_options(&request);
  session_add_write_options(session, &request);
  request_close_options(&request);
  return session_write(session, &request, &revision, error) &&
         (!reports ||
          history_report(session, key, &(Sought){"acl-changed", before, revision}, error));
}

gboolean verb_acl(Session *session, GError **error) {
  GStrv entries = (GStrv)session->line->operands->pdata + 2;
  gboolean inherit = session_has(session, OPTION_INHERIT);
  g_autofree char *key = data_parse_key(session_get_operand(session, 0), error);
  if (key == NULL)
    return FALSE;
  if (inherit && *entries != NULL)
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "acl: %s: --inherit removes the key's own list, so none can be given", key);
  return inherit || *entries != NULL ? set_acl(session, key, entries, error)
                                     : get_acl(session, key, error);
}
