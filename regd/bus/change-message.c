/* SPDX-License-Identifier: MIT */
/* See change-message.h. */
#include "regd/bus/change-message.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/bus/face.h"
#include "regd/declare/declared.h"
#include "regd/declare/lock.h"

#define COMMIT_NO_TYPE 0xFFFFFFFFU /* if an operation is not about a value */

/* One element of Commit's array: a(sssuv), with @data at the variant. */
typedef struct {
  const char *word;
  const char *key;
  const char *name;
  guint32 type;
  DBusMessageIter data;
} CommitFields;

typedef gboolean (*DecodeOperation)(CommitFields *fields, Operation *operation, GError **error);

static gboolean decode_key_alone(G_GNUC_UNUSED CommitFields *fields,
                                 G_GNUC_UNUSED Operation *operation, G_GNUC_UNUSED GError **error) {
  return TRUE;
}

static gboolean decode_name(CommitFields *fields, Operation *operation,
                            G_GNUC_UNUSED GError **error) {
  operation->name = g_strdup(fields->name);
  return TRUE;
}

static gboolean decode_value(CommitFields *fields, Operation *operation, GError **error) {
  operation->name = g_strdup(fields->name);
  operation->value = wire_read_value(&fields->data, fields->type, fields->key, fields->name, error);
  return operation->value != NULL;
}

/* The empty name with no type at all stands for the key. */
static gboolean decode_absent(CommitFields *fields, Operation *operation,
                              G_GNUC_UNUSED GError **error) {
  if (*fields->name == '\0' && fields->type == COMMIT_NO_TYPE)
    operation->flags |= OPERATION_KEY_ABSENT;
  operation->name = g_strdup(fields->name);
  return TRUE;
}

/* The content of the variant, which must be of @type. */
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
  fields.word = face_take_string(&fields.data);
  fields.key = face_take_string(&fields.data);
  fields.name = face_take_string(&fields.data);
  fields.type = face_take_uint32(&fields.data);
  if (!operation_kind_parse(fields.word, &kind) || decoders[kind] == NULL)
    return refuse_word(fields.word, error);
  if (decoders[kind](&fields, change_add(change, kind, fields.key), error))
    return TRUE;
  g_prefix_error(error, "(%s): ", fields.word);
  return FALSE;
}

gboolean change_message_read_operations(DBusMessageIter *array, guint64 limit, Change *change,
                                        GError **error) {
  DBusMessageIter element;
  dbus_message_iter_recurse(array, &element);
  for (guint i = 0; dbus_message_iter_get_arg_type(&element) == DBUS_TYPE_STRUCT; i++) {
    if (i >= limit)
      return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                       "more than %" G_GUINT64_FORMAT
                       " operations take more steps than a change may (Steps Per Change): make it "
                       "in several parts",
                       limit);
    if (!decode_operation(&element, change, error)) {
      g_prefix_error(error, "operation %u ", i);
      return FALSE;
    }
    dbus_message_iter_next(&element);
  }
  return TRUE;
}

gboolean change_message_read_options(const WireOptions *options, Change *change, GError **error) {
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

static gboolean refuse_without_owner(const char *option, GError **error) {
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "%s: it is about what an owner declares, so the option owner has to be given",
                   option);
}

gboolean change_message_read_declaring(const WireOptions *options, Change *change, GError **error) {
  const char *owner = NULL;
  const char *reason = NULL;
  if (!wire_options_get_string(options, "owner", &owner, error) ||
      !wire_options_get_boolean(options, "prune", &change->prune, error) ||
      !wire_options_get_string(options, "lock", &reason, error) ||
      (owner != NULL && !declared_check_owner(owner, error)) ||
      (reason != NULL && !lock_check_reason("lock", reason, error)))
    return FALSE;
  if (owner == NULL && (change->prune || reason != NULL))
    return refuse_without_owner(change->prune ? "prune" : "lock", error);
  if (reason != NULL && change->confirm_within != 0)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "lock: a lock can't be made on trial (confirm-within)");
  change->owner = g_strdup(owner);
  change->lock_reason = g_strdup(reason);
  return TRUE;
}
