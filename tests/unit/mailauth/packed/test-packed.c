/* SPDX-License-Identifier: MIT */
/* packed.c on files as other servers leave them: whole, in parts, cut and damaged at every
 * byte. gzip's and zstd's were made by the programs of these names. */
#include "mailauth/packed/packed.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/registry.h"
#include "mailauth/base/limits.h"

#define TEXT "Subject: x\n\nhello\n"

static const guint8 gzip[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03,
                              0x0b, 0x2e, 0x4d, 0xca, 0x4a, 0x4d, 0x2e, 0xb1, 0x52, 0xa8,
                              0xe0, 0xe2, 0xca, 0x48, 0xcd, 0xc9, 0xc9, 0xe7, 0x02, 0x00,
                              0x66, 0xc2, 0xd9, 0xf2, 0x12, 0x00, 0x00, 0x00};
static const guint8 zstd[] = {0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x91, 0x00, 0x00, 0x53, 0x75,
                              0x62, 0x6a, 0x65, 0x63, 0x74, 0x3a, 0x20, 0x78, 0x0a, 0x0a, 0x68,
                              0x65, 0x6c, 0x6c, 0x6f, 0x0a, 0x50, 0x78, 0x27, 0xcf};

static const guint8 gzip_of_crypted[] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x73, 0x0e, 0x8a, 0x0c, 0x08, 0x71,
    0x75, 0x61, 0x66, 0x67, 0xaa, 0xa8, 0x00, 0x00, 0x11, 0x58, 0xf4, 0x18, 0x0c, 0x00, 0x00, 0x00};
static const guint8 gzip_of_gzip[] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x93, 0xef, 0xe6, 0x60,
    0x00, 0x01, 0x26, 0x66, 0x6e, 0x3d, 0xdf, 0x53, 0x5e, 0xbe, 0x7a, 0x1b, 0x83, 0x56,
    0x3c, 0x78, 0x74, 0xca, 0xe3, 0xec, 0xc9, 0x93, 0xcf, 0x99, 0x18, 0xd2, 0x0e, 0xdd,
    0xfc, 0x24, 0x04, 0x94, 0x05, 0x00, 0x81, 0xdd, 0x45, 0x5f, 0x26, 0x00, 0x00, 0x00};

static int store(const void *bytes, gsize size) {
  int file = memfd_create("mail", MFD_CLOEXEC);
  g_assert_cmpint(write(file, bytes, size), ==, (gssize)size);
  g_assert_cmpint(lseek(file, 0, SEEK_SET), ==, 0);
  return file;
}

/* All of it; NULL and the error. */
static GString *read_all(PackedReader *reader, GError **error) {
  GString *text = g_string_new(NULL);
  const char *bytes = NULL;
  gssize size;
  while ((size = packed_reader_read(reader, &bytes, error)) > 0)
    g_string_append_len(text, bytes, size);
  if (size == 0)
    return text;
  g_string_free(text, TRUE);
  return NULL;
}

static GString *read_bytes(const void *bytes, gsize size, gboolean *packed, GError **error) {
  int file = store(bytes, size);
  g_autoptr(PackedReader) reader = packed_reader_new(file);
  GString *text = read_all(reader, error);
  *packed = packed_reader_is_packed(reader);
  close(file);
  return text;
}

static const struct {
  const char *name;
  const guint8 *bytes;
  gsize size;
} kinds[] = {{"gzip", gzip, sizeof gzip}, {"zstd", zstd, sizeof zstd}};

static gboolean can_unpack(guint kind) {
  gboolean packed = FALSE;
  g_autoptr(GError) error = NULL;
  GString *text = read_bytes(kinds[kind].bytes, kinds[kind].size, &packed, &error);
  g_assert_true(packed);
  if (text != NULL)
    g_string_free(text, TRUE);
  else
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_NOT_SUPPORTED);
  return text != NULL;
}

/* Once, twice in one file, and again after a rewind. */
static void test_whole(void) {
  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
    g_autoptr(GError) error = NULL;
    if (!can_unpack(i))
      continue;
    g_autoptr(GByteArray) twice = g_byte_array_new();
    g_byte_array_append(twice, kinds[i].bytes, (guint)kinds[i].size);
    g_byte_array_append(twice, kinds[i].bytes, (guint)kinds[i].size);
    int file = store(twice->data, twice->len);
    g_autoptr(PackedReader) reader = packed_reader_new(file);
    for (guint turn = 0; turn < 2; turn++) {
      g_autoptr(GString) text = read_all(reader, &error);
      g_assert_no_error(error);
      g_assert_cmpstr(text->str, ==, TEXT TEXT);
      g_assert_true(packed_reader_rewind(reader, &error));
    }
    close(file);
  }
}

/* Never anything but the text, or an error. A byte of gzip's header may be another without
 * harm. */
