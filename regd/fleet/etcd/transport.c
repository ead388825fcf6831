/* SPDX-License-Identifier: MIT */
/* See transport.h. libcurl's functions must not be called from inside its callbacks, nor handles
 * be freed there. So what comes in is queued, and told from the loop once libcurl has returned.
 *
 * Where libcurl and gRPC disagree about how a call ended, gRPC's status wins: etcd tells "no
 * leader" by a status and then resets the stream. */
#include "regd/fleet/etcd/transport.h"

#include <curl/curl.h>
#include <string.h>

/* A connection that is not used for so long is closed. */
#define IDLE_SECONDS 30L
#define CONNECT_TIMEOUT_MS 3000L
/* For dead connections; etcd's own sign of life is asked for besides. */
#define KEEPALIVE_SECONDS 15L

struct Transport {
  gatomicrefcount references;
  CURLM *multi;
  const TransportFiles *files;
  GHashTable *sources; /* socket -> SocketSource */
  GPtrArray *streams;  /* of Stream, each holds a reference */
  GQueue pending;      /* of Stream, that have something to tell; each holds a reference */
  guint timer;
  guint64 bytes;
  gboolean dead;
};

struct Stream {
  gatomicrefcount references;
  Transport *transport; /* NULL once it has ended */
  CURL *easy;
  struct curl_slist *headers;
  StreamEvents events;
  GQueue out;        /* of GBytes: frames to send */
  gsize sent;        /* of the first of them */
  gboolean finished; /* nothing follows those */
  gboolean paused;   /* libcurl waits to be told of more to send */
  gboolean begun;    /* libcurl has taken bytes to send */
  gboolean answered; /* something of HTTP has come */
  GrpcReader reader;
  GrpcStatus status;
  gboolean broken; /* what came is not gRPC */
  gboolean done;
  gboolean queued;
  CURLcode result;
  char problem[CURL_ERROR_SIZE];
};

typedef struct {
  GSource source;
  gpointer tag;
  Transport *transport;
  curl_socket_t socket;
} SocketSource;

static void run(Transport *transport, curl_socket_t socket, int events);

