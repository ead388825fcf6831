/* SPDX-License-Identifier: MIT */
/* The unique IDs (RFC 1939, section 7) of those messages in a Maildir that have another
 * than their file's name gives them: what clients were told by Dovecot, taken over once,
 * and kept for ever from then on, even if Dovecot's own list changes. Pure: text in,
 * text out.
 *
 * A message is known here by what maildir_name_make_uid() makes of its file's name, its
 * key. No ID is ever taken away again: a message may be out of sight for a moment while
 * another program moves it. */
#ifndef MAILAUTH_MAILBOX_MAILDIR_IDS_H
#define MAILAUTH_MAILBOX_MAILDIR_IDS_H

#include <glib.h>

typedef struct MaildirIds MaildirIds;

/* Reads what maildir_ids_print() wrote, @size bytes and a NUL, and takes @text.
 * FAILED: it is not that, or not all of it. */
MaildirIds *maildir_ids_parse(char *text, gsize size, GError **error);
void maildir_ids_free(MaildirIds *ids);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MaildirIds, maildir_ids_free)

/* The IDs that Dovecot told, by its setting pop3_uidl_format, @format, of all messages
 * in its list @uidlist (@size bytes and a NUL), which is cut up; NULL if there is none.
 * What is not fit for POP3, and what several messages have in common but for the first
 * of them, is left out. LIMIT_EXCEEDED: it lists more than MAX_MESSAGES. */
MaildirIds *maildir_ids_take_over(const char *format, char *uidlist, gsize size, GError **error);

/* What each of @keys is told by into @told, of as many places: borrowed, of @ids or
 * of @keys. One that has no ID, and can't be told by its key because that is another
 * message's ID, gets one that is nobody's. TRUE: there are such, and what
 * maildir_ids_print() gives has to be kept before any of them is told. It is quick
 * where @keys stand in the order in which they were taken over. */
gboolean maildir_ids_settle(MaildirIds *ids, const GPtrArray *keys, const char **told);

/* "mailauthd-unique-ids 1 <count>" and a line "<key> <ID>" for each. */
GString *maildir_ids_print(const MaildirIds *ids);

#endif
