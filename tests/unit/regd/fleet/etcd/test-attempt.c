/* SPDX-License-Identifier: MIT */
/* Which ends of a request are final. */
#include "regd/fleet/etcd/attempt.h"

#include "regd/fleet/base/grpc.h"

static const struct {
  guint32 code;
  const char *text;
  gboolean is_final;
} rows[] = {
    {GRPC_PERMISSION_DENIED, "etcdserver: permission denied", TRUE},
    {GRPC_UNAUTHENTICATED, "etcdserver: invalid auth token", TRUE},
    {GRPC_INVALID_ARGUMENT, "etcdserver: request is too large", TRUE},
    {GRPC_INVALID_ARGUMENT, "etcdserver: revision of auth store is old", FALSE},
    {GRPC_OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted", TRUE},
    {GRPC_OUT_OF_RANGE, "etcdserver: mvcc: required revision is a future revision", FALSE},
    {GRPC_RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded", TRUE},
    {GRPC_RESOURCE_EXHAUSTED, "etcdserver: too many requests", FALSE},
    {GRPC_UNAVAILABLE, "etcdserver: no leader", FALSE},
};

static void test_rejections(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    const TransportEnd end = {.code = rows[i].code, .sent = TRUE, .text = rows[i].text};
    g_assert_cmpint(attempt_is_rejection(&end), ==, rows[i].is_final);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/attempt/rejections", test_rejections);
  return g_test_run();
}
