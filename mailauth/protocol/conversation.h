/* SPDX-License-Identifier: MIT */
/* What POP3 and IMAP before login have in common beside their SASL exchanges: what
 * is noted of commands, and which refusals count. Pure. */
#ifndef MAILAUTH_PROTOCOL_CONVERSATION_H
#define MAILAUTH_PROTOCOL_CONVERSATION_H

#include "mailauth/base/outcome.h"
#include "mailauth/protocol/transcript.h"

/* Notes AUTH or AUTHENTICATE: its mechanism where it is one, @more starred out. */
void conversation_note_mechanism(Transcript *transcript, const GString *out, const char *command,
                                 const char *mechanism, gboolean more);
/* Notes a response of a SASL exchange: that there was one, or that it ended it. */
void conversation_note_response(Transcript *transcript, const GString *out, const char *response);
/* Notes what can't be shown at all. */
void conversation_note_unknown(Transcript *transcript, const GString *out);

/* Whether a refusal counts towards MAX_FAILED_LOGINS: what the client can be
 * blamed for. Our own faults never end a session. */
gboolean conversation_counts_as_failure(Outcome outcome);

#endif
