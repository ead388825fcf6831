/* SPDX-License-Identifier: MIT */
/* The tables of org.regd.Registry1, its properties, the admission of calls, and
 * the small steps that every handler takes. */
#include "regd/bus/face.h"

#include "client/base/error.h"
#include "client/base/protocol.h"

/* ---- admission ---- */

typedef struct {
  Service *service;
  Identity *who;
} Ticket;

static void ticket_free(gpointer data) {
  Ticket *ticket = data;
  service_give_back(ticket->service, ticket->who->uid, SHARE_CALLS);
  identity_unref(ticket->who);
  g_free(ticket);
}

typedef struct {
  DispatchCall *call;
  Service *service;
} Admission;

static void on_known(Identity *who, gpointer data) {
  g_autofree Admission *admission = data;
  g_autoptr(GError) error = NULL;
  if (who == NULL)
    error_set(&error, REGISTRY_ERROR_ACCESS_DENIED, "%s: the bus does not say who is calling",
              dispatch_call_get_method(admission->call));
  else
    (void)service_take_share(admission->service, who, SHARE_CALLS, &error);
  if (error != NULL) {
    dispatch_call_fail(admission->call, error);
    return;
  }
  Ticket *ticket = g_new0(Ticket, 1);
  ticket->service = admission->service;
  ticket->who = identity_ref(who);
  dispatch_call_set_data(admission->call, ticket, ticket_free);
  dispatch_call_run(admission->call);
}

void iface_admit(DispatchCall *call, gpointer data) {
  Face *face = data;
  const char *sender = dispatch_call_get_sender(call);
  g_autoptr(GError) error = NULL;
  Admission *admission = g_new0(Admission, 1);
  admission->call = call;
  admission->service = face->service;
  if (sender != NULL && callers_identify(face->callers, sender, on_known, admission))
    return;
  g_free(admission);
  if (sender == NULL)
    error_set(&error, REGISTRY_ERROR_ACCESS_DENIED, "the call has no sender");
  else
    error_set(&error, REGISTRY_ERROR_LIMIT_EXCEEDED,
              "too many calls of %s wait; wait for answers before calling on", sender);
  dispatch_call_fail(call, error);
}

Identity *iface_caller(const DispatchCall *call) {
  const Ticket *ticket = dispatch_call_get_data(call);
  return ticket->who;
}

/* ---- arguments ---- */

const char *iface_take_string(DBusMessageIter *iter) {
  const char *text = NULL;
  dbus_message_iter_get_basic(iter, &text);
  dbus_message_iter_next(iter);
  return text;
}

guint32 iface_take_uint32(DBusMessageIter *iter) {
  dbus_uint32_t number = 0;
  dbus_message_iter_get_basic(iter, &number);
  dbus_message_iter_next(iter);
  return number;
}

guint64 iface_take_uint64(DBusMessageIter *iter) {
  dbus_uint64_t number = 0;
  dbus_message_iter_get_basic(iter, &number);
  dbus_message_iter_next(iter);
  return number;
}

WireOptions *iface_take_options(DBusMessageIter *iter, GError **error) {
  WireOptions *options = wire_options_read(iter, error);
  dbus_message_iter_next(iter);
  return options;
}

/* ---- answers ---- */

DBusMessage *iface_begin(DispatchCall *call, DBusMessageIter *out) {
  DBusMessage *reply = dispatch_call_new_reply(call);
  dbus_message_iter_init_append(reply, out);
  return reply;
}

void iface_finish(DispatchCall *call, DBusMessage *reply, gboolean complete) {
  if (!complete)
    g_clear_pointer(&reply, dbus_message_unref);
  dispatch_call_reply(call, reply);
}

gboolean iface_append_array(DBusMessageIter *out, const char *signature, const GPtrArray *items,
                            IfaceAppend append) {
  DBusMessageIter array;
  gboolean complete = TRUE;
  if (!dbus_message_iter_open_container(out, DBUS_TYPE_ARRAY, signature, &array))
    return FALSE;
  for (guint i = 0; i < items->len && complete; i++)
    complete = append(&array, items->pdata[i]);
  return wire_end_container(out, &array, complete);
}

gboolean iface_append_uint32(DBusMessageIter *out, guint32 number) {
  dbus_uint32_t content = number;
  return dbus_message_iter_append_basic(out, DBUS_TYPE_UINT32, &content);
}

gboolean iface_append_uint64(DBusMessageIter *out, guint64 number) {
  dbus_uint64_t content = number;
  return dbus_message_iter_append_basic(out, DBUS_TYPE_UINT64, &content);
}

gboolean iface_append_boolean(DBusMessageIter *out, gboolean truth) {
  dbus_bool_t content = truth ? TRUE : FALSE;
  return dbus_message_iter_append_basic(out, DBUS_TYPE_BOOLEAN, &content);
}

gboolean iface_append_strings(DBusMessageIter *out, const char *const *strings, guint n_strings) {
  DBusMessageIter structure;
  gboolean complete = TRUE;
  if (!dbus_message_iter_open_container(out, DBUS_TYPE_STRUCT, NULL, &structure))
    return FALSE;
  for (guint i = 0; i < n_strings && complete; i++)
    complete = wire_append_string(&structure, strings[i]);
  return wire_end_container(out, &structure, complete);
}

/* ---- properties ---- */

