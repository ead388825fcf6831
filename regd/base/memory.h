/* SPDX-License-Identifier: MIT */
/* What the C library's allocator keeps for later. */
#ifndef REGD_BASE_MEMORY_H
#define REGD_BASE_MEMORY_H

/* Gives free memory back to the system, where the allocator can: glibc keeps what a large
 * change has freed between pieces that are still used. Takes some milliseconds. */
void memory_give_back(void);

#endif