static void test_damaged(void) {
  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
    if (!can_unpack(i))
      continue;
    for (gsize at = 4; at < kinds[i].size; at++) {
      gboolean packed = FALSE;
      g_autoptr(GError) cut = NULL;
      g_autoptr(GError) changed = NULL;
      g_assert_null(read_bytes(kinds[i].bytes, at, &packed, &cut));
      g_assert_error(cut, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
      g_autofree guint8 *copy = g_memdup2(kinds[i].bytes, kinds[i].size);
      copy[at] ^= 0xff;
      GString *text = read_bytes(copy, kinds[i].size, &packed, &changed);
      if (text == NULL)
        continue;
      g_assert_cmpstr(text->str, ==, TEXT);
      g_string_free(text, TRUE);
    }
  }
}

static void test_garbage_after(void) {
  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
    gboolean packed = FALSE;
    g_autoptr(GError) error = NULL;
    if (!can_unpack(i))
      continue;
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_byte_array_append(bytes, kinds[i].bytes, (guint)kinds[i].size);
    g_byte_array_append(bytes, (const guint8 *)"garbage", 7);
    g_assert_null(read_bytes(bytes->data, bytes->len, &packed, &error));
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
  }
}

static void test_others(void) {
  static const struct {
    const char *bytes;
    gsize size;
    const char *name; /* NULL: it is plain */
  } rows[] = {
      {"", 0, NULL},
      {"\n", 1, NULL},
      {"BZhello: 1\n\nx", 13, NULL},
      {"BZh9: what\n\nx", 13, NULL},
      {"CRYPTED: no\n\nx", 14, NULL},
      {"Dovecot-LZ4: x\n\nx", 17, NULL},
      {"\x1f", 1, NULL},
      {"]: x\n\nx", 7, NULL},
      {"P*M: x\n\nx", 9, NULL},
      {"BZh91AY&SYxxxx", 14, "bzip2"},
      {"BZh9\x17rE8P\x90\0\0\0\0", 14, "bzip2"},
      {"\2!L\x18xx", 6, "LZ4"},
      {"\x5d\0\0\x80\0", 5, "LZMA"},
      {"\xfd\x37zXZ\0\0\4", 8, "xz"},
      {"\4\x22\x4d\x18xx", 6, "LZ4"},
      {"Dovecot-LZ4\x0d\x2a\x9b\xc5", 15, "LZ4"},
      {"CRYPTED\3\7xx", 11, "mail_crypt"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    gboolean packed = FALSE;
    g_autoptr(GError) error = NULL;
    GString *text = read_bytes(rows[i].bytes, rows[i].size, &packed, &error);
    g_assert_cmpint(packed, ==, rows[i].name != NULL);
    g_assert_cmpint(text == NULL, ==, packed);
    if (text == NULL) {
      g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_NOT_SUPPORTED);
      g_assert_nonnull(strstr(error->message, rows[i].name));
      continue;
    }
    g_assert_cmpmem(text->str, text->len, rows[i].bytes, rows[i].size);
    g_string_free(text, TRUE);
  }
}

/* Frames of tools stand before the message's own, as pzstd writes them. */
static void test_skippable(void) {
  static const guint8 before[] = {0x5e, 0x2a, 0x4d, 0x18, 0x03, 0, 0, 0, 'x', 'x', 'x'};
  gboolean packed = FALSE;
  g_autoptr(GError) error = NULL;
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  if (!can_unpack(1))
    return;
  g_byte_array_append(bytes, before, sizeof before);
  g_byte_array_append(bytes, zstd, sizeof zstd);
  GString *text = read_bytes(bytes->data, bytes->len, &packed, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(text->str, ==, TEXT);
  g_string_free(text, TRUE);
}

/* What was encrypted or packed before it was packed does not come out as it lies either. */
static void test_inside(void) {
  static const struct {
    const guint8 *bytes;
    gsize size;
    const char *name;
  } rows[] = {
      {gzip_of_crypted, sizeof gzip_of_crypted, "mail_crypt, which encrypts inside of gzip"},
      {gzip_of_gzip, sizeof gzip_of_gzip, "gzip inside of gzip"}};
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    gboolean packed = FALSE;
    g_autoptr(GError) error = NULL;
    g_assert_null(read_bytes(rows[i].bytes, rows[i].size, &packed, &error));
    g_assert_true(packed);
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_NOT_SUPPORTED);
    g_assert_nonnull(strstr(error->message, rows[i].name));
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/packed/whole", test_whole);
  g_test_add_func("/packed/damaged", test_damaged);
  g_test_add_func("/packed/garbage-after", test_garbage_after);
  g_test_add_func("/packed/others", test_others);
  g_test_add_func("/packed/skippable", test_skippable);
  g_test_add_func("/packed/inside", test_inside);
  return g_test_run();
}
