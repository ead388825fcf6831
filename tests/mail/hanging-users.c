/* SPDX-License-Identifier: MIT */
/* Preloaded into mailauthd: a user database that says so, and hangs, when it is asked for
 * the user HANGING_USER. */
#include <dlfcn.h>
#include <poll.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAYS "The user database hangs\n"

typedef int (*Function)(const char *, struct passwd *, char *, size_t, struct passwd **);

__attribute__((visibility("default"))) int getpwnam_r(const char *name, struct passwd *resultbuf,
                                                      char *buffer, size_t buflen,
                                                      struct passwd **result) {
  const char *hanging = getenv("HANGING_USER");
  Function next = NULL;
  *(void **)&next = dlsym(RTLD_NEXT, "getpwnam_r");
  if (hanging != NULL && strcmp(name, hanging) == 0 && write(STDERR_FILENO, SAYS, strlen(SAYS)) > 0)
    for (;;)
      poll(NULL, 0, -1);
  return next(name, resultbuf, buffer, buflen, result);
}
