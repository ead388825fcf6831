/* SPDX-License-Identifier: MIT */
/* 8-bit text of an encoding that the caller names, made UTF-8 by iconv(3). Pure. */
#ifndef CLIENT_REGFILE_LEGACY_TEXT_H
#define CLIENT_REGFILE_LEGACY_TEXT_H

#include <glib.h>

typedef struct LegacyText LegacyText;

/* @encoding: a name that iconv knows, of letters, digits and `.:_+()-`, at most 64 bytes.
 * NULL with INVALID_VALUE: no such encoding. */
LegacyText *legacy_text_new(const char *encoding, GError **error);
void legacy_text_free(LegacyText *text);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LegacyText, legacy_text_free)

/* Appends what the next @size bytes say, as UTF-8, to @out; the start of a character that
 * is cut off waits for its rest. FALSE: the bytes are not text of this encoding; what came
 * before them is in @out. */
gboolean legacy_text_decode(LegacyText *text, const char *bytes, gsize size, GString *out);
/* The end. FALSE: it is in the middle of a character. */
gboolean legacy_text_finish(LegacyText *text, GString *out);
/* @bytes, which stand for themselves, as UTF-16LE; @text NULL: they are Windows-1252. NULL: they
 * are not text of this encoding. The caller's. */
GByteArray *legacy_text_to_utf16(const LegacyText *text, const GByteArray *bytes);
const char *legacy_text_get_encoding(const LegacyText *text);

#endif
