/* SPDX-License-Identifier: MIT */
/* What POP3 and IMAP before login have in common: their SASL exchanges, what is
 * noted of commands, and which refusals count. Pure. */
#ifndef MAILAUTH_PROTOCOL_CONVERSATION_H
#define MAILAUTH_PROTOCOL_CONVERSATION_H

#include "mailauth/base/outcome.h"
#include "mailauth/protocol/machine.h"
#include "mailauth/protocol/sasl.h"

/* Goes on with an exchange: sasl_respond() to @response, and to the client the
 * challenge that follows. Ends the exchange unless more is to come (SASL_CHALLENGE,
 * SASL_ASK), and clears the credentials unless they are complete. */
SaslResult conversation_respond(SaslExchange *exchange, const char *response,
                                Credentials *credentials, GString *out);
/* Asks the client for a response: @bytes in base64. */
void conversation_challenge(const guint8 *bytes, gsize size, GString *out);

/* FALSE unless @address is one by number, and @port one or NULL. */
gboolean conversation_take_told(const char *address, const char *port, ToldClient *told);

/* Notes AUTH or AUTHENTICATE: its mechanism if it is one, @more starred out. */
void conversation_note_mechanism(Transcript *transcript, const GString *out, const char *command,
                                 const char *mechanism, gboolean more);
/* Notes a response of a SASL exchange: that there was one, or that it ended it. */
void conversation_note_response(Transcript *transcript, const GString *out, const char *response);
/* Notes what can't be shown at all. */
void conversation_note_unknown(Transcript *transcript, const GString *out);

/* What a client is told of a refusal. */
typedef struct {
  const char *pop3_code, *imap_code; /* "": none */
  const char *text;
  const char *alert; /* what the mail server behind wants the user to see; NULL: nothing */
} RefusalWords;

/* The words of @answer, which is not OK: those of the mail server behind, if it has refused with a
 * code, before those of the outcome. Borrowed from @answer. */
RefusalWords conversation_choose_words(const MachineAnswer *answer);

/* Whether a refusal counts towards MAX_FAILED_LOGINS: what the client can be
 * blamed for. Our own faults never end a session. */
gboolean conversation_counts_as_failure(Outcome outcome);

#endif
