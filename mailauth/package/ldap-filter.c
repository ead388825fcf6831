/* SPDX-License-Identifier: MIT */
/* Filters with a name in them: see ldap-filter.h. */
#include "mailauth/package/ldap-filter.h"

#include <string.h>

#include "mailauth/base/name.h"

static void append_escaped(GString *filter, const char *text) {
  gsize length = strlen(text);
  for (gsize i = 0; i < length; i++) {
    guchar byte = (guchar)text[i];
    gboolean at_end = i == 0 || i + 1 == length;
    if (byte < 0x20 || byte == 0x7f || strchr("()*\\", byte) != NULL || (byte == ' ' && at_end))
      g_string_append_printf(filter, "\\%02x", byte);
    else
      g_string_append_c(filter, (char)byte);
  }
}

static gboolean is_variable(const char *at) {
  return at[0] == '%' && at[1] != '\0' && strchr("und", at[1]) != NULL;
}

char *ldap_filter_expand(const char *pattern, const char *user) {
  GString *filter = g_string_new(NULL);
  for (const char *at = pattern; *at != '\0'; at++) {
    if (!is_variable(at)) {
      g_string_append_c(filter, *at);
      continue;
    }
    g_autofree char *part = name_dup_part(*++at, user);
    append_escaped(filter, part);
  }
  return g_string_free(filter, FALSE);
}
