/* SPDX-License-Identifier: MIT */
/* Preloaded into regd: makes one allocation of one library, or all from one on, find no memory.
 * FAILING_LIBRARY says of which: the library whose code calls malloc(), calloc() or realloc(), by a
 * part of its file's name. The file that FAILING_MEMORY names holds three numbers, shared with the
 * test: how many calls until one fails (0: none does), whether all later ones fail too, and how
 * many have failed. */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

typedef struct {
  atomic_int countdown;
  atomic_int lasting;
  atomic_int failed;
} Control;

/* What glibc calls its own under any other's. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

EXPORTED void *malloc(size_t size);
EXPORTED void *calloc(size_t count, size_t size);
EXPORTED void *realloc(void *memory, size_t size);

static struct {
  Control *control; /* NULL before main() */
  uintptr_t first, end;
} library;

static int find_library(struct dl_phdr_info *info, size_t size, void *name) {
  (void)size;
  if (strstr(info->dlpi_name, name) == NULL)
    return 0;
  for (int i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X) != 0) {
      library.first = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
      library.end = library.first + info->dlpi_phdr[i].p_memsz;
    }
  return 1;
}

__attribute__((constructor)) static void begin(void) {
  char *wanted = getenv("FAILING_LIBRARY");
  const char *name = getenv("FAILING_MEMORY");
  int file = name != NULL && wanted != NULL ? open(name, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0)
    return;
  void *mapped = mmap(NULL, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (mapped == MAP_FAILED || dl_iterate_phdr(find_library, wanted) == 0)
    abort(); /* a test of nothing */
  library.control = mapped;
}

static int is_due(Control *control) {
  if (atomic_load(&control->lasting) == 0)
    return atomic_fetch_sub(&control->countdown, 1) == 1;
  int left = atomic_load(&control->countdown);
  return left == 1 || (left > 1 && atomic_fetch_sub(&control->countdown, 1) == 1);
}

static int fails(const void *caller) {
  Control *control = library.control;
  if (control == NULL || atomic_load(&control->countdown) <= 0 ||
      (uintptr_t)caller < library.first || (uintptr_t)caller >= library.end || !is_due(control))
    return 0;
  atomic_fetch_add(&control->failed, 1);
  errno = ENOMEM;
  return 1;
}

void *malloc(size_t size) {
  return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
  return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(memory, size);
}
