/* SPDX-License-Identifier: MIT */
/* scram.h: messages of comma-separated attributes (RFC 5802, section 7), and a little
 * arithmetic. */
#include "mailauth/protocol/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "mailauth/base/base64.h"

typedef struct {
  char *type;
  gsize size;
  guint8 bytes[MAX_CHANNEL_BINDING];
} Binding;

struct Scram {
  ScramFirst first;
  GPtrArray *bindings; /* of Binding */
  char *nonce;         /* the client's and the server's */
  char *asked;         /* the server's first message */
  guint32 iterations;
  gsize salt_size;
  guint8 salt[MAX_SCRAM_SALT];
};

/* What a client says last, taken apart. */
typedef struct {
  char *unproved; /* all but the proof */
  char *nonce;    /* the client's and the server's */
  Secret channel; /* the header again, and the channel binding after it */
  guint8 proof[SCRAM_KEY_BYTES];
} Final;

/* ---- attributes ---- */

/* NULL if it can't be a message at all. */
static char *dup_text(const guint8 *bytes, gsize size) {
  if (size == 0 || size > MAX_SCRAM_MESSAGE || memchr(bytes, '\0', size) != NULL ||
      !g_utf8_validate((const char *)bytes, (gssize)size, NULL))
    return NULL;
  return g_strndup((const char *)bytes, size);
}

static void free_text(char *text) {
  if (text != NULL)
    explicit_bzero(text, strlen(text));
  g_free(text);
}

/* "<name>=<value>" up to a comma or the end, with at least one character of a
 * value, which is returned; moves *@at to the comma or the end. NULL for anything else. */
static char *take_attribute(const char **at, char name) {
  if ((*at)[0] != name || (*at)[1] != '=')
    return NULL;
  const char *value = *at + 2;
  gsize length = strcspn(value, ",");
  if (length == 0)
    return NULL;
  *at = value + length;
  return g_strndup(value, length);
}

static gboolean take_comma(const char **at) {
  if (**at != ',')
    return FALSE;
  (*at)++;
  return TRUE;
}

/* Extensions are passed over, but for those that must not be. */
static gboolean take_extensions(const char **at, const char *end) {
  while (*at < end) {
    if (!take_comma(at) || !g_ascii_isalpha(**at) || **at == 'm')
      return FALSE;
    g_autofree char *value = take_attribute(at, **at);
    if (value == NULL)
      return FALSE;
  }
  return TRUE;
}

/* A name with its commas and equals signs written out; NULL if one is not. */
static char *decode_name(const char *text) {
  g_autoptr(GString) name = g_string_new(NULL);
  for (const char *at = text; *at != '\0'; at++) {
    if (*at != '=') {
      g_string_append_c(name, *at);
      continue;
    }
    if (!g_str_has_prefix(at, "=2C") && !g_str_has_prefix(at, "=3D"))
      return NULL;
    g_string_append_c(name, at[1] == '2' ? ',' : '=');
    at += 2;
  }
  return g_string_free(g_steal_pointer(&name), FALSE);
}

static char *take_name(const char **at, char attribute) {
  g_autofree char *text = take_attribute(at, attribute);
  return text == NULL ? NULL : decode_name(text);
}

/* Printable ASCII: there is no comma left in it. */
static char *take_nonce(const char **at, gsize longest) {
  g_autofree char *nonce = take_attribute(at, 'r');
  if (nonce == NULL || strlen(nonce) > longest)
    return NULL;
  for (const char *character = nonce; *character != '\0'; character++)
    if (!g_ascii_isgraph(*character))
      return NULL;
  return g_steal_pointer(&nonce);
}

static gboolean is_binding_type(const char *type) {
  static const char characters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";
  return strspn(type, characters) == strlen(type) && strlen(type) <= MAX_CHANNEL_BINDING_TYPE;
}

/* ---- what a client says first ---- */

static gboolean take_flag(const char **at, ScramFirst *first) {
  first->flag = **at;
  if (first->flag == 'p') {
    first->type = take_attribute(at, 'p');
    return first->type != NULL && is_binding_type(first->type) && take_comma(at);
  }
  (*at)++;
  return (first->flag == 'n' || first->flag == 'y') && take_comma(at);
}

static gboolean take_header(const char **at, ScramFirst *first) {
  if (!take_flag(at, first))
    return FALSE;
  if (**at == 'a' && (first->identity = take_name(at, 'a')) == NULL)
    return FALSE;
  return take_comma(at);
}

