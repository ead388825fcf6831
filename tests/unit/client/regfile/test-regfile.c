/* SPDX-License-Identifier: MIT */
/* .reg files: what is beside the cases of reg-cases.json: what is counted and
 * why, limits, links, encodings, and that nothing is lost on the way out and in. */
#include "client/base/error.h"
#include "client/base/protocol.h"
#include "client/base/value.h"
#include "tests/unit/support/regfile-changes.h"

#define V4 "REGEDIT4\n"
#define V5 "Windows Registry Editor Version 5.00\n"
#define K "[HKLM\\K]\n"
#define MADE_K "create-key HKLM\\K\n"

static const struct {
  const char *text;
  const char *operations;
  guint32 ignored;
  guint32 first;
} rows[] = {
    /* what counts, and what does not */
    {V4 "\n \t\n;c\n #c\n" K, MADE_K, 0, 0},
    {V4 "garbage\n" K "more\n", MADE_K, 2, 2},
    {V4 "\"early\"=\"1\"\n@=-\n" K, MADE_K, 2, 2},
    {V4 "[HKXX\\K]\n\"a\"=\"1\"\n;c\n\"b\"=hex:01,\\\n  02\n", "", 4, 2},
    {V4 "[-HKLM\\K]\n\"a\"=\"1\"\n", "delete-tree? HKLM\\K\n", 1, 3},
    {V4 K "[HKLM\\a\\\\b]\n\"lost\"=\"1\"\n", MADE_K, 2, 3},
    /* a key line that can't be read: what follows belongs to no key */
    {V4 K "[ HKLM\\b]\n\"a\"=-\n", MADE_K, 2, 3},
    {V4 K "[HKLM\\b\n\"a\"=-\n[HKLM]\n@=-\n", MADE_K "create-key HKLM\ndelete-value? HKLM|\n", 2,
     3},
    {V4 K "[HKLM\\b\nc]\n\"a\"=-\n", MADE_K, 3, 3},
    {V4 K "HKLM\\b]\n\"a\"=-\n", MADE_K, 2, 3},
    {V4 K " hkey_local_machine]\n\"a\"=-\n", MADE_K, 2, 3},
    {V4 K "HKLMX\\b]\n\"a\"=-\n", MADE_K "delete-value? HKLM\\K|a\n", 1, 3},
    {V4 K "[\n\"a\"=-\n", MADE_K, 2, 3},
    /* text over several lines */
    {V4 K "\"a\"=\"x\n@=-\n[HKLM\\L]\r\n-HKU\ry\"\n@=-\n",
     MADE_K "set-value HKLM\\K|a "
            "1:78000a0040003d002d000a005b0048004b004c004d004c005d000d000a002d0048004b0055000d00"
            "79000000\ndelete-value? HKLM\\K|\n",
     0, 0},
    {V4 K "@=\"\n\n\" ; said\n", MADE_K "set-value HKLM\\K| 1:0a000a000000\n", 0, 0},
    {V4 K "@=\"x\\\\\n\\\"y\"\n", MADE_K "set-value HKLM\\K| 1:78005c000a00220079000000\n", 0, 0},
    {V4 "@=\"x\n[HKLM\\L]\n\"\n" K, MADE_K, 3, 2},
    {V4 K "@=\"x\\0\n[HKLM\\L]\n\"\n", MADE_K, 3, 3},
    /* text of other types, as Wine writes it */
    {V4 K "@=str(2):\"%a%\"\n\"l\"=str(7):\"a\\0b\\0\"\n\"m\"=str(7):\"a\"\n\"s\"=str(1):\"x\"\n",
     MADE_K "set-value HKLM\\K| 2:2500610025000000\nset-value HKLM\\K|l 7:6100000062000000"
            "0000\nset-value HKLM\\K|m 7:61000000\nset-value HKLM\\K|s 1:78000000\n",
     0, 0},
    {V4 K "@=str(2):\"a\n[HKLM]\"\n",
     MADE_K "set-value HKLM\\K| 2:61000a005b0048004b004c004d005d000000\n", 0, 0},
    {V4 K "@=str(3):\"a\"\n@=str():\"a\"\n@=str(2):a\n@=str(2):\"a\\0b\"\n@=str(2:\"a\"\n", MADE_K,
     5, 3},
    /* a quote that is really missing: the lines behind it are lines of their own */
    {V4 K "@=\"x\n\"b\"=-\n", MADE_K "delete-value? HKLM\\K|b\n", 1, 3},
    {V4 K "@=\"x\n[HKLM\\K]\n\n\"b\"=-\n", MADE_K MADE_K "delete-value? HKLM\\K|b\n", 1, 3},
    {V4 K "@=\"x\n[HKLM\\K]\n", MADE_K MADE_K, 1, 3},
    {V4 K "@=\"x\ny\\\n\"\n[HKLM\\K]\n", MADE_K MADE_K, 3, 3},
    {V4 K "@=\"x\n@=\"y\n@=\"z\"\n", MADE_K "set-value HKLM\\K| 1:7a000000\n", 2, 3},
    {V4 "[]\n[-]\n[\\]\n[-HKLM]\n[-HKCU\\]\n", "", 5, 2},
    {V4 "[HKLM\\K\\\\\\\\]\n[-hku\\x\\\\]\n", MADE_K "delete-tree? hku\\x\n", 0, 0},
    {V4 "[HKLM\\a]b] c\n", "create-key HKLM\\a]b\n", 0, 0},
    {V4 "[HKLM]\n", "create-key HKLM\n", 0, 0},
    /* values that break off */
    {V4 K "\"a\"=hex:01,\\\n\"b\"=\"x\"\n\"c\"=-\n", MADE_K "delete-value? HKLM\\K|c\n", 2, 3},
    {V4 K "\"a\"=hex:01,\\\n#x\n\"c\"=-\n", MADE_K "delete-value? HKLM\\K|c\n", 1, 3},
    {V4 K "\"a\"=hex:01,\\\n\n;c\n02,\\\n[HKLM\\L]\n", MADE_K, 3, 3},
    {V4 K "\"a\"=hex:01\\\n02\n", MADE_K, 2, 3},
    {V4 K "\"a\"=hex:\\", MADE_K "set-value HKLM\\K|a 3:\n", 0, 0},
    {V4 K "\"a\"=hex(7):61,00,\\\n", MADE_K "set-value HKLM\\K|a 7:61000000\n", 0, 0},
    {V4 K "\"a\"=hex(7):61,\\\n", MADE_K "set-value HKLM\\K|a 7:61000000\n", 0, 0},
    /* forms of data */
    {V4 K "\"a\"=\"x\\0y\"\n\"b\\0\"=-\n", MADE_K, 2, 3},
    {V4 K "\"a\\nb\"=\"1\"\n\"\tb\"=\"1\"\n",
     MADE_K "set-value HKLM\\K|a\nb 1:31000000\nset-value HKLM\\K|\tb 1:31000000\n", 0, 0},
    {V4 K "\"a\"=\"x\\\n\"b\n\"c\"=\"\\r\\n\"\n", MADE_K "set-value HKLM\\K|c 1:0d000a000000\n", 2,
     3},
    {V4 K "@\n\"a\"\n\"a\"x=\"1\"\n@=\n@=DWORD:1\n@=Hex:1\n@=qword:1\n", MADE_K, 7, 3},
    {V4 K "@=hex():1\n@=hex(g):1\n@=hex(1\n@=hex(100000000):1\n@=hex(0x1):1\n@=hex( 1):1\n", MADE_K,
     6, 3},
    {V4 K "@=hex(ffffffff):1\n", MADE_K "set-value HKLM\\K| ffffffff:01\n", 0, 0},
    {V4 K "@=hex:,\n@=hex:1,,2\n@=hex:001\n@=hex:1 2\n@=hex:1,\\x\n", MADE_K, 5, 3},
    {V4 K "@=dword:\n@=dword:-1\n@=dword:+1\n@=dword:1 2\n", MADE_K, 4, 3},
    /* text in hex goes by the header */
    {V4 K "@=hex(2):80,81,e9\n", MADE_K "set-value HKLM\\K| 2:ac208100e9000000\n", 0, 0},
    {V5 K "@=hex(2):ac,20\n", MADE_K "set-value HKLM\\K| 2:ac200000\n", 0, 0},
    {V5 K "@=hex(1):61\n", MADE_K "set-value HKLM\\K| 1:61\n", 0, 0},
    {V4 K "@=hex(1):3d,d8;UTF-16\n", MADE_K "set-value HKLM\\K| 1:3dd8\n", 0, 0},
    {V4 K "@=hex(1):61 ;UTF-16 \n", MADE_K "set-value HKLM\\K| 1:61000000\n", 0, 0},
    /* 8-bit lines, each by itself */
    {"\xef\xbb\xbf" V5 K "\"é\"=\"é\"\n", MADE_K "set-value HKLM\\K|é 1:e9000000\n", 0, 0},
    /* links */
    {V4 K "\"symboliclinkvalue\"=hex(6):48,00,4b,00,55,00\n", "create-link HKLM\\K -> HKU\n", 0, 0},
    {V4 K "\"a\"=-\n\"SymbolicLinkValue\"=hex(6):48,00,4b,00,55,00,00,00\n",
     MADE_K "delete-value? HKLM\\K|a\ncreate-link HKLM\\K -> HKU\n", 0, 0},
    {V4 K "\"SymbolicLinkValue\"=hex(6):48,00,4b\n\"SymbolicLinkValue\"=hex(6):\n", MADE_K, 2, 3},
    {V4 K "\"SymbolicLinkValue\"=\"HKU\"\n",
     MADE_K "set-value HKLM\\K|SymbolicLinkValue 1:48004b0055000000\n", 0, 0},
    {V4 K "\"SymbolicLinkValue\"=-\n", MADE_K "delete-value? HKLM\\K|SymbolicLinkValue\n", 0, 0},
    /* headers */
    {"REGEDIT5\n" K "@=\"x\"\n\n;c\n", "", 3, 1},
    {"REGEDIT\nHKEY_CLASSES_ROOT\\a = x\n HKEY_CLASSES_ROOT\\b\nHKEY_CLASSES_ROOTX\\b\n;c\n[a]\n",
     "create-key HKEY_CLASSES_ROOT\\a\nset-value HKEY_CLASSES_ROOT\\a| 1:78000000\n", 3, 3},
    {"REGEDIT\nHKEY_CLASSES_ROOT\\a\nHKEY_CLASSES_ROOT\\b\\\t=\n",
     "create-key HKEY_CLASSES_ROOT\\a\nset-value HKEY_CLASSES_ROOT\\a| 1:0000\n"
     "create-key HKEY_CLASSES_ROOT\\b\nset-value HKEY_CLASSES_ROOT\\b| 1:0000\n",
     0, 0},
};

