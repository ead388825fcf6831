/* SPDX-License-Identifier: MIT */
/* See tls-ciphers.h. */
#include "mailauth/tls/tls-ciphers.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

#include "client/base/error.h"
#include "mailauth/base/limits.h"

#define SEPARATORS ":, "

static SSL_CTX *new_context(void) {
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  if (context != NULL)
    SSL_CTX_set_security_level(context, TLS_SECURITY_LEVEL);
  return context;
}

/* One that only takes away, or moves, selects by what comes after its sign. */
static gboolean is_known(SSL_CTX *context, const char *word) {
  static const char *const words[] = {"@STRENGTH", "DEFAULT", "COMPLEMENTOFDEFAULT",
                                      "COMPLEMENTOFALL", NULL};
  if (g_strv_contains(words, word))
    return TRUE;
  /* At this level none of "NULL" or "EXPORT" is left, but to leave them out is usual. */
  if (*word == '!' || *word == '-')
    return word[1] != '\0';
  if (*word == '+')
    word++;
  return SSL_CTX_set_cipher_list(context, word) == 1;
}

static gboolean check_words(SSL_CTX *context, const char *ciphers, GError **error) {
  g_auto(GStrv) words = g_strsplit_set(ciphers, SEPARATORS, -1);
  for (char **word = words; *word != NULL; word++) {
    if (g_str_has_prefix(*word, "@SECLEVEL"))
      return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "'%s': the security level is always %d",
                       *word, TLS_SECURITY_LEVEL);
    if (**word != '\0' && !is_known(context, *word))
      return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                       "OpenSSL has no cipher '%s' ('openssl ciphers -v -tls1_2' lists them)",
                       *word);
  }
  return SSL_CTX_set_cipher_list(context, ciphers) == 1 ||
         error_set(error, REGISTRY_ERROR_INVALID_VALUE, "'%s' leaves no cipher for TLS 1.2",
                   ciphers);
}

gboolean tls_ciphers_check(const char *ciphers, GError **error) {
  if (*ciphers == '\0')
    return TRUE;
  SSL_CTX *context = new_context();
  gboolean valid = context != NULL ? check_words(context, ciphers, error)
                                   : error_set(error, REGISTRY_ERROR_FAILED, "TLS can't be had");
  SSL_CTX_free(context);
  ERR_clear_error();
  return valid;
}
