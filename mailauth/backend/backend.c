/* SPDX-License-Identifier: MIT */
/* Mailboxes at a mail server behind: see backend.h. The conversation itself is
 * backend-dialog.c; here are connections, TLS, time, and the handing over. */
#include "mailauth/backend/backend.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/base/error.h"
#include "mailauth/backend/backend-dialog.h"
#include "mailauth/backend/backend-trust.h"
#include "mailauth/backend/pump.h"
#include "mailauth/backend/socket-owner.h"
#include "mailauth/base/client-address.h"
#include "mailauth/base/limits.h"
#include "mailauth/settings/backend-address.h"

#define BACKEND_SECONDS 15
/* A line of the server's, and all it may say before it has answered. */
#define MAX_LINE 8192U

typedef struct Attempt Attempt;

/* How the last attempt at a protocol's `Backend` went. */
typedef struct {
  char *server;  /* as the setting has it */
  char *problem; /* NULL: it was reached */
} LastAttempt;

struct Backends {
  Dialer *dialer;
  GHashTable *attempts; /* a set of Attempt */
  GHashTable *pumps;    /* a set of Pump */
  BackendTrust *trust;
  LastAttempt last[N_PROTOCOLS];
};

struct Attempt {
  Backends *backends;
  BackendAddress address;
  char *server; /* the protocol's `Backend`; NULL: it is an account's own */
  char *ca_file;
  char *fingerprint;
  BackendDialog *dialog;
  guint64 dial; /* under way, or 0 */
  BackendStream *stream;
  gboolean greeted; /* connected, and TLS stands */
  GString *in, *out;
  guint timer;
  BackendOpened opened;
  gpointer data;
};

Backends *backends_new(Dialer *dialer) {
  Backends *backends = g_new0(Backends, 1);
  backends->dialer = dialer;
  backends->attempts = g_hash_table_new(NULL, NULL);
  backends->trust = backend_trust_new();
  backends->pumps = g_hash_table_new_full(NULL, NULL, (GDestroyNotify)pump_free, NULL);
  return backends;
}

static void wipe_string(GString *string) {
  explicit_bzero(string->str, string->allocated_len);
  g_string_free(string, TRUE);
}

static void attempt_free(Attempt *attempt) {
  g_hash_table_remove(attempt->backends->attempts, attempt);
  if (attempt->dial != 0)
    dialer_cancel(attempt->backends->dialer, attempt->dial);
  if (attempt->timer != 0)
    g_source_remove(attempt->timer);
  backend_stream_free(attempt->stream);
  backend_dialog_free(attempt->dialog);
  g_string_free(attempt->in, TRUE);
  wipe_string(attempt->out);
  backend_address_clear(&attempt->address);
  g_free(attempt->server);
  g_free(attempt->ca_file);
  g_free(attempt->fingerprint);
  g_free(attempt);
}

void backends_free(Backends *backends) {
  if (backends == NULL)
    return;
  g_autoptr(GList) attempts = g_hash_table_get_keys(backends->attempts);
  for (GList *link = attempts; link != NULL; link = link->next)
    attempt_free(link->data);
  g_hash_table_unref(backends->attempts);
  g_hash_table_unref(backends->pumps);
  for (guint i = 0; i < N_PROTOCOLS; i++) {
    g_free(backends->last[i].server);
    g_free(backends->last[i].problem);
  }
  backend_trust_free(backends->trust);
  g_free(backends);
}

guint backends_count_pumps(const Backends *backends) {
  return g_hash_table_size(backends->pumps);
}

const char *backends_get_problem(const Backends *backends, Protocol protocol, const char *server) {
  const LastAttempt *last = &backends->last[protocol];
  return g_strcmp0(last->server, server) == 0 ? last->problem : NULL;
}

/* ---- the end of an attempt ---- */

/* The newest counts: a problem that is over is none. */
static void note_end(const Attempt *attempt, const char *problem) {
  LastAttempt *last = &attempt->backends->last[attempt->address.protocol];
  if (attempt->server == NULL)
    return;
  g_free(last->server);
  g_free(last->problem);
  *last = (LastAttempt){g_strdup(attempt->server), g_strdup(problem)};
}

static void fail(Attempt *attempt, Outcome outcome, const char *what) {
  const BackendAddress *address = &attempt->address;
  g_autofree char *detail =
      g_strdup_printf("%s: %s", address->path != NULL ? address->path : address->host, what);
  ServerWord word = backend_dialog_get_word(attempt->dialog);
  g_autofree char *alert = g_strdup(word.alert);
  word.alert = alert;
  const BackendResult result = {
      .outcome = outcome, .detail = detail, .descriptor = -1, .word = word};
  note_end(attempt, outcome == OUTCOME_BACKEND_UNREACHABLE ? detail : NULL);
  BackendOpened opened = attempt->opened;
  gpointer data = attempt->data;
  attempt_free(attempt);
  opened(&result, data);
}