/* Lines that are not UTF-8; comments do not count. */
static const struct {
  const char *text;
  const char *operations;
  guint32 ignored;
  guint32 first;
  guint32 guessed;
} guessing_rows[] = {
    {V4 K "@=\"x\n;\xe9\n#\xe9\"\n;\xe9\n",
     MADE_K "set-value HKLM\\K| 1:78000a003b00e9000a002300e9000000\n", 0, 0, 2},
    {V4 K "\"\xe9\"=\"\x80\"\n\"\xc3\xa9\"=\"\xe2\x82\xac\"\n",
     MADE_K "set-value HKLM\\K|é 1:ac200000\nset-value HKLM\\K|é 1:ac200000\n", 0, 0, 1},
    {V4 ";\xe9\n#\xe9\n" K, MADE_K, 0, 0, 0},
    {V4 "\xe9\n" K "@=\"\n\xe9\n\xe9\"\n", MADE_K "set-value HKLM\\K| 1:0a00e9000a00e9000000\n", 1,
     2, 3},
    {V4 K "@=\"\xe9\n\xc3\xa9\"\n", MADE_K "set-value HKLM\\K| 1:e9000a00e9000000\n", 0, 0, 1},
};

static void check_row(const char *bytes, gsize size, const char *operations, guint32 ignored,
                      guint32 first) {
  g_autoptr(GError) error = NULL;
  RegfileReport report;
  g_autoptr(Change) change = read_regfile(bytes, size, piece_whole, NULL, FALSE, &report, &error);
  g_autofree char *reason = report.first_reason;
  g_assert_no_error(error);
  g_autofree char *found = describe_change(change);
  g_assert_cmpstr(found, ==, operations);
  g_assert_cmpuint(report.lines_ignored, ==, ignored);
  g_assert_cmpuint(report.first_ignored_line, ==, first);
  g_assert_cmpint(reason != NULL, ==, ignored > 0);
  check_every_cut(bytes, size);
}

