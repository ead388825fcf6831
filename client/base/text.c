/* SPDX-License-Identifier: MIT */
/* Converts text between UTF-8 and UTF-16LE. value.c and path.c know what text means to
 * values and names. */
#include "client/base/text.h"

#include <string.h>

#include "client/base/escape.h"

#define MESSAGE_TEXT_BYTES 200
#define UNITS_PER_WORD 4
#define EVERY_UNIT(unit) (G_GUINT64_CONSTANT(0x0001000100010001) * (unit))

static guint16 get_unit(const guint8 *bytes, gsize index) {
  return (guint16)(bytes[2 * index] | bytes[2 * index + 1] << 8);
}

static guint8 *put_unit(guint8 *out, guint32 unit) {
  out[0] = (guint8)unit;
  out[1] = (guint8)(unit >> 8);
  return out + 2;
}

static gboolean is_high_surrogate(guint32 unit) {
  return (unit & 0xFC00) == 0xD800;
}

static gboolean is_low_surrogate(guint32 unit) {
  return (unit & 0xFC00) == 0xDC00;
}

static gboolean has_lone_surrogate(const guint8 *bytes, gsize units) {
  for (gsize i = 0; i < units; i++) {
    guint16 unit = get_unit(bytes, i);
    if ((unit & 0xF800) != 0xD800)
      continue;
    if (!is_high_surrogate(unit) || i + 1 == units || !is_low_surrogate(get_unit(bytes, i + 1)))
      return TRUE;
    i++;
  }
  return FALSE;
}

/* Looks at four units at once: 0 if none of them is zero. */
static guint64 find_zero_units(guint64 word) {
  return (word - EVERY_UNIT(0x0001)) & ~word & EVERY_UNIT(0x8000);
}

static guint64 load_units(const guint8 *bytes) {
  guint64 word;
  memcpy(&word, bytes, sizeof word);
  return GUINT64_FROM_LE(word);
}

/* Counts units at the start that are surely neither NUL nor surrogates, four at a time:
 * nearly all of most texts. */
static gsize count_plain_units(const guint8 *bytes, gsize units) {
  gsize plain = 0;
  for (; plain + UNITS_PER_WORD <= units; plain += UNITS_PER_WORD) {
    guint64 word = load_units(bytes + 2 * plain);
    guint64 surrogates = find_zero_units((word & EVERY_UNIT(0xF800)) ^ EVERY_UNIT(0xD800));
    if ((find_zero_units(word) | surrogates) != 0)
      break;
  }
  return plain;
}

void text_scan_utf16(const guint8 *bytes, gsize size, TextScan *scan) {
  *scan = (TextScan){.units = size / 2, .well_formed = size == 0};
  /* @bytes may be NULL then, to which nothing may be added, not even 0. */
  if (size == 0)
    return;
  gsize plain = count_plain_units(bytes, scan->units);
  scan->well_formed = size % 2 == 0 && !has_lone_surrogate(bytes + 2 * plain, scan->units - plain);
  gsize end = scan->units;
  while (end > plain && get_unit(bytes, end - 1) == 0)
    end--;
  scan->trailing_nuls = scan->units - end;
  gboolean after_nul = plain == 0;
  for (gsize i = plain; i < end; i++) {
    gboolean nul = get_unit(bytes, i) == 0;
    scan->inner_nuls += nul;
    scan->empty_inside |= nul && after_nul;
    after_nul = nul;
  }
}

gboolean text_is_ascii(const char *text, gsize length) {
  guint64 seen = 0;
  for (; length >= sizeof seen; text += sizeof seen, length -= sizeof seen) {
    guint64 word;
    memcpy(&word, text, sizeof word);
    seen |= word;
  }
  for (; length > 0; text++, length--)
    seen |= (guint8)*text;
  return (seen & G_GUINT64_CONSTANT(0x8080808080808080)) == 0;
}

gsize text_count_units(const char *text, gsize length) {
  if (text_is_ascii(text, length))
    return length;
  gsize units = 0;
  for (gsize i = 0; i < length; i++) {
    guint8 byte = (guint8)text[i];
    /* Each sequence counts by its first byte; one of four bytes is a pair. */
    units += (gsize)((byte & 0xC0) != 0x80) + (gsize)(byte >= 0xF0);
  }
  return units;
}

void text_utf8_to_utf16(const char *text, gsize length, guint8 *out) {
  if (text_is_ascii(text, length)) {
    for (gsize i = 0; i < length; i++)
      out = put_unit(out, (guint8)text[i]);
    return;
  }
  const char *end = text + length;
  while (text < end) {
    guint32 code_point = (guint8)*text;
    if (code_point < 0x80) {
      out = put_unit(out, code_point);
      text++;
      continue;
    }
    code_point = g_utf8_get_char(text);
    text += g_utf8_skip[(guint8)*text];
    if (code_point >= 0x10000) {
      out = put_unit(out, 0xD800 + ((code_point - 0x10000) >> 10));
      code_point = 0xDC00 + (code_point & 0x3FF);
    }
    out = put_unit(out, code_point);
  }
}

static gboolean units_are_ascii(const guint8 *bytes, gsize units) {
  guint64 seen = 0;
  gsize i = 0;
  for (; i + UNITS_PER_WORD <= units; i += UNITS_PER_WORD)
    seen |= load_units(bytes + 2 * i);
  for (; i < units; i++)
    seen |= get_unit(bytes, i);
  return (seen & ~EVERY_UNIT(0x007F)) == 0;
}

static char *narrow_ascii(const guint8 *bytes, gsize units) {
  char *text = g_malloc(units + 1);
  for (gsize i = 0; i < units; i++)
    text[i] = (char)bytes[2 * i];
  text[units] = '\0';
  return text;
}

char *text_utf16_to_utf8(const guint8 *bytes, gsize units, gsize *length) {
  if (units_are_ascii(bytes, units)) {
    if (length != NULL)
      *length = units;
    return narrow_ascii(bytes, units);
  }
  /* A unit alone becomes at most three bytes, a pair four. */
  g_autofree char *text = g_malloc(units * 3 + 1);
  char *out = text;
  for (gsize i = 0; i < units; i++) {
    guint32 code_point = get_unit(bytes, i);
    if (code_point < 0x80) {
      *out++ = (char)code_point;
      continue;
    }
    if (is_high_surrogate(code_point))
      code_point = 0x10000 + ((code_point & 0x3FF) << 10) + (get_unit(bytes, ++i) & 0x3FF);
    out += g_unichar_to_utf8(code_point, out);
  }
  *out = '\0';
  gsize size = (gsize)(out - text);
  if (length != NULL)
    *length = size;
  return g_realloc(g_steal_pointer(&text), size + 1);
}

char *text_for_message(const char *text, gssize length) {
  return escape_dup(text, length, MESSAGE_TEXT_BYTES);
}
