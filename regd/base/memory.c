/* SPDX-License-Identifier: MIT */
/* See memory.h. */
#include "regd/base/memory.h"

#include <features.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

void memory_give_back(void) {
#ifdef __GLIBC__
  (void)malloc_trim(0);
#endif
}
