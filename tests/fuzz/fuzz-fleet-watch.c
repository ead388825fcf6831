/* SPDX-License-Identifier: MIT */
/* etcd's answers: a watch's events come in the order of their revisions, and each has its parts. */
#include "regd/fleet/etcd/account.h"
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

/* A token becomes a line of a request, roles one of a message. */
static void check_account(GBytes *bytes) {
  g_autofree char *token = etcd_login_decode(bytes, NULL);
  g_autofree char *roles = etcd_user_decode(bytes);
  for (const char *at = token; at != NULL && *at != '\0'; at++)
    g_assert_true(g_ascii_isgraph(*at));
  for (const char *at = roles; at != NULL && *at != '\0'; at++)
    g_assert_false(g_ascii_iscntrl(*at));
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  g_autoptr(GBytes) bytes = g_bytes_new(data, size);
  check_account(bytes);
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
