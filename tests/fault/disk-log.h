/* SPDX-License-Identifier: MIT */
/* What was done to the files of a database, in the order in which it was done, with the flushes
 * between: power.py makes of it what a disk may hold after a power cut. The file that DISK_LOG
 * names is appended to; without it nothing is kept. */
#ifndef TESTS_FAULT_DISK_LOG_H
#define TESTS_FAULT_DISK_LOG_H

#include <stddef.h>
#include <sys/types.h>

typedef enum {
  DISK_OPEN = 1,
  DISK_CREATE,
  DISK_WRITE,
  DISK_TRUNCATE,
  DISK_SYNC,
  DISK_SYNC_NAMES, /* of a directory */
  DISK_RENAME,
  DISK_LINK,
  DISK_UNLINK,
} DiskEvent;

int disk_log_is_on(void);
/* Bytes in the log: an event is before another if it ends at or before this. */
unsigned long long disk_log_get_end(void);
void disk_log_open(int file, const char *name, int made);
void disk_log_write(int file, const void *bytes, size_t size, off64_t at);
void disk_log_truncate(int file, off64_t size);
/* @begin: disk_log_get_end() before the flush. What is no file of the database counts if it is a
 * directory. */
void disk_log_sync(int file, int of_the_database, unsigned long long begin);
void disk_log_names(DiskEvent event, const char *from, const char *to);

#endif
