/* SPDX-License-Identifier: MIT */
/* See maildir-name.h. */
#include "mailauth/mailbox/maildir-name.h"

#include <string.h>

#include "mailauth/base/limits.h"

#define MAX_SIZE_DIGITS 18

/* Whether the @length bytes at @field are `S=` or `W=` and digits. */
static gboolean is_size_field(const char *field, gsize length) {
  return length > 2 && (field[0] == 'S' || field[0] == 'W') && field[1] == '=' &&
         strspn(field + 2, "0123456789") >= length - 2;
}

gsize maildir_name_get_unique_length(const char *name) {
  gsize length = strcspn(name, ":");
  for (;;) {
    const char *comma = memrchr(name, ',', length);
    if (comma == NULL || comma == name ||
        !is_size_field(comma + 1, length - (gsize)(comma + 1 - name)))
      return length;
    length = (gsize)(comma - name);
  }
}

guint64 maildir_name_get_size(const char *name) {
  gsize end = strcspn(name, ":");
  const char *field = g_strstr_len(name + maildir_name_get_unique_length(name), -1, ",W=");
  if (field == NULL || field >= name + end)
    return G_MAXUINT64;
  gsize digits = strspn(field + 3, "0123456789");
  return digits == 0 || digits > MAX_SIZE_DIGITS ? G_MAXUINT64
                                                 : g_ascii_strtoull(field + 3, NULL, 10);
}

gboolean maildir_name_is_uid(const char *text, gsize length) {
  for (gsize i = 0; i < length; i++)
    if (text[i] < '!' || text[i] > '~')
      return FALSE;
  return length > 0 && length <= MAX_UNIQUE_ID;
}

char *maildir_name_make_uid(const char *name) {
  gsize length = maildir_name_get_unique_length(name);
  return maildir_name_is_uid(name, length)
             ? g_strndup(name, length)
             : g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)name, length);
}

guint64 maildir_name_get_time(const char *name) {
  return g_ascii_isdigit(*name) ? g_ascii_strtoull(name, NULL, 10) : 0;
}