gboolean transport_set_up(void) {
  return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

void transport_tear_down(void) {
  curl_global_cleanup();
}

/* ---- references ---- */

static void transport_unref(Transport *transport) {
  if (!g_atomic_ref_count_dec(&transport->references))
    return;
  g_ptr_array_unref(transport->streams);
  g_hash_table_unref(transport->sources);
  g_free(transport);
}

static void stream_unref(Stream *stream) {
  if (!g_atomic_ref_count_dec(&stream->references))
    return;
  curl_slist_free_all(stream->headers);
  g_queue_clear_full(&stream->out, (GDestroyNotify)(void (*)(void))g_bytes_unref);
  grpc_reader_clear(&stream->reader);
  grpc_status_clear(&stream->status);
  g_free(stream);
}

static void unref_stream(gpointer stream) {
  stream_unref(stream);
}

/* Takes the stream out of libcurl, which must not be running. */
static void detach(Stream *stream) {
  Transport *transport = stream->transport;
  if (transport == NULL)
    return;
  stream->transport = NULL;
  (void)curl_multi_remove_handle(transport->multi, stream->easy);
  curl_easy_cleanup(stream->easy);
  stream->easy = NULL;
  g_ptr_array_remove_fast(transport->streams, stream);
}

/* ---- telling ---- */

/* With TLS 1.3 a server judges a client's certificate after the client has begun to talk, and says
 * so by an alert, which libcurl has no code for. */
static gboolean is_alert(const char *problem) {
  return strstr(problem, "alert") != NULL &&
         (strstr(problem, "certificate") != NULL || strstr(problem, "unknown ca") != NULL);
}

static gboolean is_rejected(const Stream *stream) {
  CURLcode result = stream->result;
  return result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CERTPROBLEM ||
         result == CURLE_SSL_CACERT_BADFILE || result == CURLE_SSL_ISSUER_ERROR ||
         is_alert(stream->problem);
}

/* Whether TLS was made up anew for this stream, and then the other end has hung up: etcd does so,
 * without a word, when it finds the client's certificate on a list of revoked ones. */
static gboolean is_hung_up(const Stream *stream) {
  curl_off_t connected_us = 0;
  long connections = 0;
  (void)curl_easy_getinfo(stream->easy, CURLINFO_APPCONNECT_TIME_T, &connected_us);
  (void)curl_easy_getinfo(stream->easy, CURLINFO_NUM_CONNECTS, &connections);
  return stream->result != CURLE_OK && stream->result != CURLE_OPERATION_TIMEDOUT &&
         connected_us > 0 && connections > 0 && !stream->answered;
}

static void tell_end(Stream *stream) {
  TransportEnd end = {.code = GRPC_UNAVAILABLE,
                      .sent = stream->begun || stream->status.known,
                      .rejected = is_rejected(stream),
                      .hung_up = is_hung_up(stream),
                      .too_large = stream->reader.too_large};
  if (stream->broken) {
    end.code = GRPC_INTERNAL;
    end.text =
        end.too_large ? "it answers more than is read at a time" : "what it answers is not gRPC";
  } else if (stream->status.known) {
    end.code = stream->status.code;
    end.text = stream->status.message != NULL ? stream->status.message : "no reason given";
  } else {
    end.text = stream->problem[0] != '\0'   ? stream->problem
               : stream->result == CURLE_OK ? "the answer ended without a status"
                                            : curl_easy_strerror(stream->result);
  }
  g_autofree char *text = grpc_make_printable(end.text);
  end.text = text;
  detach(stream);
  stream->events.end(&end, stream->events.data);
}

static void tell(Stream *stream) {
  GBytes *message;
  gboolean broken = FALSE;
  while (stream->transport != NULL &&
         (message = grpc_reader_take(&stream->reader, &broken)) != NULL) {
    stream->events.message(message, stream->events.data);
    g_bytes_unref(message);
  }
  if (stream->transport == NULL)
    return;
  stream->broken |= broken;
  if (stream->done || stream->broken)
    tell_end(stream);
}

static void tell_pending(Transport *transport) {
  Stream *stream;
  g_atomic_ref_count_inc(&transport->references);
  while ((stream = g_queue_pop_head(&transport->pending)) != NULL) {
    stream->queued = FALSE;
    tell(stream);
    stream_unref(stream);
  }
  transport_unref(transport);
}

static void queue_stream(Stream *stream) {
  if (stream->queued)
    return;
  stream->queued = TRUE;
  g_atomic_ref_count_inc(&stream->references);
  g_queue_push_tail(&stream->transport->pending, stream);
}

/* ---- libcurl's callbacks ---- */

static size_t on_read(char *buffer, size_t size, size_t count, void *data) {
  Stream *stream = data;
  gsize room = size * count;
  GBytes *frame = g_queue_peek_head(&stream->out);
  stream->paused = frame == NULL && !stream->finished;
  if (frame == NULL)
    return stream->finished ? 0 : CURL_READFUNC_PAUSE;
  gsize length;
  const guint8 *bytes = g_bytes_get_data(frame, &length);
  gsize taken = MIN(room, length - stream->sent);
  memcpy(buffer, bytes + stream->sent, taken);
  stream->begun = TRUE;
  stream->sent += taken;
  if (stream->sent == length) {
    g_bytes_unref(g_queue_pop_head(&stream->out));
    stream->sent = 0;
  }
  return taken;
}

static size_t on_write(char *bytes, size_t size, size_t count, void *data) {
  Stream *stream = data;
  grpc_reader_feed(&stream->reader, bytes, size * count);
  stream->transport->bytes += size * count;
  queue_stream(stream);
  return size * count;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *data) {
  Stream *stream = data;
  stream->answered = TRUE;
  grpc_status_read(&stream->status, bytes, size * count);
  return size * count;
}

/* ---- sockets and the timer ---- */

static gboolean on_socket(GSource *source, G_GNUC_UNUSED GSourceFunc callback,
                          G_GNUC_UNUSED gpointer data) {
  SocketSource *self = (SocketSource *)source;
  GIOCondition condition = g_source_query_unix_fd(source, self->tag);
  int events = ((condition & (G_IO_IN | G_IO_HUP)) != 0 ? CURL_CSELECT_IN : 0) |
               ((condition & G_IO_OUT) != 0 ? CURL_CSELECT_OUT : 0) |
               ((condition & G_IO_ERR) != 0 ? CURL_CSELECT_ERR : 0);
  run(self->transport, self->socket, events);
  return G_SOURCE_CONTINUE;
}

static const GSourceFuncs socket_functions = {.dispatch = on_socket};

static GIOCondition condition_of(int what) {
  return G_IO_ERR | G_IO_HUP | ((what & CURL_POLL_IN) != 0 ? G_IO_IN : 0) |
         ((what & CURL_POLL_OUT) != 0 ? G_IO_OUT : 0);
}

static int on_socket_wanted(G_GNUC_UNUSED CURL *easy, curl_socket_t socket, int what, void *data,
                            G_GNUC_UNUSED void *known) {
  Transport *transport = data;
  SocketSource *self = g_hash_table_lookup(transport->sources, GINT_TO_POINTER(socket));
  if (what == CURL_POLL_REMOVE) {
    g_hash_table_remove(transport->sources, GINT_TO_POINTER(socket));
    return 0;
  }
  if (self != NULL) {
    g_source_modify_unix_fd(&self->source, self->tag, condition_of(what));
    return 0;
  }
  /* GLib takes a source's functions without const, and does not write to them. */
  GSource *source = g_source_new((GSourceFuncs *)(guintptr)&socket_functions, sizeof(SocketSource));
  self = (SocketSource *)source;
  self->transport = transport;
  self->socket = socket;
  self->tag = g_source_add_unix_fd(source, socket, condition_of(what));
  g_source_set_static_name(source, "libcurl socket");
  g_source_attach(source, NULL);
  g_hash_table_insert(transport->sources, GINT_TO_POINTER(socket), source);
  return 0;
}

static gboolean on_timeout(gpointer data) {
  Transport *transport = data;
  transport->timer = 0;
  run(transport, CURL_SOCKET_TIMEOUT, 0);
  return G_SOURCE_REMOVE;
}

static int on_timer_wanted(G_GNUC_UNUSED CURLM *multi, long timeout_ms, void *data) {
  Transport *transport = data;
  g_clear_handle_id(&transport->timer, g_source_remove);
  if (timeout_ms >= 0 && !transport->dead)
    transport->timer = g_timeout_add((guint)MIN(timeout_ms, G_MAXINT32), on_timeout, transport);
  return 0;
}

static void run(Transport *transport, curl_socket_t socket, int events) {
  int running, waiting;
  const CURLMsg *message;
  g_atomic_ref_count_inc(&transport->references);
  (void)curl_multi_socket_action(transport->multi, socket, events, &running);
  while ((message = curl_multi_info_read(transport->multi, &waiting)) != NULL) {
    Stream *stream = NULL;
    if (message->msg != CURLMSG_DONE)
      continue;
    (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&stream);
    stream->done = TRUE;
    stream->result = message->data.result;
    queue_stream(stream);
  }
  tell_pending(transport);
  transport_unref(transport);
}

/* ---- transports ---- */

static void destroy_source(gpointer data) {
  g_source_destroy(data);
  g_source_unref(data);
}

Transport *transport_new(const TransportFiles *files) {
  Transport *transport = g_new0(Transport, 1);
  g_atomic_ref_count_init(&transport->references);
  transport->files = files;
  transport->multi = curl_multi_init();
  transport->sources = g_hash_table_new_full(NULL, NULL, NULL, destroy_source);
  transport->streams = g_ptr_array_new_with_free_func(unref_stream);
  (void)curl_multi_setopt(transport->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
  (void)curl_multi_setopt(transport->multi, CURLMOPT_SOCKETDATA, transport);
  (void)curl_multi_setopt(transport->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
  (void)curl_multi_setopt(transport->multi, CURLMOPT_TIMERDATA, transport);
  (void)curl_multi_setopt(transport->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
  return transport;
}

void transport_free(Transport *transport) {
  if (transport == NULL)
    return;
  transport->dead = TRUE;
  while (transport->streams->len > 0)
    stream_cancel(transport->streams->pdata[0]);
  g_clear_handle_id(&transport->timer, g_source_remove);
  (void)curl_multi_cleanup(transport->multi);
  g_clear_handle_id(&transport->timer, g_source_remove);
  transport->multi = NULL;
  g_queue_clear_full(&transport->pending, unref_stream);
  g_hash_table_remove_all(transport->sources);
  transport_unref(transport);
}

gboolean transport_is_idle(const Transport *transport) {
  return transport->streams->len == 0;
}

guint64 transport_get_bytes(const Transport *transport) {
  return transport->bytes;
}

/* ---- streams ---- */

/* libcurl would keep the authorities for a day, and resume sessions that an earlier certificate has
 * begun. */
static void set_tls(CURL *easy, const TransportFiles *files) {
  (void)curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
  (void)curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
  (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  if (files->ca_file != NULL) {
    (void)curl_easy_setopt(easy, CURLOPT_CAINFO, files->ca_file);
    (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
  }
  if (files->certificate != NULL)
    (void)curl_easy_setopt(easy, CURLOPT_SSLCERT, files->certificate);
  if (files->private_key != NULL)
    (void)curl_easy_setopt(easy, CURLOPT_SSLKEY, files->private_key);
}

static void set_http(Stream *stream, const StreamTarget *target) {
  g_autofree char *url = g_strconcat(target->endpoint, target->method, NULL);
  CURL *easy = stream->easy;
  (void)curl_easy_setopt(easy, CURLOPT_URL, url);
  (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
  (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, stream->headers);
  (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
  (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
  (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)target->timeout_ms);
  (void)curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_SECONDS);
  /* One that is ended early leaves unread data behind, which would hold up its successor. */
  (void)curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, target->timeout_ms == 0 ? 1L : 0L);
  (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_SECONDS);
  (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_SECONDS);
}

static void set_callbacks(Stream *stream) {
  CURL *easy = stream->easy;
  (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, stream);
  (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, stream->problem);
  (void)curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
  (void)curl_easy_setopt(easy, CURLOPT_READDATA, stream);
  (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
  (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, stream);
  (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, stream);
}

/* `hasleader`: a member that is cut off from the others ends the call instead of answering with
 * what it knew. `Expect` would wait for an answer that never comes. */
static struct curl_slist *make_headers(const char *token) {
  static const char *const lines[] = {"content-type: application/grpc", "te: trailers",
                                      "hasleader: true", "expect:"};
  struct curl_slist *headers = NULL;
  for (guint i = 0; i < G_N_ELEMENTS(lines); i++)
    headers = curl_slist_append(headers, lines[i]);
  if (token != NULL) {
    g_autofree char *line = g_strconcat("token: ", token, NULL);
    headers = curl_slist_append(headers, line);
  }
  return headers;
}

Stream *transport_open(Transport *transport, const StreamTarget *target,
                       const StreamEvents *events) {
  Stream *stream = g_new0(Stream, 1);
  g_atomic_ref_count_init(&stream->references);
  stream->transport = transport;
  stream->events = *events;
  stream->headers = make_headers(target->token);
  stream->easy = curl_easy_init();
  g_queue_init(&stream->out);
  grpc_reader_init(&stream->reader);
  set_tls(stream->easy, transport->files);
  set_http(stream, target);
  set_callbacks(stream);
  g_ptr_array_add(transport->streams, stream);
  (void)curl_multi_add_handle(transport->multi, stream->easy);
  return stream;
}

static void go_on(Stream *stream) {
  if (!stream->paused)
    return;
  stream->paused = FALSE;
  (void)curl_easy_pause(stream->easy, CURLPAUSE_CONT);
}

void stream_send(Stream *stream, GBytes *message) {
  g_queue_push_tail(&stream->out, grpc_frame(message));
  go_on(stream);
}

void stream_finish(Stream *stream) {
  stream->finished = TRUE;
  go_on(stream);
}

void stream_cancel(Stream *stream) {
  if (stream != NULL)
    detach(stream);
}
