/* SPDX-License-Identifier: MIT */
/* The file dovecot-uidlist of a Maildir, in which Dovecot keeps the number that
 * IMAP knows each message by: versions 1 and 3 of its format. Pure; it is only read.
 *
 *   3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1
 *   25006 G0a1b W2481 :1276528487.M364837P9451.kurkku,S=1355,W=1394:2,
 *   25017 Pd1 :1276533073.M242911P3632.kurkku:2,F */
#ifndef MAILAUTH_MAILBOX_DOVECOT_UIDLIST_H
#define MAILAUTH_MAILBOX_DOVECOT_UIDLIST_H

#include <glib.h>

#define DOVECOT_UIDLIST_FILE "dovecot-uidlist"

typedef struct {
  char *rest;    /* what has not been read, NUL-terminated */
  guint line;    /* of the file, from 1 on */
  gboolean tags; /* version 3: fields stand between the number and the name */
  guint32 validity, last_uid;
} DovecotUidlist;

/* All borrowed, of the file's text. */
typedef struct {
  guint32 uid;
  const char *name;    /* of the file, without flags */
  const char *pop3_id; /* what POP3 clients were told; "": the name; NULL: by the format */
  const char *guid;    /* NULL for none */
} DovecotUid;

/* Reads the first line of @text (@size bytes and a NUL), which is cut up from then
 * on and has to last as long as what is read. INVALID_VALUE: it is no such file. */
gboolean dovecot_uidlist_begin(DovecotUidlist *list, char *text, gsize size, GError **error);

/* The next message, whose number is higher than those before it. FALSE at the end, and
 * with INVALID_VALUE at a line that can't be understood. A last line that has no end is
 * still being written, and is not there yet. A file's name may come twice: the last
 * entry counts. */
gboolean dovecot_uidlist_next(DovecotUidlist *list, DovecotUid *uid, GError **error);

#endif
