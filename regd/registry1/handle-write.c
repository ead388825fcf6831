/* SPDX-License-Identifier: MIT */
/* Handlers that write: each decodes its call to one Change, hands it to the
 * service, and answers with the revision once it is durable and told. */
#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "client/base/text.h"
#include "regd/bus/face.h"

#define COMMIT_NO_TYPE 0xFFFFFFFFU /* where an operation is about no value */

/* ---- answers ---- */

static void on_written(const WriteResult *result, gpointer data) {
  DispatchCall *call = data;
  DBusMessageIter out;
  if (result->error != NULL) {
    dispatch_call_fail(call, result->error);
    return;
  }
  DBusMessage *reply = iface_begin(call, &out);
  iface_finish(call, reply, iface_append_uint64(&out, result->revision));
}

static void on_key_written(const WriteResult *result, gpointer data) {
  DispatchCall *call = data;
  DBusMessageIter out;
  if (result->error != NULL) {
    dispatch_call_fail(call, result->error);
    return;
  }
  DBusMessage *reply = iface_begin(call, &out);
  iface_finish(call, reply,
               iface_append_uint64(&out, result->revision) &&
                   iface_append_boolean(&out, result->created));
}

/* Takes ownership of @change. */
static void write_change(DispatchCall *call, gpointer data, Change *change, WriteDone done) {
  Face *face = data;
  service_write(face->service, iface_caller(call), change, done, call);
}

/* ---- values ---- */

void iface_set_value(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  const char *key = iface_take_string(&in);
  const char *name = iface_take_string(&in);
  guint32 type = iface_take_uint32(&in);
  g_autoptr(RegistryValue) value = wire_read_value(&in, type, key, name, &error);
  if (value == NULL) {
    dispatch_call_fail(call, error);
    return;
  }
  Change *change = change_new();
  change_add_set_value(change, key, name, value);
  write_change(call, data, change, on_written);
}

void iface_delete_value(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  dispatch_call_get_arguments(call, &in);
  const char *key = iface_take_string(&in);
  const char *name = iface_take_string(&in);
  Change *change = change_new();
  change_add_delete_value(change, key, name);
  write_change(call, data, change, on_written);
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
  if (class_name == NULL || g_utf8_strlen(class_name, -1) <= LIMIT_CLASS_UNITS)
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

void iface_create_key(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  const char *key = iface_take_string(&in);
  g_autoptr(WireOptions) options = iface_take_options(&in, &error);
  g_autoptr(Change) change = change_new();
  if (options == NULL || !iface_read_change_options(options, change, &error) ||
      !decode_create_key(change, key, options, &error)) {
    dispatch_call_fail(call, error);
    return;
  }
  write_change(call, data, g_steal_pointer(&change), on_key_written);
}

void iface_delete_key(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  g_autoptr(GError) error = NULL;
  gboolean recursive = FALSE;
  dispatch_call_get_arguments(call, &in);
  const char *key = iface_take_string(&in);
  g_autoptr(WireOptions) options = iface_take_options(&in, &error);
  g_autoptr(Change) change = change_new();
  if (options == NULL || !iface_read_change_options(options, change, &error) ||
      !wire_options_get_boolean(options, "recursive", &recursive, &error)) {
    dispatch_call_fail(call, error);
    return;
  }
  change_add(change, recursive ? OPERATION_DELETE_TREE : OPERATION_DELETE_KEY, key);
  write_change(call, data, g_steal_pointer(&change), on_written);
}

void iface_rename_key(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  dispatch_call_get_arguments(call, &in);
  const char *key = iface_take_string(&in);
  Change *change = change_new();
  change_add(change, OPERATION_RENAME_KEY, key)->name = g_strdup(iface_take_string(&in));
  write_change(call, data, change, on_written);
}

void iface_copy_key(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  dispatch_call_get_arguments(call, &in);
  const char *source = iface_take_string(&in);
  Change *change = change_new();
  change_add(change, OPERATION_COPY_KEY, source)->target = g_strdup(iface_take_string(&in));
  write_change(call, data, change, on_written);
}

/* ---- Commit ---- */

/* One element of Commit's array: a(sssuv), with @data at the variant. */
typedef struct {
  const char *word;
  const char *key;
  const char *name;
  guint32 type;
  DBusMessageIter data;
} CommitFields;

typedef gboolean (*DecodeOperation)(CommitFields *fields, Operation *operation, GError **error);

static gboolean decode_key_alone(CommitFields *fields, Operation *operation, GError **error) {
  (void)fields;
  (void)operation;
  (void)error;
  return TRUE;
}

static gboolean decode_name(CommitFields *fields, Operation *operation, GError **error) {
  (void)error;
  operation->name = g_strdup(fields->name);
  return TRUE;
}

static gboolean decode_value(CommitFields *fields, Operation *operation, GError **error) {
  operation->name = g_strdup(fields->name);
  operation->value = wire_read_value(&fields->data, fields->type, fields->key, fields->name, error);
  return operation->value != NULL;
}

/* The empty name with no type at all stands for the key. */
static gboolean decode_absent(CommitFields *fields, Operation *operation, GError **error) {
  (void)error;
  if (*fields->name == '\0' && fields->type == COMMIT_NO_TYPE)
    operation->flags |= OPERATION_KEY_ABSENT;
  operation->name = g_strdup(fields->name);
  return TRUE;
}

/* The content of the variant where it is of @type. */
static gboolean read_content(CommitFields *fields, int type, const char *what, void *content,
                             GError **error) {
  DBusMessageIter variant;
  dbus_message_iter_recurse(&fields->data, &variant);
  if (dbus_message_iter_get_arg_type(&variant) != type)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "%s: data must be %s", fields->key, what);
  dbus_message_iter_get_basic(&variant, content);
  return TRUE;
}

