/* SPDX-License-Identifier: MIT */
/* Whether the test runs in qemu's emulation of another machine's programs, which does
 * not do all that a kernel does. A test that needs the kernel skips there, and says
 * what is missing. tests/run names what it runs programs with in REGD_WRAPPER. */
#ifndef TESTS_UNIT_SUPPORT_EMULATOR_H
#define TESTS_UNIT_SUPPORT_EMULATOR_H

#include <glib.h>
#include <string.h>

/* TRUE: it is emulated, and the test has been marked as skipped; @missing: what qemu lacks. */
static inline gboolean emulator_skips(const char *missing) {
  const char *wrapper = g_getenv("REGD_WRAPPER");
  if (wrapper == NULL || strstr(wrapper, "qemu") == NULL)
    return FALSE;
  g_autofree char *reason = g_strdup_printf("QEMU %s", missing);
  g_test_skip(reason);
  return TRUE;
}

#endif
