/* SPDX-License-Identifier: MIT */
/* See encoding.h. */
#include "mailauth/hashes/encoding.h"

#include <string.h>

#include "mailauth/base/base64.h"

gsize encoding_read_base64(const char *text, gsize length, guint8 *bytes, gsize room) {
  if (length / 4 > room)
    return 0;
  g_autofree char *whole = g_strndup(text, length);
  g_auto(Secret) decoded = {0};
  if (!base64_decode(whole, &decoded) || decoded.size == 0 || decoded.size > room)
    return 0;
  memcpy(bytes, decoded.bytes, decoded.size);
  return decoded.size;
}

gsize encoding_read_unpadded(const char *text, gsize length, guint8 *bytes, gsize room) {
  static const char *const padding[] = {"", NULL, "==", "="};
  if (length / 4 > room || padding[length % 4] == NULL || memchr(text, '=', length) != NULL)
    return 0;
  g_autofree char *plain = g_strndup(text, length);
  g_strdelimit(plain, ".", '+');
  g_autofree char *padded = g_strconcat(plain, padding[length % 4], NULL);
  return encoding_read_base64(padded, strlen(padded), bytes, room);
}

gsize encoding_read_hex(const char *text, gsize length, guint8 *bytes, gsize room) {
  if (length % 2 != 0 || length / 2 > room)
    return 0;
  for (gsize i = 0; i < length; i += 2) {
    if (!g_ascii_isxdigit(text[i]) || !g_ascii_isxdigit(text[i + 1]))
      return 0;
    bytes[i / 2] = (guint8)(g_ascii_xdigit_value(text[i]) << 4 | g_ascii_xdigit_value(text[i + 1]));
  }
  return length / 2;
}

gboolean encoding_take_number(const char **cursor, guint32 *number) {
  guint64 value = 0;
  const char *digits = *cursor;
  if (*digits < '1' || *digits > '9')
    return FALSE;
  for (; g_ascii_isdigit(*digits); digits++) {
    value = value * 10 + (guint64)g_ascii_digit_value(*digits);
    if (value > G_MAXUINT32)
      return FALSE;
  }
  *cursor = digits;
  *number = (guint32)value;
  return TRUE;
}
