/* SPDX-License-Identifier: MIT */
/* Shows text from strangers on one line: of a terminal, a log, an event, a message. Pure. */
#ifndef CLIENT_BASE_ESCAPE_H
#define CLIENT_BASE_ESCAPE_H

#include <glib.h>

/* FALSE for control characters, line separators, marks of text direction and what is no
 * character that this GLib knows: a terminal acts on them, or they mislead the reader. */
gboolean escape_is_harmless(gunichar character);
/* Appends @text. Characters that are not harmless become \x1b or \u{202e}; bytes that are
 * not UTF-8 are replaced. What was shown so stays the same if it is shown again. */
void escape_append(GString *out, const char *text);
/* Appends @text in double quotes, with a backslash before each `"` and `\`: where a text from
 * a stranger ends is never in doubt. What is not harmless is shown as above, before that. */
void escape_append_quoted(GString *out, const char *text);
/* The same as escape_append() as a string of at most @limit bytes (4 or more; below G_MAXSIZE),
 * with an ellipsis in place of the end if it was longer. @length -1: NUL-terminated. Owned by the
 * caller. */
char *escape_dup(const char *text, gssize length, gsize limit);

#endif
