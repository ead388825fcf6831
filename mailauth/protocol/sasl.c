/* SPDX-License-Identifier: MIT */
/* sasl.h: a row for each mechanism. */
#include "mailauth/protocol/sasl.h"

#include <string.h>

#include "mailauth/base/base64.h"
#include "mailauth/protocol/scram.h"

struct SaslMechanism {
  gboolean (*is_there)(const Surroundings *surroundings);
  gboolean (*may_travel)(const Surroundings *surroundings);
  SaslResult (*first)(SaslExchange *exchange, GString *challenge); /* no initial response */
  SaslResult (*respond)(SaslExchange *exchange, const Secret *response, GString *challenge,
                        Credentials *credentials);
};

/* "Username:" and "Password:" in base64, which is how every LOGIN client knows them. */
#define ASK_USER "VXNlcm5hbWU6"
#define ASK_PASSWORD "UGFzc3dvcmQ6"

static SaslResult plain_first(G_GNUC_UNUSED SaslExchange *exchange,
                              G_GNUC_UNUSED GString *challenge) {
  return SASL_CHALLENGE;
}

/* [authzid] NUL authcid NUL passwd */
static SaslResult plain_respond(G_GNUC_UNUSED SaslExchange *exchange, const Secret *response,
                                G_GNUC_UNUSED GString *challenge, Credentials *credentials) {
  const char *identity = response->size > 0 ? (const char *)response->bytes : "";
  const char *end = identity + response->size;
  const char *first = memchr(identity, '\0', response->size);
  if (first == NULL)
    return SASL_MALFORMED;
  const char *user = first + 1;
  const char *second = user < end ? memchr(user, '\0', (gsize)(end - user)) : NULL;
  if (second == NULL)
    return SASL_MALFORMED;
  const char *password = second + 1;
  return credentials_take(credentials, "PLAIN", user, (gsize)(second - user), password,
                          (gsize)(end - password)) &&
                 credentials_take_identity(credentials, identity, (gsize)(first - identity))
             ? SASL_DONE
             : SASL_MALFORMED;
}

static SaslResult login_first(G_GNUC_UNUSED SaslExchange *exchange, GString *challenge) {
  g_string_append(challenge, ASK_USER);
  return SASL_CHALLENGE;
}

static SaslResult login_respond(SaslExchange *exchange, const Secret *response, GString *challenge,
                                Credentials *credentials) {
  const char *text = response->size > 0 ? (const char *)response->bytes : "";
  if (exchange->user != NULL)
    return credentials_take(credentials, "SASL-LOGIN", exchange->user, strlen(exchange->user), text,
                            response->size)
               ? SASL_DONE
               : SASL_MALFORMED;
  if (!credentials_take(credentials, "SASL-LOGIN", text, response->size, "", 0))
    return SASL_MALFORMED;
  exchange->user = g_strdup(credentials->user);
  g_string_append(challenge, ASK_PASSWORD);
  return SASL_CHALLENGE;
}

static SaslResult scram_first(G_GNUC_UNUSED SaslExchange *exchange,
                              G_GNUC_UNUSED GString *challenge) {
  return SASL_CHALLENGE;
}

static SaslResult begin_scram(gboolean plus, const Secret *response, Credentials *credentials) {
  const char *name = mechanism_get_name(plus ? MECHANISM_SCRAM_PLUS : MECHANISM_SCRAM);
  g_auto(ScramFirst) first = {0};
  if (!scram_first_parse(response->bytes, response->size, plus, &first) ||
      !credentials_take(credentials, name, first.user, strlen(first.user), "", 0))
    return SASL_MALFORMED;
  credentials_take_message(credentials, CREDENTIALS_SCRAM_FIRST, response->bytes, response->size);
  return SASL_ASK;
}

/* A client's first message, its proof, and nothing in answer to the server's. */
static SaslResult respond_to_scram(SaslExchange *exchange, gboolean plus, const Secret *response,
                                   Credentials *credentials) {
  guint taken = exchange->taken++;
  if (taken == 0)
    return begin_scram(plus, response, credentials);
  gboolean valid =
      taken == 1 ? scram_final_is_valid(response->bytes, response->size) : response->size == 0;
  if (!valid)
    return SASL_MALFORMED;
  credentials_take_message(credentials,
                           taken == 1 ? CREDENTIALS_SCRAM_FINAL : CREDENTIALS_SCRAM_END,
                           response->bytes, response->size);
  return taken == 1 ? SASL_ASK : SASL_DONE;
}