static void check_guesses(const char *bytes, gsize size, guint32 guessed) {
  g_autoptr(GError) error = NULL;
  RegfileReport report;
  g_autoptr(Change) change = read_regfile(bytes, size, piece_whole, NULL, FALSE, &report, &error);
  g_autofree char *reason = report.first_reason;
  g_assert_cmpuint(report.lines_guessed, ==, guessed);
  g_assert_cmpint(report.first_guessed_line != 0, ==, guessed != 0);
}

static void test_rows(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    check_row(rows[i].text, strlen(rows[i].text), rows[i].operations, rows[i].ignored,
              rows[i].first);
    check_guesses(rows[i].text, strlen(rows[i].text), 0);
  }
}

static void test_guesses(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(guessing_rows); i++) {
    gsize size = strlen(guessing_rows[i].text);
    check_row(guessing_rows[i].text, size, guessing_rows[i].operations, guessing_rows[i].ignored,
              guessing_rows[i].first);
    check_guesses(guessing_rows[i].text, size, guessing_rows[i].guessed);
    g_autoptr(GError) error = NULL;
    g_autoptr(Change) change =
        read_regfile(guessing_rows[i].text, size, piece_whole, NULL, TRUE, NULL, &error);
    g_assert_cmpint(change == NULL, ==, guessing_rows[i].guessed > 0);
  }
}

