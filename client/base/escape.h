/* SPDX-License-Identifier: MIT */
/* Shows text from strangers on one line of a terminal. Pure. */
#ifndef CLIENT_BASE_ESCAPE_H
#define CLIENT_BASE_ESCAPE_H

#include <glib.h>

/* FALSE for control characters, line separators and marks of text direction: a terminal
 * acts on them, or they mislead the reader. */
gboolean escape_is_harmless(gunichar character);
/* Appends @text. Characters that are not harmless become \x1b or \u{202e}; bytes that are
 * not UTF-8 are replaced. */
void escape_append(GString *out, const char *text);

#endif
