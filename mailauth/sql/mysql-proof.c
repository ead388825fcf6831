/* SPDX-License-Identifier: MIT */
/* See mysql-proof.h. */
#include "mailauth/sql/mysql-proof.h"

#include <errmsg.h>
#include <ma_pvio.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* How libmariadb calls an error that no SQLSTATE tells. */
#define NO_SQLSTATE "HY000"

/* The beginning of libmariadb's MARIADB_TLS, the same in 3.1 to 3.4: the header that declares it
 * includes one that is not installed. */
typedef struct {
  void *data;
  MARIADB_PVIO *pvio;
  void *session; /* OpenSSL's */
} Tls;

/* An object of another library than the one that is linked here can't be asked. */
static gboolean is_of_this_openssl(MYSQL *server) {
  const char *library = NULL;
  return mariadb_get_infov(server, MARIADB_TLS_LIBRARY, (void *)&library) == 0 &&
         *library != '\0' && g_str_has_prefix(OpenSSL_version(OPENSSL_VERSION), library);
}

static gboolean is_named(X509 *certificate, const char *host) {
  return host != NULL && (X509_check_host(certificate, host, 0, 0, NULL) == 1 ||
                          X509_check_ip_asc(certificate, host, 0) == 1);
}

static const char *find_fault(MYSQL *server, const Tls *tls) {
  if (!is_of_this_openssl(server) || tls->pvio != server->net.pvio)
    return "the server's certificate can't be checked with this libmariadb, which does not use "
           "mailauthd's OpenSSL";
  X509 *certificate = SSL_get0_peer_certificate(tls->session);
  long verdict = SSL_get_verify_result(tls->session);
  if (certificate == NULL)
    return "the server has shown no certificate";
  if (verdict != X509_V_OK)
    return X509_verify_cert_error_string(verdict);
  return is_named(certificate, server->host)
             ? NULL
             : "the server's certificate is not in the name of this host";
}

#ifdef MARIADB_TLS_VERIFY_UNKNOWN
/* libmariadb's, of its option. Not 0: the connection is given up. */
static int check_server(void *data, G_GNUC_UNUSED unsigned int flags) {
  const Tls *tls = data;
  MYSQL *server = tls->pvio->mysql;
  const char *fault = find_fault(server, tls);
  if (fault == NULL)
    return 0;
  tls->pvio->set_error(server, CR_SSL_CONNECTION_ERROR, NO_SQLSTATE, "TLS/SSL error: %s", fault);
  /* Without it a server at 127.0.0.1 is forgiven. */
  server->net.tls_verify_status |= MARIADB_TLS_VERIFY_UNKNOWN;
  return 1;
}

void mysql_proof_set_up(MYSQL *server) {
  mysql_optionsv(server, MARIADB_OPT_TLS_VERIFICATION_CALLBACK, check_server);
}
#else
void mysql_proof_set_up(G_GNUC_UNUSED MYSQL *server) {
}
#endif

const char *mysql_proof_find_fault(MYSQL *server) {
  return find_fault(server, (const Tls *)server->net.pvio->ctls);
}
