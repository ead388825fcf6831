/* SPDX-License-Identifier: MIT */
/* Messages that another server has packed or encrypted: told by their first bytes, and
 * unpacked as they are read where that is possible. What can't be unpacked is an error, so
 * that nobody is ever handed the bytes as they lie. Reads a file, in constant memory. */
#ifndef MAILAUTH_PACKED_PACKED_H
#define MAILAUTH_PACKED_PACKED_H

#include <glib.h>

typedef struct PackedReader PackedReader;

/* Reads @file, which is borrowed, from where it stands. */
PackedReader *packed_reader_new(int file);
/* NULL is fine. */
void packed_reader_free(PackedReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PackedReader, packed_reader_free)

/* Looks at how it begins; packed_reader_read() does so else. FALSE and FAILED if the file
 * can't be read, NOT_SUPPORTED if it is packed or encrypted in a way that is not known here. */
gboolean packed_reader_begin(PackedReader *reader, GError **error);
/* Whether the file is packed or encrypted; known once it has begun. */
gboolean packed_reader_is_packed(const PackedReader *reader);
/* The next bytes of the message, unpacked, borrowed until the next call: their number, or 0 at
 * the end. -1 and an error of packed_reader_begin(), INVALID_VALUE if it is damaged, or
 * LIMIT_EXCEEDED if it comes to more than MAX_UNPACKED_MESSAGE bytes. */
gssize packed_reader_read(PackedReader *reader, const char **bytes, GError **error);
/* From the beginning of the file again. FALSE and FAILED. */
gboolean packed_reader_rewind(PackedReader *reader, GError **error);

#endif
