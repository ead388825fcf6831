/* SPDX-License-Identifier: MIT */
/* Names that lie near a name that is not there. */
#include "client/cli/near.h"

#include <string.h>

#include "client/base/nearest.h"

static gboolean is_near(const char *name, const char *candidate) {
  if (strlen(name) > 1 && (g_str_has_prefix(candidate, name) || g_str_has_prefix(name, candidate)))
    return TRUE;
  return nearest_distance(name, candidate) <= (strlen(candidate) > 4 ? 2 : 1);
}

void near_note(const char *name, const char *prefix, const char *candidate, GString *near) {
  if (is_near(name, candidate))
    g_string_append_printf(near, "%s\"%s%s\"", near->len > 0 ? ", " : "", prefix, candidate);
}
