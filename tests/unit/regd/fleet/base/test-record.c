/* SPDX-License-Identifier: MIT */
/* Records: what is written is read again, and what is not a record is refused, wherever it is cut
 * and whichever of its bytes is another. */
#include "regd/fleet/base/record.h"

#include <string.h>

#define ID "0123456789abcdef"
/* The structures own their texts; these are only read. */
#define TEXT(literal) ((char *)(guintptr)(literal))

static void fill_id(guint8 *id, guint8 last) {
  memcpy(id, ID, FLEET_ID_BYTES);
  id[FLEET_ID_BYTES - 1] = last;
}

/* ---- one of each ---- */

static GBytes *new_head(void) {
  FleetHead head = {.has_previous = TRUE,
                    .number = 7,
                    .host = TEXT("one"),
                    .user = TEXT("anna"),
                    .program = TEXT("regctl"),
                    .comment = TEXT("two\nlines"),
                    .time = 1234567,
                    .operations = 3,
                    .staged = 2,
                    .trial = 60,
                    .ends = 5,
                    .undoes = TRUE,
                    .open = {{6, 7}, 2}};
  fill_id(head.id, 'x');
  fill_id(head.previous, 'y');
  return fleet_head_encode(&head);
}

static GBytes *new_key(void) {
  AclText one = {.principal = TEXT("user:anna"), .level = TEXT("write")};
  AclText two = {.principal = TEXT("everyone"), .level = TEXT("read")};
  g_autoptr(GPtrArray) list = g_ptr_array_new();
  g_ptr_array_add(list, &one);
  g_ptr_array_add(list, &two);
  const FleetKey key = {.spelling = TEXT("Acme"),
                        .class_name = TEXT("class"),
                        .link = TEXT("HKEY_LOCAL_MACHINE\\SOFTWARE\\Other"),
                        .has_list = TRUE,
                        .list = list,
                        .ordinal = 5};
  return fleet_key_encode(&key);
}

static GBytes *new_value(void) {
  g_autoptr(RegistryValue) data = registry_value_new_bytes(0x12345, "\0\xff\1", 3);
  const FleetValue value = {.spelling = TEXT("Port\n"), .value = data, .ordinal = 9};
  return fleet_value_encode(&value);
}

static GBytes *new_info(void) {
  char *mounts[] = {TEXT("HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies"), NULL};
  FleetInfo info = {.created = 99, .mounts = mounts, .format = FLEET_FORMAT};
  fill_id(info.uuid, 'u');
  return fleet_info_encode(&info);
}

static GBytes *new_last(void) {
  FleetLast last = {.number = 12};
  fill_id(last.id, 'l');
  return fleet_last_encode(&last);
}

static GBytes *new_host(void) {
  FleetHost host = {.applied = 300,
                    .number = 7,
                    .has_head = TRUE,
                    .has_digest = TRUE,
                    .state = TEXT("live"),
                    .version = TEXT("0.2.0"),
                    .since = 1234567,
                    .problems = 2};
  fill_id(host.head, 'h');
  fill_id(host.digest, 'd');
  return fleet_host_encode(&host);
}

/* ---- any of them, decoded and encoded again; NULL: refused ---- */

static GBytes *again_head(GBytes *bytes, GError **error) {
  g_autoptr(FleetHead) head = fleet_head_decode(bytes, error);
  return head != NULL ? fleet_head_encode(head) : NULL;
}

static GBytes *again_key(GBytes *bytes, GError **error) {
  g_autoptr(FleetKey) key = fleet_key_decode(bytes, error);
  return key != NULL ? fleet_key_encode(key) : NULL;
}

static GBytes *again_value(GBytes *bytes, GError **error) {
  g_autoptr(FleetValue) value = fleet_value_decode(bytes, error);
  return value != NULL ? fleet_value_encode(value) : NULL;
}

static GBytes *again_info(GBytes *bytes, GError **error) {
  g_autoptr(FleetInfo) info = fleet_info_decode(bytes, error);
  return info != NULL ? fleet_info_encode(info) : NULL;
}

static GBytes *again_last(GBytes *bytes, GError **error) {
  FleetLast last;
  return fleet_last_decode(bytes, &last, error) ? fleet_last_encode(&last) : NULL;
}

static GBytes *again_host(GBytes *bytes, GError **error) {
  g_autoptr(FleetHost) host = fleet_host_decode(bytes, error);
  return host != NULL ? fleet_host_encode(host) : NULL;
}

static const struct {
  GBytes *(*make)(void);
  GBytes *(*again)(GBytes *bytes, GError **error);
} records[] = {{new_head, again_head}, {new_key, again_key},   {new_value, again_value},
               {new_info, again_info}, {new_last, again_last}, {new_host, again_host}};

static void test_round(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(records); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = records[i].make();
    g_autoptr(GBytes) again = records[i].again(bytes, &error);
    g_assert_no_error(error);
    g_assert_true(g_bytes_equal(bytes, again));
  }
}

/* Either it is refused by name, or it is a record that keeps its meaning. */
static void check_hostile(gsize row, GBytes *bytes) {
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) once = records[row].again(bytes, &error);
  if (once == NULL) {
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
    return;
  }
  g_autoptr(GBytes) twice = records[row].again(once, NULL);
  g_assert_nonnull(twice);
  g_assert_true(g_bytes_equal(once, twice));
}

static void test_cut(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(records); i++) {
    g_autoptr(GBytes) bytes = records[i].make();
    for (gsize size = 0; size < g_bytes_get_size(bytes); size++) {
      g_autoptr(GBytes) cut = g_bytes_new_from_bytes(bytes, 0, size);
      check_hostile(i, cut);
    }
  }
}

