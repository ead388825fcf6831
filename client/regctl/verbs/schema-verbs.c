/* SPDX-License-Identifier: MIT */
/* The verbs on schemas: describe, validate. */
#include "client/base/escape.h"
#include "client/cli/data.h"
#include "client/cli/reply.h"
#include "client/regctl/verbs/place.h"
#include "client/regctl/verbs/verbs.h"

gboolean verb_describe(Session *session, GError **error) {
  Request request;
  DBusMessageIter answer;
  g_auto(Place) place = {0};
  if (!place_take(session, PLACE_NAME_OR_NOT, &place, error))
    return FALSE;
  request_begin(&request, "Describe");
  request_add_string(&request, place.key);
  request_add_string(&request, place.name);
  g_autoptr(WireMessage) reply = session_call(session, &request, &answer, error);
  if (reply == NULL || !session_check_reply(reply, "a{sv}", error))
    return FALSE;
  if (dbus_message_iter_get_element_count(&answer) == 0)
    session_note(session, "%s%s%s: no schema describes it", place.key, place.named ? ": " : "",
                 place.named ? data_show_name(place.name) : "");
  session_print_dictionary(session, &answer);
  return TRUE;
}

/* ---- validate ---- */

static void report_problem(Session *session, DBusMessageIter *row) {
  GString *out = session_out(session);
  const char *key = reply_take_string(row);
  const char *name = reply_take_string(row);
  const char *problem = reply_take_string(row);
  if (session_has(session, OPTION_JSON)) {
    json_begin(&session->json, '{');
    json_member_string(&session->json, "key", key);
    json_member_string(&session->json, "name", name);
    json_member_string(&session->json, "problem", problem);
    json_end(&session->json, '}');
    return;
  }
  escape_append(out, key);
  g_string_append(out, ": ");
  data_print_name(name, out);
  g_string_append(out, ": ");
  escape_append(out, problem);
  g_string_append_c(out, '\n');
}

static gboolean validate_key(Session *session, const char *key, GError **error) {
  Request request;
  DBusMessageIter answer, rows, row;
  request_begin(&request, "Validate");
  request_add_string(&request, key);
  g_autoptr(WireMessage) reply = session_call(session, &request, &answer, error);
  if (reply == NULL || !session_check_reply(reply, "a(sss)", error))
    return FALSE;
  for (dbus_message_iter_recurse(&answer, &rows);
       dbus_message_iter_get_arg_type(&rows) == DBUS_TYPE_STRUCT; dbus_message_iter_next(&rows)) {
    dbus_message_iter_recurse(&rows, &row);
    report_problem(session, &row);
    session->exit_code = EXIT_CODE_INVALID;
  }
  return TRUE;
}

/* The other roots are links into these two. */
static gboolean validate(Session *session, GError **error) {
  const char *operand = session_get_operand(session, 0);
  if (operand == NULL)
    return validate_key(session, "HKEY_LOCAL_MACHINE", error) &&
           validate_key(session, "HKEY_USERS", error);
  g_autofree char *key = data_parse_key(operand, error);
  return key != NULL && validate_key(session, key, error);
}

gboolean verb_validate(Session *session, GError **error) {
  gboolean as_json = session_has(session, OPTION_JSON);
  if (as_json)
    json_begin(&session->json, '[');
  if (!validate(session, error))
    return FALSE;
  if (as_json) {
    json_end(&session->json, ']');
    g_string_append_c(session_out(session), '\n');
  }
  return TRUE;
}
