/* SPDX-License-Identifier: MIT */
/* A .reg file of a stranger's: however it is cut it reads the same, what it
 * gives is valid, and what was read can be printed and read again. */
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/support/regfile-changes.h"

static void check_operation(const Operation *operation) {
  g_autoptr(Path) path = path_parse(operation->key, NULL);
  g_assert_true(path != NULL && path->root != PATH_ROOT_ABOVE);
  if (operation->name != NULL)
    g_assert_true(path_check_value_name(operation->name, NULL));
  if (operation->target != NULL)
    path_free(path_parse(operation->target, NULL));
}

/* What a printed file can say: keys and their values. */
static gboolean is_printable(const Operation *operation) {
  return operation->kind == OPERATION_CREATE_KEY || operation->kind == OPERATION_SET_VALUE;
}

static void print_operation(RegfilePrinter *printer, const Operation *operation, Change *printed,
                            GByteArray *out) {
  if (operation->kind == OPERATION_CREATE_KEY) {
    regfile_printer_key(printer, operation->key, out);
    change_add(printed, OPERATION_CREATE_KEY, operation->key);
  } else {
    regfile_printer_value(printer, operation->name, operation->value, out);
    change_add_set_value(printed, operation->key, operation->name, operation->value);
  }
}

static void check_round_trip(const Change *change, RegfileVersion version,
                             RegfileEncoding encoding) {
  g_autoptr(RegfilePrinter) printer = regfile_printer_new(version, encoding);
  g_autoptr(GByteArray) out = g_byte_array_new();
  g_autoptr(Change) printed = change_new();
  const char *key = NULL;
  regfile_printer_begin(printer, out);
  for (guint i = 0; i < change->operations->len; i++) {
    const Operation *operation = g_ptr_array_index(change->operations, i);
    if (operation->kind == OPERATION_CREATE_KEY)
      key = operation->key;
    /* The key line of a value may have become a link. */
    if (is_printable(operation) && key != NULL && g_str_equal(key, operation->key))
      print_operation(printer, operation, printed, out);
  }
  regfile_printer_end(printer, out);
  g_autofree char *expected = describe_change(printed);
  g_autoptr(GError) error = NULL;
  g_autoptr(Change) again =
      read_regfile((const char *)out->data, out->len, piece_whole, NULL, TRUE, NULL, &error);
  g_assert_no_error(error);
  g_autofree char *found = describe_change(again);
  g_assert_cmpstr(found, ==, expected);
}

static void check_change(const Change *change) {
  for (guint i = 0; i < change->operations->len; i++)
    check_operation(g_ptr_array_index(change->operations, i));
  check_round_trip(change, REGFILE_VERSION_5, REGFILE_UTF16);
  check_round_trip(change, REGFILE_VERSION_5, REGFILE_UTF8);
  check_round_trip(change, REGFILE_VERSION_4, REGFILE_UTF8);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  const char *bytes = (const char *)data;
  g_autoptr(GRand) random = g_rand_new_with_seed((guint32)size);
  g_autofree char *whole = describe_reading(bytes, size, piece_whole, NULL);
  g_autofree char *cut = describe_reading(bytes, size, piece_at_random, random);
  g_assert_cmpstr(whole, ==, cut);
  g_autoptr(Change) change = read_regfile(bytes, size, piece_of_one_byte, NULL, FALSE, NULL, NULL);
  if (change != NULL)
    check_change(change);
  return 0;
}