static gboolean on_late(gpointer data) {
  Attempt *attempt = data;
  attempt->timer = 0;
  fail(attempt, OUTCOME_BACKEND_UNREACHABLE, "it does not answer in time");
  return G_SOURCE_REMOVE;
}

static void on_pump_ended(Pump *pump, gpointer data) {
  const Backends *backends = data;
  g_hash_table_remove(backends->pumps, pump);
}

/* The stream that the dialogue was on is freed, not handed on: its TLS is in
 * the middle of a connection, and goes to the pump as it is. */
static int hand_to_pump(Attempt *attempt) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    return -1;
  Backends *backends = attempt->backends;
  Pump *pump = pump_new(on_pump_ended, backends);
  g_hash_table_add(backends->pumps, pump);
  BackendStream *server = g_steal_pointer(&attempt->stream);
  backend_stream_set_ready(server, pump_ready, pump);
  BackendStream *front = backend_stream_new(ends[0], NULL, NULL, pump_ready, pump);
  pump_start(pump, server, front);
  return ends[1];
}

/* What the client gets after the OK that it is told: an alert came before the server's own. */
static GBytes *dup_pending(const Attempt *attempt) {
  const char *alert = backend_dialog_get_word(attempt->dialog).alert;
  GString *pending = g_string_new(NULL);
  if (alert != NULL && *alert != '\0')
    g_string_append_printf(pending, "* OK [ALERT] %s\r\n", alert);
  g_string_append_len(pending, attempt->in->str, (gssize)attempt->in->len);
  return g_string_free_to_bytes(pending);
}

static void succeed(Attempt *attempt) {
  g_autofree char *capabilities = g_strdup(backend_dialog_get_capabilities(attempt->dialog));
  g_autoptr(GBytes) pending = dup_pending(attempt);
  int descriptor = attempt->address.tls ? hand_to_pump(attempt)
                                        : backend_stream_steal_descriptor(attempt->stream);
  if (descriptor < 0) {
    fail(attempt, OUTCOME_BACKEND_UNREACHABLE, g_strerror(errno));
    return;
  }
  const BackendResult result = {
      .descriptor = descriptor, .capabilities = capabilities, .pending = pending};
  note_end(attempt, NULL);
  BackendOpened opened = attempt->opened;
  gpointer data = attempt->data;
  attempt_free(attempt);
  opened(&result, data);
}

/* ---- the conversation ---- */

/* One line that is there whole, or NULL. */
static char *take_line(GString *in) {
  char *end = memchr(in->str, '\n', in->len);
  if (end == NULL)
    return NULL;
  gsize size = (gsize)(end - in->str);
  gsize length = size > 0 && in->str[size - 1] == '\r' ? size - 1 : size;
  char *line = g_strndup(in->str, length);
  g_string_erase(in, 0, (gssize)size + 1);
  return line;
}

/* TRUE if the attempt goes on. */
static gboolean answer_lines(Attempt *attempt) {
  for (;;) {
    g_autofree char *line = take_line(attempt->in);
    if (line == NULL)
      break;
    Outcome outcome = OUTCOME_BACKEND_REFUSED;
    DialogResult result = backend_dialog_feed(attempt->dialog, line, attempt->out, &outcome);
    if (result == DIALOG_GO_ON)
      continue;
    if (result == DIALOG_DONE)
      succeed(attempt);
    else
      fail(attempt, outcome, backend_dialog_get_answer(attempt->dialog));
    return FALSE;
  }
  if (attempt->in->len <= MAX_LINE)
    return TRUE;
  fail(attempt, OUTCOME_BACKEND_REFUSED, "its answer has no end");
  return FALSE;
}

/* TRUE if all is sent, or the rest has to wait. */
static gboolean send_out(Attempt *attempt) {
  while (attempt->out->len > 0) {
    gsize size = attempt->out->len;
    BackendStreamResult result = backend_stream_write(attempt->stream, attempt->out->str, &size);
    if (result == BACKEND_STREAM_AGAIN)
      return TRUE;
    if (result != BACKEND_STREAM_DONE)
      return FALSE;
    g_string_erase(attempt->out, 0, (gssize)size);
  }
  return TRUE;
}

/* TRUE if it is to be gone on with. */
static gboolean converse(Attempt *attempt) {
  char bytes[1024];
  while (send_out(attempt)) {
    gsize size = sizeof bytes;
    BackendStreamResult result = backend_stream_read(attempt->stream, bytes, &size);
    if (result == BACKEND_STREAM_AGAIN)
      return TRUE;
    if (result != BACKEND_STREAM_DONE) {
      fail(attempt, OUTCOME_BACKEND_UNREACHABLE, "it has closed the connection");
      return FALSE;
    }
    g_string_append_len(attempt->in, bytes, (gssize)size);
    if (!answer_lines(attempt))
      return FALSE;
  }
  fail(attempt, OUTCOME_BACKEND_UNREACHABLE, "it takes nothing more");
  return FALSE;
}