static SaslResult scram_respond(SaslExchange *exchange, const Secret *response,
                                G_GNUC_UNUSED GString *challenge, Credentials *credentials) {
  return respond_to_scram(exchange, FALSE, response, credentials);
}

static SaslResult scram_plus_respond(SaslExchange *exchange, const Secret *response,
                                     G_GNUC_UNUSED GString *challenge, Credentials *credentials) {
  return respond_to_scram(exchange, TRUE, response, credentials);
}

static gboolean always(G_GNUC_UNUSED const Surroundings *surroundings) {
  return TRUE;
}

static gboolean has_scram(const Surroundings *surroundings) {
  return surroundings->has_scram;
}

static gboolean has_scram_plus(const Surroundings *surroundings) {
  return surroundings->has_scram && surroundings->in_tls;
}

static gboolean takes_passwords(const Surroundings *surroundings) {
  return surroundings->takes_passwords;
}

static gboolean takes_proofs(const Surroundings *surroundings) {
  return surroundings->takes_proofs;
}

/* As they are listed: clients choose by what they know of a mechanism, not by its
 * place, and those that read no further than the first few know the oldest. */
static const SaslMechanism mechanisms[N_MECHANISMS] = {
    [MECHANISM_PLAIN] = {always, takes_passwords, plain_first, plain_respond},
    [MECHANISM_LOGIN] = {always, takes_passwords, login_first, login_respond},
    [MECHANISM_SCRAM] = {has_scram, takes_proofs, scram_first, scram_respond},
    [MECHANISM_SCRAM_PLUS] = {has_scram_plus, takes_proofs, scram_first, scram_plus_respond},
};

gboolean sasl_is_there(Mechanism mechanism, const Surroundings *surroundings) {
  return (surroundings->left_out & MECHANISM_BIT(mechanism)) == 0 &&
         mechanisms[mechanism].is_there(surroundings);
}

void sasl_append_names(const Surroundings *surroundings, const char *before, const char *after,
                       GString *out) {
  for (guint i = 0; i < N_MECHANISMS; i++)
    if (sasl_is_there((Mechanism)i, surroundings) && mechanisms[i].may_travel(surroundings))
      g_string_append_printf(out, "%s%s%s", before, mechanism_get_name((Mechanism)i), after);
}

const char *sasl_find_name(const char *name) {
  Mechanism mechanism = mechanism_find(name);
  return mechanism == N_MECHANISMS ? NULL : mechanism_get_name(mechanism);
}

SaslBeginning sasl_begin(SaslExchange *exchange, const char *name,
                         const Surroundings *surroundings) {
  Mechanism mechanism = mechanism_find(name);
  sasl_clear(exchange);
  if (mechanism == N_MECHANISMS || !sasl_is_there(mechanism, surroundings))
    return SASL_UNKNOWN;
  if (!mechanisms[mechanism].may_travel(surroundings))
    return SASL_BARRED;
  exchange->mechanism = &mechanisms[mechanism];
  return SASL_BEGUN;
}

SaslResult sasl_respond(SaslExchange *exchange, const char *response, GString *challenge,
                        Credentials *credentials) {
  if (response == NULL)
    return exchange->mechanism->first(exchange, challenge);
  g_auto(Secret) bytes = {0};
  if (strcmp(response, "=") != 0 && !base64_decode(response, &bytes))
    return SASL_MALFORMED;
  return exchange->mechanism->respond(exchange, &bytes, challenge, credentials);
}

gboolean sasl_has_asked(const SaslExchange *exchange) {
  return exchange->taken > 0;
}

void sasl_append_challenge(const guint8 *bytes, gsize size, GString *challenge) {
  g_autofree char *text = g_base64_encode(bytes, size);
  g_string_append(challenge, text);
}

void sasl_clear(SaslExchange *exchange) {
  g_clear_pointer(&exchange->user, g_free);
  exchange->taken = 0;
  exchange->mechanism = NULL;
}
