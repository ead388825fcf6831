/* SPDX-License-Identifier: MIT */
/* See messages.h. */
#include "regd/fleet/etcd/messages.h"

#include <string.h>

#include "client/base/error.h"
#include "regd/fleet/base/grpc.h"
#include "regd/fleet/base/pack.h"
#include "regd/fleet/etcd/etcd.pb-c.h"

/* The numbers of etcd's enumerations. */
#define COMPARE_EQUAL 0
#define COMPARE_GREATER 1
#define TARGET_VERSION 0
#define TARGET_MODIFIED 2
#define TARGET_VALUE 3
#define EVENT_DELETE 1

/* What an answer may take once it is read: so many times its size (an event of the shortest key
 * takes 7), and never more than the most items with all their bytes. */
#define MEMORY_FACTOR 12U
#define MEMORY_BASE_BYTES 65536U
#define LIMIT_MEMORY_BYTES (GRPC_LIMIT_MESSAGE_BYTES + ETCD_LIMIT_ITEMS * (gsize)384)

/* ---- both ways ---- */

static ProtobufCMessage *unpack(const ProtobufCMessageDescriptor *type, GBytes *bytes,
                                GError **error) {
  gsize budget = MEMORY_BASE_BYTES + MEMORY_FACTOR * g_bytes_get_size(bytes);
  ProtobufCMessage *message = fleet_unpack(type, bytes, MIN(budget, LIMIT_MEMORY_BYTES));
  if (message == NULL)
    error_set(error, REGISTRY_ERROR_FAILED, "the answer is no %s of etcd's, or too large a one",
              type->short_name);
  return message;
}

static gboolean refuse(GError **error, const char *why) {
  return error_set(error, REGISTRY_ERROR_FAILED, "the answer is not etcd's: %s", why);
}

static ProtobufCBinaryData borrow(GBytes *bytes) {
  gsize size;
  const guint8 *data = g_bytes_get_data(bytes, &size);
  return (ProtobufCBinaryData){.len = size, .data = (guint8 *)(guintptr)data};
}

GBytes *etcd_prefix_end(const char *prefix) {
  GByteArray *end = g_byte_array_new();
  g_byte_array_append(end, (const guint8 *)prefix, (guint)strlen(prefix));
  g_assert(end->len > 0 && end->data[end->len - 1] < 0xFF);
  end->data[end->len - 1]++;
  return g_byte_array_free_to_bytes(end);
}

/* ---- keys ---- */

void etcd_item_free(gpointer data) {
  EtcdItem *item = data;
  if (item == NULL)
    return;
  g_bytes_unref(item->key);
  g_bytes_unref(item->record);
  g_free(item);
}

static EtcdItem *read_item(const Etcdserverpb__KeyValue *pair) {
  EtcdItem *item = g_new0(EtcdItem, 1);
  item->key = g_bytes_new(pair->key.data, pair->key.len);
  item->record = g_bytes_new(pair->value.data, pair->value.len);
  item->created = pair->create_revision;
  item->modified = pair->mod_revision;
  return item;
}

/* ---- ranges ---- */

static void fill_range(const EtcdRangeQuery *query, Etcdserverpb__RangeRequest *message) {
  *message = (Etcdserverpb__RangeRequest)ETCDSERVERPB__RANGE_REQUEST__INIT;
  message->has_key = TRUE;
  message->key = borrow(query->key);
  message->has_range_end = query->end != NULL;
  if (query->end != NULL)
    message->range_end = borrow(query->end);
  message->has_limit = query->limit > 0;
  message->limit = query->limit;
  message->has_revision = query->revision > 0;
  message->revision = query->revision;
  message->has_keys_only = query->keys_only;
  message->keys_only = query->keys_only;
  message->has_serializable = query->relaxed;
  message->serializable = query->relaxed;
}

GBytes *etcd_range_encode(const EtcdRangeQuery *query) {
  Etcdserverpb__RangeRequest message;
  fill_range(query, &message);
  return fleet_pack(&message.base);
}