/* The same rows, each line the whole of a UTF-16 file. */
static void test_rows_in_utf16(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    if (!g_utf8_validate(rows[i].text, -1, NULL) || g_str_has_prefix(rows[i].text, "\xef\xbb\xbf"))
      continue;
    g_autoptr(RegistryValue) text = registry_value_new_string(REGISTRY_LINK, rows[i].text, NULL);
    gsize size;
    const guint8 *units = registry_value_get_bytes(text, &size);
    g_autofree char *file = g_malloc(size + 2);
    memcpy(file, "\xff\xfe", 2);
    memcpy(file + 2, units, size);
    check_row(file, size + 2, rows[i].operations, rows[i].ignored, rows[i].first);
  }
}

static void test_strict(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Change) change =
        read_regfile(rows[i].text, strlen(rows[i].text), piece_whole, NULL, TRUE, NULL, &error);
    g_assert_cmpint(change == NULL, ==, rows[i].ignored > 0);
    if (change == NULL) {
      g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
      g_autofree char *line = g_strdup_printf("line %u: ", rows[i].first);
      g_assert_true(g_str_has_prefix(error->message, line));
    }
  }
}

static const struct {
  const char *bytes;
  gsize size;
} refused[] = {
    {"", 0},
    {"R", 1},
    {"\xff\xfe", 2},
    {"\xef\xbb\xbf", 3},
    {"\xfe\xff\0R\0E\0G", 8},
    {"R\0E\0G\0E\0D\0I\0T\0004\0\n\0", 18},
    {"\nREGEDIT4\n", 10},
    {"regedit4\n", 9},
    {";REGEDIT4\n", 10},
    {"Windows Registry Editor Version 5\n", 34},
    {"windows registry editor version 5.00\n", 37},
    {"\xff\xfeR", 3},
};

static void test_refused(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(
        read_regfile(refused[i].bytes, refused[i].size, piece_whole, NULL, FALSE, NULL, &error));
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
    check_every_cut(refused[i].bytes, refused[i].size);
  }
}

/* A first line that is refused, and what must be said of it. */
static const struct {
  const char *text;
  const char *reason;
} heads[] = {
    {"Windows Registry Editor Version 5.00 \n", "follows the header"},
    {"Windows Registry Editor Version 5.00\t\n", "follows the header"},
    {"Windows Registry Editor Version 5.001\n", "follows the header"},
    {"windows registry editor version 5.00\n", "must be spelled"},
    {"regedit4\n", "must be spelled"},
    {"\nREGEDIT4\n", "empty line"},
    {"regf\1\2\n", "a hive"},
    {"WINE REGISTRY Version 2\n", "Wine"},
    {"{\"keys\":[]}\n", "JSON"},
    {"[HKLM\\K]\n", "must be the header"},
    {"hello\n", "neither"},
};

static void test_heads(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(heads); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(
        read_regfile(heads[i].text, strlen(heads[i].text), piece_whole, NULL, FALSE, NULL, &error));
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
    g_assert_true(regfile_error_is_of_head(error));
    g_assert_nonnull(strstr(error->message, heads[i].reason));
  }
}

