/* SPDX-License-Identifier: MIT */
/* What can come of proving a password against a hash. */
#ifndef MAILAUTH_HASHES_HASH_RESULT_H
#define MAILAUTH_HASHES_HASH_RESULT_H

#include <glib.h>

typedef enum {
  HASH_RIGHT,
  HASH_WRONG,
  HASH_UNUSABLE,  /* no password can open the hash */
  HASH_NO_MEMORY, /* there is not enough memory now to compute it */
} HashResult;

#endif
