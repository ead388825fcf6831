/* SPDX-License-Identifier: MIT */
/* One user's Maildir, held by one session at a time. All the I/O of POP3 on a
 * Maildir is here, by descriptors of the folder: no symbolic link in it is
 * followed and nothing but regular files is opened. It knows no command.
 *
 * Three files of its own stand in the folder: MAILDIR_LOCK_FILE, whose lock dies
 * with the process; MAILDIR_SIZES_FILE, which keeps what messages come to with
 * CRLF, so that they are not read through again by each session; and, where
 * unique IDs were taken over from Dovecot, MAILDIR_IDS_FILE, which keeps those. */
#ifndef MAILAUTH_MAILBOX_MAILDIR_H
#define MAILAUTH_MAILBOX_MAILDIR_H

#include "mailauth/process/watchdog.h"

/* What a step on the disk may take at most, in s: a buffer that is read or listed, a message that
 * is moved. A slow disk gets on all the same. */
#define MAILDIR_STEP_SECONDS 120

#define MAILDIR_LOCK_FILE ".mailauthd-pop3.lock"
#define MAILDIR_SIZES_FILE ".mailauthd-pop3.sizes"
#define MAILDIR_IDS_FILE ".mailauthd-pop3.ids"

typedef struct Maildir Maildir;

/* Makes the folder @path (absolute), and those above it, as far as they are missing, for
 * this process's user only: a mailbox that nobody has delivered to is an empty one. */
gboolean maildir_make(const char *path, GError **error);
/* Opens the folder @path (absolute), locks it, moves what is in new/ to cur/,
 * and lists it, oldest first. Folders cur, new and tmp that are missing are made.
 * @unique_ids: UNIQUE_IDS_BY_NAME, or the format by which Dovecot told them
 * (unique-id-format.h): the first such call takes them over, for good, and they
 * hold whatever a later one asks for.
 * @watchdog: borrowed as long as it is open, and extended with each step on the disk; NULL: none.
 * CONFLICT: another session holds it. Anything else: it can't be used. */
Maildir *maildir_open(const char *path, const char *unique_ids, Watchdog *watchdog, GError **error);
/* Releases the lock. NULL is fine. */
void maildir_close(Maildir *maildir);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Maildir, maildir_close)

guint maildir_get_count(const Maildir *maildir);
/* The unique ID (RFC 1939, section 7): 1 to 70 characters from '!' to '~', no
 * other message's, the same in every session. Borrowed. */
const char *maildir_get_uid(const Maildir *maildir, guint index);
/* As it was last seen. Borrowed until the next call. */
const char *maildir_get_file_name(const Maildir *maildir, guint index);
/* With CRLF, in bytes, as the file's name says (`,W=`); G_MAXUINT64 if it does not. */
guint64 maildir_get_size(const Maildir *maildir, guint index);
/* The same, known or counted; 0 for a message that has gone. */
guint64 maildir_measure(Maildir *maildir, guint index);

/* A descriptor to read it, the caller's; -1 and an error if it has gone or can't be
 * read. */
int maildir_open_message(Maildir *maildir, guint index, GError **error);
/* A message that has gone already counts as removed. */
gboolean maildir_remove(Maildir *maildir, guint index, GError **error);
/* Writes the sizes that have been counted, if there are any. It may fail without harm:
 * they are counted again. */
void maildir_save_sizes(Maildir *maildir);

#endif