/* What the named encoding makes of a file; NULL @operations: it is refused. */
static const struct {
  const char *encoding;
  const char *text;
  const char *operations;
} named_encodings[] = {
    /* the second byte of a character can be a backslash or a bracket */
    {"cp932", V4 "[HKLM\\\x83\x5c]\n@=\"\x95\x5c\"\n\"\x83\x5d\"=\"x\"\n",
     "create-key HKLM\\ソ\nset-value HKLM\\ソ| 1:68880000\nset-value HKLM\\ソ|ゾ 1:78000000\n"},
    {"GBK", V4 K "@=\"\x95\x5c\"\n", MADE_K "set-value HKLM\\K| 1:1e660000\n"},
    {"cp1251", V4 K "@=\"\xc0\"\n", MADE_K "set-value HKLM\\K| 1:10040000\n"},
    {"WINDOWS-1252", V4 K "@=\"\xc3\xa9\"\n", MADE_K "set-value HKLM\\K| 1:c300a9000000\n"},
    /* text in hex of a file of version 4 is of that encoding too */
    {"cp932", V4 K "@=hex(2):95,5c,00\n", MADE_K "set-value HKLM\\K| 2:68880000\n"},
    {"cp932", V4 K "@=hex(7):95,00\n@=-\n", MADE_K "delete-value? HKLM\\K|\n"},
    {"cp932", V5 K "@=hex(2):68,88\n", MADE_K "set-value HKLM\\K| 2:68880000\n"},
    /* a byte-order mark knows better */
    {"cp932", "\xef\xbb\xbf" V4 K "@=\"é\"\n", MADE_K "set-value HKLM\\K| 1:e9000000\n"},
    /* not what it was said to be */
    {"cp932", V4 K "@=\"\x95\"\n", NULL},
    {"utf-8", V4 K "@=\"\xe9\"\n", NULL},
    {"cp932", V4 K "@=\"x\"\n\x95", NULL},
};

static char *read_encoded(const char *encoding, const char *text, NextPiece next) {
  g_autoptr(GError) error = NULL;
  g_autoptr(RegfileParser) parser = regfile_parser_new(FALSE);
  g_assert_true(regfile_parser_set_encoding(parser, encoding, &error));
  gsize size = strlen(text);
  gboolean going = TRUE;
  for (gsize at = 0, piece; going && at < size; at += piece) {
    piece = next(size - at, NULL);
    going = regfile_parser_push(parser, text + at, piece, &error);
  }
  g_autoptr(Change) change = going ? regfile_parser_finish(parser, &error) : NULL;
  g_assert_cmpuint(regfile_parser_get_report(parser)->lines_guessed, ==, 0);
  if (change != NULL)
    return describe_change(change);
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
  return NULL;
}

static void test_encodings(void) {
  static const char *const unknown[] = {"", "cp93200", "cp932//TRANSLIT", "../x", "a\nb"};
  for (gsize i = 0; i < G_N_ELEMENTS(named_encodings); i++) {
    g_autofree char *whole =
        read_encoded(named_encodings[i].encoding, named_encodings[i].text, piece_whole);
    g_autofree char *cut =
        read_encoded(named_encodings[i].encoding, named_encodings[i].text, piece_of_one_byte);
    g_assert_cmpstr(whole, ==, named_encodings[i].operations);
    g_assert_cmpstr(cut, ==, named_encodings[i].operations);
  }
  for (gsize i = 0; i < G_N_ELEMENTS(unknown); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(RegfileParser) parser = regfile_parser_new(FALSE);
    g_assert_false(regfile_parser_set_encoding(parser, unknown[i], &error));
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
  }
}

/* Lone surrogates: kept in strings, impossible in names. */
static void test_surrogates(void) {
  static const char file[] = "\xff\xfeR\0E\0G\0E\0D\0I\0T\0004\0\n\0"
                             "[\0H\0K\0U\0]\0\n\0"
                             "@\0=\0\"\0\x3d\xd8x\0\x3d\xd8\0\xde\"\0\n\0"
                             "\"\0\0\xde\"\0=\0-\0\n\0"
                             "@\0=\0\"\0\x3d\xd8";
  check_row(file, sizeof file - 1, "create-key HKU\nset-value HKU| 1:3dd878003dd800de0000\n", 2, 4);
  /* Half a character at the end could be any: nothing is taken of its line. */
  static const char cut[] = "\xff\xfeR\0E\0G\0E\0D\0I\0T\0004\0\n\0[\0H\0K\0U\0]\0\n\0"
                            "@\0=\0d\0w\0o\0r\0d\0:\0001\0002";
  check_row(cut, sizeof cut - 1, "create-key HKU\n", 1, 3);
}

static void test_nul_ends_the_file(void) {
  static const char file[] = V4 K "\"a\"=hex:01,\\\n0\0\n;c\n\"b\"=\"x\"\n" K;
  check_row(file, sizeof file - 1, MADE_K, 4, 3);
}

