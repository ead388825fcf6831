/* sasl.h: PLAIN and LOGIN. */
#include "mailauth/sasl.h"

#include <string.h>

#include "mailauth/limits.h"

struct SaslMechanism {
  const char *name;
  SaslResult (*first)(SaslExchange *exchange, GString *challenge); /* no initial response */
  SaslResult (*respond)(SaslExchange *exchange, const Secret *response, GString *challenge,
                        Credentials *credentials);
};

/* "Username:" and "Password:" in base64, which is how every LOGIN client knows them. */
#define ASK_USER "VXNlcm5hbWU6"
#define ASK_PASSWORD "UGFzc3dvcmQ6"

static int base64_value(char character) {
  if (character >= 'A' && character <= 'Z')
    return character - 'A';
  if (character >= 'a' && character <= 'z')
    return character - 'a' + 26;
  if (character >= '0' && character <= '9')
    return character - '0' + 52;
  return character == '+' ? 62 : character == '/' ? 63 : -1;
}

/* Four characters, the last @padding of them '='. */
static gboolean decode_group(const char *group, guint padding, Secret *bytes) {
  guint32 bits = 0;
  for (guint i = 0; i < 4; i++) {
    int value = i >= 4 - padding ? 0 : base64_value(group[i]);
    if (value < 0)
      return FALSE;
    bits = bits << 6 | (guint32)value;
  }
  guint8 decoded[3] = {(guint8)(bits >> 16), (guint8)(bits >> 8), (guint8)bits};
  guint32 unused = padding == 2 ? bits & 0xffff : padding == 1 ? bits & 0xff : 0;
  secret_append(bytes, decoded, 3 - padding);
  explicit_bzero(decoded, sizeof decoded);
  return unused == 0;
}

gboolean base64_decode(const char *text, Secret *bytes) {
  gsize length = strlen(text);
  if (length % 4 != 0)
    return FALSE;
  for (gsize i = 0; i < length; i += 4) {
    gboolean last = i + 4 == length;
    guint padding = !last || text[i + 3] != '=' ? 0 : text[i + 2] == '=' ? 2 : 1;
    if (!decode_group(text + i, padding, bytes))
      return FALSE;
  }
  return TRUE;
}

static SaslResult plain_first(SaslExchange *exchange G_GNUC_UNUSED,
                              GString *challenge G_GNUC_UNUSED) {
  return SASL_CHALLENGE;
}

/* [authzid] NUL authcid NUL passwd */
static SaslResult plain_respond(SaslExchange *exchange G_GNUC_UNUSED, const Secret *response,
                                GString *challenge G_GNUC_UNUSED, Credentials *credentials) {
  const char *identity = (const char *)response->bytes;
  const char *end = identity + response->size;
  const char *first = response->size > 0 ? memchr(identity, '\0', response->size) : NULL;
  if (first == NULL)
    return SASL_MALFORMED;
  const char *user = first + 1;
  const char *second = user < end ? memchr(user, '\0', (gsize)(end - user)) : NULL;
  if (second == NULL)
    return SASL_MALFORMED;
  const char *password = second + 1;
  if (!credentials_take(credentials, "PLAIN", user, (gsize)(second - user), password,
                        (gsize)(end - password)))
    return SASL_MALFORMED;
  gboolean own = first == identity || strcmp(identity, user) == 0;
  return own ? SASL_DONE : SASL_NO_PROXY;
}

static SaslResult login_first(SaslExchange *exchange G_GNUC_UNUSED, GString *challenge) {
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

static const SaslMechanism mechanisms[] = {
    {"PLAIN", plain_first, plain_respond},
    {"LOGIN", login_first, login_respond},
};

const char *const *sasl_get_names(void) {
  static const char *const names[] = {"PLAIN", "LOGIN", NULL};
  return names;
}

gboolean sasl_begin(SaslExchange *exchange, const char *name) {
  sasl_clear(exchange);
  for (gsize i = 0; i < G_N_ELEMENTS(mechanisms); i++)
    if (g_ascii_strcasecmp(mechanisms[i].name, name) == 0)
      exchange->mechanism = &mechanisms[i];
  return exchange->mechanism != NULL;
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

void sasl_clear(SaslExchange *exchange) {
  g_clear_pointer(&exchange->user, g_free);
  exchange->mechanism = NULL;
}