void etcd_range_free(EtcdRange *range) {
  if (range == NULL)
    return;
  g_ptr_array_unref(range->items);
  g_free(range);
}

static void free_range(gpointer range) {
  etcd_range_free(range);
}

static EtcdRange *read_range(const Etcdserverpb__RangeResponse *message, GError **error) {
  if (message->n_kvs > ETCD_LIMIT_ITEMS) {
    refuse(error, "there are too many keys");
    return NULL;
  }
  EtcdRange *range = g_new0(EtcdRange, 1);
  range->revision = message->header != NULL ? message->header->revision : 0;
  range->more = message->more != 0;
  range->items = g_ptr_array_new_with_free_func(etcd_item_free);
  for (gsize i = 0; i < message->n_kvs; i++)
    g_ptr_array_add(range->items, read_item(message->kvs[i]));
  return range;
}

EtcdRange *etcd_range_decode(GBytes *bytes, GError **error) {
  ProtobufCMessage *message = unpack(&etcdserverpb__range_response__descriptor, bytes, error);
  if (message == NULL)
    return NULL;
  EtcdRange *range = read_range((const Etcdserverpb__RangeResponse *)message, error);
  protobuf_c_message_free_unpacked(message, NULL);
  if (range == NULL || range->revision > 0)
    return range;
  etcd_range_free(range);
  refuse(error, "it tells no revision");
  return NULL;
}

/* ---- transactions ---- */

void etcd_operation_free(gpointer data) {
  EtcdOperation *operation = data;
  g_bytes_unref(operation->key);
  g_clear_pointer(&operation->data, g_bytes_unref);
  g_free(operation);
}

static void fill_guard(const EtcdGuard *guard, Etcdserverpb__Compare *message) {
  *message = (Etcdserverpb__Compare)ETCDSERVERPB__COMPARE__INIT;
  message->has_result = TRUE;
  message->result = COMPARE_EQUAL;
  message->has_target = TRUE;
  message->has_key = TRUE;
  message->key = borrow(guard->key);
  if (guard->present)
    message->result = COMPARE_GREATER;
  if (guard->value != NULL) {
    message->target = TARGET_VALUE;
    message->target_union_case = ETCDSERVERPB__COMPARE__TARGET_UNION_VALUE;
    message->value = borrow(guard->value);
  } else if (guard->modified > 0) {
    message->target = TARGET_MODIFIED;
    message->target_union_case = ETCDSERVERPB__COMPARE__TARGET_UNION_MOD_REVISION;
    message->mod_revision = guard->modified;
  } else {
    message->target = TARGET_VERSION;
    message->target_union_case = ETCDSERVERPB__COMPARE__TARGET_UNION_VERSION;
    message->version = 0;
  }
}

/* The parts of a request for one operation; only one of the two is used. */
typedef struct {
  Etcdserverpb__RequestOp request;
  Etcdserverpb__PutRequest put;
  Etcdserverpb__DeleteRequest remove;
  Etcdserverpb__RangeRequest range;
} Step;

static void fill_step(const EtcdOperation *operation, Step *step) {
  step->request = (Etcdserverpb__RequestOp)ETCDSERVERPB__REQUEST_OP__INIT;
  if (operation->kind == ETCD_PUT) {
    step->put = (Etcdserverpb__PutRequest)ETCDSERVERPB__PUT_REQUEST__INIT;
    step->put.has_key = TRUE;
    step->put.key = borrow(operation->key);
    step->put.has_value = TRUE;
    step->put.value = borrow(operation->data);
    step->put.has_lease = operation->lease != 0;
    step->put.lease = operation->lease;
    step->request.request_case = ETCDSERVERPB__REQUEST_OP__REQUEST_PUT;
    step->request.put = &step->put;
    return;
  }
  step->remove = (Etcdserverpb__DeleteRequest)ETCDSERVERPB__DELETE_REQUEST__INIT;
  step->remove.has_key = TRUE;
  step->remove.key = borrow(operation->key);
  step->remove.has_range_end = operation->kind == ETCD_DELETE_RANGE;
  if (operation->kind == ETCD_DELETE_RANGE)
    step->remove.range_end = borrow(operation->data);
  step->request.request_case = ETCDSERVERPB__REQUEST_OP__REQUEST_DELETE_RANGE;
  step->request.delete_range = &step->remove;
}