/* A link's target, or a copy's. */
static gboolean decode_target(CommitFields *fields, Operation *operation, GError **error) {
  const char *target = NULL;
  if (!read_content(fields, DBUS_TYPE_STRING, "s, the target's path", &target, error))
    return FALSE;
  operation->target = g_strdup(target);
  return TRUE;
}

static gboolean decode_revision(CommitFields *fields, Operation *operation, GError **error) {
  dbus_uint64_t revision = 0;
  if (!read_content(fields, DBUS_TYPE_UINT64, "t, the revision", &revision, error))
    return FALSE;
  operation->revision = revision;
  return TRUE;
}

/* NULL: no word of Commit's. */
static const DecodeOperation decoders[] = {
    [OPERATION_SET_VALUE] = decode_value,       [OPERATION_DELETE_VALUE] = decode_name,
    [OPERATION_CREATE_KEY] = decode_key_alone,  [OPERATION_DELETE_KEY] = decode_key_alone,
    [OPERATION_DELETE_TREE] = decode_key_alone, [OPERATION_RENAME_KEY] = decode_name,
    [OPERATION_CREATE_LINK] = decode_target,    [OPERATION_EXPECT_VALUE] = decode_value,
    [OPERATION_EXPECT_ABSENT] = decode_absent,  [OPERATION_EXPECT_REVISION] = decode_revision,
    [OPERATION_COPY_KEY] = decode_target,
};

static char *list_words(void) {
  GString *words = g_string_new(NULL);
  for (guint kind = 0; kind < G_N_ELEMENTS(decoders); kind++)
    if (decoders[kind] != NULL)
      g_string_append_printf(words, "%s%s", words->len > 0 ? ", " : "",
                             operation_kind_get_name((OperationKind)kind));
  return g_string_free(words, FALSE);
}

static gboolean refuse_word(const char *word, GError **error) {
  g_autofree char *words = list_words();
  return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                   "'%.64s' is no operation; it is one of %s", word, words);
}

static gboolean decode_operation(DBusMessageIter *element, Change *change, GError **error) {
  CommitFields fields;
  OperationKind kind;
  dbus_message_iter_recurse(element, &fields.data);
  fields.word = iface_take_string(&fields.data);
  fields.key = iface_take_string(&fields.data);
  fields.name = iface_take_string(&fields.data);
  fields.type = iface_take_uint32(&fields.data);
  if (!operation_kind_parse(fields.word, &kind) || decoders[kind] == NULL)
    return refuse_word(fields.word, error);
  if (decoders[kind](&fields, change_add(change, kind, fields.key), error))
    return TRUE;
  g_prefix_error(error, "(%s): ", fields.word);
  return FALSE;
}

gboolean iface_read_operations(DBusMessageIter *array, Change *change, GError **error) {
  DBusMessageIter element;
  dbus_message_iter_recurse(array, &element);
  for (guint i = 0; dbus_message_iter_get_arg_type(&element) == DBUS_TYPE_STRUCT; i++) {
    if (!decode_operation(&element, change, error)) {
      g_prefix_error(error, "operation %u ", i);
      return FALSE;
    }
    dbus_message_iter_next(&element);
  }
  return TRUE;
}

