/* SPDX-License-Identifier: MIT */
/* Writes that are gathered: how many reach the file, what is read meanwhile, and what a failure
 * leaves. */
#include <string.h>

#include "regd/storage/gather.h"

#define FILE_BYTES 300000

/* A file in memory. */
typedef struct {
  sqlite3_file file;
  char bytes[FILE_BYTES];
  guint writes;
  int code; /* of each write */
} Memory;

static int on_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at) {
  Memory *memory = (Memory *)(gpointer)file;
  memory->writes++;
  if (memory->code == SQLITE_OK)
    memcpy(memory->bytes + at, bytes, (gsize)size);
  return memory->code;
}

static int on_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 at) {
  memcpy(bytes, ((Memory *)(gpointer)file)->bytes + at, (gsize)size);
  return SQLITE_OK;
}

static const sqlite3_io_methods methods = {.xRead = on_read, .xWrite = on_write};

static Memory *new_memory(void) {
  Memory *memory = g_new0(Memory, 1);
  memory->file.pMethods = &methods;
  return memory;
}

typedef struct {
  int at, size;
} Piece;

/* To both files, through @gather to the first, and reads it there. */
static void write_piece(Gather *gather, Memory *memory, Memory *expected, const Piece *piece,
                        char byte) {
  gsize size = (gsize)piece->size;
  g_autofree char *bytes = g_malloc(size);
  g_autofree char *read = g_malloc(size);
  memset(bytes, byte, size);
  g_assert_cmpint(gather_write(gather, &memory->file, bytes, piece->size, piece->at), ==,
                  SQLITE_OK);
  (void)on_write(&expected->file, bytes, piece->size, piece->at);
  g_assert_cmpint(gather_read(gather, &memory->file, read, piece->size, piece->at), ==, SQLITE_OK);
  g_assert_cmpmem(read, size, bytes, size);
}

static void test_writes(void) {
  static const struct {
    const char *what;
    Piece writes[4];
    guint before, after; /* writes of the file, before the flush and after it */
  } rows[] = {
      {"one after the other", {{0, 24}, {24, 4096}, {4120, 24}, {4144, 4096}}, 0, 1},
      {"with a gap", {{0, 24}, {30, 24}, {54, 10}, {0, 0}}, 1, 2},
      {"backwards", {{4096, 24}, {0, 32}, {32, 24}, {4096, 8}}, 2, 3},
      {"more than there is room for", {{0, 60000}, {60000, 10000}, {70000, 5}, {0, 0}}, 1, 2},
      {"too large by itself", {{0, 24}, {24, 100000}, {100024, 24}, {0, 0}}, 2, 3},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree Memory *memory = new_memory();
    g_autofree Memory *expected = new_memory();
    Gather gather = {0};
    g_test_message("%s", rows[i].what);
    for (guint j = 0; j < 4 && rows[i].writes[j].size > 0; j++)
      write_piece(&gather, memory, expected, &rows[i].writes[j], (char)('a' + j));
    g_assert_cmpuint(memory->writes, ==, rows[i].before);
    g_assert_cmpint(gather_flush(&gather, &memory->file), ==, SQLITE_OK);
    g_assert_cmpint(gather_flush(&gather, &memory->file), ==, SQLITE_OK);
    g_assert_cmpuint(memory->writes, ==, rows[i].after);
    g_assert_cmpmem(memory->bytes, FILE_BYTES, expected->bytes, FILE_BYTES);
    gather_clear(&gather);
  }
}

/* What is read, after 24 bytes in the file (a) and 4096 that are gathered behind them (b). */
static void test_reads(void) {
  static const struct {
    int at, size;
    const char *first, *last;
    guint writes; /* of the file, when it is read */
  } rows[] = {
      {0, 4120, "a", "b", 2},  /* a frame: its header is in the file */
      {24, 4096, "b", "b", 1}, /* a page */
      {24, 4120, "b", "", 2},  /* more than there is */
      {0, 24, "a", "a", 1},    /* the file's only */
      {4120, 24, "", "", 1},   /* behind everything */
      {100, 8, "b", "b", 1},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree Memory *memory = new_memory();
    char header[24], page[4096], read[8192];
    Gather gather = {0};
    memset(header, 'a', sizeof header);
    memset(page, 'b', sizeof page);
    g_assert_cmpint(gather_write(&gather, &memory->file, header, sizeof header, 0), ==, SQLITE_OK);
    g_assert_cmpint(gather_flush(&gather, &memory->file), ==, SQLITE_OK);
    g_assert_cmpint(gather_write(&gather, &memory->file, page, sizeof page, 24), ==, SQLITE_OK);
    g_assert_cmpint(gather_read(&gather, &memory->file, read, rows[i].size, rows[i].at), ==,
                    SQLITE_OK);
    g_assert_cmpint(read[0], ==, *rows[i].first);
    g_assert_cmpint(read[rows[i].size - 1], ==, *rows[i].last);
    g_assert_cmpuint(memory->writes, ==, rows[i].writes);
    gather_clear(&gather);
  }
}

static void test_failure(void) {
  g_autofree Memory *memory = new_memory();
  Gather gather = {0};
  memory->code = SQLITE_FULL;
  g_assert_cmpint(gather_write(&gather, &memory->file, "abc", 3, 100), ==, SQLITE_OK);
  g_assert_cmpint(gather_flush(&gather, &memory->file), ==, SQLITE_FULL);
  g_assert_cmpint(gather_write(&gather, &memory->file, "abc", 3, 100), ==, SQLITE_OK);
  g_assert_cmpint(gather_write(&gather, &memory->file, "xyz", 3, 0), ==, SQLITE_FULL);
  /* The transaction is taken back: nothing of it is written with the next one. */
  memory->code = SQLITE_OK;
  g_assert_cmpint(gather_write(&gather, &memory->file, "new", 3, 0), ==, SQLITE_OK);
  g_assert_cmpint(gather_flush(&gather, &memory->file), ==, SQLITE_OK);
  g_assert_cmpmem(memory->bytes, 3, "new", 3);
  g_assert_cmpint(memory->bytes[100], ==, 0);
  gather_clear(&gather);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/gather/writes", test_writes);
  g_test_add_func("/gather/reads", test_reads);
  g_test_add_func("/gather/failure", test_failure);
  return g_test_run();
}
