/* SPDX-License-Identifier: MIT */
/* Reading a .reg file in a test: pushed in pieces of one's choice, and what came
 * of it as text that can be compared. */
#ifndef TESTS_UNIT_SUPPORT_REGFILE_CHANGES_H
#define TESTS_UNIT_SUPPORT_REGFILE_CHANGES_H

#include "client/regfile/regfile.h"

#include <string.h>

/* How many bytes the next push takes, of @left. */
typedef gsize (*NextPiece)(gsize left, GRand *random);

static inline gsize piece_whole(gsize left, GRand *random) {
  (void)random;
  return left;
}

static inline gsize piece_of_one_byte(gsize left, GRand *random) {
  (void)left;
  (void)random;
  return 1;
}

static inline gsize piece_at_random(gsize left, GRand *random) {
  gsize piece = (gsize)g_rand_int_range(random, 0, 17);
  return MIN(left, piece);
}

/* NULL and *@error: refused. @report may be NULL; its reason is the caller's. */
static inline Change *read_regfile(const char *bytes, gsize size, NextPiece next, GRand *random,
                                   gboolean strict, RegfileReport *report, GError **error) {
  g_autoptr(RegfileParser) parser = regfile_parser_new(strict);
  Change *change = NULL;
  gboolean going = TRUE;
  for (gsize at = 0; going && at < size;) {
    gsize piece = next(size - at, random);
    going = regfile_parser_push(parser, bytes + at, piece, error);
    at += piece;
  }
  if (going)
    change = regfile_parser_finish(parser, error);
  if (report != NULL) {
    *report = *regfile_parser_get_report(parser);
    report->first_reason = g_strdup(report->first_reason);
  }
  return change;
}

static inline void append_value(GString *text, const RegistryValue *value) {
  gsize size;
  const guint8 *bytes = registry_value_get_bytes(value, &size);
  g_string_append_printf(text, " %x:", registry_value_get_type(value));
  for (gsize i = 0; i < size; i++)
    g_string_append_printf(text, "%02x", bytes[i]);
}

/* One operation a line: `set-value KEY|NAME TYPE:HEX`. */
static inline char *describe_change(const Change *change) {
  GString *text = g_string_new(NULL);
  for (guint i = 0; i < change->operations->len; i++) {
    const Operation *operation = g_ptr_array_index(change->operations, i);
    g_string_append_printf(text, "%s%s %s", operation_kind_get_name(operation->kind),
                           (operation->flags & OPERATION_TOLERANT) != 0 ? "?" : "", operation->key);
    if (operation->name != NULL)
      g_string_append_printf(text, "|%s", operation->name);
    if (operation->value != NULL)
      append_value(text, operation->value);
    if (operation->target != NULL)
      g_string_append_printf(text, " -> %s", operation->target);
    g_string_append_c(text, '\n');
  }
  return g_string_free(text, FALSE);
}

/* All that can be seen of reading a file. */
static inline char *describe_reading(const char *bytes, gsize size, NextPiece next, GRand *random) {
  g_autoptr(GError) error = NULL;
  RegfileReport report;
  g_autoptr(Change) change = read_regfile(bytes, size, next, random, FALSE, &report, &error);
  g_autofree char *reason = report.first_reason;
  g_assert_true((change != NULL) == (error == NULL));
  if (change == NULL)
    return g_strdup_printf("refused: %s\n", error->message);
  g_autofree char *operations = describe_change(change);
  return g_strdup_printf("%signored %u, first %u: %s; guessed %u, first %u\n", operations,
                         report.lines_ignored, report.first_ignored_line, reason,
                         report.lines_guessed, report.first_guessed_line);
}

/* Asserts that the reading does not depend on how the file is cut. */
static inline void check_every_cut(const char *bytes, gsize size) {
  g_autoptr(GRand) random = g_rand_new_with_seed(20);
  g_autofree char *whole = describe_reading(bytes, size, piece_whole, NULL);
  g_autofree char *single = describe_reading(bytes, size, piece_of_one_byte, NULL);
  g_assert_cmpstr(whole, ==, single);
  for (int i = 0; i < 20; i++) {
    g_autofree char *cut = describe_reading(bytes, size, piece_at_random, random);
    g_assert_cmpstr(whole, ==, cut);
  }
}

#endif
