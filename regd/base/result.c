/* SPDX-License-Identifier: MIT */
/* See result.h. */
#include "regd/base/result.h"

void write_result_clear(WriteResult *result) {
  effective_free(result->effective);
  effective_free(result->would_do);
  proposal_unref(result->proposal);
  g_clear_error(&result->error);
  *result = (WriteResult){0};
}
