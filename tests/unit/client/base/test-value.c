/* SPDX-License-Identifier: MIT */
/* Values: what bytes are read as, by type, and what is written. Bytes in the
 * rows are hexadecimal; text is UTF-16LE. */
#include "client/base/error.h"
#include "client/base/text.h"
#include "client/base/value.h"

#include <string.h>

static GByteArray *from_hex(const char *hex) {
  GByteArray *bytes = g_byte_array_new();
  for (; hex[0] != '\0'; hex += 2) {
    guint8 byte = (guint8)(g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1]));
    g_byte_array_append(bytes, &byte, 1);
  }
  return bytes;
}

static char *to_hex(const RegistryValue *value) {
  gsize size;
  const guint8 *bytes = registry_value_get_bytes(value, &size);
  GString *hex = g_string_new(NULL);
  for (gsize i = 0; i < size; i++)
    g_string_append_printf(hex, "%02x", bytes[i]);
  return g_string_free(hex, FALSE);
}

static const struct {
  guint32 type;
  const char *given;
  const char *kept; /* NULL: as given */
  RegistryForm form;
  const char *text; /* strings joined with | ; NULL: not asked */
} rows[] = {
    {1, "", NULL, REGISTRY_FORM_STRING, ""},
    {1, "0000", NULL, REGISTRY_FORM_STRING, ""},
    {1, "00000000", NULL, REGISTRY_FORM_BYTES, NULL},
    {1, "6100", "61000000", REGISTRY_FORM_STRING, "a"},
    {1, "61000000", NULL, REGISTRY_FORM_STRING, "a"},
    {1, "610000000000", NULL, REGISTRY_FORM_BYTES, NULL},
    {1, "610000006200", "6100000062000000", REGISTRY_FORM_BYTES, NULL},
    {1, "61", NULL, REGISTRY_FORM_BYTES, NULL},
    {1, "6100620000", NULL, REGISTRY_FORM_BYTES, NULL},
    {1, "3dd800de", "3dd800de0000", REGISTRY_FORM_STRING, "\xf0\x9f\x98\x80"},
    {1, "3dd8", NULL, REGISTRY_FORM_BYTES, NULL},
    {1, "00de", NULL, REGISTRY_FORM_BYTES, NULL},
    {1, "3dd86100", NULL, REGISTRY_FORM_BYTES, NULL},
    {1, "00de3dd80000", NULL, REGISTRY_FORM_BYTES, NULL},
    {1, "fffe", "fffe0000", REGISTRY_FORM_STRING, "\xef\xbb\xbf"},
    /* what lies past the first words, which are looked at four units at once */
    {1, "61006200630064006500660067006800000069000000", NULL, REGISTRY_FORM_BYTES, NULL},
    {1, "610062006300640065003dd86600670068000000", NULL, REGISTRY_FORM_BYTES, NULL},
    {1, "610062006300640065006600670068000000", NULL, REGISTRY_FORM_STRING, "abcdefgh"},
    {1, "61006200630064006500660067006800", "610062006300640065006600670068000000",
     REGISTRY_FORM_STRING, "abcdefgh"},
    {1, "6100620063006400650066006700680000000000", NULL, REGISTRY_FORM_BYTES, NULL},
    {1, "610062006300ffd700e00080010000010000", NULL, REGISTRY_FORM_STRING,
     "abc\xed\x9f\xbf\xee\x80\x80\xe8\x80\x80\x01\xc4\x80"},
    {1, "6100620063003dd800de640065006600670068000000", NULL, REGISTRY_FORM_STRING,
     "abc\xf0\x9f\x98\x80"
     "defgh"},
    {7, "610062006300640065006600670068000000690000000000", NULL, REGISTRY_FORM_STRINGS,
     "abcdefgh|i"},
    {7, "610062006300640000000000650066006700680000000000", NULL, REGISTRY_FORM_BYTES, NULL},
    {7, "61006200630064006500660067000000680000000000", NULL, REGISTRY_FORM_STRINGS, "abcdefg|h"},
    {2, "25004100", "250041000000", REGISTRY_FORM_STRING, "%A"},
    {2, "", NULL, REGISTRY_FORM_STRING, ""},
    {6, "", NULL, REGISTRY_FORM_STRING, ""},
    {6, "6100", NULL, REGISTRY_FORM_STRING, "a"},
    {6, "61000000", NULL, REGISTRY_FORM_STRING, "a"},
    {6, "610000000000", NULL, REGISTRY_FORM_BYTES, NULL},
    {6, "610000006200", NULL, REGISTRY_FORM_BYTES, NULL},
    {7, "", NULL, REGISTRY_FORM_STRINGS, ""},
    {7, "0000", NULL, REGISTRY_FORM_STRINGS, ""},
    {7, "00000000", NULL, REGISTRY_FORM_STRINGS, ""},
    {7, "000000000000", NULL, REGISTRY_FORM_BYTES, NULL},
    {7, "6100", "61000000", REGISTRY_FORM_STRINGS, "a"},
    {7, "61000000", NULL, REGISTRY_FORM_STRINGS, "a"},
    {7, "610000000000", NULL, REGISTRY_FORM_STRINGS, "a"},
    {7, "6100000000000000", NULL, REGISTRY_FORM_BYTES, NULL},
    {7, "610000006200", "6100000062000000", REGISTRY_FORM_STRINGS, "a|b"},
    {7, "61000000620000000000", NULL, REGISTRY_FORM_STRINGS, "a|b"},
    {7, "61000000000062000000", NULL, REGISTRY_FORM_BYTES, NULL},
    {7, "000061000000", NULL, REGISTRY_FORM_BYTES, NULL},
    {7, "00006100", "000061000000", REGISTRY_FORM_BYTES, NULL},
    {7, "610000", NULL, REGISTRY_FORM_BYTES, NULL},
    {7, "00", NULL, REGISTRY_FORM_BYTES, NULL},
    {4, "01020304", NULL, REGISTRY_FORM_UINT32, NULL},
    {4, "010203", NULL, REGISTRY_FORM_BYTES, NULL},
    {4, "", NULL, REGISTRY_FORM_BYTES, NULL},
    {5, "01020304", NULL, REGISTRY_FORM_UINT32, NULL},
    {5, "0102030405", NULL, REGISTRY_FORM_BYTES, NULL},
    {11, "0102030405060708", NULL, REGISTRY_FORM_UINT64, NULL},
    {11, "01020304", NULL, REGISTRY_FORM_BYTES, NULL},
    {0, "6100", NULL, REGISTRY_FORM_BYTES, NULL},
    {3, "", NULL, REGISTRY_FORM_BYTES, NULL},
    {8, "00", NULL, REGISTRY_FORM_BYTES, NULL},
    {0xffffffff, "6100", NULL, REGISTRY_FORM_BYTES, NULL},
};

