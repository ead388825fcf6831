/* SPDX-License-Identifier: MIT */
/* Preloaded into regd: makes one write, flush, renaming, linking or deletion of
 * the database and the files beside it fail, or the process end there. The file
 * that FAILING_DISK names holds two numbers, shared with the test: how many
 * calls until one fails (0: none does), and with which errno; with 0 the process
 * is killed before that call. What succeeds is told to disk-log.c. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include "tests/fault/disk-log.h"

#define EXPORTED __attribute__((visibility("default")))

typedef struct {
  atomic_int countdown;
  atomic_int reason;
} Control;

EXPORTED int open64(const char *name, int flags, ...);
EXPORTED ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t at);
EXPORTED int fsync(int file);
EXPORTED int fdatasync(int file);
EXPORTED int ftruncate64(int file, off64_t size);
EXPORTED int rename(const char *from, const char *to);
EXPORTED int link(const char *from, const char *to);
EXPORTED int unlink(const char *name);

static Control *get_control(void) {
  static Control *control;
  const char *name = getenv("FAILING_DISK");
  if (control != NULL || name == NULL)
    return control;
  int file = open(name, O_RDWR | O_CLOEXEC);
  void *mapped = file >= 0
                     ? mmap(NULL, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
                     : MAP_FAILED;
  if (file >= 0)
    close(file);
  control = mapped != MAP_FAILED ? mapped : NULL;
  return control;
}

static int is_database(const char *name) {
  return strstr(name, "/registry.db") != NULL;
}

static int is_of_the_database(int file) {
  char link[64];
  char target[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, target, sizeof target - 1);
  if (length <= 0)
    return 0;
  target[length] = '\0';
  return is_database(target);
}

/* One call of those that count. */
static int count_down(Control *control) {
  if (atomic_fetch_sub(&control->countdown, 1) != 1)
    return 0;
  errno = atomic_load(&control->reason);
  if (errno == 0)
    raise(SIGKILL);
  return 1;
}

static int fails(int file) {
  Control *control = get_control();
  return control != NULL && atomic_load(&control->countdown) > 0 && is_of_the_database(file) &&
         count_down(control);
}

static int fails_by_name(const char *name) {
  Control *control = get_control();
  return control != NULL && atomic_load(&control->countdown) > 0 && is_database(name) &&
         count_down(control);
}

static int needs_mode(int flags) {
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

/* All here, this library's own open() included, are built for files of 64 bits. */
int open64(const char *name, int flags, ...) {
  static int (*real)(const char *, int, ...);
  if (real == NULL)
    *(void **)&real = dlsym(RTLD_NEXT, "open64");
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = needs_mode(flags) ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  int made = (flags & O_CREAT) != 0 && access(name, F_OK) != 0;
  int file = real(name, flags, mode);
  if (file >= 0 && disk_log_is_on() && is_database(name))
    disk_log_open(file, name, made);
  return file;
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t at) {
  static ssize_t (*real)(int, const void *, size_t, off64_t);
  if (real == NULL)
    *(void **)&real = dlsym(RTLD_NEXT, "pwrite64");
  ssize_t written = fails(file) ? -1 : real(file, bytes, size, at);
  if (written > 0 && disk_log_is_on() && is_of_the_database(file))
    disk_log_write(file, bytes, (size_t)written, at);
  return written;
}

/* What has been written before the flush began is on the disk when it has ended. */
static int flush(int (*real)(int), int file) {
  unsigned long long begin = disk_log_get_end();
  int result = fails(file) ? -1 : real(file);
  if (result == 0 && disk_log_is_on())
    disk_log_sync(file, is_of_the_database(file), begin);
  return result;
}

int fsync(int file) {
  static int (*real)(int);
  if (real == NULL)
    *(void **)&real = dlsym(RTLD_NEXT, "fsync");
  return flush(real, file);
}

int fdatasync(int file) {
  static int (*real)(int);
  if (real == NULL)
    *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
  return flush(real, file);
}

int ftruncate64(int file, off64_t size) {
  static int (*real)(int, off64_t);
  if (real == NULL)
    *(void **)&real = dlsym(RTLD_NEXT, "ftruncate64");
  int result = fails(file) ? -1 : real(file, size);
  if (result == 0 && disk_log_is_on() && is_of_the_database(file))
    disk_log_truncate(file, size);
  return result;
}

int rename(const char *from, const char *to) {
  static int (*real)(const char *, const char *);
  if (real == NULL)
    *(void **)&real = dlsym(RTLD_NEXT, "rename");
  int result = fails_by_name(from) ? -1 : real(from, to);
  if (result == 0 && is_database(from))
    disk_log_names(DISK_RENAME, from, to);
  return result;
}

int link(const char *from, const char *to) {
  static int (*real)(const char *, const char *);
  if (real == NULL)
    *(void **)&real = dlsym(RTLD_NEXT, "link");
  int result = fails_by_name(from) ? -1 : real(from, to);
  if (result == 0 && is_database(from))
    disk_log_names(DISK_LINK, from, to);
  return result;
}

int unlink(const char *name) {
  static int (*real)(const char *);
  if (real == NULL)
    *(void **)&real = dlsym(RTLD_NEXT, "unlink");
  int result = fails_by_name(name) ? -1 : real(name);
  if (result == 0 && is_database(name))
    disk_log_names(DISK_UNLINK, name, "");
  return result;
}
