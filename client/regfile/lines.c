/* SPDX-License-Identifier: MIT */
/* From bytes to lines, in two stages: UTF-16 becomes UTF-8 piece by piece, then all text
 * is split alike. A line that lies whole in a pushed piece is passed on without a copy;
 * only a line that was cut is copied. */
#include "client/regfile/lines.h"

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "client/regfile/windows-1252.h"

#include <string.h>

#define MARK_SIZE 3        /* the longest byte-order mark */
#define DECODED_UNITS 8192 /* decoded at once */
#define BYTES_PER_UNIT 3   /* UTF-8 that one UTF-16 unit can become */

struct RegfileLines {
  RegfileLineTaker take;
  gpointer data;
  guint8 mark[MARK_SIZE]; /* the first bytes, until they say what the file is */
  gsize mark_size;
  gboolean started;
  gboolean utf16;
  gboolean has_half_unit;
  guint8 half_unit;
  guint32 high_surrogate; /* 0: none waits for its partner */
  char *decoded;
  GByteArray *partial; /* the start of a line whose end has not come yet */
  guint8 bits;         /* all bytes of the line so far, or-ed */
  gboolean has_nul;
  gboolean skip_line_feed; /* the last line ended with CR */
  guint32 number;
  const char *end_before;
  GString *converted;
  LegacyText *encoding; /* NULL: none was named */
};

RegfileLines *regfile_lines_new(RegfileLineTaker take, gpointer data) {
  RegfileLines *lines = g_new0(RegfileLines, 1);
  lines->take = take;
  lines->data = data;
  lines->partial = g_byte_array_new();
  lines->converted = g_string_new(NULL);
  lines->end_before = "";
  return lines;
}

void regfile_lines_free(RegfileLines *lines) {
  if (lines == NULL)
    return;
  g_free(lines->decoded);
  g_byte_array_unref(lines->partial);
  g_string_free(lines->converted, TRUE);
  legacy_text_free(lines->encoding);
  g_free(lines);
}

void regfile_lines_set_encoding(RegfileLines *lines, LegacyText *encoding) {
  legacy_text_free(lines->encoding);
  lines->encoding = encoding;
}

/* ---- from text to lines ---- */

static void convert_windows_1252(GString *out, const char *text, gsize length) {
  g_string_truncate(out, 0);
  for (gsize i = 0; i < length; i++)
    g_string_append_unichar(out, windows_1252_decode((guint8)text[i]));
}

static gboolean give_out(RegfileLines *lines, const char *text, gsize length, gboolean cut,
                         GError **error) {
  RegfileLine line = {
      .text = text,
      .length = length,
      .number = ++lines->number,
      .ascii = lines->bits < 0x80,
      .has_nul = lines->has_nul,
      .cut = cut,
      .end_before = lines->end_before,
  };
  lines->bits = 0;
  lines->has_nul = FALSE;
  if (length > LIMIT_REGFILE_LINE_BYTES)
    return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED, "line %u is longer than %u bytes",
                     line.number, LIMIT_REGFILE_LINE_BYTES);
  line.well_formed = line.ascii || g_utf8_validate_len(text, length, NULL);
  if (!line.well_formed && !lines->utf16 && !line.has_nul) {
    convert_windows_1252(lines->converted, text, length);
    line.text = lines->converted->str;
    line.length = lines->converted->len;
    line.well_formed = TRUE;
    line.guessed = TRUE;
  }
  return lines->take(&line, lines->data, error);
}

static gboolean give_out_with_partial(RegfileLines *lines, const char *text, gsize length,
                                      gboolean cut, GError **error) {
  if (lines->partial->len == 0)
    return give_out(lines, text, length, cut, error);
  if (length > 0)
    g_byte_array_append(lines->partial, (const guint8 *)text, (guint)length);
  gboolean going =
      give_out(lines, (const char *)lines->partial->data, lines->partial->len, cut, error);
  g_byte_array_set_size(lines->partial, 0);
  return going;
}

