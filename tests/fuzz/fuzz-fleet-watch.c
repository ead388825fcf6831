/* SPDX-License-Identifier: MIT */
/* etcd's answers: a watch's events come in the order of their revisions, and each has its parts. */
#include "regd/fleet/etcd/messages.h"
#include "tests/fuzz/fuzz.h"

static void check_items(const GPtrArray *items) {
  for (guint i = 0; i < items->len; i++) {
    const EtcdItem *item = items->pdata[i];
    g_assert_nonnull(item->key);
    g_assert_nonnull(item->record);
  }
}

static void check_order(const GPtrArray *items) {
  gint64 last = 1;
  for (guint i = 0; i < items->len; i++) {
    const EtcdItem *item = items->pdata[i];
    g_assert_cmpint(item->modified, >=, last);
    last = item->modified;
  }
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  g_autoptr(GBytes) bytes = g_bytes_new(data, size);
  g_autoptr(EtcdWatch) watch = etcd_watch_decode(bytes, NULL);
  g_autoptr(EtcdRange) range = etcd_range_decode(bytes, NULL);
  g_autoptr(EtcdTransaction) transaction = etcd_transaction_decode(bytes, NULL);
  if (watch != NULL) {
    check_items(watch->items);
    check_order(watch->items);
  }
  if (range != NULL)
    check_items(range->items);
  for (guint i = 0; transaction != NULL && i < transaction->ranges->len; i++)
    check_items(((const EtcdRange *)transaction->ranges->pdata[i])->items);
  return 0;
}
