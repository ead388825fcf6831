/* SPDX-License-Identifier: MIT */
/* etcd's messages: requests as etcd reads them, answers cut anywhere and with any byte changed. */
#include "regd/fleet/etcd/messages.h"

#include <string.h>

#define TEXT(literal) g_bytes_new_static(literal, sizeof(literal) - 1)

static void check_bytes(GBytes *found, const char *expected, gsize size) {
  g_autoptr(GBytes) wanted = g_bytes_new_static(expected, size);
  g_assert_true(g_bytes_equal(found, wanted));
}
#define CHECK(found, literal) check_bytes(found, literal, sizeof(literal) - 1)

static void test_range(void) {
  g_autoptr(GBytes) key = TEXT("a");
  g_autoptr(GBytes) end = TEXT("b");
  const EtcdRangeQuery whole = {
      .key = key, .end = end, .revision = 300, .limit = 5, .relaxed = TRUE};
  const EtcdRangeQuery one = {.key = key};
  g_autoptr(GBytes) first = etcd_range_encode(&whole);
  g_autoptr(GBytes) second = etcd_range_encode(&one);
  CHECK(first, "\x0a\x01"
               "a\x12\x01"
               "b\x18\x05\x20\xac\x02\x38\x01");
  CHECK(second, "\x0a\x01"
                "a");
}

static void test_watch(void) {
  g_autoptr(GBytes) key = TEXT("a");
  g_autoptr(GBytes) end = TEXT("b");
  g_autoptr(GBytes) create = etcd_watch_encode(key, end, 7);
  g_autoptr(GBytes) progress = etcd_progress_encode();
  CHECK(create, "\x0a\x08\x0a\x01"
                "a\x12\x01"
                "b\x18\x07");
  CHECK(progress, "\x1a\x00");
}

static void test_transaction(void) {
  g_autoptr(GPtrArray) guards = g_ptr_array_new();
  g_autoptr(GPtrArray) operations = g_ptr_array_new();
  g_autoptr(GBytes) key = TEXT("k");
  g_autoptr(GBytes) data = TEXT("d");
  EtcdGuard at = {.key = key, .modified = 9}, absent = {.key = key},
            same = {.key = key, .value = data}, present = {.key = key, .present = TRUE};
  EtcdOperation put = {.kind = ETCD_PUT, .key = key, .data = data};
  EtcdOperation one = {.kind = ETCD_DELETE, .key = key};
  EtcdOperation range = {.kind = ETCD_DELETE_RANGE, .key = key, .data = data};
  g_ptr_array_add(guards, &at);
  g_ptr_array_add(guards, &absent);
  g_ptr_array_add(guards, &same);
  g_ptr_array_add(guards, &present);
  g_ptr_array_add(operations, &put);
  g_ptr_array_add(operations, &one);
  g_ptr_array_add(operations, &range);
  g_autoptr(GBytes) request = etcd_transaction_encode(guards, operations);
  CHECK(request, "\x0a\x09\x08\x00\x10\x02\x1a\x01k\x30\x09"
                 "\x0a\x09\x08\x00\x10\x00\x1a\x01k\x20\x00"
                 "\x0a\x0a\x08\x00\x10\x03\x1a\x01k\x3a\x01"
                 "d"
                 "\x0a\x09\x08\x01\x10\x00\x1a\x01k\x20\x00"
                 "\x12\x08\x12\x06\x0a\x01k\x12\x01"
                 "d"
                 "\x12\x05\x1a\x03\x0a\x01k"
                 "\x12\x08\x1a\x06\x0a\x01k\x12\x01"
                 "d");
}

static void test_prefix_end(void) {
  g_autoptr(GBytes) end = etcd_prefix_end("/a/");
  CHECK(end, "/a0");
}

/* ---- answers ---- */

/* header {revision 9}, more, one key {k, created 3, modified 4, value v} */
#define RANGE "\x0a\x02\x18\x09\x12\x0a\x0a\x01k\x10\x03\x18\x04\x2a\x01v\x18\x01"
/* header, succeeded, one range without a header of its own */
#define TXN "\x0a\x02\x18\x09\x10\x01\x1a\x0e\x0a\x0c\x12\x0a\x0a\x01k\x10\x03\x18\x04\x2a\x01v"
/* header, a put at 4 and a deletion at 5 */
#define WATCH                                                                                      \
  "\x0a\x02\x18\x09\x5a\x0c\x12\x0a\x0a\x01k\x10\x03\x18\x04\x2a\x01v"                             \
  "\x5a\x09\x08\x01\x12\x05\x0a\x01k\x18\x05"

