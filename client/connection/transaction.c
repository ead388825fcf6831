/* SPDX-License-Identifier: MIT */
/* Transactions: operations gathered into a change, and a change as one call of Commit. The
 * daemon knows what the operations mean. */
#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "client/connection/connection.h"

/* What one message carries besides its operations' texts and data, at least. */
#define OPERATION_OVERHEAD 64

struct RegistryTransaction {
  Change *change;
};

/* ---- operations as data ---- */

static gboolean append_empty(DBusMessageIter *iter) {
  DBusMessageIter variant;
  return dbus_message_iter_open_container(iter, DBUS_TYPE_VARIANT, "s", &variant) &&
         wire_append_string(&variant, "") && dbus_message_iter_close_container(iter, &variant);
}

static gboolean append_target(DBusMessageIter *iter, const char *target) {
  DBusMessageIter variant;
  return dbus_message_iter_open_container(iter, DBUS_TYPE_VARIANT, "s", &variant) &&
         wire_append_string(&variant, target) && dbus_message_iter_close_container(iter, &variant);
}

static gboolean append_revision(DBusMessageIter *iter, guint64 revision) {
  DBusMessageIter variant;
  return dbus_message_iter_open_container(iter, DBUS_TYPE_VARIANT, "t", &variant) &&
         dbus_message_iter_append_basic(&variant, DBUS_TYPE_UINT64, &revision) &&
         dbus_message_iter_close_container(iter, &variant);
}

static guint32 get_wire_type(const Operation *operation) {
  if (operation->value != NULL)
    return registry_value_get_type(operation->value);
  return operation->flags & OPERATION_KEY_ABSENT ? G_MAXUINT32 : 0;
}

static gboolean append_data(DBusMessageIter *iter, const Operation *operation) {
  if (operation->value != NULL)
    return wire_append_value(iter, operation->value);
  if (operation->target != NULL)
    return append_target(iter, operation->target);
  if (operation->kind == OPERATION_EXPECT_REVISION)
    return append_revision(iter, operation->revision);
  return append_empty(iter);
}

static gboolean append_operation(DBusMessageIter *array, const Operation *operation) {
  DBusMessageIter part;
  dbus_uint32_t type = get_wire_type(operation);
  return dbus_message_iter_open_container(array, DBUS_TYPE_STRUCT, NULL, &part) &&
         wire_append_string(&part, operation_kind_get_name(operation->kind)) &&
         wire_append_string(&part, operation->key) &&
         wire_append_string(&part, operation->name != NULL ? operation->name : "") &&
         dbus_message_iter_append_basic(&part, DBUS_TYPE_UINT32, &type) &&
         append_data(&part, operation) && dbus_message_iter_close_container(array, &part);
}

static gsize measure(const Operation *operation) {
  gsize data = 0;
  if (operation->value != NULL)
    (void)registry_value_get_bytes(operation->value, &data);
  return OPERATION_OVERHEAD + strlen(operation->key) + data +
         (operation->name != NULL ? strlen(operation->name) : 0) +
         (operation->target != NULL ? strlen(operation->target) : 0);
}

static gsize measure_all(const GPtrArray *operations) {
  gsize size = 0;
  for (guint i = 0; i < operations->len; i++)
    size += measure(operations->pdata[i]);
  return size;
}

gboolean connection_append_operations(DBusMessageIter *iter, const GPtrArray *operations) {
  DBusMessageIter array;
  if (measure_all(operations) > LIMIT_MESSAGE_BYTES ||
      !dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "(sssuv)", &array))
    return FALSE;
  for (guint i = 0; i < operations->len; i++)
    if (!append_operation(&array, operations->pdata[i]))
      return FALSE;
  return dbus_message_iter_close_container(iter, &array);
}

static gboolean append_options(DBusMessageIter *iter, const Change *change) {
  DBusMessageIter dict;
  return dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
         (change->comment == NULL || wire_append_entry_string(&dict, "comment", change->comment)) &&
         (!change->dry_run || wire_append_entry_boolean(&dict, "dry-run", TRUE)) &&
         (change->confirm_within == 0 ||
          wire_append_entry_uint32(&dict, "confirm-within", change->confirm_within)) &&
         dbus_message_iter_close_container(iter, &dict);
}

/* ---- checks before a message is made ---- */

static gboolean is_text(const char *text) {
  return text == NULL || g_utf8_validate(text, -1, NULL);
}

/* A bus disconnects a client that sends a larger message than it accepts, so it is refused
 * here. */
