/* SPDX-License-Identifier: MIT */
/* How a hive is known: see hive.h. */
#include "client/hive/hive.h"

#include <string.h>
#include <unistd.h>

gboolean hive_is_one(int descriptor) {
  char magic[4];
  return pread(descriptor, magic, sizeof magic, 0) == (ssize_t)sizeof magic &&
         memcmp(magic, "regf", sizeof magic) == 0;
}
