/* SPDX-License-Identifier: MIT */
/* Text from strangers on a line of its own reader's terminal. Pure. */
#ifndef CLIENT_BASE_ESCAPE_H
#define CLIENT_BASE_ESCAPE_H

#include <glib.h>

/* FALSE for control characters, line separators and what turns the direction
 * of text: a terminal acts on them, or a reader is misled by them. */
gboolean escape_is_harmless(gunichar character);
/* Appends @text, what is not harmless as \x1b or \u{202e}; bytes that are not
 * UTF-8 are replaced. */
void escape_append(GString *out, const char *text);

#endif