static gboolean take_bare(const char **at, ScramFirst *first) {
  return (first->user = take_name(at, 'n')) != NULL && take_comma(at) &&
         (first->nonce = take_nonce(at, MAX_SCRAM_NONCE)) != NULL &&
         take_extensions(at, *at + strlen(*at));
}

gboolean scram_first_parse(const guint8 *bytes, gsize size, gboolean plus, ScramFirst *first) {
  g_autofree char *text = dup_text(bytes, size);
  const char *at = text;
  *first = (ScramFirst){0};
  if (text == NULL || !take_header(&at, first) || (first->flag == 'p') != (plus != FALSE))
    return FALSE;
  first->header = g_strndup(text, (gsize)(at - text));
  first->bare = g_strdup(at);
  return take_bare(&at, first);
}

void scram_first_clear(ScramFirst *first) {
  g_free(first->type);
  g_free(first->user);
  g_free(first->identity);
  g_free(first->header);
  g_free(first->bare);
  g_free(first->nonce);
  *first = (ScramFirst){0};
}

/* ---- what a client says last ---- */

static void final_clear(Final *final) {
  g_free(final->unproved);
  g_free(final->nonce);
  secret_clear(&final->channel);
  explicit_bzero(final->proof, sizeof final->proof);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Final, final_clear)

static gboolean take_channel(const char **at, Secret *channel) {
  g_autofree char *text = take_attribute(at, 'c');
  return text != NULL && base64_decode(text, channel);
}

/* ",p=" and what it says, which nothing follows. */
static gboolean take_proof(const char *at, guint8 *proof) {
  g_auto(Secret) decoded = {0};
  if (!take_comma(&at) || at[0] != 'p' || at[1] != '=' || !base64_decode(at + 2, &decoded) ||
      decoded.size != SCRAM_KEY_BYTES)
    return FALSE;
  memcpy(proof, decoded.bytes, SCRAM_KEY_BYTES);
  return TRUE;
}

static gboolean parse_final(const char *text, Final *final) {
  const char *at = text;
  const char *last = strrchr(text, ',');
  if (last == NULL || !take_channel(&at, &final->channel) || !take_comma(&at))
    return FALSE;
  /* As long as the client's and a server's can be together. */
  final->nonce = take_nonce(&at, 2 * MAX_SCRAM_NONCE);
  if (final->nonce == NULL || at > last || !take_extensions(&at, last))
    return FALSE;
  final->unproved = g_strndup(text, (gsize)(last - text));
  return take_proof(last, final->proof);
}

static gboolean read_final(const guint8 *bytes, gsize size, Final *final) {
  char *text = dup_text(bytes, size);
  gboolean valid = text != NULL && parse_final(text, final);
  free_text(text);
  return valid;
}

gboolean scram_final_is_valid(const guint8 *bytes, gsize size) {
  g_auto(Final) final = {0};
  return read_final(bytes, size, &final);
}

/* ---- the exchange ---- */

static void binding_free(gpointer data) {
  Binding *binding = data;
  g_free(binding->type);
  explicit_bzero(binding->bytes, sizeof binding->bytes);
  g_free(binding);
}

Scram *scram_new(const guint8 *bytes, gsize size, gboolean plus) {
  g_autoptr(Scram) scram = g_new0(Scram, 1);
  scram->bindings = g_ptr_array_new_with_free_func(binding_free);
  return scram_first_parse(bytes, size, plus, &scram->first) ? g_steal_pointer(&scram) : NULL;
}

void scram_free(Scram *scram) {
  if (scram == NULL)
    return;
  scram_first_clear(&scram->first);
  g_ptr_array_unref(scram->bindings);
  g_free(scram->nonce);
  g_free(scram->asked);
  g_free(scram);
}

gboolean scram_add_binding(Scram *scram, const char *type, const guint8 *bytes, gsize size) {
  if (scram->bindings->len >= MAX_CHANNEL_BINDINGS || size > MAX_CHANNEL_BINDING ||
      !is_binding_type(type))
    return FALSE;
  Binding *binding = g_new0(Binding, 1);
  binding->type = g_strdup(type);
  binding->size = size;
  if (size > 0)
    memcpy(binding->bytes, bytes, size);
  g_ptr_array_add(scram->bindings, binding);
  return TRUE;
}

const char *scram_get_user(const Scram *scram) {
  return scram->first.user;
}

const char *scram_get_identity(const Scram *scram) {
  return scram->first.identity;
}

