/* SPDX-License-Identifier: MIT */
/* Text in its two encodings, UTF-8 (in memory, on the bus) and UTF-16LE (in values), and
 * the checks that several layers need. Pure. */
#ifndef CLIENT_BASE_TEXT_H
#define CLIENT_BASE_TEXT_H

#include <glib.h>

/* What a look at UTF-16LE bytes finds. */
typedef struct {
  gboolean well_formed;  /* whole units, and no surrogate without its partner */
  gsize units;           /* whole units */
  gsize trailing_nuls;   /* NUL units at the end */
  gsize inner_nuls;      /* NUL units before those */
  gboolean empty_inside; /* an inner NUL at the start or right after another */
} TextScan;

/* @bytes may be NULL if @size is 0. */
void text_scan_utf16(const guint8 *bytes, gsize size, TextScan *scan);

gboolean text_is_ascii(const char *text, gsize length);
/* UTF-16 code units that @length bytes of valid UTF-8 take. */
gsize text_count_units(const char *text, gsize length);
/* Writes two bytes for each of text_count_units(). @text must be valid UTF-8. */
void text_utf8_to_utf16(const char *text, gsize length, guint8 *out);
/* @units must be well-formed. NUL-terminated; length in bytes in *@length (may
 * be NULL). Owned by the caller. */
char *text_utf16_to_utf8(const guint8 *bytes, gsize units, gsize *length);

/* @text as part of a message, as escape.h shows it: at most 200 bytes, with an ellipsis in
 * place of the end if it was longer. @text may be any bytes; @length -1: NUL-terminated.
 * Owned by the caller. */
char *text_for_message(const char *text, gssize length);

#endif