static void check_text(const RegistryValue *value, const char *expected) {
  g_auto(GStrv) strings = registry_value_dup_strings(value);
  g_autofree char *string =
      strings != NULL ? g_strjoinv("|", strings) : registry_value_dup_string(value);
  if (expected != NULL && strcmp(expected, "") != 0)
    g_assert_cmpstr(string, ==, expected);
  gboolean text = registry_value_get_form(value) == REGISTRY_FORM_STRING ||
                  registry_value_get_form(value) == REGISTRY_FORM_STRINGS;
  g_assert_cmpint(string != NULL, ==, text);
}

static void test_rows(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GByteArray) given = from_hex(rows[i].given);
    g_autoptr(RegistryValue) value =
        registry_value_new_bytes(rows[i].type, given->data, given->len);
    g_autofree char *kept = to_hex(value);
    g_assert_cmpstr(kept, ==, rows[i].kept != NULL ? rows[i].kept : rows[i].given);
    g_assert_cmpuint(registry_value_get_type(value), ==, rows[i].type);
    g_assert_cmpint((int)registry_value_get_form(value), ==, (int)rows[i].form);
    check_text(value, rows[i].text);
    /* What was kept is kept again: storage gives back what it was given. */
    gsize size;
    const guint8 *bytes = registry_value_get_bytes(value, &size);
    g_autoptr(RegistryValue) again = registry_value_new_bytes(rows[i].type, bytes, size);
    g_assert_true(registry_value_equal(value, again));
  }
}

static void test_empty_lists(void) {
  const char *const lists[] = {"", "0000", "00000000"};
  for (gsize i = 0; i < G_N_ELEMENTS(lists); i++) {
    g_autoptr(GByteArray) given = from_hex(lists[i]);
    g_autoptr(RegistryValue) value = registry_value_new_bytes(7, given->data, given->len);
    g_auto(GStrv) strings = registry_value_dup_strings(value);
    g_assert_nonnull(strings);
    g_assert_null(strings[0]);
  }
  g_autoptr(RegistryValue) empty = registry_value_new_bytes(REGISTRY_SZ, NULL, 0);
  g_autofree char *text = registry_value_dup_string(empty);
  g_assert_cmpstr(text, ==, "");
}

