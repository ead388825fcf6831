/* SPDX-License-Identifier: MIT */
/* See memory.h. */
#include "regd/base/memory.h"

#include <features.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

void memory_use_one_heap(void) {
#ifdef __GLIBC__
  (void)mallopt(M_ARENA_MAX, 1);
#endif
}

void memory_give_back(void) {
#ifdef __GLIBC__
  (void)malloc_trim(0);
#endif
}
