/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target over its corpus without a fuzzer, in every build: each file
 * as it is, cut after every byte where it is small, and damaged in a number of
 * ways that are the same each time. Prints TAP, one test a file.
 *
 *   fuzz-NAME DIRECTORY */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>

#define CUT_EVERYWHERE_BYTES 2048
#define DAMAGED_COPIES 300
#define DAMAGED_BYTES 4

/* The target gets a block of exactly @size, so that sanitizers see its end. */
static void run(const guint8 *bytes, gsize size) {
  g_autofree guint8 *copy = size > 0 ? g_memdup2(bytes, size) : NULL;
  LLVMFuzzerTestOneInput(copy, size);
}

static void damage(guint8 *bytes, gsize size, GRand *random) {
  static const guint8 telling[] = {0, '\n', '\\', '"', ',', 0x80, 0xC3, 0xD8, 0xFF};
  for (gint32 i = g_rand_int_range(random, 1, DAMAGED_BYTES + 1); i > 0; i--) {
    guint8 *byte = bytes + g_rand_int_range(random, 0, (gint32)size);
    guint32 choice = (guint32)g_rand_int_range(random, 0, 2 * G_N_ELEMENTS(telling));
    *byte = choice < G_N_ELEMENTS(telling) ? telling[choice] : (guint8)g_rand_int(random);
  }
}

static void run_damaged(const guint8 *bytes, gsize size) {
  g_autoptr(GRand) random = g_rand_new_with_seed((guint32)size);
  for (int i = 0; i < DAMAGED_COPIES && size > 0; i++) {
    g_autofree guint8 *copy = g_memdup2(bytes, size);
    damage(copy, size, random);
    LLVMFuzzerTestOneInput(copy, size);
  }
}

static void run_file(const char *directory, const char *name) {
  g_autofree char *path = g_build_filename(directory, name, NULL);
  g_autofree char *contents = NULL;
  gsize size;
  g_assert_true(g_file_get_contents(path, &contents, &size, NULL));
  const guint8 *bytes = (const guint8 *)contents;
  run(bytes, size);
  for (gsize cut = 0; cut < size && size <= CUT_EVERYWHERE_BYTES; cut++)
    run(bytes, cut);
  run_damaged(bytes, size);
}

int main(int argc, char **argv) {
  g_autoptr(GError) error = NULL;
  g_autoptr(GDir) directory = argc == 2 ? g_dir_open(argv[1], 0, &error) : NULL;
  if (directory == NULL) {
    printf("Bail out! %s\n", error != NULL ? error->message : "usage: fuzz-NAME DIRECTORY");
    return 1;
  }
  int count = 0;
  for (const char *name = g_dir_read_name(directory); name != NULL;
       name = g_dir_read_name(directory)) {
    run_file(argv[1], name);
    printf("ok %d - %s\n", ++count, name);
    fflush(stdout);
  }
  printf("1..%d\n", count);
  return count == 0;
}