gboolean iface_read_change_options(const WireOptions *options, Change *change, GError **error) {
  const char *comment = NULL;
  if (!wire_options_get_string(options, "comment", &comment, error) ||
      !wire_options_get_boolean(options, "dry-run", &change->dry_run, error) ||
      !wire_options_get_uint32(options, "confirm-within", &change->confirm_within, error))
    return FALSE;
  if (wire_options_has(options, "confirm-within") &&
      (change->confirm_within == 0 || change->confirm_within > LIMIT_TRIAL_SECONDS))
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "confirm-within: a change is on trial for 1 to %u seconds, not %u",
                     LIMIT_TRIAL_SECONDS, change->confirm_within);
  if (comment != NULL && strlen(comment) > LIMIT_COMMENT_BYTES)
    return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                     "the comment has %" G_GSIZE_FORMAT " bytes; at most %u are allowed",
                     strlen(comment), LIMIT_COMMENT_BYTES);
  change->comment = g_strdup(comment);
  return TRUE;
}

void iface_commit(DispatchCall *call, gpointer data) {
  DBusMessageIter in, operations;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  operations = in;
  dbus_message_iter_next(&in);
  g_autoptr(WireOptions) options = iface_take_options(&in, &error);
  g_autoptr(Change) change = change_new();
  change->indexed = TRUE;
  if (options == NULL || !iface_read_change_options(options, change, &error) ||
      !iface_read_operations(&operations, change, &error)) {
    dispatch_call_fail(call, error);
    return;
  }
  write_change(call, data, g_steal_pointer(&change), on_written);
}

/* ---- SetAcl: names are looked up on a thread, then the change is written ---- */

typedef struct {
  DispatchCall *call;
  Face *face;
  char *key;
  GArray *entries; /* of AclText */
  Change *change;
  Acl *acl;
  GError *error;
} AclJob;

static void acl_text_clear(gpointer data) {
  AclText *text = data;
  g_free(text->principal);
  g_free(text->level);
}

static void acl_job_free(gpointer data) {
  AclJob *job = data;
  g_free(job->key);
  g_array_unref(job->entries);
  change_free(job->change);
  acl_unref(job->acl);
  g_clear_error(&job->error);
  g_free(job);
}

static void resolve_acl(gpointer data) {
  AclJob *job = data;
  job->acl = acl_new((const AclText *)(gpointer)job->entries->data, job->entries->len,
                     access_resolve_with_nss, &job->error);
}

static void acl_release(gpointer acl) {
  acl_unref(acl);
}

static void on_acl_resolved(gpointer data) {
  AclJob *job = data;
  if (job->acl == NULL) {
    g_prefix_error(&job->error, "%s: ", job->key);
    dispatch_call_fail(job->call, job->error);
    acl_job_free(job);
    return;
  }
  Operation *operation = change_add(job->change, OPERATION_SET_ACL, job->key);
  operation->acl = g_steal_pointer(&job->acl);
  operation->acl_free = acl_release;
  write_change(job->call, job->face, g_steal_pointer(&job->change), on_written);
  acl_job_free(job);
}

static GArray *read_acl_entries(DBusMessageIter *array) {
  GArray *entries = g_array_new(FALSE, FALSE, sizeof(AclText));
  g_array_set_clear_func(entries, acl_text_clear);
  DBusMessageIter element, fields;
  dbus_message_iter_recurse(array, &element);
  for (; dbus_message_iter_get_arg_type(&element) == DBUS_TYPE_STRUCT;
       dbus_message_iter_next(&element)) {
    dbus_message_iter_recurse(&element, &fields);
    AclText text = {.principal = g_strdup(iface_take_string(&fields))};
    text.level = g_strdup(iface_take_string(&fields));
    g_array_append_val(entries, text);
  }
  return entries;
}

static void set_acl(DispatchCall *call, Face *face, DBusMessageIter *in, Change *change) {
  AclJob *job = g_new0(AclJob, 1);
  job->call = call;
  job->face = face;
  job->change = change;
  job->key = g_strdup(iface_take_string(in));
  job->entries = read_acl_entries(in);
  work_submit(face->work, resolve_acl, on_acl_resolved, job, acl_job_free);
}

void iface_set_acl(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  dispatch_call_get_arguments(call, &in);
  set_acl(call, data, &in, change_new());
}

void iface_set_acl_with_options(DispatchCall *call, gpointer data) {
  DBusMessageIter in, last;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  last = in;
  dbus_message_iter_next(&last);
  dbus_message_iter_next(&last);
  g_autoptr(WireOptions) options = iface_take_options(&last, &error);
  g_autoptr(Change) change = change_new();
  if (options == NULL || !iface_read_change_options(options, change, &error)) {
    dispatch_call_fail(call, error);
    return;
  }
  set_acl(call, data, &in, g_steal_pointer(&change));
}
