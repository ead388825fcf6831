/* SPDX-License-Identifier: MIT */
/* Numbers as people write them: decimal, or hexadecimal after 0x. Pure. */
#ifndef CLIENT_BASE_NUMBER_H
#define CLIENT_BASE_NUMBER_H

#include <glib.h>

/* TRUE if the whole of @text is a number of at most @maximum: no sign, no blanks, nothing
 * after it. A leading zero does not mean octal. @number may be NULL. */
gboolean number_parse(const char *text, guint64 maximum, guint64 *number);

#endif
