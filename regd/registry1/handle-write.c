/* SPDX-License-Identifier: MIT */
/* Handlers that write: each decodes its call to one Change, hands it to the
 * service, and answers with the revision once it is durable and told. */
#include "client/base/error.h"
#include "client/base/protocol.h"
#include "client/base/text.h"
#include "regd/bus/change-message.h"
#include "regd/bus/face.h"
#include "regd/registry1/handlers.h"

/* A Commit of so many operations takes about a millisecond to decode, and so does a value of so
 * many bytes of message that is made of many strings. */
#define MANY_OPERATIONS 1000U
#define LARGE_CALL_BYTES (128U * 1024U)

/* ---- answers ---- */

static void on_key_written(const WriteResult *result, gpointer data) {
  DispatchCall *call = data;
  DBusMessageIter out;
  if (result->error != NULL) {
    dispatch_call_fail(call, result->error);
    return;
  }
  DBusMessage *reply = face_begin(call, &out);
  face_finish(call, reply,
              face_append_uint64(&out, result->revision) &&
                  face_append_boolean(&out, result->created));
}

/* Takes ownership of @change. */
static void write_change(DispatchCall *call, gpointer data, Change *change, WriteDone done) {
  face_write(call, data, change, done, call);
}

/* ---- large calls ----
 *
 * What is read where the change is applied: it would hold up the main loop. */

typedef struct {
  DBusMessage *message;
  guint64 limit; /* of operations */
} LateCall;

static void late_call_free(gpointer data) {
  LateCall *late = data;
  dbus_message_unref(late->message);
  g_free(late);
}

static gboolean is_large(const DispatchCall *call) {
  return dispatch_call_measure(call) >= LARGE_CALL_BYTES;
}

static void fill_later(Change *change, DispatchCall *call, guint64 limit, ChangeFill fill) {
  LateCall *late = g_new0(LateCall, 1);
  late->message = dispatch_call_ref_message(call);
  late->limit = limit;
  change->fill = fill;
  change->source = late;
  change->free_source = late_call_free;
  change->fill_steps = dispatch_call_measure(call) / LIMIT_STEP_BYTES;
}

/* ---- values ---- */

static gboolean read_set_value(DBusMessageIter *in, Change *change, GError **error) {
  const char *key = face_take_string(in);
  const char *name = face_take_string(in);
  guint32 type = face_take_uint32(in);
  g_autoptr(RegistryValue) value = wire_read_value(in, type, key, name, error);
  if (value != NULL)
    change_add_set_value(change, key, name, value);
  return value != NULL;
}

static gboolean read_late_value(Change *change, gpointer data, GError **error) {
  const LateCall *late = data;
  DBusMessageIter in;
  return dbus_message_iter_init(late->message, &in) && read_set_value(&in, change, error);
}

void handle_set_value(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  g_autoptr(GError) error = NULL;
  g_autoptr(Change) change = change_new();
  dispatch_call_get_arguments(call, &in);
  if (is_large(call)) {
    fill_later(change, call, 0, read_late_value);
  } else if (!read_set_value(&in, change, &error)) {
    dispatch_call_fail(call, error);
    return;
  }
  write_change(call, data, g_steal_pointer(&change), face_answer_revision);
}

void handle_delete_value(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  dispatch_call_get_arguments(call, &in);
  const char *key = face_take_string(&in);
  const char *name = face_take_string(&in);
  Change *change = change_new();
  change_add_delete_value(change, key, name);
  write_change(call, data, change, face_answer_revision);
}

/* ---- keys ---- */

static gboolean read_flag(const WireOptions *options, const char *name, guint flag, guint other,
                          guint *flags, GError **error) {
  gboolean given = FALSE;
  if (!wire_options_get_boolean(options, name, &given, error))
    return FALSE;
  if (wire_options_has(options, name))
    *flags |= given ? flag : other;
  return TRUE;
}

static gboolean check_class(const char *key, const char *class_name, GError **error) {
  if (class_name == NULL || (gulong)g_utf8_strlen(class_name, -1) <= LIMIT_CLASS_UNITS)
    return TRUE;
  g_autofree char *shown = text_for_message(key, -1);
  return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED, "%s: a class has at most %u characters",
                   shown, LIMIT_CLASS_UNITS);
}

