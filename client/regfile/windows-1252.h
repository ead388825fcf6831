/* SPDX-License-Identifier: MIT */
/* Windows-1252, the encoding of .reg files that are not in UTF. All 256 bytes have a
 * character: the five that Windows-1252 leaves undefined are the control characters of the
 * same number, as Windows converts them. */
#ifndef CLIENT_REGFILE_WINDOWS_1252_H
#define CLIENT_REGFILE_WINDOWS_1252_H

#include <glib.h>

guint16 windows_1252_decode(guint8 byte);
/* FALSE: @unit has no byte. */
gboolean windows_1252_encode(guint16 unit, guint8 *byte);

#endif
