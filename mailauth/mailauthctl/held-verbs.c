/* SPDX-License-Identifier: MIT */
/* held and release: who is held back after failed logins, and letting go. */
#include "client/base/escape.h"
#include "client/bus/wire.h"
#include "client/cli/reply.h"
#include "mailauth/mailauthctl/ctl.h"

/* ---- held ---- */

static void print_hold(GString *out, DBusMessageIter *dict) {
  g_autoptr(WireOptions) hold = wire_options_read(dict, NULL);
  const char *address = "";
  const char *account = "";
  guint32 failures = 0;
  guint64 until = 0;
  if (hold == NULL || !wire_options_get_string(hold, "address", &address, NULL) ||
      !wire_options_get_string(hold, "account", &account, NULL) ||
      !wire_options_get_uint32(hold, "failures", &failures, NULL) ||
      !wire_options_get_uint64(hold, "until", &until, NULL))
    return;
  g_autofree char *time = ctl_dup_time((gint64)until);
  if (*account != '\0')
    escape_append(out, account);
  else
    g_string_append(out, "everybody");
  g_string_append(out, " from ");
  escape_append(out, *address != '\0' ? address : "an unknown address");
  g_string_append_printf(out, ": %u failures, until %s\n", failures, time);
}

gboolean verb_held(Ctl *ctl, GError **error) {
  g_autoptr(WireMessage) reply = ctl_call(ctl, ctl_new_mailauth_call("GetHeld"), error);
  DBusMessageIter iter;
  DBusMessageIter hold;
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
  for (dbus_message_iter_recurse(&iter, &hold);
       dbus_message_iter_get_arg_type(&hold) == DBUS_TYPE_ARRAY; dbus_message_iter_next(&hold))
    print_hold(ctl_out(ctl), &hold);
  return TRUE;
}

/* ---- release ---- */

/* NULL if the operands are no use. */
static DBusMessage *new_release_call(const Ctl *ctl, GError **error) {
  const char *who = ctl->n_operands > 1 ? ctl_get_operand(ctl, 0) : NULL;
  if (ctl->all == (who != NULL)) {
    error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
              "release takes a name, an address, or --all");
    return NULL;
  }
  if (ctl->all)
    return ctl_new_mailauth_call("ReleaseAll");
  if (*who == '\0' || !g_utf8_validate(who, -1, NULL)) {
    error_set(error, REGISTRY_ERROR_INVALID_VALUE, "that is neither a name nor an address");
    return NULL;
  }
  DBusMessage *call = ctl_new_mailauth_call("Release");
  if (!dbus_message_append_args(call, DBUS_TYPE_STRING, &who, DBUS_TYPE_INVALID))
    g_error("out of memory");
  return call;
}

gboolean verb_release(Ctl *ctl, GError **error) {
  DBusMessage *call = new_release_call(ctl, error);
  dbus_uint32_t released = 0;
  if (call == NULL)
    return FALSE;
  g_autoptr(WireMessage) reply = ctl_call(ctl, call, error);
  if (reply == NULL)
    return FALSE;
  if (!dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT32, &released, DBUS_TYPE_INVALID))
    return error_set(error, REGISTRY_ERROR_FAILED, "mailauthd's answer is not as it should be");
  if (released == 0 && !ctl->all)
    return error_set(error, REGISTRY_ERROR_KEY_NOT_FOUND, "%s: no failed login is remembered",
                     ctl_get_operand(ctl, 0));
  if (ctl->json)
    g_string_append_printf(ctl_out(ctl), "{\"released\":%u}\n", (guint)released);
  return TRUE;
}
