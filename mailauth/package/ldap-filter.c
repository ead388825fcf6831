/* SPDX-License-Identifier: MIT */
/* Filters with a name in them: see ldap-filter.h. */
#include "mailauth/package/ldap-filter.h"

#include <string.h>

#define PLACE "%u"

static void append_escaped(GString *filter, const char *user) {
  gsize length = strlen(user);
  for (gsize i = 0; i < length; i++) {
    guchar byte = (guchar)user[i];
    gboolean at_end = i == 0 || i + 1 == length;
    if (byte < 0x20 || byte == 0x7f || strchr("()*\\", byte) != NULL || (byte == ' ' && at_end))
      g_string_append_printf(filter, "\\%02x", byte);
    else
      g_string_append_c(filter, (char)byte);
  }
}

char *ldap_filter_expand(const char *pattern, const char *user) {
  GString *filter = g_string_new(NULL);
  const char *rest = pattern;
  for (const char *place = strstr(rest, PLACE); place != NULL; place = strstr(rest, PLACE)) {
    g_string_append_len(filter, rest, place - rest);
    append_escaped(filter, user);
    rest = place + strlen(PLACE);
  }
  g_string_append(filter, rest);
  return g_string_free(filter, FALSE);
}
