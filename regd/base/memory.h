/* SPDX-License-Identifier: MIT */
/* What the C library's allocator keeps for later. */
#ifndef REGD_BASE_MEMORY_H
#define REGD_BASE_MEMORY_H

/* Has all threads allocate from one heap, blocks of some megabytes included, and lets it keep some
 * megabytes at its end. Of another thread's heap memory_give_back() can't give back the free part
 * at the end, which may be 64 MiB. Call before the first thread starts. */
void memory_use_one_heap(void);

/* Gives free memory back to the system, where the allocator can: glibc keeps what a large
 * change has freed between pieces that are still used. Takes some milliseconds. */
void memory_give_back(void);

#endif