GBytes *etcd_transaction_encode(const GPtrArray *guards, const GPtrArray *operations) {
  g_autofree Etcdserverpb__Compare *compares = g_new(Etcdserverpb__Compare, guards->len);
  g_autofree Etcdserverpb__Compare **to_compare = g_new(Etcdserverpb__Compare *, guards->len);
  g_autofree Step *steps = g_new(Step, operations->len);
  g_autofree Etcdserverpb__RequestOp **to_do = g_new(Etcdserverpb__RequestOp *, operations->len);
  Etcdserverpb__TxnRequest message = ETCDSERVERPB__TXN_REQUEST__INIT;
  for (guint i = 0; i < guards->len; i++) {
    fill_guard(guards->pdata[i], &compares[i]);
    to_compare[i] = &compares[i];
  }
  for (guint i = 0; i < operations->len; i++) {
    fill_step(operations->pdata[i], &steps[i]);
    to_do[i] = &steps[i].request;
  }
  message.n_compare = guards->len;
  message.compare = to_compare;
  message.n_success = operations->len;
  message.success = to_do;
  return fleet_pack(&message.base);
}

GBytes *etcd_read_encode(const GPtrArray *keys) {
  g_autofree Step *steps = g_new(Step, keys->len);
  g_autofree Etcdserverpb__RequestOp **to_do = g_new(Etcdserverpb__RequestOp *, keys->len);
  Etcdserverpb__TxnRequest message = ETCDSERVERPB__TXN_REQUEST__INIT;
  for (guint i = 0; i < keys->len; i++) {
    const EtcdRangeQuery query = {.key = keys->pdata[i]};
    fill_range(&query, &steps[i].range);
    steps[i].request = (Etcdserverpb__RequestOp)ETCDSERVERPB__REQUEST_OP__INIT;
    steps[i].request.request_case = ETCDSERVERPB__REQUEST_OP__REQUEST_RANGE;
    steps[i].request.range = &steps[i].range;
    to_do[i] = &steps[i].request;
  }
  message.n_success = keys->len;
  message.success = to_do;
  return fleet_pack(&message.base);
}

void etcd_transaction_free(EtcdTransaction *transaction) {
  if (transaction == NULL)
    return;
  g_ptr_array_unref(transaction->ranges);
  g_free(transaction);
}

const EtcdItem *etcd_transaction_get_item(const EtcdTransaction *transaction, guint number) {
  const EtcdRange *range = transaction->ranges->pdata[number];
  return range->items->len > 0 ? range->items->pdata[0] : NULL;
}

static EtcdTransaction *read_transaction(const Etcdserverpb__TxnResponse *message, GError **error) {
  g_autoptr(EtcdTransaction) transaction = g_new0(EtcdTransaction, 1);
  transaction->ranges = g_ptr_array_new_with_free_func(free_range);
  transaction->revision = message->header != NULL ? message->header->revision : 0;
  transaction->succeeded = message->succeeded != 0;
  for (gsize i = 0; i < message->n_responses; i++) {
    const Etcdserverpb__ResponseOp *response = message->responses[i];
    if (response->response_case != ETCDSERVERPB__RESPONSE_OP__RESPONSE_RANGE)
      continue;
    EtcdRange *range = read_range(response->range, error);
    if (range == NULL)
      return NULL;
    g_ptr_array_add(transaction->ranges, range);
  }
  if (transaction->revision > 0)
    return g_steal_pointer(&transaction);
  refuse(error, "it tells no revision");
  return NULL;
}

