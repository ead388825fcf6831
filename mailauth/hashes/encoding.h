/* SPDX-License-Identifier: MIT */
/* How hashes write bytes: base64 (RFC 4648, section 4), the same without padding and with `.`
 * for `+` too (PHC's strings, ab64), and hexadecimal. Strict. Pure. */
#ifndef MAILAUTH_HASHES_ENCODING_H
#define MAILAUTH_HASHES_ENCODING_H

#include <glib.h>

/* The bytes that the @length characters of @text stand for, at most @room. 0: there are none,
 * or more, or the text is no such encoding. */
gsize encoding_read_base64(const char *text, gsize length, guint8 *bytes, gsize room);
/* The same without padding, which must not be there. */
gsize encoding_read_unpadded(const char *text, gsize length, guint8 *bytes, gsize room);
/* The same of hexadecimal digits, in either case. */
gsize encoding_read_hex(const char *text, gsize length, guint8 *bytes, gsize room);
/* A decimal number from 1 to 4294967295, without a sign or leading zeros, at *@cursor, which
 * is moved past it. FALSE: there is none. */
gboolean encoding_take_number(const char **cursor, guint32 *number);

#endif