static void test_answers(void) {
  g_autoptr(GBytes) range_bytes = TEXT(RANGE);
  g_autoptr(GBytes) transaction_bytes = TEXT(TXN);
  g_autoptr(GBytes) watch_bytes = TEXT(WATCH);
  g_autoptr(EtcdRange) range = etcd_range_decode(range_bytes, NULL);
  g_assert_cmpint(range->revision, ==, 9);
  g_assert_true(range->more);
  const EtcdItem *item = range->items->pdata[0];
  CHECK(item->key, "k");
  CHECK(item->record, "v");
  g_assert_cmpint(item->created, ==, 3);
  g_assert_cmpint(item->modified, ==, 4);
  g_autoptr(EtcdTransaction) transaction = etcd_transaction_decode(transaction_bytes, NULL);
  g_assert_true(transaction->succeeded);
  g_assert_cmpuint(transaction->ranges->len, ==, 1);
  g_autoptr(EtcdWatch) watch = etcd_watch_decode(watch_bytes, NULL);
  g_assert_cmpuint(watch->items->len, ==, 2);
  g_assert_false(((const EtcdItem *)watch->items->pdata[0])->deleted);
  g_assert_true(((const EtcdItem *)watch->items->pdata[1])->deleted);
}

static gboolean decode_range(GBytes *bytes, GError **error) {
  g_autoptr(EtcdRange) range = etcd_range_decode(bytes, error);
  return range != NULL;
}

static gboolean decode_transaction(GBytes *bytes, GError **error) {
  g_autoptr(EtcdTransaction) transaction = etcd_transaction_decode(bytes, error);
  return transaction != NULL;
}

static gboolean decode_watch(GBytes *bytes, GError **error) {
  g_autoptr(EtcdWatch) watch = etcd_watch_decode(bytes, error);
  return watch != NULL;
}

static const struct {
  gboolean (*decode)(GBytes *bytes, GError **error);
  const char *bytes;
  gsize size;
} answers[] = {{decode_range, RANGE, sizeof(RANGE) - 1},
               {decode_transaction, TXN, sizeof(TXN) - 1},
               {decode_watch, WATCH, sizeof(WATCH) - 1}};

static void check_hostile(gsize row, const void *data, gsize size) {
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = g_bytes_new(data, size);
  if (!answers[row].decode(bytes, &error))
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_FAILED);
}

static void test_hostile(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(answers); i++)
    for (gsize at = 0; at < answers[i].size; at++) {
      check_hostile(i, answers[i].bytes, at);
      for (guint byte = 0; byte <= 0xFF; byte++) {
        g_autofree char *copy = g_memdup2(answers[i].bytes, answers[i].size);
        copy[at] = (char)byte;
        check_hostile(i, copy, answers[i].size);
      }
    }
}

static void test_refused(void) {
  static const struct {
    gsize row;
    const char *bytes;
    gsize size;
    const char *said;
  } rows[] = {
#define ROW(row, text, said) {row, text, sizeof(text) - 1, said}
      ROW(0, "", "no revision"),
      ROW(1, "\x10\x01", "no revision"),
      ROW(2, "\x38\x01", "fragments"),
      ROW(2, "\x5a\x00", "an event has no revision"),
      ROW(2, "\x5a\x04\x12\x02\x18\x05\x5a\x04\x12\x02\x18\x04", "out of order"),
      ROW(0, "\xff", "no RangeResponse"),
#undef ROW
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = g_bytes_new_static(rows[i].bytes, rows[i].size);
    g_assert_false(answers[rows[i].row].decode(bytes, &error));
    if (strstr(error->message, rows[i].said) == NULL)
      g_error("row %" G_GSIZE_FORMAT ": %s", i, error->message);
  }
}

/* Events of two bytes each would take fifty times their size before they are counted. */
static void test_memory(void) {
  gsize count = 10000;
  g_autofree char *text = g_malloc(2 * count);
  for (gsize i = 0; i < count; i++)
    memcpy(text + 2 * i, "\x5a\x00", 2);
  g_autoptr(GBytes) bytes = g_bytes_new(text, 2 * count);
  g_autoptr(GError) error = NULL;
  g_assert_null(etcd_watch_decode(bytes, &error));
  g_assert_nonnull(strstr(error->message, "too large"));
}

/* A member may say anything, and at any length. */
static void test_reason(void) {
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  g_byte_array_append(bytes, (const guint8 *)"\x20\x01\x32\x88\x27", 5); /* of 5,000 bytes */
  g_autofree char *text = g_strnfill(5000, '\n');
  g_byte_array_append(bytes, (const guint8 *)text, 5000);
  g_autoptr(GBytes) message = g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
  g_autoptr(EtcdWatch) watch = etcd_watch_decode(message, NULL);
  g_autofree char *expected = g_strnfill(1024, ' ');
  g_assert_true(watch->cancelled);
  g_assert_cmpstr(watch->reason, ==, expected);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/regd/fleet/etcd/messages/range", test_range);
  g_test_add_func("/regd/fleet/etcd/messages/watch", test_watch);
  g_test_add_func("/regd/fleet/etcd/messages/transaction", test_transaction);
  g_test_add_func("/regd/fleet/etcd/messages/prefix-end", test_prefix_end);
  g_test_add_func("/regd/fleet/etcd/messages/answers", test_answers);
  g_test_add_func("/regd/fleet/etcd/messages/hostile", test_hostile);
  g_test_add_func("/regd/fleet/etcd/messages/refused", test_refused);
  g_test_add_func("/regd/fleet/etcd/messages/memory", test_memory);
  g_test_add_func("/regd/fleet/etcd/messages/reason", test_reason);
  return g_test_run();
}
