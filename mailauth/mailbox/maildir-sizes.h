/* SPDX-License-Identifier: MIT */
/* The sizes of messages with CRLF, kept in a file between sessions. A size is believed
 * only for the very file that it was counted in: same inode, length and time of change.
 * The file belongs to the mailbox's owner; at worst it makes a size wrong. */
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
/* Writes the sizes of messages with a unique ID in @present again, in one piece or not
 * at all. */
gboolean maildir_sizes_save(const MaildirSizes *sizes, GHashTable *present, int folder,
                            const char *name);

#endif
