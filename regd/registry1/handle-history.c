/* SPDX-License-Identifier: MIT */
/* Handlers about the past: history, going back, trials, forgetting. What may be long
 * is read off the main loop. */
#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/bus/change-message.h"
#include "regd/bus/read-call.h"
#include "regd/registry1/handlers.h"
#include "regd/registry1/revision-head.h"

#define HISTORY_LIMIT_DEFAULT 100U

/* ---- GetHistory ---- */

typedef struct {
  Identity *who;
  const char *key;
  HistoryOptions options;
  FaceForm form;
  GPtrArray *entries; /* of HistoryEntry */
} HistoryCall;

static void clear_history_call(gpointer data) {
  HistoryCall *history = data;
  g_clear_pointer(&history->entries, g_ptr_array_unref);
}

static gboolean read_history(Reader *reader, gpointer data, GError **error) {
  HistoryCall *history = data;
  history->entries =
      reader_get_history(reader, history->who, history->key, &history->options, error);
  return history->entries != NULL;
}

/* @data: the FaceForm, as below. */
static gboolean append_change(DBusMessageIter *out, gconstpointer item, gconstpointer data) {
  const HistoryChange *change = item;
  gboolean as_text = ((const FaceForm *)data)->numbers_as_text;
  DBusMessageIter dict;
  if (!dbus_message_iter_open_container(out, DBUS_TYPE_ARRAY, "{sv}", &dict))
    return FALSE;
  return wire_end_container(
      out, &dict,
      wire_append_entry_string(&dict, "kind", change_kind_get_name(change->kind)) &&
          wire_append_entry_string(&dict, "key", change->key) &&
          wire_append_entry_string(&dict, "name", change->name) &&
          face_append_entry_typed(&dict, "old-type", "old-data", change->old_value, as_text) &&
          face_append_entry_typed(&dict, "new-type", "new-data", change->new_value, as_text) &&
          (!change->purged || wire_append_entry_boolean(&dict, "purged", TRUE)));
}

/* {"changes": aa{sv}} */
static gboolean append_changes(DBusMessageIter *dict, const GPtrArray *changes,
                               const FaceForm *form) {
  DBusMessageIter pair, variant;
  if (!dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &pair))
    return FALSE;
  gboolean complete =
      wire_append_string(&pair, "changes") &&
      dbus_message_iter_open_container(&pair, DBUS_TYPE_VARIANT, "aa{sv}", &variant);
  if (complete)
    complete = wire_end_container(
        &pair, &variant, face_append_array_with(&variant, "a{sv}", changes, append_change, form));
  return wire_end_container(dict, &pair, complete);
}

/* The keys that a trial has changed, each once. */
static gboolean append_keys(DBusMessageIter *dict, const GPtrArray *changes) {
  g_autoptr(GHashTable) met = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GPtrArray) keys = g_ptr_array_new();
  for (guint i = 0; i < changes->len; i++) {
    const HistoryChange *change = g_ptr_array_index(changes, i);
    if (g_hash_table_add(met, change->key))
      g_ptr_array_add(keys, change->key);
  }
  g_ptr_array_add(keys, NULL);
  return wire_append_entry_strings(dict, "keys", (const char *const *)keys->pdata);
}

static gboolean append_entry(DBusMessageIter *out, gconstpointer item, gconstpointer data) {
  const HistoryEntry *entry = item;
  DBusMessageIter dict;
  if (!dbus_message_iter_open_container(out, DBUS_TYPE_ARRAY, "{sv}", &dict))
    return FALSE;
  return wire_end_container(
      out, &dict,
      append_revision_head(&dict, entry) &&
          (entry->deadline == 0 ||
           (wire_append_entry_uint64(&dict, "deadline", (guint64)entry->deadline) &&
            append_keys(&dict, entry->changes))) &&
          append_changes(&dict, entry->changes, data) &&
          (entry->changes_left == 0 ||
           wire_append_entry_uint32(&dict, "changes-left", entry->changes_left)));
}