static gboolean check(const Change *change, GError **error) {
  gsize size = measure_all(change->operations);
  for (guint i = 0; i < change->operations->len; i++) {
    const Operation *operation = change->operations->pdata[i];
    if (!is_text(operation->key) || !is_text(operation->name) || !is_text(operation->target))
      return error_set(error, REGISTRY_ERROR_INVALID_PATH,
                       "operation %u: %s: names and paths must be UTF-8", i, operation->key);
  }
  if (size <= LIMIT_MESSAGE_BYTES)
    return TRUE;
  return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "a commit of %" G_GSIZE_FORMAT " bytes is more than one message may carry (%u);"
                   " a .reg file may be larger",
                   size, LIMIT_MESSAGE_BYTES);
}

static DBusMessage *new_commit(const char *member, const Change *change) {
  g_autoptr(WireMessage) call = connection_new_call(member);
  if (call == NULL)
    return NULL;
  DBusMessageIter iter;
  dbus_message_iter_init_append(call, &iter);
  if (!connection_append_operations(&iter, change->operations) || !append_options(&iter, change))
    return NULL;
  return g_steal_pointer(&call);
}

static DBusMessage *check_and_make(const char *member, const Change *change, GError **error) {
  if (!check(change, error))
    return NULL;
  DBusMessage *call = new_commit(member, change);
  if (call == NULL)
    error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED, "the commit can't be made: out of memory");
  return call;
}

DBusMessage *connection_new_commit(const Change *change, GError **error) {
  return check_and_make("Commit", change, error);
}

DBusMessage *connection_new_commit_report(const Change *change, GError **error) {
  return check_and_make("CommitReport", change, error);
}

gboolean connection_read_commit(DBusMessage *reply, guint64 *revision, GError **error) {
  dbus_uint64_t number = 0;
  if (!dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT64, &number, DBUS_TYPE_INVALID))
    return error_set(error, REGISTRY_ERROR_FAILED, "the reply to Commit is not t");
  if (revision != NULL)
    *revision = number;
  return TRUE;
}

/* ---- the public face ---- */

RegistryTransaction *registry_transaction_new(const char *comment) {
  RegistryTransaction *transaction = g_new0(RegistryTransaction, 1);
  transaction->change = change_new();
  transaction->change->comment = g_strdup(comment);
  return transaction;
}

void registry_transaction_free(RegistryTransaction *transaction) {
  if (transaction == NULL)
    return;
  change_free(transaction->change);
  g_free(transaction);
}

void registry_transaction_set_value(RegistryTransaction *transaction, const char *key,
                                    const char *name, const RegistryValue *value) {
  change_add_set_value(transaction->change, key, name, value);
}

void registry_transaction_delete_value(RegistryTransaction *transaction, const char *key,
                                       const char *name) {
  change_add_delete_value(transaction->change, key, name);
}

void registry_transaction_create_key(RegistryTransaction *transaction, const char *key) {
  change_add(transaction->change, OPERATION_CREATE_KEY, key);
}

void registry_transaction_delete_tree(RegistryTransaction *transaction, const char *key) {
  change_add(transaction->change, OPERATION_DELETE_TREE, key);
}

void registry_transaction_expect_value(RegistryTransaction *transaction, const char *key,
                                       const char *name, const RegistryValue *value) {
  Operation *operation = change_add(transaction->change, OPERATION_EXPECT_VALUE, key);
  operation->name = g_strdup(name);
  operation->value = registry_value_ref(value);
}

void registry_transaction_expect_absent(RegistryTransaction *transaction, const char *key,
                                        const char *name) {
  Operation *operation = change_add(transaction->change, OPERATION_EXPECT_ABSENT, key);
  operation->name = g_strdup(name);
}

void registry_transaction_expect_revision(RegistryTransaction *transaction, const char *key,
                                          guint64 revision) {
  change_add(transaction->change, OPERATION_EXPECT_REVISION, key)->revision = revision;
}

gboolean registry_transaction_commit(RegistryConnection *connection,
                                     RegistryTransaction *transaction, guint64 *revision,
                                     GError **error) {
  g_autoptr(WireMessage) call = connection_new_commit(transaction->change, error);
  if (call == NULL)
    return FALSE;
  g_autoptr(WireMessage) reply = connection_call(connection, call, CALL_TIMEOUT_WRITE_MS, error);
  return reply != NULL && connection_read_commit(reply, revision, error);
}
