/* SPDX-License-Identifier: MIT */
/* The handlers of what owners declare: ListDeclared, ListDrift, Disown. */
#include "client/base/error.h"
#include "regd/bus/change-message.h"
#include "regd/bus/read-call.h"
#include "regd/declare/declared.h"
#include "regd/registry1/handlers.h"

/* Strings belong to the call. */
typedef struct {
  Identity *who;
  const char *key, *owner;
  gboolean skip_unreadable;
  GPtrArray *items;
} DeclaredCall;

static void clear_declared_call(gpointer data) {
  DeclaredCall *asked = data;
  g_clear_pointer(&asked->items, g_ptr_array_unref);
}

static gboolean read_declared(Reader *reader, gpointer data, GError **error) {
  DeclaredCall *asked = data;
  asked->items = reader_list_declared(reader, asked->who, asked->key, asked->owner,
                                      asked->skip_unreadable, error);
  return asked->items != NULL;
}

/* A key is told from a value by a backslash at its end. */
static gboolean append_declared(DBusMessageIter *out, gconstpointer data) {
  const DeclaredItem *item = data;
  DBusMessageIter fields;
  g_autofree char *key = g_strconcat(item->key, item->name == NULL ? "\\" : "", NULL);
  if (!dbus_message_iter_open_container(out, DBUS_TYPE_STRUCT, NULL, &fields))
    return FALSE;
  return wire_end_container(out, &fields,
                            wire_append_string(&fields, key) &&
                                wire_append_string(&fields, item->name != NULL ? item->name : "") &&
                                wire_append_string(&fields, item->owner) &&
                                face_append_boolean(&fields, item->is_met));
}

static gboolean append_all_declared(DBusMessageIter *out, gpointer data) {
  const DeclaredCall *asked = data;
  return face_append_array(out, "(sssb)", asked->items, append_declared);
}

static gboolean append_drift(DBusMessageIter *out, gconstpointer data) {
  const DeclaredItem *item = data;
  DBusMessageIter dict;
  if (!dbus_message_iter_open_container(out, DBUS_TYPE_ARRAY, "{sv}", &dict))
    return FALSE;
  return wire_end_container(
      out, &dict,
      wire_append_entry_string(&dict, "key", item->key) &&
          (item->name == NULL || wire_append_entry_string(&dict, "name", item->name)) &&
          wire_append_entry_string(&dict, "owner", item->owner) &&
          wire_append_entry_boolean(&dict, "key-there", item->has_key) &&
          face_append_entry_typed(&dict, "declared-type", "declared-data", item->declared, FALSE) &&
          face_append_entry_typed(&dict, "present-type", "present-data", item->present, FALSE));
}

static gboolean append_all_drift(DBusMessageIter *out, gpointer data) {
  const DeclaredCall *asked = data;
  g_autoptr(GPtrArray) drifted = g_ptr_array_new();
  for (guint i = 0; i < asked->items->len; i++)
    if (!((const DeclaredItem *)asked->items->pdata[i])->is_met)
      g_ptr_array_add(drifted, asked->items->pdata[i]);
  return face_append_array(out, "a{sv}", drifted, append_drift);
}

static void list(DispatchCall *call, BusFace *face, const ReadCallKind *kind) {
  DBusMessageIter in;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  DeclaredCall asked = {.who = face_caller(call), .key = face_take_string(&in)};
  g_autoptr(WireOptions) options = face_take_options(&in, &error);
  if (options == NULL || !wire_options_get_string(options, "owner", &asked.owner, &error) ||
      !wire_options_get_boolean(options, "skip-unreadable", &asked.skip_unreadable, &error))
    dispatch_call_fail(call, error);
  else
    read_call_run(call, face, kind, &asked);
}

static const ReadCallKind list_declared = {read_declared, append_all_declared, clear_declared_call,
                                           sizeof(DeclaredCall), TRUE};
static const ReadCallKind list_drift = {read_declared, append_all_drift, clear_declared_call,
                                        sizeof(DeclaredCall), TRUE};

void handle_list_declared(DispatchCall *call, gpointer data) {
  list(call, data, &list_declared);
}

void handle_list_drift(DispatchCall *call, gpointer data) {
  list(call, data, &list_drift);
}

/* A trial's end undoes what keys and values are, and no declaration. */
static gboolean check_trial(const char *owner, const Change *change, GError **error) {
  return change->confirm_within == 0 ||
         error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "%s: an owner can't be forgotten on trial (confirm-within)", owner);
}

void handle_disown(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  const char *owner = face_take_string(&in);
  g_autoptr(WireOptions) options = face_take_options(&in, &error);
  g_autoptr(Change) change = change_new();
  if (options == NULL || !declared_check_owner(owner, &error) ||
      !change_message_read_options(options, change, &error) ||
      !check_trial(owner, change, &error)) {
    dispatch_call_fail(call, error);
    return;
  }
  change_add(change, OPERATION_DISOWN, "")->target = g_strdup(owner);
  face_write(call, data, g_steal_pointer(&change), face_answer_revision, call);
}
