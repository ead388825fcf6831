/* SPDX-License-Identifier: MIT */
/* What the C library's allocator keeps for later. */
#ifndef REGD_BASE_MEMORY_H
#define REGD_BASE_MEMORY_H

/* Has all threads allocate from one heap. Of another thread's heap glibc never gives back the free
 * part at its end, which may be 64 MiB. Call before the first thread starts. */
void memory_use_one_heap(void);

/* Gives free memory back to the system, where the allocator can: glibc keeps what a large
 * change has freed between pieces that are still used. Takes some milliseconds. */
void memory_give_back(void);

#endif
