/* SPDX-License-Identifier: MIT */
/* See memory.h. */
#include "regd/base/memory.h"

#include <features.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

/* Free at the end of the heap, which is kept for the next calls until memory_give_back(). */
#define KEPT_BYTES (4 * 1024 * 1024)
/* Blocks up to this size are of the heap. glibc raises its 128 KiB by itself only as long as no
 * threshold is set; values of 1 MiB would each be mapped and unmapped, while other threads wait. */
#define LARGEST_ON_HEAP (4 * 1024 * 1024)

void memory_use_one_heap(void) {
#ifdef __GLIBC__
  (void)mallopt(M_ARENA_MAX, 1);
  (void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
  (void)mallopt(M_MMAP_THRESHOLD, LARGEST_ON_HEAP);
#endif
}

void memory_give_back(void) {
#ifdef __GLIBC__
  (void)malloc_trim(0);
#endif
}