/* ---- limits ---- */

static void expect_limit(const char *start, const char *unit, gsize count) {
  g_autoptr(GError) error = NULL;
  g_autoptr(RegfileParser) parser = regfile_parser_new(FALSE);
  gboolean going = regfile_parser_push(parser, start, strlen(start), &error);
  for (gsize i = 0; going && i < count; i++)
    going = regfile_parser_push(parser, unit, strlen(unit), &error);
  g_assert_false(going);
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_LIMIT_EXCEEDED);
}

static void test_limits(void) {
  g_autofree char *blanks = g_strnfill(1 << 20, ' ');
  g_autoptr(GString) lines = g_string_new(NULL);
  while (lines->len < 1 << 20)
    g_string_append(lines, "00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,\\\n");
  expect_limit(V4, blanks, 17);
  expect_limit(V4 K "@=hex:\\\n", lines->str, 60);
}

/* Takes half a gigabyte: with -m slow only. */
static void test_operation_limit(void) {
  if (!g_test_slow()) {
    g_test_skip("needs much memory; run with -m slow");
    return;
  }
  g_autoptr(GString) lines = g_string_new(NULL);
  for (int i = 0; i < 1000; i++)
    g_string_append(lines, "@=-\n");
  expect_limit(V4 K, lines->str, LIMIT_REGFILE_OPERATIONS / 1000 + 1);
}

/* ---- printing ---- */

static char *print_one(RegfileVersion version, const char *name, const RegistryValue *value) {
  g_autoptr(RegfilePrinter) printer = regfile_printer_new(version, REGFILE_UTF8);
  g_autoptr(GByteArray) out = g_byte_array_new();
  regfile_printer_value(printer, name, value, out);
  return g_strndup((const char *)out->data, out->len);
}

static const struct {
  guint32 type;
  const char *bytes;
  gsize size;
  const char *version_5;
  const char *version_4; /* NULL: the same */
} prints[] = {
    {1, "a\0\"\0\\\0\t\0", 8, "\"n\"=\"a\\\"\\\\\t\"\r\n", NULL},
    {1, "a\0\n\0", 4, "\"n\"=hex(1):61,00,0a,00,00,00\r\n", "\"n\"=hex(1):61,0a,00\r\n"},
    {1, "\r\0", 2, "\"n\"=hex(1):0d,00,00,00\r\n", "\"n\"=hex(1):0d,00\r\n"},
    {1, "", 0, "\"n\"=hex(1):\r\n", NULL},
    {1, "\0\0", 2, "\"n\"=\"\"\r\n", NULL},
    {1, "a\0\0\0b\0\0\0", 8, "\"n\"=hex(1):61,00,00,00,62,00,00,00\r\n",
     "\"n\"=hex(1):61,00,62,00\r\n"},
    {1, "\x3d\xd8", 2, "\"n\"=hex(1):3d,d8\r\n", "\"n\"=hex(1):3d,d8;UTF-16\r\n"},
    {1, "a", 1, "\"n\"=hex(1):61\r\n", "\"n\"=hex(1):61;UTF-16\r\n"},
    {2, "\xac\x20", 2, "\"n\"=hex(2):ac,20,00,00\r\n", "\"n\"=hex(2):80,00\r\n"},
    {2, "\xe5\x65", 2, "\"n\"=hex(2):e5,65,00,00\r\n", "\"n\"=hex(2):e5,65,00,00;UTF-16\r\n"},
    {4, "\1\2\3\4", 4, "\"n\"=dword:04030201\r\n", NULL},
    {4, "", 0, "\"n\"=hex(4):\r\n", NULL},
    {5, "\1\2\3\4", 4, "\"n\"=hex(5):01,02,03,04\r\n", NULL},
    {3, "\xff", 1, "\"n\"=hex:ff\r\n", NULL},
    {0xabcdef01, "", 0, "\"n\"=hex(abcdef01):\r\n", NULL},
};

static void test_prints(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(prints); i++) {
    g_autoptr(RegistryValue) value =
        registry_value_new_bytes(prints[i].type, prints[i].bytes, prints[i].size);
    g_autofree char *version_5 = print_one(REGFILE_VERSION_5, "n", value);
    g_autofree char *version_4 = print_one(REGFILE_VERSION_4, "n", value);
    g_assert_cmpstr(version_5, ==, prints[i].version_5);
    g_assert_cmpstr(version_4, ==,
                    prints[i].version_4 != NULL ? prints[i].version_4 : prints[i].version_5);
  }
}

