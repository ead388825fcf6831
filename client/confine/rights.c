/* SPDX-License-Identifier: MIT */
/* See rights.h. The library has no functions for these calls. */
#include "client/confine/rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/base/error.h"

/* From what programs can get, too. */
static void bound_rights(guint64 kept) {
  for (int right = 0; prctl(PR_CAPBSET_READ, right, 0, 0, 0) >= 0; right++)
    if ((kept >> right & 1) == 0)
      prctl(PR_CAPBSET_DROP, right, 0, 0, 0);
}

gboolean rights_keep(guint64 kept, GError **error) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capget, &header, sets) < 0)
    return error_set(error, REGISTRY_ERROR_FAILED, "Rights can't be asked for: %s",
                     g_strerror(errno));
  bound_rights(kept);
  gboolean changes = FALSE;
  for (guint i = 0; i < G_N_ELEMENTS(sets); i++) {
    const guint32 left = sets[i].permitted & (guint32)(kept >> (32 * i));
    changes |= sets[i].permitted != left || sets[i].effective != left || sets[i].inheritable != 0;
    sets[i] = (struct __user_cap_data_struct){.effective = left, .permitted = left};
  }
  /* A unit may not even allow the call to a program that has nothing to give up. */
  return !changes || syscall(SYS_capset, &header, sets) == 0 ||
         error_set(error, REGISTRY_ERROR_FAILED, "Rights can't be given up: %s", g_strerror(errno));
}