static gboolean decode_create_key(Change *change, const char *key, const WireOptions *options,
                                  GError **error) {
  guint flags = 0;
  const char *target = NULL;
  const char *class_name = NULL;
  if (!read_flag(options, "volatile", OPERATION_VOLATILE, OPERATION_NOT_VOLATILE, &flags, error) ||
      !read_flag(options, "no-follow", OPERATION_NO_FOLLOW, 0, &flags, error) ||
      !wire_options_get_string(options, "link", &target, error) ||
      !wire_options_get_string(options, "class", &class_name, error) ||
      !check_class(key, class_name, error))
    return FALSE;
  Operation *operation =
      change_add(change, target != NULL ? OPERATION_CREATE_LINK : OPERATION_CREATE_KEY, key);
  operation->flags = flags;
  operation->target = g_strdup(target);
  operation->class_name = g_strdup(class_name);
  return TRUE;
}

void handle_create_key(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  const char *key = face_take_string(&in);
  g_autoptr(WireOptions) options = face_take_options(&in, &error);
  g_autoptr(Change) change = change_new();
  if (options == NULL || !change_message_read_options(options, change, &error) ||
      !decode_create_key(change, key, options, &error)) {
    dispatch_call_fail(call, error);
    return;
  }
  write_change(call, data, g_steal_pointer(&change), on_key_written);
}

void handle_delete_key(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  g_autoptr(GError) error = NULL;
  gboolean recursive = FALSE;
  dispatch_call_get_arguments(call, &in);
  const char *key = face_take_string(&in);
  g_autoptr(WireOptions) options = face_take_options(&in, &error);
  g_autoptr(Change) change = change_new();
  if (options == NULL || !change_message_read_options(options, change, &error) ||
      !wire_options_get_boolean(options, "recursive", &recursive, &error)) {
    dispatch_call_fail(call, error);
    return;
  }
  change_add(change, recursive ? OPERATION_DELETE_TREE : OPERATION_DELETE_KEY, key);
  write_change(call, data, g_steal_pointer(&change), face_answer_revision);
}

void handle_rename_key(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  dispatch_call_get_arguments(call, &in);
  const char *key = face_take_string(&in);
  Change *change = change_new();
  change_add(change, OPERATION_RENAME_KEY, key)->name = g_strdup(face_take_string(&in));
  write_change(call, data, change, face_answer_revision);
}

void handle_copy_key(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  dispatch_call_get_arguments(call, &in);
  const char *source = face_take_string(&in);
  Change *change = change_new();
  change_add(change, OPERATION_COPY_KEY, source)->target = g_strdup(face_take_string(&in));
  write_change(call, data, change, face_answer_revision);
}

/* ---- Commit ---- */

static void on_reported(const WriteResult *result, gpointer data) {
  DispatchCall *call = data;
  DBusMessageIter out, dict;
  if (result->error != NULL) {
    dispatch_call_fail(call, result->error);
    return;
  }
  DBusMessage *reply = face_begin(call, &out);
  face_finish(call, reply,
              face_append_uint64(&out, result->revision) &&
                  dbus_message_iter_open_container(&out, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
                  wire_end_container(&out, &dict, face_append_counts(&dict, result)));
}

static gboolean read_late_operations(Change *change, gpointer data, GError **error) {
  const LateCall *late = data;
  DBusMessageIter operations;
  return dbus_message_iter_init(late->message, &operations) &&
         change_message_read_operations(&operations, late->limit, change, error);
}

static gboolean are_many(DBusMessageIter *array) {
  DBusMessageIter element;
  guint count = 0;
  dbus_message_iter_recurse(array, &element);
  while (dbus_message_iter_get_arg_type(&element) == DBUS_TYPE_STRUCT && count < MANY_OPERATIONS) {
    count++;
    dbus_message_iter_next(&element);
  }
  return count == MANY_OPERATIONS;
}

static gboolean read_operations(DispatchCall *call, const BusFace *face, DBusMessageIter *array,
                                Change *change, GError **error) {
  guint64 limit = face_get_step_limit(face, call);
  if (!is_large(call) && !are_many(array))
    return change_message_read_operations(array, limit, change, error);
  fill_later(change, call, limit, read_late_operations);
  return TRUE;
}

static void commit(DispatchCall *call, gpointer data, WriteDone done) {
  DBusMessageIter in, operations;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  operations = in;
  dbus_message_iter_next(&in);
  g_autoptr(WireOptions) options = face_take_options(&in, &error);
  g_autoptr(Change) change = change_new();
  change->indexed = TRUE;
  if (options == NULL || !change_message_read_options(options, change, &error) ||
      !change_message_read_declaring(options, change, &error) ||
      !read_operations(call, data, &operations, change, &error)) {
    dispatch_call_fail(call, error);
    return;
  }
  write_change(call, data, g_steal_pointer(&change), done);
}

void handle_commit(DispatchCall *call, gpointer data) {
  commit(call, data, face_answer_revision);
}

void handle_commit_report(DispatchCall *call, gpointer data) {
  commit(call, data, on_reported);
}
