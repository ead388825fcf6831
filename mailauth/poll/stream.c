/* SPDX-License-Identifier: MIT */
/* stream.h: read(), write() and their TLS counterparts with one set of results. */
#include "mailauth/poll/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mailauth/base/limits.h"

void stream_open(Stream *stream, int descriptor) {
  *stream = (Stream){.descriptor = descriptor, .read_waits = EPOLLIN, .write_waits = EPOLLOUT};
}

void stream_close(Stream *stream) {
  g_clear_pointer(&stream->tls, SSL_free);
  if (stream->descriptor >= 0)
    close(stream->descriptor);
  stream->descriptor = -1;
}

/* After a TLS call that gave nothing. */
static StreamResult explain(Stream *stream, int result, guint32 *waits) {
  int problem = SSL_get_error(stream->tls, result);
  if (problem == SSL_ERROR_SSL)
    stream->problem = ERR_reason_error_string(ERR_peek_error());
  ERR_clear_error();
  if (problem == SSL_ERROR_WANT_READ || problem == SSL_ERROR_WANT_WRITE) {
    *waits = problem == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT;
    return STREAM_WAIT;
  }
  return problem == SSL_ERROR_ZERO_RETURN ? STREAM_END : STREAM_BROKEN;
}

static gboolean is_temporary(int problem) {
  return problem == EAGAIN || problem == EWOULDBLOCK || problem == EINTR;
}

/* Before and after OpenSSL reads the socket. It reads on by itself as long as
 * records come that hold no bytes for us, key updates and refused renegotiations
 * without end. */
static long on_socket_use(BIO *socket, int operation, G_GNUC_UNUSED const char *bytes,
                          G_GNUC_UNUSED size_t size, G_GNUC_UNUSED int number,
                          G_GNUC_UNUSED long long_number, int result, size_t *done) {
  Stream *stream = (Stream *)(gpointer)BIO_get_callback_arg(socket);
  if (operation == BIO_CB_READ && stream->budget == 0) {
    BIO_set_retry_read(socket);
    return -1;
  }
  size_t *count = done;
  if (operation == (BIO_CB_READ | BIO_CB_RETURN) && result > 0 && count != NULL)
    stream->budget -= MIN(stream->budget, *count);
  return result;
}

StreamResult stream_read(Stream *stream, guint8 *bytes, gsize size, gsize *done) {
  stream->read_waits = EPOLLIN;
  if (stream->tls != NULL) {
    ERR_clear_error();
    stream->budget = MAX_TLS_INPUT;
    int result = SSL_read_ex(stream->tls, bytes, size, done);
    return result == 1 ? STREAM_DONE : explain(stream, result, &stream->read_waits);
  }
  ssize_t count = recv(stream->descriptor, bytes, size, MSG_DONTWAIT);
  if (count == 0)
    return STREAM_END;
  if (count < 0)
    return is_temporary(errno) ? STREAM_WAIT : STREAM_BROKEN;
  *done = (gsize)count;
  return STREAM_DONE;
}

static StreamResult write_with(Stream *stream, const guint8 *bytes, gsize size, gsize *done,
                               int flags) {
  stream->write_waits = EPOLLOUT;
  if (stream->tls != NULL) {
    ERR_clear_error();
    int result = SSL_write_ex(stream->tls, bytes, size, done);
    return result == 1 ? STREAM_DONE : explain(stream, result, &stream->write_waits);
  }
  ssize_t count = send(stream->descriptor, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT | flags);
  if (count < 0)
    return is_temporary(errno) ? STREAM_WAIT : STREAM_BROKEN;
  *done = (gsize)count;
  return STREAM_DONE;
}

StreamResult stream_write(Stream *stream, const guint8 *bytes, gsize size, gsize *done) {
  return write_with(stream, bytes, size, done, 0);
}

StreamResult stream_write_last(Stream *stream, const guint8 *bytes, gsize size, gsize *done) {
  return write_with(stream, bytes, size, done, MSG_MORE);
}

gboolean stream_may_have_more(const Stream *stream, gsize size, gsize done) {
  return stream->tls != NULL || done == size;
}

gboolean stream_has_pending(const Stream *stream) {
  return stream->tls != NULL && SSL_pending(stream->tls) > 0;
}

void stream_end_writing(Stream *stream) {
  if (stream->end_is_told)
    return;
  stream->end_is_told = TRUE;
  if (stream->tls != NULL && SSL_is_init_finished(stream->tls)) {
    ERR_clear_error();
    SSL_shutdown(stream->tls);
    ERR_clear_error();
  }
  shutdown(stream->descriptor, SHUT_WR);
}

/* OpenSSL calls read() and write(). */
static void set_non_blocking(int descriptor) {
  int flags = fcntl(descriptor, F_GETFL);
  if ((flags & O_NONBLOCK) == 0)
    fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
}

gboolean stream_begin_tls(Stream *stream, SSL_CTX *context) {
  set_non_blocking(stream->descriptor);
  SSL *tls = SSL_new(context);
  if (tls == NULL || SSL_set_fd(tls, stream->descriptor) != 1) {
    SSL_free(tls);
    ERR_clear_error();
    return FALSE;
  }
  SSL_set_accept_state(tls);
  BIO_set_callback_arg(SSL_get_rbio(tls), (char *)stream);
  BIO_set_callback_ex(SSL_get_rbio(tls), on_socket_use);
  stream->budget = MAX_HANDSHAKE_INPUT;
  stream->tls = tls;
  return TRUE;
}

StreamResult stream_handshake(Stream *stream) {
  ERR_clear_error();
  int result = SSL_do_handshake(stream->tls);
  if (result == 1)
    return STREAM_DONE;
  StreamResult explained = explain(stream, result, &stream->read_waits);
  return explained == STREAM_WAIT && stream->budget == 0 ? STREAM_BROKEN : explained;
}

gboolean stream_has_heard(const Stream *stream) {
  return stream->budget < MAX_HANDSHAKE_INPUT;
}