/* Each byte in turn is each other byte: wrong lengths, wrong types, other fields. */
static void test_changed(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(records); i++) {
    g_autoptr(GBytes) bytes = records[i].make();
    gsize size;
    const guint8 *data = g_bytes_get_data(bytes, &size);
    for (gsize at = 0; at < size; at++)
      for (guint byte = 0; byte <= 0xFF; byte++) {
        g_autofree guint8 *copy = g_memdup2(data, size);
        copy[at] = (guint8)byte;
        g_autoptr(GBytes) changed = g_bytes_new(copy, size);
        check_hostile(i, changed);
      }
  }
}

/* ---- what is well formed and wrong ---- */

static const struct {
  GBytes *(*again)(GBytes *bytes, GError **error);
  const char *bytes;
  gsize size;
  const char *said;
} refused[] = {
#define ROW(again, text, said)                                                                     \
  { again, text, sizeof(text) - 1, said }
    ROW(again_head, "", "number"),
    ROW(again_head, "\x0a\x10" ID "\x18\x02", "only the first"),
    ROW(again_head, "\x0a\x10" ID "\x12\x10" ID "\x18\x01", "only the first"),
    ROW(again_head,
        "\x0a\x0f"
        "123456789abcdef\x18\x01",
        "16 bytes"),
    ROW(again_head, "\x0a\x10" ID "\x18\x01\x22\x02\xff\xff", "UTF-8"),
    ROW(again_head,
        "\x0a\x10" ID "\x18\x01\x22\x02"
        "a\n",
        "control character"),
    ROW(again_head, "\x0a\x10" ID "\x18\x01\x40\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "time"),
    ROW(again_key, "", "spelling"),
    ROW(again_key,
        "\x0a\x03"
        "a\\b",
        "spelling"),
    ROW(again_key, "\x0a\x00", "spelling"),
    ROW(again_key,
        "\x0a\x01"
        "a\x1a\x04"
        "here",
        "no path"),
    ROW(again_key,
        "\x0a\x01"
        "a\x1a\x00",
        "no path"),
    ROW(again_key,
        "\x0a\x01"
        "a\x22\x00",
        "is there and is not"),
    ROW(again_key,
        "\x0a\x01"
        "a\x22\x00\x28\x01",
        "not whole"),
    ROW(again_key,
        "\x0a\x01"
        "a\x12\x01\xff",
        "class"),
    ROW(again_value, "", "spelling"),
    ROW(again_value,
        "\x0a\x01"
        "a",
        "either data or sealed"),
    ROW(again_value,
        "\x0a\x01"
        "a\x10\x01\x1a\x01"
        "d\x22\x01s",
        "either data or sealed"),
    ROW(again_value,
        "\x0a\x01"
        "a\x1a\x01"
        "d",
        "has a type"),
    ROW(again_info, "", "format"),
    ROW(again_info, "\x20\x02", "upgrade"),
    ROW(again_info, "\x20\x01", "no mount"),
    ROW(again_info, "\x20\x01\x1a\x04HKLM", "a mount is no path"),
    ROW(again_last, "\x10\x01", "16 bytes"),
    ROW(again_host, "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "number"),
    ROW(again_host,
        "\x1a\x02"
        "ab",
        "16 bytes"),
    ROW(again_host, "\x2a\x02\xff\xff", "UTF-8"),
    ROW(again_host,
        "\x3a\x02"
        "1\n",
        "control character"),
    ROW(again_host, "\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "time"),
#undef ROW
};

static void test_refused(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = g_bytes_new_static(refused[i].bytes, refused[i].size);
    g_autoptr(GBytes) again = refused[i].again(bytes, &error);
    g_assert_null(again);
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
    if (strstr(error->message, refused[i].said) == NULL)
      g_error("row %" G_GSIZE_FORMAT ": %s", i, error->message);
  }
}

static void test_size(void) {
  g_autofree char *data = g_strnfill(FLEET_LIMIT_RECORD_BYTES, 'x');
  g_autoptr(RegistryValue) most =
      registry_value_new_bytes(REGISTRY_BINARY, data, FLEET_LIMIT_RECORD_BYTES - 64);
  FleetValue value = {.spelling = TEXT("v"), .value = most};
  g_autoptr(GBytes) fits = fleet_value_encode(&value);
  g_autoptr(GBytes) again = again_value(fits, NULL);
  g_assert_nonnull(again);
  g_autoptr(RegistryValue) more =
      registry_value_new_bytes(REGISTRY_BINARY, data, FLEET_LIMIT_RECORD_BYTES);
  value.value = more;
  g_autoptr(GBytes) large = fleet_value_encode(&value);
  g_autoptr(GError) error = NULL;
  g_assert_null(again_value(large, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
}

static void test_sealed(void) {
  g_autoptr(GBytes) secret = g_bytes_new_static("sealed", 6);
  const FleetValue value = {.spelling = TEXT("Password"), .sealed = secret, .type = REGISTRY_SZ};
  g_autoptr(GBytes) bytes = fleet_value_encode(&value);
  g_autoptr(FleetValue) read = fleet_value_decode(bytes, NULL);
  g_assert_null(read->value);
  g_assert_cmpuint(read->type, ==, REGISTRY_SZ);
  g_assert_true(g_bytes_equal(read->sealed, secret));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/regd/fleet/base/record/round", test_round);
  g_test_add_func("/regd/fleet/base/record/cut", test_cut);
  g_test_add_func("/regd/fleet/base/record/changed", test_changed);
  g_test_add_func("/regd/fleet/base/record/refused", test_refused);
  g_test_add_func("/regd/fleet/base/record/size", test_size);
  g_test_add_func("/regd/fleet/base/record/sealed", test_sealed);
  return g_test_run();
}
