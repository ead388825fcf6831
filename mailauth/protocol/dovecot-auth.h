/* SPDX-License-Identifier: MIT */
/* The Dovecot authentication protocol, version 1.2, the server's side of a client's
 * connection: how Postfix (`smtpd_sasl_type = dovecot`) and Exim (`driver = dovecot`)
 * ask about their users. Lines of fields between tabs; many requests at once, each with
 * an ID of the asking server's. Pure: out come requests, in go verdicts.
 *
 * It follows what the asking servers make of it: they take any negative answer for a
 * wrong password, and only a connection that closes for an outage. */
#ifndef MAILAUTH_PROTOCOL_DOVECOT_AUTH_H
#define MAILAUTH_PROTOCOL_DOVECOT_AUTH_H

#include "mailauth/protocol/auth-request.h"

typedef struct DovecotAuth DovecotAuth;

/* Where it stops. */
typedef enum {
  DOVECOT_AUTH_READ,   /* all input is used up: feed more */
  DOVECOT_AUTH_LOGIN,  /* a request is complete: take it, answer it some time, feed on. One that
                          was challenged comes again, without user and address */
  DOVECOT_AUTH_CANCEL, /* the request of that ID is to be dropped, unanswered; feed on */
  DOVECOT_AUTH_CLOSE,  /* send the output and end the connection */
} DovecotAuthStep;

/* @has_scram: whether SCRAM-SHA-256 is offered; @left_out: MECHANISM_BIT() of each mechanism
 * that is not. Both hold to the end of the connection. */
DovecotAuth *dovecot_auth_new(gboolean has_scram, guint left_out);
void dovecot_auth_free(DovecotAuth *machine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DovecotAuth, dovecot_auth_free)

/* The whole handshake, which goes out before the client has said anything, the
 * mechanisms before the process's number: Exim 4.96 waits for it, and both take
 * the other order for another protocol. @connection: never used twice. @cookie:
 * 32 hexadecimal digits. */
void dovecot_auth_greet(const DovecotAuth *machine, guint process, guint connection,
                        const char *cookie, GString *out);

/* Takes from *@input, of *@size bytes, and moves both on, until a step comes
 * that is not READ. What is left then is fed next. */
DovecotAuthStep dovecot_auth_feed(DovecotAuth *machine, const guint8 **input, gsize *size,
                                  GString *out);
/* After LOGIN and CANCEL: what they are about. Borrowed until the next feed; for
 * LOGIN its parts may be taken out. */
AuthRequest *dovecot_auth_get_request(DovecotAuth *machine);
/* What the client of the request @id, whose credentials are of a SCRAM kind, is to
 * be asked before there is a verdict; nothing for one that is not there. */
void dovecot_auth_challenge(DovecotAuth *machine, guint32 id, const guint8 *bytes, gsize size,
                            GString *out);
/* After each feed until it is FALSE: a request that was challenged and has no
 * answer any more, as the client went on wrongly or not at all. */
gboolean dovecot_auth_take_dropped(DovecotAuth *machine, guint32 *id);
/* The verdict on the request @id, in any order; nothing for one that is not
 * there. @user: the account's name for RIGHT, the name as given for WRONG. READ
 * or, for an OUTAGE, CLOSE. */
DovecotAuthStep dovecot_auth_answer(DovecotAuth *machine, guint32 id, AuthVerdict verdict,
                                    const char *user, GString *out);

#endif
