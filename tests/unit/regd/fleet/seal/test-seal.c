/* SPDX-License-Identifier: MIT */
/* Sealed values: what opens them, and what does not. */
#include "regd/fleet/seal/seal.h"

#include <string.h>

#include "client/base/error.h"

#define A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define B "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define KEY "v/HKEY_LOCAL_MACHINE\\SOFTWARE\\POLICIES\\\\PASSWORD"

static FleetKeyring *new_keyring(const char *text) {
  FleetKeyring *keyring = fleet_keyring_parse(text, strlen(text), NULL);
  g_assert_nonnull(keyring);
  return keyring;
}

static FleetSealPlace new_place(const char *uuid, const char *layer, const char *key) {
  return (FleetSealPlace){
      .uuid = g_bytes_new_static(uuid, strlen(uuid)), .layer = layer, .key = key};
}

static void place_clear(FleetSealPlace *place) {
  g_bytes_unref(place->uuid);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FleetSealPlace, place_clear)

static void refuses(const FleetKeyring *keyring, const FleetSealPlace *place, guint32 type,
                    GBytes *sealed, const char *reason) {
  g_autoptr(GError) error = NULL;
  g_assert_null(fleet_seal_open(keyring, place, type, sealed, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
  g_assert_nonnull(strstr(error->message, reason));
}

static void test_sizes(void) {
  static const gsize sizes[] = {0, 1, 15, 16, 17, 100, 100000};
  g_autoptr(FleetKeyring) keyring = new_keyring(A);
  g_auto(FleetSealPlace) place = new_place("0123456789abcdef", "all", KEY);
  for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
    g_autofree guint8 *data = g_malloc0(sizes[i] + 1);
    memset(data, 'x', sizes[i]);
    g_autoptr(RegistryValue) value = registry_value_new_bytes(REGISTRY_BINARY, data, sizes[i]);
    g_autoptr(GBytes) sealed = fleet_seal(keyring, &place, value, NULL);
    g_autoptr(GBytes) again = fleet_seal(keyring, &place, value, NULL);
    g_assert_false(g_bytes_equal(sealed, again));
    g_assert_cmpuint(g_bytes_get_size(sealed), ==, 33 + sizes[i]);
    g_autoptr(RegistryValue) opened =
        fleet_seal_open(keyring, &place, REGISTRY_BINARY, sealed, NULL);
    g_assert_true(registry_value_equal(value, opened));
  }
}

/* What another release has sealed: the layout must never change. */
static void test_layout(void) {
  static const guint8 known[] = {0x01, 0x9b, 0xa7, 0x28, 0x76, 0x00, 0x01, 0x02, 0x03, 0x04,
                                 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x65, 0x7d, 0xd6,
                                 0x44, 0x25, 0x3d, 0x93, 0xc3, 0x67, 0x52, 0xaf, 0xa2, 0xa2,
                                 0x7c, 0x52, 0x59, 0x17, 0x0a, 0xcd, 0x5e, 0x58, 0xf5};
  g_autoptr(FleetKeyring) keyring = new_keyring(A);
  g_auto(FleetSealPlace) place = new_place("0123456789abcdef", "all", KEY);
  g_autoptr(GBytes) sealed = g_bytes_new_static(known, sizeof known);
  g_autoptr(RegistryValue) opened = fleet_seal_open(keyring, &place, REGISTRY_BINARY, sealed, NULL);
  g_autoptr(RegistryValue) value =
      registry_value_new_bytes(REGISTRY_BINARY, (const guint8 *)"secret", 6);
  g_assert_true(registry_value_equal(value, opened));
}

static void test_keys(void) {
  g_autoptr(FleetKeyring) old = new_keyring(A);
  g_autoptr(FleetKeyring) other = new_keyring(B);
  g_autoptr(FleetKeyring) both = new_keyring(B "\n" A);
  g_auto(FleetSealPlace) place = new_place("0123456789abcdef", "all", KEY);
  g_autoptr(RegistryValue) value = registry_value_new_string(REGISTRY_SZ, "secret", NULL);
  g_autoptr(GBytes) sealed = fleet_seal(old, &place, value, NULL);
  refuses(other, &place, REGISTRY_SZ, sealed, "does not hold");
  g_autoptr(RegistryValue) opened = fleet_seal_open(both, &place, REGISTRY_SZ, sealed, NULL);
  g_assert_true(registry_value_equal(value, opened));
  g_autoptr(GBytes) anew = fleet_seal(both, &place, value, NULL);
  refuses(old, &place, REGISTRY_SZ, anew, "does not hold");
}

static void test_places(void) {
  static const struct {
    const char *uuid, *layer, *key;
    guint32 type;
  } elsewhere[] = {
      {"0123456789abcdeg", "all", KEY, REGISTRY_SZ},
      {"0123456789abcdef", "al", "l" KEY, REGISTRY_SZ},
      {"0123456789abcdef", "all", KEY "2", REGISTRY_SZ},
      {"0123456789abcdef", "all", "", REGISTRY_SZ},
      {"0123456789abcdef", "all", KEY, REGISTRY_EXPAND_SZ},
      {"0123456789abcdef", "all", KEY, REGISTRY_SZ | 0x80000000U},
  };
  g_autoptr(FleetKeyring) keyring = new_keyring(A);
  g_auto(FleetSealPlace) place = new_place("0123456789abcdef", "all", KEY);
  g_autoptr(RegistryValue) value = registry_value_new_string(REGISTRY_SZ, "secret", NULL);
  g_autoptr(GBytes) sealed = fleet_seal(keyring, &place, value, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(elsewhere); i++) {
    g_auto(FleetSealPlace) other =
        new_place(elsewhere[i].uuid, elsewhere[i].layer, elsewhere[i].key);
    refuses(keyring, &other, elsewhere[i].type, sealed, "not sealed for this place");
  }
}

/* Each bit counts, and each byte. */
static void test_damage(void) {
  g_autoptr(FleetKeyring) keyring = new_keyring(A);
  g_auto(FleetSealPlace) place = new_place("0123456789abcdef", "all", KEY);
  g_autoptr(RegistryValue) value = registry_value_new_string(REGISTRY_SZ, "secret", NULL);
  g_autoptr(GBytes) sealed = fleet_seal(keyring, &place, value, NULL);
  gsize size = 0;
  const guint8 *bytes = g_bytes_get_data(sealed, &size);
  for (gsize bit = 0; bit < size * 8; bit++) {
    guint8 *damaged = g_memdup2(bytes, size);
    damaged[bit / 8] ^= (guint8)(1U << bit % 8);
    g_autoptr(GBytes) other = g_bytes_new_take(damaged, size);
    refuses(keyring, &place, REGISTRY_SZ, other, "");
  }
  for (gsize length = 0; length < size; length++) {
    g_autoptr(GBytes) cut = g_bytes_new(bytes, length);
    refuses(keyring, &place, REGISTRY_SZ, cut, "");
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/seal/sizes", test_sizes);
  g_test_add_func("/seal/layout", test_layout);
  g_test_add_func("/seal/keys", test_keys);
  g_test_add_func("/seal/places", test_places);
  g_test_add_func("/seal/damage", test_damage);
  return g_test_run();
}