EtcdTransaction *etcd_transaction_decode(GBytes *bytes, GError **error) {
  ProtobufCMessage *message = unpack(&etcdserverpb__txn_response__descriptor, bytes, error);
  if (message == NULL)
    return NULL;
  EtcdTransaction *transaction =
      read_transaction((const Etcdserverpb__TxnResponse *)message, error);
  protobuf_c_message_free_unpacked(message, NULL);
  return transaction;
}

/* ---- the watch ---- */

GBytes *etcd_watch_encode(GBytes *key, GBytes *end, gint64 start) {
  Etcdserverpb__WatchCreate create = ETCDSERVERPB__WATCH_CREATE__INIT;
  Etcdserverpb__WatchRequest message = ETCDSERVERPB__WATCH_REQUEST__INIT;
  create.has_key = TRUE;
  create.key = borrow(key);
  create.has_range_end = TRUE;
  create.range_end = borrow(end);
  create.has_start_revision = TRUE;
  create.start_revision = start;
  message.request_case = ETCDSERVERPB__WATCH_REQUEST__REQUEST_CREATE;
  message.create = &create;
  return fleet_pack(&message.base);
}

GBytes *etcd_progress_encode(void) {
  Etcdserverpb__WatchProgress progress = ETCDSERVERPB__WATCH_PROGRESS__INIT;
  Etcdserverpb__WatchRequest message = ETCDSERVERPB__WATCH_REQUEST__INIT;
  message.request_case = ETCDSERVERPB__WATCH_REQUEST__REQUEST_PROGRESS;
  message.progress = &progress;
  return fleet_pack(&message.base);
}

void etcd_watch_free(EtcdWatch *watch) {
  if (watch == NULL)
    return;
  g_ptr_array_unref(watch->items);
  g_free(watch->reason);
  g_free(watch);
}

static gboolean read_events(const Etcdserverpb__WatchResponse *message, EtcdWatch *watch,
                            GError **error) {
  if (message->n_events > ETCD_LIMIT_ITEMS)
    return refuse(error, "there are too many events");
  gint64 revision = 0;
  for (gsize i = 0; i < message->n_events; i++) {
    const Etcdserverpb__Event *event = message->events[i];
    if (event->kv == NULL || event->kv->mod_revision <= 0 || event->kv->mod_revision < revision)
      return refuse(error, "an event has no revision, or one out of order");
    EtcdItem *item = read_item(event->kv);
    item->deleted = event->type == EVENT_DELETE;
    g_ptr_array_add(watch->items, item);
    revision = item->modified;
  }
  return TRUE;
}

static EtcdWatch *read_watch(const Etcdserverpb__WatchResponse *message, GError **error) {
  g_autoptr(EtcdWatch) watch = g_new0(EtcdWatch, 1);
  watch->items = g_ptr_array_new_with_free_func(etcd_item_free);
  watch->revision = message->header != NULL ? message->header->revision : 0;
  watch->created = message->created != 0;
  watch->cancelled = message->canceled != 0;
  watch->compacted = message->compact_revision;
  watch->reason =
      message->cancel_reason != NULL ? grpc_make_printable(message->cancel_reason) : NULL;
  if (message->fragment) {
    refuse(error, "events in fragments, which nobody asked for");
    return NULL;
  }
  return read_events(message, watch, error) ? g_steal_pointer(&watch) : NULL;
}

EtcdWatch *etcd_watch_decode(GBytes *bytes, GError **error) {
  ProtobufCMessage *message = unpack(&etcdserverpb__watch_response__descriptor, bytes, error);
  if (message == NULL)
    return NULL;
  EtcdWatch *watch = read_watch((const Etcdserverpb__WatchResponse *)message, error);
  protobuf_c_message_free_unpacked(message, NULL);
  return watch;
}