static void check_hex(RegistryValue *value, const char *expected) {
  g_autoptr(RegistryValue) owned = value;
  g_assert_nonnull(owned);
  g_autofree char *hex = to_hex(owned);
  g_assert_cmpstr(hex, ==, expected);
}

static void test_written(void) {
  const char *const none[] = {NULL};
  const char *const two[] = {"a", "é", NULL};
  check_hex(registry_value_new_string(REGISTRY_SZ, "", NULL), "0000");
  check_hex(registry_value_new_string(REGISTRY_SZ, "a", NULL), "61000000");
  check_hex(registry_value_new_string(REGISTRY_EXPAND_SZ, "€", NULL), "ac200000");
  check_hex(registry_value_new_string(REGISTRY_SZ, "x\xf0\x9f\x98\x80", NULL), "78003dd800de0000");
  check_hex(registry_value_new_string(REGISTRY_LINK, "a", NULL), "6100");
  check_hex(registry_value_new_strings(none, NULL), "0000");
  check_hex(registry_value_new_strings(two, NULL), "61000000e90000000000");
  check_hex(registry_value_new_uint32(REGISTRY_DWORD, 0x01020304, NULL), "04030201");
  check_hex(registry_value_new_uint32(REGISTRY_DWORD_BIG_ENDIAN, 0x01020304, NULL), "01020304");
  check_hex(registry_value_new_uint64(0x0102030405060708), "0807060504030201");
}

