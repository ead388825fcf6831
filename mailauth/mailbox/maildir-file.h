/* SPDX-License-Identifier: MIT */
/* The small files that stand in a Maildir beside its folders, read and written whole, by
 * a descriptor of the folder: no symbolic link is followed, nothing but regular files is
 * read. Their contents are for their readers to check. */
#ifndef MAILAUTH_MAILBOX_MAILDIR_FILE_H
#define MAILAUTH_MAILBOX_MAILDIR_FILE_H

#include <glib.h>

/* All of @name in @folder: @text (the caller's, with a NUL after it) and its @size in
 * bytes. TRUE and a @text of NULL if there is no such file; FALSE if it can't be read or
 * comes to more than @max bytes. */
gboolean maildir_file_read(int folder, const char *name, gsize max, char **text, gsize *size,
                           GError **error);

/* Puts @text in the place of @name, in one piece or not at all. @lasting: it is on
 * the disk before this returns. Only the holder of the Maildir's lock may call it. */
gboolean maildir_file_write(int folder, const char *name, const GString *text, gboolean lasting,
                            GError **error);

#endif
