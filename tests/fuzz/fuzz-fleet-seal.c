/* SPDX-License-Identifier: MIT */
/* Key files and sealed values: what is taken, and that only what was sealed here is opened. */
#include <string.h>

#include "regd/fleet/seal/seal.h"
#include "tests/fuzz/fuzz.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void check_keys(const guint8 *data, gsize size) {
  g_autoptr(GError) error = NULL;
  g_autoptr(FleetKeyring) keyring = fleet_keyring_parse((const char *)data, size, &error);
  g_assert_true((keyring == NULL) == (error != NULL));
  if (keyring != NULL)
    g_assert_cmpuint(keyring->n_keys - 1, <, FLEET_LIMIT_KEYS);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  g_autoptr(GError) error = NULL;
  g_autoptr(FleetKeyring) keyring = fleet_keyring_parse(KEY, strlen(KEY), NULL);
  g_autoptr(GBytes) uuid = g_bytes_new_static("0123456789abcdef", 16);
  const FleetSealPlace place = {.uuid = uuid, .layer = "all", .key = "v/A\\\\B"};
  check_keys(data, size);
  g_autoptr(GBytes) bytes = g_bytes_new(data, size);
  g_autoptr(RegistryValue) none = fleet_seal_open(keyring, &place, REGISTRY_BINARY, bytes, &error);
  g_assert_null(none); /* nobody guesses a tag of 16 bytes */
  g_assert_nonnull(error);
  g_autoptr(RegistryValue) value = registry_value_new_bytes(REGISTRY_BINARY, data, size);
  g_autoptr(GBytes) sealed = fleet_seal(keyring, &place, value, NULL);
  g_autoptr(RegistryValue) opened = fleet_seal_open(keyring, &place, REGISTRY_BINARY, sealed, NULL);
  g_assert_true(registry_value_equal(value, opened));
  return 0;
}