const char *scram_ask(Scram *scram, const ScramKeys *keys, const char *nonce) {
  g_autofree char *salt = g_base64_encode(keys->salt, keys->salt_size);
  scram->nonce = g_strconcat(scram->first.nonce, nonce, NULL);
  scram->asked = g_strdup_printf("r=%s,s=%s,i=%u", scram->nonce, salt, keys->iterations);
  scram->iterations = keys->iterations;
  scram->salt_size = keys->salt_size;
  memcpy(scram->salt, keys->salt, keys->salt_size);
  return scram->asked;
}

static gboolean is_same_text(const char *a, const char *b) {
  gsize size = strlen(a);
  return strlen(b) == size && CRYPTO_memcmp(a, b, size) == 0;
}

/* Whether the keys are those that the client was asked by. */
static gboolean is_asked_by(const Scram *scram, const ScramKeys *keys) {
  return scram->iterations == keys->iterations && scram->salt_size == keys->salt_size &&
         memcmp(scram->salt, keys->salt, keys->salt_size) == 0;
}

/* Whether @channel is the header, with @binding after it. */
static gboolean is_channel(const char *header, const Binding *binding, const Secret *channel) {
  gsize length = strlen(header);
  gsize size = binding == NULL ? 0 : binding->size;
  return channel->size == length + size && CRYPTO_memcmp(channel->bytes, header, length) == 0 &&
         (size == 0 || CRYPTO_memcmp(channel->bytes + length, binding->bytes, size) == 0);
}

/* A client that takes the server for one without channel binding, though it was
 * offered some, has been lied to on the way (RFC 5802, section 6). */
static gboolean is_bound(const Scram *scram, const Secret *channel) {
  const ScramFirst *first = &scram->first;
  gboolean bound = FALSE;
  if (first->flag != 'p')
    return (first->flag == 'n' || scram->bindings->len == 0) &&
           is_channel(first->header, NULL, channel);
  for (guint i = 0; i < scram->bindings->len; i++) {
    const Binding *binding = scram->bindings->pdata[i];
    if (strcmp(binding->type, first->type) == 0)
      bound |= is_channel(first->header, binding, channel);
  }
  return bound;
}

static gboolean sign(const guint8 *key, const char *message, guint8 *signature) {
  return HMAC(EVP_sha256(), key, SCRAM_KEY_BYTES, (const guint8 *)message, strlen(message),
              signature, NULL) != NULL;
}

/* H(ClientProof XOR HMAC(StoredKey, AuthMessage)) is StoredKey. */
static gboolean is_proof(const guint8 *proof, const char *message, const ScramKeys *keys) {
  guint8 client_key[SCRAM_KEY_BYTES];
  guint8 stored_key[SCRAM_KEY_BYTES];
  if (!sign(keys->stored_key, message, client_key))
    return FALSE;
  for (gsize i = 0; i < SCRAM_KEY_BYTES; i++)
    client_key[i] ^= proof[i];
  gboolean right =
      EVP_Digest(client_key, sizeof client_key, stored_key, NULL, EVP_sha256(), NULL) == 1 &&
      CRYPTO_memcmp(stored_key, keys->stored_key, SCRAM_KEY_BYTES) == 0;
  explicit_bzero(client_key, sizeof client_key);
  explicit_bzero(stored_key, sizeof stored_key);
  return right;
}

static char *make_signature(const char *message, const ScramKeys *keys) {
  guint8 signature[SCRAM_KEY_BYTES] = {0};
  sign(keys->server_key, message, signature);
  g_autofree char *text = g_base64_encode(signature, sizeof signature);
  return g_strconcat("v=", text, NULL);
}

ScramResult scram_prove(const Scram *scram, const guint8 *bytes, gsize size, const ScramKeys *keys,
                        char **signature) {
  g_auto(Final) final = {0};
  *signature = NULL;
  if (!read_final(bytes, size, &final))
    return SCRAM_MALFORMED;
  g_autofree char *message = g_strjoin(",", scram->first.bare, scram->asked, final.unproved, NULL);
  /* Worked out in any case: all that is wrong takes as long. */
  gboolean proved = is_proof(final.proof, message, keys);
  if (!is_same_text(final.nonce, scram->nonce))
    return SCRAM_WRONG;
  if (!is_bound(scram, &final.channel))
    return SCRAM_UNBOUND;
  if (!is_asked_by(scram, keys))
    return SCRAM_OVERTAKEN;
  if (!proved)
    return SCRAM_WRONG;
  *signature = make_signature(message, keys);
  return SCRAM_RIGHT;
}
