/* SPDX-License-Identifier: MIT */
/* See disk-log.h. Each event is one Head, and the data behind it: what was written, or names with
 * a zero between. */
#include "tests/fault/disk-log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

typedef struct {
  unsigned long long event;
  unsigned long long inode;
  unsigned long long at;   /* where it was written; the size of a truncation; when a flush began */
  unsigned long long size; /* of the data */
} Head;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int log_file = -1;
static atomic_ullong end;

/* By openat(): open() is this library's own. */
static void open_log(void) {
  const char *name = getenv("DISK_LOG");
  if (name != NULL)
    log_file = openat(AT_FDCWD, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

int disk_log_is_on(void) {
  pthread_once(&once, open_log);
  return log_file >= 0;
}

unsigned long long disk_log_get_end(void) {
  return atomic_load(&end);
}

static void append(Head head, const void *data) {
  if (!disk_log_is_on())
    return;
  union {
    const void *given;
    void *taken;
  } bytes = {.given = data};
  struct iovec parts[] = {{&head, sizeof head}, {bytes.taken, head.size}};
  pthread_mutex_lock(&mutex);
  ssize_t written = writev(log_file, parts, head.size > 0 ? 2 : 1);
  if (written != (ssize_t)(sizeof head + head.size))
    abort(); /* a test without its log proves nothing */
  atomic_fetch_add(&end, (unsigned long long)written);
  pthread_mutex_unlock(&mutex);
}

static unsigned long long get_inode(int file, int *is_directory) {
  struct stat status;
  if (fstat(file, &status) != 0)
    abort();
  *is_directory = S_ISDIR(status.st_mode);
  return status.st_ino;
}

static Head make_head(DiskEvent event, int file, unsigned long long at, size_t size) {
  int is_directory;
  return (Head){event, get_inode(file, &is_directory), at, size};
}

void disk_log_open(int file, const char *name, int made) {
  append(make_head(made ? DISK_CREATE : DISK_OPEN, file, 0, strlen(name)), name);
}

void disk_log_write(int file, const void *bytes, size_t size, off64_t at) {
  append(make_head(DISK_WRITE, file, (unsigned long long)at, size), bytes);
}

void disk_log_truncate(int file, off64_t size) {
  append(make_head(DISK_TRUNCATE, file, (unsigned long long)size, 0), NULL);
}

void disk_log_sync(int file, int of_the_database, unsigned long long begin) {
  int is_directory;
  Head head = {DISK_SYNC, get_inode(file, &is_directory), begin, 0};
  if (is_directory)
    head.event = DISK_SYNC_NAMES;
  if (is_directory || of_the_database)
    append(head, NULL);
}

void disk_log_names(DiskEvent event, const char *from, const char *to) {
  char names[8192];
  size_t length = strlen(from) + 1 + strlen(to);
  if (length >= sizeof names)
    abort();
  memcpy(names, from, strlen(from) + 1);
  memcpy(names + strlen(from) + 1, to, strlen(to) + 1);
  append((Head){event, 0, 0, length}, names);
}
