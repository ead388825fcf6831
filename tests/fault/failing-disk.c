/* Preloaded into regd: makes one write or flush of the database fail. The file
 * that FAILING_DISK names holds two numbers, shared with the test: how many
 * calls until one fails (0: none does), and with which errno. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

typedef struct {
  atomic_int countdown;
  atomic_int reason;
} Control;

EXPORTED ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t at);
EXPORTED int fsync(int file);
EXPORTED int fdatasync(int file);
EXPORTED int ftruncate64(int file, off64_t size);

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

static int is_of_the_database(int file) {
  char link[64];
  char target[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, target, sizeof target - 1);
  if (length <= 0)
    return 0;
  target[length] = '\0';
  return strstr(target, "/registry.db") != NULL;
}

static int fails(int file) {
  Control *control = get_control();
  if (control == NULL || atomic_load(&control->countdown) <= 0 || !is_of_the_database(file) ||
      atomic_fetch_sub(&control->countdown, 1) != 1)
    return 0;
  errno = atomic_load(&control->reason);
  return 1;
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t at) {
  static ssize_t (*real)(int, const void *, size_t, off64_t);
  if (real == NULL)
    *(void **)&real = dlsym(RTLD_NEXT, "pwrite64");
  return fails(file) ? -1 : real(file, bytes, size, at);
}

int fsync(int file) {
  static int (*real)(int);
  if (real == NULL)
    *(void **)&real = dlsym(RTLD_NEXT, "fsync");
  return fails(file) ? -1 : real(file);
}

int fdatasync(int file) {
  static int (*real)(int);
  if (real == NULL)
    *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
  return fails(file) ? -1 : real(file);
}

int ftruncate64(int file, off64_t size) {
  static int (*real)(int, off64_t);
  if (real == NULL)
    *(void **)&real = dlsym(RTLD_NEXT, "ftruncate64");
  return fails(file) ? -1 : real(file, size);
}
