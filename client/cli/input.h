/* SPDX-License-Identifier: MIT */
/* What a command-line program reads from a file or from standard input. */
#ifndef CLIENT_CLI_INPUT_H
#define CLIENT_CLI_INPUT_H

#include <glib.h>

/* All of @file, or of standard input if it is `-`; a NUL that does not count stands behind
 * it. FAILED: it can't be read; LIMIT_EXCEEDED: it has more than @most bytes. The caller's. */
GByteArray *input_read(const char *file, gsize most, GError **error);

#endif
