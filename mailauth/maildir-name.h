/* What the name of a message's file in a Maildir says. Pure. */
#ifndef MAILAUTH_MAILDIR_NAME_H
#define MAILAUTH_MAILDIR_NAME_H

#include <glib.h>

/* How much of @name does not change while the message is moved and flagged:
 * all before the flags (`:2,S`) and the sizes (`,S=1234,W=1250`). */
gsize maildir_name_get_unique_length(const char *name);
/* The number after `,W=`: bytes with CRLF. G_MAXUINT64 where there is none. */
guint64 maildir_name_get_size(const char *name);
/* 1 to 70 characters from '!' to '~': the unique part where it is such, else
 * the SHA-256 of it. */
char *maildir_name_make_uid(const char *name);
/* By time of delivery, then by name. For qsort and its like. */
int maildir_name_compare(const char *a, const char *b);

#endif
