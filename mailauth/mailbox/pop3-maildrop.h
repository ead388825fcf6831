/* SPDX-License-Identifier: MIT */
/* POP3 after login (RFC 1939, sections 5 and 6): commands in, answers out, and
 * what has to be done between. It knows the messages by number, size and unique
 * ID; it does no I/O, and nothing of Maildirs.
 *
 *   for (;;) switch (pop3_maildrop_step(maildrop, out, &request)) ...
 */
#ifndef MAILAUTH_MAILBOX_POP3_MAILDROP_H
#define MAILAUTH_MAILBOX_POP3_MAILDROP_H

#include <glib.h>

#define POP3_SIZE_UNKNOWN G_MAXUINT64

typedef struct {
  const char *uid; /* of 1 to 70 characters between '!' and '~'; borrowed as long as the maildrop */
  guint64 octets;  /* on the wire, without added dots; POP3_SIZE_UNKNOWN: measured when asked for */
} Pop3Message;

typedef struct Pop3Maildrop Pop3Maildrop;

/* Copies @messages, of which the first is number 1 to the client. */
Pop3Maildrop *pop3_maildrop_new(const Pop3Message *messages, guint n_messages);
void pop3_maildrop_free(Pop3Maildrop *maildrop);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pop3Maildrop, pop3_maildrop_free)

/* Takes what the client has sent. Give it no more before it asks for more. */
void pop3_maildrop_feed(Pop3Maildrop *maildrop, const char *bytes, gsize size);

typedef enum {
  POP3_MAILDROP_INPUT,   /* send what is in @out, then feed */
  POP3_MAILDROP_OUTPUT,  /* there is more to come: send what is in @out, then step */
  POP3_MAILDROP_MEASURE, /* pop3_maildrop_set_size() for request->index, then step */
  POP3_MAILDROP_SEND,    /* pop3_maildrop_begin_message(), and if it is there the message by
                            pop3-body.h, request->lines of it; then step */
  POP3_MAILDROP_UPDATE,  /* QUIT: remove what pop3_maildrop_is_deleted(), release the mailbox, then
                            pop3_maildrop_finish(), send, and end the session */
} Pop3MaildropStep;

typedef struct {
  guint index; /* of the message, from 0 */
  guint lines; /* of its body: POP3_BODY_WHOLE for RETR */
} Pop3Request;

/* Appends answers to @out, some POP3_MAILDROP_OUTPUT_SIZE bytes at most. */
Pop3MaildropStep pop3_maildrop_step(Pop3Maildrop *maildrop, GString *out, Pop3Request *request);
#define POP3_MAILDROP_OUTPUT_SIZE 32768

void pop3_maildrop_set_size(Pop3Maildrop *maildrop, guint index, guint64 octets);
/* @there: FALSE if the message has gone meanwhile, or can't be read. */
void pop3_maildrop_begin_message(Pop3Maildrop *maildrop, guint index, gboolean there, GString *out);
/* In its place, for one that is stored in a way that can't be read here. DELE is refused from then
 * on: clients that send RETR and DELE at once have not seen it either. */
void pop3_maildrop_refuse_message(Pop3Maildrop *maildrop, guint index, GString *out);
gboolean pop3_maildrop_is_deleted(const Pop3Maildrop *maildrop, guint index);
/* @n_failed: how many that were marked could not be removed. */
void pop3_maildrop_finish(Pop3Maildrop *maildrop, guint n_failed, GString *out);

#endif
