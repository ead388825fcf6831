/* SPDX-License-Identifier: MIT */
/* A hive with nothing but its root key, which libhivex can fill: it makes none by itself. Pure. */
#ifndef CLIENT_HIVE_EMPTY_HIVE_H
#define CLIENT_HIVE_EMPTY_HIVE_H

#include <glib.h>

/* The bytes of a hive of format 1.3: its root key, with full control for administrators and reading
 * for everyone. The layout is that of "Windows registry file format specification" (M. Suhanov) and
 * "Windows NT Registry File format" (J. Metz). Owned by the caller. */
GByteArray *empty_hive_new(void);

#endif
