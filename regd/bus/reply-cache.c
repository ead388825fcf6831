/* SPDX-License-Identifier: MIT */
/* See reply-cache.h. The key is the address of a value: values never change, and a cached
 * value keeps a reference, so its address is not used again. */
#include "regd/bus/reply-cache.h"

#include "client/bus/wire.h"

/* Emptied when full: a megabyte or two. */
#define MOST_ANSWERS 1024U
#define LARGEST_ANSWER_BYTES 1024U

struct ReplyCache {
  GHashTable *kept; /* RegistryValue, referenced -> DBusMessage */
};

static void drop_value(gpointer value) {
  registry_value_unref(value);
}

static void drop_message(gpointer message) {
  dbus_message_unref(message);
}

ReplyCache *reply_cache_new(void) {
  ReplyCache *replies = g_new0(ReplyCache, 1);
  replies->kept = g_hash_table_new_full(g_direct_hash, g_direct_equal, drop_value, drop_message);
  return replies;
}

void reply_cache_free(ReplyCache *replies) {
  if (replies == NULL)
    return;
  g_hash_table_unref(replies->kept);
  g_free(replies);
}

static gboolean append(DBusMessage *message, const RegistryValue *value) {
  DBusMessageIter out;
  dbus_uint32_t type = registry_value_get_type(value);
  dbus_message_iter_init_append(message, &out);
  return dbus_message_iter_append_basic(&out, DBUS_TYPE_UINT32, &type) &&
         wire_append_value(&out, value);
}

/* Without a destination, which each copy gets. */
static DBusMessage *new_answer(const RegistryValue *value) {
  DBusMessage *message = dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_RETURN);
  if (message == NULL)
    return NULL;
  dbus_message_set_no_reply(message, TRUE);
  if (append(message, value))
    return message;
  dbus_message_unref(message);
  return NULL;
}

static void keep(ReplyCache *replies, RegistryValue *value, DBusMessage *message) {
  gsize size = 0;
  (void)registry_value_get_bytes(value, &size);
  if (size > LARGEST_ANSWER_BYTES)
    return;
  if (g_hash_table_size(replies->kept) >= MOST_ANSWERS)
    g_hash_table_remove_all(replies->kept);
  g_hash_table_insert(replies->kept, registry_value_ref(value), dbus_message_ref(message));
}

DBusMessage *reply_cache_make(ReplyCache *replies, DispatchCall *call, RegistryValue *value) {
  DBusMessage *known = g_hash_table_lookup(replies->kept, value);
  if (known != NULL)
    return dispatch_call_copy_reply(call, known);
  g_autoptr(WireMessage) made = new_answer(value);
  if (made == NULL)
    return NULL;
  keep(replies, value, made);
  return dispatch_call_copy_reply(call, made);
}
