/* tls.h: one SSL_CTX for each pair of files. */
#include "mailauth/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <unistd.h>

#include "client/base/error.h"
#include "mailauth/limits.h"
#include "mailauth/secret.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)

/* RFC 9325, section 4.2; TLS 1.3 has its own list, which OpenSSL keeps well. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

static gboolean fail(GError **error, const char *what) {
  unsigned long code = ERR_get_error();
  const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
  ERR_clear_error();
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "%s: %s", what,
                   reason == NULL ? "not usable" : reason);
}

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

/* Nobody is there to be asked for one. */
static int no_passphrase(char *buffer G_GNUC_UNUSED, int size G_GNUC_UNUSED,
                         int writing G_GNUC_UNUSED, void *data G_GNUC_UNUSED) {
  return -1;
}

static BIO *open_file(int descriptor, const char *what, Secret *bytes, GError **error) {
  if (!read_all(descriptor, what, bytes, error))
    return NULL;
  return BIO_new_mem_buf(bytes->size == 0 ? "" : (const char *)bytes->bytes, (int)bytes->size);
}

static gboolean use_certificate(SSL_CTX *context, int descriptor, GError **error) {
  g_auto(Secret) bytes = {0};
  g_autoptr(BIO) file = open_file(descriptor, "the certificate", &bytes, error);
  if (file == NULL)
    return FALSE;
  g_autoptr(X509) own = PEM_read_bio_X509_AUX(file, NULL, no_passphrase, NULL);
  if (own == NULL || SSL_CTX_use_certificate(context, own) != 1)
    return fail(error, "the certificate");
  X509 *issuer;
  while ((issuer = PEM_read_bio_X509(file, NULL, no_passphrase, NULL)) != NULL)
    if (SSL_CTX_add0_chain_cert(context, issuer) != 1) {
      X509_free(issuer);
      return fail(error, "the certificate's chain");
    }
  /* The end of the file is an error to PEM_read_bio_X509(). */
  ERR_clear_error();
  return TRUE;
}

static gboolean use_key(SSL_CTX *context, int descriptor, GError **error) {
  g_auto(Secret) bytes = {0};
  g_autoptr(BIO) file = open_file(descriptor, "the private key", &bytes, error);
  if (file == NULL)
    return FALSE;
  g_autoptr(EVP_PKEY) key = PEM_read_bio_PrivateKey(file, NULL, no_passphrase, NULL);
  if (key == NULL || SSL_CTX_use_PrivateKey(context, key) != 1 ||
      SSL_CTX_check_private_key(context) != 1)
    return fail(error, "the private key");
  return TRUE;
}

void tls_context_set_minimum(SSL_CTX *context, guint16 minimum_version) {
  SSL_CTX_set_min_proto_version(context, MAX(minimum_version, TLS1_2_VERSION));
}

static void configure(SSL_CTX *context, guint16 minimum_version) {
  static const unsigned char identity[] = "mailauthd";
  tls_context_set_minimum(context, minimum_version);
  SSL_CTX_set_cipher_list(context, CIPHERS);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_CLEANSE_PLAINTEXT |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF);
  /* Thousands of connections are idle: their buffers go back between records. */
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  /* Resumption by tickets, which cost no memory here. */
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(context, identity, sizeof identity - 1);
  SSL_CTX_set_num_tickets(context, 1);
}

SSL_CTX *tls_context_new(int certificate, int key, guint16 minimum_version, GError **error) {
  g_autoptr(SSL_CTX) context = SSL_CTX_new(TLS_server_method());
  if (context == NULL) {
    fail(error, "TLS");
    return NULL;
  }
  configure(context, minimum_version);
  if (!use_certificate(context, certificate, error) || !use_key(context, key, error))
    return NULL;
  return g_steal_pointer(&context);
}
