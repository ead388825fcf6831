/* SPDX-License-Identifier: MIT */
/* A connection that does not block: see backend-stream.h. */
#include "mailauth/backend/backend-stream.h"

#include <errno.h>
#include <glib-unix.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/base/error.h"
#include "mailauth/settings/fingerprint.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)

struct BackendStream {
  int descriptor;
  SSL *tls;
  char *fingerprints; /* that the certificate must have one of; NULL: the context proves it */
  gboolean connected;
  BackendStreamReady ready;
  gpointer data;
  guint source;
  GIOCondition watched;
  /* What reading and writing wait for: with TLS either may wait for either. */
  GIOCondition read_needs, write_needs;
};

BackendStream *backend_stream_new(int descriptor, SSL_CTX *tls, const char *host,
                                  BackendStreamReady ready, gpointer data) {
  BackendStream *stream = g_new0(BackendStream, 1);
  stream->descriptor = descriptor;
  stream->ready = ready;
  stream->data = data;
  stream->read_needs = G_IO_IN;
  stream->write_needs = G_IO_OUT;
  if (tls == NULL)
    return stream;
  stream->tls = SSL_new(tls);
  SSL_set_fd(stream->tls, descriptor);
  SSL_set_connect_state(stream->tls);
  SSL_set_mode(stream->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  X509_VERIFY_PARAM *verify = SSL_get0_param(stream->tls);
  if (X509_VERIFY_PARAM_set1_ip_asc(verify, host) != 1) {
    X509_VERIFY_PARAM_set1_host(verify, host, 0);
    SSL_set_tlsext_host_name(stream->tls, host);
  }
  ERR_clear_error();
  return stream;
}

void backend_stream_pin(BackendStream *stream, const char *fingerprints) {
  g_free(stream->fingerprints);
  stream->fingerprints = g_strdup(fingerprints);
  SSL_set_verify(stream->tls, SSL_VERIFY_NONE, NULL);
}

void backend_stream_free(BackendStream *stream) {
  if (stream == NULL)
    return;
  if (stream->source != 0)
    g_source_remove(stream->source);
  SSL_free(stream->tls);
  g_free(stream->fingerprints);
  if (stream->descriptor >= 0)
    close(stream->descriptor);
  g_free(stream);
}

static gboolean on_io(G_GNUC_UNUSED int descriptor, G_GNUC_UNUSED GIOCondition condition,
                      gpointer data) {
  BackendStream *stream = data;
  /* The callback sets what is watched again. */
  stream->source = 0;
  stream->watched = 0;
  stream->ready(stream->data);
  return G_SOURCE_REMOVE;
}

void backend_stream_watch(BackendStream *stream, GIOCondition want) {
  GIOCondition condition = 0;
  if (want & G_IO_IN)
    condition |= stream->read_needs;
  if (want & G_IO_OUT)
    condition |= stream->write_needs;
  if (condition == stream->watched)
    return;
  if (stream->source != 0)
    g_source_remove(stream->source);
  stream->source = 0;
  stream->watched = condition;
  if (condition != 0)
    stream->source =
        g_unix_fd_add(stream->descriptor, condition | G_IO_HUP | G_IO_ERR, on_io, stream);
}

void backend_stream_set_ready(BackendStream *stream, BackendStreamReady ready, gpointer data) {
  backend_stream_watch(stream, 0);
  stream->ready = ready;
  stream->data = data;
}

static BackendStreamResult result_of_tls(BackendStream *stream, int result, GIOCondition *needs) {
  int code = SSL_get_error(stream->tls, result);
  ERR_clear_error();
  if (code == SSL_ERROR_WANT_READ)
    *needs = G_IO_IN;
  else if (code == SSL_ERROR_WANT_WRITE)
    *needs = G_IO_OUT;
  else
    return code == SSL_ERROR_ZERO_RETURN ? BACKEND_STREAM_ENDED : BACKEND_STREAM_FAILED;
  return BACKEND_STREAM_AGAIN;
}

static BackendStreamResult finish_connecting(BackendStream *stream, GError **error) {
  int number = 0;
  socklen_t size = sizeof number;
  if (getsockopt(stream->descriptor, SOL_SOCKET, SO_ERROR, &number, &size) != 0)
    number = errno;
  if (number != 0) {
    error_set(error, REGISTRY_ERROR_UNREACHABLE, "%s", g_strerror(number));
    return BACKEND_STREAM_FAILED;
  }
  stream->connected = TRUE;
  return BACKEND_STREAM_DONE;
}

static BackendStreamResult check_fingerprint(const BackendStream *stream, GError **error) {
  guint8 digest[EVP_MAX_MD_SIZE] = {0};
  unsigned int size = 0;
  g_autoptr(X509) certificate = SSL_get1_peer_certificate(stream->tls);
  gboolean known = certificate != NULL &&
                   X509_digest(certificate, EVP_sha256(), digest, &size) == 1 &&
                   size == FINGERPRINT_BYTES && fingerprints_have(stream->fingerprints, digest);
  if (known)
    return BACKEND_STREAM_DONE;
  error_set(error, REGISTRY_ERROR_UNREACHABLE,
            "TLS: its certificate is not the one that `Backend Fingerprint` names");
  return BACKEND_STREAM_FAILED;
}

BackendStreamResult backend_stream_handshake(BackendStream *stream, GError **error) {
  if (!stream->connected && finish_connecting(stream, error) != BACKEND_STREAM_DONE)
    return BACKEND_STREAM_FAILED;
  if (stream->tls == NULL)
    return BACKEND_STREAM_DONE;
  int result = SSL_do_handshake(stream->tls);
  stream->read_needs = G_IO_IN;
  if (result == 1)
    return stream->fingerprints == NULL ? BACKEND_STREAM_DONE : check_fingerprint(stream, error);
  BackendStreamResult answer = result_of_tls(stream, result, &stream->read_needs);
  if (answer == BACKEND_STREAM_AGAIN)
    return BACKEND_STREAM_AGAIN;
  long verified = SSL_get_verify_result(stream->tls);
  error_set(error, REGISTRY_ERROR_UNREACHABLE, "TLS: %s",
            verified != X509_V_OK ? X509_verify_cert_error_string(verified)
                                  : "the handshake has failed");
  return BACKEND_STREAM_FAILED;
}

static BackendStreamResult result_of_socket(ssize_t count) {
  if (count == 0)
    return BACKEND_STREAM_ENDED;
  return errno == EAGAIN || errno == EINTR ? BACKEND_STREAM_AGAIN : BACKEND_STREAM_FAILED;
}

BackendStreamResult backend_stream_read(BackendStream *stream, void *bytes, gsize *size) {
  if (stream->tls != NULL) {
    stream->read_needs = G_IO_IN;
    int result = SSL_read_ex(stream->tls, bytes, *size, size);
    return result == 1 ? BACKEND_STREAM_DONE : result_of_tls(stream, result, &stream->read_needs);
  }
  ssize_t count = recv(stream->descriptor, bytes, *size, 0);
  *size = count > 0 ? (gsize)count : 0;
  return count > 0 ? BACKEND_STREAM_DONE : result_of_socket(count);
}

BackendStreamResult backend_stream_write(BackendStream *stream, const void *bytes, gsize *size) {
  if (stream->tls != NULL) {
    stream->write_needs = G_IO_OUT;
    int result = SSL_write_ex(stream->tls, bytes, *size, size);
    return result == 1 ? BACKEND_STREAM_DONE : result_of_tls(stream, result, &stream->write_needs);
  }
  ssize_t count = send(stream->descriptor, bytes, *size, MSG_NOSIGNAL);
  *size = count > 0 ? (gsize)count : 0;
  return count > 0 ? BACKEND_STREAM_DONE : result_of_socket(count);
}

void backend_stream_shut_down(BackendStream *stream) {
  if (stream->tls != NULL)
    SSL_shutdown(stream->tls);
  else
    shutdown(stream->descriptor, SHUT_WR);
  ERR_clear_error();
}

int backend_stream_steal_descriptor(BackendStream *stream) {
  int descriptor = stream->descriptor;
  backend_stream_watch(stream, 0);
  stream->descriptor = -1;
  return descriptor;
}
