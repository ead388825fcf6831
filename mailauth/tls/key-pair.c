/* SPDX-License-Identifier: MIT */
/* key-pair.h: PEM into a pair that is checked, and what there is to say about it. */
#include "mailauth/tls/key-pair.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/base/error.h"
#include "mailauth/base/limits.h"
#include "mailauth/base/secret.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SSL_CTX, SSL_CTX_free)

/* The name that a wildcard is tried with against a certificate's names. */
#define ANY_LABEL "any"

static gboolean fail(GError **error, const char *what) {
  unsigned long code = ERR_get_error();
  const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
  ERR_clear_error();
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "%s: %s", what,
                   reason == NULL ? "not usable" : reason);
}

/* ---- files ---- */

static gboolean read_all(int descriptor, const char *what, Secret *bytes, GError **error) {
  guint8 part[4096];
  ssize_t count;
  off_t offset = 0;
  while ((count = pread(descriptor, part, sizeof part, offset)) > 0) {
    if (bytes->size + (gsize)count > MAX_PEM_FILE)
      return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "%s: the file is too large", what);
    secret_append(bytes, part, (gsize)count);
    offset += count;
  }
  int problem = errno;
  explicit_bzero(part, sizeof part);
  if (count < 0)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "%s: %s", what, g_strerror(problem));
  return TRUE;
}

/* There is no terminal to ask for one. */
static int no_passphrase(G_GNUC_UNUSED char *buffer, G_GNUC_UNUSED int size,
                         G_GNUC_UNUSED int writing, void *data) {
  gboolean *asked = data;
  *asked = TRUE;
  return -1;
}

static BIO *open_file(int descriptor, const char *what, Secret *bytes, GError **error) {
  if (!read_all(descriptor, what, bytes, error))
    return NULL;
  ERR_clear_error();
  return BIO_new_mem_buf(bytes->size == 0 ? "" : (const char *)bytes->bytes, (int)bytes->size);
}

/* TRUE if the file ended, which is an error to OpenSSL, and nothing else was wrong. */
static gboolean has_ended(void) {
  unsigned long code = ERR_peek_last_error();
  gboolean ended = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  if (ended)
    ERR_clear_error();
  return ended;
}

static gboolean read_chain(TlsPair *pair, BIO *file, GError **error) {
  gboolean asked = FALSE;
  X509 *issuer;
  while ((issuer = PEM_read_bio_X509(file, NULL, no_passphrase, &asked)) != NULL)
    if (sk_X509_push(pair->chain, issuer) == 0) {
      X509_free(issuer);
      return fail(error, "the certificate's chain");
    }
  return has_ended() || fail(error, "the certificate's chain");
}

static gboolean read_certificate(TlsPair *pair, int descriptor, GError **error) {
  g_auto(Secret) bytes = {0};
  gboolean asked = FALSE;
  g_autoptr(BIO) file = open_file(descriptor, "the certificate", &bytes, error);
  if (file == NULL)
    return FALSE;
  pair->certificate = PEM_read_bio_X509_AUX(file, NULL, no_passphrase, &asked);
  if (pair->certificate == NULL && has_ended())
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "the certificate: there is none in the file, in PEM form");
  if (pair->certificate == NULL)
    return fail(error, "the certificate");
  return read_chain(pair, file, error);
}

static gboolean read_key(TlsPair *pair, int descriptor, GError **error) {
  g_auto(Secret) bytes = {0};
  gboolean asked = FALSE;
  g_autoptr(BIO) file = open_file(descriptor, "the private key", &bytes, error);
  if (file == NULL)
    return FALSE;
  pair->key = PEM_read_bio_PrivateKey(file, NULL, no_passphrase, &asked);
  if (pair->key != NULL)
    return TRUE;
  if (asked) {
    ERR_clear_error();
    return error_set(
        error, REGISTRY_ERROR_INVALID_VALUE,
        "the private key: it is encrypted, and nobody is there to give the passphrase");
  }
  if (has_ended())
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "the private key: there is none in the file, in PEM form");
  return fail(error, "the private key");
}

/* ---- the pair ---- */

/* Whether a server takes them, at the level of security that ours has too. */
static gboolean check_pair(const TlsPair *pair, GError **error) {
  if (X509_check_private_key(pair->certificate, pair->key) != 1) {
    ERR_clear_error();
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "the private key: it belongs to another certificate");
  }
  g_autoptr(SSL_CTX) trial = SSL_CTX_new(TLS_server_method());
  if (trial == NULL)
    return fail(error, "TLS");
  SSL_CTX_set_security_level(trial, TLS_SECURITY_LEVEL);
  return SSL_CTX_use_cert_and_key(trial, pair->certificate, pair->key, pair->chain, 1) == 1 ||
         fail(error, "the certificate");
}

