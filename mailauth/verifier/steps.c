/* SPDX-License-Identifier: MIT */
/* See steps.h. */
#include "mailauth/verifier/steps.h"

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
