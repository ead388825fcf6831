/* SPDX-License-Identifier: MIT */
/* Records and keys of a fleet: what is taken is written as it was read. */
#include "regd/fleet/base/key.h"
#include "regd/fleet/base/record.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/* @name is fleet_NAME_decode() and so on, of the type. */
#define CHECK(Type, name)                                                                          \
  static void check_##name(GBytes *bytes) {                                                        \
    g_autoptr(GError) error = NULL;                                                                \
    g_autoptr(Type) record = fleet_##name##_decode(bytes, &error);                                 \
    g_assert_true((record == NULL) == (error != NULL));                                            \
    if (record == NULL)                                                                            \
      return;                                                                                      \
    g_autoptr(GBytes) once = fleet_##name##_encode(record);                                        \
    g_autoptr(Type) again = fleet_##name##_decode(once, NULL);                                     \
    g_assert_nonnull(again);                                                                       \
    g_autoptr(GBytes) twice = fleet_##name##_encode(again);                                        \
    g_assert_true(g_bytes_equal(once, twice));                                                     \
  }
CHECK(FleetHead, head)
CHECK(FleetKey, key)
CHECK(FleetValue, value)
CHECK(FleetInfo, info)
CHECK(FleetHost, host)

static void check_etcd_key(const char *data, gsize size) {
  FleetKeyKind kind;
  g_autofree char *path = NULL, *name = NULL;
  if (!fleet_key_parse(data, size, &kind, &path, &name) || kind == FLEET_KEY_OTHER)
    return;
  g_autofree char *again =
      kind == FLEET_KEY_KEY ? fleet_key_of_key(path) : fleet_key_of_value(path, name);
  g_assert_cmpmem(again, strlen(again), data, size);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  g_autoptr(GBytes) bytes = g_bytes_new(data, size);
  check_head(bytes);
  check_key(bytes);
  check_value(bytes);
  check_info(bytes);
  check_host(bytes);
  check_etcd_key(size > 0 ? (const char *)data : "", size);
  return 0;
}
