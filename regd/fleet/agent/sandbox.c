/* SPDX-License-Identifier: MIT */
/* See sandbox.h. It stays free to read files and to connect: certificates, names and members of
 * etcd are settings, which may change at any time. */
#include "regd/fleet/agent/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "client/base/error.h"
#include "client/confine/landlock.h"
#include "client/confine/rights.h"
#include "client/confine/sanitizer.h"
#include "client/confine/syscall-filter.h"

/* The bus; members of etcd, whose names a thread of libcurl's looks up, by libraries that are
 * loaded then. */
#define CALLS (CALLS_READ_FILES | CALLS_UNIX | CALLS_INTERNET | CALLS_THREADS | CALLS_LIBRARIES)

/* A password and private keys are in it. */
static gboolean keep_memory(GError **error) {
#ifndef IS_SANITIZED /* which looks into the process from outside when it ends */
  const struct rlimit none = {0, 0};
  if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
    return error_set(error, REGISTRY_ERROR_FAILED, "Core dumps can't be ruled out: %s",
                     g_strerror(errno));
#endif
  (void)error;
  return TRUE;
}

static gboolean give_up_files(GError **error) {
  LandlockRules rules = {.files = FILES_READ};
#ifdef IS_SANITIZED /* which writes what it finds to a file */
  rules.files |= FILES_CHANGE;
#endif
  rules.folder = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (rules.folder < 0)
    return error_set(error, REGISTRY_ERROR_FAILED, "The root folder can't be opened: %s",
                     g_strerror(errno));
  gboolean done = landlock_restrict(&rules, error);
  close(rules.folder);
  return done;
}

gboolean agent_sandbox_enter(GError **error) {
  return keep_memory(error) && rights_keep(0, error) && give_up_files(error) &&
         filter_install(CALLS, error);
}