static void test_refused(void) {
  const char *const empty_inside[] = {"a", "", "b", NULL};
  const char *const not_utf8[] = {"\xff", NULL};
  const struct {
    RegistryValue *(*make)(guint32, const char *, GError **);
    guint32 type;
    const char *text;
  } strings[] = {{registry_value_new_string, REGISTRY_MULTI_SZ, "a"},
                 {registry_value_new_string, REGISTRY_DWORD, "1"},
                 {registry_value_new_string, 0x2a, "1"},
                 {registry_value_new_string, REGISTRY_SZ, "\xed\xa0\x80"}};
  for (gsize i = 0; i < G_N_ELEMENTS(strings); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(strings[i].make(strings[i].type, strings[i].text, &error));
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
  }
  g_autoptr(GError) first = NULL;
  g_autoptr(GError) second = NULL;
  g_autoptr(GError) third = NULL;
  g_assert_null(registry_value_new_strings(empty_inside, &first));
  g_assert_error(first, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
  g_assert_null(registry_value_new_strings(not_utf8, &second));
  g_assert_error(second, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
  g_assert_null(registry_value_new_uint32(REGISTRY_QWORD, 1, &third));
  g_assert_error(third, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
}

static void test_numbers(void) {
  guint32 number = 0;
  guint64 wide = 0;
  g_autoptr(RegistryValue) little = value_new_uint32(REGISTRY_DWORD, 0xfedcba98);
  g_autoptr(RegistryValue) big = value_new_uint32(REGISTRY_DWORD_BIG_ENDIAN, 0xfedcba98);
  g_autoptr(RegistryValue) quad = registry_value_new_uint64(G_MAXUINT64 - 1);
  g_assert_true(registry_value_get_uint32(little, &number));
  g_assert_cmpuint(number, ==, 0xfedcba98);
  number = 0;
  g_assert_true(registry_value_get_uint32(big, &number));
  g_assert_cmpuint(number, ==, 0xfedcba98);
  g_assert_true(registry_value_get_uint64(quad, &wide));
  g_assert_cmpuint(wide, ==, G_MAXUINT64 - 1);
  g_assert_false(registry_value_get_uint32(quad, &number));
  g_assert_false(registry_value_get_uint64(little, &wide));
}

static void test_equal(void) {
  g_autoptr(RegistryValue) a = registry_value_new_bytes(REGISTRY_SZ, "a\0", 2);
  g_autoptr(RegistryValue) same = registry_value_new_string(REGISTRY_SZ, "a", NULL);
  g_autoptr(RegistryValue) other_type = registry_value_new_string(REGISTRY_EXPAND_SZ, "a", NULL);
  g_autoptr(RegistryValue) shorter = registry_value_new_string(REGISTRY_SZ, "", NULL);
  g_autoptr(RegistryValue) counted = registry_value_ref(a);
  g_assert_true(registry_value_equal(a, same));
  g_assert_true(registry_value_equal(a, counted));
  g_assert_false(registry_value_equal(a, other_type));
  g_assert_false(registry_value_equal(a, shorter));
  g_assert_false(registry_value_equal(a, NULL));
  g_assert_false(registry_value_equal(NULL, a));
  g_assert_true(registry_value_equal(NULL, NULL));
}

static const struct {
  const char *text;
  guint32 type; /* G_MAXUINT32 - 1: refused */
} types[] = {
    {"sz", 1},
    {"expand", 2},
    {"multi", 7},
    {"dword", 4},
    {"qword", 11},
    {"binary", 3},
    {"none", 0},
    {"dword-be", 5},
    {"link", 6},
    {"REG_SZ", 1},
    {"reg_qword", 11},
    {"Reg_Resource_List", 8},
    {"7", 7},
    {"0x2A", 42},
    {"0xffffffff", 0xffffffff},
    {"42", 42},
    {"4294967296", G_MAXUINT32 - 1},
    {"", G_MAXUINT32 - 1},
    {"0x", G_MAXUINT32 - 1},
    {"-1", G_MAXUINT32 - 1},
    {"string", G_MAXUINT32 - 1},
    {" 1", G_MAXUINT32 - 1},
    {"0x-1", G_MAXUINT32 - 1},
    {"0x0x1", G_MAXUINT32 - 1},
};

static void test_types(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
    guint32 type = G_MAXUINT32 - 1;
    g_assert_cmpint(registry_type_parse(types[i].text, &type), ==,
                    types[i].type != G_MAXUINT32 - 1);
    g_assert_cmpuint(type, ==, types[i].type);
  }
  for (guint32 i = 0; i <= REGISTRY_QWORD; i++) {
    guint32 type;
    g_assert_true(registry_type_parse(registry_type_get_name(i), &type));
    g_assert_cmpuint(type, ==, i);
  }
  g_assert_null(registry_type_get_name(12));
  g_autofree char *name = value_dup_type_name(0x2a);
  g_assert_cmpstr(name, ==, "type 0x2a");
}

/* Every code point there and back, among others. */
static void test_text_round_trip(void) {
  for (guint32 code_point = 1; code_point < 0x110000; code_point += code_point < 0x3000 ? 1 : 7) {
    if (code_point >= 0xD800 && code_point < 0xE000)
      continue;
    char text[16] = "ab";
    g_unichar_to_utf8(code_point, text + 2);
    g_autoptr(RegistryValue) value = registry_value_new_string(REGISTRY_SZ, text, NULL);
    g_autofree char *back = registry_value_dup_string(value);
    g_assert_cmpstr(back, ==, text);
  }
}

/* Nothing may be computed from a NULL, which UndefinedBehaviorSanitizer sees. */
static void test_no_bytes(void) {
  TextScan scan = {0};
  gsize length = 1;
  text_scan_utf16(NULL, 0, &scan);
  g_assert_true(scan.well_formed && scan.units == 0 && scan.trailing_nuls == 0);
  g_autofree char *text = text_utf16_to_utf8(NULL, 0, &length);
  g_assert_cmpstr(text, ==, "");
  g_assert_cmpuint(length, ==, 0);
}

static void test_text_for_message(void) {
  const struct {
    const char *text;
    gssize length;
    const char *shown;
  } texts[] = {
      {"abc", -1, "abc"}, {"abc", 2, "ab"}, {"a\x1b[1m\x7f", -1, "a\\x1b[1m\\x7f"}, {"", -1, ""}};
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
    g_autofree char *shown = text_for_message(texts[i].text, texts[i].length);
    g_assert_cmpstr(shown, ==, texts[i].shown);
  }
  g_autofree char *many = g_strnfill(1000, '\xff');
  g_autofree char *shown = text_for_message(many, -1);
  g_assert_cmpuint(strlen(shown), <=, 200);
  g_assert_true(g_utf8_validate(shown, -1, NULL));
  g_assert_true(g_str_has_suffix(shown, "…"));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/value/rows", test_rows);
  g_test_add_func("/value/empty-lists", test_empty_lists);
  g_test_add_func("/value/written", test_written);
  g_test_add_func("/value/refused", test_refused);
  g_test_add_func("/value/numbers", test_numbers);
  g_test_add_func("/value/equal", test_equal);
  g_test_add_func("/value/types", test_types);
  g_test_add_func("/value/text-round-trip", test_text_round_trip);
  g_test_add_func("/value/no-bytes", test_no_bytes);
  g_test_add_func("/value/text-for-message", test_text_for_message);
  return g_test_run();
}
