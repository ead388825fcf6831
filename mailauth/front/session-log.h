/* SPDX-License-Identifier: MIT */
/* What is logged of a session besides its conversation: that it has begun, and what came of
 * its logins. */
#ifndef MAILAUTH_FRONT_SESSION_LOG_H
#define MAILAUTH_FRONT_SESSION_LOG_H

#include "mailauth/base/client-address.h"
#include "mailauth/base/outcome.h"
#include "mailauth/protocol/credentials.h"
#include "mailauth/protocol/transcript.h"

/* A session that begins. */
typedef struct {
  Protocol protocol;
  guint level; /* TranscriptLevel, or 0 */
  guint64 number;
  const ClientAddress *address;
  gboolean tls; /* it begins with TLS */
} SessionBeginning;

/* Begins what is logged of a session: transcript_new(). NULL: its level says that nothing is.
 * Owned by the caller. */
Transcript *session_log_new(const SessionBeginning *session, TranscriptWrite write, gpointer data);
/* @credentials: of the login. @transcript may be NULL. */
void session_log_note_login(Transcript *transcript, const Credentials *credentials,
                            Outcome outcome);

#endif
