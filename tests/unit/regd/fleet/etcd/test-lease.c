/* SPDX-License-Identifier: MIT */
/* Leases: requests as etcd reads them, and answers, also of one that has ended. */
#include "regd/fleet/etcd/lease.h"

#define TEXT(literal) g_bytes_new_static(literal, sizeof(literal) - 1)

static void check_bytes(GBytes *found, const char *expected, gsize size) {
  g_autoptr(GBytes) wanted = g_bytes_new_static(expected, size);
  g_assert_true(g_bytes_equal(found, wanted));
}
#define CHECK(found, literal) check_bytes(found, literal, sizeof(literal) - 1)

static void test_lease(void) {
  g_autoptr(GBytes) grant = etcd_lease_grant_encode(120);
  g_autoptr(GBytes) keep = etcd_lease_keep_encode(300);
  CHECK(grant, "\x08\x78");
  CHECK(keep, "\x08\xac\x02");
  g_autoptr(GPtrArray) guards = g_ptr_array_new();
  g_autoptr(GPtrArray) operations = g_ptr_array_new();
  g_autoptr(GBytes) key = TEXT("k");
  g_autoptr(GBytes) data = TEXT("d");
  EtcdOperation put = {.kind = ETCD_PUT, .key = key, .data = data, .lease = 300};
  g_ptr_array_add(operations, &put);
  g_autoptr(GBytes) request = etcd_transaction_encode(guards, operations);
  CHECK(request, "\x12\x0b\x12\x09\x0a\x01k\x12\x01"
                 "d\x18\xac\x02");
}

static const struct {
  const char *bytes;
  gsize size;
  gboolean keeps; /* the answer to a sign of life */
  gboolean taken;
  gint64 seconds;
} leases[] = {
#define ROW(literal, keeps, taken, seconds)                                                        \
  { literal, sizeof(literal) - 1, keeps, taken, seconds }
    ROW("\x10\xac\x02\x18\x78", FALSE, TRUE, 120),
    ROW("\x0a\x00\x10\xac\x02\x18\x78", TRUE, TRUE, 120),
    ROW("\x10\xac\x02", TRUE, TRUE, 0), /* it has ended */
    ROW("\x10\xac\x02", FALSE, FALSE, 0),
    ROW("", FALSE, FALSE, 0),
    ROW("\x18\x78", TRUE, FALSE, 0),
    ROW("\x10\xac", TRUE, FALSE, 0),
    ROW("\x10\x01\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", FALSE, FALSE, 0),
#undef ROW
};

static void test_answers(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(leases); i++) {
    gint64 lease = 0, seconds = 0;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = g_bytes_new_static(leases[i].bytes, leases[i].size);
    gboolean taken = leases[i].keeps ? etcd_lease_keep_decode(bytes, &seconds, &error)
                                     : etcd_lease_grant_decode(bytes, &lease, &seconds, &error);
    g_assert_cmpint(taken, ==, leases[i].taken);
    g_assert_true(taken == (error == NULL));
    if (!taken)
      continue;
    g_assert_cmpint(lease, ==, leases[i].keeps ? 0 : 300);
    g_assert_cmpint(seconds, ==, leases[i].seconds);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/regd/fleet/etcd/lease/requests", test_lease);
  g_test_add_func("/regd/fleet/etcd/lease/answers", test_answers);
  return g_test_run();
}
