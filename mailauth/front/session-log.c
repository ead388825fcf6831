/* SPDX-License-Identifier: MIT */
/* See session-log.h. */
#include "mailauth/front/session-log.h"

#include <string.h>

Transcript *session_log_new(const SessionBeginning *session, TranscriptWrite write, gpointer data) {
  if (session->level == 0 || write == NULL)
    return NULL;
  g_autofree char *address = client_address_format(session->address);
  g_autofree char *name = g_strdup_printf("#%" G_GUINT64_FORMAT " %s", session->number, address);
  Transcript *transcript = transcript_new(session->level, session->protocol, name, write, data);
  transcript_note(transcript, TRANSCRIPT_LOGINS, "connected%s", session->tls ? ", for TLS" : "");
  return transcript;
}

void session_log_note_login(Transcript *transcript, const Credentials *credentials,
                            Outcome outcome) {
  if (transcript == NULL)
    return;
  if (outcome == OUTCOME_NO_CERTIFICATE) {
    transcript_note(transcript, TRANSCRIPT_LOGINS, "there is no certificate for TLS");
    return;
  }
  const char *user = credentials->user != NULL ? credentials->user : "(unknown)";
  /* What follows a blank in a name may be a password in the wrong place. */
  transcript_note(transcript, TRANSCRIPT_LOGINS, "login of %.*s: %s", (int)strcspn(user, " "), user,
                  outcome_get_facts(outcome)->reason);
}