static gboolean append_history(DBusMessageIter *out, gpointer data) {
  const HistoryCall *history = data;
  return face_append_array_with(out, "a{sv}", history->entries, append_entry, &history->form);
}

static const ReadCallKind get_history = {read_history, append_history, clear_history_call,
                                         sizeof(HistoryCall), TRUE};

void handle_get_history(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  HistoryCall history = {.who = face_caller(call),
                         .key = face_take_string(&in),
                         .options = {.limit = HISTORY_LIMIT_DEFAULT}};
  HistoryOptions *asked = &history.options;
  g_autoptr(WireOptions) options = face_take_options(&in, &error);
  if (options == NULL || !wire_options_get_uint32(options, "limit", &asked->limit, &error) ||
      !wire_options_get_uint64(options, "before", &asked->before, &error) ||
      !wire_options_get_boolean(options, "no-follow", &asked->no_follow, &error) ||
      !face_read_form(options, &history.form, &error)) {
    dispatch_call_fail(call, error);
    return;
  }
  asked->limit = MIN(asked->limit, LIMIT_HISTORY_ANSWER);
  asked->hide_secrets = history.form.hide_secrets;
  read_call_run(call, data, &get_history, &history);
}

/* ---- ListTrials ---- */

static gboolean read_trials(Reader *reader, gpointer data, GError **error) {
  HistoryCall *history = data;
  history->entries = reader_list_trials(reader, history->who, history->form.hide_secrets, error);
  return history->entries != NULL;
}

static const ReadCallKind list_trials = {read_trials, append_history, clear_history_call,
                                         sizeof(HistoryCall), TRUE};

void handle_list_trials(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  HistoryCall history = {.who = face_caller(call)};
  g_autoptr(WireOptions) options = face_take_options(&in, &error);
  if (options == NULL || !face_read_form(options, &history.form, &error))
    dispatch_call_fail(call, error);
  else
    read_call_run(call, data, &list_trials, &history);
}

/* ---- Rollback ---- */

typedef struct {
  DispatchCall *call;
  Service *service;
  char *key; /* "" if a revision is undone */
} RollbackCall;

static gboolean append_effective(DBusMessageIter *out, gconstpointer item) {
  const EffectiveEntry *entry = item;
  const char *strings[] = {change_kind_get_name(entry->kind), entry->key, entry->name};
  return face_append_strings(out, strings, G_N_ELEMENTS(strings));
}

static gboolean fits_answer(const GPtrArray *entries) {
  gsize bytes = 0;
  for (guint i = 0; i < entries->len && bytes <= LIMIT_LIST_BYTES; i++) {
    const EffectiveEntry *entry = entries->pdata[i];
    bytes += strlen(entry->key) + strlen(entry->name) + 32;
  }
  return bytes <= LIMIT_LIST_BYTES;
}

/* Of more changes than an answer holds, the one (tree-changed, key, ""). */
static gboolean append_rolled_back(DBusMessageIter *out, const RollbackCall *rollback,
                                   const Effective *effective) {
  g_autoptr(GPtrArray) none = g_ptr_array_new();
  const GPtrArray *entries = effective != NULL ? effective->entries : none;
  if (fits_answer(entries))
    return face_append_array(out, "(sss)", entries, append_effective);
  guint64 revision = 0;
  Reader *reader = service_get_reader(rollback->service);
  reader_keep_short(reader, FALSE);
  g_autofree char *path =
      reader_resolve(reader, face_caller(rollback->call), rollback->key, FALSE, &revision, NULL);
  reader_keep_short(reader, TRUE);
  const char *strings[] = {change_kind_get_name(CHANGE_TREE_CHANGED),
                           path != NULL ? path : rollback->key, ""};
  DBusMessageIter array;
  if (!dbus_message_iter_open_container(out, DBUS_TYPE_ARRAY, "(sss)", &array))
    return FALSE;
  return wire_end_container(out, &array,
                            face_append_strings(&array, strings, G_N_ELEMENTS(strings)));
}

