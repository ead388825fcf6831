/* SPDX-License-Identifier: MIT */
/* See legacy-text.h. */
#include "client/regfile/legacy-text.h"

#include "client/base/error.h"
#include "client/regfile/windows-1252.h"

#include <errno.h>
#include <string.h>

#define NAME_BYTES 64U
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:_+()-"
#define OUT_BYTES 8192U
#define IN_BYTES 4096U /* converted at once */
#define CUT_BYTES 64U  /* of a character whose end has not come; no encoding needs as many */

struct LegacyText {
  char *encoding;
  GIConv converter;
  char cut[CUT_BYTES + IN_BYTES];
  gsize cut_size;
};

/* A slash would let a name ask glibc for more than an encoding, such as //TRANSLIT. */
static gboolean is_name(const char *encoding) {
  gsize length = strlen(encoding);
  return length > 0 && length <= NAME_BYTES && strspn(encoding, NAME_CHARACTERS) == length;
}

LegacyText *legacy_text_new(const char *encoding, GError **error) {
  GIConv converter = is_name(encoding) ? g_iconv_open("UTF-8", encoding) : (GIConv)-1;
  if (converter == (GIConv)-1) {
    g_autofree char *shown = g_strndup(encoding, NAME_BYTES);
    g_autofree char *escaped = g_strescape(shown, NULL);
    error_set(error, REGISTRY_ERROR_INVALID_VALUE,
              "there is no encoding \"%s\"; iconv -l lists those that can be read", escaped);
    return NULL;
  }
  LegacyText *text = g_new0(LegacyText, 1);
  text->encoding = g_strdup(encoding);
  text->converter = converter;
  return text;
}

void legacy_text_free(LegacyText *text) {
  if (text == NULL)
    return;
  g_iconv_close(text->converter);
  g_free(text->encoding);
  g_free(text);
}

const char *legacy_text_get_encoding(const LegacyText *text) {
  return text->encoding;
}

/* Converts what is in @text->cut as far as it goes. */
static gboolean convert(LegacyText *text, GString *out) {
  char converted[OUT_BYTES];
  char *in = text->cut;
  gsize left = text->cut_size;
  gboolean going = TRUE, well = TRUE;
  while (going && left > 0) {
    char *end = converted;
    gsize room = sizeof converted;
    gsize result = g_iconv(text->converter, &in, &left, &end, &room);
    int why = errno;
    g_string_append_len(out, converted, end - converted);
    going = result != (gsize)-1 || why == E2BIG;
    well = going || why == EINVAL;
  }
  if (left > 0)
    memmove(text->cut, in, left);
  text->cut_size = left;
  return well && left <= CUT_BYTES;
}

gboolean legacy_text_decode(LegacyText *text, const char *bytes, gsize size, GString *out) {
  while (size > 0) {
    gsize now = MIN(size, IN_BYTES);
    memcpy(text->cut + text->cut_size, bytes, now);
    text->cut_size += now;
    bytes += now;
    size -= now;
    if (!convert(text, out))
      return FALSE;
  }
  return TRUE;
}

gboolean legacy_text_finish(LegacyText *text, GString *out) {
  char converted[CUT_BYTES];
  char *end = converted;
  gsize room = sizeof converted;
  if (text->cut_size > 0 || g_iconv(text->converter, NULL, NULL, &end, &room) == (gsize)-1)
    return FALSE;
  g_string_append_len(out, converted, end - converted);
  return TRUE;
}

static GByteArray *decode_windows_1252(const GByteArray *bytes) {
  GByteArray *units = g_byte_array_sized_new(2 * bytes->len);
  for (guint i = 0; i < bytes->len; i++) {
    guint16 unit = windows_1252_decode(bytes->data[i]);
    const guint8 unit_bytes[2] = {(guint8)unit, (guint8)(unit >> 8)};
    g_byte_array_append(units, unit_bytes, sizeof unit_bytes);
  }
  return units;
}

GByteArray *legacy_text_to_utf16(const LegacyText *text, const GByteArray *bytes) {
  if (text == NULL)
    return decode_windows_1252(bytes);
  gsize written = 0;
  char *units = g_convert((const char *)bytes->data, bytes->len, "UTF-16LE", text->encoding, NULL,
                          &written, NULL);
  return units != NULL ? g_byte_array_new_take((guint8 *)units, written) : NULL;
}