/* ---- connecting ---- */

static void on_ready(gpointer data) {
  Attempt *attempt = data;
  if (!attempt->greeted) {
    g_autoptr(GError) error = NULL;
    BackendStreamResult result = backend_stream_handshake(attempt->stream, &error);
    if (result == BACKEND_STREAM_FAILED) {
      fail(attempt, OUTCOME_BACKEND_UNREACHABLE, error->message);
      return;
    }
    attempt->greeted = result == BACKEND_STREAM_DONE;
  }
  if (attempt->greeted && !converse(attempt))
    return;
  backend_stream_watch(attempt->stream, attempt->out->len > 0 ? G_IO_IN | G_IO_OUT : G_IO_IN);
}

/* Without TLS. A name may stand for any address: it is judged before anything is said. */
static gboolean check_peer(const Attempt *attempt, int descriptor, GError **error) {
  struct sockaddr_storage socket = {0};
  socklen_t size = sizeof socket;
  if (attempt->address.path != NULL)
    return socket_owner_check(descriptor, attempt->address.path, error);
  if (getpeername(descriptor, (struct sockaddr *)&socket, &size) == 0) {
    ClientAddress address = client_address_from_socket(&socket);
    if (backend_address_is_privileged(&address, attempt->address.port))
      return TRUE;
  }
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE, BACKEND_IN_THE_CLEAR);
}

static gboolean begin_stream(Attempt *attempt, int descriptor, GError **error) {
  SSL_CTX *tls = NULL;
  if (attempt->address.tls) {
    tls = backend_trust_get_context(attempt->backends->trust, attempt->ca_file, error);
    if (tls == NULL)
      return FALSE;
  }
  attempt->stream = backend_stream_new(descriptor, tls, attempt->address.host, on_ready, attempt);
  if (tls != NULL && *attempt->fingerprint != '\0')
    backend_stream_pin(attempt->stream, attempt->fingerprint);
  return TRUE;
}

static void on_connected(int descriptor, const char *problem, gpointer data) {
  Attempt *attempt = data;
  g_autoptr(GError) error = NULL;
  attempt->dial = 0;
  if (descriptor < 0) {
    fail(attempt, OUTCOME_BACKEND_UNREACHABLE, problem);
    return;
  }
  if ((attempt->address.tls || check_peer(attempt, descriptor, &error)) &&
      begin_stream(attempt, descriptor, &error)) {
    backend_stream_watch(attempt->stream, G_IO_OUT);
    return;
  }
  close(descriptor);
  fail(attempt, OUTCOME_BACKEND_UNREACHABLE, error->message);
}

static void copy_address(BackendAddress *copy, const BackendAddress *address) {
  *copy = *address;
  copy->host = g_strdup(address->host);
  copy->path = g_strdup(address->path);
}

static void begin_dial(Attempt *attempt, const BackendRequest *request) {
  gboolean is_own = request->own != NULL;
  const DialerTarget target = {is_own ? request->account : "",
                               is_own ? request->own : request->settings->backend_text,
                               BACKEND_SECONDS * 1000};
  attempt->dial = dialer_dial(attempt->backends->dialer, &target, on_connected, attempt);
}

void backends_open(Backends *backends, const BackendRequest *request, BackendOpened opened,
                   gpointer data) {
  const ProtocolSettings *settings = request->settings;
  Attempt *attempt = g_new0(Attempt, 1);
  attempt->backends = backends;
  copy_address(&attempt->address, request->own != NULL ? request->own_address : &settings->backend);
  attempt->server = request->own != NULL ? NULL : g_strdup(settings->backend_text);
  attempt->ca_file = g_strdup(settings->backend_ca_file);
  attempt->fingerprint = g_strdup(settings->backend_fingerprint);
  attempt->dialog =
      backend_dialog_new(attempt->address.protocol, request->account, settings->backend_master_user,
                         settings->backend_master_password);
  backend_dialog_tell(attempt->dialog, request->client, request->client_port);
  attempt->in = g_string_new(NULL);
  /* Room for the credentials, so that it is not moved while it holds them. */
  attempt->out = g_string_sized_new(MAX_LINE);
  attempt->opened = opened;
  attempt->data = data;
  attempt->timer = g_timeout_add_seconds(BACKEND_SECONDS, on_late, attempt);
  g_hash_table_add(backends->attempts, attempt);
  begin_dial(attempt, request);
}