static void on_rolled_back(const WriteResult *result, gpointer data) {
  RollbackCall *rollback = data;
  DBusMessageIter out;
  if (result->error != NULL) {
    dispatch_call_fail(rollback->call, result->error);
  } else {
    const Effective *effective = result->effective != NULL ? result->effective : result->would_do;
    DBusMessage *reply = face_begin(rollback->call, &out);
    face_finish(rollback->call, reply,
                face_append_uint64(&out, result->revision) &&
                    append_rolled_back(&out, rollback, effective));
  }
  g_free(rollback->key);
  g_free(rollback);
}

/* @in stands at the revision, with the options behind it. */
static void go_back(DispatchCall *call, BusFace *face, DBusMessageIter *in, OperationKind kind,
                    const char *key) {
  g_autoptr(GError) error = NULL;
  guint64 revision = face_take_uint64(in);
  gboolean no_follow = FALSE;
  g_autoptr(WireOptions) options = face_take_options(in, &error);
  g_autoptr(Change) change = change_new();
  if (options == NULL || !change_message_read_options(options, change, &error) ||
      !wire_options_get_boolean(options, "no-follow", &no_follow, &error)) {
    dispatch_call_fail(call, error);
    return;
  }
  Operation *operation = change_add(change, kind, key);
  operation->revision = revision;
  operation->flags = no_follow ? OPERATION_NO_FOLLOW : 0;
  RollbackCall *rollback = g_new0(RollbackCall, 1);
  rollback->call = call;
  rollback->service = face->service;
  rollback->key = g_strdup(key);
  face_write(call, face, g_steal_pointer(&change), on_rolled_back, rollback);
}

void handle_rollback(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  dispatch_call_get_arguments(call, &in);
  const char *key = face_take_string(&in);
  go_back(call, data, &in, OPERATION_ROLLBACK, key);
}

void handle_undo(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  dispatch_call_get_arguments(call, &in);
  go_back(call, data, &in, OPERATION_UNDO_REVISION, "");
}

/* ---- PurgeHistory, Confirm, EndTrial ---- */

static void on_done(const WriteResult *result, gpointer data) {
  DispatchCall *call = data;
  DBusMessageIter out;
  if (result->error != NULL)
    dispatch_call_fail(call, result->error);
  else
    dispatch_call_reply(call, face_begin(call, &out));
}

void handle_purge_history(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  g_autoptr(GError) error = NULL;
  gboolean recursive = FALSE;
  gboolean no_follow = FALSE;
  dispatch_call_get_arguments(call, &in);
  const char *key = face_take_string(&in);
  const char *name = face_take_string(&in);
  g_autoptr(WireOptions) options = face_take_options(&in, &error);
  if (options != NULL && wire_options_get_boolean(options, "recursive", &recursive, &error) &&
      wire_options_get_boolean(options, "no-follow", &no_follow, &error) && recursive &&
      *name != '\0')
    error_set(&error, REGISTRY_ERROR_INVALID_VALUE,
              "%s: value \"%s\": the option \"recursive\" is for all values at and below a key, "
              "and goes with an empty name",
              key, name);
  if (error != NULL) {
    dispatch_call_fail(call, error);
    return;
  }
  Change *change = change_new();
  Operation *operation = change_add(change, OPERATION_PURGE, key);
  operation->name = g_strdup(name);
  operation->flags =
      (recursive ? OPERATION_RECURSIVE : 0U) | (no_follow ? OPERATION_NO_FOLLOW : 0U);
  face_write(call, data, change, on_done, call);
}

static void decide_trial(DispatchCall *call, BusFace *face, OperationKind kind) {
  DBusMessageIter in;
  dispatch_call_get_arguments(call, &in);
  Change *change = change_new();
  change_add(change, kind, "")->revision = face_take_uint64(&in);
  if (kind == OPERATION_END_TRIAL)
    change->comment = g_strdup("not kept");
  face_write(call, face, change, on_done, call);
}

void handle_confirm(DispatchCall *call, gpointer data) {
  decide_trial(call, data, OPERATION_CONFIRM);
}

void handle_end_trial(DispatchCall *call, gpointer data) {
  decide_trial(call, data, OPERATION_END_TRIAL);
}
