/* SPDX-License-Identifier: MIT */
/* conversation.h: the pieces that both protocols use. */
#include "mailauth/protocol/conversation.h"

SaslResult conversation_respond(SaslExchange *exchange, const char *response,
                                Credentials *credentials, GString *out) {
  g_autoptr(GString) challenge = g_string_new(NULL);
  SaslResult result = sasl_respond(exchange, response, challenge, credentials);
  if (result == SASL_CHALLENGE)
    g_string_append_printf(out, "+ %s\r\n", challenge->str);
  if (result == SASL_CHALLENGE || result == SASL_ASK)
    return result;
  sasl_clear(exchange);
  if (result != SASL_DONE)
    credentials_clear(credentials);
  return result;
}

void conversation_challenge(const guint8 *bytes, gsize size, GString *out) {
  g_string_append(out, "+ ");
  sasl_append_challenge(bytes, size, out);
  g_string_append(out, "\r\n");
}

RefusalWords conversation_choose_words(const MachineAnswer *answer) {
  const OutcomeFacts *facts = outcome_get_facts(answer->outcome);
  const ServerCodeFacts *code = server_code_get_facts(answer->word.code);
  const char *alert = answer->word.alert;
  RefusalWords words = {facts->pop3_code, facts->imap_code, facts->text, NULL};
  if (answer->outcome != OUTCOME_BACKEND_REFUSED)
    return words;
  if (*code->text != '\0')
    words = (RefusalWords){code->pop3, code->imap, code->text, NULL};
  if (alert != NULL && *alert != '\0')
    words.alert = alert;
  return words;
}

gboolean conversation_counts_as_failure(Outcome outcome) {
  return outcome_is_client_failure(outcome) || outcome == OUTCOME_HELD_BACK ||
         outcome == OUTCOME_CLEAR_TEXT || outcome == OUTCOME_NO_CERTIFICATE;
}

gboolean conversation_take_told(const char *address, const char *port, ToldClient *told) {
  guint64 number = 0;
  if (!client_address_parse(address, &told->address) ||
      (port != NULL && !g_ascii_string_to_unsigned(port, 10, 0, G_MAXUINT16, &number, NULL)))
    return FALSE;
  told->port = (guint16)number;
  return TRUE;
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