static gboolean get_version(DBusMessageIter *variant, gpointer data, GError **error) {
  (void)data;
  (void)error;
  return wire_append_string(variant, REGD_VERSION);
}

static gboolean get_revision(DBusMessageIter *variant, gpointer data, GError **error) {
  (void)error;
  Face *face = data;
  return iface_append_uint64(variant, service_get_revision(face->service));
}

static gboolean get_read_only(DBusMessageIter *variant, gpointer data, GError **error) {
  (void)error;
  Face *face = data;
  return iface_append_boolean(variant, service_is_read_only(face->service));
}

/* ---- tables ---- */

#define IN DISPATCH_ARGUMENTS
#define OUT DISPATCH_ARGUMENTS
#define NOT_OFFERED NULL

static const DispatchMethod methods[] = {
    {"GetValue", IN({"key", "s"}, {"name", "s"}), OUT({"type", "u"}, {"data", "v"}),
     iface_get_value},
    {"ListKeys", IN({"key", "s"}), OUT({"names", "as"}), iface_list_keys},
    {"ListValues", IN({"key", "s"}), OUT({"values", "a(suv)"}), iface_list_values},
    {"GetKeyInfo", IN({"key", "s"}, {"options", "a{sv}"}), OUT({"info", "a{sv}"}),
     iface_get_key_info},
    {"ReadTree", IN({"key", "s"}, {"options", "a{sv}"}),
     OUT({"revision", "t"}, {"keys", "a(sa(suv))"}, {"cursor", "s"}), iface_read_tree},

    {"SetValue", IN({"key", "s"}, {"name", "s"}, {"type", "u"}, {"data", "v"}),
     OUT({"revision", "t"}), iface_set_value},
    {"DeleteValue", IN({"key", "s"}, {"name", "s"}), OUT({"revision", "t"}), iface_delete_value},
    {"CreateKey", IN({"key", "s"}, {"options", "a{sv}"}), OUT({"revision", "t"}, {"created", "b"}),
     iface_create_key},
    {"DeleteKey", IN({"key", "s"}, {"options", "a{sv}"}), OUT({"revision", "t"}), iface_delete_key},
    {"RenameKey", IN({"key", "s"}, {"new_name", "s"}), OUT({"revision", "t"}), iface_rename_key},
    {"CopyKey", IN({"source", "s"}, {"destination", "s"}), OUT({"revision", "t"}), iface_copy_key},
    {"Commit", IN({"operations", "a(sssuv)"}, {"options", "a{sv}"}), OUT({"revision", "t"}),
     iface_commit},

    {"Watch", IN({"key", "s"}, {"options", "a{sv}"}),
     OUT({"id", "u"}, {"revision", "t"}, {"path", "s"}), iface_watch},
    {"Unwatch", IN({"id", "u"}), DISPATCH_NOTHING, iface_unwatch},

    {"GetHistory", IN({"key", "s"}, {"options", "a{sv}"}), OUT({"revisions", "aa{sv}"}),
     iface_get_history},
    {"Rollback", IN({"key", "s"}, {"revision", "t"}, {"options", "a{sv}"}),
     OUT({"new_revision", "t"}, {"changes", "a(sss)"}), iface_rollback},
    {"PurgeHistory", IN({"key", "s"}, {"name", "s"}, {"options", "a{sv}"}), DISPATCH_NOTHING,
     iface_purge_history},
    {"Confirm", IN({"revision", "t"}), DISPATCH_NOTHING, iface_confirm},

    {"GetAcl", IN({"key", "s"}), OUT({"origin", "s"}, {"entries", "a(ss)"}), iface_get_acl},
    {"SetAcl", IN({"key", "s"}, {"entries", "a(ss)"}), OUT({"revision", "t"}), iface_set_acl},
    {"SetAclWithOptions", IN({"key", "s"}, {"entries", "a(ss)"}, {"options", "a{sv}"}),
     OUT({"revision", "t"}), iface_set_acl_with_options},

    {"Describe", IN({"key", "s"}, {"name", "s"}), OUT({"description", "a{sv}"}), iface_describe},
    {"Validate", IN({"key", "s"}), OUT({"problems", "a(sss)"}), iface_validate},

    {"Import", IN({"file", "h"}, {"options", "a{sv}"}), OUT({"revision", "t"}, {"report", "a{sv}"}),
     iface_import},
    {"Export", IN({"key", "s"}, {"file", "h"}, {"options", "a{sv}"}), OUT({"report", "a{sv}"}),
     iface_export},
    {"Backup", IN({"file", "h"}, {"options", "a{sv}"}), OUT({"report", "a{sv}"}), iface_backup},
    {NULL, NULL, NULL, NULL},
};

static const DispatchSignal signals[] = {
    {"Changed",
     DISPATCH_ARGUMENTS({"id", "u"}, {"sequence", "t"}, {"revision", "t"}, {"changes", "a(sss)"})},
    {NULL, NULL},
};

static const DispatchProperty properties[] = {
    {"Version", "s", "const", get_version},
    {"Revision", "t", "false", get_revision},
    {"ReadOnly", "b", NULL, get_read_only},
    {NULL, NULL, NULL, NULL},
};

const DispatchInterface iface_interfaces[] = {
    {REGISTRY_INTERFACE, methods, signals, properties},
    {NULL, NULL, NULL, NULL},
};