static void test_layout(void) {
  guint8 bytes[60] = {0};
  g_autoptr(RegistryValue) value = registry_value_new_bytes(REGISTRY_BINARY, bytes, sizeof bytes);
  g_autoptr(RegfilePrinter) printer = regfile_printer_new(REGFILE_VERSION_5, REGFILE_UTF8);
  g_autoptr(GByteArray) out = g_byte_array_new();
  g_autofree char *name = g_strnfill(100, 'x');
  regfile_printer_begin(printer, out);
  regfile_printer_key(printer, "HKEY_USERS\\a", out);
  regfile_printer_value(printer, "", value, out);
  regfile_printer_key(printer, "HKEY_USERS\\a\\b", out);
  regfile_printer_value(printer, name, value, out);
  regfile_printer_end(printer, out);
  g_autofree char *text = g_strndup((const char *)out->data, out->len);
  g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);
  g_assert_cmpstr(lines[0], ==, "Windows Registry Editor Version 5.00");
  g_assert_cmpstr(lines[1], ==, "");
  g_assert_cmpstr(lines[2], ==, "[HKEY_USERS\\a]");
  /* 6 columns and 24 bytes, 25 bytes, 11 bytes */
  g_assert_cmpuint(strlen(lines[3]), ==, 6 + 24 * 3 + 1);
  g_assert_true(g_str_has_suffix(lines[3], "00,\\"));
  g_assert_cmpuint(strlen(lines[4]), ==, 2 + 25 * 3 + 1);
  g_assert_cmpuint(strlen(lines[5]), ==, 2 + 11 * 3 - 1);
  g_assert_cmpstr(lines[6], ==, "");
  g_assert_cmpstr(lines[7], ==, "[HKEY_USERS\\a\\b]");
  g_assert_true(g_str_has_suffix(lines[8], "x\"=hex:00,\\"));
  /* 59 bytes are left: 25, 25 and 9 */
  g_assert_cmpuint(strlen(lines[11]), ==, 2 + 9 * 3 - 1);
  g_assert_cmpstr(lines[12], ==, "");
  g_assert_cmpstr(lines[13], ==, "");
  g_assert_null(lines[14]);
}

static RegistryValue *make_random_value(GRand *random) {
  static const guint32 types[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0xffffffff};
  static const guint16 units[] = {0,    'a',    '\\',   '"',    '\r',   '\n',   ';',    0x80,
                                  0xe9, 0x20ac, 0x65e5, 0xd83d, 0xde00, 0xfeff, 0xffff, 0x81};
  guint8 bytes[200];
  gsize size = (gsize)g_rand_int_range(random, 0, (gint32)sizeof bytes);
  if (g_rand_boolean(random))
    size = (gsize)g_rand_int_range(random, 0, 9);
  for (gsize i = 0; i < size; i++) {
    guint16 unit = units[g_rand_int_range(random, 0, G_N_ELEMENTS(units))];
    bytes[i] = (guint8)unit;
    if (i + 1 < size)
      bytes[++i] = (guint8)(unit >> 8);
  }
  guint32 type = types[g_rand_int_range(random, 0, G_N_ELEMENTS(types))];
  return registry_value_new_bytes(type, bytes, size);
}

static char *make_random_name(GRand *random, int number) {
  static const char *const parts[] = {"",  "a", "\\", "\"", "é",  "]",
                                      ";", "=", "@",  " ",  "日", "\\0"};
  const char *first = parts[g_rand_int_range(random, 0, G_N_ELEMENTS(parts))];
  const char *last = parts[g_rand_int_range(random, 0, G_N_ELEMENTS(parts))];
  return g_strdup_printf("%s%d%s", first, number, last);
}

static void check_round_trip(RegfileVersion version, RegfileEncoding encoding, guint32 seed) {
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  g_autoptr(RegfilePrinter) printer = regfile_printer_new(version, encoding);
  g_autoptr(GByteArray) out = g_byte_array_new();
  g_autoptr(Change) expected = change_new();
  const char *const keys[] = {"HKEY_USERS", "HKEY_USERS\\a]b", "HKEY_USERS\\日 é\\[;\"@ "};
  regfile_printer_begin(printer, out);
  for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
    regfile_printer_key(printer, keys[i], out);
    change_add(expected, OPERATION_CREATE_KEY, keys[i]);
    for (int j = 0; j < 40; j++) {
      g_autofree char *name = j > 0 ? make_random_name(random, j) : g_strdup("");
      g_autoptr(RegistryValue) value = make_random_value(random);
      regfile_printer_value(printer, name, value, out);
      change_add_set_value(expected, keys[i], name, value);
    }
  }
  regfile_printer_end(printer, out);
  g_autofree char *operations = describe_change(expected);
  check_row((const char *)out->data, out->len, operations, 0, 0);
}

