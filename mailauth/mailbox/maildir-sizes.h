/* SPDX-License-Identifier: MIT */
/* What messages come to with CRLF, kept in a file between sessions. A size is
 * believed only of the very file that it was counted of: same inode, length and
 * time of change. The file is the mailbox owner's: nothing in it can do more than
 * make a size wrong. */
#ifndef MAILAUTH_MAILBOX_MAILDIR_SIZES_H
#define MAILAUTH_MAILBOX_MAILDIR_SIZES_H

#include <glib.h>
#include <sys/stat.h>

typedef struct MaildirSizes MaildirSizes;

/* Reads @name in @folder. What is missing or can't be understood is not known. */
MaildirSizes *maildir_sizes_load(int folder, const char *name);
void maildir_sizes_free(MaildirSizes *sizes);

gboolean maildir_sizes_look_up(const MaildirSizes *sizes, const char *uid,
                               const struct stat *status, guint64 *octets);
void maildir_sizes_add(MaildirSizes *sizes, const char *uid, const struct stat *status,
                       guint64 octets);
/* Whether there is anything that the file does not hold. */
gboolean maildir_sizes_are_new(const MaildirSizes *sizes);
/* Writes those whose unique ID is in @present anew, in one piece or not at all. */
gboolean maildir_sizes_save(const MaildirSizes *sizes, GHashTable *present, int folder,
                            const char *name);

#endif
