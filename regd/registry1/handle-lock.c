/* SPDX-License-Identifier: MIT */
/* The handlers of Lock, Unlock and ListLocks. */
#include "client/base/error.h"
#include "regd/bus/change-message.h"
#include "regd/bus/read-call.h"
#include "regd/declare/lock.h"
#include "regd/registry1/handlers.h"

/* A lock stays until it is unlocked: undoing it would leave open what somebody relies on. */
static gboolean check_trial(const char *key, const Change *change, GError **error) {
  return change->confirm_within == 0 ||
         error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "%s: a lock can't be made or taken on trial (confirm-within)", key);
}

static gboolean check_name(const char *key, const char *name, gboolean recursive, GError **error) {
  return !recursive || *name == '\0' ||
         error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "%s: value \"%s\": the option \"recursive\" is for a key and everything below "
                   "it, and goes with an empty name",
                   key, name);
}

static gboolean read_options(DBusMessageIter *in, Change *change, const char *key, const char *name,
                             guint *flags, GError **error) {
  gboolean recursive = FALSE;
  gboolean no_follow = FALSE;
  g_autoptr(WireOptions) options = face_take_options(in, error);
  if (options == NULL || !change_message_read_options(options, change, error) ||
      !wire_options_get_boolean(options, "recursive", &recursive, error) ||
      !wire_options_get_boolean(options, "no-follow", &no_follow, error) ||
      !check_trial(key, change, error) || !check_name(key, name, recursive, error))
    return FALSE;
  *flags = (recursive ? OPERATION_RECURSIVE : 0U) | (no_follow ? OPERATION_NO_FOLLOW : 0U);
  return TRUE;
}

static void change_lock(DispatchCall *call, BusFace *face, OperationKind kind) {
  DBusMessageIter in;
  g_autoptr(GError) error = NULL;
  guint flags = 0;
  dispatch_call_get_arguments(call, &in);
  const char *key = face_take_string(&in);
  const char *name = face_take_string(&in);
  const char *reason = kind == OPERATION_LOCK ? face_take_string(&in) : NULL;
  g_autoptr(Change) change = change_new();
  if (!read_options(&in, change, key, name, &flags, &error)) {
    dispatch_call_fail(call, error);
    return;
  }
  Operation *operation = change_add(change, kind, key);
  operation->name = g_strdup(name);
  operation->target = g_strdup(reason);
  operation->flags = flags;
  face_write(call, face, g_steal_pointer(&change), face_answer_revision, call);
}

void handle_lock(DispatchCall *call, gpointer data) {
  change_lock(call, data, OPERATION_LOCK);
}

void handle_unlock(DispatchCall *call, gpointer data) {
  change_lock(call, data, OPERATION_UNLOCK);
}

/* ---- ListLocks ---- */

/* Strings belong to the call. */
typedef struct {
  Identity *who;
  const char *key;
  gboolean skip_unreadable;
  GPtrArray *locks; /* of Lock */
} LocksCall;

static void clear_locks_call(gpointer data) {
  LocksCall *asked = data;
  g_clear_pointer(&asked->locks, g_ptr_array_unref);
}

static gboolean read_locks(Reader *reader, gpointer data, GError **error) {
  LocksCall *asked = data;
  asked->locks = reader_list_locks(reader, asked->who, asked->key, asked->skip_unreadable, error);
  return asked->locks != NULL;
}

static gboolean append_lock(DBusMessageIter *out, gconstpointer data) {
  const Lock *lock = data;
  DBusMessageIter dict;
  if (!dbus_message_iter_open_container(out, DBUS_TYPE_ARRAY, "{sv}", &dict))
    return FALSE;
  return wire_end_container(out, &dict,
                            wire_append_entry_string(&dict, "key", lock->key) &&
                                (lock->name != NULL
                                     ? wire_append_entry_string(&dict, "name", lock->name)
                                     : wire_append_entry_boolean(&dict, "recursive", TRUE)) &&
                                wire_append_entry_string(&dict, "reason", lock->reason) &&
                                wire_append_entry_uint32(&dict, "uid", lock->uid) &&
                                wire_append_entry_uint64(&dict, "time", (guint64)lock->time));
}

static gboolean append_locks(DBusMessageIter *out, gpointer data) {
  const LocksCall *asked = data;
  return face_append_array(out, "a{sv}", asked->locks, append_lock);
}

static const ReadCallKind list_locks = {read_locks, append_locks, clear_locks_call,
                                        sizeof(LocksCall), TRUE};

void handle_list_locks(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  LocksCall asked = {.who = face_caller(call), .key = face_take_string(&in)};
  g_autoptr(WireOptions) options = face_take_options(&in, &error);
  if (options == NULL ||
      !wire_options_get_boolean(options, "skip-unreadable", &asked.skip_unreadable, &error))
    dispatch_call_fail(call, error);
  else
    read_call_run(call, data, &list_locks, &asked);
}
