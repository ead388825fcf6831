/* SPDX-License-Identifier: MIT */
/* base64.h: four characters at a time. GLib's decoder skips what is no base64, and
 * keeps what it decodes in memory that is not wiped. */
#include "mailauth/base/base64.h"

#include <string.h>

static int base64_value(char character) {
  if (character >= 'A' && character <= 'Z')
    return character - 'A';
  if (character >= 'a' && character <= 'z')
    return character - 'a' + 26;
  if (character >= '0' && character <= '9')
    return character - '0' + 52;
  return character == '+' ? 62 : character == '/' ? 63 : -1;
}

/* Four characters, the last @padding of them '='. */
static gboolean decode_group(const char *group, guint padding, Secret *bytes) {
  guint32 bits = 0;
  for (guint i = 0; i < 4; i++) {
    int value = i >= 4 - padding ? 0 : base64_value(group[i]);
    if (value < 0)
      return FALSE;
    bits = bits << 6 | (guint32)value;
  }
  guint8 decoded[3] = {(guint8)(bits >> 16), (guint8)(bits >> 8), (guint8)bits};
  guint32 unused = padding == 2 ? bits & 0xffff : padding == 1 ? bits & 0xff : 0;
  secret_append(bytes, decoded, 3 - padding);
  explicit_bzero(decoded, sizeof decoded);
  return unused == 0;
}

gboolean base64_decode(const char *text, Secret *bytes) {
  gsize length = strlen(text);
  if (length % 4 != 0)
    return FALSE;
  for (gsize i = 0; i < length; i += 4) {
    gboolean last = i + 4 == length;
    guint padding = !last || text[i + 3] != '=' ? 0 : text[i + 2] == '=' ? 2 : 1;
    if (!decode_group(text + i, padding, bytes))
      return FALSE;
  }
  return TRUE;
}
