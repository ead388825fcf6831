/* SPDX-License-Identifier: MIT */
/* who and kick: who is logged in, and sending them away. */
#include "client/base/escape.h"
#include "client/bus/wire.h"
#include "client/cli/reply.h"
#include "mailauth/mailauthctl/ctl.h"

/* ---- who ---- */

static void print_session(GString *out, DBusMessageIter *dict) {
  g_autoptr(WireOptions) session = wire_options_read(dict, NULL);
  const char *user = "";
  const char *protocol = "";
  const char *address = "";
  const char *tls = "";
  guint64 since = 0;
  guint64 number = 0;
  if (session == NULL || !wire_options_get_string(session, "user", &user, NULL) ||
      !wire_options_get_string(session, "protocol", &protocol, NULL) ||
      !wire_options_get_string(session, "address", &address, NULL) ||
      !wire_options_get_string(session, "tls", &tls, NULL) ||
      !wire_options_get_uint64(session, "since", &since, NULL) ||
      !wire_options_get_uint64(session, "session", &number, NULL))
    return;
  g_autofree char *time = ctl_dup_time((gint64)since);
  escape_append(out, user);
  g_string_append_printf(out, " %s from ", protocol);
  escape_append(out, address);
  g_string_append_printf(out, " since %s, %s, session %" G_GUINT64_FORMAT "\n", time,
                         *tls != '\0' ? tls : "no TLS", number);
}

gboolean verb_who(Ctl *ctl, GError **error) {
  const char *user = ctl->n_operands > 1 ? ctl_get_operand(ctl, 0) : "";
  DBusMessageIter iter;
  DBusMessageIter session;
  if (!g_utf8_validate(user, -1, NULL))
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "the user's name is not UTF-8");
  DBusMessage *call = ctl_new_mailauth_call("GetSessions");
  if (!dbus_message_append_args(call, DBUS_TYPE_STRING, &user, DBUS_TYPE_INVALID))
    g_error("out of memory");
  g_autoptr(WireMessage) reply = ctl_call(ctl, call, error);
  if (reply == NULL)
    return FALSE;
  if (!dbus_message_has_signature(reply, "aa{sv}"))
    return error_set(error, REGISTRY_ERROR_FAILED, "mailauthd's answer is not as it should be");
  dbus_message_iter_init(reply, &iter);
  if (ctl->json) {
    reply_write_json(&iter, &ctl->output);
    g_string_append_c(ctl_out(ctl), '\n');
    return TRUE;
  }
  for (dbus_message_iter_recurse(&iter, &session);
       dbus_message_iter_get_arg_type(&session) == DBUS_TYPE_ARRAY;
       dbus_message_iter_next(&session))
    print_session(ctl_out(ctl), &session);
  return TRUE;
}

/* ---- kick ---- */

gboolean verb_kick(Ctl *ctl, GError **error) {
  const char *user = ctl_get_operand(ctl, 0);
  dbus_uint64_t session = ctl->session;
  dbus_uint32_t ended = 0;
  if (*user == '\0' || !g_utf8_validate(user, -1, NULL))
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "that is no user's name");
  DBusMessage *call = ctl_new_mailauth_call("EndSessions");
  if (!dbus_message_append_args(call, DBUS_TYPE_STRING, &user, DBUS_TYPE_UINT64, &session,
                                DBUS_TYPE_INVALID))
    g_error("out of memory");
  g_autoptr(WireMessage) reply = ctl_call(ctl, call, error);
  if (reply == NULL)
    return FALSE;
  if (!dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT32, &ended, DBUS_TYPE_INVALID))
    return error_set(error, REGISTRY_ERROR_FAILED, "mailauthd's answer is not as it should be");
  if (ended == 0)
    return error_set(error, REGISTRY_ERROR_KEY_NOT_FOUND,
                     "%s: there is no such session ('mailauthctl who' lists them)", user);
  if (ctl->json)
    g_string_append_printf(ctl_out(ctl), "{\"ended\":%u}\n", (guint)ended);
  return TRUE;
}
