/* SPDX-License-Identifier: MIT */
/* See steps.h. */
#include "mailauth/logins/steps.h"

#include "client/base/escape.h"

#define MAX_STEP_BYTES 4096U

void steps_add(GPtrArray *steps, const char *format, ...) {
  if (steps == NULL)
    return;
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *step = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_ptr_array_add(steps, escape_dup(step, -1, MAX_STEP_BYTES));
}

void steps_add_decision(GPtrArray *steps, gboolean current, const Decision *decision,
                        const char *account) {
  steps_add(steps, "registry: %s",
            current ? "asked, every setting that was answered is in force"
                    : "regd can't be reached, the last settings known hold");
  steps_add(steps, "package: %s (%s)", package_kind_get_name(decision->kind), decision->why);
  steps_add(steps, "account: %s", account != NULL ? account : "no account can have that name");
}

void steps_add_memory(GPtrArray *steps, guint32 seconds, const Package *package) {
  if (seconds == 0)
    steps_add(steps, "memory: 'Verified Seconds' is 0, every login proves its password");
  else if (!package->has_hashes)
    steps_add(steps, "memory: none with %s, every login proves its password", package->name);
  else
    steps_add(steps,
              "memory: a right password is known again for %u s; a test neither asks nor fills it",
              seconds);
}

void steps_add_scram(GPtrArray *steps, SamScram *scram, const char *account, const char *user) {
  g_auto(ScramKeys) keys = {0};
  g_autofree char *detail = NULL;
  if (steps == NULL)
    return; /* decoy keys are expensive to make, and nobody would see them */
  gboolean offered = sam_scram_is_there(scram);
  sam_scram_find(scram, account, user, &keys, &detail);
  steps_add(steps, "SCRAM-SHA-256: %s; %s",
            offered ? "offered" : "not offered, no account has keys",
            detail != NULL ? detail : "the account has keys for it");
}
