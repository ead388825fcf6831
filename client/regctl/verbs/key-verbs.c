/* SPDX-License-Identifier: MIT */
/* The verbs on whole keys: create, rm, mv, cp, info. */
#include "client/base/path.h"
#include "client/cli/data.h"
#include "client/cli/reply.h"
#include "client/regctl/verbs/verbs.h"

static char *take_key(Session *session, guint index, GError **error) {
  return data_parse_key(session_get_operand(session, index), error);
}

/* ---- create ---- */

static void report_creation(Session *session, DBusMessageIter *answer) {
  dbus_uint64_t revision = 0;
  dbus_bool_t created = FALSE;
  dbus_message_iter_get_basic(answer, &revision);
  dbus_message_iter_next(answer);
  dbus_message_iter_get_basic(answer, &created);
  session_note_trial(session, revision);
  if (!session_has(session, OPTION_JSON))
    return;
  json_begin(&session->json, '{');
  json_member_number(&session->json, "revision", revision);
  json_member_boolean(&session->json, "created", created != 0);
  json_member_boolean(&session->json, "changed", created != 0);
  json_end(&session->json, '}');
  g_string_append_c(session_out(session), '\n');
}

static gboolean create(Session *session, const char *key, const char *target, GError **error) {
  Request request;
  DBusMessageIter answer;
  const char *class_name = session->line->texts[OPTION_CLASS];
  request_begin(&request, "CreateKey");
  request_add_string(&request, key);
  request_open_options(&request);
  if (session_has(session, OPTION_VOLATILE))
    request_check(&request, wire_append_entry_boolean(&request.options, "volatile", TRUE));
  if (target != NULL)
    request_check(&request, wire_append_entry_string(&request.options, "link", target));
  if (class_name != NULL)
    request_check(&request, wire_append_entry_string(&request.options, "class", class_name));
  session_add_write_options(session, &request);
  request_close_options(&request);
  g_autoptr(WireMessage) reply = session_call(session, &request, &answer, error);
  if (reply == NULL || !session_check_reply(reply, "tb", error))
    return FALSE;
  report_creation(session, &answer);
  return TRUE;
}

gboolean verb_create(Session *session, GError **error) {
  g_autofree char *target = NULL;
  g_autofree char *key = take_key(session, 0, error);
  if (key == NULL)
    return FALSE;
  if (session_has(session, OPTION_LINK)) {
    target = data_parse_key(session->line->texts[OPTION_LINK], error);
    if (target == NULL)
      return FALSE;
  }
  return create(session, key, target, error);
}

/* ---- rm, mv, cp ---- */

gboolean verb_rm(Session *session, GError **error) {
  gboolean recursive = session_has(session, OPTION_RECURSIVE);
  g_autofree char *key = take_key(session, 0, error);
  if (key == NULL)
    return FALSE;
  if (session_is_annotated(session)) {
    g_autoptr(Change) change = change_new();
    change_add(change, recursive ? OPERATION_DELETE_TREE : OPERATION_DELETE_KEY, key);
    return session_commit(session, change, error);
  }
  Request request;
  request_begin(&request, "DeleteKey");
  request_add_string(&request, key);
  request_open_options(&request);
  request_check(&request, wire_append_entry_boolean(&request.options, "recursive", recursive));
  request_close_options(&request);
  return session_write(session, &request, NULL, error);
}

gboolean verb_mv(Session *session, GError **error) {
  const char *name = session_get_operand(session, 1);
  g_autofree char *key = take_key(session, 0, error);
  if (key == NULL || !path_check_key_name(name, error))
    return FALSE;
  if (session_is_annotated(session)) {
    g_autoptr(Change) change = change_new();
    change_add(change, OPERATION_RENAME_KEY, key)->name = g_strdup(name);
    return session_commit(session, change, error);
  }
  Request request;
  request_begin(&request, "RenameKey");
  request_add_string(&request, key);
  request_add_string(&request, name);
  return session_write(session, &request, NULL, error);
}

gboolean verb_cp(Session *session, GError **error) {
  g_autofree char *source = take_key(session, 0, error);
  g_autofree char *destination = source != NULL ? take_key(session, 1, error) : NULL;
  if (destination == NULL)
    return FALSE;
  if (session_is_annotated(session)) {
    g_autoptr(Change) change = change_new();
    change_add(change, OPERATION_COPY_KEY, source)->target = g_strdup(destination);
    return session_commit(session, change, error);
  }
  Request request;
  request_begin(&request, "CopyKey");
  request_add_string(&request, source);
  request_add_string(&request, destination);
  return session_write(session, &request, NULL, error);
}

/* ---- info ---- */

gboolean verb_info(Session *session, GError **error) {
  Request request;
  DBusMessageIter answer;
  g_autofree char *key = take_key(session, 0, error);
  if (key == NULL)
    return FALSE;
  request_begin(&request, "GetKeyInfo");
  request_add_string(&request, key);
  request_open_options(&request);
  if (session_has(session, OPTION_NO_FOLLOW))
    request_check(&request, wire_append_entry_boolean(&request.options, "no-follow", TRUE));
  request_close_options(&request);
  g_autoptr(WireMessage) reply = session_call(session, &request, &answer, error);
  if (reply == NULL || !session_check_reply(reply, "a{sv}", error))
    return FALSE;
  session_print_dictionary(session, &answer);
  return TRUE;
}