static void test_round_trips(void) {
  for (guint32 seed = 0; seed < 6; seed++) {
    check_round_trip(REGFILE_VERSION_5, REGFILE_UTF16, seed);
    check_round_trip(REGFILE_VERSION_5, REGFILE_UTF8, seed);
    check_round_trip(REGFILE_VERSION_4, REGFILE_UTF16, seed);
    check_round_trip(REGFILE_VERSION_4, REGFILE_UTF8, seed);
  }
}

/* A string of every code point, quoted, and every byte as Windows-1252. */
static void test_every_character(void) {
  g_autoptr(GString) text = g_string_new(NULL);
  for (gunichar character = 1; character < 0x11000; character++)
    if (character < 0xD800 || character > 0xDFFF)
      g_string_append_unichar(text, character);
  g_autoptr(RegistryValue) value = value_new_text(REGISTRY_SZ, text->str, text->len);
  const RegfileEncoding encodings[] = {REGFILE_UTF16, REGFILE_UTF8};
  for (gsize i = 0; i < G_N_ELEMENTS(encodings); i++) {
    g_autoptr(RegfilePrinter) printer = regfile_printer_new(REGFILE_VERSION_5, encodings[i]);
    g_autoptr(GByteArray) out = g_byte_array_new();
    regfile_printer_begin(printer, out);
    regfile_printer_key(printer, "HKEY_USERS", out);
    regfile_printer_value(printer, "", value, out);
    g_autoptr(Change) change =
        read_regfile((const char *)out->data, out->len, piece_whole, NULL, TRUE, NULL, NULL);
    const Operation *set = g_ptr_array_index(change->operations, 1);
    g_assert_true(registry_value_equal(set->value, value));
  }
  g_autoptr(GString) file = g_string_new(V4 K "@=hex(2):");
  for (int byte = 1; byte < 256; byte++)
    g_string_append_printf(file, "%x,", (guint)byte);
  g_autoptr(Change) change =
      read_regfile(file->str, file->len, piece_whole, NULL, TRUE, NULL, NULL);
  const Operation *set = g_ptr_array_index(change->operations, 1);
  g_autofree char *printed = print_one(REGFILE_VERSION_4, "", set->value);
  g_assert_null(strstr(printed, "UTF-16"));
}

/* Not a measure, but a guard against work that grows with the square. */
static void test_many_values(void) {
  g_autoptr(GString) file = g_string_new(V5 K);
  for (int i = 0; i < 200000; i++)
    g_string_append_printf(file, "\"value %d\"=\"some text %d\"\r\n", i, i);
  gint64 start = g_get_monotonic_time();
  g_autoptr(Change) change =
      read_regfile(file->str, file->len, piece_whole, NULL, TRUE, NULL, NULL);
  gint64 spent = g_get_monotonic_time() - start;
  g_assert_cmpuint(change->operations->len, ==, 200001);
  g_test_message("%.0f values a second", 200000.0 * 1e6 / (double)MAX(spent, 1));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/regfile/rows", test_rows);
  g_test_add_func("/regfile/guesses", test_guesses);
  g_test_add_func("/regfile/encodings", test_encodings);
  g_test_add_func("/regfile/heads", test_heads);
  g_test_add_func("/regfile/rows-in-utf16", test_rows_in_utf16);
  g_test_add_func("/regfile/strict", test_strict);
  g_test_add_func("/regfile/refused", test_refused);
  g_test_add_func("/regfile/surrogates", test_surrogates);
  g_test_add_func("/regfile/nul", test_nul_ends_the_file);
  g_test_add_func("/regfile/limits", test_limits);
  g_test_add_func("/regfile/operation-limit", test_operation_limit);
  g_test_add_func("/regfile/prints", test_prints);
  g_test_add_func("/regfile/layout", test_layout);
  g_test_add_func("/regfile/round-trips", test_round_trips);
  g_test_add_func("/regfile/every-character", test_every_character);
  g_test_add_func("/regfile/many-values", test_many_values);
  return g_test_run();
}
