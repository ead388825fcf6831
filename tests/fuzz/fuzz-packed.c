/* SPDX-License-Identifier: MIT */
/* A file of a Maildir, packed or not: read twice, it is the same, and what is not packed comes
 * out as it lies. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/base/error.h"
#include "mailauth/packed/packed.h"
#include "tests/fuzz/fuzz.h"

/* More is a bomb, which takes its time. */
#define ENOUGH (1024 * 1024)

/* What comes out, up to an error or ENOUGH. */
static GByteArray *read_all(PackedReader *reader, int *problem) {
  GByteArray *all = g_byte_array_new();
  const char *bytes = NULL;
  g_autoptr(GError) error = NULL;
  gssize size = 0;
  while (all->len < ENOUGH && (size = packed_reader_read(reader, &bytes, &error)) > 0)
    g_byte_array_append(all, (const guint8 *)bytes, (guint)size);
  g_assert_true((size < 0) == (error != NULL));
  *problem = error != NULL ? error->code : -1;
  return all;
}

static int open_file(const guint8 *data, gsize size) {
  int file = memfd_create("packed", MFD_CLOEXEC);
  g_assert_true(file >= 0 && write(file, data, size) == (gssize)size);
  g_assert_true(lseek(file, 0, SEEK_SET) == 0);
  return file;
}

/* What a packed file may come to. */
static gboolean is_outcome(int problem, guint size) {
  return problem == -1 || problem == REGISTRY_ERROR_INVALID_VALUE ||
         (problem == REGISTRY_ERROR_NOT_SUPPORTED && size == 0);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  int problem = 0;
  int problem_again = 0;
  int file = open_file(data, size);
  g_autoptr(PackedReader) reader = packed_reader_new(file);
  g_autoptr(GByteArray) once = read_all(reader, &problem);
  gboolean is_packed = packed_reader_is_packed(reader);
  g_assert_true(packed_reader_rewind(reader, NULL));
  g_autoptr(GByteArray) again = read_all(reader, &problem_again);
  g_assert_cmpint(problem, ==, problem_again);
  g_assert_cmpmem(once->data, once->len, again->data, again->len);
  if (is_packed)
    g_assert_true(is_outcome(problem, once->len));
  else if (size < ENOUGH)
    g_assert_cmpmem(once->data, once->len, data, size);
  close(file);
  return 0;
}
