/* SPDX-License-Identifier: MIT */
/* See backend-trust.h. Reading the system's authorities takes milliseconds: a context is
 * kept, under what tells its file's state. */
#include "mailauth/backend/backend-trust.h"

#include <openssl/err.h>
#include <sys/stat.h>

#include "client/base/error.h"

/* As many as there are protocols, and some that were set before. */
#define MAX_CONTEXTS 8U

struct BackendTrust {
  GHashTable *contexts; /* state of a file -> SSL_CTX */
};

static void context_free(gpointer data) {
  SSL_CTX_free(data);
}

BackendTrust *backend_trust_new(void) {
  BackendTrust *trust = g_new0(BackendTrust, 1);
  trust->contexts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, context_free);
  return trust;
}

void backend_trust_free(BackendTrust *trust) {
  if (trust == NULL)
    return;
  g_hash_table_unref(trust->contexts);
  g_free(trust);
}

/* The same text as long as the file is the same. */
static char *describe_file(const char *file) {
  struct stat status = {0};
  if (*file == '\0' || stat(file, &status) != 0)
    return g_strdup(file);
  return g_strdup_printf("%s %ju %ju %jd %jd.%09ld", file, (uintmax_t)status.st_dev,
                         (uintmax_t)status.st_ino, (intmax_t)status.st_size,
                         (intmax_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

static SSL_CTX *make_context(const char *ca_file, GError **error) {
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  gboolean loaded = *ca_file == '\0' ? SSL_CTX_set_default_verify_paths(context) == 1
                                     : SSL_CTX_load_verify_file(context, ca_file) == 1;
  if (loaded)
    return context;
  unsigned long code = ERR_peek_last_error();
  error_set(error, REGISTRY_ERROR_INVALID_VALUE, "`Backend CA File`, %s: %s", ca_file,
            code != 0 ? ERR_reason_error_string(code) : "it can't be read");
  ERR_clear_error();
  SSL_CTX_free(context);
  return NULL;
}

SSL_CTX *backend_trust_get_context(BackendTrust *trust, const char *ca_file, GError **error) {
  g_autofree char *state = describe_file(ca_file);
  SSL_CTX *context = g_hash_table_lookup(trust->contexts, state);
  if (context != NULL)
    return context;
  context = make_context(ca_file, error);
  if (context == NULL)
    return NULL;
  /* Connections that stand hold their own references. */
  if (g_hash_table_size(trust->contexts) >= MAX_CONTEXTS)
    g_hash_table_remove_all(trust->contexts);
  g_hash_table_insert(trust->contexts, g_steal_pointer(&state), context);
  return context;
}