static gboolean keep_partial(RegfileLines *lines, const char *text, gsize length, GError **error) {
  if (length > LIMIT_REGFILE_LINE_BYTES - lines->partial->len)
    return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED, "line %u is longer than %u bytes",
                     lines->number + 1, LIMIT_REGFILE_LINE_BYTES);
  g_byte_array_append(lines->partial, (const guint8 *)text, (guint)length);
  return TRUE;
}

static const char *find_line_end(RegfileLines *lines, const char *text, const char *end) {
  guint8 bits = 0;
  for (; text < end; text++) {
    guint8 byte = (guint8)*text;
    if (byte <= '\r' && (byte == '\n' || byte == '\r'))
      break;
    if (byte == '\0')
      lines->has_nul = TRUE;
    bits |= byte;
  }
  lines->bits |= bits;
  return text;
}

static gboolean split_text(RegfileLines *lines, const char *text, gsize size, GError **error) {
  const char *end = text + size;
  while (text < end) {
    if (lines->skip_line_feed && *text == '\n') {
      lines->end_before = "\r\n";
      text++;
    }
    lines->skip_line_feed = FALSE;
    const char *stop = find_line_end(lines, text, end);
    if (stop == end)
      return text == end || keep_partial(lines, text, (gsize)(end - text), error);
    if (!give_out_with_partial(lines, text, (gsize)(stop - text), FALSE, error))
      return FALSE;
    lines->skip_line_feed = *stop == '\r';
    lines->end_before = lines->skip_line_feed ? "\r" : "\n";
    text = stop + 1;
  }
  return TRUE;
}

/* ---- from UTF-16 to text ---- */

/* Encodes a lone surrogate as three bytes, as if it were a character, so that the exact
 * units can be restored later. */
static char *put_surrogate(char *out, guint32 unit) {
  *out++ = (char)0xED;
  *out++ = (char)(0x80 | (unit >> 6 & 0x3F));
  *out++ = (char)(0x80 | (unit & 0x3F));
  return out;
}

static char *put_character(char *out, guint32 character) {
  return out + g_unichar_to_utf8(character, out);
}

static char *put_unit(RegfileLines *lines, char *out, guint32 unit) {
  guint32 high = lines->high_surrogate;
  if (high != 0) {
    lines->high_surrogate = 0;
    if ((unit & 0xFC00) == 0xDC00)
      return put_character(out, 0x10000 + ((high & 0x3FF) << 10) + (unit & 0x3FF));
    out = put_surrogate(out, high);
  }
  if ((unit & 0xFC00) == 0xD800) {
    lines->high_surrogate = unit;
    return out;
  }
  return (unit & 0xFC00) == 0xDC00 ? put_surrogate(out, unit) : put_character(out, unit);
}

static gboolean decode_units(RegfileLines *lines, const guint8 *bytes, gsize units,
                             GError **error) {
  char *out = lines->decoded;
  for (gsize i = 0; i < units; i++) {
    guint32 unit = (guint32)(bytes[2 * i] | bytes[2 * i + 1] << 8);
    if (unit < 0x80 && lines->high_surrogate == 0)
      *out++ = (char)unit;
    else
      out = put_unit(lines, out, unit);
  }
  return split_text(lines, lines->decoded, (gsize)(out - lines->decoded), error);
}

static gboolean decode_utf16(RegfileLines *lines, const char *bytes, gsize size, GError **error) {
  const guint8 *at = (const guint8 *)bytes;
  if (lines->has_half_unit && size > 0) {
    const guint8 unit[2] = {lines->half_unit, *at++};
    size--;
    lines->has_half_unit = FALSE;
    if (!decode_units(lines, unit, 1, error))
      return FALSE;
  }
  for (gsize units = size / 2; units > 0;) {
    gsize now = MIN(units, DECODED_UNITS);
    if (!decode_units(lines, at, now, error))
      return FALSE;
    at += 2 * now;
    units -= now;
  }
  if (size % 2 != 0) {
    lines->has_half_unit = TRUE;
    lines->half_unit = *at;
  }
  return TRUE;
}

