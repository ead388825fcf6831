/* SPDX-License-Identifier: MIT */
/* conversation.h: the pieces that both protocols use. */
#include "mailauth/protocol/conversation.h"

#include <string.h>

#include "mailauth/base/limits.h"
#include "mailauth/protocol/imap.h"
#include "mailauth/protocol/pop3.h"
#include "mailauth/protocol/sasl.h"

static gboolean has_control_characters(const char *text, gsize size) {
  for (gsize i = 0; i < size; i++)
    if (g_ascii_iscntrl(text[i]))
      return TRUE;
  return FALSE;
}

gboolean credentials_take(Credentials *credentials, const char *mechanism, gconstpointer user,
                          gsize user_size, gconstpointer password, gsize password_size) {
  if (user_size == 0 || user_size > MAX_USER || has_control_characters(user, user_size))
    return FALSE;
  if (password_size > MAX_PASSWORD ||
      (password_size > 0 && memchr(password, '\0', password_size) != NULL))
    return FALSE;
  g_autofree char *valid = g_utf8_make_valid(user, (gssize)user_size);
  if (strlen(valid) > MAX_USER)
    return FALSE;
  credentials_clear(credentials);
  credentials->kind = CREDENTIALS_PASSWORD;
  credentials->mechanism = mechanism;
  credentials->user = g_steal_pointer(&valid);
  secret_append(&credentials->password, password, password_size);
  return TRUE;
}

void credentials_take_message(Credentials *credentials, CredentialsKind kind, gconstpointer bytes,
                              gsize size) {
  secret_clear(&credentials->password);
  credentials->kind = kind;
  secret_append(&credentials->password, bytes, size);
}

void credentials_clear(Credentials *credentials) {
  g_clear_pointer(&credentials->user, g_free);
  secret_clear(&credentials->password);
}

gboolean conversation_counts_as_failure(Outcome outcome) {
  return outcome_is_client_failure(outcome) || outcome == OUTCOME_HELD_BACK ||
         outcome == OUTCOME_CLEAR_TEXT || outcome == OUTCOME_NO_CERTIFICATE;
}

const MachineOps *machine_get_ops(Protocol protocol) {
  static const MachineOps *const ops[N_PROTOCOLS] = {
      [PROTOCOL_POP3] = &pop3_ops,
      [PROTOCOL_IMAP] = &imap_ops,
  };
  return ops[protocol];
}

void conversation_note_mechanism(Transcript *transcript, const GString *out, const char *command,
                                 const char *mechanism, gboolean more) {
  const char *known = mechanism == NULL ? NULL : sasl_find_name(mechanism);
  transcript_command(transcript, out, command, known, more || (mechanism != NULL && known == NULL));
}

void conversation_note_response(Transcript *transcript, const GString *out, const char *response) {
  gboolean ends = g_str_equal(response, "*");
  transcript_command(transcript, out, ends ? "*" : "(response)", NULL, !ends);
}

void conversation_note_unknown(Transcript *transcript, const GString *out) {
  transcript_command(transcript, out, "(unknown command)", NULL, TRUE);
}
