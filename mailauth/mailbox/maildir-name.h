/* SPDX-License-Identifier: MIT */
/* What the name of a message's file in a Maildir says. Pure. */
#ifndef MAILAUTH_MAILBOX_MAILDIR_NAME_H
#define MAILAUTH_MAILBOX_MAILDIR_NAME_H

#include <glib.h>

/* How much of @name does not change while the message is moved and flagged:
 * all before the flags (`:2,S`) and the sizes (`,S=1234,W=1250`). */
gsize maildir_name_get_unique_length(const char *name);
/* The number after `,W=`: bytes with CRLF. G_MAXUINT64 if there is none. */
guint64 maildir_name_get_size(const char *name);
/* Whether the @length bytes at @text are fit for a unique ID of POP3: 1 to 70
 * characters from '!' to '~' (RFC 1939, section 7). */
gboolean maildir_name_is_uid(const char *text, gsize length);
/* A unique ID: the unique part if it is fit for one, else the SHA-256 of it. */
char *maildir_name_make_uid(const char *name);
/* The time of delivery, in s since 1970: the number that it begins with, 0 without one. */
guint64 maildir_name_get_time(const char *name);

#endif