/* ---- from the encoding that was named to text ---- */

static gboolean refuse_encoding(const RegfileLines *lines, GError **error) {
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "line %u: the text is not %s, the encoding that was named", lines->number + 1,
                   legacy_text_get_encoding(lines->encoding));
}

static gboolean decode_legacy(RegfileLines *lines, const char *bytes, gsize size, GError **error) {
  g_autoptr(GString) text = g_string_new(NULL);
  gboolean well = legacy_text_decode(lines->encoding, bytes, size, text);
  return split_text(lines, text->str, text->len, error) && (well || refuse_encoding(lines, error));
}

static gboolean finish_legacy(RegfileLines *lines, GError **error) {
  g_autoptr(GString) text = g_string_new(NULL);
  return legacy_text_finish(lines->encoding, text) ? split_text(lines, text->str, text->len, error)
                                                   : refuse_encoding(lines, error);
}

/* ---- from bytes to either ---- */

static gboolean take_bytes(RegfileLines *lines, const char *bytes, gsize size, GError **error) {
  if (lines->utf16)
    return decode_utf16(lines, bytes, size, error);
  return lines->encoding != NULL ? decode_legacy(lines, bytes, size, error)
                                 : split_text(lines, bytes, size, error);
}

/* Decides the encoding by the first bytes, then takes those of them that are text. */
static gboolean start(RegfileLines *lines, GError **error) {
  static const guint8 utf16[] = {0xFF, 0xFE};
  static const guint8 big_endian[] = {0xFE, 0xFF};
  static const guint8 utf8[] = {0xEF, 0xBB, 0xBF};
  gsize skip = 0;
  lines->started = TRUE;
  if (lines->mark_size >= sizeof big_endian &&
      memcmp(lines->mark, big_endian, sizeof big_endian) == 0)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     REGFILE_NOT_ONE ": it is UTF-16 in big-endian order; "
                                     "UTF-16LE, UTF-8 and Windows-1252 are read");
  if (lines->mark_size >= sizeof utf16 && memcmp(lines->mark, utf16, sizeof utf16) == 0) {
    lines->utf16 = TRUE;
    /* One more unit than a piece has: a lone surrogate may wait from before. */
    lines->decoded = g_malloc((DECODED_UNITS + 1) * BYTES_PER_UNIT);
    skip = sizeof utf16;
  } else if (lines->mark_size == sizeof utf8 && memcmp(lines->mark, utf8, sizeof utf8) == 0) {
    skip = sizeof utf8;
  }
  /* A byte-order mark knows better than whoever named an encoding. */
  if (skip > 0)
    g_clear_pointer(&lines->encoding, legacy_text_free);
  return take_bytes(lines, (const char *)lines->mark + skip, lines->mark_size - skip, error);
}

gboolean regfile_lines_push(RegfileLines *lines, const char *bytes, gsize size, GError **error) {
  if (!lines->started) {
    gsize taken = MIN(size, MARK_SIZE - lines->mark_size);
    if (taken > 0)
      memcpy(lines->mark + lines->mark_size, bytes, taken);
    lines->mark_size += taken;
    if (lines->mark_size < MARK_SIZE)
      return TRUE;
    if (!start(lines, error))
      return FALSE;
    bytes += taken;
    size -= taken;
  }
  return take_bytes(lines, bytes, size, error);
}

gboolean regfile_lines_finish(RegfileLines *lines, GError **error) {
  if (!lines->started && !start(lines, error))
    return FALSE;
  if (lines->high_surrogate != 0) {
    char *end = put_surrogate(lines->decoded, lines->high_surrogate);
    lines->high_surrogate = 0;
    if (!split_text(lines, lines->decoded, (gsize)(end - lines->decoded), error))
      return FALSE;
  }
  if (lines->encoding != NULL && !finish_legacy(lines, error))
    return FALSE;
  if (lines->partial->len == 0 && !lines->has_half_unit)
    return TRUE;
  return give_out_with_partial(lines, "", 0, lines->has_half_unit, error);
}
