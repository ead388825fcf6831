/* SPDX-License-Identifier: MIT */
/* Preloaded into a program: the thread whose number NO_THREAD names, and each after it,
 * can't be made; with NO_THREAD_ONCE only that one. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define EXPORTED __attribute__((visibility("default")))

typedef int (*Create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

EXPORTED int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                            void *(*run)(void *), void *argument);

static int is_refused(int number) {
  const char *first = getenv("NO_THREAD");
  if (first == NULL)
    return 0;
  int refused = atoi(first);
  return getenv("NO_THREAD_ONCE") != NULL ? number == refused : number >= refused;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *argument) {
  static atomic_int made;
  Create create = (Create)(void (*)(void))dlsym(RTLD_NEXT, "pthread_create");
  if (is_refused(atomic_fetch_add(&made, 1) + 1))
    return EAGAIN;
  return create(thread, attributes, run, argument);
}
