/* SPDX-License-Identifier: MIT */
/* How Dovecot makes a message's unique ID of what it knows of the message: its
 * setting pop3_uidl_format, in the spelling of Dovecot 2.3 (`%08Xu%08Xv`) and of
 * 2.4 (`%{uid | hex(8)}%{uidvalidity | hex(8)}`). Pure. */
#ifndef MAILAUTH_BASE_UNIQUE_ID_FORMAT_H
#define MAILAUTH_BASE_UNIQUE_ID_FORMAT_H

#include <glib.h>

/* Instead of a format: IDs are made of the files' names only. */
#define UNIQUE_IDS_BY_NAME "name"

typedef struct UniqueIdFormat UniqueIdFormat;

/* What the variables stand for. */
typedef struct {
  guint32 uid;      /* u, {uid}: the message's, in IMAP */
  guint32 validity; /* v, {uidvalidity}: the mailbox's, in IMAP */
  const char *name; /* f, {filename}: of the file, sizes and all, without flags; g, {guid} too if
                       there is no @guid */
  const char *guid; /* NULL for none */
} UniqueIdFacts;

/* INVALID_VALUE: a variable or modifier that is none of these, a character that no
 * ID may have, or nothing that tells one message from another. Of the modifiers
 * L, U, X, M (lower, upper and hexadecimal of 2.4) and leading zeros are known. */
UniqueIdFormat *unique_id_format_new(const char *text, GError **error);
void unique_id_format_free(UniqueIdFormat *format);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UniqueIdFormat, unique_id_format_free)

/* Appends the ID. Names and GUIDs come as they are: it may not be fit for POP3. */
void unique_id_format_expand(const UniqueIdFormat *format, const UniqueIdFacts *facts, GString *id);

#endif
