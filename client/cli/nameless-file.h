/* SPDX-License-Identifier: MIT */
/* A file without a name: what is handed to regd by its descriptor, and gone with it. */
#ifndef CLIENT_CLI_NAMELESS_FILE_H
#define CLIENT_CLI_NAMELESS_FILE_H

#include "client/registry.h"

/* Open for reading and writing; owned by the caller. -1 with @error (FAILED), which begins with
 * @what. */
int nameless_file_new(const char *what, GError **error);
/* Appends all of @bytes. FALSE: errno says why. */
gboolean nameless_file_write(int descriptor, const void *bytes, gsize size);
/* Goes back to the beginning, where the next one reads from. */
gboolean nameless_file_rewind(int descriptor);

#endif