TlsPair *tls_pair_new(int certificate, int key, GError **error) {
  g_autoptr(TlsPair) pair = g_new0(TlsPair, 1);
  g_atomic_ref_count_init(&pair->references);
  pair->chain = sk_X509_new_null();
  if (pair->chain == NULL) {
    fail(error, "TLS");
    return NULL;
  }
  if (!read_certificate(pair, certificate, error) || !read_key(pair, key, error) ||
      !check_pair(pair, error))
    return NULL;
  return g_steal_pointer(&pair);
}

TlsPair *tls_pair_ref(TlsPair *pair) {
  g_atomic_ref_count_inc(&pair->references);
  return pair;
}

void tls_pair_unref(TlsPair *pair) {
  if (pair == NULL || !g_atomic_ref_count_dec(&pair->references))
    return;
  X509_free(pair->certificate);
  sk_X509_pop_free(pair->chain, X509_free);
  EVP_PKEY_free(pair->key);
  g_free(pair);
}

gboolean tls_pair_equal(const TlsPair *left, const TlsPair *right) {
  if (left == NULL || right == NULL)
    return left == right;
  /* The key belongs to the certificate, so it is the same if that is. */
  if (X509_cmp(left->certificate, right->certificate) != 0 ||
      sk_X509_num(left->chain) != sk_X509_num(right->chain))
    return FALSE;
  for (int i = 0; i < sk_X509_num(left->chain); i++)
    if (X509_cmp(sk_X509_value(left->chain, i), sk_X509_value(right->chain, i)) != 0)
      return FALSE;
  return TRUE;
}

/* ---- facts ---- */

static char *describe_subject(const X509 *certificate) {
  g_autoptr(BIO) out = BIO_new(BIO_s_mem());
  char *text = NULL;
  if (out == NULL ||
      X509_NAME_print_ex(out, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0)
    return g_strdup("");
  long size = BIO_get_mem_data(out, &text);
  g_autofree char *whole = g_strndup(text, (gsize)CLAMP(size, 0, MAX_SUBJECT));
  return g_str_to_ascii(whole, "C");
}

static char *describe_key(const EVP_PKEY *key) {
  char curve[64] = "";
  int kind = EVP_PKEY_get_base_id(key);
  const char *name = OBJ_nid2sn(kind);
  if (kind == EVP_PKEY_RSA || kind == EVP_PKEY_RSA_PSS)
    return g_strdup_printf("%s %d", kind == EVP_PKEY_RSA ? "RSA" : "RSA-PSS",
                           EVP_PKEY_get_bits(key));
  if (kind != EVP_PKEY_EC)
    return g_strdup(name != NULL ? name : "unknown");
  (void)EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof curve, NULL);
  const char *nist = EC_curve_nid2nist(OBJ_sn2nid(curve));
  return g_strdup_printf("EC %s", nist != NULL ? nist : curve);
}

static char *describe_fingerprint(const X509 *certificate) {
  guint8 digest[EVP_MAX_MD_SIZE];
  guint size = 0;
  GString *text = g_string_new(NULL);
  if (X509_digest(certificate, EVP_sha256(), digest, &size) == 1)
    for (guint i = 0; i < size; i++)
      g_string_append_printf(text, "%s%02X", i == 0 ? "" : ":", digest[i]);
  return g_string_free(text, FALSE);
}

static gint64 get_seconds(const ASN1_TIME *time, gint64 otherwise) {
  struct tm parts = {0};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? (gint64)timegm(&parts) : otherwise;
}

static gboolean covers(X509 *certificate, const char *host) {
  g_autofree char *name = host[0] == '*' ? g_strconcat(ANY_LABEL, host + 1, NULL) : g_strdup(host);
  return *host == '\0' ||
         X509_check_host(certificate, name, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
}

void tls_pair_get_facts(const TlsPair *pair, const char *host, TlsFacts *facts) {
  const X509 *certificate = pair->certificate;
  *facts = (TlsFacts){
      .subject = describe_subject(certificate),
      .algorithm = describe_key(pair->key),
      .fingerprint = describe_fingerprint(certificate),
      .not_before = get_seconds(X509_get0_notBefore(certificate), G_MININT64),
      .not_after = get_seconds(X509_get0_notAfter(certificate), G_MAXINT64),
      .covers = covers(pair->certificate, host),
  };
  ERR_clear_error();
}

void tls_facts_clear(TlsFacts *facts) {
  g_free(facts->subject);
  g_free(facts->algorithm);
  g_free(facts->fingerprint);
  *facts = (TlsFacts){0};
}
